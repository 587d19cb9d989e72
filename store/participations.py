"""Who takes part in a session: participants and trainers, and what that means for the companies they come from.

A write makes dirty what it concerns and nothing else: one participation, and those of the companies it joins or
leaves, however many others come from them (DESIGN 4, two grains). Any number of them is written in a few statements.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypedDict
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.participations import Role
from store.locks import change_facts
from store.register import is_older
from store.written import look_anew


class Said(TypedDict, total=False):
    """What a caller says about somebody's part; what is left out stays as it was."""

    company: UUID | None
    slots: frozenset[UUID] | None


@dataclass(frozen=True, slots=True)
class Enrolment:
    """Somebody takes part in a session, says a caller, or no longer does."""

    session: UUID
    person: UUID
    said: Said = field(default_factory=Said)
    role: Role = Role.PARTICIPANT
    present: bool = True
    source_version: int | None = None

    @property
    def who(self) -> "Who":
        return self.session, self.role, self.person


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What became of many enrolments."""

    changed: frozenset["Who"]  # not as they were
    ignored: frozenset["Who"]  # they stay as they are: what stands there has a newer `source_version`
    removed: frozenset["Who"]  # since nothing was said of them
    versions: Mapping[UUID, int]  # of every participation that was written, those of companies too


Who = tuple[UUID, Role, UUID]  # session, role, person


@dataclass(frozen=True, slots=True)
class _Part:
    """What planning reads of somebody's part, and which version of its source says so."""

    present: bool = False
    company: UUID | None = None
    slots: frozenset[UUID] | None = None
    source_version: int | None = None

    @property
    def facts(self) -> tuple[object, ...]:
        return self.present, self.company, self.slots


_PART = "p.session_id, p.role, p.person_id, p.removed_at is null, p.company_id, p.slots, p.source_version"

_READ = text(f"""
    select {_PART} from participations p
    join unnest(cast(:sessions as uuid[]), cast(:roles as text[]), cast(:people as uuid[]))
        as asked (session_id, role, person_id) using (session_id, role, person_id)
""")

_READ_ALL = text(f"""
    select {_PART} from participations p
    join unnest(cast(:sessions as uuid[]), cast(:roles as text[])) as asked (session_id, role)
        using (session_id, role)
    where p.removed_at is null
""")

# Rows are locked in the order of `store.locks`.
_WRITE = text("""
    insert into participations as p (session_id, role, person_id, company_id, slots, source_version, removed_at)
    select said.session_id, said.role, said.person_id, said.company_id, cast(said.slots as uuid[]),
           said.source_version, case when not said.present then relance_now() end
    from unnest(
        cast(:sessions as uuid[]), cast(:roles as text[]), cast(:people as uuid[]), cast(:companies as uuid[]),
        cast(:slots as text[]), cast(:source_versions as bigint[]), cast(:present as boolean[])
    ) as said (session_id, role, person_id, company_id, slots, source_version, present)
    left join participations known using (session_id, role, person_id)
    order by known.id
    on conflict (session_id, role, person_id) do update
    set removed_at = case when excluded.removed_at is not null then coalesce(p.removed_at, excluded.removed_at) end,
        company_id = excluded.company_id, slots = excluded.slots, source_version = excluded.source_version,
        (version, changed_at) = (
            select case when differs then p.version + 1 else p.version end,
                   case when differs then relance_now() else p.changed_at end
            from (select (p.removed_at is null, p.company_id, p.slots) is distinct from
                         (excluded.removed_at is null, excluded.company_id, excluded.slots)
                 ) as compared (differs))
    returning p.id, p.version
""")

# Nothing changes for a company where one of its people, of whom nothing was said, comes to all that those come to, or
# did, of whom something was: `slots`, as arrays written in text since those of two companies differ in length, or null
# for all. With `not exists` PostgreSQL reads all of them into a hash.
_CONCERN = text("""
    insert into participations as p (session_id, role, company_id)
    select concerned.session_id, 'company', concerned.company_id
    from unnest(cast(:sessions as uuid[]), cast(:companies as uuid[]), cast(:slots as text[]))
        as concerned (session_id, company_id, slots)
    left join participations theirs
        on theirs.session_id = concerned.session_id and theirs.company_id = concerned.company_id
       and theirs.role = 'company'
    where (
        select true from participations other
        where other.session_id = concerned.session_id and other.company_id = concerned.company_id
          and other.role = 'participant' and other.removed_at is null and other.id <> all(cast(:written as uuid[]))
          and (other.slots is null or other.slots @> cast(concerned.slots as uuid[]))
        limit 1) is null
    order by theirs.id
    on conflict (session_id, company_id) where role = 'company' do update
    set version = p.version + 1, changed_at = relance_now()
    returning p.id, p.version
""")

# PostgreSQL believes that one of them lies at the beginning of the table, and reads it: those of a new session lie at
# its end.
_ALONG_THE_INDEX = text("set local enable_seqscan = off")
_AS_IT_LIKES = text("set local enable_seqscan = on")

# A letter with a copy to a trainer who leaves is written again: its fence compares the versions of its people.
_GONE = text("""
    with locked as (
        select id from people where id = any(cast(:people as uuid[])) order by id for no key update
    )
    update people set version = version + 1 from locked where people.id = locked.id
""")


