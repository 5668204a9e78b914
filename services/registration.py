"""Making an account: register, and confirm the address.

Registering answers the same for known and unknown addresses, and does the same
work; what differs is the mail, which the delivery worker makes. Until the address is
proved there is no account, only a registration: see ADR 13.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Boolean, bindparam, delete, func, select, text
from sqlalchemy.orm import Session

from extensions import change_rows, db, end_reading, settings, writing
from models import EmailLink, LoginSession, Registration, User, UtcDateTime
from services import (
    email_changes,
    hashing,
    limits,
    link_mails,
    links,
    outbox,
    password_rules,
    people,
)
from services.addresses import network_of
from services.audit import Client, Event, record
from services.clock import now
from services.emails import canonicalize, parse
from services.errors import EmailTaken, LinkInvalid, Refusal, RegistrationClosed
from services.limits import HOUR, Place, Window
from services.links import Purpose
from services.tokens import digest, new_token

REFUSALS_FOR_EACH = 10
"""How many a network may have for each registration that it may make: people mistype."""

# An earlier registration of the address is replaced. Where another browser made it, nobody can
# tell whose password this is: the mailbox's owner will choose one.
_WRITE_DOWN = text("""
    INSERT INTO registrations (email, email_canonical, name, password_hash, browser_digest,
                               contested, created_at, expires_at)
    VALUES (:email, :canonical, :name, :password_hash, :browser, :uncontested, :now, :end)
    ON CONFLICT (email_canonical) DO UPDATE SET
      email = excluded.email, name = excluded.name, password_hash = excluded.password_hash,
      browser_digest = excluded.browser_digest, created_at = excluded.created_at,
      expires_at = excluded.expires_at,
      contested = CASE WHEN registrations.expires_at <= excluded.created_at THEN :uncontested
                       WHEN registrations.browser_digest = :held THEN registrations.contested
                       ELSE :contested END
    RETURNING id
""").bindparams(
    bindparam("contested", True, Boolean()), bindparam("uncontested", False, Boolean()),
    bindparam("now", type_=UtcDateTime()), bindparam("end", type_=UtcDateTime()),
)  # fmt: skip


@dataclass(frozen=True)
class Confirmation:
    """What a confirmation link is about."""

    email: str
    registered_at: datetime | None = None
    """When the address was registered; None where it is to replace another."""
    chooses_password: bool = False
    """Whether a password is to be chosen afterwards."""


@dataclass(frozen=True)
class Confirmed:
    """What a confirmation led to: the acting session's new token, or a link to a password."""

    login: str = ""
    choose_password: str = ""


def register(
    email: str, password: str, name: str, invitation: str, held: str, client: Client
) -> str:
    """Register a person and queue the mail that their address needs, whichever that is.

    ``held`` is the token of this browser's earlier registration ("" = none). Returns the
    token of this one, for the browser to keep. Raises what ``password_rules.check_account``
    raises, ``RegistrationClosed``, ``LinkInvalid`` (the invitation), ``TooManyTries``,
    ``ServiceBusy``.
    """
    invited = _check_door(invitation)
    registered, refused = _places(client)
    # An estimate and a hash are dear: none for those whom the limits refuse.
    limits.check(db.session(), [registered, refused])
    end_reading()
    address = _check_account(email, password, name, refused)
    password_hash = hashing.hash_password(password)
    with writing() as session:
        limits.take(session, [registered])
        if invited is not None:
            _accept_invitation(session, invited, password_hash, name, client)
            return ""
        return _write_down(session, address, password_hash, name, held, client)


def find_invitation(signed: str) -> EmailLink:
    """The live invitation behind a token. Raises ``LinkInvalid``."""
    return links.find(db.session(), signed, Purpose.INVITATION)


def find_open_invitation(email: str) -> EmailLink | None:
    """The invitation of an address that works longest, if one still does."""
    return db.session.scalar(
        select(EmailLink)
        .where(
            EmailLink.purpose == Purpose.INVITATION.value, EmailLink.used_at.is_(None),
            func.lower(EmailLink.email) == email.lower(), EmailLink.expires_at > now(),
        )
        .order_by(EmailLink.expires_at.desc())
        .limit(1)
    )  # fmt: skip


def registered_email(held: str) -> str:
    """The address that this browser registered last, as it was typed, or ""."""
    if not held:
        return ""
    statement = select(Registration.email).where(
        Registration.browser_digest == digest(held), Registration.expires_at > now()
    )
    return db.session.scalar(statement) or ""


def find_waiting(canonical: str) -> Registration | None:
    """An address's open registration, whether it has an account or not."""
    return db.session.scalar(
        select(Registration).where(
            Registration.email_canonical == canonical, Registration.expires_at > now()
        )
    )


def request_confirmation(email: str, client: Client) -> None:
    """Queue the confirmation mail again, if there is a registration that needs it.

    Says nothing about whether there is. Raises ``EmailInvalid``, ``TooManyTries``.
    """
    canonical = canonicalize(parse(email))
    with writing() as session:
        link_mails.take_confirmation(session, canonical, client)
        _queue_mail(session, canonical)


