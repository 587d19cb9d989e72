"""Series: the mails of a rule that writes again and again (DESIGN 6, Repeat; docs/decisions/0013).

Each mail is a send of its own, and the rows say how far a series is. Those that are there are moved, never removed for
their number; when the last has ended, the next is wanted.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from itertools import count
from uuid import UUID

from domain.changes import Considered, keep_up
from domain.line_names import CompanyRows
from domain.matters import Known, Line, Matter
from domain.occurrences import LAST
from domain.participations import Participation
from domain.rules import Repeat, Until
from domain.sends import REVIVABLE, REVOCABLE, Reason, Status
from domain.snapshots import ExistingSend
from domain.terms import OVER
from domain.timetables import Timing

# At most so many instants that passed while nobody was there to send become rows: the last ones.
PASSED_OVER = 100

# They arrived, or may have.
_SPENT = frozenset({Status.SENT, Status.HANDING_OVER, Status.IN_DOUBT})
_OPEN = REVOCABLE | {Status.HANDING_OVER, Status.IN_DOUBT}


def series(matter: Matter, line: Line, repeat: Repeat) -> Iterator[Considered]:
    """Yield what becomes of each mail of a line that planning can still do something about, and of the next one."""
    rows, last = _rows(matter, line)
    return _Series(matter, line, repeat, rows, last).consider()


def ended_series(rows: CompanyRows, one: Participation, repeat: Repeat) -> UUID | None:
    """Return the name of the series that has ended for one of a company's participants: stopped, over, or at its end."""
    numbered = [known for known in rows.about.get(one.id, ()) if known.occurrence.number is not None]
    if not numbered:
        return None
    head = max(numbered, key=_number)
    name = head.occurrence.group
    if _is_stopped(numbered) or any(_says_over(known.send) for known in numbered):
        return name
    return name if len(_spent(rows.of([one.id], name).values())) >= repeat.at_most else None


def _rows(matter: Matter, line: Line) -> tuple[dict[int, Known], Known | None]:
    """Return the rows of a line by their numbers, and that of its last step."""
    numbered, last = dict[int, Known](), None
    for known in sorted(_known(matter, line), key=lambda known: _precedence(line, known)):
        if known.occurrence.number is not None:
            numbered[known.occurrence.number] = known
        elif known.occurrence.kind == LAST:
            last = known
    return dict(sorted(numbered.items())), last


def _known(matter: Matter, line: Line) -> Iterator[Known]:
    """Yield the rows of a line; what waits under another name is that line's, or nobody's any more."""
    if line.group is not None:
        yield from (k for k in line.rows if _is_own(line, k) or k.send.status not in REVOCABLE)
        return
    for known in matter.known(line.recipient):
        if (known.occurrence.group, known.occurrence.memory) == (None, matter.rule.memory):
            yield known


def _precedence(line: Line, known: Known) -> tuple[bool, bool, bool, UUID]:
    """Of several rows of one number, those of lines that have joined, the greatest says what became of it."""
    own, status = _is_own(line, known), known.send.status
    return own and status in REVOCABLE, status in _SPENT, own, known.send.id


def _is_own(line: Line, known: Known) -> bool:
    return known.occurrence.group == line.group


def _says_over(send: ExistingSend) -> bool:
    return send.status is Status.SKIPPED and send.reason in OVER


def _is_stopped(rows: Iterable[Known]) -> bool:
    """Return whether the last of these was cancelled, of those that have not been let go, or missed: none comes back."""
    standing = [known for known in rows if known.send.status not in REVIVABLE]
    return bool(standing) and max(standing, key=_number).send.status is Status.CANCELLED


def _spent(rows: Iterable[Known]) -> set[int]:
    """Return the numbers of those that arrived, or may have."""
    return {_number(known) for known in rows if known.occurrence.number and known.send.status in _SPENT}


def _number(known: Known) -> int:
    return known.occurrence.number or 0


