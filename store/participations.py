"""Who takes part in a session: participants and trainers, and what that means for the companies they come from.

A write makes dirty what it concerns and nothing else: one participation, and those of the companies it joins or
leaves, however many others come from them (DESIGN 4, two grains). What planning never reads makes nothing dirty. Any
number of them is written in a few statements.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypedDict
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.participations import Attendance, Role
from store.company_parts import concern_companies
from store.locks import change_facts
from store.parts import Part, Who, read_all_parts, read_parts, write_parts
from store.register import is_older
from store.written import look_anew


class Said(TypedDict, total=False):
    """What a caller says about somebody's part; what is left out stays as it was, and null takes back."""

    company: UUID | None
    slots: frozenset[UUID] | None
    # Of a participant. Their own dates; null: the session's.
    starts_at: datetime | None
    ends_at: datetime | None
    deadline_at: datetime | None
    # Facts. Whoever is new, and of whom nothing is said, is enrolled now.
    enrolled_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    attendance: Attendance | None
    status: str | None
    answered: frozenset[str]


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
    def who(self) -> Who:
        return self.session, self.role, self.person


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What became of many enrolments."""

    changed: frozenset[Who]  # not as they were
    ignored: frozenset[Who]  # they stay as they are: what stands there has a newer `source_version`
    removed: frozenset[Who]  # since nothing was said of them
    versions: Mapping[UUID, int]  # of every participation that was written, those of companies too


class BackwardsError(ValueError):
    """Somebody's own dates, those of before with those said now, would end before they start."""

    def __init__(self, who: Collection[UUID]) -> None:
        super().__init__("own dates end before they start")
        self.who = who  # the people


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
    before (`store.locks`), and whoever has people locked already has locked the trainers who leave with them.

    Raises BackwardsError, before anything is written.
    """
    await look_anew(db)
    await change_facts(db, *{one.session for one in enrolments}, *{session for session, _ in remove_others})
    said = {one.who: one for one in enrolments}
    before = await read_parts(db, said.keys())
    said = {who: one for who, one in said.items() if one.present or who in before}
    ignored = {who for who, one in said.items() if who in before and _is_older(one, before[who])}
    after = {who: _follow(one, before.get(who)) for who, one in said.items() if who not in ignored}
    _check_dates(said, after)
    others = await read_all_parts(db, remove_others)
    missing = {who: part for who, part in others.items() if who not in said}
    before |= missing
    after |= {who: replace(part, present=False) for who, part in missing.items()}
    versions = await _write(db, before, after)
    changed = {who for who, part in after.items() if part.said != before.get(who, Part()).said}
    return Enrolled(frozenset(changed - missing.keys()), frozenset(ignored), frozenset(missing), versions)


async def list_trainers(db: AsyncConnection, of: Collection[tuple[UUID, Role]]) -> set[UUID]:
    """Return the trainers of these sessions, some of whom leave where `put_participations` is to remove others."""
    trainers = [(session, role) for session, role in of if role is Role.TRAINER]
    return {person for _, _, person in await read_all_parts(db, trainers)}


def _is_older(one: Enrolment, stands: Part) -> bool:
    return is_older(one.source_version, stands.source_version)


def _follow(one: Enrolment, before: Part | None) -> Part:
    """Return the part that somebody has when this is said of what they had."""
    is_new = before is None
    before = before or Part()
    newest = before.source_version if one.source_version is None else one.source_version
    enrols = is_new and one.role is Role.PARTICIPANT and "enrolled_at" not in one.said
    return replace(before, present=one.present, source_version=newest, enrols=enrols, **one.said)


def _check_dates(said: Mapping[Who, Enrolment], after: Mapping[Who, Part]) -> None:
    """Dates may come one by one, so that both are known only here."""
    wrong = [
        who[2]
        for who, part in after.items()
        if part.starts_at and part.ends_at and part.ends_at < part.starts_at
        if not said[who].said.keys().isdisjoint({"starts_at", "ends_at"})
    ]
    if wrong:
        raise BackwardsError(wrong)


async def _write(
    db: AsyncConnection, before: Mapping[Who, Part], after: Mapping[Who, Part]
) -> dict[UUID, int]:
    """Write the parts that differ, and concern whom they concern; return the versions of what was written."""
    writes = {who: part for who, part in after.items() if part != before.get(who)}
    if not writes:
        return {}
    written = await write_parts(db, writes)
    gone = [who[2] for who, part in writes.items() if _trained(who, before.get(who)) and not part.present]
    if gone:
        await db.execute(_GONE, {"people": gone})
    moves = {who: (before.get(who, Part()), part) for who, part in writes.items()}
    return written | await concern_companies(db, moves, list(written))


def _trained(who: Who, before: Part | None) -> bool:
    return who[1] is Role.TRAINER and before is not None and before.present
