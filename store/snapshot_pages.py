"""Snapshots of many sessions for one rule, in as many statements as of one: those of `store.snapshots`, asked of each."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.sends import Reason, Status
from domain.snapshots import ExistingSend, RuleFacts, Snapshot
from store import snapshot_rows, snapshots


def of_each(statement: TextClause) -> TextClause:
    """Return a statement about one session as one about many, each row behind its session."""
    of_one = statement.text.replace(":session", "these.session")
    return text(f"""
        select these.session, found.*
        from unnest(cast(:sessions as uuid[])) as these (session) cross join lateral ({of_one}) as found
    """)


_SESSIONS = of_each(snapshots._SESSION)
_MODULES = of_each(snapshots._MODULES)
_SLOTS = of_each(snapshots._SLOTS)
_PARTICIPATIONS = of_each(snapshots._ALL.participations)
_OVERRIDING = of_each(snapshots._OVERRIDING)
_SENDS = of_each(snapshots._ALL.sends)


async def load_page(
    db: AsyncConnection, organization: UUID, rules: Mapping[UUID, RuleFacts]
) -> dict[UUID, Snapshot]:
    """Return a snapshot of each of these sessions, for one rule alone, in the form that each of them goes by.

    Call it in a transaction that sees one moment: nothing here looks whether a session has changed meanwhile.
    """
    asked = {
        "organization": organization,
        "sessions": list(rules),
        "rule": next((rule.id for rule in rules.values()), None),
        "templates": sorted({key for rule in rules.values() for key in rule.definition.other_templates}),
    }
    statements = (_SESSIONS, _MODULES, _SLOTS, _PARTICIPATIONS, _OVERRIDING, _SENDS)
    parts = [await by_session(db, statement, asked) for statement in statements]
    return {
        session: _snapshot(session, rule, *(part[session] for part in parts))
        for session, rule in rules.items()
    }


def _snapshot(
    id: UUID,
    rule: RuleFacts,
    sessions: Sequence[Any],
    modules: Sequence[Any],
    slots: Sequence[Any],
    people: Sequence[Any],
    overriding: Sequence[Any],
    sends: Sequence[Any],
) -> Snapshot:
    (session,), (overridden,) = sessions, overriding
    dated = [snapshot_rows.read_slot(slot) for slot in slots]
    return Snapshot(
        now=session.now,
        session=snapshot_rows.read_session(id, session, modules, dated),
        rules=[snapshots._overridden(rule, overridden)],
        participations=snapshot_rows.read_participations(
            [row[1:] for row in people], snapshot_rows.Owns(dated)
        ),
        sends=[read_send(send) for send in sends],
    )


def read_send(row: Any) -> ExistingSend:
    """Return a row that stands behind its session."""
    values = dict(row._mapping)
    reason = values.pop("reason")
    del values["session"]
    return ExistingSend(**{**values, "status": Status(row.status)}, reason=reason and Reason(reason))


async def by_session(
    db: AsyncConnection, statement: TextClause, asked: Mapping[str, Any]
) -> dict[UUID, list[Any]]:
    """Return what a statement of `of_each` finds, by session; of `asked` it takes what it needs."""
    names = statement.compile().params.keys()
    found: dict[UUID, list[Any]] = defaultdict(list)
    for row in await db.execute(statement, {name: asked[name] for name in names}):
        found[row.session].append(row)
    return found
