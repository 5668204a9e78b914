"""ids used once

SQLite gave the id of a removed last row to the next one: whoever pressed a button about an
app, a group, a grant or a request that was gone acted on another. PostgreSQL never did.

Revision ID: 0006
Revises: 0005
Create Date: 2026-11-25 00:40:00.000000

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.schema import CreateIndex, CreateTable

# revision identifiers, used by Alembic.
revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

NUMBERED = ("apps", "groups", "app_grants", "access_requests")
HANGING_ON_THEM = ("app_addresses", "group_members")


def upgrade():
    if op.get_bind().dialect.name != "sqlite":
        return
    tables = _read_tables()
    for table in tables:
        for index in table.indexes:
            op.drop_index(index.name, table_name=table.name)
        op.rename_table(table.name, _old(table))
    for table in tables:
        table.dialect_options["sqlite"]["autoincrement"] = table.name in NUMBERED
        op.execute(CreateTable(table))
        names = table.columns.keys()
        rows = sa.select(sa.table(_old(table), *map(sa.column, names)))
        op.execute(sa.insert(table).from_select(names, rows))
    # Those that hang on others go first: the end of a row takes all that hangs on it.
    for table in reversed(tables):
        op.drop_table(_old(table))
        for index in table.indexes:
            op.execute(CreateIndex(index))


def downgrade():
    """Nothing is to be taken back: an earlier version works with these tables, too."""


def _read_tables():
    """As they stand, each after those that it hangs on."""
    metadata, wanted = sa.MetaData(), {*NUMBERED, *HANGING_ON_THEM}
    metadata.reflect(op.get_bind(), only=wanted)
    return [table for table in metadata.sorted_tables if table.name in wanted]


def _old(table):
    return f"{table.name}_old"
