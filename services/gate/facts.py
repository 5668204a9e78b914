"""What the database knows about the token of an app session, in one read on the raw driver.

Every request to every app asks, so this goes around SQLAlchemy's execution: its
statement is built from the same columns and the same rule as everywhere else
(``login_sessions.is_live``), but compiled once. It decides nothing.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from operator import itemgetter
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import (
    Engine,
    String,
    bindparam,
    case,
    cast,
    extract,
    func,
    literal_column,
    select,
)
from sqlalchemy.orm import Session
from sqlalchemy.sql import Select

from models import LoginSession, User
from models_apps import AppGrant, AppSession, GateState, GroupMember
from services.gate.connections import Connections, KeepingCursor
from services.login_sessions import has_idled_out, is_live, is_seen_note_due


class Facts(NamedTuple):
    """A live login session as the apps see it, and its person."""

    scope: str
    """Where the token is good: a domain, or one origin."""
    session_id: int
    user_id: int
    amr: str
    second_factor_proved_at: datetime | None
    opened_at: datetime
    """When the app session was opened: proofs that came later were not its browser's."""
    last_seen_at: datetime
    expires_at: datetime
    idle_seconds: int | None
    email: str
    name: str
    two_factor_enabled: bool
    groups: tuple[int, ...]
    grants: Mapping[int, datetime | None]
    """The apps that the person was let into by name, and when that ends (None: never)."""

    @property
    def is_of_one_app(self) -> bool:
        """Whether the token is good at one origin, and not in a whole domain."""
        return "://" in self.scope

    def are_live(self, moment: datetime) -> bool:
        """Whether time alone has not ended the session since it was read."""
        return self.expires_at > moment and not has_idled_out(
            self.last_seen_at, self.idle_seconds, moment
        )

    def is_seen_note_due(self, moment: datetime) -> bool:
        """Whether the use of the session is to be noted."""
        return is_seen_note_due(self.last_seen_at, self.idle_seconds, moment)

    def holds_grant(self, app_id: int, moment: datetime) -> bool:
        """Whether the person was let into the app by name, and still is."""
        return app_id in self.grants and lasts(self.grants[app_id], moment)


def lasts(until: datetime | None, moment: datetime) -> bool:
    """Whether what ends then (None: never) has not ended yet."""
    return until is None or until > moment


Found = tuple[int, Facts]
"""The version of the rules at the time of the read, and what was read."""


class FactsReader:
    """Asks one database; safe with threads and after a fork."""

    def __init__(self, engine: Engine) -> None:
        self._connections = Connections(engine)
        self._is_sqlite = engine.dialect.name == "sqlite"
        self._find, self._arrange = _compile(engine, _FIND, "digest", "moment")
        self._version, _ = _compile(engine, _VERSION)
        self._when = _from_text if self._is_sqlite else _as_it_is
        self._writer = MomentWriter()

    def find(self, token_digest: str, moment: datetime) -> Found | None:
        """The version of the rules, and the facts where a live session is behind the token."""
        look_up = self._recall if self._is_sqlite else self._read
        found: Found | None = self._connections.use(look_up, token_digest, moment)
        return found if found is not None and found[1].are_live(moment) else None

    def _recall(self, cursor: KeepingCursor, token_digest: str, moment: datetime) -> Found | None:
        """As ``_read``, but what this connection has read is good until somebody commits."""
        kept = cursor.kept()
        found: Found | None = kept.get(token_digest)
        if found is None and (found := self._read(cursor, token_digest, moment)) is not None:
            kept[token_digest] = found
        return found

    def _read(self, cursor: Any, token_digest: str, moment: datetime) -> Found | None:
        when = self._writer.write(moment) if self._is_sqlite else moment
        row = self._connections.read(cursor, self._find, self._arrange((token_digest, when)))
        return (row[0] or 0, _make_facts(row, self._when)) if row else None

    def version(self) -> int:
        """The version of the rules."""
        row = self._connections.fetch_one(self._version, ())
        return int(row[0]) if row else 0


def gather(session: Session, user: User, **of_session: Any) -> Facts:
    """The person's facts as they are now, with those of a login session as the caller knows or
    supposes them: all fields that are not the person's.
    """
    groups = select(GroupMember.group_id).where(GroupMember.user_id == user.id)
    grants = select(AppGrant.app_id, AppGrant.expires_at).where(AppGrant.user_id == user.id)
    return Facts(
        **of_session, user_id=user.id, email=user.email,
        name=user.name, two_factor_enabled=user.two_factor_enabled,
        groups=tuple(session.scalars(groups)),
        grants={grant.app_id: grant.expires_at for grant in session.execute(grants)},
    )  # fmt: skip


