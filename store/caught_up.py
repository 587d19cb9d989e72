"""Has planning followed what was written, and for which mails did it come too late?"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Awaited:
    """What planning is to follow: the versions of sessions, participations and rules, by their internal ids."""

    sessions: Mapping[UUID, int] = field(default_factory=dict)
    participations: Mapping[UUID, int] = field(default_factory=dict)
    rules: Mapping[UUID, int] = field(default_factory=dict)
    told: Collection[UUID] = ()  # the sessions whose workflows are to be told
    concerned: Collection[UUID] = ()  # participations whose mails will be others, planned anew or not


_NOW = text("select relance_now()")

_OF_PERSON = text("""
    select id, version, session_id, version > planned_version as dirty from participations
    where person_id = :person and (version > planned_version or :all)
""")

# Whose mails may be to somebody in one of their roles.
_OF_ROLE = text("""
    select id from participations where contact_id = :person
    union
    select id from participations where company_id in (select id from companies where contact_id = :person)
    union
    select id from participations where person_id in (select id from people where manager_id = :person)
    union
    select id from participations where session_id in (select id from sessions where manager_id = :person)
""")

_OF_COMPANY = text("select id from participations where company_id = :company")

# A roll-out says that it is done once it has told every workflow; of the others it is asked.
_CAUGHT_UP = text("""
    with behind as (
        select from unnest(cast(:sessions as uuid[]), cast(:session_versions as bigint[])) as written (id, version)
        join sessions s using (id) where s.planned_version < written.version
        union all
        select from unnest(cast(:participations as uuid[]), cast(:participation_versions as bigint[]))
            as written (id, version)
        join participations p using (id) where p.planned_version < written.version
        union all
        select from unnest(cast(:rules as uuid[]), cast(:rule_versions as bigint[])) as written (id, version)
        join rules r using (id) where r.planned_version < written.version
        union all
        select from sends where session_id = any(cast(:told as uuid[])) and signalled_version < version
    )
    select not exists (select from behind)
""")

# Whoever holds the facts of these sessions, or of these rules, knows that no other mail of them passes the fence before the commit.
_PAST_THE_FENCE = text("""
    select id from sends
    where (session_id = any(cast(:sessions as uuid[])) or participation_id = any(cast(:participations as uuid[]))
           or rule_id = any(cast(:rules as uuid[])))
      and (status = 'handing_over' or handed_at >= :since)
    order by due_at, id
""")


async def read_clock(db: AsyncConnection) -> datetime:
    """Return the time by the one clock of all decisions."""
    now: datetime = (await db.execute(_NOW)).scalar_one()
    return now


async def await_person(db: AsyncConnection, person: UUID, *, concerned: bool) -> Awaited:
    """Return what is to be planned of a person, in whichever session; with all that their mails are about, if asked."""
    rows = (await db.execute(_OF_PERSON, {"person": person, "all": concerned})).all()
    others = (await db.execute(_OF_ROLE, {"person": person})).scalars() if concerned else ()
    return Awaited(
        participations={row.id: row.version for row in rows if row.dirty},
        told={row.session_id for row in rows if row.dirty},
        concerned=[*(row.id for row in rows), *others],
    )


async def await_company(db: AsyncConnection, company: UUID, *, concerned: bool) -> Awaited:
    """Return what its mails are about, if asked: planning reads nothing of a company itself."""
    found = await db.execute(_OF_COMPANY, {"company": company}) if concerned else None
    return Awaited(concerned=list(found.scalars()) if found else [])


async def has_caught_up(db: AsyncConnection, awaited: Awaited) -> bool:
    """Return whether all of it is planned, and every workflow that it concerns is told."""
    versions = {
        "sessions": list(awaited.sessions),
        "session_versions": list(awaited.sessions.values()),
        "participations": list(awaited.participations),
        "participation_versions": list(awaited.participations.values()),
        "told": list(awaited.told),
        "rules": list(awaited.rules),
        "rule_versions": list(awaited.rules.values()),
    }
    return bool((await db.execute(_CAUGHT_UP, versions)).scalar_one())


async def list_past_the_fence(
    db: AsyncConnection,
    since: datetime,
    *,
    sessions: Collection[UUID] = (),
    participations: Collection[UUID] = (),
    rules: Collection[UUID] = (),
) -> list[UUID]:
    """Return the sends whose mail is being handed over, or was since then: a change that holds the facts came too
    late for them."""
    which = {"sessions": list(sessions), "participations": list(participations), "rules": list(rules)}
    return list((await db.execute(_PAST_THE_FENCE, {"since": since, **which})).scalars())
