"""The rules of all apps, loaded once in a process and again when somebody changed them.

Every change of apps, addresses, grants, groups or members changes the version in
its own transaction (``touch``); whoever decides compares versions. Grants to
groups are here, those to single people are read with the person (``facts``).
"""

import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, Engine, RowMapping, select, text
from sqlalchemy.orm import Session

from models_apps import App, AppAddress, AppGrant, GateState, Group
from services.gate.lifetimes import renew_after_fork
from services.header_names import IDENTITY, complete

PASSWORD, TWO_FACTOR, RECENT_TWO_FACTOR = "password", "two-factor", "recent-two-factor"
LEVELS = (PASSWORD, TWO_FACTOR, RECENT_TWO_FACTOR)
"""How strongly people must have signed in, the weakest first."""

MOST_TOGETHER = 5000
"""Sets of groups whose names are kept ready."""


@dataclass(frozen=True, slots=True)
class AppRules:
    """What the verdict asks of an app; the fields are those of ``models_apps.App``."""

    id: int
    name: str
    level: str = PASSWORD
    for_everyone: bool = False
    public_paths: tuple[str, ...] = ()
    header_names: Mapping[str, str] = field(default_factory=lambda: IDENTITY)
    """All four, by ``user``, ``groups``, ``email``, ``name``."""
    percent_encoded: bool = False
    signed_header: bool = False
    preflight_allowed: bool = False
    cross_site_writes: bool = False
    own_cookie: bool = False
    requestable: bool = True
    origins: tuple[str, ...] = ()
    """The main one first."""
    groups: Mapping[int, datetime | None] = field(default_factory=dict)
    """The groups that may enter, by id, and when that ends (None: never)."""

    def has_public_path(self, path: str) -> bool:
        """Whether this plain path needs no sign-in: named exactly, or below a ``/*``."""
        return any(
            path.startswith(public[:-1]) if public.endswith("/*") else path == public
            for public in self.public_paths
        )


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything that was loaded at one version."""

    version: int
    apps: Mapping[str, AppRules]
    """By origin."""
    group_names: Mapping[int, str]
    _together: dict[tuple[int, ...], tuple[str, ...]] = field(default_factory=dict)

    def names_of(self, groups: tuple[int, ...]) -> tuple[str, ...]:
        """The names of these groups, in their order; most people share theirs with others."""
        names = self._together.get(groups)
        if names is None:
            known = (self.group_names.get(group) for group in groups)
            names = tuple(sorted(name for name in known if name is not None))
            if len(self._together) < MOST_TOGETHER:
                self._together[groups] = names
        return names


class Registry:
    """The rules as one process knows them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._rules: Rules | None = None
        self._forgotten = 0
        self.renew()
        renew_after_fork(self)

    def newest(self) -> Rules:
        """The rules as they are now: asks the database for the version, and seldom for more."""
        with self._engine.connect() as connection:
            return self.at(_read_version(connection))

    def at(self, version: int) -> Rules:
        """The rules of this version, or of a later one; loads them unless they are known."""
        rules = self._rules
        if rules is not None and rules.version == version:
            return rules
        with self._lock:
            rules = self._rules
            if rules is None or rules.version != version:
                forgotten = self._forgotten
                rules = self._rules = _load(self._engine)
                if forgotten != self._forgotten:  # while they were read
                    self._rules = None
            return rules

    def forget(self) -> None:
        """Load again at the next question, whatever the version says."""
        self._forgotten += 1
        self._rules = None

    def renew(self) -> None:
        """After a fork: the lock may be held by a thread that is not there any more."""
        self._lock = threading.Lock()


def touch(session: Session) -> None:
    """Give the rules another version in the caller's transaction: apps, grants, groups or members
    changed. At random, so that a restored database does not come by a number that was in use.
    """
    session.execute(_TOUCH, {"version": 1 + secrets.randbelow(2**31 - 1)})


_TOUCH = text(
    "INSERT INTO gate_state (id, version) VALUES (1, :version)"
    " ON CONFLICT (id) DO UPDATE SET version = excluded.version"
)
_VERSION = select(GateState.version).where(GateState.id == 1)


def _read_version(connection: Connection) -> int:
    return connection.scalar(_VERSION) or 0


def _load(engine: Engine) -> Rules:
    """Version first: rows that are newer than it are loaded again at the next question."""
    with engine.connect() as connection:
        version = _read_version(connection)
        origins: dict[int, list[str]] = {}
        for address in connection.execute(
            select(AppAddress.app_id, AppAddress.origin).order_by(AppAddress.id)
        ):
            origins.setdefault(address.app_id, []).append(address.origin)
        groups: dict[int, dict[int, datetime | None]] = {}
        for grant in connection.execute(
            select(AppGrant.app_id, AppGrant.group_id, AppGrant.expires_at).where(
                AppGrant.group_id.is_not(None)
            )
        ):
            groups.setdefault(grant.app_id, {})[grant.group_id] = grant.expires_at
        apps: dict[str, AppRules] = {}
        for row in connection.execute(select(App.__table__)):
            rules = _make_rules(row._mapping, tuple(origins.get(row.id, ())), groups.get(row.id))
            apps |= dict.fromkeys(rules.origins, rules)
        names = {row.id: row.name for row in connection.execute(select(Group.id, Group.name))}
    return Rules(version, apps, names)


def _make_rules(
    row: RowMapping, origins: tuple[str, ...], groups: dict[int, datetime | None] | None
) -> AppRules:
    taken = {name: row[name] for name in _COPIED}
    return AppRules(
        **taken,
        public_paths=tuple(p for p in _as_list(row["public_paths"]) if p.startswith("/")),
        header_names=complete(row["header_names"]),
        origins=origins,
        groups=groups or {},
    )


_COPIED = (
    "id", "name", "level", "for_everyone", "percent_encoded", "signed_header",
    "preflight_allowed", "cross_site_writes", "own_cookie", "requestable",
)  # fmt: skip


def _as_list(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
