"""An end to every conversation with a provider, however slowly it still drips.

Socket timeouts bound each read, not the whole: a server that sends a byte now
and then holds a caller for ever. A ``Deadline`` cuts the watched connection
when its time is up, so that the blocked thread wakes by itself: no helper
threads pile up. Knows nothing of what is said over the connection.
"""

import contextlib
import os
import socket
import threading
import time
from types import TracebackType


class DeadlineReached(Exception):
    """Time was up before the conversation even began: nothing was sent."""


class Deadline:
    """Use as ``with Deadline(12) as deadline:``; the functions below find it in this thread."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None

    def __enter__(self) -> "Deadline":
        _here.deadline = self
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _here.deadline = None
        self._timer.cancel()
        with self._lock:
            self._release()

    @property
    def left(self) -> float:
        """Seconds that remain; never below 0."""
        return max(0.0, self._end - time.monotonic())

    def watch(self, connection: socket.socket) -> None:
        """Cut this connection, and no longer an earlier one, at the end.

        Raises ``DeadlineReached`` when the end has come already.
        """
        with self._lock:
            self._release()
            if not self.left:
                raise DeadlineReached
            # A handle of our own: cutting can never hit a reused descriptor, and TLS may
            # take the socket over meanwhile.
            self._connection = socket.socket(fileno=os.dup(connection.fileno()))

    def _cut(self) -> None:
        with self._lock, contextlib.suppress(OSError):
            if self._connection is not None:
                self._connection.shutdown(socket.SHUT_RDWR)

    def _release(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _Here(threading.local):
    deadline: Deadline | None = None


_here = _Here()


def watch(connection: socket.socket) -> None:
    """Put a connection under this thread's deadline, if any. Raises ``DeadlineReached``."""
    if _here.deadline is not None:
        _here.deadline.watch(connection)


def shorten(seconds: float) -> float:
    """A socket timeout that does not outlast this thread's deadline. Raises ``DeadlineReached``."""
    if _here.deadline is None:
        return seconds
    if not _here.deadline.left:
        raise DeadlineReached
    return min(seconds, _here.deadline.left)
