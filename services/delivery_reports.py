"""What a provider tells about a text after it took it.

Reports come late, twice, out of order or never; a state once reached never goes
back. The signature of each report is checked by the gateway's own module.
"""

import importlib
from collections.abc import Mapping
from typing import Any

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from extensions import settings, writing
from models import Message
from services import alerts, clock, sms

log = structlog.get_logger("gatepost.delivery")

_FROM = {
    "sent": ("sending", "unknown"),
    "failed": ("sending", "unknown", "sent"),
    "delivered": ("sending", "unknown", "sent", "failed"),
}
"""The states that each reported state may follow: upwards only."""


class ReportNotSigned(Exception):
    """Not from our provider."""


def accept(key: str, query: str, form: Mapping[str, str], signature: str) -> None:
    """Take in a delivery report that was posted to ``/hooks/sms/<key>``.

    The signature covers the configured base address, never the Host header. An unknown
    key changes nothing. Raises ``ReportNotSigned``.
    """
    config = settings()
    url = f"{config.base_url}/hooks/sms/{key}" + (f"?{query}" if query else "")
    twilio = importlib.import_module("services.sms.twilio")
    news: sms.SmsReport | None = twilio.check_report(config, url, form, signature)
    if news is None:
        raise ReportNotSigned
    if not news.state:
        return
    with writing() as session:
        found = select(Message.id).where(Message.hook_key == key, Message.channel == "sms")
        message_id = session.scalar(found)
        if message_id is not None:
            apply(session, message_id, news)


def apply(session: Session, message_id: int, news: sms.SmsReport) -> None:
    """Bring a message's state up to date in the caller's transaction; never backwards."""
    changed = session.scalar(
        update(Message)
        .where(Message.id == message_id, Message.state.in_(_FROM.get(news.state, ())))
        .values(_columns(news))
        .returning(Message.id),
        execution_options={"synchronize_session": False},
    )
    if changed is None:
        return
    alerts.alert_about_texts(session, news.reason, news.code)
    level = log.warning if news.state == "failed" else log.info
    level(
        "text_reported", message_id=message_id, state=news.state, reason=news.reason, code=news.code
    )


def _columns(news: sms.SmsReport) -> dict[str, Any]:
    columns: dict[str, Any] = {
        "state": news.state,
        "reason": news.reason,
        "provider_code": news.code,
        "payload": None,
        "lease_until": None,
    }
    # After "sent" more may come; its due time lies where nobody asks for more.
    ends = {"done_at": None, "due_at": Message.expires_at}
    columns |= ends if news.state == "sent" else {"done_at": clock.now()}
    return columns | ({"provider_id": news.message_id} if news.message_id else {})
