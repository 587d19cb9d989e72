"""What a session may say of everybody's rules: what goes together with each of them."""

from collections.abc import Iterator, Mapping
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from api.house import House
from api.problems import Invalid
from api.rule_checks import misfits
from domain.objections import Objection
from domain.session_rules import OverrideBody
from store.locks import keep_facts
from store.session_rules import SessionRule, find_session_rules, put_overrides
from store.templates import Template, lock_templates

Overrides = Mapping[str, OverrideBody]


async def lock_named(db: AsyncConnection, house: House, overrides: Overrides) -> Mapping[str, Template]:
    """Return the templates that overrides name, which stay as they are: call it before facts are held."""
    named = {said.template for said in overrides.values() if said.template is not None}
    return await lock_templates(db, house.organization.id, named) if named else {}


async def say_of_rules(
    db: AsyncConnection,
    session: UUID,
    overrides: Overrides,
    templates: Mapping[str, Template],
    *,
    within: str = "",
    by: str | None = None,
) -> bool:
    """Write what a session says of rules, by their ids; return whether that changed anything.

    The caller holds the session's facts, and has locked the templates. `within` is the field that they were said in,
    `by` the name of the token that was shown, for traces.
    Raises `Invalid`, with nothing written, for what does not fit its rule.
    """
    if not overrides:
        return False
    known = await find_session_rules(db, session, *overrides)
    await keep_facts(db, *(rule.id for rule in known.values()))
    known = await find_session_rules(db, session, *overrides)  # as they stand until the transaction ends
    wrong = [
        (".".join(part for part in (within, within and key, field) if part) or "body", why)
        for key, said in overrides.items()
        for field, why in _objections(key, said, known.get(key), templates)
    ]
    if wrong:
        raise Invalid(*wrong)
    ids = {key: template.id for key, template in templates.items()}
    said_of = {known[key].id: said for key, said in overrides.items()}
    return await put_overrides(db, session, said_of, ids, by=by)


def _objections(
    key: str, said: OverrideBody, rule: SessionRule | None, templates: Mapping[str, Template]
) -> Iterator[Objection]:
    if rule is None:
        yield "", f"There is no rule {key!r}: leave it out, or POST /v1/rules makes it."
    elif rule.own:
        yield "", f"{key!r} is a rule of this session alone: say all of it anew, or `active` alone."
    elif said.says_nothing:
        yield "", "Say one of active, offset, at and template; a DELETE takes what was said away."
    else:
        yield from misfits(rule.definition, said, templates)
