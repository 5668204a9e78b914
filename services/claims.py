"""The states of a message and the only statements that change them while it is delivered.

queued -> sending -> sent | delivered | failed | unknown | dropped, or back to
queued for another try; queued -> expired. Each step is one statement that only
its winner sees succeed, so any number of threads, processes and machines may
work at once. Nothing here talks to a provider.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Update, and_, or_, select, update
from sqlalchemy.orm import Session

from extensions import change_rows, settings
from models import Message
from services import clock

_GLANCE = 64
"""Rows looked at in one poll: enough to keep every sender busy."""
_LOST = "lost"


@dataclass
class Waiting:
    """What a look at the outbox found to do."""

    due: Counter[str] = field(default_factory=Counter)
    """Messages to send, by channel; at most a glance's worth."""
    late: bool = False
    lost: bool = False
    to_ask: bool = False

    def __bool__(self) -> bool:
        return bool(self.due or self.late or self.lost or self.to_ask)


def look(session: Session) -> Waiting:
    """Find out, by one read without a write lock, whether there is anything to do."""
    now = clock.now()
    rows = session.execute(
        select(Message.state, Message.channel, Message.expires_at)
        .where(or_(_due(now), _lost(now), _to_ask(now)))
        .limit(_GLANCE)
    )
    waiting = Waiting()
    for state, channel, expires_at in rows:
        if state == "sending":
            waiting.lost = True
        elif state == "sent":
            waiting.to_ask = True
        elif expires_at <= now:
            waiting.late = True
        else:
            waiting.due[channel] += 1
    return waiting


def claim(session: Session, channel: str) -> Message | None:
    """Take the oldest due message of a channel for sending; None when there is none.

    Whoever gets it must end it before its lease runs out, and commit before sending.
    """
    now = clock.now()
    oldest = (
        select(Message.id)
        .where(_due(now), Message.channel == channel, Message.expires_at > now)
        .order_by(Message.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    return session.scalars(
        update(Message)
        .where(Message.id == oldest, Message.state == "queued")
        .values(state="sending", tries=Message.tries + 1, lease_until=now + _lease())
        .returning(Message),
        execution_options={"synchronize_session": False, "populate_existing": True},
    ).one_or_none()


def claim_question(session: Session) -> Message | None:
    """Take one sent text whose provider is to be asked what became of it; each only once."""
    now = clock.now()
    oldest = (
        select(Message.id)
        .where(_to_ask(now))
        .order_by(Message.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    return session.scalars(
        update(Message)
        .where(Message.id == oldest, Message.done_at.is_(None))
        .values(done_at=now)
        .returning(Message),
        execution_options={"synchronize_session": False, "populate_existing": True},
    ).one_or_none()


def expire_late(session: Session) -> list[int]:
    """Close queued messages whose time is over; returns their ids. They are never sent."""
    now = clock.now()
    return _close_all(
        session,
        update(Message)
        .where(_due(now), Message.expires_at <= now)
        .values(state="expired", reason="expired", payload=None, done_at=now),
    )


def give_up_lost(session: Session) -> list[int]:
    """Close messages whose sender was killed half-way, as ``unknown``; returns their ids.

    The provider may or may not have them: they are never sent again.
    """
    now = clock.now()
    return _close_all(
        session,
        update(Message)
        .where(_lost(now))
        .values(state="unknown", reason=_LOST, payload=None, lease_until=None, done_at=now),
    )


def close(session: Session, message_id: int, state: str, **values: Any) -> bool:
    """End a claimed message; False when a report or a lost lease has ended it already.

    Its text is blanked. ``values`` are further columns; without ``done_at``, it is done now.
    """
    ended = {"payload": None, "lease_until": None, "done_at": clock.now(), **values}
    mine = Message.state == "sending"
    if state == "sent":  # what we know outweighs what another worker had to assume
        mine = or_(mine, and_(Message.state == "unknown", Message.reason == _LOST))
    return _changes_one(
        session,
        update(Message).where(Message.id == message_id, mine).values(state=state, **ended),
    )


def put_back(session: Session, message_id: int, due_at: datetime, reason: str, code: str) -> bool:
    """Queue a claimed message again, for ``due_at``: it was certainly not sent."""
    return _changes_one(
        session,
        update(Message)
        .where(Message.id == message_id, Message.state == "sending")
        .values(state="queued", due_at=due_at, lease_until=None, reason=reason, provider_code=code),
    )


def _due(now: datetime) -> Any:
    return and_(Message.state == "queued", Message.due_at <= now)


def _lost(now: datetime) -> Any:
    return and_(Message.state == "sending", Message.lease_until < now)


def _to_ask(now: datetime) -> Any:
    """Sent, its provider not asked yet, and worth asking; the lower bound is for the index."""
    horizon = now - timedelta(seconds=settings().code_seconds)
    return and_(
        Message.state == "sent",
        Message.due_at.between(horizon, now),
        Message.done_at.is_(None),
        Message.expires_at > now,
    )


def _lease() -> timedelta:
    """Longer than any gateway's own deadline, whatever was configured."""
    config = settings()
    seconds = max(config.delivery_lease_seconds, config.twilio_deadline_seconds + 2)
    return timedelta(seconds=seconds)


def _close_all(session: Session, statement: Update) -> list[int]:
    options = {"synchronize_session": False}
    return list(session.scalars(statement.returning(Message.id), execution_options=options))


def _changes_one(session: Session, statement: Update) -> bool:
    return change_rows(session, statement) == 1
