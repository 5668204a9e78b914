"""What every change of a credential has in common: the epoch moves on, all else ends.

Raising a person's epoch kills every other login session, pending sign-in,
remembered browser, live challenge and mailed link that still carries the old one.
"""

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from extensions import change_rows, settings, writing
from models import LoginSession, PendingSignIn, RememberedBrowser, User
from services import limits, links, login_sessions
from services.audit import Client, Event, record
from services.errors import TooManyTries
from services.errors_accounts import TooManyChanges
from services.notices import notify


def changed(session: Session, user: User, acting: LoginSession | None = None) -> str:
    """Raise the epoch in the caller's transaction; the acting session alone lives on.

    Returns the acting session's new token ("" where none acts).
    """
    epoch = session.execute(
        update(User)
        .where(User.id == user.id)
        .values(epoch=User.epoch + 1)
        .returning(User.epoch)
        .execution_options(synchronize_session=False)
    ).scalar_one()
    token = login_sessions.renew(session, acting, epoch=epoch) if acting else ""
    _end_everything_older(session, user, acting)
    session.refresh(user)
    return token


def count_change(session: Session, user: User) -> None:
    """Count a change that nothing else limits, of which one account could make any number.

    The first statement of its transaction: who holds the count waits for the person's row, and
    never the other way round. Raises ``TooManyChanges``.
    """
    rule = limits.Window("changes", settings().changes_per_hour, limits.HOUR)
    try:
        limits.take(session, [(rule, str(user.id))])
    except TooManyTries as full:
        raise TooManyChanges(full.retry_after or 1, full.rule) from full


def sign_out_elsewhere(acting: LoginSession, client: Client) -> str:
    """Sign the person out everywhere but here. Returns the acting session's new token.

    Raises ``TooManyChanges``.
    """
    with writing() as session:
        count_change(session, acting.user)
        record(session, Event.SESSIONS_ENDED, client, acting.user_id)
        notify(session, acting.user, "sessions_ended")
        return changed(session, acting.user, acting)


def lock_person(session: Session, user: User) -> User:
    """The person's row, held until the transaction ends, so that a check on it stays true."""
    return session.scalars(
        select(User)
        .where(User.id == user.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def _end_everything_older(session: Session, user: User, acting: LoginSession | None) -> None:
    others = delete(LoginSession).where(LoginSession.user_id == user.id)
    if acting:
        others = others.where(LoginSession.id != acting.id)
    change_rows(session, others)
    for table in (PendingSignIn, RememberedBrowser):
        change_rows(session, delete(table).where(table.user_id == user.id))
    links.revoke(session, user.id, links.Purpose.RESET_PASSWORD, links.Purpose.CHANGE_EMAIL)
