"""Fixtures of the proxies' tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services import proxy_lines
from tests.portal import Portal
from tests.proxies import kinds
from tests.proxies.echo_app import echoing
from tests.proxies.practice import Practice, portal_with_a_wiki
from tests.proxies.stage import HOSTS, ORIGINS, SETTINGS, Stage, set_up_apps
from tests.proxies.visitor import PORTAL
from tests.proxies.write_samples import CONFIG, app_at
from tests.scene import FREE_HAND, Scene, playing
from tests.standins.certificate import Certificate, make_certificate

CALENDAR, TABLES = "https://calendar.example.org", "https://tables.example.org"
"""Where the real apps are."""


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """One certificate for every host of the tests."""
    return make_certificate(
        tmp_path_factory.mktemp("certificate"),
        PORTAL,
        CONFIG.host,
        *HOSTS,
        *map(_host_of, (CALENDAR, TABLES)),
    )


def _host_of(origin: str) -> str:
    return origin.partition("//")[2]


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory, prepared_database: str) -> Iterator[Scene]:
    """A running portal that knows the apps."""
    folder = tmp_path_factory.mktemp("portal")
    with playing(folder, prepared_database, workers=2, **FREE_HAND, **SETTINGS) as scene:
        set_up_apps(scene)
        yield scene


@pytest.fixture(scope="session")
def app_address() -> Iterator[str]:
    """The app behind the proxies."""
    with echoing() as address:
        yield address


@pytest.fixture(scope="session", params=kinds.KINDS)
def stage(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    certificate: Certificate,
    scene: Scene,
    app_address: str,
) -> Iterator[Stage]:
    """Each proxy in turn, on the lines that are generated for the apps."""
    kind = request.param
    kinds.need(kind)
    lines = proxy_lines.render(
        app_at(*ORIGINS), kinds.template_of(kind), CONFIG,
        portal=scene.url.partition("//")[2], upstream=app_address,
    )  # fmt: skip
    prepared = kinds.prepare(kind, lines, tmp_path_factory.mktemp(kind), certificate)
    with kinds.running(prepared):
        yield Stage(kind, scene, prepared, certificate)


@pytest.fixture(scope="session")
def portal_with_wiki(
    tmp_path_factory: pytest.TempPathFactory, prepared_database: str
) -> Iterator[Portal]:
    """A portal that knows a wiki, to be asked at its own host as well."""
    folder = tmp_path_factory.mktemp("practice")
    with portal_with_a_wiki(folder, prepared_database) as portal:
        yield portal


@pytest.fixture
def practice(portal_with_wiki: Portal, certificate: Certificate, tmp_path: Path) -> Practice:
    """For one visit of the doctor."""
    return Practice(portal_with_wiki, certificate, tmp_path)
