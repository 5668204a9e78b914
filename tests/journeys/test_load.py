"""Fifty people at once on four processes: nothing fails, and every count is exact afterwards."""

import hashlib
import os
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import func, select

from models import Activity, Challenge, Limit, LoginSession, Message, Phone
from tests.journeys.crowd import Postman, Visitor
from tests.scene import FREE_HAND, Scene, playing

PEOPLE = 50
SECONDS = float(os.environ.get("GATEPOST_TEST_LOAD_SECONDS", "12"))


@pytest.mark.slow
def test_fifty_people_at_once_meet_no_failure_and_every_count_is_exact(
    tmp_path: Path, prepared_database: str
) -> None:
    with playing(tmp_path / "portal", prepared_database, workers=4, **FREE_HAND) as scene:
        visitors, complaints = send_crowd(scene)
        assert scene.failures() == []
        assert complaints == []
        assert_counts_are_exact(scene, visitors)


def send_crowd(scene: Scene) -> tuple[list[Visitor], list[BaseException]]:
    """Let everybody loose, and wait until they are done; with what went wrong for whom."""
    postman, over = Postman(scene.portal.outbox), threading.Event()
    people = [scene.person(phone=True) for _ in range(PEOPLE)]
    visitors = [
        Visitor(scene.browser(), person, scene.number_of(person), postman) for person in people
    ]
    until = time.monotonic() + SECONDS
    with ThreadPoolExecutor(PEOPLE + 1) as crowd:
        walk = crowd.submit(postman.walk, over)
        done = [crowd.submit(visitor.spend, until) for visitor in visitors]
        complaints = [error for visitor in done if (error := visitor.exception())]
        over.set()
    walk.result()
    return visitors, complaints


def assert_counts_are_exact(scene: Scene, visitors: list[Visitor]) -> None:
    """What the database holds is what the people did: no more, no less."""
    did = sum((visitor.did for visitor in visitors), Counter())
    statuses = sum((visitor.statuses for visitor in visitors), Counter())
    assert min(visitor.did.total() for visitor in visitors) > 0, "somebody was never served"
    assert set(statuses) == {200, 303, 422}
    audited = select(Activity.event, func.count()).group_by(Activity.event)
    assert dict(map(tuple, scene.rows(audited))) == did
    tries, sends = scene.rows(select(func.sum(Challenge.tries), func.sum(Challenge.sends)))[0]
    assert (tries, sends) == (sum(visitor.tries for visitor in visitors), did["code_sent"])
    texts = select(func.count()).where(Message.kind.in_(["sign_in_code", "phone_code"]))
    assert scene.scalar(texts) == did["code_sent"]
    live = scene.scalar(select(func.count()).select_from(LoginSession))
    assert live == sum(visitor.live for visitor in visitors)
    assert scene.scalar(select(func.count()).select_from(Phone)) == PEOPLE
    limits = dict(map(tuple, scene.rows(select(Limit.key, Limit.count))))
    for visitor in visitors:
        counted = {
            "code_tries_hour": visitor.did["code_incorrect"],
            "sends_hour": visitor.unproven,
            "sends_day_in_all": visitor.did["code_sent"],
        }
        person = str(visitor.person.id)
        assert {name: limits.get(key(name, person), 0) for name in counted} == counted


def key(name: str, subject: str) -> str:
    """Where a counter stands."""
    return f"{name}/{hashlib.blake2b(subject.encode(), digest_size=16).hexdigest()}"
