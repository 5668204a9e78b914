"""Limits on texts by the numbers they go to: where the bill can be run up.

Numbers that nobody has proved yet: by person, network address, number prefix, country
and the whole portal; and a breaker, which pauses a prefix or country whose codes are
hardly ever entered (the mark of SMS pumping). Proven numbers: by number, over all the
accounts that have it, and the whole portal. Counts in the caller's transaction.
"""

import hashlib
from datetime import timedelta

import phonenumbers
from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from extensions import change_rows, settings
from models import Challenge, NumberTrial, Phone, User
from services import alerts, limits
from services.addresses import network_of
from services.audit import Client, Event, record
from services.clock import now
from services.errors import TooManyTries
from services.errors_codes import TextsPaused, TooManyMessages
from services.limits import DAY, HOUR, Place, Window

PREFIX_HIDES = 4
"""A prefix is the number without its last so many digits."""
LEAST_PROVEN_TEXTS = 50
"""Texts to proven numbers that the smallest portal has in a day."""

_COUNT_NUMBERS = select(func.count()).select_from(
    select(Phone.number).distinct().limit(bindparam("enough")).subquery()
)


def take(session: Session, user: User, challenge: Challenge, client: Client) -> None:
    """Count one text to the challenge's unproven number.

    Raises ``TooManyMessages`` (this person, address or prefix) and ``TextsPaused``
    (the country or the portal has had its share, or the breaker is open). What
    everybody shares comes last, here and in ``give_back``: nobody holds it while
    waiting for anything else, so that no two transactions wait for each other.
    """
    number = challenge.destination
    _refuse_where_paused(session, number)
    try:
        if limits.count(session, _seen(), f"{user.id} {number}") == 1:
            limits.take(session, _new_number_places(user, client))
        limits.take(session, [*_prefix_places(number), _proofs_of(number)])
    except TooManyTries as error:
        raise TooManyMessages(error.retry_after or 1, error.rule) from error
    _note_trial(session, challenge)
    try:
        limits.take(session, _portal_places(number))
    except TooManyTries as error:
        raise TextsPaused(error.retry_after or 1, error.rule) from error


def give_back(session: Session, user: User, challenge: Challenge, client: Client) -> None:
    """The number was proved: its places are free again, and the breaker hears of it."""
    number = challenge.destination
    limits.clear(session, _seen(), f"{user.id} {number}")
    limits.give_back(session, _new_number_places(user, client))
    limits.give_back(session, _prefix_places(number), challenge.sends)
    change_rows(
        session,
        update(NumberTrial).where(NumberTrial.challenge_id == challenge.id).values(entered=True),
    )
    limits.give_back(session, _portal_places(number), challenge.sends)


def proven_places(number: str) -> list[Place]:
    """What a text to a proven number counts for, beside its person's own limits.

    By number, so that several accounts with the same one have no more than one of them.
    Rows are taken by name, and given back in that order too: the person's ``sends_…``, these,
    then the portal's.
    """
    return [
        (Window("sends_to_number_day", settings().proven_number_per_day, DAY), number),
        (Window("sends_to_number_day_in_all", settings().number_per_day_in_all, DAY), number),
    ]


def take_proven_share(session: Session) -> None:
    """Count one text to a proven number for the whole portal, last of all as in ``take``.

    Raises ``TextsPaused``. Where the least is not enough, no more numbers are counted than
    would allow one text more than there were.
    """
    try:
        limits.take(session, [_proven_share(LEAST_PROVEN_TEXTS)])
    except TooManyTries:
        each = settings().proven_number_portal_per_day_each
        enough = limits.uses(session, *_proven_share(0)) // max(each, 1) + 1
        share = each * session.execute(_COUNT_NUMBERS, {"enough": enough}).scalar_one()
        try:
            limits.take(session, [_proven_share(max(share, LEAST_PROVEN_TEXTS))])
        except TooManyTries as error:
            raise TextsPaused(error.retry_after or 1, error.rule) from error


