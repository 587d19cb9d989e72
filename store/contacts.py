"""The companies of a session, and whom their mails of it go to."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store.locks import change_facts


@dataclass(frozen=True, slots=True)
class SessionCompany:
    """A company in a session: it takes part while one of its people does."""

    id: UUID
    company: str
    contact: str | None  # for this session; None: the company's own (F057)
    present: bool
    source_version: int | None
    version: int
    planned_version: int

    @property
    def dirty(self) -> bool:
        return self.version > self.planned_version


# Another `source_version` alone is written down, and concerns nobody.
_PUT = text("""
    insert into participations as p (session_id, role, company_id, contact_id, source_version)
    values (:session, 'company', :company, :contact, :source_version)
    on conflict (session_id, company_id) where role = 'company' do update
    set contact_id = excluded.contact_id, source_version = coalesce(excluded.source_version, p.source_version),
        (version, changed_at) = (
            select case when differs then p.version + 1 else p.version end,
                   case when differs then relance_now() else p.changed_at end
            from (select p.contact_id is distinct from excluded.contact_id) as compared (differs))
    where (p.contact_id is distinct from excluded.contact_id
           or p.source_version is distinct from coalesce(excluded.source_version, p.source_version))
      and (p.source_version is null or excluded.source_version is null
           or p.source_version <= excluded.source_version)
    returning true
""")

_SAME_NO_MORE = text("update companies set version = version + 1 where id = :company")

_SELECT = """
    select p.id, companies.key as company, people.key as contact,
           exists (select from participations of_them
                   where of_them.session_id = p.session_id and of_them.company_id = p.company_id
                     and of_them.role = 'participant' and of_them.removed_at is null) as present,
           p.source_version, p.version, p.planned_version
    from participations p
    join companies on companies.id = p.company_id
    left join people on people.id = p.contact_id
    where p.session_id = :session and p.role = 'company'
"""
_FETCH = text(f"{_SELECT} and p.company_id = :company")
_LIST = text(f"""
    {_SELECT} and companies.deleted_at is null and companies.key > coalesce(:after, '')
    order by companies.key limit :limit
""")


async def put_contact(
    db: AsyncConnection,
    session: UUID,
    company: UUID,
    contact: UUID | None,
    source_version: int | None = None,
) -> SessionCompany:
    """Say whom a company's mails of this session go to; None: to whom they go by themselves (F057).

    A letter just written to the contact of before, or with a copy to it, is written again: its fence compares the
    versions of this participation and of the company.
    """
    await change_facts(db, session)
    where = {"session": session, "company": company}
    said = {"contact": contact, "source_version": source_version}
    if (await db.execute(_PUT, {**where, **said})).scalar_one_or_none():
        await db.execute(_SAME_NO_MORE, where)
    return SessionCompany(**(await db.execute(_FETCH, where)).one()._mapping)


async def list_session_companies(
    db: AsyncConnection, session: UUID, limit: int, *, after: str | None = None
) -> list[SessionCompany]:
    """Return the companies that ever took part in a session, and those with a contact for it, by id."""
    rows = await db.execute(_LIST, {"session": session, "limit": limit, "after": after})
    return [SessionCompany(**row._mapping) for row in rows]
