"""Making an account: register, confirm the address, and the portal's first account.

Registering answers the same for known and unknown addresses, and does the same
work; what differs is the mail, which the delivery worker makes.
"""

import hashlib
import hmac
from datetime import timedelta

from sqlalchemy import exists, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from extensions import change_rows, db, end_reading, settings, writing
from models import EmailLink, LoginSession, User
from services import credentials, hashing, limits, links, outbox, password_rules
from services.addresses import network_of
from services.audit import Client, Event, record
from services.clock import now
from services.emails import canonicalize, parse
from services.errors import LinkInvalid, RegistrationClosed, SetupTokenIncorrect
from services.limits import Window
from services.links import Purpose
from services.masking import mask_email
from services.notices import notify_address
from services.sealing import derive_key

HOUR = 3600


def register(email: str, password: str, name: str, invitation: str, client: Client) -> None:
    """Register a person and queue the mail that their address needs, whichever that is.

    Raises ``EmailInvalid``, ``PasswordUnsuitable``, ``RegistrationClosed``,
    ``LinkInvalid`` (the invitation), ``TooManyTries``, ``ServiceBusy``.
    """
    address = parse(email)
    password_rules.check(password, address, name)
    invited = _check_door(invitation)
    rule, network = _registrations_rule(), network_of(client.address)
    limits.check(db.session(), [(rule, network)])  # a hash is dear: none for those who are refused
    end_reading()
    password_hash = hashing.hash_password(password)
    with writing() as session:
        limits.take(session, [(rule, network)])
        if invited is None:
            _write_down(session, address, password_hash, name, client)
        else:
            _accept_invitation(session, invited, password_hash, name, client)


def find_invitation(signed: str) -> EmailLink:
    """The live invitation behind a token. Raises ``LinkInvalid``."""
    return links.find(db.session(), signed, Purpose.INVITATION)


def request_confirmation(email: str) -> None:
    """Queue the confirmation mail again, if there is an account that needs it.

    Says nothing about whether there is. Raises ``EmailInvalid``, ``TooManyTries``.
    """
    canonical = canonicalize(parse(email))
    rule = Window("confirmations_hour", settings().confirmations_per_hour, HOUR)
    with writing() as session:
        limits.take(session, [(rule, canonical)])
        _queue(session, "confirm_email", canonical)


def confirm_email(signed: str, acting: LoginSession | None, client: Client) -> str:
    """Confirm an address: a first one, or one that replaces the old. Never signs in.

    Returns the acting session's new token ("" where there is none to renew).
    Raises ``LinkInvalid``.
    """
    with writing() as session:
        link = links.find(session, signed, Purpose.CONFIRM_EMAIL, Purpose.CHANGE_EMAIL)
        links.use_up(session, link)
        user = session.get(User, link.user_id, populate_existing=True) if link.user_id else None
        if user is None or link.epoch != user.epoch:
            raise LinkInvalid
        if link.purpose == Purpose.CONFIRM_EMAIL.value:
            _confirm_first(session, user, client)
            return ""
        own = acting if acting and acting.user_id == user.id else None
        return _replace_email(session, user, link.email, own, client)


def request_email_change(user: User, email: str, client: Client) -> None:
    """Queue a link to the new address, and a notice to the old.

    Says nothing about whether the address is another person's already.
    """
    address = parse(email)
    canonical = canonicalize(address)
    rule = Window("confirmations_hour", settings().confirmations_per_hour, HOUR)
    with writing() as session:
        limits.take(session, [(rule, f"user {user.id}"), (rule, canonical)])
        if not session.scalar(select(exists().where(User.email_canonical == canonical))):
            _queue(session, "confirm_new_email", address, user)
        notify_address(
            session, user, user.email, "email_change_asked", new_masked=mask_email(address)
        )
        record(session, Event.EMAIL_CHANGE_ASKED, client, user.id)


def is_empty() -> bool:
    """Whether nobody has an account yet."""
    return not db.session.scalar(select(exists().where(User.id > 0)))


def setup_token() -> str:
    """The token that the log shows while the portal is empty: the same in every process."""
    return derive_key(b"gatepost setup", settings().secret_key).hex()[:32]


def set_up(token: str, email: str, password: str, name: str, client: Client) -> None:
    """Make the first account, an administrator's, confirmed at once. Works one time.

    Raises ``SetupTokenIncorrect``, ``LinkInvalid`` (set up already), ``EmailInvalid``,
    ``PasswordUnsuitable``.
    """
    if not hmac.compare_digest(token.strip().encode(), setup_token().encode()):
        raise SetupTokenIncorrect
    address = parse(email)
    password_rules.check(password, address, name)
    if not is_empty():
        raise LinkInvalid
    end_reading()
    password_hash = hashing.hash_password(password)
    try:
        with writing() as session:
            _spend_setup_token(session)
            user = _new_user(address, password_hash, name, is_admin=True)
            user.email_confirmed_at = now()
            session.add(user)
            session.flush()
            record(session, Event.ACCOUNT_CREATED, client, user.id, how="setup")
    except IntegrityError as error:
        raise LinkInvalid from error


