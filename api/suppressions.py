"""The addresses that no mail goes to any more."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, Field

from api.cursors import CursorText, Limit, Page, cut, read
from api.house import InHouse
from api.problems import NotFound
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


class Suppressions(Page[SuppressionAnswer]):
    """A page of the list by address."""


@router.get("/suppressions")
async def get_many(house: InHouse, limit: Limit = 100, cursor: CursorText = None) -> Suppressions:
    """Return the list."""
    (after,) = read(cursor, str) or (None,)
    async with house.store.transaction() as db:
        found = await list_suppressions(db, house.organization.id, limit + 1, after)
    page, next = cut(found, limit, lambda one: (one.address,))
    return Suppressions(items=[_answer(one) for one in page], next=next)


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
