"""Sessions, with their modules and slots."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from sqlalchemy.ext.asyncio import AsyncConnection

from api.applied import Applied, is_applied
from api.callers import InCaller
from api.cursors import CursorText, Limit, Page, cut, read
from api.dry_run import InWriting
from api.house import House, InHouse
from api.patches import Patch, patched
from api.problems import Invalid, NotFound
from api.session_rule_checks import lock_named, say_of_rules
from api.waiting import NO_CONTENT, Followed, InWatch
from domain.conditions import Label
from domain.keys import Instant, Key, Line
from domain.session_rules import OverrideBody
from domain.sessions import ModuleBody, SessionBody, SessionOutline, SlotBody, wrong_places
from store.caught_up import Awaited
from store.locks import change_facts, keep_directory
from store.people import find_people
from store.places import Module, Slot, list_modules, list_slots
from store.sessions import (
    Session,
    SessionFilter,
    delete_session,
    find_session,
    list_sessions,
    put_session,
)

router = APIRouter(tags=["sessions"])

Text = Annotated[
    Line | None,
    Query(
        min_length=1,
        max_length=200,
        description="a part of an id or name, or of an address, whatever the capitals",
        examples=["martin"],
    ),
]

_POKES_AT_ONCE = 20


class SessionLine(SessionOutline):
    """A session as it stands, but for its modules and slots."""

    id: str = Field(examples=["S-2027-041"])
    timezone: str = Field(examples=["Europe/Paris"])
    version: int = Field(description="grows with every change that its mails follow", examples=[3])
    planned: bool = Field(description="its mails have followed the last change", examples=[True])


class SessionPutBody(SessionBody):
    """A session as its own system describes it, and what it says of rules from the start."""

    rules: dict[Key, OverrideBody] = Field(
        default={},
        max_length=100,
        description="switches and overrides, by the id of the rule (F067); what is said of others stays",
        examples=[{"convocation-j7": {"active": False}}],
    )


class SessionAnswer(SessionLine, SessionBody):
    """A session as it stands."""


class SessionWritten(SessionAnswer, Followed, Applied):
    """A session as it stands after a write."""


class Sessions(Page[SessionLine]):
    """A page of sessions by id: an order that no change of a date disturbs while pages are read."""


class SessionQuery(BaseModel):
    """Which sessions are asked for: all filters narrow the list together."""

    model_config = ConfigDict(extra="forbid")

    stage: Label | None = None
    mode: Label | None = Field(default=None, examples=["remote"])
    category: Label | None = Field(default=None, examples=["management"])
    center: Key | None = Field(default=None, examples=["lyon"])
    starts_from: Instant | None = Field(
        default=None, description="starts then or later", examples=["2027-01-01T00:00:00+01:00"]
    )
    starts_to: Instant | None = Field(
        default=None, description="starts before", examples=["2027-02-01T00:00:00+01:00"]
    )
    text: Text = None
    limit: Limit = 100
    cursor: CursorText = None

    @field_validator("starts_to")
    @classmethod
    def _in_order(cls, starts_to: datetime | None, info: ValidationInfo) -> datetime | None:
        starts_from = info.data.get("starts_from")
        if starts_to and starts_from and starts_to < starts_from:
            raise ValueError("starts_to lies before starts_from: swap them, or leave one out")
        return starts_to


@router.get("/sessions")
async def get_many(asked: Annotated[SessionQuery, Query()], house: InHouse) -> Sessions:
    """Return sessions by id, without their modules and slots."""
    (after,) = read(asked.cursor, str) or (None,)
    async with house.store.transaction() as db:
        found = await list_sessions(
            db,
            house.organization.id,
            asked.limit + 1,
            after=after,
            only=SessionFilter(**asked.model_dump(exclude={"limit", "cursor"})),
        )
    page, next = cut(found, asked.limit, lambda session: (session.key,))
    return Sessions(items=[_line(session) for session in page], next=next)


@router.put("/sessions/{id}")
async def put(
    id: Key, body: SessionPutBody, house: InWriting, watch: InWatch, caller: InCaller
) -> SessionWritten:
    """Create or replace a session; every mail that waits for it follows its dates (F024, F074)."""
    if wrong := [*wrong_places(body)]:
        raise Invalid(*wrong)
    async with house.store.transaction() as db:
        await watch.begin(db)
        if body.manager is not None:
            await keep_directory(db, house.organization.id)
        templates = await lock_named(db, house, body.rules)
        session = await put_session(
            db,
            house.organization.id,
            id,
            **await _outline(db, house, body),
            modules=[Module(key=one.id, **one.model_dump(exclude={"id"})) for one in body.modules],
            slots=[Slot(key=one.id, **one.model_dump(exclude={"id"})) for one in body.slots],
        )
        if body.rules and is_applied(body.source_version, session.source_version):
            caller.check_session(session.center)
            await say_of_rules(db, session.id, body.rules, templates, within="rules", by=caller.name)
            session = await fetch_session(db, house, id)
        await watch.wrote(db, _awaited(session))
        answer = await _answer(db, session)
    return await _followed(house, watch, session, answer, body.source_version)


@router.patch("/sessions/{id}")
async def patch(id: Key, change: Patch, house: InWriting, watch: InWatch) -> SessionWritten:
    """Change some of a session; its modules and slots stay as they are, a PUT replaces them."""
    if wrong := [
        (name, f"PUT /v1/sessions/{id} replaces it.") for name in ("modules", "slots") if name in change
    ]:
        raise Invalid(*wrong)
    async with house.store.transaction() as db:
        await watch.begin(db)
        if change.get("manager") is not None:
            await keep_directory(db, house.organization.id)
        await change_facts(db, (await fetch_session(db, house, id)).id)
        stands = await fetch_session(db, house, id)
        body = patched(SessionOutline, {**_said(stands), "source_version": None}, change)
        session = await put_session(
            db, house.organization.id, id, **await _outline(db, house, body), modules=None, slots=None
        )
        await watch.wrote(db, _awaited(session))
        answer = await _answer(db, session)
    return await _followed(house, watch, session, answer, body.source_version)


@router.get("/sessions/{id}")
async def get(id: Key, house: InHouse) -> SessionAnswer:
    """Return a session."""
    async with house.store.transaction() as db:
        return await _answer(db, await fetch_session(db, house, id))


@router.delete("/sessions/{id}", status_code=204, responses=NO_CONTENT)
async def delete(id: Key, house: InWriting, watch: InWatch) -> Response:
    """Delete a session and stop its mails; put again, it comes back as itself."""
    async with house.store.transaction() as db:
        await watch.begin(db)
        session = await delete_session(db, house.organization.id, id)
        if session is None:
            raise NotFound("session", id)
        await watch.wrote(db, _awaited(session))
    await poke(house, session)
    return await watch.gone()


async def fetch_session(db: AsyncConnection, house: House, key: str) -> Session:
    session = await find_session(db, house.organization.id, key)
    if session is None:
        raise NotFound("session", key)
    return session


async def poke(house: House, session: Session) -> None:
    """Have a session planned; call it once the change is committed."""
    await house.plans.session_changed(house.organization.key, session.key, session.id)


async def poke_all(house: House, sessions: Mapping[str, UUID]) -> None:
    """Have sessions planned, by their callers' ids; call it once the change is committed."""
    gate = asyncio.Semaphore(_POKES_AT_ONCE)

    async def poke_one(key: str, session: UUID) -> None:
        async with gate:
            await house.plans.session_changed(house.organization.key, key, session)

    await asyncio.gather(*(poke_one(key, session) for key, session in sessions.items()))


