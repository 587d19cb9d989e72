"""What decided that a mail is sent or not, or is going to decide when it is to leave."""

from collections.abc import Iterator, Sequence
from typing import Literal
from uuid import UUID

from domain.anchors import Anchor, anchor_at
from domain.conditions import Completion, Conditions, Labels, Presence, Standing
from domain.matters import Matter
from domain.occurrences import CORRECTION
from domain.participations import Role
from domain.reckoning import facts_of
from domain.sends import REVOCABLE, Reason, Status
from domain.snapshots import RuleFacts
from domain.steps import Code, Step, step
from domain.subjects import Record, Subject

_OF_TERMS = {
    Reason.ATTENDANCE_NOT_MET: Code.ATTENDANCE,
    Reason.COMPLETION_NOT_MET: Code.COMPLETION,
    Reason.STATUS_NOT_MET: Code.PARTICIPATION_STATUS,
    Reason.ALREADY_ANSWERED: Code.ANSWERED,
    Reason.SERIES_OVER: Code.SERIES_OVER,
}


_TO_COME = REVOCABLE | {Status.HANDING_OVER}

# Why what was withdrawn stays so, though it is asked for again.
_LATE = (Reason.DUE_IN_PAST, Reason.TOO_LATE)


def decide(subject: Subject) -> Iterator[Step]:
    """Yield what decided; of a mail that waits, what is going to."""
    yield from _about(subject)
    yield from _decisions(subject)
    here = subject.here
    if here is not None and here.switched_on:
        yield step(Code.SWITCHED_ON_HERE)
    if here is not None and here.template_id is not None and here.template_id == subject.template:
        yield step(Code.TEMPLATE_HERE, template=here.template, usual=here.usual)


def _about(subject: Subject) -> Iterator[Step]:
    """Yield whom a company's mail is about."""
    wanted = subject.found.wanted if subject.found else None
    if (
        subject.participation.role is Role.COMPANY
        and (subject.record or wanted)
        and not _nobody_left(subject)
    ):
        yield step(Code.ABOUT, participants=_ids(subject.covers))


def _decisions(subject: Subject) -> Iterator[Step]:
    record = subject.record
    if record is None:
        if subject.reason is not None:
            yield from _unwanted(subject, subject.reason)
    elif record.status in REVOCABLE:
        yield from _terms(record)
        yield from _received(record)
    elif record.reason is not None:
        yield from _ended(subject, record, record.reason)


def _ended(subject: Subject, record: Record, reason: Reason) -> Iterator[Step]:
    """Yield why a row stands where it stands, in detail where that is still so."""
    terms = [one for one in _terms(record) if one.code == _OF_TERMS.get(reason)]
    if reason is Reason.ALREADY_RECEIVED and record.received is not None:
        yield from _received(record)
        return
    if _nobody_left(subject):
        yield step(Code.NOBODY_LEFT, participants=_ids(record.covers))
        return
    yield step(Code.REASON, reason=reason)
    yield from (_covered(one.participants, one.record) for one in subject.covering)
    yield from terms
    if record.status is Status.REMOVED and subject.reason is reason:
        yield from (one for one in _unwanted(subject, reason) if one.code is not Code.REASON)
    elif record.status is Status.REMOVED and subject.reason in _LATE and not _corrects(subject):
        yield from _unwanted(subject, subject.reason)


def _corrects(subject: Subject) -> bool:
    return subject.occurrence.kind == CORRECTION


def _unwanted(subject: Subject, reason: Reason) -> Iterator[Step]:
    """Yield why planning asks for nothing."""
    rule = subject.rule
    if rule is not None and reason is Reason.ANOTHER_CENTER and rule.definition.centers != "all":
        center = subject.snapshot.session.center
        yield step(Code.SESSION_CENTER, wanted=rule.definition.centers, found=center, met=False)
    elif rule is not None and reason is Reason.CONDITIONS_NOT_MET:
        yield from _conditions(subject, rule.definition.conditions)
    elif reason is Reason.RULE_DEACTIVATED:
        yield step(Code.RULE_OFF)
    elif reason in (Reason.NO_ANCHOR_DATE, Reason.OLD_FACT):
        yield from _no_date(subject)
    elif reason is Reason.DUE_IN_PAST:
        yield from _past(subject)
    else:
        yield step(Code.REASON, reason=reason)


def _conditions(subject: Subject, says: Conditions) -> Iterator[Step]:
    session, place = subject.snapshot.session, subject.place
    mode, category = (place.mode, place.category) if place else (None, None)
    compared: Sequence[tuple[Code, Labels, str | None]] = (
        (Code.SESSION_STAGE, says.stages, session.stage),
        (Code.PLACE_MODE, says.modes, mode),
        (Code.PLACE_CATEGORY, says.categories, category),
    )
    for code, wanted, found in compared:
        if wanted != "all" and found not in wanted:
            yield step(code, wanted=wanted, found=found, met=False)


