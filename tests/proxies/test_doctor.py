"""``flask doctor`` finds what is planted, behind real proxies, and nothing where all is right."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from app import create_app
from config import load
from services import proxy_lines
from services.app_drafts import AppDraft
from services.apps import add
from services.audit import OPERATOR
from tests.conftest import QUICK
from tests.portal import Portal, free_port, running
from tests.proxies import kinds
from tests.proxies.conftest import need
from tests.proxies.portal_site import SITES
from tests.proxies.write_samples import CONFIG, app_at
from tests.standins.certificate import Certificate, make_certificate

AUTH, WIKI = "auth.example.org", "wiki.example.org"
SETTINGS = {
    **QUICK,
    "GATEPOST_BASE_URL": f"https://{AUTH}",
    "GATEPOST_APP_DOMAINS": "example.org",
    "GATEPOST_TRUSTED_PROXIES": "127.0.0.1/32",
}


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory, prepared_database: str) -> Iterator[Portal]:
    """A portal that knows the wiki."""
    folder = tmp_path_factory.mktemp("doctor")
    with running(folder, SETTINGS, workers=1, database=Path(prepared_database)) as portal:
        app = create_app(load(portal.environ))
        with app.app_context():
            add(
                AppDraft("Wiki", (f"https://{WIKI}",), own_cookie=True, for_everyone=True), OPERATOR
            )
        yield portal


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """For the portal and the wiki."""
    return make_certificate(tmp_path_factory.mktemp("certificate"), AUTH, WIKI)


class Practice:
    """A proxy with planted faults, and the doctor's visit."""

    def __init__(self, portal: Portal, certificate: Certificate, folder: Path) -> None:
        self.portal, self.certificate, self.folder = portal, certificate, folder

    def visit(
        self, kind: str, faults: list[tuple[str, str]], *options: str, **settings: str
    ) -> set[str]:
        """Plant faults in the lines (pattern, instead), and return what the doctor found."""
        need(kind)
        app_address, portal = f"127.0.0.1:{free_port()}", self.portal.url.partition("//")[2]
        lines = proxy_lines.render(
            app_at(f"https://{WIKI}"), kinds.template_of(kind), CONFIG,
            portal=portal, upstream=app_address,
        )  # fmt: skip
        lines += SITES[kinds.template_of(kind)](AUTH, portal, self.folder)
        for pattern, instead in faults:
            lines, planted = re.subn(pattern, instead, lines)
            assert planted, f"nowhere to plant {pattern}"
        prepared = kinds.prepare(kind, lines, self.folder / "proxy", self.certificate)
        with kinds.running(prepared):
            runner = create_app(load({**self.portal.environ, **settings})).test_cli_runner()
            said = runner.invoke(args=[
                "doctor", f"https://{WIKI}/start?a=b", "--json", "--listen", app_address,
                "--connect", f"127.0.0.1:{prepared.port}",
                "--ca", str(self.certificate.certificate), *options,
            ])  # fmt: skip
        assert said.stdout, said.output or said.exception
        found = json.loads(said.stdout)
        assert said.exit_code == (1 if found else 0), said.output
        assert all(finding["text"] and finding["mend"] for finding in found)
        return {finding["name"] for finding in found}


@pytest.fixture
def practice(portal: Portal, certificate: Certificate, tmp_path: Path) -> Practice:
    """For one visit."""
    return Practice(portal, certificate, tmp_path)


@pytest.mark.parametrize("kind", sorted(SITES))
def test_nothing_is_found_where_the_generated_lines_are(practice: Practice, kind: str) -> None:
    assert practice.visit(kind, []) == set()