def _check_door(invitation: str) -> EmailLink | None:
    """The invitation that opens the door, or None where it stands open."""
    if invitation and settings().registration != "closed":
        return find_invitation(invitation)
    if settings().registration != "open":
        raise RegistrationClosed
    return None


def _write_down(
    session: Session, address: str, password_hash: str, name: str, client: Client
) -> None:
    canonical = canonicalize(address)
    user = session.scalar(select(User).where(User.email_canonical == canonical).with_for_update())
    if user is None:
        user = _insert_unless_there(session, address, password_hash, name)
    elif user.email_confirmed_at is None and user.disabled_at is None:
        _start_over(session, user, address, password_hash, name)
    confirmed = user is not None and user.email_confirmed_at is not None
    if user is not None and not confirmed:
        record(session, Event.REGISTERED, client, user.id)
    _queue(session, "already_registered" if confirmed else "confirm_email", canonical)


def _insert_unless_there(
    session: Session, address: str, password_hash: str, name: str
) -> User | None:
    """Insert, unless a parallel registration of the same address came first (then: None)."""
    user = _new_user(address, password_hash, name)
    try:
        with session.begin_nested():
            session.add(user)
    except IntegrityError:
        return None
    return user


def _start_over(session: Session, user: User, address: str, password_hash: str, name: str) -> None:
    """Registering again with an unproved address kills the earlier password and links."""
    links.revoke(session, user.id, Purpose.CONFIRM_EMAIL)
    credentials.changed(session, user)
    user.email, user.password_hash, user.name = address, password_hash, name
    session.flush()


def _new_user(address: str, password_hash: str, name: str, *, is_admin: bool = False) -> User:
    return User(
        email=address, email_canonical=canonicalize(address), name=name.strip()[:100],
        password_hash=password_hash, password_changed_at=now(), created_at=now(), is_admin=is_admin,
    )  # fmt: skip


def _accept_invitation(
    session: Session, invitation: EmailLink, password_hash: str, name: str, client: Client
) -> None:
    """The invitation was mailed to this very address, so the address is proved by it."""
    links.use_up(session, invitation)
    user = _insert_unless_there(session, invitation.email, password_hash, name)
    if user is None:
        raise LinkInvalid
    user.email_confirmed_at = now()
    record(session, Event.REGISTERED, client, user.id, how="invitation")


def _confirm_first(session: Session, user: User, client: Client) -> None:
    change_rows(
        session,
        update(User)
        .where(User.id == user.id, User.email_confirmed_at.is_(None))
        .values(email_confirmed_at=now()),
    )
    record(session, Event.EMAIL_CONFIRMED, client, user.id)


def _replace_email(
    session: Session, user: User, address: str, acting: LoginSession | None, client: Client
) -> str:
    old = user.email
    try:
        with session.begin_nested():
            change_rows(session, update(User)
                .where(User.id == user.id)
                .values(
                    email=address, email_canonical=canonicalize(address), email_confirmed_at=now(),
                    email_way_barred_at=None, email_way_disabled_at=None, email_code_failures=0,
                ))  # fmt: skip
    except IntegrityError as error:
        raise LinkInvalid from error
    record(session, Event.EMAIL_CHANGED, client, user.id)
    for to in (old, address):
        notify_address(session, user, to, "email_changed", new_masked=mask_email(address))
    return credentials.changed(session, user, acting)


def _queue(session: Session, kind: str, to: str, user: User | None = None) -> None:
    """Queue a mail; its link is made at delivery, so that asking costs the same for all."""
    outbox.enqueue(
        session, channel="mail", kind=kind, to=to, user_id=user.id if user else None,
        values={"epoch": user.epoch, "user_id": user.id} if user else {},
        expires_at=now() + timedelta(hours=1),
    )  # fmt: skip


def _spend_setup_token(session: Session) -> None:
    session.add(
        EmailLink(
            token_digest=hashlib.sha256(setup_token().encode()).hexdigest(), purpose="setup",
            created_at=now(), expires_at=now(), used_at=now(),
        )
    )  # fmt: skip
    session.flush()


def _registrations_rule() -> Window:
    return Window("registrations", settings().registrations_per_address_per_hour, HOUR)
