"""What is said of one participant: what it makes dirty, when it was written down, and whom else it concerns."""

import asyncio
from datetime import datetime, timedelta
from typing import Any, Unpack, cast
from uuid import UUID

import pytest

from domain.participations import Attendance, Role
from store.delivery import NotFencedError
from store.participants import Participant, add_participant, remove_participant
from store.participations import BackwardsError, Enrolled, Enrolment, Said, put_participations
from store.places import Slot
from store.planning import is_dirty
from store.rules import activate_rule
from tests.store.store_rows import DAY, WEEK, Rows
from tests.store.test_many_participations import people
from tests.store.test_planning_rows import counted

FACTS = ("enrolled", "started", "completed")


async def say(rows: Rows, session: UUID, key: str = "ada", **said: Any) -> Participant:
    person = await rows.person(key)
    async with rows.store.transaction() as db:
        return await add_participant(db, session, person, cast("Said", said))


async def row(rows: Rows, key: str = "ada") -> Any:
    (found,) = await rows.execute(
        """
        select p.* from participations p join people on people.id = p.person_id
        where people.key = :key and p.role = 'participant'
        """,
        key=key,
    )
    return found


async def clean(rows: Rows) -> None:
    await rows.execute("update participations set planned_version = version")
    await rows.execute("update sessions set planned_version = version")


async def dirty(rows: Rows, session: UUID) -> bool:
    async with rows.store.transaction() as db:
        return await is_dirty(db, session)


# Which write makes what dirty.


async def values(rows: Rows) -> dict[str, Any]:
    now = await rows.now()
    slots = [found.id for found in await rows.execute("select id from slots")]
    return {
        "slots": frozenset(slots),
        "company": await rows.company("acme"),
        "starts_at": now + WEEK,
        "ends_at": now + 2 * WEEK,
        "deadline_at": now + WEEK,
        "enrolled_at": now - 2 * WEEK,
        "started_at": now - DAY,
        "completed_at": now - DAY,
        "attendance": Attendance.PARTLY,
        "status": "validated",
        "answered": frozenset({"cold-survey", 'a "quoted\\ one', "NULL"}),
    }


READ_BY_PLANNING = [
    "company", "slots", "starts_at", "ends_at", "deadline_at", "enrolled_at", "started_at", "completed_at"
]  # fmt: skip
READ_BY_THE_LETTER = ["attendance", "status", "answered"]


@pytest.mark.parametrize("name", READ_BY_PLANNING + READ_BY_THE_LETTER)
async def test_what_is_said_is_dirty_where_planning_reads_it_and_never_twice(rows: Rows, name: str) -> None:
    now = await rows.now()
    session = await rows.session(slots=[Slot("s1", "S1", None, now + WEEK, now + 2 * WEEK)])
    await say(rows, session)
    await clean(rows)
    said = {name: (await values(rows))[name]}
    nothing: Any = frozenset() if name == "answered" else None
    planned = name in READ_BY_PLANNING

    seen = []
    for value in (said[name], said[name], nothing, nothing):
        before = await row(rows)
        await say(rows, session, **{name: value})
        after = await row(rows)
        seen.append((after.version - before.version, after.read_version - before.read_version))
        assert (after.changed_at > before.changed_at) == (after.version > before.version)
    step = (1, 0) if planned else (0, 1)

    assert seen == [step, (0, 0), step, (0, 0)]
    assert await dirty(rows, session) == planned


async def test_what_is_left_out_stays_and_what_is_as_it_was_writes_no_row(rows: Rows) -> None:
    now = await rows.now()
    session = await rows.session(slots=[Slot("s1", "S1", None, now + WEEK, now + 2 * WEEK)])
    said = await values(rows)
    first = await say(rows, session, **said)
    before = await rows.one("select array_agg(xmin::text) from participations")

    assert await say(rows, session, **said) == first
    assert await say(rows, session) == first
    assert await rows.one("select array_agg(xmin::text) from participations") == before
    told = {name: getattr(first, name) for name in said}
    assert told == {**said, "company": "acme", "slots": ["s1"], "answered": sorted(said["answered"])}

    async with rows.store.transaction() as db:
        await remove_participant(db, session, "ada")
    back = await say(rows, session)
    assert {name: getattr(back, name) for name in said} == told