class MomentWriter:
    """Writes times as SQLAlchemy writes them into SQLite, so that text compares as time does.

    Once in a second, not for every request: whether a session lasts until ``moment``
    itself is seen again by ``Facts.are_live``.
    """

    def __init__(self) -> None:
        self._last = (datetime.max.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC), "")

    def write(self, moment: datetime) -> str:
        """This time, or one up to a second before it."""
        since, until, text = self._last
        if not since <= moment < until:
            text = moment.isoformat(" ", "microseconds")[:26]
            self._last = moment, moment + timedelta(seconds=1), text
        return text


_VERSION = select(GateState.version).where(GateState.id == literal_column("1"))
_GROUPS = (
    select(func.aggregate_strings(cast(GroupMember.group_id, String), ","))
    .where(GroupMember.user_id == User.id)
    .scalar_subquery()
)
_GRANTS = (
    select(
        func.aggregate_strings(
            cast(AppGrant.app_id, String)
            + literal_column("' '")
            + case(
                (AppGrant.expires_at.is_(None), literal_column("''")),
                else_=func.coalesce(
                    cast(extract("epoch", AppGrant.expires_at), String), literal_column("'0'")
                ),
            ),
            ",",
        )
    )
    .where(AppGrant.user_id == User.id)
    .scalar_subquery()
)
_FIND = (
    select(
        _VERSION.scalar_subquery(),
        _GROUPS,
        _GRANTS,
        AppSession.scope,
        AppSession.created_at,
        LoginSession.id,
        LoginSession.user_id,
        LoginSession.amr,
        LoginSession.second_factor_proved_at,
        LoginSession.last_seen_at,
        LoginSession.expires_at,
        LoginSession.idle_seconds,
        User.email,
        User.name,
        User.two_factor_enabled,
    )
    .select_from(AppSession)
    .join(AppSession.login_session)
    .join(LoginSession.user)
    .where(
        AppSession.token_digest == bindparam("digest", required=False),
        *is_live(bindparam("moment", required=False)),
    )
)

Arrange = Callable[[tuple[Any, ...]], Any]


def _compile(engine: Engine, statement: Select[Any], *names: str) -> tuple[str, Arrange]:
    """The statement in the driver's words, and how its values, named in this order, go in."""
    compiled = statement.compile(
        dialect=engine.dialect, compile_kwargs={"render_postcompile": True}
    )
    order = compiled.positiontup
    if order is None:
        return str(compiled), lambda values: dict(zip(names, values, strict=True))
    if not order:
        return str(compiled), _as_it_is
    return str(compiled), itemgetter(*(names.index(name) for name in order))


def _make_facts(row: tuple[Any, ...], when: Callable[[Any], Any]) -> Facts:
    (_, groups, grants, scope, opened_at, session_id, user_id, amr, proved_at,
     seen_at, expires_at, idle_seconds, email, name, two_factor) = row  # fmt: skip
    return Facts(
        scope, session_id, user_id, amr, when(proved_at), when(opened_at), when(seen_at),
        when(expires_at), idle_seconds, email, name, bool(two_factor),
        _read_groups(groups), _read_grants(grants),
    )  # fmt: skip


@lru_cache(maxsize=4096)  # most people share theirs with others
def _read_groups(text: str | None) -> tuple[int, ...]:
    return tuple(map(int, text.split(","))) if text else ()


@lru_cache(maxsize=4096)
def _read_grants(text: str | None) -> Mapping[int, datetime | None]:
    """Of ``app end,app end``; the ends in seconds since 1970, or nothing where there is none.

    An end that SQLite cannot read comes as 0: it was meant to be one.
    """
    if not text:
        return _NO_GRANTS
    pairs = (pair.split(" ") for pair in text.split(","))
    return {
        int(app): datetime.fromtimestamp(min(float(end), _LATEST), UTC) if end else None
        for app, end in pairs
    }


_LATEST = 253402300799.0
"""The last second of the year 9999, beyond which Python has no dates."""
_NO_GRANTS: Mapping[int, datetime | None] = MappingProxyType({})


@lru_cache(maxsize=16_384)  # a page asks many times for one person
def _from_text(text: str | None) -> datetime | None:
    return datetime.fromisoformat(f"{text}+00:00") if text else None


def _as_it_is(value: Any) -> Any:
    return value
