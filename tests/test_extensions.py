"""Connections: threads of one process take turns to write, also after a fork; whose file it is."""

import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import create_engine, select, text

from extensions import db, prepare_engine, write_turns, writing
from models import Limit
from tests.conftest import POSTGRESQL

THREADS = 8
EACH = 5


def write(app: Flask, inside: list[int]) -> int:
    """Read, then write what was read plus one; returns the most that were at it at once."""
    with app.app_context(), writing() as session:
        inside.append(1)
        at_once = len(inside)
        row = session.scalars(select(Limit).where(Limit.key == "turns").with_for_update()).one()
        row.count += 1
        session.flush()
        inside.pop()
    return at_once


def test_what_threads_read_and_write_in_turn_is_never_lost(app: Flask) -> None:
    with app.app_context(), writing() as session:
        session.add(Limit(key="turns", count=0, started_at=0, expires_at=0))
    inside: list[int] = []
    with ThreadPoolExecutor(THREADS) as threads:
        most = max(threads.map(lambda _: write(app, inside), range(THREADS * EACH)))
    with app.app_context():
        assert db.session.scalar(select(Limit.count)) == THREADS * EACH
    assert POSTGRESQL or most == 1


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_does_not_wait_for_a_turn_of_a_thread_that_it_has_not(app: Flask) -> None:
    taken, over = threading.Event(), threading.Event()

    def hold() -> None:
        with app.app_context(), write_turns.one_of(db.engine):
            taken.set()
            over.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    taken.wait(10)
    child = os.fork()
    if child == 0:
        with app.app_context(), write_turns.one_of(db.engine):
            os._exit(0)
    over.set()
    holder.join()
    assert os.waitpid(child, 0)[1] == 0


def test_nobody_else_reads_a_new_database(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/new.db")
    prepare_engine(engine)
    others_may_read = os.umask(0o022)
    try:
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE secrets (word TEXT)"))
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    finally:
        os.umask(others_may_read)
        engine.dispose()

    assert modes == {"new.db": 0o600, "new.db-wal": 0o600, "new.db-shm": 0o600}