class _Series:
    def __init__(
        self,
        matter: Matter,
        line: Line,
        repeat: Repeat,
        rows: Mapping[int, Known],
        last: Known | None,
    ) -> None:
        self._matter, self._line, self._repeat = matter, line, repeat
        self._rows, self._last = rows, last
        self._arrived = _spent(_known(matter, line))
        self._spent = len(self._arrived)
        self._completed = line.completed and repeat.until is Until.COMPLETED
        self._is_stopped = _is_stopped(rows.values())

    def consider(self) -> Iterator[Considered]:
        if not self._rows:
            yield from self._part() or [self._begin()]
            return
        kept, standing = dict(self._stand()), dict[int, Status]()
        for number, row in self._sends():
            found = kept.get(number)
            if found is None:
                standing[number] = Status.REMOVED if row.status in REVOCABLE else row.status
                continue
            change = keep_up(found, row)
            standing[number] = change.status if change else row.status
            yield found
        if not _OPEN.isdisjoint(standing.values()):
            return
        if self._is_stopped:
            yield self._nothing(Reason.CANCELLED_BY_HAND)
            return
        head = max(standing)
        yield from self._go_on(head, standing[head])

    def _begin(self) -> Considered:
        """Return the first mail that is not past: those before it never were (F069)."""
        if self._completed:
            return self._nothing(Reason.SERIES_OVER)
        if self._line.group is None and self._matter.is_cancelled_for(self._line.recipient):
            return self._nothing(Reason.CANCELLED_BY_HAND)
        past: Considered | None = None
        for number in range(1, self._repeat.at_most + 1):
            timing = self._timing(number)
            if isinstance(timing, Timing):
                found = self._matter.want(self._line, timing, str(number))
                if found.reason is None:
                    return found
                past = past or found
            elif past is None and timing is not Reason.TOO_LATE:
                return self._nothing(timing)
        return past or self._nothing(Reason.TOO_LATE)

    def _part(self) -> list[Considered]:
        """Return what becomes of a series that parts from another, whose mail waits, where its own is past: it is missed."""
        waiting = [known for known in self._line.rows if known.send.status in REVOCABLE]
        number = min((known.occurrence.number for known in waiting if known.occurrence.number), default=0)
        timing = self._timing(number) if number and not self._completed else None
        if not isinstance(timing, Timing):
            return []
        found = self._matter.want(self._line, timing, str(number), passed_over=True)
        return [found, *self._next(number, quietly=False)] if found.reason is not None else []

    def _stand(self) -> Iterator[tuple[int, Considered]]:
        """Yield the mails that wait, and those that wait again since their time has come to lie ahead."""
        places = self._repeat.at_most - self._spent
        for number, row, found in self._wanted(REVOCABLE):
            if places > 0 or row.sent_by_hand:
                change = keep_up(found, row)
                places -= change is None or change.status in REVOCABLE
                yield number, found
        free = 0 if self._completed or self._is_stopped else places
        for number, _, found in self._wanted(REVIVABLE):
            if free > 0:
                free -= found.reason is None
                yield number, found

    def _wanted(self, statuses: AbstractSet[Status]) -> Iterator[tuple[int, ExistingSend, Considered]]:
        """Yield its own rows in one of these, and what becomes of them; none that has no date."""
        for number, row in self._sends():
            timing = self._timing(number)
            mine = row.status in statuses and _is_own(self._line, self._rows[number])
            if mine and isinstance(timing, Timing):
                yield number, row, self._matter.want(self._line, timing, str(number))

    def _go_on(self, head: int, stands: Status) -> Iterator[Considered]:
        if self._is_over():
            yield from self._keep_last()
            yield self._nothing(Reason.SERIES_OVER)
        elif self._spent >= self._repeat.at_most:
            yield from self._end()
        else:
            yield from self._next(head, quietly=stands is Status.REMOVED)

    def _is_over(self) -> bool:
        return self._completed or any(_says_over(row) for _, row in self._sends())

    def _next(self, head: int, *, quietly: bool) -> Iterator[Considered]:
        """Yield the next mail that is not past, and before it those that have been passed over since the last.

        Several that a window moves to one instant are one. `quietly`: the series had stopped, and passed over none.
        """
        passed: deque[tuple[int, Timing]] = deque(maxlen=0 if quietly else PASSED_OVER)
        for number, timing in self._later(head):
            if isinstance(timing, Reason):
                yield self._nothing(timing)
                break
            if self._matter.is_worth(self._line.recipient, timing):
                yield self._matter.want(self._line, timing, str(number))
                break
            passed.append((number, timing))
        for number, timing in passed:
            yield self._matter.want(self._line, timing, str(number), passed_over=True)

    def _later(self, head: int) -> Iterator[tuple[int, Timing | Reason]]:
        """Yield what follows in the series, each later than the one before; the last may be the reason why it ends."""
        before = self._timing(head)
        for number in count(head + 1):
            timing = self._timing(number)
            if isinstance(timing, Timing):
                if isinstance(before, Timing) and timing.due.at <= before.due.at:
                    continue
                before = timing
                yield number, timing
            elif timing is not Reason.TOO_LATE:
                yield number, timing
                return

    def _end(self) -> Iterator[Considered]:
        """Yield the last step, to somebody else, where the rule has one."""
        then = self._repeat.then
        if then is None or self._last_is_theirs():
            yield self._nothing(Reason.SERIES_OVER)
            return
        timing = self._end_timing()
        if isinstance(timing, Reason):
            yield self._nothing(timing)
            return
        template = self._matter.rule.templates.get(then.template) if then.template else None
        yield self._matter.want(self._line, timing, LAST, template=template, passed_over=True)

    def _end_timing(self) -> Timing | Reason:
        """Return when the last step comes: after the last mail that was sent, as if no more had ever been allowed.

        Where that is past, as those after it were that came to nothing, it is the next that is not.
        """
        last_sent = max(self._arrived)
        timing: Timing | Reason = Reason.TOO_LATE
        for number in (number for number in self._rows if number >= last_sent):
            _, timing = next(self._later(number))
            if isinstance(timing, Reason) or self._waits_for(timing):
                break
            if self._matter.is_worth(self._line.recipient, timing):
                break
        return timing

    def _waits_for(self, timing: Timing) -> bool:
        """Return whether the last step waits for this time, or queues since it has come."""
        last = self._last
        return last is not None and last.send.status in REVOCABLE and last.send.due_at == timing.due.at

    def _keep_last(self) -> Iterator[Considered]:
        """Yield a last step that waits, though the series is over: that is looked at when it is to leave."""
        if self._last and self._last.send.status in REVOCABLE and self._spent >= self._repeat.at_most:
            yield from self._end()

    def _last_is_theirs(self) -> bool:
        """Return whether the last step about some of them has been decided under another name."""
        last = self._last
        return last is not None and not _is_own(self._line, last) and last.send.status not in REVIVABLE

    def _sends(self) -> Iterator[tuple[int, ExistingSend]]:
        return ((number, known.send) for number, known in self._rows.items())

    def _timing(self, number: int) -> Timing | Reason:
        if number == 1 and self._line.timing is not None:
            return self._line.timing
        return self._matter.timetable.find(self._line.dated, number)

    def _nothing(self, reason: Reason) -> Considered:
        return self._matter.pass_over(self._line.recipient, reason)
