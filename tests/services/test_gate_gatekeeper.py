"""The gatekeeper over a real database: what is ended is refused at the very next request."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from extensions import db, writing
from models import LoginSession, User
from models_apps import App, AppAddress, AppGrant, AppSession, Group, GroupMember
from services import credentials, login_sessions
from services.clock import now
from services.gate import app_sessions, registry, targets
from services.gate.gatekeeper import Gatekeeper, Tokens
from services.gate.verdict import Outcome, Question, Reason
from tests.conftest import POSTGRESQL
from tests.people import CLIENT, load_user, make_person, open_session

URL = "https://wiki.example.org/page"
ANN = 1
"""Her id: she is the first person there."""


@dataclass
class Door:
    """An app that a group may enter, and Ann of that group, signed in."""

    keeper: Gatekeeper
    session_id: int
    token: str
    app_id: int

    def ask(
        self, *tokens: str, own: tuple[str, ...] = (), url: str = URL
    ) -> tuple[Outcome, Reason]:
        """The verdict for these tokens of the shared cookie, or for Ann's, and those of the own."""
        question = Question(targets.parse(url, allow_http=False))
        shared = tokens or (() if own else (self.token,))
        verdict = self.keeper.ask(question, Tokens(shared, own)).verdict
        return verdict.outcome, verdict.reason

    @property
    def session(self) -> LoginSession:
        """Ann's login session as it stands in the database."""
        db.session.rollback()
        found = db.session.get(LoginSession, self.session_id, populate_existing=True)
        assert found
        return found


@pytest.fixture
def door(context: Flask) -> Door:
    ann = load_user(make_person(name="Ann").id)
    login_session = open_session(ann)
    token = app_sessions.open_session(login_session, "example.org").token
    with writing() as session:
        app, group = App(name="Wiki", created_at=now()), Group(name="staff", created_at=now())
        app.addresses = [AppAddress(origin="https://wiki.example.org")]
        session.add_all([app, group])
        session.flush()
        session.add(GroupMember(group_id=group.id, user_id=ann.id, created_at=now()))
        session.add(AppGrant(app_id=app.id, group_id=group.id, created_at=now()))
        registry.touch(session)
        app_id = app.id
    made = Door(Gatekeeper(context, db.engine), login_session.id, token, app_id)
    assert made.ask() == (Outcome.ALLOWED, Reason.GROUP_GRANT)
    return made


def test_who_is_let_in_is_described(door: Door) -> None:
    answer = door.keeper.ask(Question(targets.parse(URL, allow_http=False)), Tokens([door.token]))

    person = answer.verdict.person
    assert person
    assert (person.email, person.name, person.amr) == ("ann@example.org", "Ann", "pwd")
    assert [answer.rules.group_names[group] for group in person.groups] == ["staff"]


def _sign_out(_session: Session) -> None:
    login_session = db.session.scalars(select(LoginSession)).one()
    login_sessions.sign_out(login_session, CLIENT)


def _sign_out_everywhere(_session: Session) -> None:
    with writing() as session:
        credentials.changed(session, load_user(1))


def _run(statement: Callable[[], object]) -> Callable[[Session], None]:
    def run(session: Session) -> None:
        with writing() as session:
            session.execute(statement())  # type: ignore[call-overload]
            registry.touch(session)

    return run


NOT_SIGNED_IN = (Outcome.SIGN_IN, Reason.NOT_SIGNED_IN)
NO_GRANT = (Outcome.FORBIDDEN, Reason.NO_GRANT)
ENDS = {
    "signed out": (_sign_out, NOT_SIGNED_IN),
    "signed out everywhere": (_sign_out_everywhere, NOT_SIGNED_IN),
    "another epoch": (_run(lambda: update(User).values(epoch=5)), NOT_SIGNED_IN),
    "disabled": (_run(lambda: update(User).values(disabled_at=now())), NOT_SIGNED_IN),
    "session over": (_run(lambda: update(LoginSession).values(expires_at=now())), NOT_SIGNED_IN),
    "cookie ended": (_run(lambda: delete(AppSession)), NOT_SIGNED_IN),
    "out of the group": (_run(lambda: delete(GroupMember)), NO_GRANT),
    "grant taken": (_run(lambda: delete(AppGrant)), NO_GRANT),
    "group removed": (_run(lambda: delete(Group)), NO_GRANT),
    "grant over": (
        _run(lambda: update(AppGrant).values(expires_at=now())),
        (Outcome.FORBIDDEN, Reason.GRANT_OVER),
    ),
    "level raised": (
        _run(lambda: update(App).values(level="two-factor")),
        (Outcome.STEP_UP, Reason.NO_SECOND_FACTOR),
    ),
    "app removed": (_run(lambda: delete(App)), (Outcome.UNKNOWN, Reason.UNKNOWN_APP)),
}


@pytest.mark.parametrize("end", ENDS)
def test_what_ended_is_refused_at_the_next_request(door: Door, end: str) -> None:
    act, answer = ENDS[end]
    act(db.session())

    assert door.ask() == answer


def test_a_person_with_a_grant_of_their_own(door: Door) -> None:
    with writing() as session:
        session.execute(delete(AppGrant))
        session.add(
            AppGrant(
                app_id=door.app_id, user_id=ANN, created_at=now(),
                expires_at=now() + timedelta(minutes=5),
            )
        )  # fmt: skip
        registry.touch(session)
    assert door.ask() == (Outcome.ALLOWED, Reason.OWN_GRANT)

    with time_machine.travel(now() + timedelta(minutes=6), tick=False):
        assert door.ask() == (Outcome.FORBIDDEN, Reason.GRANT_OVER)


