"""The way into an app by the portal's pages: sign-in, step-up, the cookie, and back to the app."""

from collections.abc import Callable
from urllib.parse import quote, urlencode

import pytest
from flask import Flask
from sqlalchemy import select

from extensions import db
from models import PendingSignIn
from services import apps
from services.audit import OPERATOR
from tests.apps import WIKI, let_in
from tests.outbox import Outbox
from tests.page import Page, check
from tests.people import PASSWORD, Person
from tests.traveller import APPS, IN, PORTAL, SETTINGS, Traveller
from tests.web.conftest import BOBS

PAGE = f"{WIKI}/a%20page/%C3%A4?edit=1&back=/x"

pytestmark = pytest.mark.settings(**SETTINGS)


def rd(address: str, **more: str) -> str:
    return "/?" + urlencode({"rd": address, **more})


class TestSigningIn:
    def test_it_leads_to_the_very_address(self, browser: Traveller, wiki: int, ann: Person) -> None:
        page = browser.page(PAGE)
        assert page.h1 == "Sign in"
        assert "Wiki opens once you are signed in" in page.main

        answer = browser.press(page, "Sign in", email=ann.email, password=PASSWORD)
        assert (answer.status_code, browser.hops[-1]) == (IN, PAGE)
        assert answer.headers["Remote-User"] == ann.email
        assert browser.enters(f"{WIKI}/other")
        assert browser.hops == [f"{WIKI}/other"]

    def test_a_mistake_does_not_forget_it(self, browser: Traveller, wiki: int, ann: Person) -> None:
        page = browser.page(PAGE).submit("Sign in", email=ann.email, password="not right at all")
        assert page.status == 422

        browser.press(page, "Sign in", email=ann.email, password=PASSWORD)
        assert browser.hops[-1] == PAGE

    def test_nor_does_the_second_step(
        self, browser: Traveller, app: Flask, wiki: int, bob: Person, outbox: Outbox
    ) -> None:
        long = f"{WIKI}/{'x' * 7000}?q=1"
        due = check(browser.client, browser.sign_in(bob, long))
        with app.app_context():
            assert db.session.scalar(select(PendingSignIn.next_url)) == long
        assert sum(map(len, browser.cookies_at("login.example.org").values())) < 1500

        assert browser.enter_code(outbox, due, BOBS).status_code == IN
        assert browser.hops[-1] == long

    def test_nor_does_starting_again(
        self, browser: Traveller, wiki: int, bob: Person, outbox: Outbox
    ) -> None:
        due = check(browser.client, browser.sign_in(bob, PAGE))
        again = check(browser.client, browser.client.get(due.links["Start again"]))

        assert "Wiki opens once" in again.main

    def test_who_is_signed_in_goes_straight_on(
        self, browser: Traveller, wiki: int, ann: Person
    ) -> None:
        browser.sign_in(ann)

        assert browser.enters(PAGE)
        assert browser.hops == [PAGE, PORTAL + browser.hops[1].removeprefix(PORTAL), PAGE]
        assert browser.enters(PAGE)
        assert len(browser.hops) == 1

    @pytest.mark.parametrize("method", ["POST", "DELETE", "PUT"])
    def test_what_was_sent_is_lost_and_the_page_says_so(
        self, browser: Traveller, wiki: int, method: str
    ) -> None:
        page = browser.page(rd(PAGE, rm=method))
        assert any("did not get there" in note for note in page.notes)

        assert browser.page(rd(PAGE, rm="GET")).notes == []

    def test_the_address_is_checked_again_after_signing_in(
        self, browser: Traveller, app: Flask, wiki: int, bob: Person, outbox: Outbox
    ) -> None:
        due = check(browser.client, browser.sign_in(bob, PAGE))
        with app.app_context():
            apps.remove(wiki, OPERATOR)
        answer = browser.enter_code(outbox, due, BOBS)

        assert answer.status_code == 404
        assert Page(browser.client, answer).h1 == "We do not know this app"

    def test_an_ordinary_sign_in_opens_no_app_session(
        self, browser: Traveller, wiki: int, ann: Person
    ) -> None:
        browser.sign_in(ann)

        assert APPS not in browser.cookies_at("wiki.example.org")

    @pytest.mark.parametrize("remember_me", [True, False])
    def test_the_cookie_lives_as_long_as_the_login_session(
        self, browser: Traveller, wiki: int, ann: Person, remember_me: bool
    ) -> None:
        browser.sign_in(ann, **({"remember_me": "y"} if remember_me else {}))
        line = browser.client.get(rd(PAGE)).headers["Set-Cookie"]

        assert line.startswith(f"{APPS}=")
        for part in ("Domain=example.org", "Secure", "HttpOnly", "Path=/", "SameSite=Lax"):
            assert part in line.split("; "), line
        assert ("Max-Age=1209" in line) == remember_me


