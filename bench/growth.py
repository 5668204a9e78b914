"""How look-ups and lists grow with the number of people, in this process, on each database.

What is asked is asked through the services that pages call; the figure is the
median of many calls, in microseconds.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from sqlalchemy import insert, select, text

from bench.databases import Database
from extensions import db, writing
from models import Activity, LoginSession, User
from services import activity, claims, login_sessions
from services.clock import now
from services.tokens import digest

CALLS = 300
STEP = 10_000
EVENTS_OF_ONE = 200_000
"""The largest history that a single person is given, at most as many as there are people."""


@dataclass(frozen=True)
class Grown:
    """Medians in microseconds, by what was asked."""

    people: int
    micros: dict[str, float]


def measure(database: Database, sizes: list[int]) -> list[Grown]:
    """Fill the database up to each size and ask."""
    grown = []
    with database.app.app_context():
        for size in sizes:
            _fill(size)
            grown.append(Grown(size, {name: _time(ask) for name, ask in _questions(size).items()}))
    return grown


def _questions(size: int) -> dict[str, Callable[[], object]]:
    busy = db.session.get_one(User, 1)
    oldest = 100
    return {
        "person by address": lambda: db.session.scalar(
            select(User).where(User.email_canonical == _email(random.randint(1, size)))
        ),
        "login session by token": lambda: login_sessions.find(str(random.randint(1, size))),
        "activity, newest page": lambda: activity.list_page(busy, None),
        "activity, oldest page": lambda: activity.list_page(busy, oldest),
        "what is due in the outbox": lambda: claims.look(db.session()),
    }


def _time(ask: Callable[[], object]) -> float:
    """The median of many calls, each in a transaction of its own, as requests are."""
    times = []
    for _ in range(CALLS):
        db.session.rollback()
        begun = time.perf_counter()
        ask()
        times.append((time.perf_counter() - begun) * 1_000_000)
    db.session.rollback()
    return median(times)


def _fill(size: int) -> None:
    """Add people, each with a login session, and events of the first person."""
    have = db.session.scalar(text("SELECT count(*) FROM users")) or 0
    for first in range(have + 1, size + 1, STEP):
        _add(range(first, min(first + STEP, size + 1)))
    with writing() as session:
        session.execute(text("ANALYZE"))


def _add(numbers: range) -> None:
    moment = now()
    people = [
        {"id": n, "email": _email(n), "email_canonical": _email(n), "created_at": moment}
        for n in numbers
    ]  # fmt: skip
    sessions = [
        {"user_id": n, "token_digest": digest(str(n)), "epoch": 1, "amr": "pwd",
         "created_at": moment, "last_seen_at": moment, "expires_at": moment.replace(year=2100)}
        for n in numbers
    ]  # fmt: skip
    events = [
        {"user_id": 1, "at": moment, "event": "signed_in", "details": {}}
        for n in numbers
        if n <= EVENTS_OF_ONE
    ]
    with writing() as session:
        session.execute(insert(User), people)
        session.execute(insert(LoginSession), sessions)
        if events:
            session.execute(insert(Activity), events)


def _email(number: int) -> str:
    return f"grown{number}@example.org"
