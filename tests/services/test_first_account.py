"""The first account of a portal: an administrator's, once, with the token of the log."""

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import func, select

from extensions import db, end_reading
from models import User
from services import first_account, registration, sign_in
from services.errors import LinkInvalid, SetupTokenIncorrect
from services.sign_in import Browser, SignedIn
from tests.people import CLIENT, PASSWORD
from tests.threads import count_of, run_together

pytestmark = pytest.mark.usefixtures("context")


def set_up(token: str | None = None, email: str = "ann@example.org") -> None:
    token = first_account.setup_token() if token is None else token
    first_account.set_up(token, email, PASSWORD, "Ann", CLIENT)


def test_it_is_a_confirmed_administrator_s() -> None:
    assert first_account.is_empty()
    set_up()

    user = db.session.scalars(select(User)).one()
    assert (user.email, user.is_admin) == ("ann@example.org", True)
    assert not first_account.is_empty()
    outcome = sign_in.with_password("ann@example.org", PASSWORD, False, Browser(CLIENT))
    assert isinstance(outcome, SignedIn)


def test_it_is_made_once() -> None:
    set_up()
    with pytest.raises(LinkInvalid):
        set_up(email="mallory@example.org")


def test_not_where_there_is_an_account(new_user: Callable[..., User]) -> None:
    new_user("bob@example.org")
    with pytest.raises(LinkInvalid):
        set_up()


def test_who_only_registered_does_not_shut_the_door() -> None:
    for email in ("ann@example.org", "mallory@example.org"):
        registration.register(email, "seven wooden giraffes dancing", "", "", "", CLIENT)
    assert first_account.is_empty()
    set_up()

    assert not first_account.is_empty()


@pytest.mark.parametrize("token", ["", "x", "0" * 32, "ä"])
def test_not_without_the_token(token: str) -> None:
    with pytest.raises(SetupTokenIncorrect):
        set_up(token)
    assert first_account.is_empty()


def test_of_twenty_at_once_one_is_made(app: Flask) -> None:
    end_reading()
    outcomes = run_together(app, 20, lambda index: set_up(email=f"person{index}@example.org"))

    assert count_of(type(None), outcomes) == 1, outcomes
    assert count_of(LinkInvalid, outcomes) == 19
    assert db.session.scalar(select(func.count()).select_from(User)) == 1
