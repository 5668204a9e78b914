"""Resetting a password in a browser: by a mailed link, once, without signing in."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from services import accounts
from tests.outbox import Outbox
from tests.page import Page, open_page
from tests.people import NUMBER, Person, csrf_token
from tests.steps import (
    enter_password,
    is_signed_in,
    other_browser,
    path_of,
    sign_in,
    sign_in_with_code,
)

NEW = "four words nobody guesses"
CHANGED = ["Your password was changed. Sign in with the new one."]


@pytest.fixture
def ann(new_person: Callable[..., Person]) -> Person:
    return new_person()


def ask_for_link(client: FlaskClient, email: str) -> Page:
    return open_page(client, "/reset-password").submit("Send link", email=email)


def link_for(client: FlaskClient, outbox: Outbox, person: Person) -> str:
    outbox.deliver()
    ask_for_link(client, person.email)
    return path_of(outbox.link(person.email))


def choose(client: FlaskClient, link: str, password: str = NEW) -> Page:
    return open_page(client, link).submit("Save password", password=password)


def test_a_forgotten_password_is_replaced(client: FlaskClient, outbox: Outbox, ann: Person) -> None:
    page = open_page(client, "/sign-in").follow("Forgotten your password?")
    page = page.submit("Send link", email=ann.email)
    assert page.h1 == "Check your email"

    page = choose(client, path_of(outbox.link(ann.email)))
    assert (page.h1, page.notes) == ("Sign in", CHANGED)
    assert not is_signed_in(client)
    assert enter_password(client, ann).status == 422
    sign_in(client, Person(ann.id, ann.email, NEW))


def test_its_owner_is_told(client: FlaskClient, outbox: Outbox, ann: Person) -> None:
    choose(client, link_for(client, outbox, ann))

    assert "account was changed" in outbox.newest("mail", ann.email)["text"]


def test_opening_the_link_changes_nothing(client: FlaskClient, outbox: Outbox, ann: Person) -> None:
    link = link_for(client, outbox, ann)
    for _ in range(3):
        assert open_page(client, link).h1 == "Choose a new password"

    sign_in(client, ann)


def test_the_link_works_once_and_its_siblings_end_with_it(
    client: FlaskClient, outbox: Outbox, ann: Person
) -> None:
    first, second = link_for(client, outbox, ann), link_for(client, outbox, ann)
    choose(client, second)

    for link in (first, second):
        page = open_page(client, link, status=422)
        assert page.h1 == "This link no longer works"
        assert page.follow("Get a new link").url == "/reset-password"


def test_a_page_opened_before_the_link_was_used_changes_nothing_after(
    client: FlaskClient, outbox: Outbox, app: Flask, ann: Person
) -> None:
    link = link_for(client, outbox, ann)
    slow = open_page(other_browser(app), link)
    choose(client, link)

    assert slow.submit("Save password", password="words of somebody else").status == 422
    sign_in(client, Person(ann.id, ann.email, NEW))


def test_the_link_works_for_half_an_hour_and_no_longer(
    client: FlaskClient, outbox: Outbox, clock: time_machine.Traveller, ann: Person
) -> None:
    link = link_for(client, outbox, ann)
    page = open_page(client, link)
    clock.shift(timedelta(minutes=30))
    assert page.submit("Save password", password=NEW).h1 == "This link no longer works"

    link = link_for(client, outbox, ann)
    clock.shift(timedelta(minutes=30) - timedelta(seconds=1))
    assert choose(client, link).notes == CHANGED


def test_an_unsuitable_password_leaves_the_link_good(
    client: FlaskClient, outbox: Outbox, ann: Person
) -> None:
    link = link_for(client, outbox, ann)
    page = choose(client, link, "short")
    assert page.status == 422
    assert page.problems[0].startswith("Use at least 15 characters.")

    assert page.submit("Save password", password=NEW).notes == CHANGED


@pytest.mark.parametrize("token", ["x", "a.b", "x" * 3000])
def test_a_made_up_link_is_none(client: FlaskClient, token: str) -> None:
    assert open_page(client, f"/reset-password/{token}", status=422)


def test_a_confirmation_link_resets_nothing(
    client: FlaskClient, outbox: Outbox, new_registration: Callable[..., Person]
) -> None:
    bob = new_registration("bob@example.org")
    open_page(client, "/confirm-email/resend").submit("Send link", email=bob.email)
    token = path_of(outbox.link(bob.email)).rpartition("/")[2]

    assert open_page(client, f"/reset-password/{token}", status=422)


def test_every_session_ends(client: FlaskClient, outbox: Outbox, app: Flask, ann: Person) -> None:
    elsewhere = other_browser(app)
    sign_in(elsewhere, ann)
    sign_in(client, ann)
    choose(client, link_for(client, outbox, ann))

    assert not is_signed_in(client)
    assert not is_signed_in(elsewhere)


class TestWithTwoFactor:
    @pytest.fixture
    def ann(self, new_person: Callable[..., Person]) -> Person:
        return new_person(number=NUMBER, two_factor=True)

    def test_the_second_step_is_still_due_and_email_is_not_enough(
        self, client: FlaskClient, outbox: Outbox, ann: Person
    ) -> None:
        choose(client, link_for(client, outbox, ann))
        page = enter_password(client, Person(ann.id, ann.email, NEW))

        assert page.h1 == "Where should we send the code?"
        assert "text message to the number ending 23" in page.main
        assert "By email" not in page.main
        refused = client.post(
            "/two-factor", data={"csrf_token": csrf_token(page.html), "method": "email"}
        )
        assert refused.status_code == 422

    def test_email_is_a_way_again_once_the_phone_was_used(
        self, client: FlaskClient, outbox: Outbox, ann: Person
    ) -> None:
        choose(client, link_for(client, outbox, ann))
        ann = Person(ann.id, ann.email, NEW)
        sign_in_with_code(client, outbox, ann).submit("Sign out")

        assert "By email" in enter_password(client, ann).main

    def test_remembered_browsers_end(
        self, client: FlaskClient, outbox: Outbox, ann: Person
    ) -> None:
        sign_in_with_code(client, outbox, ann, remember_browser="y").submit("Sign out")
        sign_in(client, ann).submit("Sign out")

        choose(client, link_for(client, outbox, ann))
        page = enter_password(client, Person(ann.id, ann.email, NEW))
        assert page.h1 == "Where should we send the code?"

    def test_a_pending_sign_in_ends(
        self, client: FlaskClient, outbox: Outbox, app: Flask, ann: Person
    ) -> None:
        intruder = other_browser(app)
        page = enter_password(intruder, ann)
        choose(client, link_for(client, outbox, ann))

        assert page.submit("Send code").h1 == "Sign in"
        assert outbox.messages("sms") == []


class TestAsking:
    def test_the_answer_is_the_same_whoever_asks(
        self, client: FlaskClient, outbox: Outbox, new_registration: Callable[..., Person],
        ann: Person,
    ) -> None:  # fmt: skip
        bob = new_registration("bob@example.org")
        emails = (ann.email, bob.email, "nobody@example.org")
        pages = [ask_for_link(client, email) for email in emails]

        assert {(p.url, p.status, p.text) for p in pages} == {(pages[0].url, 200, pages[0].text)}
        assert [len(outbox.messages("mail", email)) for email in emails] == [1, 0, 0]

    def test_a_disabled_account_gets_no_link(
        self, client: FlaskClient, outbox: Outbox, app: Flask, ann: Person
    ) -> None:
        with app.app_context():
            accounts.disable(accounts.find(ann.email))
        ask_for_link(client, ann.email)

        assert all("reset-password/" not in m["text"] for m in outbox.messages("mail", ann.email))

    def test_the_mail_goes_to_the_stored_address(
        self, client: FlaskClient, outbox: Outbox, new_person: Callable[..., Person]
    ) -> None:
        new_person("Kim@example.org")
        ask_for_link(client, "\u212aim@EXAMPLE.org")  # the Kelvin sign folds to k

        assert [m["to"] for m in outbox.messages("mail")] == ["Kim@example.org"]

    @pytest.mark.parametrize("email", ["ann@example.org", "nobody@example.org"])
    def test_three_an_hour_whoever_asks(
        self, client: FlaskClient, clock: time_machine.Traveller, ann: Person, email: str
    ) -> None:
        for _ in range(3):
            assert ask_for_link(client, email).status == 200
        page = ask_for_link(client, email)
        assert page.status == 429
        assert page.fields["email"] == email
        clock.shift(3600)
        assert ask_for_link(client, email).status == 200

    def test_five_a_day_and_signing_in_still_works(
        self, client: FlaskClient, clock: time_machine.Traveller, ann: Person
    ) -> None:
        for _ in range(5):
            assert ask_for_link(client, ann.email).status == 200
            clock.shift(1801)
        page = ask_for_link(client, ann.email)
        assert page.status == 429
        assert int(page.response.headers["Retry-After"]) > 12 * 3600
        sign_in(client, ann)
