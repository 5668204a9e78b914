"""Signing in: the password first, then, where it is due, the second step.

A pending sign-in is a row of its own and no login: it is good for nothing but the
second step, and ends with it, with time, or with the person's next change.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session, contains_eager

from extensions import add_row, change_rows, db, end_reading, settings, writing
from models import PendingSignIn, User
from services import (
    browsers,
    challenges,
    codes,
    hashing,
    login_sessions,
    new_browsers,
    password_lanes,
    registration,
    ways,
)
from services.audit import Client
from services.challenges import Purpose, Reference
from services.clock import now
from services.emails import canonicalize, parse
from services.errors import (
    AccountDisabled,
    CredentialsIncorrect,
    EmailInvalid,
    EmailUnconfirmed,
    PendingSignInOver,
    ServiceBusy,
)
from services.errors_codes import ChallengeConsumed
from services.tokens import digest, new_token

# Built once, as all that an ordinary sign-in runs: building costs more than running.
_PERSON = select(User).where(User.email_canonical == bindparam("canonical"))
_PENDING = (
    select(PendingSignIn)
    .join(PendingSignIn.user)
    .options(contains_eager(PendingSignIn.user))
    .where(
        PendingSignIn.token_digest == bindparam("digest"),
        PendingSignIn.expires_at > bindparam("moment"),
        PendingSignIn.epoch == User.epoch,
        User.disabled_at.is_(None),
    )
    .execution_options(populate_existing=True)
)
_ADD_PENDING = insert(PendingSignIn)
_FINISH_PENDING = (
    update(PendingSignIn)
    .where(
        PendingSignIn.id == bindparam("of_id"),
        PendingSignIn.completed_at.is_(None),
        PendingSignIn.expires_at > bindparam("moment"),
    )
    .values(completed_at=bindparam("moment"))
)


@dataclass(frozen=True)
class Browser:
    """What the asking browser holds: the tokens of its known and remembered cookies."""

    client: Client
    known: str = ""
    remembered: str = ""


@dataclass(frozen=True)
class SignedIn:
    """A complete sign-in: the tokens for the browser's cookies ("" = leave that cookie alone)."""

    login: str
    known: str
    remember_me: bool
    remembered: str = ""


@dataclass(frozen=True)
class SecondStepDue:
    """The password was right; ``token`` names the pending sign-in."""

    token: str


def with_password(
    email: str, password: str, remember_me: bool, browser: Browser, leads_to: str = ""
) -> SignedIn | SecondStepDue:
    """Check the password and either sign in or ask for the second step.

    ``leads_to`` is kept for the time after the second step; the caller checks it.
    Takes the same time for unknown addresses. Raises ``CredentialsIncorrect``,
    ``EmailUnconfirmed``, ``AccountDisabled``, ``TooManyTries``, ``ServiceBusy``.
    """
    canonical = _canonical_or_typed(email)
    user = db.session.scalar(_PERSON, {"canonical": canonical})
    lane = browsers.known_lane(user, browser.known)
    password_lanes.reserve_try(canonical, lane, browser.client)
    stored = user.password_hash if user else None
    if not _matches(stored, password, canonical, lane) or user is None:
        raise _refuse(user, password, canonical, lane, browser.client)
    rehashed = _rehash(user, password)
    _refuse_unless_usable(user, canonical, lane)
    with writing() as session:
        password_lanes.give_try_back(session, canonical, lane)
        _store_rehashed(session, user, rehashed)
        if ways.second_step_due(user) and not browsers.recognize(session, user, browser.remembered):
            return _ask_for_second_step(session, user, remember_me, leads_to)
        full_proof = not ways.second_step_due(user)
        if full_proof and not lane:
            new_browsers.tell(session, user, browser.client)
        return _sign_in(session, user, browser.client, "pwd", remember_me, full_proof=full_proof)


def find_pending(token: str) -> PendingSignIn:
    """The live pending sign-in of a token, with its person.

    Raises ``PendingSignInOver``, and ``ChallengeConsumed`` once it became a login.
    """
    pending = db.session.scalar(_PENDING, {"digest": digest(token), "moment": now()})
    if pending is None:
        raise PendingSignInOver
    if pending.completed_at is not None:
        raise ChallengeConsumed(pending.next_url)
    return pending


