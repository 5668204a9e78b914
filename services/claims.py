"""The states of a message and the only statements that change them while it is delivered.

queued -> sending -> sent | delivered | failed | unknown | dropped, or back to
queued for another try; queued -> expired. Each step is one statement that only
its winner sees succeed, so any number of threads, processes and machines may
work at once. Nothing here talks to a provider.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, Update
from sqlalchemy.orm import Session

from extensions import settings
from services import claim_statements, clock


@dataclass(frozen=True)
class Claimed:
    """A message in the hands of one sender, as it was when it was claimed."""

    id: int
    channel: str
    kind: str
    payload: bytes | None
    hook_key: str
    provider_id: str
    tries: int
    due_at: datetime
    expires_at: datetime


@dataclass
class Waiting:
    """What a look at the outbox found to do."""

    due: Counter[str] = field(default_factory=Counter)
    """Messages to send, by channel."""
    late: bool = False
    lost: bool = False
    to_ask: bool = False

    def __bool__(self) -> bool:
        return bool(self.due or self.late or self.lost or self.to_ask)


def look(session: Session) -> Waiting:
    """Find out, by one read without a write lock, whether there is anything to do."""
    waiting = Waiting()
    for state, channel, late, count in session.execute(claim_statements.LOOK, _times(clock.now())):
        if state == "sending":
            waiting.lost = True
        elif state == "sent":
            waiting.to_ask = True
        elif late:
            waiting.late = True
        else:
            waiting.due[channel] = count
    return waiting


def is_due(session: Session, channel: str) -> bool:
    """Whether another message of a channel waits; cheaper than a claim, which locks."""
    found = session.execute(claim_statements.IS_DUE, {**_times(clock.now()), "of_channel": channel})
    return found.first() is not None


def claim(session: Session, channel: str) -> Claimed | None:
    """Take a channel's next due message, what somebody waits for before notices, or None.

    Whoever gets it must end it before its lease runs out, and commit before sending.
    """
    now = clock.now()
    values = {**_times(now), "of_channel": channel, "lease_end": now + _lease()}
    row = session.execute(claim_statements.CLAIM, values).one_or_none()
    return Claimed(*row) if row else None


def claim_question(session: Session) -> Claimed | None:
    """Take one sent text whose provider is to be asked what became of it; each only once."""
    row = session.execute(claim_statements.CLAIM_QUESTION, _times(clock.now())).one_or_none()
    return Claimed(*row) if row else None


def expire_late(session: Session) -> list[int]:
    """Close queued messages whose time is over; returns their ids. They are never sent."""
    return list(session.scalars(claim_statements.EXPIRE, _times(clock.now())))


def give_up_lost(session: Session) -> list[int]:
    """Close messages whose sender was killed half-way, as ``unknown``; returns their ids.

    The provider may or may not have them: they are never sent again.
    """
    return list(session.scalars(claim_statements.GIVE_UP, _times(clock.now())))


def close(
    session: Session,
    message: Claimed,
    state: str,
    *,
    reason: str = "",
    code: str = "",
    provider_id: str = "",
    news_at: datetime | None = None,
) -> bool:
    """End a claimed message; False when a report or a lost lease has ended it already.

    Its text is blanked. With ``news_at`` it is sent but not done: then it is time to ask
    the provider, or (where that is when the message expires) reports come by themselves.
    """
    values = {
        "its_id": message.id,
        "new_state": state,
        "new_reason": reason,
        "new_code": code[:10],
        "new_provider_id": provider_id,
        "new_due_at": news_at or message.due_at,
        "new_done_at": None if news_at else clock.now(),
    }
    statement = claim_statements.CLOSE_SENT if state == "sent" else claim_statements.CLOSE
    return _changes_one(session, statement, values)


def put_back(session: Session, message: Claimed, due_at: datetime, reason: str, code: str) -> bool:
    """Queue a claimed message again, for ``due_at``: it was certainly not sent."""
    values = {
        "its_id": message.id,
        "new_due_at": due_at,
        "new_reason": reason,
        "new_code": code[:10],
    }
    return _changes_one(session, claim_statements.PUT_BACK, values)


def _changes_one(session: Session, statement: Update, values: dict[str, Any]) -> bool:
    return cast("CursorResult[Any]", session.execute(statement, values)).rowcount == 1


def _lease() -> timedelta:
    """Longer than any gateway's own deadline, whatever was configured."""
    config = settings()
    seconds = max(config.delivery_lease_seconds, config.twilio_deadline_seconds + 2)
    return timedelta(seconds=seconds)


def _times(now: datetime) -> dict[str, Any]:
    return {"moment": now, "horizon": now - timedelta(seconds=settings().code_seconds)}
