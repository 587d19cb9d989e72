"""Corrections that somebody asks for: they are written at once, and planning moves or removes them like any other."""

from collections.abc import Collection, Sequence, Set
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.changes import Change
from domain.occurrences import CORRECTION, Occurrence
from domain.planning import plan
from domain.snapshots import Snapshot
from domain.terms import written_to
from store.planning import Loaded, load_snapshot, write_changes
from store.receipts import held_by_another

# Which of these mails their recipients have by now, in the words of another rule: they would be passed over.
_RECEIVED = text(f"""
    select s.id
    from (select asked.*, cast(:rule as uuid) as rule_id
          from unnest(cast(:ids as uuid[]), cast(:templates as uuid[]), cast(:scopes as uuid[]),
                      cast(:recipients as uuid[]), cast(:occurrences as text[]), cast(:dates as timestamptz[]))
               as asked (id, template_id, scope_id, recipient_id, occurrence, anchor_at)) s
    join templates t on t.id = s.template_id
    where not coalesce(cast(:allow_resend as boolean), t.allow_resend)
      and exists (select from {held_by_another("cast(:written_to as text)")})
""")


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

    None for whoever has been told by another rule, by the same template, so that theirs would not leave.
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
    received = await _received(db, snapshot, changes)
    return Corrections(loaded, snapshot, [change for change in changes if change.id not in received])


async def _received(db: AsyncConnection, snapshot: Snapshot, changes: Sequence[Change]) -> Set[UUID]:
    """Return the sends among these that would be passed over, since what they bring has been received."""
    mails = [change.wanted for change in changes if change.wanted is not None]
    if not mails:
        return frozenset()
    (rule,) = snapshot.rules
    asked = {
        "rule": rule.id,
        "ids": [mail.id for mail in mails],
        "templates": [mail.template for mail in mails],
        "scopes": [mail.place.id for mail in mails],
        "recipients": [mail.participation.recipient for mail in mails],
        "occurrences": [mail.occurrence for mail in mails],
        "dates": [mail.timing.anchor_at for mail in mails],
        "allow_resend": rule.definition.allow_resend,
        "written_to": written_to(rule.definition, mails[0].occurrence),
    }
    return frozenset((await db.execute(_RECEIVED, asked)).scalars())


async def write_corrections(
    db: AsyncConnection, session: UUID, found: Corrections, by: str | None = None
) -> int:
    """Write corrections; return how many there are. Their workflows are told with the rest of the session.

    `by` is the name of the token that was shown.
    """
    if not found.changes:
        return 0
    return await write_changes(db, found.loaded.organization, session, found.changes, by)
