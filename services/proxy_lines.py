"""The lines to paste into a reverse proxy so that it asks Gatepost about each request to an app.

One template for each proxy, under ``templates/proxies``; the same lines are on an
app's page, in ``deploy/forward-auth`` and in the tests, which run them in real proxies.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from config import ROOT, Config
from config_values import UNIX_SOCKET
from models_apps import App
from services.header_names import IDENTITY, SIGNED, complete

PROXIES = ("nginx", "caddy", "traefik", "haproxy", "envoy")

FILES = {
    "nginx": "nginx.conf",
    "caddy": "Caddyfile",
    "traefik": "traefik.yaml",
    "haproxy": "haproxy.cfg",
    "envoy": "envoy.yaml",
}
"""The name of each proxy's file, as a template and in ``deploy/forward-auth``."""

ASKED_WITH = (
    "Cookie", "Authorization", "Accept", "Accept-Language", "User-Agent", "Origin", "Upgrade",
    "Sec-Fetch-Mode", "Sec-Fetch-Site", "Sec-Fetch-Dest", "X-Requested-With",
    "Access-Control-Request-Method",
)  # fmt: skip
"""What the verdict looks at, of all that a browser sends."""

OF_THE_FAMILIES = (
    "X-Original-URL", "X-Original-Method", "X-Forwarded-Method", "X-Forwarded-Uri",
    "X-Forwarded-Prefix",
)  # fmt: skip
"""What only a proxy may say, and says itself where it does."""

BELIEVED = (
    "Forwarded", "X-Rewrite-URL", "X-Real-IP", "X-Forwarded-Port", "X-Forwarded-Scheme",
    "X-Forwarded-Server", "X-Forwarded-Ssl",
)  # fmt: skip
"""What apps may believe of the proxy before them: another path, address, scheme or port."""

SOCKET = "unix:/run/gatepost/gatepost.sock"
LOOPBACK = "127.0.0.1:8000"
"""Where the portal listens, as ``deploy/gatepost.service`` and ``make serve`` have it."""

REACH_A_SOCKET = frozenset({"nginx", "caddy", "envoy"})
"""HAProxy is locked into a folder of its own (``chroot``), Traefik speaks TCP alone."""

# A visitor's cookies before and after one of the portal's, as a regular expression of PCRE.
OWN_COOKIE = (
    r"^(?<gatepost_before>(?:.*;)?\s*)(?:__Host-|__Secure-)?gatepost_[^;]*(?:;\s*)?"
    r"(?<gatepost_after>.*)$"
)

_templates = Environment(
    loader=FileSystemLoader(ROOT / "templates" / "proxies"),
    autoescape=False,  # noqa: S701 - what comes out is no page; every value is checked on its way in
    undefined=StrictUndefined,
    keep_trailing_newline=True,
)


@dataclass(frozen=True)
class Portal:
    """Where the proxy finds the portal: the path of a Unix socket, or ``host:port``."""

    socket: str
    address: str

    @property
    def for_nginx(self) -> str:
        """In an ``upstream``."""
        return f"unix:{self.socket}" if self.socket else self.address

    @property
    def for_caddy(self) -> str:
        """As an upstream."""
        return f"unix/{self.socket}" if self.socket else self.address

    @property
    def for_envoy(self) -> str:
        """As an address, inside braces."""
        if self.socket:
            return f'pipe: {{ path: "{self.socket}" }}'
        host, _, port = self.address.rpartition(":")
        return f'socket_address: {{ address: "{host}", port_value: {port} }}'


@dataclass(frozen=True)
class Site:
    """The addresses of an app on one port: one ``server`` of nginx."""

    https: bool
    port: int
    origins: tuple[str, ...]
    hosts: tuple[str, ...]

    @property
    def suffix(self) -> str:
        """What follows the host in an address: nothing, or the port that is not the scheme's."""
        return "" if self.port == (443 if self.https else 80) else f":{self.port}"


