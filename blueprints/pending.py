"""What the signed, timed session carries between steps: the only file that names its keys.

It holds references, never a person, an address, a number or a code; what must not
be rolled back stands in rows. Each entry is signed under a salt of its own, so
that one step's reference is nothing in another.
"""

from functools import lru_cache
from typing import Any

from flask import session
from itsdangerous import BadData, URLSafeTimedSerializer

from extensions import settings
from services.challenges import Purpose, Reference
from services.clock import now
from services.sealing import signing_keys
from services.tokens import digest

SIGN_IN = "sign_in"
FLASHES = "_flashes"
BOUNCES = "bounces"
WANTED = "wanted"
REGISTRATION = "registration"

BOUNCE_SECONDS = 30
"""Redirects to the same address within so long may be a loop."""

MOST_ADDRESSES = 6
LONGEST_WANTED = 1500
"""Characters of an app's address that a cookie has room for."""


def keep_sign_in(token: str) -> None:
    """Keep the pending sign-in; a fresh session, but for a live code."""
    code = session.get(_code_key(Purpose.SIGN_IN))
    start_afresh()
    if code:
        session[_code_key(Purpose.SIGN_IN)] = code
    session[SIGN_IN] = _serializer(SIGN_IN).dumps(token)


def sign_in_token() -> str:
    """The pending sign-in's token, or ""."""
    return str(_load(SIGN_IN) or "")


def keep_code(purpose: Purpose, reference: Reference) -> None:
    """Keep which challenge this browser answers for a purpose."""
    key = _code_key(purpose)
    session[key] = _serializer(key).dumps([reference.challenge_id, reference.seed])


def code(purpose: Purpose) -> Reference | None:
    """The challenge that this browser answers for a purpose, if it asked for one lately."""
    loaded = _load(_code_key(purpose))
    if not isinstance(loaded, list):
        return None
    return Reference(int(loaded[0]), str(loaded[1]))


def drop_code(purpose: Purpose) -> None:
    """Forget the challenge of a purpose."""
    session.pop(_code_key(purpose), None)


def count_bounce(address: str) -> int:
    """How often this browser was led to an address of late, this time included."""
    since = now().timestamp() - BOUNCE_SECONDS
    key = digest(address)[:16]
    kept = [bounce for bounce in _bounces() if bounce[1] > since][-MOST_ADDRESSES:]
    count, began = next(((b[2], b[1]) for b in kept if b[0] == key), (0, now().timestamp()))
    session[BOUNCES] = [b for b in kept if b[0] != key] + [[key, began, count + 1]]
    return count + 1


def forget_bounces() -> None:
    """Begin to count anew."""
    session.pop(BOUNCES, None)


def keep_wanted(address: str) -> None:
    """Keep an app's address over the detour of a mailed link; too long a one is left out."""
    if 0 < len(address) <= LONGEST_WANTED:
        session[WANTED] = _serializer(WANTED).dumps(address)


def wanted() -> str:
    """The app's address that this browser came for before a mailed link, or ""."""
    return str(_load(WANTED, settings().confirmation_seconds) or "")


def keep_registration(token: str) -> None:
    """Keep which registration was made in this browser."""
    session[REGISTRATION] = _serializer(REGISTRATION).dumps(token)


def registration_token() -> str:
    """The token of the registration that was made in this browser last, or ""."""
    return str(_load(REGISTRATION, settings().keep_unconfirmed_days * 86400) or "")


def start_afresh() -> None:
    """A new session at every change of privilege: nothing planted before it survives."""
    flashes = session.get(FLASHES)
    session.clear()
    if flashes:
        session[FLASHES] = flashes


def _code_key(purpose: Purpose) -> str:
    return f"code_{purpose.value}"


def _bounces() -> list[list[Any]]:
    kept = session.get(BOUNCES)
    return kept if isinstance(kept, list) else []


def _load(key: str, seconds: int = 0) -> object:
    value = session.get(key)
    if not isinstance(value, str):
        return None
    try:
        return _serializer(key).loads(value, max_age=seconds or settings().pending_sign_in_seconds)
    except BadData:
        return None


def _serializer(key: str) -> URLSafeTimedSerializer:
    """That of one entry of the session: its key is its salt."""
    return _serializer_with(tuple(signing_keys()), key)


@lru_cache(maxsize=64)
def _serializer_with(keys: tuple[str, ...], salt: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(list(keys), salt=f"gatepost pending {salt}")
