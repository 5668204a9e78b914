"""Removing what is past its keeping, in small steps, so that nobody waits for it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from extensions import Base, change_rows, settings, writing
from models import (
    Activity,
    Challenge,
    EmailLink,
    LoginSession,
    Message,
    NumberTrial,
    PendingSignIn,
    Registration,
    RememberedBrowser,
)
from models_apps import AccessRequest, AppGrant, HandOver
from services import limits
from services.clock import now

STEP = 500
"""Rows removed in one transaction."""

GRACE = timedelta(days=1)
"""Kept a little past its end, for "why did it not work?"."""


def sweep_all() -> dict[str, Any]:
    """Remove everything that is over; returns how many rows of each table went."""
    removed = {table.__tablename__: _sweep(table, over) for table, over in _rules()}
    removed["limits"] = _repeat(lambda session: limits.sweep(session, STEP))
    return removed


def _rules() -> list[tuple[type[Base], ColumnElement[bool]]]:
    moment = now()
    kept_since = moment - timedelta(days=settings().keep_messages_days)
    return [
        (Challenge, Challenge.expires_at < moment - GRACE),
        (PendingSignIn, PendingSignIn.expires_at < moment),
        (LoginSession, LoginSession.expires_at < moment),
        (RememberedBrowser, RememberedBrowser.expires_at < moment),
        (HandOver, HandOver.expires_at < moment - GRACE),
        (EmailLink, (EmailLink.expires_at < moment - GRACE) & (EmailLink.purpose != "setup")),
        (Message, (Message.created_at < kept_since) & Message.payload.is_(None)),
        (NumberTrial, NumberTrial.sent_at < kept_since),
        (Activity, Activity.at < moment - timedelta(days=settings().keep_activity_days)),
        (AppGrant, AppGrant.expires_at < kept_since),
        (AccessRequest, AccessRequest.decided_at < kept_since),
        (Registration, Registration.expires_at < moment),
    ]


def _sweep(table: type[Base], over: ColumnElement[bool]) -> int:
    key = table.__table__.c.id
    some = select(key).where(over).limit(STEP)
    return _repeat(lambda session: change_rows(session, delete(table).where(key.in_(some))))


def _repeat(step: Callable[[Session], int]) -> int:
    """Take steps, each in a transaction of its own, until one finds less than it could take."""
    removed = 0
    while True:
        with writing() as session:
            taken = step(session)
        removed += taken
        if taken < STEP:
            return removed
