"""The three addresses that reverse proxies ask: may this request to an app enter?

A plain WSGI callable before Flask, for every request to every app passes here. It reads
what the proxy says (``proxy_requests``), asks the gatekeeper, and writes the answer; the
rules are in ``services.gate``. Takes no option from the query string.
"""

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import structlog
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from blueprints import cookies
from blueprints.client_address import find_address, may_ask_for_verdicts
from blueprints.gate import identity_headers, proxy_requests
from blueprints.gate.complaints import Complaints
from blueprints.gate.proxy_requests import AUTH_REQUEST, ProxyMistake
from blueprints.gate.refusal_page import RefusalPage
from blueprints.guard import SAFE_METHODS
from config import Config
from services.gate.gatekeeper import Answer, Gatekeeper
from services.gate.targets import Target
from services.gate.verdict import Outcome, Question, Reason

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = structlog.get_logger("gatepost.gate")

LONGEST_QUERY = 7500
"""Bytes: servers take request lines of 8 KB, and encoding makes an address longer."""

_NEVER_KEPT = [("Cache-Control", "no-store"), ("Vary", "Cookie, Authorization")]
_NOT_EVEN_BY_NGINX = ("X-Accel-Expires", "0")
"""What is true of one path alone: a cache of verdicts that ignores no-store must not keep it."""
_JSON = [
    ("Content-Type", "application/json"),
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
]
"""Many proxies hand what we say on to the browser, as an answer of the app's own host."""
_STATUS = {
    200: "200 OK", 302: "302 Found", 303: "303 See Other", 400: "400 Bad Request",
    401: "401 Unauthorized", 403: "403 Forbidden", 503: "503 Service Unavailable",
}  # fmt: skip

Headers = list[tuple[str, str]]
Reply = tuple[int, Headers, bytes]


class Authz:
    """Stands before Flask; every other address goes on untouched."""

    def __init__(self, app: Flask, keeper: Gatekeeper, inner: "WSGIApplication") -> None:
        self._keeper, self._inner = keeper, inner
        self._config: Config = app.extensions["gatepost"]
        shared, own = (cookies.name_of(kind, self._config) for kind in (cookies.APPS, cookies.APP))
        self._find_tokens = re.compile(rf"(?:^|;)\s*(?:{shared}=([^;\s]+)|{own}=([^;\s]+))").findall
        self._complaints = Complaints()
        self._refusal = RefusalPage(app)
        self._may_ask = lru_cache(maxsize=1024)(
            lambda peer: may_ask_for_verdicts(peer, self._config.trusted_proxies)
        )

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer the three addresses."""
        family = proxy_requests.find_family(environ.get("PATH_INFO", ""))
        if not family:
            return self._inner(environ, start_response)
        status, headers, body = self._reply(family, environ)
        start_response(
            _STATUS[status], [*_NEVER_KEPT, *headers, ("Content-Length", str(len(body)))]
        )
        return [body] if body and environ.get("REQUEST_METHOD") != "HEAD" else []

    def _reply(self, family: str, environ: "WSGIEnvironment") -> Reply:
        peer = environ.get("REMOTE_ADDR", "")
        if not self._may_ask(peer):
            self._complaints.of_caller(peer)
            return _say(400, "caller_not_trusted")
        try:
            question = proxy_requests.read_question(
                family, environ, allow_http=self._config.development
            )
            # every value of our two cookies: a sibling app may have set another beside ours
            answer = self._keeper.ask(question, self._find_tokens(environ.get("HTTP_COOKIE", "")))
        except ProxyMistake as mistake:
            self._complaints.of_mistake(family, mistake, self._client(environ))
            return _say(400, "proxy_mistake", header=mistake.header)
        except SQLAlchemyError as error:
            log.error("gate_without_database", error=type(error).__name__)
            return _say(503, "unavailable")
        verdict = answer.verdict
        if verdict.outcome is Outcome.ALLOWED:
            headers = identity_headers.write(self._config, answer, question.target.origin)
            if verdict.person is None:
                headers.append(_NOT_EVEN_BY_NGINX)
            return 200, headers, b""
        return self._refuse(family, environ, question, answer)

    def _refuse(
        self, family: str, environ: "WSGIEnvironment", question: Question, answer: Answer
    ) -> Reply:
        verdict, target = answer.verdict, question.target
        if verdict.outcome is Outcome.UNKNOWN or verdict.app is None:
            self._complaints.of_unknown_app(target.origin, self._client(environ))
            return _say(400, "app_unknown")
        navigates = proxy_requests.is_navigation(question, environ)
        if verdict.outcome is Outcome.FORBIDDEN:
            if not navigates:
                return _say(403, "forbidden", reason=verdict.reason.value)
            can_ask = verdict.reason is not Reason.CROSS_SITE_WRITE
            return 403, *self._refusal.render(verdict.app, target.url, can_ask=can_ask)
        if navigates:
            return self._lead_to_sign_in(family, target)
        error = "unauthenticated" if verdict.outcome is Outcome.SIGN_IN else "second_factor_needed"
        return self._tell_to_sign_in(family, target, error)

    def _lead_to_sign_in(self, family: str, target: Target) -> Reply:
        """nginx makes an error of any redirect: its lines turn a 401 with Location into one."""
        location = [("Location", self._find_sign_in(target.url, target))]
        if family == AUTH_REQUEST:
            return 401, location, b""
        return 302 if target.method in SAFE_METHODS else 303, location, b""

    def _tell_to_sign_in(self, family: str, target: Target, error: str) -> Reply:
        """A script is told where to sign in, for the app's front page: never for what it asked."""
        address = self._find_sign_in(f"{target.origin}/", target)
        status, headers, body = _say(401, error, login_url=address)
        if family != AUTH_REQUEST:
            headers.append(("Location", address))
        return status, headers, body

    def _find_sign_in(self, leads_to: str, target: Target) -> str:
        """An address too long to travel on leads to the page without its query, or to the app."""
        query = ""
        for wanted in (leads_to, target.origin + target.raw_path, f"{target.origin}/"):
            query = urlencode({"rd": wanted, "rm": target.method})
            if len(query) <= LONGEST_QUERY:
                break
        return f"{self._config.base_url}/?{query}"

    def _client(self, environ: "WSGIEnvironment") -> str:
        return find_address(
            environ.get("REMOTE_ADDR", ""),
            environ.get("HTTP_X_FORWARDED_FOR", ""),
            self._config.trusted_proxies,
        )


def _say(status: int, error: str, **more: str) -> Reply:
    body = json.dumps({"error": error, **more}).encode()
    return status, _JSON.copy(), body
