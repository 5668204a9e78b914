"""Closing one's account in a browser."""

from collections.abc import Callable

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from extensions import Base, db
from models import Activity, Message, User
from tests.outbox import Outbox
from tests.page import Page, open_page
from tests.people import NUMBER, PASSWORD, Person
from tests.steps import enter_password, is_signed_in, other_browser, sign_in, sign_in_with_code


@pytest.fixture
def ann(new_person: Callable[..., Person]) -> Person:
    return new_person(number=NUMBER, two_factor=True)


def close(client: FlaskClient, password: str = PASSWORD) -> Page:
    return open_page(client, "/account/close").submit("Close my account", password=password)


def test_the_account_and_all_that_belongs_to_it_are_gone(
    client: FlaskClient, outbox: Outbox, app: Flask, ann: Person
) -> None:
    sign_in_with_code(client, outbox, ann, remember_browser="y")
    page = close(client)
    assert (page.h1, page.notes) == ("Sign in", ["Your account is closed."])
    assert not is_signed_in(client)
    assert enter_password(client, ann).status == 422

    with app.app_context():
        for table in Base.metadata.sorted_tables:
            if "user_id" in table.c:
                left = select(func.count()).where(table.c.user_id == ann.id)
                assert db.session.scalar(left) == 0, table.name
        assert db.session.get(User, ann.id) is None
        events = set(db.session.scalars(select(Activity.event)))
        assert "account_closed" in events, "what happened stays, without whose it was"
        assert db.session.scalar(select(func.count()).select_from(Message))


def test_the_person_is_told(client: FlaskClient, outbox: Outbox, ann: Person) -> None:
    sign_in_with_code(client, outbox, ann)
    close(client)

    assert "closed" in outbox.newest("mail", ann.email)["subject"].lower()


def test_every_browser_is_signed_out(
    client: FlaskClient, outbox: Outbox, app: Flask, ann: Person, clock: time_machine.Traveller
) -> None:
    elsewhere = other_browser(app)
    sign_in_with_code(elsewhere, outbox, ann)
    clock.shift(31)
    sign_in_with_code(client, outbox, ann)
    close(client)

    assert not is_signed_in(elsewhere)


def test_nobody_else_s_account_is_touched(
    client: FlaskClient, outbox: Outbox, app: Flask, new_person: Callable[..., Person], ann: Person
) -> None:
    bob = new_person("bob@example.org", number="+12015550156")
    theirs = other_browser(app)
    sign_in(theirs, bob)
    sign_in_with_code(client, outbox, ann)
    close(client)

    assert is_signed_in(theirs)
    assert "+1 201-555-0156" in open_page(theirs, "/account").main


@pytest.mark.parametrize(
    ("password", "problem"),
    [("", "Enter your password."), ("not the right password", "The password is not right.")],
)
def test_not_without_the_password(
    client: FlaskClient, outbox: Outbox, ann: Person, password: str, problem: str
) -> None:
    sign_in_with_code(client, outbox, ann)
    page = close(client, password)

    assert (page.status, page.problems) == (422, [problem])
    assert is_signed_in(client)


def test_the_address_can_be_registered_again(
    client: FlaskClient, outbox: Outbox, ann: Person
) -> None:
    sign_in_with_code(client, outbox, ann)
    close(client)
    outbox.deliver()
    page = open_page(client, "/register")
    page.submit("Create account", email=ann.email, password="four words nobody guesses")

    assert "/confirm-email/" in outbox.newest("mail", ann.email)["text"]


def test_a_remembered_browser_must_prove_more_first(
    client: FlaskClient, outbox: Outbox, ann: Person
) -> None:
    sign_in_with_code(client, outbox, ann, remember_browser="y").submit("Sign out")
    sign_in(client, ann)

    assert open_page(client, "/account/close").h1 == "Confirm that it is you"


def test_the_last_administrator_stays(
    client: FlaskClient, new_person: Callable[..., Person]
) -> None:
    sign_in(client, new_person("operator@example.org", admin=True))
    page = close(client)

    assert (page.status, page.h1) == (422, "Close your account")
    assert page.problems[0].startswith("This is the last administrator who can sign in.")
    assert is_signed_in(client)
