"""The account page in a browser: what it shows, and two-factor sign-in on and off."""

from collections.abc import Callable
from datetime import datetime

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from extensions import writing
from models import Phone, User
from services.clock import now
from tests.outbox import Outbox
from tests.page import Page, check, open_page
from tests.people import NUMBER, Person, post
from tests.steps import enter_password, is_signed_in, other_browser, sign_in, sign_in_with_code


@pytest.fixture
def ann(new_person: Callable[..., Person]) -> Person:
    return new_person()


def rows_of(page: Page) -> list[str]:
    return [row.text for row in page.root.all("li") if "row" in row.get("class").split()]


class TestWhatItShows:
    def test_everything_that_is_set_with_one_action_each(
        self, client: FlaskClient, ann: Person
    ) -> None:
        page = sign_in(client, ann)

        rows = rows_of(page)
        assert any(row.startswith("ann@example.org") for row in rows)
        assert any(row.startswith("Two-factor sign-in: off") for row in rows)
        assert any(row.startswith("Phone number: none") for row in rows)
        assert any("1 browser" in row for row in rows)
        assert page.follow("Add a phone number").h1 == "Add a phone number"

    def test_numbers_are_shown_whole_to_their_own_person(
        self, client: FlaskClient, outbox: Outbox, new_person: Callable[..., Person]
    ) -> None:
        page = sign_in_with_code(client, outbox, new_person(number=NUMBER, two_factor=True))

        assert "+1 201-555-0123 Primary" in page.main
        assert "Two-factor sign-in: on" in page.main

    def test_a_disabled_number_says_so(
        self, client: FlaskClient, app: Flask, new_person: Callable[..., Person]
    ) -> None:
        ann = new_person(number=NUMBER)
        with app.app_context(), writing() as session:
            session.execute(update(Phone).values(disabled_at=now()))

        assert "Not in use" in sign_in(client, ann).main

    @pytest.mark.parametrize(
        ("state", "number", "words"),
        [
            ({"email_way_barred_at": None}, NUMBER, "Codes and notices can reach you here."),
            ({"email_way_barred_at": now()}, NUMBER, "Notices reach you here; codes do again once"),
            ({"email_way_barred_at": now()}, None, "Codes and notices can reach you here."),
            ({"email_way_disabled_at": now()}, NUMBER, "Notices reach you here; codes do not"),
        ],
    )
    def test_it_says_what_can_come_by_email(
        self, client: FlaskClient, app: Flask, new_person: Callable[..., Person],
        state: dict[str, datetime | None], number: str | None, words: str,
    ) -> None:  # fmt: skip
        ann = new_person(number=number)
        with app.app_context(), writing() as session:
            session.execute(update(User).values(**state))

        assert words in sign_in(client, ann).main

    def test_a_name_is_shown_as_it_is_written(
        self, client: FlaskClient, new_person: Callable[..., Person]
    ) -> None:
        page = sign_in(client, new_person(name="<b>Ann</b> & {{7*7}}"))

        assert "<b>Ann</b> & {{7*7}}" in page.text

    def test_a_name_of_a_browser_cannot_become_part_of_the_page(
        self, app: Flask, outbox: Outbox, new_person: Callable[..., Person]
    ) -> None:
        ann = new_person(number=NUMBER, two_factor=True)
        browser = other_browser(app, "<script>alert(1)</script> Firefox/140.0 \x1b[31m")
        page = sign_in_with_code(browser, outbox, ann, remember_browser="y")

        assert "Firefox" in page.main
        assert "alert(1)" not in page.html
        for path in ("/account/sessions", "/account/activity"):
            assert "alert(1)" not in open_page(browser, path).html


