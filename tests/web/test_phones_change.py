"""Changing a phone number, and making another one primary, in a browser."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from extensions import writing
from models import Phone
from tests.outbox import Outbox
from tests.page import Page, open_page
from tests.people import NUMBER, Person, csrf_token
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


class TestChanging:
    @pytest.fixture
    def ann(self, new_person: Callable[..., Person]) -> Person:
        return new_person(number=NUMBER)

    def start(self, client: FlaskClient, ann: Person, number: str = NEW) -> Page:
        page = open_page(client, f"/account/phones/{ann.phone_id}/change")
        return page.submit("Send verification code", number=number)

    def test_the_new_one_takes_the_old_one_s_place(
        self, client: FlaskClient, outbox: Outbox, app: Flask, ann: Person
    ) -> None:
        page = sign_in(client, ann).follow("Change +1 201-555-0123")
        assert page.h1 == "Change your phone number"
        page = page.submit("Send verification code", number=NEW)
        assert numbers_of(app) == [(NUMBER, True)]

        page = page.submit("Submit", code=outbox.code("sms", NEW))
        assert page.notes == ["The phone number was changed."]
        assert numbers_of(app) == [(NEW, True)]

    def test_the_old_number_and_the_mailbox_are_told(
        self, client: FlaskClient, outbox: Outbox, ann: Person
    ) -> None:
        sign_in(client, ann)
        self.start(client, ann).submit("Submit", code=outbox.code("sms", NEW))

        assert len(outbox.messages("sms", NUMBER)) == 1
        text = outbox.newest("sms", NUMBER)["text"]
        assert "@127" not in text
        mail = outbox.newest("mail", ann.email)["text"]
        assert "23" in mail
        assert "56" in mail

    def test_a_number_that_is_not_one_s_own_is_not_there(
        self, client: FlaskClient, outbox: Outbox, app: Flask, new_person: Callable[..., Person],
        ann: Person,
    ) -> None:  # fmt: skip
        bob = new_person("bob@example.org")
        sign_in(client, bob)
        page = open_page(client, f"/account/phones/{ann.phone_id}/change", status=404)
        assert page.problems == ["There is no such thing on your account."]

        form = {"csrf_token": csrf_token(page.html), "number": NEW}
        answer = client.post(f"/account/phones/{ann.phone_id}/change", data=form)
        assert answer.status_code == 404
        assert outbox.messages("sms") == []

    def test_to_the_same_number_is_no_change(
        self, client: FlaskClient, outbox: Outbox, ann: Person
    ) -> None:
        sign_in(client, ann)

        assert self.start(client, ann, NUMBER).problems == [
            "This number is on your account already."
        ]

    def test_a_number_removed_meanwhile_is_not_brought_back(
        self, client: FlaskClient, outbox: Outbox, app: Flask, ann: Person
    ) -> None:
        sign_in(client, ann)
        page = self.start(client, ann)
        with app.app_context(), writing() as session:
            session.execute(Phone.__table__.delete())

        page = page.submit("Submit", code=outbox.code("sms", NEW))
        assert page.status in {404, 422}
        assert numbers_of(app) == []

    def test_adding_after_changing_was_begun_adds(
        self, client: FlaskClient, outbox: Outbox, app: Flask, ann: Person
    ) -> None:
        sign_in(client, ann)
        self.start(client, ann)
        page = start_adding(client, "+12015550177")
        page.submit("Submit", code=outbox.code("sms", "+12015550177"))

        assert numbers_of(app) == [(NUMBER, True), ("+12015550177", False)]


class TestPrimary:
    def test_codes_go_there_first_from_then_on(
        self, client: FlaskClient, outbox: Outbox, app: Flask, new_person: Callable[..., Person]
    ) -> None:
        sign_in(client, new_person(number=NUMBER))
        page = add_number(client, outbox, NEW)
        assert page.buttons.count("Make primary +1 201-555-0123") == 0

        page = page.submit("Make primary")
        assert page.notes == ["Codes go to this number first now."]
        assert numbers_of(app) == [(NUMBER, False), (NEW, True)]

    def test_another_person_s_number_is_not_there(
        self, client: FlaskClient, app: Flask, new_person: Callable[..., Person]
    ) -> None:
        ann = new_person(number=NUMBER)
        page = sign_in(client, new_person("bob@example.org", number=NEW))
        form = {"csrf_token": csrf_token(page.html)}

        for action in ("primary", "remove"):
            answer = client.post(f"/account/phones/{ann.phone_id}/{action}", data=form)
            assert answer.status_code == 404
        assert numbers_of(app) == [(NUMBER, True), (NEW, True)]
