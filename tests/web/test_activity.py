"""What happened on an account, and everything kept about a person, in a browser."""

import json
from collections.abc import Callable

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from extensions import writing
from services import activity
from services.audit import Client, Event, record
from tests.outbox import Outbox
from tests.page import Page, open_page
from tests.people import NUMBER, Person
from tests.steps import add_number, enter_password, other_browser, sign_in, sign_in_with_code

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def ann(new_person: Callable[..., Person]) -> Person:
    return new_person()


def titles_of(page: Page) -> list[str]:
    return [p.text for p in page.root.all("p") if p.get("class") == "row-title"]


class TestActivity:
    def test_what_happened_newest_first_and_from_where(
        self, app: Flask, outbox: Outbox, ann: Person
    ) -> None:
        browser = other_browser(app, FIREFOX)
        enter_password(browser, Person(ann.id, ann.email, "not the right password"))
        sign_in(browser, ann)
        add_number(browser, outbox, NUMBER)
        page = open_page(browser, "/account/activity")

        assert titles_of(page) == [
            "A phone number was added",
            "A security code was sent",
            "Signed in",
            "A wrong password was entered",
        ]
        assert page.main.count("Firefox on Linux · 127.0.0.1") == 4
        for more in ("the number ending 23", "to the number ending 23", "with a password"):
            assert f" · {more} · Firefox on Linux · 127.0.0.1" in page.main
        assert NUMBER not in page.html
        assert outbox.code("sms") not in page.html

    @pytest.mark.parametrize(
        ("event", "details", "words"),
        [
            (Event.SIGNED_IN, {"amr": "pwd otp mfa"}, "with a password and a code by email"),
            (Event.CODE_SENT, {"way": "email", "purpose": "sign_in"}, "by email"),
            (Event.PHONE_CHANGED, {"ending": "23", "new_ending": "56"},
             "from the number ending 23 to that ending 56"),
        ],
    )  # fmt: skip
    def test_what_more_is_known_stands_with_it(
        self, client: FlaskClient, app: Flask, ann: Person,
        event: Event, details: dict[str, str], words: str,
    ) -> None:  # fmt: skip
        sign_in(client, ann)
        with app.app_context(), writing() as session:
            record(session, event, Client("192.0.2.9"), ann.id, **details)

        assert f" · {words} · 192.0.2.9" in open_page(client, "/account/activity").main

    def test_only_one_s_own(
        self, client: FlaskClient, app: Flask, new_person: Callable[..., Person], ann: Person
    ) -> None:
        sign_in(other_browser(app), new_person("bob@example.org"))
        sign_in(client, ann)

        assert titles_of(open_page(client, "/account/activity")) == ["Signed in"]

    def test_older_ones_page_by_page(self, client: FlaskClient, app: Flask, ann: Person) -> None:
        sign_in(client, ann)
        with app.app_context(), writing() as session:
            for _ in range(2 * activity.PAGE):
                record(session, Event.CODE_SENT, Client(), ann.id)
        page = open_page(client, "/account/activity")
        seen = titles_of(page)
        assert len(seen) == activity.PAGE
        while "Show older" in page.links:
            page = page.follow("Show older")
            seen += titles_of(page)

        assert len(seen) == 2 * activity.PAGE + 1
        assert seen[-1] == "Signed in"

    @pytest.mark.parametrize("before", ["0", "-1", "x", "9" * 30, "", "1.5", "\u0663"])
    def test_a_made_up_page_is_an_empty_or_the_first_one(
        self, client: FlaskClient, ann: Person, before: str
    ) -> None:
        sign_in(client, ann)

        assert open_page(client, f"/account/activity?before={before}").h1 == "Activity"

    def test_every_kind_of_event_has_its_words(
        self, client: FlaskClient, app: Flask, ann: Person
    ) -> None:
        sign_in(client, ann)
        with app.app_context(), writing() as session:
            for event in Event:
                record(session, event, Client(), ann.id)
        page = open_page(client, "/account/activity")
        titles = titles_of(page) + titles_of(page.follow("Show older"))

        assert len(set(titles)) == len(Event)
        assert set(activity.WORDS) == set(Event)


class TestData:
    def test_everything_kept_is_in_one_file(
        self, client: FlaskClient, outbox: Outbox, new_person: Callable[..., Person]
    ) -> None:
        ann = new_person(number=NUMBER, two_factor=True, name="Ann Example")
        sign_in_with_code(client, outbox, ann)
        answer = client.get("/account/data")

        assert answer.mimetype == "application/json"
        assert answer.headers["Content-Disposition"] == "attachment; filename=my-data.json"
        assert answer.headers["Cache-Control"] == "no-store"
        data = json.loads(answer.text)
        assert data["email"] == ann.email
        assert data["name"] == "Ann Example"
        assert data["phones"][0]["number"] == NUMBER
        assert data["two_factor"] is True
        assert [row["address"] for row in data["sessions"]] == ["127.0.0.1"]
        assert data["activity"][0]["event"] == "signed_in"
        assert data["messages"][0]["kind"] == "sign_in_code"

    def test_no_secret_is_in_it(
        self, client: FlaskClient, outbox: Outbox, new_person: Callable[..., Person]
    ) -> None:
        ann = new_person(number=NUMBER, two_factor=True)
        sign_in_with_code(client, outbox, ann, remember_browser="y")
        text = client.get("/account/data").text

        assert outbox.code() not in text
        assert "argon2" not in text
        for cookie in ("gatepost_login", "gatepost_browser"):
            held = client.get_cookie(cookie)
            assert held is not None
            assert held.value not in text

    def test_nothing_of_another_person_is_in_it(
        self, client: FlaskClient, app: Flask, new_person: Callable[..., Person], ann: Person
    ) -> None:
        sign_in(other_browser(app), new_person("bob@example.org", number=NUMBER))
        sign_in(client, ann)
        text = client.get("/account/data").text

        assert "bob" not in text
        assert NUMBER not in text

    def test_proof_of_identity_comes_first(
        self, client: FlaskClient, clock: time_machine.Traveller, ann: Person
    ) -> None:
        sign_in(client, ann)
        clock.shift(600)
        page = open_page(client, "/account/data")
        assert page.h1 == "Confirm that it is you"
        answer = page.post("Continue", password=ann.password)
        answer = client.get(answer.location)

        assert answer.location == "/account/data"
        assert client.get("/account/data").is_json
