"""The verdict in this process: a request's headers in, the answer out, in microseconds.

Five hundred apps, each for one of fifty groups; every person is in three groups and
has a cookie. Each call is another person's; a page is twenty calls of one person.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

from flask import Flask
from sqlalchemy import func, insert, select

from bench.databases import Database
from extensions import db, writing
from models import LoginSession, User
from models_apps import App, AppAddress, AppGrant, AppSession, Group, GroupMember
from services.clock import now
from services.gate import registry
from services.gate.connections import Connections, open_raw
from services.gate.gatekeeper import the_gatekeeper
from services.tokens import digest

APPS, GROUPS, CALLS, STEP = 500, 50, 4000, 10_000
SIZES = (1, 1_000, 100_000)
GOAL_MICROS = 25.0
COOKIE = "gatepost_apps"


@dataclass(frozen=True)
class InProcess:
    """Microseconds of one verdict: the median, and what one of twenty takes longer than."""

    people: int
    what: str
    median: float
    p95: float


def measure(database: Database) -> list[InProcess]:
    """Fill the database up to each size and ask, with and without memory.

    Each size has its bare read beside it, for a machine is not as fast at every moment.
    """
    measured, app = [], database.app
    with app.app_context():
        fill_apps()
        keeper = the_gatekeeper()
        commit = _committer()
    for people in SIZES:
        with app.app_context():
            fill_people(people)
        measured.append(_time(people, "the bare read", _reader(app, people)))
        if database.kind == "sqlite":
            measured.append(_time(people, "nothing changed", _asker(app, people)))
            measured.append(_time(people, "each of a page of 20", _asker(app, people, at_once=20)))
            measured.append(_time(people, "right after a commit", _asker(app, people, commit)))
        else:
            measured.append(_time(people, "one read each", _asker(app, people)))
    if database.kind == "postgresql":
        keeper.watch()
        _wait_until_sure(lambda: keeper.memory.known() is not None)
        measured.append(_time(100, "nothing changed", _asker(app, 100)))
    return measured


def fill_apps() -> None:
    """Five hundred apps and the groups that may enter them."""
    moment = now()
    with writing() as session:
        session.execute(
            insert(Group),
            [{"id": n, "name": f"group{n}", "created_at": moment} for n in range(1, GROUPS + 1)],
        )
        session.execute(
            insert(App),
            [{"id": n, "name": f"App {n}", "created_at": moment} for n in range(1, APPS + 1)],
        )
        session.execute(
            insert(AppAddress),
            [{"app_id": n, "origin": origin_of(n)} for n in range(1, APPS + 1)],
        )
        session.execute(
            insert(AppGrant),
            [
                {"app_id": n, "group_id": n % GROUPS + 1, "created_at": moment}
                for n in range(1, APPS + 1)
            ],
        )
        registry.touch(session)


def fill_people(people: int) -> None:
    """People up to this number, each with a login session, a cookie and three groups."""
    have = db.session.scalar(select(func.count()).select_from(User)) or 0
    for first in range(have + 1, people + 1, STEP):
        _add(range(first, min(first + STEP, people + 1)))
    if db.engine.dialect.name == "postgresql":  # which does that by itself; SQLite never does
        with writing() as session:
            session.execute(db.text("ANALYZE"))


def origin_of(app: int) -> str:
    """The address of an app."""
    return f"https://app{app}.example.org"


def token_of(person: int) -> str:
    """The token of a person's cookie."""
    return f"token-of-person-{person:08}"


