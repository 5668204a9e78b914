"""A person's history in words, page by page."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import LazyString, gettext, lazy_gettext
from sqlalchemy import select

from extensions import db
from models import Activity, User
from services.audit import Event
from services.user_agents import name_browser

PAGE = 50

WORDS = {
    Event.REGISTERED: lazy_gettext("The account was registered"),
    Event.ACCOUNT_CREATED: lazy_gettext("The account was made by an administrator"),
    Event.NAME_CHANGED: lazy_gettext("The name was changed"),
    Event.EMAIL_CONFIRMED: lazy_gettext("The email address was confirmed"),
    Event.EMAIL_CHANGE_ASKED: lazy_gettext("A new email address was asked for"),
    Event.EMAIL_CHANGED: lazy_gettext("The email address was changed"),
    Event.SIGNED_IN: lazy_gettext("Signed in"),
    Event.SIGNED_OUT: lazy_gettext("Signed out"),
    Event.PASSWORD_INCORRECT: lazy_gettext("A wrong password was entered"),
    Event.PASSWORD_CHANGED: lazy_gettext("The password was changed"),
    Event.PASSWORD_RESET_ASKED: lazy_gettext("A password reset was asked for"),
    Event.PASSWORD_RESET: lazy_gettext("The password was set with a link"),
    Event.CODE_SENT: lazy_gettext("A security code was sent"),
    Event.CODE_INCORRECT: lazy_gettext("A wrong security code was entered"),
    Event.IDENTITY_CONFIRMED: lazy_gettext("Identity confirmed before a change"),
    Event.WAY_DISABLED: lazy_gettext("A way to get codes was disabled after too many wrong codes"),
    Event.PHONE_ADDED: lazy_gettext("A phone number was added"),
    Event.PHONE_CHANGED: lazy_gettext("A phone number was changed"),
    Event.PHONE_MADE_PRIMARY: lazy_gettext("Another phone number became the primary one"),
    Event.PHONE_REMOVED: lazy_gettext("A phone number was removed"),
    Event.TWO_FACTOR_ENABLED: lazy_gettext("Two-factor sign-in was turned on"),
    Event.TWO_FACTOR_DISABLED: lazy_gettext("Two-factor sign-in was turned off"),
    Event.TWO_FACTOR_RESET: lazy_gettext("Two-factor sign-in was reset by an administrator"),
    Event.BROWSER_REMEMBERED: lazy_gettext("A browser was remembered"),
    Event.BROWSER_FORGOTTEN: lazy_gettext("A browser was forgotten"),
    Event.BROWSERS_FORGOTTEN: lazy_gettext("All browsers were forgotten"),
    Event.SESSION_ENDED: lazy_gettext("A browser was signed out"),
    Event.SESSIONS_ENDED: lazy_gettext("All other browsers were signed out"),
    Event.ACCOUNT_DISABLED: lazy_gettext("The account was disabled by an administrator"),
    Event.ACCOUNT_ENABLED: lazy_gettext("The account was enabled by an administrator"),
    Event.ACCOUNT_CLOSED: lazy_gettext("The account was closed"),
    Event.ACCOUNT_DELETED: lazy_gettext("The account was deleted by an administrator"),
    Event.ADMINISTRATOR_MADE: lazy_gettext("You became an administrator"),
    Event.ADMINISTRATOR_ENDED: lazy_gettext("You are no longer an administrator"),
    Event.LIMIT_REACHED: lazy_gettext("No more codes were sent for a while"),
    Event.TEXTS_PAUSED: lazy_gettext("Texts were paused"),
    Event.GROUP_CREATED: lazy_gettext("You made a group"),
    Event.GROUP_DELETED: lazy_gettext("You deleted a group"),
    Event.GROUP_JOINED: lazy_gettext("You were put in a group"),
    Event.GROUP_LEFT: lazy_gettext("You were taken out of a group"),
    Event.GROUP_MANAGER_MADE: lazy_gettext("You became a manager of a group"),
    Event.GROUP_MANAGER_ENDED: lazy_gettext("You are no longer a manager of a group"),
    Event.APP_ADDED: lazy_gettext("You added an app"),
    Event.APP_CHANGED: lazy_gettext("You changed an app"),
    Event.APP_REMOVED: lazy_gettext("You removed an app"),
    Event.ACCESS_GIVEN: lazy_gettext("You were let into an app"),
    Event.ACCESS_TAKEN: lazy_gettext("Your access to an app was taken away"),
    Event.ACCESS_ASKED: lazy_gettext("You asked to be let into an app"),
    Event.ACCESS_APPROVED: lazy_gettext("You may enter an app that you asked for"),
    Event.ACCESS_DECLINED: lazy_gettext("Your request for an app was declined"),
    Event.GROUP_ACCESS_GIVEN: lazy_gettext("You let a group into an app"),
    Event.GROUP_ACCESS_TAKEN: lazy_gettext("You took a group's access to an app away"),
}


HOW = {
    "pwd": lazy_gettext("with a password"),
    "pwd sms mfa": lazy_gettext("with a password and a code by text message"),
    "pwd otp mfa": lazy_gettext("with a password and a code by email"),
}
"""How somebody signed in, by RFC 8176's names."""


@dataclass(frozen=True)
class Line:
    """One event as a person reads it: what, more about it, and from where ("" = not known)."""

    at: datetime
    text: LazyString | str
    more: LazyString | str
    address: str
    browser: str


@dataclass(frozen=True)
class Page:
    """Some events, and where the older ones begin (None: there are none)."""

    events: list[Line]
    next_before: int | None


def list_page(user: User, before: int | None) -> Page:
    """The person's events before an id (None: the latest), newest first, by keyset."""
    statement = select(Activity).where(Activity.user_id == user.id)
    if before is not None:
        statement = statement.where(Activity.id < max(0, min(before, 2**31 - 1)))
    rows = list(db.session.scalars(statement.order_by(Activity.id.desc()).limit(PAGE + 1)))
    return Page(
        [_describe(row) for row in rows[:PAGE]], rows[PAGE - 1].id if len(rows) > PAGE else None
    )


def _describe(row: Activity) -> Line:
    browser = name_browser(row.user_agent) if row.user_agent else ""
    about = row.details.get("app") or row.details.get("group")
    words = WORDS[Event(row.event)]
    text = f"{words}: {about}" if about else words
    return Line(row.at, text, _tell_more(row.details), row.address, browser)


def _tell_more(details: dict[str, Any]) -> LazyString | str:
    """How, to where, or which; of numbers the last two digits."""
    if "amr" in details:
        return HOW.get(details["amr"], "")
    if "way" in details:
        email = details["way"] == "email"
        return gettext("by email") if email else gettext("to %(way)s", way=details["way"])
    if "new_ending" in details:
        return gettext(
            "from the number ending %(ending)s to that ending %(new_ending)s",
            ending=details["ending"], new_ending=details["new_ending"],
        )  # fmt: skip
    if "ending" in details:
        return gettext("the number ending %(ending)s", ending=details["ending"])
    return ""
