"""Modules, slots, trainers and companies; senders, suppressions; what the sweep keeps"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_NOW = sa.text("relance_now()")


def upgrade() -> None:
    _companies()
    _sessions()
    _participations()
    _sends()
    _senders()
    _upkeep()


def _id() -> sa.Column[object]:
    return sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False)


def _instant(name: str, *, nullable: bool = True, now: bool = False) -> sa.Column[object]:
    return sa.Column(
        name, sa.DateTime(timezone=True), server_default=_NOW if now else None, nullable=nullable
    )


def _companies() -> None:
    op.create_table(
        "companies",
        _id(),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("contact_id", sa.Uuid(), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_companies_organization_id")
        ),
        sa.ForeignKeyConstraint(["contact_id"], ["people.id"], name=op.f("fk_companies_contact_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_companies")),
        sa.UniqueConstraint("organization_id", "key", name=op.f("uq_companies_organization_id_key")),
    )


def _sessions() -> None:
    for name in ("stage", "mode", "category", "room"):
        op.add_column("sessions", sa.Column(name, sa.Text(), nullable=True))
    op.create_table(
        "modules",
        _id(),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        _instant("starts_at"),
        _instant("ends_at"),
        sa.Column("mode", sa.Text(), nullable=True),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("room", sa.Text(), nullable=True),
        _instant("removed_at"),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_modules_session_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_modules")),
        sa.UniqueConstraint("session_id", "key", name=op.f("uq_modules_session_id_key")),
    )
    op.create_table(
        "slots",
        _id(),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("module_id", sa.Uuid(), nullable=True),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        _instant("starts_at", nullable=False),
        _instant("ends_at", nullable=False),
        sa.Column("synchronous", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("room", sa.Text(), nullable=True),
        _instant("removed_at"),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_slots_session_id")),
        sa.ForeignKeyConstraint(["module_id"], ["modules.id"], name=op.f("fk_slots_module_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slots")),
        sa.UniqueConstraint("session_id", "key", name=op.f("uq_slots_session_id_key")),
    )


def _participations() -> None:
    op.add_column(
        "participations", sa.Column("role", sa.Text(), server_default="participant", nullable=False)
    )
    op.alter_column("participations", "role", server_default=None)
    op.alter_column("participations", "person_id", nullable=True)
    op.add_column("participations", sa.Column("company_id", sa.Uuid(), nullable=True))
    op.add_column("participations", sa.Column("contact_id", sa.Uuid(), nullable=True))
    op.add_column("participations", sa.Column("slots", postgresql.ARRAY(sa.Uuid()), nullable=True))
    op.create_foreign_key(
        op.f("fk_participations_company_id"), "participations", "companies", ["company_id"], ["id"]
    )
    op.create_foreign_key(
        op.f("fk_participations_contact_id"), "participations", "people", ["contact_id"], ["id"]
    )
    op.create_check_constraint(
        op.f("ck_participations_role"), "participations", "role in ('participant', 'trainer', 'company')"
    )
    op.create_check_constraint(
        op.f("ck_participations_who"),
        "participations",
        "case when role = 'company' then person_id is null and company_id is not null else person_id is not null end",
    )
    op.drop_constraint(op.f("uq_participations_session_id_person_id"), "participations")
    op.create_unique_constraint(
        op.f("uq_participations_session_id_role_person_id"),
        "participations",
        ["session_id", "role", "person_id"],
    )
    op.create_index(
        "uq_participations_session_id_company_id",
        "participations",
        ["session_id", "company_id"],
        unique=True,
        postgresql_where=sa.text("role = 'company'"),
    )
    op.create_index(
        "ix_participations_session_id_company_id",
        "participations",
        ["session_id", "company_id"],
        unique=False,
        postgresql_where=sa.text("role = 'participant' and removed_at is null"),
    )


def _sends() -> None:
    op.alter_column("sends", "participation_id", nullable=False)
    op.add_column("sends", _instant("turn_at"))
    op.add_column("sends", sa.Column("refused_cc", postgresql.JSONB(), nullable=True))
    op.create_index(
        "ix_sends_waiting",
        "sends",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("status in ('scheduled', 'claimed', 'handing_over')"),
    )


def _senders() -> None:
    op.create_table(
        "senders",
        _id(),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("rate", sa.Double(), nullable=True),
        sa.Column("burst", sa.Integer(), server_default="1", nullable=False),
        _instant("free_at", nullable=False, now=True),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_senders_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_senders")),
        sa.UniqueConstraint("organization_id", name=op.f("uq_senders_organization_id")),
    )
    op.create_table(
        "suppressions",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("send_id", sa.Uuid(), nullable=True),
        _instant("created_at", nullable=False, now=True),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_suppressions_organization_id")
        ),
        sa.ForeignKeyConstraint(["send_id"], ["sends.id"], name=op.f("fk_suppressions_send_id")),
        sa.PrimaryKeyConstraint("organization_id", "address", name=op.f("pk_suppressions")),
    )


def _upkeep() -> None:
    op.create_table(
        "upkeep",
        sa.Column("single", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("epoch", sa.BigInteger(), server_default="0", nullable=False),
        _instant("swept_at"),
        sa.CheckConstraint("single", name=op.f("ck_upkeep_single")),
        sa.PrimaryKeyConstraint("single", name=op.f("pk_upkeep")),
    )
    op.execute("insert into upkeep default values")
    op.create_table(
        "repairs",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), server_default="0", nullable=False),
        _instant("last_at"),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_repairs")),
    )
