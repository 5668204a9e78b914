"""A code or link of one purpose is nothing in any other place (CVE-2026-105785)."""

import pytest
from flask.sessions import SecureCookieSessionInterface
from sqlalchemy import select

from extensions import writing
from models import Registration, User
from services import accounts, links
from services.links import Purpose
from tests.client import Browser
from tests.people import Person
from tests.scene import Scene

CODE_KEYS = ("code_sign_in", "code_confirm_identity", "code_add_phone", "code_change_phone")
LINK_PLACES = ("/confirm-email/", "/reset-password/", "/register?invitation=")
RIGHT_PLACE = {
    Purpose.CONFIRM_EMAIL: "/confirm-email/",
    Purpose.CHANGE_EMAIL: "/confirm-email/",
    Purpose.RESET_PASSWORD: "/reset-password/",
    Purpose.CHOOSE_PASSWORD: "/reset-password/",
    Purpose.INVITATION: "/register?invitation=",
}
NEW_PASSWORD = "seven purple kettles on a roof"


def read_session(scene: Scene, browser: Browser) -> dict[str, object]:
    """What stands in the browser's session; the test has the key, an attacker has not."""
    serializer = SecureCookieSessionInterface().get_signing_serializer(scene.app)
    assert serializer
    return dict(serializer.loads(browser.cookies["gatepost_session"]))


def write_session(scene: Scene, browser: Browser, session: dict[str, object]) -> None:
    """Forge the browser's session."""
    serializer = SecureCookieSessionInterface().get_signing_serializer(scene.app)
    assert serializer
    browser.cookies["gatepost_session"] = str(serializer.dumps(session))


def ask_everywhere(scene: Scene, person: Person, browser: Browser, purpose: str) -> str:
    """Have a code of this purpose sent to this browser; returns the code."""
    if purpose == "code_sign_in":
        return scene.ask_for_code(browser, person)
    scene.sign_in_whole(browser, person)
    if purpose == "code_confirm_identity":
        return ask_to_confirm(scene, person, browser)
    number = scene.number()
    change = f"/account/phones/{person.phone_id}/change"
    browser.post(change if purpose == "code_change_phone" else "/account/phones/add", number=number)
    return scene.new_code(number)


def ask_to_confirm(scene: Scene, person: Person, browser: Browser) -> str:
    """Have a code to confirm the identity sent: to a browser that is remembered."""
    browser.post("/sign-out", page="/account")
    scene.sign_in_whole(browser, person, remember_browser="y")
    browser.post("/sign-out", page="/account")
    scene.sign_in(browser, person)
    browser.post("/confirm-identity", method=f"phone:{person.phone_id}")
    return scene.new_code(scene.number_of(person))


def answer_at(scene: Scene, person: Person, key: str) -> tuple[Browser, str]:
    """A browser that is asked for a code of this purpose, and where it enters it."""
    browser = scene.browser()
    ask_everywhere(scene, person, browser, key)
    path = {"code_sign_in": "/two-factor/verify", "code_confirm_identity": "/confirm-identity"}
    return browser, path.get(key, "/account/phones/confirm")


@pytest.mark.parametrize("place", CODE_KEYS)
@pytest.mark.parametrize("purpose", CODE_KEYS)
def test_a_code_with_its_reference_is_good_for_its_own_purpose_alone(
    scene: Scene, purpose: str, place: str
) -> None:
    person, source = scene.person(phone=True), scene.browser()
    target, path = answer_at(scene, person, place)
    code = ask_everywhere(scene, person, source, purpose)
    reference = read_session(scene, source)[purpose]
    session = {k: v for k, v in read_session(scene, target).items() if k not in CODE_KEYS}
    write_session(scene, target, {**session, place: reference})
    answer = target.send(path, {"csrf_token": csrf(scene, target), "code": code})
    worked = answer.status == 303 and bool(answer.cookies.get("gatepost_login"))
    assert worked is (purpose == place), answer


def csrf(scene: Scene, browser: Browser) -> str:
    """A token for the browser's session, which has none where the forger forgot it."""
    return browser.open(
        "/two-factor" if "sign_in" in read_session(scene, browser) else "/account"
    ).csrf_token


def issue(scene: Scene, purpose: Purpose) -> str:
    """The token of a fresh link of this purpose."""
    if purpose is Purpose.INVITATION:
        email = f"invited{scene.number()[1:]}@example.org"
        with scene.app.app_context():
            return accounts.invite(email).rpartition("=")[2]
    if purpose is Purpose.CONFIRM_EMAIL:
        return confirmation_of(scene, scene.registration())
    person = scene.person()
    with scene.app.app_context(), writing() as session:
        user = session.get(User, person.id)
        life = links.timedelta(minutes=5)
        link = links.issue(session, purpose, life, user, email=f"new.{person.email}")
    return link.rpartition("/")[2]


def confirmation_of(scene: Scene, person: Person) -> str:
    """The token of a fresh link that confirms the person's registration."""
    with scene.app.app_context(), writing() as session:
        waits = session.scalar(select(Registration).where(Registration.email == person.email))
        life = links.timedelta(minutes=5)
        link = links.issue(session, Purpose.CONFIRM_EMAIL, life, registration=waits)
    return link.rpartition("/")[2]


@pytest.mark.parametrize("place", LINK_PLACES)
@pytest.mark.parametrize("purpose", list(Purpose))
def test_a_link_works_in_its_own_place_alone(scene: Scene, purpose: Purpose, place: str) -> None:
    token, browser = issue(scene, purpose), scene.browser()
    page = browser.get(place + token)
    if place == RIGHT_PLACE[purpose]:
        assert page.status == 200
        return
    fields = {"password": NEW_PASSWORD, "email": "someone@example.org"}
    answer = browser.send(
        place + token, {"csrf_token": browser.get("/sign-in").csrf_token, **fields}
    )
    assert answer.status == 422, answer
    assert "no longer works" in answer.text


@pytest.mark.parametrize("purpose", [Purpose.CONFIRM_EMAIL, Purpose.RESET_PASSWORD])
def test_a_link_works_once(scene: Scene, purpose: Purpose) -> None:
    path = RIGHT_PLACE[purpose] + issue(scene, purpose)
    browser = scene.browser()
    page = browser.get(path)
    fields = {"csrf_token": page.csrf_token, "password": NEW_PASSWORD}
    assert browser.send(path, fields).location == "/sign-in"
    fields["csrf_token"] = browser.get("/sign-in").csrf_token
    assert browser.send(path, fields).status == 422


def test_confirming_by_get_confirms_nothing(scene: Scene) -> None:
    person, browser = scene.registration(), scene.browser()
    token = confirmation_of(scene, person)
    for _ in range(3):
        assert browser.get(f"/confirm-email/{token}").status == 200
    assert scene.sign_in(browser, person).status == 422
