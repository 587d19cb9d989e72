"""What a session says of rules: does it stop and move mails there, at once, and nowhere else (F014, F015, F071-F073)?"""

from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.session_rules import OverrideBody
from store.delivery import NotFencedError, claim
from store.locks import change_facts
from store.own_rules import delete_own_rule, put_own_rule, switch_own_rule
from store.rules import delete_rule, insert_rule
from store.session_rules import (
    delete_override,
    find_session_rules,
    list_overrides,
    list_session_rules,
    put_overrides,
)
from store.sessions import delete_session
from store.template_uses import list_template_uses
from tests.store.store_rows import LEASE, Rows, definition


async def say(rows: Rows, session: UUID, rule: UUID, **said: Any) -> bool:
    """Have a session say something of a rule; return whether that changed anything."""
    templates = {said["template"]: await rows.template(said["template"])} if "template" in said else {}
    async with rows.store.transaction() as db:
        await change_facts(db, session)
        return await put_overrides(db, session, {rule: OverrideBody.model_validate(said)}, templates)


async def say_nothing(rows: Rows, session: UUID, rule: UUID) -> bool:
    async with rows.store.transaction() as db:
        await change_facts(db, session)
        return await delete_override(db, session, rule)


async def own(rows: Rows, session: UUID, key: str = "own", *, active: bool = True, **says: Any) -> bool:
    """Give a session a rule of its own; return whether its mails follow."""
    template = await rows.template()
    async with rows.store.transaction() as db:
        await change_facts(db, session)
        named = says.pop("name", key)
        return await put_own_rule(
            db, session, key, name=named, template=template, definition=definition(**says), active=active
        )


async def plans(rows: Rows, session: UUID) -> list[tuple[str, int, str | None]]:
    """Return status, days before the start, and reason of the mails of a session, once it is planned."""
    await rows.plan(session)
    starts_at = await rows.one("select starts_at from sessions where id = :session", session=session)
    found = await rows.sends(session=session)
    return sorted((row["status"], (starts_at - row["due_at"]).days, row["reason"]) for row in found)


@pytest.fixture
async def two(rows: Rows) -> tuple[UUID, UUID, UUID]:
    """A rule, and two sessions that go by it."""
    here, there = await rows.planned("ada", session="here"), await rows.planned("bob", session="there")
    return await rows.one("select id from rules"), here, there


SCHEDULED = [("scheduled", 7, None)]


async def test_a_rule_can_be_off_for_one_session_only(rows: Rows, two: tuple[UUID, UUID, UUID]) -> None:
    """F048, F071, F072, F073"""
    rule, here, there = two
    before = await rows.execute("select * from rules")

    assert await say(rows, here, rule, active=False)

    assert await plans(rows, here) == [("removed", 7, "switched_off_here")]
    assert await plans(rows, there) == SCHEDULED
    assert await rows.execute("select * from rules") == before

    assert await say_nothing(rows, here, rule)
    assert await plans(rows, here) == SCHEDULED


async def test_once_it_is_off_nothing_leaves_before_it_is_planned(rows: Rows) -> None:
    send = await rows.due()
    claimed = await rows.claimed(send)
    row = await rows.row(send)

    await say(rows, row["session_id"], row["rule_id"], active=False)

    with pytest.raises(NotFencedError):
        await rows.fence(claimed)
    assert (await rows.row(send))["status"] == "claimed"
    await rows.advance(2 * LEASE)
    async with rows.store.transaction() as db:
        assert await claim(db, send, row["version"], uuid4(), LEASE) is None


async def test_time_and_template_are_the_sessions_own(rows: Rows, two: tuple[UUID, UUID, UUID]) -> None:
    """F014, F015"""
    rule, here, there = two

    assert await say(rows, here, rule, offset="-P3D", template="another")

    assert await plans(rows, here) == [("scheduled", 3, None)]
    assert await plans(rows, there) == SCHEDULED
    named = await rows.execute(
        "select t.key from sends s left join templates t on t.id = s.template_id order by 1"
    )
    assert [row.key for row in named] == ["another", None]


async def test_the_same_again_makes_nothing_dirty(rows: Rows, two: tuple[UUID, UUID, UUID]) -> None:
    rule, here, _ = two
    off, on = {"active": False}, {"active": True}

    written = [await say(rows, here, rule, **said) for said in (off, off, on, on | {"at": "10:00"}) * 2]

    assert written == [True, False, True, True] * 2
    assert await say_nothing(rows, here, rule)
    assert not await say_nothing(rows, here, rule)


