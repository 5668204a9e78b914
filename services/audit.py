"""What happened, to whom, from where: one row and one log line for each event.

Written in the transaction of the change it tells about. Never holds a code, a
link, a password, a session id or a whole number.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import structlog
from sqlalchemy import insert
from sqlalchemy.orm import Session

from extensions import add_row
from models import Activity, User
from services.clock import now

log = structlog.get_logger("gatepost.activity")

_EVENT = insert(Activity)


@dataclass(frozen=True)
class Client:
    """Who asks: the network address and the browser, as far as they are known."""

    address: str = ""
    user_agent: str = ""


NOBODY = Client()
"""For what the portal or its operator does on the command line."""


@dataclass(frozen=True)
class Actor:
    """Who changes what belongs to others: a signed-in person, or the operator (no user)."""

    user: User | None
    client: Client

    @property
    def id(self) -> int | None:
        """The person's id; None for the operator."""
        return self.user.id if self.user else None

    @property
    def is_admin(self) -> bool:
        """Whether everything here is theirs to change."""
        return self.user is None or self.user.is_admin


OPERATOR = Actor(None, NOBODY)
"""Whoever has the command line."""


class Event(StrEnum):
    """Every kind of event; the words for people are in ``services.activity``."""

    REGISTERED = "registered"
    ACCOUNT_CREATED = "account_created"
    NAME_CHANGED = "name_changed"
    EMAIL_CONFIRMED = "email_confirmed"
    EMAIL_CHANGE_ASKED = "email_change_asked"
    EMAIL_CHANGED = "email_changed"
    SIGNED_IN = "signed_in"
    SIGNED_OUT = "signed_out"
    PASSWORD_INCORRECT = "password_incorrect"
    PASSWORD_CHANGED = "password_changed"
    PASSWORD_RESET_ASKED = "password_reset_asked"
    PASSWORD_RESET = "password_reset"
    CODE_SENT = "code_sent"
    CODE_INCORRECT = "code_incorrect"
    IDENTITY_CONFIRMED = "identity_confirmed"
    WAY_DISABLED = "way_disabled"
    PHONE_ADDED = "phone_added"
    PHONE_CHANGED = "phone_changed"
    PHONE_MADE_PRIMARY = "phone_made_primary"
    PHONE_REMOVED = "phone_removed"
    TWO_FACTOR_ENABLED = "two_factor_enabled"
    TWO_FACTOR_DISABLED = "two_factor_disabled"
    TWO_FACTOR_RESET = "two_factor_reset"
    BROWSER_REMEMBERED = "browser_remembered"
    BROWSER_FORGOTTEN = "browser_forgotten"
    BROWSERS_FORGOTTEN = "browsers_forgotten"
    SESSION_ENDED = "session_ended"
    SESSIONS_ENDED = "sessions_ended"
    ACCOUNT_DISABLED = "account_disabled"
    ACCOUNT_ENABLED = "account_enabled"
    ACCOUNT_CLOSED = "account_closed"
    ACCOUNT_DELETED = "account_deleted"
    ADMINISTRATOR_MADE = "administrator_made"
    ADMINISTRATOR_ENDED = "administrator_ended"
    LIMIT_REACHED = "limit_reached"
    TEXTS_PAUSED = "texts_paused"
    GROUP_CREATED = "group_created"
    GROUP_DELETED = "group_deleted"
    GROUP_JOINED = "group_joined"
    GROUP_LEFT = "group_left"
    GROUP_MANAGER_MADE = "group_manager_made"
    GROUP_MANAGER_ENDED = "group_manager_ended"
    APP_ADDED = "app_added"
    APP_CHANGED = "app_changed"
    APP_REMOVED = "app_removed"
    ACCESS_GIVEN = "access_given"
    ACCESS_TAKEN = "access_taken"
    GROUP_ACCESS_GIVEN = "group_access_given"
    GROUP_ACCESS_TAKEN = "group_access_taken"
    ACCESS_ASKED = "access_asked"
    ACCESS_APPROVED = "access_approved"
    ACCESS_DECLINED = "access_declined"


def record(
    session: Session, event: Event, client: Client, user_id: int | None = None, **details: Any
) -> None:
    """Write an event into the caller's transaction and onto the log."""
    at = now()
    add_row(
        session, _EVENT,
        {
            "at": at, "user_id": user_id, "event": event.value, "address": client.address[:45],
            "user_agent": client.user_agent[:200], "details": details,
        },
    )  # fmt: skip
    log.info(event.value, user_id=user_id, address=client.address, **details)
