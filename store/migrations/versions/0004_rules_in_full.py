"""Own dates and facts of participants; centers; switches and overrides of one session; what a send covers and tells"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_NOW = sa.text("relance_now()")

_OWN_DATES = ("starts_at", "ends_at", "deadline_at")
_FACTS = ("enrolled", "started", "completed")


def upgrade() -> None:
    _centers()
    _people_and_sessions()
    _participations()
    _rules()
    op.add_column("templates", sa.Column("questionnaire", sa.Text(), nullable=True))
    op.add_column("tokens", sa.Column("centers", postgresql.ARRAY(sa.Text()), nullable=True))
    op.add_column("sends", sa.Column("template_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("fk_sends_template_id"), "sends", "templates", ["template_id"], ["id"])
    op.create_index(
        op.f("ix_sends_template_id"),
        "sends",
        ["template_id"],
        postgresql_where=sa.text("template_id is not null"),
    )
    op.add_column("sends", sa.Column("covers", postgresql.ARRAY(sa.Uuid()), nullable=True))
    op.add_column("sends", _instant("anchor_at"))
    op.add_column("sends", sa.Column("anchor", sa.Text(), nullable=True))
    op.add_column("upkeep", sa.Column("zone_data", sa.Text(), nullable=True))
    op.add_column("upkeep", _instant("zone_data_at"))
    _references()


def _instant(name: str, *, nullable: bool = True, now: bool = False) -> sa.Column[object]:
    return sa.Column(
        name, sa.DateTime(timezone=True), server_default=_NOW if now else None, nullable=nullable
    )


def _centers() -> None:
    op.create_table(
        "centers",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sender_address", sa.Text(), nullable=True),
        sa.Column("sender_name", sa.Text(), nullable=True),
        sa.Column("reply_to", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_centers_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_centers")),
        sa.UniqueConstraint("organization_id", "key", name=op.f("uq_centers_organization_id_key")),
    )


def _people_and_sessions() -> None:
    op.add_column("people", sa.Column("zone", sa.Text(), nullable=True))
    for table in ("people", "sessions"):
        op.add_column(table, sa.Column("manager_id", sa.Uuid(), nullable=True))
        op.create_foreign_key(op.f(f"fk_{table}_manager_id"), table, "people", ["manager_id"], ["id"])
    op.add_column("sessions", _instant("created_at", nullable=False, now=True))
    op.add_column("sessions", sa.Column("read_version", sa.BigInteger(), server_default="1", nullable=False))


def _participations() -> None:
    for name in _OWN_DATES:
        op.add_column("participations", _instant(name))
    for name in _FACTS:
        op.add_column("participations", _instant(f"{name}_at"))
        op.add_column("participations", _instant(f"{name}_recorded_at"))
    op.add_column("participations", sa.Column("attendance", sa.Text(), nullable=True))
    op.create_check_constraint(
        op.f("ck_participations_attendance"),
        "participations",
        "attendance in ('throughout', 'partly', 'never')",
    )
    op.add_column("participations", sa.Column("status", sa.Text(), nullable=True))
    op.add_column("participations", sa.Column("answered", postgresql.ARRAY(sa.Text()), nullable=True))
    op.add_column(
        "participations", sa.Column("read_version", sa.BigInteger(), server_default="1", nullable=False)
    )
    op.add_column("participations", _instant("said_at", nullable=False, now=True))
    op.execute("update participations set said_at = changed_at")


def _rules() -> None:
    op.add_column("rules", sa.Column("session_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("fk_rules_session_id"), "rules", "sessions", ["session_id"], ["id"])
    op.add_column("rules", sa.Column("memory", sa.Integer(), server_default="1", nullable=False))
    op.add_column("rules", _instant("corrects_since"))
    op.drop_index("uq_rules_organization_id_key", "rules")
    op.create_index(
        "uq_rules_organization_id_key",
        "rules",
        ["organization_id", "key"],
        unique=True,
        postgresql_where=sa.text("deleted_at is null and session_id is null"),
    )
    op.create_index(
        "uq_rules_session_id_key",
        "rules",
        ["session_id", "key"],
        unique=True,
        postgresql_where=sa.text("deleted_at is null and session_id is not null"),
    )
    op.create_index(
        "ix_rules_active",
        "rules",
        ["organization_id"],
        postgresql_where=sa.text("active and deleted_at is null"),
    )
    op.create_table(
        "rule_editions",
        sa.Column("rule_id", sa.Uuid(), nullable=False),
        _instant("since", nullable=False),
        sa.Column("template_id", sa.Uuid(), nullable=False),
        sa.Column("definition", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(["rule_id"], ["rules.id"], name=op.f("fk_rule_editions_rule_id")),
        sa.ForeignKeyConstraint(["template_id"], ["templates.id"], name=op.f("fk_rule_editions_template_id")),
        sa.PrimaryKeyConstraint("rule_id", "since", name=op.f("pk_rule_editions")),
    )
    op.create_table(
        "session_rules",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("rule_id", sa.Uuid(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=True),
        sa.Column("offset", sa.Text(), nullable=True),
        sa.Column("at", sa.Text(), nullable=True),
        sa.Column("template_id", sa.Uuid(), nullable=True),
        _instant("active_since"),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_session_rules_session_id")),
        sa.ForeignKeyConstraint(["rule_id"], ["rules.id"], name=op.f("fk_session_rules_rule_id")),
        sa.ForeignKeyConstraint(["template_id"], ["templates.id"], name=op.f("fk_session_rules_template_id")),
        sa.PrimaryKeyConstraint("session_id", "rule_id", name=op.f("pk_session_rules")),
    )


def _references() -> None:
    """Index what is looked for when a person or a company is deleted."""
    for table, *names in (
        ("participations", "contact_id"),
        ("participations", "company_id", "session_id"),
        ("companies", "contact_id"),
        ("sessions", "manager_id"),
        ("people", "manager_id"),
    ):
        where = sa.text(f"{names[0]} is not null")
        op.create_index(f"ix_{table}_{'_'.join(names)}", table, names, postgresql_where=where)
