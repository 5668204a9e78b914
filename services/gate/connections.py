"""Raw driver connections that are kept open for one kind of short read.

Each read takes one that is free, or opens one more: so there are as many as there
were reads at once, whichever threads they came from. Never for writes.
"""

import sqlite3
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from services.gate.lifetimes import end_with, renew_after_fork

MAPPED_BYTES = 2**28
"""Of a SQLite file, at most; address space, not memory of one's own."""


MOST_KEPT = 2_000
"""Of each connection; about a kilobyte each."""


class KeepingCursor(sqlite3.Cursor):
    """A SQLite connection, with what was read over it and is still so."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self._kept: dict[str, Any] = {}
        self._version: tuple[int] | None = None

    def kept(self) -> dict[str, Any]:
        """What was put in here since anybody else committed: SQLite tells every connection."""
        version = self.execute("PRAGMA data_version").fetchone()
        if version != self._version or len(self._kept) >= MOST_KEPT:
            self._version, self._kept = version, {}
        return self._kept


class Connections:
    """The free connections to one database, in this process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._free: list[Any] = []
        self._driver_error: type[Exception] = engine.dialect.loaded_dbapi.Error
        self._is_sqlite = engine.dialect.name == "sqlite"
        self._run = _run_on_sqlite if self._is_sqlite else _run_prepared
        end_with(engine, self.close)
        renew_after_fork(self)

    def fetch_one(self, statement: str, values: Any) -> tuple[Any, ...] | None:
        """Run one prepared SELECT that gives at most one row. Raises as ``use`` does."""
        row: tuple[Any, ...] | None = self.use(self.read, statement, values)
        return row

    def read(self, cursor: Any, statement: str, values: Any) -> tuple[Any, ...] | None:
        """The same over a connection that is in use."""
        rows = self._run(cursor, statement, values)
        return rows[0] if rows else None

    def use(self, work: Callable[..., Any], *values: Any) -> Any:
        """What ``work(cursor, *values)`` reads over a free connection.

        It runs once more over a new one where that connection was lost. Raises SQLAlchemy's
        ``OperationalError`` where the database cannot answer.
        """
        try:
            cursor = self._free.pop()
        except IndexError:
            return self._use_anew(work, values)
        try:
            read = work(cursor, *values)
        except self._driver_error:  # it may have been lost since, like all that stood free
            _close(cursor)
            self.close()
            return self._use_anew(work, values)
        except BaseException:
            _close(cursor)
            raise
        self._free.append(cursor)
        return read

    def _use_anew(self, work: Callable[..., Any], values: tuple[Any, ...]) -> Any:
        cursor = None
        try:
            cursor = self._open()
            read = work(cursor, *values)
        except BaseException as error:
            if cursor is not None:
                _close(cursor)
            if isinstance(error, self._driver_error):
                raise OperationalError(work.__name__, None, error) from error
            raise
        self._free.append(cursor)
        return read

    def _open(self) -> Any:
        connection = open_raw(self._engine)
        if not self._is_sqlite:
            return connection.cursor()
        cursor = connection.cursor(KeepingCursor)
        # a page of the file costs no call, however many there are
        cursor.execute(f"PRAGMA mmap_size = {MAPPED_BYTES}").fetchall()
        return cursor

    def close(self) -> None:
        """Close those that are free."""
        while self._free:
            _close(self._free.pop())

    def renew(self) -> None:
        """After a fork: what is open belongs to the parent, so leave it as it is."""
        _left_to_parents.extend(self._free)
        self._free = []


def _run_on_sqlite(cursor: Any, statement: str, values: Any) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = cursor.execute(statement, values).fetchall()
    return rows


def _run_prepared(cursor: Any, statement: str, values: Any) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = cursor.execute(statement, values, prepare=True).fetchall()
    return rows


def open_raw(engine: Engine) -> Any:
    """A driver connection with the engine's own settings, but out of its pool's hands.

    On PostgreSQL it commits by itself. Raises the driver's errors.
    """
    pooled = engine.raw_connection()
    connection: Any = pooled.driver_connection
    pooled.detach()
    if engine.dialect.name == "postgresql":
        connection.rollback()
        connection.autocommit = True
    return connection


_left_to_parents: list[Any] = []
"""Never closed here: closing would say goodbye to the server in the parent's name."""


def _close(cursor: Any) -> None:
    try:
        cursor.connection.close()
    except Exception:  # it is lost already, and nobody waits for it
        return
