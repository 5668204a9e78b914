"""What goes wrong between a portal and Twilio: answers for ``TwilioStandin.next_answers``."""

import os
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.standins.twilio import Answer, Handler


def refuse(status: int, code: object, words: str = "") -> Answer:
    """Twilio's JSON refusal."""
    return lambda handler: handler.refuse(status, code, words)


def say(status: int, body: str, content_type: str = "text/html") -> Answer:
    """Any body: an HTML page of a proxy, an empty answer, JSON of another kind."""
    return lambda handler: handler.reply(status, body.encode(), content_type)


def hang(seconds: float = 60.0) -> Answer:
    """Take the request and answer nothing."""
    return lambda handler: _hold(handler, seconds)


def drip_body(seconds: float = 60.0) -> Answer:
    """A good beginning, then a byte now and then."""
    return lambda handler: _drip(
        handler, b"HTTP/1.1 201 Created\r\nContent-Length: 9999\r\n\r\n", seconds
    )


def drip_header(seconds: float = 60.0) -> Answer:
    """A header that never ends."""
    return lambda handler: _drip(handler, b"HTTP/1.1 201 Created\r\nX-Slow: ", seconds)


def reset(handler: Handler) -> None:
    """Take the request, then reset the connection."""
    linger = struct.pack("ii", 1, 0)
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    handler.close_connection = True
    os.close(handler.connection.detach())


def hang_up(handler: Handler) -> None:
    """Take the request, then close the connection without a word."""
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def closed_port() -> int:
    """A port of 127.0.0.1 where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _hold(handler: Handler, seconds: float) -> None:
    handler.server.standin.closing.wait(seconds)
    handler.close_connection = True


def _drip(handler: Handler, beginning: bytes, seconds: float) -> None:
    handler.wfile.write(beginning)
    end = time.monotonic() + seconds
    while time.monotonic() < end and not handler.server.standin.closing.wait(0.1):
        handler.wfile.write(b"x")
    handler.close_connection = True


@contextmanager
def dripping_server(beginning: bytes) -> Iterator[int]:
    """A server of any protocol that says ``beginning`` and then a byte now and then; its port."""
    closing = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_drip_once, args=(listener, beginning, closing))
        thread.start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            closing.set()
            thread.join()


def _drip_once(listener: socket.socket, beginning: bytes, closing: threading.Event) -> None:
    listener.settimeout(10)
    with suppress(OSError), listener.accept()[0] as connection:
        connection.sendall(beginning)
        while not closing.wait(0.1):
            connection.sendall(b"x")
