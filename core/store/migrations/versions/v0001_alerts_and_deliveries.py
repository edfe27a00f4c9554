"""Alerts with their snapshots, and the deliveries that wait in lanes."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_WAITING = sa.text("state IN ('pending', 'sending')")


def _row_id() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Creates everything."""
    _create_alerts()
    op.create_table(
        "snapshots",
        sa.Column("alert_seq", _row_id(), autoincrement=False, nullable=False),
        sa.Column("jpeg", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("alert_seq", name="pk_snapshots"),
        sa.ForeignKeyConstraint(
            ["alert_seq"], ["alerts.seq"], name="fk_snapshots_alert_seq_alerts", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "lanes",
        sa.Column("lane_id", sa.Integer, nullable=False),
        sa.Column("vms_id", sa.String(64), nullable=False),
        sa.Column("camera_id", sa.String(64), nullable=False),
        sa.Column("turn", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("lane_id", name="pk_lanes"),
        sa.UniqueConstraint("vms_id", "camera_id", name="uq_lanes_vms_id_camera_id"),
    )
    _create_deliveries()


def _create_alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("seq", _row_id(), nullable=False),
        sa.Column("alert_id", sa.Uuid, nullable=False),
        sa.Column("camera_id", sa.String(64), nullable=False),
        sa.Column("rule_id", sa.String(64), nullable=False),
        sa.Column("rule_type", sa.Text, nullable=False),
        sa.Column("rule_name", sa.Text, nullable=False),
        sa.Column("priority", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("captured_at", sa.Double, nullable=False),
        sa.Column("started_at", sa.Double, nullable=False),
        sa.Column("stored_at", sa.Double, nullable=False),
        sa.Column("objects", sa.JSON, nullable=False),
        sa.Column("zone", sa.JSON, nullable=False),
        sa.Column("line", sa.JSON, nullable=False),
        sa.Column("details", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_alerts"),
        sa.UniqueConstraint("alert_id", name="uq_alerts_alert_id"),
    )
    op.create_index("ix_alerts_captured_at", "alerts", ["captured_at"])
    op.create_index("ix_alerts_camera_id_captured_at", "alerts", ["camera_id", "captured_at"])


def _create_deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("seq", _row_id(), nullable=False),
        sa.Column("key", sa.Uuid, nullable=False),
        sa.Column("alert_seq", _row_id(), nullable=False),
        sa.Column("lane_id", sa.Integer, nullable=False),
        sa.Column("captured_at", sa.Double, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("may_have_arrived", sa.Boolean, nullable=False),
        sa.Column("next_at", sa.Double, nullable=False),
        sa.Column("remote_id", sa.Text, nullable=False),
        sa.Column("last_error", sa.Text, nullable=False),
        sa.Column("delivered_at", sa.Double),
        sa.PrimaryKeyConstraint("seq", name="pk_deliveries"),
        sa.UniqueConstraint("key", name="uq_deliveries_key"),
        sa.ForeignKeyConstraint(
            ["alert_seq"], ["alerts.seq"], name="fk_deliveries_alert_seq_alerts", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["lane_id"], ["lanes.lane_id"], name="fk_deliveries_lane_id_lanes"),
        sa.CheckConstraint("state IN ('pending', 'sending', 'delivered', 'parked')", name=op.f("ck_deliveries_state")),
    )
    op.create_index("ix_deliveries_alert_seq", "deliveries", ["alert_seq"])
    op.create_index("ix_deliveries_state_lane_id_action", "deliveries", ["state", "lane_id", "action"])
    op.create_index(
        "ix_deliveries_waiting",
        "deliveries",
        ["lane_id", "captured_at", "alert_seq", "position"],
        sqlite_where=_WAITING,
        postgresql_where=_WAITING,
    )
