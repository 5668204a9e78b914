"""Remembered browsers as rows: for whom, for how long, and whose they are."""

import dataclasses
from collections.abc import Callable

import pytest
import time_machine
from sqlalchemy import select, update

from app import create_app
from config import Config
from extensions import db, writing
from models import RememberedBrowser, User
from services import accounts, browsers, credentials
from services.audit import Client
from services.errors import NotFound
from tests.people import CLIENT, load_user

DAY = 86400

pytestmark = pytest.mark.usefixtures("context")


@pytest.fixture
def ann(new_user: Callable[..., User]) -> User:
    return new_user()


def remember(user: User, client: Client = CLIENT) -> str:
    with writing() as session:
        return browsers.remember(session, user, client)


def recognized(user: User, token: str) -> bool:
    with writing() as session:
        return browsers.recognize(session, user, token)


def test_it_is_recognized_for_14_days(ann: User, clock: time_machine.Traveller) -> None:
    token = remember(ann)
    clock.shift(14 * DAY - 1)
    assert recognized(ann, token)
    assert len(browsers.list_remembered(ann)) == 1

    clock.shift(1)
    assert not recognized(ann, token)
    assert browsers.list_remembered(ann) == []


@pytest.mark.settings(GATEPOST_REMEMBERED_BROWSER_DAYS="30")
def test_thirty_days_are_the_most(ann: User, clock: time_machine.Traveller) -> None:
    token = remember(ann)
    clock.shift(30 * DAY - 1)
    assert recognized(ann, token)
    clock.shift(1)
    assert not recognized(ann, token)


def test_an_administrator_s_never_is(new_user: Callable[..., User], ann: User) -> None:
    assert remember(new_user("operator@example.org", admin=True)) == ""
    assert db.session.scalars(select(RememberedBrowser)).all() == []

    token = remember(ann)
    with writing() as session:
        session.execute(update(User).values(is_admin=True))
    assert not recognized(load_user(ann.id), token)


@pytest.mark.parametrize("token", ["", "x", "\x00", "ä"])
def test_none_can_be_made_up(ann: User, token: str) -> None:
    remember(ann)
    assert not recognized(ann, token)


def test_its_token_stands_nowhere(ann: User) -> None:
    token = remember(ann)
    row = db.session.scalars(select(RememberedBrowser)).one()

    assert len(token) >= 22, "128 bits"
    assert token not in {str(value) for value in vars(row).values()}


def test_it_is_its_own_person_s(ann: User, new_user: Callable[..., User]) -> None:
    token = remember(ann)
    bob = new_user("bob@example.org")
    assert not recognized(bob, token)
    (row,) = browsers.list_remembered(ann)
    with pytest.raises(NotFound):
        browsers.forget(bob, row.id, CLIENT)
    browsers.forget_all(bob, CLIENT)

    assert recognized(ann, token)
    assert browsers.list_remembered(bob) == []


def test_forgetting_one_leaves_the_others(ann: User) -> None:
    first, second = remember(ann), remember(ann)
    _newest, oldest = browsers.list_remembered(ann)
    browsers.forget(ann, oldest.id, CLIENT)

    assert not recognized(ann, first)
    assert recognized(ann, second)
    with pytest.raises(NotFound):
        browsers.forget(ann, oldest.id, CLIENT)


@pytest.mark.parametrize("change", ["credential", "disabled", "two factor reset", "epoch"])
def test_every_change_of_a_credential_ends_all(ann: User, change: str) -> None:
    token = remember(ann)
    with writing() as session:
        if change == "credential":
            credentials.changed(session, ann)
        elif change == "epoch":
            session.execute(update(User).values(epoch=User.epoch + 1))
    if change == "disabled":
        accounts.disable(ann)
    elif change == "two factor reset":
        accounts.reset_two_factor(ann)

    assert not recognized(load_user(ann.id), token)


def test_the_list_says_which_was_used_last(ann: User, clock: time_machine.Traveller) -> None:
    first, _second = remember(ann, Client("192.0.2.1")), remember(ann, Client("192.0.2.2"))
    assert [row.address for row in browsers.list_remembered(ann)] == ["192.0.2.2", "192.0.2.1"]
    clock.shift(60)
    recognized(ann, first)
    db.session.expire_all()

    assert [row.address for row in browsers.list_remembered(ann)] == ["192.0.2.1", "192.0.2.2"]


def test_a_known_browser_is_known_by_no_other_key(ann: User, config: Config) -> None:
    cookie = browsers.make_known(ann)
    other = dataclasses.replace(config, secret_key="another-key-0123456789-abcdefgh")
    with create_app(other).app_context():
        assert browsers.known_lane(load_user(ann.id), cookie) == ""
        db.session.remove()
        db.engine.dispose()


def test_a_new_secret_key_forgets_no_known_browser(ann: User, config: Config) -> None:
    cookie = browsers.make_known(ann)
    rotated = dataclasses.replace(
        config,
        secret_key="another-key-0123456789-abcdefgh",
        secret_key_fallbacks=(config.secret_key,),
    )
    with create_app(rotated).app_context():
        assert browsers.known_lane(load_user(ann.id), cookie) != ""
        db.session.remove()
        db.engine.dispose()
