"""Who takes part in a session: participants and trainers."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from api.applied import Applied, is_applied
from api.companies import known_company
from api.cursors import CursorText, Limit, Page, cut, read
from api.dry_run import InWriting
from api.house import House, InHouse
from api.participant_facts import BACKWARDS, ParticipantFacts, list_too_early, read_facts
from api.problems import Invalid, NotFound
from api.sessions import fetch_session, poke
from api.waiting import NO_CONTENT, Followed, InWatch, Watch
from domain.keys import Key, PersonKey, SourceVersion
from domain.participations import Role
from domain.sessions import MOST_PLACES
from store.caught_up import Awaited
from store.locks import keep_directory
from store.participants import Participant, add_participant, list_participants, remove_participant
from store.participations import BackwardsError, Said
from store.people import find_person
from store.places import find_slots

router = APIRouter(tags=["sessions"])


Slots = Annotated[list[Key], Field(max_length=MOST_PLACES)]


class TrainerBody(BaseModel):
    """What may be said of a trainer's part; what is left out stays as it was."""

    model_config = ConfigDict(extra="forbid")

    slots: Slots | None = Field(
        default=None, description="of the session; null: all, those of later too", examples=[["monday"]]
    )
    source_version: SourceVersion | None = Field(
        default=None, description="as its own system counts; a PUT with an older one is ignored"
    )


class ParticipantBody(TrainerBody, ParticipantFacts):
    """What may be said of a participant's part; what is left out stays as it was."""

    company: PersonKey | None = Field(default=None, description="that they come from", examples=["c-12"])


class TrainerAnswer(BaseModel):
    """A trainer of a session."""

    person: str = Field(examples=["p-104"])
    slots: list[str] | None = Field(description="of the session; null: all", examples=[["monday"]])
    source_version: int | None = Field(examples=[7])
    planned: bool = Field(description="their mails have followed the last change", examples=[True])


class ParticipantAnswer(TrainerAnswer, ParticipantFacts):
    """A person in a session."""

    company: str | None = Field(examples=["c-12"])


class TrainerWritten(TrainerAnswer, Followed, Applied):
    """A trainer of a session after a write."""


class ParticipantWritten(ParticipantAnswer, Followed, Applied):
    """A person in a session after a write."""


class Participants(Page[ParticipantAnswer]):
    """A page of the people in a session, by id."""


class Trainers(Page[TrainerAnswer]):
    """A page of the trainers of a session, by id."""


@router.put("/sessions/{id}/participants/{person:path}")
async def put_participant(
    id: Key, person: PersonKey, house: InWriting, watch: InWatch, body: ParticipantBody | None = None
) -> ParticipantWritten:
    """Put a person into a session (F022)."""
    return ParticipantWritten.model_validate(
        await _put(house, watch, id, person, body or ParticipantBody(), Role.PARTICIPANT)
    )


@router.delete("/sessions/{id}/participants/{person:path}", status_code=204, responses=NO_CONTENT)
async def delete_participant(id: Key, person: PersonKey, house: InWriting, watch: InWatch) -> Response:
    """Take a person out of a session; what waits for them is removed (F023)."""
    return await _remove(house, watch, id, person, Role.PARTICIPANT)


@router.get("/sessions/{id}/participants")
async def participants(
    id: Key, house: InHouse, limit: Limit = 100, cursor: CursorText = None
) -> Participants:
    """Return the people in a session."""
    return Participants.model_validate(await _list(house, id, Role.PARTICIPANT, limit, cursor))


@router.put("/sessions/{id}/trainers/{person:path}")
async def put_trainer(
    id: Key, person: PersonKey, house: InWriting, watch: InWatch, body: TrainerBody | None = None
) -> TrainerWritten:
    """Have a person train a session (F022)."""
    return TrainerWritten.model_validate(
        await _put(house, watch, id, person, body or TrainerBody(), Role.TRAINER)
    )


