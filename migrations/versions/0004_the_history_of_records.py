"""The history of records by the time they settled, whether a push made something new, and when a record last changed

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Plain ALTERs: a batch would copy SQLite's largest table, and both databases add such columns without a look at it.
    op.add_column("record", sa.Column("created", sa.Boolean(), nullable=True))
    op.add_column("record", sa.Column("changed_at", sa.BigInteger(), nullable=True))
    op.create_index(
        "record_history",
        "record",
        ["connection_id", "settled_at", "id"],
        postgresql_where=sa.text("id > 0"),
        sqlite_where=sa.text("id > 0"),
    )


def downgrade() -> None:
    op.drop_index("record_history", "record")
    with op.batch_alter_table("record") as batch_op:
        batch_op.drop_column("changed_at")
        batch_op.drop_column("created")
