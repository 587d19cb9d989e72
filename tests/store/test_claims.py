"""Who may claim a send, and for how long (DESIGN 8, step 1)?"""

from datetime import timedelta
from uuid import uuid4

import pytest

from domain.sends import Status
from store.delivery import read_state
from tests.store.delivery_steps import UNPLANNED, change, end, look
from tests.store.store_rows import LEASE, WEEK, Rows

MINUTE = timedelta(minutes=1)


async def test_a_due_row_is_claimed_for_as_long_as_the_lease(rows: Rows) -> None:
    send = await rows.due()
    before = await rows.now()

    claim = await rows.claim(send)

    assert claim
    row = await rows.row(send)
    assert (row["status"], row["token"], row["attempts"]) == ("claimed", claim.token, 1)
    assert (claim.version, claim.attempt) == (row["version"], 1)
    assert before + LEASE < row["lease_until"] < await rows.now() + LEASE
    assert (await look(rows, send)).leased


async def test_nothing_is_claimed_before_it_is_due_or_after_its_latest_moment(rows: Rows) -> None:
    await rows.planned("ada")
    send = await rows.send()
    assert await rows.claim(send) is None

    await rows.advance(2 * WEEK)
    assert await rows.claim(send) is None


async def test_no_other_version_than_the_rows_is_claimed(rows: Rows) -> None:
    send = await rows.due()
    version = (await rows.row(send))["version"]

    assert await rows.claim(send, version + 1) is None
    await rows.execute("update sends set version = version + 1")
    assert await rows.claim(send, version) is None
    assert await rows.claim(send, version + 1)


async def test_what_somebody_holds_is_claimed_again_only_when_the_lease_is_over(rows: Rows) -> None:
    send = await rows.due()
    first = await rows.claimed(send)
    assert await rows.claim(send) is None

    await rows.advance(LEASE)
    second = await rows.claim(send)

    assert second
    assert second.attempt == 2
    assert (await rows.row(send))["token"] == second.token != first.token


async def test_a_row_is_claimed_in_no_status_but_scheduled(rows: Rows) -> None:
    by_status = await rows.in_every_status()
    await rows.execute("update sends set lease_until = relance_now() + interval '30 days'")
    await rows.advance(WEEK)

    claimed = {status for status, send in by_status.items() if await rows.claim(send)}

    assert claimed == {Status.SCHEDULED}


async def test_a_refused_row_is_not_claimed_before_its_next_attempt(rows: Rows) -> None:
    send = await rows.due()
    await end(rows, await rows.claimed(send), Status.SCHEDULED, retry_after=10 * MINUTE)

    assert await rows.claim(send) is None
    await rows.advance(10 * MINUTE)
    assert await rows.claim(send)


async def test_a_next_attempt_left_over_never_comes_before_the_due_time(rows: Rows) -> None:
    await rows.planned("ada")
    await rows.execute("update sends set next_attempt_at = relance_now()")

    assert await rows.claim(await rows.send()) is None


@pytest.mark.parametrize("what", UNPLANNED)
async def test_nothing_is_claimed_while_the_plan_is_behind_the_facts(rows: Rows, what: str) -> None:
    send = await rows.due()

    await change(rows, what, send)

    assert await rows.claim(send) is None
    assert not (await look(rows, send)).clean


async def test_nothing_is_claimed_of_a_rule_that_is_off_even_if_its_row_was_forgotten(rows: Rows) -> None:
    send = await rows.due()
    await rows.execute("update rules set active = false")

    assert await rows.claim(send) is None
    assert not (await look(rows, send)).clean


async def test_a_new_name_or_somebody_else_holds_nobody_up(rows: Rows) -> None:
    send = await rows.due()
    session = (await rows.row(send))["session_id"]
    await rows.execute("update sessions set name = 'Another talk'")
    await rows.participant(session, "bob")

    assert await rows.claim(send)


async def test_an_unknown_send_is_nobodys(rows: Rows) -> None:
    assert await rows.claim(uuid4(), 1) is None


async def test_a_claim_under_way_keeps_no_other_send_waiting(rows: Rows) -> None:
    session = await rows.planned("ada", "bob")
    await rows.advance(WEEK)
    ada, bob = [row["id"] for row in await rows.sends(session=session)]

    async with rows.store.transaction() as db:
        await read_state(db, ada)
        assert await rows.claim(ada)
        assert await rows.claim(bob)
