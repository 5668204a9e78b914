"""The doctor's requests: sealed tokens that tell the portal it is the doctor who asks.

A request goes through the operator's own proxy with a token in a cookie, which every
proxy hands to the portal. ``LOOK``: the portal answers "sign in first" and puts, sealed,
into the address what it was asked with. ``PASS``: it answers "let in", with identity
headers that the doctor chose; good for one host. Only who has the secret key can make
one, and it lives a minute. Nothing of it is written down.
"""

import json
from dataclasses import asdict, dataclass, field
from datetime import timedelta

from config import Config
from services import sealing
from services.clock import now
from services.sealing import SealBroken

COOKIE = "gatepost_doctor"
ANSWER = "doctor"
"""The parameter of an address that carries a report."""

PATH = "/.gatepost/doctor"
"""Where the portal's own host answers the doctor."""

LOOK, PASS = "look", "pass"
LIFETIME = timedelta(minutes=1)
_LABEL = b"gatepost doctor"
_LABEL_OF_REPORTS = b"gatepost doctor report"


@dataclass(frozen=True)
class Probe:
    """What a token says: what to do, for which host, and who is to be let in as whom."""

    kind: str
    host: str
    nonce: str
    identity: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """What the portal was asked with."""

    nonce: str
    family: str
    """The endpoint: ``auth-request``, ``forward-auth``, ``ext-authz``; "" = the portal's page."""
    url: str
    """The address that the proxy's headers name; "" where one of them is missing."""
    method: str
    missing: str
    """The header that is missing, or ""."""
    peer: str
    """Who connected: an address, or ``unix``."""
    peer_trusted: bool
    client: str
    """Whom the portal takes for the client."""
    scheme: str
    headers: dict[str, str]
    """Those that proxies set and people forge, by lower-case name."""


def make(config: Config, probe: Probe) -> str:
    """A token for one probe."""
    values = {**asdict(probe), "until": (now() + LIFETIME).timestamp()}
    return sealing.seal(config, _LABEL, values).decode()


def read(config: Config, token: str) -> Probe | None:
    """The probe of a token, or None where it is no token of ours or too old."""
    try:
        values = sealing.unseal(config, _LABEL, token.encode())
    except SealBroken:
        return None
    return Probe(**values) if values.pop("until") > now().timestamp() else None


def write_report(config: Config, report: Report) -> str:
    """A report as it goes into an address."""
    return sealing.seal(config, _LABEL_OF_REPORTS, asdict(report)).decode()


def read_report(config: Config, sealed: str, nonce: str) -> Report | None:
    """The report on the probe with this nonce, or None where it is none."""
    try:
        report = Report(**sealing.unseal(config, _LABEL_OF_REPORTS, sealed.encode()))
    except (SealBroken, TypeError, json.JSONDecodeError):
        return None
    return report if report.nonce == nonce else None
