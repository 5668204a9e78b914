"""Browsers that the portal knows: remembered ones, which skip the second step for a
time, and merely known ones, which get a lane of their own for wrong passwords.

A remembered browser is a row, listed and revocable. A known browser is a signed
cookie that grants nothing, so it needs no row.
"""

import hashlib
import hmac
from datetime import timedelta

from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from extensions import change_rows, db, settings, writing
from models import RememberedBrowser, User
from services import credentials
from services.audit import Client, Event, record
from services.clock import now
from services.errors import NotFound
from services.sealing import signing_keys
from services.tokens import digest, new_token


def remember(session: Session, user: User, client: Client) -> str:
    """Remember a browser in the caller's transaction; returns the token for its cookie.

    Administrators' browsers are not remembered: "" is returned.
    """
    if user.is_admin:
        return ""
    token, moment = new_token(), now()
    life = timedelta(days=settings().remembered_browser_days)
    session.add(
        RememberedBrowser(
            token_digest=digest(token), user_id=user.id, epoch=user.epoch,
            address=client.address[:45], user_agent=client.user_agent[:200], created_at=moment,
            last_used_at=moment, expires_at=moment + life,
        )
    )  # fmt: skip
    record(session, Event.BROWSER_REMEMBERED, client, user.id)
    return token


def recognize(session: Session, user: User, token: str) -> bool:
    """Whether this is a live remembered browser of this person; notes that it was used."""
    if not token or user.is_admin:
        return False
    used = change_rows(
        session,
        update(RememberedBrowser)
        .where(
            RememberedBrowser.token_digest == digest(token),
            RememberedBrowser.user_id == user.id,
            RememberedBrowser.epoch == user.epoch,
            RememberedBrowser.expires_at > now(),
        )
        .values(last_used_at=now()),
    )
    return used == 1


def list_remembered(user: User) -> list[RememberedBrowser]:
    """The person's live remembered browsers, the last used first."""
    return list(
        db.session.scalars(
            select(RememberedBrowser)
            .where(
                RememberedBrowser.user_id == user.id,
                RememberedBrowser.epoch == user.epoch,
                RememberedBrowser.expires_at > now(),
            )
            .order_by(RememberedBrowser.last_used_at.desc(), RememberedBrowser.id.desc())
        )
    )


def forget(user: User, browser_id: int, client: Client) -> None:
    """Forget one remembered browser. Raises ``NotFound``."""
    with writing() as session:
        forgotten = change_rows(
            session,
            delete(RememberedBrowser).where(
                RememberedBrowser.id == browser_id, RememberedBrowser.user_id == user.id
            ),
        )
        if forgotten != 1:
            raise NotFound
        record(session, Event.BROWSER_FORGOTTEN, client, user.id)


def forget_all(user: User, client: Client) -> None:
    """Forget every remembered browser of the person. Raises ``TooManyChanges``."""
    with writing() as session:
        credentials.count_change(session, user)
        change_rows(session, delete(RememberedBrowser).where(RememberedBrowser.user_id == user.id))
        record(session, Event.BROWSERS_FORGOTTEN, client, user.id)


def make_known(user: User) -> str:
    """The cookie of a browser in which this person has signed in completely."""
    return _known().dumps([new_token(), _mark(user, signing_keys()[-1])])


def known_lane(user: User | None, cookie: str) -> str:
    """The lane of a known browser for this person, or "" where it is not one.

    Each complete sign-in makes a lane. Whoever knew an earlier password and laid in many
    must not guess the new one in all of them: so they end when the password changes.
    """
    try:
        lane, mark = _known().loads(cookie, max_age=settings().known_browser_days * 86400)
    except (BadData, ValueError, TypeError):
        return ""
    return str(lane) if user is not None and _is_mark_of(user, str(mark)) else ""


def _known() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(signing_keys(), salt="gatepost known browser")


def _is_mark_of(user: User, mark: str) -> bool:
    """Made with the key that signs, or with one that did: a new key forgets no browser."""
    marks = (_mark(user, key) for key in reversed(signing_keys()))
    return any(hmac.compare_digest(mark.encode(), known.encode()) for known in marks)


def _mark(user: User, signing_key: str) -> str:
    """A keyed digest in place of the person's id and password: no cookie names a person."""
    key = hashlib.sha256(b"gatepost known browser " + signing_key.encode()).digest()
    changed_at = user.password_changed_at.timestamp() if user.password_changed_at else 0
    return hmac.new(key, f"{user.id} {changed_at}".encode(), hashlib.sha256).hexdigest()[:32]
