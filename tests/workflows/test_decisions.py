"""What people decide about one send reaches its workflow: it leaves once, or does not leave."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowExecutionStatus
from temporalio.testing import WorkflowEnvironment

from domain.planning import plan
from domain.sends import DueChanged, Stop
from embedded.mailbox import Mailbox
from store.database import Store
from store.planning import load_snapshot, mark_planned, write_changes
from store.send_decisions import cancel_send, reactivate_send
from tests.house import LivedInHouse, lived_in_house
from workflows.send import SendWorkflow

WEEK_BEFORE = {"anchor": "session.start", "offset": "-P7D"}


async def plan_a_mail(house: LivedInHouse, days: int = 17) -> dict[str, Any]:
    """Plan a mail to Claire, due a week before a session that starts `days` from now; return the send."""
    await house.people("claire")
    await house.session("s", await house.now() + timedelta(days=days), "claire")
    await house.rule("convocation", WEEK_BEFORE)
    return await house.send()


async def decide(house: LivedInHouse, send: dict[str, Any], word: str, **body: str) -> dict[str, Any]:
    """Decide something, and wait until it is planned and everybody told."""
    answer: dict[str, Any] = await house.call("POST", f"/v1/sends/{send['id']}/{word}", body or None)
    await house.planned()
    return answer


async def ended(house: LivedInHouse, send: dict[str, Any]) -> None:
    async def is_over() -> bool:
        return (await house.workflow(send).describe()).status is WorkflowExecutionStatus.COMPLETED

    await house.until(is_over)


async def doubt(house: LivedInHouse, send: dict[str, Any]) -> None:
    """Let the due time come for a row that is in doubt, and its workflow wait for a decision."""
    async with house.store.transaction() as db:
        await db.execute(
            text("update sends set status = 'in_doubt', reason = 'connection_lost', message_id = '<m@x>'")
        )
    await house.advance(timedelta(days=11))

    async def holds() -> bool:
        return (await house.status(send)).asks_again_at > await house.now()

    await house.until(holds)


async def test_a_reactivated_mail_leaves_once_at_its_own_time(house: LivedInHouse) -> None:
    send = await plan_a_mail(house)
    await decide(house, send, "cancel")
    await ended(house, send)

    answer = await decide(house, send, "reactivate")

    assert answer["status"] == "scheduled"
    again = await house.send()
    assert (again["status"], again["due_at"]) == ("scheduled", send["due_at"])
    await house.advance(timedelta(days=9))
    assert house.accepted() == []
    await house.advance(timedelta(days=20))
    await house.mails(1)


async def test_a_mail_reactivated_after_its_time_is_missed(house: LivedInHouse) -> None:
    send = await plan_a_mail(house)
    await decide(house, send, "cancel")
    await house.advance(timedelta(days=12))

    await decide(house, send, "reactivate")
    await house.advance(timedelta(days=20))

    assert [(one["status"], one["reason"]) for one in await house.sends()] == [("missed", "due_in_past")]
    assert house.accepted() == []


async def test_a_mail_sent_now_leaves_at_once_and_not_again_at_its_time(house: LivedInHouse) -> None:
    send = await plan_a_mail(house)

    answer = await decide(house, send, "send-now")

    assert (answer["status"], answer["stopped_by"]) == ("scheduled", None)
    await house.advance(timedelta(seconds=5))
    await house.mails(1)
    await house.advance(timedelta(days=30))
    await house.mails(1)


async def test_a_missed_mail_sent_now_starts_its_workflow_again(house: LivedInHouse) -> None:
    send = await plan_a_mail(house)
    await house.session("s", await house.now() + timedelta(days=5))
    assert (await house.send())["status"] == "missed"
    await ended(house, send)

    await decide(house, send, "send-now")
    await house.advance(timedelta(seconds=5))

    await house.mails(1)


async def test_a_mail_sent_now_while_planning_is_behind_leaves_when_it_has_caught_up(
    house: LivedInHouse,
) -> None:
    send = await plan_a_mail(house)
    async with house.store.transaction() as db:
        await db.execute(
            text("select pg_advisory_xact_lock(hashtextextended('plan ' || id, 0)) from sessions")
        )
        await house.call("POST", f"/v1/sends/{send['id']}/send-now")
        asleep = await house.status(send)
        await house.workflow(send).signal(SendWorkflow.look)

        async def was_told_to_wait() -> bool:
            return (await house.status(send)).asks_again_at < asleep.asks_again_at

        await house.until(was_told_to_wait)
        assert (await house.send())["status"] == "scheduled"
        assert house.accepted() == []

    await house.planned()
    await house.advance(timedelta(minutes=1))

    await house.mails(1)


@pytest.mark.parametrize(("decision", "status"), [("arrived", "sent"), ("drop", "failed")])
async def test_a_doubt_that_is_settled_ends_the_workflow_without_a_mail(
    house: LivedInHouse, decision: str, status: str
) -> None:
    send = await plan_a_mail(house)
    await doubt(house, send)

    await decide(house, send, "resolve", decision=decision)

    await ended(house, send)
    assert await house.workflow(send).result() == status
    assert house.accepted() == []


async def test_a_mail_in_doubt_leaves_once_more_under_its_own_message_id(house: LivedInHouse) -> None:
    send = await plan_a_mail(house)
    await doubt(house, send)

    await decide(house, send, "resolve", decision="send_again")
    await house.advance(timedelta(seconds=5))

    (mail,) = await house.mails(1)
    assert mail["message_id"] == "<m@x>"
    steps = [step["step"] for step in (await house.send())["trace"]]
    assert steps[-3:] == ["send_again", "handing_over", "sent"]


@pytest.mark.parametrize("the_stop_first", [True, False])
async def test_a_stop_and_a_reactivation_in_one_workflow_task_let_the_mail_leave_once(
    dev_server: WorkflowEnvironment, database_url: str, sink: Mailbox, the_stop_first: bool
) -> None:
    """On a whole server, where the house can close for a while: both signals then wait for the same task."""
    async with lived_in_house(dev_server, database_url, sink) as house:
        await house.people("claire")
        await house.session("s", await house.now() + timedelta(hours=1, seconds=15), "claire")
        await house.rule("r", {"anchor": "session.start", "offset": "-PT1H"})
        send = await house.send()
    store = Store(database_url)
    version = await cancel_and_reactivate(store)
    await store.close()
    again = DueChanged(datetime.fromisoformat(send["due_at"]), version)
    words: list[tuple[str, Stop | DueChanged]] = [
        ("stop", Stop("cancelled", version - 2)),
        ("due_changed", again),
    ]
    for signal, word in words if the_stop_first else words[::-1]:
        await house.workflow(send).signal(signal, word)

    async with lived_in_house(dev_server, database_url, sink) as house:
        await house.mails(1)
        await ended(house, send)

    history = await house.workflow(send).fetch_history()
    kinds = [event.event_type for event in history.events]
    signalled = [
        n for n, kind in enumerate(kinds) if kind == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
    ]
    assert EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED not in kinds[signalled[0] : signalled[-1]]
    assert len(house.accepted()) == 1


async def cancel_and_reactivate(store: Store) -> int:
    """Cancel the one send there is, reactivate and plan it, all told; return its version, two above the cancel's."""
    async with store.transaction() as db:
        find = text("select organization_id, id, session_id from sends")
        organization, send, session = (await db.execute(find)).one()
        assert await cancel_send(db, organization, send)
    async with store.transaction() as db:
        assert await reactivate_send(db, organization, send)
    async with store.transaction() as db:
        loaded = await load_snapshot(db, session)
        await mark_planned(db, loaded)
        assert await write_changes(db, organization, session, plan(loaded.snapshot)) == 1
        told = text("update sends set signalled_version = version returning version")
        return int((await db.execute(told)).scalar_one())
