"""How often a password may be guessed: lanes for accounts, known browsers and networks.

An unknown browser's tries count for the canonical account, known or not, and once they
were wrong for its network, too. A known browser has a lane of its own, so that strangers
keep no owner out. Knows nothing of passwords and hashes.
"""

from sqlalchemy.orm import Session

from extensions import end_reading, settings, writing
from models import User
from services import limits
from services.addresses import network_of
from services.audit import Client, Event, record
from services.limits import DAY, HOUR, Place, Wait, Window

FIVE_MINUTES = 300


def reserve_try(canonical: str, lane: str, client: Client) -> None:
    """Count the try before hashing, so that parallel guesses cannot outrun the count.

    ``lane`` is that of ``browsers.known_lane``. Raises ``TooManyTries``.
    """
    end_reading()
    with writing() as session:
        if lane:
            limits.take(session, _known_places(lane))
        else:
            limits.check(session, _failure_places(canonical, client))
            limits.begin_wait(session, _account_rule(), canonical)


def give_try_back(session: Session, canonical: str, lane: str) -> None:
    """The try was no wrong password: it no longer counts."""
    if lane:
        limits.give_back(session, _known_places(lane))
    else:
        limits.undo_wait(session, _account_rule(), canonical)


def count_failure(user: User | None, canonical: str, lane: str, client: Client) -> None:
    """A known browser's mistakes are its own lane's, and not its whole office's."""
    with writing() as session:
        if not lane:
            limits.note(session, _failure_places(canonical, client))
        record(session, Event.PASSWORD_INCORRECT, client, user.id if user else None)


def own_places(name: str, subject: str) -> list[Place]:
    """Where tries count that come from a browser, or a session, of the person's own."""
    numbers = settings()
    return [
        (Window(name, numbers.known_browser_fails_per_5_minutes, FIVE_MINUTES), subject),
        (Window(f"{name}_hour", numbers.password_fails_per_hour, HOUR), subject),
        (Window(f"{name}_day", numbers.password_fails_per_day, DAY), subject),
    ]


def _failure_places(canonical: str, client: Client) -> list[Place]:
    """Where a wrong password from an unknown browser counts, once it was found wrong.

    The account's hour and day are for guesses that are too slow for its waits to begin.
    """
    numbers = settings()
    of_address = numbers.password_fails_per_address_per_5_minutes
    return [
        (Window("password_fails_address", of_address, FIVE_MINUTES), network_of(client.address)),
        (Window("password_fails_hour", numbers.password_fails_per_hour, HOUR), canonical),
        (Window("password_fails_day", numbers.password_fails_per_day, DAY), canonical),
    ]


def _known_places(lane: str) -> list[Place]:
    """The hour and the day are for who copied the cookie and guesses slowly."""
    return own_places("password_fails_known", lane)


def _account_rule() -> Wait:
    numbers = settings()
    return Wait(
        "password_fails_account", numbers.password_fails_per_5_minutes,
        numbers.password_wait_seconds, numbers.password_wait_most_seconds,
        memory=FIVE_MINUTES, grudge=DAY,
    )  # fmt: skip
