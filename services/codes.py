"""Sending security codes: to a person's own proved ways, and to a number being proved.

Everything is counted and queued in one transaction before anything is sent.
Asking again repeats the same code while it lives.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog
from flask_babel import LazyString
from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import Session

from extensions import change_rows, db, settings, writing
from models import Challenge, Message, Phone, User
from services import alerts, challenges, delivery_status, limits, number_limits, outbox, ways
from services.audit import Client, Event, record
from services.challenges import Purpose, Reference
from services.errors import TooManyTries
from services.errors_codes import (
    NothingSent,
    TextsPaused,
    TooManyMessages,
    TooManyTexts,
    TooSoonToResend,
)
from services.limits import DAY, HOUR, Place, Wait, Window
from services.masking import mask_number
from services.ways import Way

log = structlog.get_logger("gatepost.codes")

_NOTED = Window("limit_noted", 1, HOUR)

KINDS = {
    Purpose.SIGN_IN: "sign_in_code",
    Purpose.CONFIRM_IDENTITY: "identity_code",
    Purpose.ADD_PHONE: "phone_code",
    Purpose.CHANGE_PHONE: "phone_code",
}


_NOTE_SEND = (
    update(Challenge)
    .where(Challenge.id == bindparam("of_id"))
    .values(
        message_id=bindparam("message"), sends=Challenge.sends + 1, phone_id=bindparam("went_to")
    )
)


@dataclass(frozen=True)
class Progress:
    """Where a code is: what its page tells the person. Seconds; ``delivery`` None before a send.

    ``destination`` is the whole number or address, not to be shown.
    """

    channel: str
    destination: str
    sent_to: "str | LazyString"
    seconds_left: int
    resend_in: int
    delivery: delivery_status.DeliveryStatus | None


@contextmanager
def counting(user: User, client: Client) -> Iterator[Session]:
    """A write transaction for a send; where a limit undoes it, that is written down by itself.

    The operator hears of limits that stop texts for everybody, through ``alerts``.
    """
    try:
        with writing() as session:
            yield session
    except TooManyTries as refusal:
        with writing() as session:
            _note_refusal(session, user, refusal.rule, client)
            if isinstance(refusal, TextsPaused):
                alerts.alert_about_limit(session, refusal.rule)
        raise


def send(
    user: User, purpose: Purpose, reference: Reference | None, way_id: str, client: Client
) -> Reference:
    """Send the code by one of the person's own ways; a live challenge goes on, or one begins.

    A second request on the heels of the first (a double click) sends nothing and
    is no error. Raises ``WayUnavailable``, ``TooManyMessages``, ``TextsPaused``.
    """
    with counting(user, client) as session:
        challenges.hold(session, reference)
        way = ways.find(session, user, way_id)
        challenge = challenges.find_live(session, user, purpose, reference)
        same_way = challenge is not None and challenge.phone_id == way.phone_id
        if challenge and reference and same_way and was_just_sent(session, user, challenge, way.to):
            return reference
        return _send(session, user, purpose, reference, way, client)


def send_again(
    user: User, purpose: Purpose, reference: Reference | None, client: Client
) -> Reference:
    """Send the code the way it went last. Raises ``NothingSent`` and what ``send`` raises,
    and ``TooSoonToResend``.
    """
    with counting(user, client) as session:
        challenges.hold(session, reference)
        last = challenges.find(session, user, purpose, reference)
        if last is None:
            raise NothingSent
        way = ways.of_challenge(session, user, last.phone_id)
        return _send(session, user, purpose, reference, way, client)


def send_to_prove(
    session: Session, user: User, challenge: Challenge, reference: Reference, client: Client
) -> None:
    """Queue the code to the number that the challenge proves, in the caller's transaction.

    The person's limits are counted here; the number's own are the caller's.
    """
    _count_send(session, user, challenge, challenge.destination, [])
    _queue(session, user, challenge, reference, Way("", "sms", challenge.destination), client)


def was_just_sent(session: Session, user: User, challenge: Challenge, destination: str) -> bool:
    """Whether the code went there a moment ago: to ask for it again is then a double click."""
    waits = limits.waiting_seconds(session, *_gap(user, challenge, destination)) > 0
    return waits and challenge.sends > 0


def give_back_sends(session: Session, user: User, challenge: Challenge, destination: str) -> None:
    """The code was entered: its sends and the wait for its destination no longer count.

    Near the end of the caller's transaction, as it gives back what the whole portal shares.
    """
    limits.clear(session, *_gap(user, challenge, destination))
    limits.give_back(session, _person_places(user)[:2], challenge.sends)
    by_text_to_proven = challenge.phone_id is not None and not challenge.destination
    if by_text_to_proven and destination:
        number_limits.give_back_proven(session, destination, _texts_of(session, challenge))


def last_destination(session: Session, user: User, challenge: Challenge) -> str:
    """Where the challenge's code went last: a number or the person's address."""
    if challenge.destination:
        return challenge.destination
    if challenge.phone_id is None:
        return user.email
    phone = session.get(Phone, challenge.phone_id)
    return phone.number if phone else ""


def show_progress(user: User, purpose: Purpose, reference: Reference | None) -> Progress | None:
    """What the code page tells of the last send; None where nothing was sent."""
    session = db.session()
    challenge = challenges.find(session, user, purpose, reference)
    if challenge is None:
        return None
    destination = last_destination(session, user, challenge)
    message = (
        session.get(Message, challenge.message_id, populate_existing=True)
        if challenge.message_id
        else None
    )
    by_sms = bool(challenge.destination or challenge.phone_id)
    way = Way("", "sms" if by_sms else "mail", destination)
    live = challenges.is_live(user, challenge)
    return Progress(
        channel=way.channel,
        destination=destination,
        sent_to=way.sent_to,
        seconds_left=challenges.seconds_left(challenge) if live else 0,
        resend_in=limits.waiting_seconds(session, *_gap(user, challenge, destination)),
        delivery=delivery_status.describe(message) if message else None,
    )


def _note_refusal(session: Session, user: User, rule: str, client: Client) -> None:
    """Once for each limit and hour: or whoever asks on would bury what else was done."""
    if limits.try_take(session, [(_NOTED, f"{user.id} {rule}")]):
        record(session, Event.LIMIT_REACHED, client, user.id, rule=rule)
    else:
        log.info("limit_reached_again", user_id=user.id, address=client.address, rule=rule)


def _send(
    session: Session,
    user: User,
    purpose: Purpose,
    reference: Reference | None,
    way: Way,
    client: Client,
) -> Reference:
    challenge = challenges.find_live(session, user, purpose, reference)
    if challenge is None or reference is None:
        challenge, reference = challenges.issue(
            session, user, purpose, reference, phone_id=way.phone_id
        )
    by_sms = way.channel == "sms"
    of_number = number_limits.proven_places(way.to) if by_sms else []
    _count_send(session, user, challenge, way.to, of_number)
    _queue(session, user, challenge, reference, way, client)
    if by_sms:
        number_limits.take_proven_share(session)
    return reference


def _queue(
    session: Session,
    user: User,
    challenge: Challenge,
    reference: Reference,
    way: Way,
    client: Client,
) -> None:
    purpose = Purpose(challenge.purpose)
    code = challenges.derive_code(challenge, reference)
    minutes = max(1, round(challenges.seconds_left(challenge) / 60))
    message = outbox.enqueue(
        session, channel=way.channel, kind=KINDS[purpose], to=way.to, user_id=user.id,
        values={"code": code, "minutes": minutes}, expires_at=challenge.expires_at,
    )  # fmt: skip
    values = {
        "of_id": challenge.id,
        "message": message.id,
        "went_to": challenge.phone_id if challenge.destination else way.phone_id,
    }
    change_rows(session, _NOTE_SEND, values)
    where = str(mask_number(way.to)) if way.channel == "sms" else "email"
    record(session, Event.CODE_SENT, client, user.id, purpose=purpose.value, way=where)


def _texts_of(session: Session, challenge: Challenge) -> int:
    """How many texts carried the code that came by text: as a rule it was sent once."""
    if challenge.sends == 1:
        return 1
    of_the_code = select(func.count()).where(
        Message.user_id == challenge.user_id,
        Message.channel == "sms",
        Message.expires_at == challenge.expires_at,
    )
    return session.execute(of_the_code).scalar_one()


def _count_send(
    session: Session, user: User, challenge: Challenge, destination: str, of_number: list[Place]
) -> None:
    try:
        limits.begin_wait(session, *_gap(user, challenge, destination))
    except TooManyTries as error:
        raise TooSoonToResend(error.retry_after or 1, earlier=challenge.sends == 0) from error
    try:
        limits.take(session, [*_person_places(user), *of_number])
    except TooManyTries as error:
        full = error.rule in {rule.name for rule, _ in of_number}
        refusal = TooManyTexts if full else TooManyMessages
        raise refusal(error.retry_after or 1, error.rule) from error


def _gap(user: User, challenge: Challenge, destination: str) -> tuple[Wait, str]:
    """The wait between sends. That of a number to be proved is this person's with this number:
    or whoever types somebody's number would keep its owner's codes back.
    """
    first, longest = settings().send_gap_seconds, settings().send_gap_most_seconds
    waits_for = f"{user.id} {destination}" if challenge.destination else destination
    return Wait("send_gap", 1, first, longest, memory=HOUR, grudge=HOUR), waits_for


def _person_places(user: User) -> list[Place]:
    numbers, person = settings(), str(user.id)
    return [
        (Window("sends_hour", numbers.sends_per_hour, HOUR), person),
        (Window("sends_day", numbers.sends_per_day, DAY), person),
        (Window("sends_day_in_all", numbers.sends_per_day_in_all, DAY), person),
    ]
