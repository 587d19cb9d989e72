"""What does a rule's switch do, and does a rule made again remember anything?"""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.exc import DBAPIError

from domain.participations import Role
from domain.sends import REVOCABLE, Status
from store.participants import add_participant, remove_participant
from store.places import Module, Slot
from store.rules import (
    Rule,
    RuleExistsError,
    activate_rule,
    contact_again,
    deactivate_rule,
    delete_rule,
    fetch_rule,
    find_rule,
    insert_rule,
    list_rules,
    mark_rolled_out,
    note_roll_out,
    replace_rule,
)
from store.templates import find_template
from tests.store.store_rows import WEEK, Rows, definition


async def insert(rows: Rows, key: str = "j7") -> Rule:
    template = await rows.template()
    async with rows.store.transaction() as db:
        return await insert_rule(
            db, rows.organization, key, name=key, template=template, definition=definition()
        )


async def find(rows: Rows, key: str = "j7") -> Rule:
    async with rows.store.transaction() as db:
        return await fetch_rule(db, rows.organization, key)


async def switch(rows: Rows, rule: UUID, *, on: bool) -> None:
    async with rows.store.transaction() as db:
        await (activate_rule if on else deactivate_rule)(db, rule)


async def delete(rows: Rows, rule: UUID) -> None:
    async with rows.store.transaction() as db:
        await delete_rule(db, rule)


async def test_a_new_rule_is_inactive_and_asks_for_no_roll_out(rows: Rows) -> None:  # F066
    rule = await insert(rows)

    assert (rule.active, rule.dirty, rule.version) == (False, False, 1)
    assert rule.definition == definition()
    assert rule.template == "invitation"


async def test_a_key_is_taken_once(rows: Rows) -> None:
    await insert(rows)

    with pytest.raises(RuleExistsError):
        await insert(rows)


async def test_of_two_who_make_the_same_rule_at_once_one_is_told(rows: Rows) -> None:
    await rows.template()

    made = await asyncio.gather(*(insert(rows) for _ in range(4)), return_exceptions=True)

    assert sorted(type(one).__name__ for one in made) == ["Rule"] + ["RuleExistsError"] * 3


async def test_a_rule_made_again_is_a_new_rule_whose_version_goes_on(rows: Rows) -> None:
    old = await insert(rows)
    await switch(rows, old.id, on=True)
    await delete(rows, old.id)
    version = await rows.one("select version from rules where id = :id", id=old.id)

    new = await insert(rows)

    assert new.id != old.id
    assert new.version > version
    assert not new.active
    assert (await find(rows)).id == new.id


async def test_what_a_deleted_rule_sent_does_not_bind_a_new_one(rows: Rows) -> None:
    session = await rows.planned("ada")
    old = await rows.send(session=session)
    async with rows.store.transaction() as db:
        await delete_rule(db, (await fetch_rule(db, rows.organization, "j7")).id)

    await rows.rule("j7")
    await rows.plan(session)

    (again,) = [row for row in await rows.sends(session=session) if row["status"] == "scheduled"]
    assert again["id"] != old


async def test_a_tombstone_cannot_be_switched_edited_or_deleted_again(rows: Rows) -> None:
    """Who fetched the rule a moment before somebody deleted it must not bring it back to life."""
    rule = await insert(rows)
    await delete(rows, rule.id)
    (tombstone,) = await rows.execute("select * from rules")

    await switch(rows, rule.id, on=True)
    await switch(rows, rule.id, on=False)
    await delete(rows, rule.id)
    async with rows.store.transaction() as db:
        assert (
            await replace_rule(
                db, rows.organization, "j7", name="x", template=tombstone.template_id, definition=definition()
            )
            is None
        )

    assert await rows.execute("select * from rules") == [tombstone]
    async with rows.store.transaction() as db:
        assert await find_rule(db, rows.organization, "j7") is None
        with pytest.raises(LookupError):
            await fetch_rule(db, rows.organization, "j7")


async def test_only_an_edit_that_changes_something_makes_a_rule_dirty(rows: Rows) -> None:
    await rows.rule()
    before = await find(rows)
    written = await rows.one("select xmin from rules")

    await rows.edit_rule()
    assert await find(rows) == before
    assert await rows.one("select xmin from rules") == written

    await rows.edit_rule(offset="-P8D")
    after = await find(rows)
    assert (after.version, after.dirty) == (before.version + 1, True)

    await rows.edit_rule(offset="-P8D", template="another")
    assert (await find(rows)).version == before.version + 2
    assert (await find(rows)).template == "another"


async def test_a_new_name_is_written_and_makes_nothing_dirty(rows: Rows) -> None:
    await rows.rule()
    before = await find(rows)

    async with rows.store.transaction() as db:
        template = await rows.template()
        said = definition()
        renamed = await replace_rule(
            db, rows.organization, "j7", name="Renamed", template=template, definition=said
        )

    assert renamed
    assert (renamed.name, renamed.version, renamed.dirty) == ("Renamed", before.version, False)


