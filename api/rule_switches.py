"""What is done to a rule without a word of its own: switch it on or off, have it forget whom it has written to."""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncConnection

from api.etags import tagged
from api.problems import Problem
from api.rule_bodies import RuleWritten
from api.rule_checks import is_past
from api.rule_writes import InRuleWrite, fetch_rule
from domain.keys import Key
from store.rules import Rule, activate_rule, contact_again, deactivate_rule

router = APIRouter(tags=["rules"])


@router.post("/rules/{id}/activate", responses=tagged())
async def activate(id: Key, write: InRuleWrite) -> RuleWritten:
    """Switch a rule on: future due times only (F068), for existing sessions too, unless it leaves them alone."""
    return await _change(id, write, _activate)


@router.post("/rules/{id}/deactivate", responses=tagged())
async def deactivate(id: Key, write: InRuleWrite) -> RuleWritten:
    """Switch a rule off and stop what waits: once this answers, none of its mails leaves (F070)."""
    return await _change(id, write, lambda db, rule: deactivate_rule(db, rule.id, by=write.caller.name))


@router.post("/rules/{id}/contact-again", responses=tagged())
async def forget(id: Key, write: InRuleWrite) -> RuleWritten:
    """Have a rule forget whom it has written to (F105): they get its mails again, where those are still to come.

    A mail that somebody has cancelled stays so. `dry_run` names those `again`, apart from who gets a mail in any case.
    """
    return await _change(id, write, lambda db, rule: contact_again(db, rule.id))


async def _activate(db: AsyncConnection, rule: Rule) -> None:
    if not rule.active and await is_past(db, rule.definition):
        detail = (
            f"Its day is past: give its trigger another, PATCH /v1/rules/{rule.key}, and activate it then."
        )
        raise Problem(409, "rule-is-over", detail)
    await activate_rule(db, rule.id)


async def _change(
    key: str, write: InRuleWrite, change: Callable[[AsyncConnection, Rule], Awaitable[None]]
) -> RuleWritten:
    async with write.house.store.transaction() as db:
        await write.watch.begin(db)
        await change(db, await write.hold(db, key))
        rule = await fetch_rule(db, write.house, key)
        await write.wrote(db, rule)
    return await write.followed(rule)
