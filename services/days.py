"""Days as people give them, "until Friday", the moments that they end at, and moments in mails.

All by the clock of the portal's time zone; what is stored stays in UTC.
"""

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext

from extensions import settings
from services.clock import now
from services.errors_apps import DayUnsuitable

LONGEST = timedelta(days=3660)


def end_of_day(text: str) -> datetime | None:
    """The moment after the last one of a day like ``2026-11-27``; None for an empty text.

    Raises ``DayUnsuitable`` for what is no day, is over, or is more than ten years away.
    """
    text = text.strip()
    if not text:
        return None
    day_after = _read(text) + timedelta(days=1)
    end = datetime.combine(day_after, time(), _zone()).astimezone(UTC)
    if end <= now():
        raise DayUnsuitable(lazy_gettext("This day is over. Choose today or a later day."))
    return end


def last_day(end: datetime | None) -> date | None:
    """The day that ends at a moment; None where nothing ends."""
    return (end - timedelta(microseconds=1)).astimezone(_zone()).date() if end else None


def write_moment(moment: datetime) -> str:
    """A moment as mails write it: ``2026-11-27 15:04 UTC``."""
    return moment.astimezone(_zone()).strftime("%Y-%m-%d %H:%M %Z")


def _zone() -> tzinfo:
    """The portal's time zone; UTC needs no time zone database."""
    name = settings().time_zone
    return UTC if name == "UTC" else ZoneInfo(name)


def _read(text: str) -> date:
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise ValueError
        day = date.fromisoformat(text)
    except ValueError as error:
        raise DayUnsuitable(lazy_gettext("Enter a day like 2026-11-27.")) from error
    if day > (now() + LONGEST).astimezone(_zone()).date():
        raise DayUnsuitable(lazy_gettext("Choose a day within the next ten years."))
    return day
