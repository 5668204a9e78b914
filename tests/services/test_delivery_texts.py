"""Texts through the outbox and Twilio: what the row, the person and the operator see."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask

from extensions import settings
from services import clock, delivery, delivery_status
from tests import outbox as sent_messages
from tests.messages import change, queue, row
from tests.standins import faults
from tests.standins.twilio import SETTINGS, Answer, TwilioStandin

ALERTED = {"GATEPOST_ALERT_EMAIL": "operator@example.org"}
PUBLIC = {"GATEPOST_BASE_URL": "https://login.example.org"}


@pytest.fixture
def twilio() -> Iterator[TwilioStandin]:
    with TwilioStandin() as standin:
        yield standin


@pytest.fixture
def environ(environ: dict[str, str], twilio: TwilioStandin) -> dict[str, str]:
    return {
        **environ,
        **SETTINGS,
        **ALERTED,
        "GATEPOST_TWILIO_BASE_URL": twilio.base_url,
        "GATEPOST_TWILIO_READ_SECONDS": "1",
    }


@pytest.fixture
def portal(context: Flask) -> Flask:
    return context


def deliver(app: Flask) -> None:
    delivery.run(app, until_idle=True)


def send(app: Flask) -> int:
    message_id = queue()
    deliver(app)
    return message_id


def alerts() -> list[str]:
    mails = sent_messages.read(settings().outbox_dir, "mail", "operator@example.org")
    return [mail["text"] for mail in mails]


def test_a_text_says_its_code_and_lives_as_long(portal: Flask, twilio: TwilioStandin) -> None:
    message_id = send(portal)
    (text,) = twilio.texts
    assert text["Body"].startswith("123456 is your Gatepost sign-in code. It works for 10 minutes.")
    assert 590 <= int(text["ValidityPeriod"]) <= 600
    assert "StatusCallback" not in text
    message = row(message_id)
    assert message.state == "sent"
    assert message.provider_id in twilio.messages
    assert message.done_at is None
    assert (message.payload, message.lease_until) == (None, None)


@pytest.mark.settings(**PUBLIC)
def test_where_twilio_can_reach_us_it_is_told_where_to_report(
    portal: Flask, twilio: TwilioStandin
) -> None:
    message_id = send(portal)
    key = row(message_id).hook_key
    assert len(key) == 32
    assert twilio.texts[0]["StatusCallback"] == f"https://login.example.org/hooks/sms/{key}"
    assert twilio.texts[0]["Body"].endswith("\n\n@login.example.org #123456")
    change(message_id, due_at=clock.now() - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("answer", "state", "reason", "words", "requests"),
    [
        (faults.refuse(400, 21211), "failed", "bad_number", "does not look right", 1),
        (faults.refuse(400, 21614), "failed", "unsupported", "Use a mobile number", 1),
        (faults.refuse(400, 21610), "failed", "opted_out", "Text START to +12015550100", 1),
        (faults.refuse(400, 21408), "failed", "route_off", "cannot send texts to this number", 1),
        (faults.refuse(400, 30450), "failed", "blocked", "Try later or use another method", 1),
        (faults.refuse(401, 20003), "failed", "misconfigured", "not available right now", 1),
        (faults.refuse(429, 20429), "failed", "busy", "Wait 30 seconds", 3),
        (faults.say(500, "<h1>Oops</h1>"), "unknown", "unknown", "may still arrive", 1),
        (faults.say(200, "<h1>Hi</h1>"), "unknown", "unknown", "may still arrive", 1),
        (faults.say(201, ""), "unknown", "unknown", "may still arrive", 1),
        (faults.hang(), "unknown", "unknown", "may still arrive", 1),
        (faults.reset, "unknown", "unknown", "may still arrive", 1),
    ],
)
def test_a_fault_is_told_in_plain_words_and_the_text_never_sent_again(
    portal: Flask,
    twilio: TwilioStandin,
    answer: Answer,
    state: str,
    reason: str,
    words: str,
    requests: int,
) -> None:
    twilio.always_answer(answer)
    message_id = send(portal)
    change(message_id, due_at=clock.now() - timedelta(hours=1))
    deliver(portal)
    message = row(message_id)
    assert (message.state, message.reason, message.payload) == (state, reason, None)
    status = delivery_status.describe(message)
    assert (status.status, status.reason, status.done) == ("failed", reason, True)
    assert words in status.text
    assert len(twilio.texts) == requests


def test_a_refused_connection_sends_nothing_and_says_so(portal: Flask, config: object) -> None:
    object.__setattr__(config, "twilio_base_url", f"http://127.0.0.1:{faults.closed_port()}")
    message_id = send(portal)
    assert (row(message_id).state, row(message_id).reason) == ("failed", "busy")


# The operator


@pytest.mark.parametrize(("status", "code"), [(401, 20003), (400, 30450), (400, 21608)])
def test_our_setup_and_a_fraud_block_alert_the_operator_once_an_hour(
    portal: Flask, twilio: TwilioStandin, status: int, code: int
) -> None:
    twilio.always_answer(faults.refuse(status, code))
    send(portal)
    send(portal)
    (alert,) = alerts()
    assert f"https://www.twilio.com/docs/errors/{code}" in alert
    assert "0134" not in alert


def test_another_reason_is_another_alert(portal: Flask, twilio: TwilioStandin) -> None:
    twilio.next_answers(faults.refuse(401, 20003), faults.refuse(400, 30450))
    send(portal)
    send(portal)
    assert len(alerts()) == 2


@pytest.mark.parametrize("code", [21211, 21408, 21610, 21614])
def test_a_persons_own_number_alerts_nobody(
    portal: Flask, twilio: TwilioStandin, code: int
) -> None:
    twilio.always_answer(faults.refuse(400, code))
    send(portal)
    assert alerts() == []


@pytest.mark.settings(GATEPOST_ALERT_EMAIL="")
def test_where_nobody_is_to_be_told_nobody_is(portal: Flask, twilio: TwilioStandin) -> None:
    twilio.always_answer(faults.refuse(401, 20003))
    send(portal)
    assert sent_messages.read(settings().outbox_dir, "mail") == []


# Where Twilio cannot reach us: asked once


@pytest.mark.parametrize(
    ("status", "code", "state", "reason"),
    [
        ("delivered", None, "delivered", ""),
        ("undelivered", 30003, "failed", "undelivered"),
        ("failed", 30034, "failed", "misconfigured"),
        ("sent", None, "sent", ""),
    ],
)
def test_twilio_is_asked_once_what_became_of_a_text(
    portal: Flask, twilio: TwilioStandin, status: str, code: int | None, state: str, reason: str
) -> None:
    message_id = send(portal)
    assert clock.now() < row(message_id).due_at < clock.now() + timedelta(seconds=21)
    assert not delivery_status.describe(row(message_id)).done
    twilio.set_status(row(message_id).provider_id, status, code)
    change(message_id, due_at=clock.now() - timedelta(seconds=1))
    deliver(portal)
    deliver(portal)
    assert (row(message_id).state, row(message_id).reason) == (state, reason)
    assert delivery_status.describe(row(message_id)).done
    assert [request.method for request in twilio.requests] == ["POST", "GET"]
    assert len(alerts()) == (reason == "misconfigured")


def test_nobody_asks_about_a_code_that_has_expired(portal: Flask, twilio: TwilioStandin) -> None:
    message_id = send(portal)
    past = clock.now() - timedelta(seconds=1)
    change(message_id, due_at=past, expires_at=past)
    deliver(portal)
    assert len(twilio.requests) == 1
    assert delivery_status.describe(row(message_id)).done


def test_a_question_without_an_answer_is_not_asked_again(
    portal: Flask, twilio: TwilioStandin
) -> None:
    message_id = send(portal)
    twilio.always_answer(faults.refuse(500, 20500))
    change(message_id, due_at=clock.now() - timedelta(seconds=1))
    deliver(portal)
    deliver(portal)
    assert row(message_id).state == "sent"
    assert len(twilio.requests) == 2


@pytest.mark.settings(**PUBLIC)
def test_nobody_asks_where_twilio_reports_by_itself(portal: Flask, twilio: TwilioStandin) -> None:
    message_id = send(portal)
    assert row(message_id).due_at == row(message_id).expires_at
    deliver(portal)
    assert len(twilio.requests) == 1
