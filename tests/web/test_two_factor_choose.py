"""Choosing where the security code goes, in a browser."""

from collections.abc import Callable

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from extensions import writing
from models import Phone, User
from tests.outbox import Outbox
from tests.page import open_page
from tests.people import NUMBER, Person
from tests.steps import (
    LOGIN,
    add_number,
    ask_for_code,
    enter_password,
    has_cookie,
    is_signed_in,
    other_browser,
    sign_in,
    sign_in_with_code,
)

SECOND_NUMBER = "+12015550156"


@pytest.fixture
def ann(new_person: Callable[..., Person]) -> Person:
    return new_person(number=NUMBER, two_factor=True)


def test_it_is_shown_even_where_there_is_one_way_and_sends_nothing_by_itself(
    client: FlaskClient, outbox: Outbox, new_person: Callable[..., Person]
) -> None:
    page = enter_password(client, new_person(two_factor=True))

    assert page.url == "/two-factor"
    assert page.h1 == "Where should we send the code?"
    assert page.fields == {"method": "email"}
    assert outbox.messages("mail") == []


def test_the_ways_are_the_person_s_own_masked_and_the_primary_first(
    client: FlaskClient, outbox: Outbox, ann: Person, app: Flask
) -> None:
    elsewhere = other_browser(app)
    sign_in_with_code(elsewhere, outbox, ann)
    add_number(elsewhere, outbox, SECOND_NUMBER)
    page = enter_password(client, ann)

    labels = [label.text for label in page.form_of("Send code").all("label")]
    assert labels == [
        "By text message to the number ending 23",
        "By text message to the number ending 56",
        "By email to a••@example.org",
    ]
    chosen = [e.get("value") for e in page.root.all("input") if e.has("checked")]
    assert chosen == [f"phone:{ann.phone_id}"]
    assert NUMBER[2:] not in page.html


def test_nobody_is_signed_in_before_the_code(client: FlaskClient, ann: Person) -> None:
    ask_for_code(client, ann)

    assert not has_cookie(client, LOGIN)
    assert not is_signed_in(client)
    assert open_page(client, "/").h1 == "Sign in"


@pytest.mark.parametrize(
    "method", ["phone:99", "phone:", "phone:1 OR 1=1", "sms", "totp", "", None, "email\0"]
)
def test_nothing_goes_to_what_is_not_the_person_s_own(
    client: FlaskClient, outbox: Outbox, ann: Person, method: str | None
) -> None:
    page = enter_password(client, ann).submit("Send code", method=method)

    assert page.status == 422
    assert len(page.problems) == 1
    assert outbox.messages("sms") == outbox.messages("mail") == []


def test_another_person_s_number_is_none_of_the_ways(
    client: FlaskClient, outbox: Outbox, new_person: Callable[..., Person], ann: Person
) -> None:
    eve = new_person("eve@example.net", two_factor=True)
    page = enter_password(client, eve).submit("Send code", method=f"phone:{ann.phone_id}")

    assert page.status == 422
    assert outbox.messages("sms") == []


def test_a_disabled_number_is_none_of_the_ways(
    client: FlaskClient, app: Flask, ann: Person, clock: time_machine.Traveller
) -> None:
    with app.app_context(), writing() as session:
        session.execute(update(Phone).values(disabled_at=Phone.created_at))

    assert enter_password(client, ann).fields == {"method": "email"}


def test_without_the_password_there_is_no_such_page(client: FlaskClient) -> None:
    for path in ("/two-factor", "/two-factor/verify", "/two-factor/delivery"):
        assert open_page(client, path).h1 == "Sign in"


def test_whoever_is_signed_in_has_no_second_step(
    client: FlaskClient, new_person: Callable[..., Person]
) -> None:
    sign_in(client, new_person())

    assert open_page(client, "/two-factor").h1 == "Your account"


@pytest.mark.settings(GATEPOST_SUPPORT_CONTACT="help@example.org")
def test_who_can_use_none_of_them_is_told_whom_to_ask(client: FlaskClient, ann: Person) -> None:
    assert "Ask help@example.org." in enter_password(client, ann).main


@pytest.mark.settings(GATEPOST_SUPPORT_CONTACT="help@example.org")
def test_who_has_no_way_left_is_told_so_and_whom_to_ask(
    client: FlaskClient, app: Flask, new_person: Callable[..., Person]
) -> None:
    open_before = enter_password(client, new_person(two_factor=True))
    with app.app_context(), writing() as session:
        session.execute(update(User).values(email_way_disabled_at=User.created_at))

    page = open_page(client, "/two-factor")
    assert page.h1 == "We cannot send you a code"
    assert "too many wrong security codes" in page.main
    assert "Ask help@example.org." in page.main
    assert "Send code" not in page.buttons
    assert page.follow("Start again").h1 == "Sign in"
    refused = open_before.submit("Send code")
    assert (refused.status, refused.h1, refused.problems) == (422, page.h1, [])


@pytest.mark.settings(GATEPOST_SMS_GATEWAY="none")
def test_without_texts_email_is_the_way(client: FlaskClient, ann: Person) -> None:
    assert enter_password(client, ann).fields == {"method": "email"}


@pytest.mark.settings(GATEPOST_REQUIRE_TWO_FACTOR="yes")
def test_where_it_is_required_nobody_gets_by_with_the_password(
    client: FlaskClient, outbox: Outbox, new_person: Callable[..., Person]
) -> None:
    ann = new_person()
    page = ask_for_code(client, ann, "email")

    page = page.submit("Submit", code=outbox.code("mail"))
    assert page.h1 == "Your account"
