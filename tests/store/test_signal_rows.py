"""Which workflows are behind their rows, and what has been forgotten?"""

from datetime import timedelta
from uuid import UUID

import pytest

from domain.sends import Status
from store.participants import remove_participant
from store.rules import deactivate_rule
from store.send_decisions import cancel_send
from store.signals import Unsignalled, is_any_late, list_unsignalled, mark_signalled
from store.sweep import list_rules_left, list_sessions_left
from tests.store.store_rows import WEEK, Rows

MINUTE = timedelta(minutes=1)


async def behind(rows: Rows, *sessions: UUID, limit: int = 100) -> list[Unsignalled]:
    async with rows.store.transaction() as db:
        return await list_unsignalled(db, sessions, limit)


async def mark(rows: Rows, told: list[Unsignalled]) -> None:
    async with rows.store.transaction() as db:
        await mark_signalled(db, told)


async def left(rows: Rows, grace: timedelta = MINUTE) -> tuple[list[str], list[str]]:
    """Return the sessions and the rules that the sweep would poke."""
    async with rows.store.transaction() as db:
        sessions = await list_sessions_left(db, grace, 100)
        rules = await list_rules_left(db, grace, 100)
    assert {one.organization for one in sessions + rules} <= {"main"}
    return sorted(one.key for one in sessions), sorted(one.key for one in rules)


async def test_a_new_row_is_to_be_told_with_the_callers_ids_and_no_address(rows: Rows) -> None:
    session = await rows.planned("ada@example.org")
    send = await rows.row(await rows.send())

    assert await behind(rows, session) == [
        Unsignalled(
            id=send["id"],
            organization="main",
            rule="j7",
            session="S-1",
            recipient=send["recipient_id"],
            status=Status.SCHEDULED,
            reason=None,
            version=1,
            due_at=send["due_at"],
        )
    ]


async def test_what_was_told_is_told_again_only_when_it_changed(rows: Rows) -> None:
    session = await rows.planned("ada")
    await mark(rows, await behind(rows, session))
    assert await behind(rows, session) == []

    async with rows.store.transaction() as db:
        await cancel_send(db, rows.organization, await rows.send())

    (send,) = await behind(rows, session)
    assert (send.status, send.reason, send.version) == (Status.CANCELLED, "cancelled_by_hand", 2)


async def test_a_version_written_while_the_last_was_told_stays_to_be_told(rows: Rows) -> None:
    session = await rows.planned("ada")
    telling = await behind(rows, session)
    await rows.plan(await rows.session(starts_in=3 * WEEK))

    await mark(rows, telling)

    assert [send.version for send in await behind(rows, session)] == [2]


async def test_the_highest_version_told_counts_whatever_the_order(rows: Rows) -> None:
    session = await rows.planned("ada")
    first = await behind(rows, session)
    await rows.plan(await rows.session(starts_in=3 * WEEK))
    second = await behind(rows, session)

    await mark(rows, second)
    await mark(rows, first)

    assert await behind(rows, session) == []
    assert (await rows.sends())[0]["signalled_version"] == 2


async def test_the_soonest_due_are_told_first(rows: Rows) -> None:
    await rows.rule("late", offset="-P1D")
    await rows.rule("soon", offset="-P9D")
    session = await rows.planned("ada", "bob")

    told = [send.rule for send in await behind(rows, session)]
    assert told == ["soon"] * 2 + ["j7"] * 2 + ["late"] * 2
    assert [send.rule for send in await behind(rows, session, limit=3)] == told[:3]


async def test_only_the_sessions_asked_for_are_told(rows: Rows) -> None:
    here, there = await rows.planned("ada"), await rows.planned("ada", session="S-2")

    assert [send.session for send in await behind(rows, there)] == ["S-2"]
    assert sorted(send.session for send in await behind(rows, here, there)) == ["S-1", "S-2"]
    assert await behind(rows) == []


async def test_what_is_marked_together_is_marked_each_with_its_own_version(rows: Rows) -> None:
    session = await rows.planned("ada", "bob", "cyd")
    async with rows.store.transaction() as db:
        await remove_participant(db, session, "bob")
    await rows.plan(session)
    telling = await behind(rows, session)
    assert sorted(send.version for send in telling) == [1, 1, 2]

    await mark(rows, telling[:2])
    assert [send.id for send in await behind(rows, session)] == [telling[2].id]
    await mark(rows, telling)
    assert {row["version"] - row["signalled_version"] for row in await rows.sends()} == {0}


async def test_nothing_is_left_behind_in_a_healthy_run(rows: Rows) -> None:
    await rows.rule("asleep", active=False)
    session = await rows.planned("ada")
    await mark(rows, await behind(rows, session))
    await rows.advance(10 * MINUTE)

    assert await left(rows) == ([], [])


@pytest.mark.parametrize("forgotten", ["session", "participation", "signal", "rule"])
async def test_whatever_was_forgotten_is_found_after_a_while_and_not_before(
    rows: Rows, forgotten: str
) -> None:
    session = await rows.planned("ada")
    await mark(rows, await behind(rows, session))
    await rows.advance(10 * MINUTE)
    if forgotten == "session":
        await rows.session(starts_in=3 * WEEK)
    elif forgotten == "participation":
        await rows.participant(session, "bob")
    elif forgotten == "rule":
        await rows.edit_rule(offset="-P8D")
    else:
        async with rows.store.transaction() as db:
            await cancel_send(db, rows.organization, await rows.send())

    assert await left(rows) == ([], [])
    await rows.advance(2 * MINUTE)
    assert await left(rows) == (([], ["j7"]) if forgotten == "rule" else (["S-1"], []))


async def test_a_rule_switched_off_leaves_its_stopped_sends_to_be_told(rows: Rows) -> None:
    session = await rows.planned("ada")
    await mark(rows, await behind(rows, session))
    async with rows.store.transaction() as db:
        await deactivate_rule(db, await rows.one("select id from rules"))

    (send,) = await behind(rows, session)
    assert (send.status, send.reason) == (Status.REMOVED, "rule_deactivated")
    await rows.advance(2 * MINUTE)
    assert await left(rows) == (["S-1"], ["j7"])


async def test_the_sweep_takes_no_more_than_it_is_asked_for(rows: Rows) -> None:
    for number in range(5):
        await rows.session(f"S-{number}")
    await rows.advance(2 * MINUTE)

    async with rows.store.transaction() as db:
        assert len(await list_sessions_left(db, MINUTE, 3)) == 3
        assert len(await list_sessions_left(db, MINUTE, 9)) == 5


@pytest.mark.parametrize(
    ("changed", "late"),
    [
        ("", True),
        ("update sends set due_at = relance_now()", False),
        ("update sends set due_at = relance_now() - interval '6 minutes'", False),
        ("update sends set attempts = 1", False),
        ("update sends set turn_at = relance_now()", False),
        ("update sends set status = 'sent'", False),
        ("update sends set signalled_version = 0", False),
        ("update sessions set version = version + 1", False),
        ("update rules set version = version + 1", False),
    ],
)
async def test_only_what_a_busy_worker_keeps_is_late(rows: Rows, changed: str, late: bool) -> None:
    await rows.planned("ada")
    await rows.execute(
        "update sends set due_at = relance_now() - interval '5 s', signalled_version = version"
    )
    if changed:
        await rows.execute(changed)

    async with rows.store.transaction() as db:
        assert await is_any_late(db) is late
