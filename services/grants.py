"""Grants: which groups and people may enter an app, for good or until a day.

A grant that has ended lets nobody in from that moment on; its row stays for a while,
to answer "why can't Ann get in?". Each change reaches the gate with its commit.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, exists, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased, joinedload

from extensions import change_rows, db, writing
from models import User
from models_apps import AccessRequest, App, AppGrant, Group
from services import apps
from services.audit import Actor, Event, record
from services.clock import now
from services.days import last_day
from services.errors_apps import GrantGone, GroupUnknown, HolderMissing, PersonUnknown
from services.gate import registry
from services.groups import find_by_name
from services.listing import PAGE, Listed, bounded, cut
from services.notices import notify
from services.people import find_by_email


@dataclass(frozen=True)
class Given:
    """A grant as it is now, and until when the same holder's earlier one went, if there was one."""

    holder: str
    until: datetime | None
    replaced: bool
    earlier_until: datetime | None


@dataclass(frozen=True)
class LetIn:
    """Who may enter an app now, beside everyone: groups by name, and how many people by name."""

    groups: tuple[str, ...]
    people: int


def give(app_id: int, holder: str, until: datetime | None, actor: Actor) -> Given:
    """Let a group (its name) or a person (an address) in until a moment; None: for good.

    An earlier grant of the same holder gets the new end, and the answer tells the old one.
    A person who asked for it has their answer with that.
    Raises ``AppUnknown``, ``HolderMissing``, ``GroupUnknown``, ``EmailInvalid``, ``PersonUnknown``.
    """
    found = _find_holder(holder)
    try:
        with writing() as session:
            app = apps.hold(session, app_id)
            given = put(session, app, found, until)
            _record(session, Event.ACCESS_GIVEN, actor, app, found)
            if isinstance(found, User):
                _answer_request(session, app, found, until, actor)
    except IntegrityError as error:  # the group or the person went at this very moment
        is_group = isinstance(found, Group)
        raise (GroupUnknown if is_group else PersonUnknown)("holder") from error
    return given


def take(app_id: int, grant_id: int, actor: Actor) -> str:
    """Take a grant away; returns whose it was. Raises ``AppUnknown``, ``GrantGone``."""
    with writing() as session:
        app = apps.hold(session, app_id)
        grant = session.scalar(
            _WITH_HOLDER.where(AppGrant.id == grant_id, AppGrant.app_id == app_id)
        )
        holder = (grant.group or grant.user) if grant else None
        if holder is None:
            raise GrantGone
        session.execute(
            delete(AppGrant)
            .where(AppGrant.id == grant_id)
            .execution_options(synchronize_session=False)
        )
        _record(session, Event.ACCESS_TAKEN, actor, app, holder)
    return _name(holder)


def put(session: Session, app: App, holder: Group | User, until: datetime | None) -> Given:
    """Write a grant into the caller's transaction, which holds the app's row."""
    is_group = isinstance(holder, Group)
    column = AppGrant.group_id if is_group else AppGrant.user_id
    grant = session.scalar(
        select(AppGrant)
        .where(AppGrant.app_id == app.id, column == holder.id)
        .execution_options(populate_existing=True)
    )
    given = Given(
        _name(holder), until, replaced=grant is not None and not has_ended(grant),
        earlier_until=grant.expires_at if grant else None,
    )  # fmt: skip
    if grant is None:
        grant = AppGrant(app_id=app.id, created_at=now())
        setattr(grant, "group_id" if is_group else "user_id", holder.id)
        session.add(grant)
    grant.expires_at = until
    session.flush()
    return given


def tell(session: Session, app: App, user: User, until: datetime | None) -> None:
    """Mail the person that they may enter, in the caller's transaction."""
    day, link = str(last_day(until) or ""), app.addresses[0].origin
    notify(session, user, "access_approved", app=app.name, link=link, until=day)


def find_end(user: User, app_id: int) -> datetime | None:
    """When the person's own grant for an app ended; None where none has."""
    statement = select(AppGrant.expires_at).where(
        AppGrant.app_id == app_id, AppGrant.user_id == user.id, AppGrant.expires_at <= now()
    )
    return db.session.scalar(statement)


