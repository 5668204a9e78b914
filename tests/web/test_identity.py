"""Confirming that it is you, in a browser: password, then where to send a code, then the code."""

from collections.abc import Callable

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from extensions import writing
from models import Phone, User
from tests.outbox import Outbox, code_in
from tests.page import Page, filled_in, open_page
from tests.people import NUMBER, Person, csrf_token
from tests.steps import LOGIN, is_signed_in, other_browser, sign_in, sign_in_with_code
from tests.threads import run_together

ASKS = "Confirm that it is you"


@pytest.fixture
def ann(new_person: Callable[..., Person]) -> Person:
    return new_person(number=NUMBER, two_factor=True)


@pytest.fixture
def bob(new_person: Callable[..., Person]) -> Person:
    """Without two-factor sign-in."""
    return new_person("bob@example.org")


def ask_for_code(client: FlaskClient, ann: Person, path: str = "/account/password") -> Page:
    """Give the password, and have a code sent; a while after signing in."""
    page = open_page(client, path).submit("Continue", password=ann.password)
    assert page.fields.keys() >= {"method"}
    return page.submit("Send code")


class TestWithoutTwoFactor:
    def test_signing_in_is_proof_for_ten_minutes(
        self, client: FlaskClient, clock: time_machine.Traveller, bob: Person
    ) -> None:
        sign_in(client, bob)
        clock.shift(599)
        assert open_page(client, "/account/password").h1 == "Change your password"

        clock.shift(1)
        assert open_page(client, "/account/password").h1 == ASKS

    def test_of_several_presses_at_once_none_is_an_error(
        self, app: Flask, client: FlaskClient, clock: time_machine.Traveller, bob: Person
    ) -> None:
        sign_in(client, bob)
        clock.shift(600)
        page = open_page(client, "/account/password")
        data = filled_in(page.form_of("Continue"))
        data["password"] = bob.password
        held = [(name, client.get_cookie(name)) for name in (LOGIN, "gatepost_session")]

        def press(_number: int) -> TestResponse:
            browser = app.test_client()
            for name, cookie in held:
                assert cookie
                browser.set_cookie(name, cookie.value)
            return browser.post(page.url, data=data)

        answers = run_together(app, 6, press)
        assert {answer.status_code for answer in answers} == {303}, answers
        first, *others = sorted(answers, key=lambda answer: LOGIN in str(answer.headers))[::-1]
        assert LOGIN in str(first.headers)
        assert {answer.location.partition("?")[0] for answer in others} <= {
            "/confirm-identity", "/sign-in",
        }  # fmt: skip

    def test_the_password_is_proof_for_ten_more(
        self, client: FlaskClient, clock: time_machine.Traveller, bob: Person
    ) -> None:
        sign_in(client, bob)
        clock.shift(600)
        open_page(client, "/account/password").submit("Continue", password=bob.password)
        clock.shift(599)
        assert open_page(client, "/account/email").h1 == "Change your email address"

        clock.shift(1)
        assert open_page(client, "/account/email").h1 == ASKS

    def test_a_wrong_password_proves_nothing(
        self, client: FlaskClient, clock: time_machine.Traveller, bob: Person
    ) -> None:
        sign_in(client, bob)
        clock.shift(600)
        page = open_page(client, "/account/password").submit("Continue", password="not it at all")

        assert (page.status, page.problems) == (422, ["The password is not right."])
        assert open_page(client, "/account/password").h1 == ASKS

    def test_the_login_gets_a_new_token(
        self, client: FlaskClient, app: Flask, clock: time_machine.Traveller, bob: Person
    ) -> None:
        sign_in(client, bob)
        clock.shift(600)
        before = client.get_cookie(LOGIN)
        assert before is not None
        open_page(client, "/account/password").submit("Continue", password=bob.password)

        thief = other_browser(app)
        thief.set_cookie(LOGIN, before.value)
        assert not is_signed_in(thief)
        assert is_signed_in(client)

    def test_remember_me_is_kept(
        self, client: FlaskClient, clock: time_machine.Traveller, bob: Person
    ) -> None:
        sign_in(client, bob, remember_me="y")
        clock.shift(600)
        open_page(client, "/account/password").submit("Continue", password=bob.password)

        cookie = client.get_cookie(LOGIN)
        assert cookie is not None
        assert cookie.max_age

    def test_one_browser_s_proof_is_none_for_another(
        self, client: FlaskClient, app: Flask, clock: time_machine.Traveller, bob: Person
    ) -> None:
        elsewhere = other_browser(app)
        sign_in(elsewhere, bob)
        sign_in(client, bob)
        clock.shift(600)
        open_page(client, "/account/password").submit("Continue", password=bob.password)

        assert open_page(elsewhere, "/account/password").h1 == ASKS

    @pytest.mark.parametrize("target", ["//example.net", "https://example.net", "/\\example.net"])
    def test_it_never_leads_to_another_site(
        self, client: FlaskClient, clock: time_machine.Traveller, bob: Person, target: str
    ) -> None:
        sign_in(client, bob)
        answer = client.get("/confirm-identity", query_string={"next": target})

        assert answer.location == "/account"


