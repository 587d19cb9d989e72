"""The reference: what planning should make of a world, written for these tests, plainly, from DESIGN 6.

Nothing here is clever: every rule is looked at for everybody, every time.
"""

from collections.abc import Iterator
from dataclasses import replace

from tests.model.desk import Desk, Wanted, split
from tests.model.rows import keep_up
from tests.model.said import Effective, Place, effective_rule, places
from tests.model.several import corrections, several
from tests.model.world import WAITING, Key, Rule, Session, World


def plan(world: World) -> None:
    """Bring all rows in line with the facts."""
    for name in world.sessions:
        for rule in world.rules.values():
            if rule.session in (None, name):
                _plan(world, name, rule)
    world.dirty.clear()


def correct(world: World, session: str, rule: Rule, template: str) -> None:
    """Write the corrections that somebody asks for, beside those that there are."""
    for desk in desks_of(world, session, rule):
        for part in desk.audience() if not desk.in_groups else ():
            for key, want in corrections(desk, part, template).items():
                row = keep_up(None, want)
                if row is not None:
                    world.rows.setdefault(key, row)


def _plan(world: World, name: str, rule: Rule) -> None:
    desks = list(desks_of(world, name, rule))
    if any(desk.in_groups for desk in desks):
        return
    wanted: dict[Key, Wanted] = {}
    for desk in desks:
        wanted |= several(desk)
    at_once = {key[2:4] for key, want in wanted.items() if _write(world, key, want)}
    queueing = {key for desk in desks for key in queue(desk) if key[2:4] not in at_once}
    for key, row in world.rows.items():
        if key[:2] == (rule.name, name) and key not in wanted.keys() | queueing and row.status in WAITING:
            row.status, row.by_hand, row.reason = "removed", False, None


def _write(world: World, key: Key, want: Wanted) -> bool:
    """Write what is wanted; return whether that has it leave at once."""
    row = world.rows.get(key)
    before = row and replace(row)
    planned = keep_up(row, want)
    if planned is None:
        return False
    world.rows[key] = planned
    return planned != before and planned.status == "scheduled" and want.timing.due_at <= world.now


def queue(desk: Desk) -> Iterator[Key]:
    """Yield what is due and was asked for before the rule forgot whom it wrote to: it leaves (F105)."""
    for part in desk.audience():
        for occurrence, row in desk.rows(part).items():
            memory, step = split(occurrence)
            repeat = desk.says["repeat"]
            number = int(step) if step.isdigit() else 0
            if step == "last" and repeat is not None:
                number = repeat["at_most"] + 1
            if (
                memory == desk.memory
                or row.due_at > desk.world.now
                or not number
                or (number > 1 and not repeat)
            ):
                continue
            timing = desk.timing(part, number)
            if timing is not None and (row.by_hand or desk.caught_up(part, timing).due_at == row.due_at):
                yield (*desk.key(part, "")[:4], occurrence)


def desks_of(world: World, name: str, rule: Rule) -> Iterator[Desk]:
    """Yield a desk for each place of a session that a rule writes about."""
    session = world.sessions[name]
    effective = effective_rule(world, session, rule)
    for place in places(session.said) if effective is not None else ():
        assert effective is not None
        if place.name.split()[0] == effective.says["scope"] and _meets(session, effective, place):
            yield Desk(world, name, session, rule, effective, place)


def _meets(session: Session, effective: Effective, place: Place) -> bool:
    conditions = effective.says["conditions"]
    asked = {"stages": session.said["stage"], "modes": place.mode, "categories": place.category}
    return all(conditions[name] == "all" or value in conditions[name] for name, value in asked.items())
