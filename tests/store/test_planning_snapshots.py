"""Does planning read what it should, of whom it should, in few statements?"""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.anchors import Dated, Own
from domain.participations import Participation, Role
from domain.planning import RuleFacts, plan
from domain.snapshots import Snapshot
from domain.timing import Offset
from store.places import Module, Slot
from store.planning import load_snapshot
from tests.store.store_rows import DAY, WEEK, Rows, definition
from tests.store.test_planning_rows import counted

NINE = datetime(2027, 3, 1, 9, tzinfo=UTC)


async def read(rows: Rows, session: UUID, rule: UUID | None = None, **how: Any) -> Snapshot:
    async with rows.store.transaction() as db:
        return (await load_snapshot(db, session, rule, **how)).snapshot


async def only_rule(rows: Rows, session: UUID) -> RuleFacts:
    (found,) = (await read(rows, session)).rules
    return found


async def override(rows: Rows, session: UUID, rule: UUID, **said: object) -> None:
    usual = {"active": None, "offset": None, "at": None, "template": None}
    await rows.execute(
        "insert into session_rules values (:session, :rule, :active, :offset, :at, :template)",
        session=session,
        rule=rule,
        **{**usual, **said},
    )


async def edition(rows: Rows, rule: UUID, since: datetime, template: UUID, **says: Any) -> None:
    await rows.execute(
        "insert into rule_editions (rule_id, since, template_id, definition) values (:rule, :since, :template, :says)",
        rule=rule,
        since=since,
        template=template,
        says=definition(existing_sessions=False, **says).model_dump_json(by_alias=True),
    )


# Rules, as they stand for one session.


async def test_a_session_reads_what_it_says_of_a_rule_and_no_other_does(
    rows: Rows,
) -> None:  # F014, F015, F073
    rule = await rows.rule("j7", at="09:00")
    other = await rows.template("other")
    here, elsewhere = await rows.session("S-1"), await rows.session("S-2")
    await override(rows, here, rule, offset="-P3D", at="08:30", template=other)

    found = await only_rule(rows, here)
    trigger = found.definition.trigger
    assert (trigger.offset, trigger.at and trigger.at.isoformat()) == (Offset(days=-3), "08:30:00")
    assert (found.template, found.off_here) == (other, False)
    as_it_is = await only_rule(rows, elsewhere)
    assert (as_it_is.definition.trigger.offset, as_it_is.template) == (Offset(days=-7), None)


@pytest.mark.parametrize(("active", "off"), [(None, False), (True, False), (False, True)])
async def test_a_rule_may_be_off_for_one_session(
    rows: Rows, active: bool | None, *, off: bool
) -> None:  # F048, F072
    rule = await rows.rule()
    session = await rows.session()
    await override(rows, session, rule, active=active)

    assert (await only_rule(rows, session)).off_here is off


async def test_an_override_with_the_template_of_the_rule_is_none(rows: Rows) -> None:
    rule = await rows.rule()
    session = await rows.session()
    await override(rows, session, rule, template=await rows.one("select template_id from rules"))

    assert (await only_rule(rows, session)).template is None


async def test_a_session_goes_by_the_newest_edition_that_is_not_newer_than_itself(rows: Rows) -> None:  # C1
    rule = await rows.rule(existing_sessions=False, offset="-P9D")
    first, second = await rows.template("first"), await rows.template("second")
    session = await rows.session()
    made = await rows.one("select created_at from sessions")
    await rows.execute("delete from rule_editions")

    assert (await only_rule(rows, session)).too_new

    await edition(rows, rule, made + timedelta(seconds=1), second, offset="-P2D")
    assert (await only_rule(rows, session)).too_new
    await edition(rows, rule, made - DAY, first, offset="-P1D")
    found = await only_rule(rows, session)
    assert (found.too_new, found.definition.trigger.offset, found.template) == (False, Offset(days=-1), first)
    await edition(rows, rule, made, second, offset="-P2D")
    found = await only_rule(rows, session)
    assert (found.definition.trigger.offset, found.template) == (Offset(days=-2), second)


async def test_an_older_session_may_be_given_a_rule_by_hand(rows: Rows) -> None:  # F008
    rule = await rows.rule(existing_sessions=False)
    await rows.execute("delete from rule_editions")
    session = await rows.session()
    await override(rows, session, rule, active=True)

    found = await only_rule(rows, session)

    assert (found.too_new, found.definition.trigger.offset) == (False, Offset(days=-7))


async def test_editions_are_of_no_account_to_a_rule_for_all_sessions(rows: Rows) -> None:
    rule = await rows.rule()
    session = await rows.session()
    await edition(rows, rule, await rows.now() - DAY, await rows.template("other"), offset="-P1D")

    found = await only_rule(rows, session)

    assert (found.too_new, found.definition.trigger.offset, found.template) == (False, Offset(days=-7), None)