def _no_date(subject: Subject) -> Iterator[Step]:
    rule, place = subject.rule, subject.place
    if rule is None or place is None:
        return
    anchor, facts = rule.definition.trigger.anchor, facts_of(subject, place)
    fact = facts.fact(anchor) if anchor.is_fact else None
    if fact is not None and fact.is_old:
        yield step(Code.OLD_FACT, anchor=anchor, at=fact.at, recorded_at=fact.recorded_at)
    elif anchor is not Anchor.DATE and anchor_at(anchor, facts) is None:
        yield step(Code.NO_ANCHOR, anchor=anchor)
    else:
        yield step(Code.OUTSIDE_CALENDAR)


def _past(subject: Subject) -> Iterator[Step]:
    """Yield against what its time was past: nobody was late before the change that asks for it."""
    rule, place, timing = subject.rule, subject.place, subject.timing
    if rule is None or place is None or timing is None:
        return
    changed_at = rule.changed_at
    if timing.since is not None and changed_at is not None and timing.since < changed_at:
        yield step(Code.BEFORE_RULE, at=timing.since, since=changed_at)
    asked_at = Matter(subject.snapshot, rule, place, {}).asked_at(subject.participation)
    yield step(Code.DUE_IN_PAST, local=subject.clocks.wall(timing.due.at), asked_at=asked_at)
    if not rule.definition.trigger.anchor.is_fact:
        yield from _not_caught_up(subject, rule)


def _not_caught_up(subject: Subject, rule: RuleFacts) -> Iterator[Step]:
    """Yield why the rule, which catches up with whoever joins late, does not with this one."""
    enrolled, missed = subject.participation.own.enrolled, subject.missed
    if enrolled is None or missed is None:
        return
    joined_at, since = enrolled.recorded_at, rule.changed_at
    if enrolled.is_old:
        yield step(Code.NO_CATCH_UP, why="old_record", at=enrolled.at, recorded_at=joined_at)
    elif joined_at <= missed.due.at:
        yield step(Code.NO_CATCH_UP, why="in_time", at=joined_at)
    elif since is not None and joined_at < since:
        yield step(Code.NO_CATCH_UP, why="before_rule", at=joined_at, since=since)
    else:
        yield step(Code.NO_CATCH_UP, why="too_late", at=joined_at)


def _nobody_left(subject: Subject) -> bool:
    """Return whether a company's mail was withdrawn since nobody is left whom it was about."""
    record, company = subject.record, subject.participation
    if record is None or company.role is not Role.COMPANY or record.status is not Status.REMOVED:
        return False
    return record.reason is Reason.PARTICIPANT_REMOVED and (record.covers is not None or company.removed)


def _covered(participants: Sequence[UUID], by: Record) -> Step:
    to_come = by.status in _TO_COME
    return step(
        Code.COVERED_BY,
        participants=_ids(participants),
        send=str(by.id),
        status=by.status,
        at=None if to_come else by.ended_at,
        leaves_at=by.due_at if to_come else None,
    )


def _ids(participants: Sequence[UUID] | None) -> Sequence[str] | None:
    return None if participants is None else [str(one) for one in participants]


def _received(record: Record) -> Iterator[Step]:
    if record.received is not None:
        held = record.received
        yield step(Code.RECEIVED_BY, rule=held.rule, at=held.at, send=str(held.send))


def _terms(record: Record) -> Iterator[Step]:
    """Yield what is asked of the recipient when the mail is to leave, and how that stands now."""
    terms, standing = record.terms, record.standing
    says = terms.conditions
    if says.attendance is not Presence.ANY:
        met = _meets(standing, "attendance", says)
        yield step(Code.ATTENDANCE, wanted=says.attendance, found=standing.attendance, met=met)
    if says.completion != "any":
        wanted = [Completion(one) for one in says.completion]
        met = _meets(standing, "completion", says)
        yield step(Code.COMPLETION, wanted=wanted, found=standing.completion, met=met)
    if says.statuses != "all":
        met = _meets(standing, "statuses", says)
        yield step(Code.PARTICIPATION_STATUS, wanted=says.statuses, found=standing.status, met=met)
    if terms.questionnaire is not None:
        met = terms.questionnaire not in standing.answered
        yield step(Code.ANSWERED, questionnaire=terms.questionnaire, met=met)
    if terms.until is not None:
        met = terms.objection(standing) is not Reason.SERIES_OVER
        yield step(Code.SERIES_OVER, until=terms.until, met=met)


def _meets(
    standing: Standing, condition: Literal["attendance", "completion", "statuses"], says: Conditions
) -> bool:
    """Return whether one of the conditions, asked alone, is met."""
    alone = Conditions.model_validate({condition: getattr(says, condition)})
    return alone.objection(standing) is None
