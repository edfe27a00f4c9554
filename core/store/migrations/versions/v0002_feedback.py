"""What the VMS answers: verdicts, rules switched by operators, and how far each control channel was heard."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the three tables."""
    op.create_table(
        "verdicts",
        sa.Column("alert_seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), autoincrement=False, nullable=False),
        sa.Column("vms_id", sa.String(64), nullable=False),
        sa.Column("answer", sa.String(16), nullable=False),
        sa.Column("said_at", sa.Double, nullable=False),
        sa.Column("said_by", sa.Text, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("heard_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("alert_seq", name="pk_verdicts"),
        sa.ForeignKeyConstraint(["alert_seq"], ["alerts.seq"], name="fk_verdicts_alert_seq_alerts", ondelete="CASCADE"),
        sa.CheckConstraint("answer IN ('true', 'false', 'unknown')", name=op.f("ck_verdicts_answer")),
    )
    op.create_table(
        "switches",
        sa.Column("camera_id", sa.String(64), nullable=False),
        sa.Column("rule_id", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("vms_id", sa.String(64), nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("switched_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("camera_id", "rule_id", name="pk_switches"),
        sa.CheckConstraint("state IN ('off', 'observe', 'armed', 'as_configured')", name=op.f("ck_switches_state")),
    )
    op.create_table(
        "cursors",
        sa.Column("vms_id", sa.String(64), nullable=False),
        sa.Column("channel", sa.String(64), nullable=False),
        sa.Column("heard_to", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("vms_id", "channel", name="pk_cursors"),
    )
