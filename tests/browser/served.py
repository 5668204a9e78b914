"""A portal served by the test's own process, for what no portal process shows: failing views,
a first day without people, and settings of one test.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from app import create_app
from config import load
from extensions import db
from tests.conftest import POSTGRESQL, QUICK, migrate
from tests.portal import free_port


@dataclass
class ServedPortal:
    """As much of ``tests.portal.Portal`` as a visit needs."""

    url: str
    outbox: Path


class _Silent(WSGIRequestHandler):
    def log(self, *_: object) -> None:
        """The portal writes its own log."""


@contextmanager
def served(
    folder: Path, prepared_database: str, **settings: str
) -> Iterator[tuple[ServedPortal, Flask]]:
    """Serve a portal on an empty SQLite database until the block ends; sends no messages.

    ``prepared_database``: a migrated file to copy; where it names a server, one is made.

    Views may still be added to the app before its first request.
    """
    port = free_port()
    environ = {**QUICK, "GATEPOST_INSTANCE_DIR": str(folder), "PORT": str(port), **settings}
    if POSTGRESQL:
        migrate(environ)
    else:
        shutil.copy(prepared_database, folder / "gatepost.db")
    app = create_app(load(environ))
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_Silent)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield ServedPortal(f"http://127.0.0.1:{port}", folder / "outbox"), app
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        with app.app_context():
            db.engine.dispose()
