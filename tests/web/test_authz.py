"""What reverse proxies are told, family by family; Traefik's headers are Caddy's (emulated)."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import KeySet

from extensions import writing
from models import User
from services.gate import app_sessions
from tests.apps import DOMAINS, make_app
from tests.people import Person, load_user, open_session

pytestmark = [pytest.mark.settings(**DOMAINS), pytest.mark.own_app]

WIKI = "https://wiki.example.org"
NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Accept": "text/html"}


def forward_auth(client: FlaskClient, path: str = "/", **more: str) -> Any:
    headers = {
        "X-Forwarded-Proto": "https", "X-Forwarded-Host": "wiki.example.org",
        "X-Forwarded-Uri": path, "X-Forwarded-Method": "GET", **NAVIGATION, **more,
    }  # fmt: skip
    return client.get("/api/authz/forward-auth", headers=headers)


def auth_request(client: FlaskClient, url: str = f"{WIKI}/", **more: str) -> Any:
    headers = {"X-Original-URL": url, "X-Original-Method": "GET", **NAVIGATION, **more}
    return client.get("/api/authz/auth-request", headers=headers)


@pytest.fixture
def ann(app: Flask, new_person: Callable[..., Person]) -> Person:
    """Ann, who may enter the wiki."""
    person = new_person(name="Änn")
    with app.app_context():
        make_app("Wiki", for_everyone=True, signed_header=True, public_paths=["/open/*"])
    return person


@pytest.fixture
def cookie(app: Flask, client: FlaskClient, ann: Person) -> None:
    """The browser has the cookie of an app session of Ann's."""
    with app.app_context():
        opened = app_sessions.open_session(open_session(load_user(ann.id)), "example.org")
    client.set_cookie("gatepost_apps", opened.token)


def test_a_stranger_who_opens_a_page_is_led_to_sign_in(client: FlaskClient, ann: Person) -> None:
    answer = forward_auth(client, "/a%20b?x=1")
    assert answer.status_code == 302
    assert answer.location.endswith("/?rd=https%3A%2F%2Fwiki.example.org%2Fa%2520b%3Fx%3D1&rm=GET")
    assert answer.headers["Cache-Control"] == "no-store"
    assert forward_auth(client, **{"X-Forwarded-Method": "POST"}).status_code == 303
    assert auth_request(client).status_code == 401, "nginx makes an error of a redirect"
    assert auth_request(client).location.endswith("rm=GET")


def test_a_script_is_told_so_and_not_redirected(client: FlaskClient, ann: Person) -> None:
    answer = forward_auth(client, **{"Sec-Fetch-Mode": "cors"})
    assert (answer.status_code, answer.json["error"]) == (401, "unauthenticated")
    assert "WWW-Authenticate" not in answer.headers
    assert "Location" not in auth_request(client, **{"Sec-Fetch-Mode": "cors"}).headers


def test_who_is_signed_in_is_told_to_the_app(
    client: FlaskClient, ann: Person, cookie: None
) -> None:
    for answer in (forward_auth(client), auth_request(client)):
        assert answer.status_code == 200
        assert answer.headers["Remote-User"] == answer.headers["Remote-Email"] == ann.email
        assert answer.headers["Remote-Name"] == "Ann", "folded to ASCII"
        assert answer.headers["Remote-Groups"] == ""
    keys = KeySet.import_key_set(client.get("/.well-known/jwks.json").json)
    claims = jwt.decode(answer.headers["Remote-Jwt"], keys, algorithms=["ES256"]).claims
    assert (claims["aud"], claims["email"]) == (WIKI, ann.email)
    assert claims["exp"] - claims["iat"] == 60


def test_identity_is_empty_and_there_on_a_public_path(client: FlaskClient, ann: Person) -> None:
    answer = forward_auth(client, "/open/page")
    assert answer.status_code == 200
    names = ("Remote-User", "Remote-Groups", "Remote-Email", "Remote-Name", "Remote-Jwt")
    assert [answer.headers.get(name) for name in names] == [""] * 5
    for path in ("/open/..%2fsecret", "/open/%2e%2e/secret", "/open//x", "/open/a;b"):
        assert forward_auth(client, path).status_code == 302, path


def test_each_family_reads_its_own_headers_alone(
    client: FlaskClient, ann: Person, cookie: None
) -> None:
    forged = {"X-Original-URL": "https://elsewhere.example.org/", "X-Original-Method": "GET"}
    assert forward_auth(client, **forged).status_code == 200
    assert client.get("/api/authz/forward-auth", headers=forged).status_code == 400
    answer = client.get(
        "/api/authz/ext-authz/page",
        headers={"X-Forwarded-Proto": "https", "Host": "wiki.example.org", **NAVIGATION},
    )
    assert answer.status_code == 302, "its cookie is for localhost alone"
    asked = client.get("/api/authz/forward-auth?rd=https://evil.example&authelia_url=x")
    assert asked.status_code == 400


@pytest.mark.parametrize(
    "url",
    ["http://wiki.example.org/", "https://other.example.org/", "https://wiki.example.org@evil/",
     "https://wiki.example.org,evil/", "//wiki.example.org/", "https://wiki.example.org\\x",
     "https://wiki.example.org:444/"],
)  # fmt: skip
def test_odd_addresses_are_refused(
    client: FlaskClient, ann: Person, cookie: None, url: str
) -> None:
    assert auth_request(client, url).status_code == 400


def test_strangers_may_not_ask(client: FlaskClient, ann: Person, cookie: None) -> None:
    headers = {"X-Original-URL": f"{WIKI}/", "X-Original-Method": "GET"}
    environ = {"REMOTE_ADDR": "192.0.2.9"}
    answer = client.get("/api/authz/auth-request", headers=headers, environ_overrides=environ)
    assert (answer.status_code, answer.json["error"]) == (400, "caller_not_trusted")


def test_other_sites_may_not_write(client: FlaskClient, ann: Person, cookie: None) -> None:
    for site in ("cross-site", "same-site"):
        answer = forward_auth(client, **{"X-Forwarded-Method": "POST", "Sec-Fetch-Site": site})
        assert answer.status_code == 403
    answer = forward_auth(client, **{"X-Forwarded-Method": "POST", "Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 200


def test_whoever_is_disabled_or_signed_out_is_out_at_the_next_request(
    app: Flask, client: FlaskClient, ann: Person, cookie: None
) -> None:
    assert forward_auth(client).status_code == 200
    with app.app_context(), writing() as session:
        session.get_one(User, ann.id).disabled_at = load_user(ann.id).created_at
    assert forward_auth(client).status_code == 302


def test_who_has_no_grant_is_told_and_not_led_round(
    app: Flask, client: FlaskClient, ann: Person, cookie: None
) -> None:
    with app.app_context():
        make_app("Books")
    answer = forward_auth(client, **{"X-Forwarded-Host": "books.example.org"})
    assert answer.status_code == 403
    assert "/no-access?rd=https%3A%2F%2Fbooks.example.org%2F" in answer.text
