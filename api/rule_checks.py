"""What a rule is held to when it is written, beyond its form: it can send, and its templates fit it."""

from collections.abc import Iterator, Mapping
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from api.house import House
from api.problems import Invalid, Problem
from api.rule_bodies import RuleBody
from domain.objections import Objection, is_over, objections
from domain.rules import RuleDefinition, Until
from domain.session_rules import OverrideBody, retimed
from mail.tags import tags_for
from mail.templates import TemplateError, missing_tags
from store.caught_up import read_clock
from store.session_rules import list_overrides
from store.templates import Template, find_templates, lock_templates


async def check_rule(db: AsyncConnection, house: House, body: RuleBody) -> UUID:
    """Return the template of a rule; raise `Invalid` for a rule that could never send.

    Its templates stay as they are until the transaction ends: call it before the facts are held (`store.locks`).
    """
    if wrong := [*objections(body)]:
        raise Invalid(*wrong)
    named = dict(_templates(body))
    templates = await lock_templates(db, house.organization.id, named.values())
    for field, key in named.items():
        wrong += unfit(field, key, templates.get(key), body)
    wrong += unanswerable("repeat.until", templates.get(body.template), body)
    if wrong:
        raise Invalid(*wrong)
    return templates[body.template].id


async def is_past(db: AsyncConnection, says: RuleDefinition) -> bool:
    """Return whether a rule has a day of its own that is past for good: active, it would send nothing (F068)."""
    return is_over(says, await read_clock(db))


async def check_new_day(db: AsyncConnection, says: RuleDefinition, said: RuleDefinition | None) -> None:
    """Raise `Invalid` for a rule that is active and is given a day of its own that is past."""
    if (said is None or said.trigger != says.trigger) and await is_past(db, says):
        raise Invalid(
            (
                "trigger.date",
                "This is past, and the rule is active: write a day that lies ahead, or switch it off.",
            )
        )


async def check_overrides(
    db: AsyncConnection, house: House, rule: UUID, says: RuleDefinition, *, everywhere: bool
) -> None:
    """Raise a problem where what sessions say of a rule, which has just been written so, does not fit it any more.

    `everywhere`: none of them goes by what it said before.
    """
    overrides = await list_overrides(db, rule, everywhere=everywhere)
    named = {said.template for _, said in overrides if said.template is not None}
    templates = await find_templates(db, house.organization.id, named)
    at_odds = [session for session, said in overrides if [*misfits(says, said, templates)]]
    if at_odds:
        detail = (
            "Sessions override this rule in ways that its edit rules out: take those overrides away first."
        )
        raise Problem(409, "rule-overridden", detail, sessions=at_odds)


def misfits(
    says: RuleDefinition, said: OverrideBody, templates: Mapping[str, Template]
) -> Iterator[Objection]:
    """Yield why an override does not go together with its rule: the field that is wrong, and the cure."""
    try:
        retimed(says.trigger, said)
    except ValidationError as error:
        field = "at" if said.offset is None else "offset"
        why = error.errors()[0]["msg"].removeprefix("Value error, ")
        yield field, f"Together with what the rule says, {why}"
    if said.template is not None:
        yield from unfit("template", said.template, templates.get(said.template), says)
        yield from unanswerable("template", templates.get(said.template), says)


def unfit(field: str, key: str, template: Template | None, says: RuleDefinition) -> Iterator[Objection]:
    """Yield why mails of a rule cannot be written from a template: the field that names it, and the cure."""
    if template is None:
        yield field, f"There is no template {key!r}: PUT /v1/templates/{key} first."
    elif template.audience != says.audience:
        cure = f"choose one for {says.audience}, or the audience {template.audience!r}."
        yield field, f"The template {key!r} is for {template.audience}: {cure}"
    elif why := _lacking(key, template, says):
        yield field, why


def unanswerable(field: str, template: Template | None, says: RuleDefinition) -> Iterator[Objection]:
    """Yield why nobody's answer could end a rule's series, where that is what it waits for."""
    waits = says.repeat is not None and says.repeat.until is Until.ANSWERED
    if waits and template is not None and template.questionnaire is None:
        cure = f"give the template {template.key!r} its questionnaire, or the series another `until`."
        yield field, f"Nobody can answer a template without a questionnaire: {cure}"


def _lacking(key: str, template: Template, says: RuleDefinition) -> str | None:
    try:
        missing = missing_tags(
            template.subject, template.html, template.text, tags=tags_for(says.audience, says.scope)
        )
    except TemplateError as error:  # it was saved by other rules than today's
        return f"The template {key!r} must be mended first: {error.message}."
    if not missing:
        return None
    lacks = f"A rule of scope {says.scope} for {says.audience} has no {', '.join(missing)}"
    return f"{lacks}, which the template {key!r} uses: choose another, or another scope."


def _templates(body: RuleBody) -> Iterator[tuple[str, str]]:
    """Yield the templates of a rule: the field that names each, and its id."""
    yield "template", body.template
    if body.repeat and body.repeat.then and body.repeat.then.template:
        yield "repeat.then.template", body.repeat.then.template
    if body.correction:
        yield "correction.template", body.correction.template
