"""Takes in the body of a request before Flask does, so that slow senders hold up few threads.

A server's thread waits for a body as long as its sender likes. A proxy that keeps bodies
until they are whole ends that; where there is none, only some threads of a process wait,
and the others go on answering pages and verdicts. Decides nothing about who may enter.
"""

import threading
from collections.abc import Iterable
from io import BytesIO
from typing import TYPE_CHECKING

from flask import Flask

from blueprints.guard import SAFE_METHODS
from config import Config

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

MOST_WAITING = 3
"""Threads of a process that wait for a body; it has four, unless it is told otherwise."""
PATIENCE_SECONDS = 0.02
"""How long one more waits for its place: a body that is there already takes no time, and who
waits holds a thread, too.
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
        self._places = threading.BoundedSemaphore(MOST_WAITING)

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer 503 where too many others wait for theirs."""
        length = self._length(environ)
        if length and not self._take(environ, length):
            start_response("503 Service Unavailable", _BUSY_HEADERS)
            return [_BUSY]
        return self._inner(environ, start_response)

    def _length(self, environ: "WSGIEnvironment") -> int:
        """Bytes to wait for; none of a body that is too long, or that nobody will read."""
        if environ.get("REQUEST_METHOD") in SAFE_METHODS:
            return 0
        length = environ.get("CONTENT_LENGTH") or ""
        if length.isdecimal():
            return int(length) if int(length) <= self._most_bytes else 0
        return self._most_bytes + 1 if environ.get("wsgi.input_terminated") else 0

    def _take(self, environ: "WSGIEnvironment", length: int) -> bool:
        if not self._places.acquire(timeout=PATIENCE_SECONDS):
            return False
        try:
            environ["wsgi.input"] = BytesIO(environ["wsgi.input"].read(length))
        finally:
            self._places.release()
        return True
