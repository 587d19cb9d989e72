"""Every table, as one reads it; `migrations/` builds the same, and a test compares the two.

Column `key` holds the caller's own id; `id` is internal, and the only one that histories, logs and metrics see.
`version` grows with every change that planning reads; a row is *dirty* while `planned_version` is behind it.
"""

from collections.abc import Iterable

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from domain.participations import Attendance, Role
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


def _quoted(codes: Iterable[str]) -> str:
    return ", ".join(f"'{code}'" for code in codes)


def _id() -> Column[object]:
    return Column("id", Uuid, primary_key=True, server_default=text("gen_random_uuid()"))


def _organization() -> Column[object]:
    return Column("organization_id", Uuid, ForeignKey("organizations.id"), nullable=False)


def _instant(name: str, *, nullable: bool = True, now: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable, server_default=_NOW if now else None)


def _source_version() -> Column[object]:
    """As its own system counts; an older one is ignored."""
    return Column("source_version", BigInteger)


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

# A training center: sessions name it by its key, which needs no row here unless its mails have a sender of their own.
centers = Table(
    "centers",
    metadata,
    _id(),
    _organization(),
    Column("key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("sender_address", Text),
    Column("sender_name", Text),
    Column("reply_to", Text),
    UniqueConstraint("organization_id", "key"),
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
    Column("zone", Text),  # null: the organization's
    Column("manager_id", Uuid, ForeignKey("people.id")),
    # The fence compares it: an address corrected after the look is the address used (F038).
    Column("version", BigInteger, nullable=False, server_default="1"),
    _source_version(),
    _instant("deleted_at"),
    UniqueConstraint("organization_id", "key"),
    Index("ix_people_manager_id", "manager_id", postgresql_where=text("manager_id is not null")),
)

companies = Table(
    "companies",
    metadata,
    _id(),
    _organization(),
    Column("key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("email", Text),
    Column("language", Text),
    Column("contact_id", Uuid, ForeignKey("people.id")),  # its main contact
    Column("version", BigInteger, nullable=False, server_default="1"),  # as of people
    _source_version(),
    _instant("deleted_at"),
    UniqueConstraint("organization_id", "key"),
    Index("ix_companies_contact_id", "contact_id", postgresql_where=text("contact_id is not null")),
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
    Column("stage", Text),
    Column("mode", Text),
    Column("category", Text),
    Column("room", Text),
    Column("center", Text),
    # Planning does not read it; `read_version` grows with it, and with nothing else.
    Column("manager_id", Uuid, ForeignKey("people.id")),
    Column("read_version", BigInteger, nullable=False, server_default="1"),
    Column(
        "data", JSONB, nullable=False, server_default=text("'{}'::jsonb")
    ),  # the caller's own words, for templates
    _source_version(),
    _instant("created_at", nullable=False, now=True),
    _instant("deleted_at"),  # a tombstone: the session comes back as itself
    *_versions(),
    UniqueConstraint("organization_id", "key"),
    Index("ix_sessions_dirty", "changed_at", postgresql_where=text("version > planned_version")),
    Index("ix_sessions_manager_id", "manager_id", postgresql_where=text("manager_id is not null")),
)

# Modules and slots belong to their session's grain: a change of one makes the session dirty.
modules = Table(
    "modules",
    metadata,
    _id(),
    Column("session_id", Uuid, ForeignKey("sessions.id"), nullable=False),
    Column("key", Text, nullable=False),
    Column("name", Text, nullable=False),
    _instant("starts_at"),
    _instant("ends_at"),
    Column("mode", Text),
    Column("category", Text),
    Column("room", Text),
    _instant("removed_at"),
    UniqueConstraint("session_id", "key"),
)

slots = Table(
    "slots",
    metadata,
    _id(),
    Column("session_id", Uuid, ForeignKey("sessions.id"), nullable=False),
    Column("module_id", Uuid, ForeignKey("modules.id")),
    Column("key", Text, nullable=False),
    Column("name", Text, nullable=False),
    _instant("starts_at", nullable=False),
    _instant("ends_at", nullable=False),
    Column("synchronous", Boolean, nullable=False, server_default=text("true")),
    Column("room", Text),
    _instant("removed_at"),
    UniqueConstraint("session_id", "key"),
)

# Who takes part in a session, and as what (docs/decisions/0005). A company takes part through its participants.
participations = Table(
    "participations",
    metadata,
    _id(),
    Column("session_id", Uuid, ForeignKey("sessions.id"), nullable=False),
    Column("role", Text, nullable=False),
    Column("person_id", Uuid, ForeignKey("people.id")),  # of a participant or trainer
    Column("company_id", Uuid, ForeignKey("companies.id")),  # of a company, or that a participant comes from
    Column("contact_id", Uuid, ForeignKey("people.id")),  # of a company, for this session
    Column("slots", ARRAY(Uuid)),  # those of a participant or trainer; null: all
    # Of a participant. Their own dates; null: the session's.
    _instant("starts_at"),
    _instant("ends_at"),
    _instant("deadline_at"),
    # What happened, and when that was first written down here: a fact that is older then is no news.
    _instant("enrolled_at"),
    _instant("enrolled_recorded_at"),
    _instant("started_at"),
    _instant("started_recorded_at"),
    _instant("completed_at"),
    _instant("completed_recorded_at"),
    # Planning reads none of these; `read_version` grows with each, and with no other (DESIGN 4, two grains).
    Column("attendance", Text),  # null: nobody has said
    Column("status", Text),
    Column("answered", ARRAY(Text)),  # the questionnaires
    Column("read_version", BigInteger, nullable=False, server_default="1"),
    _source_version(),
    _instant("removed_at"),
    # When somebody said last what planning reads: `changed_at` grows with what we make dirty on our own account, too.
    _instant("said_at", nullable=False, now=True),
    *_versions(),
    CheckConstraint(f"role in ({_quoted(Role)})", name="role"),
    CheckConstraint(f"attendance in ({_quoted(Attendance)})", name="attendance"),
    CheckConstraint(
        "case when role = 'company' then person_id is null and company_id is not null else person_id is not null end",
        name="who",
    ),
    UniqueConstraint("session_id", "role", "person_id"),
    Index(
        "uq_participations_session_id_company_id",
        "session_id",
        "company_id",
        unique=True,
        postgresql_where=text("role = 'company'"),
    ),
    # Does anybody of this company still come?
    Index(
        "ix_participations_session_id_company_id",
        "session_id",
        "company_id",
        postgresql_where=text("role = 'participant' and removed_at is null"),
    ),
    Index("ix_participations_person_id", "person_id"),
    # Of whom is somebody the contact, and who comes from a company, when it is deleted?
    Index("ix_participations_contact_id", "contact_id", postgresql_where=text("contact_id is not null")),
    # With the session: PostgreSQL takes it for those of one session too, where it knows of one company.
    Index(
        "ix_participations_company_id_session_id",
        "company_id",
        "session_id",
        postgresql_where=text("company_id is not null"),
    ),
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
    Column("questionnaire", Text),  # whoever answered it gets none of these (F088)
    Column("version", BigInteger, nullable=False, server_default="1"),  # as of people
    _instant("deleted_at"),
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
    Column("session_id", Uuid, ForeignKey("sessions.id")),  # of a rule of one session only
    Column("memory", Integer, nullable=False, server_default="1"),  # a new one forgets who was written to
    _instant("corrects_since"),  # it came to have corrections then, after it was made
    _instant(
        "deleted_at"
    ),  # a tombstone: a rule made again under this key is a new rule with an empty memory
    Column("rollout_sessions", Integer),  # done for this version; null until its roll-out begins
    Column("rollout_total", Integer),
    *_versions(),
    ForeignKeyConstraint(["organization_id", "template_id"], ["templates.organization_id", "templates.id"]),
    Index(
        "uq_rules_organization_id_key",
        "organization_id",
        "key",
        unique=True,
        postgresql_where=text("deleted_at is null and session_id is null"),
    ),
    Index(
        "uq_rules_session_id_key",
        "session_id",
        "key",
        unique=True,
        postgresql_where=text("deleted_at is null and session_id is not null"),
    ),
    Index("ix_rules_active", "organization_id", postgresql_where=text("active and deleted_at is null")),
    Index("ix_rules_dirty", "changed_at", postgresql_where=text("version > planned_version")),
)

# Of a rule that leaves existing sessions alone: a session goes by what the rule said when the session was made.
rule_editions = Table(
    "rule_editions",
    metadata,
    Column("rule_id", Uuid, ForeignKey("rules.id"), nullable=False),
    _instant("since", nullable=False),
    Column("template_id", Uuid, ForeignKey("templates.id"), nullable=False),
    Column("definition", JSONB, nullable=False),
    PrimaryKeyConstraint("rule_id", "since"),
)

# What one session says of a rule; null: as the rule says.
session_rules = Table(
    "session_rules",
    metadata,
    Column("session_id", Uuid, ForeignKey("sessions.id"), primary_key=True),
    Column("rule_id", Uuid, ForeignKey("rules.id"), primary_key=True),
    Column("active", Boolean),
    Column("offset", Text),  # domain.timing.Offset
    Column("at", Text),
    Column("template_id", Uuid, ForeignKey("templates.id")),
    _instant("active_since"),  # of one that is `active`
)

sends = Table(
    "sends",
    metadata,
    # uuid5 of rule, scope, recipient and occurrence: domain.identity.send_id.
    Column("id", Uuid, primary_key=True),
    _organization(),
    Column("rule_id", Uuid, ForeignKey("rules.id"), nullable=False),
    Column("session_id", Uuid, ForeignKey("sessions.id"), nullable=False),
    Column("scope_id", Uuid, nullable=False),  # of the session, module or slot
    Column("participation_id", Uuid, ForeignKey("participations.id"), nullable=False),
    Column("recipient_id", Uuid, nullable=False),  # of the person or company
    Column("occurrence", Text, nullable=False, server_default="1"),
    Column("template_id", Uuid, ForeignKey("templates.id")),  # null: the rule's own
    Column("covers", ARRAY(Uuid)),  # of a company: the participations it is about; null: all
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Column("version", BigInteger, nullable=False, server_default="1"),
    Column("signalled_version", BigInteger, nullable=False, server_default="0"),
    Column("rule_version", BigInteger, nullable=False),
    # The plan: the instant, and the wall-clock intent it came from (DESIGN 6, Due time).
    _instant("due_at", nullable=False),
    _instant("latest_at", nullable=False),
    _instant("anchor_at"),  # the date it counts from, and tells
    Column("anchor", Text),  # which one that is
    Column("due_local", DateTime, nullable=False),
    Column("due_zone", Text, nullable=False),
    Column("zone_data", Text, nullable=False),
    _instant("due_override_at"),  # sent now by hand: planning leaves its time alone
    # The delivery: the attempt that holds the row, and until when.
    Column("token", Uuid),
    # Of session, rule and participation together, as they were when the attempt began.
    Column("facts_version", BigInteger),
    _instant("lease_until"),
    _instant("next_attempt_at"),
    # Its turn at the sender, where the sender's rate is limited (store.senders).
    _instant("turn_at"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("message_id", Text),
    _instant("handed_at"),
    _instant("ended_at"),
    Column("reply_code", SmallInteger),
    # What the server wrote, or what the template lacked; it may hold an address, and stays here.
    Column("detail", Text),
    # The cc whom the server would not serve, with its codes: [["claire@example.org", 550]].
    Column("refused_cc", JSONB),
    # The facts and steps by which it came to its due time and outcome.
    Column("trace", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    _instant("created_at", nullable=False, now=True),
    _instant("changed_at", nullable=False, now=True),
    CheckConstraint(f"status in ({_quoted(Status)})", name="status"),
    CheckConstraint("status not in ('claimed', 'handing_over') or token is not null", name="token"),
    Index("ix_sends_session_id", "session_id"),
    Index("ix_sends_rule_id", "rule_id"),
    Index("ix_sends_template_id", "template_id", postgresql_where=text("template_id is not null")),
    Index("ix_sends_participation_id", "participation_id"),
    Index("ix_sends_due", "organization_id", "due_at", "id"),
    Index("ix_sends_unsignalled", "session_id", postgresql_where=text("signalled_version < version")),
    Index(
        "ix_sends_waiting",
        "due_at",
        postgresql_where=text("status in ('scheduled', 'claimed', 'handing_over')"),
    ),
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

# The SMTP account that an organization's mails leave by, and how fast.
senders = Table(
    "senders",
    metadata,
    _id(),
    Column("organization_id", Uuid, ForeignKey("organizations.id"), nullable=False, unique=True),
    Column("rate", Double),  # mails a second; null: as fast as it goes
    Column("burst", Integer, nullable=False, server_default="1"),  # mails that may leave at once after a rest
    _instant("free_at", nullable=False, now=True),  # when the next turn begins
)

# Addresses that no mail goes to any more.
suppressions = Table(
    "suppressions",
    metadata,
    Column("organization_id", Uuid, ForeignKey("organizations.id"), primary_key=True),
    Column("address", Text, primary_key=True),  # in lower case
    Column("reason", Text, nullable=False),
    Column("send_id", Uuid, ForeignKey("sends.id")),  # whose refusal told us
    _instant("created_at", nullable=False, now=True),
)

# One row: when the last sweep began, and which epoch Temporal should know (DESIGN 4).
upkeep = Table(
    "upkeep",
    metadata,
    Column("single", Boolean, primary_key=True, server_default=text("true")),
    Column("epoch", BigInteger, nullable=False, server_default="0"),
    _instant("swept_at"),
    # The release of the zone database that nothing waiting was behind, and when that was looked at (store.zone_data).
    Column("zone_data", Text),
    _instant("zone_data_at"),
    CheckConstraint("single", name="single"),
)

# Every repair is counted; in a healthy house all stay at 0.
repairs = Table(
    "repairs",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("count", BigInteger, nullable=False, server_default="0"),
    _instant("last_at"),
)

# Who may use the API. A token is shown once; only its SHA-256 digest is kept.
tokens = Table(
    "tokens",
    metadata,
    _id(),
    _organization(),
    Column("name", Text, nullable=False),
    Column("digest", Text, nullable=False, unique=True),
    Column("centers", ARRAY(Text)),  # that it is limited to; null: all
    _instant("created_at", nullable=False, now=True),
    _instant("revoked_at"),
)

# What was answered to a POST with an Idempotency-Key; without a status the answer is still being made.
answers = Table(
    "answers",
    metadata,
    Column("organization_id", Uuid, ForeignKey("organizations.id"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("request_digest", Text, nullable=False),  # of method, path and body
    Column("status", SmallInteger),
    Column("media_type", Text),
    Column("body", LargeBinary),
    _instant("asked_at", nullable=False, now=True),
    Index("ix_answers_asked_at", "asked_at"),
)
