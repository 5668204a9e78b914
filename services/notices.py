"""Notices: a mail to every confirmed address of a person after a sensitive change.

Queued in the transaction of the change; says what happened, never what the secret is.
"""

from datetime import timedelta

from sqlalchemy.orm import Session

from extensions import settings
from models import User
from services import outbox
from services.clock import now
from services.days import write_moment

LIFE = timedelta(days=3)
"""A notice that could not be sent for so long is no longer news."""


def notify(session: Session, user: User, kind: str, **values: str | int) -> None:
    """Queue a notice to the person's address."""
    notify_address(session, user, user.email, kind, **values)


def notify_address(
    session: Session, user: User, address: str, kind: str, **values: str | int
) -> None:
    """Queue a notice to an address that was the person's when it happened."""
    outbox.enqueue(
        session, channel="mail", kind=kind, to=address, user_id=user.id,
        values={"when": write_moment(now()), **values}, expires_at=now() + LIFE,
    )  # fmt: skip


def notify_old_number(session: Session, user: User, number: str) -> None:
    """Queue a text to a number that is no longer the person's, where texts are sent at all."""
    if not settings().sends_texts:
        return
    outbox.enqueue(
        session, channel="sms", kind="phone_changed", to=number, user_id=user.id, values={},
        expires_at=now() + timedelta(hours=1),
    )  # fmt: skip
