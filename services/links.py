"""Links that are mailed or printed: a signed token and a row, good for one purpose, once.

The signature keeps guesses away from the database; the row makes it single-use.
"""

from datetime import timedelta
from enum import StrEnum

from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from extensions import change_rows, settings
from models import EmailLink, Registration, User
from services.clock import now
from services.errors import LinkInvalid
from services.sealing import signing_keys
from services.tokens import digest, new_token


class Purpose(StrEnum):
    """What a link is for; a link of one purpose is nothing in any other place."""

    CONFIRM_EMAIL = "confirm_email"
    CHANGE_EMAIL = "change_email"
    RESET_PASSWORD = "reset_password"
    CHOOSE_PASSWORD = "choose_password"
    INVITATION = "invitation"


PATHS = {
    Purpose.CONFIRM_EMAIL: "/confirm-email/",
    Purpose.CHANGE_EMAIL: "/confirm-email/",
    Purpose.RESET_PASSWORD: "/reset-password/",
    Purpose.CHOOSE_PASSWORD: "/reset-password/",
    Purpose.INVITATION: "/register?invitation=",
}


def issue(
    session: Session,
    purpose: Purpose,
    life: timedelta,
    user: User | None = None,
    email: str = "",
    registration: Registration | None = None,
) -> str:
    """Make a link in the caller's transaction; returns the whole address to open.

    A registration's link proves the address that stands there now.
    """
    token = new_token(256)
    session.add(
        EmailLink(
            token_digest=digest(token), purpose=purpose.value, created_at=now(),
            user_id=user.id if user else None, epoch=user.epoch if user else 0,
            registration_id=registration.id if registration else None,
            email=registration.email if registration else email, expires_at=now() + life,
        )
    )  # fmt: skip
    return settings().base_url + PATHS[purpose] + _serializer(purpose).dumps(token)


def find(session: Session, signed: str, *purposes: Purpose) -> EmailLink:
    """The live link behind a token of one of these purposes. Raises ``LinkInvalid``."""
    for purpose in purposes:
        try:
            token = _serializer(purpose).loads(signed)
        except BadSignature:
            continue
        link = session.scalar(
            select(EmailLink)
            .where(EmailLink.token_digest == digest(token), EmailLink.purpose == purpose.value)
            .execution_options(populate_existing=True)
        )
        if link and link.used_at is None and link.expires_at > now():
            return link
    raise LinkInvalid


def use_up(session: Session, link: EmailLink) -> None:
    """Spend the link and its siblings in the caller's transaction. Raises ``LinkInvalid``."""
    spent = change_rows(
        session,
        update(EmailLink)
        .where(EmailLink.id == link.id, EmailLink.used_at.is_(None), EmailLink.expires_at > now())
        .values(used_at=now()),
    )
    if spent != 1:
        raise LinkInvalid
    if link.user_id is not None:
        revoke(session, link.user_id, Purpose(link.purpose))


def revoke(session: Session, user_id: int, *purposes: Purpose) -> None:
    """End every unused link of a person that has one of these purposes."""
    change_rows(
        session,
        delete(EmailLink).where(
            EmailLink.user_id == user_id,
            EmailLink.purpose.in_([purpose.value for purpose in purposes]),
            EmailLink.used_at.is_(None),
        ),
    )


def revoke_of_registration(session: Session, registration_id: int) -> None:
    """End every link that confirms a registration."""
    change_rows(session, delete(EmailLink).where(EmailLink.registration_id == registration_id))


def _serializer(purpose: Purpose) -> URLSafeSerializer:
    return URLSafeSerializer(signing_keys(), salt=f"gatepost link {purpose.value}")
