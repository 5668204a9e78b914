"""The way into an app by the portal's pages: sign-in, step-up, the cookie, and back to the app."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from extensions import db
from models import PendingSignIn
from services import apps
from services.audit import OPERATOR
from tests.apps import WIKI, let_in, make_app
from tests.outbox import Outbox
from tests.page import Page, check
from tests.people import NUMBER, PASSWORD, Person
from tests.traveller import APPS, IN, PORTAL, SETTINGS, Traveller

PAGE = f"{WIKI}/a%20page/%C3%A4?edit=1&back=/x"

pytestmark = pytest.mark.settings(**SETTINGS)


def rd(address: str, **more: str) -> str:
    return "/?" + urlencode({"rd": address, **more})


@pytest.fixture
def new_app(app: Flask) -> Callable[..., int]:
    """Adds an app for everyone, unless told otherwise; gives its id."""

    def make(*args: str, **about: Any) -> int:
        with app.app_context():
            return make_app(*args, **{"for_everyone": True, **about}).id

    return make


@pytest.fixture
def wiki(new_app: Callable[..., int]) -> int:
    return new_app()


@pytest.fixture
def ann(new_person: Callable[..., Person]) -> Person:
    return new_person(number=NUMBER)


@pytest.fixture
def bob(new_person: Callable[..., Person]) -> Person:
    """With two-factor sign-in."""
    return new_person("bob@example.org", number="+12015550188", two_factor=True)


@pytest.fixture
def browser(app: Flask) -> Traveller:
    return Traveller(app)


def sign_in(browser: Traveller, person: Person, address: str = "/sign-in", **fields: str) -> Any:
    """Sign in with the password on the page that an address leads to; ends where that leads."""
    page = browser.page(address)
    return browser.press(page, "Sign in", email=person.email, password=PASSWORD, **fields)


def enter_code(browser: Traveller, outbox: Outbox, page: Page, **fields: str) -> Any:
    """Have a code texted and enter it; ends where that leads."""
    page = check(browser.client, browser.press(page, "Send code"))
    return browser.press(page, "Submit", code=outbox.code(to="+12015550188"), **fields)


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
        due = check(browser.client, sign_in(browser, bob, long))
        with app.app_context():
            assert db.session.scalar(select(PendingSignIn.next_url)) == long
        assert sum(map(len, browser.cookies_at("login.example.org").values())) < 1500

        assert enter_code(browser, outbox, due).status_code == IN
        assert browser.hops[-1] == long

    def test_nor_does_starting_again(
        self, browser: Traveller, wiki: int, bob: Person, outbox: Outbox
    ) -> None:
        due = check(browser.client, sign_in(browser, bob, PAGE))
        again = check(browser.client, browser.client.get(due.links["Start again"]))

        assert "Wiki opens once" in again.main

    def test_who_is_signed_in_goes_straight_on(
        self, browser: Traveller, wiki: int, ann: Person
    ) -> None:
        sign_in(browser, ann)

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
        due = check(browser.client, sign_in(browser, bob, PAGE))
        with app.app_context():
            apps.remove(wiki, OPERATOR)
        answer = enter_code(browser, outbox, due)

        assert answer.status_code == 404
        assert Page(browser.client, answer).h1 == "We do not know this app"

    def test_an_ordinary_sign_in_opens_no_app_session(
        self, browser: Traveller, wiki: int, ann: Person
    ) -> None:
        sign_in(browser, ann)

        assert APPS not in browser.cookies_at("wiki.example.org")

    @pytest.mark.parametrize("remember_me", [True, False])
    def test_the_cookie_lives_as_long_as_the_login_session(
        self, browser: Traveller, wiki: int, ann: Person, remember_me: bool
    ) -> None:
        sign_in(browser, ann, **({"remember_me": "y"} if remember_me else {}))
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


class TestLevels:
    """What is asked for is what is missing, and no more."""

    def step_up(self, browser: Traveller, outbox: Outbox, address: str) -> Any:
        """From the app to the question for a code; ends where the code leads."""
        page = browser.page(address)
        assert page.h1 == "Confirm that it is you"
        assert "asks for a security code" in page.main
        assert list(page.fields) == ["method"]
        return enter_code(browser, outbox, page)

    def remember(self, browser: Traveller, outbox: Outbox, bob: Person) -> None:
        """Sign in, remember the browser, sign out, sign in again without a code."""
        due = check(browser.client, sign_in(browser, bob))
        page = check(browser.client, enter_code(browser, outbox, due, remember_browser="y"))
        browser.press(page, "Sign out")
        assert sign_in(browser, bob).status_code == 200

    def test_a_complete_sign_in_meets_all(
        self, browser: Traveller, new_app: Callable[..., int], bob: Person, outbox: Outbox
    ) -> None:
        new_app("Files", level="two-factor")
        new_app("Money", level="recent-two-factor")
        due = check(browser.client, sign_in(browser, bob, "https://money.example.org/"))

        assert enter_code(browser, outbox, due).status_code == IN
        assert browser.enters("https://files.example.org/x")

    def test_a_remembered_browser_meets_two_factor(
        self, browser: Traveller, new_app: Callable[..., int], bob: Person, outbox: Outbox
    ) -> None:
        new_app("Files", level="two-factor")
        self.remember(browser, outbox, bob)

        assert browser.enters("https://files.example.org/x")

    def test_it_does_not_meet_a_recent_one(
        self, browser: Traveller, new_app: Callable[..., int], bob: Person, outbox: Outbox
    ) -> None:
        new_app("Money", level="recent-two-factor")
        self.remember(browser, outbox, bob)

        assert self.step_up(browser, outbox, "https://money.example.org/x").status_code == IN
        assert browser.hops[-1] == "https://money.example.org/x"

    def test_a_recent_one_grows_old(
        self, browser: Traveller, new_app: Callable[..., int], bob: Person, outbox: Outbox,
        clock: time_machine.Traveller,
    ) -> None:  # fmt: skip
        new_app("Files", level="two-factor")
        new_app("Money", level="recent-two-factor")
        due = check(browser.client, sign_in(browser, bob, "https://money.example.org/"))
        enter_code(browser, outbox, due)
        clock.shift(timedelta(seconds=599))
        assert browser.enters("https://money.example.org/")
        clock.shift(timedelta(seconds=1))

        assert browser.enters("https://files.example.org/")
        assert self.step_up(browser, outbox, "https://money.example.org/").status_code == IN

    def test_a_proof_counts_in_the_browser_that_made_it_alone(
        self, browser: Traveller, app: Flask, new_app: Callable[..., int], bob: Person,
        outbox: Outbox,
    ) -> None:  # fmt: skip
        """Whoever copied the cookie of the apps must not rise with the session it belongs to."""
        new_app()
        new_app("Money", level="recent-two-factor")
        self.remember(browser, outbox, bob)
        assert browser.enters(PAGE)
        thief = Traveller(app)
        copied = browser.cookies_at("wiki.example.org")[APPS]
        thief.client.set_cookie(APPS, copied, domain="example.org", origin_only=False)
        assert thief.enters(PAGE)
        self.step_up(browser, outbox, "https://money.example.org/")

        assert not thief.enters("https://money.example.org/")
        assert browser.enters("https://money.example.org/")

    def test_a_later_proof_counts_once_the_app_is_entered_anew(
        self, browser: Traveller, app: Flask, new_app: Callable[..., int], bob: Person,
        outbox: Outbox, clock: time_machine.Traveller,
    ) -> None:  # fmt: skip
        new_app("Money", level="recent-two-factor")
        money = "https://money.example.org/"
        enter_code(browser, outbox, check(browser.client, sign_in(browser, bob, money)))
        thief = Traveller(app)
        copied = browser.cookies_at("money.example.org")[APPS]
        thief.client.set_cookie(APPS, copied, domain="example.org", origin_only=False)
        assert thief.enters(money)
        clock.shift(timedelta(seconds=601))
        page = browser.page("/confirm-identity")
        page = check(browser.client, browser.press(page, "Continue", password=PASSWORD))
        enter_code(browser, outbox, page)

        assert not thief.enters(money)
        assert browser.enters(money)

    def test_who_signs_in_without_is_told_to_turn_it_on_and_led_back(
        self, browser: Traveller, new_app: Callable[..., int], ann: Person, outbox: Outbox
    ) -> None:
        new_app("Files", level="two-factor")
        address = "https://files.example.org/x"
        page = check(browser.client, sign_in(browser, ann, address))
        assert page.h1 == "Turn on two-factor sign-in"
        assert "Files" in page.main

        page = check(browser.client, browser.press(page, "Turn on"))
        assert "asks for a security code" in page.main
        page = check(browser.client, browser.press(page, "Send code"))
        answer = browser.press(page, "Submit", code=outbox.code(to=NUMBER))
        assert (answer.status_code, browser.hops[-1]) == (IN, address)

    def test_after_a_while_the_password_comes_first(
        self, browser: Traveller, new_app: Callable[..., int], ann: Person,
        clock: time_machine.Traveller,
    ) -> None:  # fmt: skip
        new_app("Files", level="two-factor")
        sign_in(browser, ann)
        clock.shift(601)
        page = browser.page("https://files.example.org/x")
        assert page.h1 == "Confirm that it is you"

        page = check(browser.client, browser.press(page, "Continue", password=PASSWORD))
        assert page.h1 == "Turn on two-factor sign-in"


class TestWhoMayNot:
    def test_they_are_told_and_may_ask(
        self, browser: Traveller, new_app: Callable[..., int], ann: Person
    ) -> None:
        new_app(for_everyone=False)
        page = check(browser.client, sign_in(browser, ann, PAGE))

        assert page.h1 == "Wiki does not let you in yet"
        assert page.url == f"/no-access?rd={quote(PAGE, safe='/:?')}"

    def test_before_they_are_asked_for_a_code(
        self, browser: Traveller, new_app: Callable[..., int], ann: Person
    ) -> None:
        new_app("Money", for_everyone=False, level="recent-two-factor")
        page = check(browser.client, sign_in(browser, ann, "https://money.example.org/"))

        assert page.h1 == "Money does not let you in yet"

    def test_once_let_in_they_enter(
        self, browser: Traveller, app: Flask, new_app: Callable[..., int], ann: Person
    ) -> None:
        number = new_app(for_everyone=False)
        sign_in(browser, ann, PAGE)
        with app.app_context():
            let_in(apps.find(number), ann.email)

        assert browser.enters(PAGE)


class TestLoops:
    """An app that never sees its cookie sends people back for ever."""

    def lose(self, browser: Traveller) -> None:
        browser.client.delete_cookie(APPS, domain="example.org")

    def test_the_third_redirect_in_a_row_is_a_diagnosis(
        self, browser: Traveller, wiki: int, ann: Person, clock: time_machine.Traveller
    ) -> None:
        sign_in(browser, ann)
        for _ in range(2):
            assert browser.enters(PAGE)
            self.lose(browser)
        page = browser.page(PAGE, 508)

        assert page.h1 == "Wiki keeps sending you back here"
        assert "does not keep the cookie for example.org" in page.main
        assert "wiki.example.org" in page.main
        assert "login.example.org" in page.main
        assert browser.go(page.links["Try again"]).status_code == IN

    def test_a_cookie_that_is_kept_is_told_apart(
        self, browser: Traveller, wiki: int, ann: Person, clock: time_machine.Traveller
    ) -> None:
        sign_in(browser, ann)
        for _ in range(2):
            assert browser.client.get(rd(PAGE)).location == PAGE

        page = browser.page(rd(PAGE), 508)
        assert "keeps the cookie for example.org and sends it" in page.main

    def test_half_a_minute_later_it_is_none(
        self, browser: Traveller, wiki: int, ann: Person, clock: time_machine.Traveller
    ) -> None:
        sign_in(browser, ann)
        for _ in range(4):
            assert browser.enters(PAGE)
            self.lose(browser)
            clock.shift(16)

    def test_tabs_with_addresses_of_their_own_are_none(
        self, browser: Traveller, wiki: int, ann: Person, clock: time_machine.Traveller
    ) -> None:
        sign_in(browser, ann)
        for tab in range(8):
            assert browser.enters(f"{WIKI}/{tab}")
            self.lose(browser)


class TestOwnPages:
    """``rd`` may name a page of the portal, too."""

    @pytest.mark.parametrize("address", [f"{PORTAL}/account/sessions", "/account/sessions"])
    def test_it_leads_there(self, browser: Traveller, ann: Person, address: str) -> None:
        assert sign_in(browser, ann, rd(address)).request.path == "/account/sessions"
        assert browser.go(rd(address)).request.path == "/account/sessions"

    @pytest.mark.parametrize("path", ["/sign-out", "/sign-in", "/sign-in?rd=x", "/sign-out?x"])
    def test_but_never_to_the_doors(self, browser: Traveller, ann: Person, path: str) -> None:
        for address in (path, PORTAL + path):
            assert browser.go(rd(address)).request.path == "/sign-in"
        sign_in(browser, ann)

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
    due = check(browser.client, sign_in(browser, bob, address))
    assert allowed in policy("/two-factor")
    enter_code(browser, outbox, due)
    assert "form-action 'self';" in policy("/account")
    assert "form-action 'self';" in policy("/confirm-identity")
