"""Entering the security code at sign-in, in a browser."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from tests.outbox import Outbox, code_in
from tests.page import open_page
from tests.people import NUMBER, Person, csrf_token
from tests.steps import (
    ask_for_code,
    enter_password,
    is_signed_in,
    other_browser,
)

SECOND_NUMBER = "+12015550156"


@pytest.fixture
def ann(new_person: Callable[..., Person]) -> Person:
    return new_person(number=NUMBER, two_factor=True)


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


def test_by_text(client: FlaskClient, outbox: Outbox, ann: Person) -> None:
    page = ask_for_code(client, ann)
    assert "to the number ending 23. It works for 10 more minutes." in page.main

    message = outbox.newest("sms", NUMBER)
    code = code_in(message)
    assert message["text"].startswith(f"{code} is your Gatepost sign-in code.")
    assert page.submit("Submit", code=f"{code[:3]} {code[3:]}").h1 == "Your account"


def test_by_email(client: FlaskClient, outbox: Outbox, ann: Person) -> None:
    page = ask_for_code(client, ann, "email")
    assert "We sent a 6-digit code to a••@example.org." in page.main

    assert page.submit("Submit", code=outbox.code("mail", ann.email)).h1 == "Your account"
    assert outbox.messages("sms") == []


def test_it_leads_where_the_sign_in_was_for(
    client: FlaskClient, outbox: Outbox, ann: Person
) -> None:
    page = open_page(client, "/account/activity")
    page = page.submit("Sign in", email=ann.email, password=ann.password)
    page = page.submit("Send code").submit("Submit", code=outbox.code())

    assert page.url == "/account/activity"


def test_it_says_what_is_wrong_and_how_many_tries_are_left(
    client: FlaskClient, outbox: Outbox, ann: Person
) -> None:
    page = ask_for_code(client, ann)
    code = outbox.code()
    told, statuses = [], []
    for entered in ("", code[:5], "abcdef", wrong(code), wrong(code), wrong(code), code):
        page = page.submit("Submit", code=entered)
        statuses.append(page.status)
        told += page.problems

    assert told == [
        "Enter the security code.",
        "The code has 6 digits. 4 tries left.",
        "The code is made of digits only. 3 tries left.",
        "The code is not right. 2 tries left.",
        "The code is not right. 1 try left.",
        "There were too many tries with this code. Wait 5 minutes, then send a new code.",
        "There were too many tries with this code. Wait 5 minutes, then send a new code.",
    ]
    assert statuses == [422] * 5 + [429] * 2
    assert 0 < int(page.response.headers["Retry-After"]) <= 300
    assert not is_signed_in(client)


def test_what_was_typed_is_kept(client: FlaskClient, outbox: Outbox, ann: Person) -> None:
    page = ask_for_code(client, ann).submit("Submit", code="12 34")

    assert page.fields["code"] == "12 34"


def test_after_ten_minutes_it_has_expired_and_a_new_one_is_sent(
    client: FlaskClient, outbox: Outbox, clock: time_machine.Traveller, ann: Person
) -> None:
    page = ask_for_code(client, ann)
    code = outbox.code()
    clock.shift(600)
    page = page.submit("Submit", code=code)
    assert page.problems == ["This code has expired. Send a new code."]
    assert "no longer works. Send a new one below." in page.main

    page = page.submit("Send again")
    assert page.notes == ["We have sent the code again."]
    assert page.submit("Submit", code=code).status == 422
    assert page.submit("Submit", code=outbox.code()).h1 == "Your account"


def test_the_pending_sign_in_lives_for_twenty_minutes(
    client: FlaskClient, outbox: Outbox, clock: time_machine.Traveller, ann: Person
) -> None:
    enter_password(client, ann)
    clock.shift(1199)
    page = open_page(client, "/two-factor")
    assert page.h1 == "Where should we send the code?"
    clock.shift(1)
    page = page.submit("Send code")
    assert page.h1 == "Sign in"
    assert outbox.messages("sms") == []


def test_the_page_counts_the_minutes_down(
    client: FlaskClient, clock: time_machine.Traveller, ann: Person
) -> None:
    ask_for_code(client, ann)
    clock.shift(timedelta(minutes=8, seconds=30))
    assert "It works for 2 more minutes." in open_page(client, "/two-factor/verify").main
    clock.shift(60)
    assert "It works for 1 more minute." in open_page(client, "/two-factor/verify").main


def test_it_is_nothing_in_another_browser(
    client: FlaskClient, outbox: Outbox, app: Flask, ann: Person,
    clock: time_machine.Traveller,
) -> None:  # fmt: skip
    ask_for_code(client, ann)
    code = outbox.code()
    clock.shift(31)
    elsewhere = other_browser(app)
    page = ask_for_code(elsewhere, ann)

    assert page.submit("Submit", code=code).status == 422
    assert open_page(client, "/two-factor/verify").submit("Submit", code=code).h1 == (
        "Your account"
    )


def test_it_works_once(client: FlaskClient, outbox: Outbox, app: Flask, ann: Person) -> None:
    page = ask_for_code(client, ann)
    session = client.get_cookie("gatepost_session")
    assert session is not None
    code = outbox.code()
    page.submit("Submit", code=code)

    thief = other_browser(app)
    thief.set_cookie("gatepost_session", session.value)
    form = {"csrf_token": csrf_token(page.html), "code": code}
    thief.post("/two-factor/verify", data=form)
    assert not is_signed_in(thief)


def test_the_second_click_undoes_nothing(client: FlaskClient, outbox: Outbox, ann: Person) -> None:
    page = ask_for_code(client, ann)
    session = client.get_cookie("gatepost_session")
    assert session is not None
    page.submit("Submit", code=outbox.code())
    second = client.get_cookie("gatepost_session")

    client.set_cookie("gatepost_session", session.value)
    form = {"csrf_token": csrf_token(page.html), "code": outbox.code()}
    answer = client.post("/two-factor/verify", data=form)

    assert (answer.status_code, answer.location) == (303, "/")
    assert "Set-Cookie" not in answer.headers
    if second:
        client.set_cookie("gatepost_session", second.value)
    assert is_signed_in(client)


def test_the_right_password_again_goes_on_with_the_same_code(
    client: FlaskClient, outbox: Outbox, ann: Person
) -> None:
    ask_for_code(client, ann)
    code = outbox.code()
    enter_password(client, ann)

    page = open_page(client, "/two-factor/verify").submit("Submit", code=code)
    assert page.h1 == "Your account"
