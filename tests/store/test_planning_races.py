"""Does planning keep to what is still true when others write at the same time?"""

import asyncio
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio.testing import ActivityEnvironment

from activities import planning
from activities.crier import Signaller
from domain.planning import plan
from domain.sends import REVOCABLE, Decision, Outcome, Status
from store import snapshots
from store.delivery import record
from store.participants import add_participant, remove_participant
from store.planning import (
    CancelledMeanwhileError,
    is_dirty,
    load_snapshot,
    mark_planned,
    write_changes,
)
from store.rules import contact_again, deactivate_rule
from store.send_decisions import cancel_send, resolve_send
from store.sessions import delete_session
from tests.store.store_rows import DAY, WEEK, Rows, plan_in


async def dirty(rows: Rows, session: UUID) -> bool:
    async with rows.store.transaction() as db:
        return await is_dirty(db, session)


async def leave(rows: Rows, session: UUID, key: str) -> None:
    async with rows.store.transaction() as db:
        await remove_participant(db, session, key)


async def test_one_session_is_never_planned_twice_at_once(rows: Rows) -> None:
    session = await rows.planned("ada")
    await rows.session(starts_in=3 * WEEK)

    async with rows.store.transaction() as db:
        loaded = await load_snapshot(db, session)
        second = asyncio.create_task(rows.plan(session))
        await rows.blocked()
        await mark_planned(db, loaded)
        assert await write_changes(db, loaded.organization, session, plan(loaded.snapshot)) == 1

    assert await second == 0
    assert (await rows.sends())[0]["version"] == 2


async def test_planning_one_session_holds_up_no_other(rows: Rows) -> None:
    here, there = await rows.planned("ada"), await rows.planned("ada", session="S-2")
    await rows.session("S-2", starts_in=3 * WEEK)

    async with rows.store.transaction() as db:
        await load_snapshot(db, here)
        assert await rows.plan(there) == 1


async def test_planning_from_many_sides_at_once_makes_each_row_once(rows: Rows) -> None:
    rules = [await rows.rule(key) for key in ("j7", "j7-again")]
    session = await rows.session()
    await rows.participants(session, 20)

    written = await asyncio.gather(*(rows.plan(session, rule) for rule in [None, *rules, None, *rules]))

    assert sum(written) == 40
    assert await rows.statuses() == ["scheduled"] * 40
    assert {row["version"] for row in await rows.sends()} == {1}


async def test_planning_calls_back_what_was_claimed_meanwhile_and_nothing_else(rows: Rows) -> None:
    session = await rows.planned(*Status)
    await rows.session(starts_in=3 * WEEK)

    async with rows.store.transaction() as db:
        loaded = await load_snapshot(db, session)  # sees every row scheduled
        by_status = await rows.put_every_status()
        before = {send["id"]: send for send in await rows.sends()}
        written = await write_changes(db, loaded.organization, session, plan(loaded.snapshot))

    assert written == 2
    for status, send in by_status.items():
        row = await rows.row(send)
        if status in REVOCABLE:
            assert (row["status"], row["token"], row["version"]) == ("scheduled", None, 2)
        else:
            assert row == before[send]


async def test_what_is_cancelled_while_its_rule_forgets_it_is_not_asked_for_anew(rows: Rows) -> None:
    """F020, F105: the mail in its place would leave though somebody was told that none does."""
    session = await rows.planned("ada", "bob")
    rule, send = await rows.one("select id from rules"), (await rows.sends())[0]["id"]
    async with rows.store.transaction() as db:
        await contact_again(db, rule)

    async with rows.store.transaction() as db:
        loaded = await load_snapshot(db, session, rule)
        async with rows.store.transaction() as other:
            assert await cancel_send(other, rows.organization, send)
        with pytest.raises(CancelledMeanwhileError):
            await write_changes(db, loaded.organization, session, plan(loaded.snapshot))
    assert [row["occurrence"] for row in await rows.sends()] == ["1", "1"]

    await rows.plan(session, rule)
    assert sorted((row["occurrence"], row["status"]) for row in await rows.sends()) == [
        ("1", "cancelled"),
        ("1", "removed"),
        ("m2:1", "scheduled"),
    ]


