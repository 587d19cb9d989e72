"""What fell between two lines is found, mended and counted; what somebody works on is left alone."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, text
from temporalio.client import WorkflowHandle

from activities.witness import Doing, Said
from domain.identity import plan_workflow_id, roll_out_workflow_id
from domain.sends import Outcome, Status
from domain.upkeep import Repair
from store.organizations import MAIN
from tests.house import LivedInHouse

MINUTE = timedelta(minutes=1)
WEEK_BEFORE = {"anchor": "session.start", "offset": "-P7D"}


async def execute(house: LivedInHouse, statement: str, **values: object) -> None:
    """Write as a process would that then dies: nobody is poked, nobody is told."""
    async with house.store.transaction() as db:
        await db.execute(text(statement), values)


async def plan_mails(house: LivedInHouse, *people: str) -> None:
    """Plan one mail each, due a week before a session in seventeen days; nobody plans or tells any more."""
    await house.people(*people)
    await house.session("s", await house.now() + timedelta(days=17), *people)
    await house.rule("r", WEEK_BEFORE)
    await house.advance(timedelta(seconds=1))


FORGOTTEN = {
    Repair.SESSION: "update sessions set starts_at = starts_at + interval '2 days', version = version + 1, "
    "changed_at = relance_now()",
    Repair.PARTICIPATION: "update participations set removed_at = relance_now(), version = version + 1, "
    "changed_at = relance_now()",
    Repair.RULE: "update rules set version = version + 1, changed_at = relance_now()",
    Repair.SIGNAL: "update sends set status = 'cancelled', version = version + 1, changed_at = relance_now()",
}


@pytest.mark.parametrize("kind", FORGOTTEN)
async def test_what_nobody_planned_or_told_is_mended_after_the_grace_and_counted_once(
    house: LivedInHouse, kind: Repair
) -> None:
    await plan_mails(house, "claire")
    await execute(house, FORGOTTEN[kind])

    assert await house.sweep() == {}
    await house.advance(2 * MINUTE)
    assert await house.sweep() == {kind: 1}
    await house.planned()
    await house.advance(2 * MINUTE)
    assert await house.sweep() == {}
    assert await house.repairs() == {kind: 1}


@pytest.mark.parametrize("kind", FORGOTTEN)
async def test_what_a_workflow_works_on_is_left_to_it(house: LivedInHouse, kind: Repair) -> None:
    """Here one that no worker ever takes up."""
    await plan_mails(house, "claire")
    await execute(house, FORGOTTEN[kind])
    await house.advance(2 * MINUTE)
    plan = await at_work(house, plan_workflow_id(MAIN, "s"))
    roll_out = await at_work(house, roll_out_workflow_id(MAIN, "r", await rule_id(house)))

    assert await house.sweep() == {}
    for workflow in (plan, roll_out):
        await workflow.terminate()
    assert await house.sweep() == {kind: 1}


async def test_the_sends_of_a_rule_being_rolled_out_are_left_to_the_roll_out_and_others_are_not(
    house: LivedInHouse,
) -> None:
    await plan_mails(house, "claire", "tom")
    await house.rule("other", {"anchor": "session.start", "offset": "-P8D"})
    await house.advance(timedelta(seconds=1))
    await execute(house, FORGOTTEN[Repair.SIGNAL])
    await house.advance(2 * MINUTE)
    await at_work(house, roll_out_workflow_id(MAIN, "r", await rule_id(house, "r")))

    assert await house.sweep() == {Repair.SIGNAL: 2}
    await house.planned()


async def test_a_session_whose_planning_ends_while_we_ask_is_no_repair(
    house: LivedInHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the rows and the question to Temporal somebody catches up: all is well, and nothing is counted."""
    await plan_mails(house, "claire")
    await execute(house, FORGOTTEN[Repair.SESSION])
    await house.advance(2 * MINUTE)

    async def ends(*_: object) -> bool:
        await execute(house, "update sessions set planned_version = version")
        return False

    monkeypatch.setattr("control.witness.TemporalWitness.plans", ends)
    assert await house.sweep() == {}