def with_code(
    pending: PendingSignIn,
    reference: Reference | None,
    code: str,
    remember_browser: bool,
    client: Client,
) -> SignedIn:
    """Complete the second step: the code's one winner gets the login session.

    Raises what ``challenges.check_code`` raises, and ``PendingSignInOver``.
    """
    user = pending.user
    challenge = challenges.check_code(user, Purpose.SIGN_IN, reference, code, client)
    with writing() as session:
        challenges.use_up(session, user, challenge)
        _finish_pending(session, pending)
        if challenge.phone_id is not None:
            _lift_bar_on_email(session, user)
        signed_in = _sign_in(
            session, user, client, "pwd sms mfa" if challenge.phone_id else "pwd otp mfa",
            pending.remember_me, full_proof=True,
        )  # fmt: skip
        remembered = browsers.remember(session, user, client) if remember_browser else ""
        codes.give_back_sends(
            session, user, challenge, codes.last_destination(session, user, challenge)
        )
    return SignedIn(signed_in.login, signed_in.known, signed_in.remember_me, remembered)


def _canonical_or_typed(email: str) -> str:
    """A mistyped address is treated as an unknown one, at the same cost."""
    try:
        return canonicalize(parse(email))
    except EmailInvalid:
        return email.strip()[:254].casefold()


def _matches(stored: str | None, password: str, canonical: str, lane: str) -> bool:
    try:
        return hashing.verify_password(stored, password)
    except ServiceBusy:
        with writing() as session:
            password_lanes.give_try_back(session, canonical, lane)
        raise


def _refuse(
    user: User | None, password: str, canonical: str, lane: str, client: Client
) -> CredentialsIncorrect | EmailUnconfirmed:
    """Why the password does not let anybody in: a registration waits for it, or it is wrong.

    A known address can have been registered anew, too. So it is looked up, and a hash is
    compared, whether there is an account, or a registration, or not. Both are failures: or
    whoever registers somebody's address with a guess could try it here for nothing.
    """
    waiting = None if lane else registration.find_waiting(canonical)
    end_reading()
    stored = waiting.password_hash if waiting else None
    is_waiting = not lane and _matches(stored, password, canonical, lane)
    password_lanes.count_failure(user, canonical, lane, client)
    return EmailUnconfirmed() if is_waiting else CredentialsIncorrect()


def _refuse_unless_usable(user: User, canonical: str, lane: str) -> None:
    if user.disabled_at is None:
        return
    with writing() as session:
        password_lanes.give_try_back(session, canonical, lane)
    raise AccountDisabled


def _rehash(user: User, password: str) -> str | None:
    """A hash with today's parameters, where the stored one has others."""
    outdated = user.password_hash is not None and hashing.needs_rehash(user.password_hash)
    return hashing.hash_password(password) if outdated else None


def _store_rehashed(session: Session, user: User, rehashed: str | None) -> None:
    if rehashed is None:
        return
    change_rows(
        session,
        update(User)
        .where(User.id == user.id, User.password_hash == user.password_hash)
        .values(password_hash=rehashed),
    )


def _ask_for_second_step(
    session: Session, user: User, remember_me: bool, leads_to: str
) -> SecondStepDue:
    token = new_token()
    expires_at = now() + timedelta(seconds=settings().pending_sign_in_seconds)
    add_row(
        session, _ADD_PENDING,
        {
            "token_digest": digest(token), "user_id": user.id, "epoch": user.epoch,
            "remember_me": remember_me, "next_url": leads_to, "expires_at": expires_at,
        },
    )  # fmt: skip
    return SecondStepDue(token)


def _sign_in(
    session: Session, user: User, client: Client, amr: str, remember_me: bool, *, full_proof: bool
) -> SignedIn:
    token = login_sessions.start(
        session, user, client, amr, remember_me=remember_me, full_proof=full_proof
    )
    return SignedIn(token, browsers.make_known(user), remember_me and not user.is_admin)


def _finish_pending(session: Session, pending: PendingSignIn) -> None:
    if change_rows(session, _FINISH_PENDING, {"of_id": pending.id, "moment": now()}) != 1:
        raise PendingSignInOver


def _lift_bar_on_email(session: Session, user: User) -> None:
    """The bar comes with a new epoch, so one that was not there at the code's check is not now."""
    if user.email_way_barred_at is not None:
        change_rows(
            session, update(User).where(User.id == user.id).values(email_way_barred_at=None)
        )
