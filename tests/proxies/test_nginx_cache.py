"""The recipe for a faster nginx in ``docs/forward-auth.md``: keeps a "yes" to one person for one
app, and for no longer than nobody may have lost access.
"""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from models_apps import App
from services import accounts, apps, login_sessions, proxy_lines
from services.app_drafts import AppDraft
from services.audit import OPERATOR
from tests.people import Person
from tests.portal import free_port
from tests.proxies import kinds
from tests.proxies.nginx_cache import recipe
from tests.proxies.stage import BOARD, ORIGINS, SETTINGS, WIKI, Stage, set_up_apps
from tests.proxies.visitor import NAVIGATION, PORTAL, Visitor
from tests.proxies.write_samples import CONFIG, app_at
from tests.scene import FREE_HAND, Scene, playing
from tests.standins.certificate import Certificate

STAFF = f"{WIKI}:8443"
"""Another app, at another port of the wiki's host: no cookie tells the two apart."""
LOOKS, PAUSE_SECONDS = 500, 0.02


@dataclass
class Cached(Stage):
    """nginx with the recipe in its lines, which keeps for an hour what nothing ends."""

    staff_port: int = 0

    def is_kept(self, visitor: Visitor, url: str) -> bool:
        """Whether the visitor is let in by what nginx kept."""
        answer = visitor.get(url)
        assert answer.status == 200
        return answer.headers["Kept"] == "HIT"

    def keep(self) -> tuple[Visitor, Person]:
        """An editor's browser that nginx has kept a yes for."""
        visitor, person = self.signed_in()
        self.wait_until_kept(visitor)
        return visitor, person

    def wait_until_kept(self, visitor: Visitor) -> None:
        """Ask for ever other addresses until a kept yes lets in.

        On SQLite, rows of others' that are still being written end what was kept.
        """
        for number in range(LOOKS):
            if self.is_kept(visitor, f"{WIKI}/pictures/{number}.png?x={number}"):
                return
        raise AssertionError("nothing is kept")

    def sign_out(self, visitor: Visitor) -> None:
        """End the visitor's login session at the portal."""
        with self.scene.app.app_context():
            found = login_sessions.find(visitor.cookies[PORTAL, "__Host-gatepost_login"])
            assert found is not None
            login_sessions.sign_out(found, OPERATOR.client)

    def disable(self, person: Person) -> None:
        """Disable a person."""
        with self.scene.app.app_context():
            accounts.disable(accounts.find(person.email))


