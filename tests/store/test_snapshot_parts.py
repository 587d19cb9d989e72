"""What is dirty in many sessions is read in as many statements as of two, and as planning reads each of them."""

from uuid import UUID

from sqlalchemy import text

from domain.participations import Role
from domain.snapshots import Snapshot
from store.planning import load_snapshot
from store.snapshot_parts import load_parts
from tests.store.store_rows import Rows
from tests.store.test_planning_rows import counted
from tests.store.test_snapshot_pages import as_sets, some_sessions


async def parts(rows: Rows, sessions: list[UUID]) -> tuple[dict[UUID, Snapshot], int]:
    async with rows.store.transaction() as db:
        with counted(rows.store) as seen:
            return await load_parts(db, rows.organization, sessions), len(seen)


async def touch(rows: Rows, sessions: list[UUID]) -> None:
    """Make some sessions dirty, and in the others one participant, and whom they come with; not the trainer they are."""
    for number, session in enumerate(sessions):
        if number % 2:
            await rows.execute("update sessions set version = version + 1 where id = :one", one=session)
        else:
            await rows.execute(
                """
                update participations set version = version + 1
                where session_id = :one
                  and (role = 'company' or role = 'participant' and person_id in (select id from people where key = 'p-0'))
                """,
                one=session,
            )


async def test_the_parts_are_what_planning_reads_of_each_session(rows: Rows) -> None:
    await rows.rule()
    await rows.rule("own", audience="companies", anchor="participation.start")
    await rows.rule("later", existing_sessions=False, offset="-P3D")
    sessions = await some_sessions(rows, 4)
    for session in sessions:
        await rows.participant(session, "p-0", Role.TRAINER)
        await rows.plan(session)
    await touch(rows, sessions)
    later = await rows.one("select id from rules where key = 'later'")
    await rows.execute(
        "insert into session_rules (session_id, rule_id, active) values (:one, :rule, false)",
        one=sessions[2],
        rule=later,
    )

    found, _ = await parts(rows, sessions)

    for session in sessions:
        async with rows.store.transaction() as db:
            alone = (await load_snapshot(db, session, lock=False)).snapshot
            now = (await db.execute(text("select relance_now()"))).scalar_one()
        assert found[session].now <= now
        assert told(found[session]) == told(alone)
    assert [len(found[session].participations) for session in sessions] == [3, 5, 3, 7]
    assert [len(found[session].colleagues) for session in sessions] == [0, 0, 2, 0]
    assert all(found[session].sends for session in sessions)


def told(snapshot: Snapshot) -> object:
    rest, participations, sends = as_sets(snapshot)
    colleagues = {one.id: one for one in snapshot.colleagues}
    return (rest.session, list(rest.rules), participations, sends, colleagues)


async def test_many_sessions_take_as_many_statements_as_two(rows: Rows) -> None:
    await rows.rule("own", audience="companies", anchor="participation.start")
    sessions = await some_sessions(rows, 6)
    await touch(rows, sessions)

    assert (await parts(rows, sessions[:2]))[1] == (await parts(rows, sessions))[1]
