"""Adding a phone number in a browser."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from extensions import db
from models import Challenge, Message
from tests.outbox import Outbox, code_in
from tests.page import check, open_page
from tests.people import NUMBER, Person, csrf_token, post
from tests.steps import (
    add_number,
    numbers_of,
    sign_in,
    start_adding,
)

NEW = "+12015550156"
SHOWN = "+1 201-555-0156"


@pytest.fixture
def ann(new_person: Callable[..., Person]) -> Person:
    return new_person()


def test_the_code_that_arrives_there_adds_the_number(
    client: FlaskClient, outbox: Outbox, app: Flask, ann: Person
) -> None:
    sign_in(client, ann)
    page = start_adding(client, "(201) 555-0156")
    assert page.h1 == "Confirm your phone number"
    assert f"We sent a 6-digit code to {SHOWN}." in page.main

    message = outbox.newest("sms", NEW)
    page = page.submit("Submit", code=code_in(message))
    assert page.notes == ["The phone number was added."]
    assert f"{SHOWN} Primary" in page.main
    assert numbers_of(app) == [(NEW, True)]


def test_the_person_is_told_by_mail(client: FlaskClient, outbox: Outbox, ann: Person) -> None:
    sign_in(client, ann)
    add_number(client, outbox, NEW)

    mail = outbox.newest("mail", ann.email)["text"]
    assert "56" in mail
    assert NEW not in mail


def test_until_then_it_counts_for_nothing(client: FlaskClient, app: Flask, ann: Person) -> None:
    sign_in(client, ann)
    start_adding(client, NEW)

    assert numbers_of(app) == []
    assert "Phone number: none" in open_page(client, "/account").main


def test_the_same_number_again_leads_on_to_the_code_that_was_sent(
    client: FlaskClient, outbox: Outbox, ann: Person
) -> None:
    sign_in(client, ann)
    start_adding(client, NEW)
    page = start_adding(client, SHOWN)

    assert page.h1 == "Confirm your phone number", page.problems
    page = page.submit("Submit", code=outbox.code(to=NEW))
    assert page.notes == ["The phone number was added."]
    assert len(outbox.messages("sms")) == 1


@pytest.mark.parametrize(
    ("number", "problem"),
    [
        ("", "Enter a phone number."),
        ("12345", "This phone number does not look right."),
        ("ann@example.org", "This phone number does not look right."),
        ("+1 201 555 0156 ext. 3", "This phone number does not look right."),
        ("+1 900 555 0156", "This number cannot receive text messages from us."),
        ("+12015550156" + "0" * 40, "Use at most 40 characters."),
    ],
)
def test_what_is_no_number_is_told_and_kept(
    client: FlaskClient, outbox: Outbox, ann: Person, number: str, problem: str
) -> None:
    sign_in(client, ann)
    page = start_adding(client, number)

    assert page.status == 422
    assert page.problems[0].startswith(problem)
    assert page.fields["number"] == number
    assert outbox.messages("sms") == []


@pytest.mark.settings(GATEPOST_SMS_COUNTRIES="DE")
def test_a_country_that_is_not_allowed_is_told(
    client: FlaskClient, outbox: Outbox, ann: Person
) -> None:
    sign_in(client, ann)
    page = start_adding(client, NEW)

    assert page.problems == ["We cannot send texts to numbers of this country."]
    assert outbox.messages("sms") == []


@pytest.mark.settings(GATEPOST_SMS_GATEWAY="none")
def test_a_portal_without_texts_says_so(client: FlaskClient, ann: Person) -> None:
    page = sign_in(client, ann)
    assert "Phone number: none This portal does not send text messages." in page.main
    assert not [link for link in page.links if "phone number" in link]
    page = open_page(client, "/account/phones/add")
    assert "This portal does not send text messages" in page.main
    assert page.fields == {}

    page = check(client, post(client, "/account/phones/add", page="/account", number=NEW))
    assert page.status == 422
    assert page.problems == ["This portal does not send text messages."]


@pytest.mark.settings(GATEPOST_SMS_GATEWAY="none")
def test_a_portal_without_texts_lets_a_number_from_earlier_go(
    client: FlaskClient, app: Flask, new_person: Callable[..., Person]
) -> None:
    ann = new_person(number=NUMBER)
    page = sign_in(client, ann)
    assert "Not in use This portal does not send text messages, so no codes go" in page.main
    assert not [link for link in page.links if link.startswith("Change +")]
    assert open_page(client, f"/account/phones/{ann.phone_id}/change").fields == {}

    assert page.submit("Remove").notes == ["The phone number was removed."]
    assert numbers_of(app) == []
    with app.app_context():
        assert not db.session.scalar(select(Message).where(Message.channel == "sms"))


def test_a_number_that_is_there_already_is_told(
    client: FlaskClient, outbox: Outbox, ann: Person
) -> None:
    sign_in(client, ann)
    add_number(client, outbox, NEW)

    assert start_adding(client, SHOWN).problems == ["This number is on your account already."]


def test_another_person_may_have_the_same_number(
    client: FlaskClient, outbox: Outbox, new_person: Callable[..., Person]
) -> None:
    new_person("bob@example.org", number=NEW)
    sign_in(client, new_person())

    assert add_number(client, outbox, NEW).notes == ["The phone number was added."]


def test_the_first_is_primary_and_the_second_is_not(
    client: FlaskClient, outbox: Outbox, app: Flask, ann: Person
) -> None:
    sign_in(client, ann)
    add_number(client, outbox, NUMBER)
    add_number(client, outbox, NEW)

    assert numbers_of(app) == [(NUMBER, True), (NEW, False)]


def test_the_number_can_be_corrected(
    client: FlaskClient, outbox: Outbox, app: Flask, ann: Person
) -> None:
    sign_in(client, ann)
    page = start_adding(client, NUMBER)
    mistaken = outbox.code("sms", NUMBER)
    page = page.follow("Use a different number").submit("Send verification code", number=NEW)
    assert SHOWN in page.main

    if mistaken != outbox.code("sms", NEW):
        assert page.submit("Submit", code=mistaken).status == 422
    page.submit("Submit", code=outbox.code("sms", NEW))
    assert numbers_of(app) == [(NEW, True)]


def test_the_number_comes_from_the_row_alone(
    client: FlaskClient, outbox: Outbox, app: Flask, ann: Person
) -> None:
    sign_in(client, ann)
    page = start_adding(client, NEW)
    form = {"csrf_token": csrf_token(page.html), "code": outbox.code("sms", NEW)}
    client.post("/account/phones/confirm", data={**form, "number": NUMBER, "phone": NUMBER})

    assert numbers_of(app) == [(NEW, True)]


def test_it_is_in_no_cookie_and_no_address(
    client: FlaskClient, outbox: Outbox, ann: Person
) -> None:
    sign_in(client, ann)
    page = start_adding(client, NEW)
    code = outbox.code("sms", NEW)

    with client.session_transaction() as session:
        kept = repr(dict(session))
    assert "5550156" not in kept
    assert code not in kept
    assert "5550156" not in page.url


def test_after_three_numbers_it_says_how_long_to_wait(client: FlaskClient, ann: Person) -> None:
    sign_in(client, ann)
    for last in range(3):
        assert start_adding(client, f"+1201555016{last}").h1 == "Confirm your phone number"
    page = start_adding(client, "+12015550169")

    assert page.status == 429
    assert int(page.response.headers["Retry-After"]) > 0
    assert page.problems[0].startswith("Too many codes were asked for.")
    assert page.fields["number"] == "+12015550169"


@pytest.mark.settings(
    GATEPOST_SENDS_PER_HOUR="100", GATEPOST_SENDS_PER_DAY="100",
    GATEPOST_NEW_NUMBERS_PER_HOUR="100", GATEPOST_NEW_NUMBER_PREFIX_PER_10_MINUTES="100",
)  # fmt: skip
def test_an_account_holds_five_numbers(
    client: FlaskClient, outbox: Outbox, app: Flask, new_person: Callable[..., Person]
) -> None:
    sign_in(client, new_person())
    for last in range(5):
        add_number(client, outbox, f"+1201555015{last}")
    page = start_adding(client, NEW)

    assert page.problems == ["You have as many numbers as an account can hold. Remove one first."]
    assert len(numbers_of(app)) == 5
    with app.app_context():
        assert not db.session.scalar(select(Challenge).where(Challenge.destination == NEW))
