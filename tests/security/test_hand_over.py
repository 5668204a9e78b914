"""Attacks on the hand-over to an app's own host, and on where ``rd`` may lead."""

import re
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import time_machine
from flask import Flask
from werkzeug.test import TestResponse

from services import apps, login_sessions
from services.audit import OPERATOR
from tests.apps import make_app
from tests.page import Page, check
from tests.people import PASSWORD, Person, make_person
from tests.traveller import APP, APPS, IN, LOGIN, PORTAL, SETTINGS, Traveller

WIKI, SHOP, OWN = "https://wiki.example.org", "https://shop.example.net", "https://own.example.org"
TARGET = f"{SHOP}/a%20b?c=d"
AT_SHOP = f"{SHOP}/.gatepost/hand-over"

pytestmark = pytest.mark.settings(**SETTINGS)


@pytest.fixture
def ann(app: Flask) -> Person:
    with app.app_context():
        make_app("Wiki", for_everyone=True)
        make_app("Shop", SHOP, for_everyone=True)
        make_app("Own", OWN, for_everyone=True, own_cookie=True)
        return make_person()


@pytest.fixture
def browser(app: Flask, ann: Person) -> Traveller:
    """Ann's, signed in at the portal."""
    return signed_in(app, ann)


def signed_in(app: Flask, person: Person, **fields: str) -> Traveller:
    browser = Traveller(app)
    page = browser.page("/sign-in")
    browser.press(page, "Sign in", email=person.email, password=PASSWORD, **fields)
    return browser


def begin(browser: Traveller, address: str = TARGET) -> TestResponse:
    """The app's host gives the browser its secret and leads to the portal."""
    return browser.client.get(f"{AT_SHOP}?{urlencode({'rd': address})}")


def grant(browser: Traveller, address: str = TARGET) -> str:
    """As far as the portal's grant; returns where that leads: the app's host, with the token."""
    granted = browser.client.get(begin(browser, address).location)
    assert granted.location.startswith(f"{AT_SHOP}?token="), granted.location
    return str(granted.location)


def is_refused(browser: Traveller, address: str) -> str:
    """That an address at the app's host hands nothing over; returns the reason it tells."""
    answer = browser.client.get(address)
    assert answer.location.startswith(f"{PORTAL}/hand-over/failed?"), answer.location
    assert APP not in answer.headers.get("Set-Cookie", "")
    assert APP not in browser.cookies_at("shop.example.net")
    return parse_qs(urlsplit(answer.location).query)["why"][0]


class TestTheWay:
    def test_it_leads_to_the_very_address_by_a_cookie_of_that_host(
        self, browser: Traveller
    ) -> None:
        assert browser.enters(TARGET)
        assert [urlsplit(hop).netloc for hop in browser.hops] == [
            "shop.example.net", "login.example.org", "shop.example.net", "login.example.org",
            "shop.example.net", "shop.example.net",
        ]  # fmt: skip
        assert APP in browser.cookies_at("shop.example.net")
        assert APP not in browser.cookies_at("login.example.org")
        assert APP not in browser.cookies_at("other.example.net")

    def test_after_a_sign_in_too(self, app: Flask, ann: Person) -> None:
        browser = Traveller(app)
        page = browser.page(TARGET)
        assert "Shop opens once" in page.main
        csp = page.response.headers["Content-Security-Policy"]
        assert f"form-action 'self' {SHOP};" in csp

        assert browser.press(page, "Sign in", email=ann.email, password=PASSWORD).status_code == IN
        assert browser.hops[-1] == TARGET

    def test_the_cookie_is_the_host_s_alone(self, browser: Traveller) -> None:
        line = browser.client.get(grant(browser)).headers["Set-Cookie"]

        for part in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax"):
            assert part in line.split("; "), line
        assert "Domain" not in line
        assert "Max-Age" not in line

    def test_it_is_kept_as_long_as_the_login_session(self, app: Flask, ann: Person) -> None:
        browser = signed_in(app, ann, remember_me="y")

        assert "Max-Age=1209" in browser.client.get(grant(browser)).headers["Set-Cookie"]

    def test_nobody_keeps_or_passes_on_any_of_its_answers(self, browser: Traveller) -> None:
        began = begin(browser)
        granted = browser.client.get(began.location)
        ended = browser.client.get(granted.location)
        for answer in (began, granted, ended):
            assert answer.status_code == 302
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert "Cookie" in answer.headers["Vary"]
        assert "Strict-Transport-Security" not in began.headers, "not ours to say of that host"

    def test_no_address_holds_what_a_session_is_known_by(self, browser: Traveller) -> None:
        browser.enters(TARGET)
        held = [
            value
            for host in ("login.example.org", "shop.example.net")
            for value in browser.cookies_at(host).values()
        ]

        assert not [value for value in held for hop in browser.hops if value in hop]

    def test_an_app_with_a_cookie_of_its_own_is_not_entered_by_the_shared_one(
        self, browser: Traveller
    ) -> None:
        assert browser.enters(f"{WIKI}/")
        assert browser.enters(f"{OWN}/x")
        assert len(browser.hops) == 6
        browser.client.delete_cookie(APP, domain="own.example.org")

        assert APPS in browser.cookies_at("own.example.org")
        assert browser.step(f"{OWN}/x").status_code == 302

    def test_nor_is_another_by_its_cookie(self, browser: Traveller, app: Flask) -> None:
        browser.enters(TARGET)
        token = browser.cookies_at("shop.example.net")[APP]
        thief = Traveller(app)
        for host in ("wiki.example.org", "own.example.org"):
            thief.client.set_cookie(APP, token, domain=host)
            assert thief.step(f"https://{host}/").status_code == 302

    def test_a_level_is_asked_for_before(self, browser: Traveller, app: Flask) -> None:
        with app.app_context():
            make_app("Money", "https://money.example.net", for_everyone=True, level="two-factor")

        assert browser.page("https://money.example.net/").h1 == "Turn on two-factor sign-in"

    def test_no_access_is_no_hand_over(self, browser: Traveller, app: Flask) -> None:
        with app.app_context():
            make_app("Vault", "https://vault.example.net")
        there = urlencode({"rd": "https://vault.example.net/", "browser": "0" * 64})

        assert browser.client.get(f"/hand-over?{there}").location.startswith("/no-access?")