@pytest.fixture(scope="module")
def mark(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mark") / "mark"


@pytest.fixture(scope="module")
def scene(
    tmp_path_factory: pytest.TempPathFactory, prepared_database: str, mark: Path
) -> Iterator[Scene]:
    """A running portal that moves a mark."""
    folder, settings = tmp_path_factory.mktemp("portal"), {"GATEPOST_VERDICT_MARK": str(mark)}
    with playing(
        folder, prepared_database, workers=2, **FREE_HAND, **SETTINGS, **settings
    ) as scene:
        set_up_apps(scene)
        with scene.app.app_context():
            apps.add(AppDraft("Staff", (STAFF,)), OPERATOR)
        yield scene


def run_nginx(
    scene: Scene, mark: Path, certificate: Certificate, app_address: str, folder: Path
) -> Iterator[Cached]:
    kinds.need("nginx")
    outside, inside = recipe(folder / "kept", mark)
    lines = proxy_lines.render(
        _all_apps(), "nginx", CONFIG,
        portal=scene.url.partition("//")[2], upstream=app_address,
    )  # fmt: skip
    where, asks = "location = /.gatepost/verdict {\n", "auth_request     /.gatepost/verdict;"
    assert lines.count(where) == lines.count(asks) == 2
    assert "proxy_cache_valid 200 1s;" in inside
    inside = inside.replace("200 1s;", "200 1h;")
    tells = " auth_request_set $kept $upstream_cache_status; add_header Kept $kept always;"
    lines = outside + lines.replace(where, where + inside).replace(asks, asks + tells)
    staff_port = free_port()
    lines = lines.replace("listen 8443 ", f"listen 127.0.0.1:{staff_port} ")
    prepared = kinds.prepare("nginx", lines, folder / "nginx", certificate)
    with kinds.running(prepared):
        yield Cached("nginx", scene, prepared, certificate, staff_port)


def _all_apps() -> App:
    return app_at(*ORIGINS, STAFF)


@pytest.fixture(scope="module")
def cached(
    scene: Scene, mark: Path, certificate: Certificate, app_address: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Cached]:  # fmt: skip
    folder = tmp_path_factory.mktemp("nginx")
    yield from run_nginx(scene, mark, certificate, app_address, folder)


def test_one_yes_is_good_for_every_address_in_its_app(cached: Cached) -> None:
    visitor, person = cached.keep()
    for path in ("/", "/pictures/1.png?x=1", "/public/logo.png"):
        assert visitor.get(WIKI + path).identity("Remote-User") == person.email


def test_it_is_its_persons_and_its_apps_alone(cached: Cached) -> None:
    (anns, _), (bens, ben) = cached.keep(), cached.keep()
    assert bens.get(f"{WIKI}/").identity("Remote-User") == ben.email
    assert cached.visitor().get(f"{WIKI}/").status == 302
    staff = Visitor(cached.certificate, cached.staff_port, 0, cookies=anns.cookies)
    for _ in range(5):
        cached.wait_until_kept(anns)
        assert staff.get(f"{STAFF}/").status == 403
    cached.wait_until_kept(anns)
    assert not cached.is_kept(anns, f"{BOARD}/")
    write = {**NAVIGATION, "Sec-Fetch-Site": "cross-site"}
    assert anns.send("POST", f"{WIKI}/", headers=write, body=b"").status == 403
    same = {**NAVIGATION, "Sec-Fetch-Site": "same-origin"}
    assert anns.send("POST", f"{WIKI}/", headers=same, body=b"").status == 200
    assert anns.send("POST", f"{WIKI}/", headers=write, body=b"").status == 403
    forged = {"Sec-Fetch-Mode": "cors", "Origin": "https://board.example.org"}
    assert anns.send("POST", f"{WIKI}/", headers=forged, body=b"").status == 403


def test_what_is_true_of_one_path_is_not_kept(cached: Cached) -> None:
    visitor = cached.visitor()
    for _ in range(2):
        assert visitor.get(f"{WIKI}/public/x").headers["Kept"] != "HIT"
        assert visitor.get(f"{WIKI}/private").status == 302
    asks = {"Origin": "https://elsewhere.example.net", "Access-Control-Request-Method": "PUT"}
    for _ in range(2):
        answer = visitor.send("OPTIONS", f"{BOARD}/", headers={**asks, "Sec-Fetch-Mode": "cors"})
        assert (answer.status, answer.headers["Kept"] == "HIT") == (200, False)
    assert visitor.send("OPTIONS", f"{BOARD}/", headers={"Sec-Fetch-Mode": "cors"}).status == 401


LOSSES: list[Callable[[Cached, Visitor, Person], None]] = [
    lambda cached, visitor, _: cached.sign_out(visitor),
    lambda cached, _, person: cached.leave_editors(person),
    lambda cached, _, person: cached.disable(person),
]


@pytest.mark.parametrize("lose", LOSSES, ids=["signed out", "left the group", "disabled"])
def test_who_loses_access_is_out_though_it_was_kept(
    cached: Cached, lose: Callable[[Cached, Visitor, Person], None]
) -> None:
    (anns, ann), (bens, _) = cached.keep(), cached.keep()
    lose(cached, anns, ann)
    for _ in range(LOOKS):
        if anns.get(f"{WIKI}/").status != 200:
            break
        time.sleep(PAUSE_SECONDS)
    else:
        raise AssertionError("still let in")
    assert bens.get(f"{WIKI}/").status == 200


def test_without_a_mark_that_nginx_can_read_nothing_is_kept(
    scene: Scene, certificate: Certificate, app_address: str, tmp_path: Path
) -> None:
    for cached in run_nginx(scene, tmp_path / "none", certificate, app_address, tmp_path):
        visitor, _ = cached.signed_in()
        for _ in range(3):
            assert not cached.is_kept(visitor, f"{WIKI}/")
        log = (tmp_path / "nginx" / "error.log").read_text()
        assert re.search(r'realpath\(\) ".*/none" failed', log)
