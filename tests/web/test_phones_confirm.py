"""Confirming a phone number in a browser."""

from collections.abc import Callable

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from tests.outbox import Outbox, code_in
from tests.page import open_page
from tests.people import Person, csrf_token
from tests.steps import (
    add_number,
    is_signed_in,
    numbers_of,
    other_browser,
    sign_in,
    start_adding,
)

NEW = "+12015550156"
SHOWN = "+1 201-555-0156"


@pytest.fixture
def ann(new_person: Callable[..., Person]) -> Person:
    return new_person()


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


def test_before_anything_was_sent_it_leads_to_adding(client: FlaskClient, ann: Person) -> None:
    sign_in(client, ann)

    assert open_page(client, "/account/phones/confirm").url == "/account/phones/add"


def test_wrong_codes_are_counted(
    client: FlaskClient, outbox: Outbox, app: Flask, ann: Person
) -> None:
    sign_in(client, ann)
    page = start_adding(client, NEW)
    code = outbox.code("sms", NEW)
    for left in ("4 tries", "3 tries", "2 tries", "1 try"):
        page = page.submit("Submit", code=wrong(code))
        assert page.problems == [f"The code is not right. {left} left."]
    page.submit("Submit", code=wrong(code))

    assert page.submit("Submit", code=code).status == 429
    assert numbers_of(app) == []


def test_the_same_code_is_sent_again(
    client: FlaskClient, outbox: Outbox, clock: time_machine.Traveller, ann: Person
) -> None:
    sign_in(client, ann)
    page = start_adding(client, NEW)
    assert page.submit("Send again").status == 429

    clock.shift(31)
    page = page.submit("Send again")
    assert page.notes == ["We have sent the code again."]
    first, second = (code_in(message) for message in outbox.messages("sms", NEW))
    assert first == second


def test_after_ten_minutes_a_new_one_is_sent(
    client: FlaskClient, outbox: Outbox, clock: time_machine.Traveller, ann: Person
) -> None:
    sign_in(client, ann)
    page = start_adding(client, NEW)
    old = outbox.code("sms", NEW)
    clock.shift(599)
    page = open_page(client, "/account/phones/confirm")
    clock.shift(1)
    page = page.submit("Submit", code=old)
    assert page.h1 == "Confirm that it is you", "the password was given ten minutes ago, too"
    page = page.submit("Continue", password=ann.password)
    page = page.submit("Submit", code=old)
    assert page.problems == ["This code has expired. Send a new code."]

    page = page.submit("Send again")
    page = page.submit("Submit", code=outbox.code("sms", NEW))
    assert page.notes == ["The phone number was added."]


def test_where_the_text_is_is_told(client: FlaskClient, outbox: Outbox, ann: Person) -> None:
    sign_in(client, ann)
    start_adding(client, NEW)
    assert client.get("/account/phones/delivery").get_json()["status"] == "queued"

    outbox.deliver()
    assert client.get("/account/phones/delivery").get_json()["status"] in {"sent", "delivered"}


def test_the_second_click_undoes_nothing(
    client: FlaskClient, outbox: Outbox, app: Flask, ann: Person
) -> None:
    sign_in(client, ann)
    page = start_adding(client, NEW)
    before = client.get_cookie("gatepost_session")
    assert before is not None
    form = {"csrf_token": csrf_token(page.html), "code": outbox.code("sms", NEW)}
    client.post("/account/phones/confirm", data=form)
    client.set_cookie("gatepost_session", before.value)
    answer = client.post("/account/phones/confirm", data=form)

    assert (answer.status_code, answer.location) == (303, "/account")
    assert "Set-Cookie" not in answer.headers
    assert is_signed_in(client)
    assert numbers_of(app) == [(NEW, True)]


def test_another_session_of_the_same_person_cannot_enter_it(
    client: FlaskClient, outbox: Outbox, app: Flask, ann: Person
) -> None:
    elsewhere = other_browser(app)
    sign_in(elsewhere, ann)
    sign_in(client, ann)
    start_adding(client, NEW)

    assert open_page(elsewhere, "/account/phones/confirm").url == "/account/phones/add"


def test_other_sessions_and_remembered_browsers_end(
    client: FlaskClient, outbox: Outbox, app: Flask, ann: Person
) -> None:
    elsewhere = other_browser(app)
    sign_in(elsewhere, ann)
    sign_in(client, ann)
    add_number(client, outbox, NEW)

    assert is_signed_in(client)
    assert not is_signed_in(elsewhere)
