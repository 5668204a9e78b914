"""Lies in headers and addresses: Host, X-Forwarded-*, ``next`` (CVE-2025-43931, CVE-2024-47070)."""

import pytest

from tests.client import Browser
from tests.scene import Scene

ELSEWHERE = [
    "//evil.example.net",
    "https://evil.example.net",
    "http:evil.example.net",
    "/\\evil.example.net",
    "\\\\evil.example.net",
    "/\t/evil.example.net",
    "/\n/evil.example.net",
    "\t//evil.example.net",
    " //evil.example.net",
    "/\r/evil.example.net",
    "/\x00/evil.example.net",
    "/%09/\\evil.example.net",
    "///evil.example.net",
    "javascript:alert(1)",
    "data:text/html,x",
    "evil.example.net",
    "@evil.example.net",
    "/account\r\nSet-Cookie: a=b",
    "x" * 5000,
    "",
]


@pytest.mark.parametrize("target", ELSEWHERE)
def test_next_leads_nowhere_else(scene: Scene, target: str) -> None:
    ann, browser = scene.person(), scene.browser()
    page = browser.get("/sign-in")
    fields = {"csrf_token": page.csrf_token, "email": ann.email, "password": ann.password}
    answer = browser.send(f"/sign-in?{encode(target)}", fields)
    assert answer.status == 303
    assert answer.location == "/"
    again = browser.get(f"/sign-in?{encode(target)}")
    assert again.location == "/"


def test_next_leads_to_our_own_pages_through_the_second_step_too(scene: Scene) -> None:
    ann, browser = scene.person(phone=True), scene.browser()
    page = browser.get("/account/activity?before=7")
    assert page.location == "/sign-in?next=/account/activity?before%3D7"
    token = browser.get(page.location).csrf_token
    fields = {"csrf_token": token, "email": ann.email, "password": ann.password}
    assert browser.send(page.location, fields).location == "/two-factor"
    browser.post("/two-factor", method=f"phone:{ann.phone_id}")
    code = scene.new_code(scene.number_of(ann))
    answer = browser.post("/two-factor/verify", code=code)
    assert answer.location == "/account/activity?before=7"


def test_links_are_made_from_the_base_address_only(scene: Scene) -> None:
    ann, browser = scene.person(), scene.browser()
    token = browser.get("/reset-password").csrf_token
    browser.send(
        "/reset-password", {"csrf_token": token, "email": ann.email},
        **{"Host": "evil.example.net", "X-Forwarded-Host": "evil.example.net",
           "X-Forwarded-Proto": "https", "Forwarded": "host=evil.example.net"},
    )  # fmt: skip
    text = scene.new_message("mail", ann.email)
    assert f"{scene.url}/reset-password/" in text
    assert "evil" not in text


def test_no_redirect_follows_the_host_header(scene: Scene) -> None:
    answer = scene.browser().get("/account", Host="evil.example.net")
    assert answer.headers["Location"].startswith("/sign-in")


@pytest.mark.parametrize(
    "path", ["//account", "/account//phones/add", "//evil.example.net/account"]
)
def test_doubled_slashes_lead_nowhere(scene: Scene, path: str) -> None:
    browser = scene.browser()
    for method in ("GET", "POST"):
        answer = browser.request(method, path, headers={"Host": "evil.example.net"})
        assert answer.status in {303, 400, 404, 405}, answer
        assert "evil" not in answer.headers.get("Location", "/"), answer


@pytest.mark.parametrize(("first", "signs"), [(0x61, 26), (0x4E00, 20000), (0x1F300, 700)])
def test_a_long_next_does_not_outgrow_the_cookie(scene: Scene, first: int, signs: int) -> None:
    ann, browser = scene.person(phone=True), scene.browser()
    signs_in_disorder = "".join(chr(first + n * n * 7919 % signs) for n in range(1999))
    where = f"/sign-in?{encode('/' + signs_in_disorder)}"
    fields = {"email": ann.email, "password": ann.password}
    assert browser.post(where, page="/sign-in", **fields).location == "/two-factor"
    browser.post("/two-factor", method="email")
    assert len(browser.cookies["gatepost_session"]) < 4000
    assert browser.post("/two-factor/verify", code=scene.new_code(ann.email)).status == 303


def guess(browser: Browser, email: str, forwarded: str) -> int:
    """The status of a wrong password from an address that the browser makes up."""
    token = browser.get("/sign-in").csrf_token
    fields = {"csrf_token": token, "email": email, "password": "wrong password of mine"}
    return browser.send("/sign-in", fields, **{"X-Forwarded-For": forwarded}).status


def test_invented_hops_to_the_left_do_not_escape_the_limit_of_an_address(scene: Scene) -> None:
    browser = scene.browser()
    statuses = [
        guess(browser, f"unknown{count}@example.org", f"198.51.100.{count}, 192.0.2.77")
        for count in range(22)
    ]
    assert statuses[:20] == [422] * 20
    assert statuses[20:] == [429] * 2


def encode(target: str) -> str:
    """The target as a browser would put it into an address."""
    return "next=" + "".join(f"%{byte:02X}" for byte in target.encode())
