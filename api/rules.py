"""Rules."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, BeforeValidator, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from api.house import House, InHouse
from api.problems import Invalid, NotFound, Problem
from domain.keys import Key, Line
from domain.rules import CcRole, FixedAddress, RuleDefinition
from mail.addresses import check_address
from mail.tags import tags_for
from mail.templates import TemplateError, missing_tags
from store.rules import (
    Rule,
    RuleExistsError,
    activate_rule,
    deactivate_rule,
    delete_rule,
    find_rule,
    insert_rule,
    list_rules,
    replace_rule,
)
from store.templates import lock_template

router = APIRouter(tags=["rules"])


def _copy(value: object) -> object:
    if not isinstance(value, str) or value in set(CcRole):
        return value
    if "@" not in value:
        raise ValueError(f"neither an address nor one of {', '.join(CcRole)}")
    return check_address(value)


Copy = Annotated[CcRole | FixedAddress, BeforeValidator(_copy)]


class RuleBody(RuleDefinition):
    """A rule: who gets which template, when."""

    cc: list[Copy] = Field(default=[], max_length=20, examples=[["company_contact"]])
    name: Line = Field(min_length=1, max_length=200, examples=["Convocation J-7"])
    template: Key = Field(examples=["convocation"])

    def definition(self) -> RuleDefinition:
        return RuleDefinition(**{name: getattr(self, name) for name in RuleDefinition.model_fields})


class NewRuleBody(RuleBody):
    """A rule under the id its maker chose."""

    id: Key


class RuleAnswer(RuleDefinition):
    """A rule as it stands; `rolled_out` says whether every session already follows it."""

    id: str
    name: str
    template: str
    active: bool
    version: int
    rolled_out: bool


class Rules(BaseModel):
    """Rules by id."""

    items: list[RuleAnswer]


@router.post("/rules", status_code=201)
async def post(body: NewRuleBody, house: InHouse) -> RuleAnswer:
    """Make a rule; it is inactive until it is activated (F066)."""
    try:
        async with house.store.transaction() as db:
            template = await _fitting_template(db, house, body)
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
            409, "rule-exists", f"There is a rule {body.id!r}: PUT /v1/rules/{body.id} edits it."
        ) from None
    return await _poked(house, rule)


@router.get("/rules")
async def get_many(house: InHouse, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> Rules:
    """Return the rules."""
    async with house.store.transaction() as db:
        rules = await list_rules(db, house.organization.id, limit)
    return Rules(items=[_answer(rule) for rule in rules])


@router.get("/rules/{id}")
async def get(id: Key, house: InHouse) -> RuleAnswer:
    """Return a rule."""
    return _answer(await _fetch(house, id))


@router.put("/rules/{id}")
async def put(id: Key, body: RuleBody, house: InHouse) -> RuleAnswer:
    """Edit a rule; an active one re-plans every session."""
    async with house.store.transaction() as db:
        template = await _fitting_template(db, house, body)
        rule = await replace_rule(
            db, house.organization.id, id, name=body.name, template=template, definition=body.definition()
        )
    if rule is None:
        raise NotFound("rule", id)
    return await _poked(house, rule)


@router.post("/rules/{id}/activate")
async def activate(id: Key, house: InHouse) -> RuleAnswer:
    """Switch a rule on, for existing sessions too, future due times only (F068)."""
    rule = await _fetch(house, id)
    async with house.store.transaction() as db:
        await activate_rule(db, rule.id)
    return await _poked(house, await _fetch(house, id))


@router.post("/rules/{id}/deactivate")
async def deactivate(id: Key, house: InHouse) -> RuleAnswer:
    """Switch a rule off and stop what waits: once this answers, none of its mails leaves (F070)."""
    rule = await _fetch(house, id)
    async with house.store.transaction() as db:
        await deactivate_rule(db, rule.id)
    return await _poked(house, await _fetch(house, id))


@router.delete("/rules/{id}", status_code=204)
async def delete(id: Key, house: InHouse) -> None:
    """Delete a rule and stop what waits; the record of what was sent stays (F065)."""
    rule = await _fetch(house, id)
    async with house.store.transaction() as db:
        await delete_rule(db, rule.id)
    await house.plans.rule_changed(house.organization.key, rule.key, rule.id)


async def _fetch(house: House, key: str) -> Rule:
    async with house.store.transaction() as db:
        rule = await find_rule(db, house.organization.id, key)
    if rule is None:
        raise NotFound("rule", key)
    return rule


async def _fitting_template(db: AsyncConnection, house: House, rule: RuleBody) -> UUID:
    """Return the template of a rule, which stays as it is until the transaction ends; raise `Invalid` for another's."""
    key = rule.template
    template = await lock_template(db, house.organization.id, key)
    if template is None:
        raise Invalid(("template", f"There is no template {key!r}: PUT /v1/templates/{key} first."))
    if template.audience != rule.audience:
        cure = f"choose one for {rule.audience}, or the audience {template.audience!r}."
        raise Invalid(("template", f"The template {key!r} is for {template.audience}: {cure}"))
    try:
        missing = missing_tags(
            template.subject, template.html, template.text, tags=tags_for(rule.audience, rule.scope)
        )
    except TemplateError as error:  # it was saved by other rules than today's
        raise Invalid(("template", f"The template {key!r} must be mended first: {error.message}.")) from None
    if missing:
        lacks = f"A rule of scope {rule.scope} for {rule.audience} has no {', '.join(missing)}"
        raise Invalid(
            ("template", f"{lacks}, which the template {key!r} uses: choose another, or another scope.")
        )
    return template.id


async def _poked(house: House, rule: Rule) -> RuleAnswer:
    if rule.dirty:
        await house.plans.rule_changed(house.organization.key, rule.key, rule.id)
    return _answer(rule)


def _answer(rule: Rule) -> RuleAnswer:
    return RuleAnswer(
        **{name: getattr(rule.definition, name) for name in RuleDefinition.model_fields},
        id=rule.key,
        name=rule.name,
        template=rule.template,
        active=rule.active,
        version=rule.version,
        rolled_out=not rule.dirty,
    )
