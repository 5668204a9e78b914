"""Remembered browsers: they skip the second step for a time, and can be forgotten."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from extensions import db
from models import RememberedBrowser
from tests.outbox import Outbox
from tests.page import open_page
from tests.people import NUMBER, Person, csrf_token
from tests.steps import (
    ask_for_code,
    enter_password,
    is_signed_in,
    other_browser,
    sign_in,
    sign_in_with_code,
)

SECOND_NUMBER = "+12015550156"


@pytest.fixture
def ann(new_person: Callable[..., Person]) -> Person:
    return new_person(number=NUMBER, two_factor=True)


class TestRemembering:
    def test_it_skips_the_second_step_for_fourteen_days(
        self, client: FlaskClient, outbox: Outbox, clock: time_machine.Traveller, ann: Person
    ) -> None:
        sign_in_with_code(client, outbox, ann, remember_browser="y").submit("Sign out")
        clock.shift(timedelta(days=14) - timedelta(seconds=1))
        sign_in(client, ann).submit("Sign out")

        clock.shift(1)
        assert enter_password(client, ann).url == "/two-factor"

    def test_not_unless_it_was_asked_for(
        self, client: FlaskClient, outbox: Outbox, ann: Person
    ) -> None:
        sign_in_with_code(client, outbox, ann).submit("Sign out")

        assert enter_password(client, ann).url == "/two-factor"

    def test_the_password_is_still_asked_for(
        self, client: FlaskClient, outbox: Outbox, ann: Person
    ) -> None:
        sign_in_with_code(client, outbox, ann, remember_browser="y").submit("Sign out")

        assert not is_signed_in(client)
        wrong_password = Person(ann.id, ann.email, "not the right password")
        assert enter_password(client, wrong_password).status == 422

    def test_it_is_remembered_for_its_own_person_only(
        self, client: FlaskClient, outbox: Outbox, new_person: Callable[..., Person], ann: Person
    ) -> None:
        bob = new_person("bob@example.org", number=SECOND_NUMBER, two_factor=True)
        sign_in_with_code(client, outbox, ann, remember_browser="y").submit("Sign out")

        assert enter_password(client, bob).url == "/two-factor"

    def test_not_for_administrators(
        self, client: FlaskClient, outbox: Outbox, new_person: Callable[..., Person]
    ) -> None:
        admin = new_person(number=NUMBER, two_factor=True, admin=True)
        page = ask_for_code(client, admin)
        assert "remember_browser" not in page.fields

        form = {"csrf_token": csrf_token(page.html), "code": outbox.code()}
        client.post("/two-factor/verify", data={**form, "remember_browser": "y"})
        open_page(client, "/account").submit("Sign out")
        assert enter_password(client, admin).url == "/two-factor"


class TestForgetting:
    FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

    @pytest.fixture
    def firefox(self, app: Flask, outbox: Outbox, ann: Person) -> FlaskClient:
        """A browser that is remembered, and signed in."""
        browser = other_browser(app, self.FIREFOX)
        sign_in_with_code(browser, outbox, ann, remember_browser="y")
        return browser

    def test_it_is_listed_on_the_account_page(self, firefox: FlaskClient) -> None:
        page = open_page(firefox, "/account")

        assert "Firefox on Linux This browser Last used" in page.main
        assert "Forget Firefox on Linux" in page.buttons

    def test_a_forgotten_one_asks_for_a_code_again(self, firefox: FlaskClient, ann: Person) -> None:
        page = open_page(firefox, "/account").submit("Forget Firefox on Linux")
        assert page.notes == ["The browser was forgotten."]
        assert "None. When you enter a security code" in page.main

        page.submit("Sign out")
        assert enter_password(firefox, ann).url == "/two-factor"

    def test_all_can_be_forgotten_at_once(
        self, client: FlaskClient, outbox: Outbox, clock: time_machine.Traveller,
        firefox: FlaskClient, ann: Person,
    ) -> None:  # fmt: skip
        clock.shift(31)
        page = sign_in_with_code(client, outbox, ann, remember_browser="y")
        page = page.submit("Forget all browsers")

        assert page.notes == ["All browsers were forgotten."]
        for browser in (client, firefox):
            open_page(browser, "/account").submit("Sign out")
            assert enter_password(browser, ann).url == "/two-factor"

    def test_another_person_s_is_not_there(
        self, client: FlaskClient, app: Flask, new_person: Callable[..., Person],
        firefox: FlaskClient, ann: Person,
    ) -> None:  # fmt: skip
        page = sign_in(client, new_person("bob@example.org"))
        form = {"csrf_token": csrf_token(page.html)}
        with app.app_context():
            hers = db.session.scalar(select(RememberedBrowser.id))

        assert client.post(f"/account/browsers/{hers}/forget", data=form).status_code == 404
        client.post("/account/browsers/forget-all", data=form)
        open_page(firefox, "/account").submit("Sign out")
        sign_in(firefox, ann)
