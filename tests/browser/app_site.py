"""A portal and apps on hosts of their own, by https, on one port of the test's own process.

What stands before the apps is the smallest thing that can be called a reverse proxy: it
passes ``/.gatepost/`` on to the portal and asks the portal about everything else.
"""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

from flask import Flask
from markupsafe import escape
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.test import Client
from werkzeug.wrappers import Request, Response

from app import create_app
from config import load
from extensions import db
from tests.conftest import POSTGRESQL, QUICK, migrate
from tests.portal import free_port
from tests.standins.certificate import make_certificate


@dataclass
class AppSite:
    """Where it all is; ``app`` is the portal."""

    app: Flask
    port: int

    def at(self, host: str) -> str:
        """The origin of a host."""
        return f"https://{host}:{self.port}"


class _Silent(WSGIRequestHandler):
    def log(self, *_: object) -> None:
        """The portal writes its own log."""


class _Hosts:
    """By its host: the portal itself, or an app behind it."""

    def __init__(self, portal: Flask, port: int) -> None:
        self._portal, self._own = portal, f"login.example.org:{port}"

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        if request.host == self._own or request.path.startswith("/.gatepost/"):
            return self._portal(environ, start_response)
        return self._ask(request)(environ, start_response)

    def _ask(self, request: Request) -> Response:
        passed = ("Cookie", "Accept", "Sec-Fetch-Mode", "X-Requested-With")
        answer = Client(self._portal, use_cookies=False).get(
            "/api/authz/forward-auth",
            headers={
                **{name: request.headers[name] for name in passed if name in request.headers},
                "X-Forwarded-Method": request.method, "X-Forwarded-Proto": "https",
                "X-Forwarded-Host": request.host,
                "X-Forwarded-Uri": request.full_path.rstrip("?"),
            },
            environ_base={"REMOTE_ADDR": "127.0.0.1"},
        )  # fmt: skip
        if answer.status_code != 200:
            return Response(answer.data, answer.status_code, answer.headers)
        user = escape(answer.headers["Remote-User"])
        return Response(f"<!doctype html><title>App</title><h1>Hello {user}</h1>", 200,
                        content_type="text/html")  # fmt: skip


@contextmanager
def serving(folder: Path, prepared_database: str) -> Iterator[AppSite]:
    """Serve them until the block ends; the portal has SQLite, and no worker."""
    port = free_port()
    environ = {
        **QUICK, "GATEPOST_INSTANCE_DIR": str(folder),
        "GATEPOST_BASE_URL": f"https://login.example.org:{port}",
        "GATEPOST_APP_DOMAINS": "example.org,example.net",
    }  # fmt: skip
    if POSTGRESQL:
        migrate(environ)
    else:
        shutil.copy(prepared_database, folder / "gatepost.db")
    app = create_app(load(environ))
    certificate = make_certificate(folder)
    server = make_server(
        "127.0.0.1", port, _Hosts(app, port), threaded=True, request_handler=_Silent,
        ssl_context=certificate.for_server(),
    )  # fmt: skip
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield AppSite(app, port)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        with app.app_context():
            db.engine.dispose()
