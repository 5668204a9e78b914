"""Limits that hold across workers, machines and restarts: each is one SQL statement.

Two kinds: a ``Window`` allows so many uses in so many seconds, counted from the
first; a ``Wait`` asks for a pause that doubles from use to use. Rules with their
numbers are made where they are needed; this module must not know what they guard.
"""

import hashlib
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import CursorResult, Row, TextClause, delete, select, text
from sqlalchemy.orm import Session

from extensions import change_rows
from models import Limit
from services.errors import TooManyTries

HOUR = 3600
DAY = 86400
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
    rules, now = _by_key(places), time.time()
    if not rules:
        return
    taken = _use(session, rules, now, {key: rule.most for key, rule in rules.items()})
    full = [key for key in rules if key not in taken]
    if full:
        ends = {row.key: row.expires_at for row in _read(session, full)}
        raise _refusal({key: ends.get(key, now) for key in full}, rules, now)


def note(session: Session, places: Iterable[Place]) -> None:
    """Count one use at every place whatever the limits say. See ``check``."""
    rules = _by_key(places)
    _use(session, rules, time.time(), dict.fromkeys(rules, UNCOUNTED))


def try_take(session: Session, places: Iterable[Place]) -> bool:
    """Count one use at every place, or none at all and answer False; the transaction goes on."""
    try:
        with session.begin_nested():
            take(session, places)
    except TooManyTries:
        return False
    return True


def count(session: Session, rule: Window, subject: str) -> int:
    """Count one use whatever the limit says; returns the uses in the window."""
    note(session, [(rule, subject)])
    return uses(session, rule, subject)


def uses(session: Session, rule: Window, subject: str) -> int:
    """The uses in the window; counts nothing."""
    rows = _read(session, [_key(rule.name, subject)])
    return int(rows[0].uses) if rows and rows[0].expires_at > time.time() else 0


def check(session: Session, places: Iterable[Place]) -> None:
    """Raise ``TooManyTries`` where ``note`` has reached a limit, as ``take``; counts nothing."""
    rules, now = _by_key(places), time.time()
    full = {
        row.key: row.expires_at
        for row in _read(session, sorted(rules))
        if row.expires_at > now and row.uses >= rules[row.key].most
    }
    if full:
        raise _refusal(full, rules, now)


def room(session: Session, places: Iterable[Place]) -> tuple[int, int]:
    """How often all places together can still be taken and, where not at all, in how many
    seconds they can. Counts nothing.
    """
    rules, now = _by_key(places), time.time()
    rows = [row for row in _read(session, sorted(rules)) if row.expires_at > now]
    used = {row.key: row.uses for row in rows}
    left = min(rule.most - used.get(key, 0) for key, rule in rules.items())
    ends = [row.expires_at for row in rows if row.uses >= rules[row.key].most]
    return max(0, left), _seconds_until(max(ends), now) if ends else 0


def give_back(session: Session, places: Iterable[Place], uses: int = 1) -> None:
    """Take back ``uses`` counts at each place, never below none."""
    keys = sorted(_by_key(places))
    if keys:
        values = {f"key{i}": key for i, key in enumerate(keys)}
        _run(session, _give_back_statement(len(keys)), {**values, "uses": uses})


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
    if _run(session, _BEGIN_WAIT, values).first() is None:
        free_at = _run(session, _READ_FREE_AT, {"of_key": key}).scalar_one()
        raise TooManyTries(_seconds_until(free_at, now), rule.name)


def waiting_seconds(session: Session, rule: Wait, subject: str) -> int:
    """Whole seconds until ``begin_wait`` would be allowed again; 0 = now."""
    key = _key(rule.name, subject)
    free_at = _run(session, _READ_FREE_AT, {"of_key": key}).scalar_one_or_none()
    now = time.time()
    return _seconds_until(free_at, now) if free_at and free_at > now else 0


def undo_wait(session: Session, rule: Wait, subject: str) -> None:
    """Take back one use and end the pause it started."""
    _run(session, _UNDO_WAIT, {"key": _key(rule.name, subject)})


def clear(session: Session, rule: Window | Wait, subject: str) -> None:
    """Forget every use of this subject under this rule."""
    _run(session, _CLEAR, {"of_key": _key(rule.name, subject)})


def pause(session: Session, rule: Window, subject: str) -> None:
    """Close a window for its whole length, whatever was counted."""
    note(session, [(rule, subject)])
    end = time.time() + rule.seconds
    values = {"most": rule.most, "end": end, "key": _key(rule.name, subject)}
    _run(session, _CLOSE, values)


def sweep(session: Session, most: int) -> int:
    """Remove at most ``most`` counters whose time is over; returns how many."""
    expired = select(Limit.key).where(Limit.expires_at < time.time()).limit(most)
    return change_rows(session, delete(Limit).where(Limit.key.in_(expired)))


def _key(name: str, subject: str) -> str:
    """A rule's name and a digest: numbers and addresses do not stand in the table as such."""
    return f"{name}/{hashlib.blake2b(subject.encode(), digest_size=16).hexdigest()}"


def _seconds_until(moment: float, now: float) -> int:
    return int(moment - now) + 1


def _by_key(places: Iterable[Place]) -> dict[str, Window]:
    return {_key(rule.name, subject): rule for rule, subject in places}


def _use(session: Session, rules: dict[str, Window], now: float, most: dict[str, int]) -> set[str]:
    """Count one use at each key that has room; returns those. Always in the same order."""
    values: dict[str, object] = {"now": now}
    for i, key in enumerate(sorted(rules)):
        values |= {f"key{i}": key, f"most{i}": most[key], f"end{i}": now + rules[key].seconds}
    return set(_run(session, _take_statement(len(rules)), values).scalars())


def _run(session: Session, statement: TextClause, values: Mapping[str, Any]) -> CursorResult[Any]:
    """Past the ORM, which has nothing to add to a statement in words."""
    return session.connection().execute(statement, values)


def _read(session: Session, keys: list[str]) -> Sequence[Row[Any]]:
    values = {f"key{i}": key for i, key in enumerate(keys)}
    return _run(session, _read_statement(len(keys)), values).all()


def _refusal(ends: dict[str, float], rules: dict[str, Window], now: float) -> TooManyTries:
    last = max((key for key in rules if key in ends), key=ends.__getitem__)
    return TooManyTries(_seconds_until(ends[last], now), rules[last].name)


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


@lru_cache(maxsize=32)
def _read_statement(places: int) -> TextClause:
    keys = ", ".join(f":key{i}" for i in range(places))
    return text(f"SELECT key, count AS uses, expires_at FROM limits WHERE key IN ({keys})")  # noqa: S608


_READ_FREE_AT = text("SELECT free_at FROM limits WHERE key = :of_key")
_CLOSE = text("UPDATE limits SET count = :most, expires_at = :end WHERE key = :key")
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
