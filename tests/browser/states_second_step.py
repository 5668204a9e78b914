"""The pages between the password and being signed in, in every state."""

from typing import Any

from models import Challenge, Phone, User
from services.clock import now
from tests.browser.states import state
from tests.browser.visit import LONG_AGO, Visit, new_number
from tests.people import Person


def _password_given(visit: Visit, **about: Any) -> Person:
    person = visit.new_person(number=new_number(), two_factor=True, **about)
    visit.sign_in(person)
    return person


def _code_page(visit: Visit, way: str = "By text message", **about: Any) -> Person:
    person = _password_given(visit, **about)
    visit.open("/two-factor")
    visit.page.get_by_label(way).check()
    visit.press("Send code")
    return person


@state()
def choose(visit: Visit) -> None:
    _password_given(visit)
    visit.open("/two-factor")


@state()
def choose_needs_help(visit: Visit) -> None:
    _password_given(visit)
    visit.open("/two-factor")
    visit.page.get_by_text("I cannot use any of these").click()


@state()
def choose_email_alone(visit: Visit) -> None:
    visit.sign_in(visit.new_person(two_factor=True))
    visit.open("/two-factor")


@state()
def choose_without_a_way(visit: Visit) -> None:
    person = visit.new_person(two_factor=True)
    visit.sign_in(person)
    visit.change(User, person, email_way_disabled_at=now())
    visit.open("/two-factor")


@state(422)
def choose_refused(visit: Visit) -> None:
    """A number that was removed in another browser meanwhile."""
    person = _password_given(visit)
    visit.open("/two-factor")
    visit.change(Phone, person, disabled_at=now())
    visit.press("Send code")


@state()
def code(visit: Visit) -> None:
    _code_page(visit)


@state()
def code_sent(visit: Visit) -> None:
    _code_page(visit)
    visit.page.get_by_text("The text was sent.").wait_for()


@state()
def code_by_email(visit: Visit) -> None:
    _code_page(visit, "By email")
    visit.page.get_by_text("The email was sent.").wait_for()


@state()
def code_for_administrator(visit: Visit) -> None:
    _code_page(visit, admin=True)


@state(422)
def code_empty(visit: Visit) -> None:
    _code_page(visit)
    visit.press("Submit")


@state(422)
def code_wrong(visit: Visit) -> None:
    _code_page(visit)
    visit.fill("Security code", "12345")
    visit.press("Submit")


@state(429)
def code_tries_used(visit: Visit) -> None:
    _code_page(visit)
    for _ in range(5):
        visit.post("/two-factor/verify", code="wrong")
    visit.fill("Security code", "000000")
    visit.press("Submit")


@state()
def code_expired(visit: Visit) -> None:
    visit.change(Challenge, _code_page(visit), expires_at=LONG_AGO)
    visit.open("/two-factor/verify")


@state(429)
def code_again_too_soon(visit: Visit) -> None:
    _code_page(visit)
    with visit.page.expect_navigation():  # as without the script, which holds the button back
        visit.page.locator(".ways-out form").evaluate("form => form.submit()")
