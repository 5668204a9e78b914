"""Mails whose link is made only when they are sent.

The request that asks for such a mail does the same work whether or not the
account exists; here, in the delivery worker, it turns out. A link is so never
kept, not even encrypted. Must be called outside a transaction.
"""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from extensions import settings, writing
from models import User
from services import links, people, registration
from services.days import write_moment
from services.emails import canonicalize
from services.errors import describe_wait
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
    waiting = registration.find_waiting(to)
    if waiting is None or people.has_account(session, to):
        return None
    life = timedelta(seconds=settings().confirmation_seconds)
    link = links.issue(session, Purpose.CONFIRM_EMAIL, life, registration=waiting)
    when = write_moment(waiting.created_at)
    return waiting.email, {"link": link, "life": _in_words(life), "when": when}


def _already_registered(
    session: Session, to: str, _values: dict[str, str | int]
) -> Prepared | None:
    user, waiting = _find(session, to), registration.find_waiting(to)
    if user is None or waiting is None:
        return None
    base = settings().base_url
    return user.email, {
        "sign_in_link": f"{base}/sign-in",
        "reset_link": f"{base}/reset-password",
        "when": write_moment(waiting.created_at),
    }


def _reset_password(session: Session, to: str, values: dict[str, str | int]) -> Prepared | None:
    user = _find(session, to)
    if user is None:
        return None
    life = timedelta(seconds=settings().reset_seconds)
    link = links.issue(session, Purpose.RESET_PASSWORD, life, user)
    return user.email, {"link": link, "life": _in_words(life)}


def _confirm_new_email(session: Session, to: str, values: dict[str, str | int]) -> Prepared | None:
    user = session.get(User, int(values["user_id"]))
    if user is None or user.epoch != values["epoch"] or user.disabled_at is not None:
        return None
    if people.has_account(session, canonicalize(to)):
        return None
    life = timedelta(seconds=settings().confirmation_seconds)
    link = links.issue(session, Purpose.CHANGE_EMAIL, life, user, email=to)
    return to, {"link": link, "life": _in_words(life)}


def _find(session: Session, canonical: str) -> User | None:
    """The enabled account of an address; mail goes to its stored address, not the typed one."""
    return session.scalar(
        select(User).where(User.email_canonical == canonical, User.disabled_at.is_(None))
    )


def _in_words(life: timedelta) -> str:
    """Rather too short than too long."""
    hour = timedelta(hours=1)
    whole = life // hour * hour if life >= 2 * hour else life
    return describe_wait(int(whole.total_seconds()))


MAKERS = {
    "confirm_email": _confirm_email,
    "already_registered": _already_registered,
    "reset_password": _reset_password,
    "confirm_new_email": _confirm_new_email,
}
