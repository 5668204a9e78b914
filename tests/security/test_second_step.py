"""The second step skipped, and logins that outlive what they should not (CVE-2019-16766)."""

import re

from flask import Flask
from sqlalchemy import func, select, update

from config import load
from extensions import change_rows, writing
from models import LoginSession, Phone, RememberedBrowser, User
from tests.people import Person
from tests.scene import Scene

NEW_PASSWORD = "seven purple kettles on a roof"


def addresses(app: Flask) -> list[str]:
    """A way to ask for every address that needs a login."""
    paths = []
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if not getattr(view, "is_public", False):
            paths.append(re.sub(r"<int:\w+>", "1", rule.rule))
    return paths


def test_a_pending_sign_in_opens_no_address(scene: Scene, ann: Person) -> None:
    browser = scene.browser()
    scene.ask_for_code(browser, ann)
    token = browser.get("/two-factor/verify").csrf_token
    paths = addresses(scene.app)
    assert len(paths) > 20
    for path in paths:
        seen, sent = browser.get(path), browser.send(path, {"csrf_token": token})
        assert seen.location.startswith("/sign-in") or seen.status == 405, seen
        assert sent.location.startswith("/sign-in") or sent.status == 405, sent
    assert scene.scalar(select(func.count()).where(LoginSession.user_id == ann.id)) == 0


def test_the_second_step_opens_nothing_without_the_password(scene: Scene) -> None:
    browser = scene.browser()
    for path in ("/two-factor", "/two-factor/verify", "/two-factor/delivery"):
        assert browser.get(path).location == "/sign-in"


def test_a_session_planted_before_sign_in_is_worth_nothing_after_it(
    scene: Scene, ann: Person
) -> None:
    attacker = scene.browser()
    attacker.get("/sign-in")
    victim = attacker.twin()
    scene.sign_in_whole(victim, ann)
    assert victim.is_signed_in()
    assert not attacker.is_signed_in()
    assert victim.cookies["gatepost_session"] != attacker.cookies["gatepost_session"]


def test_a_login_cookie_of_ones_own_choosing_is_not_taken_over(scene: Scene, ann: Person) -> None:
    victim = scene.browser()
    victim.cookies["gatepost_login"] = "chosen-by-somebody-else"
    scene.sign_in_whole(victim, ann)
    assert victim.cookies["gatepost_login"] != "chosen-by-somebody-else"


def test_every_cookie_is_dead_after_sign_out(scene: Scene, ann: Person) -> None:
    browser = scene.browser()
    scene.sign_in_whole(browser, ann)
    thief = browser.twin()
    browser.post("/sign-out", page="/account")
    assert not browser.is_signed_in()
    assert not thief.is_signed_in()


def test_the_token_changes_at_every_step_and_the_old_one_is_dead(scene: Scene, ann: Person) -> None:
    browser = scene.browser()
    scene.sign_in_whole(browser, ann)
    thief = browser.twin()
    browser.post("/account/two-factor/disable", page="/account")
    assert browser.is_signed_in()
    assert not thief.is_signed_in()


def test_a_reset_neither_signs_in_nor_skips_the_second_step_and_mail_alone_is_not_enough(
    scene: Scene, ann: Person
) -> None:
    browser = scene.browser()
    browser.post("/reset-password", email=ann.email)
    link = scene.new_link(ann.email)
    done = browser.post(link, password=NEW_PASSWORD)
    assert done.location == "/sign-in"
    assert not browser.is_signed_in()
    changed = Person(ann.id, ann.email, NEW_PASSWORD, ann.phone_id)
    assert scene.sign_in(browser, changed).location == "/two-factor"
    choices = browser.get("/two-factor")
    assert "email" not in choices.text.split("<form", 1)[1].split("</form>")[0]
    refused = browser.post("/two-factor", method="email")
    assert refused.status == 422
    scene.sign_in_whole(browser, changed)
    assert browser.is_signed_in(), "by text it goes on"
    browser.post("/sign-out", page="/account")
    scene.sign_in(browser, changed)
    assert browser.post("/two-factor", method="email").location == "/two-factor/verify"


def test_a_stolen_mailbox_does_not_open_its_own_way_by_guessing_at_the_phone(
    scene: Scene, ann: Person
) -> None:
    thief = scene.browser()
    thief.post("/reset-password", email=ann.email)
    thief.post(scene.new_link(ann.email), password=NEW_PASSWORD)
    with scene.app.app_context(), writing() as session:
        almost = load(scene.portal.environ).code_failures_in_a_row - 1
        change_rows(
            session, update(Phone).values(code_failures=almost).where(Phone.id == ann.phone_id)
        )
    changed = Person(ann.id, ann.email, NEW_PASSWORD, ann.phone_id)
    code = scene.ask_for_code(thief, changed)
    thief.post("/two-factor/verify", code=f"{(int(code) + 1) % 10**6:06}")
    assert scene.scalar(select(Phone.disabled_at).where(Phone.id == ann.phone_id)) is not None
    scene.sign_in(thief, changed)
    for method in ("email", f"phone:{ann.phone_id}"):
        assert thief.post("/two-factor", page="/reset-password", method=method).status == 422


def test_a_reset_link_works_once(scene: Scene, ann: Person) -> None:
    browser = scene.browser()
    browser.post("/reset-password", email=ann.email)
    link = scene.new_link(ann.email)
    assert browser.post(link, password=NEW_PASSWORD).location == "/sign-in"
    again = browser.get(link)
    assert again.status == 422
    assert "no longer works" in again.text


def test_a_disabled_person_is_out_at_the_next_request(scene: Scene, ann: Person) -> None:
    browser = scene.browser()
    scene.sign_in_whole(browser, ann)
    runner = scene.app.test_cli_runner()
    assert runner.invoke(args=["user", "disable", ann.email]).exit_code == 0
    assert not browser.is_signed_in()
    answer = scene.sign_in(browser, ann)
    assert answer.status == 422
    assert "disabled" in answer.text
    assert scene.scalar(select(User.disabled_at).where(User.id == ann.id)) is not None


def test_nobody_touches_what_is_anothers(scene: Scene, ann: Person) -> None:
    eve, eves, anns = scene.person(phone=True), scene.browser(), scene.browser()
    scene.sign_in_whole(anns, ann, remember_browser="y")
    scene.sign_in_whole(eves, eve)
    browser_id = scene.scalar(
        select(RememberedBrowser.id).where(RememberedBrowser.user_id == ann.id)
    )
    session_id = scene.scalar(select(LoginSession.id).where(LoginSession.user_id == ann.id))
    token = eves.get("/account").csrf_token
    for path in (
        f"/account/phones/{ann.phone_id}/remove",
        f"/account/phones/{ann.phone_id}/primary",
        f"/account/phones/{ann.phone_id}/change",
        f"/account/browsers/{browser_id}/forget",
        f"/account/sessions/{session_id}/end",
    ):
        answer = eves.send(path, {"csrf_token": token, "number": scene.number()})
        assert answer.status == 404, answer
    assert anns.is_signed_in()


def test_another_persons_phone_is_no_way_of_ones_own(scene: Scene, ann: Person) -> None:
    eve, browser = scene.person(phone=True), scene.browser()
    scene.sign_in(browser, eve)
    refused = browser.post("/two-factor", method=f"phone:{ann.phone_id}")
    assert refused.status == 422
    assert scene.messages("sms", scene.number_of(ann)) == []
