"""What is past its keeping goes, and nothing else does."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import func, insert, select, update

from extensions import Base, db, end_reading, writing
from models import (
    Activity,
    Challenge,
    EmailLink,
    Limit,
    LoginSession,
    Message,
    NumberTrial,
    PendingSignIn,
    Registration,
    RememberedBrowser,
    User,
)
from models_apps import AccessRequest, AppGrant, HandOver
from services import (
    access_requests,
    browsers,
    first_account,
    limits,
    links,
    phones,
    registration,
    sign_in,
    sweeping,
)
from services.audit import OPERATOR, Event, record
from services.clock import now
from services.gate import hand_over
from services.sign_in import Browser
from tests.apps import DOMAINS, let_in, make_app
from tests.challenges import issue
from tests.messages import queue
from tests.people import CLIENT, PASSWORD, load_user, make_person, open_session

HOUR = 3600
DAY = 86400

pytestmark = [pytest.mark.usefixtures("context"), pytest.mark.settings(**DOMAINS)]


def count(table: type[Base]) -> int:
    end_reading()
    return db.session.scalar(select(func.count()).select_from(table)) or 0


def pending() -> None:
    make_person("bob@example.org", two_factor=True)
    sign_in.with_password("bob@example.org", PASSWORD, False, Browser(CLIENT))


def done_message() -> None:
    message_id = queue()
    with writing() as session:
        session.execute(update(Message).where(Message.id == message_id).values(payload=None))


def event() -> None:
    with writing() as session:
        record(session, Event.SIGNED_OUT, CLIENT)


def register() -> None:
    registration.register("new@example.org", PASSWORD, "", "", "", CLIENT)


def link() -> None:
    with writing() as session:
        links.issue(session, links.Purpose.INVITATION, timedelta(hours=1), email="x@example.org")


def limit() -> None:
    with writing() as session:
        limits.take(session, [(limits.Window("five", 5, 300), "ann")])


def remembered() -> None:
    with writing() as session:
        browsers.remember(session, load_user(1), CLIENT)


def granted() -> None:
    acting = open_session(load_user(1), remember_me=True)
    browser = hand_over.name_browser(hand_over.begin(""))
    hand_over.grant(acting, browser, "https://wiki.example.net", "https://wiki.example.net/")


def grant_that_ended() -> None:
    let_in(make_app(), "ann@example.org", now())


def answered_request() -> None:
    asked = access_requests.ask(load_user(1), make_app().id, "", CLIENT)
    access_requests.decline(asked.id, OPERATOR)


CASES: list[tuple[type[Base], Callable[[], object], int]] = [
    (Challenge, lambda: issue(load_user(1)), 600 + DAY),
    (PendingSignIn, pending, 1200),
    (LoginSession, lambda: open_session(load_user(1)), 12 * HOUR),
    (RememberedBrowser, remembered, 14 * DAY),
    (HandOver, granted, 30 + DAY),
    (AppGrant, grant_that_ended, 30 * DAY),
    (AccessRequest, answered_request, 30 * DAY),
    (Registration, register, 7 * DAY),
    (EmailLink, link, HOUR + DAY),
    (Message, done_message, 30 * DAY),
    (
        NumberTrial,
        lambda: phones.start_adding(load_user(1), "+12015550123", None, CLIENT),
        30 * DAY,
    ),
    (Activity, event, 365 * DAY),
    (Limit, limit, 300),
]


@pytest.mark.parametrize(
    ("table", "make", "kept"), CASES, ids=lambda case: getattr(case, "__name__", "")
)
def test_each_row_is_kept_for_its_time_and_then_goes(
    new_user: Callable[..., User], clock: time_machine.Traveller,
    table: type[Base], make: Callable[[], object], kept: int,
) -> None:  # fmt: skip
    new_user()
    make()
    rows = count(table)
    assert rows
    clock.shift(kept)
    assert sweeping.sweep_all()[table.__tablename__] == 0
    assert count(table) == rows

    clock.shift(1)
    assert sweeping.sweep_all()[table.__tablename__] >= 1


def test_nothing_that_is_still_needed_goes(
    new_user: Callable[..., User], clock: time_machine.Traveller
) -> None:
    ann = new_user(number="+12015550188", two_factor=True)
    open_session(ann)
    issue(ann)
    queue()

    assert set(sweeping.sweep_all().values()) == {0}


def test_a_message_that_still_waits_is_never_swept(clock: time_machine.Traveller) -> None:
    queue()
    clock.shift(90 * DAY)
    assert sweeping.sweep_all()["messages"] == 0


def test_the_mark_that_the_portal_was_set_up_stays(clock: time_machine.Traveller) -> None:
    first_account.set_up(first_account.setup_token(), "ann@example.org", PASSWORD, "", CLIENT)
    clock.shift(900 * DAY)
    sweeping.sweep_all()

    assert list(db.session.scalars(select(EmailLink.purpose))) == ["setup"]


def test_more_than_one_step_s_worth_goes_too(clock: time_machine.Traveller) -> None:
    rows = [{"at": now(), "event": "signed_out", "details": {}} for _ in range(1001)]
    with writing() as session:
        session.execute(insert(Activity), rows)
    clock.shift(365 * DAY + 1)

    assert sweeping.sweep_all()["activity"] == 1001
    assert count(Activity) == 0


@pytest.mark.settings(GATEPOST_KEEP_ACTIVITY_DAYS="2", GATEPOST_KEEP_UNCONFIRMED_DAYS="1")
def test_the_times_are_settings(clock: time_machine.Traveller) -> None:
    register()
    event()
    clock.shift(DAY + 1)
    swept = sweeping.sweep_all()
    assert (swept["registrations"], swept["activity"]) == (1, 0)
    clock.shift(DAY)
    assert sweeping.sweep_all()["activity"] == 2
