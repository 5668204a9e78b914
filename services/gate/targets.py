"""The address that somebody wants to open in an app, read once and strictly.

What a browser, a proxy and an app would read differently is refused here, so that
nothing behind this module has to think of it. Looks nothing up but, in ``read``, the settings.
"""

import re
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

import idna

from extensions import settings

LONGEST = 8000
"""Characters of a whole address: what all proxies pass on, and no more."""


class Flaw(StrEnum):
    """What is wrong with an address; the words stand in the operator's log."""

    TOO_LONG = "longer than 8000 characters"
    CHARACTERS = "holds a space, a control character or something that is not ASCII"
    NOT_AN_ADDRESS = "is not a whole address such as https://wiki.example.org/page"
    PLAIN_HTTP = "is http, not https"
    USER = "holds a user name"
    HOST = "has no plain host name"
    PORT = "has a port that there is not"
    PATH = "has a path that begins otherwise than with one /, or holds a backslash"
    FRAGMENT = "holds a #"
    METHOD = "comes with a method that is not capital letters"


class TargetRefused(Exception):
    """The address cannot be used; ``reason`` says why."""

    def __init__(self, reason: Flaw) -> None:
        super().__init__(str(reason))
        self.reason = reason


class Target(NamedTuple):
    """One request to an app, as its proxy tells of it."""

    method: str
    scheme: str
    """``https``, or ``http`` where that is allowed; ``wss`` and ``ws`` are the same."""
    host: str
    """In lower case."""
    port: int
    origin: str
    """As apps are registered: ``https://wiki.example.org``, without the scheme's own port."""
    raw_path: str
    """As sent, without the query; ``/`` where there is none."""
    path: str
    """Decoded once."""
    query: str

    @property
    def url(self) -> str:
        """The whole address, as safe to redirect to as its origin is."""
        query = self.query.replace("\\", "%5C")
        return f"{self.origin}{self.raw_path}?{query}" if query else self.origin + self.raw_path

    @property
    def has_plain_path(self) -> bool:
        """Whether nobody can read the path in another way than we do.

        No encoding, no ``//``, ``;``, ``.`` or ``..``; no trace of two headers joined by a comma.
        """
        return self.raw_path == self.path and _PLAIN_PATH.fullmatch(self.path) is not None


_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#\\]*)([^?#]*)(?:\?([^#]*))?(#.*)?")
_PRINTABLE = re.compile(r"[!-~]+")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
_PORT = re.compile(r"[0-9]{1,5}")
_METHOD = re.compile(r"[A-Z]{1,20}")
_PLAIN_PATH = re.compile(r"(?!.*(?://|,/|/\.{1,2}(?:/|\Z)))/[A-Za-z0-9/._~!$&'()*+,=:@-]*")
_SCHEMES = {"https": "https", "wss": "https", "http": "http", "ws": "http"}
_OWN_PORT = {"https": 443, "http": 80}


def read(url: str) -> Target:
    """Read a whole address as strictly as the running app's settings say: http is for development.

    Raises ``TargetRefused``.
    """
    return parse(url, allow_http=settings().development)


def parse(url: str, method: str = "GET", *, allow_http: bool) -> Target:
    """Read a whole address strictly. Raises ``TargetRefused``."""
    if len(url) > LONGEST:
        raise TargetRefused(Flaw.TOO_LONG)
    if _PRINTABLE.fullmatch(url) is None:
        raise TargetRefused(Flaw.CHARACTERS)
    if method != "GET" and _METHOD.fullmatch(method) is None:
        raise TargetRefused(Flaw.METHOD)
    found = _ADDRESS.fullmatch(url)
    if found is None:
        raise TargetRefused(Flaw.NOT_AN_ADDRESS)
    scheme, authority, raw_path, query, fragment = found.groups()
    if fragment:
        raise TargetRefused(Flaw.FRAGMENT)
    if raw_path and (raw_path[0] != "/" or "\\" in raw_path):
        raise TargetRefused(Flaw.PATH)
    scheme, host, port, origin = _read_origin(scheme, authority, allow_http)
    raw_path = raw_path or "/"
    path = unquote(raw_path) if "%" in raw_path else raw_path
    return Target(method, scheme, host, port, origin, raw_path, path, query or "")


def parse_origin(text: str, *, allow_http: bool) -> str:
    """The origin of an address that an administrator typed: ``Wiki.example.org/`` will do.

    Names beyond ASCII get their IDNA form (RFC 5891). Raises ``TargetRefused``, also
    where a path or a query follows.
    """
    text = text.strip()
    whole = text if "://" in text else f"https://{text}"
    scheme, _, rest = whole.partition("://")
    authority, slash, path = rest.partition("/")
    if path or not authority:
        raise TargetRefused(Flaw.NOT_AN_ADDRESS)
    target = parse(f"{scheme}://{_to_ascii(authority)}{slash}", allow_http=allow_http)
    if target.query:
        raise TargetRefused(Flaw.NOT_AN_ADDRESS)
    return target.origin


@lru_cache(maxsize=1024)
def _read_origin(scheme: str, authority: str, allow_http: bool) -> tuple[str, str, int, str]:
    """Scheme, host, port and origin; remembered, since a portal sees few and sees them often."""
    known = _SCHEMES.get(scheme.lower())
    if known is None:
        raise TargetRefused(Flaw.NOT_AN_ADDRESS)
    if known == "http" and not allow_http:
        raise TargetRefused(Flaw.PLAIN_HTTP)
    if "@" in authority:
        raise TargetRefused(Flaw.USER)
    host, colon, digits = authority.lower().partition(":")
    if _HOST.fullmatch(host) is None:
        raise TargetRefused(Flaw.HOST)
    port = _read_port(digits) if colon else _OWN_PORT[known]
    shown = "" if port == _OWN_PORT[known] else f":{port}"
    return known, host, port, f"{known}://{host}{shown}"


def _read_port(digits: str) -> int:
    if _PORT.fullmatch(digits) is None or not 0 < int(digits) < 65536:
        raise TargetRefused(Flaw.PORT)
    return int(digits)


def _to_ascii(authority: str) -> str:
    if authority.isascii():
        return authority
    host, colon, port = authority.partition(":")
    try:
        return idna.encode(host, uts46=True).decode() + colon + port
    except idna.IDNAError as error:
        raise TargetRefused(Flaw.HOST) from error
