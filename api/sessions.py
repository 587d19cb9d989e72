"""Sessions and their participants."""

from typing import Self

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from api.house import House, InHouse
from api.problems import Invalid, NotFound
from domain.keys import Instant, Key, Line, PersonKey
from domain.zones import ZoneName
from store.people import find_person
from store.sessions import (
    Participant,
    Session,
    add_participant,
    delete_session,
    find_session,
    list_participants,
    put_session,
    remove_participant,
)

router = APIRouter(tags=["sessions"])

LONGEST_LIST = 1000


class SessionBody(BaseModel):
    """A session as its own system describes it."""

    model_config = ConfigDict(extra="forbid")

    name: Line = Field(min_length=1, max_length=500, examples=["Managing a project"])
    timezone: ZoneName | None = Field(default=None, description="IANA name; the organization's where absent")
    starts_at: Instant | None = Field(default=None, examples=["2027-01-25T09:00:00+01:00"])
    ends_at: Instant | None = Field(default=None, examples=["2027-01-26T17:00:00+01:00"])

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.ends_at and not self.starts_at:
            raise ValueError("a session with ends_at needs starts_at too")
        if self.starts_at and self.ends_at and self.ends_at < self.starts_at:
            raise ValueError("ends_at lies before starts_at: swap them, or leave ends_at out")
        return self


class SessionAnswer(BaseModel):
    """A session as it stands; `planned` says whether its mails have already followed the last change."""

    id: str
    name: str
    timezone: str
    starts_at: AwareDatetime | None
    ends_at: AwareDatetime | None
    version: int
    planned: bool


class ParticipantAnswer(BaseModel):
    """A person in a session."""

    person: str
    planned: bool


class Participants(BaseModel):
    """The people in a session."""

    items: list[ParticipantAnswer]


@router.put("/sessions/{id}")
async def put(id: Key, body: SessionBody, house: InHouse) -> SessionAnswer:
    """Create or replace a session; every mail that waits for it follows its dates (F024)."""
    async with house.store.transaction() as db:
        session = await put_session(
            db,
            house.organization.id,
            id,
            name=body.name,
            zone=body.timezone or house.organization.zone,
            starts_at=body.starts_at,
            ends_at=body.ends_at,
        )
    if session.dirty:
        await _poke(house, session)
    return _answer(session)


@router.get("/sessions/{id}")
async def get(id: Key, house: InHouse) -> SessionAnswer:
    """Return a session."""
    return _answer(await _fetch(house, id))


@router.delete("/sessions/{id}", status_code=204)
async def delete(id: Key, house: InHouse) -> None:
    """Delete a session and stop its mails; put again, it comes back as itself."""
    async with house.store.transaction() as db:
        session = await delete_session(db, house.organization.id, id)
    if session is None:
        raise NotFound("session", id)
    await _poke(house, session)


@router.put("/sessions/{id}/participants/{person:path}")
async def put_participant(id: Key, person: PersonKey, house: InHouse) -> ParticipantAnswer:
    """Put a person into a session (F022)."""
    session = await _fetch(house, id)
    async with house.store.transaction() as db:
        known = await find_person(db, house.organization.id, person)
        if known is None:
            raise Invalid(("person", f"There is no person {person!r}: PUT /v1/people/{person} first."))
        participant = await add_participant(db, session.id, known.id, person)
    if participant.dirty:
        await _poke(house, session)
    return _participant(participant)


@router.delete("/sessions/{id}/participants/{person:path}", status_code=204)
async def delete_participant(id: Key, person: PersonKey, house: InHouse) -> None:
    """Take a person out of a session; what waits for them is removed (F023)."""
    session = await _fetch(house, id)
    async with house.store.transaction() as db:
        participant = await remove_participant(db, session.id, person)
    if participant is None:
        raise NotFound("participant", person)
    await _poke(house, session)


@router.get("/sessions/{id}/participants")
async def participants(id: Key, house: InHouse) -> Participants:
    """Return the people in a session."""
    session = await _fetch(house, id)
    async with house.store.transaction() as db:
        people = await list_participants(db, session.id, LONGEST_LIST)
    return Participants(items=[_participant(person) for person in people])


async def _fetch(house: House, key: str) -> Session:
    async with house.store.transaction() as db:
        session = await find_session(db, house.organization.id, key)
    if session is None:
        raise NotFound("session", key)
    return session


async def _poke(house: House, session: Session) -> None:
    await house.plans.session_changed(house.organization.key, session.key, session.id)


def _answer(session: Session) -> SessionAnswer:
    return SessionAnswer(
        id=session.key,
        name=session.name,
        timezone=session.zone,
        starts_at=session.starts_at,
        ends_at=session.ends_at,
        version=session.version,
        planned=not session.dirty,
    )


def _participant(participant: Participant) -> ParticipantAnswer:
    return ParticipantAnswer(person=participant.person, planned=not participant.dirty)
