"""Where a person is signed in, in a browser, and ending it there."""

from collections.abc import Callable

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from extensions import db, writing
from models import LoginSession
from tests.outbox import Outbox
from tests.page import open_page
from tests.people import NUMBER, Person, csrf_token
from tests.steps import enter_password, is_signed_in, other_browser, sign_in, sign_in_with_code

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Safari/604.1"


@pytest.fixture
def ann(new_person: Callable[..., Person]) -> Person:
    return new_person()


@pytest.fixture
def phone(app: Flask, ann: Person) -> FlaskClient:
    """Another browser in which she is signed in."""
    browser = other_browser(app, PHONE)
    sign_in(browser, ann)
    return browser


def ids_of(app: Flask, person: Person) -> list[int]:
    with app.app_context():
        found = select(LoginSession.id).where(LoginSession.user_id == person.id)
        return list(db.session.scalars(found.order_by(LoginSession.id)))


def test_each_is_listed_by_its_browser_and_this_one_is_marked(
    app: Flask, phone: FlaskClient, ann: Person
) -> None:
    here = other_browser(app, FIREFOX)
    sign_in(here, ann)
    page = open_page(here, "/account").follow("View where you are signed in")

    rows = [row.text for row in page.root.all("li") if "row" in row.get("class").split()]
    assert rows[0].startswith("Firefox on Linux This browser From 127.0.0.1.")
    assert rows[1].startswith("Safari on iPhone From 127.0.0.1.")
    assert rows[1].endswith("End Safari on iPhone")
    assert len(rows) == 2


def test_one_from_an_address_that_nobody_knows_names_none(
    app: Flask, client: FlaskClient, ann: Person
) -> None:
    sign_in(client, ann)
    with app.app_context(), writing() as session:
        session.execute(update(LoginSession).values(address=""))
    page = open_page(client, "/account/sessions")

    assert "From" not in page.main
    assert "This browser Signed in" in page.main


def test_ending_one_signs_that_browser_out(
    client: FlaskClient, phone: FlaskClient, ann: Person
) -> None:
    sign_in(client, ann)
    page = open_page(client, "/account/sessions").submit("End Safari on iPhone")

    assert page.url == "/account/sessions"
    assert page.notes == ["That browser is signed out."]
    assert not is_signed_in(phone)
    assert is_signed_in(client)


def test_ending_all_others_signs_them_out_forgets_them_and_tells_the_person(
    client: FlaskClient, outbox: Outbox, app: Flask, new_person: Callable[..., Person],
    clock: time_machine.Traveller,
) -> None:  # fmt: skip
    bob = new_person("bob@example.org", number=NUMBER, two_factor=True)
    phone = other_browser(app, PHONE)
    sign_in_with_code(phone, outbox, bob, remember_browser="y")
    clock.shift(31)
    sign_in_with_code(client, outbox, bob)
    page = open_page(client, "/account/sessions").submit("Sign out everywhere else")

    assert page.notes == ["All other browsers are signed out."]
    assert is_signed_in(client)
    assert not is_signed_in(phone)
    assert enter_password(phone, bob).url == "/two-factor"
    assert "signed out" in outbox.newest("mail", bob.email)["text"].lower()


def test_another_person_s_is_not_there(
    client: FlaskClient, app: Flask, phone: FlaskClient, new_person: Callable[..., Person],
    ann: Person,
) -> None:  # fmt: skip
    page = sign_in(client, new_person("bob@example.org"))
    (hers,) = ids_of(app, ann)
    form = {"csrf_token": csrf_token(page.html)}

    answer = client.post(f"/account/sessions/{hers}/end", data=form)
    assert answer.status_code == 404
    assert "There is no such thing on your account." in answer.text
    assert is_signed_in(phone)


def test_proof_of_identity_comes_first_and_leads_back_to_the_list(
    client: FlaskClient, clock: time_machine.Traveller, phone: FlaskClient, ann: Person
) -> None:
    sign_in(client, ann)
    page = open_page(client, "/account/sessions")
    clock.shift(600)
    page = page.submit("End Safari on iPhone")
    assert page.h1 == "Confirm that it is you"
    assert is_signed_in(phone)

    assert page.submit("Continue", password=ann.password).url == "/account/sessions"


def test_the_only_one_cannot_be_ended_from_the_list(client: FlaskClient, ann: Person) -> None:
    sign_in(client, ann)
    page = open_page(client, "/account/sessions")

    assert page.buttons == ["Sign out"]


@pytest.mark.settings(GATEPOST_CHANGES_PER_HOUR="1")
def test_too_often_is_said_on_the_page(app: Flask, client: FlaskClient, ann: Person) -> None:
    sign_in(client, ann)
    for _ in range(2):
        sign_in(other_browser(app, PHONE), ann)
        page = open_page(client, "/account/sessions").submit("Sign out everywhere else")

    assert (page.status, page.h1) == (429, "Where you are signed in")
    assert page.problems == [
        "Too much was changed on this account. Wait 60 minutes, then try again."
    ]