async def test_everything_a_rule_says_is_kept(rows: Rows) -> None:
    says: dict[str, Any] = {
        "audience": "companies",
        "scope": "slot",
        "anchor": "slot.end",
        "conditions": {"stages": ["confirmed"], "modes": "all", "categories": ["safety", "legal"]},
        "cc": ["trainers", "archive@example.org"],
        "late": {"send_within": "PT2H"},
        "deliver_within": "P3D",
    }
    await rows.rule(**says)

    assert (await find(rows)).definition == definition(**says)


@pytest.mark.parametrize(
    "says",
    [{"audience": "trainers"}, {"audience": "companies"}, {"scope": "module"}, {"scope": "slot"}],
)
async def test_a_rule_that_writes_to_others_or_about_something_else_lets_go_what_waited(
    rows: Rows, says: dict[str, str]
) -> None:
    starts_at = await rows.now() + 2 * WEEK
    places: dict[str, Any] = {
        "modules": [Module("m", "M")],
        "slots": [Slot("s", "S", "m", starts_at, starts_at + timedelta(hours=1))],
    }
    await rows.rule("j7")
    session = await rows.session(**places)
    await rows.participant(session, "ada", company=await rows.company("acme"))
    await rows.participant(session, "eve", Role.TRAINER)
    await rows.plan(session)
    rule = (await find(rows)).id
    before = await rows.send()

    await rows.edit_rule(**says)
    await rows.roll_out(rule)

    (gone,) = [row for row in await rows.sends() if row["status"] == "removed"]
    assert (gone["id"], gone["reason"]) == (before, "rule_edited")
    assert await rows.statuses() == ["removed", "scheduled"]

    await rows.edit_rule()
    await rows.roll_out(rule)
    assert (await rows.row(before))["status"] == "scheduled"
    assert await rows.statuses() == ["removed", "scheduled"]


async def test_a_rule_can_forget_whom_it_has_written_to(rows: Rows) -> None:
    """F105, without a new rule: whoever has its mail gets it again, if it is still to come; nobody gets two."""
    session = await rows.planned("ada", "bob")
    ada, bob = await rows.person("ada"), await rows.person("bob")
    await rows.put_status(await rows.send(recipient=ada), Status.SENT)
    rule = await find(rows)

    async with rows.store.transaction() as db:
        await contact_again(db, rule.id)
    await rows.roll_out(rule.id)

    assert (await find(rows)).memory == rule.memory + 1
    assert await rows.statuses(session=session, recipient=ada) == ["scheduled", "sent"]
    assert await rows.statuses(session=session, recipient=bob) == ["removed", "scheduled"]


async def test_contacting_again_lets_leave_what_queues(rows: Rows) -> None:
    """F105: the new memory would write nothing to them, since their time is past for it (F069)."""
    send = await rows.due()
    rule = (await find(rows)).id

    async with rows.store.transaction() as db:
        await contact_again(db, rule)
    await rows.roll_out(rule)

    assert await rows.statuses() == ["scheduled"]
    await rows.handed_over(send)


async def test_only_a_switch_that_changes_something_makes_a_rule_dirty(rows: Rows) -> None:
    rule = await insert(rows)

    versions = []
    for on in (False, True, True, False, False):
        await switch(rows, rule.id, on=on)
        versions.append((await find(rows)).version)

    assert versions == [1, 2, 2, 3, 3]


async def test_a_rule_switched_off_lets_go_what_can_be_called_back_and_nothing_else(
    rows: Rows,
) -> None:  # F070
    by_status = await rows.in_every_status()
    before = {send["id"]: send for send in await rows.sends()}

    await switch(rows, (await find(rows)).id, on=False)

    for status, send in by_status.items():
        row = await rows.row(send)
        if status in REVOCABLE:
            assert (row["status"], row["reason"], row["token"]) == ("removed", "rule_deactivated", None)
            assert row["version"] == before[send]["version"] + 1
            assert row["trace"][-1]["step"] == "removed"
        else:
            assert row == before[send]


async def test_a_deleted_rule_lets_go_what_waits_and_keeps_what_was_sent(rows: Rows) -> None:  # F065
    session = await rows.planned("ada", "bob")
    sent, waiting = [row["id"] for row in await rows.sends(session=session)]
    await rows.put_status(sent, Status.SENT)

    await delete(rows, (await find(rows)).id)

    assert (await rows.row(sent))["status"] == "sent"
    assert (await rows.row(waiting))["reason"] == "rule_deleted"


async def test_switching_off_touches_no_other_rule(rows: Rows) -> None:
    await rows.rule("thanks", offset="P1D")
    session = await rows.planned("ada")

    await switch(rows, (await find(rows)).id, on=False)

    assert await rows.statuses(session=session) == ["removed", "scheduled"]


