"""Two connections at one row, in both orders: does whoever comes second see the first, and does nobody wait for ever?

One transaction is held open; the other side is started and seen to wait for a lock; then the first one ends.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.sends import Outcome, Reason, Status
from store.delivery import Claim, NotFencedError, claim, fence, record, settle
from store.moves import hold_directory
from store.participants import remove_participant
from store.people import Details, put_people, put_person
from store.receipts import lock_receipt
from store.rules import activate_rule, deactivate_rule, delete_rule, replace_rule
from store.send_decisions import cancel_send
from store.sessions import delete_session, put_session
from store.signals import Unsignalled, list_unsignalled, mark_signalled
from tests.store.store_rows import LEASE, WEEK, Rows, definition

Change = Callable[[Rows, AsyncConnection, dict[str, Any]], Awaitable[object]]


async def cancel(rows: Rows, db: AsyncConnection, send: dict[str, Any]) -> object:
    return await cancel_send(db, rows.organization, send["id"])


async def move(rows: Rows, db: AsyncConnection, send: dict[str, Any]) -> object:
    starts_at = send["due_at"] + 3 * WEEK
    return await put_session(
        db, rows.organization, "S-1", name="Talk", zone="UTC", starts_at=starts_at, ends_at=None
    )


async def delete(rows: Rows, db: AsyncConnection, send: dict[str, Any]) -> object:
    return await delete_session(db, rows.organization, "S-1")


async def leave(rows: Rows, db: AsyncConnection, send: dict[str, Any]) -> object:
    return await remove_participant(db, send["session_id"], "ada")


async def switch_off(rows: Rows, db: AsyncConnection, send: dict[str, Any]) -> object:
    await deactivate_rule(db, send["rule_id"])
    return None


async def delete_the_rule(rows: Rows, db: AsyncConnection, send: dict[str, Any]) -> object:
    await delete_rule(db, send["rule_id"])
    return None


async def edit(rows: Rows, db: AsyncConnection, send: dict[str, Any]) -> object:
    template = (await db.execute(text("select template_id from rules"))).scalar_one()
    said = definition(offset="-P8D")
    return await replace_rule(db, rows.organization, "j7", name="j7", template=template, definition=said)


async def correct(rows: Rows, db: AsyncConnection, send: dict[str, Any]) -> object:
    return await put_person(
        db, rows.organization, "ada", email="b@example.org", first_name="", last_name="", language=None
    )


CHANGES = [cancel, move, delete, leave, switch_off, delete_the_rule, edit, correct]


async def apart(rows: Rows, change: Change, send: dict[str, Any]) -> object:
    """Make a change in a transaction of its own."""
    async with rows.store.transaction() as db:
        return await change(rows, db, send)


async def caught(fencing: Awaitable[None]) -> NotFencedError | None:
    try:
        await fencing
    except NotFencedError as error:
        return error
    return None


@pytest.mark.parametrize("change", CHANGES)
async def test_a_change_that_comes_first_makes_the_fence_wait_and_refuse(rows: Rows, change: Change) -> None:
    send = await rows.due()
    held, facts, row = await rows.claimed(send), await rows.facts(send), await rows.row(send)

    async with rows.store.transaction() as db:
        await change(rows, db, row)
        fencing = asyncio.create_task(caught(rows.fence(held, facts)))
        await rows.blocked()

    assert await fencing
    assert (await rows.row(send))["status"] != "handing_over"
    assert await rows.receipts() == []


@pytest.mark.parametrize("change", CHANGES)
async def test_a_change_that_is_given_up_lets_the_fence_pass(rows: Rows, change: Change) -> None:
    send = await rows.due()
    held, facts, row = await rows.claimed(send), await rows.facts(send), await rows.row(send)

    async with rows.store.transaction() as db:
        await change(rows, db, row)
        fencing = asyncio.create_task(caught(rows.fence(held, facts)))
        await rows.blocked()
        await db.rollback()

    assert await fencing is None
    assert (await rows.row(send))["status"] == "handing_over"


@pytest.mark.parametrize("change", CHANGES)
async def test_a_change_that_comes_second_waits_for_the_fence_and_calls_nothing_back(
    rows: Rows, change: Change
) -> None:
    send = await rows.due()
    held, facts, row = await rows.claimed(send), await rows.facts(send), await rows.row(send)

    async with rows.store.transaction() as db:
        await fence(db, held, facts, LEASE)
        changing = asyncio.create_task(apart(rows, change, row))
        await rows.blocked()

    answer = await changing
    assert (await rows.row(send))["status"] == "handing_over"
    if change is cancel:
        assert answer is None  # the route answers 409
    await rows.plan(row["session_id"])
    async with rows.store.transaction() as db:
        assert await record(db, Outcome(send, held.token, Status.SENT))


@pytest.mark.parametrize("change", CHANGES)
async def test_a_change_that_comes_second_waits_for_a_fence_that_fails_and_is_in_time(
    rows: Rows, change: Change
) -> None:
    send = await rows.due()
    held, facts, row = await rows.claimed(send), await rows.facts(send), await rows.row(send)

    async with rows.store.transaction() as db:
        await fence(db, held, facts, LEASE)
        changing = asyncio.create_task(apart(rows, change, row))
        await rows.blocked()
        await db.rollback()

    await changing
    assert (await rows.row(send))["status"] != "handing_over"
    assert await caught(rows.fence(held, facts))


@pytest.mark.parametrize("change", [change for change in CHANGES if change is not correct])
async def test_a_change_that_comes_first_makes_the_claim_wait_and_find_nothing(
    rows: Rows, change: Change
) -> None:
    send = await rows.due()
    row = await rows.row(send)

    async with rows.store.transaction() as db:
        await change(rows, db, row)
        claiming = asyncio.create_task(rows.claim(send, row["version"]))
        await rows.blocked()

    assert await claiming is None
    assert (await rows.row(send))["status"] != "claimed"


@pytest.mark.parametrize("change", [cancel, switch_off, delete_the_rule])
async def test_a_change_that_comes_second_waits_for_the_claim_and_calls_it_back(
    rows: Rows, change: Change
) -> None:
    send = await rows.due()
    row = await rows.row(send)

    async with rows.store.transaction() as db:
        held = await claim(db, send, row["version"], uuid4(), LEASE)
        changing = asyncio.create_task(apart(rows, change, row))
        await rows.blocked()

    await changing
    assert held
    assert (await rows.row(send))["status"] in ("cancelled", "removed")
    assert await caught(rows.fence(held))


async def test_of_many_who_claim_at_once_one_wins(rows: Rows) -> None:
    send = await rows.due()

    claims = await asyncio.gather(*(rows.claim(send, 1) for _ in range(8)))

    (won,) = [one for one in claims if one]
    row = await rows.row(send)
    assert (row["token"], row["attempts"]) == (won.token, 1)


async def test_whoever_claims_second_waits_and_finds_the_row_taken(rows: Rows) -> None:
    send = await rows.due()

    async with rows.store.transaction() as db:
        assert await claim(db, send, 1, uuid4(), LEASE)
        second = asyncio.create_task(rows.claim(send, 1))
        await rows.blocked()

    assert await second is None


async def two_due(rows: Rows) -> tuple[UUID, UUID]:
    """Return two due sends of two rules with one template, to one person, for one session."""
    await rows.rule("j7")
    await rows.rule("j7-again")
    await rows.planned("ada")
    await rows.advance(WEEK)
    one, other = [row["id"] for row in await rows.sends()]
    return one, other


@pytest.mark.parametrize("same_rule", [True, False])
async def test_of_two_of_one_template_at_the_fence_the_second_waits_and_passes_if_its_rule_is_the_same(
    rows: Rows, same_rule: bool
) -> None:
    """F085: of two rules one loses; of one rule both leave, and the first holds the receipt for both."""
    one, other = await two_due(rows)
    second = await rows.again(one) if same_rule else other
    first_claim, second_claim = await rows.claimed(one), await rows.claimed(second)
    first_facts, second_facts = await rows.facts(one), await rows.facts(second)

    async with rows.store.transaction() as db:
        await fence(db, first_claim, first_facts, LEASE)
        fencing = asyncio.create_task(caught(rows.fence(second_claim, second_facts)))
        await rows.blocked()

    error = await fencing
    assert (error and error.reason) == (None if same_rule else Reason.ALREADY_RECEIVED)
    assert (error is None) is same_rule
    assert (await rows.row(second))["status"] == ("handing_over" if same_rule else "claimed")
    assert await rows.receipts() == [one]


async def test_a_refusal_and_another_mail_of_its_rule_at_the_fence_leave_one_receipt(rows: Rows) -> None:
    """In both orders, the one that is handed over holds it in the end."""
    one, _ = await two_due(rows)
    again = await rows.again(one)
    first, second = await rows.handed_over(one), await rows.claimed(again)
    facts = await rows.facts(again)

    async with rows.store.transaction() as db:
        assert await record(db, Outcome(one, first.token, Status.FAILED, Reason.REFUSED, 550))
        fencing = asyncio.create_task(caught(rows.fence(second, facts)))
        await rows.blocked()
    assert await fencing is None
    assert await rows.receipts() == [again]


async def test_another_mail_of_its_rule_at_the_fence_and_a_refusal_leave_one_receipt(rows: Rows) -> None:
    one, _ = await two_due(rows)
    again = await rows.again(one)
    first, second = await rows.handed_over(one), await rows.claimed(again)
    facts = await rows.facts(again)

    async def refuse() -> object:
        async with rows.store.transaction() as db:
            return await record(db, Outcome(one, first.token, Status.FAILED, Reason.REFUSED, 550))

    async with rows.store.transaction() as db:
        await fence(db, second, facts, LEASE)
        refusing = asyncio.create_task(refuse())
        await rows.blocked()
    assert await refusing
    assert await rows.receipts() == [again]


async def test_a_take_over_and_the_old_claims_fence_cannot_both_pass(rows: Rows) -> None:
    send = await rows.due()
    old = await rows.claimed(send)
    facts = await rows.facts(send)
    await rows.advance(LEASE)

    async with rows.store.transaction() as db:
        assert await claim(db, send, 1, uuid4(), LEASE)
        fencing = asyncio.create_task(caught(rows.fence(old, facts)))
        await rows.blocked()

    assert await fencing
    assert (await rows.row(send))["status"] == "claimed"


async def test_an_old_claims_fence_that_comes_first_leaves_nothing_to_take_over(rows: Rows) -> None:
    send = await rows.due()
    old = await rows.claimed(send)
    facts = await rows.facts(send)
    await rows.advance(LEASE)

    async with rows.store.transaction() as db:
        await fence(db, old, facts, LEASE)
        taking_over = asyncio.create_task(rows.claim(send, 1))
        await rows.blocked()

    assert await taking_over is None
    assert (await rows.row(send))["token"] == old.token


# Receipts.


async def two_claims(rows: Rows) -> tuple[Claim, Claim]:
    """Claim two sends of two rules with one template, to one person, for one session."""
    await rows.rule("j7")
    await rows.rule("j7-again")
    await rows.planned("ada")
    await rows.advance(WEEK)
    one, other = [row["id"] for row in await rows.sends()]
    return await rows.claimed(one), await rows.claimed(other)


async def test_of_two_mails_of_one_template_that_come_at_once_one_passes(rows: Rows) -> None:  # F085
    one, other = await two_claims(rows)
    facts = await rows.facts(one.send)

    async with rows.store.transaction() as db:
        await fence(db, one, facts, LEASE)
        second = asyncio.create_task(caught(rows.fence(other)))
        await rows.blocked()

    refusal = await second
    assert refusal
    assert refusal.reason is Reason.ALREADY_RECEIVED
    assert await rows.receipts() == [one.send]
    assert (await rows.row(other.send))["status"] == "claimed"


async def test_the_second_mail_of_a_template_passes_when_the_first_gives_up(rows: Rows) -> None:  # F085
    one, other = await two_claims(rows)
    facts = await rows.facts(one.send)

    async with rows.store.transaction() as db:
        await fence(db, one, facts, LEASE)
        second = asyncio.create_task(caught(rows.fence(other)))
        await rows.blocked()
        await db.rollback()

    assert await second is None
    assert await rows.receipts() == [other.send]


async def test_a_template_that_allows_it_lets_both_pass_at_once(rows: Rows) -> None:
    one, other = await two_claims(rows)
    facts = {held: await rows.facts(held.send, allow_resend=True) for held in (one, other)}

    async with rows.store.transaction() as db:
        await fence(db, one, facts[one], LEASE)
        second = asyncio.create_task(caught(rows.fence(other, facts[other])))
        await rows.blocked()

    assert await second is None
    assert {row["status"] for row in await rows.sends()} == {"handing_over"}


async def test_many_mails_of_one_template_race_and_one_wins(rows: Rows) -> None:  # F085
    for number in range(6):
        await rows.rule(f"rule-{number}")
    await rows.planned("ada", rule="rule-0")
    await rows.advance(WEEK)
    claims = [await rows.claimed(row["id"]) for row in await rows.sends()]

    refusals = await asyncio.gather(*(caught(rows.fence(held)) for held in claims))

    assert [refusal.reason for refusal in refusals if refusal] == [Reason.ALREADY_RECEIVED] * 5
    assert await rows.statuses() == ["claimed"] * 5 + ["handing_over"]
    assert len(await rows.receipts()) == 1


async def test_a_receipt_taken_back_lets_the_one_that_waits_for_it_pass(rows: Rows) -> None:
    one, other = await two_claims(rows)
    await rows.fence(one)
    facts = await rows.facts(other.send)

    async with rows.store.transaction() as db:
        await record(db, Outcome(one.send, one.token, Status.FAILED))
        second = asyncio.create_task(caught(rows.fence(other, facts)))
        await rows.blocked()

    assert await second is None
    assert await rows.receipts() == [other.send]


# Planning, and what time decides.


async def test_a_roll_out_that_moves_a_claimed_row_makes_its_fence_wait_and_refuse(rows: Rows) -> None:
    send = await rows.due()
    held, facts = await rows.claimed(send), await rows.facts(send)

    async with rows.store.transaction() as db:
        await db.execute(
            text(
                "update sends set status = 'scheduled', version = version + 1, token = null where id = :send"
            ),
            {"send": send},
        )
        fencing = asyncio.create_task(caught(rows.fence(held, facts)))
        await rows.blocked()

    assert await fencing
    assert await rows.receipts() == []


async def test_a_reply_and_the_end_of_its_lease_agree_whoever_comes_first(rows: Rows) -> None:
    send = await rows.due()
    held = await rows.handed_over(send)
    await rows.advance(LEASE)

    async def settled() -> Status:
        async with rows.store.transaction() as db:
            return (await settle(db, send)).status

    async with rows.store.transaction() as db:
        assert await record(db, Outcome(send, held.token, Status.SENT))
        settling = asyncio.create_task(settled())
        await rows.blocked()
    assert await settling is Status.SENT

    await rows.execute("update sends set status = 'handing_over', lease_until = relance_now()")
    async with rows.store.transaction() as db:
        assert (await settle(db, send)).status is Status.IN_DOUBT
        recording = asyncio.create_task(apart(rows, sent(held), {}))
        await rows.blocked()
    assert await recording is not None
    assert (await rows.row(send))["status"] == "sent"


def sent(held: Claim) -> Change:
    async def change(rows: Rows, db: AsyncConnection, send: dict[str, Any]) -> object:
        return await record(db, Outcome(held.send, held.token, Status.SENT))

    return change


async def test_an_expiry_waits_for_the_postponement_under_way(rows: Rows) -> None:  # F024
    send = await rows.due()
    row = await rows.row(send)
    await rows.advance(WEEK)

    async def settled() -> Status:
        async with rows.store.transaction() as db:
            return (await settle(db, send)).status

    async with rows.store.transaction() as db:
        await move(rows, db, row)
        settling = asyncio.create_task(settled())
        await rows.blocked()

    assert await settling is Status.SCHEDULED


async def test_one_persons_refusals_that_come_at_once_after_a_change_do_not_wait_in_a_ring(
    rows: Rows,
) -> None:
    for number in range(6):
        await rows.rule(f"rule-{number}", template=f"template-{number}")
    session = await rows.planned("ada", rule="rule-0")
    await rows.advance(WEEK)
    claims = [await rows.handed_over(row["id"]) for row in await rows.sends()]
    await rows.plan(await rows.session(starts_in=3 * WEEK))

    async def refuse(held: Claim) -> bool:
        async with rows.store.transaction() as db:
            return await record(db, Outcome(held.send, held.token, Status.SCHEDULED)) is not None

    assert await asyncio.gather(*(refuse(held) for held in claims)) == [True] * 6
    assert await rows.plan(session) == 6


async def test_people_at_the_fence_do_not_wait_for_each_other(rows: Rows) -> None:
    await rows.planned("ada", "bob")
    await rows.advance(WEEK)
    one, other = [await rows.claimed(row["id"]) for row in await rows.sends()]
    facts = await rows.facts(one.send)

    async with rows.store.transaction() as db:
        await fence(db, one, facts, LEASE)
        await rows.fence(other)

    assert await rows.statuses() == ["handing_over"] * 2


# Many rows at once.


async def test_whoever_writes_many_rows_never_waits_for_somebody_who_waits_for_them(rows: Rows) -> None:
    """Fan-outs, plans and a switch lock the same hundred rows, each given in another order."""
    rule = await rows.rule("j7")
    session = await rows.session()
    await rows.participants(session, 100)
    await rows.plan(session)
    async with rows.store.transaction() as db:
        told = await list_unsignalled(db, [session], 500)

    async def tell(order: Callable[[Unsignalled], UUID | int], backwards: bool) -> None:
        for _ in range(10):
            async with rows.store.transaction() as db:
                await mark_signalled(db, sorted(told, key=order, reverse=backwards))

    async def move_and_plan() -> None:
        for weeks in range(3, 8):
            await rows.session(starts_in=timedelta(weeks=weeks))
            await rows.plan(session)

    async def switch() -> None:
        for _ in range(5):
            async with rows.store.transaction() as db:
                await deactivate_rule(db, rule)
            async with rows.store.transaction() as db:
                await activate_rule(db, rule)
            await rows.roll_out(rule)

    by_id, shuffled = (lambda send: send.id), (lambda send: hash(send.id))
    await asyncio.gather(
        tell(by_id, True), tell(by_id, False), tell(shuffled, True), move_and_plan(), switch(), switch()
    )

    await rows.plan(session)
    assert await rows.statuses() == ["scheduled"] * 100


async def test_a_refusal_holds_no_row_while_a_fence_holds_its_receipt(rows: Rows) -> None:
    """The fence locks the receipt, then the row; the other way round, a fan-out over both rows would close a ring."""
    one, other = await two_claims(rows)
    await rows.fence(one)
    facts = await rows.facts(other.send, allow_resend=True)

    async def refuse() -> None:
        async with rows.store.transaction() as db:
            assert await record(db, Outcome(one.send, one.token, Status.FAILED))

    async with rows.store.transaction() as db:
        await fence(db, other, facts, LEASE)
        refusing = asyncio.create_task(refuse())
        await rows.blocked()
        await rows.execute("select from sends where id = :id for update nowait", id=one.send)

    await refusing
    assert (await rows.row(one.send))["status"] == "failed"


async def test_a_refusal_a_fence_and_somebody_who_moves_do_not_wait_in_a_ring(
    rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal wants the participation, then the receipt; a fence the person, then the receipt; a move both others."""
    session = await rows.session()
    one, two = await rows.rule("one", repeat={"every": "P7D", "at_most": 3}), await rows.rule("two")
    await rows.participant(session, "ada")
    await rows.plan(session)
    await rows.advance(WEEK)
    first, second = await rows.send(rule=one), await rows.send(rule=two)
    claim = await rows.handed_over(first)  # holds the receipt that the other wants, too
    other, letter = await rows.claimed(second), await rows.facts(second)
    others: list[asyncio.Task[None]] = []

    async def move() -> None:
        said: dict[str, Details] = {"ada": {"zone": "Asia/Kathmandu"}}
        async with rows.store.transaction() as db:
            await hold_directory(db, rows.organization, said)
            await put_people(db, rows.organization, said)

    async def lock_and_let_the_others_come(db: AsyncConnection, send: UUID) -> None:
        await lock_receipt(db, send)
        others.append(asyncio.create_task(rows.fence(other, letter)))
        await rows.blocked(1)
        others.append(asyncio.create_task(move()))
        await rows.blocked(2)

    monkeypatch.setattr("store.delivery.lock_receipt", lock_and_let_the_others_come)
    async with rows.store.transaction() as db:
        assert await record(db, Outcome(first, claim.token, Status.FAILED, Reason.REFUSED, 550))

    assert await asyncio.gather(*others) == [None, None]
    assert await rows.receipts() == [second]


async def test_claims_that_come_after_a_change_wait_behind_it(rows: Rows) -> None:
    """Else a thousand claims, one always holding the facts while another lets go, keep a deactivation waiting."""
    await rows.planned("ada", "bob")
    await rows.advance(WEEK)
    ada, bob = await rows.sends()

    async with rows.store.transaction() as db:
        assert await claim(db, ada["id"], ada["version"], uuid4(), LEASE)
        switching = asyncio.create_task(apart(rows, switch_off, ada))
        await rows.blocked()
        claiming = asyncio.create_task(rows.claim(bob["id"]))
        await rows.blocked(2)

    assert (await switching, await claiming) == (None, None)
    assert await rows.statuses() == ["removed", "removed"]
