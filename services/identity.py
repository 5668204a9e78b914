"""Reauthentication: fresh proof of who is at the keyboard, before a sensitive change.

The proof is the password and, where two-factor sign-in is on, a code. It is kept
on the login session's row, so that no old cookie can bring it back.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from extensions import end_reading, settings, writing
from models import LoginSession, User
from services import challenges, codes, hashing, limits, login_sessions, password_lanes, ways
from services.audit import Client, Event, record
from services.challenges import Purpose, Reference
from services.clock import now
from services.errors import CurrentPasswordIncorrect
from services.gate import app_sessions


class Missing(StrEnum):
    """What a login session still lacks for a sensitive change."""

    NOTHING = "nothing"
    PASSWORD = "password"
    CODE = "code"


def what_is_missing(login_session: LoginSession) -> Missing:
    """The next thing to ask for; proofs are good for ``reauth_seconds`` from the first of them."""
    if not _is_fresh(login_session.password_proved_at):
        return Missing.PASSWORD
    if ways.second_step_due(login_session.user) and not _is_fresh(
        login_session.second_factor_proved_at
    ):
        return Missing.CODE
    return Missing.NOTHING


def has_second_factor(login_session: LoginSession) -> bool:
    """Whether a second factor was proved in this login session, at sign-in or later."""
    return "mfa" in login_session.amr.split()


def prove_password(
    login_session: LoginSession, password: str, client: Client, field: str = "password"
) -> str:
    """Check the signed-in person's password. Returns the login session's new token.

    Raises ``CurrentPasswordIncorrect`` (shown at ``field``), ``TooManyTries``, ``ServiceBusy``.
    """
    check_password(login_session.user, password, client, field)
    with writing() as session:
        if not ways.second_step_due(login_session.user):
            record(session, Event.IDENTITY_CONFIRMED, client, login_session.user_id)
        return login_sessions.renew(session, login_session, password_proved_at=now())


def prove_code(
    login_session: LoginSession, reference: Reference | None, code: str, client: Client
) -> str:
    """Check a code sent to the signed-in person. Returns the login session's new token.

    Raises what ``challenges.check_code`` raises.
    """
    user = login_session.user
    challenge = challenges.check_code(user, Purpose.CONFIRM_IDENTITY, reference, code, client)
    with writing() as session:
        challenges.use_up(session, user, challenge)
        record(session, Event.IDENTITY_CONFIRMED, client, user.id)
        if not has_second_factor(login_session):
            # Who copied an app's cookie before must not rise with it: apps are entered anew.
            app_sessions.end_all(session, login_session)
        codes.give_back_sends(
            session, user, challenge, codes.last_destination(session, user, challenge)
        )
        return login_sessions.renew(
            session, login_session, second_factor_proved_at=now(),
            amr=_with_factor(login_session.amr, "sms" if challenge.phone_id else "otp"),
        )  # fmt: skip


def check_password(user: User, password: str, client: Client, field: str = "password") -> None:
    """Check a person's password again, within limits; as ``prove_password``, proving nothing."""
    end_reading()
    places = password_lanes.own_places("password_fails_signed_in", str(user.id))
    with writing() as session:
        limits.take(session, places)
    if not hashing.verify_password(user.password_hash, password):
        with writing() as session:
            record(session, Event.PASSWORD_INCORRECT, client, user.id)
        raise CurrentPasswordIncorrect(field)
    with writing() as session:
        limits.give_back(session, places)


def _with_factor(amr: str, factor: str) -> str:
    """How the session was proved, now with this factor too (RFC 8176, 2)."""
    return " ".join(dict.fromkeys([*amr.split(), factor, "mfa"]))


def _is_fresh(moment: datetime | None) -> bool:
    return moment is not None and now() - moment < timedelta(seconds=settings().reauth_seconds)
