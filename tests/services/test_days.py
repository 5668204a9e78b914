"""Days and moments by the clock of the portal's time zone."""

from datetime import UTC, date, datetime

import pytest
import time_machine

from services.days import end_of_day, last_day, write_moment
from services.errors_apps import DayUnsuitable

pytestmark = pytest.mark.usefixtures("context")

BERLIN = pytest.mark.settings(GATEPOST_TIME_ZONE="Europe/Berlin")
LOS_ANGELES = pytest.mark.settings(GATEPOST_TIME_ZONE="America/Los_Angeles")
EVENING = "2026-11-25T00:30:00+00:00"
"""In Los Angeles it is still the 24th, half past four in the afternoon."""


@pytest.mark.parametrize(
    ("day", "end"),
    [
        pytest.param("2027-03-05", datetime(2027, 3, 6, tzinfo=UTC), id="UTC"),
        pytest.param("2027-03-05", datetime(2027, 3, 5, 23, tzinfo=UTC), marks=BERLIN, id="winter"),
        pytest.param(
            "2027-07-30", datetime(2027, 7, 30, 22, tzinfo=UTC), marks=BERLIN, id="summer"
        ),
        pytest.param(
            "2027-03-28", datetime(2027, 3, 28, 22, tzinfo=UTC), marks=BERLIN, id="of 23 h"
        ),
    ],
)
def test_a_day_ends_at_midnight_where_the_portal_is(day: str, end: datetime) -> None:
    assert end_of_day(day) == end
    assert last_day(end) == date.fromisoformat(day)


@LOS_ANGELES
@time_machine.travel(EVENING, tick=False)
def test_today_is_what_it_is_there() -> None:
    assert end_of_day("2026-11-24") == datetime(2026, 11, 25, 8, tzinfo=UTC)
    with pytest.raises(DayUnsuitable, match="is over"):
        end_of_day("2026-11-23")


@time_machine.travel(EVENING, tick=False)
def test_where_nothing_is_said_it_is_over_with_utc() -> None:
    with pytest.raises(DayUnsuitable, match="is over"):
        end_of_day("2026-11-24")


@BERLIN
def test_mails_tell_the_time_there_and_whose_it_is() -> None:
    assert write_moment(datetime(2026, 11, 27, 15, 4, tzinfo=UTC)) == "2026-11-27 16:04 CET"
