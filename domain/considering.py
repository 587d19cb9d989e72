"""Considering: what planning makes of every rule, of everything it writes about, for each of its audience."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from uuid import UUID

from domain.changes import Considered
from domain.corrections import corrections, group_corrections
from domain.groups import group_lines
from domain.matters import Known, Line, Matter
from domain.occurrences import CORRECTION, Occurrence
from domain.participations import Participation, Role
from domain.places import Place, places_by_scope
from domain.rules import Audience, RuleDefinition
from domain.sends import Reason
from domain.series import series
from domain.snapshots import RuleFacts, SessionFacts, Snapshot

_Rows = Mapping[tuple[UUID, UUID], Mapping[UUID, Sequence[Known]]]  # by rule and scope, then by recipient


def consider(snapshot: Snapshot, *, wanted_only: bool = False) -> Iterator[Considered]:
    """Yield what planning makes of each rule and each place for each of its audience, wanted or not, and why not.

    There may be several for one, of a rule that writes again and again, or corrects a date. `wanted_only` leaves out
    what comes to nothing for a whole place, or for whoever has nothing to do with it.
    """
    rows, places_of = _rows(snapshot), places_by_scope(snapshot.session)
    members = _members(snapshot)
    audiences = defaultdict(list)
    for one in snapshot.participations:
        audiences[one.role].append(one)
    for rule in snapshot.rules:
        audience = audiences[rule.definition.audience.role]
        off = why_off(snapshot.session, rule)
        for place in () if off and wanted_only else places_of[rule.definition.scope]:
            reason = off or why_not_here(snapshot.session, rule.definition, place)
            if reason is None:
                matter = Matter(snapshot, rule, place, rows.get((rule.id, place.id), {}))
                yield from _consider(matter, audience, members, wanted_only=wanted_only)
            elif not wanted_only:
                yield from (Considered(rule, place, one, None, reason) for one in audience)


def why_off(session: SessionFacts, rule: RuleFacts) -> Reason | None:
    """Return why a rule has nothing to do with a session at all."""
    reasons = {
        Reason.SESSION_DELETED: session.deleted,
        Reason.RULE_DELETED: rule.deleted,
        Reason.RULE_DEACTIVATED: not rule.active,
        Reason.ANOTHER_CENTER: not _shared(rule.definition, session),
        Reason.SWITCHED_OFF_HERE: rule.off_here,
        Reason.OLDER_SESSION: rule.too_new,
    }
    return next((reason for reason, so in reasons.items() if so), None)


def why_not_here(session: SessionFacts, says: RuleDefinition, place: Place) -> Reason | None:
    """Return why a rule has nothing to do with a session, or a module or slot of it, as that is."""
    met = says.conditions.met(stage=session.stage, mode=place.mode, category=place.category)
    return None if met else Reason.CONDITIONS_NOT_MET


def why_not_theirs(one: Participation, slots: Set[UUID]) -> Reason | None:
    """Return why somebody of the audience has nothing to do with what has these slots."""
    if one.removed:
        return Reason.PARTICIPANT_REMOVED
    return None if one.comes_to(slots) else Reason.NOT_OF_PLACE


def in_groups(says: RuleDefinition) -> bool:
    """Return whether a company may get several mails of a rule, each about some of its participants (F019)."""
    return says.audience is Audience.COMPANIES and says.trigger.anchor.is_own


def _consider(
    matter: Matter,
    audience: Sequence[Participation],
    members: Mapping[UUID, Sequence[Participation]],
    *,
    wanted_only: bool,
) -> Iterator[Considered]:
    says, slots = matter.rule.definition, matter.place.slots
    grouped, plain = in_groups(says), says.repeat is None
    corrected = matter.has_rows
    for one in audience:
        if gone := why_not_theirs(one, slots):
            if not wanted_only:
                yield matter.pass_over(one, gone)
        elif grouped:
            yield from _of_company(matter, one, members.get(one.recipient, ()))
        elif plain:
            yield matter.want_first(one)
            if corrected:
                yield from corrections(matter, one)
        else:
            yield from _repeatedly(matter, Line(one, one, completed=one.own.completed is not None))
            yield from corrections(matter, one)


def _of_company(
    matter: Matter, company: Participation, members: Sequence[Participation]
) -> Iterator[Considered]:
    lines, reason = group_lines(matter, company, members)
    for line in lines:
        if matter.rule.definition.repeat is not None:
            yield from _repeatedly(matter, line)
        elif line.timing is not None:
            yield matter.want(line, line.timing, passed_over=line.misses)
    if not lines and reason is not None:
        yield matter.pass_over(company, reason)
    yield from group_corrections(matter, company, members)


def _repeatedly(matter: Matter, line: Line) -> Iterator[Considered]:
    repeat = matter.rule.definition.repeat
    return series(matter, line, repeat) if repeat is not None else iter(())


def _rows(snapshot: Snapshot) -> _Rows:
    """Return the rows of those rules that may write several mails to one recipient, or again, or have corrected one."""
    several = {
        rule.id
        for rule in snapshot.rules
        if _writes_several(rule.definition) or rule.asked_to_correct or rule.memory > 1
    }
    several |= {send.rule for send in snapshot.sends if CORRECTION in send.occurrence}
    found: dict[tuple[UUID, UUID], dict[UUID, list[Known]]] = defaultdict(lambda: defaultdict(list))
    if several:
        recipients = {one.id: one.recipient for one in snapshot.participations}
        for send in snapshot.sends:
            if send.rule in several:
                known = Known(Occurrence.parse(send.occurrence), send)
                found[send.rule, send.scope][recipients[send.participation]].append(known)
    return found


def _writes_several(says: RuleDefinition) -> bool:
    return says.repeat is not None or says.correction is not None or in_groups(says)


def _members(snapshot: Snapshot) -> Mapping[UUID, Sequence[Participation]]:
    """Return the participants that companies come with, where a mail may be about some of them only."""
    found: dict[UUID, list[Participation]] = defaultdict(list)
    if any(in_groups(rule.definition) for rule in snapshot.rules):
        for one in (*snapshot.participations, *snapshot.colleagues):
            if one.role is Role.PARTICIPANT and one.company is not None and not one.removed:
                found[one.company].append(one)
    return found


def _shared(says: RuleDefinition, session: SessionFacts) -> bool:
    return says.centers == "all" or session.center in says.centers
