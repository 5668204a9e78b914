"""Addresses, methods, cookies, headers and bodies that nothing of ours sends: never a 500."""

import pytest
from urllib3.exceptions import ProtocolError

from tests.client import Browser
from tests.people import Person
from tests.scene import Scene

ODD_PATHS = [
    "/account/phones/99999999999999999999999/remove", "/account/phones/-1/change",
    "/account/phones/%D9%A3/change", "/account/sessions/0/end", "/account/activity?before=9e99",
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
    answer = browser.request(method, path)
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


ODD_HOSTS = ["", "a b", "[::1", "evil.example.net:99999", "\xff", "a" * 300, "x/../y", "a@b"]


@pytest.mark.parametrize("host", ODD_HOSTS)
def test_odd_hosts(scene: Scene, host: str) -> None:
    for path in ("/sign-in", "/account", "/nowhere", "/static/css/tokens.css"):
        answer = scene.browser().get(path, Host=host)
        assert answer.status < 500, answer
        assert answer.headers.get("Location", "/").startswith("/")


ODD_TYPES = [
    "", "x", "multipart/form-data", "multipart/form-data; boundary=", "text/plain; charset=x",
    "multipart/form-data; boundary=" + "b" * 500,
    "application/x-www-form-urlencoded; charset=utf-7",
    "application/json", "application/x-www-form-urlencoded; charset=\xff",
]  # fmt: skip


@pytest.mark.parametrize("kind", ODD_TYPES)
def test_odd_types_of_a_body(scene: Scene, kind: str) -> None:
    for body in (b"", b"\xff\xfe\x00", b"--b\r\n", b"csrf_token", b"&&&===", b"%zz%", b"[1,2"):
        answer = scene.browser().request("POST", "/sign-in", body, content_type=kind)
        assert answer.status == 400, answer


ODD_ORIGINS = [
    "http://[", "http://[::1", "]", "null", "//", "a:b:c", "http://%00", "\xff", "x" * 4000,
]  # fmt: skip


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
