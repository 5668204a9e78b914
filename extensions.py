"""The Flask extensions, bound to no app, and the way to the app's settings.

Imports nothing of ours but ``config``; what an extension does with our tables
is told to it elsewhere.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, cast

from flask import current_app
from flask_babel import Babel
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from sqlalchemy import Connection, Executable, Insert, MetaData, event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import TimeoutError
from sqlalchemy.orm import DeclarativeBase, Session

from config import Config

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


WRITE_WAIT_SECONDS = 10


class Base(DeclarativeBase):
    """The parent of every table."""

    metadata = MetaData(naming_convention=NAMING)


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})
migrate = Migrate(render_as_batch=True)
login_manager = LoginManager()
csrf = CSRFProtect()
babel = Babel()


class WriteTurns:
    """The threads of a process take turns at SQLite's write lock.

    SQLite makes waiters sleep and look again, in no order: of many threads one is
    passed over until its time is up ("database is locked"). So only one thread of
    each process stands in that crowd; the others wait here, where they are woken.
    """

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """After a fork: the lock may be held by a thread that is not there any more."""
        self._lock = threading.Lock()

    @contextmanager
    def one_of(self, engine: Engine) -> Iterator[None]:
        """Wait for a turn; other databases queue by themselves.

        Raises SQLAlchemy's ``TimeoutError``, which is answered like a database that is away.
        """
        if engine.dialect.name != "sqlite":
            yield
            return
        if not self._lock.acquire(timeout=WRITE_WAIT_SECONDS):
            raise TimeoutError("no turn to write came")
        try:
            yield
        finally:
            self._lock.release()


write_turns = WriteTurns()
os.register_at_fork(after_in_child=write_turns.renew)


def settings() -> Config:
    """The running app's settings."""
    return cast(Config, current_app.extensions["gatepost"])


@contextmanager
def writing() -> Iterator[Session]:
    """One write transaction: committed at the end, rolled back on any exception.

    Ends the read transaction first, then takes SQLite's write lock at once: a
    transaction that reads first and writes later is refused under load.
    """
    session: Session = db.session()
    if session.in_transaction():
        session.commit()
    with write_turns.one_of(db.engine):
        session.connection(execution_options={"immediate": True})
        try:
            yield session
            session.commit()
        except BaseException:
            session.rollback()
            raise


def change_rows(
    session: Session, statement: Executable, values: Mapping[str, Any] | None = None
) -> int:
    """Run one UPDATE or DELETE exactly as it stands; returns how many rows it changed.

    Rows that the session has loaded keep what they held: whoever needs the new
    values loads them again. What a request runs often is built once, as a constant of
    its module with ``bindparam``s: building a statement costs several times its run.
    """
    session.flush()
    return session.connection().execute(statement, values).rowcount


def add_row(session: Session, statement: Insert, values: Mapping[str, Any]) -> int:
    """Insert one row of a table with a column ``id``, past the ORM; returns its id."""
    key = session.connection().execute(statement, values).inserted_primary_key
    return cast(int, key.id) if key is not None else 0


def row_of(new: Base) -> dict[str, Any]:
    """The columns that were set on an object which no session holds, for ``add_row``."""
    return {name: value for name, value in vars(new).items() if name[0] != "_"}


def end_reading() -> None:
    """Give the connection back before work that takes long: hashing, a page, the network."""
    db.session.commit()


def prepare_engine(engine: Engine) -> None:
    """Teach an engine what we rely on.

    SQLite: a file that nobody else reads, WAL, waiting, foreign keys, explicit BEGIN.
    PostgreSQL: dates that the driver can read, whatever style the database has for people.
    """
    if engine.dialect.name != "sqlite":
        event.listen(engine, "connect", _write_dates_as_iso)
        return

    @event.listens_for(engine, "do_connect")
    def make_file(*_arguments: Any) -> None:
        # SQLite would make it as everybody's; what it puts beside it takes after it.
        with suppress(OSError):
            os.close(os.open(engine.url.database or "", os.O_CREAT | os.O_EXCL, 0o600))

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in (
            "busy_timeout = 5000",
            "journal_mode = WAL",
            "synchronous = NORMAL",
            "foreign_keys = ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        immediate = connection.get_execution_options().get("immediate")
        # On the driver itself: it is said some twenty times a sign-in.
        driver = cast(sqlite3.Connection, connection.connection.dbapi_connection)
        driver.execute("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _write_dates_as_iso(connection: Any, _record: Any) -> None:
    connection.execute("SET datestyle TO ISO")
    connection.commit()
