"""The addresses that no mail goes to any more."""

import base64
from contextlib import suppress
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field

from api.house import InHouse
from api.problems import Invalid, NotFound
from domain.keys import Line
from domain.suppressions import SuppressionReason
from store.suppressions import Suppression, find_suppression, list_suppressions, remove_suppression

router = APIRouter(tags=["suppressions"])

# Only looked up, so whatever was once an address may be asked for.
Suppressed = Annotated[Line, Field(min_length=1, max_length=254)]


class SuppressionAnswer(BaseModel):
    """An address on the list, in lower case, and why."""

    address: str
    reason: SuppressionReason
    send: UUID | None = Field(description="whose refusal told us")
    created_at: AwareDatetime


class Suppressions(BaseModel):
    """A page of the list by address; `next` is the cursor of the following one."""

    items: list[SuppressionAnswer]
    next: str | None


@router.get("/suppressions")
async def get_many(
    house: InHouse, limit: Annotated[int, Query(ge=1, le=1000)] = 100, cursor: str | None = None
) -> Suppressions:
    """Return the list."""
    after = None if cursor is None else _read(cursor)
    async with house.store.transaction() as db:
        found = await list_suppressions(db, house.organization.id, limit + 1, after)
    page = found[:limit]
    more = len(found) > limit
    return Suppressions(items=[_answer(one) for one in page], next=_write(page[-1].address) if more else None)


@router.get("/suppressions/{address:path}")
async def get(address: Suppressed, house: InHouse) -> SuppressionAnswer:
    """Return why no mail goes to an address."""
    async with house.store.transaction() as db:
        found = await find_suppression(db, house.organization.id, address)
    if found is None:
        raise NotFound("suppression of", address)
    return _answer(found)


@router.delete("/suppressions/{address:path}", status_code=204)
async def delete(address: Suppressed, house: InHouse) -> None:
    """Take an address off the list: the mails to come go there again, those that were skipped do not."""
    async with house.store.transaction() as db:
        if not await remove_suppression(db, house.organization.id, address):
            raise NotFound("suppression of", address)


def _answer(one: Suppression) -> SuppressionAnswer:
    return SuppressionAnswer(address=one.address, reason=one.reason, send=one.send, created_at=one.created_at)


def _write(address: str) -> str:
    return base64.urlsafe_b64encode(address.encode()).decode()


def _read(cursor: str) -> str:
    with suppress(ValueError):
        address = base64.urlsafe_b64decode(cursor.encode()).decode()
        if address.isprintable() and _write(address) == cursor:
            return address
    raise Invalid(("cursor", "Take `next` of an earlier answer as it is, or leave the cursor out."))
