"""The companies that participants of a session come from, and whom their mails of it go to."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from api.applied import Applied, is_applied
from api.companies import find_contact, known_company
from api.cursors import CursorText, Limit, Page, cut, read
from api.dry_run import InWriting
from api.house import InHouse
from api.sessions import fetch_session, poke
from api.waiting import Followed, InWatch
from domain.keys import Key, PersonKey, SourceVersion
from store.caught_up import Awaited
from store.contacts import SessionCompany, list_session_companies, put_contact
from store.locks import keep_directory

router = APIRouter(tags=["sessions"])


class ContactBody(BaseModel):
    """Whom a company's mails of one session go to."""

    model_config = ConfigDict(extra="forbid")

    contact: PersonKey | None = Field(
        description="a person; null: the company's main contact, or itself (F057)", examples=["p-104"]
    )
    source_version: SourceVersion | None = Field(
        default=None, description="as its own system counts; a PUT with an older one is ignored"
    )


class SessionCompanyAnswer(BaseModel):
    """A company in a session."""

    company: str = Field(examples=["c-12"])
    contact: str | None = Field(examples=["p-104"])
    present: bool = Field(description="one of its people takes part", examples=[True])
    source_version: int | None = Field(examples=[7])
    planned: bool = Field(description="its mails have followed the last change", examples=[True])


class SessionCompanyWritten(SessionCompanyAnswer, Followed, Applied):
    """A company in a session after a write."""


class SessionCompanies(Page[SessionCompanyAnswer]):
    """A page of the companies of a session, by id."""


@router.put("/sessions/{id}/companies/{company:path}")
async def put_company(
    id: Key, company: PersonKey, body: ContactBody, house: InWriting, watch: InWatch
) -> SessionCompanyWritten:
    """Say whom a company's mails of this session go to (F057)."""
    async with house.store.transaction() as db:
        await watch.begin(db)
        await keep_directory(db, house.organization.id)
        session = await fetch_session(db, house, id)
        known = await known_company(db, house, company)
        contact = await find_contact(db, house, body.contact)
        one = await put_contact(db, session.id, known, contact, body.source_version)
        await watch.wrote(db, Awaited(participations={one.id: one.version}, told=[session.id]))
    if one.dirty:
        await poke(house, session)
    return SessionCompanyWritten(
        **{**_told(one), "planned": await watch.planned(clean=not one.dirty)},
        too_late=watch.too_late,
        applied=is_applied(body.source_version, one.source_version),
    )


@router.get("/sessions/{id}/companies")
async def companies(
    id: Key, house: InHouse, limit: Limit = 100, cursor: CursorText = None
) -> SessionCompanies:
    """Return the companies of a session: those that ever took part, and those with a contact for it."""
    (after,) = read(cursor, str) or (None,)
    async with house.store.transaction() as db:
        session = await fetch_session(db, house, id)
        found = await list_session_companies(db, session.id, limit + 1, after=after)
    page, next = cut(found, limit, lambda one: (one.company,))
    return SessionCompanies(items=[SessionCompanyAnswer(**_told(one)) for one in page], next=next)


def _told(one: SessionCompany) -> dict[str, object]:
    return {
        "company": one.company,
        "contact": one.contact,
        "present": one.present,
        "source_version": one.source_version,
        "planned": not one.dirty,
    }
