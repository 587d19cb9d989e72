"""Groups: a company's participants with one date share one mail, and nobody is in two (F019)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from domain.line_names import CompanyRows, name_lines
from domain.matters import Line, Matter
from domain.participations import Participation
from domain.sends import REVOCABLE, Reason, Status
from domain.series import ended_series
from domain.timetables import Timing

# A row in one of these may still be about others; in any other it has been about whom it covers, for good.
_UNDECIDED = REVOCABLE | {Status.MISSED, Status.REMOVED}


def group_lines(
    matter: Matter, company: Participation, members: Sequence[Participation]
) -> tuple[list[Line], Reason | None]:
    """Return the mails to a company under dates of its participants' own; where there are none, why.

    Whoever's series has ended shares none with those whose goes on.
    """
    together: dict[tuple[datetime, UUID | None], list[tuple[Participation, Timing]]] = defaultdict(list)
    reason = None
    rows, repeat = CompanyRows(matter, company), matter.rule.definition.repeat
    for one in sorted(members, key=_id):
        if repeat is None and _is_decided(rows, one):
            reason = Reason.COVERED_ALREADY
            continue
        timing = matter.timetable.find(one)
        if isinstance(timing, Reason):
            reason = reason or timing
        else:
            over = ended_series(rows, one, repeat) if repeat else None
            together[timing.due.at, over].append((one, timing))
    lines = [_line(company, those) for those in together.values()]
    return name_lines(matter, lines, rows), reason or Reason.PARTICIPANT_REMOVED


def line_of(company: Participation, members: Iterable[Participation]) -> Line:
    """Return the mails to a company about these participants of it."""
    those = sorted(members, key=_id)
    return Line(
        company,
        those[0],
        group=those[0].id,
        covers=tuple(one.id for one in those),
        completed=all(one.own.completed is not None for one in those),
    )


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


def _id(one: Participation) -> UUID:
    return one.id