async def put_participations(
    db: AsyncConnection,
    enrolments: Sequence[Enrolment],
    *,
    remove_others: Collection[tuple[UUID, Role]] = (),
) -> Enrolled:
    """Write who takes part in which sessions, in a few statements, however many there are.

    Of one person in one session and role there is one enrolment. In the sessions and roles of `remove_others`,
    everybody is removed of whom nothing is said here. What is as it was writes nothing and makes nothing dirty.

    This takes hold of the facts of these sessions; whoever looked up the people and companies held the directory
    before (`store.locks`).
    """
    await look_anew(db)
    await change_facts(db, *{one.session for one in enrolments}, *{session for session, _ in remove_others})
    said = {one.who: one for one in enrolments}
    before = await _read(db, said.keys())
    said = {who: one for who, one in said.items() if one.present or who in before}
    ignored = {who for who, one in said.items() if who in before and _is_older(one, before[who])}
    after = {who: _follow(one, before.get(who)) for who, one in said.items() if who not in ignored}
    others = await _read_all(db, remove_others)
    missing = {who: part for who, part in others.items() if who not in said}
    before |= missing
    after |= {who: replace(part, present=False) for who, part in missing.items()}
    versions = await _write(db, before, after)
    changed = {who for who, part in after.items() if part.facts != before.get(who, _Part()).facts}
    return Enrolled(frozenset(changed - missing.keys()), frozenset(ignored), frozenset(missing), versions)


def _is_older(one: Enrolment, stands: _Part) -> bool:
    return is_older(one.source_version, stands.source_version)


def _follow(one: Enrolment, before: _Part | None) -> _Part:
    """Return the part that somebody has when this is said of what they had."""
    before = before or _Part()
    newest = before.source_version if one.source_version is None else one.source_version
    return replace(before, present=one.present, source_version=newest, **one.said)


async def _read(db: AsyncConnection, whom: Collection[Who]) -> dict[Who, _Part]:
    sessions, roles, people = ([who[place] for who in whom] for place in range(3))
    asked = {"sessions": sessions, "roles": roles, "people": people}
    return _parts((await db.execute(_READ, asked)).all())


async def _read_all(db: AsyncConnection, of: Collection[tuple[UUID, Role]]) -> dict[Who, _Part]:
    """Return everybody present in these sessions and roles."""
    if not of:
        return {}
    asked = {"sessions": [session for session, _ in of], "roles": [role for _, role in of]}
    return _parts((await db.execute(_READ_ALL, asked)).all())


def _parts(rows: Collection[Sequence[Any]]) -> dict[Who, _Part]:
    parts = {}
    for session, role, person, present, company, slots, source_version in rows:
        some = None if slots is None else frozenset(slots)
        parts[session, Role(role), person] = _Part(present, company, some, source_version)
    return parts


async def _write(
    db: AsyncConnection, before: Mapping[Who, _Part], after: Mapping[Who, _Part]
) -> dict[UUID, int]:
    """Write the parts that differ, and concern whom they concern; return the versions of what was written."""
    writes = {who: part for who, part in after.items() if part != before.get(who)}
    if not writes:
        return {}
    written = {row.id: row.version for row in await db.execute(_WRITE, _arrays(writes))}
    gone = [who[2] for who, part in writes.items() if _trained(who, before.get(who)) and not part.present]
    if gone:
        await db.execute(_GONE, {"people": gone})
    moves = {who: (before.get(who, _Part()), part) for who, part in writes.items()}
    return written | await _concern_companies(db, moves, list(written))


def _trained(who: Who, before: _Part | None) -> bool:
    return who[1] is Role.TRAINER and before is not None and before.present


async def _concern_companies(
    db: AsyncConnection, moves: Mapping[Who, tuple[_Part, _Part]], written: Sequence[UUID]
) -> dict[UUID, int]:
    """Make dirty the companies for which planning would read something else now, and enrol the new ones."""
    concerned: dict[tuple[UUID, UUID], frozenset[UUID] | None] = {}
    for (session, _, _), (before, after) in moves.items():
        if before.facts == after.facts:
            continue
        for part in (before, after):
            if part.present and part.company is not None:
                others = concerned.get((session, part.company), part.slots)
                both = None if others is None or part.slots is None else others | part.slots
                concerned[session, part.company] = both
    if not concerned:
        return {}
    arrays = {
        "sessions": [session for session, _ in concerned],
        "companies": [company for _, company in concerned],
        "slots": [_literal(slots) for slots in concerned.values()],
        "written": written,
    }
    await db.execute(_ALONG_THE_INDEX)
    dirty = {row.id: row.version for row in await db.execute(_CONCERN, arrays)}
    await db.execute(_AS_IT_LIKES)
    return dirty


def _arrays(parts: Mapping[Who, _Part]) -> dict[str, list[object]]:
    return {
        "sessions": [session for session, _, _ in parts],
        "roles": [role for _, role, _ in parts],
        "people": [person for _, _, person in parts],
        "companies": [part.company for part in parts.values()],
        "slots": [_literal(part.slots) for part in parts.values()],
        "source_versions": [part.source_version for part in parts.values()],
        "present": [part.present for part in parts.values()],
    }


def _literal(ids: Collection[UUID] | None) -> str | None:
    return None if ids is None else f"{{{','.join(map(str, sorted(ids)))}}}"