class TestAttacks:
    def test_a_replay(self, browser: Traveller) -> None:
        there = grant(browser)
        assert browser.client.get(there).location == TARGET
        browser.client.delete_cookie(APP, domain="shop.example.net")

        assert is_refused(browser, there) == "late"

    def test_another_browser(self, browser: Traveller, app: Flask) -> None:
        there = grant(browser)
        assert is_refused(Traveller(app), there) == "browser"
        other = Traveller(app)
        begin(other)
        assert is_refused(other, there) == "browser"

        assert browser.client.get(there).location == TARGET, "and it spoils nothing"

    def test_another_host(self, browser: Traveller) -> None:
        there = grant(browser).replace(SHOP, OWN)
        answer = browser.client.get(there)

        assert "why=forged" in answer.location
        assert APP not in browser.cookies_at("own.example.org")

    def test_half_a_minute_later(
        self, browser: Traveller, clock: time_machine.Traveller, app: Flask, ann: Person
    ) -> None:
        late = signed_in(app, ann)
        there = grant(late)
        clock.shift(30)

        assert is_refused(late, there) == "late"

    @pytest.mark.parametrize("token", ["", "x", "x" * 22, "%00", "%ff", "' OR ''='"])
    def test_a_forged_token(self, browser: Traveller, token: str) -> None:
        grant(browser)

        assert is_refused(browser, f"{AT_SHOP}?token={token}") == "forged"

    def test_being_pushed_into_the_attacker_s_session(self, browser: Traveller, app: Flask) -> None:
        """Login CSRF: the victim would leave what is theirs in the attacker's account."""
        with app.app_context():
            make_person("mallory@example.org")
        mallory = signed_in(app, Person(0, "mallory@example.org"))
        there = grant(mallory)
        assert is_refused(browser, there) == "browser"
        begin(browser)
        assert is_refused(browser, there) == "browser"

        answer = browser.go(TARGET)
        assert answer.headers["Remote-User"] == "ann@example.org"

    def test_a_victim_who_is_led_to_grant_to_the_attacker_s_browser(
        self, browser: Traveller, app: Flask
    ) -> None:
        """The token comes to the victim's browser, which is not the one it is good for."""
        mallory = Traveller(app)
        to_portal = begin(mallory).location
        there = browser.client.get(to_portal).location

        assert is_refused(browser, there) == "browser"

    def test_signed_out_meanwhile(self, browser: Traveller, app: Flask) -> None:
        there = grant(browser)
        with app.app_context():
            token = browser.cookies_at("login.example.org")[LOGIN]
            found = login_sessions.find(token)
            assert found is not None
            login_sessions.sign_out(found, OPERATOR.client)

        is_refused(browser, there)

    def test_a_head_request_uses_nothing_up(self, browser: Traveller) -> None:
        there = grant(browser)
        assert browser.client.head(there).status_code == 405

        assert browser.client.get(there).location == TARGET

    @pytest.mark.parametrize(
        "address",
        [
            "https://evil.test/", f"{WIKI}/", "//evil.test/", "javascript:alert(1)", "/x", "",
            f"{SHOP}@evil.test/", f"{SHOP}.evil.test/", "https://shop.example.net:8443/",
        ],
    )  # fmt: skip
    def test_it_begins_for_its_own_host_alone(self, browser: Traveller, address: str) -> None:
        there = parse_qs(urlsplit(begin(browser, address).location).query)

        assert there["rd"] == [f"{SHOP}/"]

    @pytest.mark.parametrize(
        "host", ["login.example.org", "evil.test", "other.example.net", "shop.example.net:8443"]
    )
    def test_no_other_host_has_it(self, browser: Traveller, host: str) -> None:
        for query in ("", "?token=x", f"?{urlencode({'rd': TARGET})}"):
            assert (
                browser.client.get(f"https://{host}/.gatepost/hand-over{query}").status_code == 404
            )

    def test_what_failed_is_told_and_can_be_tried_again(self, browser: Traveller) -> None:
        there = grant(browser)
        browser.client.get(there)
        browser.client.delete_cookie(APP, domain="shop.example.net")
        page = browser.page(there, 400)
        assert page.h1 == "We could not let you into Shop"
        assert "half a minute" in page.main

        assert browser.go(page.links["Try again"]).status_code == IN
        assert browser.hops[-1] == TARGET

    @pytest.mark.parametrize("why", ["", "late", "browser", "<script>", "x"])
    def test_the_page_that_tells_leads_nowhere_else(self, browser: Traveller, why: str) -> None:
        query = urlencode({"why": why, "rd": "https://evil.test/"})
        answer = browser.client.get(f"/hand-over/failed?{query}")

        assert answer.status_code == 400
        page = check(browser.client, answer)
        assert "evil" not in page.html
        assert "<script>" not in page.main


