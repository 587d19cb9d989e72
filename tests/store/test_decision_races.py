"""A decision about a send and whoever delivers it, in both orders: does the second see the first?

One transaction is held open; the other side is started and seen to wait for a lock; then the first one ends.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.sends import Decision, Outcome, Reason, Status
from store.delivery import NotFencedError, Recorded, claim, fence, record, settle
from store.send_decisions import cancel_send, reactivate_send, resolve_send, send_now
from tests.store.delivery_steps import end
from tests.store.store_rows import LEASE, WEEK, Rows, plan_in

Decide = Callable[[AsyncConnection, UUID, UUID], Awaitable[Any]]

send_again: Decide = partial(resolve_send, decision=Decision.SEND_AGAIN)
arrived: Decide = partial(resolve_send, decision=Decision.ARRIVED)
drop: Decide = partial(resolve_send, decision=Decision.DROP)


async def apart(rows: Rows, decision: Decide, send: UUID) -> Any:
    async with rows.store.transaction() as db:
        return await decision(db, rows.organization, send)


async def caught(fencing: Awaitable[None]) -> NotFencedError | None:
    try:
        await fencing
    except NotFencedError as error:
        return error
    return None


async def cancelled(rows: Rows) -> UUID:
    """Make a send that is due and was cancelled."""
    send = await rows.due()
    await apart(rows, cancel_send, send)
    return send


async def in_doubt(rows: Rows) -> tuple[UUID, Outcome]:
    """Make a send in doubt, and the reply that comes in late."""
    send = await rows.due()
    held = await rows.handed_over(send)
    await end(rows, held, Status.IN_DOUBT, Reason.CONNECTION_LOST)
    return send, Outcome(send, held.token, Status.SENT)


LETTING_GO = [
    (send_now, Status.SCHEDULED),
    (reactivate_send, Status.CANCELLED),
    (send_again, Status.IN_DOUBT),
]


@pytest.mark.parametrize(("decision", "status"), LETTING_GO)
async def test_a_claim_waits_for_the_decision_and_then_for_planning(
    rows: Rows, decision: Decide, status: Status
) -> None:
    send = await rows.due()
    await rows.put_status(send, status)
    version = (await rows.row(send))["version"]

    async with rows.store.transaction() as db:
        assert await decision(db, rows.organization, send)
        claims = [asyncio.create_task(rows.claim(send, version + extra)) for extra in (0, 1)]
        await rows.blocked(2)

    assert await asyncio.gather(*claims) == [None, None]
    assert (await rows.row(send))["status"] == "scheduled"


async def test_sending_now_waits_for_the_claim_and_comes_too_late(rows: Rows) -> None:
    send = await rows.due()

    async with rows.store.transaction() as db:
        held = await claim(db, send, 1, uuid4(), LEASE)
        deciding = asyncio.create_task(apart(rows, send_now, send))
        await rows.blocked()

    assert held
    assert await deciding is None
    assert await caught(rows.fence(held)) is None
    assert (await rows.row(send))["status"] == "handing_over"


async def test_sending_now_waits_for_the_fence_and_comes_too_late(rows: Rows) -> None:
    send = await rows.due()
    held, facts = await rows.claimed(send), await rows.facts(send)

    async with rows.store.transaction() as db:
        await fence(db, held, facts, LEASE)
        deciding = asyncio.create_task(apart(rows, send_now, send))
        await rows.blocked()

    assert await deciding is None
    assert (await rows.row(send))["version"] == held.version


async def test_what_is_not_cancelled_yet_is_not_reactivated(rows: Rows) -> None:
    send = await rows.due()

    async with rows.store.transaction() as db:
        await cancel_send(db, rows.organization, send)
        assert await apart(rows, reactivate_send, send) is None

    assert (await rows.row(send))["status"] == "cancelled"


async def test_a_cancel_waits_for_the_decision_to_send_now_and_is_final(rows: Rows) -> None:
    send = await rows.due()

    async with rows.store.transaction() as db:
        assert await send_now(db, rows.organization, send)
        cancelling = asyncio.create_task(apart(rows, cancel_send, send))
        await rows.blocked()

    session = await cancelling
    await rows.plan(session)
    assert (await rows.row(send))["status"] == "cancelled"
    assert await rows.claim(send) is None


@pytest.mark.parametrize(("decision", "status"), LETTING_GO)
async def test_a_cancel_that_comes_while_somebody_lets_go_is_final(
    rows: Rows, decision: Decide, status: Status
) -> None:
    """DESIGN 14.3: what it answered, `cancelled`, must not be undone by a commit after it."""
    send = await rows.due()
    await rows.put_status(send, status)
    async with rows.store.transaction() as db:
        assert await decision(db, rows.organization, send)
        cancelling = asyncio.create_task(apart(rows, cancel_send, send))
        await rows.blocked()

    assert await cancelling
    assert (await rows.row(send))["status"] == Status.CANCELLED


async def test_of_many_who_reactivate_at_once_one_does(rows: Rows) -> None:
    send = await cancelled(rows)

    done = await asyncio.gather(*(apart(rows, reactivate_send, send) for _ in range(8)))

    assert sum(1 for one in done if one) == 1
    assert (await rows.row(send))["version"] == 3


@pytest.mark.parametrize("decision", [arrived, send_again, drop])
async def test_a_late_reply_waits_for_the_decision_and_changes_nothing(rows: Rows, decision: Decide) -> None:
    send, reply = await in_doubt(rows)

    async def replied() -> Recorded | None:
        async with rows.store.transaction() as db:
            return await record(db, reply)

    async with rows.store.transaction() as db:
        assert await decision(db, rows.organization, send)
        recording = asyncio.create_task(replied())
        await rows.blocked()

    assert await recording is None
    assert len(await rows.receipts()) == 1


@pytest.mark.parametrize("decision", [arrived, send_again, drop])
async def test_a_decision_waits_for_the_late_reply_and_comes_too_late(rows: Rows, decision: Decide) -> None:
    send, reply = await in_doubt(rows)

    async with rows.store.transaction() as db:
        assert await record(db, reply)
        deciding = asyncio.create_task(apart(rows, decision, send))
        await rows.blocked()

    assert await deciding is None
    assert (await rows.row(send))["status"] == "sent"


async def test_two_who_settle_a_doubt_at_once_do_not_both_win(rows: Rows) -> None:
    send, _ = await in_doubt(rows)

    done = await asyncio.gather(
        *(apart(rows, decision, send) for decision in (arrived, send_again, drop) * 3)
    )

    assert sum(1 for one in done if one) == 1


@pytest.mark.parametrize(("decision", "status"), LETTING_GO)
async def test_planning_and_a_decision_do_not_wait_in_a_ring(
    rows: Rows, decision: Decide, status: Status
) -> None:
    send = await rows.due()
    await rows.put_status(send, status)
    session = (await rows.row(send))["session_id"]
    await rows.execute("update participations set version = version + 1")

    async with rows.store.transaction() as db:
        await plan_in(db, session)
        deciding = asyncio.create_task(apart(rows, decision, send))
        await rows.blocked()

    assert await deciding
    assert await rows.one("select count(*) from participations where version > planned_version") == 1


async def test_an_expiry_waits_for_the_decision_to_send_now(rows: Rows) -> None:
    send = await rows.due()
    await rows.advance(WEEK)

    async def settled() -> Status:
        async with rows.store.transaction() as db:
            return (await settle(db, send)).status

    async with rows.store.transaction() as db:
        assert await send_now(db, rows.organization, send)
        settling = asyncio.create_task(settled())
        await rows.blocked()

    assert await settling is Status.SCHEDULED


async def test_two_decisions_about_one_person_in_two_roles_do_not_wait_in_a_ring(rows: Rows) -> None:
    await rows.rule("j7")
    await rows.rule("thanks", template="thanks")
    await rows.planned("ada")
    sends = [row["id"] for row in await rows.sends()]

    done = await asyncio.gather(*(apart(rows, send_now, send) for send in sends * 4))

    assert all(done)
