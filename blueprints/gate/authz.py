"""The three addresses that reverse proxies ask: may this request to an app enter?

A plain WSGI callable before Flask, for every request to every app passes here. It reads
what the proxy says (``proxy_requests``), asks the gatekeeper, and writes the answer; the
rules are in ``services.gate``. Takes no option from the query string.
"""

import ipaddress
import json
import unicodedata
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import structlog
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from blueprints import cookies
from blueprints.client_address import is_trusted
from blueprints.gate import proxy_requests
from blueprints.gate.proxy_requests import AUTH_REQUEST, PREFIX, HeaderMissing
from config import Config
from services.clock import now
from services.gate import signed_identity
from services.gate.gatekeeper import Answer, Gatekeeper
from services.gate.registry import AppRules
from services.gate.targets import TargetRefused
from services.gate.verdict import Outcome, Question, Reason
from services.header_names import SIGNED

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = structlog.get_logger("gatepost.gate")

GROUPS_BYTES = 2000
"""Most that ``Remote-Groups`` may be long: proxies' buffers for answers begin at 4 KB."""

_NEVER_KEPT = [("Cache-Control", "no-store"), ("Vary", "Cookie, Authorization")]
_STATUS = {
    200: "200 OK", 302: "302 Found", 303: "303 See Other", 400: "400 Bad Request",
    401: "401 Unauthorized", 403: "403 Forbidden", 503: "503 Service Unavailable",
}  # fmt: skip

Headers = list[tuple[str, str]]