def test_rest_and_whole_life_end_a_session(door: Door) -> None:
    with time_machine.travel(now() + timedelta(minutes=61), tick=False):
        assert door.ask() == NOT_SIGNED_IN

    with time_machine.travel(now(), tick=False) as clock:
        for _ in range(12 * 2 - 1):
            clock.shift(timedelta(minutes=30))
            assert door.ask()[0] is Outcome.ALLOWED
        clock.shift(timedelta(minutes=31))
        assert door.ask() == NOT_SIGNED_IN


def test_use_is_noted_once_a_minute(door: Door) -> None:
    began = door.session.last_seen_at
    with time_machine.travel(began + timedelta(seconds=59), tick=False):
        door.ask()
        assert door.session.last_seen_at == began
    with time_machine.travel(began + timedelta(seconds=60), tick=False):
        door.ask()
        assert door.session.last_seen_at == began + timedelta(seconds=60)


def test_a_session_that_may_rest_for_seconds_lasts_while_it_is_used(door: Door) -> None:
    began = door.session.last_seen_at
    with writing() as session:
        session.execute(update(LoginSession).values(idle_seconds=4))
    for second in range(1, 9):
        with time_machine.travel(began + timedelta(seconds=second), tick=False):
            assert door.ask()[0] is Outcome.ALLOWED
    with time_machine.travel(began + timedelta(seconds=12), tick=False):
        assert door.ask() == NOT_SIGNED_IN


def test_nobody_else_s_token_lets_in(door: Door) -> None:
    db.session.rollback()
    with writing() as session:
        half = login_sessions.start(
            session, load_user(1), CLIENT, "pwd", remember_me=False, full_proof=True
        )
    for token in ("", "x" * 22, half, "é" * 22, "x" * 5000, door.token[:-1], f"{door.token}x"):
        assert door.ask(token) == NOT_SIGNED_IN


def test_a_second_cookie_of_another_person_names_nobody(door: Door) -> None:
    bob = load_user(make_person("bob@example.org").id)
    planted = app_sessions.open_session(open_session(bob), "example.org").token

    assert door.ask(planted, door.token) == NOT_SIGNED_IN
    assert door.ask("x" * 22, door.token)[0] is Outcome.ALLOWED
    assert door.ask(*["x" * 22] * 4, door.token) == NOT_SIGNED_IN

    elsewhere = app_sessions.open_session(open_session(bob), "https://a.example.org").token
    assert door.ask(elsewhere, door.token)[0] is Outcome.ALLOWED


def test_a_token_counts_in_the_cookie_that_it_was_made_for_alone(door: Door) -> None:
    """A sibling app can plant its visitor's own token in the cookie that all apps share."""
    bob = load_user(make_person("bob@example.org").id)
    own_of_bob = app_sessions.open_session(open_session(bob), "https://wiki.example.org").token
    own = app_sessions.open_session(open_session(load_user(ANN)), "https://wiki.example.org").token

    assert door.ask(own=(own,))[0] is Outcome.ALLOWED
    assert door.ask(own_of_bob) == NOT_SIGNED_IN
    assert door.ask(own_of_bob, own=(own,))[0] is Outcome.ALLOWED
    assert door.ask(*["x" * 22] * 4, own=(own,))[0] is Outcome.ALLOWED
    assert door.ask(own=(door.token,)) == NOT_SIGNED_IN


@pytest.mark.skipif(bool(POSTGRESQL), reason="needs SQLite: PostgreSQL keeps no text for a time")
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


def test_a_new_app_is_known_at_once(door: Door) -> None:
    assert door.ask(url="https://new.example.org/") == (Outcome.UNKNOWN, Reason.UNKNOWN_APP)
    with writing() as session:
        app = App(name="New", created_at=now())
        app.addresses = [AppAddress(origin="https://new.example.org")]
        session.add(app)
        session.flush()
        session.add(AppGrant(app_id=app.id, user_id=ANN, created_at=now()))
        registry.touch(session)

    assert door.ask(url="https://new.example.org/") == (Outcome.ALLOWED, Reason.OWN_GRANT)


def test_connections_that_were_lost_are_opened_again(door: Door) -> None:
    for connection in door.keeper._reader._connections._free:
        connection.close()

    assert door.ask()[0] is Outcome.ALLOWED


@pytest.mark.skipif(bool(POSTGRESQL), reason="needs SQLite: what PostgreSQL remembers is in _watch")
def test_what_sqlite_gave_is_read_again_once_somebody_commits(door: Door) -> None:
    said: list[str] = []
    (cursor,) = door.keeper._reader._connections._free
    cursor.connection.set_trace_callback(said.append)

    door.ask()
    assert said == ["PRAGMA data_version"]

    with writing() as session:
        session.execute(update(User).values(name="Anna"))
    said.clear()
    answer = door.keeper.ask(Question(targets.parse(URL, allow_http=False)), Tokens([door.token]))
    assert len(said) == 2
    assert answer.verdict.person
    assert answer.verdict.person.name == "Anna"


@pytest.mark.skipif(bool(POSTGRESQL), reason="needs SQLite: what PostgreSQL remembers is in _watch")
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
