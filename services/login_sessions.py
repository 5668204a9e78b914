"""Login sessions: signed-in browsers as rows, found by the digest of a cookie's token.

A session is dead once its row is gone, its time is over, its person is disabled,
or the person's epoch moved on. Knows nothing of cookies.
"""

from datetime import datetime, timedelta

from sqlalchemy import BindParameter, ColumnElement, bindparam, delete, insert, select, update
from sqlalchemy.orm import Session, contains_eager

from extensions import add_row, change_rows, db, settings, writing
from models import LoginSession, User
from services.audit import Client, Event, record
from services.clock import now
from services.errors import LoginSessionOver, NotFound
from services.tokens import digest, new_token

SEEN_STEP = timedelta(minutes=1)
"""Last-seen times are written no more often than this."""


def is_live(moment: datetime | BindParameter[datetime]) -> list[ColumnElement[bool]]:
    """What makes a login session live, idle time aside; its person is joined."""
    return [
        LoginSession.expires_at > moment,
        LoginSession.epoch == User.epoch,
        User.disabled_at.is_(None),
    ]


# Built once: every request asks, and building a statement costs more than running it.
_LIVE = (
    select(LoginSession)
    .join(LoginSession.user)
    .options(contains_eager(LoginSession.user))
    .where(
        LoginSession.token_digest == bindparam("digest"),
        *is_live(bindparam("moment")),
    )
    .execution_options(populate_existing=True)
)
_ADD = insert(LoginSession)
_NOTE_SIGN_IN = (
    update(User).where(User.id == bindparam("of_id")).values(last_sign_in_at=bindparam("moment"))
)
_NOTE_SEEN = (
    update(LoginSession)
    .where(LoginSession.id == bindparam("of_id"), LoginSession.last_seen_at <= bindparam("before"))
    .values(last_seen_at=bindparam("moment"))
)
_END = delete(LoginSession).where(LoginSession.id == bindparam("of_id"))
_END_BEYOND = delete(LoginSession).where(
    LoginSession.id.in_(
        select(LoginSession.id)
        .where(
            LoginSession.user_id == bindparam("of_user"),
            LoginSession.expires_at > bindparam("moment"),
        )
        .order_by(LoginSession.last_seen_at.desc(), LoginSession.id.desc())
        .offset(bindparam("most"))
    )
)
_LIST = (
    select(LoginSession)
    .where(
        LoginSession.user_id == bindparam("of_user"),
        LoginSession.epoch == bindparam("at_epoch"),
        LoginSession.expires_at > bindparam("moment"),
    )
    .order_by(LoginSession.last_seen_at.desc(), LoginSession.id.desc())
)


def start(
    session: Session, user: User, client: Client, amr: str, *, remember_me: bool, full_proof: bool
) -> str:
    """Open a login session in the caller's transaction; returns the token for the cookie.

    ``amr`` names how the person signed in (RFC 8176). ``full_proof`` is false
    where a remembered browser stood in for the second factor.
    """
    token, moment = new_token(), now()
    remembered = remember_me and not user.is_admin
    add_row(
        session, _ADD,
        {
            "token_digest": digest(token), "user_id": user.id, "epoch": user.epoch, "amr": amr,
            "remember_me": remembered, "address": client.address[:45],
            "user_agent": client.user_agent[:200], "created_at": moment, "last_seen_at": moment,
            "expires_at": moment + _life(user, remembered),
            "idle_seconds": None if remembered else _idle_seconds(user),
            "password_proved_at": moment,
            "second_factor_proved_at": moment if full_proof else None,
        },
    )  # fmt: skip
    change_rows(session, _NOTE_SIGN_IN, {"of_id": user.id, "moment": moment})
    record(session, Event.SIGNED_IN, client, user.id, amr=amr)
    _end_those_beyond(session, user, client)
    return token


def find(token: str) -> LoginSession | None:
    """The live login session of a token, with its person loaded, or None."""
    found = db.session.scalar(_LIVE, {"digest": digest(token), "moment": now()})
    return found if found and not _was_idle_too_long(found) else None


