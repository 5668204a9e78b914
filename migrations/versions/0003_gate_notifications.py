"""gate notifications

On PostgreSQL, whatever can shut somebody out of an app is told to every process of the
portal at its commit (``services/gate/watch.py``). On SQLite nobody needs to be told.

Revision ID: 0003
Revises: 0002
Create Date: 2026-11-24 11:45:00.000000

"""

from alembic import op

# revision identifiers, used by Alembic.
revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

PEOPLE = {
    "users": ("epoch", "disabled_at", "email", "email_canonical", "name", "two_factor_enabled"),
    "login_sessions": (
        "user_id", "epoch", "amr", "expires_at", "idle_seconds", "second_factor_proved_at",
    ),
    "app_sessions": ("token_digest", "login_session_id", "scope"),
}  # fmt: skip
"""Rows that the gate remembers a person by: only a change of these columns, or an end, counts."""

RULES = ("apps", "app_addresses", "app_grants", "groups", "group_members", "gate_state")
"""What the gate decides by: every change counts."""


def upgrade():
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute(
        "CREATE FUNCTION gatepost_tell_gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " PERFORM pg_notify('gatepost_gate', TG_ARGV[0]); RETURN NULL; END $$"
    )
    for table, columns in PEOPLE.items():
        old = ", ".join(f"OLD.{column}" for column in columns)
        new = ", ".join(f"NEW.{column}" for column in columns)
        op.execute(
            f"CREATE TRIGGER gatepost_gate_changed AFTER UPDATE ON {table} FOR EACH ROW"
            f" WHEN (({old}) IS DISTINCT FROM ({new}))"
            " EXECUTE FUNCTION gatepost_tell_gate('people')"
        )
        op.execute(
            f"CREATE TRIGGER gatepost_gate_ended AFTER DELETE ON {table} FOR EACH ROW"
            " EXECUTE FUNCTION gatepost_tell_gate('people')"
        )
    for table in RULES:
        op.execute(
            f"CREATE TRIGGER gatepost_gate_changed AFTER INSERT OR UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION gatepost_tell_gate('rules')"
        )
    for table in (*PEOPLE, *RULES):
        op.execute(
            f"CREATE TRIGGER gatepost_gate_emptied AFTER TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION gatepost_tell_gate('rules')"
        )


def downgrade():
    if op.get_bind().dialect.name != "postgresql":
        return
    for table in (*PEOPLE, *RULES):
        for trigger in ("gatepost_gate_changed", "gatepost_gate_ended", "gatepost_gate_emptied"):
            op.execute(f"DROP TRIGGER IF EXISTS {trigger} ON {table}")
    op.execute("DROP FUNCTION gatepost_tell_gate()")
