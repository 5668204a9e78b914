"""Answers the doctor (``flask doctor``) before anything else does: what was the portal asked with?

Only requests with a sealed token of this portal's own, a minute old at most, are
answered here; all others go on untouched. Writes nothing down.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.http import parse_cookie
from werkzeug.wrappers import Request, Response

from blueprints.client_address import client_address, may_ask_for_verdicts
from blueprints.gate import proxy_requests
from blueprints.gate.proxy_requests import (
    AUTH_REQUEST,
    FAMILIES,
    PREFIX,
    Original,
    ProxyMistake,
)
from config import Config
from services.doctor import probes
from services.doctor.probes import LOOK, PASS, Probe, Report

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PAGES = frozenset({probes.PATH, "/.gatepost/hand-over"})
_TOLD = ("x-forwarded-", "x-original-", "remote-", "remote_", "x-real-ip", "forwarded")
_LONGEST = 200
"""Characters of a header's value that a report keeps: it travels in an address."""


class DoctorProbe:
    """Stands before the whole portal; costs other requests one look at their cookies."""

    def __init__(self, app: Flask, inner: "WSGIApplication") -> None:
        self._config: Config = app.extensions["gatepost"]
        self._inner = inner

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        answer = None
        if probes.COOKIE in environ.get("HTTP_COOKIE", ""):
            answer = self._answer(environ)
        return (answer or self._inner)(environ, start_response)

    def _answer(self, environ: "WSGIEnvironment") -> Response | None:
        path: str = environ.get("PATH_INFO", "")
        family = path.removeprefix(PREFIX).split("/")[0] if path.startswith(PREFIX) else ""
        if path not in _PAGES and family not in FAMILIES:
            return None
        probe = self._read_probe(environ["HTTP_COOKIE"])
        if probe is None:
            return None
        report = self._report(probe, family, Request(environ))
        if probe.kind == LOOK:
            return self._tell(report)
        if probe.kind == PASS and urlsplit(report.url).hostname == probe.host:
            return _not_kept(Response(status=200, headers=probe.identity))
        return None

    def _read_probe(self, cookies: str) -> Probe | None:
        token = parse_cookie(cookies).get(probes.COOKIE, "")
        return probes.read(self._config, token) if token else None

    def _report(self, probe: Probe, family: str, request: Request) -> Report:
        trusted = self._config.trusted_proxies
        peer = request.remote_addr or ""
        named = ((name.lower(), value[:_LONGEST]) for name, value in request.headers.items())
        original, missing = _read_original(family, request)
        return Report(
            nonce=probe.nonce, family=family, url=original.url, method=original.method,
            missing=missing, peer=peer or "unix",
            peer_trusted=may_ask_for_verdicts(peer, trusted),
            client=client_address(request, trusted),
            scheme=request.headers.get("X-Forwarded-Proto", request.scheme),
            headers={name: value for name, value in named if name.startswith(_TOLD)},
        )  # fmt: skip

    def _tell(self, report: Report) -> Response:
        """As a refusal would be answered, with the report where every proxy hands it on."""
        sealed = probes.write_report(self._config, report)
        if not report.family:
            return _not_kept(Response(sealed, mimetype="text/plain"))
        answer = Response(status=401 if report.family == AUTH_REQUEST else 302)
        answer.autocorrect_location_header = False
        answer.headers["Location"] = f"{self._config.base_url}/?{probes.ANSWER}={sealed}"
        return _not_kept(answer)


def _not_kept(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _read_original(family: str, request: Request) -> tuple[Original, str]:
    """What the proxy says that is asked for, and the header that it leaves out."""
    if not family:
        return Original("", request.method, True), ""
    try:
        return proxy_requests.read_original(family, request.environ), ""
    except ProxyMistake as mistake:
        return Original("", "", True), mistake.header