class TestTheSharedCookie:
    """It goes to every host of the domain, and so to every app: it must be good for apps alone."""

    @pytest.mark.parametrize("name", [LOGIN, "gatepost_login", APPS, APP])
    def test_it_opens_no_page_of_the_account(
        self, browser: Traveller, app: Flask, name: str
    ) -> None:
        assert browser.enters(f"{WIKI}/")
        token = browser.cookies_at("wiki.example.org")[APPS]
        hostile = Traveller(app)
        hostile.client.set_cookie(name, token, domain="login.example.org")
        for path in ("/account", "/account/sessions", "/admin/apps", "/confirm-identity"):
            assert hostile.client.get(path).location.startswith("/sign-in"), (name, path)
        assert hostile.client.get(f"/?{urlencode({'rd': TARGET})}").location.startswith("/sign-in")

    def test_it_is_not_the_login_session_s(self, browser: Traveller) -> None:
        browser.enters(f"{WIKI}/")
        seen = browser.cookies_at("wiki.example.org")

        assert set(seen) == {APPS}
        assert seen[APPS] not in {browser.cookies_at("login.example.org")[LOGIN]}

    def test_nor_does_the_login_session_s_enter_an_app(
        self, browser: Traveller, app: Flask
    ) -> None:
        token = browser.cookies_at("login.example.org")[LOGIN]
        other = Traveller(app)
        for name in (APPS, APP):
            other.client.set_cookie(name, token, domain="wiki.example.org")

        assert other.step(f"{WIKI}/").status_code == 302


class TestSigningOut:
    def test_at_the_portal_ends_every_app_session_at_once(
        self, browser: Traveller, app: Flask
    ) -> None:
        for address in (f"{WIKI}/", TARGET, f"{OWN}/"):
            assert browser.enters(address)
        copy = Traveller(app)
        for host in ("wiki.example.org", "shop.example.net", "own.example.org"):
            for name, value in browser.cookies_at(host).items():
                copy.client.set_cookie(name, value, domain=host)
        answer = browser.page("/account").post("Sign out")

        lines = answer.headers.getlist("Set-Cookie")
        (gone,) = [line for line in lines if line.startswith(f"{APPS}=")]
        for part in ("Domain=example.org", "Path=/", "Max-Age=0", "Secure"):
            assert part in gone.split("; "), gone
        assert APPS not in browser.cookies_at("wiki.example.org")
        for visitor in (browser, copy):
            for address in (f"{WIKI}/", TARGET, f"{OWN}/"):
                assert visitor.step(address).status_code == 302, address

    def test_apps_can_lead_to_it(self, browser: Traveller) -> None:
        browser.enters(f"{WIKI}/")
        page = browser.page("/sign-out")
        assert "in every app" in page.main
        assert browser.enters(f"{WIKI}/"), "a link alone signs nobody out"

        assert browser.press(page, "Sign out").status_code == 200
        assert browser.page("/sign-out").h1 == "You are signed out"

    @pytest.mark.parametrize(
        ("page", "button", "fields"),
        [
            ("/account/sessions", "Sign out everywhere", {}),
            (
                "/account/password",
                "",
                {"current_password": PASSWORD, "password": "seven purple kettles on a roof"},
            ),
        ],
    )
    def test_what_ends_other_sessions_ends_their_apps_and_not_mine(
        self, browser: Traveller, app: Flask, ann: Person, page: str, button: str,
        fields: dict[str, Any],
    ) -> None:  # fmt: skip
        elsewhere = signed_in(app, ann)
        for visitor in (browser, elsewhere):
            assert visitor.enters(f"{WIKI}/")
            assert visitor.enters(TARGET)
        opened = browser.page(page)
        shown = button or opened.buttons[-1]
        browser.press(opened, shown, **fields)

        for address in (f"{WIKI}/", TARGET):
            assert elsewhere.step(address).status_code == 302
            assert browser.step(address).status_code == IN

    def test_a_removed_app_is_left_at_once(self, browser: Traveller, app: Flask) -> None:
        assert browser.enters(TARGET)
        with app.app_context():
            apps.remove(apps.find_by_name("Shop").id, OPERATOR)

        assert browser.step(TARGET).status_code == 400