class TestWithTwoFactor:
    def test_a_complete_sign_in_counts(
        self, client: FlaskClient, outbox: Outbox, ann: Person
    ) -> None:
        sign_in_with_code(client, outbox, ann)

        assert open_page(client, "/account/password").h1 == "Change your password"

    def test_password_and_code_are_asked_for_ten_minutes_later(
        self, client: FlaskClient, outbox: Outbox, clock: time_machine.Traveller, ann: Person
    ) -> None:
        sign_in_with_code(client, outbox, ann)
        clock.shift(600)
        page = ask_for_code(client, ann)
        assert page.h1 == ASKS
        assert "the number ending 23" in page.main
        message = outbox.newest("sms", NUMBER)
        assert "sign-in code" not in message["text"]

        page = page.submit("Submit", code=code_in(message))
        assert page.h1 == "Change your password"

    def test_a_remembered_browser_counts_as_password_only(
        self, client: FlaskClient, outbox: Outbox, ann: Person
    ) -> None:
        sign_in_with_code(client, outbox, ann, remember_browser="y").submit("Sign out")
        sign_in(client, ann)
        page = open_page(client, "/account/phones/add")

        assert page.h1 == ASKS
        assert page.buttons[-1] == "Send code"

    def test_who_has_no_way_left_is_told_so_and_whom_to_ask(
        self, client: FlaskClient, app: Flask, outbox: Outbox, clock: time_machine.Traveller,
        ann: Person,
    ) -> None:  # fmt: skip
        sign_in_with_code(client, outbox, ann)
        with app.app_context(), writing() as session:
            session.execute(update(User).values(email_way_disabled_at=User.created_at))
            session.execute(update(Phone).values(disabled_at=Phone.created_at))
        clock.shift(600)
        page = open_page(client, "/account/password").submit("Continue", password=ann.password)

        assert (page.status, page.h1) == (200, ASKS)
        assert "too many wrong security codes" in page.main
        assert "Ask the people who run this portal." in page.main
        assert "Send code" not in page.buttons

    def test_a_code_alone_is_not_enough(
        self, client: FlaskClient, outbox: Outbox, clock: time_machine.Traveller, ann: Person
    ) -> None:
        sign_in_with_code(client, outbox, ann)
        clock.shift(600)
        page = open_page(client, "/confirm-identity")
        form = {"csrf_token": csrf_token(page.html), "method": "email"}
        answer = client.post("/confirm-identity", data=form)

        assert answer.status_code == 422
        assert outbox.messages("mail", ann.email) == []

    def test_the_code_of_the_sign_in_proves_nothing_here(
        self, client: FlaskClient, outbox: Outbox, clock: time_machine.Traveller, ann: Person
    ) -> None:
        sign_in_with_code(client, outbox, ann)
        old = outbox.code()
        clock.shift(600)
        page = ask_for_code(client, ann)

        if old != outbox.code():
            assert page.submit("Submit", code=old).problems == [
                "The code is not right. 4 tries left."
            ]

    def test_it_can_be_sent_again_and_another_way(
        self, client: FlaskClient, outbox: Outbox, clock: time_machine.Traveller, ann: Person
    ) -> None:
        sign_in_with_code(client, outbox, ann)
        clock.shift(600)
        page = ask_for_code(client, ann, "/account/email")
        assert page.submit("Send again").status == 429
        clock.shift(31)
        page = page.submit("Send again")
        assert page.notes == ["We have sent the code again."]
        page = page.follow("Use another way").submit("Send code", method="email")
        assert outbox.code("mail", ann.email) == outbox.code("sms")

        page = page.submit("Submit", code=outbox.code("mail", ann.email))
        assert page.h1 == "Change your email address", "it still knows what it was for"

    def test_where_the_message_is_is_told(
        self, client: FlaskClient, outbox: Outbox, clock: time_machine.Traveller, ann: Person
    ) -> None:
        sign_in_with_code(client, outbox, ann)
        clock.shift(600)
        ask_for_code(client, ann)

        assert client.get("/confirm-identity/delivery").get_json()["status"] == "queued"

    def test_a_password_change_in_another_browser_ends_this_one(
        self, client: FlaskClient, outbox: Outbox, app: Flask, clock: time_machine.Traveller,
        ann: Person,
    ) -> None:  # fmt: skip
        elsewhere = other_browser(app)
        sign_in_with_code(elsewhere, outbox, ann)
        clock.shift(31)
        sign_in_with_code(client, outbox, ann)
        clock.shift(570)
        page = ask_for_code(elsewhere, ann)
        change = open_page(client, "/account/password")
        change.submit(
            "Save password", current_password=ann.password, password="four words nobody guesses"
        )

        assert page.submit("Submit", code=outbox.code()).h1 == "Sign in"


def test_what_is_proved_already_is_not_asked_for(client: FlaskClient, bob: Person) -> None:
    sign_in(client, bob)

    assert open_page(client, "/confirm-identity?next=/account/email").url == "/account/email"
