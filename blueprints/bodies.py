"""Takes in the body of a request before Flask does, so that slow senders hold up few threads.

A server's thread waits for a body as long as its sender likes. A proxy that keeps bodies
until they are whole ends that; where there is none, only some threads of a process wait,
and the others go on answering pages and verdicts. Decides nothing about who may enter.
"""

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING

from flask import Flask

from blueprints.guard import SAFE_METHODS
from config import Config

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

MOST_WAITING = 3
"""Threads of a process that wait for a body; it has four, unless it is told otherwise."""
SLOW_SECONDS = 0.5
"""A body that takes longer is slow. Where all that are waited for are slow, one more is refused at
once, for who waits holds a thread, too; else a place is free in a moment, however many come.
"""

_BUSY = b"The portal is busy. Try again in a moment.\n"
_BUSY_HEADERS = [
    ("Content-Type", "text/plain"),
    ("Content-Length", str(len(_BUSY))),
    ("Cache-Control", "no-store"),
    ("Retry-After", "5"),
]


class Bodies:
    """Stands before Flask; what it hands on has its body with it."""

    def __init__(self, app: Flask, inner: "WSGIApplication") -> None:
        config: Config = app.extensions["gatepost"]
        self._inner, self._most_bytes = inner, config.request_bytes
        self._changed = threading.Condition()
        self._begun: list[float] = []
        """When each body that is waited for was begun, the latest last."""

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer 503 where too many others wait for theirs."""
        length = self._length(environ)
        if length:
            with self._place() as has_one:
                if not has_one:
                    start_response("503 Service Unavailable", _BUSY_HEADERS)
                    return [_BUSY]
                environ["wsgi.input"] = BytesIO(environ["wsgi.input"].read(length))
        return self._inner(environ, start_response)

    def _length(self, environ: "WSGIEnvironment") -> int:
        """Bytes to wait for; none of a body that is too long, or that nobody will read."""
        if environ.get("REQUEST_METHOD") in SAFE_METHODS:
            return 0
        length = environ.get("CONTENT_LENGTH") or ""
        if length.isdecimal():
            return int(length) if int(length) <= self._most_bytes else 0
        return self._most_bytes + 1 if environ.get("wsgi.input_terminated") else 0

    @contextmanager
    def _place(self) -> Iterator[bool]:
        """A place among those who wait, until the block ends; False where none will be free."""
        with self._changed:
            while len(self._begun) >= MOST_WAITING:
                left = self._begun[-1] + SLOW_SECONDS - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            has_one = len(self._begun) < MOST_WAITING
            begun = time.monotonic()
            if has_one:
                self._begun.append(begun)
        try:
            yield has_one
        finally:
            if has_one:
                with self._changed:
                    self._begun.remove(begun)
                    self._changed.notify()
