"""The catalogue, whole: what ``test_pages.py`` checks and ``take_screenshots.py`` shoots."""

from tests.browser import (
    states,
    states_apps,
    states_dev,
    states_on_the_way,
    states_second_step,
    states_signed_in,
    states_signed_out,
)

ROOMS = (
    states_apps,
    states_dev,
    states_on_the_way,
    states_second_step,
    states_signed_in,
    states_signed_out,
)
"""Each puts its states into the catalogue as it is read."""

ALL = states.ALL