async def test_a_hundred_things_that_planning_never_reads_make_nothing_dirty(rows: Rows) -> None:
    session = await rows.session()
    acme = await rows.company("acme")
    who = await people(rows, *(f"p{number}" for number in range(100)))
    await put(rows, *(Enrolment(session, one, {"company": acme}) for one in who))
    await clean(rows)

    for attendance in Attendance:
        done = await put(
            rows,
            *(
                Enrolment(
                    session, one, {"attendance": attendance, "status": f"{number}", "answered": some(number)}
                )
                for number, one in enumerate(who)
            ),
        )
        assert len(done.changed) == 100
        assert not await dirty(rows, session)
    found = await rows.execute(
        "select distinct version, read_version from participations where role = 'participant'"
    )
    assert [tuple(one) for one in found] == [(1, 4)]


def some(number: int) -> frozenset[str]:
    """So that the lists of two people differ in length."""
    return frozenset(f"q{one}" for one in range(number % 5))


async def put(rows: Rows, *enrolments: Enrolment) -> Enrolled:
    async with rows.store.transaction() as db:
        return await put_participations(db, enrolments)


# When a fact was written down.


@pytest.mark.parametrize("fact", FACTS)
async def test_a_fact_is_recorded_when_it_comes_at_the_instant_of_its_write_and_keeps_that_when_put_right(
    rows: Rows, fact: str
) -> None:
    session = await rows.session()
    await say(rows, session, enrolled_at=None)
    happened = await rows.now() - 3 * DAY

    async def stands(at: Any) -> tuple[datetime | None, datetime | None, datetime]:
        await rows.advance(timedelta(hours=1))
        await say(rows, session, **{f"{fact}_at": at})
        one = await row(rows)
        return getattr(one, f"{fact}_at"), getattr(one, f"{fact}_recorded_at"), one.changed_at

    before = await rows.now()
    at, recorded_at, changed_at = await stands(happened)
    assert at == happened
    assert recorded_at == changed_at > before

    assert await stands(happened) == (happened, recorded_at, changed_at)  # said again: no news

    other, again, changed_again = await stands(happened + DAY)
    assert other == happened + DAY
    assert again == recorded_at
    assert changed_again > changed_at

    assert (await stands(None))[:2] == (None, None)
    at, recorded_at, changed_at = await stands(happened)
    assert (at, recorded_at) == (happened, changed_at)


async def test_a_fact_put_right_keeps_the_mail_that_waits(rows: Rows) -> None:  # F039
    await rows.rule("r", anchor="completed", offset="P30D")
    session = await rows.session()
    at = await rows.now()
    await say(rows, session, completed_at=at)
    await rows.plan(session)
    await rows.advance(10 * DAY)

    await say(rows, session, completed_at=at - timedelta(hours=1))
    await rows.plan(session)

    assert await rows.statuses() == ["scheduled"]


async def test_each_fact_keeps_its_own_recording(rows: Rows) -> None:
    session = await rows.session()
    now = await rows.now()
    await say(rows, session, started_at=now)
    first = await row(rows)
    await rows.advance(DAY)

    await say(rows, session, completed_at=now, starts_at=now, attendance=Attendance.NEVER)

    second = await row(rows)
    assert (second.started_recorded_at, second.enrolled_recorded_at) == (first.changed_at, first.changed_at)
    assert second.completed_recorded_at == second.changed_at > first.changed_at


async def test_whoever_is_new_is_enrolled_now_unless_something_else_is_said(rows: Rows) -> None:
    session = await rows.session()
    earlier = await rows.now() - WEEK

    await say(rows, session, "now")
    await say(rows, session, "earlier", enrolled_at=earlier)
    await say(rows, session, "never", enrolled_at=None)
    async with rows.store.transaction() as db:
        await add_participant(db, session, await rows.person("trainer"), role=Role.TRAINER)

    now, before, never = [await row(rows, key) for key in ("now", "earlier", "never")]
    assert now.enrolled_at == now.enrolled_recorded_at == now.changed_at
    assert (before.enrolled_at, before.enrolled_recorded_at) == (earlier, before.changed_at)
    assert (never.enrolled_at, never.enrolled_recorded_at) == (None, None)
    assert await rows.one("select enrolled_at from participations where role = 'trainer'") is None

    await rows.advance(WEEK)
    async with rows.store.transaction() as db:
        for key in ("now", "never"):
            await remove_participant(db, session, key)
    assert (await say(rows, session, "now")).enrolled_at == now.enrolled_at
    assert (await say(rows, session, "never")).enrolled_at is None
    assert (await row(rows, "now")).enrolled_recorded_at == now.enrolled_recorded_at


async def test_many_facts_at_once_are_recorded_at_one_instant(rows: Rows) -> None:
    session = await rows.session()
    now = await rows.now()
    who = await people(rows, "ada", "bob", "cyd")
    await put(rows, Enrolment(session, who[0]))
    await rows.advance(DAY)

    await put(rows, *(Enrolment(session, one, {"started_at": now}) for one in who))

    recorded = await rows.execute("select distinct started_recorded_at, changed_at from participations")
    ((started, changed),) = [tuple(one) for one in recorded]
    assert started == changed > now + timedelta(hours=23)


