"""Huge, empty, doubled, foreign and broken input on every field of every form: never a 500."""

import html
import json
import re
from collections.abc import Iterator

import pytest
from urllib3.exceptions import ProtocolError

from tests.client import Answer, Browser
from tests.people import Person
from tests.scene import Scene

VALUES = {
    "empty": "",
    "blank": "  ",
    "huge": "x" * 60000,
    "null byte": "a\x00b",
    "line ends": "a\r\nBcc: eve@example.org",
    "other digits": "١٢٣٤٥٦",
    "right to left": "\u202eabc\u202c",
    "emoji": "🦊" * 50,
    "combining": "e" + "\u0301" * 200,
    "lone surrogate": "\ud800",
    "markup": '"><script>alert(1)</script>{{7*7}}',
    "sql": "' OR '1'='1' --",
    "number": "9" * 40,
    "minus": "-1",
    "template": "%s%n%d{0}",
}
FINE = {200, 303, 400, 404, 405, 413, 422, 429}

SIGNED_OUT = ("/sign-in", "/register", "/reset-password", "/confirm-email/resend")
SIGNED_IN = (
    "/account/phones/add", "/account/phones/{phone}/change", "/account/password",
    "/account/email", "/account/close", "/confirm-identity?step_up=1",
)  # fmt: skip
PENDING = ("/two-factor", "/two-factor/verify")


def fields_of(page: Answer) -> list[str]:
    """The names of the form's fields, the token aside."""
    forms = re.findall(r"<form.*?</form>", page.text, re.DOTALL)
    names = re.findall(r'<(?:input|textarea|select)[^>]*name="([^"]+)"', "".join(forms))
    return sorted(set(names) - {"csrf_token"})


@pytest.fixture
def ann(scene: Scene) -> Person:
    """A person who signs in with a code by text."""
    return scene.person(phone=True)


def attack(browser: Browser, path: str) -> Iterator[tuple[str, Answer]]:
    """Post each odd value in each field of the form, the other fields being harmless."""
    page = browser.get(path)
    assert page.status == 200, page
    names = fields_of(page)
    assert names, page
    for name in names:
        for kind, value in VALUES.items():
            harmless = dict.fromkeys(names, "harmless")
            fields = {**harmless, name: value, "csrf_token": page.csrf_token}
            yield f"{name} {kind}", browser.send(path, fields)
        doubled = [("csrf_token", page.csrf_token), (name, "a"), (name, "b"), (f"{name}[]", "c")]
        yield f"{name} doubled", browser.send(path, doubled)
        yield f"{name} as a file", send_file(browser, path, name, page.csrf_token)


def send_file(browser: Browser, path: str, name: str, token: str) -> Answer:
    """Post a field as an uploaded file."""
    part = 'Content-Disposition: form-data; name="{}"{}\r\n\r\n{}\r\n'
    parts = [
        part.format("csrf_token", "", token),
        part.format(name, '; filename="a.txt"\r\nContent-Type: text/plain', "code"),
    ]
    body = "".join(f"--edge\r\n{text}" for text in parts) + "--edge--\r\n"
    kind = "multipart/form-data; boundary=edge"
    return browser.request("POST", path, body.encode(), content_type=kind)


def check(path: str, results: Iterator[tuple[str, Answer]]) -> None:
    for what, answer in results:
        assert answer.status in FINE, f"{path}: {what}: {answer.status}"
        assert "<script>alert" not in answer.text, f"{path}: {what}"
        assert "{49}" not in answer.text


@pytest.mark.parametrize("path", SIGNED_OUT)
def test_forms_of_the_signed_out(scene: Scene, path: str) -> None:
    check(path, attack(scene.browser(), path))


@pytest.mark.parametrize("path", SIGNED_IN)
def test_forms_of_the_signed_in(scene: Scene, ann: Person, path: str) -> None:
    browser = scene.browser()
    scene.sign_in_whole(browser, ann)
    path = path.format(phone=ann.phone_id)
    if "confirm-identity" in path:
        browser.cookies.pop("gatepost_login")
        scene.sign_in_whole(browser, scene.person(phone=True))
        path = "/account/email"
    check(path, attack(browser, path))


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