def has_ended(grant: AppGrant) -> bool:
    """Whether the grant lets nobody in any more."""
    return grant.expires_at is not None and grant.expires_at <= now()


def is_live(grant: type[AppGrant] = AppGrant) -> ColumnElement[bool]:
    """The same of a row, as a condition: it lets in now."""
    return or_(grant.expires_at.is_(None), grant.expires_at > now())


def list_page(app_id: int, after: int = 0, size: int = PAGE) -> Listed[AppGrant]:
    """The grants of an app with their holders, the oldest first."""
    statement = (
        _WITH_HOLDER.where(AppGrant.app_id == app_id, AppGrant.id > bounded(after))
        .order_by(AppGrant.id)
        .limit(size + 1)
    )
    return cut(db.session.scalars(statement).all(), lambda grant: grant.id, size)


def list_all(app: App) -> list[AppGrant]:
    """Every grant of an app with its holder, the oldest first."""
    statement = _WITH_HOLDER.where(AppGrant.app_id == app.id).order_by(AppGrant.id)
    return list(db.session.scalars(statement))


def list_let_in() -> dict[int, LetIn]:
    """Whom each app lets in now, by the app's id; an app without a live grant is not in it."""
    statement = (
        select(AppGrant.app_id, Group.name)
        .outerjoin(AppGrant.group)
        .where(is_live())
        .order_by(Group.name)
    )
    holders: dict[int, list[str | None]] = {}
    for app_id, group in db.session.execute(statement):
        holders.setdefault(app_id, []).append(group)
    return {
        app_id: LetIn(tuple(name for name in names if name is not None), names.count(None))
        for app_id, names in holders.items()
    }


def list_of_group(group: Group) -> list[AppGrant]:
    """What a group is let into, with the apps, by name."""
    return list(db.session.scalars(_WITH_APP.where(AppGrant.group_id == group.id)))


def list_apps_of_none_but(group: Group) -> list[str]:
    """The names of the apps that nobody could enter without this group."""
    other = aliased(AppGrant)
    another_way = exists().where(other.app_id == App.id, other.id != AppGrant.id, is_live(other))
    statement = (
        select(App.name)
        .join(AppGrant, AppGrant.app_id == App.id)
        .where(AppGrant.group_id == group.id, is_live(), ~App.for_everyone, ~another_way)
        .order_by(App.name)
    )
    return list(db.session.scalars(statement))


def list_of_person(user: User) -> list[AppGrant]:
    """What a person is let into by name, with the apps; groups aside."""
    return list(db.session.scalars(_WITH_APP.where(AppGrant.user_id == user.id)))


_WITH_HOLDER = (
    select(AppGrant)
    .options(joinedload(AppGrant.group), joinedload(AppGrant.user))
    .execution_options(populate_existing=True)
)
_WITH_APP = (
    select(AppGrant)
    .join(AppGrant.app)
    .options(joinedload(AppGrant.app))
    .order_by(App.name)
    .execution_options(populate_existing=True)
)


def _answer_request(
    session: Session, app: App, user: User, until: datetime | None, actor: Actor
) -> None:
    """Approve what the person waits for, if they do, and send the mail that was promised."""
    answered = change_rows(
        session,
        update(AccessRequest)
        .where(
            AccessRequest.app_id == app.id, AccessRequest.user_id == user.id,
            AccessRequest.decided_at.is_(None),
        )
        .values(approved=True, decided_at=now(), decided_by_id=actor.id),
    )  # fmt: skip
    if answered:
        tell(session, app, user, until)


def _find_holder(typed: str) -> Group | User:
    typed = typed.strip()
    if not typed:
        raise HolderMissing
    return find_by_email(typed, "holder") if "@" in typed else find_by_name(typed, "holder")


def _name(holder: Group | User) -> str:
    return holder.name if isinstance(holder, Group) else holder.email


def _record(session: Session, event: Event, actor: Actor, app: App, holder: Group | User) -> None:
    """A person's grant is told to the person, a group's to whoever changed it."""
    if isinstance(holder, User):
        record(session, event, actor.client, holder.id, app=app.name, by=actor.id)
    else:
        record(
            session, Event(f"group_{event.value}"), actor.client, actor.id, app=app.name,
            group=holder.name,
        )  # fmt: skip
    registry.touch(session)
