"""What each family of reverse proxies says about the request it asks about.

Every family has an address of its own and reads its own headers only, never "whichever
is there": a visitor can forge those that the proxy does not set. What is missing, or
could be read in two ways, is a mistake in the proxy's settings. Decides nothing.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from blueprints.guard import SAFE_METHODS
from services.gate import targets
from services.gate.targets import Flaw, Target, TargetRefused
from services.gate.verdict import Question

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

AUTH_REQUEST, FORWARD_AUTH, EXT_AUTHZ = "auth-request", "forward-auth", "ext-authz"
FAMILIES = frozenset({AUTH_REQUEST, FORWARD_AUTH, EXT_AUTHZ})
PREFIX = "/api/authz/"
MISSING = "is missing"
AMBIGUOUS = "holds two values, or what cannot be part of an address"

_ADDRESSES = {PREFIX + family: family for family in FAMILIES}
_BEFORE = f"{PREFIX}{EXT_AUTHZ}"
_HOST = re.compile(r"[A-Za-z0-9._-]+(?::[0-9]+)?")
_SCHEMES = frozenset({"https", "wss", "http", "ws"})
_TWO_ADDRESSES = re.compile(r",\s*[A-Za-z]+://")
_SHOWN = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"


class ProxyMistake(Exception):
    """A proxy asks in a way that cannot be answered: which of its headers, and what is wrong."""

    def __init__(self, header: str, flaw: str) -> None:
        super().__init__(f"{header} {flaw}")
        self.header, self.flaw = header, flaw


class Original(NamedTuple):
    """The visitor's own request: its whole address, its method, and whether the path is raw."""

    url: str
    method: str
    path_is_certain: bool


def find_family(path: str) -> str:
    """The family whose address this path of the portal's is, or ""; Envoy appends its own."""
    return _ADDRESSES.get(path) or (EXT_AUTHZ if path.startswith(f"{_BEFORE}/") else "")


def read_original(family: str, environ: "WSGIEnvironment") -> Original:
    """What the proxy says of the visitor's request, as it says it. Raises ``ProxyMistake``."""
    return _READERS[family](environ)


def read_question(family: str, environ: "WSGIEnvironment", *, allow_http: bool) -> Question:
    """What is asked. Raises ``ProxyMistake``."""
    original = read_original(family, environ)
    url = original.url if original.url.isascii() else _spell_out(original.url)
    try:
        target = targets.parse(url, original.method, allow_http=allow_http)
    except TargetRefused as refused:
        raise ProxyMistake(_header_of(family, refused.reason), str(refused.reason)) from refused
    return Question(
        target,
        original.path_is_certain,
        target.method == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ,
        _is_cross_site_write(target, environ),
    )


def is_navigation(question: Question, environ: "WSGIEnvironment") -> bool:
    """Whether a person opens a page (Fetch Metadata), so that a redirect makes sense.

    Without ``Sec-Fetch-Mode`` an ``Accept`` that lists HTML decides; ``*/*`` alone is a script.
    """
    if environ.get("HTTP_X_REQUESTED_WITH", "").lower() == "xmlhttprequest":
        return False
    if _is_web_socket(environ) or question.is_preflight:
        return False
    mode = environ.get("HTTP_SEC_FETCH_MODE")
    if mode:
        return bool(mode == "navigate")
    return "text/html" in environ.get("HTTP_ACCEPT", "").lower()


def _read_auth_request(environ: "WSGIEnvironment") -> Original:
    url = _need(environ, "X-Original-URL")
    if _TWO_ADDRESSES.search(url):
        raise ProxyMistake("X-Original-URL", AMBIGUOUS)
    return Original(url, _need(environ, "X-Original-Method"), True)


def _read_forward_auth(environ: "WSGIEnvironment") -> Original:
    origin = _read_origin(environ, "X-Forwarded-Host")
    uri = _need(environ, "X-Forwarded-Uri")
    if uri[0] != "/":
        raise ProxyMistake("X-Forwarded-Uri", AMBIGUOUS)
    return Original(origin + uri, _need(environ, "X-Forwarded-Method"), True)


