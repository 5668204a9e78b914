"""What operators do with accounts: create, invite, disable, enable, reset, delete, describe.

Each change is audited, and the person is told.
"""

from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from extensions import change_rows, db, settings, writing
from models import (
    Activity,
    EmailLink,
    Message,
    Phone,
    Registration,
    RememberedBrowser,
    User,
)
from models_apps import AccessRequest, AppGrant, GroupMember
from services import (
    access_requests,
    administrators,
    credentials,
    grants,
    groups,
    hashing,
    links,
    login_sessions,
    outbox,
    own_apps,
    password_rules,
    people,
    registration,
    ways,
)
from services.audit import NOBODY, Client, Event, record
from services.clock import now
from services.days import last_day, write_moment
from services.emails import canonicalize, parse
from services.errors import EmailTaken
from services.errors_accounts import PersonInvited, PersonUnconfirmed
from services.errors_apps import PersonUnknown
from services.gate import registry
from services.identity import check_password
from services.links import Purpose
from services.masking import mask_number
from services.notices import notify, notify_address
from services.ways import EmailState

_EMAIL_CODES = {
    EmailState.OPEN: "possible",
    EmailState.BARRED: "not until another way was used",
    EmailState.DISABLED: "disabled after too many wrong codes",
}


def find(email: str) -> User:
    """The account of an address.

    Raises ``EmailInvalid``, ``PersonUnknown``, ``PersonUnconfirmed``, ``PersonInvited``.
    """
    try:
        return people.find_by_email(email)
    except PersonUnknown as error:
        address = parse(email)
        if waiting := registration.find_waiting(canonicalize(address)):
            raise PersonUnconfirmed(*_span(waiting)) from error
        if invitation := registration.find_open_invitation(address):
            raise PersonInvited(*_span(invitation)) from error
        raise


def _span(waiting: Registration | EmailLink) -> tuple[str, str]:
    return write_moment(waiting.created_at), write_moment(waiting.expires_at)


def create(email: str, name: str, is_admin: bool, password: str | None) -> str:
    """Make an account, confirmed at once. Without a password: returns a link to choose one.

    Raises ``EmailInvalid``, ``EmailTaken``, ``PasswordUnsuitable``.
    """
    address = parse(email)
    if password is not None:
        password_rules.check(password, address, name)
    password_hash = hashing.hash_password(password) if password is not None else None
    with writing() as session:
        user = people.add(session, address, password_hash, name, is_admin=is_admin)
        record(session, Event.ACCOUNT_CREATED, NOBODY, user.id, admin=is_admin)
        if password is not None:
            return ""
        return links.issue(session, Purpose.CHOOSE_PASSWORD, _link_life(), user)


def invite(email: str) -> str:
    """Make an invitation for an address and mail it. Returns its link.

    Raises ``EmailInvalid``, ``EmailTaken``.
    """
    address = parse(email)
    if people.has_account(db.session(), canonicalize(address)):
        raise EmailTaken
    with writing() as session:
        link = links.issue(session, Purpose.INVITATION, _link_life(), email=address)
        outbox.enqueue(
            session, channel="mail", kind="invitation", to=address, user_id=None,
            values={"link": link, "days": settings().invitation_days},
            expires_at=now() + _link_life(),
        )  # fmt: skip
    return link


def disable(user: User) -> bool:
    """Disable an account: every session ends at its next request. False: it was already.

    Raises ``LastAdministrator``.
    """
    with writing() as session:
        administrators.refuse_if_last(session, user)
        if not _set_disabled(session, user, now()):
            return False
        record(session, Event.ACCOUNT_DISABLED, NOBODY, user.id)
        notify(session, user, "account_disabled")
        access_requests.withdraw_all(session, user)
        credentials.changed(session, user)
        return True


def enable(user: User) -> bool:
    """Let a disabled account in again. False: it was not disabled."""
    with writing() as session:
        if not _set_disabled(session, user, None):
            return False
        record(session, Event.ACCOUNT_ENABLED, NOBODY, user.id)
        notify(session, user, "account_enabled")
        return True


def _set_disabled(session: Session, user: User, at: datetime | None) -> bool:
    wanted = User.disabled_at.is_not(None) if at is None else User.disabled_at.is_(None)
    statement = update(User).where(User.id == user.id, wanted).values(disabled_at=at)
    return change_rows(session, statement) == 1


def reset_two_factor(user: User) -> bool:
    """Turn two-factor sign-in off and remove every number, for a person who lost them all.

    False: there was nothing to reset.
    """
    with writing() as session:
        gone = change_rows(session, delete(Phone).where(Phone.user_id == user.id))
        turned_off = change_rows(session, update(User)
            .where(
                User.id == user.id,
                User.two_factor_enabled | User.email_way_barred_at.is_not(None)
                | User.email_way_disabled_at.is_not(None),
            )
            .values(
                two_factor_enabled=False, email_way_barred_at=None, email_way_disabled_at=None,
                email_code_failures=0,
            ))  # fmt: skip
        forgotten = change_rows(
            session, delete(RememberedBrowser).where(RememberedBrowser.user_id == user.id)
        )
        if not (gone or turned_off or forgotten):
            return False
        record(session, Event.TWO_FACTOR_RESET, NOBODY, user.id)
        notify(session, user, "two_factor_reset")
        credentials.changed(session, user)
        return True


