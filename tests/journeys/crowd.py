"""People for the load test: each does mixed journeys in a browser, and counts what it did."""

import json
import random
import re
import threading
import time
from collections import Counter, defaultdict
from pathlib import Path

from tests.client import Answer, Browser
from tests.people import Person
from tests.scene import CODE, LINK

WAIT_SECONDS = 25
NEW_PASSWORD = "seven purple kettles on a roof"


class Postman:
    """Reads what a portal sends, once, and hands each message to whoever waits for it."""

    def __init__(self, outbox: Path) -> None:
        self._outbox = outbox
        self._news = threading.Condition()
        self._letters: defaultdict[str, list[str]] = defaultdict(list)
        self._read = {"sms": 0, "mail": 0}
        self.brought: Counter[str] = Counter()

    def walk(self, over: threading.Event) -> None:
        """Bring messages until it is over."""
        while not over.wait(0.03):
            self.bring()

    def bring(self) -> None:
        """Bring what has come since the last time."""
        for channel, done in self._read.items():
            path = self._outbox / f"{channel}.jsonl"
            whole = path.read_bytes()[done:].rpartition(b"\n")[0] if path.exists() else b""
            if not whole:
                continue
            self._read[channel] = done + len(whole) + 1
            with self._news:
                for line in whole.splitlines():
                    message = json.loads(line)
                    self._letters[message["to"]].append(message["text"])
                    self.brought[channel] += 1
                self._news.notify_all()

    def fetch(self, to: str, holding: str) -> str:
        """What the next message to this destination holds; the ones before it are thrown away."""
        deadline = time.monotonic() + WAIT_SECONDS
        with self._news:
            while time.monotonic() < deadline:
                while self._letters[to]:
                    found = re.findall(holding, self._letters[to].pop(0))
                    if found:
                        return str(found[0])
                self._news.wait(0.5)
        raise AssertionError(f"nothing came to {to}")


class Visitor:
    """One person's afternoon; ``did`` counts audit events, ``statuses`` what was answered."""

    def __init__(self, browser: Browser, person: Person, number: str, postman: Postman) -> None:
        self.browser, self.person, self.number, self.postman = browser, person, number, postman
        self.did: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.tries = self.unproven = self.live = 0
        self._chance = random.Random(person.id)
        self._new_addresses = 0

    def spend(self, until: float) -> None:
        """Go on one journey after another; ``until`` is of ``time.monotonic``."""
        journeys = (self.come_and_go, self.mistype_password, self.mistype_code, self.ask_twice,
                    self.give_up, self.register_someone, self.change_phones)  # fmt: skip
        while time.monotonic() < until:
            self._chance.choice(journeys)()

    def come_and_go(self) -> None:
        """Sign in by text, look around, sign out."""
        self._enter()
        for path in ("/account", "/account/sessions", "/account/activity"):
            self._expect(200, self.browser.get(path))
        self._leave()

    def mistype_password(self) -> None:
        """A wrong password, then the right one."""
        form = {"email": self.person.email, "password": "a typing mistake"}
        self._expect(422, self.browser.post("/sign-in", **form))
        self.did["password_incorrect"] += 1
        self.come_and_go()

    def mistype_code(self) -> None:
        """Wrong codes first."""
        self._enter(mistakes=self._chance.randint(1, 4))
        self._leave()

    def ask_twice(self) -> None:
        """Have the code sent again before entering it."""
        self._ask_for_code()
        again = self.browser.post("/two-factor/resend", page="/two-factor/verify")
        self._expect(303, again)
        self._note_sent()
        self._finish(self.postman.fetch(self.number, CODE))
        self._leave()

    def give_up(self) -> None:
        """Use up every try of a code."""
        code = self._ask_for_code()
        self._mistype(code, 5)
        self._expect(422, self.browser.post("/two-factor/verify", code=code))
        self.unproven += 1
        self.browser.cookies.pop("gatepost_session")

    def register_someone(self) -> None:
        """Register an address and confirm it."""
        self._new_addresses += 1
        email = f"guest{self._new_addresses}.of.{self.person.email}"
        browser = Browser(self.browser.url)
        self._expect(303, browser.post("/register", email=email, password=NEW_PASSWORD))
        self.did["registered"] += 1
        link = self.postman.fetch(email, LINK)
        self._expect(303, browser.post(link))
        self.did["email_confirmed"] += 1

    def change_phones(self) -> None:
        """Add a number and remove it again."""
        self._enter()
        number = f"{self.number[:5]}777{self.number[8:]}"
        self._expect(303, self.browser.post("/account/phones/add", number=number))
        self._note_sent()
        code = self.postman.fetch(number, CODE)
        self._expect(303, self.browser.post("/account/phones/confirm", code=code))
        self.tries += 1
        self.did["phone_added"] += 1
        page = self.browser.get("/account").text
        newest = max(map(int, re.findall(r"/account/phones/(\d+)/remove", page)))
        removed = self.browser.post(f"/account/phones/{newest}/remove", page="/account")
        self._expect(303, removed)
        self.did["phone_removed"] += 1
        self._leave()

    def _enter(self, mistakes: int = 0) -> None:
        code = self._ask_for_code()
        self._mistype(code, mistakes)
        self._finish(code)

    def _ask_for_code(self) -> str:
        form = {"email": self.person.email, "password": self.person.password}
        self._expect(303, self.browser.post("/sign-in", **form))
        way = f"phone:{self.person.phone_id}"
        self._expect(303, self.browser.post("/two-factor", method=way))
        self._note_sent()
        return self.postman.fetch(self.number, CODE)

    def _mistype(self, code: str, times: int) -> None:
        for by in range(1, times + 1):
            wrong = f"{(int(code) + by) % 10**6:06}"
            self._expect(422, self.browser.post("/two-factor/verify", code=wrong))
        self.did["code_incorrect"] += times
        self.tries += times

    def _finish(self, code: str) -> None:
        self._expect(303, self.browser.post("/two-factor/verify", code=code))
        self.tries += 1
        self.did["signed_in"] += 1
        self.live += 1

    def _leave(self) -> None:
        self._expect(303, self.browser.post("/sign-out", page="/account"))
        self.did["signed_out"] += 1
        self.live -= 1

    def _note_sent(self) -> None:
        self.did["code_sent"] += 1

    def _expect(self, status: int, answer: Answer) -> None:
        self.statuses[answer.status] += 1
        assert answer.status == status, f"{answer!r}\n{answer.text}"