def _read_ext_authz(environ: "WSGIEnvironment") -> Original:
    """The request line itself; only some servers hand it on as it came.

    Where Envoy's prefix ends in a slash, as in many a snippet, the path has one more.
    """
    origin = _read_origin(environ, "Host")
    method = str(environ.get("REQUEST_METHOD", ""))
    raw = environ.get("RAW_URI", "")
    if raw.startswith(_BEFORE):
        rest = raw[len(_BEFORE) :]
        is_certain = not rest.startswith("//")
    else:
        path = environ.get("PATH_INFO", "").encode("latin-1")[len(_BEFORE) :]
        query = environ.get("QUERY_STRING", "")
        rest, is_certain = f"{quote(path)}{'?' if query else ''}{query}", False
    rest = rest[1:] if rest.startswith("//") else rest
    return Original(f"{origin}{'' if rest.startswith('/') else '/'}{rest}", method, is_certain)


_READERS: dict[str, Callable[["WSGIEnvironment"], Original]] = {
    AUTH_REQUEST: _read_auth_request,
    FORWARD_AUTH: _read_forward_auth,
    EXT_AUTHZ: _read_ext_authz,
}
_VARIABLES = {
    name: "HTTP_" + name.upper().replace("-", "_")
    for name in (
        "X-Original-URL", "X-Original-Method", "X-Forwarded-Proto", "X-Forwarded-Host",
        "X-Forwarded-Uri", "X-Forwarded-Method", "Host",
    )
}  # fmt: skip


def _need(environ: "WSGIEnvironment", header: str) -> str:
    value: str = environ.get(_VARIABLES[header], "")
    if not value:
        raise ProxyMistake(header, MISSING)
    return value


def _read_origin(environ: "WSGIEnvironment", host_header: str) -> str:
    """Scheme and host, each from a header of its own."""
    return _join(_need(environ, "X-Forwarded-Proto"), _need(environ, host_header), host_header)


@lru_cache(maxsize=1024)  # a portal sees few, and sees them often
def _join(scheme: str, host: str, host_header: str) -> str:
    """The two as one origin: neither may bring a path along."""
    if scheme.lower() not in _SCHEMES:
        raise ProxyMistake("X-Forwarded-Proto", AMBIGUOUS)
    if _HOST.fullmatch(host) is None:
        raise ProxyMistake(host_header, AMBIGUOUS)
    return f"{scheme.lower()}://{host}"


def _header_of(family: str, flaw: Flaw) -> str:
    """The header that a flaw of the whole address came in by."""
    if family == AUTH_REQUEST:
        return "X-Original-Method" if flaw is Flaw.METHOD else "X-Original-URL"
    if flaw is Flaw.PLAIN_HTTP:
        return "X-Forwarded-Proto"
    if flaw in {Flaw.HOST, Flaw.PORT}:
        return "Host" if family == EXT_AUTHZ else "X-Forwarded-Host"
    if family == EXT_AUTHZ:
        return "the request line"
    return "X-Forwarded-Method" if flaw is Flaw.METHOD else "X-Forwarded-Uri"


def _spell_out(url: str) -> str:
    """Bytes beyond ASCII, which some clients send as they are, percent-encoded."""
    return quote(url.encode("latin-1", "replace"), safe=_SHOWN)


def _is_web_socket(environ: "WSGIEnvironment") -> bool:
    """A handshake (RFC 6455); some proxies ask without its ``Upgrade``."""
    return (
        environ.get("HTTP_UPGRADE", "").lower() == "websocket"
        or "HTTP_SEC_WEBSOCKET_KEY" in environ
        or environ.get("HTTP_SEC_FETCH_MODE") == "websocket"
    )


def _is_cross_site_write(target: Target, environ: "WSGIEnvironment") -> bool:
    """Sibling apps are same-site, so no cookie's SameSite keeps their pages' requests away."""
    if target.method in SAFE_METHODS and not _is_web_socket(environ):
        return False
    site = environ.get("HTTP_SEC_FETCH_SITE")
    if site:
        return site not in {"same-origin", "none"}
    origin = environ.get("HTTP_ORIGIN")  # "null" is what a sandboxed frame of anybody's says
    return bool(origin and origin.lower() != target.origin)
