"""Mails on their way through the outbox and a mail server."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask

from services import clock, delivery, delivery_status
from tests.messages import ADDRESS, change, queue, row
from tests.standins.smtp import BREAK, SmtpStandin


@pytest.fixture
def server() -> Iterator[SmtpStandin]:
    with SmtpStandin() as standin:
        yield standin


@pytest.fixture
def environ(environ: dict[str, str], server: SmtpStandin) -> dict[str, str]:
    return {
        **environ,
        "GATEPOST_MAIL_GATEWAY": "smtp",
        "GATEPOST_SMTP_URL": server.url,
        "GATEPOST_MAIL_FROM": "Example Login <login@example.org>",
    }


@pytest.fixture
def portal(context: Flask) -> Flask:
    return context


def deliver(app: Flask) -> None:
    delivery.run(app, until_idle=True)


def send(app: Flask) -> int:
    message_id = queue("mail")
    deliver(app)
    return message_id


def try_again(app: Flask, message_id: int) -> None:
    """Let the pause before the next try pass."""
    change(message_id, due_at=clock.now())
    deliver(app)


def test_a_code_arrives(portal: Flask, server: SmtpStandin) -> None:
    message_id = send(portal)
    (taken,) = server.mails
    assert taken.recipients == [ADDRESS]
    assert taken.message["Subject"] == "Your Gatepost sign-in code"
    assert "123456 is your Gatepost sign-in code." in taken.message.get_content()
    status = delivery_status.describe(row(message_id))
    assert (status.status, status.done) == ("sent", True)
    assert "spam" in status.text


def test_later_is_tried_later_with_the_same_message_id(portal: Flask, server: SmtpStandin) -> None:
    server.refuse("RCPT", "451 4.3.0 Greylisted", "451 4.3.0 Greylisted")
    message_id = send(portal)
    message = row(message_id)
    assert (message.state, message.reason, message.provider_code) == ("queued", "busy", "451")
    assert timedelta(seconds=3) < message.due_at - clock.now() < timedelta(seconds=6)
    status = delivery_status.describe(message)
    assert (status.status, status.done) == ("queued", False)
    assert status.text == "The mail server did not take the email yet. We keep trying."
    try_again(portal, message_id)
    assert timedelta(seconds=10) < row(message_id).due_at - clock.now() < timedelta(seconds=16)
    try_again(portal, message_id)
    assert (row(message_id).state, row(message_id).reason) == ("sent", "")
    assert [mail.message["Message-ID"] for mail in server.mails] == [
        f"<{row(message_id).hook_key}@example.org>"
    ]


def test_a_refused_recipient_is_given_up_at_once(portal: Flask, server: SmtpStandin) -> None:
    server.refuse("RCPT", "550 5.1.1 No such person")
    message_id = send(portal)
    try_again(portal, message_id)
    message = row(message_id)
    assert (message.state, message.reason, message.provider_code) == ("failed", "refused", "550")
    assert "not accepted" in delivery_status.describe(message).text
    assert server.commands.count("RCPT") == 1


def test_what_may_have_been_taken_is_unknown_and_never_sent_again(
    portal: Flask, server: SmtpStandin
) -> None:
    server.refuse("END", BREAK)
    message_id = send(portal)
    try_again(portal, message_id)
    assert (row(message_id).state, row(message_id).reason) == ("unknown", "unknown")
    assert "may still arrive" in delivery_status.describe(row(message_id)).text
    assert server.commands.count("END") == 1


def test_our_own_setup_is_tried_again_for_it_may_be_mended_in_time(
    portal: Flask, server: SmtpStandin
) -> None:
    server.refuse("MAIL", *["550 5.7.1 You may not send as this address"] * 6)
    message_id = queue("mail", life=timedelta(days=1))
    deliver(portal)
    message = row(message_id)
    assert (message.state, message.reason) == ("queued", "misconfigured")
    for _ in range(5):
        try_again(portal, message_id)
    assert (row(message_id).state, row(message_id).tries) == ("failed", 6)
    assert "not available right now" in delivery_status.describe(row(message_id)).text
    assert server.mails == []


def test_a_second_recipient_is_never_written_to(portal: Flask, server: SmtpStandin) -> None:
    message_id = queue("mail", to="a@b.org, x@evil.org")
    deliver(portal)
    assert (row(message_id).state, row(message_id).reason) == ("failed", "refused")
    assert server.commands == []
