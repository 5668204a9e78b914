"""An app that never sees its cookie sends people back: a diagnosis instead of a loop."""

from urllib.parse import urlencode

import pytest
import time_machine

from tests.people import Person
from tests.traveller import APPS, IN, SETTINGS, Traveller

WIKI = "https://wiki.example.org"
PAGE = f"{WIKI}/a%20page?edit=1"

pytestmark = pytest.mark.settings(**SETTINGS)


def lose(browser: Traveller) -> None:
    browser.client.delete_cookie(APPS, domain="example.org")


def test_the_third_redirect_in_a_row_is_a_diagnosis(
    browser: Traveller, wiki: int, ann: Person, clock: time_machine.Traveller
) -> None:
    browser.sign_in(ann)
    for _ in range(2):
        assert browser.enters(PAGE)
        lose(browser)
    page = browser.page(PAGE, 508)

    assert page.h1 == "Wiki keeps sending you back here"
    assert "does not keep the cookie for example.org" in page.main
    assert "wiki.example.org" in page.main
    assert "login.example.org" in page.main
    assert browser.go(page.links["Try again"]).status_code == IN


def test_a_cookie_that_is_kept_is_told_apart(
    browser: Traveller, wiki: int, ann: Person, clock: time_machine.Traveller
) -> None:
    browser.sign_in(ann)
    for _ in range(2):
        assert browser.client.get(f"/?{urlencode({'rd': PAGE})}").location == PAGE

    page = browser.page(f"/?{urlencode({'rd': PAGE})}", 508)
    assert "keeps the cookie for example.org and sends it" in page.main


def test_half_a_minute_later_it_is_none(
    browser: Traveller, wiki: int, ann: Person, clock: time_machine.Traveller
) -> None:
    browser.sign_in(ann)
    for _ in range(4):
        assert browser.enters(PAGE)
        lose(browser)
        clock.shift(16)


def test_tabs_with_addresses_of_their_own_are_none(
    browser: Traveller, wiki: int, ann: Person, clock: time_machine.Traveller
) -> None:
    browser.sign_in(ann)
    for tab in range(8):
        assert browser.enters(f"{WIKI}/{tab}")
        lose(browser)
