"""Many participants of a session at once: all of a batch is written, or nothing."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, cast
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from api.dry_run import InWriting
from api.house import House
from api.participant_facts import BACKWARDS, list_too_early, read_facts
from api.participations import ParticipantBody, no_slot
from api.problems import Invalid
from api.sessions import fetch_session, poke, poke_all
from api.waiting import Followed, InWatch
from domain.keys import Key, PersonKey
from domain.participations import Role
from domain.zones import ZoneName
from mail.people import Address, Language, Name
from store.caught_up import Awaited
from store.companies import find_companies
from store.locks import change_facts
from store.moves import hold_directory
from store.participants import list_newer
from store.participations import BackwardsError, Enrolled, Enrolment, put_participations
from store.people import Details, find_people, put_people
from store.places import find_slots
from store.planning import is_dirty

router = APIRouter(tags=["sessions"])

MOST_ITEMS = 10_000

_DETAILS = {"email", "first_name", "last_name", "language", "timezone", "manager"}


class BatchItem(ParticipantBody):
    """A person who takes part, and what may be said of them and their part; what is left out stays as it was.

    A person of whom anything is said is made where nobody knows them.
    """

    person: PersonKey
    email: Address | None = None
    first_name: Name = Field(default="", examples=["Claire"])
    last_name: Name = Field(default="", examples=["Martin"])
    language: Language | None = Field(default=None, examples=["fr"])
    timezone: ZoneName | None = None
    manager: PersonKey | None = Field(
        default=None, description="a person, known or in this batch", examples=["p-2"]
    )

    @property
    def details(self) -> Details:
        said = self.model_dump(include=_DETAILS & self.model_fields_set)
        if "timezone" in said:
            said["zone"] = said.pop("timezone")
        return cast("Details", said)


class BatchBody(BaseModel):
    """Who takes part in a session."""

    model_config = ConfigDict(extra="forbid")

    items: Annotated[list[BatchItem], Field(max_length=MOST_ITEMS)] = Field(
        examples=[[{"person": "p-104", "email": "claire.martin@example.org", "company": "c-12"}]]
    )
    remove_missing: bool = Field(
        default=False, strict=True, description="whoever is not among `items` takes part no longer"
    )


class BatchAnswer(Followed):
    """What became of a batch; `applied`, `unchanged` and `ignored` together are its items."""

    applied: int = Field(description="items that changed something", examples=[60])
    unchanged: int = Field(description="items that stood so already", examples=[0])
    ignored: int = Field(description="items with an older `source_version` than stands here", examples=[0])
    removed: int = Field(description="people who were not among them", examples=[0])


@dataclass(frozen=True, slots=True)
class _Known:
    """What the items of a batch may refer to, by the callers' ids."""

    people: Mapping[str, UUID]
    companies: Mapping[str, UUID]
    slots: Mapping[str, UUID]


@router.post("/sessions/{id}/participants:batch")
async def put_participants(id: Key, body: BatchBody, house: InWriting, watch: InWatch) -> BatchAnswer:
    """Put up to 10,000 people into a session (F022), or nobody: each item that is wrong is named.

    With `remove_missing` these take part, and no others (F023).
    """
    async with house.store.transaction() as db:
        await watch.begin(db)
        await hold_directory(db, house.organization.id, {one.person: one.details for one in body.items})
        session = await fetch_session(db, house, id)
        await change_facts(db, session.id)
        known = await _look_up(db, house, session.id, body.items)
        early = await list_too_early(db, body.items)
        if wrong := [*_wrong(body.items, known), *((f"items.{n}.{field}", cure) for n, field, cure in early)]:
            raise Invalid(*wrong)
        late = await list_newer(db, session.id, Role.PARTICIPANT, _versions(body.items))
        described = {one.person: one.details for one in body.items if one.details and one.person not in late}
        people = await put_people(db, house.organization.id, described, within=[session.id])
        ids = {**known.people, **people.ids}
        enrolled = await _enrol(db, session.id, body, ids, known)
        dirty = await is_dirty(db, session.id)
        await watch.wrote(db, Awaited(participations=enrolled.versions, told=[session.id]))
    if dirty:
        await poke(house, session)
    await poke_all(house, {key: id for key, id in people.moved.items() if id != session.id})
    changed = {person for _, _, person in enrolled.changed} | {people.ids[key] for key in people.changed}
    return BatchAnswer(
        applied=len(changed),
        unchanged=len(body.items) - len(changed) - len(late),
        ignored=len(late),
        removed=len(enrolled.removed),
        planned=await watch.planned(clean=not dirty),
        too_late=watch.too_late,
    )


async def _enrol(
    db: AsyncConnection, session: UUID, body: BatchBody, ids: Mapping[str, UUID], known: _Known
) -> Enrolled:
    try:
        return await put_participations(
            db,
            [_enrolment(session, one, ids, known) for one in body.items if one.person in ids],
            remove_others=[(session, Role.PARTICIPANT)] if body.remove_missing else [],
        )
    except BackwardsError as error:
        wrong = (number for number, one in enumerate(body.items) if ids.get(one.person) in error.who)
        raise Invalid(*((f"items.{number}.ends_at", BACKWARDS) for number in wrong)) from None


async def _look_up(db: AsyncConnection, house: House, session: UUID, items: Collection[BatchItem]) -> _Known:
    companies = {one.company for one in items if one.company is not None}
    people = {id for one in items for id in (one.person, one.manager) if id is not None}
    slots = {slot for one in items for slot in one.slots or ()}
    return _Known(
        people=await find_people(db, house.organization.id, people),
        companies=await find_companies(db, house.organization.id, companies),
        slots=await find_slots(db, session, list(slots)),
    )


def _wrong(items: Collection[BatchItem], known: _Known) -> Iterator[tuple[str, str]]:
    seen, described = set[str](), {one.person for one in items if one.details}
    for number, one in enumerate(items):
        if one.person in seen:
            yield f"items.{number}.person", f"{one.person!r} is in this batch twice: say it all in one item."
        elif one.person not in known.people and not one.details:
            cure = "give them an `email` or a name, or PUT them first."
            yield f"items.{number}.person", f"There is no person {one.person!r}: {cure}"
        seen.add(one.person)
        if one.manager is not None and one.manager not in known.people.keys() | described:
            cure = f"PUT /v1/people/{one.manager} first, or describe them in this batch."
            yield f"items.{number}.manager", f"There is no person {one.manager!r}: {cure}"
        if one.company is not None and one.company not in known.companies:
            cure = f"PUT /v1/companies/{one.company} first."
            yield f"items.{number}.company", f"There is no company {one.company!r}: {cure}"
        for place, slot in enumerate(one.slots or ()):
            if slot not in known.slots:
                yield f"items.{number}.slots.{place}", no_slot(slot)


def _versions(items: Collection[BatchItem]) -> dict[str, int]:
    return {one.person: one.source_version for one in items if one.source_version is not None}


def _enrolment(session: UUID, one: BatchItem, people: Mapping[str, UUID], known: _Known) -> Enrolment:
    said = read_facts(one)
    if "company" in one.model_fields_set:
        said["company"] = None if one.company is None else known.companies[one.company]
    if "slots" in one.model_fields_set:
        said["slots"] = None if one.slots is None else frozenset(known.slots[slot] for slot in one.slots)
    return Enrolment(session, people[one.person], said, source_version=one.source_version)
