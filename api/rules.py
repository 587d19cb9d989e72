"""Rules."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BeforeValidator, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from api.cursors import CursorText, Limit, Page, cut, read
from api.house import House, InHouse
from api.patches import Patch, patched
from api.problems import Invalid, NotFound, Problem
from api.waiting import NO_CONTENT, InWatch, TooLate, Watch
from domain.keys import Key, Title
from domain.rules import CcRole, FixedAddress, RuleDefinition
from mail.addresses import check_address
from mail.tags import tags_for
from mail.templates import TemplateError, missing_tags
from store.caught_up import Awaited
from store.locks import change_facts
from store.rules import (
    Rule,
    RuleExistsError,
    activate_rule,
    deactivate_rule,
    delete_rule,
    fetch_rule_version,
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
    name: Title = Field(max_length=200, examples=["Convocation J-7"])
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


class RuleWritten(RuleAnswer, TooLate):
    """A rule as it stands after a write."""


class Rules(Page[RuleAnswer]):
    """A page of rules by id."""


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
    await _poke(house, rule)
    return _answer(rule)


@router.get("/rules")
async def get_many(house: InHouse, limit: Limit = 100, cursor: CursorText = None) -> Rules:
    """Return rules by id."""
    (after,) = read(cursor, str) or (None,)
    async with house.store.transaction() as db:
        found = await list_rules(db, house.organization.id, limit + 1, after=after)
    page, next = cut(found, limit, lambda rule: (rule.key,))
    return Rules(items=[_answer(rule) for rule in page], next=next)


@router.get("/rules/{id}")
async def get(id: Key, house: InHouse) -> RuleAnswer:
    """Return a rule."""
    async with house.store.transaction() as db:
        return _answer(await fetch_rule(db, house, id))


@router.put("/rules/{id}")
async def put(id: Key, body: RuleBody, house: InHouse, watch: InWatch) -> RuleWritten:
    """Edit a rule; an active one re-plans every session."""
    async with house.store.transaction() as db:
        await watch.begin(db)
        rule = await _replace(db, house, id, body)
        await watch.wrote(db, _awaited(rule))
    return await _followed(house, watch, rule)


@router.patch("/rules/{id}")
async def patch(id: Key, change: Patch, house: InHouse, watch: InWatch) -> RuleWritten:
    """Change some of a rule; an active one re-plans every session."""
    while True:
        async with house.store.transaction() as db:
            await watch.begin(db)
            stands = await fetch_rule(db, house, id)
            body = patched(RuleBody, _said(stands), change)
            template = await _fitting_template(db, house, body)  # templates come before facts
            await change_facts(db, stands.id)
            if _said(await fetch_rule(db, house, id)) != _said(stands):
                continue  # somebody edited it meanwhile: what was checked is not what stands there
            rule = await _write(db, house, id, body, template)
            await watch.wrote(db, _awaited(rule))
        return await _followed(house, watch, rule)


@router.post("/rules/{id}/activate")
async def activate(id: Key, house: InHouse, watch: InWatch) -> RuleWritten:
    """Switch a rule on, for existing sessions too, future due times only (F068)."""
    return await _switch(house, watch, id, activate_rule)


@router.post("/rules/{id}/deactivate")
async def deactivate(id: Key, house: InHouse, watch: InWatch) -> RuleWritten:
    """Switch a rule off and stop what waits: once this answers, none of its mails leaves (F070)."""
    return await _switch(house, watch, id, deactivate_rule)


@router.delete("/rules/{id}", status_code=204, responses=NO_CONTENT)
async def delete(id: Key, house: InHouse, watch: InWatch) -> Response:
    """Delete a rule and stop what waits; the record of what was sent stays (F065)."""
    async with house.store.transaction() as db:
        await watch.begin(db)
        rule = await fetch_rule(db, house, id)
        await delete_rule(db, rule.id)
        await watch.wrote(db, Awaited(rules={rule.id: await fetch_rule_version(db, rule.id)}))
    await house.plans.rule_changed(house.organization.key, rule.key, rule.id)
    return await watch.gone()


async def fetch_rule(db: AsyncConnection, house: House, key: str) -> Rule:
    rule = await find_rule(db, house.organization.id, key)
    if rule is None:
        raise NotFound("rule", key)
    return rule


async def _switch(
    house: House, watch: Watch, key: str, change: Callable[[AsyncConnection, UUID], Awaitable[None]]
) -> RuleWritten:
    async with house.store.transaction() as db:
        await watch.begin(db)
        await change(db, (await fetch_rule(db, house, key)).id)
        rule = await fetch_rule(db, house, key)
        await watch.wrote(db, _awaited(rule))
    return await _followed(house, watch, rule)


async def _replace(db: AsyncConnection, house: House, key: str, body: RuleBody) -> Rule:
    return await _write(db, house, key, body, await _fitting_template(db, house, body))


async def _write(db: AsyncConnection, house: House, key: str, body: RuleBody, template: UUID) -> Rule:
    rule = await replace_rule(
        db, house.organization.id, key, name=body.name, template=template, definition=body.definition()
    )
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


def _awaited(rule: Rule) -> Awaited:
    return Awaited(rules={rule.id: rule.version})


async def _followed(house: House, watch: Watch, rule: Rule) -> RuleWritten:
    """Have a rule rolled out that was written; answer, once that is done where it was asked."""
    await _poke(house, rule)
    rolled_out = await watch.planned(clean=not rule.dirty)
    return RuleWritten(**{**dict(_answer(rule)), "rolled_out": rolled_out}, too_late=watch.too_late)


async def _poke(house: House, rule: Rule) -> None:
    if rule.dirty:
        await house.plans.rule_changed(house.organization.key, rule.key, rule.id)


def _said(rule: Rule) -> dict[str, Any]:
    """Return what was said of a rule, as JSON has it."""
    return {**rule.definition.model_dump(mode="json"), "name": rule.name, "template": rule.template}


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
