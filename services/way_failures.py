"""Wrong codes in a row, by the way they travelled: a person's phone, or their email.

A way whose codes are guessed at for so long is closed, and its person told. Knows
nothing of what a code is.
"""

from sqlalchemy import bindparam, func, literal, select, update
from sqlalchemy.orm import Session

from extensions import change_rows, settings
from models import Challenge, Phone, User
from services.audit import Client, Event, record
from services.clock import now
from services.notices import notify

_ITS_PHONE = select(Challenge.phone_id).where(Challenge.id == bindparam("of_id")).scalar_subquery()
_COUNT_FAILURE_OF_PHONE = (
    update(Phone)
    .where(Phone.id == _ITS_PHONE, Phone.user_id == bindparam("of_user"))
    .values(code_failures=Phone.code_failures + 1)
)
_COUNT_FAILURE_OF_EMAIL = (
    update(User)
    .where(User.id == bindparam("of_user"))
    .values(email_code_failures=User.email_code_failures + 1)
)
_FORGET_FAILURES_OF_PHONE = (
    update(Phone).where(Phone.id == bindparam("of_phone")).values(code_failures=0)
)
_FORGET_FAILURES_OF_EMAIL = (
    update(User).where(User.id == bindparam("of_user")).values(email_code_failures=0)
)
_DISABLE_PHONE = (
    update(Phone)
    .where(
        Phone.id == bindparam("of_id"),
        Phone.disabled_at.is_(None),
        Phone.code_failures >= bindparam("most"),
    )
    .values(disabled_at=bindparam("moment"))
    .returning(func.substr(Phone.number, func.length(Phone.number) - 1))
)
_DISABLE_EMAIL = (
    update(User)
    .where(
        User.id == bindparam("of_id"),
        User.email_way_disabled_at.is_(None),
        User.email_code_failures >= bindparam("most"),
    )
    .values(email_way_disabled_at=bindparam("moment"))
    .returning(literal("email"))
)


def count(session: Session, user: User, challenge_id: int) -> None:
    """Count a try as a failure in a row of the way its code came, until a right one follows."""
    values = {"of_id": challenge_id, "of_user": user.id}
    if change_rows(session, _COUNT_FAILURE_OF_PHONE, values) == 0:
        change_rows(session, _COUNT_FAILURE_OF_EMAIL, {"of_user": user.id})


def forget(session: Session, user: User, challenge: Challenge) -> None:
    """The code was right: set the row of failures of its way back to none."""
    if challenge.phone_id is None:
        change_rows(session, _FORGET_FAILURES_OF_EMAIL, {"of_user": user.id})
    else:
        change_rows(session, _FORGET_FAILURES_OF_PHONE, {"of_phone": challenge.phone_id})


def disable_if_hopeless(session: Session, user: User, challenge: Challenge, client: Client) -> None:
    """Close the challenge's way after as many failures as the settings allow, and tell the person.

    By then somebody is guessing.
    """
    by_phone = challenge.phone_id is not None
    values = {
        "of_id": challenge.phone_id if by_phone else user.id,
        "most": settings().code_failures_in_a_row, "moment": now(),
    }  # fmt: skip
    statement = _DISABLE_PHONE if by_phone else _DISABLE_EMAIL
    disabled = session.connection().execute(statement, values).scalar_one_or_none()
    if disabled is not None:
        record(session, Event.WAY_DISABLED, client, user.id, way="phone" if by_phone else "email")
        notify(session, user, "way_disabled", ending=disabled)
