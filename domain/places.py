"""Places: what a mail can be about, a session or a module or slot of it."""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from uuid import UUID

from domain.anchors import Dated
from domain.rules import Scope
from domain.snapshots import ModuleFacts, SessionFacts, SlotFacts


@dataclass(frozen=True, slots=True)
class Place:
    """What a mail is about: a session, or a module or slot of it."""

    id: UUID
    scope: Scope
    session: Dated
    module: Dated | None
    slot: Dated | None
    # What conditions compare: the session's, or the module's (F062, F063).
    mode: str | None
    category: str | None
    slots: Set[UUID]  # whose people it concerns; none: everybody's


def places(session: SessionFacts) -> Iterator[Place]:
    """Yield everything that a mail of this session can be about."""
    yield Place(
        session.id, Scope.SESSION, session.dates, None, None, session.mode, session.category, frozenset()
    )
    modules = {module.id: module for module in session.modules}
    dates = {}
    for module in session.modules:
        own = [slot for slot in session.slots if slot.module == module.id]
        dates[module.id] = _dates(module, own)
        slots = frozenset(slot.id for slot in own)
        yield Place(
            module.id,
            Scope.MODULE,
            session.dates,
            dates[module.id],
            None,
            module.mode,
            module.category,
            slots,
        )
    for slot in session.slots:
        of = modules.get(slot.module) if slot.module else None
        mode, category = (of.mode, of.category) if of else (session.mode, session.category)
        within = dates[of.id] if of else None
        only = frozenset({slot.id})
        yield Place(slot.id, Scope.SLOT, session.dates, within, slot.dates, mode, category, only)


def places_by_scope(session: SessionFacts) -> Mapping[Scope, list[Place]]:
    """Return everything that a mail of this session can be about."""
    found: dict[Scope, list[Place]] = {scope: [] for scope in Scope}
    for place in places(session):
        found[place.scope].append(place)
    return found


def synchronous(slots: Sequence[SlotFacts], own: Set[UUID] | None = None) -> Dated:
    """Return from when to when somebody who comes to these slots, None: to all, meets others (F050, F051)."""
    attended = [slot.dates for slot in slots if slot.synchronous and (own is None or slot.id in own)]
    starts = [dates.starts_at for dates in attended if dates.starts_at]
    ends = [dates.over_at for dates in attended if dates.over_at]
    return Dated(min(starts, default=None), max(ends, default=None))


def _dates(module: ModuleFacts, slots: Sequence[SlotFacts]) -> Dated:
    if module.dates.starts_at is not None or not slots:
        return module.dates
    starts = [slot.dates.starts_at for slot in slots if slot.dates.starts_at]
    ends = [slot.dates.over_at for slot in slots if slot.dates.over_at]
    return Dated(min(starts, default=None), max(ends, default=None))
