"""The tables: columns, constraints, and questions that one row answers by itself.

Nothing here sends, decides or commits; the use cases are in ``services``.
Every time is aware UTC. Tokens stand here as SHA-256 digests only.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator

from extensions import Base


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time on every database; SQLite keeps no zone, so it is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None or dialect.name != "sqlite":
            return value
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


class User(Base):
    """A person with an account, whose address was proved: before that there is a registration."""

    __tablename__ = "users"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 (as SQLAlchemy reads it)
    # Limits, queued mails and cookies name a person: an id must never be given out again.

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254))
    email_canonical: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(100), default="")
    password_hash: Mapped[str | None] = mapped_column(String(200))
    password_changed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    is_admin: Mapped[bool] = mapped_column(default=False)
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    epoch: Mapped[int] = mapped_column(default=1)
    """Raised by every credential change; whatever carries an older one is dead."""
    two_factor_enabled: Mapped[bool] = mapped_column(default=False)
    email_way_barred_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Set by a password reset by mail, until another way was used: a mailbox is not enough."""
    email_way_disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    email_code_failures: Mapped[int] = mapped_column(default=0)
    """Wrong codes in a row since the last right one, for codes sent by email."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_sign_in_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    phones: Mapped[list["Phone"]] = relationship(
        back_populates="user", order_by="(Phone.is_primary.desc(), Phone.id)", passive_deletes=True
    )

    @property
    def label(self) -> str:
        """What to call this person: the name, or else the address."""
        return self.name or self.email

    @property
    def full_label(self) -> str:
        """Name and address, for who decides about this person: anybody can take any name."""
        return f"{self.name} ({self.email})" if self.name else self.email


class Registration(Base):
    """What somebody typed to register: no account, and no claim to the address.

    At most one for each address, the newest; made for addresses that have an account too, so
    that nobody sees a difference.
    """

    __tablename__ = "registrations"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012
    # Links name a registration.

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254))
    email_canonical: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    password_hash: Mapped[str] = mapped_column(String(200))
    browser_digest: Mapped[str] = mapped_column(String(64), index=True)
    """Of the token that the registering browser keeps."""
    contested: Mapped[bool]
    """Registered in another browser before, so password and name may be a stranger's."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class Phone(Base):
    """An authenticator: a phone number that its person has proved to hold."""

    __tablename__ = "phones"
    __table_args__ = (
        UniqueConstraint("user_id", "number"),
        Index(
            "uq_phones_primary",
            "user_id",
            unique=True,
            sqlite_where=text("is_primary"),
            postgresql_where=text("is_primary"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    number: Mapped[str] = mapped_column(String(16))
    """E.164."""
    is_primary: Mapped[bool] = mapped_column(default=False)
    code_failures: Mapped[int] = mapped_column(default=0)
    """Wrong codes in a row since the last right one, for codes sent to this number."""
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    user: Mapped[User] = relationship(back_populates="phones")


class Challenge(Base):
    """One asking for proof. The code itself is derived, never stored."""

    __tablename__ = "challenges"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012
    # Trials of numbers and cookies name a challenge.

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    purpose: Mapped[str] = mapped_column(String(20))
    destination: Mapped[str] = mapped_column(String(16), default="")
    """The number to be proved; empty where the code may travel any of the person's own ways."""
    phone_id: Mapped[int | None] = mapped_column(ForeignKey("phones.id", ondelete="SET NULL"))
    """Where the code went last (empty: by email); changing a number: the one to be replaced."""
    nonce: Mapped[bytes]
    key_id: Mapped[str] = mapped_column(String(8))
    epoch: Mapped[int]
    tries: Mapped[int] = mapped_column(default=0)
    sends: Mapped[int] = mapped_column(default=0)
    message_id: Mapped[int | None]
    """The newest message that carried the code."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    consumed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    superseded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PendingSignIn(Base):
    """Password right, second step due: not a login, and good for nothing but the second step."""

    __tablename__ = "pending_sign_ins"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    epoch: Mapped[int]
    remember_me: Mapped[bool]
    next_url: Mapped[str] = mapped_column(Text, default="")
    """Where it leads: a path of the portal, or an app's address; checked again before use."""
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    completed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When it became a login; a second click of the same form is then no error."""

    user: Mapped[User] = relationship()


class LoginSession(Base):
    """A signed-in browser, listed and revocable."""

    __tablename__ = "login_sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    epoch: Mapped[int]
    amr: Mapped[str] = mapped_column(String(60))
    """How the person signed in: RFC 8176 values, separated by spaces."""
    remember_me: Mapped[bool] = mapped_column(default=False)
    address: Mapped[str] = mapped_column(String(45), default="")
    user_agent: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    idle_seconds: Mapped[int | None]
    """Ends after so long without a request; empty with "remember me"."""
    password_proved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    second_factor_proved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    user: Mapped[User] = relationship()


class RememberedBrowser(Base):
    """A browser that skips the second step for a time."""

    __tablename__ = "remembered_browsers"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    epoch: Mapped[int]
    address: Mapped[str] = mapped_column(String(45), default="")
    user_agent: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class EmailLink(Base):
    """A link that was mailed (or printed for the operator): one purpose, one use."""

    __tablename__ = "email_links"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    registration_id: Mapped[int | None] = mapped_column(
        ForeignKey("registrations.id", ondelete="CASCADE"), index=True
    )
    purpose: Mapped[str] = mapped_column(String(20))
    email: Mapped[str] = mapped_column(String(254), default="")
    """The address that the link proves, as it is to be stored."""
    epoch: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Message(Base):
    """The outbox: a text or a mail, committed together with the change that caused it."""

    __tablename__ = "messages"
    __table_args__ = (Index("ix_messages_due", "state", "due_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    channel: Mapped[str] = mapped_column(String(4))
    """``sms`` or ``mail``."""
    kind: Mapped[str] = mapped_column(String(30))
    """The template under ``templates/messages/<channel>/``."""
    destination_masked: Mapped[str] = mapped_column(String(80), default="")
    payload: Mapped[bytes | None]
    """Encrypted destination and template values; blank once the message is done with."""
    state: Mapped[str] = mapped_column(String(10), default="queued")
    """queued, sending, sent, delivered, failed, unknown, expired or dropped."""
    reason: Mapped[str] = mapped_column(String(20), default="")
    """Why it failed: an outcome such as ``opted_out``, never the provider's text."""
    provider_code: Mapped[str] = mapped_column(String(10), default="")
    provider_id: Mapped[str] = mapped_column(String(64), default="")
    hook_key: Mapped[str] = mapped_column(String(32), default="", index=True)
    """The unguessable end of the address that the provider reports delivery to."""
    tries: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Activity(Base):
    """The audit trail: one event, one row, written in the transaction of what it tells about."""

    __tablename__ = "activity"
    __table_args__ = (Index("ix_activity_user_id_id", "user_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    event: Mapped[str] = mapped_column(String(40))
    address: Mapped[str] = mapped_column(String(45), default="")
    user_agent: Mapped[str] = mapped_column(String(200), default="")
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """Masked and small; never a code, a link, a password or a whole number."""


class NumberTrial(Base):
    """A text to an unproven number, remembered for the breaker: was its code ever entered?"""

    __tablename__ = "number_trials"

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(index=True)
    country: Mapped[str] = mapped_column(String(2), index=True)
    prefix_digest: Mapped[str] = mapped_column(String(32), index=True)
    entered: Mapped[bool] = mapped_column(default=False)
    sent_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class Limit(Base):
    """A counter of ``services.limits``; times are seconds since 1970, for arithmetic in SQL."""

    __tablename__ = "limits"

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    count: Mapped[int]
    most: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[float]
    free_at: Mapped[float] = mapped_column(default=0)
    """No further use before this time (waits that double)."""
    expires_at: Mapped[float] = mapped_column(index=True)
