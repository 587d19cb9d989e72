"""Many sessions are read for one rule in as many statements as one, and as planning reads each of them."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from domain.participations import Participation, Role
from domain.snapshots import ExistingSend, RuleFacts, Snapshot
from store.places import Module, Slot
from store.planning import load_snapshot
from store.snapshot_pages import load_page
from tests.store.store_rows import Rows, definition
from tests.store.test_planning_rows import counted


async def some_sessions(rows: Rows, count: int) -> list[UUID]:
    """Make sessions with all there is to read of them, each planned, and each other than the one before."""
    start = (await rows.now()).replace(microsecond=0) + timedelta(days=30)
    acme = await rows.company("acme")
    sessions = []
    for number in range(count):
        slot = Slot("one", "One", "m", start, start + timedelta(hours=number + 1))
        session = await rows.session(
            f"S-{number}", modules=[Module("m", "M", None, None)], slots=[slot], stage=f"stage {number}"
        )
        for person in range(number + 1):
            await rows.participant(session, f"p-{person}", company=acme)
        await rows.participant(session, "tom", Role.TRAINER)
        await rows.plan(session)
        sessions.append(session)
    return sessions


async def page(rows: Rows, sessions: list[UUID], rule: RuleFacts) -> tuple[dict[UUID, Snapshot], int]:
    async with rows.store.transaction() as db:
        with counted(rows.store) as seen:
            return await load_page(db, rows.organization, dict.fromkeys(sessions, rule)), len(seen)


async def test_a_page_holds_what_planning_reads_of_each_session(rows: Rows) -> None:
    rule = await rows.rule()
    sessions = await some_sessions(rows, 3)
    other = await rows.template("other")
    await rows.execute(
        "insert into session_rules (session_id, rule_id, \"offset\", template_id) values (:session, :rule, '-P3D', :other)",
        session=sessions[1],
        rule=rule,
        other=other,
    )
    edited = RuleFacts(rule, 7, definition(offset="-P2D"), changed_at=await rows.now())

    found, _ = await page(rows, sessions, edited)

    for session in sessions:
        async with rows.store.transaction() as db:
            alone = (await load_snapshot(db, session, replacing=edited, lock=False)).snapshot
        assert as_sets(found[session]) == as_sets(replace(alone, now=found[session].now, colleagues=()))
        assert len(alone.sends) == len(alone.participations) - 2  # neither the trainer's nor the company's
    assert [str(found[session].rules[0].definition.trigger.offset) for session in sessions] == [
        "-P2D",
        "-P3D",
        "-P2D",
    ]


def as_sets(snapshot: Snapshot) -> tuple[Snapshot, dict[UUID, Participation], dict[UUID, ExistingSend]]:
    """Return a snapshot whose rows may come in any order."""
    return (
        replace(snapshot, participations=[], sends=[]),
        {one.id: one for one in snapshot.participations},
        {one.id: one for one in snapshot.sends},
    )


async def test_the_statements_of_a_page_are_as_many_as_of_one_session(rows: Rows) -> None:
    rule = RuleFacts(await rows.rule(), 1, definition())
    sessions = await some_sessions(rows, 4)

    assert (await page(rows, sessions[:1], rule))[1] == (await page(rows, sessions, rule))[1] == 6


async def test_nothing_is_asked_of_no_session(rows: Rows) -> None:
    found, _ = await page(rows, [], RuleFacts(await rows.rule(), 1, definition()))

    assert found == {}
