"""The statements of ``services.claims``, built once: building one costs more than running it.

Parameters: ``moment`` is now, ``horizon`` the earliest time worth asking about; ``of_channel``,
``its_id``, ``lease_end`` and the ``new_...`` values speak for themselves. Nothing here runs.
"""

from datetime import datetime

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Table,
    Update,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
    update,
)

from models import Message
from services.outbox import AWAITED

_LOST = "lost"

_messages: Table = Message.__table__  # type: ignore[assignment]
_m = _messages.c
_MOMENT: BindParameter[datetime] = bindparam("moment")
_DUE = and_(_m.state == "queued", _m.due_at <= _MOMENT)
_LOST_LEASE = and_(_m.state == "sending", _m.lease_until < _MOMENT)
_TO_ASK = and_(
    _m.state == "sent",
    _m.due_at.between(bindparam("horizon"), _MOMENT),  # the lower bound is for the index
    _m.done_at.is_(None),
    _m.expires_at > _MOMENT,
)
_READY = and_(_DUE, _m.channel == bindparam("of_channel"), _m.expires_at > _MOMENT)
_HELD = and_(_m.id == bindparam("its_id"), _m.state == "sending")
_CLAIMED = [
    _m[name]
    for name in (
        "id", "channel", "kind", "payload", "hook_key", "provider_id", "tries", "due_at",
        "expires_at",
    )
]  # fmt: skip
"""The fields of ``claims.Claimed``, in their order."""
_NOTICES_LAST = case(dict.fromkeys(AWAITED, 0), value=_m.kind, else_=1)
"""Or whoever causes notices would keep other people's codes and links waiting behind them."""


def _next(condition: ColumnElement[bool]) -> ColumnElement[int]:
    """What somebody waits for, then notices, each the oldest first; of rows that nobody else is
    taking: PostgreSQL skips the locked ones.
    """
    return (
        select(_m.id)
        .where(condition)
        .order_by(_NOTICES_LAST, _m.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )


def _close(condition: ColumnElement[bool]) -> Update:
    return (
        update(_messages)
        .where(condition)
        .values(
            state=bindparam("new_state"),
            reason=bindparam("new_reason"),
            provider_code=bindparam("new_code"),
            provider_id=bindparam("new_provider_id"),
            payload=None,
            lease_until=None,
            due_at=bindparam("new_due_at"),
            done_at=bindparam("new_done_at"),
        )
    )


LOOK = (
    select(_m.state, _m.channel, _m.expires_at <= _MOMENT, func.count())
    .where(or_(_DUE, _LOST_LEASE, _TO_ASK))
    .group_by(_m.state, _m.channel, _m.expires_at <= _MOMENT)
)
"""All of them, counted: of a part, many mails could hide the texts."""
IS_DUE = select(_m.id).where(_READY).limit(1)
CLAIM = (
    update(_messages)
    .where(_m.id == _next(_READY), _m.state == "queued")
    .values(state="sending", tries=_m.tries + 1, lease_until=bindparam("lease_end"))
    .returning(*_CLAIMED)
)
CLAIM_QUESTION = (
    update(_messages)
    .where(_m.id == _next(_TO_ASK), _m.done_at.is_(None))
    .values(done_at=_MOMENT)
    .returning(*_CLAIMED)
)
EXPIRE = (
    update(_messages)
    .where(_DUE, _m.expires_at <= _MOMENT)
    .values(state="expired", reason="expired", payload=None, done_at=_MOMENT)
    .returning(_m.id)
)
GIVE_UP = (
    update(_messages)
    .where(_LOST_LEASE)
    .values(state="unknown", reason=_LOST, payload=None, lease_until=None, done_at=_MOMENT)
    .returning(_m.id)
)
CLOSE = _close(_HELD)
CLOSE_SENT = _close(
    # What its sender knows outweighs what another worker had to assume.
    or_(_HELD, and_(_m.id == bindparam("its_id"), _m.state == "unknown", _m.reason == _LOST))
)
PUT_BACK = (
    update(_messages)
    .where(_HELD)
    .values(
        state="queued",
        due_at=bindparam("new_due_at"),
        lease_until=None,
        reason=bindparam("new_reason"),
        provider_code=bindparam("new_code"),
    )
)
