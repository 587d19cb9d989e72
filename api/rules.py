"""Rules."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from api.callers import InCaller
from api.cursors import CursorText, Limit, cut, read
from api.dry_run import InWriting
from api.etags import tagged
from api.house import InHouse
from api.patches import Patch, patched
from api.problems import Problem
from api.rule_bodies import NewRuleBody, RuleAnswer, RuleBody, Rules, RuleWritten
from api.rule_checks import check_new_day, check_overrides, check_rule
from api.rule_writes import InRuleWrite, answer, fetch_rule, poke, tag
from api.waiting import NO_CONTENT
from domain.keys import Key
from store.caught_up import Awaited
from store.rules import (
    Rule,
    RuleExistsError,
    delete_rule,
    fetch_rule_version,
    insert_rule,
    list_rules,
    replace_rule,
)

router = APIRouter(tags=["rules"])

ApplyToExisting = Annotated[
    bool,
    Query(
        description="of a rule with `existing_sessions: false`: the edit reaches the sessions that it concerns "
        "already, too; else those made from now on",
        examples=[True],
    ),
]


class _EditedMeanwhileError(Exception):
    """What was checked is not what stands there; raised, so that a rehearsal is not taken for finished either."""


@router.post("/rules", status_code=201, responses=tagged(201))
async def post(body: NewRuleBody, house: InWriting, caller: InCaller, response: Response) -> RuleAnswer:
    """Make a rule; it is inactive until it is activated (F066). One that could never send is refused."""
    caller.check_rules(body)
    try:
        async with house.store.transaction() as db:
            template = await check_rule(db, house, body)
            rule = await insert_rule(
                db,
                house.organization.id,
                body.id,
                name=body.name,
                template=template,
                definition=body.definition(),
            )
    except RuleExistsError:
        raise Problem(
            409,
            "rule-exists",
            f"There is a rule {body.id!r}, of all sessions, which PUT /v1/rules/{body.id} edits, or of a single one.",
        ) from None
    await poke(house, rule)
    response.headers["ETag"] = tag(rule)
    return answer(rule)


@router.get("/rules")
async def get_many(house: InHouse, limit: Limit = 100, cursor: CursorText = None) -> Rules:
    """Return rules by id, without those of one session only."""
    (after,) = read(cursor, str) or (None,)
    async with house.store.transaction() as db:
        found = await list_rules(db, house.organization.id, limit + 1, after=after)
    page, next = cut(found, limit, lambda rule: (rule.key,))
    return Rules(items=[answer(rule) for rule in page], next=next)


@router.get("/rules/{id}", responses=tagged())
async def get(id: Key, house: InHouse, response: Response) -> RuleAnswer:
    """Return a rule."""
    async with house.store.transaction() as db:
        rule = await fetch_rule(db, house, id)
    response.headers["ETag"] = tag(rule)
    return answer(rule)


@router.put("/rules/{id}", responses=tagged())
async def put(
    id: Key, body: RuleBody, write: InRuleWrite, apply_to_existing: ApplyToExisting = False
) -> RuleWritten:
    """Edit a rule; an active one re-plans every session. One that could never send is refused."""
    async with write.house.store.transaction() as db:
        await write.watch.begin(db)
        await fetch_rule(db, write.house, id)
        template = await check_rule(db, write.house, body)  # templates come before facts
        stands = await write.hold(db, id)
        rule = await _replace(db, write, stands, body, template, apply_to_existing=apply_to_existing)
    return await write.followed(rule)


@router.patch("/rules/{id}", responses=tagged())
async def patch(
    id: Key, change: Patch, write: InRuleWrite, apply_to_existing: ApplyToExisting = False
) -> RuleWritten:
    """Change some of a rule; an active one re-plans every session."""
    while True:
        try:
            async with write.house.store.transaction() as db:
                await write.watch.begin(db)
                seen = await fetch_rule(db, write.house, id)
                body = patched(RuleBody, _said(seen), change)
                template = await check_rule(db, write.house, body)  # templates come before facts
                stands = await write.hold(db, id)
                if _said(stands) != _said(seen):
                    raise _EditedMeanwhileError
                rule = await _replace(db, write, stands, body, template, apply_to_existing=apply_to_existing)
        except _EditedMeanwhileError:
            continue
        return await write.followed(rule)


@router.delete("/rules/{id}", status_code=204, responses=NO_CONTENT)
async def delete(id: Key, write: InRuleWrite) -> Response:
    """Delete a rule and stop what waits; the record of what was sent stays (F065)."""
    house = write.house
    async with house.store.transaction() as db:
        await write.watch.begin(db)
        rule = await write.hold(db, id)
        await delete_rule(db, rule.id, by=write.caller.name)
        await write.watch.wrote(db, Awaited(rules={rule.id: await fetch_rule_version(db, rule.id)}))
    await house.plans.rule_changed(house.organization.key, rule.key, rule.id)
    return await write.watch.gone()


async def _replace(
    db: AsyncConnection,
    write: InRuleWrite,
    stands: Rule,
    body: RuleBody,
    template: UUID,
    *,
    apply_to_existing: bool,
) -> Rule:
    """Write a rule anew that was checked and is held."""
    write.caller.check_rules(body)
    if stands.active:
        await check_new_day(db, body, stands.definition)
    rule = await replace_rule(
        db,
        write.house.organization.id,
        stands.key,
        name=body.name,
        template=template,
        definition=body.definition(),
        apply_to_existing=apply_to_existing,
    )
    assert rule is not None  # noqa: S101 - whoever holds its facts is the only one who could delete it
    everywhere = body.existing_sessions or apply_to_existing
    await check_overrides(db, write.house, rule.id, rule.definition, everywhere=everywhere)
    await write.wrote(db, rule)
    return rule


def _said(rule: Rule) -> dict[str, Any]:
    """Return what was said of a rule, as JSON has it."""
    says = rule.definition.model_dump(mode="json", by_alias=True)
    return {**says, "name": rule.name, "template": rule.template}
