"""What every request that changes a rule has in common: who may, upon what it was read as, and what follows."""

from typing import Annotated

from fastapi import Depends, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from api.callers import InCaller
from api.dry_run import InWriting
from api.etags import InPrecondition, etag
from api.house import House
from api.problems import NotFound
from api.rule_bodies import RuleAnswer, RuleWritten
from api.waiting import InWatch
from domain.rules import RuleDefinition
from store.caught_up import Awaited
from store.locks import change_facts
from store.rules import Rule, find_rule


class RuleWrite:
    """One request that changes a rule."""

    def __init__(
        self,
        house: InWriting,
        watch: InWatch,
        caller: InCaller,
        precondition: InPrecondition,
        response: Response,
    ) -> None:
        self.house, self.watch, self.caller = house, watch, caller
        self._precondition, self._response = precondition, response

    async def hold(self, db: AsyncConnection, key: str) -> Rule:
        """Return a rule that nobody else changes until the transaction ends; raise a problem unless this one may."""
        await change_facts(db, (await fetch_rule(db, self.house, key)).id)
        rule = await fetch_rule(db, self.house, key)
        self._precondition.check(tag(rule))
        self.caller.check_rules(rule.definition)
        return rule

    async def wrote(self, db: AsyncConnection, rule: Rule) -> None:
        """Note what was written, in its transaction."""
        await self.watch.wrote(db, Awaited(rules={rule.id: rule.version}))

    async def followed(self, rule: Rule) -> RuleWritten:
        """Have a rule rolled out that was written; answer, once that is done where it was asked."""
        await poke(self.house, rule)
        rolled_out = await self.watch.planned(clean=not rule.dirty)
        self._response.headers["ETag"] = tag(rule)
        return RuleWritten(**{**dict(answer(rule)), "rolled_out": rolled_out}, too_late=self.watch.too_late)


InRuleWrite = Annotated[RuleWrite, Depends(RuleWrite)]


async def fetch_rule(db: AsyncConnection, house: House, key: str) -> Rule:
    rule = await find_rule(db, house.organization.id, key)
    if rule is None:
        raise NotFound("rule", key)
    return rule


async def poke(house: House, rule: Rule) -> None:
    """Have a rule rolled out; call it once the change is committed."""
    if rule.dirty:
        await house.plans.rule_changed(house.organization.key, rule.key, rule.id)


def tag(rule: Rule) -> str:
    """Return the ETag of a rule: with a new name alone, its version does not grow."""
    return etag(rule.version, rule.name)


def answer(rule: Rule) -> RuleAnswer:
    return RuleAnswer(
        **{name: getattr(rule.definition, name) for name in RuleDefinition.model_fields},
        id=rule.key,
        name=rule.name,
        template=rule.template,
        active=rule.active,
        memory=rule.memory,
        version=rule.version,
        rolled_out=not rule.dirty,
    )
