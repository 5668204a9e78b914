"""A person's phone numbers: start adding or changing one, confirm it by code, make it
primary, remove it. A number counts for nothing until its code was entered.
"""

from dataclasses import dataclass

import phonenumbers
from phonenumbers import PhoneNumberType
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from extensions import change_rows, db, settings, writing
from models import Challenge, LoginSession, Phone, User
from services import challenges, codes, credentials, number_limits, ways
from services.audit import Client, Event, record
from services.challenges import Purpose, Reference
from services.clock import now
from services.errors import LastWay, NotFound
from services.errors_codes import NothingSent
from services.errors_numbers import (
    CountryNotAllowed,
    NumberAlreadyYours,
    NumberInvalid,
    NumberUnsuitable,
    TextsOff,
    TooManyNumbers,
)
from services.notices import notify, notify_old_number

MOST_NUMBERS = 5
LONGEST_INPUT = 40

SUITABLE = {
    PhoneNumberType.MOBILE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE,
    PhoneNumberType.UNKNOWN,
}
"""Everything else is refused before a text is paid for: landlines, premium, shared cost, VoIP."""


def parse_number(text: str) -> str:
    """The E.164 form of what a person typed, read in the operator's country unless it has its own.

    Raises ``NumberInvalid``, ``NumberUnsuitable``, ``CountryNotAllowed``.
    """
    try:
        parsed = phonenumbers.parse(text[:LONGEST_INPUT], settings().default_region)
    except phonenumbers.NumberParseException as error:
        raise NumberInvalid from error
    if not phonenumbers.is_valid_number(parsed) or parsed.extension:
        raise NumberInvalid
    if phonenumbers.number_type(parsed) not in SUITABLE:
        raise NumberUnsuitable
    allowed = settings().sms_countries
    if allowed and phonenumbers.region_code_for_number(parsed) not in allowed:
        raise CountryNotAllowed
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def format_for_people(number: str) -> str:
    """An E.164 number as people write it, in its international form."""
    parsed = phonenumbers.parse(number)
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


@dataclass(frozen=True)
class PhoneShown:
    """A number as its own person sees it, whole."""

    id: int
    number_shown: str
    is_primary: bool
    disabled: bool


def list_shown(user: User) -> list[PhoneShown]:
    """The person's numbers, the primary one first."""
    rows = db.session.scalars(
        select(Phone).where(Phone.user_id == user.id).order_by(Phone.is_primary.desc(), Phone.id)
    )
    return [_describe(row) for row in rows]


def show(user: User, phone_id: int) -> PhoneShown:
    """One of the person's own numbers. Raises ``NotFound``."""
    return _describe(find(user, phone_id))


def find(user: User, phone_id: int) -> Phone:
    """One of the person's own numbers. Raises ``NotFound``."""
    phone = db.session.scalar(select(Phone).where(Phone.id == phone_id, Phone.user_id == user.id))
    if phone is None:
        raise NotFound
    return phone


def start_adding(user: User, text: str, replaces: Reference | None, client: Client) -> Reference:
    """Send a code to a number to be added; ``replaces`` is this browser's earlier attempt.

    The same number again, on the heels of the first, goes on with the code that was sent.
    Raises what ``parse_number`` raises, ``NumberAlreadyYours``, ``TooManyNumbers``,
    ``TextsOff`` and the limits' refusals.
    """
    return _start_proving(user, Purpose.ADD_PHONE, text, replaces, None, client)


def start_changing(
    user: User, phone_id: int, text: str, replaces: Reference | None, client: Client
) -> Reference:
    """Send a code to the number that is to replace one of the person's own; as ``start_adding``."""
    return _start_proving(user, Purpose.CHANGE_PHONE, text, replaces, find(user, phone_id), client)


def resend(user: User, purpose: Purpose, reference: Reference | None, client: Client) -> Reference:
    """Send the code again to the number being proved; after its end, a new one.

    Raises ``NothingSent`` and the limits' refusals.
    """
    with codes.counting(user, client) as session:
        challenges.hold(session, reference)
        challenge = challenges.find(session, user, purpose, reference)
        if challenge is None or reference is None or challenge.consumed_at is not None:
            raise NothingSent
        if challenges.find_live(session, user, purpose, reference) is None:
            challenge, reference = challenges.issue(
                session, user, purpose, reference,
                destination=challenge.destination, phone_id=challenge.phone_id,
            )  # fmt: skip
        _count_and_send(session, user, challenge, reference, client)
    return reference


def destination_of(user: User, purpose: Purpose, reference: Reference | None) -> str:
    """The number being proved, or "" where none is."""
    challenge = challenges.find(db.session(), user, purpose, reference)
    return challenge.destination if challenge else ""


def confirm(
    user: User,
    purpose: Purpose,
    reference: Reference | None,
    code: str,
    acting: LoginSession,
    client: Client,
) -> str:
    """Enter the code of a number: it is added, or takes the place of the one to be changed.

    The number comes from the challenge's row alone. Returns the acting session's
    new token. Raises what ``challenges.check_code`` raises, ``NumberAlreadyYours``.
    """
    challenge = challenges.check_code(user, purpose, reference, code, client)
    try:
        with writing() as session:
            challenges.use_up(session, user, challenge)
            codes.give_back_sends(session, user, challenge, challenge.destination)
            if purpose is Purpose.ADD_PHONE:
                _add(session, user, challenge.destination, client)
            else:
                _replace(session, user, challenge, client)
            token = credentials.changed(session, user, acting)
            number_limits.give_back(session, user, challenge, client)
            return token
    except IntegrityError as error:
        raise NumberAlreadyYours from error


