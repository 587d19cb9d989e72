"""What there is to choose from where people filter lists: names under the callers' own ids."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

# A longer list is no help; what it leaves out can still be asked for by its id.
MOST = 300

_LIST = text("""
    (select 'rule' as kind, key, name from rules
     where organization_id = :organization and deleted_at is null
     order by session_id is not null, lower(name), key limit :most)
    union all
    (select 'template', key, key from templates
     where organization_id = :organization and deleted_at is null order by key limit :most)
""")


async def list_choices(db: AsyncConnection, organization: UUID) -> dict[str, dict[str, str]]:
    """Return the names of rules and templates by key, each under its kind, in one statement."""
    found: dict[str, dict[str, str]] = {"rule": {}, "template": {}}
    for row in await db.execute(_LIST, {"organization": organization, "most": MOST}):
        found[row.kind][row.key] = row.name
    return found
