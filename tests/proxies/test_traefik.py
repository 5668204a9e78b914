"""The lines for Traefik: YAML that says what it must, and what becomes of requests by them.

Traefik itself is not run: see ``tests.proxies.traefik``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from services import proxy_lines
from tests.proxies import kinds, traefik
from tests.proxies.stage import BOARD, ORIGINS, WIKI, Stage
from tests.proxies.traefik import Asked
from tests.proxies.visitor import FETCH, NAVIGATION, PORTAL
from tests.proxies.write_samples import CONFIG, app_at
from tests.scene import Scene
from tests.standins.certificate import Certificate

NAMES = ("Remote-User", "Remote-Groups", "Remote-Email", "Remote-Name")


@pytest.fixture(scope="module")
def lines(scene: Scene, app_address: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The generated lines, read."""
    kinds.missing_fails("" if traefik.PYTHON.is_file() else f"no {traefik.PYTHON}: make proxies")
    text = proxy_lines.render(
        app_at(*ORIGINS, signed_header=True), "traefik", CONFIG,
        portal=scene.url.partition("//")[2], upstream=app_address,
    )  # fmt: skip
    return traefik.read(text, tmp_path_factory.mktemp("traefik"))


@dataclass
class Behind(Stage):
    """The emulation before the apps, and what it asks the portal with."""

    asked: Asked


@pytest.fixture(params=[False, True], ids=["trusts nobody", "trustForwardHeader"])
def behind(
    request: pytest.FixtureRequest, lines: Any, scene: Scene, certificate: Certificate,
    tmp_path: Path,
) -> Iterator[Behind]:  # fmt: skip
    """As the lines have it, and with the switch that many a recipe has."""
    lines["http"]["middlewares"]["wiki-gatepost"]["forwardAuth"]["trustForwardHeader"] = (
        request.param
    )
    with traefik.running(lines, certificate) as (port, asked):
        proxy = kinds.Prepared("traefik", tmp_path, port, [], [])
        yield Behind("traefik", scene, proxy, certificate, asked)


def test_the_lines_say_what_they_must(lines: Any) -> None:
    http = lines["http"]
    asks = http["middlewares"]["wiki-gatepost"]["forwardAuth"]
    assert asks["address"].endswith("/api/authz/forward-auth")
    assert asks["authResponseHeaders"] == [*NAMES, "Remote-Jwt"]
    assert asks["trustForwardHeader"] is False
    needed = {"Cookie", "Accept", "Sec-Fetch-Mode", "Sec-Fetch-Site", "Origin", "X-Requested-With"}
    assert needed | {"Sec-WebSocket-Key"} <= set(asks["authRequestHeaders"])
    forged = http["middlewares"]["wiki-forged"]["headers"]["customRequestHeaders"]
    assert set(forged.values()) == {""}
    for name in (*NAMES, "Remote-Jwt"):
        assert {name, name.replace("-", "_"), name.replace("-", ".")} <= set(forged)
    for router in http["routers"].values():
        assert router["service"] in http["services"]
        assert set(router.get("middlewares", [])) <= set(http["middlewares"])
    assert http["routers"]["wiki"]["middlewares"] == ["wiki-host-1", "wiki-forged", "wiki-gatepost"]
    (whole,) = http["routers"]["gatepost"]["middlewares"]
    assert http["middlewares"][whole] == {"buffering": {"maxRequestBodyBytes": 262144}}


def test_it_asks_with_traefiks_own_headers(behind: Behind) -> None:
    behind.visitor().get(f"{WIKI}/a%20b?x=1", User_Agent="Mozilla", Secret="s")
    said = {
        name: behind.asked.headers[f"X-Forwarded-{name}"] for name in ("Method", "Proto", "Uri")
    }
    assert said == {"Method": "GET", "Proto": "https", "Uri": "/a%20b?x=1"}
    assert behind.asked.headers["X-Forwarded-Host"] == "wiki.example.org"
    assert behind.asked.headers["User-Agent"] == "Mozilla"
    assert "Secret" not in behind.asked.headers


def test_in_out_and_not_for_you(behind: Behind) -> None:
    visitor, person = behind.signed_in(f"{WIKI}/pages/1?x=1")
    page = visitor.get(f"{WIKI}/pages/2?x=1&y=a%20b")
    assert page.told["path"] == "/pages/2?x=1&y=a%20b"
    assert [page.identity(name) for name in NAMES] == [
        person.email, "editors", person.email, "Ann Ost",
    ]  # fmt: skip
    out = behind.visitor().get(f"{WIKI}/a?b=1")
    assert (out.status, out.location) == (
        302, f"https://{PORTAL}/?rd=https%3A%2F%2Fwiki.example.org%2Fa%3Fb%3D1&rm=GET"
    )  # fmt: skip
    sent = behind.visitor().send("POST", f"{WIKI}/", headers=NAVIGATION, body=b"x=1")
    assert (sent.status, sent.location[-7:]) == (303, "rm=POST")
    assert behind.visitor().fetch(f"{WIKI}/api").status == 401
    behind.leave_editors(person)
    assert b"/no-access?rd=" in visitor.get(f"{WIKI}/").body
    assert visitor.fetch(f"{WIKI}/api").status == 403


def test_nothing_forged_gets_through(behind: Behind) -> None:
    visitor, person = behind.signed_in()
    forged = {
        name.replace("-", sign): "forged" for name in (*NAMES, "Remote-Jwt") for sign in "-_."
    }
    forged |= {
        "X-Original-URL": f"{WIKI}/public/x", "X-Forwarded-Uri": "/public/x",
        "X-Forwarded-Method": "OPTIONS", "X-Forwarded-Host": "board.example.org",
        "X-Forwarded-Proto": "http", "X-Forwarded-For": "192.0.2.1", "X-Rewrite-URL": "/forged",
    }  # fmt: skip
    for path, browser, user in (
        ("/private", visitor, person.email),
        ("/public/x", behind.visitor(), ""),
    ):
        answer = browser.send("GET", WIKI + path, headers={**NAVIGATION, **forged})
        assert b"forged" not in answer.body
        assert answer.identity("Remote-User") == user
    assert behind.visitor().send("GET", f"{WIKI}/", headers={**FETCH, **forged}).status == 401


def test_another_sites_websocket_is_known_without_its_upgrade(behind: Behind) -> None:
    visitor, _ = behind.signed_in()
    handshake = {
        "Accept": "*/*", "Upgrade": "websocket", "Connection": "Upgrade",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Origin": BOARD,
    }  # fmt: skip
    assert visitor.send("GET", f"{WIKI}/socket", headers=handshake).status == 403
    assert "Upgrade" not in behind.asked.headers


def test_another_domain_and_the_portals_own_host(behind: Behind) -> None:
    visitor, person = behind.signed_in()
    abroad = "https://wiki.example.net/there?x=1"
    assert visitor.follow(visitor.get(abroad)).identity("Remote-User") == person.email
    login = f"https://{CONFIG.host}"
    assert b"<h1" in visitor.get(f"{login}/sign-in").body
    assert visitor.get(f"{login}/api/authz/forward-auth").status == 404
