"""A person's own apps: those they may enter, and those they may ask for.

The gate decides each request (``services.gate.verdict``); this is the same rule, who may
enter, as one condition over many apps. A test holds the two together.
"""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import selectinload

from extensions import db
from models import User
from models_apps import AccessRequest, App, AppGrant, GroupMember
from services.grants import is_live
from services.listing import Listed, cut

PAGE = 100


@dataclass(frozen=True)
class AppCard:
    """An app as a person sees it."""

    id: int
    name: str
    icon: str
    level: str
    url: str
    """Where it opens."""
    waiting: bool = False
    """The person has asked to be let in, and has no answer yet."""


def list_own(user: User, after: str = "", size: int = PAGE) -> Listed[AppCard]:
    """The apps that the person may enter now, by name."""
    return _list(_may_enter(user), after, size)


def list_requestable(user: User, after: str = "", size: int = PAGE) -> Listed[AppCard]:
    """The apps that the person may not enter but may ask for, or has asked for, by name."""
    waiting = set(
        db.session.scalars(
            select(AccessRequest.app_id).where(
                AccessRequest.user_id == user.id, AccessRequest.decided_at.is_(None)
            )
        )
    )
    wanted = ~_may_enter(user) & or_(App.requestable, App.id.in_(waiting))
    return _list(wanted, after, size, waiting)


def may_enter(user: User, app_id: int) -> bool:
    """Whether the person is among those whom the app lets in; how they sign in is not asked."""
    statement = select(exists().where(App.id == app_id, _may_enter(user)))
    return bool(db.session.scalar(statement))


def card(app: App) -> AppCard:
    """An app, for a person to see."""
    return _card(app, False)


def _may_enter(user: User) -> ColumnElement[bool]:
    own_groups = select(GroupMember.group_id).where(GroupMember.user_id == user.id)
    granted = exists().where(
        AppGrant.app_id == App.id,
        or_(AppGrant.user_id == user.id, AppGrant.group_id.in_(own_groups)),
        is_live(),
    )
    return or_(App.for_everyone, granted)


def _list(
    wanted: ColumnElement[bool], after: str, size: int, waiting: set[int] | None = None
) -> Listed[AppCard]:
    statement = (
        select(App)
        .options(selectinload(App.addresses))
        .where(wanted, App.name > after)
        .order_by(App.name)
        .limit(size + 1)
        .execution_options(populate_existing=True)
    )
    cards = [_card(app, app.id in (waiting or ())) for app in db.session.scalars(statement)]
    return cut(cards, lambda card: card.name, size)


def _card(app: App, waiting: bool) -> AppCard:
    return AppCard(app.id, app.name, app.icon, app.level, f"{app.addresses[0].origin}/", waiting)
