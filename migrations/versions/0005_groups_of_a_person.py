"""groups of a person

The index that leads from a person to their groups holds the groups, too: the gate asks
for them at every request, and need not look at a row for each.

Revision ID: 0005
Revises: 0004
Create Date: 2026-11-24 15:40:00.000000

"""

from alembic import op

# revision identifiers, used by Alembic.
revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade():
    op.create_index("ix_group_members_user_id_group_id", "group_members", ["user_id", "group_id"])
    op.drop_index("ix_group_members_user_id", table_name="group_members")


def downgrade():
    op.create_index("ix_group_members_user_id", "group_members", ["user_id"])
    op.drop_index("ix_group_members_user_id_group_id", table_name="group_members")