async def _outline(db: AsyncConnection, house: House, body: SessionOutline) -> dict[str, Any]:
    """Return what `put_session` takes, but for modules and slots.

    The caller holds the directory, or the facts of the session whose manager it is already.
    """
    values = body.model_dump(exclude={"timezone", "manager", "modules", "slots", "rules"})
    manager = await _manager(db, house, body.manager)
    return {**values, "manager_id": manager, "zone": body.timezone or house.organization.zone}


async def _manager(db: AsyncConnection, house: House, key: str | None) -> UUID | None:
    if key is None:
        return None
    known = await find_people(db, house.organization.id, [key])
    if key not in known:
        raise Invalid(("manager", f"There is no person {key!r}: PUT /v1/people/{key} first."))
    return known[key]


def _awaited(session: Session) -> Awaited:
    return Awaited(sessions={session.id: session.version}, told=[session.id])


async def _followed(
    house: House, watch: InWatch, session: Session, answer: SessionAnswer, source_version: int | None
) -> SessionWritten:
    """Have a session planned that was written; answer, once planning has followed where that was asked."""
    if session.dirty:
        await poke(house, session)
    return SessionWritten(
        **{**dict(answer), "planned": await watch.planned(clean=not session.dirty)},
        too_late=watch.too_late,
        applied=is_applied(source_version, session.source_version),
        exists=not session.deleted,
    )


async def _answer(db: AsyncConnection, session: Session) -> SessionAnswer:
    return SessionAnswer(
        **dict(_line(session)),
        modules=[ModuleBody(**_under_id(one)) for one in await list_modules(db, session.id)],
        slots=[SlotBody(**_under_id(one)) for one in await list_slots(db, session.id)],
    )


def _line(session: Session) -> SessionLine:
    return SessionLine(**_said(session), id=session.key, version=session.version, planned=not session.dirty)


def _said(session: Session) -> dict[str, Any]:
    """Return what was said of a session, as `SessionOutline` has it."""
    fields = SessionOutline.model_fields.keys() - {"timezone"}
    return {**{name: getattr(session, name) for name in fields}, "timezone": session.zone}


def _under_id(place: Module | Slot) -> dict[str, Any]:
    values = asdict(place)
    return {"id": values.pop("key"), **values}
