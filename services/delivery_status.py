"""Where a message is now, in words for the person who waits for it.

Reads one row; never the provider's words, and never where the message goes.
"""

from dataclasses import asdict, dataclass

from flask_babel import LazyString, lazy_gettext

from extensions import settings
from models import Message
from services import clock


@dataclass(frozen=True)
class DeliveryStatus:
    """``status``: queued, sent, delivered or failed; ``reason``: why it failed, "" otherwise.

    ``text`` says it to the person; ``done``: no further news will come.
    """

    status: str
    text: str
    reason: str
    done: bool

    def as_dict(self) -> dict[str, str | bool]:
        """The same for JSON."""
        return asdict(self)


_STATUSES = {
    "queued": "queued",
    "sending": "queued",
    "sent": "sent",
    "dropped": "sent",  # nobody may see that there was nobody to write to
    "delivered": "delivered",
}

_GOING_WELL: dict[tuple[str, str], LazyString] = {
    ("sms", "queued"): lazy_gettext("Sending the text…"),
    ("sms", "sent"): lazy_gettext("The text was sent. It should arrive within a minute."),
    ("sms", "delivered"): lazy_gettext("The text was delivered to the phone."),
    ("mail", "queued"): lazy_gettext("Sending the email…"),
    ("mail", "sent"): lazy_gettext(
        "The email was sent. If it does not arrive, look in the spam folder."
    ),
    ("mail", "delivered"): lazy_gettext("The email was delivered."),
}

_NOT_YET: dict[str, LazyString] = {
    "sms": lazy_gettext("The text could not be sent yet. We keep trying."),
    "mail": lazy_gettext("The mail server did not take the email yet. We keep trying."),
}

_TEXT_FAILED: dict[str, LazyString] = {
    "bad_number": lazy_gettext(
        "That phone number does not look right. Check the country code and digits."
    ),
    "unsupported": lazy_gettext(
        "This number cannot receive text messages. Use a mobile number or another method."
    ),
    "opted_out": lazy_gettext("This number has opted out of our texts. Use another method."),
    "route_off": lazy_gettext("We cannot send texts to this number. Use another method."),
    "blocked": lazy_gettext(
        "We cannot send a text to this number right now. Try later or use another method."
    ),
    "undelivered": lazy_gettext(
        "The text did not arrive. Check that the phone is on and has signal, "
        "then ask for a new code."
    ),
    "busy": lazy_gettext(
        "We could not confirm the text was sent. Wait 30 seconds; if nothing comes, ask again."
    ),
    "unknown": lazy_gettext(
        "We could not confirm the text was sent. It may still arrive. "
        "Wait 30 seconds; if nothing comes, ask again."
    ),
    "misconfigured": lazy_gettext("Text messages are not available right now. Use another method."),
    "expired": lazy_gettext("The text was not sent in time. Ask for a new code."),
}

_MAIL_FAILED: dict[str, LazyString] = {
    "refused": lazy_gettext("The email was not accepted. Use another method."),
    "unknown": lazy_gettext(
        "We could not confirm the email was sent. It may still arrive. "
        "Wait a minute; if nothing comes, ask again."
    ),
    "expired": lazy_gettext("The email was not sent in time. Ask for a new code."),
    "": lazy_gettext("Email is not available right now. Use another method, or try again later."),
}

_START = lazy_gettext(
    "This number has opted out of our texts. Text START to %(sender)s or use another method."
)


def describe(message: Message) -> DeliveryStatus:
    """What to tell a person about a message, in the language of the page."""
    status = _STATUSES.get(message.state, "failed")
    if status != "failed":
        waits_again = status == "queued" and message.reason
        words = _NOT_YET[message.channel] if waits_again else _GOING_WELL[message.channel, status]
        return DeliveryStatus(status, str(words), "", _is_done(message))
    reason = "unknown" if message.state == "unknown" else message.reason
    return DeliveryStatus(status, _failure_words(message.channel, reason), reason, True)


def _is_done(message: Message) -> bool:
    over = message.expires_at <= clock.now()
    return message.state not in {"queued", "sending"} and (message.done_at is not None or over)


def _failure_words(channel: str, reason: str) -> str:
    if channel == "mail":
        return str(_MAIL_FAILED.get(reason, _MAIL_FAILED[""]))
    sender = settings().twilio_from
    if reason == "opted_out" and sender.startswith("+"):
        return str(_START) % {"sender": sender}
    return str(_TEXT_FAILED.get(reason, _TEXT_FAILED["misconfigured"]))