def has_idled_out(last_seen_at: datetime, idle_seconds: int | None, moment: datetime) -> bool:
    """Whether a session that may rest so long (None: for ever) has rested longer."""
    return idle_seconds is not None and last_seen_at + timedelta(seconds=idle_seconds) <= moment


def note_seen(login_session: LoginSession) -> None:
    """Keep the session from idling out; writes at most once a minute, as a rule."""
    if is_seen_note_due(login_session.last_seen_at, login_session.idle_seconds, now()):
        write_seen(login_session.id, login_session.idle_seconds)


def is_seen_note_due(last_seen_at: datetime, idle_seconds: int | None, moment: datetime) -> bool:
    """Whether the last note of the use of a session that may rest so long is old enough."""
    return moment - last_seen_at >= _seen_step(idle_seconds)


def write_seen(session_id: int, idle_seconds: int | None) -> None:
    """Note that a session is used now, unless another process just did."""
    moment = now()
    with writing() as session:
        change_rows(
            session,
            _NOTE_SEEN,
            {"of_id": session_id, "moment": moment, "before": moment - _seen_step(idle_seconds)},
        )


def renew(session: Session, login_session: LoginSession, **changes: datetime | int | str) -> str:
    """Give the session a new token at a change of privilege; the old one is dead at once.

    Raises ``LoginSessionOver`` where another request did so, or ended it, at the same time.
    """
    token = new_token()
    renewed = change_rows(
        session,
        update(LoginSession)
        .where(
            LoginSession.id == login_session.id,
            LoginSession.token_digest == login_session.token_digest,
        )
        .values(token_digest=digest(token), **changes),
    )
    if renewed != 1:
        raise LoginSessionOver
    return token


def list_live(user: User) -> list[LoginSession]:
    """The person's live login sessions, the last seen first."""
    values = {"of_user": user.id, "at_epoch": user.epoch, "moment": now()}
    rows = db.session.scalars(_LIST, values)
    return [row for row in rows if not _was_idle_too_long(row)]


def end(user: User, session_id: int, client: Client) -> None:
    """End one of the person's login sessions. Raises ``NotFound``."""
    with writing() as session:
        ended = change_rows(
            session,
            delete(LoginSession).where(
                LoginSession.id == session_id, LoginSession.user_id == user.id
            ),
        )
        if ended != 1:
            raise NotFound
        record(session, Event.SESSION_ENDED, client, user.id)


def sign_out(login_session: LoginSession, client: Client) -> None:
    """End the login session that asks."""
    with writing() as session:
        change_rows(session, _END, {"of_id": login_session.id})
        record(session, Event.SIGNED_OUT, client, login_session.user_id)


def _end_those_beyond(session: Session, user: User, client: Client) -> None:
    """Of a person's too many sessions, end those that were not seen for longest."""
    values = {"of_user": user.id, "most": settings().sessions_per_person, "moment": now()}
    if change_rows(session, _END_BEYOND, values):
        record(session, Event.SESSION_ENDED, client, user.id)


def _seen_step(idle_seconds: int | None) -> timedelta:
    """A minute, or a quarter of a short rest: or a session would idle out while it is used."""
    if idle_seconds is None or idle_seconds >= 4 * SEEN_STEP.seconds:
        return SEEN_STEP
    return timedelta(seconds=idle_seconds / 4)


def _life(user: User, remember_me: bool) -> timedelta:
    if remember_me:
        return timedelta(days=settings().remember_me_days)
    return timedelta(
        seconds=settings().admin_session_seconds if user.is_admin else settings().session_seconds
    )


def _idle_seconds(user: User) -> int:
    return (
        settings().admin_session_idle_seconds if user.is_admin else settings().session_idle_seconds
    )


def _was_idle_too_long(login_session: LoginSession) -> bool:
    return has_idled_out(login_session.last_seen_at, login_session.idle_seconds, now())
