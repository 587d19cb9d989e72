"""Tokens, repeated requests, versions of the source; centers; what a person decides about a send"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_NOW = sa.text("relance_now()")

_FROM_A_SOURCE = ("sessions", "people", "companies", "participations")


def upgrade() -> None:
    _tokens()
    _answers()
    for table in _FROM_A_SOURCE:
        op.add_column(table, sa.Column("source_version", sa.BigInteger(), nullable=True))
    op.add_column("sessions", sa.Column("center", sa.Text(), nullable=True))
    op.add_column(
        "sessions",
        sa.Column("data", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
    )
    for table in ("people", "companies", "templates"):
        op.add_column(table, _instant("deleted_at"))
    op.add_column("templates", sa.Column("version", sa.BigInteger(), server_default="1", nullable=False))
    op.add_column("sends", _instant("due_override_at"))
    for name in ("rollout_sessions", "rollout_total"):
        op.add_column("rules", sa.Column(name, sa.Integer(), nullable=True))


def _instant(name: str, *, nullable: bool = True, now: bool = False) -> sa.Column[object]:
    return sa.Column(
        name, sa.DateTime(timezone=True), server_default=_NOW if now else None, nullable=nullable
    )


def _tokens() -> None:
    op.create_table(
        "tokens",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        _instant("created_at", nullable=False, now=True),
        _instant("revoked_at"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_tokens_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_tokens_digest")),
    )


def _answers() -> None:
    op.create_table(
        "answers",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_digest", sa.Text(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("media_type", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        _instant("asked_at", nullable=False, now=True),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_answers_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "key", name=op.f("pk_answers")),
    )
    op.create_index(op.f("ix_answers_asked_at"), "answers", ["asked_at"])