async def test_planning_begins_anew_upon_what_was_cancelled_meanwhile(
    rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await rows.planned("ada")
    async with rows.store.transaction() as db:
        await contact_again(db, await rows.one("select id from rules"))
    await rows.session(name="Another", mode="remote")
    send, loads = await rows.send(), 0

    async def load_while_somebody_cancels(db: AsyncConnection, *which: Any) -> snapshots.Loaded:
        nonlocal loads
        loaded, loads = await load_snapshot(db, *which), loads + 1
        async with rows.store.transaction() as other:
            await cancel_send(other, rows.organization, send)
        return loaded

    monkeypatch.setattr(planning, "load_snapshot", load_while_somebody_cancels)
    activities = planning.PlanningActivities(rows.store, cast("Signaller", None))
    planned = await ActivityEnvironment().run(activities.plan_session, planning.PlanRequest(session))

    assert (planned, loads) == (planning.Planned(0, dirty=False), 2)
    assert await rows.statuses() == ["cancelled"]


async def test_planning_leaves_alone_what_was_cancelled_meanwhile(rows: Rows) -> None:  # F020
    session = await rows.planned("ada")
    send = await rows.send()
    await rows.session(starts_in=3 * WEEK)

    async with rows.store.transaction() as db:
        loaded = await load_snapshot(db, session)
        async with rows.store.transaction() as other:
            assert await cancel_send(other, rows.organization, send)
        assert await write_changes(db, loaded.organization, session, plan(loaded.snapshot)) == 0

    assert (await rows.row(send))["status"] == "cancelled"


async def test_a_cancel_that_comes_first_makes_planning_wait_and_keeps_its_row(rows: Rows) -> None:
    session = await rows.planned("ada")
    send = await rows.send()
    await rows.session(starts_in=3 * WEEK)

    async with rows.store.transaction() as db:
        assert await cancel_send(db, rows.organization, send)
        planning = asyncio.create_task(rows.plan(session))
        await rows.blocked()

    assert await planning == 0
    assert (await rows.row(send))["status"] == "cancelled"
    assert not await dirty(rows, session)


async def test_a_rule_switched_off_during_a_plan_waits_and_removes_what_was_just_planned(rows: Rows) -> None:
    rule = await rows.rule("j7")
    session = await rows.session()
    await rows.participant(session, "ada")

    async def switch_off() -> None:
        async with rows.store.transaction() as db:
            await deactivate_rule(db, rule)

    async with rows.store.transaction() as db:
        assert await plan_in(db, session) == 1
        switching = asyncio.create_task(switch_off())
        await rows.blocked()

    await switching
    (send,) = await rows.sends()
    assert (send["status"], send["reason"], send["version"]) == ("removed", "rule_deactivated", 2)


async def test_a_plan_waits_for_a_rule_being_switched_off_and_plans_nothing_of_it(rows: Rows) -> None:
    session = await rows.planned("ada")
    rule = await rows.one("select id from rules")
    await rows.session(starts_in=3 * WEEK)
    await rows.participant(session, "bob")

    async with rows.store.transaction() as db:
        await deactivate_rule(db, rule)
        planning = asyncio.create_task(rows.plan(session))
        await rows.blocked()

    assert await planning == 0
    assert await rows.statuses() == ["removed"]


async def test_an_edit_of_a_rule_waits_for_the_plan_under_way_and_leaves_the_rule_dirty(rows: Rows) -> None:
    rule = await rows.rule("j7")
    session = await rows.session()
    await rows.participant(session, "ada")

    async with rows.store.transaction() as db:
        assert await plan_in(db, session) == 1
        editing = asyncio.create_task(rows.edit_rule(offset="-P8D"))
        await rows.blocked()

    await editing
    assert await rows.one("select version > planned_version from rules")
    await rows.roll_out(rule)
    starts_at = await rows.one("select starts_at from sessions")
    assert (await rows.sends())[0]["due_at"] == starts_at - 8 * DAY


async def test_a_mail_refused_while_the_plan_of_its_dead_rule_is_read_fails_no_plan(rows: Rows) -> None:
    """Between two reads of a plan a hand-over may end, and its row wait again under a rule long switched off."""
    send = await rows.due()
    claim = await rows.handed_over(send)
    rule = (await rows.row(send))["rule_id"]
    async with rows.store.transaction() as db:
        await deactivate_rule(db, rule)
    session = await rows.session(starts_in=3 * WEEK)

    async with rows.store.transaction() as block:
        await block.exec_driver_sql("lock table people, participations in access exclusive mode")
        planning = asyncio.create_task(rows.plan(session))  # has read the rules, waits to read the people
        await rows.blocked()
        async with rows.store.transaction() as db:
            await db.exec_driver_sql("update sends set status = 'scheduled', token = null")

    assert await planning == 1
    assert claim.send == send
    assert (await rows.row(send))["reason"] == "rule_deactivated"


# What planning passed over, because it was handed over, and that now waits again.


@pytest.mark.parametrize(
    ("change", "status", "reason"),
    [
        ("moved", "scheduled", None),
        ("moved into the past", "missed", "due_in_past"),
        ("left", "removed", "participant_removed"),
        ("switched off", "removed", "rule_deactivated"),
        ("deleted", "removed", "session_deleted"),
    ],
)
@pytest.mark.parametrize("doubted", [False, True])
async def test_a_mail_refused_after_a_change_follows_the_change_before_it_is_tried_again(
    rows: Rows, change: str, status: str, reason: str | None, doubted: bool
) -> None:
    """Planning leaves alone what is handed over; when the server then says "later", later is another world."""
    send = await rows.due()
    claim = await rows.handed_over(send)
    session = (await rows.row(send))["session_id"]
    if change == "moved":
        await rows.session(starts_in=3 * WEEK)
    elif change == "moved into the past":
        await rows.session(starts_in=DAY)
    elif change == "left":
        await leave(rows, session, "ada")
    async with rows.store.transaction() as db:
        if change == "switched off":
            await deactivate_rule(db, (await rows.row(send))["rule_id"])
        elif change == "deleted":
            await delete_session(db, rows.organization, "S-1")
    assert await rows.plan(session) == 0
    await rows.roll_out((await rows.row(send))["rule_id"])
    async with rows.store.transaction() as db:
        if doubted:
            await record(db, Outcome(send, claim.token, Status.IN_DOUBT))
        assert await record(db, Outcome(send, claim.token, Status.SCHEDULED))

    assert await rows.claim(send) is None
    assert await dirty(rows, session)
    await rows.plan(session)

    row = await rows.row(send)
    assert (row["status"], row["reason"]) == (status, reason)
    assert await rows.claim(send) is None  # not due, or gone


async def test_a_mail_refused_while_nothing_changed_is_tried_again_without_a_plan(rows: Rows) -> None:
    send = await rows.due()
    claim = await rows.handed_over(send)
    async with rows.store.transaction() as db:
        await record(db, Outcome(send, claim.token, Status.SCHEDULED, retry_after=timedelta(0)))

    assert not await dirty(rows, (await rows.row(send))["session_id"])
    assert await rows.claim(send)


async def test_a_change_still_open_makes_a_refusal_wait_and_is_then_followed(rows: Rows) -> None:
    send = await rows.due()
    claim = await rows.handed_over(send)
    session = (await rows.row(send))["session_id"]

    async def refuse() -> None:
        async with rows.store.transaction() as db:
            await record(db, Outcome(send, claim.token, Status.SCHEDULED))

    async with rows.store.transaction() as db:
        await remove_participant(db, session, "ada")
        refusing = asyncio.create_task(refuse())
        await rows.blocked()
    await refusing

    assert await rows.claim(send) is None
    await rows.plan(session)
    assert (await rows.row(send))["status"] == "removed"


async def test_a_refusal_during_a_plan_that_passed_it_over_is_planned_again(rows: Rows) -> None:
    send = await rows.due()
    claim = await rows.handed_over(send)
    session = await rows.session(starts_in=3 * WEEK)

    async with rows.store.transaction() as db_of_plan:
        assert await plan_in(db_of_plan, session) == 0  # nothing to do: it is handed over
        async with rows.store.transaction() as db:
            await record(db, Outcome(send, claim.token, Status.SCHEDULED))

    assert await rows.claim(send) is None
    await rows.plan(session)
    assert (await rows.row(send))["due_at"] > await rows.now()


@pytest.mark.parametrize("decided", [Decision.DROP, Status.FAILED])
@pytest.mark.parametrize("written", [False, True])
async def test_a_doubt_decided_while_its_correction_is_planned_has_that_looked_at_again(
    rows: Rows, decided: Decision | Status, written: bool
) -> None:
    """Planning takes what may have arrived for told; whoever decides cannot see the correction that it writes."""
    await rows.template("moved")
    await rows.rule(correction={"template": "moved"})
    session, send = await in_doubt_since(rows)

    async with rows.store.transaction() as db:
        loaded = await load_snapshot(db, session)
        if not written:
            await decide_doubt(rows, send, decided)
        await mark_planned(db, loaded)
        assert await write_changes(db, loaded.organization, session, plan(loaded.snapshot)) == 1
        if written:
            await decide_doubt(rows, send, decided)

    assert await rows.statuses() == ["failed", "scheduled"]
    assert await dirty(rows, session)
    await rows.plan(session)
    assert await rows.statuses() == ["failed", "removed"]


@pytest.mark.parametrize("decided", [Decision.ARRIVED, Status.SENT])
async def test_a_doubt_about_what_has_arrived_costs_no_plan(rows: Rows, decided: Decision | Status) -> None:
    """It told its date before, and does so now."""
    await rows.template("moved")
    await rows.rule(correction={"template": "moved"})
    session, send = await in_doubt_since(rows, moved=False)

    await decide_doubt(rows, send, decided)

    assert not await dirty(rows, session)


async def in_doubt_since(rows: Rows, *, moved: bool = True) -> tuple[UUID, UUID]:
    """Make a mail that is in doubt, and then move its session, which nobody has planned yet; return both."""
    session = await rows.planned("ada")
    await rows.advance(WEEK)
    send = await rows.send()
    claim = await rows.handed_over(send)
    async with rows.store.transaction() as db:
        await record(db, Outcome(send, claim.token, Status.IN_DOUBT))
    if moved:
        await rows.session(starts_in=3 * WEEK)
    return session, send


async def decide_doubt(rows: Rows, send: UUID, decided: Decision | Status) -> None:
    """Settle a doubt by hand, or by a reply that comes late."""
    token = (await rows.row(send))["token"]
    async with rows.store.transaction() as db:
        if isinstance(decided, Decision):
            assert await resolve_send(db, rows.organization, send, decided)
        else:
            assert await record(db, Outcome(send, token, decided))


async def test_somebody_added_to_a_deleted_session_gets_nothing(rows: Rows) -> None:
    await rows.rule("j7")
    session = await rows.session()
    person = await rows.person("ada")
    async with rows.store.transaction() as db:
        await delete_session(db, rows.organization, "S-1")
        await add_participant(db, session, person)

    assert await rows.plan(session) == 0
    assert not await dirty(rows, session)


async def test_what_changes_while_the_session_is_read_is_not_mixed_with_what_was_before(
    rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Modules read before a change and slots read after it fit no rule, and a mail that queues would be lost."""
    session = await rows.planned("ada")
    await rows.execute("update participations set version = version + 1")
    read, moved = snapshots._load, list[UUID]()

    async def load(*arguments: Any) -> snapshots.Loaded:
        loaded = await read(*arguments)
        if not moved:
            moved.append(await rows.session(starts_in=3 * WEEK))
        return loaded

    monkeypatch.setattr(snapshots, "_load", load)
    async with rows.store.transaction() as db:
        loaded = await load_snapshot(db, session)

    assert loaded.session_version == await rows.one("select version from sessions")
    assert loaded.snapshot.session.dates.starts_at == await rows.one("select starts_at from sessions")
