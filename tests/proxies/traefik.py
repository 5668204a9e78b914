"""What Traefik does with generated lines, as its source has it: routers, ``headers``,
``forwardAuth``. Traefik itself is in no package registry.

From ``pkg/middlewares/forwardedheaders`` (the entry point replaces what visitors say), ``headers``
(an empty value deletes) and ``auth/forward.go``. No WebSockets.
"""

import http.client
import json
import re
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.proxies import kinds
from tests.standins.certificate import Certificate

PYTHON = kinds.VENV / "python"
"""Of the apps that are tested, which bring PyYAML."""

_OF_THE_ENTRY_POINT = (
    "X-Forwarded-Proto", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port",
    "X-Forwarded-Server", "X-Forwarded-Uri", "X-Forwarded-Method", "X-Forwarded-Prefix",
    "X-Forwarded-Tls-Client-Cert", "X-Forwarded-Tls-Client-Cert-Info", "X-Real-Ip",
)  # fmt: skip
_HOP_BY_HOP = (
    "Connection", "Keep-Alive", "Te", "Trailers", "Transfer-Encoding", "Upgrade",
    "Proxy-Authenticate", "Proxy-Authorization",
)  # fmt: skip


def read(lines: str, folder: Path) -> dict[str, Any]:
    """The lines as YAML; the caller has seen that ``PYTHON`` is there."""
    path = folder / "traefik.yaml"
    path.write_text(lines)
    script = "import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))"
    said = subprocess.run(
        [str(PYTHON), "-c", script, str(path)], capture_output=True, text=True, check=True
    )
    return dict(json.loads(said.stdout))


@dataclass
class Asked:
    """What a ``forwardAuth`` asked with, the last time."""

    headers: dict[str, str]


@contextmanager
def running(lines: dict[str, Any], certificate: Certificate) -> Iterator[tuple[int, Asked]]:
    """The emulation, until the block ends: its port, and what it asks with."""
    asked = Asked({})
    handler = type("Handler", (_Handler,), {"lines": lines["http"], "asked": asked})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_port, asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


class _Handler(BaseHTTPRequestHandler):
    lines: dict[str, Any]
    asked: Asked

    def _answer(self) -> None:
        if len(self.headers.get_all("Host") or []) != 1:  # so does Go
            self.send_error(400)
            return
        router = _find_router(self.lines["routers"], self.headers["Host"], self.path)
        if router is None:
            self.send_error(404)
            return
        _arrive(self)
        for name in router.get("middlewares", []):
            middleware = self.lines["middlewares"][name]
            for header, value in _headers_of(middleware).items():
                del self.headers[header]
                if value:
                    assert header == "Host"
                    self.headers[header] = value
            if "forwardAuth" in middleware and not self._is_let_in(middleware["forwardAuth"]):
                return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        server = self.lines["services"][router["service"]]["loadBalancer"]["servers"][0]["url"]
        self._hand_on(*_exchange(server, self.command, self.path, self.headers, body))

    def _is_let_in(self, forward_auth: dict[str, Any]) -> bool:
        sent = _ask_with(self, forward_auth)
        self.asked.headers = dict(sent.items())
        status, headers, body = _exchange(forward_auth["address"], "GET", "", sent, b"")
        if not 200 <= status < 300:
            self._hand_on(status, headers, body)
            return False
        for name in forward_auth["authResponseHeaders"]:
            del self.headers[name]
            for value in headers.get_all(name) or []:
                self.headers[name] = value
        return True

    def _hand_on(self, status: int, headers: Message, body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.title() not in _HOP_BY_HOP:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


for _method in ("GET", "HEAD", "POST", "PUT", "OPTIONS"):
    setattr(_Handler, f"do_{_method}", _Handler._answer)


def _find_router(routers: dict[str, Any], host: str, path: str) -> dict[str, Any] | None:
    """The router whose rule holds; the one with the highest priority, else the longest rule."""
    found = [router for router in routers.values() if _holds(router["rule"], host, path)]
    return max(found, key=lambda router: router.get("priority", len(router["rule"])), default=None)


def _holds(rule: str, host: str, path: str) -> bool:
    """For rules that are hosts, one of which it must be, and conditions on the path."""
    path = path.partition("?")[0]
    hosts, paths = (re.findall(rf"\b{what}\(`([^`]+)`\)", rule) for what in ("Host", "Path"))
    excluded = re.findall(r"!PathPrefix\(`([^`]+)`\)", rule)
    return (
        host.partition(":")[0].lower() in hosts
        and (not paths or path in paths)
        and not path.startswith(tuple(excluded) or "\0")
    )


def _arrive(handler: BaseHTTPRequestHandler) -> None:
    """At the entry point, which trusts nobody."""
    for name in _OF_THE_ENTRY_POINT:
        del handler.headers[name]
    for name, value in {
        "X-Forwarded-For": handler.client_address[0], "X-Real-Ip": handler.client_address[0],
        "X-Forwarded-Proto": "https", "X-Forwarded-Host": handler.headers["Host"],
        "X-Forwarded-Port": "443", "X-Forwarded-Server": "traefik",
    }.items():  # fmt: skip
        handler.headers[name] = value


def _headers_of(middleware: dict[str, Any]) -> dict[str, str]:
    return dict(middleware.get("headers", {}).get("customRequestHeaders", {}))


def _ask_with(handler: BaseHTTPRequestHandler, forward_auth: dict[str, Any]) -> Message:
    """``writeHeader``: what passes the list, and what it says itself."""
    allowed = {name.lower() for name in forward_auth.get("authRequestHeaders", [])}
    sent = Message()
    for name, value in handler.headers.items():
        if name.title() not in _HOP_BY_HOP and (not allowed or name.lower() in allowed):
            sent[name] = value
    trusts = forward_auth.get("trustForwardHeader", False)
    for name, value in {
        "X-Forwarded-For": handler.client_address[0], "X-Forwarded-Method": handler.command,
        "X-Forwarded-Proto": "https", "X-Forwarded-Host": handler.headers["Host"],
        "X-Forwarded-Uri": handler.path,
    }.items():  # fmt: skip
        said = handler.headers.get(name, "") if trusts else ""
        del sent[name]
        sent[name] = said or value
    if trusts and "X-Forwarded-Port" in handler.headers:
        sent["X-Forwarded-Port"] = handler.headers["X-Forwarded-Port"]
    return sent


def _exchange(
    server: str, method: str, target: str, headers: Message, body: bytes
) -> tuple[int, Message, bytes]:
    parts = urlsplit(server)
    connection = http.client.HTTPConnection(parts.netloc, timeout=20)
    try:
        connection.putrequest(method, target or parts.path, skip_host=True)
        sent = [pair for pair in headers.items() if pair[0].title() not in _HOP_BY_HOP]
        for name, value in sent if "Host" in headers else [("Host", parts.netloc), *sent]:
            connection.putheader(name, value)
        connection.endheaders(body or None)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()
