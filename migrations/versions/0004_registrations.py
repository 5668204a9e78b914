"""registrations

An account begins with a proved address. What was registered and not confirmed moves to a
table of its own, with its links. Addresses are compared by IDNA 2008.

Revision ID: 0004
Revises: 0003
Create Date: 2026-11-24 15:30:00.000000

"""

from datetime import UTC, datetime, timedelta

import idna
import sqlalchemy as sa
from alembic import op

# revision identifiers, used by Alembic.
revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

KEPT = timedelta(days=7)
"""As long as a registration waits by default."""


def upgrade():
    op.create_table(
        "registrations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("email_canonical", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("browser_digest", sa.String(length=64), nullable=False),
        sa.Column("contested", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registrations")),
        sa.UniqueConstraint("email_canonical", name=op.f("uq_registrations_email_canonical")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("registrations", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_registrations_browser_digest"), ["browser_digest"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_registrations_expires_at"), ["expires_at"], unique=False
        )

    with op.batch_alter_table("email_links", schema=None) as batch_op:
        batch_op.add_column(sa.Column("registration_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_email_links_registration_id_registrations"),
            "registrations",
            ["registration_id"],
            ["id"],
            ondelete="CASCADE",
        )
        batch_op.create_index(
            batch_op.f("ix_email_links_registration_id"), ["registration_id"], unique=False
        )

    _move_unconfirmed_people()
    _compare_domains_anew()
    # Not in a batch: SQLite would make the table anew, and its end would take all that hangs on it.
    op.drop_column("users", "email_confirmed_at")


def downgrade():
    """Who waits for a confirmation must register again."""
    op.add_column(
        "users", sa.Column("email_confirmed_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.execute("UPDATE users SET email_confirmed_at = created_at")

    op.execute("DELETE FROM email_links WHERE registration_id IS NOT NULL")
    with op.batch_alter_table("email_links", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_email_links_registration_id"))
        batch_op.drop_constraint(
            batch_op.f("fk_email_links_registration_id_registrations"), type_="foreignkey"
        )
        batch_op.drop_column("registration_id")

    with op.batch_alter_table("registrations", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_registrations_expires_at"))
        batch_op.drop_index(batch_op.f("ix_registrations_browser_digest"))

    op.drop_table("registrations")


def _move_unconfirmed_people():
    # Whoever an operator disabled stays, without the password that nobody stood for: once
    # enabled again, only the mailbox lets them in.
    op.execute(
        "UPDATE users SET password_hash = NULL, email_confirmed_at = created_at"
        " WHERE email_confirmed_at IS NULL AND disabled_at IS NOT NULL"
    )
    op.execute(
        sa.text(
            "INSERT INTO registrations (email, email_canonical, name, password_hash,"
            " browser_digest, contested, created_at, expires_at)"
            " SELECT email, email_canonical, name, password_hash, '', :contested, created_at,"
            " :expires_at FROM users WHERE email_confirmed_at IS NULL"
            " AND password_hash IS NOT NULL"
        ).bindparams(
            sa.bindparam("contested", False, sa.Boolean()),
            sa.bindparam("expires_at", _expires_at(), sa.DateTime(timezone=True)),
        )
    )
    op.execute(
        "UPDATE email_links SET"
        " registration_id = (SELECT r.id FROM registrations r JOIN users u"
        " ON u.email_canonical = r.email_canonical WHERE u.id = email_links.user_id),"
        " email = (SELECT u.email FROM users u WHERE u.id = email_links.user_id),"
        " user_id = NULL"
        " WHERE purpose = 'confirm_email' AND used_at IS NULL"
        " AND user_id IN (SELECT id FROM users WHERE email_confirmed_at IS NULL)"
    )
    op.execute("DELETE FROM users WHERE email_confirmed_at IS NULL")


def _expires_at():
    """SQLite keeps no zone."""
    end = datetime.now(UTC) + KEPT
    return end if op.get_bind().dialect.name == "postgresql" else end.replace(tzinfo=None)


def _compare_domains_anew():
    """IDNA 2003 took ß for ss, and so one domain for another."""
    for name in ("users", "registrations"):
        table = sa.table(name, *map(sa.column, ("id", "email", "email_canonical")))
        for row in op.get_bind().execute(sa.select(table)).all():
            domain = row.email.rpartition("@")[2]
            if domain.isascii():
                continue
            local = row.email_canonical.rpartition("@")[0]
            canonical = f"{local}@{idna.encode(domain, uts46=True).decode()}"
            op.execute(
                sa.update(table).where(table.c.id == row.id).values(email_canonical=canonical)
            )