class TestDetours:
    """By a mailed link and back, in the same browser."""

    def test_registering(self, browser: Traveller, wiki: int, outbox: Outbox) -> None:
        page = browser.page(PAGE)
        page = check(browser.client, browser.client.get(page.links["Create an account"]))
        page = check(
            browser.client,
            browser.press(page, "Create account", email="new@example.org", password=PASSWORD),
        )
        assert "rd=" in page.links["Back to sign-in"]
        link = outbox.link(to="new@example.org")
        page = check(browser.client, browser.press(browser.page(link), "Confirm"))
        assert "Wiki opens once" in page.main

        browser.press(page, "Sign in", email="new@example.org", password=PASSWORD)
        assert browser.hops[-1] == PAGE

    def test_a_new_password(
        self, browser: Traveller, wiki: int, ann: Person, outbox: Outbox
    ) -> None:
        page = browser.page(PAGE)
        page = check(browser.client, browser.client.get(page.links["Forgotten your password?"]))
        browser.press(page, "Send link", email=ann.email)
        new = "seven purple kettles on a roof"
        page = browser.page(outbox.link(to=ann.email))
        page = check(browser.client, browser.press(page, "Save password", password=new))

        assert browser.press(page, "Sign in", email=ann.email, password=new).status_code == IN
        assert browser.hops[-1] == PAGE


class TestWhoMayNot:
    def test_they_are_told_and_may_ask(
        self, browser: Traveller, new_app: Callable[..., int], ann: Person
    ) -> None:
        new_app(for_everyone=False)
        page = check(browser.client, browser.sign_in(ann, PAGE))

        assert page.h1 == "Wiki does not let you in yet"
        assert page.url == f"/no-access?rd={quote(PAGE, safe='/:?')}"

    def test_before_they_are_asked_for_a_code(
        self, browser: Traveller, new_app: Callable[..., int], ann: Person
    ) -> None:
        new_app("Money", for_everyone=False, level="recent-two-factor")
        page = check(browser.client, browser.sign_in(ann, "https://money.example.org/"))

        assert page.h1 == "Money does not let you in yet"

    def test_once_let_in_they_enter(
        self, browser: Traveller, app: Flask, new_app: Callable[..., int], ann: Person
    ) -> None:
        number = new_app(for_everyone=False)
        browser.sign_in(ann, PAGE)
        with app.app_context():
            let_in(apps.find(number), ann.email)

        assert browser.enters(PAGE)


class TestOwnPages:
    """``rd`` may name a page of the portal, too."""

    @pytest.mark.parametrize("address", [f"{PORTAL}/account/sessions", "/account/sessions"])
    def test_it_leads_there(self, browser: Traveller, ann: Person, address: str) -> None:
        assert browser.sign_in(ann, rd(address)).request.path == "/account/sessions"
        assert browser.go(rd(address)).request.path == "/account/sessions"

    @pytest.mark.parametrize("path", ["/sign-out", "/sign-in", "/sign-in?rd=x", "/sign-out?x"])
    def test_but_never_to_the_doors(self, browser: Traveller, ann: Person, path: str) -> None:
        for address in (path, PORTAL + path):
            assert browser.go(rd(address)).request.path == "/sign-in"
        browser.sign_in(ann)

        assert browser.go(rd(PORTAL + path)).status_code == 404


def test_only_pages_on_the_way_to_an_app_let_forms_lead_there(
    browser: Traveller, new_app: Callable[..., int], bob: Person, outbox: Outbox
) -> None:
    new_app("Money", level="recent-two-factor")
    address = "https://money.example.org/x"
    allowed = "form-action 'self' https://money.example.org;"

    def policy(path: str) -> str:
        return str(browser.client.get(path).headers["Content-Security-Policy"])

    assert "form-action 'self';" in policy("/sign-in")
    assert "form-action 'self';" in policy(f"/sign-in?{urlencode({'rd': 'https://evil.test/'})}")
    assert allowed in policy(f"/sign-in?{urlencode({'rd': address})}")
    due = check(browser.client, browser.sign_in(bob, address))
    assert allowed in policy("/two-factor")
    browser.enter_code(outbox, due, BOBS)
    assert "form-action 'self';" in policy("/account")
    assert "form-action 'self';" in policy("/confirm-identity")
