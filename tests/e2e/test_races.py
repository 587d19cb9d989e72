"""Who comes first, in real processes on the real clock: an answer of the API is never broken afterwards (DESIGN 14)."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Row

from control.sends import SendWorkflows
from store.signals import list_unsignalled, mark_signalled
from tests.e2e.processes import HOWEVER_LATE, HouseApart, Told, house_apart, soon, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

RACES = 300  # around the due time; most come before the mail is written
CLOSE_RACES = 60  # while the mail is written
EACH = 3  # mails about one session
APART = timedelta(milliseconds=70)  # between two races: they are to be decided by luck, not by a busy machine
AROUND = timedelta(milliseconds=50)
WRITING = timedelta(milliseconds=100)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def test_no_acknowledged_cancel_is_broken_and_every_refusal_is_true(tmp_path: Path, told: Told) -> None:
    """F020: 300 cancels within 50 ms of the due time, and more while the mails are written."""
    async with house_apart(tmp_path) as house:
        await asyncio.gather(house.api(), house.worker())
        sends = await due_one_after_the_other(house)

        async def cancel(send: Row[Any]) -> tuple[UUID, int]:
            answer = await house.http.post(f"/v1/sends/{send.id}/cancel")
            return send.id, answer.status_code

        answers = dict(await race(house, sends[:RACES], sends[RACES:], cancel))
        await house.ended()
        await house.planned()

        taken = Counter(mail.send for mail in house.mails())
        told("cancels within 50 ms of the due time", Counter(answers.values()))
        acknowledged = {send for send, code in answers.items() if code == 200}
        refused = {send for send, code in answers.items() if code == 409}
        assert len(acknowledged) + len(refused) == len(answers) == RACES + CLOSE_RACES
        assert acknowledged, "nobody cancelled in time"
        assert refused, "nobody came too late"
        assert {send.id for send in await house.sends() if send.status == "cancelled"} == acknowledged
        assert {send.id for send in await house.sends() if send.status == "sent"} == refused
        assert taken == dict.fromkeys(refused, 1)


async def test_no_mail_leaves_as_it_was_once_its_move_is_acknowledged(tmp_path: Path, told: Told) -> None:
    """F024: 300 mails moved within 50 ms of their due time, and more while they are written; to some seconds later.
    The subject tells the session's beginning, which moves by a day the other way."""
    later = timedelta(seconds=10)
    async with house_apart(tmp_path) as house:
        await asyncio.gather(house.api(), house.worker())
        was = {send.id: send for send in await due_one_after_the_other(house)}

        async def move(send: Row[Any]) -> tuple[str, datetime]:
            await house.session(send.session, send.due_at + HOUR - 2 * DAY, send.due_at + HOUR + later)
            return send.session, datetime.now(UTC)

        sessions, races = list(was.values())[::EACH], RACES // EACH
        answered = dict(await race(house, sessions[:races], sessions[races:], move))
        await house.ended()
        await house.planned()

        mails = {mail.send: mail for mail in house.mails()}
        assert len(mails) == len(house.mails()) == len(was)
        too_late = 0
        for send in await house.sends():
            assert send.status == "sent"
            mail, due_at = mails[send.id], was[send.id].due_at
            if mail.subject == day(due_at + HOUR - DAY):
                too_late += 1
                assert send.handed_at < send.session_changed_at < answered[send.session], (
                    "moved in time, and it left with the old date"
                )
            else:
                assert mail.subject == day(due_at + HOUR - 2 * DAY)
                assert mail.accepted_at >= due_at + later, "moved in time, and it left at the old time"
        told("moves within 50 ms of the due time", Counter(moved=len(was) - too_late, too_late=too_late))
        assert 0 < too_late < len(was)


async def test_no_mail_leaves_once_the_deactivation_of_its_rule_is_acknowledged(
    tmp_path: Path, told: Told
) -> None:
    """F070: 3,000 sends are fanned out, and the first of them leave meanwhile."""
    async with house_apart(tmp_path) as house:
        await asyncio.gather(house.api(), house.worker())
        await house.rule("before", "-PT1H", anchor="session.end", **HOWEVER_LATE)
        await house.activate("before")
        await house.planned()
        await house.crowd("talk", soon(0) + 30 * DAY, each=3000)
        await house.session("talk-0", soon(3) + HOUR - DAY, soon(3) + HOUR)
        await house.mails_taken(50)

        fanning_out = len(await house.behind())
        await house.call("POST", "/v1/rules/before/deactivate")
        acknowledged_at = datetime.now(UTC)
        await house.ended()
        await house.planned()

        assert fanning_out, "all workflows had been told before the rule was switched off"
        sends = {send.id: send for send in await house.sends()}
        statuses = Counter(send.status for send in sends.values())
        told("a rule switched off while its sends are fanned out", statuses)
        assert len(sends) == 3000
        assert set(statuses) == {"sent", "removed"}
        assert Counter(mail.send for mail in house.mails()) == {
            send.id: 1 for send in sends.values() if send.status == "sent"
        }
        for mail in house.mails():
            assert sends[mail.send].handed_at < acknowledged_at


