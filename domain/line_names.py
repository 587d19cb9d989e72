"""Names: which rows each of a company's lines goes on with, whoever joins it or leaves (F019).

A line's rows have the name of one of those it was first about. They stay its own while it is about any of them: a name
is no more than that.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from itertools import count
from uuid import UUID, uuid5

from domain.matters import Known, Line, Matter
from domain.occurrences import CORRECTION, LAST
from domain.participations import Participation
from domain.sends import REVOCABLE, Status
from domain.timetables import Timing


class CompanyRows:
    """The rows of one matter to one company, besides corrections; but for `ever`, in its rule's present memory."""

    def __init__(self, matter: Matter, company: Participation) -> None:
        self.by_name: Mapping[UUID, list[Known]] = defaultdict(list)
        self.about: Mapping[UUID, list[Known]] = defaultdict(list)
        self.ever: Mapping[UUID, list[Known]] = defaultdict(list)  # about each of its participants
        for known in sorted(matter.known(company), key=_id):
            occurrence = known.occurrence
            if occurrence.kind == CORRECTION or occurrence.group is None:
                continue
            about = known.send.covers or ()
            for one in about:
                self.ever[one].append(known)
            if occurrence.memory == matter.rule.memory:
                self.by_name[occurrence.group].append(known)
                for one in about:
                    self.about[one].append(known)

    def of(self, people: Iterable[UUID], name: UUID | None = None) -> dict[UUID, Known]:
        """Return the rows that are about any of these, and those of this name."""
        found = {known.send.id: known for one in people for known in self.about.get(one, ())}
        return found | {known.send.id: known for known in self.by_name.get(name, ())} if name else found


@dataclass(frozen=True, slots=True, order=True)
class _Claim:
    """That a line may have the rows of a name; the least of several for one is granted."""

    rank: int
    newest: int
    stranger: bool  # it is not about whom the name is of
    away: int
    line: int
    name: UUID


# A time that somebody has set stays; what queues goes on queueing; what waits is moved; what is over may come back.
_BY_HAND, _AS_DUE, _WAITS, _OVER = range(4)


def name_lines(matter: Matter, lines: Sequence[Line], rows: CompanyRows) -> list[Line]:
    """Return the lines, each with the rows that it goes on with and under their name, else under one of its own."""
    everybody = {one for line in lines for one in line.covers or ()}
    claims = sorted(
        claim for at, line in enumerate(lines) for claim in _claims(matter, at, line, rows, everybody)
    )
    names: dict[int, UUID] = {}
    taken: set[UUID] = set()
    for claim in claims:
        if claim.line not in names and claim.name not in taken:
            names[claim.line] = claim.name
            taken.add(claim.name)
    return [_named(line, names.get(at), rows) for at, line in enumerate(lines)]


def _named(line: Line, name: UUID | None, rows: CompanyRows) -> Line:
    covers = line.covers or ()
    name = name or _new_name(covers, rows.by_name.keys())
    known = tuple(rows.of(covers, name).values())
    # What has ended of another's series says nothing of one that has not begun.
    recipient = line.recipient if known else replace(line.recipient, dirty_at=None)
    return replace(line, recipient=recipient, group=name, rows=known)


def _new_name(covers: Sequence[UUID], known: AbstractSet[UUID]) -> UUID:
    """Return the first of them that names no rows yet; where all do, a name that is nobody's."""
    others = (uuid5(covers[0], str(number)) for number in count(2))
    return next((one for one in covers if one not in known), None) or next(
        name for name in others if name not in known
    )


def _claims(
    matter: Matter, at: int, line: Line, rows: CompanyRows, everybody: AbstractSet[UUID]
) -> Iterator[_Claim]:
    mine = rows.of(line.covers or ())
    those = set(line.covers or ())
    # Of a series each goes on by itself.
    others = everybody if matter.rule.definition.repeat is None else frozenset()
    for name in {known.occurrence.group for known in mine.values()}:
        if name is None:
            continue
        named = rows.by_name[name]
        waiting = [known for known in named if known.send.status in REVOCABLE and known.send.id in mine]
        # Those who are apart may come to go on with it.
        apart = any(known.send.id not in mine for known in named)
        if not waiting and (apart or line.misses or _tells_of(named, others, those)):
            continue
        newest = max((known.occurrence.number or 0) for known in named)
        shared = max(len(those.intersection(known.send.covers or ())) for known in named)
        rank = min((_rank(matter, line, known) for known in waiting), default=_OVER)
        yield _Claim(rank, -newest, name not in those, -shared, at, name)


def _tells_of(named: Iterable[Known], everybody: Collection[UUID], those: AbstractSet[UUID]) -> bool:
    """Return whether one of these says that others than those have missed it too: it goes on saying so."""
    missed = [known.send for known in named if known.send.status is Status.MISSED]
    return any(one in everybody and one not in those for send in missed for one in send.covers or ())


def _rank(matter: Matter, line: Line, known: Known) -> int:
    if known.send.sent_by_hand:
        return _BY_HAND
    number = known.occurrence.number
    if known.occurrence.kind == LAST or number is None:
        return _WAITS
    timing = line.timing if number == 1 else matter.timetable.find(line.dated, number)
    return _AS_DUE if isinstance(timing, Timing) and timing.due.at == known.send.due_at else _WAITS


def _id(known: Known) -> UUID:
    return known.send.id
