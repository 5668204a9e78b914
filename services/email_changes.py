"""Changing one's address: the new one is proved before it replaces the old."""

from datetime import timedelta

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from extensions import change_rows, writing
from models import EmailLink, LoginSession, User
from services import credentials, link_mails, links, outbox
from services.audit import Client, Event, record
from services.clock import now
from services.emails import canonicalize, parse
from services.errors import EmailUnchanged, LinkInvalid
from services.masking import mask_email
from services.notices import notify_address


def request(user: User, email: str, client: Client) -> None:
    """Queue a link to the new address, and a notice to the old.

    Says nothing about whether the address is another person's already: the delivery
    worker finds out, and no list that the person sees has the mail. Raises ``EmailInvalid``,
    ``EmailUnchanged``, ``TooManyTries``.
    """
    address = parse(email)
    canonical = canonicalize(address)
    if canonical == user.email_canonical:
        raise EmailUnchanged
    with writing() as session:
        link_mails.take_email_change(session, user.id, client)
        if link_mails.may_mail_email_change(session, canonical, user.id):
            outbox.enqueue(
                session, channel="mail", kind="confirm_new_email", to=address, user_id=user.id,
                values={"epoch": user.epoch, "user_id": user.id},
                expires_at=now() + timedelta(hours=1),
            )  # fmt: skip
        notify_address(
            session, user, user.email, "email_change_asked",
            earlier=user.email, new_masked=mask_email(address),
        )  # fmt: skip
        record(session, Event.EMAIL_CHANGE_ASKED, client, user.id)


def finish(session: Session, link: EmailLink, acting: LoginSession | None, client: Client) -> str:
    """Replace the old address in the caller's transaction, with the link to the new one.

    Returns the acting session's new token, where it is this person's. Raises ``LinkInvalid``.
    """
    links.use_up(session, link)
    user = session.get(User, link.user_id, populate_existing=True) if link.user_id else None
    if user is None or link.epoch != user.epoch:
        raise LinkInvalid
    old = user.email
    _replace(session, user, link.email)
    record(session, Event.EMAIL_CHANGED, client, user.id)
    _tell_both(session, user, old, link.email)
    own = acting if acting and acting.user_id == user.id else None
    return credentials.changed(session, user, own)


def _tell_both(session: Session, user: User, old: str, new: str) -> None:
    """To each address itself whole and the other one masked, be they masked alike."""
    notify_address(session, user, old, "email_changed", earlier=old, new=mask_email(new))
    notify_address(session, user, new, "email_changed", earlier=mask_email(old), new=new)


def _replace(session: Session, user: User, address: str) -> None:
    try:
        with session.begin_nested():
            change_rows(session, update(User)
                .where(User.id == user.id)
                .values(
                    email=address, email_canonical=canonicalize(address),
                    email_way_barred_at=None, email_way_disabled_at=None, email_code_failures=0,
                ))  # fmt: skip
    except IntegrityError as error:
        raise LinkInvalid from error
