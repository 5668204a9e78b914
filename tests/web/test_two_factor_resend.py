"""Sending the security code again at sign-in, and where it is, in a browser."""

from collections.abc import Callable

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
    other_browser,
)

SECOND_NUMBER = "+12015550156"


@pytest.fixture
def ann(new_person: Callable[..., Person]) -> Person:
    return new_person(number=NUMBER, two_factor=True)


class TestSendingAgain:
    def test_the_same_code_comes_again_after_a_wait(
        self, client: FlaskClient, outbox: Outbox, clock: time_machine.Traveller, ann: Person
    ) -> None:
        page = ask_for_code(client, ann)
        page = page.submit("Send again")
        assert page.status == 429
        assert page.response.headers["Retry-After"] in {"30", "31"}
        assert page.problems[0].startswith("We have just sent a code. Wait 3")

        clock.shift(31)
        page = page.submit("Send again")
        assert page.notes == ["We have sent the code again."]
        first, second = (code_in(m) for m in outbox.messages("sms", NUMBER))
        assert first == second

    def test_of_an_earlier_code_in_another_browser_the_page_says_that_it_is_no_good_here(
        self, client: FlaskClient, app: Flask, clock: time_machine.Traveller, ann: Person
    ) -> None:
        ask_for_code(client, ann)
        page = enter_password(other_browser(app), ann).submit("Send code")

        assert (page.status, page.h1) == (429, "Where should we send the code?")
        assert page.problems[0].startswith(
            "An earlier code went there a moment ago, and does not work here. Wait 3"
        )

    def test_who_has_one_way_is_offered_no_other(
        self, client: FlaskClient, new_person: Callable[..., Person]
    ) -> None:
        bob = new_person("bob@example.org", two_factor=True)
        assert "I cannot use this" in enter_password(client, bob).main
        page = ask_for_code(client, bob)

        assert page.h1 == "Enter your security code"
        assert "Use another way" not in page.main
        assert "You can get the code another way" not in page.html
        assert "Still nothing? Ask the people who run this portal." in page.main

    def test_a_reload_sends_nothing(
        self, client: FlaskClient, outbox: Outbox, clock: time_machine.Traveller, ann: Person
    ) -> None:
        ask_for_code(client, ann)
        clock.shift(60)
        for _ in range(3):
            open_page(client, "/two-factor/verify")
            open_page(client, "/two-factor")

        assert len(outbox.messages("sms")) == 1

    def test_a_double_click_on_send_sends_one(
        self, client: FlaskClient, outbox: Outbox, ann: Person
    ) -> None:
        page = enter_password(client, ann)
        assert page.submit("Send code").url == "/two-factor/verify"
        assert page.submit("Send code").url == "/two-factor/verify"

        assert len(outbox.messages("sms")) == 1

    def test_another_way_waits_for_nothing_and_keeps_the_code(
        self, client: FlaskClient, outbox: Outbox, ann: Person
    ) -> None:
        page = ask_for_code(client, ann)
        page = page.follow("Use another way").submit("Send code", method="email")

        assert "a••@example.org" in page.main
        assert outbox.code("mail", ann.email) == outbox.code("sms", NUMBER)
        assert page.submit("Submit", code=outbox.code("sms", NUMBER)).h1 == "Your account"

    def test_five_codes_an_hour_and_then_it_says_how_long_to_wait(
        self, client: FlaskClient, clock: time_machine.Traveller, ann: Person
    ) -> None:
        page = ask_for_code(client, ann)
        for wait in (31, 61, 121, 241):
            clock.shift(wait)
            page = page.submit("Send again")
            assert page.status == 200
        clock.shift(241)
        page = page.submit("Send again")

        assert page.status == 429
        assert page.problems[0].startswith("Too many codes were asked for. Wait ")

    def test_nothing_can_be_sent_again_before_anything_was_sent(
        self, client: FlaskClient, outbox: Outbox, ann: Person
    ) -> None:
        page = enter_password(client, ann)
        answer = client.post("/two-factor/resend", data={"csrf_token": csrf_token(page.html)})

        assert answer.location == "/two-factor"
        assert outbox.messages("sms") == []

    def test_the_code_page_leads_back_before_anything_was_sent(
        self, client: FlaskClient, ann: Person
    ) -> None:
        enter_password(client, ann)

        assert open_page(client, "/two-factor/verify").url == "/two-factor"


class TestDelivery:
    def test_the_page_and_its_script_are_told_where_the_message_is(
        self, client: FlaskClient, outbox: Outbox, ann: Person
    ) -> None:
        assert "Sending the text…" in ask_for_code(client, ann).main
        before = client.get("/two-factor/delivery").get_json()
        outbox.deliver()
        after = client.get("/two-factor/delivery").get_json()

        assert before == {
            "status": "queued", "text": "Sending the text…", "reason": "", "done": False,
        }  # fmt: skip
        assert after["status"] in {"sent", "delivered"}
        assert after["text"] in open_page(client, "/two-factor/verify").main

    def test_before_anything_was_sent_there_is_nothing_to_tell(
        self, client: FlaskClient, ann: Person
    ) -> None:
        enter_password(client, ann)

        assert client.get("/two-factor/delivery").get_json()["status"] == "none"
