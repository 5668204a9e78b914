"""One mail as it goes over the wire: its headers, its single recipient.

Refuses whatever could smuggle in a second recipient or another header. Opens
no connection.
"""

import re
from email import policy
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, getaddresses

import idna

from services import clock

_LOCAL = re.compile(r"[^\s@,;:<>()\[\]\"\\\x00-\x1f\x7f]{1,64}")
_DOMAIN = re.compile(r"[A-Za-z0-9.\-]{1,253}|\[[0-9A-Fa-f.:IPv]{2,45}\]")


class AddressUnusable(Exception):
    """Not one plain address."""


class SenderUnusable(Exception):
    """GATEPOST_MAIL_FROM is not one address with, perhaps, a name before it."""


def compose(sender: str, to: str, subject: str, text: str, ref: str) -> EmailMessage:
    """A plain-text mail to exactly one address.

    Raises ``SenderUnusable`` for the operator's own address, else ``AddressUnusable``.
    """
    from_ = _sender(sender)
    try:
        message = EmailMessage(policy.SMTP)
        message["From"] = from_
        message["To"] = _one_address(to)
        message["Subject"] = subject
        message["Date"] = format_datetime(clock.now())
        message["Message-ID"] = f"<{ref}@{from_.domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text, cte=_encoding(text))
    except (ValueError, MessageError) as error:
        raise AddressUnusable from error
    if len(message["To"].addresses) != 1:
        raise AddressUnusable
    return message


def sender_address(message: EmailMessage) -> str:
    """The address that failures are returned to."""
    return str(message["From"].addresses[0].addr_spec)


def recipient_address(message: EmailMessage) -> str:
    """The one address the mail goes to."""
    return str(message["To"].addresses[0].addr_spec)


def needs_utf8(message: EmailMessage) -> bool:
    """Whether the server must know SMTPUTF8: a local part is not ASCII."""
    return not (sender_address(message) + recipient_address(message)).isascii()


def _sender(text: str) -> Address:
    people = getaddresses([text])
    if len(people) != 1:
        raise SenderUnusable
    name, address = people[0]
    try:
        return _one_address(address, name)
    except (AddressUnusable, ValueError) as error:
        raise SenderUnusable from error


def _one_address(text: str, name: str = "") -> Address:
    local, _, domain = text.rpartition("@")
    try:
        if not domain.isascii():
            domain = idna.encode(domain, uts46=True).decode()
    except idna.IDNAError as error:
        raise AddressUnusable from error
    if not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(domain):
        raise AddressUnusable
    return Address(name, local, domain)


def _encoding(text: str) -> str:
    """7bit keeps links in one piece for those who read raw mail; else what survives any server."""
    plain = text.isascii() and all(len(line) < 900 for line in text.splitlines())
    return "7bit" if plain else "quoted-printable"