async def test_a_session_may_go_by_a_rule_that_leaves_it_alone(rows: Rows) -> None:
    """F007, F008: it was there before."""
    here, there = await rows.session("here"), await rows.session("there")
    for one in (here, there):
        await rows.participant(one, "ada")
    rule = await rows.rule(existing_sessions=False)
    assert [await plans(rows, one) for one in (here, there)] == [[], []]

    await say(rows, here, rule, active=True)

    assert [await plans(rows, one) for one in (here, there)] == [SCHEDULED, []]


async def test_a_rule_of_its_own_writes_to_its_session_only(rows: Rows) -> None:
    """F014, F015"""
    here, there = await rows.session("here"), await rows.session("there")
    for one in (here, there):
        await rows.participant(one, "ada")

    assert await own(rows, here)

    assert [await plans(rows, one) for one in (here, there)] == [SCHEDULED, []]
    assert await rows.one("select version = planned_version from rules")


async def test_a_rule_of_its_own_is_edited_switched_and_deleted(rows: Rows) -> None:
    here = await rows.session("here")
    await rows.participant(here, "ada")
    await own(rows, here)
    await plans(rows, here)

    assert await own(rows, here, offset="-P3D")
    assert await plans(rows, here) == [("scheduled", 3, None)]
    assert not await own(rows, here, offset="-P3D")
    assert not await own(rows, here, offset="-P3D", name="for people")
    assert await rows.one("select name from rules") == "for people"

    rule = await rows.one("select id from rules")
    async with rows.store.transaction() as db:
        await switch_own_rule(db, rule, active=False)
    assert await plans(rows, here) == [("removed", 3, "rule_deactivated")]
    assert await own(rows, here, offset="-P3D")
    assert await plans(rows, here) == [("scheduled", 3, None)]

    async with rows.store.transaction() as db:
        await delete_own_rule(db, rule)
    assert await plans(rows, here) == [("removed", 3, "rule_deleted")]
    assert await rows.one("select version = planned_version from rules")


async def test_made_again_it_is_a_new_rule_whose_version_goes_on(rows: Rows) -> None:
    here = await rows.session("here")
    await own(rows, here)
    (old,) = await rows.execute("select id, version from rules")
    async with rows.store.transaction() as db:
        await delete_own_rule(db, old.id)

    await own(rows, here)

    new = (await find(rows, here))["own"]
    assert new.id != old.id
    assert new.version > old.version


async def find(rows: Rows, session: UUID) -> dict[str, Any]:
    async with rows.store.transaction() as db:
        return {rule.key: rule for rule in await list_session_rules(db, session)}


async def test_it_stops_with_its_session_and_comes_back_with_it(rows: Rows) -> None:
    here = await rows.session("here")
    await rows.participant(here, "ada")
    await own(rows, here)
    await plans(rows, here)
    async with rows.store.transaction() as db:
        await delete_session(db, rows.organization, "here")
    assert [row[2] for row in await plans(rows, here)] == ["session_deleted"]

    await rows.session("here")

    assert [row[0] for row in await plans(rows, here)] == ["scheduled"]


async def test_two_sessions_may_have_rules_under_one_key(rows: Rows) -> None:
    here, there = await rows.session("here"), await rows.session("there")
    await own(rows, here)
    await own(rows, there, offset="-P3D")

    found = [(await find(rows, one))["own"] for one in (here, there)]

    assert len({rule.id for rule in found}) == 2
    assert [str(rule.definition.trigger.offset) for rule in found] == ["-P7D", "-P3D"]


async def test_a_session_has_everybodys_rules_and_its_own_under_what_it_says(rows: Rows) -> None:
    """F013, F071"""
    here, there = await rows.session("here"), await rows.session("there")
    rule = await rows.rule("j7")
    await rows.rule("later", existing_sessions=False, active=False)
    gone = await rows.rule("gone")
    async with rows.store.transaction() as db:
        await delete_rule(db, gone)
    await own(rows, here)
    await own(rows, there, "theirs")
    await say(rows, here, rule, at="10:00", template="another")

    found = await find(rows, here)

    assert [*found] == ["j7", "later", "own"]
    assert {key: rule.own for key, rule in found.items()} == {"j7": False, "later": False, "own": True}
    said = found["j7"].override
    assert said == OverrideBody.model_validate({"at": "10:00", "template": "another"})
    assert (found["j7"].template, found["own"].override) == ("invitation", None)


