"""Complete sign-ins over HTTP: the CPU time of the server beside that of the bare hash.

Rounds of sign-ins and rounds of bare hashes take turns, so that both meet the same
machine. CPU time, not the clock, decides: other work on the machine costs it little.
"""

import json
import re
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Any

from argon2 import PasswordHasher, Type
from sqlalchemy import insert

from bench import databases, processes
from bench.browser import Browser
from bench.databases import Database
from config import Config, load
from extensions import writing
from models import Phone, User
from services.clock import now
from tests import portal

AT_ONCE = 4
WORKERS = 2
SIGN_INS_EACH = 12
"""Sign-ins of each browser in one round."""
PASSWORD = "correct horse battery staple"
_CODE_STEP = "(the code is there)"


@dataclass
class Measured:
    """What the rounds gave; times in milliseconds."""

    database: str
    sign_ins: int = 0
    server_ms: list[float] = field(default_factory=list)
    page_ms: list[float] = field(default_factory=list)
    """CPU of the account page, which many people open next; sign-outs are in it."""
    hash_ms: list[float] = field(default_factory=list)
    postgres_ms: list[float] = field(default_factory=list)
    rss_mb: float = 0.0
    steps: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    @property
    def beside_ms(self) -> float:
        """CPU of a sign-in that is not the hash: the median of the rounds."""
        return median(s - h for s, h in zip(self.server_ms, self.hash_ms, strict=True))


