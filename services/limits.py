"""Limits that hold across workers, machines and restarts: each is one SQL statement.

Two kinds: a ``Window`` allows so many uses in so many seconds, counted from the
first; a ``Wait`` asks for a pause that doubles from use to use. Rules with their
numbers are made where they are needed; this module must not know what they guard.
"""

import hashlib
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import TextClause, delete, select, text
from sqlalchemy.orm import Session

from extensions import change_rows
from models import Limit
from services.errors import TooManyTries

UNCOUNTED = 2**31 - 1


@dataclass(frozen=True)
class Window:
    """At most ``most`` uses in ``seconds``, counted from the first use."""

    name: str
    most: int
    seconds: int


@dataclass(frozen=True)
class Wait:
    """After ``free`` uses in ``memory`` seconds: wait ``first`` seconds, doubling to ``longest``.

    Where ``first`` is 0 there are no waits. Once waits have begun, uses are forgotten ``grudge``
    seconds after the last wait.
    """

    name: str
    free: int
    first: int
    longest: int
    memory: int
    grudge: int


Place = tuple[Window, str]
"""A window and whose use it counts: a person, a number, an address."""


def take(session: Session, places: Iterable[Place]) -> None:
    """Count one use at every place, or none at all: raises ``TooManyTries`` where one is full.

    Of several full ones, that with the longest wait is named; of equal waits, the first.
    The caller's transaction must end with the exception, which undoes the counts.
    """
    wanted = {_key(rule.name, subject): rule for rule, subject in places}
    if not wanted:
        return
    now = time.time()
    keys = sorted(wanted)
    values: dict[str, object] = {"now": now}
    for i, key in enumerate(keys):
        values |= {
            f"key{i}": key,
            f"most{i}": wanted[key].most,
            f"end{i}": now + wanted[key].seconds,
        }
    taken = set(session.execute(_take_statement(len(keys)), values).scalars())
    full = [key for key in wanted if key not in taken]
    if full:
        raise _refuse(session, full, wanted, now)


def count(session: Session, rule: Window, subject: str) -> int:
    """Count one use whatever the limit says; returns the uses in the window. See ``check``."""
    now = time.time()
    values = {
        "now": now,
        "key0": _key(rule.name, subject),
        "most0": UNCOUNTED,
        "end0": now + rule.seconds,
    }
    session.execute(_take_statement(1), values)
    uses: int = session.execute(_READ, {"of_key": values["key0"]}).one().uses
    return uses


def check(session: Session, rule: Window, subject: str) -> None:
    """Raise ``TooManyTries`` where ``count`` has reached the limit; counts nothing."""
    now = time.time()
    row = session.execute(_READ, {"of_key": _key(rule.name, subject)}).first()
    if row is None:
        return
    uses, expires_at = row
    if expires_at > now and uses >= rule.most:
        raise TooManyTries(_seconds_until(expires_at, now), rule.name)


def give_back(session: Session, places: Iterable[Place], uses: int = 1) -> None:
    """Take back ``uses`` counts at each place, never below none."""
    keys = sorted({_key(rule.name, subject) for rule, subject in places})
    if not keys:
        return
    values: dict[str, object] = {f"key{i}": key for i, key in enumerate(keys)}
    session.execute(_give_back_statement(len(keys)), {**values, "uses": uses})


def begin_wait(session: Session, rule: Wait, subject: str) -> None:
    """Count one use and start the next pause; raises ``TooManyTries`` while a pause lasts."""
    now = time.time()
    key = _key(rule.name, subject)
    steps = _steps_to_longest(rule)
    values = {
        "key": key, "now": now, "free": rule.free, "first": rule.first,
        "longest": rule.longest if rule.first else 0,
        "steps": steps, "memory": rule.memory, "grudge": rule.grudge,
    }  # fmt: skip
    if session.execute(_BEGIN_WAIT, values).first() is None:
        free_at = session.execute(_READ_FREE_AT, {"of_key": key}).scalar_one()
        raise TooManyTries(_seconds_until(free_at, now), rule.name)


def waiting_seconds(session: Session, rule: Wait, subject: str) -> int:
    """Whole seconds until ``begin_wait`` would be allowed again; 0 = now."""
    key = _key(rule.name, subject)
    free_at = session.execute(_READ_FREE_AT, {"of_key": key}).scalar_one_or_none()
    now = time.time()
    return _seconds_until(free_at, now) if free_at and free_at > now else 0


def undo_wait(session: Session, rule: Wait, subject: str) -> None:
    """Take back one use and end the pause it started."""
    session.execute(_UNDO_WAIT, {"key": _key(rule.name, subject)})


def clear(session: Session, rule: Window | Wait, subject: str) -> None:
    """Forget every use of this subject under this rule."""
    session.execute(_CLEAR, {"of_key": _key(rule.name, subject)})


def pause(session: Session, rule: Window, subject: str) -> None:
    """Close a window for its whole length, whatever was counted."""
    now = time.time()
    values = {
        "now": now,
        "key0": _key(rule.name, subject),
        "most0": UNCOUNTED,
        "end0": now + rule.seconds,
    }
    session.execute(_take_statement(1), values)
    session.execute(
        text("UPDATE limits SET count = :most, expires_at = :end WHERE key = :key"),
        {"most": rule.most, "end": values["end0"], "key": values["key0"]},
    )


