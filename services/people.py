"""Finding a person by the address that somebody typed, and adding one."""

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from extensions import db
from models import User
from services.clock import now
from services.emails import canonicalize, parse
from services.errors import EmailInvalid, EmailTaken
from services.errors_apps import PersonUnknown


def find_by_email(email: str, field: str = "email") -> User:
    """The account of an address; refusals are shown at ``field``.

    Raises ``EmailInvalid``, ``PersonUnknown``.
    """
    try:
        canonical = canonicalize(parse(email))
    except EmailInvalid as refusal:
        refusal.field = field
        raise
    user = db.session.scalar(select(User).where(User.email_canonical == canonical))
    if user is None:
        raise PersonUnknown(field)
    return user


def add(
    session: Session, email: str, password_hash: str | None, name: str, *, is_admin: bool = False
) -> User:
    """Add an account in the caller's transaction, which goes on whatever happens.

    ``email`` is an address that was proved, or that the operator stands for. Raises ``EmailTaken``.
    """
    user = User(
        email=email, email_canonical=canonicalize(email), name=name.strip()[:100],
        password_hash=password_hash, password_changed_at=now() if password_hash else None,
        is_admin=is_admin, epoch=1, created_at=now(),
    )  # fmt: skip
    try:
        with session.begin_nested():
            session.add(user)
    except IntegrityError as error:
        raise EmailTaken from error
    return user
