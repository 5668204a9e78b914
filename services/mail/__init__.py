"""Mails: one way to send them, whatever gateway carries them.

A gateway moves a mail and says what became of it. What it says, and whether it
may be tried again, stand elsewhere.
"""

import importlib
from dataclasses import dataclass
from typing import Protocol, cast

from config import Config

ACCEPTED = "accepted"
"""The mail server took the mail."""
REFUSED = "refused"
"""The mail server will not take it, now or later."""
BUSY = "busy"
"""Certainly not taken; trying again later may work."""
UNKNOWN = "unknown"
"""Perhaps taken: the connection broke between the mail and the server's answer."""
MISCONFIGURED = "misconfigured"
"""Certainly not taken: login, encryption or sender do not suit the server."""

_MODULES = {
    "console": "services.mail.console",
    "file": "services.mail.file",
    "smtp": "services.mail.smtp",
}


@dataclass(frozen=True)
class MailResult:
    """What became of a mail. ``detail`` is for logs only, and redacted."""

    outcome: str
    code: str = ""
    detail: str = ""


class MailGateway(Protocol):
    """What every gateway module's ``make_gateway(config)`` returns."""

    def send(self, to: str, subject: str, text: str, *, ref: str) -> MailResult:
        """Send one mail to exactly one address; never raises, and ends within its deadline.

        ``ref`` is the same for each try of one message, and for no other message.
        """


def make_gateway(config: Config) -> MailGateway:
    """The configured gateway, its module loaded only now."""
    module = importlib.import_module(_MODULES[config.mail_gateway])
    return cast(MailGateway, module.make_gateway(config))
