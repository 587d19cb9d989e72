"""Does planning write what it asks for, in few statements?"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import event

from domain.participations import Role
from domain.planning import plan
from domain.sends import Status
from store.database import Store
from store.delivery import look
from store.participants import remove_participant
from store.planning import is_dirty, load_snapshot, mark_planned, write_changes
from store.rules import activate_rule
from store.sessions import delete_session, list_session_ids
from tests.store.store_rows import DAY, WEEK, Rows, plan_in

MINUTE = timedelta(minutes=1)


async def dirty(rows: Rows, session: UUID) -> bool:
    async with rows.store.transaction() as db:
        return await is_dirty(db, session)


async def leave(rows: Rows, session: UUID, key: str) -> None:
    async with rows.store.transaction() as db:
        await remove_participant(db, session, key)


async def test_a_plan_becomes_rows(rows: Rows) -> None:
    rule = await rows.rule("j7", offset="-P7D", at="09:00")
    session = await rows.session()
    person = await rows.participant(session, "ada")

    assert await rows.plan(session) == 1

    row = await rows.row(await rows.send(session=session))
    starts_at = await rows.one("select starts_at from sessions")
    assert row["due_at"] == (starts_at - WEEK).replace(hour=9, minute=0, second=0, microsecond=0)
    assert row["due_local"] == row["due_at"].replace(tzinfo=None)
    assert (row["due_zone"], row["latest_at"]) == ("UTC", starts_at)
    assert (row["status"], row["reason"], row["version"], row["signalled_version"]) == (
        "scheduled",
        None,
        1,
        0,
    )
    assert (row["rule_id"], row["scope_id"], row["recipient_id"]) == (rule, session, person)
    assert row["participation_id"] == await rows.one("select id from participations")
    assert row["rule_version"] == await rows.one("select version from rules")
    assert [step["step"] for step in row["trace"]] == ["scheduled"]
    assert not await dirty(rows, session)


async def test_planning_twice_writes_nothing(rows: Rows) -> None:
    session = await rows.planned("ada", "bob")
    before = await rows.sends()

    assert await rows.plan(session) == 0
    assert await rows.plan(session, await rows.one("select id from rules")) == 0
    assert await rows.sends() == before


async def test_a_moved_row_follows_and_calls_back_whoever_held_it(rows: Rows) -> None:  # F024
    send = await rows.due()
    await rows.claimed(send)
    before = await rows.row(send)

    session = await rows.session(starts_in=3 * WEEK)
    assert await rows.plan(session) == 1

    after = await rows.row(send)
    assert after["due_at"] == await rows.one("select starts_at from sessions") - WEEK
    assert (after["status"], after["token"], after["lease_until"]) == ("scheduled", None, None)
    assert after["version"] == before["version"] + 1
    assert [step["step"] for step in after["trace"]] == ["scheduled", "scheduled"]


async def test_a_date_in_the_past_ends_a_row_until_the_session_is_postponed(rows: Rows) -> None:  # F026
    session = await rows.planned("ada")
    send = await rows.send()

    await rows.plan(await rows.session(starts_in=DAY))
    missed = await rows.row(send)
    assert (missed["status"], missed["reason"]) == ("missed", "due_in_past")
    assert missed["ended_at"]

    await rows.plan(await rows.session(starts_in=4 * WEEK))
    back = await rows.row(send)
    assert (back["status"], back["reason"], back["ended_at"]) == ("scheduled", None, None)
    assert [step["step"] for step in back["trace"]] == ["scheduled", "missed", "scheduled"]
    assert await rows.one("select id from sessions") == session


async def test_a_mail_that_came_due_before_planning_got_to_it_leaves_at_once(rows: Rows) -> None:
    """Activation was acknowledged before the due time, and a session moved and joined: they are kept to."""
    rule = await rows.rule(active=False)
    first, second = await rows.session("S-1"), await rows.session("S-2")
    for session in (first, second):
        await rows.participant(session, "ada")
        await rows.plan(session)
    async with rows.store.transaction() as db:
        await activate_rule(db, rule)

    await rows.advance(WEEK + MINUTE)
    await rows.participant(second, "bob")  # too late for a week before
    await rows.roll_out(rule)

    (row,) = await rows.sends(session=first)
    assert (row["status"], row["reason"]) == ("scheduled", None)
    assert row["due_at"] < await rows.now()
    assert await rows.claim(row["id"])
    assert await rows.statuses(session=second) == ["scheduled"]
    assert await rows.plan(first) == await rows.plan(first, rule) == await rows.plan(second, rule) == 0


async def test_a_new_date_that_came_before_planning_got_to_it_is_not_missed(rows: Rows) -> None:
    send = await rows.due()
    session = await rows.session(starts_in=WEEK + DAY)

    await rows.advance(DAY + MINUTE)
    await rows.plan(session)

    assert (await rows.row(send))["status"] == "scheduled"
    assert await rows.claim(send)


async def test_a_mail_planned_after_its_latest_moment_has_a_row_and_expires(rows: Rows) -> None:
    await rows.rule()
    session = await rows.session()
    await rows.participant(session, "ada")

    await rows.advance(3 * WEEK)
    await rows.plan(session)

    send = await rows.send()
    assert (await rows.row(send))["status"] == "scheduled"
    assert await rows.claim(send) is None
    assert (await look(rows.store, send)).status is Status.EXPIRED
    assert (await rows.row(send))["reason"]


async def test_a_deleted_session_takes_its_mails_along_and_brings_them_back(rows: Rows) -> None:
    session = await rows.planned("ada")
    send = await rows.send()

    async with rows.store.transaction() as db:
        await delete_session(db, rows.organization, "S-1")
    await rows.plan(session)
    assert (await rows.row(send))["reason"] == "session_deleted"

    await rows.plan(await rows.session())
    assert (await rows.row(send))["status"] == "scheduled"


async def test_who_leaves_and_comes_back_has_the_same_row(rows: Rows) -> None:  # F022, F023
    session = await rows.planned("ada", "bob")

    await leave(rows, session, "ada")
    await rows.plan(session)
    assert [row["reason"] for row in await rows.sends() if row["status"] == "removed"] == [
        "participant_removed"
    ]

    await rows.participant(session, "ada")
    await rows.plan(session)
    assert await rows.statuses() == ["scheduled", "scheduled"]


async def test_a_change_that_comes_during_planning_leaves_the_session_dirty(rows: Rows) -> None:
    session = await rows.planned("ada", "bob")
    await rows.session(starts_in=3 * WEEK)
    await leave(rows, session, "ada")

    async with rows.store.transaction() as db:
        loaded = await load_snapshot(db, session)
        await rows.session(starts_in=4 * WEEK)
        await rows.participant(session, "ada")
        await mark_planned(db, loaded)
        await write_changes(db, loaded.organization, session, plan(loaded.snapshot))

    behind = await rows.one("select version - planned_version from sessions")
    assert behind == 1
    assert await rows.one("select count(*) from participations where version = planned_version + 1") == 1
    await rows.plan(session)
    assert not await dirty(rows, session)
    assert await rows.statuses() == ["scheduled", "scheduled"]


async def test_a_late_plan_takes_nothing_back(rows: Rows) -> None:
    session = await rows.planned("ada")
    await rows.session(starts_in=3 * WEEK)
    await leave(rows, session, "ada")
    async with rows.store.transaction() as db:
        late = await load_snapshot(db, session)
    await rows.session(starts_in=4 * WEEK)
    await rows.participant(session, "ada")
    await rows.plan(session)

    async with rows.store.transaction() as db:
        await mark_planned(db, late)
        assert await write_changes(db, late.organization, session, plan(late.snapshot)) == 0
    assert not await dirty(rows, session)
    assert await rows.statuses() == ["scheduled"]


# A constant number of statements.


@contextmanager
def counted(store: Store) -> Iterator[list[str]]:
    """Collect the statements that run meanwhile."""
    statements: list[str] = []

    def note(connection: object, cursor: object, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(store.engine.sync_engine, "before_cursor_execute", note)
    yield statements
    event.remove(store.engine.sync_engine, "before_cursor_execute", note)


async def test_a_session_of_any_size_is_planned_in_the_same_few_statements(rows: Rows) -> None:
    await rows.rule("j7")
    await rows.rule("thanks", offset="P1D")
    counts = set()

    for size in (1, 10, 500):
        session = await rows.session(f"S-{size}")
        await rows.participants(session, size)
        with counted(rows.store) as first:
            assert await rows.plan(session) == 2 * size
        await rows.session(f"S-{size}", starts_in=3 * WEEK)
        with counted(rows.store) as moved:
            assert await rows.plan(session) == 2 * size
        counts.add((len(first), len(moved)))

    # lock, session, rules, modules, slots, people, sends, two marks, one write; the move marks nobody and locks its rows
    assert counts == {(11, 11)}


# Two grains.


async def test_somebody_who_joins_costs_a_plan_of_their_own_only(rows: Rows) -> None:
    session = await rows.planned("ada", "bob")
    await rows.participant(session, "cyd")

    async with rows.store.transaction() as db:
        loaded = await load_snapshot(db, session)
        assert len(loaded.snapshot.participations) == 1
        assert loaded.snapshot.sends == []
        assert await plan_in(db, session) == 1

    assert await rows.statuses() == ["scheduled"] * 3


async def test_somebody_who_leaves_has_only_their_own_rows_read_and_written(rows: Rows) -> None:
    await rows.rule("thanks", offset="P1D")
    session = await rows.planned("ada", "bob")
    await rows.execute(
        "update sends set due_at = due_at - interval '1 day'"
    )  # a whole plan would mend them all
    await leave(rows, session, "ada")

    async with rows.store.transaction() as db:
        loaded = await load_snapshot(db, session)
        assert len(loaded.snapshot.participations) == 1
        assert len(loaded.snapshot.sends) == 2
        assert await plan_in(db, session) == 2

    assert await rows.statuses() == ["removed", "removed", "scheduled", "scheduled"]
    assert not await dirty(rows, session)


async def test_a_dirty_session_is_planned_whole_and_its_people_with_it(rows: Rows) -> None:
    session = await rows.planned("ada", "bob")
    await rows.session(starts_in=3 * WEEK)
    await rows.participant(session, "cyd")

    assert await rows.plan(session) == 3
    assert not await dirty(rows, session)


async def test_a_roll_out_plans_one_rule_and_marks_nobody(rows: Rows) -> None:
    await rows.rule("j7")
    thanks = await rows.rule("thanks", offset="P1D")
    session = await rows.session()
    await rows.participant(session, "ada")

    assert await rows.plan(session, thanks) == 1

    (send,) = await rows.sends()
    assert send["rule_id"] == thanks
    assert await dirty(rows, session)
    assert await rows.plan(session) == 1


async def test_a_roll_out_reaches_every_session_that_its_rule_may_concern(rows: Rows) -> None:
    rule = await rows.rule("j7")
    sessions = [await rows.session(f"S-{number}") for number in range(5)]
    for session in sessions[:2]:
        await rows.participant(session, "ada")
        await rows.plan(session)
    async with rows.store.transaction() as db:
        await delete_session(db, rows.organization, "S-1")  # has sends: they are to be let go
        await delete_session(db, rows.organization, "S-2")  # has none

        expected = sorted(sessions[:2] + sessions[3:])
        assert await list_session_ids(db, rule, None, 10) == expected
        first = await list_session_ids(db, rule, None, 2)
        assert first + await list_session_ids(db, rule, first[-1], 10) == expected
        assert await list_session_ids(db, rule, expected[-1], 10) == []


async def test_a_roll_out_lets_go_what_its_rule_no_longer_wants(rows: Rows) -> None:
    session = await rows.planned("ada")
    rule = await rows.one("select id from rules")
    await rows.edit_rule(anchor="session.end", offset="-P30D")  # long past

    await rows.roll_out(rule)
    assert await rows.statuses(session=session) == ["missed"]

    await rows.edit_rule(offset="-P6D")
    await rows.roll_out(rule)
    assert await rows.statuses(session=session) == ["scheduled"]
    assert (await rows.sends())[0]["rule_version"] == await rows.one("select version from rules")


async def test_whoever_comes_back_in_another_role_has_the_one_row_of_a_rule(rows: Rows) -> None:
    """The rule wrote to her as a participant, and writes to trainers now: its row waits again, for the trainer."""
    session = await rows.planned("ada")
    await rows.edit_rule(audience="trainers")
    await rows.roll_out(await rows.one("select id from rules"))
    assert [row["status"] for row in await rows.sends()] == ["removed"]

    await rows.participant(session, "ada", Role.TRAINER)
    await rows.plan(session)

    (row,) = await rows.sends()
    role = "select role from participations where id = :id"
    assert (row["status"], await rows.one(role, id=row["participation_id"])) == ("scheduled", "trainer")


async def test_one_role_that_changes_leaves_the_mails_of_the_other_alone(rows: Rows) -> None:
    session = await rows.planned("ada")
    await rows.rule("trainers", audience="trainers")
    await rows.participant(session, "ada", Role.TRAINER)
    await rows.plan(session)
    assert [row["status"] for row in await rows.sends()] == ["scheduled", "scheduled"]

    async with rows.store.transaction() as db:
        await remove_participant(db, session, "ada", role=Role.TRAINER)
    await rows.plan(session)

    found = {row["status"]: row["participation_id"] for row in await rows.sends()}
    role = "select role from participations where id = :id"
    assert {status: await rows.one(role, id=id) for status, id in found.items()} == {
        "scheduled": "participant",
        "removed": "trainer",
    }
