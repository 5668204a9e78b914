"""Finding people, by the address that somebody typed or all of them; adding and naming one."""

import unicodedata
from collections.abc import Iterator

from sqlalchemy import exists, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from extensions import change_rows, db, settings, writing
from models import User
from services import limits
from services.audit import Client, Event, record
from services.clock import now
from services.emails import canonicalize, parse
from services.errors import EmailInvalid, EmailTaken, NameUnsuitable
from services.errors_apps import PersonUnknown
from services.limits import HOUR, Window
from services.listing import read_all

LONGEST_NAME = 100

_JOINERS = "\u200c\u200d"
"""Not to be seen, but part of how names are written in Persian and in Indic scripts."""


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


def rename(user: User, name: str, client: Client) -> None:
    """Change what the person is called ("" = nothing), up to ``LONGEST_NAME`` characters.

    Raises ``NameUnsuitable``, and ``TooManyTries``: each change is an event, which must not bury
    the others.
    """
    check_name(name)
    wanted = _cut(name)
    rule = Window("name_changes_hour", settings().name_changes_per_hour, HOUR)
    with writing() as session:
        limits.take(session, [(rule, str(user.id))])
        changed = change_rows(
            session,
            update(User).where(User.id == user.id, User.name != wanted).values(name=wanted),
        )
        if changed:
            record(session, Event.NAME_CHANGED, client, user.id)


def check_name(name: str) -> None:
    """Raises ``NameUnsuitable`` for what administrators could take for somebody's address."""
    if "@" in unicodedata.normalize("NFKC", name):
        raise NameUnsuitable


def has_account(session: Session, canonical: str) -> bool:
    """Whether a canonical address has an account."""
    return bool(session.scalar(select(exists().where(User.email_canonical == canonical))))


def list_all() -> Iterator[User]:
    """Everybody with an account, the oldest account first; read a step at a time, by keyset."""
    return read_all(select(User), User.id)


def add(
    session: Session, email: str, password_hash: str | None, name: str, *, is_admin: bool = False
) -> User:
    """Add an account in the caller's transaction, which goes on whatever happens.

    ``email`` is an address that was proved, or that the operator stands for. Raises ``EmailTaken``.
    """
    user = User(
        email=email, email_canonical=canonicalize(email), name=_cut(name),
        password_hash=password_hash, password_changed_at=now() if password_hash else None,
        is_admin=is_admin, epoch=1, created_at=now(),
    )  # fmt: skip
    try:
        with session.begin_nested():
            session.add(user)
    except IntegrityError as error:
        raise EmailTaken from error
    return user


def _cut(name: str) -> str:
    return tidy(tidy(name)[:LONGEST_NAME])


def tidy(words: str) -> str:
    """One line, of which everything can be seen: it stands in mails to others."""
    visible = "".join(c if c.isprintable() or c in _JOINERS else " " for c in words)
    return " ".join(visible.split()).strip(_JOINERS)
