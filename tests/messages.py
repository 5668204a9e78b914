"""Messages in the outbox of the portal whose context is pushed."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from extensions import db, writing
from models import Message
from services import clock, outbox

NUMBER = "+12015550134"
ADDRESS = "ann@example.org"


def queue(channel: str = "sms", kind: str = "sign_in_code", **changes: Any) -> int:
    """Put a message into the outbox; returns its id. ``life``: until it expires."""
    life = changes.pop("life", timedelta(minutes=10))
    fields = {
        "to": NUMBER if channel == "sms" else ADDRESS,
        "user_id": None,
        "values": {"code": "123456", "minutes": 10},
        "expires_at": clock.now() + life,
        **changes,
    }
    with writing() as session:
        return outbox.enqueue(session, channel=channel, kind=kind, **fields).id


def row(message_id: int) -> Message:
    """A message as it is now."""
    db.session.expire_all()
    found = db.session.get(Message, message_id)
    db.session.commit()
    assert found is not None
    return found


def change(message_id: int, **columns: Any) -> None:
    """Set columns of a message, as time or another worker would."""
    with writing() as session:
        found = session.get(Message, message_id)
        for name, value in columns.items():
            setattr(found, name, value)


def messages_to(to: str, kind: str) -> list[dict[str, Any]]:
    """The template values of each waiting message of a kind to a destination, oldest first."""
    payloads = select(Message.payload).where(Message.kind == kind).order_by(Message.id)
    with writing() as session:
        opened = [outbox.open_payload(sealed) for sealed in session.scalars(payloads) if sealed]
    return [values for destination, values in opened if destination == to]
