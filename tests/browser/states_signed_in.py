"""The pages of a signed-in person, in every state."""

from typing import Any

from models import LoginSession, Phone, User
from services.clock import now
from tests.browser.states import state
from tests.browser.visit import LONG_AGO, Visit, new_email, new_number
from tests.outbox import code_in
from tests.people import Person


def _signed_in(visit: Visit, **about: Any) -> Person:
    person = visit.new_person(**about)
    visit.sign_in(person)
    return person


def _identity_asked(visit: Visit, **about: Any) -> Person:
    person = visit.new_person(**about)
    if about.get("two_factor"):
        visit.sign_in_with_code(person)
    else:
        visit.sign_in(person)
    visit.change(
        LoginSession, person, password_proved_at=LONG_AGO, second_factor_proved_at=LONG_AGO
    )
    visit.open("/account/password")
    return person


def _number_given(visit: Visit) -> str:
    _signed_in(visit)
    number = new_number()
    visit.open("/account/phones/add")
    visit.fill("Phone number", number)
    visit.press("Send verification code")
    return number


def _add_phone(visit: Visit) -> None:
    number = new_number()
    visit.post("/account/phones/add", number=number)
    code = code_in(visit.wait_for("sms", 1, number)[0])
    visit.post("/account/phones/confirm", code=code)


@state()
def account(visit: Visit) -> None:
    _signed_in(visit)
    visit.open("/account")


@state()
def account_all_set(visit: Visit) -> None:
    person = visit.new_person(name="Ann", number=new_number(), two_factor=True)
    visit.change(User, person, password_changed_at=now())
    visit.sign_in_with_code(person)
    _add_phone(visit)
    visit.post("/sign-out", page="/account")
    visit.sign_in(person)
    visit.post("/two-factor/verify", code=visit.ask_for_code(), remember_browser="y")
    visit.sign_in_elsewhere(person)
    visit.open("/account")


@state()
def account_about_to_turn_off(visit: Visit) -> None:
    person = visit.new_person(two_factor=True)
    visit.sign_in_with_code(person)
    visit.open("/account")
    visit.page.locator("summary").click()


@state()
def account_phone_not_in_use(visit: Visit) -> None:
    person = _signed_in(visit, number=new_number())
    visit.change(Phone, person, disabled_at=now())
    visit.open("/account")


@state()
def account_phone_added(visit: Visit) -> None:
    number = _number_given(visit)
    code = code_in(visit.wait_for("sms", 1, number)[0])
    visit.page.get_by_label("Security code").press_sequentially(code)
    visit.press("Submit")


@state(422)
def account_refused(visit: Visit) -> None:
    """The last way that is left may not go."""
    person = visit.new_person(number=new_number(), two_factor=True)
    visit.sign_in_with_code(person)
    visit.change(User, person, email_way_disabled_at=now())
    visit.open("/account")
    visit.page.get_by_role("button", name="Remove").click()


@state()
def phone_add(visit: Visit) -> None:
    _signed_in(visit)
    visit.open("/account/phones/add")


@state(422)
def phone_add_mistaken(visit: Visit) -> None:
    _signed_in(visit)
    visit.open("/account/phones/add")
    visit.fill("Phone number", "555")
    visit.press("Send verification code")


@state()
def phone_confirm(visit: Visit) -> None:
    _number_given(visit)


@state(422)
def phone_confirm_wrong(visit: Visit) -> None:
    phone_confirm(visit)
    visit.fill("Security code", "abcdef")
    visit.press("Submit")


@state()
def phone_change(visit: Visit) -> None:
    person = _signed_in(visit, number=new_number())
    visit.open(f"/account/phones/{person.phone_id}/change")


@state(422)
def phone_change_unsuitable(visit: Visit) -> None:
    phone_change(visit)
    visit.fill("New phone number", "+1 900 555 0123")
    visit.press("Send verification code")


@state()
def password(visit: Visit) -> None:
    _signed_in(visit)
    visit.open("/account/password")


@state(422)
def password_mistaken(visit: Visit) -> None:
    password(visit)
    visit.fill("Current password", "not the password at all")
    visit.fill("New password", "password password")
    visit.press("Save password")


@state(422)
def password_empty(visit: Visit) -> None:
    password(visit)
    visit.press("Save password")


@state()
def name(visit: Visit) -> None:
    _signed_in(visit, name="Ann")
    visit.open("/account/name")


@state(422)
def name_mistaken(visit: Visit) -> None:
    name(visit)
    visit.fill("Your name (optional)", "a" * 101)
    visit.press("Save name")


@state()
def email(visit: Visit) -> None:
    _signed_in(visit)
    visit.open("/account/email")


@state(422)
def email_mistaken(visit: Visit) -> None:
    email(visit)
    visit.fill("New email address", "ann at example.org")
    visit.press("Send confirmation link")


@state()
def account_email_asked(visit: Visit) -> None:
    email(visit)
    visit.fill("New email address", new_email())
    visit.press("Send confirmation link")


@state()
def sessions(visit: Visit) -> None:
    person = _signed_in(visit)
    visit.sign_in_elsewhere(person)
    visit.open("/account/sessions")


@state()
def activity(visit: Visit) -> None:
    _signed_in(visit)
    _add_phone(visit)
    visit.open("/account/activity")


@state()
def close(visit: Visit) -> None:
    _signed_in(visit)
    visit.open("/account/close")


@state(422)
def close_wrong_password(visit: Visit) -> None:
    close(visit)
    visit.fill("Your password", "not the password at all")
    visit.press("Close my account")


@state()
def identity_password(visit: Visit) -> None:
    _identity_asked(visit)


@state(422)
def identity_password_wrong(visit: Visit) -> None:
    _identity_asked(visit)
    visit.fill("Your password", "not the password at all")
    visit.press("Continue")


@state()
def identity_way(visit: Visit) -> None:
    person = _identity_asked(visit, number=new_number(), two_factor=True)
    visit.fill("Your password", person.password)
    visit.press("Continue")


@state()
def identity_without_a_way(visit: Visit) -> None:
    person = _identity_asked(visit, two_factor=True)
    visit.change(User, person, email_way_disabled_at=now())
    visit.fill("Your password", person.password)
    visit.press("Continue")


@state()
def identity_code(visit: Visit) -> None:
    identity_way(visit)
    visit.press("Send code")


@state(422)
def identity_code_wrong(visit: Visit) -> None:
    identity_code(visit)
    visit.fill("Security code", "123")
    visit.press("Submit")
