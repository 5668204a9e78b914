"""The app behind the proxies: tells in JSON what reached it, and echoes over a WebSocket.

``/status/401`` answers with that status, as an app with an opinion of its own would.
"""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_WEBSOCKET = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class _Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        if offered := self.headers.get_all("Upgrade"):
            self._echo_messages(", ".join(offered).lower())
            return
        body = self._read_body()
        told = {
            "method": self.command,
            "path": self.path,
            "headers": [[name.lower(), value] for name, value in self.headers.items()],
            "length": len(body),
            "sha256": hashlib.sha256(body).hexdigest(),
        }
        status = int(self.path.removeprefix("/status/")) if "/status/" in self.path else 200
        payload = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(payload)

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _echo_messages(self, offered: str) -> None:
        """Takes any tunnel up, as the least careful of apps does."""
        key = self.headers.get("Sec-WebSocket-Key", "").encode()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        accept = base64.b64encode(hashlib.sha1(key + _WEBSOCKET, usedforsecurity=False).digest())
        self.send_header("Sec-WebSocket-Accept", accept.decode())
        self.send_header("Seen-Upgrade", offered)
        self.send_header("Seen-Settings", self.headers.get("HTTP2-Settings", ""))
        self.send_header("Seen-User", self.headers.get("Remote-User", ""))
        self.end_headers()
        self.close_connection = True
        while (head := self.rfile.read(2)) and head[0] & 15 == 1:
            mask, text = self.rfile.read(4), self.rfile.read(head[1] & 127)
            plain = bytes(byte ^ mask[at % 4] for at, byte in enumerate(text))
            self.wfile.write(bytes([head[0], len(plain)]) + plain)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


for _method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"):
    setattr(_Echo, f"do_{_method}", _Echo._answer)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Proxies hang up when they please: nothing to tell."""


@contextmanager
def echoing() -> Iterator[str]:
    """The app, until the block ends: its ``host:port``."""
    server = _Server(("127.0.0.1", 0), _Echo)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
