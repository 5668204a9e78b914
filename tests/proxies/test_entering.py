"""Who gets in, who does not, and what each of them is answered, behind every proxy."""

import json

import pytest

from services import accounts
from services.gate.targets import LONGEST
from tests.proxies.stage import BOARD, VAULT, WIKI, WIKI_ABROAD, Stage, submit
from tests.proxies.visitor import NAVIGATION, PORTAL

SIGN_IN = f"https://{PORTAL}/?rd="


def test_who_is_signed_in_is_that_person_in_the_app(stage: Stage) -> None:
    visitor, person = stage.visitor(), stage.editor()
    page = stage.enter(visitor, person, f"{WIKI}/pages/1?x=1&y=a%20b")
    assert page.told["path"] == "/pages/1?x=1&y=a%20b"
    assert [page.identity(f"Remote-{n}") for n in ("User", "Groups", "Email", "Name")] == [
        person.email, "editors", person.email, "Ann Ost",
    ]  # fmt: skip
    again = visitor.fetch(f"{WIKI}/api")
    assert (again.status, again.identity("Remote-User")) == (200, person.email)


def test_a_page_leads_to_the_sign_in_and_a_script_is_told(stage: Stage) -> None:
    visitor = stage.visitor()
    page = visitor.get(f"{WIKI}/a?b=1&rd=https://evil.example.com/")
    assert page.status == 302
    assert page.location.startswith(SIGN_IN + "https%3A%2F%2Fwiki.example.org%2Fa%3Fb%3D1%26rd")
    assert "no-store" in page.headers["Cache-Control"]
    script = visitor.fetch(f"{WIKI}/api")
    assert script.status == 401
    assert json.loads(script.body)["error"] == "unauthenticated"
    assert "WWW-Authenticate" not in script.headers


def test_a_form_that_is_sent_too_late_leads_to_the_sign_in_by_get(stage: Stage) -> None:
    headers = {**NAVIGATION, "Sec-Fetch-Site": "same-origin"}
    answer = stage.visitor().send("POST", f"{WIKI}/save", headers=headers, body=b"text=lost")
    assert answer.status == 303
    assert answer.location.endswith("rm=POST")


def test_who_may_not_enter_is_told_so_and_not_sent_in_circles(stage: Stage) -> None:
    visitor, stranger = stage.visitor(), stage.scene.person()
    stage.enter(visitor, stranger, f"{BOARD}/")
    page = visitor.get(f"{WIKI}/")
    assert page.status == 403
    assert b"/no-access?rd=" in page.body
    assert visitor.fetch(f"{WIKI}/api").status == 403


def test_a_public_path_is_open_without_a_name(stage: Stage) -> None:
    page = stage.visitor().get(f"{WIKI}/public/logo.png")
    if stage.kind == "envoy":  # asks with the visitor's path, which granian hands on decoded
        assert page.status == 302
        return
    assert page.status == 200
    assert [page.identity(f"Remote-{n}") for n in ("User", "Groups", "Email", "Name")] == [""] * 4


@pytest.mark.parametrize(
    "path",
    ["/public/../secret", "/public/%2e%2e/secret", "/public/..%2fsecret", "//public/x",
     "/public/x;/../../secret", "/public//../secret", "/PUBLIC/x", "/public%2fx", "/public\\x"],
)  # fmt: skip
def test_no_trick_makes_another_path_public(stage: Stage, path: str) -> None:
    answer = stage.visitor().get(WIKI + path)
    assert answer.status in {302, 400, 401, 403, 500}, answer.body


def test_the_portal_judges_the_path_that_the_app_gets(stage: Stage) -> None:
    visitor, _ = stage.signed_in()
    for path in ("/a%20b/..%2fc?x=1", "/a//b", "/a;v=1/%41?q=%2F"):
        assert visitor.get(WIKI + path).told["path"] == path


