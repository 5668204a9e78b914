"""One claimed message: fill it in, hand it to its gateway, write down what became of it.

Runs in an app context of its own and outside any transaction; never raises for
what a message, a template or a provider did.
"""

import os
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import phonenumbers
import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from config import Config
from extensions import db, end_reading, settings, writing
from services import (
    alerts,
    claims,
    clock,
    delivery_reports,
    letters,
    mail,
    message_texts,
    outbox,
    sms,
)
from services.claims import Claimed

log = structlog.get_logger("gatepost.delivery")

ASK_AFTER = timedelta(seconds=17)
"""When a provider that cannot call us is asked whether a text has arrived."""
_MAIL_PAUSES = (5, 15, 60, 300, 900)
"""Seconds before each new try of a mail; the last one repeats."""
_RECORD_TRIES = 6


@dataclass(frozen=True)
class Ending:
    """How a message ends, or that it goes back to the queue for ``retry_in`` seconds."""

    state: str
    reason: str = ""
    code: str = ""
    detail: str = ""
    provider_id: str = ""
    news_at: datetime | None = None
    """When to ask for news of a sent text; see ``claims.close``."""
    retry_in: int | None = None


def send_next(channel: str) -> bool:
    """Claim the oldest due message of a channel and send it; False when none was due."""
    with writing() as session:
        message = claims.claim(session, channel)
    if message is None:
        return False
    ending = _try(message)
    _write_down(lambda session: _end(session, message, ending))
    _report(message, ending)
    return True


def is_due(channel: str) -> bool:
    """Whether another message of a channel waits, by a read without a lock."""
    waits = claims.is_due(db.session(), channel)
    end_reading()
    return waits


def ask_next() -> bool:
    """Ask the provider about one sent text whose delivery it cannot report; False when none."""
    with writing() as session:
        message = claims.claim_question(session)
    if message is None:
        return False
    gateway = _text_gateway(settings())
    if gateway is not None and message.provider_id:
        news = gateway.ask(message.provider_id)
        _write_down(lambda session: delivery_reports.apply(session, message.id, news))
    return True


@lru_cache(maxsize=4)
def _text_gateway(config: Config) -> sms.SmsGateway | None:
    return sms.make_gateway(config)


@lru_cache(maxsize=4)
def _mail_gateway(config: Config) -> mail.MailGateway:
    return mail.make_gateway(config)


# A forked process must not share the parent's open connections.
os.register_at_fork(after_in_child=_text_gateway.cache_clear)
os.register_at_fork(after_in_child=_mail_gateway.cache_clear)


def _try(message: Claimed) -> Ending:
    try:
        to, values = outbox.open_payload(message.payload)
        return (
            _send_mail(message, to, values)
            if message.channel == "mail"
            else _send_text(message, to, values)
        )
    except Exception as error:  # a gateway never raises: nothing was sent
        detail = _describe(error)
        if message.channel == "mail" and isinstance(error, SQLAlchemyError | OSError):
            return _later(message, "internal", "", detail)
        return Ending("failed", "internal", detail=detail)


def _send_text(message: Claimed, to: str, values: dict[str, Any]) -> Ending:
    config = settings()
    gateway = _text_gateway(config)
    if gateway is None:
        return Ending("failed", sms.MISCONFIGURED, detail="GATEPOST_SMS_GATEWAY is none")
    text = message_texts.render("sms", message.kind, values).text
    ttl = int((message.expires_at - clock.now()).total_seconds())
    if ttl < 1:
        return Ending("expired", "expired")
    result = gateway.send(to, text, ttl=ttl, status_url=sms.status_url(config, message.hook_key))
    if result.outcome == sms.ACCEPTED:
        news_at = _news_at(message, gateway)
        return Ending("sent", provider_id=result.message_id, news_at=news_at)
    state = "unknown" if result.outcome == sms.UNKNOWN else "failed"
    detail = f"{_country(to)} {result.detail}"
    return Ending(state, result.outcome, result.code, detail, result.message_id)


def _news_at(message: Claimed, gateway: sms.SmsGateway) -> datetime | None:
    """When to ask what became of an accepted text: not before it expires where reports come."""
    if not gateway.follows_up:
        return None
    if sms.reports_by_callback(settings()):
        return message.expires_at
    return clock.now() + ASK_AFTER


def _send_mail(message: Claimed, to: str, values: dict[str, Any]) -> Ending:
    prepared = letters.prepare(message.kind, to, values)
    if prepared is None:
        return Ending("dropped")
    to, values = prepared
    rendered = message_texts.render("mail", message.kind, values)
    gateway = _mail_gateway(settings())
    result = gateway.send(to, rendered.subject, rendered.text, ref=message.hook_key)
    if result.outcome == mail.ACCEPTED:
        return Ending("sent")
    if result.outcome in {mail.BUSY, mail.MISCONFIGURED}:
        return _later(message, result.outcome, result.code, result.detail)
    state = "unknown" if result.outcome == mail.UNKNOWN else "failed"
    return Ending(state, result.outcome, result.code, result.detail)


def _later(message: Claimed, reason: str, code: str, detail: str) -> Ending:
    """Another try of a mail that was certainly not sent, if tries and time are left."""
    pause = _MAIL_PAUSES[min(message.tries, len(_MAIL_PAUSES)) - 1]
    in_time = clock.now() + timedelta(seconds=pause) < message.expires_at
    if message.tries < settings().mail_tries and in_time:
        return Ending("queued", reason, code, detail, retry_in=pause)
    return Ending("failed", reason, code, detail)


def _end(session: Session, message: Claimed, ending: Ending) -> None:
    if ending.retry_in is not None:
        due_at = clock.now() + timedelta(seconds=ending.retry_in)
        claims.put_back(session, message, due_at, ending.reason, ending.code)
        return
    claims.close(
        session,
        message,
        ending.state,
        reason=ending.reason,
        code=ending.code,
        provider_id=ending.provider_id,
        news_at=ending.news_at,
    )
    if message.channel == "sms":
        alerts.alert_about_texts(session, ending.reason, ending.code)


def _write_down(change: Callable[[Session], object]) -> None:
    """Commit what became of a message, waiting for the database if it must.

    When it stays away, the lease runs out and the message is called unknown.
    """
    for tries in range(_RECORD_TRIES):
        try:
            with writing() as session:
                change(session)
            return
        except SQLAlchemyError as error:
            log.error("outcome_not_recorded", error=type(error).__name__, tries=tries + 1)
            time.sleep(0.2 * 2**tries)


def _report(message: Claimed, ending: Ending) -> None:
    """One log line: who was written to stands in the row, masked, and not here."""
    level = log.info
    if ending.state in {"failed", "unknown"}:
        level = log.warning
    if ending.reason in {"internal", mail.MISCONFIGURED, sms.BLOCKED}:
        level = log.error
    level(
        "message_" + ("retried" if ending.retry_in is not None else ending.state),
        message_id=message.id,
        channel=message.channel,
        kind=message.kind,
        tries=message.tries,
        reason=ending.reason,
        code=ending.code,
        detail=ending.detail.strip(),
    )


def _country(number: str) -> str:
    """The country of a number, which the operator needs to know where a route is off."""
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(number)) or ""
    except phonenumbers.NumberParseException:
        return ""


def _describe(error: Exception) -> str:
    """An error's kind and place; its own words may hold an address or a code."""
    where = traceback.extract_tb(error.__traceback__)[-1:]
    return type(error).__name__ + "".join(f" at {frame.filename}:{frame.lineno}" for frame in where)
