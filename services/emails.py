"""Email addresses: their shape, and the one form in which two of them are compared."""

import unicodedata

import idna
from email_validator import EmailNotValidError, validate_email

from services.errors import EmailInvalid

LONGEST = 254


def parse(text: str) -> str:
    """An address as it is to be stored and written to: trimmed, NFC, its domain in lower case.

    Raises ``EmailInvalid``. Asks no network whether the domain takes mail.
    """
    text = text.strip()
    if len(text) > LONGEST:
        raise EmailInvalid
    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise EmailInvalid from error


def canonicalize(email: str) -> str:
    """The form for comparing: case-folded local part, IDNA domain (RFC 5891) in lower case.

    Python's own codec is the older IDNA, which takes one domain for another: ß for ss.
    """
    local, _, domain = email.strip().rpartition("@")
    try:
        ascii_domain = (
            domain.lower() if domain.isascii() else idna.encode(domain, uts46=True).decode()
        )
    except idna.IDNAError as error:
        raise EmailInvalid from error
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", local).casefold())
    return f"{folded}@{ascii_domain}"