class Outbox:
    """The codes in the file gateway's file, by number."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0
        self._codes: dict[str, str] = {}
        self._lock = threading.Lock()

    def wait_for_code(self, number: str) -> str:
        """The code that went to a number; each is handed out once."""
        for _ in range(2000):
            with self._lock:
                self._read_on()
                if number in self._codes:
                    return self._codes.pop(number)
            time.sleep(0.005)
        raise AssertionError("no code came within ten seconds")

    def _read_on(self) -> None:
        if not self._path.exists() or self._path.stat().st_size == self._read:
            return
        with self._path.open("rb") as file:
            file.seek(self._read)
            lines = file.read()
        whole = lines.rpartition(b"\n")[0]
        self._read += len(whole) + 1 if whole else 0
        for line in whole.splitlines():
            message = json.loads(line)
            found = re.search(r"(?<!\d)\d{6}(?!\d)", message["text"])
            assert found, message
            self._codes[message["to"]] = found.group()


def measure(database: Database, rounds: int) -> Measured:
    """Sign people in for so many rounds, after one that does not count."""
    measured = Measured(database.kind)
    config = load(database.environ)
    people = _add_people(database, 20 + (rounds + 1) * AT_ONCE * SIGN_INS_EACH // 4)
    folder = Path(database.environ["GATEPOST_INSTANCE_DIR"])
    server = portal.start(folder, database.environ, workers=WORKERS)
    try:
        crowd = Crowd(server.url, Outbox(config.outbox_dir / "sms.jsonl"), people)
        crowd.sign_in(measured.steps)
        measured.steps.clear()
        for _ in range(rounds):
            _round(database, config, server.process.pid, crowd, measured)
        crowd.close()
    finally:
        server.stop()
    return measured


class Crowd:
    """Browsers at once, each signing one person after the other in."""

    def __init__(self, url: str, outbox: Outbox, people: list[int]) -> None:
        self._outbox = outbox
        self._notes: list[dict[str, list[float]]] = [defaultdict(list) for _ in range(AT_ONCE)]
        self._browsers = [
            Browser(url, lambda step, seconds, notes=notes: notes[step].append(seconds * 1000))  # type: ignore[misc]
            for notes in self._notes
        ]
        self._people = [cycle(people[i::AT_ONCE]) for i in range(AT_ONCE)]

    def sign_in(self, steps: dict[str, list[float]]) -> int:
        """One round; adds what each step took, in milliseconds, and returns the sign-ins."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self._sign_in_some, range(AT_ONCE)))
        self._tell(steps)
        return AT_ONCE * SIGN_INS_EACH

    def look_and_leave(self, steps: dict[str, list[float]]) -> int:
        """Let each browser open the account page as often, and sign out; returns the pages."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(_look_and_leave, self._browsers))
        self._tell(steps)
        return AT_ONCE * SIGN_INS_EACH

    def close(self) -> None:
        """Hang up."""
        for browser in self._browsers:
            browser.close()

    def _tell(self, steps: dict[str, list[float]]) -> None:
        for notes in self._notes:
            for step, times in notes.items():
                steps[step] += times
            notes.clear()

    def _sign_in_some(self, which: int) -> None:
        for _ in range(SIGN_INS_EACH):
            person = next(self._people[which])
            _sign_in(self._browsers[which], person, self._outbox, self._notes[which])


def _sign_in(browser: Browser, person: int, outbox: Outbox, notes: dict[str, list[float]]) -> None:
    browser.forget()
    browser.get("/sign-in")
    browser.post("/sign-in", "/two-factor", email=email_of(person), password=PASSWORD)
    browser.get("/two-factor")
    found = re.search(r'value="(phone:\d+)"', browser.page)
    assert found, browser.page
    browser.post("/two-factor", "/two-factor/verify", method=found.group(1))
    asked = time.perf_counter()
    browser.get("/two-factor/verify")
    code = outbox.wait_for_code(number_of(person))
    notes[_CODE_STEP].append((time.perf_counter() - asked) * 1000)
    browser.post("/two-factor/verify", "/", code=code)
    browser.get("/", leads_to="/account")


def _look_and_leave(browser: Browser) -> None:
    for _ in range(SIGN_INS_EACH):
        browser.get("/account")
    browser.post("/sign-out", "/sign-in")


def _round(
    database: Database, config: Config, server: int, crowd: Crowd, measured: Measured
) -> None:
    tree = processes.tree(server)
    before = processes.cpu_seconds(tree)
    backends_before = processes.cpu_seconds(databases.backends(database))
    sign_ins = crowd.sign_in(measured.steps)
    tree = processes.tree(server)
    measured.server_ms.append(processes.cpu_since(before, tree) * 1000 / sign_ins)
    backends = databases.backends(database)
    measured.postgres_ms.append(processes.cpu_since(backends_before, backends) * 1000 / sign_ins)
    measured.rss_mb = processes.rss_mb(tree)
    before = processes.cpu_seconds(tree)
    pages = crowd.look_and_leave(measured.steps)
    measured.page_ms.append(processes.cpu_since(before, tree) * 1000 / pages)
    measured.sign_ins += sign_ins
    measured.hash_ms.append(bare_hash_ms(config, sign_ins // WORKERS))


def bare_hash_ms(config: Config, times: int) -> float:
    """CPU milliseconds of one check of a password, as many at once as the server has workers."""
    hasher = _hasher(config)
    stored = hasher.hash(PASSWORD)

    def check(_: Any) -> float:
        begun = time.thread_time()
        for _ in range(times):
            hasher.verify(stored, PASSWORD)
        return (time.thread_time() - begun) * 1000 / times

    with ThreadPoolExecutor(WORKERS) as pool:
        return sum(pool.map(check, range(WORKERS))) / WORKERS


def email_of(person: int) -> str:
    """The address of a person by number."""
    return f"person{person}@example.org"


def number_of(person: int) -> str:
    """The phone number of a person by number."""
    return f"+1201555{person:04}"


def _hasher(config: Config) -> PasswordHasher:
    return PasswordHasher(
        time_cost=config.argon2_passes,
        memory_cost=config.argon2_memory_kib,
        parallelism=1,
        type=Type.ID,
    )


def _add_people(database: Database, count: int) -> list[int]:
    """People with two-factor sign-in on and a phone, all with the same password."""
    password_hash = _hasher(load(database.environ)).hash(PASSWORD)
    people = list(range(1, count + 1))
    with database.app.app_context(), writing() as session:
        session.execute(
            insert(User),
            [
                {
                    "id": person, "email": email_of(person), "email_canonical": email_of(person),
                    "password_hash": password_hash, "two_factor_enabled": True,
                    "created_at": now(),
                }
                for person in people
            ],
        )  # fmt: skip
        session.execute(
            insert(Phone),
            [
                {"user_id": p, "number": number_of(p), "is_primary": True, "created_at": now()}
                for p in people
            ],
        )
    return people
