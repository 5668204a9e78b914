"""A portal of several processes, and a back door for what a test arranges and looks up.

Everything that a test is about goes over HTTP; people are put in place, and rows
read, through an app of this process on the same database.
"""

import itertools
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from flask import Flask
from sqlalchemy import Executable, select

from app import create_app
from config import load
from extensions import db
from models import Phone
from tests import outbox, portal
from tests.client import Answer, Browser
from tests.conftest import POSTGRESQL, QUICK, make_postgresql, migrate
from tests.people import Person, make_person, make_registration
from tests.proofs import wear_off

BEHIND_PROXY = {"GATEPOST_TRUSTED_PROXIES": "127.0.0.1/32"}
"""Every browser of ``tests.client`` then comes from an address of its own."""

FREE_HAND = {
    **BEHIND_PROXY,
    "GATEPOST_SEND_GAP_SECONDS": "0",
    "GATEPOST_NEW_NUMBER_PREFIX_PER_10_MINUTES": "10000",
    "GATEPOST_NEW_NUMBER_PREFIX_PER_DAY": "10000",
    "GATEPOST_NEW_NUMBER_COUNTRY_PER_DAY": "10000",
    "GATEPOST_NEW_NUMBER_PORTAL_PER_HOUR": "10000",
    "GATEPOST_NEW_NUMBER_PORTAL_PER_DAY": "10000",
    "GATEPOST_PROVEN_NUMBER_PORTAL_PER_DAY_EACH": "10000",
    "GATEPOST_BREAKER_TEXTS": "10000",
    "GATEPOST_SENDS_PER_HOUR": "1000",
    "GATEPOST_SENDS_PER_DAY": "1000",
    "GATEPOST_SENDS_PER_DAY_IN_ALL": "1000",
    "GATEPOST_PROVEN_NUMBER_PER_DAY": "1000",
    "GATEPOST_NUMBER_PER_DAY_IN_ALL": "1000",
    "GATEPOST_CODE_TRIES_PER_5_MINUTES": "1000",
    "GATEPOST_CODE_TRIES_PER_HOUR": "1000",
    "GATEPOST_CODE_TRIES_PER_DAY": "1000",
}
"""Wide limits, so that a test meets the one thing it is about: a challenge's own five tries."""

CODE = r"(?<!\d)\d{6}(?!\d)"
LINK = r"/(?:confirm-email/|reset-password/|register\?invitation=)\S+"
WAIT_SECONDS = 20

MOST_WORKERS_ON_POSTGRESQL = 2
"""A server takes a hundred connections by default, and several test runs share it."""

AREAS = (201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 219)
"""Area codes whose 555-01xx numbers belong to nobody."""


