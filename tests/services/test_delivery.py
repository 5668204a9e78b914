"""The outbox and its states, message by message, in one process."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Select, text

from config import ROOT, Config
from extensions import db, settings, writing
from services import claim_statements, claims, clock, codes, delivery, letters, outbox, sealing
from tests import outbox as sent_messages
from tests.messages import ADDRESS, NUMBER, change, queue, row

pytestmark = pytest.mark.usefixtures("context")

TEMPLATES = ROOT / "templates" / "messages"


def deliver(app: Flask) -> None:
    delivery.run(app, until_idle=True)


def sent(channel: str = "sms") -> list[dict[str, str]]:
    return sent_messages.read(settings().outbox_dir, channel)


def test_a_message_is_sent_once_and_its_text_is_blanked(app: Flask) -> None:
    message_id = queue()
    deliver(app)
    deliver(app)
    assert [message["to"] for message in sent()] == [NUMBER]
    message = row(message_id)
    assert (message.state, message.payload, message.tries) == ("sent", None, 1)
    assert message.done_at is not None


def test_a_row_holds_neither_destination_nor_code_in_clear() -> None:
    message_id = queue()
    stored = db.session.execute(
        text("SELECT * FROM messages WHERE id = :id"), {"id": message_id}
    ).one()
    everything = " ".join(str(bytes(c) if isinstance(c, memoryview) else c) for c in stored)
    assert "123456" not in everything
    assert NUMBER not in everything
    assert row(message_id).destination_masked == "••34"
    assert row(queue("mail")).destination_masked == "a••@example.org"


def test_a_message_whose_cause_is_undone_never_existed(app: Flask) -> None:
    outbox.waker.due.clear()
    with pytest.raises(ZeroDivisionError):
        enqueue_and_fail()
    assert not outbox.waker.due.is_set()
    deliver(app)
    assert sent() == []


def enqueue_and_fail() -> None:
    with writing() as session:
        outbox.enqueue(
            session, channel="sms", kind="test", to=NUMBER, user_id=None, values={},
            expires_at=clock.now() + timedelta(minutes=1),
        )  # fmt: skip
        raise ZeroDivisionError


def test_only_a_commit_wakes_the_worker() -> None:
    outbox.waker.due.clear()
    with writing() as session:
        outbox.enqueue(
            session, channel="sms", kind="test", to=NUMBER, user_id=None, values={},
            expires_at=clock.now() + timedelta(minutes=1),
        )  # fmt: skip
        assert not outbox.waker.due.is_set()
    assert outbox.waker.due.is_set()


def test_what_is_late_expires_unsent(app: Flask) -> None:
    message_id = queue(life=timedelta(seconds=-1))
    deliver(app)
    message = row(message_id)
    assert (message.state, message.reason, message.payload) == ("expired", "expired", None)
    assert sent() == []


def test_what_is_due_later_waits(app: Flask) -> None:
    message_id = queue()
    change(message_id, due_at=clock.now() + timedelta(minutes=1))
    deliver(app)
    assert row(message_id).state == "queued"


def test_a_lost_message_is_unknown_and_never_sent(app: Flask) -> None:
    message_id = queue()
    with writing() as session:
        assert claims.claim(session, "sms") is not None
    deliver(app)
    assert row(message_id).state == "sending"
    change(message_id, lease_until=clock.now() - timedelta(seconds=1))
    deliver(app)
    message = row(message_id)
    assert (message.state, message.reason, message.payload) == ("unknown", "lost", None)
    deliver(app)
    assert sent() == []


def test_a_late_sender_tells_the_truth_about_a_message_called_lost() -> None:
    message_id = queue()
    with writing() as session:
        claimed = claims.claim(session, "sms")
    assert claimed is not None
    change(message_id, lease_until=clock.now() - timedelta(seconds=1))
    with writing() as session:
        assert claims.give_up_lost(session) == [message_id]
        assert not claims.close(session, claimed, "failed", reason="busy")
        assert claims.close(session, claimed, "sent")
    assert (row(message_id).state, row(message_id).reason) == ("sent", "")


def test_a_message_is_claimed_by_one_only() -> None:
    queue()
    with writing() as session:
        assert claims.claim(session, "sms") is not None
        assert claims.claim(session, "sms") is None
        assert claims.claim(session, "mail") is None


def test_messages_are_claimed_in_their_order() -> None:
    ids = [queue() for _ in range(3)]
    with writing() as session:
        claimed = [claims.claim(session, "sms") for _ in range(3)]
    assert [message.id for message in claimed if message] == ids


def test_what_somebody_waits_for_goes_before_notices_each_the_oldest_first() -> None:
    notices = [queue("mail", kind) for kind in ("two_factor_disabled", "two_factor_enabled")]
    awaited = [queue("mail", kind) for kind in outbox.AWAITED]
    with writing() as session:
        claimed = [claims.claim(session, "mail") for _ in [*notices, *awaited]]
    assert [message.id for message in claimed if message] == awaited + notices


def test_every_code_and_every_link_that_is_asked_for_is_awaited() -> None:
    assert {*codes.KINDS.values(), *letters.MAKERS} <= set(outbox.AWAITED)
    for kind in outbox.AWAITED:
        assert any((TEMPLATES / channel / f"{kind}.txt").exists() for channel in ("sms", "mail"))


def test_many_mails_hide_no_text() -> None:
    for _ in range(70):
        queue("mail", "two_factor_enabled")
    queue()
    assert claims.look(db.session()).due == {"mail": 70, "sms": 1}


def test_a_key_that_was_replaced_still_opens_the_outbox(app: Flask) -> None:
    sealed = sealing.seal(settings(), outbox.LABEL, {"to": "x", "values": {}})
    old = settings().secret_key
    renewed = replace_settings(app, secret_key="another-key-" * 5, secret_key_fallbacks=(old,))
    assert sealing.unseal(renewed, outbox.LABEL, sealed)["to"] == "x"
    forgotten = replace_settings(app, secret_key="another-key-" * 5, secret_key_fallbacks=())
    with pytest.raises(sealing.SealBroken):
        sealing.unseal(forgotten, outbox.LABEL, sealed)


def test_a_message_that_no_key_opens_fails_and_the_next_one_is_sent(app: Flask) -> None:
    broken, good = queue(), queue()
    change(broken, payload=b"not sealed by us")
    deliver(app)
    assert (row(broken).state, row(broken).reason) == ("failed", "internal")
    assert row(good).state == "sent"


def test_a_kind_without_a_template_fails_and_the_next_one_is_sent(app: Flask) -> None:
    broken, good = queue(kind="no_such_kind"), queue()
    deliver(app)
    assert (row(broken).state, row(broken).reason) == ("failed", "internal")
    assert row(good).state == "sent"


@pytest.mark.settings(GATEPOST_SMS_GATEWAY="none")
def test_texts_that_are_switched_off_fail_and_mails_go(app: Flask) -> None:
    text_id, mail_id = queue("sms"), queue("mail")
    deliver(app)
    assert (row(text_id).state, row(text_id).reason) == ("failed", "misconfigured")
    assert row(mail_id).state == "sent"


def test_a_mail_to_nobody_is_dropped_silently(app: Flask) -> None:
    message_id = queue("mail", "reset_password", to="nobody@example.org", values={})
    deliver(app)
    assert (row(message_id).state, row(message_id).reason) == ("dropped", "")
    assert sent("mail") == []


def test_a_full_disk_delays_a_mail_and_fails_a_text(app: Flask, tmp_path: Path) -> None:
    settings().outbox_dir.parent.mkdir(exist_ok=True)
    settings().outbox_dir.write_text("not a folder")
    text_id, mail_id = queue("sms"), queue("mail")
    deliver(app)
    assert (row(text_id).state, row(text_id).reason) == ("failed", "busy")
    assert (row(mail_id).state, row(mail_id).reason) == ("queued", "busy")
    assert row(mail_id).due_at > clock.now() + timedelta(seconds=3)
    settings().outbox_dir.unlink()
    change(mail_id, due_at=clock.now())
    deliver(app)
    assert (row(mail_id).state, row(mail_id).tries) == ("sent", 2)
    assert [message["to"] for message in sent("mail")] == [ADDRESS]


def test_a_mail_is_given_up_after_its_tries(app: Flask) -> None:
    settings().outbox_dir.write_text("not a folder")
    message_id = queue("mail", life=timedelta(days=1))
    for _ in range(settings().mail_tries):
        change(message_id, due_at=clock.now())
        deliver(app)
    message = row(message_id)
    assert (message.state, message.reason, message.tries) == (
        "failed",
        "busy",
        settings().mail_tries,
    )
    assert message.payload is None


def test_a_mail_is_given_up_when_the_next_try_would_be_too_late(app: Flask) -> None:
    settings().outbox_dir.write_text("not a folder")
    message_id = queue("mail", life=timedelta(seconds=4))
    deliver(app)
    assert (row(message_id).state, row(message_id).reason) == ("failed", "busy")


def test_an_idle_look_needs_no_write_lock_and_reads_by_the_index(app: Flask) -> None:
    for _ in range(3):
        queue()
    deliver(app)
    assert not claims.look(db.session())
    db.session.rollback()
    if db.engine.dialect.name == "sqlite":
        for statement in (claim_statements.LOOK, claim_statements.IS_DUE):
            plan = plan_of(statement)
            assert "ix_messages_due" in plan
            assert "SCAN" not in plan


def plan_of(statement: Select[Any]) -> str:
    """How SQLite runs a statement."""
    values = {"moment": clock.now(), "horizon": clock.now(), "of_channel": "sms"}
    compiled = statement.params(values).compile(db.engine, compile_kwargs={"literal_binds": True})
    lines = db.session.execute(text(f"EXPLAIN QUERY PLAN {compiled}"))
    return " ".join(str(line) for line in lines)


def replace_settings(app: Flask, **values: Any) -> Config:
    """The running settings with some values changed."""
    return replace(app.extensions["gatepost"], **values)
