"""Corrections that somebody asks for: they are written at once, and planning moves or removes them like any other."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.changes import Change
from domain.occurrences import CORRECTION, Occurrence
from domain.planning import plan
from domain.snapshots import Snapshot
from store.planning import Loaded, load_snapshot, write_changes


@dataclass(frozen=True, slots=True)
class Corrections:
    """The corrections of one rule in one session, not written yet."""

    loaded: Loaded
    snapshot: Snapshot
    changes: Sequence[Change]


async def find_corrections(
    db: AsyncConnection,
    session: UUID,
    rule: UUID,
    template: UUID,
    people: Collection[UUID] | None = None,
    *,
    lock: bool = True,
) -> Corrections:
    """Return the corrections for those whom a mail of the rule has told a date which is no longer true.

    `people` are the people or companies among them to whom they go; None: all. `lock` has the session's planning wait
    until the transaction ends, so that they can be written.
    """
    loaded = await load_snapshot(db, session, rule, lock=lock)
    rules = [replace(one, asked_to_correct=template) for one in loaded.snapshot.rules]
    snapshot = replace(loaded.snapshot, rules=rules)
    changes = [
        change
        for change in plan(snapshot)
        if change.wanted is not None
        and change.existing is None
        and Occurrence.parse(change.wanted.occurrence).kind == CORRECTION
        and (people is None or change.wanted.participation.recipient in people)
    ]
    return Corrections(loaded, snapshot, changes)


async def write_corrections(
    db: AsyncConnection, session: UUID, found: Corrections, by: str | None = None
) -> int:
    """Write corrections; return how many there are. Their workflows are told with the rest of the session.

    `by` is the name of the token that was shown.
    """
    if not found.changes:
        return 0
    return await write_changes(db, found.loaded.organization, session, found.changes, by)
