"""Groups: a company's participants with one date share one mail, and nobody is in two (F019)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from domain.line_names import CompanyRows, name_lines
from domain.matters import Line, Matter
from domain.participations import Participation
from domain.sends import REVIVABLE, REVOCABLE, Reason
from domain.series import ended_series
from domain.snapshots import ExistingSend
from domain.timetables import Timing

# A row in one of these may still be about others; in any other it has been about whom it covers, for good.
_UNDECIDED = REVOCABLE | REVIVABLE

_Shared = tuple[datetime, UUID | None, bool]  # when, which series has ended, and whether they miss it


def group_lines(
    matter: Matter, company: Participation, members: Sequence[Participation]
) -> tuple[list[Line], Reason | None]:
    """Return the mails to a company under dates of its participants' own; where there are none, why."""
    reason: Reason | None = None
    dated = list[tuple[Participation, Timing]]()
    rows, repeat = CompanyRows(matter, company), matter.rule.definition.repeat
    for one in sorted(members, key=_id):
        if repeat is None and _is_decided(rows, one):
            reason = Reason.COVERED_ALREADY
            continue
        if matter.stays_cancelled(rows.ever.get(one.id, ())):
            reason = Reason.CANCELLED_BY_HAND
            continue
        timing = matter.timetable.find(one)
        if isinstance(timing, Reason):
            reason = reason or timing
        else:
            dated.append((one, timing))
    lines = _together(matter, company, dated, rows)
    return name_lines(matter, lines, rows), reason or Reason.PARTICIPANT_REMOVED


def _together(
    matter: Matter, company: Participation, dated: Sequence[tuple[Participation, Timing]], rows: CompanyRows
) -> list[Line]:
    """Return who shares a mail: those whose mails are due together.

    Whoever's series has ended shares none with those whose goes on. Nor does whoever leaves a mail that waits, for a date
    whose mail is past, with those who had none at that date, or have missed it already: a row is to say so.
    """
    repeat = matter.rule.definition.repeat
    queueing = {timing.due.at for one, timing in dated if _goes_on(rows, one, timing)}
    together: dict[_Shared, list[tuple[Participation, Timing]]] = defaultdict(list)
    for one, timing in dated:
        over = ended_series(rows, one, repeat) if repeat else None
        misses = repeat is None and timing.due.at not in queueing and bool(_waiting(rows, one))
        misses = misses and not matter.is_worth(as_asked_by(company, [one]), timing)
        together[timing.due.at, over, misses].append((one, timing))
    return [replace(_line(company, those), misses=misses) for (_, _, misses), those in together.items()]


def line_of(company: Participation, members: Iterable[Participation]) -> Line:
    """Return the mails to a company about these participants of it."""
    those = sorted(members, key=_id)
    return Line(
        as_asked_by(company, those),
        those[0],
        group=those[0].id,
        covers=tuple(one.id for one in those),
        completed=all(one.own.completed is not None for one in those),
    )


def as_asked_by(company: Participation, members: Sequence[Participation]) -> Participation:
    """Return a company as those of its people ask for a mail whom it is about: not before the first of them did.

    Whoever joins them later makes nothing past that was ahead (docs/decisions/0012).
    """
    first = min((one.changed_at for one in members if one.changed_at is not None), default=None)
    if company.changed_at is None or first is None:  # now
        return replace(company, changed_at=None)
    return replace(company, changed_at=max(company.changed_at, first))


def _line(company: Participation, those: Sequence[tuple[Participation, Timing]]) -> Line:
    first = those[0][1]
    if any(timing is not first for _, timing in those):
        # A time of day or a window has brought different dates together: the mail tells none of them as the one.
        dates = {timing.anchor_at for _, timing in those}
        first = replace(
            first,
            latest_at=min(timing.latest_at for _, timing in those),
            anchor_at=first.anchor_at if len(dates) == 1 else None,
        )
    return replace(line_of(company, [one for one, _ in those]), timing=first)


def _is_decided(rows: CompanyRows, one: Participation) -> bool:
    """Return whether a mail about somebody has been decided, of a rule that writes once."""
    return any(known.send.status not in _UNDECIDED for known in rows.about.get(one.id, ()))


def _goes_on(rows: CompanyRows, one: Participation, timing: Timing) -> bool:
    """Return whether a mail about somebody waits for this time, which may be past, or for one that was set by hand."""
    return any(send.sent_by_hand or send.due_at == timing.due.at for send in _waiting(rows, one))


def _waiting(rows: CompanyRows, one: Participation) -> list[ExistingSend]:
    return [known.send for known in rows.about.get(one.id, ()) if known.send.status in REVOCABLE]


def _id(one: Participation) -> UUID:
    return one.id
