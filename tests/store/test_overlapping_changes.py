"""Two changes of the same people at once, in different statements: is an acknowledged one ever undone?

One transaction is held open; the other is started and seen to wait for a lock; then the first one ends.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

import store.snapshots
from domain.planning import plan
from store.departures import delete_company
from store.participants import list_participants, remove_participant
from store.planning import Loaded, load_snapshot, mark_planned, write_changes
from store.rules import deactivate_rule
from store.send_decisions import cancel_send, reactivate_send
from store.senders import set_rate
from tests.store.store_rows import WEEK, Rows


async def remove_company(rows: Rows) -> None:
    async with rows.store.transaction() as db:
        await delete_company(db, rows.organization, "acme")


async def test_whoever_leaves_while_their_company_is_deleted_stays_away(rows: Rows) -> None:
    """F023"""
    acme = await rows.company("acme")
    session = await rows.session()
    await rows.participant(session, "ada", company=acme)

    async with rows.store.transaction() as db:
        assert await remove_participant(db, session, "ada")
        deleting = asyncio.create_task(remove_company(rows))
        await rows.blocked()
    await deleting

    async with rows.store.transaction() as db:
        assert await list_participants(db, session, 10) == []


async def test_a_deleted_company_and_planning_do_not_wait_in_a_ring(rows: Rows) -> None:
    acme = await rows.company("acme")
    session = await rows.session()
    for person in "abc":
        await rows.participant(session, person, company=acme)
    await rows.plan(session)
    parts = await rows.execute(
        "select p.id, people.key from participations p join people on people.id = p.person_id order by p.id desc"
    )
    for part in parts:  # their newest rows lie in the order of descending ids
        async with rows.store.transaction() as db:
            await remove_participant(db, session, part.key)

    async def marking() -> None:
        async with rows.store.transaction() as db:
            await mark_planned(db, await load_snapshot(db, session))

    async with rows.store.transaction() as db:
        await db.execute(text("select from participations where id = :id for update"), {"id": parts[1].id})
        deleting = asyncio.create_task(remove_company(rows))
        await rows.blocked(1)
        planning = asyncio.create_task(marking())
        await rows.blocked(2)

    await asyncio.gather(deleting, planning)


async def move(rows: Rows, session: UUID, person: str) -> None:
    await rows.session(starts_in=4 * WEEK)


async def remove(rows: Rows, session: UUID, person: str) -> None:
    async with rows.store.transaction() as db:
        assert await remove_participant(db, session, person)


@pytest.mark.parametrize("change", [move, remove])
async def test_a_rate_that_changes_while_a_session_is_planned_loses_no_change(
    rows: Rows, change: Callable[[Rows, UUID, str], Awaitable[None]]
) -> None:
    """DESIGN 14.3: turns given back write rows that planning has read, and is about to write."""
    async with rows.store.transaction() as db:
        await set_rate(db, 0.01, 1)
    session = await rows.planned("ada", "bob")
    await rows.advance(WEEK)
    for send in await rows.sends():
        await rows.claim(send["id"])
    (waiting,) = [send for send in await rows.sends() if send["turn_at"]]
    person = await rows.one("select key from people where id = :id", id=waiting["recipient_id"])
    await change(rows, session, person)

    async def other_rate() -> None:
        async with rows.store.transaction() as db:
            await set_rate(db, None, 1)

    async with rows.store.transaction() as db:
        loaded = await load_snapshot(db, session)
        await mark_planned(db, loaded)
        changing = asyncio.create_task(other_rate())
        await rows.blocked()
        await write_changes(db, loaded.organization, session, plan(loaded.snapshot))
    await changing

    assert await rows.claim(waiting["id"]) is None


async def test_a_decision_between_two_readings_of_planning_waits_for_the_next(
    rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rule is off and had nothing waiting when rules were read."""
    session = await rows.planned("ada")
    send = await rows.send()
    async with rows.store.transaction() as db:
        await cancel_send(db, rows.organization, send)
    async with rows.store.transaction() as db:
        await deactivate_rule(db, (await rows.row(send))["rule_id"])
    await rows.session(starts_in=3 * WEEK)
    load = store.snapshots._load
    rules_read = store.snapshots._ALL.sends

    class Overtaken:
        """Somebody reactivates the send just before sends are read."""

        def __init__(self, db: AsyncConnection) -> None:
            self._db = db

        async def execute(self, statement: Any, *values: Any) -> Any:
            if statement is rules_read:
                async with rows.store.transaction() as other:
                    assert await reactivate_send(other, rows.organization, send)
            return await self._db.execute(statement, *values)

    async def overtaken(db: Any, *what: Any) -> Loaded:
        monkeypatch.setattr(store.snapshots, "_load", load)
        return await load(Overtaken(db), *what)  # type: ignore[arg-type]

    monkeypatch.setattr(store.snapshots, "_load", overtaken)
    await rows.plan(session)

    await rows.plan(session)
    assert (await rows.row(send))["status"] == "removed"
