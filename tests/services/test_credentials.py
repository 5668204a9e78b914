"""How often one person can change what nothing else limits."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from extensions import db, end_reading, writing
from models import Message, Phone, User
from services import accounts, browsers, credentials, links, passwords, phones, two_factor
from services.errors_accounts import TooManyChanges
from services.links import Purpose
from tests.people import CLIENT, NUMBER, PASSWORD, load_user, open_session
from tests.threads import count_of, run_together

pytestmark = [
    pytest.mark.usefixtures("context"),
    pytest.mark.settings(GATEPOST_CHANGES_PER_HOUR="2"),
]
NEW = "seven purple kettles on a roof"


@pytest.fixture
def ann(new_user: Callable[..., User]) -> User:
    return new_user(number=NUMBER)


def choose_primary(user: User) -> None:
    phone_id = db.session.scalars(select(Phone.id)).one()
    phones.make_primary(user, phone_id, open_session(user), CLIENT)


CHANGES: dict[str, Callable[[User], object]] = {
    "two-factor on": lambda user: two_factor.enable(user, open_session(user), CLIENT),
    "two-factor off": lambda user: two_factor.disable(user, open_session(user), CLIENT),
    "other sessions": lambda user: credentials.sign_out_elsewhere(open_session(user), CLIENT),
    "primary": choose_primary,
    "browsers": lambda user: browsers.forget_all(user, CLIENT),
    "password": lambda user: passwords.change(open_session(user), PASSWORD, NEW, CLIENT),
}


def use_up(user: User) -> None:
    """Make the two changes that this hour has."""
    for change in ("two-factor on", "two-factor off"):
        CHANGES[change](load_user(user.id))


def count_mails() -> int:
    end_reading()
    return db.session.scalar(select(func.count()).select_from(Message)) or 0


@pytest.mark.parametrize("change", CHANGES)
def test_of_too_many_none_is_made_and_none_is_told(
    ann: User, change: str, clock: time_machine.Traveller
) -> None:
    use_up(ann)
    mails, epoch = count_mails(), load_user(ann.id).epoch
    with pytest.raises(TooManyChanges) as refusal:
        CHANGES[change](load_user(ann.id))
    assert 3500 < (refusal.value.retry_after or 0) <= 3601
    assert (count_mails(), load_user(ann.id).epoch) == (mails, epoch)

    clock.shift(3601)
    CHANGES[change](load_user(ann.id))


def test_another_person_s_changes_are_their_own(ann: User, new_user: Callable[..., User]) -> None:
    use_up(ann)
    use_up(new_user("bob@example.org"))


def test_at_the_same_moment_no_more_are_made(app: Flask, ann: User) -> None:
    end_reading()
    outcomes = run_together(app, 5, lambda _: browsers.forget_all(load_user(ann.id), CLIENT))
    assert count_of(TooManyChanges, outcomes) == 3, outcomes


def test_a_new_password_by_mail_and_what_the_operator_does_are_never_refused(
    ann: User,
) -> None:
    use_up(ann)
    with writing() as session:
        life = timedelta(minutes=30)
        link = links.issue(session, Purpose.RESET_PASSWORD, life, load_user(ann.id))
    passwords.reset(link.rpartition("/")[2], NEW, CLIENT)
    assert accounts.reset_two_factor(load_user(ann.id))
    assert accounts.disable(load_user(ann.id))
