"""Who administers the portal: made and unmade by the operator; one always stays.

Each change is audited, the person is told, and signs in again with an administrator's
limits, or without them.
"""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from extensions import change_rows, writing
from models import User
from services import credentials
from services.audit import NOBODY, Event, record
from services.errors_accounts import LastAdministrator
from services.notices import notify


def promote(user: User) -> bool:
    """Make a person an administrator. False: they are one already, and nothing changed."""
    with writing() as session:
        return _set(session, user, True, Event.ADMINISTRATOR_MADE, "administrator_made")


def demote(user: User) -> bool:
    """Make an administrator an ordinary person. False: they are one, and nothing changed.

    Raises ``LastAdministrator``.
    """
    with writing() as session:
        refuse_if_last(session, user)
        return _set(session, user, False, Event.ADMINISTRATOR_ENDED, "administrator_ended")


def refuse_if_last(session: Session, user: User) -> None:
    """Raise ``LastAdministrator`` where nobody but this person can administer the portal.

    Whatever makes a person no administrator who can sign in asks here first. Holds the rows of
    all administrators until the transaction ends, so that no two of them go at once.
    """
    administrators = session.scalars(
        select(User)
        .where(User.is_admin)
        .order_by(User.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    if [one.id for one in administrators if one.disabled_at is None] == [user.id]:
        raise LastAdministrator


def _set(session: Session, user: User, is_admin: bool, event: Event, notice: str) -> bool:
    changed = change_rows(
        session,
        update(User)
        .where(User.id == user.id, User.is_admin.is_not(is_admin))
        .values(is_admin=is_admin),
    )
    if changed:
        record(session, event, NOBODY, user.id)
        notify(session, user, notice)
        credentials.changed(session, user)
    return bool(changed)