def close(user: User, password: str, client: Client) -> None:
    """Close one's own account for good.

    Raises ``CurrentPasswordIncorrect``, ``TooManyTries``, ``LastAdministrator``.
    """
    check_password(user, password, client)
    with writing() as session:
        administrators.refuse_if_last(session, user)
        record(session, Event.ACCOUNT_CLOSED, client, user.id)
        notify_address(session, user, user.email, "account_closed")
        _remove(session, user)


def describe(user: User) -> dict[str, object]:
    """All that answers "why can't Ann get in?": state, ways, latest messages and events, masked."""
    session = db.session()
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "admin": user.is_admin,
        "last_sign_in_at": user.last_sign_in_at.isoformat() if user.last_sign_in_at else "",
        "created_at": user.created_at.isoformat(),
        "disabled": user.disabled_at is not None,
        "two_factor": user.two_factor_enabled,
        "email_codes": _EMAIL_CODES[ways.email_state(session, user)],
        "phones": _phones(session, user),
        "groups": [_membership(member) for member in groups.list_of(user)],
        "apps": [{"app": card.name} for card in own_apps.list_own(user).rows],
        "let_in": [_own_grant(grant) for grant in grants.list_of_person(user)],
        "asked_for": [_request(asked) for asked in access_requests.list_of(user)],
        "sessions": len(login_sessions.list_live(user)),
        "messages": _latest_messages(session, user),
        "activity": _latest_events(session, user),
    }


def delete_account(user: User) -> None:
    """Delete a person's account for good. Raises ``LastAdministrator``."""
    with writing() as session:
        administrators.refuse_if_last(session, user)
        record(session, Event.ACCOUNT_DELETED, NOBODY, user.id)
        notify(session, user, "account_closed")
        _remove(session, user)


def _remove(session: Session, user: User) -> None:
    """Remove the person and all that tells of them; of events stays that they happened.

    Messages on their way, which may be notices of what a thief did, still go out.
    """
    session.flush()
    change_rows(session, update(Activity)
        .where(Activity.user_id == user.id)
        .values(user_id=None, address="", user_agent=""))  # fmt: skip
    own = Message.user_id == user.id
    change_rows(session, delete(Message).where(own, Message.payload.is_(None)))
    change_rows(session, update(Message).where(own).values(user_id=None, destination_masked=""))
    change_rows(session, delete(EmailLink).where(EmailLink.email == user.email))
    again = Registration.email_canonical == user.email_canonical
    change_rows(session, delete(Registration).where(again))
    change_rows(session, delete(User).where(User.id == user.id))
    registry.touch(session)  # grants and memberships go with the person


def _phones(session: Session, user: User) -> list[dict[str, object]]:
    phones = session.scalars(select(Phone).where(Phone.user_id == user.id).order_by(Phone.id))
    return [
        {
            "number": str(mask_number(phone.number)),
            "primary": phone.is_primary,
            "disabled": phone.disabled_at is not None,
        }
        for phone in phones
    ]


def _membership(member: GroupMember) -> dict[str, object]:
    return {"group": member.group.name, "manager": "manager" if member.is_manager else ""}


def _own_grant(grant: AppGrant) -> dict[str, object]:
    return {"app": grant.app.name, "until": str(last_day(grant.expires_at) or "for good")}


def _request(asked: AccessRequest) -> dict[str, object]:
    answers = {None: "waiting", True: "approved", False: "declined"}
    return {
        "at": asked.created_at.isoformat(), "app": asked.app.name, "reason": asked.reason,
        "answer": answers[asked.approved],
    }  # fmt: skip


def _latest_messages(session: Session, user: User) -> list[dict[str, object]]:
    rows = session.scalars(
        select(Message).where(Message.user_id == user.id).order_by(Message.id.desc()).limit(10)
    )
    return [
        {
            "at": row.created_at.isoformat(), "channel": row.channel, "kind": row.kind,
            "to": row.destination_masked, "state": row.state, "reason": row.reason,
            "provider_code": row.provider_code,
        }
        for row in rows
    ]  # fmt: skip


def _latest_events(session: Session, user: User) -> list[dict[str, object]]:
    rows = session.scalars(
        select(Activity).where(Activity.user_id == user.id).order_by(Activity.id.desc()).limit(20)
    )
    return [
        {"at": row.at.isoformat(), "event": row.event, "address": row.address, **row.details}
        for row in rows
    ]


def _link_life() -> timedelta:
    return timedelta(days=settings().invitation_days)
