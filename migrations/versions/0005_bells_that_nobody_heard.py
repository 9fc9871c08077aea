"""Which bells nobody has heard yet: while there is one, no other is rung for the same work

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("bell", sa.Column("heard", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    with op.batch_alter_table("bell") as batch_op:
        batch_op.drop_column("heard")
