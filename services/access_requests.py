"""Asking to be let into an app, and the administrators' answer: one answer for each request."""

from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload

from extensions import change_rows, db, settings, writing
from models import User
from models_apps import AccessRequest, App
from services import apps, grants, limits, people
from services.audit import Actor, Client, Event, record
from services.clock import now
from services.errors_apps import (
    AskedAlready,
    EntersAlready,
    MayEnterAlready,
    NotRequestable,
    RequestDecided,
    RequestUnknown,
)
from services.gate import registry
from services.limits import DAY, HOUR, Window
from services.listing import PAGE, Listed, bounded, cut
from services.notices import notify
from services.own_apps import may_enter

COUNTED = 99
MOST_ADMINISTRATORS = 20
"""So many are told of a request; the page shows it to all."""
MAILS = Window("access_request_mails", 20, HOUR)
"""Requests that an administrator gets mails about: people can be many, and their accounts free."""


def ask(user: User, app_id: int, reason: str, client: Client) -> AccessRequest:
    """Ask to be let in, once until there is an answer; administrators get a mail.

    Raises ``AppUnknown``, ``NotRequestable``, ``MayEnterAlready``, ``AskedAlready``,
    ``TooManyTries``.
    """
    app = apps.find(app_id)
    if not app.requestable:
        raise NotRequestable
    if may_enter(user, app.id):
        raise MayEnterAlready
    asked = AccessRequest(
        app_id=app.id, user_id=user.id, reason=people.tidy(reason)[:300], created_at=now()
    )
    try:
        with writing() as session:
            session.add(asked)
            session.flush()
            limits.take(session, [(_rule(), str(user.id))])
            record(session, Event.ACCESS_ASKED, client, user.id, app=app.name)
            _tell_administrators(session, asked, user, app)
    except IntegrityError as error:
        apps.find(app_id)  # or it is gone since
        raise AskedAlready from error
    return asked


def approve(request_id: int, until: datetime | None, actor: Actor) -> AccessRequest:
    """Let the person in, until a moment (None: for good), and tell them.

    Raises ``RequestUnknown``, ``RequestDecided``.
    """
    try:
        with writing() as session:
            app = apps.hold(session, find(request_id).app_id)
            request = _decide(session, request_id, True, actor)
            grants.put(session, app, request.user, until)
            registry.touch(session)
            _record(session, Event.ACCESS_APPROVED, actor, request)
            grants.tell(session, app, request.user, until)
    except IntegrityError as error:  # the account was closed at this very moment
        raise RequestUnknown from error
    return request


def decline(request_id: int, actor: Actor) -> AccessRequest:
    """Answer no, and tell the person.

    Raises ``RequestUnknown``, ``RequestDecided``, ``EntersAlready``.
    """
    with writing() as session:
        request = _decide(session, request_id, False, actor)
        if may_enter(request.user, request.app_id):
            raise EntersAlready(request.user.label, request.app.name)
        _record(session, Event.ACCESS_DECLINED, actor, request)
        notify(session, request.user, "access_declined", app=request.app.name)
    return request


def withdraw_all(session: Session, user: User) -> None:
    """Take back what a person still waits for, in the caller's transaction."""
    change_rows(
        session,
        delete(AccessRequest).where(
            AccessRequest.user_id == user.id, AccessRequest.decided_at.is_(None)
        ),
    )


def find(request_id: int) -> AccessRequest:
    """A request with its person and app. Raises ``RequestUnknown``."""
    request = db.session.scalar(_WHOLE.where(AccessRequest.id == request_id))
    if request is None:
        raise RequestUnknown
    return request


def latest(user: User, app_id: int) -> AccessRequest | None:
    """The person's newest request for an app, decided or not."""
    return db.session.scalar(
        _WHOLE.where(AccessRequest.user_id == user.id, AccessRequest.app_id == app_id)
        .order_by(AccessRequest.id.desc())
        .limit(1)
    )


def list_of(user: User) -> list[AccessRequest]:
    """The person's requests with their apps, the newest first."""
    statement = _WHOLE.where(AccessRequest.user_id == user.id)
    return list(db.session.scalars(statement.order_by(AccessRequest.id.desc()).limit(100)))


def list_waiting(after: int = 0, size: int = PAGE) -> Listed[AccessRequest]:
    """Requests without an answer, the oldest first."""
    statement = (
        _WHOLE.where(AccessRequest.decided_at.is_(None), AccessRequest.id > bounded(after))
        .order_by(AccessRequest.id)
        .limit(size + 1)
    )
    return cut(db.session.scalars(statement).all(), lambda request: request.id, size)


def count_waiting() -> str:
    """How many requests have no answer, for people: "" for none, "99+" for many more."""
    waiting = select(AccessRequest.id).where(AccessRequest.decided_at.is_(None))
    counted = select(func.count()).select_from(waiting.limit(COUNTED + 1).subquery())
    found = db.session.scalar(counted) or 0
    return f"{COUNTED}+" if found > COUNTED else str(found or "")


def list_decided(most: int = 20) -> list[AccessRequest]:
    """The requests that were answered last, with who answered."""
    statement = _WHOLE.where(AccessRequest.decided_at.is_not(None)).options(
        joinedload(AccessRequest.decided_by)
    )
    newest_first = statement.order_by(AccessRequest.decided_at.desc(), AccessRequest.id.desc())
    return list(db.session.scalars(newest_first.limit(most)))


_WHOLE = (
    select(AccessRequest)
    .options(joinedload(AccessRequest.user), joinedload(AccessRequest.app))
    .execution_options(populate_existing=True)
)


def _decide(session: Session, request_id: int, approved: bool, actor: Actor) -> AccessRequest:
    """Answer the request, unless somebody has: one statement, so that one answer wins."""
    answered = change_rows(
        session,
        update(AccessRequest)
        .where(AccessRequest.id == request_id, AccessRequest.decided_at.is_(None))
        .values(approved=approved, decided_at=now(), decided_by_id=actor.id),
    )
    request = session.scalar(_WHOLE.where(AccessRequest.id == request_id))
    if request is None:
        raise RequestUnknown
    if not answered:
        raise RequestDecided(bool(request.approved))
    return request


def _record(session: Session, event: Event, actor: Actor, request: AccessRequest) -> None:
    app = request.app.name
    record(session, event, actor.client, request.user_id, app=app, by=actor.id)


def _tell_administrators(session: Session, asked: AccessRequest, user: User, app: App) -> None:
    """By mail, unless there were too many within the hour; the last one says so."""
    told = limits.count(session, MAILS, "")
    if told > MAILS.most:
        return
    page = f"{settings().base_url}/admin/requests"
    statement = select(User).where(User.is_admin, User.disabled_at.is_(None)).order_by(User.id)
    for administrator in session.scalars(statement.limit(MOST_ADMINISTRATORS)):
        notify(
            session, administrator, "access_asked", app=app.name, who=user.label, email=user.email,
            reason=asked.reason, link=f"{page}/{asked.id}",
            all_link=page if told == MAILS.most else "",
        )  # fmt: skip


def _rule() -> Window:
    return Window("access_requests", settings().access_requests_per_day, DAY)
