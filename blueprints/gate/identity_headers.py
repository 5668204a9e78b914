"""The identity headers: who asks, in characters that every proxy and app reads the same.

All of an app's headers are there with every "yes", empty where nobody is to be named:
a proxy lets a forged one live where ours is absent.
"""

import unicodedata
from functools import lru_cache
from urllib.parse import quote

from config import Config
from services import emails
from services.clock import now
from services.gate import signed_identity
from services.gate.gatekeeper import Answer
from services.header_names import SIGNED

GROUPS_BYTES = 2000
"""Most that ``Remote-Groups`` may be long: proxies' buffers for answers begin at 4 KB."""

_SAFE = "@ ,.+-_~"
_OF_ADDRESSES = "@!#$&'*+-/=?^_`{|}~."
"""What an address may hold beside letters and digits (RFC 5322, 3.2.3), but for ``%``."""
_NOT_DECOMPOSED = str.maketrans(
    {"ß": "ss", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "œ": "oe", "Œ": "OE", "ł": "l",
     "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ı": "i",
     "‘": "'", "’": "'", "–": "-"}
)  # fmt: skip


def write(config: Config, answer: Answer, origin: str) -> list[tuple[str, str]]:
    """The headers of a "yes" to the app at ``origin``."""
    app, person = answer.verdict.app, answer.verdict.person
    if app is None:
        return []
    names = app.header_names
    if person is None:
        headers = [(name, "") for name in names.values()]
        return [*headers, (SIGNED, "")] if app.signed_header else headers
    groups = answer.rules.names_of(person.groups)
    headers = [
        (names["user"], _write_user(person.email)),
        (names["groups"], _join(groups)),
        (names["email"], _write_address(person.email)),
        (
            names["name"],
            _write_name(person.name, app.percent_encoded) or _write_address(person.email),
        ),
    ]
    if app.signed_header:
        headers.append((SIGNED, signed_identity.sign(config, person, groups, origin, now())))
    return headers


@lru_cache(maxsize=4096)
def _join(groups: tuple[str, ...]) -> str:
    """As many names as a proxy's buffers surely hold."""
    kept, length = 0, -1
    while kept < len(groups) and (length := length + 1 + len(groups[kept])) <= GROUPS_BYTES:
        kept += 1
    return ",".join(groups[:kept])


@lru_cache(maxsize=4096)
def _write_user(email: str) -> str:
    """However the person wrote their address, the app knows them by one spelling."""
    return _write_address(emails.lower(email))


@lru_cache(maxsize=4096)
def _write_address(email: str) -> str:
    """Exactly one spelling for each person: folded, Änn would be taken for Ann."""
    if email.isascii() and "%" not in email and email.isprintable():
        return email
    return quote(email, safe=_OF_ADDRESSES)


@lru_cache(maxsize=4096)
def _write_name(name: str, percent_encoded: bool) -> str:
    """ASCII: percent-encoded UTF-8 where the app asks for that, else folded."""
    if percent_encoded:
        return quote(name, safe=_SAFE)
    plain = unicodedata.normalize("NFKD", name.translate(_NOT_DECOMPOSED))
    folded = plain.encode("ascii", "ignore").decode()
    return "".join(c for c in folded if c.isprintable()).strip()
