"""What a SQLite connection keeps of what it read, and how it forgets; SQLite alone."""

import sqlite3

import pytest
from flask import Flask
from sqlalchemy import delete, text, update

from extensions import writing
from models import User
from models_apps import AppGrant
from services.gate import app_sessions, registry, targets
from services.gate.verdict import Outcome, Question, Reason
from tests.people import load_user, open_session
from tests.services.gate_door import ANN, URL, Door, make_door


@pytest.fixture
def door(context: Flask) -> Door:
    return make_door(context)


def test_what_sqlite_gave_is_read_again_once_somebody_commits(door: Door) -> None:
    said: list[str] = []
    (cursor,) = door.keeper._reader._connections._free
    cursor.connection.set_trace_callback(said.append)

    door.ask()
    assert said == ["PRAGMA data_version"]

    with writing() as session:
        session.execute(update(User).values(name="Anna"))
    said.clear()
    answer = door.keeper.ask(Question(targets.parse(URL, allow_http=False)), [(door.token, "")])
    assert len(said) == 2
    assert answer.verdict.person
    assert answer.verdict.person.name == "Anna"


def test_what_is_kept_of_a_crowd_is_bounded(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.gate.connections.MOST_KEPT", 3)
    ann = load_user(ANN)
    tokens = [app_sessions.open_session(open_session(ann), "example.org").token for _ in range(10)]
    (cursor,) = door.keeper._reader._connections._free

    for token in tokens * 2:
        assert door.ask(token)[0] is Outcome.ALLOWED
        assert len(cursor.kept()) <= 3

    assert door.ask("token-of-nobody-at-all")[0] is Outcome.SIGN_IN
    assert all(found for found in cursor.kept().values())


def test_an_end_that_cannot_be_read_has_passed(door: Door) -> None:
    with writing() as session:
        session.execute(delete(AppGrant))
        registry.touch(session)
        session.execute(
            text(
                "INSERT INTO app_grants (app_id, user_id, expires_at, created_at)"
                " VALUES (:app, :ann, '1.1.2020', '2020-01-01 00:00:00.000000')"
            ),
            {"app": door.app_id, "ann": ANN},
        )

    assert door.ask() == (Outcome.FORBIDDEN, Reason.GRANT_OVER)


def test_a_read_that_fails_in_our_own_hands_leaves_no_connection_open(door: Door) -> None:
    connections = door.keeper._reader._connections
    used: list[sqlite3.Cursor] = []

    def fail(cursor: sqlite3.Cursor) -> None:
        used.append(cursor)
        raise ValueError

    for _ in range(2):  # one that stood free, and a new one
        with pytest.raises(ValueError):  # noqa: PT011
            connections.use(fail)
    for cursor in used:
        with pytest.raises(sqlite3.ProgrammingError):
            cursor.execute("SELECT 1")
    assert door.ask()[0] is Outcome.ALLOWED
