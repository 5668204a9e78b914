"""Groups: who is in them, and who may put people in and take them out.

Administrators do everything here; a group's manager changes the members of that
group alone, managers aside. Each change reaches the gate with its commit.
"""

import re
from typing import Any

from sqlalchemy import Exists, delete, exists, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, contains_eager

from extensions import change_rows, db, writing
from models import User
from models_apps import Group, GroupMember
from services.audit import Actor, Event, record
from services.clock import now
from services.errors_apps import (
    AlreadyMember,
    GroupNameTaken,
    GroupNameUnsuitable,
    GroupUnknown,
    ManagerStays,
    NotMember,
    PersonUnknown,
)
from services.gate import registry
from services.listing import PAGE, Listed, cut
from services.people import find_by_email

_NAMES = select(Group.name).order_by(Group.name)
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")


def create(name: str, actor: Actor) -> Group:
    """Make an empty group. Raises ``GroupNameUnsuitable``, ``GroupNameTaken``."""
    if not _NAME.fullmatch(name):
        raise GroupNameUnsuitable
    group = Group(name=name, created_at=now())
    try:
        with writing() as session:
            session.add(group)
            session.flush()
            record(session, Event.GROUP_CREATED, actor.client, actor.id, group=name)
            registry.touch(session)
    except IntegrityError as error:
        raise GroupNameTaken from error
    return group


def delete_group(group_id: int, actor: Actor) -> None:
    """Delete a group; what it was let into, its members may no longer enter through it.

    Raises ``GroupUnknown``.
    """
    with writing() as session:
        name = session.scalar(
            delete(Group)
            .where(Group.id == group_id)
            .returning(Group.name)
            .execution_options(synchronize_session=False)
        )
        if name is None:
            raise GroupUnknown
        record(session, Event.GROUP_DELETED, actor.client, actor.id, group=name)
        registry.touch(session)


def add(group_id: int, email: str, actor: Actor) -> User:
    """Put the person of an address into a group; returns the person.

    Raises ``EmailInvalid``, ``PersonUnknown``, ``GroupUnknown``, ``AlreadyMember``.
    """
    person = find_by_email(email)
    try:
        with writing() as session:
            group = _hold(session, group_id, actor)
            if session.get(GroupMember, (group_id, person.id)):
                raise AlreadyMember
            session.add(GroupMember(group_id=group_id, user_id=person.id, created_at=now()))
            session.flush()
            _record(session, Event.GROUP_JOINED, actor, person.id, group)
    except IntegrityError as error:  # the account was closed at this very moment
        raise PersonUnknown from error
    return person


def remove(group_id: int, user_id: int, actor: Actor) -> None:
    """Take a person out of a group. Raises ``GroupUnknown``, ``NotMember``, ``ManagerStays``."""
    with writing() as session:
        group = _hold(session, group_id, actor)
        member = _member(session, group_id, user_id)
        if member.is_manager and not actor.is_admin:
            raise ManagerStays
        session.delete(member)
        _record(session, Event.GROUP_LEFT, actor, user_id, group)


def set_manager(group_id: int, user_id: int, is_manager: bool, actor: Actor) -> None:
    """Let a member look after the group, or no longer; for administrators.

    Raises ``GroupUnknown``, ``NotMember``; changes nothing where nothing is to change.
    """
    with writing() as session:
        group = _hold(session, group_id, actor)
        if not actor.is_admin:
            raise GroupUnknown
        changed = change_rows(session, update(GroupMember)
            .where(
                GroupMember.group_id == group_id, GroupMember.user_id == user_id,
                GroupMember.is_manager.is_not(is_manager),
            )
            .values(is_manager=is_manager))  # fmt: skip
        if not changed:
            _member(session, group_id, user_id)
            return
        event = Event.GROUP_MANAGER_MADE if is_manager else Event.GROUP_MANAGER_ENDED
        _record(session, event, actor, user_id, group)


