"""Finding a person by the address that somebody typed."""

from sqlalchemy import select

from extensions import db
from models import User
from services.emails import canonicalize, parse
from services.errors import EmailInvalid
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
