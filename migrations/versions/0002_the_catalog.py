"""The catalog, and what is told of a group when it is closed

Revision ID: 0002
Revises: 0001
"""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

REMARKABLE = "group_name IS NOT NULL AND error IS NOT NULL AND state IN ('success', 'rejected', 'dead')"

#: What rows are found by: the index, its table and its column beside the tenant.
INDEXES = (
    ("catalog_variant_product", "catalog_variant", "product_key"),
    ("catalog_variant_sku", "catalog_variant", "sku"),
    ("catalog_category_parent", "catalog_category", "parent_key"),
    ("catalog_price_variant", "catalog_price", "variant_key"),
    ("catalog_stock_variant", "catalog_stock", "variant_key"),
)


def upgrade() -> None:
    for table, own in _tables().items():
        op.create_table(table, *_of_every_entity(), *own, sa.PrimaryKeyConstraint("tenant_id", "key"))
        op.create_index(f"{table}_changed", table, ["tenant_id", "changed_in", "key"])
    for name, table, column in INDEXES:
        op.create_index(name, table, ["tenant_id", column])
    for column in ("begins_at", "ends_at"):
        dated = sa.text(f"{column} IS NOT NULL")
        columns = ["tenant_id", column, "key"]
        op.create_index(
            f"catalog_price_{column}", "catalog_price", columns, postgresql_where=dated, sqlite_where=dated
        )
    op.create_table(
        "catalog_owner",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "part"),
    )
    op.create_index("ix_catalog_owner_connection_id", "catalog_owner", ["connection_id"])
    op.create_table(
        "catalog_clock",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ticks", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    where = sa.text(REMARKABLE)
    columns = ["connection_id", "group_name", "id"]
    op.create_index("record_remark", "record", columns, postgresql_where=where, sqlite_where=where)
    with op.batch_alter_table("recordgroup") as batch_op:
        batch_op.add_column(sa.Column("created", sa.BigInteger(), server_default="0", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("recordgroup") as batch_op:
        batch_op.drop_column("created")
    op.drop_index("record_remark", "record")
    for table in ("catalog_clock", "catalog_owner", *_tables()):
        op.drop_table(table)


def _of_every_entity() -> Sequence[sa.Column]:
    return (
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("sources", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_in", sa.BigInteger(), nullable=False),
        sa.Column("changed_by", sa.BigInteger(), nullable=False),
        sa.Column("changed_in_by_others", sa.BigInteger(), nullable=False),
        sa.Column("gone_at", sa.BigInteger(), nullable=True),
    )


def _tables() -> Mapping[str, Sequence[sa.Column]]:
    """By table the columns that it has beside those of every entity."""
    return {
        "catalog_product": (),
        "catalog_variant": (
            sa.Column("product_key", sa.Text(), nullable=True),
            sa.Column("sku", sa.Text(), nullable=True),
            sa.Column("gtin", sa.Text(), nullable=True),
        ),
        "catalog_category": (
            sa.Column("parent_key", sa.Text(), nullable=True),
            sa.Column("managed", sa.Boolean(), nullable=False),
        ),
        "catalog_location": (),
        "catalog_price": (
            sa.Column("variant_key", sa.Text(), nullable=False),
            sa.Column("kind", sa.Text(), nullable=False),
            sa.Column("currency", sa.Text(), nullable=False),
            sa.Column("valid_from", sa.Text(), nullable=True),
            sa.Column("amount", sa.Text(), nullable=True),
            sa.Column("begins_at", sa.BigInteger(), nullable=True),
            sa.Column("ends_at", sa.BigInteger(), nullable=True),
        ),
        "catalog_stock": (
            sa.Column("variant_key", sa.Text(), nullable=False),
            sa.Column("location_key", sa.Text(), nullable=False),
            sa.Column("on_hand", sa.BigInteger(), nullable=True),
            sa.Column("threshold", sa.BigInteger(), nullable=True),
        ),
        "catalog_customer": (),
    }
