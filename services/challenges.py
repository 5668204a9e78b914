"""Challenges: issue one, derive its code, spend a try, use it up once.

The code is never stored. It is derived from a seed that only the person's browser
has, a nonce that only the row has, and a key that only the server has. What must
not go backwards (tries, use, replacement) lives in the row, and each step is one
committed statement. Knows nothing of phones, mails or limits on sending.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from extensions import add_row, change_rows, row_of, settings, writing
from models import Challenge, User
from services import way_failures
from services.audit import Client, Event, record
from services.clock import now
from services.errors_codes import (
    ChallengeClosed,
    ChallengeConsumed,
    CodeExpired,
    CodeIncorrect,
    CodeMissing,
    CodeTriesUsed,
    NothingSent,
)
from services.limits import DAY, HOUR, Window, give_back, room, take
from services.sealing import code_keys

DIGITS = 6


class Purpose(StrEnum):
    """What a code proves; a code of one purpose is nothing in any other place."""

    SIGN_IN = "sign_in"
    CONFIRM_IDENTITY = "confirm_identity"
    ADD_PHONE = "add_phone"
    CHANGE_PHONE = "change_phone"


PROVES_AN_AUTHENTICATOR = (Purpose.SIGN_IN, Purpose.CONFIRM_IDENTITY)
"""Wrong codes of these count against the phone or email way that the code travelled."""


# Built once: every step of a code asks, some of them twice.
_FIND = (
    select(Challenge)
    .where(
        Challenge.id == bindparam("id"),
        Challenge.user_id == bindparam("user_id"),
        Challenge.purpose == bindparam("purpose"),
    )
    .execution_options(populate_existing=True)
)
_EPOCH_NOW = select(User.epoch).where(User.id == bindparam("of_user")).scalar_subquery()
_ADD = insert(Challenge)
_SPEND_TRY = (
    update(Challenge)
    .where(
        Challenge.id == bindparam("of_id"),
        Challenge.user_id == bindparam("of_user"),
        Challenge.purpose == bindparam("of_purpose"),
        Challenge.key_id.in_(bindparam("keys", expanding=True)),
        Challenge.tries < bindparam("most"),
        Challenge.consumed_at.is_(None),
        Challenge.superseded_at.is_(None),
        Challenge.expires_at > bindparam("moment"),
        Challenge.epoch == _EPOCH_NOW,
    )
    .values(tries=Challenge.tries + 1)
)
_USE_UP = (
    update(Challenge)
    .where(
        Challenge.id == bindparam("of_id"),
        Challenge.consumed_at.is_(None),
        Challenge.superseded_at.is_(None),
        Challenge.epoch == _EPOCH_NOW,
    )
    .values(consumed_at=bindparam("moment"))
)


@dataclass(frozen=True)
class Reference:
    """What a browser carries between sending and entering a code: no person, number or code."""

    challenge_id: int
    seed: str


def issue(
    session: Session,
    user: User,
    purpose: Purpose,
    replaces: Reference | None,
    *,
    destination: str = "",
    phone_id: int | None = None,
) -> tuple[Challenge, Reference]:
    """Make a challenge in the caller's transaction; its clock starts now.

    ``replaces`` is the one that the same browser holds for the same purpose; no
    other browser's is touched. ``destination`` is the number to be proved, if any.
    """
    if replaces:
        _supersede(session, user, purpose, replaces)
    moment = now()
    challenge = Challenge(
        user_id=user.id, purpose=purpose.value, destination=destination, phone_id=phone_id,
        nonce=secrets.token_bytes(16), key_id=next(iter(code_keys())), epoch=user.epoch, tries=0,
        sends=0, created_at=moment, expires_at=moment + timedelta(seconds=settings().code_seconds),
    )  # fmt: skip
    challenge.id = add_row(session, _ADD, row_of(challenge))
    return challenge, Reference(challenge.id, secrets.token_hex(16))


def find_live(
    session: Session, user: User, purpose: Purpose, reference: Reference | None
) -> Challenge | None:
    """The challenge behind a reference if a right code would still be accepted, else None."""
    challenge = find(session, user, purpose, reference)
    return challenge if challenge is not None and is_live(user, challenge) else None


def is_live(user: User, challenge: Challenge) -> bool:
    """Whether a right code of this person's challenge would still be accepted."""
    if not _is_open(challenge) or challenge.tries >= settings().code_tries:
        return False
    return challenge.epoch == user.epoch and challenge.key_id in code_keys()


def find(
    session: Session, user: User, purpose: Purpose, reference: Reference | None
) -> Challenge | None:
    """The challenge behind a reference, live or not, if it is this person's and of this purpose."""
    if reference is None:
        return None
    values = {"id": reference.challenge_id, "user_id": user.id, "purpose": purpose.value}
    return session.scalar(_FIND, values)


def hold(session: Session, reference: Reference | None) -> None:
    """Keep others from the challenge behind a reference until the transaction ends.

    Whoever is to count limits for it holds it first, as a code that is entered does: so two
    clicks come one after the other, and neither waits for what the other has.
    """
    if reference is not None:
        held = select(Challenge.id).where(Challenge.id == reference.challenge_id)
        session.execute(held.with_for_update())


