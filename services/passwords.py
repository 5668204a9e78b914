"""Changing a password while signed in, and resetting it by a mailed link.

A reset never signs in and never skips the second step.
"""

from datetime import timedelta

from flask_babel import lazy_gettext
from sqlalchemy import update
from sqlalchemy.orm import Session

from extensions import change_rows, db, end_reading, writing
from models import EmailLink, LoginSession, User
from services import (
    browsers,
    credentials,
    hashing,
    identity,
    link_mails,
    links,
    outbox,
    password_rules,
)
from services.audit import Client, Event, record
from services.clock import now
from services.emails import canonicalize, parse
from services.errors import LinkInvalid, PasswordUnsuitable
from services.links import Purpose
from services.notices import notify


def change(login_session: LoginSession, current: str, password: str, client: Client) -> str:
    """Change the signed-in person's password. Returns the login session's new token.

    Every other session and remembered browser ends. Raises
    ``CurrentPasswordIncorrect``, ``PasswordUnsuitable``, ``TooManyTries``, ``TooManyChanges``,
    ``ServiceBusy``.
    """
    user = login_session.user
    password_rules.check(password, user.email, user.name)
    identity.check_password(user, current, client, field="current_password")
    if hashing.is_same(password, current):
        raise PasswordUnsuitable(lazy_gettext("This is your password already. Choose another one."))
    password_hash = hashing.hash_password(password)
    with writing() as session:
        credentials.count_change(session, user)
        _store(session, user, password_hash)
        record(session, Event.PASSWORD_CHANGED, client, user.id)
        notify(session, user, "password_changed")
        return credentials.changed(session, user, login_session)


def request_reset(email: str, client: Client) -> None:
    """Queue a reset mail, if there is an account for it; says nothing about whether there is.

    Raises ``EmailInvalid``, ``TooManyTries`` (by sender and typed address, known or not).
    """
    canonical = canonicalize(parse(email))
    with writing() as session:
        link_mails.take_reset(session, canonical, client)
        if link_mails.may_mail_reset(session, canonical):
            outbox.enqueue(
                session, channel="mail", kind="reset_password", to=canonical, user_id=None,
                values={}, expires_at=now() + timedelta(hours=1),
            )  # fmt: skip
        record(session, Event.PASSWORD_RESET_ASKED, client)


def find_reset_link(signed: str) -> EmailLink:
    """The live link that lets its holder choose a password. Raises ``LinkInvalid``."""
    return links.find(db.session(), signed, Purpose.RESET_PASSWORD, Purpose.CHOOSE_PASSWORD)


def is_first(link: EmailLink) -> bool:
    """Whether the link is for a new account's first password, and not for another one."""
    return link.purpose == Purpose.CHOOSE_PASSWORD.value


def reset(signed: str, password: str, client: Client) -> str:
    """Choose a new password with a link. Every session and remembered browser ends.

    Returns the cookie that makes this browser a known one: whoever was locked out by
    strangers' guesses must get in with the new password. It signs nobody in.
    Raises ``LinkInvalid``, ``PasswordUnsuitable`` (the link stays good), ``ServiceBusy``.
    """
    link = find_reset_link(signed)
    user = db.session.get(User, link.user_id) if link.user_id else None
    if user is None:
        raise LinkInvalid
    password_rules.check(password, user.email, user.name)
    end_reading()
    password_hash = hashing.hash_password(password)
    with writing() as session:
        return browsers.make_known(_reset_in(session, link, user.id, password_hash, client))


def _reset_in(
    session: Session, link: EmailLink, user_id: int, password_hash: str, client: Client
) -> User:
    links.use_up(session, link)
    user = session.get(User, user_id, populate_existing=True)
    if user is None or user.disabled_at is not None or link.epoch != user.epoch:
        raise LinkInvalid
    _store(session, user, password_hash)
    if not is_first(link):
        _bar_email_way(session, user)
    record(session, Event.PASSWORD_RESET, client, user.id)
    notify(session, user, "password_chosen" if is_first(link) else "password_changed")
    credentials.changed(session, user)
    return user


def _bar_email_way(session: Session, user: User) -> None:
    """Who reads the mailbox has just set the password: a code by mail would prove nothing more."""
    change_rows(session, update(User).where(User.id == user.id).values(email_way_barred_at=now()))


def _store(session: Session, user: User, password_hash: str) -> None:
    change_rows(
        session,
        update(User)
        .where(User.id == user.id)
        .values(password_hash=password_hash, password_changed_at=now()),
    )
