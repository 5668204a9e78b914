"""Sensitive changes want a fresh proof; a POST without one does nothing at all."""

import pytest
from sqlalchemy import func, select

from models import Activity, LoginSession, Message, Phone, User
from tests.client import Browser
from tests.people import Person
from tests.scene import Scene
from tests.security.test_odd_admin_input import BY_ADMINISTRATORS

WANT_PROOF = (
    "/account/phones/add", "/account/phones/confirm", "/account/phones/resend",
    "/account/phones/{phone}/change", "/account/phones/{phone}/remove",
    "/account/phones/{phone}/primary", "/account/two-factor/enable", "/account/two-factor/disable",
    "/account/password", "/account/email", "/account/close", "/account/sessions/1/end",
    "/account/sessions/end-others",
)  # fmt: skip
NEW_PASSWORD = "seven purple kettles on a roof"


@pytest.fixture
def browser(scene: Scene, ann: Person) -> Browser:
    """Ann's browser, signed in so long ago that the proof has worn off."""
    browser = scene.browser()
    scene.sign_in_whole(browser, ann)
    scene.wear_off(ann)
    return browser


def state(scene: Scene, person: Person) -> list[object]:
    """All of the person that a change could change."""
    user = select(User.epoch, User.email, User.password_hash, User.two_factor_enabled)
    counted = [
        select(func.count()).select_from(table).filter_by(user_id=person.id)
        for table in (Phone, LoginSession, Activity, Message)
    ]
    return [tuple(scene.rows(user.where(User.id == person.id))[0]), *map(scene.scalar, counted)]


def test_without_a_fresh_proof_nothing_changes(scene: Scene, ann: Person, browser: Browser) -> None:
    token, before = browser.get("/account").csrf_token, state(scene, ann)
    everything = {
        "csrf_token": token, "number": scene.number(), "code": "123456", "email": "e@example.org",
        "password": NEW_PASSWORD, "current_password": ann.password,
    }  # fmt: skip
    for path in WANT_PROOF:
        answer = browser.send(path.format(phone=ann.phone_id), everything)
        assert answer.status == 303, answer
        assert answer.location.startswith("/confirm-identity"), answer
    assert state(scene, ann) == before


def test_the_list_of_what_wants_proof_is_whole(scene: Scene) -> None:
    free = {"/sign-out", "/confirm-identity", "/confirm-identity/resend",
            "/account/browsers/<int:browser_id>/forget",
            "/account/browsers/forget-all", "/turn-on-two-factor", "/account/name"}  # fmt: skip
    known = {
        path.replace("{phone}", "<int:phone_id>").replace("/1/", "/<int:session_id>/")
        for path in WANT_PROOF
    }
    for rule in scene.app.url_map.iter_rules():
        public = getattr(scene.app.view_functions[rule.endpoint], "is_public", False)
        if "POST" in (rule.methods or ()) and not public:
            assert rule.rule in known | free | BY_ADMINISTRATORS, rule


def test_neither_half_of_the_proof_is_enough(scene: Scene, ann: Person, browser: Browser) -> None:
    where = "/confirm-identity?next=/account/phones/add"
    proved = browser.post(where, page=where, password=ann.password)
    assert proved.location == where
    assert browser.get("/account/phones/add").location == where, "the code is missing"
    browser.post(where, page=where, method=f"phone:{ann.phone_id}")
    code = scene.new_code(scene.number_of(ann))
    wrong = browser.post(where, page=where, code=f"{(int(code) + 1) % 10**6:06}")
    assert wrong.status == 422
    assert browser.get("/account/phones/add").location == where
    assert browser.post(where, page=where, code=code).location == "/account/phones/add"
    assert browser.get("/account/phones/add").status == 200


def test_a_remembered_browser_has_proved_the_password_only(scene: Scene, ann: Person) -> None:
    browser = scene.browser()
    scene.sign_in_whole(browser, ann, remember_browser="y")
    browser.post("/sign-out", page="/account")
    assert scene.sign_in(browser, ann).location == "/"
    asked = browser.open("/account/phones/add")
    assert "/confirm-identity" in asked.url
    assert 'name="method"' in asked.text
    refused = browser.post(f"/account/phones/{ann.phone_id}/remove", page="/account")
    assert refused.location.startswith("/confirm-identity")
    assert scene.scalar(select(Phone.id).where(Phone.id == ann.phone_id))


def test_the_cookie_from_before_the_proof_is_dead_after_it(
    scene: Scene, ann: Person, browser: Browser
) -> None:
    thief = browser.twin()
    browser.post("/confirm-identity", password=ann.password)
    assert browser.is_signed_in()
    assert not thief.is_signed_in()


def test_guesses_at_the_password_of_an_open_session_end_soon(
    scene: Scene, browser: Browser
) -> None:
    statuses = [
        browser.post("/confirm-identity", password=f"guess {count}").status for count in range(12)
    ]
    assert statuses == [422] * 10 + [429] * 2