async def test_a_rule_switched_on_again_plans_again_what_still_lies_ahead(rows: Rows) -> None:  # F068
    session = await rows.planned("ada")
    rule = (await find(rows)).id
    before = await rows.row(await rows.send())

    await switch(rows, rule, on=False)
    await rows.roll_out(rule)
    await switch(rows, rule, on=True)
    await rows.roll_out(rule)

    after = await rows.row(await rows.send(session=session))
    assert (after["status"], after["reason"], after["ended_at"]) == ("scheduled", None, None)
    assert after["version"] == before["version"] + 2


async def test_how_far_a_roll_out_is_changes_nothing_else_and_ends_with_its_version(rows: Rows) -> None:
    id = await rows.rule()
    begun = await find(rows)
    changed_at = await rows.one("select changed_at from rules")

    async def noted(version: int, sessions: int, total: int) -> Rule:
        async with rows.store.transaction() as db:
            await note_roll_out(db, id, version, sessions=sessions, total=total)
        return await find(rows)

    assert await noted(begun.version - 1, 1, 2) == begun
    assert await noted(begun.version, 1, 2) == replace(begun, rollout_sessions=1, rollout_total=2)
    assert (await noted(begun.version, 3, 2)).rollout_total == 3  # one was made meanwhile
    assert await rows.one("select changed_at from rules") == changed_at

    await rows.edit_rule()  # the same again
    assert (await find(rows)).rollout_sessions == 3
    await rows.edit_rule(offset="-P8D")
    edited = await find(rows)
    assert (edited.rollout_sessions, edited.rollout_total) == (None, None)

    await noted(edited.version, 1, 3)
    await switch(rows, id, on=False)
    switched = await find(rows)
    assert (switched.rollout_sessions, switched.rollout_total) == (None, None)


async def test_a_roll_out_is_done_for_the_version_it_began_with(rows: Rows) -> None:
    await rows.rule()
    await rows.edit_rule(offset="-P8D")
    began = await find(rows)
    await rows.edit_rule(offset="-P9D")

    async with rows.store.transaction() as db:
        assert await mark_rolled_out(db, began.id, began.version)
    assert (await find(rows)).dirty

    async with rows.store.transaction() as db:
        assert not await mark_rolled_out(db, began.id, began.version + 1)
        assert not await mark_rolled_out(db, began.id, began.version)  # late: it takes nothing back
    assert not (await find(rows)).dirty


async def test_rules_are_listed_by_id_without_tombstones(rows: Rows) -> None:
    for key in ("c", "a", "b"):
        await rows.rule(key, active=False)
    await delete(rows, (await find(rows, "b")).id)

    async with rows.store.transaction() as db:
        assert [rule.key for rule in await list_rules(db, rows.organization, 10)] == ["a", "c"]
        assert [rule.key for rule in await list_rules(db, rows.organization, 1)] == ["a"]


async def test_a_template_is_replaced_under_its_id(rows: Rows) -> None:
    first = await rows.template()

    assert await rows.template(allow_resend=True) == first
    async with rows.store.transaction() as db:
        found = await find_template(db, rows.organization, "invitation")
        assert found
        assert found.allow_resend
        assert await find_template(db, rows.organization, "another") is None


async def test_a_rule_cannot_use_the_template_of_another_organization(rows: Rows) -> None:
    other = await rows.one(
        """
        insert into organizations (key, name, zone, language, sender_address, sender_name)
        values ('other', 'Other', 'UTC', 'en', 'x@example.org', 'X') returning id
        """
    )
    template = await rows.template()

    with pytest.raises(DBAPIError, match="fk_rules_organization_id_template_id"):
        async with rows.store.transaction() as db:
            await insert_rule(db, other, "j7", name="j7", template=template, definition=definition())


async def test_a_rule_that_now_writes_to_trainers_asks_the_trainer_whether_they_still_come(
    rows: Rows,
) -> None:
    """A person in two roles keeps their mail; taken out of the role it now goes to, they get none."""
    session = await rows.planned("eve")
    eve = await rows.one("select id from people")
    async with rows.store.transaction() as db:
        await add_participant(db, session, eve, role=Role.TRAINER)
    await rows.plan(session)
    rule = await rows.one("select id from rules")
    await rows.execute(
        """update rules set definition = jsonb_set(definition, '{audience}', '"trainers"'), version = version + 1"""
    )
    await rows.roll_out(rule)
    await rows.advance(WEEK)

    async with rows.store.transaction() as db:
        await remove_participant(db, session, "eve", role=Role.TRAINER)

    send = await rows.send()
    assert await rows.claim(send) is None
    await rows.plan(session)
    assert (await rows.row(send))["reason"] == "participant_removed"
