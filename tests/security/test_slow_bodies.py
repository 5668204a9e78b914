"""Senders who never finish what they send: pages and verdicts are answered all the same."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

from tests.scene import Scene

SLOW = 12
"""Three times the threads of a worker."""


@contextmanager
def slow_senders(url: str) -> Iterator[None]:
    """Forms that have begun, and of which no more comes until the block ends."""
    address = urlsplit(url)
    with ExitStack() as kept:
        for _ in range(SLOW):
            sender = kept.enter_context(
                socket.create_connection((address.hostname, address.port), timeout=10)
            )
            sender.sendall(
                b"POST /sign-in HTTP/1.1\r\nHost: %b\r\nContent-Length: 500\r\n"
                b"Content-Type: application/x-www-form-urlencoded\r\n\r\nemail="
                % address.netloc.encode()
            )
        yield


def test_slow_bodies_leave_threads_for_pages_and_verdicts(
    open_portal: Callable[..., Scene],
) -> None:
    scene = open_portal(workers=1)  # of several, one may get none of the senders
    with slow_senders(scene.url):
        for path, status in [("/readyz", 200), ("/sign-in", 200), ("/api/authz/auth-request", 400)]:
            assert scene.browser().get(path).status == status
        late = scene.browser().send("/sign-in", {"email": "ann@example.org"})
        assert late.status == 503
        assert int(late.headers["Retry-After"]) > 0
    assert answer_soon(scene) == 400


def answer_soon(scene: Scene) -> int:
    """The status of a form once the portal has noticed that the others hung up."""
    last = time.monotonic() + 10
    while (sent := scene.browser().send("/sign-in", {"email": "ann@example.org"})).status == 503:
        if time.monotonic() > last:
            break
        time.sleep(0.1)
    return sent.status
