"""Rows as planning reads them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.anchors import Dated, Fact, Own
from domain.participations import Participation, Role
from domain.places import synchronous
from domain.sends import Reason, Status
from domain.snapshots import ExistingSend, ModuleFacts, RuleFacts, SessionFacts, SlotFacts
from store.effective import effective_definition

_ROLES = {role.value: role for role in Role}
_STATUSES = {status.value: status for status in Status}

_NOBODYS = Own()
_UNDATED = Dated()


def read_session(id: UUID, row: Any, modules: Sequence[Any], slots: Sequence[SlotFacts]) -> SessionFacts:
    return SessionFacts(
        id,
        row.zone,
        Dated(row.starts_at, row.ends_at),
        row.stage,
        row.mode,
        row.category,
        row.center,
        [ModuleFacts(m.id, Dated(m.starts_at, m.ends_at), m.mode, m.category) for m in modules],
        slots,
        row.deleted,
        row.changed_at,
        row.organization_zone,
    )


def read_slot(row: Any) -> SlotFacts:
    return SlotFacts(row.id, Dated(row.starts_at, row.ends_at), row.module, row.synchronous)


def read_rule(row: Any) -> RuleFacts:
    return RuleFacts(
        row.id,
        row.version,
        effective_definition(row),
        row.active,
        row.deleted,
        row.changed_at,
        row.template,
        row.override_active is False,
        row.too_new,
        row.memory,
        read_templates(row),
        row.corrects_since,
    )


def read_templates(row: Any) -> dict[str, UUID]:
    return {key: UUID(id) for key, id in (row.templates or {}).items()}


class Owns:
    """The dates of participants; those who have none of their own and come to the same slots share one."""

    def __init__(self, slots: Sequence[SlotFacts]) -> None:
        self._slots = slots
        self._shared: dict[frozenset[UUID] | None, Own] = {}

    def shared(self, slots: frozenset[UUID] | None) -> Own:
        found = self._shared.get(slots)
        if found is None:
            found = self._shared[slots] = Own(synchronous=synchronous(self._slots, slots))
        return found

    def of(self, slots: frozenset[UUID] | None, dates: Sequence[datetime | None]) -> Own:
        (
            starts_at,
            ends_at,
            deadline_at,
            enrolled_at,
            enrolled,
            started_at,
            started,
            completed_at,
            completed,
        ) = dates
        return Own(
            Dated(starts_at, ends_at) if starts_at or ends_at else _UNDATED,
            deadline_at,
            self.shared(slots).synchronous,
            _fact(enrolled_at, enrolled),
            _fact(started_at, started),
            _fact(completed_at, completed),
        )


def _fact(at: datetime | None, recorded_at: datetime | None) -> Fact | None:
    return None if at is None or recorded_at is None else Fact(at, recorded_at)


def read_participations(rows: Sequence[Any], owns: Owns) -> list[Participation]:
    """Return them as planning reads them; there may be ten thousand."""
    found = []
    for id, role, recipient, _, _, said_at, dirty_at, removed, slots, company, zone, dated, *dates in rows:
        only = None if slots is None else frozenset(slots)
        own = _NOBODYS if role == Role.COMPANY else owns.of(only, dates) if dated else owns.shared(only)
        found.append(
            Participation(id, _ROLES[role], recipient, only, removed, said_at, company, zone, own, dirty_at)
        )
    return found


def read_send(row: Any) -> ExistingSend:
    values = dict(row._mapping)
    values["status"] = _STATUSES[row.status]
    values["reason"] = row.reason and Reason(row.reason)
    return ExistingSend(**values)
