"""The time, from one function, so that every service means the same by "now".

Knows nothing else, and must not: tests move the clock, never this module.
"""

from datetime import UTC, datetime


def now() -> datetime:
    """The present moment, aware and in UTC."""
    return datetime.now(UTC)
