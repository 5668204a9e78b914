"""One tab at a portal, and the steps that people take in it."""

import itertools
import re
from datetime import timedelta
from typing import Any

from flask import Flask
from playwright.sync_api import Locator, Page, Response
from sqlalchemy import delete, update

from extensions import Base, change_rows, writing
from models import Limit, User
from models_apps import App, Group
from services.clock import now
from services.gate import registry
from tests import outbox, scene
from tests.client import Browser
from tests.people import Person, csrf_token, make_person, make_registration
from tests.portal import Portal

_numbers = itertools.count()


def new_email() -> str:
    """An address that no other test of this process uses."""
    return f"ann{next(_numbers)}@example.org"


def new_number() -> str:
    """A phone number that no other test of this process uses: waits go by the number."""
    return scene.new_number(next(_numbers))


LONG_AGO = now() - timedelta(days=1)


class Visit:
    """A tab; ``app`` is the same portal in this process, ``status`` that of the newest page."""

    def __init__(self, page: Page, portal: Portal, app: Flask) -> None:
        self.page = page
        self.portal = portal
        self.app = app
        self.status = 0
        page.on("response", self._note_status)

    def open(self, path: str) -> None:
        """Go to an address of the portal."""
        self.page.goto(path)

    def fill(self, label: str, text: str) -> None:
        """Type into the field with this label."""
        self.page.get_by_label(label, exact=True).fill(text)

    def press(self, words: str) -> None:
        """Press the button or link that says this, and wait for the page that it leads to."""
        with self.page.expect_navigation():
            self.button_or_link(words).click()

    def button_or_link(self, words: str) -> Locator:
        """The one button or link that says this, and nothing else, to a screen reader."""
        page = self.page
        exact = {"name": words, "exact": True}
        return page.get_by_role("button", **exact).or_(page.get_by_role("link", **exact))  # type: ignore[arg-type]

    def new_person(self, email: str = "", **about: Any) -> Person:
        """Somebody with an account, made behind the portal's back."""
        with self.app.app_context():
            return make_person(email or new_email(), **about)

    def new_registration(self) -> Person:
        """Somebody whose address is not confirmed yet."""
        with self.app.app_context():
            return make_registration(new_email())

    def post(self, path: str, *, page: str | None = None, **fields: str) -> str:
        """Take a step that the test is not about: open the form's page, post it, follow.

        Returns the page that came last.
        """
        request = self.page.request
        token = csrf_token(request.get(page or path).text())
        return request.post(path, form={"csrf_token": token, **fields}).text()

    def sign_in(self, person: Person) -> None:
        """Enter email and password, without looking at the pages."""
        self.post("/sign-in", email=person.email, password=person.password)

    def ask_for_code(self, way: str = "") -> str:
        """Choose a way (the usual one, unless given) after the password; returns the code."""
        chosen = self.page.request.get("/two-factor").text()
        ids = re.findall(r'name="method"[^>]*value="([^"]+)"', chosen)
        sent = {channel: len(self.messages(channel)) for channel in ("sms", "mail")}
        self.post("/two-factor", method=way or ids[0])
        channel = "mail" if (way or ids[0]) == "email" else "sms"
        return outbox.code_in(self.wait_for(channel, sent[channel] + 1)[-1])

    def sign_in_with_code(self, person: Person) -> None:
        """Both steps, without looking at the pages."""
        self.sign_in(person)
        self.post("/two-factor/verify", code=self.ask_for_code())

    def messages(self, channel: str, to: str | None = None) -> list[dict[str, Any]]:
        """What the portal sent."""
        return outbox.read(self.portal.outbox, channel, to)

    def wait_for(self, channel: str, count: int, to: str | None = None) -> list[dict[str, Any]]:
        """What the portal sent, once it is so many."""
        return outbox.wait_for(self.portal.outbox, channel, count, to)

    def sign_in_elsewhere(self, person: Person) -> None:
        """In another browser."""
        Browser(self.portal.url).post("/sign-in", email=person.email, password=person.password)

    def change(self, table: type[Base], person: Person, **columns: Any) -> None:
        """Let something happen meanwhile: what another browser did, or time that goes by."""
        owner = User.id if table is User else table.user_id  # type: ignore[attr-defined]
        with self.app.app_context(), writing() as session:
            change_rows(session, update(table).where(owner == person.id).values(columns))

    def forget_apps(self) -> None:
        """Leave the portal as it was: without any app, or group."""
        with self.app.app_context(), writing() as session:
            for table in (App, Group):
                change_rows(session, delete(table))
            registry.touch(session)

    def let_waits_end(self) -> None:
        """Minutes go by for whoever has just been sent a code."""
        with self.app.app_context(), writing() as session:
            change_rows(session, update(Limit).values(free_at=0))

    def _note_status(self, response: Response) -> None:
        if response.request.is_navigation_request() and response.frame == self.page.main_frame:
            self.status = response.status
