"""The worker's threads in one process: at once, side by side, never dying."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from sqlalchemy import text

from extensions import Base, db, settings
from services import delivery
from tests import outbox as sent_messages
from tests.messages import queue, row
from tests.portal import ROOT
from tests.standins import faults
from tests.standins.twilio import SETTINGS, TwilioStandin


@pytest.fixture
def twilio() -> Iterator[TwilioStandin]:
    with TwilioStandin() as standin:
        yield standin


@pytest.fixture
def environ(environ: dict[str, str], twilio: TwilioStandin) -> dict[str, str]:
    return {
        **environ,
        **SETTINGS,
        "GATEPOST_TWILIO_BASE_URL": twilio.base_url,
        "GATEPOST_TWILIO_READ_SECONDS": "50",
        "GATEPOST_TWILIO_DEADLINE_SECONDS": "50",
    }


@pytest.fixture
def working(context: Flask) -> Iterator[Flask]:
    """The portal with its worker running."""
    delivery.start(context)
    yield context
    delivery.stop()


def wait_until(condition: Callable[[], object], seconds: float = 40) -> None:
    """Return once the condition holds; fails after ``seconds``."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, "it never came true"
        time.sleep(0.01)


def test_a_commit_starts_the_sending_without_a_poll(
    context: Flask, twilio: TwilioStandin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "POLL_SECONDS", 1000.0)
    delivery.start(context)
    try:
        for count in (1, 2, 3):
            queue()
            wait_until(lambda count=count: len(twilio.texts) == count)
    finally:
        delivery.stop()


@pytest.mark.usefixtures("working")
def test_hanging_texts_hold_up_no_mail(twilio: TwilioStandin) -> None:
    twilio.always_answer(faults.hang())
    texts = [queue() for _ in range(settings().delivery_threads + 2)]
    wait_until(lambda: len(twilio.texts) == settings().delivery_threads)
    queue("mail")
    wait_until(lambda: sent_messages.read(settings().outbox_dir, "mail"))
    assert {row(text_id).state for text_id in texts} == {"sending", "queued"}
    twilio.closing.set()


@pytest.mark.usefixtures("working")
def test_a_hanging_text_holds_up_no_other_text(twilio: TwilioStandin) -> None:
    twilio.next_answers(faults.hang())
    hanging = queue()
    wait_until(lambda: twilio.texts)
    second = queue()
    wait_until(lambda: row(second).state == "sent")
    assert row(hanging).state == "sending"
    twilio.closing.set()


@pytest.mark.usefixtures("working")
def test_texts_are_sent_side_by_side(twilio: TwilioStandin) -> None:
    twilio.delay = 0.5
    for _ in range(settings().delivery_threads * 2):
        queue()
    wait_until(lambda: len(twilio.texts) == settings().delivery_threads * 2)
    assert twilio.most_at_once == settings().delivery_threads


def test_stopping_waits_for_what_is_being_sent(working: Flask, twilio: TwilioStandin) -> None:
    twilio.delay = 0.6
    sending, waiting = queue(), [queue() for _ in range(settings().delivery_threads * 2)][-1]
    wait_until(lambda: twilio.texts)
    delivery.stop()
    assert row(sending).state == "sent"
    assert row(waiting).state == "queued"


def test_starting_twice_is_starting_once(working: Flask) -> None:
    before = delivery._workers[working]
    delivery.start(working)
    assert delivery._workers[working] is before


def test_a_database_that_fails_for_a_time_ends_nothing(
    context: Flask, twilio: TwilioStandin
) -> None:
    db.session.execute(text("ALTER TABLE messages RENAME TO messages_away"))
    db.session.commit()
    delivery.start(context)
    try:
        worker = delivery._workers[context]
        wait_until(lambda: worker._failures >= 2)
        db.session.execute(text("ALTER TABLE messages_away RENAME TO messages"))
        db.session.commit()
        queue()
        wait_until(lambda: len(twilio.texts) == 1)
        wait_until(lambda: worker._failures == 0)
    finally:
        delivery.stop()
    assert "messages" in Base.metadata.tables


def test_a_database_that_is_away_for_days_ends_nothing(context: Flask) -> None:
    worker = delivery.Worker(context)
    worker._failures = 5000
    db.session.execute(text("ALTER TABLE messages RENAME TO messages_away"))
    db.session.commit()
    try:
        assert worker._look() == 30.0
    finally:
        db.session.rollback()
        db.session.execute(text("ALTER TABLE messages_away RENAME TO messages"))
        db.session.commit()
    assert worker._look() == 0.0


SCRIPT_START = """
import os, sys, time
from app import create_app
from services import delivery
from tests.messages import queue, row
app = create_app()
delivery.start(app)

def wait_until_sent(message_id):
    for _ in range(3000):
        if row(message_id).state == "sent":
            return
        time.sleep(0.02)
    raise SystemExit("never sent")
"""


def run_script(environ: dict[str, str], script: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", SCRIPT_START + script],
        cwd=ROOT, env={**os.environ, **environ}, capture_output=True, text=True, timeout=100,
        check=False,
    )  # fmt: skip


def test_a_forked_child_has_a_worker_and_connections_of_its_own(
    environ: dict[str, str], twilio: TwilioStandin
) -> None:
    finished = run_script(
        environ,
        """
with app.app_context():
    wait_until_sent(queue())
    child = os.fork()
    wait_until_sent(queue())
    if child == 0:
        assert len(delivery._workers) == 1
        assert next(iter(delivery._workers.values()))._dispatcher.is_alive()
        delivery.stop()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
delivery.stop()
""",
    )
    assert finished.returncode == 0, finished.stderr
    assert len(twilio.texts) == 3


def test_an_ending_interpreter_finishes_what_is_being_sent(
    environ: dict[str, str], twilio: TwilioStandin, context: Flask
) -> None:
    twilio.delay = 1.0
    finished = run_script(
        environ,
        """
with app.app_context():
    message_id = queue()
    while row(message_id).state == "queued":
        time.sleep(0.01)
    print(message_id, row(message_id).state)
""",
    )
    assert finished.returncode == 0, finished.stderr
    message_id, state = finished.stdout.split()
    assert state == "sending"
    assert row(int(message_id)).state == "sent"
    assert len(twilio.texts) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_worker_on_its_own_ends_in_peace(
    environ: dict[str, str], twilio: TwilioStandin, context: Flask, number: signal.Signals
) -> None:
    twilio.delay = 1.0
    worker = subprocess.Popen(
        [sys.executable, "-m", "flask", "deliver"], cwd=ROOT, env={**os.environ, **environ}
    )
    try:
        message_id = queue()
        wait_until(lambda: twilio.texts, 60)
        worker.send_signal(number)
        assert worker.wait(30) == 0
    finally:
        worker.kill()
        worker.wait()
    assert row(message_id).state == "sent"
