"""An app's address, asked through the operator's own proxy, with lies: what comes of it?

Everything is judged by what really arrived: at the portal, which says sealed into its answer what
it was asked with, and at the app, where the doctor can listen in its place.
"""

import secrets
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from config import Config
from services.clock import now
from services.doctor import probes
from services.doctor.findings import Finding, found
from services.doctor.probes import LOOK, PASS, Probe, Report
from services.doctor.standin import StandIn
from services.doctor.wire import FORGED_CLIENT, PAGE, Heard, Unreachable, Wire, kind_by_name

MARK = "doctor-forged"
FOREIGN = "other.invalid"
"""A host that nobody has (RFC 2606)."""

OTHER_PORT = 65443
CLOCK_SECONDS = 30
_FORGED_TARGET = {
    "X-Original-URL": f"https://{MARK}.example.net/",
    "X-Original-Method": "FORGED",
    "X-Forwarded-Method": "FORGED",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Host": f"{MARK}.example.net",
    "X-Forwarded-Uri": f"/{MARK}",
}
_TUNNEL = {
    "Upgrade": "h2c, websocket",
    "HTTP2-Settings": "AAMAAABkAARAAAAAAAIAAAAA",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
"""Asks an app to speak HTTP/2 from now on (RFC 7540, 3.2), as a proxy might let through that looks
only whether there is a WebSocket among what is offered. The stand-in takes nothing up.
"""


@dataclass(frozen=True)
class Patient:
    """The app that is examined: its name, an address in it, the names of its identity headers."""

    app: str
    url: str
    identity: tuple[str, ...]
    uses_hand_over: bool

    @property
    def origin(self) -> str:
        """Scheme, host and port of its address."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def host(self) -> str:
        """Its host, without a port."""
        return urlsplit(self.url).hostname or ""

    @property
    def foreign_hosts(self) -> list[str]:
        """What must not be answered as this app: a name that nobody has, one beside the app's
        own, and another port of its own, where other apps may be.
        """
        parent = self.host.partition(".")[2]
        beside = f"{MARK}.{parent if '.' in parent else self.host}"
        return [FOREIGN, beside, f"{self.host}:{OTHER_PORT}"]


@dataclass(frozen=True)
class Examiner:
    """Asks one app through its proxy. ``standin`` listens in the app's place, if anything does."""

    config: Config
    wire: Wire
    patient: Patient
    standin: StandIn | None = None
    listen: str = ""

    def examine(self) -> list[Finding]:
        """Everything that is wrong before this app."""
        try:
            heard, nonce = self._ask(LOOK, {})
        except Unreachable as error:
            origin = self.patient.origin
            return [found("app-unreachable", origin=origin, why=str(error))]
        report = self._report_in(heard, nonce)
        if report is None:
            return [self._explain(heard)]
        kind = _kind_of(report, heard)
        return [
            *self._judge_question(report, kind),
            *self._judge_forged_question(report, kind),
            *self._judge_underscores(kind),
            *self._judge_hosts(kind),
            *self._judge_hand_over(kind),
            *self._judge_what_arrives(kind),
            *_judge_clock(heard),
        ]

    def _ask(
        self, do: str, forged: Mapping[str, str], identity: Mapping[str, str] | None = None
    ) -> tuple[Heard, str]:
        """Ask for the app's address as the doctor; returns what was heard, and the nonce."""
        nonce = secrets.token_hex(8)
        token = probes.make(self.config, Probe(do, self.patient.host, nonce, dict(identity or {})))
        cookie = f"__Secure-gatepost_apps={MARK}; {probes.COOKIE}={token}; other=kept"
        return self.wire.get(self._url(nonce), {**PAGE, **forged, "Cookie": cookie}), nonce

    def _url(self, nonce: str) -> str:
        return f"{self.patient.url}{'&' if '?' in self.patient.url else '?'}doctor={nonce}"

    def _arrived(self, nonce: str) -> list[tuple[str, str]] | None:
        """The headers with which the request came to the stand-in, if it did."""
        parts = urlsplit(self._url(nonce))
        target = f"{parts.path or '/'}?{parts.query}"
        return self.standin.take(target) if self.standin else None

    def _report_in(self, heard: Heard, nonce: str) -> Report | None:
        sealed = parse_qs(urlsplit(heard.location).query).get(probes.ANSWER, [""])[0]
        if not sealed or not heard.location.startswith(f"{self.config.base_url}/"):
            return None
        return probes.read_report(self.config, sealed, nonce)

    def _explain(self, heard: Heard) -> Finding:
        """Why there is no report: what the proxy did instead of asking the portal."""
        kind = kind_by_name(heard)
        if heard.location.startswith(f"{self.config.base_url}/"):
            return found("cookies-not-asked-with", kind)
        if heard.status == 401:
            return found("not-led-to-sign-in", kind, status=str(heard.status))
        if heard.status in {400, 403, 500, 502, 503, 504}:
            return found("no-verdict", kind, status=str(heard.status))
        return found("not-guarded", kind, origin=self.patient.origin, status=str(heard.status))

    def _judge_question(self, report: Report, kind: str) -> Iterator[Finding]:
        """What the portal is asked about an honest visitor."""
        if not report.peer_trusted:
            trust = report.peer if report.peer == "unix" else _network_of(report.peer)
            yield found("proxy-not-trusted", kind, peer=report.peer, trust=trust)
        if report.missing:
            yield found("headers-missing", kind, missing=report.missing)
            return
        seen, asked = urlsplit(report.url), urlsplit(self._url(report.nonce))
        if seen.scheme == "http" and asked.scheme == "https":
            yield found("wrong-scheme", kind)
        if _plainly(seen) != _plainly(asked):
            yield found("wrong-address", kind, seen=report.url, asked=self._url(report.nonce))
        elif report.method != "GET":
            yield found("wrong-address", kind, seen=report.method, asked="GET")

    def _judge_forged_question(self, honest: Report, kind: str) -> Iterator[Finding]:
        """What the portal is asked about a visitor who writes the proxy's headers."""
        forged = {**_FORGED_TARGET, "X-Forwarded-For": FORGED_CLIENT}
        forged |= dict.fromkeys(self.patient.identity, MARK)
        report = self._look(forged)
        if report is None:
            return
        schemes = [urlsplit(each.url).scheme for each in (honest, report)]
        if MARK in report.url or report.method == "FORGED" or schemes == ["https", "http"]:
            reached = [name for name in _FORGED_TARGET if _is_in(report, name, forged[name])]
            yield found("target-forged", kind, names=", ".join(reached))
        if report.client == FORGED_CLIENT:
            yield found("client-forged", kind, where="")
        passed = [name for name in self.patient.identity if _is_in(report, name, MARK)]
        if passed:
            yield found("identity-not-deleted", kind, names=", ".join(passed))

    def _judge_underscores(self, kind: str) -> Iterator[Finding]:
        """The same, written with underscores, which some servers take for dashes."""
        report = self._look({
            name.replace("-", "_"): value
            for name, value in {**_FORGED_TARGET, "X-Forwarded-For": FORGED_CLIENT}.items()
        })  # fmt: skip
        if report and (
            MARK in str(report.headers)
            or FORGED_CLIENT in (report.client, *report.headers.values())
        ):
            yield found("underscores-merged", kind, where="")

    def _look(self, forged: Mapping[str, str]) -> Report | None:
        try:
            return self._report_in(*self._ask(LOOK, forged))
        except Unreachable:
            return None

    def _judge_hosts(self, kind: str) -> Iterator[Finding]:
        """What becomes of a visitor who names another app on the way to this one."""
        answered = [host for host in self.patient.foreign_hosts if self._answers_for(host)]
        if answered:
            yield found(
                "foreign-hosts", kind, origin=self.patient.origin, hosts=", ".join(answered),
                app=shlex.quote(self.patient.app),
            )  # fmt: skip

    def _answers_for(self, host: str) -> bool:
        """Whether the portal is asked about a foreign host, or the app gets the request at once."""
        try:
            heard, nonce = self._ask(LOOK, {"Host": host})
        except Unreachable:
            return False
        report = self._report_in(heard, nonce)
        judged = urlsplit(report.url).netloc.lower() if report else ""
        return judged == host or judged.startswith(f"{host}:") or self._arrived(nonce) is not None

    def _judge_hand_over(self, kind: str) -> Iterator[Finding]:
        if not self.patient.uses_hand_over:
            return
        nonce = secrets.token_hex(8)
        cookie = f"{probes.COOKIE}={probes.make(self.config, Probe(LOOK, '', nonce))}"
        url = f"{self.patient.origin}/.gatepost/hand-over"
        try:
            answer = self.wire.get(url, {**PAGE, "Cookie": cookie}).text
        except Unreachable:
            answer = ""
        if probes.read_report(self.config, answer, nonce) is None:
            yield found("hand-over-blocked", kind, origin=self.patient.origin)

    def _judge_what_arrives(self, kind: str) -> Iterator[Finding]:
        """What comes to the app when the portal lets a visitor in: with and without a name."""
        if self.standin is None:
            return
        lies = dict.fromkeys(self.patient.identity, MARK)
        nameless = self._let_in(lies, dict.fromkeys(lies, ""))
        if nameless is None:
            yield found("standin-not-asked", kind, listen=self.listen)
            return
        named = self._let_in(lies, dict.fromkeys(lies, "doctor")) or []
        aliases = [header for sign in "_." for header in self._let_in_as(sign, lies) or []]
        survivors = _names_with(MARK, [*nameless, *named], without_cookies=True)
        if survivors:
            yield found("identity-survives", kind, names=", ".join(survivors))
        if survivors := _names_with(MARK, aliases, without_cookies=True):
            yield found("alias-survives", kind, names=", ".join(survivors))
        arrived = self._let_in_with(_TUNNEL)
        if "h2c" in arrived.get("upgrade", "") and arrived.get("http2-settings"):
            yield found("tunnel-open", kind)
        told = {name.lower() for name, value in named if value == "doctor"}
        if untold := [name for name in lies if name.lower() not in told]:
            yield found("identity-not-copied", kind, names=" ".join(untold))
        if any(n.lower() == "cookie" and MARK in v for n, v in [*nameless, *named]):
            yield found("cookies-reach-app", kind)

    def _let_in_as(self, sign: str, lies: Mapping[str, str]) -> list[tuple[str, str]] | None:
        """The same with names that have another sign for each dash: a request of its own for
        each, since some proxies refuse one that holds such a name.
        """
        spelt = {name.replace("-", sign): value for name, value in lies.items()}
        return self._let_in(spelt, dict.fromkeys(lies, ""))

    def _let_in_with(self, sent: Mapping[str, str]) -> dict[str, str]:
        """The headers that arrive with these, by lower-case name."""
        arrived = self._let_in({**sent, "Connection": "Upgrade"}, {}) or []
        return {name.lower(): value for name, value in arrived}

    def _let_in(
        self, forged: Mapping[str, str], identity: Mapping[str, str]
    ) -> list[tuple[str, str]] | None:
        try:
            _, nonce = self._ask(PASS, forged, identity)
        except Unreachable:
            return None
        return self._arrived(nonce)


def _judge_clock(heard: Heard) -> Iterator[Finding]:
    try:
        apart = abs((parsedate_to_datetime(heard.headers["date"]) - now()).total_seconds())
    except (KeyError, ValueError):
        return
    if apart > CLOCK_SECONDS:
        yield found("clock", seconds=f"{apart:.0f}")


def _kind_of(report: Report, heard: Heard) -> str:
    """Which proxy it is, as far as that can be told: some do not say their name."""
    families = {"auth-request": "nginx", "ext-authz": "envoy"}
    known = families.get(report.family) or kind_by_name(heard)
    return known or report.headers.get("x-forwarded-by", "")


def _plainly(address: SplitResult) -> tuple[str, str, str]:
    """Host, path and query; a path that a server has decoded is the same path here."""
    return address.netloc, unquote(address.path) or "/", address.query


def _network_of(peer: str) -> str:
    return f"{peer}/128" if ":" in peer else f"{peer}/32"


def _is_in(report: Report, name: str, value: str) -> bool:
    return report.headers.get(name.lower()) == value


def _names_with(
    mark: str, headers: Sequence[tuple[str, str]], *, without_cookies: bool
) -> list[str]:
    found_in = (
        n for n, v in headers if mark in v and not (without_cookies and n.lower() == "cookie")
    )
    return list(dict.fromkeys(found_in))