def find(group_id: int, actor: Actor) -> Group:
    """A group that the actor may look after. Raises ``GroupUnknown``."""
    group = db.session.get(Group, group_id, populate_existing=True)
    if group is None or not _may_manage(db.session(), group_id, actor):
        raise GroupUnknown
    return group


def find_by_name(name: str, field: str | None = None) -> Group:
    """The group of a name. Raises ``GroupUnknown``, shown at ``field``."""
    group = db.session.scalar(select(Group).where(Group.name == name))
    if group is None:
        raise GroupUnknown(field)
    return group


def list_page(actor: Actor, after: str = "", size: int = PAGE) -> Listed[Group]:
    """The groups that the actor may look after, by name."""
    statement = select(Group).where(Group.name > after).order_by(Group.name).limit(size + 1)
    if not actor.is_admin:
        statement = statement.where(_managed_by(actor, Group.id))
    return cut(db.session.scalars(statement).all(), lambda group: group.name, size)


def list_all() -> dict[str, list[str]]:
    """The addresses of every group's members, by the groups' names."""
    found: dict[str, list[str]] = {name: [] for name in db.session.scalars(_NAMES)}
    members = (
        select(Group.name, User.email)
        .join(GroupMember, GroupMember.group_id == Group.id)
        .join(User, User.id == GroupMember.user_id)
        .order_by(User.email_canonical)
    )
    for name, email in db.session.execute(members):
        found[name].append(email)
    return found


def list_members(
    group_id: int, after: str = "", beginning: str = "", size: int = PAGE
) -> Listed[GroupMember]:
    """A group's members with their persons, by address; those whose address begins so."""
    statement = (
        select(GroupMember)
        .join(GroupMember.user)
        .options(contains_eager(GroupMember.user))
        .where(GroupMember.group_id == group_id, User.email_canonical > after)
        .order_by(User.email_canonical)
        .limit(size + 1)
        .execution_options(populate_existing=True)
    )
    if beginning:
        folded = beginning.strip().casefold()
        statement = statement.where(User.email_canonical.startswith(folded, autoescape=True))
    rows = db.session.scalars(statement).all()
    return cut(rows, lambda member: member.user.email_canonical, size)


def list_of(user: User) -> list[GroupMember]:
    """The person's memberships with their groups, by name."""
    statement = (
        select(GroupMember)
        .join(GroupMember.group)
        .options(contains_eager(GroupMember.group))
        .where(GroupMember.user_id == user.id)
        .order_by(Group.name)
    )
    return list(db.session.scalars(statement))


def manages_any(user: User) -> bool:
    """Whether the person looks after some group."""
    looks_after = exists().where(GroupMember.user_id == user.id, GroupMember.is_manager)
    return bool(db.session.scalar(select(looks_after)))


def _hold(session: Session, group_id: int, actor: Actor) -> Group:
    """The group's row, held until the transaction ends, for somebody who may look after it.

    Every change of members holds it, so what is seen of them stays true meanwhile.
    """
    group = session.scalar(
        select(Group)
        .where(Group.id == group_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if group is None or not _may_manage(session, group_id, actor):
        raise GroupUnknown
    return group


def _may_manage(session: Session, group_id: int, actor: Actor) -> bool:
    return actor.is_admin or bool(session.scalar(select(_managed_by(actor, group_id))))


def _managed_by(actor: Actor, group_id: Any) -> Exists:
    return exists().where(
        GroupMember.group_id == group_id,
        GroupMember.user_id == actor.id,
        GroupMember.is_manager,
    )


def _member(session: Session, group_id: int, user_id: int) -> GroupMember:
    member = session.get(GroupMember, (group_id, user_id), populate_existing=True)
    if member is None:
        raise NotMember
    return member


def _record(session: Session, event: Event, actor: Actor, user_id: int, group: Group) -> None:
    record(session, event, actor.client, user_id, group=group.name, by=actor.id)
    registry.touch(session)
