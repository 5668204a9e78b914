"""The start page: one's own apps, and those to ask for; and the page of an app that says no."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from services import access_requests
from services.audit import OPERATOR
from services.clock import now
from tests.apps import DOMAINS, WIKI, ask, let_in, make_app, make_group
from tests.page import open_page
from tests.people import Person, csrf_token

pytestmark = pytest.mark.settings(**DOMAINS)

BrowserOf = Callable[[Person], FlaskClient]
PAGE = f"{WIKI}/pages/7?a=1"
DOOR = "/no-access?rd=https://wiki.example.org/pages/7?a%3D1"


@pytest.fixture
def ann(new_person: Callable[..., Person]) -> Person:
    return new_person(name="Ann")


@pytest.fixture
def browser(browser_of: BrowserOf, ann: Person) -> FlaskClient:
    """Ann's, signed in."""
    return browser_of(ann)


class TestHome:
    def test_without_any_app_in_the_portal_it_is_the_account(self, browser: FlaskClient) -> None:
        page = open_page(browser, "/")
        assert (page.h1, "Your apps" in page.links) == ("Your account", False)

    def test_own_apps_lead_there_and_others_can_be_asked_for(
        self, app: Flask, browser: FlaskClient, ann: Person
    ) -> None:
        with app.app_context():
            let_in(
                make_app("Wiki", WIKI, "https://docs.example.net", level="two-factor"), ann.email
            )
            make_app("Lunch", for_everyone=True)
            make_app("Vault", requestable=False)
            make_app("Chat")
            ask(ann, make_app("Mail"))
        page = open_page(browser, "/")
        assert page.h1 == "Your apps"
        assert page.links["WWiki Two-factor sign-in"] == f"{WIKI}/"
        assert page.links["LLunch lunch.example.org"] == "https://lunch.example.org/"
        assert "Mail Waiting for an answer" in page.main
        assert page.links["Ask for access to Chat"].startswith("/no-access?rd=")
        assert "Vault" not in page.text
        assert open_page(browser, "/account").follow("Your apps").h1 == "Your apps"

    def test_who_may_enter_nothing_is_not_left_with_an_empty_page(
        self, app: Flask, browser: FlaskClient
    ) -> None:
        with app.app_context():
            make_app("Vault", requestable=False)
        assert "No app lets you in yet." in open_page(browser, "/").main

    def test_long_lists_go_on(self, app: Flask, browser: FlaskClient) -> None:
        with app.app_context():
            for number in range(101):
                make_app(f"A{number:03}", f"https://a{number}.example.org", for_everyone=True)
                make_app(f"B{number:03}", f"https://b{number}.example.org")
        page = open_page(browser, "/")
        assert "A100" not in page.main
        assert "A100" in page.follow("Show more of your apps").main
        assert "B100" in page.follow("Show more apps to ask for").main

    def test_administrators_find_the_administration(self, admin: FlaskClient, app: Flask) -> None:
        with app.app_context():
            make_app("Wiki")
        assert open_page(admin, "/").follow("Requests").h1 == "Requests for access"


class TestNoAccess:
    def test_it_says_why_not_and_takes_a_request(
        self, app: Flask, browser: FlaskClient, ann: Person
    ) -> None:
        with app.app_context():
            wiki = make_app("Wiki")
        page = open_page(browser, DOOR)
        assert page.h1 == "Wiki does not let you in yet"
        assert "only for people who were let in" in page.main
        page = page.submit("Ask for access", reason="For the minutes.")
        assert page.notes == ["Your request is on its way. You get a mail with the answer."]
        assert page.url == DOOR
        assert "Waiting for an answer" in page.main
        assert "For the minutes." in page.main
        assert "Ask for access" not in page.buttons
        with app.app_context():
            (waiting,) = access_requests.list_waiting().rows
            assert (waiting.app_id, waiting.user_id) == (wiki.id, ann.id)

    def test_a_second_click_is_told(self, app: Flask, browser: FlaskClient) -> None:
        with app.app_context():
            make_app("Wiki")
        page = open_page(browser, DOOR)
        page.submit("Ask for access")
        again = page.submit("Ask for access")
        assert (again.status, again.h1) == (422, "Wiki does not let you in yet")
        assert again.problems == ["You have asked already. An administrator will answer."]

    def test_after_no_one_may_ask_again(
        self, app: Flask, browser: FlaskClient, ann: Person
    ) -> None:
        with app.app_context():
            access_requests.decline(ask(ann, make_app("Wiki")).id, OPERATOR)
        page = open_page(browser, DOOR)
        assert "an administrator declined" in page.main
        assert "Waiting" in page.submit("Ask for access").main

    def test_access_that_has_ended_is_named(
        self, app: Flask, browser: FlaskClient, ann: Person
    ) -> None:
        with app.app_context():
            let_in(make_app("Wiki"), ann.email, now())
        assert "Your access ended on" in open_page(browser, DOOR).main

    def test_who_was_let_in_meanwhile_is_led_there(
        self, app: Flask, browser: FlaskClient, ann: Person
    ) -> None:
        with app.app_context():
            make_group("staff", [ann])
            let_in(make_app("Wiki"), "staff")
        page = open_page(browser, DOOR)
        assert (page.h1, page.links["Open Wiki"]) == ("You may enter Wiki", PAGE)

    def test_what_cannot_be_asked_for_has_no_form(self, app: Flask, browser: FlaskClient) -> None:
        with app.app_context():
            make_app("Wiki", requestable=False)
        page = open_page(browser, DOOR)
        assert ("cannot be asked for" in page.main, page.fields) == (True, {})
        token = csrf_token(browser.get("/account").text)
        answer = browser.post(DOOR, data={"csrf_token": token})
        assert answer.status_code == 422
        with app.app_context():
            assert not access_requests.list_waiting().rows

    @pytest.mark.parametrize(
        "wanted",
        [
            "", "https://unknown.example.org", "https://wiki.example.org@evil.test", "//evil.test",
            "javascript:alert(1)", "https://wiki.example.org:8443", "https://wiki.example.org.",
            "http://wiki.example.org", "https://wiki.example.org/\x00", "https://" + "a" * 9000,
            "https://evil.test\\@wiki.example.org", "https://wiki.example.org#x", "\ud800",
        ],
    )  # fmt: skip
    def test_what_is_no_address_of_an_app_leads_nowhere(
        self, app: Flask, browser: FlaskClient, wanted: str
    ) -> None:
        with app.app_context():
            make_app("Wiki")
        answer = browser.get("/no-access", query_string={"rd": wanted.encode("utf-8", "replace")})
        assert (answer.status_code, "evil" in answer.text) == (404, False)

    def test_strangers_sign_in_first(self, app: Flask, client: FlaskClient, ann: Person) -> None:
        with app.app_context():
            make_app("Wiki")
        page = open_page(client, DOOR).submit("Sign in", email=ann.email, password=ann.password)
        assert page.h1 == "Wiki does not let you in yet"
