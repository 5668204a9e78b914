"""The tables of the apps behind the portal: who may enter which, and what lets a browser in.

As in ``models``: nothing here sends, decides or commits; times are aware UTC, and
tokens stand here as SHA-256 digests only. What administrators press buttons about has ids
that are used once: a page that was opened before the end of one must not act on another.
"""

from datetime import datetime

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from extensions import Base
from models import LoginSession, User, UtcDateTime


class Group(Base):
    """People who may do the same things. The name goes to apps, so it is kept plain."""

    __tablename__ = "groups"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 (as SQLAlchemy reads it)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    """Lower-case letters, digits, dots, dashes and underscores: apps get names joined by commas."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    members: Mapped[list["GroupMember"]] = relationship(
        back_populates="group", passive_deletes=True
    )


class GroupMember(Base):
    """A person in a group; a manager may put others in it and take them out."""

    __tablename__ = "group_members"
    # Both columns: the gate reads a person's groups from the index alone.
    __table_args__ = (Index("ix_group_members_user_id_group_id", "user_id", "group_id"),)

    group_id: Mapped[int] = mapped_column(
        ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    is_manager: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    group: Mapped[Group] = relationship(back_populates="members")
    user: Mapped[User] = relationship()


class App(Base):
    """An internal app that the portal stands before."""

    __tablename__ = "apps"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    icon: Mapped[str] = mapped_column(String(16), default="")
    """An emoji or two letters; empty: the name's first letter."""
    level: Mapped[str] = mapped_column(String(20), default="password")
    """How strongly people must have signed in: password, two-factor or recent-two-factor."""
    for_everyone: Mapped[bool] = mapped_column(default=False)
    """Everyone with an account may enter; else only those with a grant."""
    requestable: Mapped[bool] = mapped_column(default=True)
    """Whether those who may not enter can ask to."""
    public_paths: Mapped[list[str]] = mapped_column(JSON, default=list)
    """Paths that need no sign-in: exact, or everything below one that ends in ``/*``."""
    header_names: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    """Other names for the identity headers, by ``user``, ``groups``, ``email``, ``name``."""
    percent_encoded: Mapped[bool] = mapped_column(default=False)
    """Send what is not ASCII percent-encoded instead of folded to ASCII."""
    signed_header: Mapped[bool] = mapped_column(default=False)
    """Send ``Remote-Jwt`` too."""
    preflight_allowed: Mapped[bool] = mapped_column(default=False)
    """Let CORS preflights, which carry no cookie, through."""
    cross_site_writes: Mapped[bool] = mapped_column(default=False)
    """Let other sites' pages send requests that change something."""
    own_cookie: Mapped[bool] = mapped_column(default=False)
    """Give this app a cookie of its own host instead of the one that its whole domain shares."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    addresses: Mapped[list["AppAddress"]] = relationship(
        back_populates="app", order_by="AppAddress.id", passive_deletes=True
    )
    grants: Mapped[list["AppGrant"]] = relationship(
        back_populates="app", order_by="AppGrant.id", passive_deletes=True
    )


class AppAddress(Base):
    """Where an app is: an origin, ``https://wiki.example.org``. The first is the main one."""

    __tablename__ = "app_addresses"

    id: Mapped[int] = mapped_column(primary_key=True)
    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"), index=True)
    origin: Mapped[str] = mapped_column(String(300), unique=True)
    """Scheme, lower-case host, and the port where it is not the scheme's own (RFC 6454)."""

    app: Mapped[App] = relationship(back_populates="addresses")


class AppGrant(Base):
    """A group or a person that may enter an app, for good or until a day."""

    __tablename__ = "app_grants"
    __table_args__ = (
        CheckConstraint("(group_id IS NULL) <> (user_id IS NULL)", name="one_holder"),
        UniqueConstraint("app_id", "group_id"),
        UniqueConstraint("app_id", "user_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"))
    group_id: Mapped[int | None] = mapped_column(
        ForeignKey("groups.id", ondelete="CASCADE"), index=True
    )
    user_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    app: Mapped[App] = relationship(back_populates="grants")
    group: Mapped[Group | None] = relationship()
    user: Mapped[User | None] = relationship()


class AccessRequest(Base):
    """A person asks to be let into an app; an administrator decides."""

    __tablename__ = "access_requests"
    __table_args__ = (
        Index(
            "uq_access_requests_open",
            "app_id",
            "user_id",
            unique=True,
            sqlite_where=text("decided_at IS NULL"),
            postgresql_where=text("decided_at IS NULL"),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    reason: Mapped[str] = mapped_column(String(300), default="")
    """The person's own words."""
    approved: Mapped[bool | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))

    app: Mapped[App] = relationship()
    user: Mapped[User] = relationship(foreign_keys=user_id)
    decided_by: Mapped[User | None] = relationship(foreign_keys=decided_by_id)


class AppSession(Base):
    """What a cookie of the apps stands for: a login session seen from a domain or one app.

    It lives and dies with its login session, and is good for nothing but entering apps.
    """

    __tablename__ = "app_sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    login_session_id: Mapped[int] = mapped_column(
        ForeignKey("login_sessions.id", ondelete="CASCADE"), index=True
    )
    scope: Mapped[str] = mapped_column(String(300))
    """A domain such as ``example.org``, or one app's origin such as ``https://wiki.example.net``."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    login_session: Mapped[LoginSession] = relationship()


class HandOver(Base):
    """One passing-on of a login session to an app's own host: one browser, one host, once."""

    __tablename__ = "hand_overs"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    browser_digest: Mapped[str] = mapped_column(String(64))
    """Of the token that the app's host gave this browser when it began."""
    login_session_id: Mapped[int] = mapped_column(
        ForeignKey("login_sessions.id", ondelete="CASCADE"), index=True
    )
    origin: Mapped[str] = mapped_column(String(300))
    target: Mapped[str] = mapped_column(Text)
    """The whole address in the app that the person wanted."""
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class GateState(Base):
    """One row: its version is another one after every change of apps, grants and groups."""

    __tablename__ = "gate_state"

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(default=1)
