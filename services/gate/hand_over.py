"""Handing a login session over to an app's own host, where no cookie of the portal reaches.

The app's host gives the browser a secret of its own first (``begin``). The portal, where
the person is signed in, then grants one token: for this browser, this host and
``SECONDS``, to be redeemed once at the app's host for an app session. No address ever
holds what a session is known by.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import delete, literal, select, update
from sqlalchemy.orm import Session

from extensions import change_rows, db, writing
from models import LoginSession, UtcDateTime
from models_apps import HandOver
from services.clock import now
from services.errors import LoginSessionOver
from services.gate import app_sessions
from services.gate.app_sessions import Opened
from services.tokens import digest, new_token

SECONDS = 30
"""From the grant to the redemption: two redirects, without a person in between."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Why(StrEnum):
    """Why a hand-over failed."""

    BROWSER = "browser"
    """Granted to another browser, or this one did not keep the secret."""
    LATE = "late"
    """Too late, or for the second time."""
    FORGED = "forged"
    """Not one of ours, or not for this host."""


class HandOverRefused(Exception):
    """Nothing was handed over. ``target`` is where it would have led, "" where unknown."""

    def __init__(self, why: Why, target: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.target = target


@dataclass(frozen=True)
class Arrived:
    """The app session that was opened at the app's host, and the address to go on to."""

    opened: Opened
    target: str


def begin(secret: str) -> str:
    """The browser's secret for a hand-over: the one that it has already, or a new one.

    Tabs that begin at once share it, or the last would undo the others.
    """
    return secret if _TOKEN.fullmatch(secret) else new_token()


def name_browser(secret: str) -> str:
    """What the portal is told of a browser's secret: it can be compared, not turned back."""
    return digest(secret)


def grant(login_session: LoginSession, browser: str, origin: str, target: str) -> str:
    """Grant one hand-over to a browser (as ``name_browser`` names it) at an app's origin.

    ``target`` is the whole address wanted there; the caller has checked it. Returns the
    token. Raises ``LoginSessionOver``, and ``HandOverRefused`` for what names no browser.
    """
    if not _DIGEST.fullmatch(browser):
        raise HandOverRefused(Why.FORGED, target)
    token, moment = new_token(), now()
    with writing() as session:
        change_rows(session, delete(HandOver).where(  # or one browser could fill the table
            HandOver.login_session_id == login_session.id,
            HandOver.expires_at < moment - app_sessions.AT_ONCE,
        ))  # fmt: skip
        app_sessions.add_for_live(
            session, HandOver, login_session.id,
            {
                "token_digest": literal(digest(token)),
                "browser_digest": literal(browser),
                "origin": literal(origin),
                "target": literal(target),
                "expires_at": literal(moment + timedelta(seconds=SECONDS), UtcDateTime()),
            },
        )  # fmt: skip
    return token


def redeem(token: str, secret: str, origin: str) -> Arrived:
    """Open the app session that a token grants to the browser with this secret, at this host.

    One statement checks all of it and uses the token up. Raises ``HandOverRefused``.
    """
    moment = now()
    try:
        with writing() as session:
            login_session, target = _use_up(session, token, secret, origin, moment)
            return Arrived(app_sessions.start(session, login_session, origin), target)
    except LoginSessionOver as error:
        raise HandOverRefused(Why.LATE) from error


def _use_up(
    session: Session, token: str, secret: str, origin: str, moment: datetime
) -> tuple[LoginSession, str]:
    used = session.execute(
        update(HandOver)
        .where(
            HandOver.token_digest == digest(token),
            HandOver.browser_digest == name_browser(secret),
            HandOver.origin == origin,
            HandOver.expires_at > moment,
            HandOver.used_at.is_(None),
        )
        .values(used_at=moment)
        .returning(HandOver.login_session_id, HandOver.target)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if used is None:
        raise _explain(token, secret, origin)
    login_session = session.get(LoginSession, used.login_session_id)
    if login_session is None:
        raise LoginSessionOver
    return login_session, used.target


def _explain(token: str, secret: str, origin: str) -> HandOverRefused:
    """Why a token was refused; where it leads is told to no browser but its own."""
    row = db.session.scalar(select(HandOver).where(HandOver.token_digest == digest(token)))
    if row is None or row.origin != origin:
        return HandOverRefused(Why.FORGED)
    if row.browser_digest != name_browser(secret):
        return HandOverRefused(Why.BROWSER)
    return HandOverRefused(Why.LATE, row.target)
