"""Whatever a proxy is made to say, the gate leads nobody elsewhere and never fails."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from services.gate import app_sessions
from tests.apps import DOMAINS, make_app
from tests.people import load_user, make_person, open_session
from tests.verdicts import NAVIGATION, call

pytestmark = pytest.mark.settings(**DOMAINS)

ORIGINS = {"https://wiki.example.org", "https://books.example.net:8443"}
PORTAL = "http://127.0.0.1:8000/"
TOO_GOOD = {"https://staff.example.org"}
"""Of an app that nobody may enter."""

anything = st.text(
    st.characters(min_codepoint=1, max_codepoint=255), max_size=60
)  # as a server decodes bytes
hosts = st.sampled_from(
    ["wiki.example.org", "WIKI.example.org:443", "books.example.net:8443", "staff.example.org",
     "wiki.example.org.", "evil.example.net", "wiki.example.org@evil.example.net", "[::1]", "",
     "wiki.example.org/open/x?", "wiki.example.org\\", "wiki.example.org,evil", "xn--wiki"]
)  # fmt: skip
pieces = st.sampled_from(
    ["/", "//", "..", ".", "%2e%2e", "%2f", "%5c", "\\", ";", "open", "a", "?", "#", "@", ":",
     "https://evil.example.net", ",", "%00", "%0d%0a", "%", "%zz", "\u00e5", " ", "\t", "\r\n", "=",
     "&rd=//evil", "%25"]
)  # fmt: skip
paths = st.lists(pieces, max_size=8).map("".join) | anything
schemes = st.sampled_from(["https", "wss", "HTTPS", "http", "javascript", "https,http", ""])
methods = st.sampled_from(["GET", "POST", "OPTIONS", "HEAD", "get", "PROPFIND", "GET\r\n", ""])
browser_headers = st.fixed_dictionaries(
    {},
    optional={
        "Sec-Fetch-Mode": st.sampled_from(["navigate", "cors", "websocket", ""]) | anything,
        "Sec-Fetch-Site": st.sampled_from(["cross-site", "same-origin", ""]) | anything,
        "Accept": st.sampled_from(["text/html", "*/*"]) | anything,
        "Origin": st.sampled_from(["null", "https://wiki.example.org"]) | anything,
        "Upgrade": anything,
        "X-Requested-With": anything,
        "X-Forwarded-For": anything,
        "Access-Control-Request-Method": anything,
        "Cookie": anything.map(lambda text: f"gatepost_apps={text}"),
    },
)


@pytest.fixture
def gate(app: Flask) -> tuple[Flask, str]:
    """Three apps, one of them for nobody, and the cookie of a person who may enter the others."""
    with app.app_context():
        make_app("Wiki", for_everyone=True, public_paths=["/open/*"])
        make_app("Books", "https://books.example.net:8443", for_everyone=True)
        make_app("Staff", public_paths=["/open/*"])
        login_session = open_session(load_user(make_person().id))
        token = app_sessions.open_session(login_session, "example.org").token
    return app, f"gatepost_apps={token}"


@given(
    family=st.sampled_from(["auth-request", "forward-auth", "ext-authz"]),
    scheme=schemes, host=hosts | anything, path=paths, method=methods, more=browser_headers,
    signed_in=st.booleans(), raw=st.booleans(),
)  # fmt: skip
@example(
    family="forward-auth", scheme="https", host="staff.example.org/open/x?", path="/secret",
    method="GET", more={}, signed_in=True, raw=True,
)  # fmt: skip
@example(
    family="auth-request", scheme="https", host="staff.example.org", path="/open/..%2fsecret",
    method="GET", more=NAVIGATION, signed_in=True, raw=True,
)  # fmt: skip
@example(
    family="auth-request", scheme="https", host="wiki.example.org/open/x?", path="", method="GET",
    more={}, signed_in=False, raw=True,
)  # fmt: skip
@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_nothing_leads_elsewhere_and_nothing_fails(
    gate: tuple[Flask, str], family: str, scheme: str, host: str, path: str, method: str,
    more: dict[str, Any], signed_in: bool, raw: bool,
) -> None:  # fmt: skip
    app, cookie = gate
    headers = {
        "X-Original-URL": f"{scheme}://{host}{path}", "X-Original-Method": method,
        "X-Forwarded-Proto": scheme, "X-Forwarded-Host": host, "Host": host,
        "X-Forwarded-Uri": path, "X-Forwarded-Method": method, **more,
        **({"Cookie": cookie} if signed_in else {}),
    }  # fmt: skip
    is_envoy = family == "ext-authz"
    uri = f"/api/authz/{family}" + (f"/{path}" if is_envoy else "")
    told = call(app, uri, headers, method=method if is_envoy else "GET", raw=raw)

    assert told.status in {200, 302, 303, 400, 401, 403}
    assert told.headers["Cache-Control"] == "no-store"
    for name, value in told.headers.items():
        assert value.isascii(), name
        assert value.isprintable() or value == "", name
    if told.location:
        parts = urlsplit(told.location)
        assert told.location.startswith(PORTAL)
        assert urlsplit(parse_qs(parts.query)["rd"][0]).scheme == "https"
        assert origin_of(parse_qs(parts.query)["rd"][0]) in ORIGINS | TOO_GOOD
    if told.status == 200:
        named = told.headers["Remote-User"]
        assert named in {"", "ann@example.org"}
        assert named == "" or "staff" not in host.lower()
        if named == "" and not is_envoy and "Access-Control-Request-Method" not in more:
            opened = path_of(f"{host}{path}" if family == "auth-request" else path)
            assert opened.startswith("/open/")
            assert not set("%;\\") & set(opened)
            assert "//" not in opened
            assert ".." not in opened.split("/")


def path_of(address: str) -> str:
    """What stands between the host, if there is one, and the query."""
    return address.partition("?")[0][address.find("/") :]


def origin_of(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


@given(cookie=st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=200))
@example("; ".join(["gatepost_apps=aaaaaaaaaaaaaaaaaaaaaa"] * 500))
@example("gatepost_apps")
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_cookie_but_ours_opens_anything(gate: tuple[Flask, str], cookie: str) -> None:
    app, _ = gate
    headers = {
        "X-Original-URL": "https://wiki.example.org/", "X-Original-Method": "GET", **NAVIGATION
    }  # fmt: skip

    for sent in (cookie, f"gatepost_apps={cookie}", f"gatepost_app={cookie};gatepost_apps=x"):
        assert call(app, "/api/authz/auth-request", {**headers, "Cookie": sent}).status == 401
