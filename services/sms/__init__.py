"""Text messages: one way to send them, whatever gateway carries them.

A gateway moves a text and says what became of it, in outcomes of our own. What
a text says, who may get one and what a person is told stand elsewhere.
"""

import importlib
import ipaddress
from dataclasses import dataclass
from typing import Protocol, cast
from urllib.parse import urlsplit

from config import Config

ACCEPTED = "accepted"
"""The provider took the text."""
BAD_NUMBER = "bad_number"
UNSUPPORTED = "unsupported"
"""The number cannot receive texts: a landline, a premium number."""
OPTED_OUT = "opted_out"
ROUTE_OFF = "route_off"
"""The provider sends no texts to that country or network for us."""
BLOCKED = "blocked"
"""The provider suspects fraud."""
BUSY = "busy"
"""Certainly not sent; trying again later may work."""
UNKNOWN = "unknown"
"""Perhaps sent: a text must not be sent again."""
UNDELIVERED = "undelivered"
"""Sent, but it did not reach the phone."""
MISCONFIGURED = "misconfigured"
"""The operator's account or settings are wrong: no text works until they are mended."""

_MODULES = {
    "console": "services.sms.console",
    "file": "services.sms.file",
    "twilio": "services.sms.twilio",
}
_PRIVATE_ENDINGS = (".localhost", ".local", ".internal", ".lan", ".home.arpa", ".test", ".invalid")


@dataclass(frozen=True)
class SmsResult:
    """What became of a text. ``detail`` is for logs only, and redacted."""

    outcome: str
    message_id: str = ""
    code: str = ""
    detail: str = ""


@dataclass(frozen=True)
class SmsReport:
    """A provider's later news: ``state`` is ``sent``, ``delivered``, ``failed`` or "" (no news)."""

    state: str
    reason: str = ""
    code: str = ""
    message_id: str = ""


class SmsGateway(Protocol):
    """What every gateway module's ``make_gateway(config)`` returns."""

    follows_up: bool
    """Whether news about a text can come later than the answer to sending it."""

    def send(self, to: str, text: str, *, ttl: int, status_url: str | None) -> SmsResult:
        """Send one text to an E.164 number; never raises, and ends within its deadline.

        ``ttl``: seconds after which the text is worthless; ``status_url``: where news may be sent.
        """

    def ask(self, message_id: str) -> SmsReport:
        """Ask what became of an accepted text; never raises."""


def make_gateway(config: Config) -> SmsGateway | None:
    """The configured gateway, its module loaded only now; None where texts are switched off."""
    name = _MODULES.get(config.sms_gateway)
    return cast(SmsGateway, importlib.import_module(name).make_gateway(config)) if name else None


def status_url(config: Config, hook_key: str) -> str | None:
    """Where the provider shall report delivery; None where it cannot reach us or prove itself."""
    if config.sms_gateway != "twilio" or not config.twilio_auth_token:
        return None
    if not config.https or not _is_public_name(config.host):
        return None
    return f"{config.base_url}/hooks/sms/{hook_key}"


def _is_public_name(host: str) -> bool:
    """Whether a host name may be known on the internet (Twilio refuses underscores, too)."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "." in host and "_" not in host and not host.endswith(_PRIVATE_ENDINGS)
    return False


def reports_by_callback(config: Config) -> bool:
    """Whether delivery reports reach this portal by themselves."""
    return status_url(config, "") is not None


def host_of(config: Config) -> str:
    """The host for a text's origin-bound last line; "" where the line must be left out."""
    host = urlsplit(config.base_url).hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host if config.https else ""
    return ""
