"""The lines that are generated: each proxy takes them, and those in ``deploy/`` are current."""

from pathlib import Path

import pytest

from models_apps import App
from services import header_names, proxy_lines
from tests.proxies import kinds
from tests.proxies.write_samples import CONFIG, WIKI, app_at, path_of, sample
from tests.standins.certificate import Certificate

ODD = app_at(
    "https://wiki.example.org",
    "https://wiki.example.net",
    name="Ann's\n{ wiki; }",
    header_names={"user": "X-Auth-User", "email": "X-Auth-Email"},
    signed_header=True,
)


@pytest.mark.parametrize("proxy", proxy_lines.PROXIES)
def test_the_sample_in_deploy_is_what_is_generated(proxy: str) -> None:
    assert path_of(proxy).read_text() == sample(proxy), "not current: make samples"


@pytest.mark.parametrize("kind", kinds.KINDS)
@pytest.mark.parametrize(
    ("app", "portal"),
    [(WIKI, ""), (ODD, "127.0.0.1:8000"), (WIKI, "unix:/run/gatepost/gatepost.sock")],
    ids=["plain", "odd", "socket"],
)
def test_the_proxy_takes_the_lines(
    kind: str, app: App, portal: str, tmp_path: Path, certificate: Certificate
) -> None:
    kinds.need(kind)
    if portal.startswith("unix:") and kind == "haproxy":
        portal = "[::1]:8000"
    lines = proxy_lines.render(app, kinds.template_of(kind), CONFIG, portal=portal)
    said = kinds.check(kinds.prepare(kind, lines, tmp_path, certificate))
    assert said.returncode == 0, said.stdout + said.stderr


def test_what_is_no_address_does_not_get_into_the_lines() -> None:
    for about in ({"portal": "unix:/run/a b"}, {"upstream": "app:1; }"}, {"portal": "localhost"}):
        with pytest.raises(ValueError, match="is no"):
            proxy_lines.render(WIKI, "nginx", CONFIG, **about)
    for proxy in ("haproxy", "traefik"):
        with pytest.raises(ValueError, match="cannot reach"):
            proxy_lines.render(WIKI, proxy, CONFIG, portal=proxy_lines.SOCKET)


@pytest.mark.parametrize("name", ["X-User {", "X-User-", "", "x" * 41, 7])
def test_a_name_that_can_be_none_is_the_usual_one_in_the_lines_as_in_the_answers(
    name: object,
) -> None:
    odd = app_at("https://wiki.example.org", header_names={"user": name})
    for proxy in proxy_lines.PROXIES:
        lines = proxy_lines.render(odd, proxy, CONFIG)
        assert lines == proxy_lines.render(WIKI, proxy, CONFIG)
    assert header_names.list_sent({"user": name}, False)[0] == "Remote-User"