class Authz:
    """Stands before Flask; every other address goes on untouched."""

    def __init__(self, app: Flask, keeper: Gatekeeper, inner: "WSGIApplication") -> None:
        self._app, self._keeper, self._inner = app, keeper, inner
        self._config: Config = app.extensions["gatepost"]
        self._cookies = tuple(
            cookies.name_of(kind, self._config) for kind in (cookies.APPS, cookies.APP)
        )

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer the three addresses."""
        path: str = environ.get("PATH_INFO", "")
        if not path.startswith(PREFIX):
            return self._inner(environ, start_response)
        family = path[len(PREFIX) :].partition("/")[0]
        if family not in proxy_requests.FAMILIES:
            return self._inner(environ, start_response)
        status, headers, body = self._answer(family, environ)
        headers = [*_NEVER_KEPT, *headers, ("Content-Length", str(len(body)))]
        start_response(_STATUS[status], headers)
        return [body] if environ.get("REQUEST_METHOD") != "HEAD" else []

    def _answer(self, family: str, environ: "WSGIEnvironment") -> tuple[int, Headers, bytes]:
        if not self._may_ask(environ.get("REMOTE_ADDR", "")):
            log.warning(
                "gate_caller_refused", peer=environ.get("REMOTE_ADDR", ""),
                text="add the proxy's address to GATEPOST_TRUSTED_PROXIES",
            )  # fmt: skip
            return _say(400, "caller_not_trusted")
        try:
            question = proxy_requests.read_question(
                family, environ, allow_http=self._config.development
            )
            answer = self._keeper.ask(question, self._tokens(environ.get("HTTP_COOKIE", "")))
        except HeaderMissing as missing:
            log.warning(
                "gate_header_missing", header=missing.header, proxy=missing.proxy, text=missing.line
            )
            return _say(400, "header_missing")
        except TargetRefused as refused:
            log.warning("gate_address_refused", family=family, text=f"the address {refused}")
            return _say(400, "address_refused")
        except SQLAlchemyError as error:
            log.error("gate_without_database", error=type(error).__name__)
            return _say(503, "unavailable")
        return self._write(family, environ, question, answer)

    def _may_ask(self, peer: str) -> bool:
        """The trusted proxies; where none is named, this machine's own."""
        if self._config.trusted_proxies:
            return is_trusted(peer, self._config.trusted_proxies)
        try:
            return not peer or ipaddress.ip_address(peer).is_loopback
        except ValueError:
            return False

    def _tokens(self, header: str) -> list[str]:
        """Every value of our two cookies: a sibling app may have set another beside ours."""
        pairs = (part.strip().partition("=") for part in header.split(";"))
        return [value for name, _, value in pairs if name in self._cookies]

    def _write(
        self, family: str, environ: "WSGIEnvironment", question: Question, answer: Answer
    ) -> tuple[int, Headers, bytes]:
        navigates = proxy_requests.is_navigation(question, environ)
        match answer.verdict.outcome:
            case Outcome.ALLOWED:
                return 200, self._identify(answer, question), b""
            case Outcome.UNKNOWN:
                log.warning("gate_app_unknown", origin=question.target.origin)
                return _say(400, "app_unknown")
            case Outcome.FORBIDDEN:
                return self._refuse(question, answer, navigates)
            case _:
                return self._lead_to_sign_in(family, question, answer, navigates)

    def _identify(self, answer: Answer, question: Question) -> Headers:
        """All identity headers, always: a proxy lets a forged one live where ours is absent."""
        verdict, app = answer.verdict, answer.verdict.app
        if app is None:
            return []
        person, groups = verdict.person, _group_names(answer)
        values = {"user": "", "groups": "", "email": "", "name": ""}
        if person is not None:
            values = {
                "user": person.email, "groups": ",".join(groups), "email": person.email,
                "name": person.name or person.email,
            }  # fmt: skip
        headers = [(app.header_names[kind], _encode(text, app)) for kind, text in values.items()]
        if app.signed_header:
            origin = question.target.origin
            token = (
                signed_identity.sign(self._config, person, groups, origin, now()) if person else ""
            )
            headers.append((SIGNED, token))
        return headers

    def _refuse(
        self, question: Question, answer: Answer, navigates: bool
    ) -> tuple[int, Headers, bytes]:
        if not navigates:
            return _say(403, "forbidden", reason=str(answer.verdict.reason))
        asks = answer.verdict.reason is not Reason.CROSS_SITE_WRITE
        address = f"{self._config.base_url}/no-access?{urlencode({'rd': question.target.url})}"
        with self._app.app_context():
            page = self._app.jinja_env.get_template("gate/refused.html").render(
                app=answer.verdict.app, no_access=address if asks else ""
            )
        policy = ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
        return 403, [("Content-Type", "text/html; charset=utf-8"), policy], page.encode()

    def _lead_to_sign_in(
        self, family: str, question: Question, answer: Answer, navigates: bool
    ) -> tuple[int, Headers, bytes]:
        """nginx makes an error of any redirect: its lines turn a 401 with Location into one."""
        method = question.target.method
        asked = urlencode({"rd": question.target.url, "rm": method})
        address = f"{self._config.base_url}/?{asked}"
        if navigates and family == AUTH_REQUEST:
            return 401, [("Location", address)], b""
        if navigates:
            status = 302 if method in proxy_requests.SAFE_METHODS else 303
            return status, [("Location", address)], b""
        error = "unauthenticated" if answer.verdict.person is None else "second_factor_needed"
        status, headers, body = _say(401, error, login_url=address)
        return (
            status,
            [*headers, *([] if family == AUTH_REQUEST else [("Location", address)])],
            body,
        )


def _say(status: int, error: str, **more: str) -> tuple[int, Headers, bytes]:
    body = json.dumps({"error": error, **more}).encode()
    return status, [("Content-Type", "application/json")], body


def _group_names(answer: Answer) -> list[str]:
    """The person's groups by name, as many as a proxy's buffers surely hold."""
    person = answer.verdict.person
    names, length = [], 0
    for group in person.groups if person else ():
        name = answer.rules.group_names.get(group)
        if name is not None and (length := length + len(name) + 1) <= GROUPS_BYTES:
            names.append(name)
    return sorted(names)


def _encode(text: str, app: AppRules) -> str:
    """Header values are ASCII: folded, or percent-encoded UTF-8 where the app asks for that."""
    printable = "".join(c for c in text if c.isprintable())
    if printable.isascii():
        return quote(printable, safe="@ ,.+-_~") if app.percent_encoded else printable
    if app.percent_encoded:
        return quote(printable, safe="@ ,.+-_~")
    return unicodedata.normalize("NFKD", printable).encode("ascii", "ignore").decode()
