"""Sessions, with their modules and slots."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from sqlalchemy.ext.asyncio import AsyncConnection

from api.house import House, InHouse
from api.problems import Invalid, NotFound
from domain.conditions import Label
from domain.keys import Instant, Key, Line
from domain.zones import ZoneName
from store.places import Module, Slot, list_modules, list_slots
from store.sessions import Session, delete_session, find_session, put_session

router = APIRouter(tags=["sessions"])

MOST_PLACES = 500  # modules, and slots, of one session

Room = Annotated[Line, Field(min_length=1, max_length=200, examples=["B 204"])]


class Place(BaseModel):
    """What a session and its modules and slots have in common."""

    model_config = ConfigDict(extra="forbid")

    name: Line = Field(min_length=1, max_length=500, examples=["Managing a project"])
    room: Room | None = None


class Dates(BaseModel):
    """From when to when; neither while it is not known."""

    starts_at: Instant | None = Field(default=None, examples=["2027-01-25T09:00:00+01:00"])
    ends_at: Instant | None = Field(default=None, examples=["2027-01-26T17:00:00+01:00"])

    @field_validator("ends_at")
    @classmethod
    def _in_order(cls, ends_at: datetime | None, info: ValidationInfo) -> datetime | None:
        starts_at = info.data.get("starts_at")
        if ends_at and "starts_at" in info.data and not starts_at:
            raise ValueError("ends_at needs a starts_at before it")
        if ends_at and starts_at and ends_at < starts_at:
            raise ValueError("ends_at lies before starts_at: swap them, or leave ends_at out")
        return ends_at


class ModuleBody(Place, Dates):
    """A part of a session; while it has no dates of its own, those of its slots are its dates."""

    id: Key
    mode: Label | None = Field(default=None, description="what rules of scope module and slot compare (F063)")
    category: Label | None = Field(default=None, description="as `mode` (F062)")


class SlotBody(Place):
    """A dated meeting of a session, or of one of its modules."""

    id: Key
    module: Key | None = None
    starts_at: Instant
    ends_at: Instant
    synchronous: bool = True

    @field_validator("ends_at")
    @classmethod
    def _in_order(cls, ends_at: datetime, info: ValidationInfo) -> datetime:
        if "starts_at" in info.data and ends_at <= info.data["starts_at"]:
            raise ValueError("ends_at does not lie after starts_at: swap them, or give the slot a length")
        return ends_at


class SessionBody(Place, Dates):
    """A session as its own system describes it; a PUT replaces all of it, its modules and slots too."""

    timezone: ZoneName | None = Field(default=None, description="IANA name; the organization's where absent")
    stage: Label | None = None
    mode: Label | None = Field(
        default=None, description="on site, remote …; of rules of scope session (F063)"
    )
    category: Label | None = Field(default=None, description="the main one; as `mode` (F062)")
    modules: list[ModuleBody] = Field(default=[], max_length=MOST_PLACES)
    slots: list[SlotBody] = Field(default=[], max_length=MOST_PLACES)


class SessionAnswer(SessionBody):
    """A session as it stands; `planned` says whether its mails have already followed the last change."""

    id: str
    timezone: str
    version: int
    planned: bool


@router.put("/sessions/{id}")
async def put(id: Key, body: SessionBody, house: InHouse) -> SessionAnswer:
    """Create or replace a session; every mail that waits for it follows its dates (F024, F074)."""
    if wrong := [*_wrong_places(body)]:
        raise Invalid(*wrong)
    async with house.store.transaction() as db:
        session = await put_session(
            db,
            house.organization.id,
            id,
            **body.model_dump(exclude={"timezone", "modules", "slots"}),
            zone=body.timezone or house.organization.zone,
            modules=[Module(key=one.id, **one.model_dump(exclude={"id"})) for one in body.modules],
            slots=[Slot(key=one.id, **one.model_dump(exclude={"id"})) for one in body.slots],
        )
        answer = await _answer(db, session)
    if session.dirty:
        await poke(house, session)
    return answer


@router.get("/sessions/{id}")
async def get(id: Key, house: InHouse) -> SessionAnswer:
    """Return a session."""
    async with house.store.transaction() as db:
        return await _answer(db, await fetch_session(db, house, id))


@router.delete("/sessions/{id}", status_code=204)
async def delete(id: Key, house: InHouse) -> None:
    """Delete a session and stop its mails; put again, it comes back as itself."""
    async with house.store.transaction() as db:
        session = await delete_session(db, house.organization.id, id)
    if session is None:
        raise NotFound("session", id)
    await poke(house, session)


async def fetch_session(db: AsyncConnection, house: House, key: str) -> Session:
    session = await find_session(db, house.organization.id, key)
    if session is None:
        raise NotFound("session", key)
    return session


async def poke(house: House, session: Session) -> None:
    """Have a session planned; call it once the change is committed."""
    await house.plans.session_changed(house.organization.key, session.key, session.id)


def _wrong_places(body: SessionBody) -> Iterator[tuple[str, str]]:
    yield from _twice("modules", [module.id for module in body.modules])
    yield from _twice("slots", [slot.id for slot in body.slots])
    modules = {module.id for module in body.modules}
    for number, slot in enumerate(body.slots):
        if slot.module is not None and slot.module not in modules:
            yield f"slots.{number}.module", f"There is no module {slot.module!r}: list it in `modules`."


def _twice(field: str, keys: Iterable[str]) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for number, key in enumerate(keys):
        if key in seen:
            yield f"{field}.{number}.id", f"{key!r} stands for two {field}: give each an id of its own."
        seen.add(key)


async def _answer(db: AsyncConnection, session: Session) -> SessionAnswer:
    return SessionAnswer(
        id=session.key,
        name=session.name,
        timezone=session.zone,
        starts_at=session.starts_at,
        ends_at=session.ends_at,
        stage=session.stage,
        mode=session.mode,
        category=session.category,
        room=session.room,
        modules=[ModuleBody(**_under_id(one)) for one in await list_modules(db, session.id)],
        slots=[SlotBody(**_under_id(one)) for one in await list_slots(db, session.id)],
        version=session.version,
        planned=not session.dirty,
    )


def _under_id(place: Module | Slot) -> dict[str, Any]:
    values = asdict(place)
    return {"id": values.pop("key"), **values}
