"""Stepping up on the way into an app: what is asked for is what is missing, and no more."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from werkzeug.test import TestResponse

from tests.outbox import Outbox
from tests.page import check
from tests.people import NUMBER, PASSWORD, Person
from tests.traveller import APPS, IN, SETTINGS, Traveller
from tests.web.conftest import BOBS

PAGE = "https://wiki.example.org/a%20page?edit=1"

pytestmark = pytest.mark.settings(**SETTINGS)


def step_up(browser: Traveller, outbox: Outbox, address: str) -> TestResponse:
    """From the app to the question for a code; ends where the code leads."""
    page = browser.page(address)
    assert page.h1 == "Confirm that it is you"
    assert "asks for a security code" in page.main
    assert list(page.fields) == ["method"]
    return browser.enter_code(outbox, page, BOBS)


def remember(browser: Traveller, outbox: Outbox, bob: Person) -> None:
    """Sign in, remember the browser, sign out, sign in again without a code."""
    due = check(browser.client, browser.sign_in(bob))
    page = check(browser.client, browser.enter_code(outbox, due, BOBS, remember_browser="y"))
    browser.press(page, "Sign out")
    assert browser.sign_in(bob).status_code == 200


def test_a_complete_sign_in_meets_all(
    browser: Traveller, new_app: Callable[..., int], bob: Person, outbox: Outbox
) -> None:
    new_app("Files", level="two-factor")
    new_app("Money", level="recent-two-factor")
    due = check(browser.client, browser.sign_in(bob, "https://money.example.org/"))

    assert browser.enter_code(outbox, due, BOBS).status_code == IN
    assert browser.enters("https://files.example.org/x")


def test_a_remembered_browser_meets_two_factor(
    browser: Traveller, new_app: Callable[..., int], bob: Person, outbox: Outbox
) -> None:
    new_app("Files", level="two-factor")
    remember(browser, outbox, bob)

    assert browser.enters("https://files.example.org/x")


def test_it_does_not_meet_a_recent_one(
    browser: Traveller, new_app: Callable[..., int], bob: Person, outbox: Outbox
) -> None:
    new_app("Money", level="recent-two-factor")
    remember(browser, outbox, bob)

    assert step_up(browser, outbox, "https://money.example.org/x").status_code == IN
    assert browser.hops[-1] == "https://money.example.org/x"


def test_a_recent_one_grows_old(
    browser: Traveller, new_app: Callable[..., int], bob: Person, outbox: Outbox,
    clock: time_machine.Traveller,
) -> None:  # fmt: skip
    new_app("Files", level="two-factor")
    new_app("Money", level="recent-two-factor")
    due = check(browser.client, browser.sign_in(bob, "https://money.example.org/"))
    browser.enter_code(outbox, due, BOBS)
    clock.shift(timedelta(seconds=599))
    assert browser.enters("https://money.example.org/")
    clock.shift(timedelta(seconds=1))

    assert browser.enters("https://files.example.org/")
    assert step_up(browser, outbox, "https://money.example.org/").status_code == IN


def test_a_proof_counts_in_the_browser_that_made_it_alone(
    browser: Traveller, app: Flask, new_app: Callable[..., int], bob: Person,
    outbox: Outbox,
) -> None:  # fmt: skip
    """Whoever copied the cookie of the apps must not rise with the session it belongs to."""
    new_app()
    new_app("Money", level="recent-two-factor")
    remember(browser, outbox, bob)
    assert browser.enters(PAGE)
    thief = Traveller(app)
    copied = browser.cookies_at("wiki.example.org")[APPS]
    thief.client.set_cookie(APPS, copied, domain="example.org", origin_only=False)
    assert thief.enters(PAGE)
    step_up(browser, outbox, "https://money.example.org/")

    assert not thief.enters("https://money.example.org/")
    assert browser.enters("https://money.example.org/")


def test_a_later_proof_counts_once_the_app_is_entered_anew(
    browser: Traveller, app: Flask, new_app: Callable[..., int], bob: Person,
    outbox: Outbox, clock: time_machine.Traveller,
) -> None:  # fmt: skip
    new_app("Money", level="recent-two-factor")
    money = "https://money.example.org/"
    browser.enter_code(outbox, check(browser.client, browser.sign_in(bob, money)), BOBS)
    thief = Traveller(app)
    copied = browser.cookies_at("money.example.org")[APPS]
    thief.client.set_cookie(APPS, copied, domain="example.org", origin_only=False)
    assert thief.enters(money)
    clock.shift(timedelta(seconds=601))
    page = browser.page("/confirm-identity")
    page = check(browser.client, browser.press(page, "Continue", password=PASSWORD))
    browser.enter_code(outbox, page, BOBS)

    assert not thief.enters(money)
    assert browser.enters(money)


def test_who_signs_in_without_is_told_to_turn_it_on_and_led_back(
    browser: Traveller, new_app: Callable[..., int], ann: Person, outbox: Outbox
) -> None:
    new_app("Files", level="two-factor")
    address = "https://files.example.org/x"
    page = check(browser.client, browser.sign_in(ann, address))
    assert page.h1 == "Turn on two-factor sign-in"
    assert "Files" in page.main

    page = check(browser.client, browser.press(page, "Turn on"))
    assert "asks for a security code" in page.main
    page = check(browser.client, browser.press(page, "Send code"))
    answer = browser.press(page, "Submit", code=outbox.code(to=NUMBER))
    assert (answer.status_code, browser.hops[-1]) == (IN, address)


@pytest.mark.parametrize(
    ("by_text", "words"),
    [
        (True, "Codes come by email, or by text message once"),
        pytest.param(
            False, "Codes come by email.", marks=pytest.mark.settings(GATEPOST_SMS_GATEWAY="none")
        ),
    ],
)
def test_texts_are_promised_only_where_they_are_sent(
    browser: Traveller, new_app: Callable[..., int], ann: Person, by_text: bool, words: str
) -> None:
    new_app("Files", level="two-factor")
    page = check(browser.client, browser.sign_in(ann, "https://files.example.org/x"))

    assert words in page.main
    assert ("text message" in page.main) == by_text


def test_after_a_while_the_password_comes_first(
    browser: Traveller, new_app: Callable[..., int], ann: Person,
    clock: time_machine.Traveller,
) -> None:  # fmt: skip
    new_app("Files", level="two-factor")
    browser.sign_in(ann)
    clock.shift(601)
    page = browser.page("https://files.example.org/x")
    assert page.h1 == "Confirm that it is you"

    page = check(browser.client, browser.press(page, "Continue", password=PASSWORD))
    assert page.h1 == "Turn on two-factor sign-in"
