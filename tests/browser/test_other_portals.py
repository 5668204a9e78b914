"""Pages that an ordinary portal does not show: its failures, its first day, other settings."""

from pathlib import Path

import pytest
from flask import Flask, abort
from playwright.sync_api import Browser, expect
from sqlalchemy.exc import OperationalError

from blueprints import guard
from services import first_account
from services.errors import TooManyTries
from tests.browser import owes
from tests.browser.served import served
from tests.browser.tabs import opening
from tests.browser.visit import Visit
from tests.people import PASSWORD

CODES = (400, 403, 405, 413, 422, 429, 500, 503)
LONG_NAME = "The Federation of Independent Instrument-Makers and Restorers"


def check(visit: Visit, *, failed: bool = False) -> None:
    """All that every page owes."""
    owes.check_words(visit.page, failed=failed)
    owes.check_axe(visit.page)
    owes.check_sizes(visit.page)
    owes.check_widths(visit.page)
    owes.check_keyboard(visit.page)


def test_every_error_page_looks_like_the_rest(
    chromium: Browser, tmp_path: Path, prepared_database: str
) -> None:
    with served(tmp_path, prepared_database) as (portal, app):
        add_failing_view(app)
        with opening(chromium, portal, app) as new_visit:
            visit = new_visit()
            for code in CODES:
                visit.open(f"/fail/{code}")
                assert visit.status == code
                expect(visit.page.locator("main")).to_contain_text(f"Error {code}")
                expect(visit.button_or_link("Go to the start page")).to_be_visible()
                assert "secret detail" not in visit.page.content()
                check(visit)


def add_failing_view(app: Flask) -> None:
    """An address that fails in any way that is asked for."""

    @guard.public
    def fail(code: int) -> str:
        if code == 500:
            raise RuntimeError("a secret detail")
        if code == 503:
            raise OperationalError("a secret detail", {}, Exception())
        if code == 429:
            raise TooManyTries(300)
        abort(code)

    app.add_url_rule("/fail/<int:code>", view_func=fail)


def test_the_first_day(chromium: Browser, tmp_path: Path, prepared_database: str) -> None:
    with (
        served(tmp_path, prepared_database) as (portal, app),
        opening(chromium, portal, app) as new_visit,
    ):
        visit = new_visit()
        visit.open("/setup")
        check(visit)
        visit.press("Create administrator")
        assert visit.status == 422
        check(visit, failed=True)
        with app.app_context():
            visit.fill("Setup token", first_account.setup_token())
        visit.fill("Email address", "ann@example.org")
        visit.fill("Password", PASSWORD)
        visit.press("Create administrator")
        expect(visit.page.locator("main")).to_contain_text("The first account is made.")


@pytest.mark.parametrize("who", ["closed", "invite"])
def test_a_door_that_is_shut(
    chromium: Browser, tmp_path: Path, prepared_database: str, who: str
) -> None:
    with (
        served(tmp_path, prepared_database, GATEPOST_REGISTRATION=who) as (portal, app),
        opening(chromium, portal, app) as new_visit,
    ):
        visit = new_visit()
        visit.open("/register")
        assert visit.status == 403
        check(visit)
        visit.press("Go to sign-in")
        expect(visit.page.get_by_text("Create an account")).to_have_count(0)


@pytest.mark.parametrize("colour", ["#ffd400", "#000000", "#e5002b"])
def test_a_portal_in_its_own_clothes(
    chromium: Browser, tmp_path: Path, prepared_database: str, colour: str
) -> None:
    logo = tmp_path / "logo.svg"
    logo.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 60"><path d="M0 0h400v60"/></svg>'
    )
    clothes = {
        "GATEPOST_PORTAL_NAME": LONG_NAME,
        "GATEPOST_PORTAL_LOGO": str(logo),
        "GATEPOST_ACCENT_COLOUR": colour,
        "GATEPOST_SUPPORT_CONTACT": "https://help.example.org/who-to-ask-when-nothing-works",
    }
    with (
        served(tmp_path, prepared_database, **clothes) as (portal, app),
        opening(chromium, portal, app) as new_visit,
    ):
        visit = new_visit()
        for path in ("/sign-in", "/dev/styleguide"):
            visit.open(path)
            assert LONG_NAME in visit.page.title()
            owes.check_axe(visit.page)
            owes.check_widths(visit.page)
        visit.sign_in(visit.new_person(admin=True))
        visit.open("/account")
        owes.check_widths(visit.page)