def make_primary(user: User, phone_id: int, acting: LoginSession, client: Client) -> str:
    """Make this number the usual one. Returns the session's new token.

    Raises ``NotFound``, ``TooManyChanges``.
    """
    find(user, phone_id)
    with writing() as session:
        credentials.count_change(session, user)
        _set_primary(session, user, phone_id)
        record(session, Event.PHONE_MADE_PRIMARY, client, user.id)
        return credentials.changed(session, user, acting)


def remove(user: User, phone_id: int, acting: LoginSession, client: Client) -> str:
    """Remove a number. Returns the acting session's new token. Raises ``NotFound``, ``LastWay``."""
    with writing() as session:
        person = credentials.lock_person(session, user)
        number = session.execute(
            delete(Phone)
            .where(Phone.id == phone_id, Phone.user_id == user.id)
            .returning(Phone.number)
            .execution_options(synchronize_session=False)
        ).scalar_one_or_none()
        if number is None:
            raise NotFound
        if ways.second_step_due(person) and not ways.usable(session, person):
            raise LastWay(may_turn_off=not settings().require_two_factor)
        _promote_if_none_is_primary(session, user)
        record(session, Event.PHONE_REMOVED, client, user.id, ending=number[-2:])
        notify(session, user, "phone_removed", ending=number[-2:])
        notify_old_number(session, user, number)
        return credentials.changed(session, user, acting)


def _describe(phone: Phone) -> PhoneShown:
    shown = format_for_people(phone.number)
    return PhoneShown(phone.id, shown, phone.is_primary, phone.disabled_at is not None)


def _start_proving(
    user: User,
    purpose: Purpose,
    text: str,
    replaces: Reference | None,
    old: Phone | None,
    client: Client,
) -> Reference:
    if not settings().sends_texts:
        raise TextsOff
    number = parse_number(text)
    with codes.counting(user, client) as session:
        challenges.hold(session, replaces)
        _refuse_unless_addable(session, user, number, old)
        current = challenges.find_live(session, user, purpose, replaces)
        same = (
            current
            and current.destination == number
            and current.phone_id == (old.id if old else None)
        )
        if current and replaces and same:
            if codes.was_just_sent(session, user, current, number):
                return replaces
            challenge, reference = current, replaces
        else:
            challenge, reference = challenges.issue(
                session,
                user,
                purpose,
                replaces,
                destination=number,
                phone_id=old.id if old else None,
            )
        _count_and_send(session, user, challenge, reference, client)
    return reference


def _count_and_send(
    session: Session, user: User, challenge: Challenge, reference: Reference, client: Client
) -> None:
    codes.send_to_prove(session, user, challenge, reference, client)
    number_limits.take(session, user, challenge, client)


def _refuse_unless_addable(session: Session, user: User, number: str, old: Phone | None) -> None:
    held = list(session.scalars(select(Phone.number).where(Phone.user_id == user.id)))
    if number in held:
        raise NumberAlreadyYours
    if old is None and len(held) >= MOST_NUMBERS:
        raise TooManyNumbers


def _add(session: Session, user: User, number: str, client: Client) -> None:
    person = credentials.lock_person(session, user)
    held = (
        session.scalar(select(func.count()).select_from(Phone).where(Phone.user_id == user.id)) or 0
    )
    if held >= MOST_NUMBERS:
        raise TooManyNumbers
    session.add(Phone(user_id=person.id, number=number, is_primary=held == 0, created_at=now()))
    session.flush()
    record(session, Event.PHONE_ADDED, client, user.id, ending=number[-2:])
    notify(session, person, "phone_added", ending=number[-2:])


def _replace(session: Session, user: User, challenge: Challenge, client: Client) -> None:
    old = (
        session.get(Phone, challenge.phone_id, populate_existing=True)
        if challenge.phone_id
        else None
    )
    if old is None or old.user_id != user.id:
        raise NotFound
    old_number, number = old.number, challenge.destination
    change_rows(
        session,
        update(Phone)
        .where(Phone.id == old.id)
        .values(number=number, code_failures=0, disabled_at=None, created_at=now()),
    )
    record(
        session,
        Event.PHONE_CHANGED,
        client,
        user.id,
        ending=old_number[-2:],
        new_ending=number[-2:],
    )
    notify(session, user, "phone_changed", ending=old_number[-2:], new_ending=number[-2:])
    notify_old_number(session, user, old_number)


def _set_primary(session: Session, user: User, phone_id: int) -> None:
    for is_primary, condition in ((False, Phone.id != phone_id), (True, Phone.id == phone_id)):
        change_rows(
            session,
            update(Phone).where(Phone.user_id == user.id, condition).values(is_primary=is_primary),
        )


def _promote_if_none_is_primary(session: Session, user: User) -> None:
    rows = session.execute(
        select(Phone.id, Phone.is_primary)
        .where(Phone.user_id == user.id)
        .order_by(Phone.is_primary.desc(), Phone.id)
    ).all()
    if rows and not rows[0].is_primary:
        _set_primary(session, user, rows[0].id)
