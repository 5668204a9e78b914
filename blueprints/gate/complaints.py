"""What the operator reads when a proxy asks in a way that cannot be answered.

Each line names the header, the proxy, and the line that mends the proxy's settings.
A visitor can cause them too: the same complaint is logged once in ten seconds.
"""

import time
from collections.abc import Mapping

import structlog

from blueprints.gate.proxy_requests import AUTH_REQUEST, EXT_AUTHZ, FORWARD_AUTH, ProxyMistake
from services.gate.targets import Flaw

log = structlog.get_logger("gatepost.gate")

SECONDS = 10
MOST_KINDS = 200

_WHERE_TLS_ENDS = {
    AUTH_REQUEST: (
        "nginx, where TLS ends before it:"
        " proxy_set_header X-Original-URL https://$http_host$request_uri;"
    ),
    FORWARD_AUTH: (
        "HAProxy: http-request set-header X-Forwarded-Proto https"
        " | Caddy, where TLS ends before it: servers { trusted_proxies static 192.0.2.1/32 }"
        " | Traefik: entryPoints.websecure.forwardedHeaders.trustedIPs: [192.0.2.1/32]"
    ),
    EXT_AUTHZ: "Envoy: headers_to_add: [{ key: x-forwarded-proto, value: https }]",
}
_BY_ITSELF = "Caddy and Traefik send it by themselves | HAProxy: http-request set-header "
_LINES: Mapping[tuple[str, str], str] = {
    (AUTH_REQUEST, "X-Original-URL"): (
        "nginx: proxy_set_header X-Original-URL $scheme://$http_host$request_uri;"
    ),
    (AUTH_REQUEST, "X-Original-Method"): (
        "nginx: proxy_set_header X-Original-Method $request_method;"
    ),
    (FORWARD_AUTH, "X-Forwarded-Proto"): f"{_BY_ITSELF}X-Forwarded-Proto https",
    (FORWARD_AUTH, "X-Forwarded-Host"): f"{_BY_ITSELF}X-Forwarded-Host %[req.hdr(host)]",
    (FORWARD_AUTH, "X-Forwarded-Uri"): f"{_BY_ITSELF}X-Forwarded-Uri %[url]",
    (FORWARD_AUTH, "X-Forwarded-Method"): f"{_BY_ITSELF}X-Forwarded-Method %[method]",
    (EXT_AUTHZ, "X-Forwarded-Proto"): (
        'Envoy: headers_to_add: [{ key: x-forwarded-proto, value: "%REQ(:SCHEME)%" }]'
    ),
    (EXT_AUTHZ, "Host"): "Envoy: allowed_headers: { patterns: [{ exact: host }] }",
}


class Complaints:
    """The complaints of one process, each logged seldom."""

    def __init__(self) -> None:
        self._next: dict[tuple[str, ...], float] = {}

    def of_mistake(self, family: str, mistake: ProxyMistake, client: str) -> None:
        """The proxy's headers cannot be used."""
        if self._is_due("header", family, mistake.header, mistake.flaw):
            log.warning(
                "gate_header_unusable", family=family, header=mistake.header, client=client,
                text=f"{mistake} | {_find_line(family, mistake)}",
            )  # fmt: skip

    def of_caller(self, peer: str) -> None:
        """Somebody asks who is no trusted proxy."""
        if self._is_due("caller", peer):
            log.warning(
                "gate_caller_refused", peer=peer or "unix",
                text=f"add {peer or 'unix'} to GATEPOST_TRUSTED_PROXIES if this is your proxy",
            )  # fmt: skip

    def of_unknown_app(self, origin: str, client: str) -> None:
        """No app has this address."""
        if self._is_due("app", origin):
            log.warning(
                "gate_app_unknown", origin=origin, client=client,
                text=f"no app has this address: flask app add NAME {origin}",
            )  # fmt: skip

    def _is_due(self, *kind: str) -> bool:
        moment = time.monotonic()
        if moment < self._next.get(kind, 0.0):
            return False
        if len(self._next) >= MOST_KINDS:
            # a copy: other threads complain meanwhile
            self._next = {k: then for k, then in self._next.copy().items() if then > moment}
            if len(self._next) >= MOST_KINDS:
                return False
        self._next[kind] = moment + SECONDS
        return True


def _find_line(family: str, mistake: ProxyMistake) -> str:
    if mistake.flaw == Flaw.PLAIN_HTTP:
        return _WHERE_TLS_ENDS[family]
    return _LINES.get((family, mistake.header), "see the lines on the app's page")
