"""The lines of one app answer for its own hosts alone, whatever a visitor calls the app.

Portal and proxy would otherwise mean two apps: one is judged, the other is served.
"""

import http.client
import socket
import ssl
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from services import apps, proxy_lines
from services.app_drafts import AppDraft
from services.audit import OPERATOR
from tests.proxies import kinds, traefik
from tests.proxies.stage import BOARD, WIKI, WIKI_ABROAD, Stage
from tests.proxies.visitor import NAVIGATION, PORTAL, SECONDS
from tests.proxies.write_samples import CONFIG, app_at
from tests.scene import Scene
from tests.standins.certificate import Certificate

OPEN_DOOR = f"{WIKI}:8443"
"""Another app at the wiki's host, on another port."""

FOREIGN = (
    "hall.example.org", "HALL.example.org", "hall.example.org.", "hall.example.org:443",
    "vault.example.org", "wiki.example.org:8443", "WIKI.example.org:8443",
    "wiki.example.net:8443", "wiki.example.org,hall.example.org",
    "hall.example.org,wiki.example.org", "wiki.example.org\r\nHost: hall.example.org",
    "hall.example.org\r\nHost: wiki.example.org", "wiki.example.org@hall.example.org",
    "wiki.example.org.hall.example.org", "wikiXexample.org", "xwiki.example.org",
    "login.example.org:8443",
)  # fmt: skip
TOLD = b'"sha256":'
"""Of what the app says."""

OWN = (
    "wiki.example.org", "WIKI.Example.org", "wiki.example.org:443", "wiki.example.net",
)  # fmt: skip


@pytest.fixture(scope="session")
def others(scene: Scene) -> None:
    """Further apps that are open to everybody: beside the wiki's host, and at a port of it."""
    with scene.app.app_context():
        door = AppDraft("Door", (OPEN_DOOR,), public_paths=("/open/*",), for_everyone=True)
        hall = AppDraft(
            "Hall", ("https://hall.example.org",), public_paths=("/open/*",), for_everyone=True
        )
        for draft in (door, hall):
            apps.add(draft, OPERATOR, ())


@pytest.fixture(scope="session", params=[*kinds.KINDS, "traefik"])
def wiki_alone(
    request: pytest.FixtureRequest,
    others: None,
    tmp_path_factory: pytest.TempPathFactory,
    certificate: Certificate,
    scene: Scene,
    app_address: str,
) -> Iterator[Stage]:
    """Each proxy in turn, with the lines of the wiki and nothing else."""
    kind, folder = request.param, tmp_path_factory.mktemp(request.param)
    lines = proxy_lines.render(
        app_at(WIKI, WIKI_ABROAD), kinds.template_of(kind), CONFIG,
        portal=scene.url.partition("//")[2], upstream=app_address,
    )  # fmt: skip
    if kind == "traefik":
        kinds.missing_fails("" if traefik.PYTHON.is_file() else f"no {traefik.PYTHON}")
        with traefik.running(traefik.read(lines, folder), certificate) as (port, _):
            yield Stage(kind, scene, kinds.Prepared(kind, folder, port, [], []), certificate)
        return
    kinds.need(kind)
    with kinds.running(kinds.prepare(kind, lines, folder, certificate)) as proxy:
        yield Stage(kind, scene, proxy, certificate)


def ask(stage: Stage, host: str, target: str, cookies: str = "") -> bytes:
    """What is answered to a ``Host`` on a connection that was made for the wiki."""
    context = ssl.create_default_context(cafile=str(stage.certificate.certificate))
    plain = socket.create_connection(("127.0.0.1", stage.proxy.port), SECONDS)
    sent = {"Host": host, "Connection": "close", "Cookie": cookies, **NAVIGATION}
    lines = [f"{name}: {value}" for name, value in sent.items() if value]
    with context.wrap_socket(plain, server_hostname="wiki.example.org") as line:
        line.sendall("\r\n".join([f"GET {target} HTTP/1.1", *lines, "", ""]).encode())
        response = http.client.HTTPResponse(line)
        response.begin()
        return f"{response.status} {response.headers}".encode() + response.read()


@pytest.fixture(scope="session")
def strangers_cookies(wiki_alone: Stage) -> str:
    """Of somebody who may enter the other apps, and not the wiki."""
    visitor, stranger = wiki_alone.visitor(), wiki_alone.scene.person()
    wiki_alone.enter(visitor, stranger, f"https://{PORTAL}/?rd={quote(BOARD, safe='')}%2F")
    assert visitor.get(f"{WIKI}/").status == 403
    return visitor.cookies_for("wiki.example.org")


@pytest.mark.parametrize("host", FOREIGN)
def test_a_foreign_host_never_reaches_the_app(
    wiki_alone: Stage, strangers_cookies: str, host: str
) -> None:
    for target in ("/", "/open/x"):
        for cookies in ("", strangers_cookies):
            assert TOLD not in ask(wiki_alone, host, target, cookies)


@pytest.mark.parametrize("host", FOREIGN)
def test_a_foreign_host_in_the_address_never_reaches_the_app(
    wiki_alone: Stage, strangers_cookies: str, host: str
) -> None:
    target = f"https://{host.partition(chr(13))[0]}/open/x"
    assert TOLD not in ask(wiki_alone, "wiki.example.org", target, strangers_cookies)


@pytest.mark.parametrize("host", OWN)
def test_every_host_of_its_own_is_answered(wiki_alone: Stage, host: str) -> None:
    asked = ask(wiki_alone, host, "/private")
    assert asked.startswith(b"302 "), asked
    assert b"rd=https%3A%2F%2Fwiki.example." in asked
    if wiki_alone.kind != "envoy":  # no public paths there, see test_entering
        assert TOLD in ask(wiki_alone, host, "/public/x")
    hand_over = ask(wiki_alone, host, "/.gatepost/hand-over?code=x")
    assert b"Misdirected" not in hand_over
    assert TOLD not in hand_over
