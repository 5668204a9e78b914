"""Nobody learns from an answer, or from how long it takes, whether an address has an account."""

import re
from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from models import Registration
from tests.client import Answer, Browser, parallel
from tests.people import PASSWORD
from tests.scene import Scene

Ask = Callable[[Browser, str], Answer]


def sign_in(browser: Browser, email: str) -> Answer:
    return browser.post("/sign-in", email=email, password="not the right password")


def register(browser: Browser, email: str) -> Answer:
    return browser.post("/register", email=email, password="seven purple kettles on a roof")


def reset(browser: Browser, email: str) -> Answer:
    return browser.post("/reset-password", email=email)


def resend(browser: Browser, email: str) -> Answer:
    return browser.post("/confirm-email/resend", email=email)


DOORS = pytest.mark.parametrize("ask", [sign_in, register, reset, resend], ids=lambda f: f.__name__)


def shown(answer: Answer, email: str) -> str:
    """The page without what differs from page to page anyway."""
    text = answer.text.replace(email, "EMAIL")
    return re.sub(r'(name="csrf_token"[^>]*value=)"[^"]*"', r"\1", text)


@DOORS
def test_the_answer_is_the_same(scene: Scene, ask: Ask) -> None:
    known, unknown = scene.person().email, "nobody-at-all@example.org"
    answers = [ask(scene.browser(), email) for email in (known, unknown)]
    assert answers[0].status == answers[1].status
    assert answers[0].location == answers[1].location
    assert set(answers[0].cookies) == set(answers[1].cookies)
    assert shown(answers[0], known) == shown(answers[1], unknown)


def test_only_the_mail_tells_and_it_goes_to_the_owner(scene: Scene) -> None:
    ann = scene.person()
    register(scene.browser(), ann.email)
    assert "already" in scene.new_message("mail", ann.email).lower()
    reset(scene.browser(), "never-seen@example.org")
    resend(scene.browser(), ann.email)
    reset(scene.browser(), ann.email)
    assert "reset-password" in scene.new_message("mail", ann.email, "/reset-password/")
    assert scene.messages("mail", "never-seen@example.org") == []


def test_mail_goes_to_the_stored_address_not_the_typed_one(scene: Scene) -> None:
    """CVE-2019-19844: addresses that fold to a known one must not get its mail."""
    ann = scene.person(email="mike@example.org")
    reset(scene.browser(), "MIKE@EXAMPLE.ORG")
    assert scene.new_link(ann.email).startswith("/reset-password/")
    for typed in ("mıke@example.org", "mike@example.org,eve@example.org", "mike@example.org\n"):
        reset(scene.browser(), typed)
    assert {m["to"] for m in scene.messages("mail")} & {
        "mıke@example.org",
        "eve@example.org",
    } == set()


def test_parallel_registrations_of_one_address_make_one_registration(scene: Scene) -> None:
    variants = ["pat@example.org", "Pat@Example.org", "PAT@EXAMPLE.ORG", " pat@example.org "] * 2
    browsers = [(scene.browser(), email) for email in variants]
    tokens = [browser.get("/register").csrf_token for browser, _ in browsers]

    def go(browser: Browser, email: str, token: str) -> Callable[[], Answer]:
        fields = {"csrf_token": token, "email": email, "password": PASSWORD}
        return lambda: browser.send("/register", fields)

    answers = parallel([go(*pair, token) for pair, token in zip(browsers, tokens, strict=True)])
    assert {(answer.status, answer.location) for answer in answers} == {
        (303, "/confirm-email/sent")
    }
    counted = select(func.count()).where(Registration.email_canonical == "pat@example.org")
    assert scene.scalar(counted) == 1
