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
from tests.scene import Scene
from tests.standins.certificate import Certificate

NAMES = ("Remote-User", "Remote-Groups", "Remote-Email", "Remote-Name")
SPELLINGS = ("Remote-{}", "REMOTE-{}", "Remote_{}", "remote_{}", "REMOTE_{}", "Remote.{}")


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


def test_no_word_of_the_visitors_passes_for_the_proxys(stage: Stage) -> None:
    """An app that believes one serves another path, or takes the visitor for somebody near."""
    visitor, _ = stage.signed_in()
    forged = dict.fromkeys((*proxy_lines.OF_THE_FAMILIES, *proxy_lines.BELIEVED), "/forged")
    for path, browser in (("/private", visitor), ("/public/x", stage.visitor())):
        for more in ("Host", "For", "Proto"):
            headers = {**NAVIGATION, **forged, f"X-Forwarded-{more}": "forged"}
            answer = browser.send("GET", WIKI + path, headers=headers)
            if answer.status == 302 and stage.kind == "envoy" and browser is not visitor:
                continue  # no public paths there, see test_entering
            told = [pair for pair in answer.told["headers"] if "forged" in pair[1]]
            if stage.kind == "envoy":  # adds what it knows at the end, which is what apps read
                told = [pair for pair in told if pair[0] != "x-forwarded-for"]
            assert told == []


def test_an_absolute_address_reaches_the_app_as_its_path(stage: Stage) -> None:
    """Or portal and app could read two paths, or two hosts, in one request line."""
    visitor, _ = stage.signed_in()
    for scheme in ("https", "HTTPS", "http"):
        answer = visitor.ask_for(f"{scheme}://wiki.example.org/private?x=1", WIKI)
        if answer.status == 400 and stage.kind == "envoy" and scheme == "http":
            continue  # tells the portal of http, which refuses
        assert (answer.told["path"], answer.received("Host")) == (
            "/private?x=1", ["wiki.example.org"],
        )  # fmt: skip
        answer = visitor.ask_for(f"{scheme}://vault.example.org/private", WIKI)
        assert answer.status in {302, 400}, answer.body


def test_nobody_can_have_their_name_or_groups_dropped(stage: Stage) -> None:
    """A header that ``Connection`` names goes no further than one hop (RFC 9110, 7.6.1)."""
    visitor, person = stage.signed_in()
    headers = {**NAVIGATION, "Connection": "close, Remote-User, remote-groups"}
    answer = visitor.send("GET", f"{WIKI}/", headers=headers)
    if answer.status == 400 and stage.kind == "envoy":
        return
    assert answer.identity("Remote-User") == person.email
    assert answer.identity("Remote-Groups") == "editors"
    passed_on = ",".join(answer.received("Connection"))
    assert "remote-" not in passed_on.lower(), "a proxy behind this one would drop what it names"


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


@pytest.mark.parametrize("path", ["/private", "/public/x"])
def test_nothing_but_a_websocket_becomes_a_tunnel(stage: Stage, path: str) -> None:
    """An app that took up h2c would serve what follows, with any name in it, unjudged."""
    visitor, person = stage.signed_in()
    for protocol in ("h2c", "H2C", "websocket, h2c", "h2c, websocket", "h2c\nwebsocket",
                     "websocket\nh2c", "tcp"):  # fmt: skip
        headers = {
            **NAVIGATION, "Connection": "Upgrade, HTTP2-Settings", "Upgrade": protocol,
            "HTTP2-Settings": "AAMAAABkAARAAAAAAAIAAAAA", "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        }  # fmt: skip
        answer = visitor.send("GET", WIKI + path, headers=headers)
        if answer.status in {400, 403} and stage.kind in {"envoy", "haproxy"}:
            continue  # turned away by the proxy itself
        if answer.status == 101:
            seen = (answer.headers["Seen-Upgrade"], answer.headers["Seen-Settings"])
            assert seen == ("websocket", ""), protocol
            continue
        assert answer.received("Upgrade") == []
        assert answer.identity("Remote-User") == person.email


def test_what_the_app_answers_is_its_own(stage: Stage) -> None:
    visitor, _ = stage.signed_in()
    for status in (401, 403, 404, 500):
        answer = visitor.get(f"{WIKI}/status/{status}")
        assert answer.status == status
        assert b"sha256" in answer.body


def test_what_nginx_itself_denies_stays_denied(
    scene: Scene, certificate: Certificate, app_address: str, tmp_path: Path
) -> None:
    kinds.need("nginx")
    lines = proxy_lines.render(
        app_at(*ORIGINS), "nginx", CONFIG,
        portal=scene.url.partition("//")[2], upstream=app_address,
    )  # fmt: skip
    lines = lines.replace("    location / {", "    location /.git/ { deny all; }\n    location / {")
    with kinds.running(kinds.prepare("nginx", lines, tmp_path, certificate)) as proxy:
        stage = Stage("nginx", scene, proxy, certificate)
        visitor, _ = stage.signed_in()
        answer = visitor.get(f"{WIKI}/.git/config")
        assert (answer.status, answer.headers.get("Remote-User")) == (403, None)
        assert b"nginx" in answer.body
        assert visitor.get(f"{WIKI}/").status == 200


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
