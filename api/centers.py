"""Training centers, and whom their mails are from."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.callers import InCaller
from api.cursors import CursorText, Limit, Page, cut, read
from api.house import InHouse
from api.problems import NotFound
from domain.keys import Key, Title
from domain.rules import FixedAddress
from mail.addresses import check_address
from store.centers import Center, delete_center, find_center, list_centers, put_center

router = APIRouter(tags=["centers"])

Address = Annotated[FixedAddress, AfterValidator(check_address), Field(examples=["lyon@example.org"])]


class CenterSender(BaseModel):
    """Whom the mails of a center are from."""

    model_config = ConfigDict(extra="forbid")

    address: Address
    name: Title | None = Field(default=None, max_length=200, examples=["Example Training Lyon"])


class CenterBody(BaseModel):
    """A training center. A session names its center by this id, also where nobody has said more of it."""

    model_config = ConfigDict(extra="forbid")

    name: Title = Field(max_length=200, examples=["Lyon"])
    sender: CenterSender | None = Field(default=None, description="null: the organization's")
    reply_to: Address | None = Field(default=None, description="where answers go; null: to the sender")


class CenterAnswer(CenterBody):
    """A center as it stands."""

    id: str = Field(examples=["lyon"])


class Centers(Page[CenterAnswer]):
    """A page of centers by id."""


@router.get("/centers")
async def get_many(house: InHouse, limit: Limit = 100, cursor: CursorText = None) -> Centers:
    """Return centers by id."""
    (after,) = read(cursor, str) or (None,)
    async with house.store.transaction() as db:
        found = await list_centers(db, house.organization.id, limit + 1, after=after)
    page, next = cut(found, limit, lambda center: (center.key,))
    return Centers(items=[_answer(center) for center in page], next=next)


@router.put("/centers/{id}")
async def put(id: Key, body: CenterBody, house: InHouse, caller: InCaller) -> CenterAnswer:
    """Create or replace a center; mails that wait leave with its sender of the moment, unless their rule has one."""
    caller.check_center(id)
    sender = body.sender
    async with house.store.transaction() as db:
        center = await put_center(
            db,
            house.organization.id,
            id,
            name=body.name,
            sender_address=sender.address if sender else None,
            sender_name=sender.name if sender else None,
            reply_to=body.reply_to,
        )
    return _answer(center)


@router.get("/centers/{id}")
async def get(id: Key, house: InHouse) -> CenterAnswer:
    """Return a center."""
    async with house.store.transaction() as db:
        center = await find_center(db, house.organization.id, id)
    if center is None:
        raise NotFound("center", id)
    return _answer(center)


@router.delete("/centers/{id}", status_code=204)
async def delete(id: Key, house: InHouse, caller: InCaller) -> None:
    """Delete a center; sessions and rules go on naming it, and their mails are from the organization."""
    caller.check_center(id)
    async with house.store.transaction() as db:
        if not await delete_center(db, house.organization.id, id):
            raise NotFound("center", id)


def _answer(center: Center) -> CenterAnswer:
    address = center.sender_address
    sender = CenterSender(address=address, name=center.sender_name) if address else None
    return CenterAnswer(id=center.key, name=center.name, sender=sender, reply_to=center.reply_to)
