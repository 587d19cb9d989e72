"""Who takes part in a session: participants, trainers, and the companies that participants come from."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from api.companies import find_contact, known_company
from api.house import House, InHouse
from api.problems import Invalid, NotFound
from api.sessions import MOST_PLACES, fetch_session, poke
from domain.keys import Key, PersonKey
from domain.participations import Role
from store.participations import (
    Participant,
    Said,
    SessionCompany,
    add_participant,
    list_participants,
    list_session_companies,
    put_contact,
    remove_participant,
)
from store.people import find_person
from store.places import find_slots

router = APIRouter(tags=["sessions"])

LONGEST_LIST = 1000

Slots = Annotated[list[Key], Field(max_length=MOST_PLACES)]


class TrainerBody(BaseModel):
    """What may be said of a trainer's part; what is left out stays as it was."""

    model_config = ConfigDict(extra="forbid")

    slots: Slots | None = Field(default=None, description="of the session; null: all, those of later too")


class ParticipantBody(TrainerBody):
    """What may be said of a participant's part; what is left out stays as it was."""

    company: PersonKey | None = Field(default=None, description="that they come from")


class ContactBody(BaseModel):
    """Whom a company's mails of one session go to."""

    model_config = ConfigDict(extra="forbid")

    contact: PersonKey | None = Field(
        description="a person; null: the company's main contact, or itself (F057)"
    )


class TrainerAnswer(BaseModel):
    """A trainer of a session; `planned` says whether their mails have followed the last change."""

    person: str
    slots: list[str] | None
    planned: bool


class ParticipantAnswer(TrainerAnswer):
    """A person in a session; `planned` says whether their mails have followed the last change."""

    company: str | None


class SessionCompanyAnswer(BaseModel):
    """A company in a session; `present` while one of its people takes part."""

    company: str
    contact: str | None
    present: bool
    planned: bool


class Participants(BaseModel):
    """The people in a session."""

    items: list[ParticipantAnswer]


class Trainers(BaseModel):
    """The trainers of a session."""

    items: list[TrainerAnswer]


class SessionCompanies(BaseModel):
    """The companies of a session."""

    items: list[SessionCompanyAnswer]


@router.put("/sessions/{id}/participants/{person:path}")
async def put_participant(
    id: Key, person: PersonKey, house: InHouse, body: ParticipantBody | None = None
) -> ParticipantAnswer:
    """Put a person into a session (F022)."""
    return _participant(await _add(house, id, person, body, Role.PARTICIPANT))


@router.delete("/sessions/{id}/participants/{person:path}", status_code=204)
async def delete_participant(id: Key, person: PersonKey, house: InHouse) -> None:
    """Take a person out of a session; what waits for them is removed (F023)."""
    await _remove(house, id, person, Role.PARTICIPANT)


@router.get("/sessions/{id}/participants")
async def participants(id: Key, house: InHouse) -> Participants:
    """Return the people in a session."""
    return Participants(items=[_participant(one) for one in await _list(house, id, Role.PARTICIPANT)])


@router.put("/sessions/{id}/trainers/{person:path}")
async def put_trainer(
    id: Key, person: PersonKey, house: InHouse, body: TrainerBody | None = None
) -> TrainerAnswer:
    """Have a person train a session (F022)."""
    return _trainer(await _add(house, id, person, body, Role.TRAINER))


@router.delete("/sessions/{id}/trainers/{person:path}", status_code=204)
async def delete_trainer(id: Key, person: PersonKey, house: InHouse) -> None:
    """Take a trainer out of a session; what waits for them is removed (F023)."""
    await _remove(house, id, person, Role.TRAINER)


@router.get("/sessions/{id}/trainers")
async def trainers(id: Key, house: InHouse) -> Trainers:
    """Return the trainers of a session."""
    return Trainers(items=[_trainer(one) for one in await _list(house, id, Role.TRAINER)])


@router.put("/sessions/{id}/companies/{company:path}")
async def put_company(id: Key, company: PersonKey, body: ContactBody, house: InHouse) -> SessionCompanyAnswer:
    """Say whom a company's mails of this session go to (F057)."""
    async with house.store.transaction() as db:
        session = await fetch_session(db, house, id)
        known = await known_company(db, house, company)
        contact = await find_contact(db, house, body.contact)
        in_session = await put_contact(db, session.id, known, contact)
    if in_session.dirty:
        await poke(house, session)
    return _company(in_session)


@router.get("/sessions/{id}/companies")
async def companies(id: Key, house: InHouse) -> SessionCompanies:
    """Return the companies of a session."""
    async with house.store.transaction() as db:
        session = await fetch_session(db, house, id)
        found = await list_session_companies(db, session.id, LONGEST_LIST)
    return SessionCompanies(items=[_company(one) for one in found])


async def _add(house: House, key: str, person: str, body: TrainerBody | None, role: Role) -> Participant:
    async with house.store.transaction() as db:
        session = await fetch_session(db, house, key)
        known = await find_person(db, house.organization.id, person)
        if known is None:
            raise Invalid(("person", f"There is no person {person!r}: PUT /v1/people/{person} first."))
        said = Said() if body is None else await _read(db, house, session.id, body)
        participant = await add_participant(db, session.id, known.id, said, role=role)
    if participant.dirty:
        await poke(house, session)
    return participant


async def _read(db: AsyncConnection, house: House, session: UUID, body: TrainerBody) -> Said:
    """Return what was said, by internal ids."""
    said = Said()
    if isinstance(body, ParticipantBody) and "company" in body.model_fields_set:
        said["company"] = None if body.company is None else await known_company(db, house, body.company)
    if "slots" in body.model_fields_set:
        said["slots"] = None if body.slots is None else await _slot_ids(db, session, body.slots)
    return said


async def _slot_ids(db: AsyncConnection, session: UUID, keys: list[str]) -> frozenset[UUID]:
    found = await find_slots(db, session, keys)
    cure = "list it in the `slots` of the session first."
    wrong = [
        (f"slots.{number}", f"This session has no slot {key!r}: {cure}")
        for number, key in enumerate(keys)
        if key not in found
    ]
    if wrong:
        raise Invalid(*wrong)
    return frozenset(found.values())


async def _remove(house: House, key: str, person: str, role: Role) -> None:
    async with house.store.transaction() as db:
        session = await fetch_session(db, house, key)
        participant = await remove_participant(db, session.id, person, role=role)
    if participant is None:
        raise NotFound(role, person)
    await poke(house, session)


async def _list(house: House, key: str, role: Role) -> list[Participant]:
    async with house.store.transaction() as db:
        session = await fetch_session(db, house, key)
        return await list_participants(db, session.id, LONGEST_LIST, role=role)


def _participant(participant: Participant) -> ParticipantAnswer:
    return ParticipantAnswer(
        person=participant.person,
        company=participant.company,
        slots=participant.slots,
        planned=not participant.dirty,
    )


def _trainer(trainer: Participant) -> TrainerAnswer:
    return TrainerAnswer(person=trainer.person, slots=trainer.slots, planned=not trainer.dirty)


def _company(company: SessionCompany) -> SessionCompanyAnswer:
    return SessionCompanyAnswer(
        company=company.company,
        contact=company.contact,
        present=company.present,
        planned=not company.dirty,
    )