async def test_the_number_of_statements_does_not_grow_with_what_is_left(house: LivedInHouse) -> None:
    await plan_mails(house, "claire")
    await house.sweep()  # the first of all asks of which zone data everything is
    statements = []
    for sessions in (1, 12):
        for number in range(sessions):
            await house.session(f"{sessions}-{number}", await house.now() + timedelta(days=17), "claire")
        await house.advance(timedelta(seconds=1))
        await execute(house, FORGOTTEN[Repair.SESSION])
        await execute(house, FORGOTTEN[Repair.PARTICIPATION])
        await house.advance(2 * MINUTE)
        with counting(house) as counted:
            repaired = await house.sweep()
        statements.append(len(counted))
        await house.planned()

    assert repaired == {Repair.SESSION: 14, Repair.PARTICIPATION: 14}
    assert statements[0] == statements[1]


@contextmanager
def counting(house: LivedInHouse) -> Iterator[list[str]]:
    """Give the statements that the sweep, which waits for nobody else here, sends to PostgreSQL in the block."""
    statements: list[str] = []

    def count(_: object, __: object, statement: str, *___: object) -> None:
        if asyncio.current_task() is sweeping:
            statements.append(statement)

    sweeping = asyncio.current_task()
    event.listen(house.store.engine.sync_engine, "before_cursor_execute", count)
    yield statements
    event.remove(house.store.engine.sync_engine, "before_cursor_execute", count)


async def at_work(house: LivedInHouse, id: str) -> WorkflowHandle[Any, Any]:
    """Start a workflow that runs, and does nothing since no worker knows it."""
    return await house.env.client.start_workflow("Nobody's", id=id, task_queue=f"nowhere-{uuid4()}")


async def rule_id(house: LivedInHouse, key: str = "r") -> Any:
    async with house.store.transaction() as db:
        return (await db.execute(text("select id from rules where key = :key"), {"key": key})).scalar_one()


# Mails that are late.


async def test_a_workflow_that_is_gone_is_started_again_once(house: LivedInHouse) -> None:
    """Temporal lost it, or an operator ended it: the mail is late, and leaves."""
    await plan_mails(house, "claire", "tom")
    for send in await house.sends():
        await house.workflow(send).terminate()
    await execute(
        house,
        "update sends set id = gen_random_uuid() where recipient_id = "
        "(select id from people where key = 'tom')",
    )  # nobody has ever heard of it
    await house.advance(timedelta(days=10, minutes=1))
    assert await house.sweep() == {}
    await house.advance(2 * MINUTE)

    assert await house.sweep() == {Repair.OVERDUE: 2}
    await house.advance(MINUTE)

    await house.mails(2)
    assert await house.sweep() == {}
    assert await house.repairs() == {Repair.OVERDUE: 2}


async def test_a_workflow_that_sleeps_on_is_asked_to_look(house: LivedInHouse) -> None:
    """The row was moved, and says that its workflow knows."""
    await plan_mails(house, "claire")
    await execute(house, "update sends set due_at = due_at - interval '5 days'")
    await house.advance(timedelta(days=5, minutes=4))
    assert house.accepted() == []

    assert await house.sweep() == {Repair.OVERDUE: 1}

    await house.mails(1)
    assert await house.sweep() == {}


async def test_a_workflow_about_to_ask_by_itself_is_left_alone(house: LivedInHouse) -> None:
    """Planning was late; the workflow asks again in some seconds."""
    await plan_mails(house, "claire")
    await execute(
        house, "update rules set version = version + 1, changed_at = relance_now() + interval '20 days'"
    )
    await house.advance(timedelta(days=10, minutes=10))
    await execute(house, "update rules set planned_version = version")

    assert await house.sweep() == {}
    await house.advance(MINUTE)
    await house.mails(1)


