"""Every table, as one reads it; `migrations/` builds the same, and a test compares the two.

Column `key` holds the caller's own id; `id` is internal, and the only one that histories, logs and metrics see.
`version` grows with every change that planning reads; a row is *dirty* while `planned_version` is behind it.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from domain.sends import Status

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_NOW = text("relance_now()")


def _id() -> Column[object]:
    return Column("id", Uuid, primary_key=True, server_default=text("gen_random_uuid()"))


def _organization() -> Column[object]:
    return Column("organization_id", Uuid, ForeignKey("organizations.id"), nullable=False)


def _instant(name: str, *, nullable: bool = True, now: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable, server_default=_NOW if now else None)


def _versions() -> tuple[Column[object], Column[object], Column[object]]:
    """`changed_at` tells the sweep how long a row has been dirty."""
    return (
        Column("version", BigInteger, nullable=False, server_default="1"),
        Column("planned_version", BigInteger, nullable=False, server_default="0"),
        _instant("changed_at", nullable=False, now=True),
    )


organizations = Table(
    "organizations",
    metadata,
    _id(),
    Column("key", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("sender_address", Text, nullable=False),
    Column("sender_name", Text, nullable=False),
)

people = Table(
    "people",
    metadata,
    _id(),
    _organization(),
    Column("key", Text, nullable=False),
    Column("email", Text),
    Column("first_name", Text, nullable=False, server_default=""),
    Column("last_name", Text, nullable=False, server_default=""),
    Column("language", Text),
    # The fence compares it: an address corrected after the look is the address used (F038).
    Column("version", BigInteger, nullable=False, server_default="1"),
    UniqueConstraint("organization_id", "key"),
)

sessions = Table(
    "sessions",
    metadata,
    _id(),
    _organization(),
    Column("key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("zone", Text, nullable=False),
    _instant("starts_at"),
    _instant("ends_at"),
    _instant("deleted_at"),  # a tombstone: the session comes back as itself
    *_versions(),
    UniqueConstraint("organization_id", "key"),
    Index("ix_sessions_dirty", "changed_at", postgresql_where=text("version > planned_version")),
)

participations = Table(
    "participations",
    metadata,
    _id(),
    Column("session_id", Uuid, ForeignKey("sessions.id"), nullable=False),
    Column("person_id", Uuid, ForeignKey("people.id"), nullable=False),
    _instant("removed_at"),
    *_versions(),
    UniqueConstraint("session_id", "person_id"),
    Index("ix_participations_person_id", "person_id"),
    Index(
        "ix_participations_dirty",
        "session_id",
        "changed_at",
        postgresql_where=text("version > planned_version"),
    ),
)

templates = Table(
    "templates",
    metadata,
    _id(),
    _organization(),
    Column("key", Text, nullable=False),
    Column("audience", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("html", Text, nullable=False),
    Column("text", Text),  # written from the HTML where absent
    Column("allow_resend", Boolean, nullable=False, server_default=text("false")),
    UniqueConstraint("organization_id", "key"),
    UniqueConstraint("organization_id", "id"),
)

rules = Table(
    "rules",
    metadata,
    _id(),
    _organization(),
    Column("key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("template_id", Uuid, nullable=False),
    Column("definition", JSONB, nullable=False),  # domain.rules.RuleDefinition
    Column("active", Boolean, nullable=False, server_default=text("false")),
    _instant(
        "deleted_at"
    ),  # a tombstone: a rule made again under this key is a new rule with an empty memory
    *_versions(),
    ForeignKeyConstraint(["organization_id", "template_id"], ["templates.organization_id", "templates.id"]),
    Index(
        "uq_rules_organization_id_key",
        "organization_id",
        "key",
        unique=True,
        postgresql_where=text("deleted_at is null"),
    ),
    Index("ix_rules_dirty", "changed_at", postgresql_where=text("version > planned_version")),
)

_STATUSES = ", ".join(f"'{status}'" for status in Status)

sends = Table(
    "sends",
    metadata,
    # uuid5 of rule, scope, recipient and occurrence: domain.identity.send_id.
    Column("id", Uuid, primary_key=True),
    _organization(),
    Column("rule_id", Uuid, ForeignKey("rules.id"), nullable=False),
    Column("session_id", Uuid, ForeignKey("sessions.id"), nullable=False),
    Column("scope_id", Uuid, nullable=False),  # of the session, module or slot
    Column("participation_id", Uuid, ForeignKey("participations.id")),
    Column("recipient_id", Uuid, nullable=False),  # of the person or company
    Column("occurrence", Text, nullable=False, server_default="1"),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Column("version", BigInteger, nullable=False, server_default="1"),
    Column("signalled_version", BigInteger, nullable=False, server_default="0"),
    Column("rule_version", BigInteger, nullable=False),
    # The plan: the instant, and the wall-clock intent it came from (DESIGN 6, Due time).
    _instant("due_at", nullable=False),
    _instant("latest_at", nullable=False),
    Column("due_local", DateTime, nullable=False),
    Column("due_zone", Text, nullable=False),
    Column("zone_data", Text, nullable=False),
    # The delivery: the attempt that holds the row, and until when.
    Column("token", Uuid),
    # Of session, rule and participation together, as they were when the attempt began.
    Column("facts_version", BigInteger),
    _instant("lease_until"),
    _instant("next_attempt_at"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("message_id", Text),
    _instant("handed_at"),
    _instant("ended_at"),
    Column("reply_code", SmallInteger),
    # What the server wrote, or what the template lacked; it may hold an address, and stays here.
    Column("detail", Text),
    # The facts and steps by which it came to its due time and outcome.
    Column("trace", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    _instant("created_at", nullable=False, now=True),
    _instant("changed_at", nullable=False, now=True),
    CheckConstraint(f"status in ({_STATUSES})", name="status"),
    CheckConstraint("status not in ('claimed', 'handing_over') or token is not null", name="token"),
    Index("ix_sends_session_id", "session_id"),
    Index("ix_sends_rule_id", "rule_id"),
    Index("ix_sends_participation_id", "participation_id"),
    Index("ix_sends_due", "organization_id", "due_at", "id"),
    Index("ix_sends_unsignalled", "session_id", postgresql_where=text("signalled_version < version")),
)

# Who received which template in which context: the fence writes it, and of two that come at once one loses (F085).
receipts = Table(
    "receipts",
    metadata,
    Column("template_id", Uuid, ForeignKey("templates.id"), primary_key=True),
    Column("scope_id", Uuid, primary_key=True),
    Column("recipient_id", Uuid, primary_key=True),
    Column("address_digest", Text, primary_key=True),
    Column("send_id", Uuid, ForeignKey("sends.id"), nullable=False),
    Index("ix_receipts_send_id", "send_id"),
)
