"""Turning two-factor sign-in on and off for oneself."""

from sqlalchemy import update

from extensions import change_rows, settings, writing
from models import LoginSession, User
from services import credentials, ways
from services.audit import Client, Event, record
from services.errors import NoUsableWay, TwoFactorRequired
from services.notices import notify


def enable(user: User, acting: LoginSession, client: Client) -> str:
    """Turn it on. Returns the session's new token. Raises ``NoUsableWay``, ``TooManyChanges``."""
    return _switch(user, True, acting, client)


def disable(user: User, acting: LoginSession, client: Client) -> str:
    """Turn it off. Returns the acting session's new token.

    Raises ``TwoFactorRequired`` where the portal requires it of everyone, ``TooManyChanges``.
    """
    if settings().require_two_factor:
        raise TwoFactorRequired
    return _switch(user, False, acting, client)


def _switch(user: User, on: bool, acting: LoginSession, client: Client) -> str:
    with writing() as session:
        credentials.count_change(session, user)
        person = credentials.lock_person(session, user)
        if on and not ways.usable(session, person):
            raise NoUsableWay
        change_rows(session, update(User).where(User.id == user.id).values(two_factor_enabled=on))
        record(
            session, Event.TWO_FACTOR_ENABLED if on else Event.TWO_FACTOR_DISABLED, client, user.id
        )
        notify(session, user, "two_factor_enabled" if on else "two_factor_disabled")
        return credentials.changed(session, user, acting)
