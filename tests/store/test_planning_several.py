"""Do rules that write several mails have the rows that they ask for: series, companies, corrections, memories?"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.sends import Outcome, Status
from store.delivery import record
from store.participants import remove_participant
from store.places import Slot
from store.rules import activate_rule
from tests.store.store_rows import DAY, WEEK, Rows
from tests.store.test_planning_rows import counted
from tests.store.test_planning_snapshots import override

SERIES = {"every": "P7D", "until": "completed", "at_most": 2}


async def left(rows: Rows, send: UUID, status: Status = Status.SENT) -> None:
    """A mail has left, or its server said no."""
    claim = await rows.handed_over(send)
    async with rows.store.transaction() as db:
        await record(db, Outcome(send, claim.token, status))


async def waiting(rows: Rows) -> dict[str, Any]:
    (row,) = [row for row in await rows.sends() if row["status"] == "scheduled"]
    return row


async def occurrences(rows: Rows) -> dict[str, str]:
    return {row["occurrence"]: row["status"] for row in await rows.sends()}


async def started(rows: Rows) -> UUID:
    """A series that begins now: a week before a session in two weeks, when one of them is over."""
    await rows.rule(repeat=SERIES)
    session = await rows.session()
    await rows.participant(session, "ada")
    await rows.plan(session)
    await rows.advance(WEEK)
    return session


async def test_a_row_says_what_it_tells_and_by_which_template(rows: Rows) -> None:
    rule = await rows.rule()
    other = await rows.template("other")
    session = await rows.session()
    await rows.participant(session, "ada")
    await rows.plan(session)
    starts_at = await rows.one("select starts_at from sessions")

    row = await waiting(rows)
    assert (row["occurrence"], row["covers"], row["template_id"], row["anchor_at"]) == (
        "1",
        None,
        None,
        starts_at,
    )

    await override(rows, session, rule, template=other)
    await rows.execute("update sessions set version = version + 1")
    assert await rows.plan(session) == 1
    assert ((await waiting(rows))["template_id"], (await waiting(rows))["version"]) == (other, 1)
    await rows.execute("delete from session_rules; update sessions set version = version + 1")
    assert await rows.plan(session) == 1
    assert (await waiting(rows))["template_id"] is None


async def test_what_is_let_go_keeps_what_it_was(rows: Rows) -> None:
    session = await rows.planned("ada")
    await rows.session(starts_in=None)
    await rows.plan(session)

    (row,) = await rows.sends()
    assert (row["status"], row["reason"]) == ("removed", "no_anchor_date")
    assert row["anchor_at"] is not None


async def test_a_series_has_its_next_row_when_one_has_left(rows: Rows) -> None:  # F110, L12
    session = await started(rows)
    first = await waiting(rows)

    await left(rows, first["id"])
    assert await rows.plan(session) == 1

    second = await waiting(rows)
    assert (second["occurrence"], second["due_at"]) == ("2", first["due_at"] + WEEK)
    await rows.advance(WEEK)
    await left(rows, second["id"])
    assert await rows.plan(session) == 0
    assert await occurrences(rows) == {"1": "sent", "2": "sent"}


async def test_instants_passed_over_have_rows_that_are_over(rows: Rows) -> None:  # L03
    session = await started(rows)
    first = await waiting(rows)
    await rows.execute("update sends set latest_at = latest_at + interval '90 days'")
    await rows.advance(2 * WEEK + DAY)

    await left(rows, first["id"])
    await rows.plan(session)

    assert await occurrences(rows) == {"1": "sent", "2": "missed", "3": "missed", "4": "scheduled"}
    missed = [row for row in await rows.sends() if row["status"] == "missed"]
    assert all(row["ended_at"] and row["reason"] == "due_in_past" for row in missed)
    assert [step["step"] for step in missed[0]["trace"]] == ["missed"]
    assert await rows.plan(session) == 0


async def test_one_that_goes_on_costs_no_reading_of_the_others(rows: Rows) -> None:
    await rows.rule(repeat=SERIES)
    sizes = []
    for size in (2, 40):
        session = await rows.session(f"S-{size}")
        await rows.participants(session, size)
        await rows.plan(session)
        send = (await rows.sends(session=session))[0]
        await rows.execute(
            "update participations set version = version + 1, changed_at = relance_now() where id = :id",
            id=send["participation_id"],
        )
        await rows.execute("update sends set status = 'skipped' where id = :id", id=send["id"])
        with counted(rows.store) as statements:
            assert await rows.plan(session) == 1
        sizes.append(len(statements))

    assert sizes[0] == sizes[1]


async def learners(rows: Rows, session: UUID, company: UUID, **starts: timedelta) -> dict[str, UUID]:
    """Put people into a session who start so long after now; return their participations."""
    now: datetime = await rows.now()
    for name, begins_in in starts.items():
        await rows.participant(session, name, company=company, starts_at=now + begins_in)
    found = await rows.execute("select x.key, p.id from participations p join people x on x.id = p.person_id")
    return {row.key: row.id for row in found}


def about(row: dict[str, Any]) -> set[UUID]:
    return set(row["covers"] or ())


async def test_companies_share_a_mail_for_each_date(rows: Rows) -> None:  # F018, F019
    await rows.rule(audience="companies", anchor="participation.start")
    acme = await rows.company("acme")
    session = await rows.session()
    two = 2 * WEEK
    people = await learners(rows, session, acme, ada=two, bob=two + DAY)
    await rows.plan(session)
    assert [about(row) for row in await rows.sends()] == [{people["ada"]}, {people["bob"]}]

    await rows.execute("update participations set starts_at = (select min(starts_at) from participations)")
    await rows.execute("update sessions set version = version + 1")
    await rows.plan(session)
    one = await waiting(rows)
    assert one["covers"] == sorted(people.values())
    assert one["occurrence"] == str(people["ada"])  # the mail that was due then goes on

    await rows.put_status(one["id"], Status.SENT)
    await rows.execute(
        "update participations set starts_at = starts_at + interval '1 day' where role = 'participant'"
    )
    await rows.execute("update sessions set version = version + 1")
    assert await rows.plan(session) == 0


async def test_a_newcomer_of_a_company_is_planned_with_the_others_read_and_nobody_written_twice(
    rows: Rows,
) -> None:
    """F019, F022"""
    await rows.rule(audience="companies", anchor="participation.start")
    await rows.rule("people")
    acme = await rows.company("acme")
    session = await rows.session()
    now = await rows.now()
    starts_at = now + 2 * WEEK
    await rows.participant(session, "ada", company=acme, starts_at=starts_at)
    await rows.plan(session)
    await rows.participant(session, "bob", company=acme, starts_at=starts_at)

    await rows.plan(session)

    mine = [row for row in await rows.sends() if row["covers"] and row["status"] == "scheduled"]
    (participants,) = await rows.execute(
        "select array_agg(id order by id) as ids from participations where role = 'participant'"
    )
    assert [row["covers"] for row in mine] == [participants.ids]
    assert await rows.one("select count(*) from sends where covers is null") == 2


async def test_a_mail_to_a_company_does_not_grow_with_everybody_who_joins(rows: Rows) -> None:  # F018, F019
    await rows.rule(audience="companies", anchor="participation.start")
    acme = await rows.company("acme")
    session = await rows.session()
    starts_at = await rows.now() + 2 * WEEK
    seen = []
    for name in ("ada", "bob", "cat", "dan", "eve"):
        await rows.participant(session, name, company=acme, starts_at=starts_at)
        await rows.plan(session)
        row = await waiting(rows)
        seen.append((row["id"], row["version"], len(row["trace"]), len(row["covers"])))

    first, *_ = seen[0]
    assert seen == [(first, 1, 1, count) for count in range(1, 6)]


async def rolled_out_late(rows: Rows, **says: Any) -> tuple[UUID, UUID, UUID]:
    """A rule is switched on a minute ahead of its mail to a company, and planning has not come to that yet.

    Return the session, the rule and the company. Another rule has the company planned with everybody who comes.
    """
    await rows.rule("other", template="another", audience="companies", anchor="participation.deadline")
    acme = await rows.company("acme")
    session = await rows.session()
    await rows.participant(session, "ada", company=acme)
    await rows.plan(session)
    await rows.advance(WEEK - timedelta(minutes=1))
    slow = await rows.rule("slow", active=False, audience="companies", offset="-P7D", **says)
    async with rows.store.transaction() as db:
        await activate_rule(db, slow)
    await rows.advance(timedelta(minutes=2))
    return session, slow, acme


@pytest.mark.parametrize("anchor", ["session.start", "participation.start"])
async def test_a_newcomer_during_a_slow_roll_out_takes_no_mail_from_their_company(
    rows: Rows, anchor: str
) -> None:
    """It was ahead when the rule was switched on: the delay is ours (docs/decisions/0012)."""
    session, slow, acme = await rolled_out_late(rows, anchor=anchor)

    await rows.participant(session, "bob", company=acme)
    await rows.participant(session, "bob", starts_at=await rows.now() + 3 * WEEK)
    await rows.plan(session)
    await rows.roll_out(slow)

    waits = [row["due_at"] < await rows.now() for row in await rows.sends(rule=slow)]
    assert waits == ([True] if anchor == "session.start" else [True, False])
    assert set(await rows.statuses(rule=slow)) == {"scheduled"}


@pytest.mark.parametrize("anchor", ["session.start", "participation.start"])
async def test_a_company_that_comes_when_its_mail_is_past_gets_none(rows: Rows, anchor: str) -> None:  # F069
    """Be it new, or back: nobody of it was there before."""
    session, slow, acme = await rolled_out_late(rows, anchor=anchor)
    best = await rows.company("best")
    async with rows.store.transaction() as db:
        await remove_participant(db, session, "ada")
    await rows.advance(timedelta(minutes=1))

    await rows.participant(session, "cat", company=acme)
    await rows.participant(session, "dan", company=best)
    await rows.plan(session)
    await rows.roll_out(slow)

    assert await rows.sends(rule=slow) == []


@pytest.mark.parametrize("there", [{"s1"}, {"s1", "s2"}, None])
@pytest.mark.parametrize("comes_to", [{"s1"}, {"s2"}, None])
async def test_a_company_that_comes_to_a_slot_when_its_mail_is_past_gets_none(
    rows: Rows, there: set[str] | None, comes_to: set[str] | None
) -> None:
    """F069; where others of it came to that before, the mail that planning has not come to is theirs."""
    starts_at = await rows.now() + 2 * WEEK
    slots = [Slot(key, key, None, starts_at, starts_at + timedelta(hours=1)) for key in ("s1", "s2")]
    session = await rows.session(slots=slots)
    acme = await rows.company("acme")
    known = {row.key: row.id for row in await rows.execute("select key, id from slots")}

    async def come(key: str, to: set[str] | None) -> None:
        said = None if to is None else frozenset(known[slot] for slot in to)
        await rows.participant(session, key, company=acme, slots=said)

    await come("ada", there)
    await rows.plan(session)
    await rows.advance(WEEK - timedelta(minutes=1))
    slow = await rows.rule(
        "slow", active=False, audience="companies", scope="slot", anchor="slot.start", offset="-P7D"
    )
    async with rows.store.transaction() as db:
        await activate_rule(db, slow)
    await rows.advance(timedelta(minutes=2))

    await come("bob", comes_to)
    await rows.plan(session)
    await rows.roll_out(slow)

    told = {row["scope_id"] for row in await rows.sends(rule=slow)}
    before = there or set(known)
    assert told.isdisjoint(known[slot] for slot in (comes_to or set(known)) - before)
    if there is None or (comes_to is not None and comes_to <= there):
        assert told == {known[slot] for slot in before}


async def test_a_newcomer_whose_own_mail_is_past_brings_their_company_none(rows: Rows) -> None:  # F069
    await rows.rule(audience="companies", anchor="participation.start", offset="-P7D")
    acme = await rows.company("acme")
    session = await rows.session()
    await rows.participant(session, "ada", company=acme)
    await rows.plan(session)

    await rows.participant(session, "bob", company=acme, starts_at=await rows.now() + DAY)
    await rows.plan(session)

    assert [len(row["covers"]) for row in await rows.sends()] == [1]


async def test_whoever_leaves_a_mail_that_queues_for_a_past_date_has_a_row_that_says_so(rows: Rows) -> None:
    """L03, F019"""
    await rows.rule(audience="companies", anchor="participation.start", offset="-P7D")
    acme = await rows.company("acme")
    session = await rows.session()
    for key in ("ada", "bob"):
        await rows.participant(session, key, company=acme)
    await rows.plan(session)
    await rows.advance(WEEK + timedelta(minutes=1))

    await rows.participant(session, "ada", starts_at=await rows.now() + DAY)
    await rows.plan(session)

    found = {row["status"]: len(row["covers"]) for row in await rows.sends()}
    assert found == {"scheduled": 1, "missed": 1}
    await rows.execute("update sessions set version = version + 1")
    assert await rows.plan(session) == 0


async def test_a_mail_to_a_company_that_was_claimed_does_not_leave_without_whoever_joins(rows: Rows) -> None:
    await rows.rule(audience="companies", anchor="participation.start", offset="-P7D")
    acme = await rows.company("acme")
    session = await rows.session()
    starts_at = await rows.now() + 2 * WEEK
    await rows.participant(session, "ada", company=acme, starts_at=starts_at)
    await rows.plan(session)
    await rows.advance(WEEK)
    send = (await waiting(rows))["id"]
    claim = await rows.claimed(send)

    await rows.participant(session, "bob", company=acme, starts_at=starts_at)
    await rows.plan(session)

    row = await rows.row(send)
    assert (row["status"], row["token"]) == ("scheduled", None)
    assert row["version"] > claim.version


async def test_whoever_was_told_the_old_date_has_a_row_for_the_new_one(rows: Rows) -> None:
    moved = await rows.template("moved")
    await rows.rule(correction={"template": "moved"})
    session = await rows.session()
    for name in ("ada", "bob"):
        await rows.participant(session, name)
    await rows.plan(session)
    await rows.advance(WEEK)
    told, still_waits = await rows.sends()
    await left(rows, told["id"])

    await rows.session(starts_in=3 * WEEK)
    await rows.plan(session)

    starts_at = await rows.one("select starts_at from sessions")
    new = [row for row in await rows.sends() if row["occurrence"] != "1"]
    assert [(row["recipient_id"], row["status"], row["template_id"], row["anchor_at"]) for row in new] == [
        (told["recipient_id"], "scheduled", moved, starts_at)
    ]
    assert (await rows.row(still_waits["id"]))["anchor_at"] == starts_at
    assert (await rows.row(told["id"]))["anchor_at"] == told["anchor_at"]
    assert await rows.plan(session) == 0

    await rows.execute("update sessions set starts_at = :at, version = version + 1", at=told["anchor_at"])
    await rows.plan(session)
    assert [row["reason"] for row in await rows.sends() if row["status"] == "removed"] == ["date_as_told"]


async def test_a_new_memory_has_rows_of_its_own(rows: Rows) -> None:  # F105
    session = await rows.planned("ada")
    rule = await rows.one("select id from rules")
    await rows.advance(WEEK)
    await left(rows, (await waiting(rows))["id"])
    await rows.edit_rule(offset="-P1D")
    await rows.execute("update rules set memory = 2, version = version + 1, changed_at = relance_now()")

    await rows.roll_out(rule)

    assert await occurrences(rows) == {"1": "sent", "m2:1": "scheduled"}
    assert await rows.plan(session, rule) == 0


async def test_whoever_joins_late_catches_up(rows: Rows) -> None:  # L04
    await rows.rule(catch_up=True)
    session = await rows.planned("ada", rule="j7")
    await rows.advance(10 * DAY)
    await rows.participant(session, "bob")

    await rows.plan(session)

    late = (await rows.sends())[-1]
    joined = await rows.one("select max(enrolled_recorded_at) from participations")
    assert (late["status"], late["due_at"]) == ("scheduled", joined)
    assert await rows.claim(late["id"])


async def test_a_fact_has_its_row_when_it_is_written_down(rows: Rows) -> None:
    await rows.rule(anchor="completed", offset="P0D")
    session = await rows.session()
    await rows.participant(session, "ada")
    await rows.plan(session)
    assert await rows.sends() == []

    await rows.participant(session, "ada", completed_at=await rows.now() - timedelta(hours=1))
    await rows.plan(session)

    row = await waiting(rows)
    assert row["due_at"] == await rows.one("select completed_recorded_at from participations")
    assert row["anchor_at"] is None
    assert await rows.claim(row["id"])
