"""Snapshots of what is dirty in many sessions, in as many statements as of two: as `load_snapshot` reads each of them."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.considering import in_groups
from domain.participations import Participation, Role
from domain.snapshots import SlotFacts, Snapshot
from store import snapshot_rows, snapshots
from store.snapshot_pages import by_session, of_each, read_send

_SESSIONS = of_each(snapshots._SESSION)
_MODULES = of_each(snapshots._MODULES)
_SLOTS = of_each(snapshots._SLOTS)
_OTHER_ROLES = of_each(snapshots._OTHER_ROLES)
_COLLEAGUES = of_each(snapshots._COLLEAGUES)


@dataclass(frozen=True, slots=True)
class _Reading:
    """The statements that read many sessions, or the parts of them that are dirty."""

    participations: TextClause
    rules: TextClause
    sends: TextClause

    @classmethod
    def of(cls, one: snapshots._Reading) -> "_Reading":
        return cls(of_each(one.participations), of_each(one.rules), of_each(one.sends))


# Of a session that is dirty itself everything is read, of another those who are (DESIGN 4, two grains).
_WHOLE = _Reading.of(snapshots._ALL)
_PART = _Reading.of(
    snapshots._reading(
        "and p.version > p.planned_version",
        "session_id = :session and participation_id = any(cast(:participations as uuid[]))",
    )
)

_VERSIONS = text("""
    select id, version, version > planned_version as dirty from sessions where id = any(cast(:sessions as uuid[]))
""")


async def load_parts(
    db: AsyncConnection, organization: UUID, sessions: Collection[UUID]
) -> dict[UUID, Snapshot]:
    """Return a snapshot of what is dirty in each of these sessions; nobody waits for it, nor may it be written after."""
    while True:
        before = await _versions(db, sessions)
        whole = [session for session, (_, dirty) in before.items() if dirty]
        rest = [session for session, (_, dirty) in before.items() if not dirty]
        loaded = {
            **await _load(db, organization, whole, _WHOLE),
            **await _load(db, organization, rest, _PART),
        }
        # What was read statement by statement belongs together only if nothing came in between.
        if await _versions(db, sessions) == before:
            return loaded


async def _versions(db: AsyncConnection, sessions: Collection[UUID]) -> dict[UUID, tuple[int, bool]]:
    rows = await db.execute(_VERSIONS, {"sessions": list(sessions)})
    return {row.id: (row.version, row.dirty) for row in rows}


async def _load(
    db: AsyncConnection, organization: UUID, sessions: Sequence[UUID], reading: _Reading
) -> dict[UUID, Snapshot]:
    if not sessions:
        return {}
    asked: dict[str, Any] = {"organization": organization, "sessions": sessions, "rule": None}
    parts = [await by_session(db, one, asked) for one in (_SESSIONS, _MODULES, _SLOTS)]
    people = await by_session(db, reading.participations, asked)
    if reading is _PART:
        known = [row for rows in people.values() for row in rows]
        others = await by_session(db, _OTHER_ROLES, {**asked, **snapshots.others_of(known)})
        people = {
            session: [*people[session], *_same(others[session], people[session])] for session in sessions
        }
    asked["participations"] = [row.id for rows in people.values() for row in rows]
    rules = await by_session(db, reading.rules, asked)
    sends = await by_session(db, reading.sends, asked)
    found = {
        session: _snapshot(session, *(part[session] for part in (*parts, people, rules, sends)))
        for session in sessions
    }
    return found if reading is _WHOLE else await _with_colleagues(db, found, asked)


def _same(others: Sequence[Any], people: Sequence[Any]) -> list[Any]:
    """Return those of others, in any of the sessions, who are among the people of this one."""
    here = {one.recipient for one in people}
    return [one for one in others if one.recipient in here]


def _snapshot(
    id: UUID,
    sessions: Sequence[Any],
    modules: Sequence[Any],
    slots: Sequence[Any],
    people: Sequence[Any],
    rules: Sequence[Any],
    sends: Sequence[Any],
) -> Snapshot:
    (session,) = sessions
    dated = [snapshot_rows.read_slot(slot) for slot in slots]
    known = {row.id for row in people}
    return Snapshot(
        now=session.now,
        session=snapshot_rows.read_session(id, session, modules, dated),
        rules=[snapshot_rows.read_rule(rule) for rule in rules],
        participations=_participations(people, dated),
        # Others may have come, and been planned, since their participations were read.
        sends=[read_send(row) for row in sends if row.participation in known],
    )


def _participations(rows: Sequence[Any], slots: Sequence[SlotFacts]) -> list[Participation]:
    return snapshot_rows.read_participations([row[1:] for row in rows], snapshot_rows.Owns(slots))


async def _with_colleagues(
    db: AsyncConnection, found: Mapping[UUID, Snapshot], asked: Mapping[str, Any]
) -> dict[UUID, Snapshot]:
    """Return them with whom the companies' mails may be about besides those who are planned, where a rule asks for it."""
    companies = {session: _companies(one) for session, one in found.items()}
    rows: Mapping[UUID, list[Any]] = defaultdict(list)
    if any(companies.values()):
        named = {company for some in companies.values() for company in some}
        rows = await by_session(db, _COLLEAGUES, {**asked, "companies": list(named)})
    return {
        session: replace(
            one,
            colleagues=_participations(
                [row for row in rows[session] if row.company in companies[session]], one.session.slots
            ),
        )
        for session, one in found.items()
    }


def _companies(one: Snapshot) -> set[UUID]:
    if not any(in_groups(rule.definition) for rule in one.rules):
        return set()
    return {who.recipient for who in one.participations if who.role is Role.COMPANY}