def find_confirmation(signed: str, held: str) -> Confirmation | None:
    """What a confirmation link is about, or None where it is not live. Uses nothing up."""
    try:
        link = links.find(db.session(), signed, Purpose.CONFIRM_EMAIL, Purpose.CHANGE_EMAIL)
    except LinkInvalid:
        return None
    if link.registration_id is None:
        return Confirmation(link.email)
    registration = db.session.get(Registration, link.registration_id)
    if registration is None:
        return None
    chooses = not _is_trusted(registration, held)
    return Confirmation(link.email, registration.created_at, chooses)


def confirm_email(signed: str, held: str, acting: LoginSession | None, client: Client) -> Confirmed:
    """Confirm an address: a first one, or one that replaces the old. Never signs in.

    ``held`` is the token of this browser's registration. A registration that was made in
    several browsers leaves its password behind: then there is a link to choose one.
    Raises ``LinkInvalid``.
    """
    with writing() as session:
        link = links.find(session, signed, Purpose.CONFIRM_EMAIL, Purpose.CHANGE_EMAIL)
        if link.purpose == Purpose.CHANGE_EMAIL.value:
            return Confirmed(login=email_changes.finish(session, link, acting, client))
        return Confirmed(choose_password=_make_account(session, link, held, client))


def _check_account(email: str, password: str, name: str, refused: Place) -> str:
    """As ``password_rules.check_account``; a refusal is counted, as it has cost an estimate."""
    try:
        return password_rules.check_account(email, password, name)
    except Refusal:
        with writing() as session:
            limits.note(session, [refused])
        raise


def _check_door(invitation: str) -> EmailLink | None:
    """The invitation that opens the door, or None where it stands open."""
    if invitation and settings().registration != "closed":
        return find_invitation(invitation)
    if settings().registration != "open":
        raise RegistrationClosed
    return None


def _write_down(
    session: Session, address: str, password_hash: str, name: str, held: str, client: Client
) -> str:
    """Every address gets its row, known or not: later answers are then the same, too."""
    canonical, token = canonicalize(address), new_token()
    values = {
        "email": address, "canonical": canonical, "name": name.strip()[:100],
        "password_hash": password_hash, "browser": digest(token), "held": digest(held),
        "now": now(), "end": now() + timedelta(days=settings().keep_unconfirmed_days),
    }  # fmt: skip
    registration_id = session.execute(_WRITE_DOWN, values).scalar_one()
    record(session, Event.REGISTERED, client)
    if link_mails.may_mail_registration(session, canonical):
        # The newest mail's link is the one that works. Without a new mail the old ones stay good.
        links.revoke_of_registration(session, registration_id)
        _queue_mail(session, canonical)
    return token


def _queue_mail(session: Session, canonical: str) -> None:
    """Queue what the owner of a registered address needs; its link is made at delivery."""
    known = people.has_account(session, canonical)
    outbox.enqueue(
        session, channel="mail", kind="already_registered" if known else "confirm_email",
        to=canonical, user_id=None, values={}, expires_at=now() + timedelta(hours=1),
    )  # fmt: skip


def _accept_invitation(
    session: Session, invitation: EmailLink, password_hash: str, name: str, client: Client
) -> None:
    """The invitation was mailed to this very address, so the address is proved by it."""
    links.use_up(session, invitation)
    user = _add_person(session, invitation.email, password_hash, name)
    change_rows(
        session, delete(Registration).where(Registration.email_canonical == user.email_canonical)
    )
    record(session, Event.REGISTERED, client, user.id, how="invitation")


def _make_account(session: Session, link: EmailLink, held: str, client: Client) -> str:
    """Make the account of a registration, for the address that the link proves.

    Returns a link to choose a password where the registration's cannot be trusted.
    """
    registration = session.scalar(
        select(Registration)
        .where(Registration.id == link.registration_id, Registration.expires_at > now())
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if registration is None:
        raise LinkInvalid
    links.use_up(session, link)
    trusted = _is_trusted(registration, held)
    password_hash = registration.password_hash if trusted else None
    user = _add_person(session, link.email, password_hash, registration.name if trusted else "")
    change_rows(session, delete(Registration).where(Registration.id == registration.id))
    record(session, Event.EMAIL_CONFIRMED, client, user.id)
    if trusted:
        return ""
    life = timedelta(seconds=settings().reset_seconds)
    return links.issue(session, Purpose.CHOOSE_PASSWORD, life, user)


def _is_trusted(registration: Registration, held: str) -> bool:
    """Whether the password is that of whoever confirms.

    The only one who registered, as far as a mail can tell; or, of several, the one whose
    browser this is.
    """
    own = hmac.compare_digest(registration.browser_digest, digest(held))
    return own or not registration.contested


def _add_person(session: Session, email: str, password_hash: str | None, name: str) -> User:
    """Raises ``LinkInvalid`` where somebody came first."""
    try:
        return people.add(session, email, password_hash, name)
    except EmailTaken as error:
        raise LinkInvalid from error


def _places(client: Client) -> tuple[Place, Place]:
    """Where a registration counts, and where one that is refused for what was typed does."""
    most, network = settings().registrations_per_address_per_hour, network_of(client.address)
    return (
        (Window("registrations", most, HOUR), network),
        (Window("registrations_refused", REFUSALS_FOR_EACH * most, HOUR), network),
    )
