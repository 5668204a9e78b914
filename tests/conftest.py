"""Fixtures that most tests share: a portal of their own on a fresh database, and its outbox.

The database is SQLite, or PostgreSQL where ``GATEPOST_TEST_DATABASE_URL`` names a
server on which databases may be made. Nothing of ours is patched.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from flask_migrate import upgrade
from sqlalchemy import text

from app import create_app
from config import Config, load
from extensions import Base, db
from tests.outbox import Outbox
from tests.people import Person, make_person, make_registration
from tests.shared_portals import SharedPortals

NINE_O_CLOCK = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

POSTGRESQL = os.environ.get("GATEPOST_TEST_DATABASE_URL", "")

QUICK = {
    "GATEPOST_ENV": "development",
    "GATEPOST_SECRET_KEY": "tests-use-this-key-0123456789abcdefghijklmnop",
    "GATEPOST_SMS_GATEWAY": "file",
    "GATEPOST_MAIL_GATEWAY": "file",
    "GATEPOST_ARGON2_MEMORY_KIB": "64",
    "GATEPOST_ARGON2_PASSES": "1",
}
"""Settings for tests: development, the file gateways, and hashes that cost next to nothing."""


def postgresql_url(database: str) -> str:
    """The address of a database on the test server."""
    return urlunsplit(urlsplit(POSTGRESQL)._replace(path=f"/{database}"))


def make_postgresql(database: str) -> str:
    """Make an empty database on the test server; returns its address.

    Its commits do not wait for the disk: what only a crash of the server could undo, no test shows.
    """
    drop_postgresql(database)
    with psycopg.connect(POSTGRESQL, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {database}")
        connection.execute(f"ALTER DATABASE {database} SET synchronous_commit = off")
    return postgresql_url(database)


def drop_postgresql(database: str) -> None:
    """Remove a database from the test server, whoever is connected to it."""
    assert re.fullmatch(r"[a-z0-9_]+", database)
    with psycopg.connect(POSTGRESQL, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")


def migrate(environ: dict[str, str]) -> None:
    """Bring the database of these settings up to the newest revision."""
    app = create_app(load(environ))
    with app.app_context():
        upgrade(str(Path(app.root_path) / "migrations"))
        db.engine.dispose()


@pytest.fixture(scope="session")
def prepared_database(
    tmp_path_factory: pytest.TempPathFactory, worker_id: str, testrun_uid: str
) -> Iterator[str]:
    """A migrated database: a SQLite file to copy, or this worker's PostgreSQL address."""
    folder = tmp_path_factory.mktemp("prepared")
    if POSTGRESQL:
        name = f"gatepost_test_{testrun_uid[:8]}_{worker_id}"
        url = make_postgresql(name)
        migrate({**QUICK, "GATEPOST_INSTANCE_DIR": str(folder), "GATEPOST_DATABASE_URL": url})
        yield url
        drop_postgresql(name)
    else:
        migrate({**QUICK, "GATEPOST_INSTANCE_DIR": str(folder)})
        yield str(folder / "gatepost.db")


@pytest.fixture(scope="session")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of this process's portals, which every test finds empty."""
    return tmp_path_factory.mktemp("instance")


@pytest.fixture
def environ(instance: Path, prepared_database: str) -> dict[str, str]:
    """The environment of this test's portal; a test may add to it before it asks for ``app``."""
    shutil.rmtree(instance)
    instance.mkdir()
    environ = {**QUICK, "GATEPOST_INSTANCE_DIR": str(instance)}
    if POSTGRESQL:
        return {**environ, "GATEPOST_DATABASE_URL": prepared_database}
    shutil.copy(prepared_database, instance / "gatepost.db")
    return environ


@pytest.fixture
def settings_of_test(request: pytest.FixtureRequest) -> dict[str, str]:
    """Extra settings from ``@pytest.mark.settings(GATEPOST_X="…")``."""
    marks = list(request.node.iter_markers("settings"))
    return {name: value for mark in reversed(marks) for name, value in mark.kwargs.items()}


@pytest.fixture
def config(environ: dict[str, str], settings_of_test: dict[str, str]) -> Config:
    """The settings of this test's portal."""
    return load({**environ, **settings_of_test})


@pytest.fixture(scope="session")
def shared_portals() -> SharedPortals:
    """The portals that tests share, one test after the other."""
    return SharedPortals()


@pytest.fixture
def app(
    shared_portals: SharedPortals, config: Config, request: pytest.FixtureRequest
) -> Iterator[Flask]:
    """A portal on a fresh, migrated database; a new one where the test is marked ``own_app``."""
    own = request.node.get_closest_marker("own_app") is not None
    app = shared_portals.lend(config, new=own)
    yield app
    with app.app_context():
        db.session.remove()
        if POSTGRESQL:
            _empty_tables()
    shared_portals.take_back(app)


@pytest.fixture
def context(app: Flask) -> Iterator[Flask]:
    """The portal with an application context pushed, for tests of services."""
    with app.app_context():
        yield app


@pytest.fixture
def new_person(app: Flask) -> Callable[..., Person]:
    """Makes people, each in an application context of its own.

    A test that uses ``client`` must not hold a context open: requests would share its ``g``.
    """

    def make(*args: Any, **kwargs: Any) -> Person:
        with app.app_context():
            return make_person(*args, **kwargs)

    return make


@pytest.fixture
def new_registration(app: Flask) -> Callable[..., Person]:
    """Makes registrations whose address is not confirmed yet, as ``new_person`` makes people."""

    def make(*args: Any, **kwargs: Any) -> Person:
        with app.app_context():
            return make_registration(*args, **kwargs)

    return make


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without a face."""
    return app.test_client()


@pytest.fixture
def runner(app: Flask) -> FlaskCliRunner:
    """The command line."""
    return app.test_cli_runner()


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """The time stands still until a test moves it: ``clock.shift(30)``, in seconds."""
    with time_machine.travel(NINE_O_CLOCK, tick=False) as traveller:
        yield traveller


@pytest.fixture
def outbox(app: Flask) -> Outbox:
    """What the portal sends."""
    return Outbox(app)


def _empty_tables() -> None:
    """Delete, not TRUNCATE: that makes new files for every table and index, fifty times slower."""
    deletes = [f"DELETE FROM {table.name}" for table in reversed(Base.metadata.sorted_tables)]
    restart = "SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S'"
    with db.engine.begin() as connection:
        connection.execute(text("; ".join([*deletes, restart])))