@pytest.mark.parametrize(
    ("kind", "faults", "expected"),
    [
        ("nginx", [(r"auth_request +/.gatepost/verdict;", "")], {"not-guarded"}),
        ("nginx", [(r"proxy_set_header Remote-User .*", "")],
         {"identity-survives", "identity-not-copied"}),
        ("nginx", [(r"(proxy_pass http://127\S+ # Wiki)", r"proxy_set_header A b; \1")],
         {"identity-survives", "identity-not-copied", "cookies-reach-app"}),
        ("nginx", [(r"underscores_in_headers off", "underscores_in_headers on"),
                   ("ignore_invalid_headers on", "ignore_invalid_headers off")],
         {"alias-survives", "underscores-merged"}),
        ("nginx", [(r"X-Original-URL    \$scheme", "X-Original-URL http")], {"wrong-scheme"}),
        ("nginx", [(r"proxy_set_header Cookie \$http_cookie;", "")], {"cookies-not-asked-with"}),
        ("nginx", [(r"error_page 401.*", "")], {"not-led-to-sign-in"}),
        ("nginx", [(r"(upstream gatepost_verdicts \{\n    server) [^;]*", r"\1 127.0.0.1:1")],
         {"no-verdict"}),
        ("nginx", [(r"proxy_set_header Cookie +\$gatepost_cookies;", "")], {"cookies-reach-app"}),
        ("nginx", [(r"location /api/authz/ ", "location /api/other/ ")],
         {"verdicts-for-strangers"}),
        ("nginx", [(r"\$remote_addr; # replaced", "$http_x_forwarded_for; #")],
         {"client-forged"}),
        ("nginx", [(r"location = /.gatepost/hand-over", "location = /elsewhere")],
         {"hand-over-blocked"}),
        ("caddy", [(r"request_header -\*_\*", ""), (r"request_header -Remote-\*", "")],
         {"identity-not-deleted"}),
        ("caddy-2.6", [(r"request_header -\*\.\*", "")], {"alias-survives"}),
        ("nginx", [(r"Upgrade +\$gatepost_upgrade", "Upgrade $http_upgrade")], {"tunnel-open"}),
        ("caddy", [("request_header @other_upgrade.*", "")], {"tunnel-open"}),
        ("caddy", [(r"copy_headers.*", "")], {"identity-not-copied"}),
        ("caddy", [(r"(uri /api/authz/forward-auth)", r"\1\n header_up X-Forwarded-Proto http")],
         {"wrong-scheme"}),
        ("caddy", [(r"respond /api/authz/\* 404", 'redir /sign-in* /sign-in?again={path}')],
         {"redirect-loop"}),
    ],
)  # fmt: skip
def test_a_planted_fault_is_found(
    practice: Practice, kind: str, faults: list[tuple[str, str]], expected: set[str]
) -> None:
    assert practice.visit(kind, faults) == expected


def test_faults_of_the_settings_are_found(practice: Practice) -> None:
    found = practice.visit(
        "nginx",
        [],
        "--direct",
        practice.portal.url,
        GATEPOST_TRUSTED_PROXIES="0.0.0.0/0",
        GATEPOST_APP_DOMAINS="example.net",
    )
    assert found == {"trust-too-wide", "app-outside", "around-the-proxy"}


@pytest.mark.settings(
    GATEPOST_BASE_URL="https://auth.team.example.org",
    GATEPOST_APP_DOMAINS="example.org",
    GATEPOST_TRUSTED_PROXIES="unix",
)
def test_a_cookie_for_more_than_the_apps_is_found(app: Flask, runner: FlaskCliRunner) -> None:
    with app.app_context():
        add(AppDraft("Board", ("https://board.team.example.org",)), OPERATOR)
    said = runner.invoke(args=["doctor", "--json"])
    found = {finding["name"]: finding["mend"] for finding in json.loads(said.stdout)}
    assert found["cookie-too-wide"] == "GATEPOST_APP_DOMAINS=team.example.org"
    assert set(found) == {"cookie-too-wide", "app-for-nobody"}
    said = runner.invoke(args=["doctor", "https://other.example.org/"])
    assert said.exit_code == 1
    assert "There is no such app." in said.output
