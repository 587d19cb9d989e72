"""Templates: the subject and body of mails, as they were saved."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
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


_COLUMNS = "id, key, audience, subject, html, text, allow_resend"

_PUT = text(f"""
    insert into templates (organization_id, key, audience, subject, html, text, allow_resend)
    values (:organization, :key, :audience, :subject, :html, :text, :allow_resend)
    on conflict (organization_id, key) do update
    set audience = excluded.audience, subject = excluded.subject, html = excluded.html,
        text = excluded.text, allow_resend = excluded.allow_resend
    returning {_COLUMNS}
""")

_FIND = text(f"select {_COLUMNS} from templates where organization_id = :organization and key = :key")
_LOCK = text(f"""
    select {_COLUMNS} from templates where organization_id = :organization and key = :key for no key update
""")


async def put_template(
    db: AsyncConnection,
    organization: UUID,
    key: str,
    *,
    audience: str,
    subject: str,
    html: str,
    text: str | None,
    allow_resend: bool,
) -> Template:
    """Create or replace a template; what waits leaves with the new words."""
    body = {"audience": audience, "subject": subject, "html": html, "text": text}
    values = {"organization": organization, "key": key, **body, "allow_resend": allow_resend}
    return Template(**(await db.execute(_PUT, values)).one()._mapping)


async def find_template(db: AsyncConnection, organization: UUID, key: str) -> Template | None:
    row = (await db.execute(_FIND, {"organization": organization, "key": key})).one_or_none()
    return Template(**row._mapping) if row else None


async def lock_template(db: AsyncConnection, organization: UUID, key: str) -> Template | None:
    """Return a template that stays as it is, and is given to no other rule, until the transaction ends."""
    row = (await db.execute(_LOCK, {"organization": organization, "key": key})).one_or_none()
    return Template(**row._mapping) if row else None
