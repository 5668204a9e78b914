"""A mark that moves whenever somebody may have lost access, for a proxy that keeps verdicts.

It is a symbolic link. nginx has the place that it leads to among the keys of its cache
(``$realpath_root``), read for each request before the portal is asked: what was kept, or
is being asked, under an earlier place is never found again.
"""

import secrets
from contextlib import suppress
from pathlib import Path

import structlog

from services.clock import now

log = structlog.get_logger("gatepost.gate")

KEPT_SECONDS = 10
"""Earlier places are left so long: somebody may just be reading the link to one."""


class Mark:
    """The link at ``path``; any number of processes may move it."""

    def __init__(self, path: str) -> None:
        self._link = Path(path)

    def move(self) -> None:
        """Let it lead to a place where it never led before; tells the log where it cannot."""
        link, name = self._link, f".{self._link.name}-{secrets.token_hex(8)}"
        try:
            link.with_name(name).touch()
            new = link.with_name(f"{name}-link")
            new.symlink_to(name)
            new.replace(link)
            self._sweep()
        except OSError as error:
            log.error("gate_mark_not_moved", path=str(link), error=error.strerror)

    def _sweep(self) -> None:
        oldest = now().timestamp() - KEPT_SECONDS
        for place in self._link.parent.glob(f".{self._link.name}-*"):
            with suppress(FileNotFoundError):  # another process was faster
                if place.lstat().st_mtime < oldest:
                    place.unlink()
