"""Asking the gate as each family of proxies does, without one: WSGI in, an answer out.

The environment holds what gunicorn gives (``RAW_URI``); granian's lacks that.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from flask import Flask

FAMILIES = ("auth-request", "forward-auth", "ext-authz")
NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Accept": "text/html,*/*;q=0.8"}
SCRIPT = {"Sec-Fetch-Mode": "cors", "Accept": "*/*"}
IDENTITY = ("Remote-User", "Remote-Groups", "Remote-Email", "Remote-Name")


@dataclass(frozen=True)
class Verdict:
    """What the proxy is told."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def location(self) -> str:
        """Where the visitor is led."""
        return self.headers.get("Location", "")

    @property
    def json(self) -> Any:
        """What a script is told."""
        return json.loads(self.body)

    @property
    def identity(self) -> list[str | None]:
        """The four headers, as they are without names of an app's own."""
        return [self.headers.get(name) for name in IDENTITY]


def ask(
    app: Flask,
    family: str,
    path: str = "/",
    *,
    method: str = "GET",
    scheme: str = "https",
    host: str = "wiki.example.org",
    cookie: str = "",
    sent: Mapping[str, str] = NAVIGATION,
    raw: bool = True,
    peer: str = "127.0.0.1",
) -> Verdict:
    """Tell the gate of one request, in the words of this family."""
    headers = {**sent, **({"Cookie": cookie} if cookie else {})}
    if family == "auth-request":
        headers |= {"X-Original-URL": f"{scheme}://{host}{path}", "X-Original-Method": method}
        return call(app, "/api/authz/auth-request", headers, peer=peer)
    if family == "forward-auth":
        headers |= {
            "X-Forwarded-Proto": scheme, "X-Forwarded-Host": host, "X-Forwarded-Uri": path,
            "X-Forwarded-Method": method,
        }  # fmt: skip
        return call(app, "/api/authz/forward-auth", headers, peer=peer)
    headers |= {"X-Forwarded-Proto": scheme, "Host": host}
    return call(app, f"/api/authz/ext-authz{path}", headers, method=method, raw=raw, peer=peer)


def call(
    app: Flask,
    uri: str,
    headers: Mapping[str, str],
    *,
    method: str = "GET",
    raw: bool = True,
    peer: str = "127.0.0.1",
) -> Verdict:
    """Send exactly this to the portal's WSGI callable."""
    path, _, query = uri.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method, "SCRIPT_NAME": "", "QUERY_STRING": query,
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"), "REMOTE_ADDR": peer,
        "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "8000", "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http", "HTTP_HOST": "127.0.0.1:8000",
    }  # fmt: skip
    if raw:
        environ["RAW_URI"] = uri
    for name, value in headers.items():
        environ["HTTP_" + name.upper().replace("-", "_")] = value
    told: list[Any] = []

    def start_response(status: str, answered: list[tuple[str, str]], *_: Any) -> None:
        told[:] = [int(status.split()[0]), answered]

    body: Iterable[bytes] = app.wsgi_app(environ, start_response)  # type: ignore[arg-type]
    content = b"".join(body)
    status, answered = told
    assert len({name for name, _ in answered}) == len(answered), answered
    return Verdict(status, dict(answered), content)
