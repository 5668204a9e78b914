"""Apps and groups as they are before a test begins; each maker needs an application context."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select

from extensions import db, end_reading
from models_apps import AccessRequest, App, GateState, Group
from services import access_requests, apps, grants, groups
from services.app_drafts import AppDraft
from services.audit import OPERATOR
from tests.people import CLIENT, Person, load_user

DOMAINS = {"GATEPOST_APP_DOMAINS": "example.org,example.net"}
"""The setting that lets a test have apps: ``@pytest.mark.settings(**DOMAINS)``."""

WIKI = "https://wiki.example.org"


def draft(name: str = "Wiki", *addresses: str, **about: object) -> AppDraft:
    """An app as an administrator would type it."""
    return AppDraft(name, addresses or (f"https://{name.lower()}.example.org",), **about)  # type: ignore[arg-type]


def make_app(name: str = "Wiki", *addresses: str, **about: object) -> App:
    """An app that nobody may enter unless it says so."""
    return apps.add(draft(name, *addresses, **about), OPERATOR)


def make_group(name: str = "staff", members: Iterable[Person] = ()) -> Group:
    """A group with these people."""
    group = groups.create(name, OPERATOR)
    for person in members:
        groups.add(group.id, person.email, OPERATOR)
    return group


def let_in(app: App, holder: str, until: datetime | None = None) -> None:
    """Let a group or a person into an app."""
    grants.give(app.id, holder, until, OPERATOR)


def ask(person: Person, app: App, reason: str = "") -> AccessRequest:
    """The person asks to be let in."""
    return access_requests.ask(load_user(person.id), app.id, reason, CLIENT)


def version() -> int:
    """The version of the rules: another one after every change that the gate must hear of."""
    end_reading()
    return db.session.scalar(select(GateState.version)) or 0