def give_back_proven(session: Session, number: str, texts: int) -> None:
    """The code that came to this number was entered: its texts count no longer."""
    places = [*proven_places(number)[:1], _proven_share(LEAST_PROVEN_TEXTS)]
    limits.give_back(session, places, texts)


def country_of(number: str) -> str:
    """The two-letter country of an E.164 number, "ZZ" where unknown."""
    return phonenumbers.region_code_for_number(phonenumbers.parse(number)) or "ZZ"


def _seen() -> Window:
    return Window("number_seen", limits.UNCOUNTED, HOUR)


def _new_number_places(user: User, client: Client) -> list[Place]:
    of_person = settings().new_numbers_per_hour
    of_address = settings().new_numbers_per_address_per_hour
    return [
        (Window("new_numbers_person", of_person, HOUR), str(user.id)),
        (Window("new_numbers_address", of_address, HOUR), network_of(client.address)),
    ]


def _prefix_places(number: str) -> list[Place]:
    prefix = number[:-PREFIX_HIDES]
    return [
        (Window("prefix_10_minutes", settings().new_number_prefix_per_10_minutes, 600), prefix),
        (Window("prefix_day", settings().new_number_prefix_per_day, DAY), prefix),
    ]


def _proven_share(most: int) -> Place:
    return Window("texts_to_proven_day", most, DAY), "portal"


def _proofs_of(number: str) -> Place:
    """Never given back: who holds a number could prove it for one account after another."""
    return Window("proofs_day_in_all", settings().number_per_day_in_all, DAY), number


def _portal_places(number: str) -> list[Place]:
    numbers = settings()
    return [
        (Window("country_day", numbers.new_number_country_per_day, DAY), country_of(number)),
        (Window("new_texts_hour", numbers.new_number_portal_per_hour, HOUR), "portal"),
        (Window("new_texts_day", numbers.new_number_portal_per_day, DAY), "portal"),
    ]


def _breaker() -> Window:
    return Window("breaker", 1, settings().breaker_pause_seconds)


def _refuse_where_paused(session: Session, number: str) -> None:
    try:
        limits.check(session, [(_breaker(), value) for _column, value in _groups(number)])
    except TooManyTries as error:
        raise TextsPaused(error.retry_after or 1, error.rule) from error


def _groups(number: str) -> list[tuple["InstrumentedAttribute[str]", str]]:
    digest = hashlib.blake2b(number[:-PREFIX_HIDES].encode(), digest_size=16).hexdigest()
    return [(NumberTrial.country, country_of(number)), (NumberTrial.prefix_digest, digest)]


def _note_trial(session: Session, challenge: Challenge) -> None:
    """Write the trial down; pause its country or prefix where the latest were hopeless.

    The text at hand still goes: to refuse it would undo the pause with it.
    """
    groups = _groups(challenge.destination)
    for column, value in groups:
        _pause_if_hopeless(session, column, value)
    session.execute(
        insert(NumberTrial).values(
            challenge_id=challenge.id, country=groups[0][1], prefix_digest=groups[1][1],
            entered=False, sent_at=now(),
        )
    )  # fmt: skip


def _pause_if_hopeless(session: Session, column: "InstrumentedAttribute[str]", value: str) -> None:
    settled = now() - timedelta(seconds=settings().code_seconds)
    latest = list(
        session.scalars(
            select(NumberTrial.entered)
            .where(column == value, NumberTrial.sent_at < settled)
            .order_by(NumberTrial.sent_at.desc())
            .limit(settings().breaker_texts)
        )
    )
    if len(latest) < settings().breaker_texts:
        return
    if 100 * sum(latest) >= settings().breaker_percent * len(latest):
        return
    limits.pause(session, _breaker(), value)
    change_rows(session, delete(NumberTrial).where(column == value))
    record(session, Event.TEXTS_PAUSED, Client())
    alerts.alert_about_limit(session, _breaker().name)