def sweep(session: Session, most: int) -> int:
    """Remove at most ``most`` counters whose time is over; returns how many."""
    expired = select(Limit.key).where(Limit.expires_at < time.time()).limit(most)
    return change_rows(session, delete(Limit).where(Limit.key.in_(expired)))


def _key(name: str, subject: str) -> str:
    """A rule's name and a digest: numbers and addresses do not stand in the table as such."""
    return f"{name}/{hashlib.blake2b(subject.encode(), digest_size=16).hexdigest()}"


def _seconds_until(moment: float, now: float) -> int:
    return int(moment - now) + 1


def _refuse(
    session: Session, full: list[str], wanted: dict[str, Window], now: float
) -> TooManyTries:
    rows = session.execute(select(Limit.key, Limit.expires_at).where(Limit.key.in_(full)))
    ends = {row.key: row.expires_at for row in rows}
    last = max(full, key=lambda key: ends.get(key, now))
    return TooManyTries(_seconds_until(ends.get(last, now), now), wanted[last].name)


def _steps_to_longest(rule: Wait) -> int:
    steps = 0
    while rule.first and rule.first << steps < rule.longest:
        steps += 1
    return steps


@lru_cache(maxsize=32)
def _take_statement(places: int) -> TextClause:
    rows = ", ".join(f"(:key{i}, 1, :most{i}, :now, 0, :end{i})" for i in range(places))
    return text(f"""
        INSERT INTO limits (key, count, most, started_at, free_at, expires_at) VALUES {rows}
        ON CONFLICT (key) DO UPDATE SET
          count = CASE WHEN limits.expires_at <= :now THEN 1 ELSE limits.count + 1 END,
          most = excluded.most,
          started_at = CASE WHEN limits.expires_at <= :now THEN :now ELSE limits.started_at END,
          expires_at = CASE WHEN limits.expires_at <= :now THEN excluded.expires_at
                            ELSE limits.expires_at END
        WHERE limits.expires_at <= :now OR limits.count < excluded.most
        RETURNING key
    """)  # noqa: S608 (only row numbers are put in)


@lru_cache(maxsize=32)
def _give_back_statement(places: int) -> TextClause:
    """An UPDATE would lock the rows in an order of its own; so they are met as they are taken."""
    rows = ", ".join(f"(:key{i}, 0, 0, 0, 0, 0)" for i in range(places))
    return text(f"""
        INSERT INTO limits (key, count, most, started_at, free_at, expires_at) VALUES {rows}
        ON CONFLICT (key) DO UPDATE SET
          count = CASE WHEN limits.count > :uses THEN limits.count - :uses ELSE 0 END
    """)  # noqa: S608 (only row numbers are put in)


_READ = text("SELECT count AS uses, expires_at FROM limits WHERE key = :of_key")
_READ_FREE_AT = text("SELECT free_at FROM limits WHERE key = :of_key")
_CLEAR = text("DELETE FROM limits WHERE key = :of_key")

_UNDO_WAIT = text(
    "UPDATE limits SET count = CASE WHEN count > 1 THEN count - 1 ELSE 0 END, free_at = 0"
    " WHERE key = :key"
)

_USES = "CASE WHEN limits.expires_at <= :now THEN 1 ELSE limits.count + 1 END"

_PAUSE = """
    CASE WHEN {uses} < :free THEN 0
         WHEN {uses} - :free >= :steps THEN :longest
         ELSE :first * (1 << ({uses} - :free)) END
"""

_PAUSE_AT_FIRST, _PAUSE_LATER = _PAUSE.format(uses="1"), _PAUSE.format(uses=_USES)

_FREE_AT = "CASE WHEN {pause} = 0 THEN 0 ELSE :now + {pause} END"
"""No pause is no time at all: another's "now" may be a little ahead of ours."""

_FREE_AT_FIRST = _FREE_AT.format(pause=_PAUSE_AT_FIRST)
_FREE_AT_LATER = _FREE_AT.format(pause=_PAUSE_LATER)

_BEGIN_WAIT = text(f"""
    INSERT INTO limits (key, count, most, started_at, free_at, expires_at)
    VALUES (:key, 1, 0, :now, {_FREE_AT_FIRST},
            :now + CASE WHEN 1 < :free THEN :memory ELSE {_PAUSE_AT_FIRST} + :grudge END)
    ON CONFLICT (key) DO UPDATE SET
      count = {_USES},
      started_at = CASE WHEN limits.expires_at <= :now THEN :now ELSE limits.started_at END,
      free_at = {_FREE_AT_LATER},
      expires_at = CASE WHEN {_USES} >= :free THEN :now + {_PAUSE_LATER} + :grudge
                        WHEN limits.expires_at <= :now THEN :now + :memory
                        ELSE limits.expires_at END
    WHERE limits.free_at <= :now
    RETURNING count
""")  # noqa: S608 (only our own expressions are put in)
