"""Databases of our own to measure on: made, migrated, and removed again."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from flask import Flask
from flask_migrate import upgrade

from app import create_app
from config import load
from extensions import db

SERVER = os.environ.get("GATEPOST_TEST_POSTGRES") or "postgresql://postgres@127.0.0.1:5432/postgres"
KINDS = ("sqlite", "postgresql")


@dataclass(frozen=True)
class Database:
    """A portal on a database of its own; ``environ`` are the settings that lead there."""

    kind: str
    environ: dict[str, str]
    app: Flask


def answers() -> bool:
    """Whether there is a PostgreSQL server to measure on."""
    try:
        psycopg.connect(SERVER, connect_timeout=3).close()
    except psycopg.Error:
        return False
    return True


@contextmanager
def made(kind: str, name: str) -> Iterator[Database]:
    """A migrated, empty database until the block ends, with the settings of a default portal."""
    folder = Path(tempfile.mkdtemp(prefix=f"gatepost-bench-{name}-"))
    environ = {
        "GATEPOST_ENV": "development",  # production refuses the file gateways
        "GATEPOST_SECRET_KEY": "measured-with-this-key-0123456789abcdefghijkl",
        "GATEPOST_SMS_GATEWAY": "file",
        "GATEPOST_MAIL_GATEWAY": "file",
        "GATEPOST_INSTANCE_DIR": str(folder),
    }
    if kind == "postgresql":
        environ["GATEPOST_DATABASE_URL"] = _create(f"gatepost_bench_{name}_{os.getpid()}")
    app = create_app(load(environ))
    try:
        with app.app_context():
            upgrade(str(Path(app.root_path) / "migrations"))
        yield Database(kind, environ, app)
    finally:
        with app.app_context():
            db.engine.dispose()
        if kind == "postgresql":
            _drop(f"gatepost_bench_{name}_{os.getpid()}")
        shutil.rmtree(folder)


def backends(database: Database) -> list[int]:
    """The server's processes that work for this database, where they run on this machine."""
    if database.kind != "postgresql" or urlsplit(SERVER).hostname not in {"127.0.0.1", "localhost"}:
        return []
    with psycopg.connect(SERVER, autocommit=True) as connection:
        rows = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = %s",
            (urlsplit(database.environ["GATEPOST_DATABASE_URL"]).path[1:],),
        )
        return [pid for (pid,) in rows]


def _create(name: str) -> str:
    assert re.fullmatch(r"[a-z0-9_]+", name)
    with psycopg.connect(SERVER, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return urlunsplit(urlsplit(SERVER)._replace(path=f"/{name}"))


def _drop(name: str) -> None:
    with psycopg.connect(SERVER, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
