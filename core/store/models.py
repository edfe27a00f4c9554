"""The tables. ``migrations`` holds the way from each version to the next; a test keeps both equal.

An *alert* has any number of *deliveries*, and at most one *verdict*. Each delivery waits in a *lane*: one camera in one
VMS, served in order. A *switch* is what operators last did to a rule, a *cursor* how far a control channel was heard, a
*watch* a stretch of time in which a rule watched.
Times are UTC seconds in double precision, exactly as the domain has them.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

ID_LENGTH = 64
"""Longest ``Identifier`` of the settings."""

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    }
)

_RowId = BigInteger().with_variant(Integer, "sqlite")
_WAITING = text("state IN ('pending', 'sending')")

alerts = Table(
    "alerts",
    metadata,
    Column("seq", _RowId, primary_key=True),
    Column("alert_id", Uuid, nullable=False),
    Column("camera_id", String(ID_LENGTH), nullable=False),
    Column("rule_id", String(ID_LENGTH), nullable=False),
    Column("rule_type", Text, nullable=False),
    Column("rule_name", Text, nullable=False),
    Column("priority", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("captured_at", Double, nullable=False),
    Column("started_at", Double, nullable=False),
    Column("stored_at", Double, nullable=False),
    Column("objects", JSON, nullable=False),
    Column("zone", JSON, nullable=False),
    Column("line", JSON, nullable=False),
    Column("details", JSON, nullable=False),
    UniqueConstraint("alert_id"),
    Index(None, "captured_at"),
    Index(None, "camera_id", "captured_at"),
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("alert_seq", _RowId, ForeignKey("alerts.seq", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("jpeg", LargeBinary, nullable=False),
)

lanes = Table(
    "lanes",
    metadata,
    Column("lane_id", Integer, primary_key=True),
    Column("vms_id", String(ID_LENGTH), nullable=False),
    Column("camera_id", String(ID_LENGTH), nullable=False),
    Column("turn", BigInteger, nullable=False),
    UniqueConstraint("vms_id", "camera_id"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("seq", _RowId, primary_key=True),
    Column("key", Uuid, nullable=False),
    Column("alert_seq", _RowId, ForeignKey("alerts.seq", ondelete="CASCADE"), nullable=False),
    Column("lane_id", Integer, ForeignKey("lanes.lane_id"), nullable=False),
    Column("captured_at", Double, nullable=False),
    Column("position", Integer, nullable=False),
    Column("action", String(ID_LENGTH), nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("may_have_arrived", Boolean, nullable=False),
    Column("next_at", Double, nullable=False),
    Column("remote_id", Text, nullable=False),
    Column("last_error", Text, nullable=False),
    Column("delivered_at", Double),
    UniqueConstraint("key"),
    CheckConstraint("state IN ('pending', 'sending', 'delivered', 'parked')", name="state"),
    Index(None, "alert_seq"),
    Index(None, "state", "lane_id", "action"),
    Index(
        "ix_deliveries_waiting",
        "lane_id",
        "captured_at",
        "alert_seq",
        "position",
        sqlite_where=_WAITING,
        postgresql_where=_WAITING,
    ),
)

verdicts = Table(
    "verdicts",
    metadata,
    Column("alert_seq", _RowId, ForeignKey("alerts.seq", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("vms_id", String(ID_LENGTH), nullable=False),
    Column("answer", String(16), nullable=False),
    Column("said_at", Double, nullable=False),
    Column("said_by", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("heard_at", Double, nullable=False),
    CheckConstraint("answer IN ('true', 'false', 'unknown')", name="answer"),
)

switches = Table(
    "switches",
    metadata,
    Column("camera_id", String(ID_LENGTH), primary_key=True),
    Column("rule_id", String(ID_LENGTH), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("vms_id", String(ID_LENGTH), nullable=False),
    Column("event", Text, nullable=False),
    Column("switched_at", Double, nullable=False),
    CheckConstraint("state IN ('off', 'observe', 'armed', 'as_configured')", name="state"),
)

cursors = Table(
    "cursors",
    metadata,
    Column("vms_id", String(ID_LENGTH), primary_key=True),
    Column("channel", String(ID_LENGTH), primary_key=True),
    Column("heard_to", Double, nullable=False),
)

watches = Table(
    "watches",
    metadata,
    Column("seq", _RowId, primary_key=True),
    Column("camera_id", String(ID_LENGTH), nullable=False),
    Column("rule_id", String(ID_LENGTH), nullable=False),
    Column("state", String(16), nullable=False),
    Column("begun_at", Double, nullable=False),
    Column("ended_at", Double, nullable=False),
    CheckConstraint("state IN ('observe', 'armed')", name="state"),
    Index(None, "ended_at"),
)
