"""What a session is told of a rule: as it has it, and whether its mails are planned here."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from api.etags import etag
from api.session_rule_bodies import SessionRuleAnswer
from domain.rules import RuleDefinition, Scope
from domain.sends import Reason
from domain.session_rules import OverrideBody, retimed
from store.places import Module, list_modules, list_slots
from store.session_rules import SessionRule
from store.sessions import Session

# Such rules are about other sessions.
_ELSEWHERE = {Reason.ANOTHER_CENTER, Reason.CONDITIONS_NOT_MET}


@dataclass(frozen=True, slots=True)
class Here:
    """A session, and what conditions compare of it: a mode and a category each, by scope."""

    session: Session
    compared: dict[Scope, Sequence[tuple[str | None, str | None]]]


async def read_here(db: AsyncConnection, session: Session) -> Here:
    """Return a session with what conditions compare of it, and of its modules and slots (F062, F063)."""
    own = (session.mode, session.category)
    modules = {one.key: _compared(one) for one in await list_modules(db, session.id)}
    slots = [modules.get(one.module or "", own) for one in await list_slots(db, session.id)]
    return Here(session, {Scope.SESSION: [own], Scope.MODULE: [*modules.values()], Scope.SLOT: slots})


def answer(rule: SessionRule, here: Here) -> SessionRuleAnswer:
    """Return a rule as its session has it."""
    says, said = rule.definition, rule.override or OverrideBody()
    reason = why_not(rule, here)
    return SessionRuleAnswer(
        **{
            **{name: getattr(says, name) for name in RuleDefinition.model_fields},
            "trigger": retimed(says.trigger, said),
        },
        id=rule.key,
        name=rule.name,
        template=said.template or rule.template,
        own=rule.own,
        active=rule.active,
        on=reason is None,
        reason=reason,
        override=rule.override,
    )


def why_not(rule: SessionRule, here: Here) -> Reason | None:
    """Return why no mail of a rule is planned for a session; None where nothing of the session keeps it from it."""
    if not _met(rule.definition, here):
        return Reason.CONDITIONS_NOT_MET
    if rule.definition.centers != "all" and here.session.center not in rule.definition.centers:
        return Reason.ANOTHER_CENTER
    if not rule.active:
        return Reason.RULE_DEACTIVATED
    if rule.override is not None and rule.override.active is False:
        return Reason.SWITCHED_OFF_HERE
    return Reason.OLDER_SESSION if rule.too_new else None


def applies(rule: SessionRule, here: Here) -> bool:
    """Return whether a rule belongs on the list of a session: it is about sessions such as this, or spoken of here."""
    return rule.own or rule.override is not None or why_not(rule, here) not in _ELSEWHERE


def tag(rule: SessionRule) -> str:
    """Return the ETag of a rule as its session has it."""
    return etag(rule.version, rule.name, rule.override and rule.override.model_dump_json())


def _compared(module: Module) -> tuple[str | None, str | None]:
    return module.mode, module.category


def _met(says: RuleDefinition, here: Here) -> bool:
    """Return whether the session, or any of its modules or slots, meets the conditions; while it has none, it may."""
    found = here.compared[says.scope]
    if not found:
        return says.conditions.stages == "all" or here.session.stage in says.conditions.stages
    return any(
        says.conditions.met(stage=here.session.stage, mode=mode, category=category)
        for mode, category in found
    )