REFUSED = [
    "https://evil.test/", "//evil.test/", "/\\evil.test/", "/%5cevil.test/", "/%5Cevil.test",
    "/%2fevil.test/", "https:evil.test", "https:/wiki.example.org/", "https:///wiki.example.org/",
    "https://wiki.example.org@evil.test/", "https://evil.test#.example.org/",
    "https://evil.test/#wiki.example.org", "https://wiki.example.org.evil.test/",
    "https://evilexample.org/", "https://wiki.example.org./", "https://wiki.example.org:8443/",
    "https://wiki.example.org:0443x/", "http://wiki.example.org/", "ht\ttps://wiki.example.org/",
    "https://wiki.example\n.org/", "https://wiki.example.org\\@evil.test/", "javascript:alert(1)",
    "JaVaScRiPt://wiki.example.org/%0aalert(1)", "data:text/html,x", "ftp://wiki.example.org/",
    "https://wіki.example.org/", "https://xn--wki-sed.example.org/", "https://127.0.0.1/",
    "https://[::1]/", "https://unregistered.example.org/", f"{WIKI}/{'x' * 8000}",
    " https://wiki.example.org/", "https://wiki.example.org /", "https://user:x@wiki.example.org/",
    f"{PORTAL}/sign-out", f"{PORTAL}/sign-in", f"{PORTAL}@evil.test/", f"{PORTAL}.evil.test/",
    f"{PORTAL}//evil.test/", f"{PORTAL}:8443/", "https://LOGIN.example.org/", "?rd=x", "wiki",
]  # fmt: skip


class TestWhereRdMayLead:
    @pytest.mark.parametrize("visitor", ["signed out", "signed in"])
    def test_nowhere_but_to_a_registered_app(self, app: Flask, ann: Person, visitor: str) -> None:
        browser = Traveller(app) if visitor == "signed out" else signed_in(app, ann)
        for address in REFUSED:
            for path in ("/", "/sign-in", "/hand-over", "/confirm-identity"):
                answer = browser.client.get(f"{path}?{urlencode({'rd': address})}")
                there, policy = answer.location or "/", answer.headers["Content-Security-Policy"]
                assert answer.status_code < 500, (address, path)
                assert re.match(r"/(?![/\\%])", there) or there == "/", (address, path, there)
                assert "form-action 'self';" in policy, (address, path)
                assert "opens once" not in answer.text, (address, path)

    @pytest.mark.parametrize("address", ["https://evil.test/", "/%5cevil.test/", f"{PORTAL}@x/"])
    def test_nor_after_signing_in(self, app: Flask, ann: Person, address: str) -> None:
        page = Traveller(app).page(f"/sign-in?{urlencode({'rd': address})}")
        answer = page.post("Sign in", email=ann.email, password=PASSWORD)

        assert answer.location == "/"

    def test_and_the_page_says_so(self, app: Flask, ann: Person) -> None:
        page = Traveller(app).page(f"/sign-in?{urlencode({'rd': 'https://evil.test/'})}")

        assert any("not one of this portal's apps" in note for note in page.notes)
        assert "evil" not in page.main

    def test_what_was_refused_is_logged_without_its_path(
        self, app: Flask, ann: Person, caplog: pytest.LogCaptureFixture
    ) -> None:
        Traveller(app).client.get(f"/?{urlencode({'rd': 'https://evil.test/reset/t0ken?t=t0ken'})}")

        assert "rd_refused" in caplog.text
        assert "t0ken" not in caplog.text


def test_a_loop_over_a_hand_over_is_told_too(browser: Traveller) -> None:
    for _ in range(2):
        assert browser.enters(TARGET)
        browser.client.delete_cookie(APP, domain="shop.example.net")
    answer = browser.go(TARGET)

    assert answer.status_code == 508
    assert "does not keep the cookie of shop.example.net" in Page(browser.client, answer).main