async def test_a_rule_of_one_session_is_read_there_only(rows: Rows) -> None:  # F014
    session, other = await rows.session("S-1"), await rows.session("S-2")
    rule = await rows.rule("own")
    await rows.execute("update rules set session_id = :session", session=session)

    assert [one.id for one in (await read(rows, session)).rules] == [rule]
    assert (await read(rows, other)).rules == []


async def test_the_other_templates_of_a_rule_are_read_with_it(rows: Rows) -> None:
    last, moved = await rows.template("last"), await rows.template("moved")
    await rows.rule(
        repeat={"every": "P7D", "at_most": 2, "then": {"to": "manager", "template": "last"}},
        correction={"template": "moved"},
    )

    assert (await only_rule(rows, await rows.session())).templates == {"last": last, "moved": moved}


async def test_the_memory_of_a_rule_is_read(rows: Rows) -> None:
    await rows.rule()
    await rows.execute("update rules set memory = 3")

    assert (await only_rule(rows, await rows.session())).memory == 3


# Sessions and participants.


async def test_the_center_of_a_session_and_the_clocks_of_its_organization_are_read(rows: Rows) -> None:
    await rows.execute("update organizations set zone = 'Asia/Tokyo'")

    found = (await read(rows, await rows.session(center="paris"))).session

    assert (found.center, found.zone, found.organization_zone) == ("paris", "UTC", "Asia/Tokyo")


async def somebody(rows: Rows, session: UUID, **said: Any) -> Participation:
    await rows.participant(session, "ada", **said)
    everybody = (await read(rows, session)).participations
    (found,) = [one for one in everybody if one.role is Role.PARTICIPANT]
    return found


async def test_the_own_dates_of_a_participant_are_read(rows: Rows) -> None:  # F010
    found = await somebody(
        rows, await rows.session(), starts_at=NINE, ends_at=NINE + DAY, deadline_at=NINE + 2 * DAY
    )

    assert (found.own.dates, found.own.deadline_at) == (Dated(NINE, NINE + DAY), NINE + 2 * DAY)


async def test_facts_are_read_with_when_they_were_written_down(rows: Rows) -> None:
    before = await rows.now()
    found = await somebody(rows, await rows.session(), started_at=NINE, completed_at=NINE + DAY)

    assert found.own.started
    assert found.own.completed
    assert found.own.enrolled
    assert (found.own.started.at, found.own.completed.at) == (NINE, NINE + DAY)
    assert before <= found.own.started.recorded_at <= await rows.now()
    assert before <= found.own.enrolled.at == found.own.enrolled.recorded_at


async def test_whoever_has_no_dates_shares_them_with_all_who_come_to_the_same(rows: Rows) -> None:
    """So that ten thousand cost no more than they must."""
    session = await rows.session()
    await rows.participants(session, 3)

    owns = [one.own for one in (await read(rows, session)).participations]

    assert owns == [Own()] * 3
    assert len(set(map(id, owns))) == 1


async def test_the_zone_of_a_person_and_their_company_are_read(rows: Rows) -> None:
    acme = await rows.company("acme")
    session = await rows.session()
    found = await somebody(rows, session, company=acme)
    assert (found.zone, found.company) == (None, acme)

    await rows.execute("update people set zone = 'Asia/Tokyo'")
    people = (await read(rows, session)).participations
    assert {one.role: one.zone for one in people} == {Role.PARTICIPANT: "Asia/Tokyo", Role.COMPANY: None}


async def test_first_and_last_slot_are_of_those_they_come_to_and_synchronous(
    rows: Rows,
) -> None:  # F050, F051
    def slot(key: str, day: int, *, synchronous: bool = True) -> Slot:
        starts_at = NINE + day * DAY
        return Slot(key, key, None, starts_at, starts_at + timedelta(hours=2), synchronous=synchronous)

    slots = [
        slot("online", 0, synchronous=False),
        slot("first", 1),
        slot("second", 2),
        slot("later", 9, synchronous=False),
    ]
    session = await rows.session(slots=slots, modules=[Module("m", "M")])
    ids = {row.key: row.id for row in await rows.execute("select key, id from slots")}
    await rows.participant(session, "all")
    await rows.participant(session, "some", slots=frozenset({ids["second"], ids["later"]}))
    await rows.participant(session, "online", slots=frozenset({ids["online"]}))
    await rows.participant(session, "eve", Role.TRAINER, slots=frozenset({ids["first"]}))

    names = {row.id: row.key for row in await rows.execute("select id, key from people")}
    found = {names[one.recipient]: one.own.synchronous for one in (await read(rows, session)).participations}

    ends = timedelta(hours=2)
    assert found == {
        "all": Dated(NINE + DAY, NINE + 2 * DAY + ends),
        "some": Dated(NINE + 2 * DAY, NINE + 2 * DAY + ends),
        "online": Dated(),
        "eve": Dated(NINE + DAY, NINE + DAY + ends),
    }


# Two grains.


