"""The cookies of the apps: good for apps alone, and for no longer than the login session."""

from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask

from services import apps
from services.audit import OPERATOR
from tests.people import PASSWORD, Person
from tests.traveller import (
    APP,
    APPS,
    IN,
    LOGIN,
    OWN,
    SETTINGS,
    SHOP,
    WIKI,
    Traveller,
    signed_in,
)  # fmt: skip

TARGET = f"{SHOP}/a%20b?c=d"

pytestmark = pytest.mark.settings(**SETTINGS)


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
