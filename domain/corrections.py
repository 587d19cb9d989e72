"""Corrections: mails to whoever was told a date that is no longer true (DESIGN 6).

A rule may have them, or somebody asks for them by hand: then those that wait are kept while their date is true.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from domain.changes import Considered
from domain.groups import line_of
from domain.matters import Known, Line, Matter
from domain.occurrences import CORRECTION, correction_step
from domain.participations import Participation
from domain.sends import REVOCABLE, Reason, Status
from domain.snapshots import ExistingSend
from domain.timetables import Timing, latest_at

# What they say has reached somebody, or may have.
TOLD = frozenset({Status.SENT, Status.HANDING_OVER, Status.IN_DOUBT})
# They came to nothing, and planning does not take them up again; one that was cancelled stays so.
_CAME_TO_NOTHING = frozenset({Status.FAILED, Status.EXPIRED, Status.SKIPPED})


def corrections(matter: Matter, one: Participation) -> Iterator[Considered]:
    """Yield the correction that somebody, or a company under common dates, is to get, if any."""
    known = matter.known(one)
    case = _case(matter, one, known) if known else None
    if case is not None:
        yield _correct(matter, Line(one, one), case, known)


def group_corrections(
    matter: Matter, company: Participation, members: Sequence[Participation]
) -> Iterator[Considered]:
    """Yield the corrections that a company is to get about those of its participants whose own date has changed."""
    known = matter.known(company)
    cases = list[tuple[Participation, _Case]]()
    for one in members if known else ():
        case = _case(matter, one, [row for row in known if one.id in (row.send.covers or ())])
        if case is not None:
            cases.append((one, case))
    for case, those in _together(cases):
        line = line_of(company, those)
        if case.waits is not None:
            line = replace(line, group=case.waits.occurrence.group)
        yield _correct(matter, line, case, known)


def told_at(known: Sequence[Known], anchor: str) -> datetime | None:
    """Return the date that was told last of those that the rule counts from; None where nobody was told one."""
    told = [row.send for row in known if _tells(row.send, anchor)]
    return max(told, key=_told_when).anchor_at if told else None


def same_date(one: datetime, other: datetime) -> bool:
    """Return whether two dates are one, to the second."""
    return one.replace(microsecond=0) == other.replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class _Case:
    """Somebody was told another date than the one that is true."""

    now: datetime
    template: UUID | None  # None: the one that the session sends by the rule
    by_hand: bool = False
    waits: Known | None = None  # the correction that is there, and tells it


def _case(matter: Matter, one: Participation, about: Sequence[Known]) -> _Case | None:
    """Return what is to be corrected of what somebody was told by these; None where nothing is."""
    anchor, now = matter.rule.definition.trigger.anchor, matter.timetable.told(one)
    told = told_at(about, anchor)
    if told is None or now is None or same_date(told, now):
        return None
    case = _kept(matter, about, now) or _asked_for(matter, about, now) or _of_rule(matter, one, told, now)
    return None if case is not None and _was_cancelled(matter, about, case) else case


def _was_cancelled(matter: Matter, about: Sequence[Known], case: _Case) -> bool:
    """Return whether one that tells this date was cancelled before the rule forgot whom it wrote to: it stays so."""
    return case.waits is None and any(
        row.send.status is Status.CANCELLED
        and (row.occurrence.kind, row.occurrence.by_hand) == (CORRECTION, case.by_hand)
        and row.occurrence.memory < matter.rule.memory
        and row.send.anchor == matter.rule.definition.trigger.anchor
        and row.send.anchor_at is not None
        and same_date(row.send.anchor_at, case.now)
        for row in about
    )


def _kept(matter: Matter, about: Sequence[Known], now: datetime) -> _Case | None:
    """Return the case of a correction that waits and still tells what is true; one that was asked for comes first."""
    rule = matter.rule
    option, anchor = rule.definition.correction, rule.definition.trigger.anchor
    waiting = [
        row
        for row in _waiting(about)
        if (row.occurrence.by_hand or option is not None)
        and row.occurrence.memory == rule.memory
        and row.send.anchor == anchor
        and row.send.anchor_at is not None
        and same_date(row.send.anchor_at, now)
    ]
    if not waiting:
        return None
    row = min(waiting, key=lambda row: (not row.occurrence.by_hand, row.send.id))
    if option is None or row.occurrence.by_hand:
        return _Case(now, row.send.template, row.occurrence.by_hand, row)
    return _Case(now, rule.templates.get(option.template, row.send.template), waits=row)


def _asked_for(matter: Matter, about: Sequence[Known], now: datetime) -> _Case | None:
    """Return the case of a correction that is asked for now, or was, and follows the date while it waits."""
    if matter.rule.asked_to_correct is not None:
        return _Case(now, matter.rule.asked_to_correct, by_hand=True)
    if matter.rule.definition.correction is not None:
        return None
    asked = [row.send for row in _waiting(about) if row.occurrence.by_hand]
    return _Case(now, min(asked, key=_by_id).template, by_hand=True) if asked else None


def _of_rule(matter: Matter, one: Participation, told: datetime, now: datetime) -> _Case | None:
    """Return the case of one that the rule makes: nothing is said of two days gone, nor of moves before it made any."""
    rule, asked_at = matter.rule, matter.asked_at(one)
    option, since = rule.definition.correction, rule.corrects_since
    template = rule.templates.get(option.template) if option is not None else None
    if template is None or max(told, now) <= asked_at or (since is not None and matter.said_at(one) <= since):
        return None
    return _Case(now, template)


def _together(
    cases: Sequence[tuple[Participation, _Case]],
) -> Sequence[tuple[_Case, Sequence[Participation]]]:
    """Return whom each mail to a company is about: of those that the rule makes, one that waits takes others in."""
    waits = {case.now: case for _, case in cases if case.waits is not None and not case.by_hand}
    found: dict[object, tuple[_Case, list[Participation]]] = {}
    for one, own in cases:
        case = own if own.by_hand or own.waits is not None else waits.get(own.now, own)
        key = case.waits.send.id if case.waits is not None else (case.now, case.template, case.by_hand)
        found.setdefault(key, (case, []))[1].append(one)
    return [*found.values()]


def _correct(matter: Matter, line: Line, case: _Case, known: Sequence[Known]) -> Considered:
    timing = _timing(matter, line, case)
    if isinstance(timing, Reason):
        return matter.pass_over(line.recipient, timing)
    step = case.waits.occurrence.step if case.waits else _step(matter, line.group, case, known)
    return matter.want(line, timing, step, template=case.template, keeps_time=True)


def _timing(matter: Matter, line: Line, case: _Case) -> Timing | Reason:
    asked_at, within = matter.asked_at(line.recipient), matter.rule.definition.deliver_within
    try:
        leaves = matter.timetable.at_once(line.dated, asked_at)
        latest = latest_at(case.now, asked_at, within, leaves.at)
    except (OverflowError, ValueError):
        return Reason.TOO_LATE
    return Timing(leaves, latest, case.now, asked_at) if leaves.at < latest else Reason.TOO_LATE


def _step(matter: Matter, group: UUID | None, case: _Case, known: Sequence[Known]) -> str:
    """Return the step that tells this date, and is not among those that have done so, or failed to, before another."""
    ours = [
        row for row in known if (row.occurrence.memory, row.occurrence.group) == (matter.rule.memory, group)
    ]
    anchor = matter.rule.definition.trigger.anchor
    last = max((_told_when(row.send)[0] for row in known if _tells(row.send, anchor)), default=None)
    over = {row.occurrence.step for row in ours if _is_over(row.send, last)}
    again = 1
    while correction_step(case.now, again, by_hand=case.by_hand) in over:
        again += 1
    return correction_step(case.now, again, by_hand=case.by_hand)


def _is_over(send: ExistingSend, last_told: datetime | None) -> bool:
    if send.status in TOLD or send.status in REVOCABLE:
        return True
    if send.status not in _CAME_TO_NOTHING or send.ended_at is None or last_told is None:
        return False
    return send.ended_at < last_told


def _waiting(about: Sequence[Known]) -> list[Known]:
    return [row for row in about if row.send.status in REVOCABLE and row.occurrence.kind == CORRECTION]


def _tells(send: ExistingSend, anchor: str) -> bool:
    return send.status in TOLD and send.anchor_at is not None and send.anchor == anchor


def _told_when(send: ExistingSend) -> tuple[datetime, UUID]:
    return send.handed_at or send.due_at, send.id


def _by_id(send: ExistingSend) -> UUID:
    return send.id
