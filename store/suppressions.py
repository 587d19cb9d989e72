"""The addresses that no mail goes to any more, in lower case, each with what told us so."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.suppressions import SuppressionReason


@dataclass(frozen=True, slots=True)
class Suppression:
    """A row of `suppressions`."""

    address: str
    reason: SuppressionReason
    send: UUID | None  # whose refusal told us
    created_at: datetime


# Lower case is PostgreSQL's wherever addresses meet: another's might treat a letter beyond ASCII differently.
_SUPPRESS = text("""
    insert into suppressions (organization_id, address, reason, send_id)
    values (:organization, lower(:address), :reason, :send)
    on conflict (organization_id, address) do nothing
""")

_SELECT = """
    select address, reason, send_id as send, created_at from suppressions where organization_id = :organization
"""
_FIND = text(f"{_SELECT} and address = lower(:address)")
_LIST = text(f"{_SELECT} and address > lower(coalesce(:after, '')) order by address limit :limit")

_REMOVE = text("delete from suppressions where organization_id = :organization and address = lower(:address)")


async def suppress(
    db: AsyncConnection, organization: UUID, address: str, reason: SuppressionReason, send: UUID | None = None
) -> None:
    """Let no mail go to an address any more; whoever is on the list already stays there for the first reason.

    A letter already written to it may still leave, to be refused as the one that told us.
    """
    values = {"organization": organization, "address": address, "reason": reason, "send": send}
    await db.execute(_SUPPRESS, values)


async def find_suppression(db: AsyncConnection, organization: UUID, address: str) -> Suppression | None:
    row = (await db.execute(_FIND, {"organization": organization, "address": address})).one_or_none()
    return _suppression(row) if row else None


async def list_suppressions(
    db: AsyncConnection, organization: UUID, limit: int, after: str | None = None
) -> list[Suppression]:
    """Return the next page of the list, by address."""
    values = {"organization": organization, "limit": limit, "after": after}
    return [_suppression(row) for row in await db.execute(_LIST, values)]


async def remove_suppression(db: AsyncConnection, organization: UUID, address: str) -> bool:
    """Let mails go to an address again, those to come; return whether it was on the list."""
    return (await db.execute(_REMOVE, {"organization": organization, "address": address})).rowcount == 1


def _suppression(row: object) -> Suppression:
    values = dict(row._mapping)  # type: ignore[attr-defined]
    return Suppression(**{**values, "reason": SuppressionReason(values["reason"])})
