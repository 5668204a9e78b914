"""One real message to see whether a gateway works; nothing of it is kept."""

import secrets
from dataclasses import dataclass

from extensions import settings
from services import mail, message_texts, sms
from services.emails import parse

LIFE_SECONDS = 600


@dataclass(frozen=True)
class Outcome:
    """Whether the gateway took the message, and what to tell the operator."""

    accepted: bool
    text: str


def send_text(number: str) -> Outcome:
    """Send one text to an E.164 number through the configured gateway."""
    gateway = sms.make_gateway(settings())
    if gateway is None:
        return Outcome(False, "GATEPOST_SMS_GATEWAY is none: this portal sends no texts.")
    text = message_texts.render("sms", "test", {}).text
    result = gateway.send(number, text, ttl=LIFE_SECONDS, status_url=None)
    accepted = result.outcome == sms.ACCEPTED
    return Outcome(
        accepted, _describe("text", accepted, result.outcome, result.code, result.detail)
    )


def send_mail(address: str) -> Outcome:
    """Send one mail through the configured gateway. Raises ``EmailInvalid``."""
    message = message_texts.render("mail", "test", {})
    gateway = mail.make_gateway(settings())
    result = gateway.send(parse(address), message.subject, message.text, ref=secrets.token_hex(16))
    accepted = result.outcome == mail.ACCEPTED
    return Outcome(
        accepted, _describe("mail", accepted, result.outcome, result.code, result.detail)
    )


def _describe(what: str, accepted: bool, outcome: str, code: str, detail: str) -> str:
    if accepted:
        return f"The {what} was accepted for delivery."
    more = " ".join(part for part in (f"code {code}" if code else "", detail) if part)
    return f"The {what} was not sent: {outcome.replace('_', ' ')}" + (
        f" ({more})." if more else "."
    )