async def test_a_participant_added_while_mails_queue_makes_none_of_them_missed(
    tmp_path: Path, told: Told
) -> None:
    """C10: 500 mails due at one instant wait for their turn, and are no later for somebody who joins."""
    async with house_apart(tmp_path) as house:
        await asyncio.gather(house.api(), house.worker())
        await house.rule("before", "-PT1H", anchor="session.end")
        await house.crowd("talk", soon(0) + 30 * DAY, each=500)
        await house.activate("before")
        await house.planned()
        due_at = await house.bring_close("talk-0")
        await house.mails_taken(1)

        added = 0
        while await house.waiting():
            await house.participant("talk-0", f"late-{added}")
            added += 1
            await asyncio.sleep(0.2)
        await house.ended()
        await house.planned()

        told("people who joined while 500 mails left", added)
        assert added > 1
        assert await house.statuses() == {"sent": 500}  # who joined after it was due gets none (F068)
        assert {send.due_at for send in await house.sends()} == {due_at}
        assert Counter(mail.send for mail in house.mails()) == {send.id: 1 for send in await house.sends()}


async def test_a_stop_and_a_newer_reactivation_in_one_workflow_task_send_the_mail_once(
    tmp_path: Path,
) -> None:
    """F021: both are told while no worker runs. The row is reactivated by hand, as planning would write it."""
    async with house_apart(tmp_path) as house:
        _, worker = await asyncio.gather(house.api(), house.worker())
        await house.rule("before", "-PT1H", anchor="session.end")
        await house.crowd("talk", soon(0) + DAY, each=1)
        await house.activate("before")
        await house.planned()
        (send,) = await house.sends()
        await worker.stop()

        await house.call("POST", f"/v1/sends/{send.id}/cancel")
        await tell(house)
        await house.execute(
            "update sends set status = 'scheduled', reason = null, ended_at = null, version = version + 1,"
            " due_at = relance_now() where id = :send",
            send=send.id,
        )
        await tell(house)
        await house.worker()
        await house.ended()

        assert await house.statuses() == {"sent": 1}
        assert [mail.send for mail in house.mails()] == [send.id]
        await until(lambda: agreed(house))
        assert await both_signals_in_one_task(house, send)


async def due_one_after_the_other(house: HouseApart) -> list[Row[Any]]:
    """Plan the mails of all races, due an hour before sessions of a day that end one after the other."""
    subject = "{{ session.starts_at | date }}"
    await house.rule("before", "-PT1H", anchor="session.end", subject=subject, **HOWEVER_LATE)
    count = RACES + CLOSE_RACES
    address = f"wait-{WRITING.total_seconds()}s+#@example.org"
    await house.crowd(
        "talk", soon(15) + HOUR, sessions=count // EACH, each=EACH, apart=APART * EACH, address=address
    )
    await house.activate("before")
    await house.planned()
    assert await house.statuses() == {"scheduled": count}
    return await house.sends()


async def race(
    house: HouseApart, early: list[Row[Any]], close: list[Row[Any]], do: Callable[[Row[Any]], Awaitable[Any]]
) -> list[Any]:
    """Do something around the due time of each `early` send, and while the mail of each `close` one is written."""
    dice = Random(20)

    async def when_due(send: Row[Any]) -> Any:
        await sleep_until(send.due_at + AROUND * dice.uniform(-1, 1))
        return await do(send)

    async def while_written(send: Row[Any]) -> Any:
        await sleep_until(send.due_at)
        await until(lambda: begun(house, send), pause=0.005)
        await asyncio.sleep(WRITING.total_seconds() * dice.random())
        return await do(send)

    return await asyncio.gather(*map(when_due, early), *map(while_written, close))


async def sleep_until(instant: datetime) -> None:
    await asyncio.sleep((instant - datetime.now(UTC)).total_seconds())


async def begun(house: HouseApart, send: Row[Any]) -> bool:
    ((status,),) = await house.execute("select status from sends where id = :send", send=send.id)
    return bool(status != "scheduled")


def day(starts_at: datetime) -> str:
    """Return what the filter `date` writes in English, in UTC."""
    return f"{starts_at.day} {starts_at:%B %Y}"


async def agreed(house: HouseApart) -> bool:
    return not await house.disagreements()


async def tell(house: HouseApart) -> None:
    """Tell the workflows what their rows say, as the fan-out does."""
    async with house.store.transaction() as db:
        (session,) = {row.session_id for row in await house.execute("select session_id from sends")}
        sends = await list_unsignalled(db, [session], 10)
        for send in sends:
            await SendWorkflows(house.client).tell(send)
        await mark_signalled(db, sends)


async def both_signals_in_one_task(house: HouseApart, send: Row[Any]) -> bool:
    """Return whether no workflow task was completed between the stop and the reactivation."""
    names = []
    async for event in house.workflow(send).fetch_history_events():
        if event.HasField("workflow_execution_signaled_event_attributes"):
            names.append(event.workflow_execution_signaled_event_attributes.signal_name)
        elif event.HasField("workflow_task_completed_event_attributes"):
            names.append("task")
    return names[names.index("stop") + 1] == "due_changed"
