"""The ways a security code may travel: the person's own confirmed phones, and email."""

from dataclasses import dataclass
from enum import StrEnum

from flask_babel import LazyString, lazy_gettext
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from extensions import settings
from models import Phone, User
from services.errors_codes import WayClosed, WayUnavailable
from services.masking import mask_email, mask_number

EMAIL = "email"

_PHONES = (
    select(Phone)
    .where(Phone.user_id == bindparam("of_user"))
    .order_by(Phone.is_primary.desc(), Phone.id)
)


class EmailState(StrEnum):
    """Whether codes can come by email now, and why not."""

    OPEN = "open"
    BARRED = "barred"
    """After a password reset by mail, until another way was used."""
    DISABLED = "disabled"
    """After too many wrong codes in a row."""


@dataclass(frozen=True)
class Way:
    """One way: ``id`` is what forms post (``phone:<id>`` or ``email``)."""

    id: str
    channel: str
    to: str
    phone_id: int | None = None

    @property
    def sent_to(self) -> "str | LazyString":
        """The destination, masked, as in "We sent a code to …"."""
        return mask_number(self.to) if self.channel == "sms" else mask_email(self.to)

    @property
    def label(self) -> LazyString:
        """The choice as it reads on the page."""
        if self.channel == "sms":
            return lazy_gettext("By text message to %(where)s", where=self.sent_to)
        return lazy_gettext("By email to %(where)s", where=self.sent_to)


def usable(session: Session, user: User) -> list[Way]:
    """Every way this person can use now, the usual one first."""
    phones = _phones(session, user)
    return [*_phone_ways(phones), *_email_ways(user, bool(phones))]


def email_state(session: Session, user: User) -> EmailState:
    """Whether this person's codes can come by email now."""
    barred = user.email_way_barred_at is not None
    return _email_state(user, barred and bool(_phones(session, user)))


def find(session: Session, user: User, way_id: str) -> Way:
    """The person's own usable way of this id. Raises ``WayUnavailable``."""
    for way in usable(session, user):
        if way.id == way_id:
            return way
    raise WayUnavailable


def of_challenge(session: Session, user: User, phone_id: int | None) -> Way:
    """The way that a challenge's code went last. Raises ``WayClosed`` where it may no longer."""
    try:
        return find(session, user, f"phone:{phone_id}" if phone_id else EMAIL)
    except WayUnavailable as error:
        raise WayClosed from error


def second_step_due(user: User) -> bool:
    """Whether this person signs in with a second step."""
    return user.two_factor_enabled or settings().require_two_factor


def _phones(session: Session, user: User) -> list[Phone]:
    if not settings().sends_texts:
        return []
    return list(session.scalars(_PHONES, {"of_user": user.id}))


def _phone_ways(phones: list[Phone]) -> list[Way]:
    return [
        Way(f"phone:{phone.id}", "sms", phone.number, phone.id)
        for phone in phones
        if phone.disabled_at is None
    ]


def _email_ways(user: User, has_other: bool) -> list[Way]:
    is_open = _email_state(user, has_other) is EmailState.OPEN
    return [Way(EMAIL, "mail", user.email)] if is_open else []


def _email_state(user: User, has_other: bool) -> EmailState:
    """A stolen mailbox must not be enough: after a reset by mail another way comes first.

    One that was disabled still counts: or a hundred wrong codes would open the mailbox's way.
    """
    if user.email_way_disabled_at is not None:
        return EmailState.DISABLED
    barred = user.email_way_barred_at is not None and has_other
    return EmailState.BARRED if barred else EmailState.OPEN
