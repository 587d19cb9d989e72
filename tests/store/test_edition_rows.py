"""A rule that leaves existing sessions alone: what does each session go by, and since when (C1, F004-F008)?"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.outlook import Kind, Part
from domain.session_rules import OverrideBody
from store.foresight import foresee_rule, read_rule_forms
from store.locks import change_facts
from store.rules import activate_rule, deactivate_rule, find_rule, replace_rule
from store.session_rules import put_overrides
from tests.store.store_rows import Rows, definition

LATER: dict[str, Any] = {"existing_sessions": False}


async def editions(rows: Rows) -> list[str]:
    """Return the offsets of the editions there are, the oldest first."""
    found = await rows.execute(
        "select definition #>> '{trigger,offset}' as says from rule_editions order by since"
    )
    return [row.says for row in found]


async def session(rows: Rows, key: str) -> UUID:
    made = await rows.session(key)
    await rows.participant(made, "ada")
    return made


async def plans(rows: Rows, *sessions: UUID) -> list[list[int]]:
    """Return, for each session, how many days before it its waiting mails leave."""
    found = []
    for one in sessions:
        await rows.plan(one)
        starts_at = await rows.one("select starts_at from sessions where id = :one", one=one)
        waiting = [row for row in await rows.sends(session=one) if row["status"] == "scheduled"]
        found.append(sorted((starts_at - row["due_at"]).days for row in waiting))
    return found


async def edit(rows: Rows, *, apply: bool = False, template: str = "invitation", **says: Any) -> int:
    """Edit the rule, roll it out, and return its version."""
    made = await rows.template(template)
    async with rows.store.transaction() as db:
        rule = await replace_rule(
            db,
            rows.organization,
            "j7",
            name="j7",
            template=made,
            definition=definition(**says),
            apply_to_existing=apply,
        )
    assert rule
    await rows.roll_out(rule.id)
    return rule.version


async def switch(rows: Rows, *, on: bool) -> None:
    async with rows.store.transaction() as db:
        rule = await find_rule(db, rows.organization, "j7")
        assert rule
        await (activate_rule if on else deactivate_rule)(db, rule.id)
    await rows.roll_out(rule.id)


async def test_a_rule_can_leave_alone_what_was_there_before_it(rows: Rows) -> None:
    """C1, F005, F007: it concerns the sessions made from its activation on, not from its making on."""
    old = await session(rows, "old")
    await rows.rule(active=False, **LATER)
    between = await session(rows, "between")
    assert await editions(rows) == []

    await switch(rows, on=True)
    new = await session(rows, "new")

    assert await plans(rows, old, between, new) == [[], [], [7]]
    assert await editions(rows) == ["-P7D"]


async def test_any_other_rule_has_no_editions(rows: Rows) -> None:
    old = await session(rows, "old")
    await rows.rule()
    await edit(rows, offset="-P5D")

    assert await plans(rows, old) == [[5]]
    assert await editions(rows) == []


async def test_switched_off_and_on_it_goes_on_with_the_same_sessions(rows: Rows) -> None:
    await rows.rule(**LATER)
    first = await session(rows, "first")
    await switch(rows, on=False)
    second = await session(rows, "second")
    assert await plans(rows, first, second) == [[], []]

    await switch(rows, on=True)

    assert await plans(rows, first, second) == [[7], [7]]
    assert await editions(rows) == ["-P7D"]


async def test_an_edit_reaches_later_sessions_only(rows: Rows) -> None:
    """F007: what was saved is not retroactive."""
    await rows.rule(**LATER)
    first = await session(rows, "first")
    await edit(rows, offset="-P5D", **LATER)
    second = await session(rows, "second")
    await edit(rows, offset="-P3D", **LATER)
    third = await session(rows, "third")

    assert await plans(rows, first, second, third) == [[7], [5], [3]]
    assert await editions(rows) == ["-P7D", "-P5D", "-P3D"]


async def test_a_new_template_reaches_later_sessions_only(rows: Rows) -> None:
    await rows.rule(**LATER)
    first = await session(rows, "first")
    await edit(rows, template="another", **LATER)
    second = await session(rows, "second")
    await plans(rows, first, second)

    found = await rows.execute("""
        select coalesce(named.key, own.key) as key from sends s
        join sessions on sessions.id = s.session_id join rules r on r.id = s.rule_id
        join templates own on own.id = r.template_id left join templates named on named.id = s.template_id
        order by sessions.key
    """)
    assert [row.key for row in found] == ["invitation", "another"]


async def test_an_edit_can_reach_the_sessions_it_concerns_already(rows: Rows) -> None:
    """And still not those that are older than the rule."""
    old = await session(rows, "old")
    await rows.rule(**LATER)
    first = await session(rows, "first")
    version = await edit(rows, offset="-P5D", **LATER)
    second = await session(rows, "second")

    assert await edit(rows, offset="-P5D", apply=True, **LATER) > version  # nothing but who goes by it
    assert await plans(rows, old, first, second) == [[], [5], [5]]

    await edit(rows, offset="-P2D", apply=True, **LATER)
    third = await session(rows, "third")
    assert await plans(rows, old, first, second, third) == [[], [2], [2], [2]]


@pytest.mark.parametrize("apply", [False, True])
async def test_the_same_again_writes_nothing(rows: Rows, apply: bool) -> None:
    await rows.rule(**LATER)
    await edit(rows, offset="-P5D", apply=True, **LATER)
    written = "select version, since, rule_editions.definition from rules join rule_editions on rule_id = id"
    before = await rows.execute(written)

    await edit(rows, offset="-P5D", apply=apply, **LATER)

    assert len(before) == 1
    assert await rows.execute(written) == before


@pytest.mark.parametrize(("apply", "goes_by"), [(False, 7), (True, 5)])
async def test_a_rule_of_all_sessions_that_is_to_leave_existing_ones_alone_goes_on_there(
    rows: Rows, apply: bool, goes_by: int
) -> None:
    old = await session(rows, "old")
    await rows.rule()
    await edit(rows, offset="-P5D", apply=apply, **LATER)
    new = await session(rows, "new")

    assert await plans(rows, old, new) == [[goes_by], [5]]


async def test_one_that_was_off_concerned_nobody(rows: Rows) -> None:
    old = await session(rows, "old")
    await rows.rule(active=False)
    await edit(rows, offset="-P5D", **LATER)
    await switch(rows, on=True)

    assert await plans(rows, old, await session(rows, "new")) == [[], [5]]


async def test_a_rule_that_no_longer_leaves_any_alone_is_one_for_all(rows: Rows) -> None:
    old = await session(rows, "old")
    await rows.rule(**LATER)
    first = await session(rows, "first")
    await edit(rows, offset="-P5D", **LATER)

    await edit(rows, offset="-P3D")

    assert await plans(rows, old, first) == [[3], [3]]
    assert await editions(rows) == []


async def give(rows: Rows, session: UUID, template: str | None = None) -> None:
    """Have a session go by the rule by hand."""
    made = await rows.template(template or "invitation")
    async with rows.store.transaction() as db:
        rule = await find_rule(db, rows.organization, "j7")
        assert rule
        await change_facts(db, session)
        said = {rule.id: OverrideBody(active=True, template=template)}
        await put_overrides(db, session, said, {template: made} if template else {})


async def test_an_edit_for_later_sessions_leaves_alone_one_that_was_given_the_rule_by_hand(
    rows: Rows,
) -> None:
    """F007, F008: it goes on by what the rule said when it was given it; an edit that is to reach it does."""
    first, second = await session(rows, "first"), await session(rows, "second")
    await rows.rule(**LATER)
    await give(rows, first)
    assert await plans(rows, first, second) == [[7], []]

    await edit(rows, offset="-P5D", **LATER)
    await give(rows, second)
    await edit(rows, offset="-P3D", **LATER)
    await give(rows, first, template="another")  # that it is active is nothing new

    assert await plans(rows, first, second) == [[7], [5]]
    assert await foreseen(rows) == {}
    await edit(rows, offset="-P2D", apply=True, **LATER)
    assert await plans(rows, first, second) == [[2], [2]]


async def test_one_that_was_given_a_rule_before_that_was_active_goes_by_what_it_said_first(
    rows: Rows,
) -> None:
    old = await session(rows, "old")
    await rows.rule(active=False, **LATER)
    await give(rows, old)
    await edit(rows, offset="-P5D", **LATER)
    await switch(rows, on=True)
    assert await plans(rows, old) == [[5]]

    await edit(rows, offset="-P3D", **LATER)

    assert await plans(rows, old) == [[5]]
    assert await foreseen(rows) == {}


async def foreseen(rows: Rows) -> Mapping[Kind, Part]:
    """Return what the rule would do to the mails, as it stands."""
    async with rows.store.transaction() as db:
        rule = await find_rule(db, rows.organization, "j7")
        assert rule
        (form,) = await read_rule_forms(db, [rule.id])
    return (await foresee_rule(rows.store.engine, form)).outlook.parts


async def test_due_times_that_are_past_stay_past(rows: Rows) -> None:
    """F069, for a rule that is edited for existing sessions."""
    await rows.rule(**LATER)
    first = await session(rows, "first")
    await rows.advance(timedelta(days=10))

    await edit(rows, offset="-P6D", apply=True, **LATER)

    assert await plans(rows, first) == [[]]