async def test_a_mail_that_left_while_we_asked_is_no_repair(
    house: LivedInHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    await plan_mails(house, "claire")
    await house.workflow(await house.send()).terminate()
    await house.advance(timedelta(days=10, minutes=3))

    async def ends(*_: object) -> Said:
        await execute(house, "update sends set status = 'sent'")
        return Said(Doing.ENDED)

    monkeypatch.setattr("control.witness.TemporalWitness.ask", ends)
    assert await house.sweep() == {}


async def test_a_row_that_forgot_that_its_mail_has_left_believes_its_workflow(house: LivedInHouse) -> None:
    """PROTOCOLS 27: PostgreSQL lost its last commits, as after a failover; the workflow had ended on them."""
    await plan_mails(house, "claire")
    await house.advance(timedelta(days=10, minutes=1))
    await house.mails(1)
    await execute(house, "update sends set status = 'scheduled', ended_at = null")
    await house.advance(3 * MINUTE)

    assert await house.sweep() == {Repair.REPLY: 1}

    send = await house.send()
    assert (send["status"], send["reason"]) == ("sent", None)
    assert await house.sweep() == {}
    assert len(house.accepted()) == 1


async def test_a_series_goes_on_in_the_sweep_that_believes_its_workflow(house: LivedInHouse) -> None:
    """What ends a mail asks for the next one: whoever finds that out has it planned, and not the sweep after it."""
    await plan_mails(house, "claire")
    await house.rule("weekly", WEEK_BEFORE, repeat={"every": "P7D", "at_most": 2})
    await house.advance(timedelta(days=10, minutes=1))
    await house.mails(2)
    await house.planned()
    await execute(
        house,
        "update sends set status = 'scheduled', ended_at = null "
        "where status = 'sent' and rule_id = (select id from rules where key = 'weekly')",
    )
    await house.advance(3 * MINUTE)

    assert await house.sweep() == {Repair.REPLY: 1}

    await house.planned()
    assert sorted(send["status"] for send in await house.sends(rule="weekly")) == ["scheduled", "sent"]
    await house.advance(3 * MINUTE)
    assert await house.sweep() == {}


# Hand-overs that nobody ended.

HANGS = "update sends set status = 'handing_over', token = gen_random_uuid(), lease_until = relance_now() - interval '2 minutes'"


async def test_a_hand_over_whose_workflow_is_gone_is_a_doubt_and_has_a_workflow_again(
    house: LivedInHouse,
) -> None:
    await plan_mails(house, "claire")
    await house.workflow(await house.send()).terminate()
    await house.advance(timedelta(days=10, minutes=1))
    await execute(house, HANGS)

    assert await house.sweep() == {Repair.DOUBT: 1}

    send = await house.send()
    assert (send["status"], send["reason"]) == ("in_doubt", "lease_over")

    async def holds() -> bool:
        return (await house.status(send)).asks_again_at > await house.now() + MINUTE

    await house.until(holds)
    assert await house.sweep() == {}
    assert await house.repairs() == {Repair.DOUBT: 1}


async def test_a_hand_over_whose_workflow_sleeps_is_settled_by_that_workflow(house: LivedInHouse) -> None:
    await plan_mails(house, "claire")
    await house.advance(timedelta(days=9))
    await execute(house, HANGS + ", due_at = relance_now() - interval '10 minutes'")

    assert await house.sweep() == {Repair.HAND_OVER: 1}

    await house.until_status("in_doubt")
    assert await house.sweep() == {}


async def test_a_reply_that_only_a_closed_workflow_knows_has_the_series_go_on(
    house: LivedInHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.people("claire")
    await house.session("s", await house.now() + timedelta(days=17), "claire")
    await house.rule("weekly", WEEK_BEFORE, repeat={"every": "P7D", "at_most": 2})
    await house.workflow(await house.send(rule="weekly")).terminate()
    await house.advance(timedelta(days=10, minutes=1))
    await execute(house, HANGS)
    send = await house.send()
    (token,) = await tokens(house)

    async def knows(*_: object) -> Said:
        return Said(Doing.ENDED, outcome=Outcome(UUID(send["id"]), token, Status.SENT))

    monkeypatch.setattr("control.witness.TemporalWitness.ask", knows)
    assert await house.sweep() == {Repair.REPLY: 1}

    await house.planned()
    assert sorted(send["status"] for send in await house.sends()) == ["scheduled", "sent"]


async def tokens(house: LivedInHouse) -> list[UUID]:
    """Return under which tokens mails are being handed over."""
    async with house.store.transaction() as db:
        found = await db.execute(text("select token from sends where status = 'handing_over'"))
        return list(found.scalars())
