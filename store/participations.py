"""Who takes part in a session: participants, trainers, and the companies that participants come from.

A write makes dirty what it concerns and nothing else: one participation, and those of the companies it joins or
leaves, however many others come from them (DESIGN 4, two grains).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypedDict
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.participations import Role
from store.locks import change_facts


@dataclass(frozen=True, slots=True)
class Participant:
    """A person in a session, as a participant or trainer, all under their callers' own ids."""

    person: str
    company: str | None
    slots: list[str] | None  # None: all
    version: int
    planned_version: int

    @property
    def dirty(self) -> bool:
        return self.version > self.planned_version


@dataclass(frozen=True, slots=True)
class SessionCompany:
    """A company in a session: it takes part while one of its people does."""

    company: str
    contact: str | None  # for this session; None: the company's own (F057)
    present: bool
    version: int
    planned_version: int

    @property
    def dirty(self) -> bool:
        return self.version > self.planned_version


class Said(TypedDict, total=False):
    """What a caller says about somebody's part; what is left out stays as it was."""

    company: UUID | None
    slots: frozenset[UUID] | None


@dataclass(frozen=True, slots=True)
class _Part:
    """What planning reads of somebody's part."""

    present: bool = False
    company: UUID | None = None
    slots: frozenset[UUID] | None = None


_READ = text("""
    select removed_at is null as present, company_id as company, slots from participations
    where session_id = :session and role = :role and person_id = :person
""")

_ADD = text("""
    insert into participations as p (session_id, role, person_id, company_id, slots)
    values (:session, :role, :person, :company, cast(:slots as uuid[]))
    on conflict (session_id, role, person_id) do update
    set removed_at = null, company_id = excluded.company_id, slots = excluded.slots,
        version = p.version + 1, changed_at = relance_now()
""")

_REMOVE = text("""
    update participations set removed_at = relance_now(), version = version + 1, changed_at = relance_now()
    where session_id = :session and role = :role and person_id = :person
""")

# Nothing changes for a company where one of its other people comes to all that this one does, or did: `slots`, as
# arrays written in text since those of two companies differ in length, or null for all. With `not exists` PostgreSQL
# reads all of them into a hash. What it writes is locked in the order of `store.locks`.
_CONCERN = text("""
    insert into participations as p (session_id, role, company_id)
    select :session, 'company', concerned.company
    from unnest(cast(:companies as uuid[]), cast(:slots as text[])) as concerned (company, slots)
    left join participations theirs
        on theirs.session_id = :session and theirs.company_id = concerned.company and theirs.role = 'company'
    where (
        select true from participations other
        where other.session_id = :session and other.company_id = concerned.company
          and other.role = 'participant' and other.removed_at is null and other.person_id <> :person
          and (other.slots is null or other.slots @> cast(concerned.slots as uuid[]))
        limit 1) is null
    order by theirs.id
    on conflict (session_id, company_id) where role = 'company' do update
    set version = p.version + 1, changed_at = relance_now()
""")

# A letter with a copy to a trainer who leaves is written again: its fence compares the versions of its people.
_GONE = text("update people set version = version + 1 where id = :person")

_WHO = text("""
    select p.person_id from participations p join people on people.id = p.person_id
    where p.session_id = :session and p.role = :role and people.key = :person and p.removed_at is null
""")

_SELECT = """
    select people.key as person, companies.key as company,
           case when p.slots is not null then array(
               select key from slots where session_id = p.session_id and removed_at is null and id = any(p.slots)
               order by starts_at, key) end as slots,
           p.version, p.planned_version
    from participations p
    join people on people.id = p.person_id
    left join companies on companies.id = p.company_id
    where p.session_id = :session and p.role = :role
"""
_FETCH = text(f"{_SELECT} and p.person_id = :person")
_LIST = text(f"{_SELECT} and p.removed_at is null order by people.key limit :limit")

_PUT_CONTACT = text("""
    insert into participations as p (session_id, role, company_id, contact_id)
    values (:session, 'company', :company, :contact)
    on conflict (session_id, company_id) where role = 'company' do update
    set contact_id = excluded.contact_id, version = p.version + 1, changed_at = relance_now()
    where p.contact_id is distinct from excluded.contact_id
    returning true
""")

_SAME_NO_MORE = text("update companies set version = version + 1 where id = :company")

