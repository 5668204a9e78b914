"""App sessions: a login session as the apps of a domain, or one app, see it.

An app session is good for entering apps and for nothing else. It has a token of its own,
lives as long as its login session, and goes with it: with its row, by cascade. Knows
nothing of cookies.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, insert, literal, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, contains_eager

from extensions import change_rows, db, writing
from models import LoginSession, UtcDateTime
from models_apps import AppSession, HandOver
from services.clock import now
from services.errors import LoginSessionOver
from services.login_sessions import is_live
from services.tokens import digest, new_token

AT_ONCE = timedelta(minutes=1)
"""Sessions that a browser's tabs open within so long stand beside each other."""


@dataclass(frozen=True)
class Opened:
    """A new app session: the token for its cookie, and until when that is to be kept."""

    token: str
    kept_until: datetime | None
    """None: the cookie ends with the browser."""


def open_session(login_session: LoginSession, scope: str) -> Opened:
    """Open an app session for a domain (``example.org``) or an app's origin.

    Earlier ones of the same login session and scope end: the browser keeps one cookie
    only. Raises ``LoginSessionOver``.
    """
    with writing() as session:
        return start(session, login_session, scope)


def start(session: Session, login_session: LoginSession, scope: str) -> Opened:
    """As ``open_session``, in the caller's transaction."""
    token, moment = new_token(), now()
    change_rows(session, delete(AppSession).where(
        AppSession.login_session_id == login_session.id,
        AppSession.scope == scope,
        AppSession.created_at < moment - AT_ONCE,
    ))  # fmt: skip
    add_for_live(
        session, AppSession, login_session.id,
        {
            "token_digest": literal(digest(token)),
            "scope": literal(scope),
            "created_at": literal(moment, UtcDateTime()),
        },
    )  # fmt: skip
    return Opened(token, login_session.expires_at if login_session.remember_me else None)


def find(token: str) -> AppSession | None:
    """The app session of a token whose login session is live, with that, or None.

    Idle time aside: that is judged where requests are let in.
    """
    return db.session.scalar(
        select(AppSession)
        .join(AppSession.login_session)
        .join(LoginSession.user)
        .options(contains_eager(AppSession.login_session))
        .where(AppSession.token_digest == digest(token), *is_live(now()))
    )


def end_all(session: Session, login_session: LoginSession) -> None:
    """End every app session of a login session, in the caller's transaction."""
    change_rows(session, delete(AppSession).where(AppSession.login_session_id == login_session.id))


def add_for_live(
    session: Session,
    table: type[AppSession] | type[HandOver],
    login_session_id: int,
    values: "dict[str, ColumnElement[object]]",
) -> None:
    """Add a row that belongs to a login session, in one statement that sees that it lives.

    Raises ``LoginSessionOver``.
    """
    owner = (
        select(LoginSession.id, *values.values())
        .join(LoginSession.user)
        .where(LoginSession.id == login_session_id, *is_live(now()))
    )
    statement = insert(table).from_select(["login_session_id", *values], owner)
    try:
        added = session.execute(statement.returning(table.id)).one_or_none()
    except IntegrityError as error:  # it ended between our look and our row
        raise LoginSessionOver from error
    if added is None:
        raise LoginSessionOver
