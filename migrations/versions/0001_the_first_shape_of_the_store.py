"""The first shape of the store

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "attempt",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("result", sa.String(), nullable=False),
        sa.Column("response_code", sa.Integer(), nullable=True),
        sa.Column("duration_ms", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_attempt_record_id"), ["record_id"], unique=False)

    op.create_table(
        "authorization_state",
        sa.Column("state_hash", sa.String(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("redirect_uri", sa.String(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("state_hash"),
    )
    op.create_table(
        "bell",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("rung_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("bell", schema=None) as batch_op:
        batch_op.create_index("bell_connection", ["connection_id", "stage"], unique=False)

    op.create_table(
        "claim",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("worker", sa.String(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("claim", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_claim_connection_id"), ["connection_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_claim_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "document",
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "name"),
    )
    op.create_table(
        "id_map",
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "kind", "key"),
    )
    op.create_table(
        "lease",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "memory",
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("group_name", sa.String(), nullable=True),
        sa.Column("order_key", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=True),
        sa.Column("response_code", sa.Integer(), nullable=True),
        sa.Column("duration_ms", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.Column("total_attempts", sa.Integer(), nullable=False),
        sa.Column("reported_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("connection_id", "stream", "key"),
    )
    op.create_table(
        "pushed",
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("order_key", sa.String(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("connection_id", "stream", "order_key"),
    )
    op.create_table(
        "quarantine",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("stream", sa.String(), nullable=True),
        sa.Column("key", sa.String(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.Column("first_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("connection_id", "fingerprint"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "record",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("order_key", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.String(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("group_name", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("ready", sa.Boolean(), server_default=sa.text("(true)"), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("total_attempts", sa.Integer(), nullable=False),
        sa.Column("lost_claims", sa.Integer(), nullable=False),
        sa.Column("claim_id", sa.BigInteger(), nullable=True),
        sa.Column("handle", sa.Text(), nullable=True),
        sa.Column("wake_key", sa.String(), nullable=True),
        sa.Column("status", sa.String(), nullable=True),
        sa.Column("response_code", sa.Integer(), nullable=True),
        sa.Column("duration_ms", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.Column("superseded_by", sa.BigInteger(), nullable=True),
        sa.Column("report_state", sa.String(), nullable=False),
        sa.Column("report_due_at", sa.BigInteger(), nullable=True),
        sa.Column("report_attempts", sa.Integer(), nullable=False),
        sa.Column("report_error", sa.Text(), nullable=True),
        sa.Column("admitted_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("reported_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("record", schema=None) as batch_op:
        batch_op.create_index(
            "record_behind",
            ["connection_id", "stream", "order_key", "id"],
            unique=False,
            postgresql_where=sa.text("NOT ready AND state IN ('waiting', 'parked')"),
            sqlite_where=sa.text("NOT ready AND state IN ('waiting', 'parked')"),
        )
        batch_op.create_index(
            "record_claim",
            ["claim_id"],
            unique=False,
            postgresql_where=sa.text("claim_id IS NOT NULL"),
            sqlite_where=sa.text("claim_id IS NOT NULL"),
        )
        batch_op.create_index(
            "record_dead",
            ["connection_id", "settled_at"],
            unique=False,
            postgresql_where=sa.text("state = 'dead' OR report_state = 'dead'"),
            sqlite_where=sa.text("state = 'dead' OR report_state = 'dead'"),
        )
        batch_op.create_index(
            "record_due",
            ["connection_id", "stream", "due_at", "id"],
            unique=False,
            postgresql_where=sa.text("ready AND claim_id IS NULL AND state IN ('waiting', 'awaiting')"),
            sqlite_where=sa.text("ready AND claim_id IS NULL AND state IN ('waiting', 'awaiting')"),
        )
        batch_op.create_index(
            "record_finished",
            ["finished_at"],
            unique=False,
            postgresql_where=sa.text("finished_at IS NOT NULL"),
            sqlite_where=sa.text("finished_at IS NOT NULL"),
        )
        batch_op.create_index("record_key", ["connection_id", "stream", "key", "id"], unique=False)
        batch_op.create_index(
            "record_open",
            ["connection_id", "stream", "order_key", "id"],
            unique=False,
            postgresql_where=sa.text("state IN ('waiting', 'working', 'awaiting', 'parked', 'dead')"),
            sqlite_where=sa.text("state IN ('waiting', 'working', 'awaiting', 'parked', 'dead')"),
        )
        batch_op.create_index(
            "record_parked",
            ["connection_id", "wake_key"],
            unique=False,
            postgresql_where=sa.text("state = 'parked'"),
            sqlite_where=sa.text("state = 'parked'"),
        )
        batch_op.create_index(
            "record_pushed",
            ["connection_id", "stream", "order_key", "id"],
            unique=False,
            postgresql_where=sa.text("state = 'success'"),
            sqlite_where=sa.text("state = 'success'"),
        )
        batch_op.create_index(
            "record_unreported",
            ["connection_id", "report_due_at", "id"],
            unique=False,
            postgresql_where=sa.text("report_state = 'waiting'"),
            sqlite_where=sa.text("report_state = 'waiting'"),
        )

    op.create_table(
        "recordgroup",
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("admitted", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("success", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("skipped", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rejected", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("dead", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("superseded", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("discarded", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("sealed_at", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("connection_id", "stream", "name"),
    )
    op.create_table(
        "run",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("polled", sa.Integer(), nullable=False),
        sa.Column("admitted", sa.Integer(), nullable=False),
        sa.Column("duplicates", sa.Integer(), nullable=False),
        sa.Column("coalesced", sa.Integer(), nullable=False),
        sa.Column("quarantined", sa.Integer(), nullable=False),
        sa.Column("success", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.Column("dead", sa.Integer(), nullable=False),
        sa.Column("superseded", sa.Integer(), nullable=False),
        sa.Column("reported", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.create_index("run_connection", ["connection_id", "id"], unique=False)

    op.create_table(
        "tally",
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("admitted", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("waiting", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("working", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("awaiting", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("parked", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("success", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("skipped", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rejected", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("dead", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("superseded", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("discarded", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("reported", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("report_dead", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("coalesced", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("hold_until", sa.BigInteger(), nullable=True),
        sa.Column("claimed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("connection_id", "stream"),
    )
    op.create_table(
        "tenant",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "webhook_seen",
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("dedupe_id", sa.String(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "dedupe_id"),
    )
    with op.batch_alter_table("webhook_seen", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_webhook_seen_seen_at"), ["seen_at"], unique=False)

    op.create_table(
        "connection",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("connector", sa.String(), nullable=False),
        sa.Column("config", sa.Text(), nullable=False),
        sa.Column("credentials", sa.Text(), nullable=False),
        sa.Column("poll_target", sa.Text(), nullable=True),
        sa.Column("reports", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("status_reason", sa.Text(), nullable=True),
        sa.Column("source_refused", sa.Text(), nullable=True),
        sa.Column("destination_refused", sa.Text(), nullable=True),
        sa.Column("paused", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
        sa.UniqueConstraint("poll_target"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("connection", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_connection_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "schedule",
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("fired_until", sa.BigInteger(), nullable=True),
        sa.Column("cursor", sa.Text(), nullable=False),
        sa.Column("full_pass", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.Column("previous_new", sa.Integer(), nullable=False),
        sa.Column("previous_full", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.Column("idle_polls", sa.Integer(), nullable=False),
        sa.Column("failed_polls", sa.Integer(), nullable=False),
        sa.Column("polled_at", sa.BigInteger(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"]),
        sa.PrimaryKeyConstraint("connection_id"),
    )
    with op.batch_alter_table("schedule", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_schedule_due_at"), ["due_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("schedule", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_schedule_due_at"))

    op.drop_table("schedule")
    with op.batch_alter_table("connection", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_connection_tenant_id"))

    op.drop_table("connection")
    with op.batch_alter_table("webhook_seen", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_webhook_seen_seen_at"))

    op.drop_table("webhook_seen")
    op.drop_table("tenant")
    op.drop_table("tally")
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.drop_index("run_connection")

    op.drop_table("run")
    op.drop_table("recordgroup")
    with op.batch_alter_table("record", schema=None) as batch_op:
        batch_op.drop_index(
            "record_unreported",
            postgresql_where=sa.text("report_state = 'waiting'"),
            sqlite_where=sa.text("report_state = 'waiting'"),
        )
        batch_op.drop_index(
            "record_pushed",
            postgresql_where=sa.text("state = 'success'"),
            sqlite_where=sa.text("state = 'success'"),
        )
        batch_op.drop_index(
            "record_parked",
            postgresql_where=sa.text("state = 'parked'"),
            sqlite_where=sa.text("state = 'parked'"),
        )
        batch_op.drop_index(
            "record_open",
            postgresql_where=sa.text("state IN ('waiting', 'working', 'awaiting', 'parked', 'dead')"),
            sqlite_where=sa.text("state IN ('waiting', 'working', 'awaiting', 'parked', 'dead')"),
        )
        batch_op.drop_index("record_key")
        batch_op.drop_index(
            "record_finished",
            postgresql_where=sa.text("finished_at IS NOT NULL"),
            sqlite_where=sa.text("finished_at IS NOT NULL"),
        )
        batch_op.drop_index(
            "record_due",
            postgresql_where=sa.text("ready AND claim_id IS NULL AND state IN ('waiting', 'awaiting')"),
            sqlite_where=sa.text("ready AND claim_id IS NULL AND state IN ('waiting', 'awaiting')"),
        )
        batch_op.drop_index(
            "record_dead",
            postgresql_where=sa.text("state = 'dead' OR report_state = 'dead'"),
            sqlite_where=sa.text("state = 'dead' OR report_state = 'dead'"),
        )
        batch_op.drop_index(
            "record_claim",
            postgresql_where=sa.text("claim_id IS NOT NULL"),
            sqlite_where=sa.text("claim_id IS NOT NULL"),
        )
        batch_op.drop_index(
            "record_behind",
            postgresql_where=sa.text("NOT ready AND state IN ('waiting', 'parked')"),
            sqlite_where=sa.text("NOT ready AND state IN ('waiting', 'parked')"),
        )

    op.drop_table("record")
    op.drop_table("quarantine")
    op.drop_table("pushed")
    op.drop_table("memory")
    op.drop_table("lease")
    op.drop_table("id_map")
    op.drop_table("document")
    with op.batch_alter_table("claim", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_claim_expires_at"))
        batch_op.drop_index(batch_op.f("ix_claim_connection_id"))

    op.drop_table("claim")
    with op.batch_alter_table("bell", schema=None) as batch_op:
        batch_op.drop_index("bell_connection")

    op.drop_table("bell")
    op.drop_table("authorization_state")
    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_attempt_record_id"))

    op.drop_table("attempt")