async def test_a_session_has_the_edition_of_a_rule_that_it_goes_by(rows: Rows) -> None:
    old = await rows.session("old")
    await rows.rule(existing_sessions=False)
    here = await rows.session("here")
    await rows.edit_rule(offset="-P3D", template="another", existing_sessions=False)
    new = await rows.session("new")

    found = [(await find(rows, one))["j7"] for one in (old, here, new)]

    assert [rule.too_new for rule in found] == [True, False, False]
    assert [str(rule.definition.trigger.offset) for rule in found[1:]] == ["-P7D", "-P3D"]
    assert [rule.template for rule in found[1:]] == ["invitation", "another"]


async def test_what_many_sessions_say_alike_is_told_once(rows: Rows) -> None:
    rule = await rows.rule()
    overrides: dict[str, dict[str, Any]] = {
        "a": {"active": False},
        "b": {"at": "10:00"},
        "c": {"at": "10:00", "active": False},
        "d": {"template": "x"},
    }
    for key, said in overrides.items():
        await say(rows, await rows.session(key), rule, **said)

    async with rows.store.transaction() as db:
        found = await list_overrides(db, rule)

    assert sorted(session for session, _ in found) == ["b", "d"]


async def test_a_template_knows_everybody_who_uses_it(rows: Rows) -> None:
    """Rules by template, last mail, correction; what they said before; and what sessions say."""
    used = await rows.template("used")
    weekly = {"every": "P7D", "at_most": 2, "then": {"template": "used"}}
    here = await rows.session("here")
    await rows.rule("a", template="used")
    await rows.rule("b", repeat=weekly)
    await rows.rule("c", correction={"template": "used"})
    rule = await rows.rule("d")
    await say(rows, here, rule, template="used")
    await rows.rule("e")
    deleted = await rows.rule("f", template="used")
    async with rows.store.transaction() as db:
        await delete_rule(db, deleted)
        later = definition(existing_sessions=False)
    async with rows.store.transaction() as db:
        await insert_rule(db, rows.organization, "g", name="g", template=used, definition=later)
    await own(rows, here, repeat=weekly)

    async with rows.store.transaction() as db:
        found = await list_template_uses(db, rows.organization, used, "used")

    assert [(use.rule, use.session, use.is_own) for use in found] == [
        ("a", None, True),
        ("b", None, False),
        ("c", None, False),
        ("d", "here", True),
        ("g", None, True),
        ("own", "here", False),
    ]


async def test_an_edition_that_sessions_go_by_uses_its_template_still(rows: Rows) -> None:
    used = await rows.template("used")
    await rows.rule(template="used", existing_sessions=False)
    await rows.edit_rule(template="another", existing_sessions=False)

    async with rows.store.transaction() as db:
        found = await list_template_uses(db, rows.organization, used, "used")

    assert [use.rule for use in found] == ["j7"]


@pytest.mark.parametrize(
    ("status", "used"),
    [("scheduled", True), ("claimed", True), ("handing_over", True), ("in_doubt", True)]
    + [(status, False) for status in ("sent", "failed", "removed", "cancelled")],
)
async def test_a_mail_that_waits_uses_the_template_that_it_was_planned_by(
    rows: Rows, status: str, *, used: bool
) -> None:
    """A last mail, say, of a series whose rule has another by now, until planning has followed."""
    template = await rows.template("used")
    await rows.planned("ada")
    stands = "update sends set template_id = :template, status = :status, token = gen_random_uuid()"
    await rows.execute(stands, template=template, status=status)

    async def uses() -> list[tuple[str, str | None, bool]]:
        async with rows.store.transaction() as db:
            found = await list_template_uses(db, rows.organization, template, "used")
        return [(use.rule, use.session, use.is_own) for use in found]

    assert await uses() == ([("j7", "S-1", False)] if used else [])

    await rows.edit_rule(correction={"template": "used"})
    assert await uses() == [("j7", None, False)]  # the rule says so for all


async def test_what_a_deleted_session_says_keeps_no_template(rows: Rows) -> None:
    used, here = await rows.template("used"), await rows.session("here")
    await say(rows, here, await rows.rule(), template="used")
    async with rows.store.transaction() as db:
        await delete_session(db, rows.organization, "here")
        assert await list_template_uses(db, rows.organization, used, "used") == []


async def test_of_two_rules_under_one_key_a_session_means_its_own(rows: Rows) -> None:
    here = await rows.session("here")
    await rows.rule("own")
    await own(rows, here)

    async with rows.store.transaction() as db:
        found = await find_session_rules(db, here, "own", "none")

    assert [(key, rule.own) for key, rule in found.items()] == [("own", True)]
