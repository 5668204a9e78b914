"""What one process remembers of app sessions while PostgreSQL tells it that none was ended.

Somebody who hears of every end (``watch``) keeps it sure; without them nothing is
remembered, and every request reads the database. Only a "yes" ever comes from here.
"""

import time
from collections.abc import Hashable
from typing import Any

SURE_SECONDS = 1.0
"""How long one sign of life makes sure."""
MOST = 10_000
"""Entries; about a kilobyte each."""

Known = dict[Hashable, Any]


class Memory:
    """Facts by what they were asked with.

    A reader takes ``known()`` before it reads and puts what it found into that same
    dictionary. So what was read before an end, and is put in after it, goes into one that
    nobody looks at any more.
    """

    def __init__(self) -> None:
        self._known: Known = {}
        self._sure_until = 0.0

    def known(self) -> Known | None:
        """What is remembered; None where that cannot be relied upon now."""
        if time.monotonic() >= self._sure_until:
            return None
        if len(self._known) >= MOST:
            self._known = {}
        return self._known

    def be_sure(self, since: float) -> None:
        """All that ended before ``since`` (of ``time.monotonic``) has been heard of."""
        self._sure_until = since + SURE_SECONDS

    def forget(self) -> None:
        """Something ended."""
        self._known = {}

    def doubt(self) -> None:
        """Nobody is listening any more."""
        self._sure_until = 0.0
        self._known = {}
