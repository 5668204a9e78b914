"""Mails whose link is made only when they are sent.

The request that asks for such a mail does the same work whether or not the
account exists; here, in the delivery worker, it turns out. A link is so never
kept, not even encrypted. Must be called outside a transaction.
"""

from datetime import timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from extensions import settings, writing
from models import Registration, User
from services import links
from services.clock import now
from services.days import write_moment
from services.emails import canonicalize
from services.links import Purpose

Prepared = tuple[str, dict[str, str | int]]


def prepare(kind: str, to: str, values: dict[str, str | int]) -> Prepared | None:
    """Complete a mail just before it is rendered: the stored address, and its link.

    Returns where it goes and its template values, or None to drop it silently.
    """
    if kind not in MAKERS:
        return to, values
    with writing() as session:
        return MAKERS[kind](session, to, values)


def _confirm_email(session: Session, to: str, _values: dict[str, str | int]) -> Prepared | None:
    registration = _find_registration(session, to)
    if registration is None or _is_taken(session, to):
        return None
    life = timedelta(seconds=settings().confirmation_seconds)
    link = links.issue(session, Purpose.CONFIRM_EMAIL, life, registration=registration)
    when = write_moment(registration.created_at)
    return registration.email, {"link": link, "hours": _hours(life), "when": when}


def _already_registered(
    session: Session, to: str, _values: dict[str, str | int]
) -> Prepared | None:
    user, registration = _find(session, to), _find_registration(session, to)
    if user is None or registration is None:
        return None
    base = settings().base_url
    return user.email, {
        "sign_in_link": f"{base}/sign-in",
        "reset_link": f"{base}/reset-password",
        "when": write_moment(registration.created_at),
    }


def _reset_password(session: Session, to: str, values: dict[str, str | int]) -> Prepared | None:
    user = _find(session, to)
    if user is None:
        return None
    life = timedelta(seconds=settings().reset_seconds)
    link = links.issue(session, Purpose.RESET_PASSWORD, life, user)
    return user.email, {"link": link, "minutes": int(life.total_seconds()) // 60}


def _confirm_new_email(session: Session, to: str, values: dict[str, str | int]) -> Prepared | None:
    user = session.get(User, int(values["user_id"]))
    if user is None or user.epoch != values["epoch"] or user.disabled_at is not None:
        return None
    if _is_taken(session, canonicalize(to)):
        return None
    life = timedelta(seconds=settings().confirmation_seconds)
    link = links.issue(session, Purpose.CHANGE_EMAIL, life, user, email=to)
    return to, {"link": link, "hours": _hours(life)}


def _find(session: Session, canonical: str) -> User | None:
    """The enabled account of an address; mail goes to its stored address, not the typed one."""
    return session.scalar(
        select(User).where(User.email_canonical == canonical, User.disabled_at.is_(None))
    )


def _find_registration(session: Session, canonical: str) -> Registration | None:
    return session.scalar(
        select(Registration).where(
            Registration.email_canonical == canonical, Registration.expires_at > now()
        )
    )


def _is_taken(session: Session, canonical: str) -> bool:
    return bool(session.scalar(select(exists().where(User.email_canonical == canonical))))


def _hours(life: timedelta) -> int:
    return int(life.total_seconds()) // 3600


MAKERS = {
    "confirm_email": _confirm_email,
    "already_registered": _already_registered,
    "reset_password": _reset_password,
    "confirm_new_email": _confirm_new_email,
}
