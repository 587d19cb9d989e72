"""What a rule says to a session, and what there is of a session to write about."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.model.world import Rule, Session, World


@dataclass(frozen=True)
class Effective:
    """What a rule says to one session."""

    says: dict[str, Any]
    template: str | None  # None: the rule's own


def effective_rule(world: World, session: Session, rule: Rule) -> Effective | None:
    """Return what a rule says to a session; None where it leaves it alone."""
    if session.deleted or rule.deleted or not rule.active:
        return None
    override = session.overrides.get(rule.name, {})
    says, template = world.edition(rule, session)
    reached = rule.says["existing_sessions"] or any(
        since <= session.created_at for since, _, _ in rule.editions
    )
    if rule.session is None and not reached and not override.get("active"):
        return None
    if override.get("active") is False:
        return None
    if says["centers"] != "all" and session.said["center"] not in says["centers"]:
        return None
    trigger = dict(says["trigger"])
    for name in ("offset", "at"):
        if override.get(name) is not None:
            trigger[name] = override[name]
    template = override.get("template") or template
    return Effective({**says, "trigger": trigger}, None if template == rule.template else template)


@dataclass(frozen=True)
class Place:
    name: str
    session: tuple[datetime | None, datetime | None]
    module: tuple[datetime | None, datetime | None]
    slot: tuple[datetime | None, datetime | None]
    mode: str | None
    category: str | None
    slots: frozenset[str]  # whose people; none: everybody's


def places(said: dict[str, Any]) -> Iterator[Place]:
    """Yield what a mail of a session can be about."""
    dates, none = (said["starts_at"], said["ends_at"]), (None, None)
    yield Place("session", dates, none, none, said["mode"], said["category"], frozenset())
    of_modules = {}
    for key, module in said["modules"].items():
        own = {name: slot for name, slot in said["slots"].items() if slot["module"] == key}
        found = module["starts_at"], module["ends_at"]
        if found[0] is None and own:
            found = min(s["starts_at"] for s in own.values()), max(s["ends_at"] for s in own.values())
        of_modules[key] = found
        yield Place(f"module {key}", dates, found, none, module["mode"], module["category"], frozenset(own))
    for key, slot in said["slots"].items():
        of, module = said["modules"].get(slot["module"], said), of_modules.get(slot["module"], none)
        own_dates = slot["starts_at"], slot["ends_at"]
        yield Place(f"slot {key}", dates, module, own_dates, of["mode"], of["category"], frozenset({key}))
