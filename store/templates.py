"""Templates: the subject and body of mails, as they were saved."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NotRequired, TypedDict, Unpack
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Template:
    """A row of `templates`."""

    id: UUID
    key: str
    audience: str
    subject: str
    html: str
    text: str | None
    allow_resend: bool
    questionnaire: str | None  # whoever answered it gets none of these (F088)
    version: int


class TemplateExistsError(ValueError):
    """A template with this key is already there."""


_WORDS = "audience, subject, html, text, allow_resend, questionnaire"
_COLUMNS = f"id, key, {_WORDS}, version"
_ONE = "organization_id = :organization and key = :key and deleted_at is null"

# A mail that was just written is written again with the new words: its fence compares the version. Put again, a
# template that was deleted comes back as itself.
_PUT = text(f"""
    insert into templates as t (organization_id, key, {_WORDS})
    values (:organization, :key, :audience, :subject, :html, :text, :allow_resend, :questionnaire)
    on conflict (organization_id, key) do update
    set audience = excluded.audience, subject = excluded.subject, html = excluded.html,
        text = excluded.text, allow_resend = excluded.allow_resend, questionnaire = excluded.questionnaire,
        deleted_at = null,
        version = case
            when (t.audience, t.subject, t.html, t.text, t.allow_resend, t.questionnaire, t.deleted_at)
                 is distinct from (excluded.audience, excluded.subject, excluded.html, excluded.text,
                                   excluded.allow_resend, excluded.questionnaire, null)
            then t.version + 1 else t.version end
    where t.deleted_at is not null or not :only_new
    returning {_COLUMNS}
""")

_FIND = text(f"select {_COLUMNS} from templates where {_ONE}")
_LOCK = text(f"select {_COLUMNS} from templates where {_ONE} for no key update")
_SOME = f"""
    select {_COLUMNS} from templates
    where organization_id = :organization and key = any(cast(:keys as text[])) and deleted_at is null order by key
"""
_FIND_SOME, _LOCK_SOME = text(_SOME), text(f"{_SOME} for no key update")
_LIST = text(f"""
    select {_COLUMNS} from templates
    where organization_id = :organization and deleted_at is null and key > coalesce(:after, '')
    order by key limit :limit
""")
_DELETE = text("update templates set deleted_at = relance_now(), version = version + 1 where id = :template")


class Words(TypedDict):
    """What a template says, and to whom."""

    audience: str
    subject: str
    html: str
    text: str | None
    allow_resend: bool
    questionnaire: NotRequired[str | None]


async def put_template(db: AsyncConnection, organization: UUID, key: str, **words: Unpack[Words]) -> Template:
    """Create or replace a template; what waits leaves with the new words."""
    values = {"organization": organization, "key": key, **_said(words), "only_new": False}
    return Template(**(await db.execute(_PUT, values)).one()._mapping)


async def insert_template(
    db: AsyncConnection, organization: UUID, key: str, **words: Unpack[Words]
) -> Template:
    """Create a template; raise `TemplateExistsError` when the key is taken."""
    values = {"organization": organization, "key": key, **_said(words), "only_new": True}
    row = (await db.execute(_PUT, values)).one_or_none()
    if row is None:
        raise TemplateExistsError(key)
    return Template(**row._mapping)


async def find_template(db: AsyncConnection, organization: UUID, key: str) -> Template | None:
    row = (await db.execute(_FIND, {"organization": organization, "key": key})).one_or_none()
    return Template(**row._mapping) if row else None


async def lock_template(db: AsyncConnection, organization: UUID, key: str) -> Template | None:
    """Return a template that stays as it is, and is given to no other rule, until the transaction ends."""
    row = (await db.execute(_LOCK, {"organization": organization, "key": key})).one_or_none()
    return Template(**row._mapping) if row else None


async def find_templates(db: AsyncConnection, organization: UUID, keys: Iterable[str]) -> dict[str, Template]:
    """Return those of these templates that there are."""
    return await _by_key(db, _FIND_SOME, organization, keys)


async def lock_templates(db: AsyncConnection, organization: UUID, keys: Iterable[str]) -> dict[str, Template]:
    """Return those of these templates that there are; they stay as they are, as by `lock_template`."""
    return await _by_key(db, _LOCK_SOME, organization, keys)


async def list_templates(
    db: AsyncConnection, organization: UUID, limit: int, *, after: str | None = None
) -> list[Template]:
    """Return templates by id."""
    rows = await db.execute(_LIST, {"organization": organization, "limit": limit, "after": after})
    return [Template(**row._mapping) for row in rows]


async def delete_template(db: AsyncConnection, template: UUID) -> None:
    """Leave a tombstone: what was sent goes on naming it. The caller holds the template's lock, and no rule uses it."""
    await db.execute(_DELETE, {"template": template})


async def _by_key(
    db: AsyncConnection, statement: TextClause, organization: UUID, keys: Iterable[str]
) -> dict[str, Template]:
    found = await db.execute(statement, {"organization": organization, "keys": list(keys)})
    return {row.key: Template(**row._mapping) for row in found}


def _said(words: Words) -> Words:
    return {"questionnaire": None, **words}
