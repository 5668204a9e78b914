"""What a restored copy brings back is ended; what was spent in it stays spent."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import update

from extensions import db, end_reading, writing
from models import EmailLink, User
from models_apps import AppSession
from services import (
    browsers,
    challenges,
    codes,
    links,
    login_sessions,
    passwords,
    restoring,
    sign_in,
)
from services.challenges import Purpose
from services.clock import now
from services.errors import LinkInvalid, PendingSignInOver
from services.errors_codes import ChallengeClosed, NothingSent
from services.gate import app_sessions
from services.sign_in import Browser, SecondStepDue
from tests.messages import queue, row
from tests.people import CLIENT, NUMBER, PASSWORD, load_user, open_session

pytestmark = pytest.mark.usefixtures("context")

HOUR = timedelta(hours=1)


@pytest.fixture
def ann(new_user: Callable[..., User]) -> User:
    return new_user(number=NUMBER, two_factor=True)


def new_link(user: User) -> str:
    with writing() as session:
        link = links.issue(session, links.Purpose.RESET_PASSWORD, HOUR, user)
    return link.rpartition("/")[2]


def test_sessions_and_what_apps_see_of_them_end(ann: User) -> None:
    acting = open_session(ann)
    token = app_sessions.open_session(acting, "example.org").token
    assert restoring.end_all()["login_sessions"] == 1

    end_reading()
    assert login_sessions.list_live(load_user(ann.id)) == []
    assert app_sessions.find(token) is None
    assert db.session.query(AppSession).count() == 0, "or the next session would get it"


def test_a_remembered_browser_is_forgotten(ann: User) -> None:
    with writing() as session:
        browsers.remember(session, ann, CLIENT)
    assert restoring.end_all()["remembered_browsers"] == 1
    assert browsers.list_remembered(load_user(ann.id)) == []


def test_pending_sign_ins_and_codes_end(ann: User) -> None:
    due = sign_in.with_password(ann.email, PASSWORD, False, Browser(CLIENT))
    assert isinstance(due, SecondStepDue)
    reference = codes.send(ann, Purpose.SIGN_IN, None, f"phone:{ann.phones[0].id}", CLIENT)
    ended = restoring.end_all()

    assert (ended["pending_sign_ins"], ended["codes"]) == (1, 1)
    end_reading()
    with pytest.raises(PendingSignInOver):
        sign_in.find_pending(due.token)
    with pytest.raises((NothingSent, ChallengeClosed)):
        challenges.check_code(load_user(ann.id), Purpose.SIGN_IN, reference, "123456", CLIENT)


def test_a_link_that_was_used_since_cannot_be_used_again(ann: User) -> None:
    signed = new_link(ann)
    assert restoring.end_all()["links"] == 1
    end_reading()
    with pytest.raises(LinkInvalid):
        passwords.find_reset_link(signed)


def test_a_link_that_is_spent_in_the_copy_stays_spent(ann: User) -> None:
    new_link(ann)
    with writing() as session:
        session.execute(update(EmailLink).values(used_at=now()))
    assert restoring.end_all()["links"] == 0
    assert db.session.query(EmailLink).count() == 1, "as that of the set-up"


def test_what_waited_is_not_sent_again() -> None:
    message_id = queue()
    assert restoring.end_all()["messages"] == 1
    message = row(message_id)
    assert (message.state, message.payload) == ("dropped", None)
    assert message.done_at is not None
