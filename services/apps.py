"""The apps behind the portal: adding, changing, removing and finding them.

Who may enter one is in ``services.grants``. Each change reaches the gate with its commit.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, replace

from sqlalchemy import delete, exists, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, selectinload

from extensions import change_rows, db, writing
from models_apps import App, AppAddress, AppGrant, Group
from services.app_drafts import AppDraft, check
from services.audit import Actor, Event, record
from services.clock import now
from services.errors import Refusal
from services.errors_apps import (
    AddressTaken,
    AppChangedMeanwhile,
    AppNameTaken,
    AppUnknown,
    GroupUnknown,
)
from services.gate import registry
from services.listing import PAGE, Listed, cut


def add(draft: AppDraft, actor: Actor, groups: Sequence[str] = ()) -> App:
    """Add an app, and let these groups in.

    Raises ``AppUnsuitable``, ``AppNameTaken``, ``AddressTaken``, ``GroupUnknown``.
    """
    checked = check(draft)
    app = App(created_at=now())
    try:
        with writing() as session:
            _write(session, app, checked)
            for group in _find_groups(session, groups):
                session.add(AppGrant(app_id=app.id, group_id=group.id, created_at=now()))
            record(session, Event.APP_ADDED, actor.client, actor.id, app=app.name)
            registry.touch(session)
    except IntegrityError as error:
        raise _taken(error, checked, None) from error
    return find(app.id)


def change(app_id: int, draft: AppDraft, seen: str, actor: Actor) -> App:
    """Save an app over the one whose ``fingerprint`` was ``seen`` when editing began.

    Raises ``AppUnknown``, ``AppChangedMeanwhile``, and what ``add`` raises of the draft.
    """
    checked = check(draft)
    try:
        with writing() as session:
            app = hold(session, app_id)
            if fingerprint(app) != seen:
                raise AppChangedMeanwhile
            changed = differences(app, checked)
            if changed:
                _write(session, app, checked)
                record(
                    session, Event.APP_CHANGED, actor.client, actor.id, app=app.name, what=changed
                )
                registry.touch(session)
    except IntegrityError as error:
        raise _taken(error, checked, app_id) from error
    return find(app_id)


def remove(app_id: int, actor: Actor) -> str:
    """Remove an app with its grants and requests; returns its name. Raises ``AppUnknown``."""
    with writing() as session:
        name = session.scalar(
            delete(App)
            .where(App.id == app_id)
            .returning(App.name)
            .execution_options(synchronize_session=False)
        )
        if name is None:
            raise AppUnknown
        record(session, Event.APP_REMOVED, actor.client, actor.id, app=name)
        registry.touch(session)
    return name


def find(app_id: int) -> App:
    """An app with its addresses. Raises ``AppUnknown``."""
    return _only(db.session.scalar(_WITH_ADDRESSES.where(App.id == app_id)))


def find_by_name(name: str) -> App:
    """The app of a name. Raises ``AppUnknown``."""
    return _only(db.session.scalar(_WITH_ADDRESSES.where(App.name == name)))


def find_by_origin(origin: str) -> App:
    """The app at an origin. Raises ``AppUnknown``."""
    at_origin = select(AppAddress.app_id).where(AppAddress.origin == origin)
    return _only(db.session.scalar(_WITH_ADDRESSES.where(App.id.in_(at_origin))))


def any_there() -> bool:
    """Whether the portal stands before any app."""
    return bool(db.session.scalar(select(exists().where(App.id > 0))))


def list_page(after: str = "", containing: str = "", size: int = PAGE) -> Listed[App]:
    """The apps by name; those whose name or address contains a text."""
    statement = _WITH_ADDRESSES.where(App.name > after).order_by(App.name).limit(size + 1)
    text = containing.strip()
    if text:
        at_address = exists().where(
            AppAddress.app_id == App.id, AppAddress.origin.icontains(text, autoescape=True)
        )
        statement = statement.where(App.name.icontains(text, autoescape=True) | at_address)
    return cut(db.session.scalars(statement).all(), lambda app: app.name, size)


def list_all() -> list[App]:
    """Every app by name, with its addresses."""
    return list(db.session.scalars(_WITH_ADDRESSES.order_by(App.name)))


def draft_of(app: App) -> AppDraft:
    """The app as it could have been typed."""
    return AppDraft(
        name=app.name, addresses=tuple(address.origin for address in app.addresses), icon=app.icon,
        level=app.level, for_everyone=app.for_everyone, requestable=app.requestable,
        public_paths=tuple(app.public_paths), header_names=dict(app.header_names),
        percent_encoded=app.percent_encoded, signed_header=app.signed_header,
        preflight_allowed=app.preflight_allowed, cross_site_writes=app.cross_site_writes,
        own_cookie=app.own_cookie,
    )  # fmt: skip


def fingerprint(app: App) -> str:
    """What tells whether an app is still what it was: the same for the same settings."""
    settings = json.dumps(asdict(draft_of(app)), sort_keys=True)
    return hashlib.sha256(settings.encode()).hexdigest()[:32]


def differences(app: App, draft: AppDraft) -> list[str]:
    """The names of the fields in which an app is not what a draft says."""
    old, new = asdict(draft_of(app)), asdict(draft)
    return [name for name in old if old[name] != new[name]]


def hold(session: Session, app_id: int) -> App:
    """The app's row, held until the transaction ends. Raises ``AppUnknown``.

    Whoever changes an app or its grants holds it, so what is seen of them stays true.
    """
    return _only(session.scalar(_WITH_ADDRESSES.where(App.id == app_id).with_for_update()))


_WITH_ADDRESSES = (
    select(App).options(selectinload(App.addresses)).execution_options(populate_existing=True)
)


def _only(app: App | None) -> App:
    if app is None:
        raise AppUnknown
    return app


def _write(session: Session, app: App, draft: AppDraft) -> None:
    """Put a checked draft into an app's row and its addresses, in their order."""
    values = {**asdict(replace(draft, addresses=())), "public_paths": list(draft.public_paths)}
    for name, value in values.items():
        if name != "addresses":
            setattr(app, name, value)
    session.add(app)
    session.flush()
    change_rows(session, delete(AppAddress).where(AppAddress.app_id == app.id))
    # Not as objects: SQLite gives the new rows the ids of the old ones.
    session.execute(
        insert(AppAddress), [{"app_id": app.id, "origin": origin} for origin in draft.addresses]
    )


def _find_groups(session: Session, names: Sequence[str]) -> list[Group]:
    groups = list(session.scalars(select(Group).where(Group.name.in_(names))))
    if len(groups) < len(set(names)):
        raise GroupUnknown("groups")
    return groups


def _taken(error: IntegrityError, draft: AppDraft, app_id: int | None) -> Refusal:
    """Which of an app's unique values stands in another app's row."""
    if "origin" not in str(error.orig):
        return AppNameTaken()
    others = select(AppAddress.origin).where(AppAddress.origin.in_(draft.addresses))
    if app_id is not None:
        others = others.where(AppAddress.app_id != app_id)
    return AddressTaken(db.session.scalar(others) or draft.addresses[0])
