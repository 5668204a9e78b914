"""Show where a message goes without showing it whole: on pages, in rows and in log lines.

Works on the text alone; it must not look anything up, and whatever it returns
may be read by anyone who sees the page or the log.
"""

import re

from flask_babel import LazyString, lazy_gettext

_EMAIL = re.compile(r"[^\s@<>()\"',;:]+@[^\s@<>()\"',;:]+")
_DIGITS = re.compile(r"[+(]*\d(?:[\s().\-/]*\d){4,}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def number_ending(number: str) -> str:
    """The last two digits of a phone number: ``34``."""
    return number[-2:]


def mask_number(number: str) -> LazyString:
    """A phone number in words for a person: ``the number ending 34``, translated when shown."""
    return lazy_gettext("the number ending %(ending)s", ending=number_ending(number))


def mask_email(email: str) -> str:
    """An address with all but its first letter hidden, its length too: ``a••@example.org``."""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}••@{domain}"


def mask_destination(channel: str, to: str) -> str:
    """A destination as rows keep it, in no language: ``••34``, ``a••@example.org``; cut at 80."""
    masked = mask_email(to) if channel == "mail" else f"••{number_ending(to)}"
    return masked[:80]


def redact(text: object, most: int = 200) -> str:
    """Make another system's text fit for a log line: no number, address or control character.

    Runs of five digits and more are hidden, so security codes and phone numbers
    are; the result has at most ``most`` characters.
    """
    line = _CONTROL.sub(" ", str(text))
    line = _EMAIL.sub(lambda found: mask_email(found.group()), line)
    return _DIGITS.sub("••", line)[:most]
