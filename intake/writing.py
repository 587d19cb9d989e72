"""What a file brings, written: in one transaction, in a constant number of statements."""

from collections.abc import Collection, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from itertools import chain
from typing import cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.participations import Role
from intake.contents import Contents
from intake.crowd import make_up
from intake.rows import Rejected, Row
from mail.people import PersonBody
from store.alive import list_session_keys
from store.moves import hold_directory
from store.organizations import Organization
from store.participations import Enrolled, Enrolment, list_trainers, put_participations
from store.people import Details, find_people, put_people
from store.places import Module, Slot
from store.sessions import SessionSaid, delete_sessions, locate_sessions, put_sessions
from store.written import Written


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the rows of one kind."""

    new: int = 0
    changed: int = 0
    removed: int = 0
    same: int = 0
    ignored: int = 0  # older than what stands there, by their `source_version`


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an import did, or would do."""

    sessions: Tally
    people: Tally
    parts: Tally
    concerned: Mapping[str, UUID]  # the sessions to be planned, by their callers' ids


async def reject_strangers(db: AsyncConnection, organization: Organization, contents: Contents) -> None:
    """Take out the rows that name somebody whom nobody knows; who is known stays so until the transaction ends."""
    await hold_directory(db, organization.id, {id: _details(body) for id, body in contents.people.items()})
    named = {id for row in contents.rows for id in (*row.named(), *row.managers())}
    known = await find_people(db, organization.id, named | _managers(contents))
    while strangers := [*_strangers(contents, known.keys())]:
        contents.reject(strangers)  # who was described there is a stranger to the others


def _managers(contents: Contents) -> set[str]:
    """Return the managers of sessions, who are known before the file is."""
    return {row.session.manager for row in contents.rows if row.session.manager is not None}


def _strangers(contents: Contents, known_before: Set[str]) -> Iterator[Rejected]:
    known = known_before | contents.people.keys()
    for row in contents.rows:
        manager = row.session.manager
        if manager is not None and manager not in known_before:
            yield Rejected(row.line, f"manager: there is no person {manager!r}: PUT /v1/people/{{id}} first")
            continue
        named = (id for id in row.named() if id not in row.invents)
        stranger = next((id for id in chain(named, row.managers()) if id not in known), None)
        if stranger is not None:
            cure = "PUT /v1/people/{id} first, or describe them here"
            yield Rejected(row.line, f"there is no person {stranger!r}: {cure}")


async def write(
    db: AsyncConnection, organization: Organization, contents: Contents, missing: Collection[str]
) -> Outcome:
    """Write the rows, and delete the sessions of `missing`. The same again changes nothing and makes nothing dirty."""
    rows = {row.session.id: row for row in contents.rows}
    alive = await list_session_keys(db, organization.id)
    vanished = await locate_sessions(db, organization.id, missing) if missing else {}
    managers = await find_people(db, organization.id, _managers(contents))
    said = {id: _said(row, organization, managers) for id, row in rows.items()}
    sessions = await put_sessions(db, organization.id, said, vanished.values())
    deleted = await delete_sessions(db, organization.id, missing) if missing else {}
    heeded = [row for id, row in rows.items() if id not in sessions.ignored]
    whole = _whole(heeded, sessions.ids)
    trainers = await list_trainers(db, whole)
    people, newcomers = await _put_people(db, organization, contents, trainers, sessions.ids.values())
    enrolments = _enrolments(heeded, sessions.ids, people.ids)
    parts = await put_participations(db, enrolments, remove_others=whole)
    return Outcome(
        sessions=_tally(sessions, len(sessions.changed - alive), len(deleted)),
        people=_tally(people, newcomers),
        parts=Tally(len(parts.changed), 0, len(parts.removed), len(enrolments) - len(parts.changed)),
        concerned={**deleted, **people.moved, **_concerned(sessions, parts)},
    )


async def _put_people(
    db: AsyncConnection,
    organization: Organization,
    contents: Contents,
    trainers: Collection[UUID],
    sessions: Collection[UUID],
) -> tuple[Written, int]:
    """Write who is described, make up who is missing, leave the others as they are; return how many are new.

    The trainers, some of whom leave later, are locked together with them; the sessions are those of the file.
    """
    described = contents.people
    named = {id for row in contents.rows for id in row.named()}
    known = await find_people(db, organization.id, named | described.keys())
    bodies = described | {id: make_up(id) for id in named - known.keys() - described.keys()}
    said = {id: _details(body) for id, body in bodies.items()}
    written = await put_people(db, organization.id, said, trainers, sessions)
    ids = {**known, **written.ids}
    return replace(written, ids=ids), len(written.changed - known.keys())


def _details(body: PersonBody) -> Details:
    return cast("Details", body.said)


def _said(row: Row, organization: Organization, managers: Mapping[str, UUID]) -> SessionSaid:
    session = row.session
    # A row that names neither leaves both as they are: most forms have no words for them.
    names_places = not session.model_fields_set.isdisjoint({"modules", "slots"})
    modules = [Module(key=one.id, **one.model_dump(exclude={"id"})) for one in session.modules]
    slots = [Slot(key=one.id, **one.model_dump(exclude={"id"})) for one in session.slots]
    return SessionSaid(
        **session.model_dump(
            exclude={"id", "timezone", "manager", "modules", "slots", "trainers", "participants"}
        ),
        manager_id=None if session.manager is None else managers[session.manager],
        zone=session.timezone or organization.zone,
        modules=modules if names_places else None,
        slots=slots if names_places else None,
    )


def _enrolments(
    rows: Collection[Row], sessions: Mapping[str, UUID], people: Mapping[str, UUID]
) -> list[Enrolment]:
    return [
        Enrolment(sessions[row.session.id], people[id], role=role)
        for row in rows
        for role, id in dict.fromkeys(row.takes_part())
    ]


def _whole(rows: Collection[Row], sessions: Mapping[str, UUID]) -> list[tuple[UUID, Role]]:
    return [(sessions[row.session.id], role) for row in rows for role in row.whole()]


def _concerned(sessions: Written, parts: Enrolled) -> dict[str, UUID]:
    touched = {session for session, _, _ in parts.changed | parts.removed}
    return {key: id for key, id in sessions.ids.items() if key in sessions.changed or id in touched}


def _tally(written: Written, new: int, removed: int = 0) -> Tally:
    changed = len(written.changed) - new
    same = len(written.ids) - len(written.changed) - len(written.ignored)
    return Tally(new, changed, removed, same, len(written.ignored))
