"""What decides whether dates that mails have told are still the dates: a constant number of statements."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.snapshots import Snapshot
from store import snapshot_rows, snapshots
from store.snapshot_pages import by_session, of_each, read_send

_SESSIONS = of_each(snapshots._SESSION)
_MODULES = of_each(snapshots._MODULES)
_SLOTS = of_each(snapshots._SLOTS)
_SENDS = of_each(
    text(snapshots._SENDS.format(sends="session_id = :session and id = any(cast(:sends as uuid[]))"))
)
_PARTICIPATIONS = of_each(snapshots._TOLD.participations)


async def load_told(
    db: AsyncConnection, sessions: Collection[UUID], sends: Collection[UUID]
) -> list[Snapshot]:
    """Return a snapshot of each of these sessions: these sends and whom they are about, and no rules.

    Call it in a transaction that sees one moment.
    """
    asked: dict[str, Any] = {"sessions": list(sessions), "sends": list(sends)}
    rows = await by_session(db, _SENDS, asked)
    told = {session: [read_send(row) for row in rows[session]] for session in sessions}
    all_told = [send for some in told.values() for send in some]
    people = {send.participation for send in all_told} | {id for send in all_told for id in send.covers or ()}
    statements = (_SESSIONS, _MODULES, _SLOTS, _PARTICIPATIONS)
    asked["participations"] = list(people)
    parts = [await by_session(db, statement, asked) for statement in statements]
    return [
        _snapshot(session, told[session], *(part[session] for part in parts))
        for session in sessions
        if parts[0][session]
    ]


def _snapshot(id: UUID, sends: Any, sessions: Any, modules: Any, slots: Any, people: Any) -> Snapshot:
    (session,) = sessions
    dated = [snapshot_rows.read_slot(slot) for slot in slots]
    return Snapshot(
        now=session.now,
        session=snapshot_rows.read_session(id, session, modules, dated),
        rules=[],
        participations=snapshot_rows.read_participations(
            [row[1:] for row in people], snapshot_rows.Owns(dated)
        ),
        sends=sends,
    )