ODD_PATHS = [
    "/account/phones/99999999999999999999999/remove", "/account/phones/-1/change",
    "/account/phones/٣/change", "/account/sessions/0/end", "/account/activity?before=9e99",
    "/account/activity?before=99999999999999999999999999", "/account/activity?before=-1",
    "/account/activity?before=-99999999999999999999999999", "/account/activity?before=%D9%A3",
    "/account/activity?before=%00", "/confirm-email/%00", "/confirm-email/" + "a" * 3000,
    "/reset-password/..%2f..%2fetc", "/reset-password/%ff%fe", "/register?invitation=%00",
    "/register?invitation=" + "a" * 3000, "/sign-in?next=%ff", "/hooks/sms/" + "f" * 500,
    "/static/../config.py", "/static/%2e%2e/config.py", "/%00", "/%ff", "//", "/dev/outbox/..",
    "/sign-in?" + "&".join(f"a{n}=1" for n in range(500)),
    "/confirm-identity?next=//evil&another=1",
]  # fmt: skip


@pytest.mark.parametrize("path", ODD_PATHS)
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_odd_addresses(scene: Scene, ann: Person, path: str, method: str) -> None:
    browser = scene.browser()
    if path.startswith("/account"):
        browser = signed_in(scene)
    answer = browser.request(method, path.encode("ascii", "ignore").decode())
    assert answer.status < 500, answer
    assert "class Config" not in answer.text


_signed_in: dict[str, Browser] = {}


def signed_in(scene: Scene) -> Browser:
    """One signed-in browser for all odd addresses."""
    if scene.url not in _signed_in:
        _signed_in[scene.url] = scene.browser()
        scene.sign_in_whole(_signed_in[scene.url], scene.person(phone=True))
    return _signed_in[scene.url]


def test_odd_cookies_and_headers(scene: Scene) -> None:
    for value in ("", "x" * 3000, "%00", '"', "a=b=c", ";;;", "é", ".." * 500, "null", "[]"):
        value = value.encode("utf-8").decode("latin-1")
        cookies = "; ".join(
            f"gatepost_{name}={value}" for name in ("session", "login", "known", "browser")
        )
        for path in ("/account", "/sign-in", "/two-factor", "/confirm-identity"):
            answer = scene.browser().get(path, Cookie=cookies)
            assert answer.status < 500, answer
    for name in ("Accept", "Accept-Language", "X-Forwarded-For", "Origin", "Referer", "Range"):
        for value in ("", "x" * 4000, "*/*;q=banana", "\x01", "null", "bytes=9-1"):
            assert scene.browser().get("/sign-in", **{name: value}).status < 500


ODD_ORIGINS = [
    "http://[",
    "http://[::1",
    "]",
    "null",
    "//",
    "a:b:c",
    "http://%00",
    "\xff",
    "x" * 4000,
]


@pytest.mark.parametrize("origin", ODD_ORIGINS)
def test_odd_origins_of_a_post(scene: Scene, origin: str) -> None:
    browser = scene.browser()
    fields = {"csrf_token": browser.get("/sign-in").csrf_token, "email": "a", "password": "b"}
    answer = browser.send("/sign-in", fields, Origin=origin)
    assert answer.status == (422 if origin == "null" else 400), answer


def test_a_body_too_large_or_with_too_many_fields_is_refused(scene: Scene) -> None:
    browser = scene.browser()
    token = browser.get("/sign-in").csrf_token
    many = [("csrf_token", token), *((f"field{n}", "x") for n in range(30))]
    assert browser.send("/sign-in", many).status == 413
    large = {"csrf_token": token, "email": "x" * 70000}
    try:
        assert browser.send("/sign-in", large).status == 413
    except ProtocolError:  # refused, and the connection closed, before all of it was sent
        assert browser.get("/sign-in").status == 200
    broken = browser.request(
        "POST", "/sign-in", b"\x00\xff\xfe", content_type="multipart/form-data"
    )
    assert broken.status == 400


def test_a_browsers_name_is_text_wherever_it_is_shown(scene: Scene, ann: Person) -> None:
    agent = "<script>alert(1)</script>Firefox/1 Linux\u2028"
    browser = scene.browser(agent=agent.encode().decode("latin-1"))
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