def test_addresses_of_seven_kilobytes_pass(stage: Stage) -> None:
    visitor, person = stage.visitor(), stage.editor()
    plain, encoded = f"{WIKI}/{'a' * 7000}", f"{WIKI}/{'a%2f' * 1750}"
    assert len(encoded) < LONGEST
    out = visitor.get(plain)
    assert out.status == 302
    assert "a" * 7000 in out.location
    assert visitor.get(encoded).location.startswith(SIGN_IN)  # to the app's start: too long by now
    assert stage.enter(visitor, person, plain).told["path"] == plain.removeprefix(WIKI)
    assert visitor.get(encoded).told["path"] == encoded.removeprefix(WIKI)


def test_preflights_pass_where_the_app_allows_them(stage: Stage) -> None:
    asks = {
        "Origin": "https://elsewhere.example.net",
        "Access-Control-Request-Method": "PUT",
        "Sec-Fetch-Mode": "cors",
        "Accept": "*/*",
    }
    allowed = stage.visitor().send("OPTIONS", f"{BOARD}/api", headers=asks)
    assert (allowed.status, allowed.told["method"]) == (200, "OPTIONS")
    assert stage.visitor().send("OPTIONS", f"{WIKI}/api", headers=asks).status == 401


def test_another_sites_page_cannot_send_what_changes_something(stage: Stage) -> None:
    visitor, _ = stage.signed_in()
    from_elsewhere = {**NAVIGATION, "Sec-Fetch-Site": "cross-site"}
    assert visitor.send("POST", f"{WIKI}/", headers=from_elsewhere, body=b"x=1").status == 403
    assert visitor.send("GET", f"{WIKI}/", headers=from_elsewhere).status == 200


def test_a_code_is_asked_for_again_where_the_app_wants_a_recent_one(stage: Stage) -> None:
    visitor, person = stage.visitor(), stage.editor(phone=True)
    assert stage.enter(visitor, person, f"{VAULT}/").identity("Remote-User") == person.email
    stage.scene.wear_off(person)
    out = visitor.get(f"{VAULT}/deep?x=1")
    assert out.status == 302
    assert visitor.fetch(f"{VAULT}/api").status in {401, 403}
    assert visitor.get(f"{WIKI}/").status == 200
    page = stage.prove(visitor, person, visitor.follow(out))
    assert page.told["path"] == "/deep?x=1"


def test_a_second_domain_is_entered_by_a_hand_over(stage: Stage) -> None:
    visitor, person = stage.signed_in()
    page = visitor.follow(visitor.get(f"{WIKI_ABROAD}/there?x=1"))
    assert (page.url, page.told["path"]) == (f"{WIKI_ABROAD}/there?x=1", "/there?x=1")
    assert page.identity("Remote-User") == person.email
    assert ("wiki.example.net", "__Host-gatepost_app") in visitor.cookies
    thief = stage.visitor()
    thief.cookies = {k: v for k, v in visitor.cookies.items() if k[0] == "wiki.example.net"}
    thief.cookies = {("wiki.example.org", name): v for (_, name), v in thief.cookies.items()}
    assert thief.get(f"{WIKI}/").status == 302


def test_a_disabled_person_is_out_at_the_next_request(stage: Stage) -> None:
    visitor, person = stage.signed_in()
    with stage.scene.app.app_context():
        accounts.disable(accounts.find(person.email))
    assert visitor.fetch(f"{WIKI}/api").status == 401


def test_who_left_the_group_is_out_at_the_next_request(stage: Stage) -> None:
    visitor, person = stage.signed_in()
    stage.leave_editors(person)
    assert visitor.fetch(f"{WIKI}/api").status == 403


def test_signing_out_at_the_portal_ends_the_apps(stage: Stage) -> None:
    visitor, _ = stage.signed_in()
    thief = stage.visitor()
    thief.cookies = dict(visitor.cookies)
    page = visitor.get(f"https://{PORTAL}/account")
    form = page.__class__(f"https://{PORTAL}/sign-out", page.status, page.headers, page.body)
    assert submit(visitor, form).status == 303
    for browser in (visitor, thief):
        assert browser.get(f"{WIKI}/").status == 302
