"""The portal's own host behind nginx or Caddy, by the configurations in ``deploy/``."""

import re
from pathlib import Path

from tests.portal import ROOT, free_port

DEPLOY = ROOT / "deploy"


def nginx_site(host: str, portal: str, folder: Path) -> str:
    """``deploy/nginx.conf`` for a host and a portal at ``host:port``."""
    return _replaced(
        (DEPLOY / "nginx.conf").read_text(),
        (r"login\.example\.org", host),
        (r"unix:/run/gatepost/gatepost.sock", portal),
        (r"/var/log/nginx", str(folder)),
        (r"listen 80;", f"listen 127.0.0.1:{free_port()};"),
    )


def caddy_site(host: str, portal: str, folder: Path) -> str:
    """The site of ``deploy/Caddyfile`` for a host and a portal at ``host:port``."""
    site = (
        "\nlogin.example.org {"
        + (DEPLOY / "Caddyfile").read_text().partition("\nlogin.example.org {")[2]
    )
    return _replaced(
        site,
        (r"login\.example\.org", f"https://{host}"),
        (r"unix//run/gatepost/gatepost.sock", portal),
        (r"/var/log/caddy", str(folder)),
    )


SITES = {"nginx": nginx_site, "caddy": caddy_site}


def _replaced(lines: str, *pairs: tuple[str, str]) -> str:
    for pattern, instead in pairs:
        lines, found = re.subn(pattern, instead, lines)
        assert found, f"the lines have no {pattern}"
    return lines
