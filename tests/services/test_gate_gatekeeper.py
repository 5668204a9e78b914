"""The gatekeeper over a real database: what is ended is refused at the very next request."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from extensions import db, writing
from models import LoginSession, User
from models_apps import App, AppAddress, AppGrant, AppSession, Group, GroupMember
from services import credentials, login_sessions
from services.clock import now
from services.gate import app_sessions, registry, targets
from services.gate.verdict import Outcome, Question, Reason
from tests.people import CLIENT, load_user, make_person, open_session
from tests.services.gate_door import ANN, URL, Door, make_door


@pytest.fixture
def door(context: Flask) -> Door:
    return make_door(context)


def test_who_is_let_in_is_described(door: Door) -> None:
    answer = door.keeper.ask(Question(targets.parse(URL, allow_http=False)), [(door.token, "")])

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
