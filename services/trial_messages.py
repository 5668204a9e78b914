"""One real message to see whether a gateway works; nothing of it is kept."""

import secrets
from dataclasses import dataclass

from extensions import settings
from services import mail, message_texts, sms
from services.emails import parse

LIFE_SECONDS = 600

WORDS = {
    "text": {
        sms.BAD_NUMBER: "the provider does not know this number",
        sms.UNSUPPORTED: "this number cannot receive texts",
        sms.OPTED_OUT: "this number answered STOP to an earlier text; it has to answer START",
        sms.ROUTE_OFF: "the provider sends no texts to this country or network for your account",
        sms.BLOCKED: "the provider suspects fraud",
        sms.BUSY: "the provider could not be reached, or asked to try later",
        sms.UNKNOWN: "the provider did not answer in time, or not clearly",
        sms.UNDELIVERED: "it did not reach the phone",
        sms.MISCONFIGURED: "the account, the key or the sender is wrong; look at TWILIO_...",
    },
    "mail": {
        mail.REFUSED: "the mail server does not take it",
        mail.BUSY: "the mail server could not be reached, or asked to try later",
        mail.UNKNOWN: "the connection broke before the mail server answered",
        mail.MISCONFIGURED: "the mail server does not accept login, encryption or sender;"
        " look at GATEPOST_SMTP_URL and GATEPOST_MAIL_FROM",
    },
}
"""What each outcome of a gateway means to the operator."""


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
    known = outcome != mail.UNKNOWN
    begun = f"The {what} was not sent" if known else f"Nobody knows whether the {what} was sent"
    more = " ".join(part for part in (f"code {code}" if code else "", detail) if part)
    return f"{begun}: {describe(what, outcome, more)}."


def describe(what: str, outcome: str, more: str = "") -> str:
    """What an outcome of a ``text`` or ``mail`` means, and in brackets what was said about it."""
    return WORDS[what][outcome] + (f" ({more})" if more else "")
