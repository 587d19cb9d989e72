"""Companies."""

from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from api.applied import Applied, is_applied
from api.cursors import CursorText, Limit, Page, cut, read
from api.dry_run import InWriting
from api.house import House, InHouse
from api.problems import Invalid, NotFound
from api.sessions import Text, poke_all
from api.waiting import NO_CONTENT, Followed, InWatch
from domain.keys import PersonKey, SourceVersion, Title
from mail.people import Address, Language
from store.caught_up import Awaited, await_company
from store.companies import Company, find_company, list_companies, put_company
from store.departures import delete_company
from store.locks import keep_directory
from store.people import find_person

router = APIRouter(tags=["companies"])


class CompanyBody(BaseModel):
    """A company as the CRM knows it."""

    model_config = ConfigDict(extra="forbid")

    name: Title = Field(max_length=200, examples=["Example Industries"])
    email: Address | None = Field(default=None, description="its own, where it has no contact")
    language: Language | None = None
    contact: PersonKey | None = Field(default=None, description="a person: its main contact (F057)")
    source_version: SourceVersion | None = Field(
        default=None, description="as its own system counts; a PUT with an older one is ignored"
    )


class CompanyAnswer(CompanyBody):
    """A company as it stands."""

    id: str = Field(examples=["c-12"])
    email: str | None = Field(examples=["contact@example.com"])


class CompanyWritten(CompanyAnswer, Followed, Applied):
    """A company as it stands after a write."""


class Companies(Page[CompanyAnswer]):
    """A page of companies by id."""


@router.get("/companies")
async def get_many(
    house: InHouse, limit: Limit = 100, cursor: CursorText = None, text: Text = None
) -> Companies:
    """Return companies by id."""
    (after,) = read(cursor, str) or (None,)
    async with house.store.transaction() as db:
        found = await list_companies(db, house.organization.id, limit + 1, after=after, text=text)
    page, next = cut(found, limit, lambda company: (company.key,))
    return Companies(items=[CompanyAnswer(**_told(company)) for company in page], next=next)


@router.put("/companies/{id:path}")
async def put(id: PersonKey, body: CompanyBody, house: InWriting, watch: InWatch) -> CompanyWritten:
    """Create or replace a company; mails that wait go to the contact of the moment they leave (F056).

    None of them is planned anew.
    """
    async with house.store.transaction() as db:
        await watch.begin(db)
        await keep_directory(db, house.organization.id)
        contact = await find_contact(db, house, body.contact)
        values = body.model_dump(exclude={"contact"})
        company = await put_company(db, house.organization.id, id, **values, contact=contact)
        await watch.wrote(db, await await_company(db, company.id, concerned=watch.waits))
    return CompanyWritten(
        **_told(company),
        planned=await watch.planned(clean=True),
        too_late=watch.too_late,
        applied=is_applied(body.source_version, company.source_version),
        exists=not company.deleted,
    )


@router.get("/companies/{id:path}")
async def get(id: PersonKey, house: InHouse) -> CompanyAnswer:
    """Return a company."""
    async with house.store.transaction() as db:
        company = await find_company(db, house.organization.id, id)
    if company is None:
        raise NotFound("company", id)
    return CompanyAnswer(**_told(company))


@router.delete("/companies/{id:path}", status_code=204, responses=NO_CONTENT)
async def delete(id: PersonKey, house: InWriting, watch: InWatch) -> Response:
    """Delete a company: its participants come from none, and what waits for itself is removed (F023)."""
    async with house.store.transaction() as db:
        await watch.begin(db)
        departed = await delete_company(db, house.organization.id, id)
        if departed is None:
            raise NotFound("company", id)
        await watch.wrote(db, Awaited(participations=departed.versions, told=departed.sessions.values()))
    await poke_all(house, departed.sessions)
    return await watch.gone()


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


def _told(company: Company) -> dict[str, object]:
    return {
        "id": company.key,
        "name": company.name,
        "email": company.email,
        "language": company.language,
        "contact": company.contact,
        "source_version": company.source_version,
    }
