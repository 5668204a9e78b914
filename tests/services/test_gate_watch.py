"""What a process remembers on PostgreSQL alone, and how fast it forgets what others ended."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from flask import Flask
from sqlalchemy import Engine, create_engine

from extensions import db
from services.gate import app_sessions, targets
from services.gate.gatekeeper import Gatekeeper
from services.gate.memory import Memory
from services.gate.registry import Registry
from services.gate.verdict import Outcome, Question
from services.gate.watch import Watch
from tests.conftest import POSTGRESQL
from tests.people import load_user, make_person, open_session
from tests.services.gate_door import make_wiki

pytestmark = [
    pytest.mark.own_app,
    pytest.mark.skipif(not POSTGRESQL, reason="needs PostgreSQL: SQLite tells only who asks"),
]

QUESTION = Question(targets.parse("https://wiki.example.org/", allow_http=False))
WAIT_SECONDS = 10


def wait_until(holds: Callable[[], bool]) -> float:
    """Look until it is so; returns the seconds that it took."""
    began = time.monotonic()
    while time.monotonic() - began < WAIT_SECONDS:
        if holds():
            return time.monotonic() - began
        time.sleep(0.0005)
    raise AssertionError("it never came to be so")


class Door:
    """An app that Ann may enter, a process that watches, and another that changes things."""

    def __init__(self, app: Flask, other: psycopg.Connection) -> None:
        self.keeper: Gatekeeper = app.extensions["gatepost-gate"]
        self.other = other
        with app.app_context():
            ann = load_user(make_person().id)
            self.token = app_sessions.open_session(open_session(ann), "example.org").token
            make_wiki(ann)
        self.keeper.watch()
        self.wait_until_remembered()

    def enters(self) -> bool:
        """Whether Ann gets in now."""
        return self.keeper.ask(QUESTION, [(self.token, "")]).verdict.outcome is Outcome.ALLOWED

    def is_remembered(self) -> bool:
        """Whether the next request will not ask the database."""
        return bool(self.keeper.memory.known())

    def wait_until_remembered(self) -> None:
        """Let the listener find its feet, and what was told of the past go by."""
        wait_until(lambda: self.enters() and self.is_remembered())


@pytest.fixture
def door(app: Flask) -> Iterator[Door]:
    with app.app_context():
        url = db.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as other:
        yield Door(app, other)


ENDS = [
    "UPDATE users SET epoch = epoch + 1",
    "UPDATE users SET disabled_at = now()",
    "DELETE FROM login_sessions",
    "UPDATE login_sessions SET expires_at = now()",
    "DELETE FROM app_sessions",
    "DELETE FROM group_members",
    "DELETE FROM groups",
    "UPDATE app_grants SET expires_at = now()",
    "DELETE FROM app_addresses",
    "UPDATE apps SET level = 'two-factor'",
    "TRUNCATE users CASCADE",
]


@pytest.mark.parametrize("statement", ENDS)
def test_what_another_process_ends_is_refused_at_once(door: Door, statement: str) -> None:
    door.other.execute(statement)

    assert wait_until(lambda: not door.enters()) < 0.5


def test_what_is_remembered_is_not_asked_again(door: Door) -> None:
    known = door.keeper.memory.known()
    assert known
    (key,) = [key for key in known if key != "version"]
    version, facts = known[key]
    known[key] = version, facts._replace(name="only in this memory")

    person = door.keeper.ask(QUESTION, [(door.token, "")]).verdict.person
    assert person
    assert person.name == "only in this memory"


def test_a_note_of_use_makes_nobody_forget(door: Door) -> None:
    known = door.keeper.memory.known()
    door.other.execute("UPDATE login_sessions SET last_seen_at = last_seen_at + interval '1 s'")
    door.other.execute("UPDATE users SET last_sign_in_at = now()")
    door.other.execute("INSERT INTO gate_state (id, version) VALUES (7, 1)")

    wait_until(lambda: door.keeper.memory.known() is not known)
    door.wait_until_remembered()
    known = door.keeper.memory.known()
    door.other.execute("UPDATE login_sessions SET last_seen_at = last_seen_at + interval '1 s'")
    beats = time.monotonic() + 0.6
    wait_until(lambda: time.monotonic() > beats)
    assert door.keeper.memory.known() is known


def test_what_was_read_before_an_end_is_not_kept_after_it(door: Door) -> None:
    known = door.keeper.memory.known()
    assert known
    kept = dict(known)
    door.other.execute("DELETE FROM app_sessions")
    wait_until(lambda: not door.enters())
    known.update(kept)  # the slow reader puts in what it found

    assert not door.enters()


def test_without_its_listener_a_process_relies_on_nothing(door: Door) -> None:
    door.other.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND query LIKE '%%pg_notify($1%%'"
        " AND pid <> pg_backend_pid()"
    )
    wait_until(lambda: door.keeper.memory.known() is None)
    door.other.execute("DELETE FROM app_sessions")
    assert not door.enters()
    wait_until(lambda: door.keeper.memory.known() is not None)


def test_a_forked_child_listens_for_itself(door: Door) -> None:
    watch = door.keeper._watch
    watch._stopping.set()  # a child has no thread of its parent's
    assert watch._thread is not None
    watch._thread.join(10)
    watch.renew()
    assert door.keeper.memory.known() is None

    door.wait_until_remembered()
    door.other.execute("DELETE FROM app_sessions")
    assert wait_until(lambda: not door.enters()) < 0.5


def test_a_pool_with_nothing_free_ends_no_listener(context: Flask) -> None:
    with closing_engine() as engine:
        memory, held = Memory(), engine.connect()
        watch = Watch(engine, memory, Registry(engine))
        watch.start()
        time.sleep(0.5)
        assert memory.known() is None
        held.close()

        wait_until(lambda: memory.known() is not None)
        watch.stop()


@contextmanager
def closing_engine() -> Iterator[Engine]:
    """A pool of one connection, for which nobody waits for long."""
    engine = create_engine(db.engine.url, pool_size=1, max_overflow=0, pool_timeout=0.05)
    yield engine
    engine.dispose()