def render(
    app: App, proxy: str, config: Config, *, portal: str = "", upstream: str = "127.0.0.1:3000"
) -> str:
    """The lines for one app and one of ``PROXIES``.

    ``portal`` is where the proxy reaches the portal, ``unix:/path`` or ``host:port``
    (default: the usual socket where the settings trust one, else the usual port);
    ``upstream`` is where it reaches the app, ``host:port``. Raises ``KeyError`` for
    another proxy, ``ValueError`` for addresses that are none.
    """
    by_socket = UNIX_SOCKET in config.trusted_proxies and proxy in REACH_A_SOCKET
    where = _read_portal(portal or (SOCKET if by_socket else LOOPBACK))
    if where.socket and proxy not in REACH_A_SOCKET:
        raise ValueError(f"{proxy} cannot reach {portal}")
    values = _values_of(app, upstream)
    template = _templates.get_template(FILES[proxy])
    lines = template.render(portal=where, portal_host=config.host, **values)
    return lines.strip("\n") + "\n"


def identity_of(app: App) -> dict[str, str]:
    """The identity headers that the app gets: what each says, and its name."""
    names = complete(app.header_names)
    return {**names, "jwt": SIGNED} if app.signed_header else names


def check_address(address: str) -> str:
    """The same address, where it is ``host:port``. Raises ``ValueError``."""
    found = re.fullmatch(r"(?:[\w.-]+|\[[0-9a-fA-F:]+\]):(\d{1,5})", address)
    if found is None or not 0 < int(found.group(1)) < 65536:
        raise ValueError(f"{address} is no host:port")
    return address


def _values_of(app: App, upstream: str) -> dict[str, Any]:
    sites = _sites_of([address.origin for address in app.addresses])
    hosts = list(dict.fromkeys(host for site in sites for host in site.hosts))
    identity = identity_of(app)
    known = [*IDENTITY.values(), SIGNED]
    own = [name for name in identity.values() if name not in known]
    forged = [*OF_THE_FAMILIES, *BELIEVED, *known, *own]
    upstream_host, _, upstream_port = check_address(upstream).rpartition(":")
    return {
        "app_name": " ".join(app.name.split()),  # in comments: it must not begin a line
        "asked_with": list(ASKED_WITH),
        "families": [*OF_THE_FAMILIES, "Forwarded", "X-Rewrite-URL", "HTTP2-Settings"],
        "envoy_domains": ", ".join(_envoy_domains(sites)),
        "forged": forged,
        "forged_spelt": list(_spell(*known, *own)),
        "hosts": hosts,
        "identity": identity,
        "not_passed": [name for name in forged if name not in identity.values()],
        "own_cookie": OWN_COOKIE,
        "sites": sites,
        "slug": re.sub(r"[^a-z0-9]+", "-", app.name.lower()).strip("-") or "app",
        "traefik_hosts": " || ".join(f"Host(`{host}`)" for host in hosts),
        "upstream": upstream,
        "upstream_host": upstream_host,
        "upstream_port": upstream_port,
    }


def _spell(*names: str) -> dict[str, None]:
    """Names in every spelling that some apps take for them, each once."""
    return dict.fromkeys(name.replace("-", sign) for name in names for sign in "-_.")


def _sites_of(origins: Sequence[str]) -> list[Site]:
    return [
        Site(https, port, tuple(group), tuple(urlsplit(o).hostname or "" for o in group))
        for (https, port), group in _by_port(origins)
    ]


def _by_port(origins: Sequence[str]) -> Iterator[tuple[tuple[bool, int], list[str]]]:
    for key, group in groupby(sorted(origins, key=_port_of, reverse=True), key=_port_of):
        yield key, sorted(group, key=origins.index)


def _port_of(origin: str) -> tuple[bool, int]:
    parts = urlsplit(origin)
    https = parts.scheme == "https"
    return https, parts.port or (443 if https else 80)


def _envoy_domains(sites: Sequence[Site]) -> Iterator[str]:
    """Each host as browsers send it, and with the port as some other programs do."""
    for site in sites:
        for host in site.hosts:
            yield from dict.fromkeys((f'"{host}{site.suffix}"', f'"{host}:{site.port}"'))


def _read_portal(portal: str) -> Portal:
    if portal.startswith("unix:"):
        path = portal.removeprefix("unix:")
        if not re.fullmatch(r"/[\w./-]+", path):
            raise ValueError(f"{portal} is no Unix socket")
        return Portal(path, "")
    return Portal("", check_address(portal))
