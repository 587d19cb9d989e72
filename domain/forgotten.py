"""What a rule has forgotten (F105): the mails of its earlier memories, beside those that its present one asks for."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.changes import Change
from domain.corrections import TOLD
from domain.occurrences import CORRECTION, Occurrence
from domain.outlook import Kind
from domain.sends import REVOCABLE, Status
from domain.snapshots import ExistingSend, Snapshot

_Matter = tuple[UUID, UUID, UUID]  # rule, scope, participation


@dataclass(frozen=True, slots=True)
class Asked:
    """What becomes of a mail that a rule asks for anew."""

    kind: Kind
    was_at: datetime | None = None
    instead_of: UUID | None = None  # one that gives way to it


class Forgotten:
    """The mails that the rules of a plan have forgotten."""

    def __init__(self, snapshot: Snapshot, changes: Iterable[Change]) -> None:
        self._arrived: dict[_Matter, list[ExistingSend]] = defaultdict(list)
        self._gives_way: dict[tuple[object, ...], ExistingSend] = {}
        forgetful = {rule.id for rule in snapshot.rules if rule.memory > 1}
        for send in snapshot.sends if forgetful else ():
            if send.status in TOLD and send.rule in forgetful:
                self._arrived[send.rule, send.scope, send.participation].append(send)
        for change in changes if forgetful else ():
            gone = change.existing
            if gone is not None and gone.status in REVOCABLE and change.status is Status.REMOVED:
                matter = gone.rule, gone.scope, gone.participation
                self._gives_way[_line(matter, gone.occurrence, gone.covers)] = gone

    def asked(self, change: Change) -> Asked:
        """Return what becomes of a mail that was not going to leave, and is, by the row that it has now."""
        wanted = change.wanted
        occurrence = Occurrence.parse(wanted.occurrence) if wanted is not None else Occurrence()
        if wanted is None or occurrence.memory == 1:
            return Asked(Kind.APPEAR)
        matter = wanted.rule.id, wanted.place.id, wanted.participation.id
        before = self._gives_way.get(_line(matter, wanted.occurrence, wanted.covers))
        if before is not None and _memory(before) < occurrence.memory:
            same = before.due_at == wanted.timing.due.at
            return Asked(Kind.ANYWAY if same else Kind.MOVE, before.due_at, before.id)
        memories = {_memory(send) for send in self._arrived[matter] if _share(send.covers, wanted.covers)}
        again = bool(memories) and max(memories) < occurrence.memory and occurrence.kind != CORRECTION
        return Asked(Kind.AGAIN if again else Kind.APPEAR)


def _line(matter: _Matter, occurrence: str, covers: Sequence[UUID] | None) -> tuple[object, ...]:
    """Return what two mails have in common that are one, but for the memory: a company's are so about the same people."""
    about = None if covers is None else frozenset(covers)
    return *matter, Occurrence.parse(occurrence).step, about


def _memory(send: ExistingSend) -> int:
    return Occurrence.parse(send.occurrence).memory


def _share(one: Sequence[UUID] | None, other: Sequence[UUID] | None) -> bool:
    return one is None or other is None or not set(one).isdisjoint(other)
