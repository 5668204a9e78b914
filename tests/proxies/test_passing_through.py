"""What reaches the app, and what must not: forged names, cookies, bodies, WebSockets."""

import hashlib
import os
from pathlib import Path

import pytest

from services import proxy_lines
from tests.portal import free_port
from tests.proxies import kinds
from tests.proxies.stage import BOARD, ORIGINS, WIKI, Stage
from tests.proxies.visitor import FETCH, NAVIGATION
from tests.proxies.write_samples import CONFIG, app_at

NAMES = ("Remote-User", "Remote-Groups", "Remote-Email", "Remote-Name")
SPELLINGS = ("Remote-{}", "REMOTE-{}", "Remote_{}", "remote_{}", "REMOTE_{}")


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_forged_name_reaches_the_app(stage: Stage, spelling: str) -> None:
    visitor, person = stage.signed_in()
    forged = {spelling.format(n): "forged" for n in ("User", "Groups", "Email", "Name", "Jwt")}
    for path, user in (("/private", person.email), ("/public/x", "")):
        for headers in ({**NAVIGATION, **forged}, {**forged, **NAVIGATION}):
            browser = visitor if user else stage.visitor()
            answer = browser.send("GET", WIKI + path, headers=headers)
            if answer.status == 400 and "_" in spelling:
                continue  # the proxy turns such a request away
            if answer.status == 302 and stage.kind == "envoy" and not user:
                continue  # no public paths there, see test_entering
            assert b"forged" not in answer.body
            assert answer.identity("Remote-User") == user
            assert answer.identity("Remote-Jwt") == ""


def test_a_forged_address_does_not_open_another(stage: Stage) -> None:
    forged = {
        "X-Original-URL": f"{WIKI}/public/x", "X-Original-Method": "OPTIONS",
        "X-Forwarded-Method": "OPTIONS", "X-Forwarded-Uri": "/public/x",
        "X-Forwarded-Proto": "https", "X-Forwarded-Host": "board.example.org",
        "X-Forwarded-For": "127.0.0.1",
    }  # fmt: skip
    for names in (forged, {name.replace("-", "_"): value for name, value in forged.items()}):
        answer = stage.visitor().send("GET", f"{WIKI}/private", headers={**NAVIGATION, **names})
        assert answer.status in {302, 400}, answer.body
        assert "public" not in answer.location


def test_the_app_never_sees_the_portals_cookies(stage: Stage) -> None:
    visitor, _ = stage.signed_in()
    visitor.cookies["wiki.example.org", "first"] = "1"
    visitor.cookies["wiki.example.org", "__Host-gatepost_app"] = "secret-of-an-app"
    visitor.cookies["wiki.example.org", "mygatepost_x"] = "2"
    sent = visitor.cookies_for("wiki.example.org")
    received = "; ".join(visitor.get(f"{WIKI}/").received("Cookie"))
    assert "first=1" in received
    assert "mygatepost_x=2" in received
    for cookie in sent.split("; "):
        name, _, value = cookie.partition("=")
        assert name in {"first", "mygatepost_x"} or value not in received


def test_an_upload_arrives_whole(stage: Stage) -> None:
    visitor, _ = stage.signed_in(f"{BOARD}/")
    body = os.urandom(3_000_000)
    answer = visitor.send("PUT", f"{BOARD}/file", headers=FETCH, body=body)
    assert answer.told["sha256"] == hashlib.sha256(body).hexdigest()


def test_a_websocket_opens_for_who_is_in_and_for_nobody_else(stage: Stage) -> None:
    visitor, person = stage.signed_in()
    response, line = visitor.open_websocket(f"{WIKI}/socket")
    with line:
        assert (response.status, response.headers["Seen-User"]) == (101, person.email)
        line.sendall(b"\x81\x85\0\0\0\0hello")
        assert line.recv(100) == b"\x81\x05hello"
    refused, line = stage.visitor().open_websocket(f"{WIKI}/socket")
    line.close()
    assert refused.status == 401


def test_what_the_app_answers_is_its_own(stage: Stage) -> None:
    visitor, _ = stage.signed_in()
    for status in (401, 403, 404, 500):
        answer = visitor.get(f"{WIKI}/status/{status}")
        assert answer.status == status
        assert b"sha256" in answer.body


def test_nobody_gets_in_while_the_portal_is_down(
    stage: Stage, app_address: str, tmp_path: Path
) -> None:
    visitor, _ = stage.signed_in()
    lines = proxy_lines.render(
        app_at(*ORIGINS), kinds.template_of(stage.kind), CONFIG,
        portal=f"127.0.0.1:{free_port()}", upstream=app_address,
    )  # fmt: skip
    with kinds.running(kinds.prepare(stage.kind, lines, tmp_path, stage.certificate)) as proxy:
        visitor.proxy = proxy.port
        for path in ("/", "/public/x"):
            answer = visitor.get(WIKI + path)
            assert answer.status in {500, 502, 503}
            assert b"sha256" not in answer.body
