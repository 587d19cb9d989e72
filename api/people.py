"""People."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.house import InHouse
from api.problems import NotFound
from domain.keys import Line, PersonKey
from mail.addresses import check_address
from store.people import Person, find_person, put_person

router = APIRouter(tags=["people"])

Address = Annotated[str, AfterValidator(check_address), Field(examples=["claire.martin@example.org"])]
Name = Annotated[Line, Field(max_length=200)]


class PersonBody(BaseModel):
    """A person as the CRM knows them."""

    model_config = ConfigDict(extra="forbid")

    email: Address | None = None
    first_name: Name = ""
    last_name: Name = ""
    language: Literal["en", "fr"] | None = None


class PersonAnswer(PersonBody):
    """A person as they stand."""

    id: str


@router.put("/people/{id:path}")
async def put(id: PersonKey, body: PersonBody, house: InHouse) -> PersonAnswer:
    """Create or replace a person; mails that wait go to the address of the moment they leave (F038)."""
    async with house.store.transaction() as db:
        return _answer(await put_person(db, house.organization.id, id, **body.model_dump()))


@router.get("/people/{id:path}")
async def get(id: PersonKey, house: InHouse) -> PersonAnswer:
    """Return a person."""
    async with house.store.transaction() as db:
        person = await find_person(db, house.organization.id, id)
    if person is None:
        raise NotFound("person", id)
    return _answer(person)


def _answer(person: Person) -> PersonAnswer:
    return PersonAnswer(
        id=person.key,
        email=person.email,
        first_name=person.first_name,
        last_name=person.last_name,
        language="fr" if person.language == "fr" else "en" if person.language else None,
    )
