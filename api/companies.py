"""Companies."""

from typing import Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from api.house import House, InHouse
from api.people import Address
from api.problems import Invalid, NotFound
from domain.keys import Line, PersonKey
from store.companies import Company, find_company, put_company
from store.people import find_person

router = APIRouter(tags=["companies"])


class CompanyBody(BaseModel):
    """A company as the CRM knows it."""

    model_config = ConfigDict(extra="forbid")

    name: Line = Field(min_length=1, max_length=200, examples=["Example Industries"])
    email: Address | None = Field(default=None, description="its own, where it has no contact")
    language: Literal["en", "fr"] | None = None
    contact: PersonKey | None = Field(default=None, description="a person: its main contact (F057)")


class CompanyAnswer(CompanyBody):
    """A company as it stands."""

    id: str


@router.put("/companies/{id:path}")
async def put(id: PersonKey, body: CompanyBody, house: InHouse) -> CompanyAnswer:
    """Create or replace a company; mails that wait go to the contact of the moment they leave (F056)."""
    async with house.store.transaction() as db:
        contact = await find_contact(db, house, body.contact)
        values = body.model_dump(exclude={"contact"})
        return _answer(await put_company(db, house.organization.id, id, **values, contact=contact))


@router.get("/companies/{id:path}")
async def get(id: PersonKey, house: InHouse) -> CompanyAnswer:
    """Return a company."""
    async with house.store.transaction() as db:
        company = await find_company(db, house.organization.id, id)
    if company is None:
        raise NotFound("company", id)
    return _answer(company)


async def find_contact(db: AsyncConnection, house: House, key: str | None) -> UUID | None:
    """Return the person a body names as `contact`, if it does; raise `Invalid` for one that nobody knows."""
    if key is None:
        return None
    person = await find_person(db, house.organization.id, key)
    if person is None:
        raise Invalid(("contact", f"There is no person {key!r}: PUT /v1/people/{key} first."))
    return person.id


async def known_company(db: AsyncConnection, house: House, key: str) -> UUID:
    """Return the company a request names as `company`; raise `Invalid` for one that nobody knows."""
    company = await find_company(db, house.organization.id, key)
    if company is None:
        raise Invalid(("company", f"There is no company {key!r}: PUT /v1/companies/{key} first."))
    return company.id


def _answer(company: Company) -> CompanyAnswer:
    return CompanyAnswer(
        id=company.key,
        name=company.name,
        email=company.email,
        language="fr" if company.language == "fr" else "en" if company.language else None,
        contact=company.contact,
    )
