"""Remembered browsers: they skip the second step for a time, and can be forgotten."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask.testing import FlaskClient

from tests.outbox import Outbox
from tests.page import open_page
from tests.people import NUMBER, Person, csrf_token
from tests.steps import (
    ask_for_code,
    enter_password,
    is_signed_in,
    sign_in,
    sign_in_with_code,
)

SECOND_NUMBER = "+12015550156"


@pytest.fixture
def ann(new_person: Callable[..., Person]) -> Person:
    return new_person(number=NUMBER, two_factor=True)


class TestRememberedBrowser:
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