async def test_an_older_source_says_nothing_of_facts_either(rows: Rows) -> None:
    session = await rows.session()
    now = await rows.now()
    (ada,) = await people(rows, "ada")
    await put(rows, Enrolment(session, ada, {"started_at": now}, source_version=5))
    before = await row(rows)

    late = Enrolment(session, ada, {"started_at": None, "attendance": Attendance.NEVER}, source_version=4)
    assert (await put(rows, late)).ignored == {late.who}

    assert await row(rows) == before


async def test_own_dates_that_come_one_by_one_are_still_in_order(rows: Rows) -> None:
    session = await rows.session()
    now = await rows.now()
    await say(rows, session, starts_at=now + WEEK)
    before = await row(rows)

    for said in (Said(ends_at=now + DAY), Said(starts_at=now + 3 * WEEK, ends_at=now + 2 * WEEK)):
        with pytest.raises(BackwardsError) as error:
            await say(rows, session, **said)
        assert list(error.value.who) == [before.person_id]
    assert await row(rows) == before

    await say(rows, session, ends_at=now + WEEK)
    await say(rows, session, starts_at=None, ends_at=now + DAY)  # the session's start may be any
    async with rows.store.transaction() as db:
        assert await remove_participant(db, session, "ada")


# The fence.


@pytest.mark.parametrize(
    "said", [Said(attendance=Attendance.NEVER), Said(status="dropped"), Said(answered=frozenset({"survey"}))]
)
async def test_a_mail_that_was_written_before_somebody_stood_otherwise_does_not_leave(
    rows: Rows, said: Said
) -> None:  # F053, F088
    session = await rows.planned("ada", "bob")
    await rows.advance(WEEK)
    (ada, bob) = [await rows.send(recipient=await rows.person(key)) for key in ("ada", "bob")]
    claims = [await rows.claimed(send) for send in (ada, bob)]

    await say(rows, session, "ada", **said)

    with pytest.raises(NotFencedError):
        await rows.fence(claims[0])
    await rows.fence(claims[1])  # who was not meant is not disturbed
    assert not await dirty(rows, session)


# Companies whose mails count from their people's own dates.


async def rule(rows: Rows, key: str, active: bool = True, **says: Any) -> UUID:
    """Make a rule, active as if it had been rolled out."""
    says = {"audience": "companies", "anchor": "participation.start", **says}
    made: UUID = await rows.rule(key, active=False, **says)
    await rows.execute(
        "update rules set active = :active, planned_version = version where id = :made",
        active=active,
        made=made,
    )
    return made


async def grown(rows: Rows, session: UUID, key: str = "ada", **said: Unpack[Said]) -> int:
    """Return how many versions of companies a write makes."""
    count = "select coalesce(sum(version), 0)::int from participations where role = 'company'"
    before: int = await rows.one(count)
    await say(rows, session, key, **said)
    after: int = await rows.one(count)
    return after - before


async def each_grown(rows: Rows, session: UUID) -> list[int]:
    """Say one thing after the other of one of two people of a company."""
    now = await rows.now()
    said: list[Said] = [
        {"starts_at": now + WEEK},
        {"ends_at": now + 2 * WEEK},
        {"deadline_at": now + WEEK},
        {"enrolled_at": now - DAY},
        {"started_at": now},
        {"completed_at": now},
        {"slots": frozenset()},
        {"attendance": Attendance.NEVER, "status": "dropped", "answered": frozenset({"survey"})},
        {"completed_at": now},
    ]
    return [await grown(rows, session, **one) for one in said]


ALL_THAT_PLANNING_READS = [1] * 7 + [0, 0]


async def a_company_of_two(rows: Rows) -> UUID:
    session = await rows.session()
    acme = await rows.company("acme")
    for key in ("ada", "bob"):
        await rows.participant(session, key, company=acme)
    return session


@pytest.mark.parametrize(
    "anchor",
    [
        "participation.start",
        "participation.end",
        "participation.deadline",
        "first_synchronous_slot.start",
        "last_synchronous_slot.end",
        "enrolled",
        "started",
        "completed",
    ],
)
async def test_own_dates_concern_a_company_whose_mails_count_from_them(
    rows: Rows, anchor: str
) -> None:  # F019
    await rule(rows, "own", anchor=anchor)
    session = await a_company_of_two(rows)

    assert await each_grown(rows, session) == ALL_THAT_PLANNING_READS