class TestTurningItOn:
    def test_the_next_sign_in_asks_for_a_code(
        self, client: FlaskClient, outbox: Outbox, ann: Person
    ) -> None:
        page = sign_in(client, ann).submit("Turn on")
        assert page.notes == ["Two-factor sign-in is on."]
        assert "Two-factor sign-in: on" in page.main

        page.submit("Sign out")
        assert enter_password(client, ann).h1 == "Where should we send the code?"

    def test_the_person_is_told_by_mail(
        self, client: FlaskClient, outbox: Outbox, ann: Person
    ) -> None:
        sign_in(client, ann).submit("Turn on")

        mail = outbox.newest("mail", ann.email)
        assert "two-factor" in mail["subject"].lower()
        assert "/reset-password" in mail["text"], "a way to say that it was somebody else"

    def test_other_sessions_end_and_this_one_lives_on(
        self, client: FlaskClient, app: Flask, ann: Person
    ) -> None:
        elsewhere = other_browser(app)
        sign_in(elsewhere, ann)
        sign_in(client, ann).submit("Turn on")

        assert is_signed_in(client)
        assert not is_signed_in(elsewhere)

    def test_not_without_a_way_to_get_a_code(
        self, client: FlaskClient, app: Flask, ann: Person
    ) -> None:
        page = sign_in(client, ann)
        with app.app_context(), writing() as session:
            session.execute(update(User).values(email_way_disabled_at=now()))
        page = page.submit("Turn on")

        assert page.status == 422
        assert page.h1 == "Your account"
        assert len(page.problems) == 1
        assert "Two-factor sign-in: off" in page.main

    @pytest.mark.settings(GATEPOST_CHANGES_PER_HOUR="1")
    def test_not_again_and_again(self, client: FlaskClient, outbox: Outbox, ann: Person) -> None:
        page = sign_in(client, ann).submit("Turn on")
        mails = len(outbox.messages("mail"))
        page = page.submit("Turn off")

        assert page.status == 429
        assert page.h1 == "Your account"
        assert page.problems == [
            "Too much was changed on this account. Wait 60 minutes, then try again."
        ]
        assert "Two-factor sign-in: on" in page.main
        assert len(outbox.messages("mail")) == mails

    def test_it_asks_for_the_password_when_that_was_long_ago(
        self, client: FlaskClient, clock: time_machine.Traveller, ann: Person
    ) -> None:
        page = sign_in(client, ann)
        clock.shift(600)
        page = page.submit("Turn on")
        assert page.h1 == "Confirm that it is you"

        page = page.submit("Continue", password=ann.password)
        assert page.h1 == "Your account"
        assert "Two-factor sign-in: off" in page.main, "the refused press did nothing"


class TestTurningItOff:
    @pytest.fixture
    def ann(self, new_person: Callable[..., Person]) -> Person:
        return new_person(number=NUMBER, two_factor=True)

    def test_the_password_is_enough_again(
        self, client: FlaskClient, outbox: Outbox, ann: Person
    ) -> None:
        page = sign_in_with_code(client, outbox, ann)
        (folded,) = page.root.all("details")
        assert not folded.has("open"), "one press alone does not do it"
        assert "Whoever knows your password can then sign in as you." in folded.text
        page = page.submit("Turn off two-factor sign-in")
        assert page.notes == ["Two-factor sign-in is off."]
        assert "two-factor" in outbox.newest("mail", ann.email)["subject"].lower()

        page.submit("Sign out")
        sign_in(client, ann)

    def test_a_remembered_browser_alone_cannot_do_it(
        self, client: FlaskClient, outbox: Outbox, ann: Person
    ) -> None:
        sign_in_with_code(client, outbox, ann, remember_browser="y").submit("Sign out")
        page = sign_in(client, ann).submit("Turn off")

        assert page.h1 == "Confirm that it is you"
        assert page.buttons[-1] == "Send code"

    @pytest.mark.settings(GATEPOST_REQUIRE_TWO_FACTOR="yes")
    def test_not_where_it_is_required(
        self, client: FlaskClient, outbox: Outbox, ann: Person
    ) -> None:
        page = sign_in_with_code(client, outbox, ann)
        assert not [button for button in page.buttons if button.startswith("Turn off")]
        page = check(client, post(client, "/account/two-factor/disable", page="/account"))

        assert page.status == 422
        assert page.problems == ["This portal requires two-factor sign-in."]
