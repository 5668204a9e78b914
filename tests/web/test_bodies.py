"""Bodies that come in before Flask sees their requests: a crowd is let through, slow ones wait."""

import threading
import time
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from flask import Flask

from blueprints.bodies import MOST_WAITING, SLOW_SECONDS, Bodies

Ask = Callable[[Any], str]


class Delayed(BytesIO):
    """A body of which the last byte comes a little later."""

    def read(self, size: int | None = -1) -> bytes:
        time.sleep(SLOW_SECONDS / 10)
        return super().read(size)


class Held(BytesIO):
    """A body that does not come before it is let go."""

    def __init__(self) -> None:
        super().__init__(b"email=")
        self.begun, self.let_go = threading.Event(), threading.Event()

    def read(self, size: int | None = -1) -> bytes:
        self.begun.set()
        assert self.let_go.wait(30)
        return super().read(size)


@pytest.fixture
def ask(app: Flask) -> Ask:
    """Posts a body to something that answers with what came in; gives the status."""

    def echo(environ: Any, start_response: Any) -> list[bytes]:
        body: bytes = environ["wsgi.input"].read()
        start_response("200 OK" if body == b"email=" else "400 Bad Request", [])
        return [body]

    bodies = Bodies(app, echo)

    def ask(body: Any) -> str:
        environ = {"REQUEST_METHOD": "POST", "CONTENT_LENGTH": "6", "wsgi.input": body}
        heard: list[str] = []
        list(bodies(environ, lambda status, _headers: heard.append(status)))  # type: ignore[arg-type,return-value]
        return heard[0][:3]

    return ask


def run(ask: Ask, bodies: list[Any]) -> tuple[list[threading.Thread], list[str]]:
    heard: list[str] = []
    threads = [threading.Thread(target=lambda b=body: heard.append(ask(b))) for body in bodies]
    for thread in threads:
        thread.start()
    return threads, heard


def test_a_crowd_is_let_through_whole(ask: Ask) -> None:
    threads, heard = run(ask, [Delayed(b"email=") for _ in range(8 * MOST_WAITING)])
    for thread in threads:
        thread.join(30)

    assert heard == ["200"] * (8 * MOST_WAITING)


def test_where_all_are_slow_one_more_is_refused_and_none_that_waits(ask: Ask) -> None:
    slow = [Held() for _ in range(MOST_WAITING)]
    threads, heard = run(ask, slow)
    assert all(body.begun.wait(30) for body in slow)

    assert ask(BytesIO(b"email=")) == "503"
    assert ask(BytesIO(b"email=")) == "503"
    for body in slow:
        body.let_go.set()
    for thread in threads:
        thread.join(30)
    assert heard == ["200"] * MOST_WAITING
    assert ask(BytesIO(b"email=")) == "200"