def app_for(person: int) -> int:
    """An app that the person may enter."""
    return random.randrange(APPS // GROUPS) * GROUPS + person % GROUPS or GROUPS


def environ_for(person: int) -> dict[str, Any]:
    """What a server hands over when Caddy asks about a person's request."""
    return {
        "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/api/authz/forward-auth",
        "QUERY_STRING": "", "REMOTE_ADDR": "127.0.0.1", "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000", "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.url_scheme": "http",
        "HTTP_HOST": "127.0.0.1:8000", "HTTP_X_FORWARDED_PROTO": "https",
        "HTTP_X_FORWARDED_HOST": origin_of(app_for(person)).removeprefix("https://"),
        "HTTP_X_FORWARDED_URI": "/pages/42?view=all&sort=date", "HTTP_X_FORWARDED_METHOD": "GET",
        "HTTP_X_FORWARDED_FOR": "192.0.2.7", "HTTP_SEC_FETCH_MODE": "cors",
        "HTTP_SEC_FETCH_SITE": "same-origin", "HTTP_ACCEPT": "*/*",
        "HTTP_COOKIE": f"theme=dark; sid=0123456789abcdef; {COOKIE}={token_of(person)}",
    }  # fmt: skip


def _reader(app: Flask, people: int) -> Callable[[], float]:
    """Finds the token of another person at each call, on the driver; gives the microseconds."""
    with app.app_context():
        connections = Connections(db.engine)
        value = "?" if db.engine.dialect.name == "sqlite" else "%s"
    question = f"SELECT * FROM app_sessions WHERE token_digest = {value}"

    def read() -> float:
        key = (digest(token_of(random.randint(1, people))),)
        begun = time.perf_counter()
        row = connections.fetch_one(question, key)
        took = time.perf_counter() - begun
        assert row
        return took * 1_000_000

    return read


def _committer() -> Callable[[], None]:
    """Commits something, as anybody's sign-in does: what was read before must be read anew."""
    connection = open_raw(db.engine)
    change = "UPDATE users SET email_code_failures = email_code_failures + 1 WHERE id = 1"
    return lambda: connection.execute(change)


def _asker(
    app: Flask, people: int, before: Callable[[], None] | None = None, *, at_once: int = 1
) -> Callable[[], float]:
    """Asks for another person at each call, so often; gives the microseconds of one answer."""
    answered: list[str] = []

    def start_response(status: str, _headers: list[tuple[str, str]], *_: Any) -> Any:
        answered.append(status)

    def ask() -> float:
        if before is not None:
            before()
        person = random.randint(1, people)
        environs = [environ_for(person) for _ in range(at_once)]
        begun = time.perf_counter()
        for environ in environs:
            app.wsgi_app(environ, start_response)  # type: ignore[arg-type]
        took = time.perf_counter() - begun
        assert answered == ["200 OK"] * at_once
        answered.clear()
        return took * 1_000_000 / at_once

    return ask


def _time(people: int, what: str, ask: Callable[[], float]) -> InProcess:
    times = [ask() for _ in range(CALLS)][CALLS // 10 :]
    return InProcess(people, what, median(times), quantiles(times, n=20)[-1])


def _wait_until_sure(is_sure: Callable[[], bool]) -> None:
    for _ in range(500):
        if is_sure():
            return
        time.sleep(0.01)
    raise AssertionError("nobody told that nothing was ended")


def _add(numbers: range) -> None:
    moment = now()
    people = [
        {"id": n, "email": f"p{n}@example.org", "email_canonical": f"p{n}@example.org",
         "name": f"Person {n}", "created_at": moment}
        for n in numbers
    ]  # fmt: skip
    sessions = [
        {"id": n, "user_id": n, "token_digest": digest(f"login {n}"), "epoch": 1, "amr": "pwd",
         "created_at": moment, "last_seen_at": moment.replace(year=2100),
         "expires_at": moment.replace(year=2100), "idle_seconds": 3600,
         "second_factor_proved_at": moment, "password_proved_at": moment}
        for n in numbers
    ]  # fmt: skip
    cookies = [
        {"token_digest": digest(token_of(n)), "login_session_id": n, "scope": "example.org",
         "created_at": moment}
        for n in numbers
    ]  # fmt: skip
    members = [
        {"group_id": group, "user_id": n, "created_at": moment}
        for n in numbers
        for group in {n % GROUPS + 1, (n + 7) % GROUPS + 1, (n + 13) % GROUPS + 1}
    ]
    with writing() as session:
        session.execute(insert(User), people)
        session.execute(insert(LoginSession), sessions)
        session.execute(insert(AppSession), cookies)
        session.execute(insert(GroupMember), members)
