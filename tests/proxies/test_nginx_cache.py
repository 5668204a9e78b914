"""The recipe for a faster nginx in ``docs/forward-auth.md``: keeps a "yes" for a second, for
one person and one request, and not longer.
"""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from services import accounts, proxy_lines
from tests.portal import ROOT
from tests.proxies import kinds
from tests.proxies.conftest import need
from tests.proxies.stage import BOARD, ORIGINS, WIKI, Stage
from tests.proxies.write_samples import CONFIG, app_at
from tests.scene import Scene
from tests.standins.certificate import Certificate

SECONDS = 3


def recipe(folder: Path) -> tuple[str, str]:
    """What the docs put inside ``http {}``, and what into the verdict's location."""
    page = (ROOT / "docs" / "forward-auth.md").read_text()
    outside, inside = re.findall(r"```nginx\n(.*?)```", page, re.DOTALL)
    return outside.replace("/var/cache/nginx", str(folder)), inside


@pytest.fixture
def cached(
    tmp_path: Path, scene: Scene, certificate: Certificate, app_address: str
) -> Iterator[Stage]:
    """nginx with the recipe in its lines."""
    need("nginx")
    outside, inside = recipe(tmp_path)
    lines = proxy_lines.render(
        app_at(*ORIGINS), "nginx", CONFIG,
        portal=scene.url.partition("//")[2], upstream=app_address,
    )  # fmt: skip
    where = "location = /.gatepost/verdict {\n"
    assert lines.count(where) == 1
    lines = outside + lines.replace(where, where + inside)
    prepared = kinds.prepare("nginx", lines, tmp_path / "nginx", certificate)
    with kinds.running(prepared):
        yield Stage("nginx", scene, prepared, certificate)


def test_a_yes_is_kept_for_its_person_alone_and_ends_within_a_second(cached: Stage) -> None:
    (anns, ann), (bens, ben) = cached.signed_in(), cached.signed_in()
    for _ in range(2):
        assert anns.fetch(f"{WIKI}/api").identity("Remote-User") == ann.email
        assert bens.fetch(f"{WIKI}/api").identity("Remote-User") == ben.email
        assert cached.visitor().fetch(f"{WIKI}/api").status == 401
    write = {"Sec-Fetch-Site": "cross-site"}
    assert anns.fetch(f"{WIKI}/api", "POST", **write).status == 403
    assert anns.fetch(f"{BOARD}/api").identity("Remote-User") == ann.email
    with cached.scene.app.app_context():
        accounts.disable(accounts.find(ann.email))
    began = time.monotonic()
    while anns.fetch(f"{WIKI}/api").status == 200 and time.monotonic() < began + SECONDS:
        time.sleep(0.05)
    assert time.monotonic() - began < 2
    assert bens.fetch(f"{WIKI}/api").status == 200
