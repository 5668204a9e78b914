"""What ends when a credential changes: everything else, at its next request."""

from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from models import Challenge, LoginSession, PendingSignIn, RememberedBrowser
from tests.client import Answer, Browser
from tests.people import Person
from tests.scene import Scene

NEW_PASSWORD = "seven purple kettles on a roof"


def change_password(_scene: Scene, browser: Browser, ann: Person) -> Answer:
    return browser.post("/account/password", current_password=ann.password, password=NEW_PASSWORD)


def add_phone(scene: Scene, browser: Browser, _ann: Person) -> Answer:
    number = scene.number()
    browser.post("/account/phones/add", number=number)
    return browser.post("/account/phones/confirm", code=scene.new_code(number))


def change_phone(scene: Scene, browser: Browser, ann: Person) -> Answer:
    number = scene.number()
    browser.post(f"/account/phones/{ann.phone_id}/change", number=number)
    return browser.post("/account/phones/confirm", code=scene.new_code(number))


def remove_phone(_scene: Scene, browser: Browser, ann: Person) -> Answer:
    return browser.post(f"/account/phones/{ann.phone_id}/remove", page="/account")


def choose_primary_phone(_scene: Scene, browser: Browser, ann: Person) -> Answer:
    return browser.post(f"/account/phones/{ann.phone_id}/primary", page="/account")


def change_email(scene: Scene, browser: Browser, ann: Person) -> Answer:
    new = f"new.{ann.email}"
    browser.post("/account/email", email=new)
    return browser.post(scene.new_link(new))


def turn_two_factor_off(_scene: Scene, browser: Browser, _ann: Person) -> Answer:
    return browser.post("/account/two-factor/disable", page="/account")


def sign_out_elsewhere(_scene: Scene, browser: Browser, _ann: Person) -> Answer:
    return browser.post("/account/sessions/end-others", page="/account/sessions")


def reset_password(scene: Scene, _browser: Browser, ann: Person) -> Answer:
    mailbox = scene.browser()
    mailbox.post("/reset-password", email=ann.email)
    return mailbox.post(scene.new_link(ann.email), password=NEW_PASSWORD)


def reset_two_factor(scene: Scene, browser: Browser, ann: Person) -> Answer:
    return by_operator(scene, browser, "reset-two-factor", ann)


def disable(scene: Scene, browser: Browser, ann: Person) -> Answer:
    return by_operator(scene, browser, "disable", ann)


def by_operator(scene: Scene, browser: Browser, what: str, ann: Person) -> Answer:
    """Run a command of the operator's."""
    result = scene.app.test_cli_runner().invoke(args=["user", what, ann.email])
    assert result.exit_code == 0, result.output
    return browser.get("/account")


Change = Callable[[Scene, Browser, Person], Answer]
OWN: list[Change] = [
    change_password, add_phone, change_phone, remove_phone, choose_primary_phone, change_email,
    turn_two_factor_off, sign_out_elsewhere,
]  # fmt: skip
FROM_OUTSIDE: list[Change] = [reset_password, reset_two_factor, disable]


@pytest.mark.parametrize("change", [*OWN, *FROM_OUTSIDE], ids=lambda change: change.__name__)
def test_a_change_of_a_credential_ends_all_else(scene: Scene, ann: Person, change: Change) -> None:
    acting, other, pending, remembered = (scene.browser() for _ in range(4))
    scene.sign_in_whole(remembered, ann, remember_browser="y")
    remembered.post("/sign-out", page="/account")
    scene.sign_in_whole(other, ann, remember_me="y")
    code = scene.ask_for_code(pending, ann)
    token = pending.get("/two-factor/verify").csrf_token
    scene.sign_in_whole(acting, ann)
    thief = acting.twin()
    assert change(scene, acting, ann).status == 303

    assert acting.is_signed_in() is (change in OWN)
    assert not thief.is_signed_in(), "the acting session has a new token"
    assert not other.is_signed_in()
    late = pending.send("/two-factor/verify", {"csrf_token": token, "code": code})
    assert late.location == "/sign-in"
    assert not pending.is_signed_in()
    assert rows(scene, ann, LoginSession) == (1 if change in OWN else 0)
    assert rows(scene, ann, RememberedBrowser) == rows(scene, ann, PendingSignIn) == 0
    if change in (change_phone, choose_primary_phone, add_phone, sign_out_elsewhere):
        assert scene.sign_in(remembered, ann).location == "/two-factor"


def rows(scene: Scene, ann: Person, table: type) -> int:
    """How many rows of a table are the person's."""
    return int(scene.scalar(select(func.count()).select_from(table).filter_by(user_id=ann.id)))


def test_turning_two_factor_on_ends_the_sessions_that_have_not_shown_it(scene: Scene) -> None:
    ann = scene.person()
    acting, other = scene.browser(), scene.browser()
    scene.sign_in(acting, ann)
    scene.sign_in(other, ann)
    assert acting.post("/account/two-factor/enable", page="/account").status == 303
    assert acting.is_signed_in()
    assert not other.is_signed_in()


def test_a_mailed_link_is_dead_after_a_change(scene: Scene, ann: Person) -> None:
    browser, mailbox = scene.browser(), scene.browser()
    scene.sign_in_whole(browser, ann)
    mailbox.post("/reset-password", email=ann.email)
    reset = scene.new_link(ann.email)
    browser.post("/account/email", email=f"other.{ann.email}")
    confirm = scene.new_link(f"other.{ann.email}")
    change_password(scene, browser, ann)
    assert mailbox.get(reset).status == 422
    assert mailbox.post(confirm, page="/sign-in").status == 422


def test_a_code_to_a_number_is_dead_after_a_change(scene: Scene, ann: Person) -> None:
    browser, number = scene.browser(), scene.number()
    scene.sign_in_whole(browser, ann)
    browser.post("/account/phones/add", number=number)
    code = scene.new_code(number)
    token = browser.get("/account/phones/confirm").csrf_token
    sign_out_elsewhere(scene, browser, ann)
    late = browser.send("/account/phones/confirm", {"csrf_token": token, "code": code})
    assert late.status == 422
    used = select(Challenge.consumed_at).where(Challenge.destination == number)
    assert scene.scalar(used) is None


def test_a_disabled_person_gets_in_by_no_door(scene: Scene, ann: Person) -> None:
    browser = scene.browser()
    scene.sign_in_whole(browser, ann, remember_browser="y", remember_me="y")
    disable(scene, browser, ann)
    assert not browser.is_signed_in()
    refused = scene.sign_in(browser, ann)
    assert refused.status == 422
    assert "disabled" in refused.text
    browser.post("/reset-password", email=ann.email)
    browser.post("/confirm-email/resend", email=ann.email)
    scene.app.test_cli_runner().invoke(args=["user", "enable", ann.email])
    assert "enabled" in scene.new_message("mail", ann.email, "enabled")
    assert not [m for m in scene.messages("mail", ann.email) if "/reset-password/" in m["text"]]
    assert not browser.is_signed_in(), "old cookies stay dead"