@pytest.mark.parametrize(
    "says",
    [
        {"active": False},
        {"anchor": "session.start"},
        {"audience": "participants"},
    ],
)
async def test_own_dates_concern_no_company_otherwise(rows: Rows, says: dict[str, Any]) -> None:
    await rule(rows, "other", **says)
    session = await a_company_of_two(rows)

    assert await each_grown(rows, session) == [0] * 9


async def test_a_rule_of_before_still_counts_where_sessions_go_by_it(rows: Rows) -> None:
    made = await rule(rows, "edited", anchor="session.start", existing_sessions=False)
    template = await rows.template()
    session = await a_company_of_two(rows)
    assert await grown(rows, session, starts_at=await rows.now()) == 0

    await rows.execute(
        """
        insert into rule_editions (rule_id, since, template_id, definition)
        select id, relance_now(), :template, jsonb_set(definition, '{trigger,anchor}', '"started"') from rules
        where id = :made
        """,
        made=made,
        template=template,
    )

    assert await grown(rows, session, started_at=await rows.now()) == 1


async def test_rules_of_others_and_deleted_ones_do_not_count(rows: Rows) -> None:
    made = await rule(rows, "own")
    await rows.execute(
        "update rules set deleted_at = relance_now(), active = false where id = :made", made=made
    )
    other = await rows.one(
        """
        insert into organizations (key, name, zone, language, sender_address, sender_name)
        values ('other', 'Other', 'UTC', 'en', 'x@example.org', 'X') returning id
        """
    )
    template = await rows.one(
        """
        insert into templates (organization_id, key, audience, subject, html)
        values (:other, 't', 'companies', 's', 'h') returning id
        """,
        other=other,
    )
    await rows.execute(
        """
        insert into rules (organization_id, key, name, template_id, definition, active)
        select :other, key, name, :template, definition, true from rules
        """,
        other=other,
        template=template,
    )
    session = await a_company_of_two(rows)

    assert await each_grown(rows, session) == [0] * 9


async def test_whoever_comes_goes_or_changes_concerns_the_whole_of_such_a_company(rows: Rows) -> None:  # F019
    await rule(rows, "own")
    session = await rows.session()
    acme, best = await rows.company("acme"), await rows.company("best")

    steps: list[tuple[str, Said]] = [
        ("ada", {"company": acme}),  # 1: the company comes into being
        ("bob", {"company": acme}),  # 1: somebody to share a mail with
        ("bob", {"company": acme}),
        ("bob", {"company": best}),  # 2
        ("bob", {"company": None}),  # 1
        ("cyd", {"started_at": None}),  # of no company
    ]
    assert [await grown(rows, session, key, **said) for key, said in steps] == [1, 1, 0, 2, 1, 0]
    await say(rows, session, "bob", company=acme)
    before = await rows.one("select sum(version) from participations where role = 'company'")
    async with rows.store.transaction() as db:
        await remove_participant(db, session, "bob")
    assert await rows.one("select sum(version) from participations where role = 'company'") == before + 1


async def test_whoever_writes_while_such_a_rule_is_switched_on_is_waited_for(rows: Rows) -> None:  # F019
    """They have not seen the rule, so that nothing tells planning of the company; the roll-out sees what they wrote."""
    made = await rows.rule(
        "own", active=False, audience="companies", anchor="participation.start", offset="PT0S"
    )
    session = await a_company_of_two(rows)
    await rows.plan(session)
    ada = await rows.person("ada")
    later = await rows.now() + WEEK

    async with rows.store.transaction() as writing:
        await add_participant(writing, session, ada, {"starts_at": later})
        async with rows.store.transaction() as db:
            await activate_rule(db, made)
        rolling_out = asyncio.create_task(rows.roll_out(made))
        await rows.blocked()
    await rolling_out
    await rows.plan(session)

    due = sorted(send["due_at"] for send in await rows.sends())
    assert due == [later, await rows.one("select starts_at from sessions")]


async def test_it_takes_the_same_few_statements_whoever_is_concerned(rows: Rows) -> None:
    counts = set()
    for size, active in ((2, False), (200, False), (2, True), (200, True)):
        await rule(rows, f"own-{size}-{active}", active=active)
        session = await rows.session(f"S-{size}-{active}")
        acme = await rows.company("acme")
        who = await people(rows, *(f"{size}-{number}" for number in range(size)))
        await put(rows, *(Enrolment(session, one, {"company": acme}) for one in who))
        now = await rows.now()
        with counted(rows.store) as statements:
            done = await put(rows, *(Enrolment(session, one, {"started_at": now}) for one in who))
        assert len(done.versions) == size + active
        counts.add(len(statements))

    assert len(counts) == 1, counts