class Scene:
    """A running portal, seen from outside and, to arrange and to check, from inside."""

    def __init__(self, running: portal.Portal) -> None:
        self.portal = running
        self.app: Flask = create_app(load(running.environ))
        self._people = itertools.count(1)
        self._seen: dict[tuple[str, str], int] = {}

    @property
    def url(self) -> str:
        """Where it answers."""
        return self.portal.url

    def browser(self, **about: Any) -> Browser:
        """A browser without cookies, from an address of its own."""
        return Browser(self.url, **about)

    def person(self, *, phone: bool = False, **about: Any) -> Person:
        """A person nobody has met; with ``phone``, one with a number of their own."""
        number = next(self._people)
        about.setdefault("email", f"person{number}@example.org")
        if phone:
            about.setdefault("number", new_number(number))
            about.setdefault("two_factor", True)
        with self.app.app_context():
            return make_person(**about)

    def registration(self, email: str = "") -> Person:
        """Somebody who registered in some other browser and has not confirmed the address."""
        with self.app.app_context():
            return make_registration(email or f"person{next(self._people)}@example.org")

    def number(self) -> str:
        """A phone number that nobody has."""
        return new_number(next(self._people))

    def number_of(self, person: Person) -> str:
        """The person's phone number."""
        return str(self.scalar(select(Phone.number).where(Phone.id == person.phone_id)))

    def sign_in(self, browser: Browser, person: Person, **fields: str) -> Answer:
        """Enter email and password."""
        fields = {"email": person.email, "password": person.password, **fields}
        return browser.post("/sign-in", **fields)

    def sign_in_whole(self, browser: Browser, person: Person, **fields: str) -> Answer:
        """Sign in with the second step, by text; ``fields`` go with the code."""
        return browser.post("/two-factor/verify", code=self.ask_for_code(browser, person), **fields)

    def wear_off(self, person: Person) -> None:
        """Let eleven minutes pass for the person's proofs of identity."""
        wear_off(self.app, person)

    def ask_for_code(self, browser: Browser, person: Person) -> str:
        """Enter the password and have the code sent by text; returns the code."""
        due = self.sign_in(browser, person)
        assert due.location == "/two-factor", due
        sent = browser.post("/two-factor", method=f"phone:{person.phone_id}")
        assert sent.location == "/two-factor/verify", sent
        return self.new_code(self.number_of(person))

    def new_message(self, channel: str, to: str, holding: str = "") -> str:
        """The text of the next message to a destination that holds this; skips the others."""
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            messages = self.messages(channel, to)
            for index in range(self._seen.get((channel, to), 0), len(messages)):
                if re.search(holding, messages[index]["text"]):
                    self._seen[channel, to] = index + 1
                    return str(messages[index]["text"])
            time.sleep(0.02)
        raise AssertionError(f"no new {channel} to {to}")

    def new_code(self, to: str) -> str:
        """The code in the next text or mail to a destination that holds one."""
        text = self.new_message("mail" if "@" in to else "sms", to, CODE)
        return re.findall(CODE, text)[0]

    def new_link(self, to: str) -> str:
        """The path of the link in the next mail that holds one with a token."""
        text = self.new_message("mail", to, LINK)
        return re.findall(LINK, text)[0]

    def messages(self, channel: str, to: str | None = None) -> list[dict[str, Any]]:
        """All that was sent so far."""
        return outbox.read(self.portal.outbox, channel, to)

    def rows(self, statement: Executable) -> list[Any]:
        """Read rows of the database."""
        with self.app.app_context():
            rows = list(db.session.execute(statement).all())
            db.session.rollback()
            return rows

    def scalar(self, statement: Executable) -> Any:
        """Read one value of the database."""
        rows = self.rows(statement)
        return rows[0][0] if rows else None

    def failures(self) -> list[str]:
        """The log's lines about requests that failed, and about a database that was locked."""
        marks = ("request_failed", "database is locked", "Traceback")
        return [
            line for line in self.portal.read_log().splitlines() if any(m in line for m in marks)
        ]


def new_number(count: int) -> str:
    """The phone number of a running number."""
    area, line = divmod(count, 100)
    return f"+1{AREAS[area % len(AREAS)]}55501{line:02}"


@contextmanager
def playing(folder: Path, prepared: str, *, workers: int = 4, **settings: str) -> Iterator[Scene]:
    """Run a portal on a database of its own until the block ends.

    ``prepared`` is a migrated SQLite file to start from; on PostgreSQL a database is
    made, and dropped at the end. Settings override ``QUICK``.
    """
    environ = {**QUICK, "GATEPOST_DELIVERY_THREADS": "2", **settings}
    if POSTGRESQL:
        workers = min(workers, MOST_WORKERS_ON_POSTGRESQL)
        name = f"gatepost_{secrets.token_hex(6)}"
        environ["GATEPOST_DATABASE_URL"] = make_postgresql(name)
        migrate({**environ, "GATEPOST_INSTANCE_DIR": str(folder)})
        prepared = ""
    database = Path(prepared) if prepared else None
    with portal.running(folder, environ, workers=workers, database=database) as running:
        scene = Scene(running)
        try:
            yield scene
        finally:
            with scene.app.app_context():
                db.engine.dispose()
    if POSTGRESQL:
        with psycopg.connect(POSTGRESQL, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