async def test_a_dirty_company_is_read_with_its_people_where_a_rule_asks_for_them(rows: Rows) -> None:  # F019
    acme = await rows.company("acme")
    session = await rows.session()
    for person in ("ada", "bob"):
        await rows.participant(session, person, company=acme)
    await rows.plan(session)
    await rows.execute("update participations set version = version + 1 where role = 'company'")

    with counted(rows.store) as without:
        found = await read(rows, session)
    assert ([one.role for one in found.participations], found.colleagues) == ([Role.COMPANY], [])

    await rows.rule(audience="companies", anchor="participation.start")
    await rows.execute("update participations set version = version + 1 where role = 'company'")
    with counted(rows.store) as grouped:
        found = await read(rows, session)
    assert ([one.role for one in found.participations], len(found.colleagues)) == ([Role.COMPANY], 2)
    assert len(grouped) == len(without) + 1


async def test_a_dirty_participant_is_read_without_their_colleagues(rows: Rows) -> None:
    acme = await rows.company("acme")
    session = await rows.session()
    await rows.rule(audience="companies", anchor="participation.start")
    for person in ("ada", "bob"):
        await rows.participant(session, person, company=acme)
    await rows.plan(session)
    await rows.execute(
        "update participations set version = version + 1 where person_id = (select id from people where key = 'ada')"
    )

    found = await read(rows, session)

    assert (len(found.participations), found.colleagues) == (1, [])


async def test_whoever_is_planned_with_their_company_is_no_colleague_too(rows: Rows) -> None:
    acme = await rows.company("acme")
    session = await rows.session()
    await rows.rule(audience="companies", anchor="participation.start")
    await rows.participant(session, "ada", company=acme)
    await rows.plan(session)
    await rows.participant(session, "bob", company=acme)

    found = await read(rows, session)

    names = {row.id: row.key for row in await rows.execute("select id, key from people")}
    assert {one.role for one in found.participations} == {Role.PARTICIPANT, Role.COMPANY}
    assert [names[one.recipient] for one in found.colleagues] == ["ada"]


# A rule in another form.


async def test_a_rule_is_read_in_another_form_with_what_the_session_says_of_it(rows: Rows) -> None:
    rule = await rows.rule("j7", at="09:00")
    await rows.rule("another")
    session = await rows.planned("ada", rule="j7")
    other = await rows.template("other")
    await override(rows, session, rule, at="10:00", template=other)
    edited = RuleFacts(rule, 7, definition(offset="-P3D", at="08:00"))

    (found,) = (await read(rows, session, replacing=edited)).rules

    assert found.definition == definition(offset="-P3D", at="10:00")
    assert (found.version, found.template, found.off_here) == (7, other, False)


async def test_a_rule_that_is_not_saved_is_read_beside_everybody_it_may_concern(rows: Rows) -> None:
    session = await rows.planned("ada", "bob")
    moved = await rows.template("moved")
    new = RuleFacts(uuid4(), 1, definition(offset="-P1D", correction={"template": "moved"}))

    found = await read(rows, session, replacing=new)

    assert [(rule.id, rule.templates) for rule in found.rules] == [(new.id, {"moved": moved})]
    assert len(found.participations) == 2
    assert found.sends == []
    assert len(plan(found)) == 2


@pytest.mark.parametrize(
    ("active", "off", "too_new"), [(None, False, True), (False, True, True), (True, False, False)]
)
async def test_a_switch_of_the_session_goes_for_another_form_too(
    rows: Rows, active: bool | None, *, off: bool, too_new: bool
) -> None:
    rule = await rows.rule()
    session = await rows.session()
    await override(rows, session, rule, active=active)

    (found,) = (await read(rows, session, replacing=RuleFacts(rule, 1, definition(), too_new=True))).rules

    assert (found.off_here, found.too_new) == (off, too_new)


async def test_reading_without_a_lock_waits_for_nobody_and_nobody_for_it(rows: Rows) -> None:
    session = await rows.planned("ada")
    async with rows.store.transaction() as planning:
        await load_snapshot(planning, session)
        async with rows.store.transaction() as db:
            await load_snapshot(db, session, lock=False)
    async with rows.store.transaction() as db:
        await load_snapshot(db, session, lock=False)
        await rows.execute("select from rules for update nowait")
        assert await rows.plan(session) == 0


async def test_a_snapshot_is_read_in_as_many_statements_whatever_there_is(rows: Rows) -> None:
    counts = set()
    acme = await rows.company("acme")
    for size in (1, 5):
        for number in range(size):
            await rows.rule(f"rule-{size}-{number}", audience="companies", anchor="participation.start")
        session = await rows.session(f"S-{size}")
        for number in range(size):
            await rows.participant(session, f"p-{number}", company=acme, starts_at=NINE + number * WEEK)
        with counted(rows.store) as statements:
            await read(rows, session)
        counts.add(len(statements))

    assert len(counts) == 1
