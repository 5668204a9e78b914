"""One proxy before the portal's own host and an app's, planted faults, and the doctor's visit."""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from app import create_app
from config import load
from services import proxy_lines
from services.app_drafts import AppDraft
from services.apps import add
from services.audit import OPERATOR
from tests.conftest import QUICK
from tests.portal import Portal, free_port, running
from tests.proxies import kinds
from tests.proxies.portal_site import SITES
from tests.proxies.write_samples import app_at
from tests.standins.certificate import Certificate

AUTH, WIKI = "auth.example.org", "wiki.example.org"
SETTINGS = {
    **QUICK,
    "GATEPOST_BASE_URL": f"https://{AUTH}",
    "GATEPOST_APP_DOMAINS": "example.org",
    "GATEPOST_TRUSTED_PROXIES": "127.0.0.1/32",
}


@contextmanager
def portal_with_a_wiki(folder: Path, database: str) -> Iterator[Portal]:
    """A portal that knows the wiki, until the block ends."""
    with running(folder, SETTINGS, workers=1, database=Path(database)) as portal:
        app = create_app(load(portal.environ))
        wiki = AppDraft("Wiki", (f"https://{WIKI}",), own_cookie=True, for_everyone=True)
        with app.app_context():
            add(wiki, OPERATOR)
        yield portal


class Practice:
    """A proxy with planted faults, and the doctor's visit."""

    def __init__(self, portal: Portal, certificate: Certificate, folder: Path) -> None:
        self.portal, self.certificate, self.folder = portal, certificate, folder
        self.found: list[dict[str, str]] = []

    @contextmanager
    def running(
        self, kind: str, faults: Sequence[tuple[str, str]] = (), portal: str = ""
    ) -> Iterator[tuple[kinds.Prepared, str]]:
        """The proxy, with faults (pattern, instead) in its lines, and where it expects the app.

        ``portal`` is ``host:port`` of a stand-in for the portal.
        """
        kinds.need(kind)
        app_address = f"127.0.0.1:{free_port()}"
        portal = portal or self.portal.url.partition("//")[2]
        template = kinds.template_of(kind)
        lines = proxy_lines.render(
            app_at(f"https://{WIKI}"), template, load({**QUICK, **SETTINGS}),
            portal=portal, upstream=app_address,
        )  # fmt: skip
        if template in SITES:  # the others' lines have the portal's own host
            lines += SITES[template](AUTH, portal, self.folder)
        if kind == "caddy-2.6":  # as deploy/Caddyfile says
            lines = re.sub("request_buffers .*", "buffer_requests", lines)
        for pattern, instead in faults:
            lines, planted = re.subn(pattern, instead, lines)
            assert planted, f"nowhere to plant {pattern}"
        prepared = kinds.prepare(kind, lines, self.folder / "proxy", self.certificate)
        with kinds.running(prepared):
            yield prepared, app_address

    def visit(
        self, kind: str, faults: Sequence[tuple[str, str]], *options: str,
        url: str = f"https://{WIKI}/start?a=b", **settings: str,
    ) -> set[str]:  # fmt: skip
        """Plant faults, and return what the doctor found."""
        with self.running(kind, faults) as (prepared, app_address):
            self.ask(prepared, "--listen", app_address, *options, url=url, **settings)
        return {finding["name"] for finding in self.found}

    def ask(
        self, prepared: kinds.Prepared, *options: str,
        url: str = f"https://{WIKI}/", **settings: str,
    ) -> dict[str, str]:  # fmt: skip
        """Let the doctor ask a running proxy, and return the sentences found, by name."""
        runner = create_app(load({**self.portal.environ, **settings})).test_cli_runner()
        said = runner.invoke(args=[
            "doctor", url, "--json", "--connect", f"127.0.0.1:{prepared.port}",
            "--ca", str(self.certificate.certificate), *options,
        ])  # fmt: skip
        assert said.stdout, said.output or said.exception
        self.found = json.loads(said.stdout)
        assert said.exit_code == (1 if self.found else 0), said.output
        assert all(finding["text"] and finding["mend"] for finding in self.found)
        return {finding["name"]: finding["text"] for finding in self.found}
