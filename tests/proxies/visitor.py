"""A visitor's browser at the apps: raw HTTP/1.1 over TLS to a proxy, whatever the host is called.

Sends names and paths exactly as it is told, lies included. Keeps cookies by host and domain,
as browsers do. What leads to the portal goes to the portal's own port.
"""

import base64
import http.client
import json
import os
import re
import socket
import ssl
from dataclasses import dataclass, field
from functools import cached_property
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urljoin, urlsplit

from tests.client import new_address
from tests.standins.certificate import Certificate

NAVIGATION = {
    "Accept": "text/html,*/*;q=0.8",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Site": "none",
}
FETCH = {"Accept": "*/*", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"}
SECONDS = 20
PORTAL = "auth.example.org"


@dataclass(frozen=True)
class Answer:
    """What a proxy answered; ``told`` is what the app says it received."""

    url: str
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def location(self) -> str:
        """Where it leads, or ""."""
        return self.headers.get("Location", "")

    @cached_property
    def told(self) -> dict[str, Any]:
        """What reached the app."""
        assert self.status == 200, f"{self.status} {self.headers}\n{self.body[:2000]!r}"
        return dict(json.loads(self.body))

    def received(self, name: str) -> list[str]:
        """The app's values of a header, under any spelling that an app could take for it."""
        wanted = name.lower().replace("-", "_")
        return [
            value for key, value in self.told["headers"] if re.sub(r"[^a-z0-9]", "_", key) == wanted
        ]

    def identity(self, name: str) -> str:
        """The one value of an identity header, "" where it is empty or not there."""
        values = self.received(name)
        assert len(values) <= 1, values
        return values[0] if values else ""


@dataclass
class Visitor:
    """One browser. ``ports`` says where a host really answers."""

    certificate: Certificate
    proxy: int
    portal: int
    cookies: dict[tuple[str, str], str] = field(default_factory=dict)
    """By domain (with a dot in front) or host, and name."""
    address: str = field(default_factory=new_address)

    def get(self, url: str, **headers: str) -> Answer:
        """Open an address as a page."""
        return self.send("GET", url, headers=NAVIGATION | _dashed(headers))

    def fetch(self, url: str, method: str = "GET", **headers: str) -> Answer:
        """Ask as a script of the app's own page does."""
        return self.send(method, url, headers=FETCH | _dashed(headers))

    def send(
        self, method: str, url: str, *, headers: dict[str, str], body: bytes | None = None
    ) -> Answer:
        """Send one request, the path exactly as it stands in ``url``; a header's lines each
        by itself.
        """
        return self._send(method, url, *_split(url), headers, body)

    def ask_for(self, target: str, url: str) -> Answer:
        """Open a request target that is no path, at the host of an address."""
        return self._send("GET", url, _split(url)[0], target, NAVIGATION, None)

    def _send(
        self, method: str, url: str, host: str, target: str, headers: dict[str, str],
        body: bytes | None,
    ) -> Answer:  # fmt: skip
        connection = self._connect(host)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in {"Host": host, **headers}.items():
                for line in value.split("\n"):
                    connection.putheader(name, line)
            if cookies := self.cookies_for(host):
                connection.putheader("Cookie", cookies)
            if host == PORTAL:
                connection.putheader("X-Forwarded-For", self.address)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            answer = Answer(url, response.status, response.headers, response.read())
        finally:
            connection.close()
        self._keep(host, answer)
        return answer

    def follow(self, answer: Answer) -> Answer:
        """Go where redirects lead, until there is a page."""
        for _ in range(10):
            if not 300 <= answer.status < 400:
                return answer
            answer = self.get(urljoin(answer.url, answer.location))
        raise AssertionError(f"redirected in circles: {answer.location}")

    def open_websocket(self, url: str) -> tuple[http.client.HTTPResponse, socket.socket]:
        """Shake hands for a WebSocket; the caller closes the socket."""
        host, target = _split(url)
        connection = self._connect(host)
        connection.connect()
        key = base64.b64encode(os.urandom(16)).decode()
        lines = {
            "Host": host, "Upgrade": "websocket", "Connection": "Upgrade",
            "Sec-WebSocket-Key": key, "Sec-WebSocket-Version": "13",
            "Sec-Fetch-Mode": "websocket", "Cookie": self.cookies_for(host),
            "Origin": f"https://{host}",
        }  # fmt: skip
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value)
        connection.sock.sendall(f"GET {target} HTTP/1.1\r\n{head}\r\n".encode())
        response = http.client.HTTPResponse(connection.sock, method="GET")
        response.begin()
        return response, connection.sock

    def cookies_for(self, host: str) -> str:
        """The ``Cookie`` header that a browser sends to a host, whatever the port."""
        host = host.partition(":")[0]
        return "; ".join(
            f"{name}={value}"
            for (where, name), value in self.cookies.items()
            if where == host or (where.startswith(".") and f".{host}".endswith(where))
        )

    def _connect(self, host: str) -> http.client.HTTPConnection:
        if host == PORTAL:
            return http.client.HTTPConnection("127.0.0.1", self.portal, timeout=SECONDS)
        context = ssl.create_default_context(cafile=str(self.certificate.certificate))
        return _NamedHost(host, self.proxy, context)

    def _keep(self, host: str, answer: Answer) -> None:
        for line in answer.headers.get_all("Set-Cookie") or []:
            for name, morsel in SimpleCookie(line).items():
                where = "." + morsel["domain"].lstrip(".") if morsel["domain"] else host
                gone = morsel["max-age"] == "0" or "1970" in morsel["expires"]
                self.cookies.pop((where, name), None)
                if morsel.value and not gone:
                    self.cookies[where, name] = morsel.value


class _NamedHost(http.client.HTTPSConnection):
    """A connection to 127.0.0.1 that asks for, and checks, another host's certificate."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext) -> None:
        super().__init__("127.0.0.1", port, timeout=SECONDS, context=context)
        self._named, self._trust = host.partition(":")[0], context

    def connect(self) -> None:
        plain = socket.create_connection((self.host, self.port), SECONDS)
        self.sock = self._trust.wrap_socket(plain, server_hostname=self._named)


def _split(url: str) -> tuple[str, str]:
    """Host and request target, the target untouched."""
    host = urlsplit(url).netloc
    return host, url.partition(f"//{host}")[2] or "/"


def _dashed(headers: dict[str, str]) -> dict[str, str]:
    """``X_Requested_With`` of a keyword, as the header is called."""
    return {name.replace("_", "-"): value for name, value in headers.items()}
