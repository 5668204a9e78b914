"""What each family of reverse proxies says about the request it asks about.

Every family has an address of its own and reads its own headers only, never "whichever
is there": a visitor can forge those that the proxy does not set. Decides nothing.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from services.gate import targets
from services.gate.targets import Target
from services.gate.verdict import Question

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
AUTH_REQUEST, FORWARD_AUTH, EXT_AUTHZ = "auth-request", "forward-auth", "ext-authz"
FAMILIES = frozenset({AUTH_REQUEST, FORWARD_AUTH, EXT_AUTHZ})
PREFIX = "/api/authz/"


class HeaderMissing(Exception):
    """The proxy did not send a header that its family needs; ``line`` mends its settings."""

    def __init__(self, header: str, proxy: str, line: str) -> None:
        super().__init__(header)
        self.header, self.proxy, self.line = header, proxy, line


class Original(NamedTuple):
    """The visitor's own request: its whole address, its method, and whether the path is raw."""

    url: str
    method: str
    path_is_certain: bool


def read_question(family: str, environ: "WSGIEnvironment", *, allow_http: bool) -> Question:
    """What is asked. Raises ``HeaderMissing`` and ``targets.TargetRefused``."""
    original = _READERS[family](environ)
    target = targets.parse(original.url, original.method, allow_http=allow_http)
    return Question(
        target,
        original.path_is_certain,
        is_preflight=_is_preflight(target, environ),
        is_cross_site_write=_is_cross_site_write(target, environ),
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
    if mode is not None:
        return bool(mode == "navigate")
    return "text/html" in environ.get("HTTP_ACCEPT", "").lower()


def _read_auth_request(environ: "WSGIEnvironment") -> Original:
    url = _need(
        environ, "X-Original-URL", "nginx",
        "proxy_set_header X-Original-URL $scheme://$http_host$request_uri;",
    )  # fmt: skip
    method = _need(
        environ, "X-Original-Method", "nginx", "proxy_set_header X-Original-Method $request_method;"
    )
    return Original(url, method, True)


def _read_forward_auth(environ: "WSGIEnvironment") -> Original:
    proxy = "Caddy, Traefik or HAProxy"
    scheme, host, uri, method = (
        _need(environ, f"X-Forwarded-{name}", proxy, "use the proxy's own forward-auth directive")
        for name in ("Proto", "Host", "Uri", "Method")
    )
    return Original(f"{scheme}://{host}{uri}", method, True)


def _read_ext_authz(environ: "WSGIEnvironment") -> Original:
    """The request line itself; only some servers hand it on as it came."""
    scheme = _need(
        environ, "X-Forwarded-Proto", "Envoy",
        "headers_to_add: [{header: {key: x-forwarded-proto, value: '%REQ(:SCHEME)%'}}]",
    )  # fmt: skip
    host = _need(environ, "Host", "Envoy", "allowed_headers: {patterns: [{exact: host}]}")
    raw = environ.get("RAW_URI", "")
    before = f"{PREFIX}{EXT_AUTHZ}"
    if raw.startswith(before):
        return Original(f"{scheme}://{host}{_rooted(raw[len(before) :])}", _method(environ), True)
    path = environ.get("PATH_INFO", "").encode("latin-1")[len(before) :]
    query = environ.get("QUERY_STRING", "")
    address = f"{scheme}://{host}{_rooted(quote(path))}{'?' if query else ''}{query}"
    return Original(address, _method(environ), False)


_READERS: dict[str, Callable[["WSGIEnvironment"], Original]] = {
    AUTH_REQUEST: _read_auth_request,
    FORWARD_AUTH: _read_forward_auth,
    EXT_AUTHZ: _read_ext_authz,
}


def _need(environ: "WSGIEnvironment", header: str, proxy: str, line: str) -> str:
    value: str = environ.get("HTTP_" + header.upper().replace("-", "_"), "")
    if not value:
        raise HeaderMissing(header, proxy, line)
    return value


def _method(environ: "WSGIEnvironment") -> str:
    return str(environ.get("REQUEST_METHOD", "GET"))


def _rooted(path: str) -> str:
    return path if path.startswith("/") else f"/{path}"


def _is_web_socket(environ: "WSGIEnvironment") -> bool:
    return bool(environ.get("HTTP_UPGRADE", "").lower() == "websocket")


def _is_preflight(target: Target, environ: "WSGIEnvironment") -> bool:
    return target.method == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ


def _is_cross_site_write(target: Target, environ: "WSGIEnvironment") -> bool:
    """Sibling apps are same-site, so no cookie's SameSite keeps their pages' requests away."""
    if target.method in SAFE_METHODS and not _is_web_socket(environ):
        return False
    site = environ.get("HTTP_SEC_FETCH_SITE")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = environ.get("HTTP_ORIGIN")
    return origin is not None and origin.lower() != target.origin
