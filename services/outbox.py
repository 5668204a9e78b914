"""The outbox: messages stand here, encrypted, together with the change that caused them.

``enqueue`` runs inside its caller's transaction, so that a message exists
exactly when its cause does. Nothing here may talk to a provider.
"""

import os
import secrets
import threading
from datetime import datetime
from typing import Any

from sqlalchemy import event, insert
from sqlalchemy.orm import Session

from extensions import add_row, row_of, settings
from models import Message
from services import clock, masking, sealing

LABEL = b"gatepost outbox payload"
AWAITED = (
    "sign_in_code", "identity_code", "phone_code", "reset_password", "confirm_email",
    "already_registered", "confirm_new_email", "invitation",
)  # fmt: skip
"""The kinds that somebody waits for before a page: they are sent before all notices."""
_ADD = insert(Message)
_PENDING = "gatepost messages to wake for"


class _Waker:
    """Tells this process's delivery worker at once that something is due."""

    def __init__(self) -> None:
        self.due = threading.Event()

    def renew(self) -> None:
        """After a fork: the old event's lock may be held by a thread that is gone."""
        self.due = threading.Event()


waker = _Waker()
os.register_at_fork(after_in_child=waker.renew)


def enqueue(
    session: Session,
    *,
    channel: str,
    kind: str,
    to: str,
    user_id: int | None,
    values: dict[str, str | int],
    expires_at: datetime,
) -> Message:
    """Put one message into the caller's transaction; it is sent after the commit.

    ``channel`` is ``sms`` or ``mail``; ``to`` one E.164 number or one address;
    ``values`` fill the template ``templates/messages/<channel>/<kind>.txt``. Past
    ``expires_at`` the message is never sent. The row is there, with its id.
    """
    now = clock.now()
    message = Message(
        user_id=user_id,
        channel=channel,
        kind=kind,
        destination_masked=masking.mask_destination(channel, to),
        payload=sealing.seal(settings(), LABEL, {"to": to, "values": values}),
        state="queued",
        hook_key=secrets.token_hex(16),
        created_at=now,
        due_at=now,
        expires_at=expires_at,
    )
    message.id = add_row(session, _ADD, row_of(message))
    session.info[_PENDING] = True
    return message


def open_payload(payload: bytes | None) -> tuple[str, dict[str, Any]]:
    """The destination and the template values of a row's payload. Raises ``SealBroken``."""
    if payload is None:
        raise sealing.SealBroken
    opened = sealing.unseal(settings(), LABEL, payload)
    return opened["to"], opened["values"]


@event.listens_for(Session, "after_commit")
def _wake(session: Session) -> None:
    if session.info.pop(_PENDING, False):
        waker.due.set()


@event.listens_for(Session, "after_rollback")
def _forget(session: Session) -> None:
    session.info.pop(_PENDING, None)
