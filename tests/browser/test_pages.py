"""Every page in every state: what it owes to whoever reads it, however they read it."""

import pytest

from tests.browser import catalogue, owes
from tests.browser.states import State
from tests.browser.visit import Visit


@pytest.mark.parametrize("state", catalogue.ALL, ids=lambda state: state.name)
def test_a_page_gives_what_it_owes(visit: Visit, state: State) -> None:
    state.show(visit)
    owes.check_words(visit.page, failed=state.status != 200)
    owes.check_axe(visit.page)
    owes.check_sizes(visit.page)
    owes.check_widths(visit.page)
    owes.check_keyboard(visit.page)
