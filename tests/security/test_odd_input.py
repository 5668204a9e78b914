"""Huge, empty, doubled, foreign and broken input on every field of every form: never a 500."""

import html
import json

import pytest

from tests.people import Person
from tests.scene import Scene
from tests.security.odd_input import VALUES, attack, check
from tests.security.test_odd_admin_input import BY_ADMINISTRATORS

SIGNED_OUT = ("/sign-in", "/register", "/reset-password", "/confirm-email/resend")
SIGNED_IN = (
    "/account/phones/add", "/account/phones/{phone}/change", "/account/password",
    "/account/email", "/account/name", "/account/close",
)  # fmt: skip
PENDING = ("/two-factor", "/two-factor/verify")
BUTTONS = (
    "/account/phones/{phone}/primary", "/account/phones/{phone}/remove", "/account/phones/resend",
    "/account/two-factor/enable", "/account/two-factor/disable", "/account/browsers/1/forget",
    "/account/browsers/forget-all", "/account/sessions/1/end", "/account/sessions/end-others",
    "/confirm-identity/resend", "/two-factor/resend", "/sign-out", "/turn-on-two-factor",
)  # fmt: skip
BY_LINK = ("/reset-password/{token}", "/confirm-email/{token}")
BY_OTHER_TESTS = ("/account/phones/confirm", "/confirm-identity", "/setup", "/hooks/sms/<key>")


@pytest.mark.parametrize("path", SIGNED_OUT)
def test_forms_of_the_signed_out(scene: Scene, path: str) -> None:
    check(path, attack(scene.browser(), path))


@pytest.mark.parametrize("path", SIGNED_IN)
def test_forms_of_the_signed_in(scene: Scene, ann: Person, path: str) -> None:
    browser = scene.browser()
    scene.sign_in_whole(browser, ann)
    check(path, attack(browser, path.format(phone=ann.phone_id)))


def test_every_stage_of_the_proof_of_identity(scene: Scene, ann: Person) -> None:
    browser, path = scene.browser(), "/confirm-identity"
    scene.sign_in_whole(browser, ann)
    scene.wear_off(ann)
    check("password", attack(browser, path))
    browser = scene.browser()
    scene.sign_in_whole(browser, ann)
    scene.wear_off(ann)
    browser.post(path, password=ann.password)
    check("method", attack(browser, path))
    browser.post(path, method=f"phone:{ann.phone_id}")
    check("code", attack(browser, path))


@pytest.mark.parametrize("path", BUTTONS)
def test_buttons_take_whatever_comes_with_them(scene: Scene, ann: Person, path: str) -> None:
    browser = scene.browser()
    scene.ask_for_code(browser, ann)
    if not path.startswith("/two-factor"):
        scene.sign_in_whole(browser, ann)
    page = browser.open("/two-factor/verify" if "two-factor/resend" in path else "/account")
    fields = {"csrf_token": page.csrf_token, "next": "//evil", "code": "١", "user_id": "1"}
    for value in VALUES.values():
        answer = browser.send(path.format(phone=ann.phone_id), {**fields, "id": value})
        assert answer.status in {303, 400, 404, 413, 422, 429}, answer
        assert "evil" not in answer.location


def test_forms_behind_a_link(scene: Scene, ann: Person) -> None:
    browser = scene.browser()
    browser.post("/reset-password", email=ann.email)
    link = scene.new_link(ann.email)
    check(link, attack(browser, link))
    for place in ("/reset-password/", "/confirm-email/", "/register?invitation="):
        for value in ("%00", "%ff", "a" * 3000, "..", "%F0%9F%A6%8A", link.rpartition("/")[2][:-1]):
            assert browser.get(place + value).status in {200, 400, 404, 413, 422}, value


def test_no_form_is_left_out(scene: Scene) -> None:
    attacked = {
        path.replace("{phone}", "<int:phone_id>").replace("{token}", "<token>")
        for path in (*SIGNED_OUT, *SIGNED_IN, *PENDING, *BUTTONS, *BY_LINK, *BY_OTHER_TESTS)
    } | BY_ADMINISTRATORS
    attacked = {path.replace("browsers/1", "browsers/<int:browser_id>") for path in attacked}
    attacked = {path.replace("sessions/1", "sessions/<int:session_id>") for path in attacked}
    posts = {rule.rule for rule in scene.app.url_map.iter_rules() if "POST" in (rule.methods or ())}
    assert posts == attacked


@pytest.mark.parametrize("path", PENDING)
def test_forms_of_the_second_step(scene: Scene, ann: Person, path: str) -> None:
    browser = scene.browser()
    scene.ask_for_code(browser, ann)
    check(path, attack(browser, path))


def test_the_form_for_the_code_of_a_number(scene: Scene, ann: Person) -> None:
    browser = scene.browser()
    scene.sign_in_whole(browser, ann)
    browser.post("/account/phones/add", number=scene.number())
    check("/account/phones/confirm", attack(browser, "/account/phones/confirm"))


def test_a_code_in_other_digits_or_with_a_line_end_is_no_code(scene: Scene, ann: Person) -> None:
    browser = scene.browser()
    code = scene.ask_for_code(browser, ann)
    arabic = "".join(chr(0x660 + int(digit)) for digit in code)
    for typed in (arabic, f"{code}\n\n9", f"{code}\x00"):
        assert browser.post("/two-factor/verify", code=typed).status == 422
    assert browser.post("/two-factor/verify", code=f" {code[:3]}-{code[3:]} ").status == 303


def test_a_browsers_name_is_text_wherever_it_is_shown(scene: Scene, ann: Person) -> None:
    agent = "<script>alert(1)</script>Firefox/1 Linux\u2028"
    address = "fe80::1%<script>alert(1)</script>"
    browser = scene.browser(agent=agent.encode().decode("latin-1"), address=address)
    scene.sign_in_whole(browser, ann, remember_browser="y")
    for path in ("/account", "/account/sessions", "/account/activity"):
        assert "<script>alert" not in browser.get(path).text
    data = browser.get("/account/data")
    assert json.loads(data.text)["email"] == ann.email


def test_a_name_is_text_wherever_it_is_shown(scene: Scene) -> None:
    name = "<b onmouseover=alert(1)>Ann</b>"
    eve = scene.person(name=name)
    browser = scene.browser()
    scene.sign_in(browser, eve)
    page = browser.open("/account").text
    assert name not in page
    assert html.escape(name) in page or "Ann" not in page
