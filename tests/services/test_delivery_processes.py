"""Several workers as processes on one database, and what is left when one is killed."""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from sqlalchemy import func, select

from extensions import db
from models import Message
from tests.messages import queue
from tests.portal import ROOT
from tests.standins.twilio import SETTINGS, TwilioStandin

MESSAGES = 200
WORKERS = 3
KILLS_AT = (30, 100)
"""After how many texts a worker is killed."""


@pytest.fixture
def twilio() -> Iterator[TwilioStandin]:
    with TwilioStandin(delay=0.05) as standin:
        yield standin


@pytest.fixture
def environ(environ: dict[str, str], twilio: TwilioStandin) -> dict[str, str]:
    return {
        **environ,
        **SETTINGS,
        "GATEPOST_TWILIO_BASE_URL": twilio.base_url,
        "GATEPOST_TWILIO_READ_SECONDS": "5",
        "GATEPOST_TWILIO_DEADLINE_SECONDS": "5",
        "GATEPOST_DELIVERY_LEASE_SECONDS": "4",  # with such a deadline: 7
    }


@contextmanager
def workers(environ: dict[str, str], count: int) -> "Iterator[list[subprocess.Popen[bytes]]]":
    """Delivery workers as processes of their own."""
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "flask", "deliver"], cwd=ROOT, env={**os.environ, **environ}
        )
        for _ in range(count)
    ]
    try:
        yield started
    finally:
        for process in started:
            process.kill()
            process.wait()


@pytest.mark.slow
def test_every_message_is_sent_once_or_called_unknown_though_workers_are_killed(
    environ: dict[str, str], twilio: TwilioStandin, context: Flask
) -> None:
    for number in range(MESSAGES):
        queue(values={"code": f"{number:06}", "minutes": 10})
    with workers(environ, WORKERS) as running:
        for victim, count in zip(running, KILLS_AT, strict=False):
            wait_until_sent(twilio, count)
            victim.kill()
        wait_until_all_ended()
        time.sleep(1)  # nothing may follow

    seen = Counter(text["Body"][:6] for text in twilio.texts)
    states = states_by_code()
    assert set(states.values()) <= {"sent", "unknown"}
    assert max(seen.values()) == 1
    assert all(seen[code] == 1 for code, state in states.items() if state == "sent")
    lost = db.session.scalar(select(func.count()).where(Message.reason == "lost"))
    assert 1 <= (lost or 0) <= 4 * len(KILLS_AT)
    assert all(code in states for code in seen)


def wait_until_sent(twilio: TwilioStandin, count: int) -> None:
    deadline = time.monotonic() + 120
    while len(twilio.requests) < count:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def wait_until_all_ended() -> None:
    deadline = time.monotonic() + 120
    open_states = select(func.count()).where(Message.state.in_(["queued", "sending"]))
    while db.session.scalar(open_states):
        db.session.commit()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    db.session.commit()


def states_by_code() -> dict[str, str]:
    """Message states by the code they carried: the first message carried 000000."""
    rows = db.session.execute(select(Message.state).order_by(Message.id)).scalars()
    return {f"{number:06}": state for number, state in enumerate(rows)}
