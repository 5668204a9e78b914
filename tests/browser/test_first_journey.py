"""The first journey, whole, in a real browser: with a mouse, without JavaScript, by keyboard alone.

Nothing is set but what ``make run`` sets; every code and link comes from the
development outbox's own page.
"""

from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, expect

from tests.browser.hands import Hands, Keyboard, Mouse
from tests.browser.portals import app_of, portal_on
from tests.browser.tabs import NewVisit, opening
from tests.browser.visit import new_email, new_number
from tests.people import PASSWORD
from tests.portal import Portal


@pytest.fixture(scope="module")
def portal(
    chromium: Browser, prepared_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Portal]:
    """A portal as ``make run`` starts it."""
    as_it_comes = {
        "GATEPOST_ENV": "development",
        "GATEPOST_SMS_GATEWAY": "console",
        "GATEPOST_MAIL_GATEWAY": "console",
    }
    folder = tmp_path_factory.mktemp("make-run")
    with portal_on(folder, prepared_database, as_it_comes) as portal:
        yield portal


@pytest.fixture(scope="module")
def app(portal: Portal) -> Iterator[Flask]:
    yield from app_of(portal)


@pytest.fixture
def new_visit(chromium: Browser, portal: Portal, app: Flask) -> Iterator[NewVisit]:
    with opening(chromium, portal, app) as new_visit:
        yield new_visit


def test_the_first_journey_with_a_mouse(new_visit: NewVisit) -> None:
    Traveller(Mouse(new_visit()), pastes=True).travel()


def test_the_first_journey_without_javascript(new_visit: NewVisit) -> None:
    Traveller(Mouse(new_visit(java_script_enabled=False)), pastes=False).travel()


def test_the_first_journey_by_keyboard_alone(new_visit: NewVisit) -> None:
    Traveller(Keyboard(new_visit()), pastes=True).travel()


class Traveller:
    """Somebody who goes the whole way."""

    def __init__(self, hands: Hands, *, pastes: bool) -> None:
        self.hands = hands
        self.page = hands.visit.page
        self.email, self.number, self.new_number = new_email(), new_number(), new_number()
        self.pastes = pastes

    def travel(self) -> None:
        """Every step, in order."""
        self.register()
        self.sign_in()
        self.see("Two-factor sign-in: off", "Phone number: none", self.email)
        self.add_the_number()
        self.turn_two_factor_on()
        self.sign_out()
        self.sign_in_by_text_and_be_remembered()
        self.sign_out()
        self.sign_in()
        self.see("Two-factor sign-in: on")
        self.be_forgotten()
        self.sign_out()
        self.sign_in_by_email()
        self.change_the_number()
        self.remove_the_number()
        self.turn_two_factor_off()

    def register(self) -> None:
        self.hands.visit.open("/")
        self.hands.press("Create an account")
        self.hands.fill("Email address", self.email)
        self.hands.fill("Password", PASSWORD)
        self.hands.press("Create account")
        self.see("Check your email")
        self.hands.open_link()
        self.hands.press("Confirm my email address")
        self.see("Your email address is confirmed. You can sign in now.")

    def sign_in(self) -> None:
        self.hands.fill("Email address", self.email)
        self.hands.fill("Password", PASSWORD)
        self.hands.press("Sign in")

    def sign_out(self) -> None:
        self.hands.press("Sign out")
        self.see("You are signed out.")

    def add_the_number(self) -> None:
        self.hands.press("Add a phone number")
        self.hands.fill("Phone number", f"(201) 555-{self.number[-4:]}")
        self.hands.press("Send verification code")
        self.see(f"We sent a 6-digit code to {shown(self.number)}")
        self.enter_the_code()
        self.see("The phone number was added.", shown(self.number))

    def turn_two_factor_on(self) -> None:
        self.hands.press("Turn on two-factor sign-in")
        self.see("Two-factor sign-in: on")

    def sign_in_by_text_and_be_remembered(self) -> None:
        self.sign_in()
        self.see("Where should we send the code?")
        self.hands.choose("By text message to the number ending")
        self.hands.press("Send code")
        self.see(f"We sent a 6-digit code to the number ending {self.number[-2:]}")
        code = self.hands.read_code()
        self.hands.fill("Security code", f"{code[:3]} {code[3:]}")
        self.hands.tick("Remember this browser for 14 days")
        self.hands.press("Submit")
        self.see("Your account", "This browser")

    def be_forgotten(self) -> None:
        self.hands.press("Forget Chrome on Linux")
        self.see("The browser was forgotten.", "None. When you enter a security code")

    def sign_in_by_email(self) -> None:
        self.sign_in()
        self.hands.choose("By email to")
        self.hands.press("Send code")
        self.see("We sent a 6-digit code to a••@example.org")
        self.enter_the_code()
        self.see("Your account")

    def change_the_number(self) -> None:
        self.hands.press(f"Change {shown(self.number)}")
        self.hands.fill("New phone number", self.new_number)
        self.hands.press("Send verification code")
        self.enter_the_code()
        self.see("The phone number was changed.", shown(self.new_number))
        expect(self.page.get_by_text(self.number[-4:])).to_have_count(0)

    def remove_the_number(self) -> None:
        self.hands.press(f"Remove {shown(self.new_number)}")
        self.see("The phone number was removed.", "Phone number: none", "Two-factor sign-in: on")

    def turn_two_factor_off(self) -> None:
        self.hands.unfold("Turn off")
        self.hands.press("Turn off two-factor sign-in")
        self.see("Two-factor sign-in: off")

    def enter_the_code(self) -> None:
        if self.pastes:
            self.hands.copy_and_paste_code()
            return
        self.hands.fill("Security code", self.hands.read_code())
        self.hands.press("Submit")

    def see(self, *words: str) -> None:
        for each in words:
            expect(self.page.locator("body")).to_contain_text(each)


def shown(number: str) -> str:
    """A number as pages show it."""
    return f"+1 {number[2:5]}-{number[5:8]}-{number[8:]}"
