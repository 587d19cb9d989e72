"""The participants and trainers of a session, one by one, under their callers' own ids."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.participations import Attendance, Role
from store.participations import Enrolment, Said, put_participations


@dataclass(frozen=True, slots=True)
class Participant:
    """A person in a session, as a participant or trainer, all under their callers' own ids.

    What a trainer has none of is None: a company, dates of their own, and facts.
    """

    id: UUID
    person: str
    company: str | None
    slots: list[str] | None  # None: all
    starts_at: datetime | None  # None: as the session
    ends_at: datetime | None
    deadline_at: datetime | None
    enrolled_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    attendance: Attendance | None
    status: str | None
    answered: list[str]  # the questionnaires
    removed: bool
    source_version: int | None
    version: int
    planned_version: int

    @property
    def dirty(self) -> bool:
        return self.version > self.planned_version


_SELECT = """
    select p.id, people.key as person, companies.key as company,
           case when p.slots is not null then array(
               select key from slots where session_id = p.session_id and removed_at is null and id = any(p.slots)
               order by starts_at, key) end as slots,
           p.starts_at, p.ends_at, p.deadline_at, p.enrolled_at, p.started_at, p.completed_at, p.attendance, p.status,
           coalesce(p.answered, '{}') as answered,
           p.removed_at is not null as removed, p.source_version, p.version, p.planned_version
    from participations p
    join people on people.id = p.person_id
    left join companies on companies.id = p.company_id
    where p.session_id = :session and p.role = :role
"""
_FETCH = text(f"{_SELECT} and p.person_id = :person")
_LIST = text(f"""
    {_SELECT} and p.removed_at is null and people.key > coalesce(:after, '') order by people.key limit :limit
""")

_NEWER = text("""
    select people.key
    from unnest(cast(:people as text[]), cast(:versions as bigint[])) as said (key, source_version)
    join people using (key)
    join participations p on p.person_id = people.id
    where p.session_id = :session and p.role = :role and p.source_version > said.source_version
""")

_WHO = text("""
    select p.person_id from participations p join people on people.id = p.person_id
    where p.session_id = :session and p.role = :role and people.key = :person and p.removed_at is null
""")


async def add_participant(
    db: AsyncConnection,
    session: UUID,
    person: UUID,
    said: Said | None = None,
    *,
    role: Role = Role.PARTICIPANT,
    source_version: int | None = None,
) -> Participant:
    """Put a person into a session, again where they had been removed; the same again changes nothing.

    A part of a newer `source_version` stays, and comes back as it is, removed or not.

    Raises BackwardsError.
    """
    one = Enrolment(session, person, said or Said(), role, source_version=source_version)
    await put_participations(db, [one])
    return await _fetch(db, one)


async def remove_participant(
    db: AsyncConnection, session: UUID, person: str, *, role: Role = Role.PARTICIPANT
) -> Participant | None:
    """Take a person, by the caller's id, out of a session; None when they were not in it."""
    found = await db.execute(_WHO, {"session": session, "role": role, "person": person})
    known = found.scalar_one_or_none()
    if known is None:
        return None
    one = Enrolment(session, known, role=role, present=False)
    enrolled = await put_participations(db, [one])
    return await _fetch(db, one) if enrolled.changed else None


async def list_participants(
    db: AsyncConnection,
    session: UUID,
    limit: int,
    *,
    role: Role = Role.PARTICIPANT,
    after: str | None = None,
) -> list[Participant]:
    """Return who takes part, by their callers' ids."""
    rows = await db.execute(_LIST, {"session": session, "role": role, "limit": limit, "after": after})
    return [Participant(**row._mapping) for row in rows]


async def list_newer(db: AsyncConnection, session: UUID, role: Role, versions: Mapping[str, int]) -> set[str]:
    """Return those of these people whose part has a newer `source_version` than this; the caller holds the facts."""
    if not versions:
        return set()
    said = {"people": list(versions), "versions": list(versions.values())}
    return set((await db.execute(_NEWER, {"session": session, "role": role, **said})).scalars())


async def _fetch(db: AsyncConnection, one: Enrolment) -> Participant:
    """Return somebody's part as it stands, removed or not."""
    who = {"session": one.session, "role": one.role, "person": one.person}
    return Participant(**(await db.execute(_FETCH, who)).one()._mapping)
