"""The doctor in the app's place: listens where the app does, and keeps what reaches it."""

import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from services.doctor.wire import split_address


class StandIn:
    """What came, by the path and query that it came with."""

    def __init__(self) -> None:
        self._came: dict[str, list[tuple[str, str]]] = {}

    def note(self, target: str, headers: Iterable[tuple[str, str]]) -> None:
        """Keep a request's headers, as they came."""
        self._came[target] = list(headers)

    def take(self, target: str) -> list[tuple[str, str]] | None:
        """The headers of the request for this path and query, or None where it did not come."""
        return self._came.pop(target, None)


@contextmanager
def listening(address: str) -> Iterator[StandIn]:
    """Listen at ``host:port`` until the block ends. Raises ``OSError`` where that is taken."""
    where, standin = split_address(address), StandIn()
    make = _ServerOfIPv6 if ":" in where[0] else ThreadingHTTPServer
    server = make(where, _handler_for(standin))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
    thread.start()
    try:
        yield standin
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _ServerOfIPv6(ThreadingHTTPServer):
    address_family = socket.AF_INET6


def _handler_for(standin: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            standin.note(self.path, self.headers.items())
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: there may be secrets in it."""

    return Handler
