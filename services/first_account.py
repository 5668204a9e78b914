"""The portal's first account, an administrator's, made with a token that the log shows."""

import hashlib
import hmac

from sqlalchemy import exists, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from extensions import db, end_reading, settings, writing
from models import EmailLink, User
from services import hashing, password_rules, people
from services.audit import Client, Event, record
from services.clock import now
from services.errors import LinkInvalid, SetupTokenIncorrect
from services.sealing import derive_key


def is_empty() -> bool:
    """Whether nobody has an account yet."""
    return not db.session.scalar(select(exists().where(User.id > 0)))


def setup_token() -> str:
    """The token that the log shows while the portal is empty: the same in every process."""
    return derive_key(b"gatepost setup", settings().secret_key).hex()[:32]


def set_up(token: str, email: str, password: str, name: str, client: Client) -> None:
    """Make the first account, an administrator's, confirmed at once. Works one time.

    Raises ``SetupTokenIncorrect``, ``LinkInvalid`` (set up already), and what
    ``password_rules.check_account`` raises.
    """
    if not hmac.compare_digest(token.strip().encode(), setup_token().encode()):
        raise SetupTokenIncorrect
    address = password_rules.check_account(email, password, name)
    if not is_empty():
        raise LinkInvalid
    end_reading()
    password_hash = hashing.hash_password(password)
    with writing() as session:
        _spend_setup_token(session)
        user = people.add(session, address, password_hash, name, is_admin=True)
        record(session, Event.ACCOUNT_CREATED, client, user.id, how="setup")


def _spend_setup_token(session: Session) -> None:
    spent = EmailLink(
        token_digest=hashlib.sha256(setup_token().encode()).hexdigest(), purpose="setup",
        created_at=now(), expires_at=now(), used_at=now(),
    )  # fmt: skip
    try:
        with session.begin_nested():
            session.add(spent)
    except IntegrityError as error:
        raise LinkInvalid from error
