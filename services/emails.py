"""Email addresses: their shape, and the one form in which two of them are compared."""

import unicodedata

import idna
from email_validator import EmailNotValidError, validate_email

from services.errors import EmailInvalid

LONGEST = 254

INTERNAL = (".test", ".local", ".home.arpa", "@home.arpa")
"""How addresses end that mean something in a team's own network alone, whose server mails there."""


def parse(text: str) -> str:
    """An address as it is to be stored and written to: trimmed, NFC, its domain in lower case.

    Raises ``EmailInvalid``. Asks no network whether the domain takes mail.
    """
    text = text.strip()
    if len(text) > LONGEST:
        raise EmailInvalid
    try:
        if text.lower().endswith(INTERNAL):
            return _normalize(f"{text}{_ORDINARY}").removesuffix(_ORDINARY)
        return _normalize(text)
    except EmailNotValidError as error:
        raise EmailInvalid from error


# The library refuses internal domains along with those that cannot have mail; its list is one for
# the whole process. So they are looked at as the beginnings of ordinary ones.
_ORDINARY = ".org"


def _normalize(text: str) -> str:
    return validate_email(text, check_deliverability=False).normalized


def canonicalize(email: str) -> str:
    """The form for comparing: case-folded local part, IDNA domain (RFC 5891) in lower case.

    Raises ``EmailInvalid``.
    """
    local, domain = _split(email)
    return f"{unicodedata.normalize('NFC', local.casefold())}@{domain}"


def lower(email: str) -> str:
    """The same, but its local part in lower case only: to fold it can make it name another
    mailbox, ``strasse`` for ``straße``. Raises ``EmailInvalid``.
    """
    local, domain = _split(email)
    return f"{unicodedata.normalize('NFC', local.lower())}@{domain}"


def _split(email: str) -> tuple[str, str]:
    """The local part in NFC, and the domain as the network writes it, in lower case.

    Python's own codec is the older IDNA, which takes one domain for another: ß for ss.
    """
    local, _, domain = email.strip().rpartition("@")
    try:
        written = domain.lower() if domain.isascii() else idna.encode(domain, uts46=True).decode()
    except idna.IDNAError as error:
        raise EmailInvalid from error
    return unicodedata.normalize("NFC", local), written
