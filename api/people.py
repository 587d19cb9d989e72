"""People."""

from fastapi import APIRouter, Response
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from api.applied import Applied, is_applied
from api.cursors import CursorText, Limit, Page, cut, read
from api.dry_run import InWriting
from api.house import House, InHouse
from api.problems import Invalid, NotFound
from api.sessions import Text, poke_all
from api.waiting import NO_CONTENT, Followed, InWatch
from domain.keys import PersonKey
from mail.people import PersonBody
from store.caught_up import Awaited, await_person
from store.departures import delete_person
from store.moves import hold_directory
from store.people import Person, find_person, list_people, put_person

router = APIRouter(tags=["people"])


class PersonAnswer(PersonBody):
    """A person as they stand."""

    id: str = Field(examples=["p-104"])
    email: str | None = Field(examples=["claire.martin@example.org"])


class PersonWritten(PersonAnswer, Followed, Applied):
    """A person as they stand after a write."""


class People(Page[PersonAnswer]):
    """A page of people by id."""


@router.get("/people")
async def get_many(
    house: InHouse, limit: Limit = 100, cursor: CursorText = None, text: Text = None
) -> People:
    """Return people by id."""
    (after,) = read(cursor, str) or (None,)
    async with house.store.transaction() as db:
        found = await list_people(db, house.organization.id, limit + 1, after=after, text=text)
    page, next = cut(found, limit, lambda person: (person.key,))
    return People(items=[PersonAnswer(**_told(person)) for person in page], next=next)


@router.put("/people/{id:path}")
async def put(id: PersonKey, body: PersonBody, house: InWriting, watch: InWatch) -> PersonWritten:
    """Create or replace a person; mails that wait go to the address of the moment they leave (F038).

    Mails of rules that go by their recipient's clocks are planned anew where the zone is another.
    """
    async with house.store.transaction() as db:
        await watch.begin(db)
        await hold_directory(db, house.organization.id, {id: body.said})
        await _check_manager(db, house, id, body.manager)
        person = await put_person(db, house.organization.id, id, **body.said)
        awaited = await await_person(db, person.id, concerned=watch.waits)
        await watch.wrote(db, awaited)
    await poke_all(house, person.moved)
    return PersonWritten(
        **_told(person),
        planned=await watch.planned(clean=not awaited.participations),
        too_late=watch.too_late,
        applied=is_applied(body.source_version, person.source_version),
        exists=not person.deleted,
    )


@router.get("/people/{id:path}")
async def get(id: PersonKey, house: InHouse) -> PersonAnswer:
    """Return a person."""
    async with house.store.transaction() as db:
        person = await find_person(db, house.organization.id, id)
    if person is None:
        raise NotFound("person", id)
    return PersonAnswer(**_told(person))


@router.delete("/people/{id:path}", status_code=204, responses=NO_CONTENT)
async def delete(id: PersonKey, house: InWriting, watch: InWatch) -> Response:
    """Delete a person and take them out of every session; what waits for them is removed (F023).

    Put again they come back, not to the sessions they were in.
    """
    async with house.store.transaction() as db:
        await watch.begin(db)
        departed = await delete_person(db, house.organization.id, id)
        if departed is None:
            raise NotFound("person", id)
        await watch.wrote(db, Awaited(participations=departed.versions, told=departed.sessions.values()))
    await poke_all(house, departed.sessions)
    return await watch.gone()


async def _check_manager(db: AsyncConnection, house: House, id: str, manager: str | None) -> None:
    if manager is None:
        return
    if manager == id:
        raise Invalid(("manager", "Nobody is their own manager: leave it out, or name another person."))
    if await find_person(db, house.organization.id, manager) is None:
        raise Invalid(("manager", f"There is no person {manager!r}: PUT /v1/people/{manager} first."))


def _told(person: Person) -> dict[str, object]:
    return {
        "id": person.key,
        "email": person.email,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "language": person.language,
        "timezone": person.zone,
        "manager": person.manager,
        "source_version": person.source_version,
    }
