"""Attacks on the hand-over to an app's own host."""

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import time_machine
from flask import Flask
from werkzeug.test import TestResponse

from services import login_sessions
from services.audit import OPERATOR
from tests.apps import make_app
from tests.page import Page, check
from tests.people import PASSWORD, Person, make_person
from tests.traveller import (
    APP,
    APPS,
    IN,
    LOGIN,
    OWN,
    PORTAL,
    SETTINGS,
    SHOP,
    WIKI,
    Traveller,
    signed_in,
)  # fmt: skip

TARGET = f"{SHOP}/a%20b?c=d"
AT_SHOP = f"{SHOP}/.gatepost/hand-over"

pytestmark = pytest.mark.settings(**SETTINGS)


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
        refused = browser.client.head(there)
        assert (refused.status_code, refused.headers["Allow"]) == (405, "GET")

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
        assert "for 30 seconds" in page.main

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


def test_a_loop_over_a_hand_over_is_told_too(browser: Traveller) -> None:
    for _ in range(2):
        assert browser.enters(TARGET)
        browser.client.delete_cookie(APP, domain="shop.example.net")
    answer = browser.go(TARGET)

    assert answer.status_code == 508
    assert "does not keep the cookie of shop.example.net" in Page(browser.client, answer).main