def derive_code(challenge: Challenge, reference: Reference) -> str:
    """The challenge's digits: RFC 4226 (5.3) truncation of an HMAC-SHA-256 over what it binds."""
    bound = "|".join(
        (reference.seed, challenge.nonce.hex(), str(challenge.id), str(challenge.user_id),
         challenge.purpose, challenge.destination)
    )  # fmt: skip
    mac = hmac.new(code_keys()[challenge.key_id], bound.encode(), hashlib.sha256).digest()
    offset = mac[-1] & 0x0F
    number = int.from_bytes(mac[offset : offset + 4]) & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def seconds_left(challenge: Challenge) -> int:
    """Whole seconds until the code expires; 0 when it has."""
    return max(0, int((challenge.expires_at - now()).total_seconds()))


def check_code(
    user: User, purpose: Purpose, reference: Reference | None, code: str, client: Client
) -> Challenge:
    """Spend a try, then compare. Returns the challenge, which ``use_up`` must still win.

    Raises ``CodeMissing`` (no try spent), ``CodeIncorrect``, ``ChallengeClosed``,
    ``TooManyTries`` and ``ChallengeConsumed``. Commits the try before comparing, so
    that a crash or a second request cannot win it back.
    """
    if not code.strip():
        raise CodeMissing
    if reference is None:
        raise NothingSent
    with writing() as session:
        _spend_try(session, user, purpose, reference)
        take(session, _person_windows(user.id))
        if purpose in PROVES_AN_AUTHENTICATOR:
            way_failures.count(session, user, reference.challenge_id)
        challenge = find(session, user, purpose, reference)
    if challenge is None:
        raise ChallengeClosed
    digits = re.sub(r"[ \-]", "", code.strip())
    if not hmac.compare_digest(digits.encode(), derive_code(challenge, reference).encode()):
        _refuse_wrong_code(user, challenge, digits, client)
    return challenge


def use_up(session: Session, user: User, challenge: Challenge) -> None:
    """Consume the challenge in the transaction of what its code allows; one caller wins.

    The loser gets ``ChallengeConsumed``. The winner's try is given back.
    """
    values = {"of_id": challenge.id, "of_user": user.id, "moment": now()}
    if change_rows(session, _USE_UP, values) != 1:
        raise ChallengeConsumed
    give_back(session, _person_windows(user.id))
    if challenge.purpose in PROVES_AN_AUTHENTICATOR:
        way_failures.forget(session, user, challenge)


def _supersede(session: Session, user: User, purpose: Purpose, reference: Reference) -> None:
    change_rows(
        session,
        update(Challenge)
        .where(
            Challenge.id == reference.challenge_id,
            Challenge.user_id == user.id,
            Challenge.purpose == purpose.value,
            Challenge.consumed_at.is_(None),
        )
        .values(superseded_at=now()),
    )


def _spend_try(session: Session, user: User, purpose: Purpose, reference: Reference) -> None:
    values = {
        "of_id": reference.challenge_id, "of_user": user.id, "of_purpose": purpose.value,
        "keys": list(code_keys()), "most": settings().code_tries, "moment": now(),
    }  # fmt: skip
    if change_rows(session, _SPEND_TRY, values) != 1:
        raise _why_closed(session, user, find(session, user, purpose, reference))


def _why_closed(
    session: Session, user: User, challenge: Challenge | None
) -> ChallengeClosed | ChallengeConsumed:
    if challenge is None:
        return ChallengeClosed()
    if challenge.consumed_at is not None:
        return ChallengeConsumed()
    if challenge.superseded_at is None and challenge.tries >= settings().code_tries:
        return CodeTriesUsed(room(session, _person_windows(user.id))[1])
    return CodeExpired() if challenge.expires_at <= now() else ChallengeClosed()


def _is_open(challenge: Challenge) -> bool:
    untouched = challenge.consumed_at is None and challenge.superseded_at is None
    return untouched and challenge.expires_at > now()


def _person_windows(user_id: int) -> list[tuple[Window, str]]:
    numbers = settings()
    person = str(user_id)
    return [
        (Window("code_tries_5_minutes", numbers.code_tries_per_5_minutes, 300), person),
        (Window("code_tries_hour", numbers.code_tries_per_hour, HOUR), person),
        (Window("code_tries_day", numbers.code_tries_per_day, DAY), person),
    ]


def _refuse_wrong_code(user: User, challenge: Challenge, digits: str, client: Client) -> None:
    with writing() as session:
        record(session, Event.CODE_INCORRECT, client, user.id, purpose=challenge.purpose)
        if challenge.purpose in PROVES_AN_AUTHENTICATOR:
            way_failures.disable_if_hopeless(session, user, challenge, client)
        of_person, wait = room(session, _person_windows(user.id))
    of_code = settings().code_tries - challenge.tries
    if of_code <= 0:
        raise CodeTriesUsed(wait)
    right_length = "" if len(digits) == DIGITS else "length"
    shape = right_length if re.fullmatch(r"[0-9]*", digits) else "digits"
    raise CodeIncorrect(min(of_code, of_person), shape, wait)
