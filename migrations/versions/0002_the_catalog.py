"""The catalog, and what is told of a group when it is closed

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "catalog_clock",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ticks", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "catalog_category",
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
        sa.Column("parent_key", sa.Text(), nullable=True),
        sa.Column("managed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "key"),
    )
    with op.batch_alter_table("catalog_category", schema=None) as batch_op:
        batch_op.create_index("catalog_category_changed", ["tenant_id", "changed_in", "key"], unique=False)
        batch_op.create_index("catalog_category_parent", ["tenant_id", "parent_key"], unique=False)

    op.create_table(
        "catalog_customer",
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
        sa.PrimaryKeyConstraint("tenant_id", "key"),
    )
    with op.batch_alter_table("catalog_customer", schema=None) as batch_op:
        batch_op.create_index("catalog_customer_changed", ["tenant_id", "changed_in", "key"], unique=False)

    op.create_table(
        "catalog_location",
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
        sa.PrimaryKeyConstraint("tenant_id", "key"),
    )
    with op.batch_alter_table("catalog_location", schema=None) as batch_op:
        batch_op.create_index("catalog_location_changed", ["tenant_id", "changed_in", "key"], unique=False)

    op.create_table(
        "catalog_owner",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "part"),
    )
    with op.batch_alter_table("catalog_owner", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_catalog_owner_connection_id"), ["connection_id"], unique=False)

    op.create_table(
        "catalog_price",
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
        sa.Column("variant_key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Text(), nullable=True),
        sa.Column("amount", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "key"),
    )
    with op.batch_alter_table("catalog_price", schema=None) as batch_op:
        batch_op.create_index("catalog_price_changed", ["tenant_id", "changed_in", "key"], unique=False)
        batch_op.create_index("catalog_price_variant", ["tenant_id", "variant_key"], unique=False)

    op.create_table(
        "catalog_product",
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
        sa.PrimaryKeyConstraint("tenant_id", "key"),
    )
    with op.batch_alter_table("catalog_product", schema=None) as batch_op:
        batch_op.create_index("catalog_product_changed", ["tenant_id", "changed_in", "key"], unique=False)

    op.create_table(
        "catalog_stock",
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
        sa.Column("variant_key", sa.Text(), nullable=False),
        sa.Column("location_key", sa.Text(), nullable=False),
        sa.Column("on_hand", sa.BigInteger(), nullable=True),
        sa.Column("threshold", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "key"),
    )
    with op.batch_alter_table("catalog_stock", schema=None) as batch_op:
        batch_op.create_index("catalog_stock_changed", ["tenant_id", "changed_in", "key"], unique=False)
        batch_op.create_index("catalog_stock_variant", ["tenant_id", "variant_key"], unique=False)

    op.create_table(
        "catalog_variant",
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
        sa.Column("product_key", sa.Text(), nullable=True),
        sa.Column("sku", sa.Text(), nullable=True),
        sa.Column("gtin", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "key"),
    )
    with op.batch_alter_table("catalog_variant", schema=None) as batch_op:
        batch_op.create_index("catalog_variant_changed", ["tenant_id", "changed_in", "key"], unique=False)
        batch_op.create_index("catalog_variant_product", ["tenant_id", "product_key"], unique=False)
        batch_op.create_index("catalog_variant_sku", ["tenant_id", "sku"], unique=False)

    with op.batch_alter_table("record", schema=None) as batch_op:
        batch_op.create_index(
            "record_remark",
            ["connection_id", "group_name", "id"],
            unique=False,
            postgresql_where=sa.text(
                "group_name IS NOT NULL AND error IS NOT NULL AND state IN ('success', 'rejected', 'dead')"
            ),
            sqlite_where=sa.text(
                "group_name IS NOT NULL AND error IS NOT NULL AND state IN ('success', 'rejected', 'dead')"
            ),
        )

    with op.batch_alter_table("recordgroup", schema=None) as batch_op:
        batch_op.add_column(sa.Column("created", sa.BigInteger(), server_default="0", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("recordgroup", schema=None) as batch_op:
        batch_op.drop_column("created")

    with op.batch_alter_table("record", schema=None) as batch_op:
        batch_op.drop_index(
            "record_remark",
            postgresql_where=sa.text(
                "group_name IS NOT NULL AND error IS NOT NULL AND state IN ('success', 'rejected', 'dead')"
            ),
            sqlite_where=sa.text(
                "group_name IS NOT NULL AND error IS NOT NULL AND state IN ('success', 'rejected', 'dead')"
            ),
        )

    with op.batch_alter_table("catalog_variant", schema=None) as batch_op:
        batch_op.drop_index("catalog_variant_sku")
        batch_op.drop_index("catalog_variant_product")
        batch_op.drop_index("catalog_variant_changed")

    op.drop_table("catalog_variant")
    with op.batch_alter_table("catalog_stock", schema=None) as batch_op:
        batch_op.drop_index("catalog_stock_variant")
        batch_op.drop_index("catalog_stock_changed")

    op.drop_table("catalog_stock")
    with op.batch_alter_table("catalog_product", schema=None) as batch_op:
        batch_op.drop_index("catalog_product_changed")

    op.drop_table("catalog_product")
    with op.batch_alter_table("catalog_price", schema=None) as batch_op:
        batch_op.drop_index("catalog_price_variant")
        batch_op.drop_index("catalog_price_changed")

    op.drop_table("catalog_price")
    with op.batch_alter_table("catalog_owner", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_catalog_owner_connection_id"))

    op.drop_table("catalog_owner")
    with op.batch_alter_table("catalog_location", schema=None) as batch_op:
        batch_op.drop_index("catalog_location_changed")

    op.drop_table("catalog_location")
    with op.batch_alter_table("catalog_customer", schema=None) as batch_op:
        batch_op.drop_index("catalog_customer_changed")

    op.drop_table("catalog_customer")
    with op.batch_alter_table("catalog_category", schema=None) as batch_op:
        batch_op.drop_index("catalog_category_parent")
        batch_op.drop_index("catalog_category_changed")

    op.drop_table("catalog_category")
    op.drop_table("catalog_clock")
