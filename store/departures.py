"""People and companies that are deleted: they leave a tombstone, and whatever referred to them.

Put again they come back, not to the sessions they were in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.participations import Role
from store.companies import find_companies
from store.locks import change_directory, change_facts
from store.participations import Enrolment, Said, put_participations
from store.people import find_people


@dataclass(frozen=True, slots=True)
class Departed:
    """What somebody's leaving concerns."""

    sessions: Mapping[str, UUID]  # to be planned, by their callers' ids
    versions: Mapping[UUID, int]  # of every participation that was written


_PARTS = text("""
    select session_id, role, person_id from participations
    where person_id = :person and removed_at is null
""")

_SESSIONS_OF_CONTACT = text("select distinct session_id from participations where contact_id = :person")

_SESSIONS_OF_MANAGER = text("select id from sessions where manager_id = :person")

_NO_MANAGER = text("""
    update sessions set manager_id = null, read_version = read_version + 1 where manager_id = :person
""")

_NO_CONTACT = text("""
    with locked as (
        select id from participations where contact_id = :person order by id for no key update
    )
    update participations p
    set contact_id = null, version = version + 1, changed_at = relance_now()
    from locked where p.id = locked.id
    returning p.id, p.version, p.company_id
""")

# Whose manager they were has none: a letter that goes to them, or with a copy to them, is written again.
_DELETE_PERSON = text("""
    with locked as (
        select id from people where id = :person or manager_id = :person order by id for no key update
    )
    update people p
    set deleted_at = case when p.id = :person then relance_now() else p.deleted_at end,
        manager_id = case when p.manager_id <> :person then p.manager_id end, version = p.version + 1
    from locked where p.id = locked.id
""")

# As when another contact is named for one session: a letter with a copy to them is written again.
_OTHER_CONTACT = text("""
    with locked as (
        select id from companies where contact_id = :person or id = any(cast(:companies as uuid[]))
        order by id for no key update
    )
    update companies c
    set contact_id = case when contact_id <> :person then contact_id end, version = version + 1
    from locked where c.id = locked.id
""")

_PEOPLE = text("""
    select session_id, role, person_id from participations
    where company_id = :company and role = 'participant' and removed_at is null
""")

_SESSIONS_OF_COMPANY = text("""
    select distinct session_id from participations where company_id = :company and role = 'participant'
""")

# Of those who left already; nothing waits for them.
_FORGET = text("""
    with locked as (
        select id from participations
        where company_id = :company and role = 'participant' and removed_at is not null
        order by id for no key update
    )
    update participations p set company_id = null from locked where p.id = locked.id
""")

_DELETE_COMPANY = text("""
    update companies set deleted_at = relance_now(), version = version + 1 where id = :company
""")

_KEYS = text("select key, id from sessions where id = any(cast(:sessions as uuid[]))")


async def delete_person(db: AsyncConnection, organization: UUID, key: str) -> Departed | None:
    """Take a person out of every session, and delete them; None when nobody knows them.

    Planning then removes what waits for them. A company whose contact they were is written to as it is without, and
    people and sessions whose manager they were have none.
    """
    await change_directory(db, organization)
    person = (await find_people(db, organization, [key])).get(key)
    if person is None:
        return None
    who = {"person": person}
    leaving = await _enrolments(db, _PARTS, who, present=False)
    as_contact = set((await db.execute(_SESSIONS_OF_CONTACT, who)).scalars())
    sessions = {one.session for one in leaving} | as_contact
    await change_facts(db, *sessions, *(await db.execute(_SESSIONS_OF_MANAGER, who)).scalars())
    await db.execute(_NO_MANAGER, who)
    left = await put_participations(db, leaving)
    contacts = (await db.execute(_NO_CONTACT, who)).all()
    await db.execute(_DELETE_PERSON, who)
    await db.execute(_OTHER_CONTACT, {**who, "companies": [row.company_id for row in contacts]})
    versions = {**left.versions, **{row.id: row.version for row in contacts}}
    return Departed(await _keys(db, sessions), versions)


async def delete_company(db: AsyncConnection, organization: UUID, key: str) -> Departed | None:
    """Take a company from the participants that come from it, and delete it; None when nobody knows it."""
    await change_directory(db, organization)
    company = (await find_companies(db, organization, [key])).get(key)
    if company is None:
        return None
    which = {"company": company}
    # Whoever leaves a session meanwhile is not brought back: what they are is read where nothing changes any more.
    await change_facts(db, *(await db.execute(_SESSIONS_OF_COMPANY, which)).scalars())
    leaving = await _enrolments(db, _PEOPLE, which, said={"company": None})
    left = await put_participations(db, leaving)
    await db.execute(_FORGET, which)
    await db.execute(_DELETE_COMPANY, which)
    return Departed(await _keys(db, {one.session for one in leaving}), left.versions)


async def _enrolments(
    db: AsyncConnection,
    statement: object,
    which: Mapping[str, UUID],
    *,
    said: Said | None = None,
    present: bool = True,
) -> list[Enrolment]:
    rows = await db.execute(statement, which)  # type: ignore[call-overload]
    return [Enrolment(row.session_id, row.person_id, said or Said(), Role(row.role), present) for row in rows]


async def _keys(db: AsyncConnection, sessions: set[UUID]) -> dict[str, UUID]:
    return {row.key: row.id for row in await db.execute(_KEYS, {"sessions": list(sessions)})}
