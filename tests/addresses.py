"""Every address of a portal, filled in with what really exists, and browsers that knock there."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.routing import Rule

from extensions import Base, db, settings, writing
from models import LoginSession, Registration, RememberedBrowser, User
from models_apps import AppGrant
from services import links
from services.links import Purpose
from tests.apps import ask, let_in, make_app, make_group
from tests.outbox import Outbox
from tests.page import open_page
from tests.people import NUMBER, PASSWORD, csrf_token, make_person, make_registration, post

Dump = dict[str, list[tuple[Any, ...]]]

SEEN = {"last_seen_at"}
"""The one thing that reading may write: when a login session was last used."""


@dataclass(frozen=True)
class Knock:
    """One request that can be made: an endpoint, a method, and an address that exists."""

    endpoint: str
    method: str
    url: str


class Doors:
    """A portal with somebody at every door: people, sessions, browsers and links that are live.

    Needs ``GATEPOST_SEND_GAP_SECONDS=0``: one person asks for codes in two browsers; and
    ``GATEPOST_APP_DOMAINS``, as ``tests.apps.DOMAINS`` sets it.
    """

    def __init__(self, app: Flask) -> None:
        self.app = app
        with app.app_context():
            self.ann = make_person(number=NUMBER, two_factor=True)
            make_registration("bob@example.org")
            self._administrator = make_person("mia@example.org", admin=True)
            self._values = self._make_apps()
        self.visitors = {
            "signed out": app.test_client(),
            "pending sign-in": self._browser_at_second_step(),
            "signed in": self._signed_in_browser(),
            "administrator": self._administrators_browser(),
        }
        self._values |= self._find_values()

    def knocks(self, *methods: str) -> Iterator[Knock]:
        """Every request of these methods that some view answers."""
        for rule in self.app.url_map.iter_rules():
            for method in sorted(set(methods) & (rule.methods or set())):
                yield Knock(rule.endpoint, method, self._address(rule))

    def enter(self, visitor: str) -> tuple[FlaskClient, str]:
        """A visitor's browser and a CSRF token that is good in it."""
        client = self.visitors[visitor]
        signed_in = visitor in {"signed in", "administrator"}
        page = "/account" if signed_in else "/reset-password"
        return client, csrf_token(client.get(page).text)

    def _address(self, rule: Rule) -> str:
        values = {
            name: self._values.get((rule.endpoint, name)) or self._values[rule.endpoint[:5], name]
            for name in rule.arguments
        }
        with self.app.test_request_context():
            return self.app.url_for(rule.endpoint, **values)

    def _browser_at_second_step(self) -> FlaskClient:
        client = self.app.test_client()
        post(client, "/sign-in", email=self.ann.email, password=PASSWORD)
        open_page(client, "/two-factor").submit("Send code")
        return client

    def _signed_in_browser(self) -> FlaskClient:
        """Signed in with a code, browser remembered, a number about to be confirmed."""
        client = self._browser_at_second_step()
        code = Outbox(self.app).code(to=NUMBER)
        page = open_page(client, "/two-factor/verify")
        page.submit("Submit", code=code, remember_browser="y")
        post(client, "/account/phones/add", number="+12015550199")
        return client

    def _administrators_browser(self) -> FlaskClient:
        client = self.app.test_client()
        post(client, "/sign-in", email=self._administrator.email, password=PASSWORD)
        return client

    def _make_apps(self) -> dict[tuple[str, str], object]:
        """An app, a group that may enter it, with Ann in it, and a request of hers for another."""
        wiki, group = make_app("Wiki"), make_group("staff", [self.ann])
        let_in(wiki, group.name)
        asked = ask(self.ann, make_app("Chat"))
        return {
            ("admin", "app_id"): wiki.id,
            ("admin", "grant_id"): db.session.scalar(select(AppGrant.id)),
            ("admin", "group_id"): group.id,
            ("admin", "user_id"): self.ann.id,
            ("admin", "request_id"): asked.id,
        }

    def _find_values(self) -> dict[tuple[str, str], object]:
        with self.app.app_context():
            values: dict[tuple[str, str], object] = {
                ("account.forget_browser", "browser_id"): db.session.scalar(
                    select(RememberedBrowser.id)
                ),
                ("account.end_session", "session_id"): db.session.scalar(select(LoginSession.id)),
                ("auth.confirm_email", "token"): _confirmation("bob@example.org"),
                ("auth.choose_password", "token"): _link("ann@example.org", Purpose.RESET_PASSWORD),
                ("hooks.sms_report", "key"): "0123456789abcdef",
                ("static", "filename"): "css/tokens.css",
            }
        for endpoint in ("change_phone", "make_phone_primary", "remove_phone"):
            values[f"account.{endpoint}", "phone_id"] = self.ann.phone_id
        return values


def dump(app: Flask) -> Dump:
    """Every row of every table, and every line that was sent; the time last seen aside."""
    with app.app_context():
        tables = {table.name: _rows(table) for table in Base.metadata.sorted_tables}
        folder = settings().outbox_dir
    sent: list[tuple[Any, ...]] = [(p.name, p.read_text()) for p in sorted(_files(folder))]
    return {**tables, "sent": sent}


def find_changes(before: Dump, after: Dump) -> list[str]:
    """The names of the tables that differ."""
    return [name for name in before if before[name] != after[name]]


def _rows(table: Any) -> list[tuple[Any, ...]]:
    columns = [column for column in table.columns if column.name not in SEEN]
    return sorted((tuple(row) for row in db.session.execute(select(*columns))), key=repr)


def _files(folder: Path) -> Iterator[Path]:
    return folder.glob("*.jsonl")


def _confirmation(email: str) -> str:
    with writing() as session:
        waits = session.scalar(select(Registration).where(Registration.email == email))
        life = timedelta(hours=1)
        link = links.issue(session, Purpose.CONFIRM_EMAIL, life, registration=waits)
    return re.sub(r".*/", "", link)


def _link(email: str, purpose: Purpose) -> str:
    with writing() as session:
        user = session.scalar(select(User).where(User.email == email))
        link = links.issue(session, purpose, timedelta(hours=1), user)
    return re.sub(r".*/", "", link)