_COMPANIES = """
    select companies.key as company, people.key as contact,
           exists (select from participations of_them
                   where of_them.session_id = p.session_id and of_them.company_id = p.company_id
                     and of_them.role = 'participant' and of_them.removed_at is null) as present,
           p.version, p.planned_version
    from participations p
    join companies on companies.id = p.company_id
    left join people on people.id = p.contact_id
    where p.session_id = :session and p.role = 'company'
"""
_FETCH_COMPANY = text(f"{_COMPANIES} and p.company_id = :company")
_LIST_COMPANIES = text(f"{_COMPANIES} order by companies.key limit :limit")


async def add_participant(
    db: AsyncConnection,
    session: UUID,
    person: UUID,
    said: Said | None = None,
    *,
    role: Role = Role.PARTICIPANT,
) -> Participant:
    """Put a person into a session, again where they had been removed; the same again changes nothing."""
    await change_facts(db, session)
    who: dict[str, object] = {"session": session, "role": role, "person": person}
    known = await _read(db, who)
    before = known or _Part()
    after = replace(before, present=True, **(said or {}))
    if after != before:
        slots = None if after.slots is None else sorted(after.slots)
        await db.execute(_ADD, {**who, "company": after.company, "slots": slots})
        await _concern_companies(db, who, before, after)
    return Participant(**(await db.execute(_FETCH, who)).one()._mapping)


async def remove_participant(
    db: AsyncConnection, session: UUID, person: str, *, role: Role = Role.PARTICIPANT
) -> Participant | None:
    """Take a person, by the caller's id, out of a session; None when they were not in it."""
    found = await db.execute(_WHO, {"session": session, "role": role, "person": person})
    who: dict[str, object] = {"session": session, "role": role, "person": found.scalar_one_or_none()}
    if who["person"] is None:
        return None
    await change_facts(db, session)
    before = await _read(db, who)
    if before is None or not before.present:
        return None
    await db.execute(_REMOVE, who)
    if role is Role.TRAINER:
        await db.execute(_GONE, who)
    await _concern_companies(db, who, before, replace(before, present=False))
    return Participant(**(await db.execute(_FETCH, who)).one()._mapping)


async def list_participants(
    db: AsyncConnection, session: UUID, limit: int, *, role: Role = Role.PARTICIPANT
) -> list[Participant]:
    rows = await db.execute(_LIST, {"session": session, "role": role, "limit": limit})
    return [Participant(**row._mapping) for row in rows]


async def put_contact(
    db: AsyncConnection, session: UUID, company: UUID, contact: UUID | None
) -> SessionCompany:
    """Say whom a company's mails of this session go to; None: to whom they go by themselves (F057).

    A letter just written to the contact of before, or with a copy to it, is written again: its fence compares the
    versions of this participation and of the company.
    """
    await change_facts(db, session)
    where = {"session": session, "company": company}
    if (await db.execute(_PUT_CONTACT, {**where, "contact": contact})).scalar_one_or_none():
        await db.execute(_SAME_NO_MORE, where)
    return SessionCompany(**(await db.execute(_FETCH_COMPANY, where)).one()._mapping)


async def list_session_companies(db: AsyncConnection, session: UUID, limit: int) -> list[SessionCompany]:
    """Return the companies that ever took part in a session, and those with a contact for it."""
    rows = await db.execute(_LIST_COMPANIES, {"session": session, "limit": limit})
    return [SessionCompany(**row._mapping) for row in rows]


async def _read(db: AsyncConnection, who: Mapping[str, object]) -> _Part | None:
    row = (await db.execute(_READ, who)).one_or_none()
    if row is None:
        return None
    return _Part(row.present, row.company, None if row.slots is None else frozenset(row.slots))


async def _concern_companies(
    db: AsyncConnection, who: Mapping[str, object], before: _Part, after: _Part
) -> None:
    """Make dirty the companies for which planning would read something else now, and enrol the new one."""
    concerned: dict[UUID, frozenset[UUID] | None] = {}
    for part in (before, after):
        if part.present and part.company is not None:
            others = concerned.get(part.company, part.slots)
            both = None if others is None or part.slots is None else others | part.slots
            concerned[part.company] = both
    if concerned:
        slots = [None if some is None else f"{{{','.join(map(str, some))}}}" for some in concerned.values()]
        await db.execute(_CONCERN, {**who, "companies": list(concerned), "slots": slots})