@router.delete("/sessions/{id}/trainers/{person:path}", status_code=204, responses=NO_CONTENT)
async def delete_trainer(id: Key, person: PersonKey, house: InWriting, watch: InWatch) -> Response:
    """Take a trainer out of a session; what waits for them is removed (F023)."""
    return await _remove(house, watch, id, person, Role.TRAINER)


@router.get("/sessions/{id}/trainers")
async def trainers(id: Key, house: InHouse, limit: Limit = 100, cursor: CursorText = None) -> Trainers:
    """Return the trainers of a session."""
    return Trainers.model_validate(await _list(house, id, Role.TRAINER, limit, cursor))


async def _put(
    house: House, watch: Watch, key: str, person: str, body: TrainerBody, role: Role
) -> dict[str, object]:
    async with house.store.transaction() as db:
        await watch.begin(db)
        await keep_directory(db, house.organization.id)
        session = await fetch_session(db, house, key)
        known = await find_person(db, house.organization.id, person)
        if known is None:
            raise Invalid(("person", f"There is no person {person!r}: PUT /v1/people/{person} first."))
        said = await _read(db, house, session.id, body)
        try:
            one = await add_participant(
                db, session.id, known.id, said, role=role, source_version=body.source_version
            )
        except BackwardsError:
            raise Invalid(("ends_at", BACKWARDS)) from None
        await watch.wrote(db, _awaited(session.id, one))
    if one.dirty:
        await poke(house, session)
    return {
        **_told(one),
        "planned": await watch.planned(clean=not one.dirty),
        "too_late": watch.too_late,
        "applied": is_applied(body.source_version, one.source_version),
        "exists": not one.removed,
    }


async def _remove(house: House, watch: Watch, key: str, person: str, role: Role) -> Response:
    async with house.store.transaction() as db:
        await watch.begin(db)
        session = await fetch_session(db, house, key)
        one = await remove_participant(db, session.id, person, role=role)
        if one is None:
            raise NotFound(role, person)
        await watch.wrote(db, _awaited(session.id, one))
    await poke(house, session)
    return await watch.gone()


async def _list(house: House, key: str, role: Role, limit: int, cursor: str | None) -> dict[str, object]:
    (after,) = read(cursor, str) or (None,)
    async with house.store.transaction() as db:
        session = await fetch_session(db, house, key)
        found = await list_participants(db, session.id, limit + 1, role=role, after=after)
    page, next = cut(found, limit, lambda one: (one.person,))
    return {"items": [_told(one) for one in page], "next": next}


async def _read(db: AsyncConnection, house: House, session: UUID, body: TrainerBody) -> Said:
    """Return what was said, by internal ids."""
    said = await _read_own(db, house, body) if isinstance(body, ParticipantBody) else Said()
    if "slots" in body.model_fields_set:
        said["slots"] = None if body.slots is None else await _slot_ids(db, session, body.slots)
    return said


async def _read_own(db: AsyncConnection, house: House, body: ParticipantBody) -> Said:
    """Return what is said of participants alone."""
    if wrong := await list_too_early(db, [body]):
        raise Invalid(*((field, cure) for _, field, cure in wrong))
    said = read_facts(body)
    if "company" in body.model_fields_set:
        said["company"] = None if body.company is None else await known_company(db, house, body.company)
    return said


async def _slot_ids(db: AsyncConnection, session: UUID, keys: list[str]) -> frozenset[UUID]:
    found = await find_slots(db, session, keys)
    wrong = [(f"slots.{number}", no_slot(key)) for number, key in enumerate(keys) if key not in found]
    if wrong:
        raise Invalid(*wrong)
    return frozenset(found.values())


def no_slot(key: str) -> str:
    return f"This session has no slot {key!r}: list it in the `slots` of the session first."


def _awaited(session: UUID, one: Participant) -> Awaited:
    return Awaited(participations={one.id: one.version}, told=[session])


def _told(one: Participant) -> dict[str, object]:
    return {
        "person": one.person,
        "company": one.company,
        "slots": one.slots,
        **{name: getattr(one, name) for name in ParticipantFacts.model_fields},
        "source_version": one.source_version,
        "planned": not one.dirty,
    }
