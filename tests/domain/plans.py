"""Facts to plan from, and rows as they stand once a plan is written or a mail has left."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from domain.anchors import Dated, Fact, Own
from domain.occurrences import Occurrence
from domain.participations import Participation, Role
from domain.planning import Change, ExistingSend, RuleFacts, SessionFacts, SlotFacts, Snapshot, consider, plan
from domain.rules import RuleDefinition
from domain.sends import Reason, Status

NOW = datetime(2026, 11, 5, 8, 0, tzinfo=UTC)  # a Thursday
MINUTE, HOUR, DAY, WEEK = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1), timedelta(days=7)

_NAMES = UUID("a3a6c1de-3f3a-4d1b-8a52-0d6a4f1b9a10")
_TRIGGER = ("anchor", "offset", "at", "date")


def named(name: str) -> UUID:
    return uuid5(_NAMES, name)


def says(**fields: Any) -> RuleDefinition:
    """What a rule says: one week before the session starts, unless `fields` say otherwise; a trigger's are its own."""
    of_trigger = {name: fields.pop(name) for name in _TRIGGER if name in fields}
    trigger = {"type": "date", "anchor": "session.start", "offset": "-P7D", **of_trigger}
    return RuleDefinition.model_validate({"trigger": trigger, **fields})


def rule(name: str = "rule", *, of: dict[str, Any] | None = None, **fields: Any) -> RuleFacts:
    """A rule made long ago; `of` are fields of its own, the others what it says."""
    usual = {"version": 1, "changed_at": NOW - 300 * DAY}
    return RuleFacts(id=named(name), definition=says(**fields), **{**usual, **(of or {})})


def session(
    starts_at: datetime | None = NOW + 30 * DAY, ends_at: datetime | None = None, **fields: Any
) -> SessionFacts:
    usual = {"zone": "UTC", "changed_at": NOW - 300 * DAY}
    return SessionFacts(named("session"), dates=Dated(starts_at, ends_at), **{**usual, **fields})


def slot(name: str, starts_at: datetime, *, synchronous: bool = True) -> SlotFacts:
    return SlotFacts(named(name), Dated(starts_at, starts_at + HOUR), synchronous=synchronous)


def person(name: str = "ada", *, own: Own | None = None, **fields: Any) -> Participation:
    """Somebody who has been there for long, unless told otherwise."""
    usual = {"role": Role.PARTICIPANT, "changed_at": NOW - 300 * DAY}
    return Participation(
        id=named(f"participation of {name}"), recipient=named(name), own=own or Own(), **{**usual, **fields}
    )


def company(name: str = "acme", **fields: Any) -> Participation:
    return person(name, role=Role.COMPANY, **fields)


def begins(at: datetime) -> Own:
    """The dates of somebody who starts on a day of their own."""
    return Own(Dated(starts_at=at))


def recorded(name: str, at: datetime, *, happened: timedelta = timedelta(0)) -> Own:
    """A fact that is written down then, and `happened` so long before."""
    fact: dict[str, Any] = {name: Fact(at - happened, at)}
    return Own(**fact)


def facts(
    *rules: RuleFacts,
    people: Sequence[Participation] | None = None,
    about: SessionFacts | None = None,
    sends: Sequence[ExistingSend] = (),
    now: datetime = NOW,
    colleagues: Sequence[Participation] = (),
) -> Snapshot:
    here = [person()] if people is None else people
    return Snapshot(now, about or session(), rules, here, sends, colleagues)


def planned(before: Snapshot) -> Snapshot:
    """The facts again, with the rows as the plan asks for them."""
    rows = {send.id: send for send in before.sends}
    rows |= {change.id: _written(change) for change in plan(before)}
    return replace(before, sends=list(rows.values()))


def _written(change: Change) -> ExistingSend:
    found, wanted, timing = change.existing, change.wanted, change.timing
    if wanted is None:
        assert found is not None
        return replace(found, status=change.status, reason=change.reason, version=found.version + 1)
    row = found or ExistingSend(
        change.id,
        wanted.rule.id,
        wanted.place.id,
        wanted.participation.id,
        change.status,
        0,
        wanted.timing.due.at,
        wanted.timing.latest_at,
    )
    return replace(
        row,
        participation=wanted.participation.id,
        status=change.status,
        reason=change.reason,
        version=row.version + 1,
        due_at=timing.due.at if timing else row.due_at,
        latest_at=timing.latest_at if timing else row.latest_at,
        reactivated=False,
        due_override_at=row.due_override_at if row.sent_by_hand else None,
        occurrence=wanted.occurrence,
        covers=wanted.covers,
        template=wanted.template,
        anchor_at=wanted.timing.anchor_at,
        anchor=wanted.anchor,
    )


def ended(
    before: Snapshot,
    status: Status = Status.SENT,
    *,
    reason: Reason | None = None,
    which: str | None = None,
    at: datetime | None = None,
) -> Snapshot:
    """The facts as they are when what waits, or the one occurrence of it, has come to an end, when it was due or `at`."""
    over = [
        send
        for send in before.sends
        if send.status in (Status.SCHEDULED, Status.CLAIMED) and which in (None, send.occurrence)
    ]
    assert over
    when = at or max(send.due_at for send in over)
    rows = {send.id: send for send in before.sends} | {
        send.id: replace(
            send,
            status=status,
            reason=reason,
            handed_at=when,
            ended_at=when,
            version=send.version + 1,
            due_override_at=None,
        )
        for send in over
    }
    touched = {send.participation for send in over}
    people = [replace(one, changed_at=when) if one.id in touched else one for one in before.participations]
    return replace(before, sends=list(rows.values()), participations=people, now=max(when, before.now))


def moved(before: Snapshot, starts_at: datetime | None, *, now: datetime | None = None) -> Snapshot:
    """The facts once the session was put on another day."""
    now = now or before.now
    return replace(before, now=now, session=replace(before.session, dates=Dated(starts_at), changed_at=now))


def replaced(before: Snapshot, *people: Participation) -> Snapshot:
    """The facts with these in the place of those who were there; of whom nothing is said here they stay."""
    new = {one.id: one for one in people}
    kept = [one for one in before.participations if one.id not in new]
    return replace(before, participations=[*kept, *people])


def rows(found: Snapshot) -> dict[str, str]:
    """The statuses of all rows of one rule about one place to one recipient, by their occurrences."""
    by_step = {Occurrence.parse(send.occurrence).step: send for send in found.sends}
    assert len(by_step) == len(found.sends)
    return {step: by_step[step].status.value for step in sorted(by_step, key=lambda step: (len(step), step))}


def waiting(found: Snapshot) -> list[datetime]:
    """When the mails that wait are due."""
    return sorted(send.due_at for send in found.sends if send.status is Status.SCHEDULED)


def reasons(found: Snapshot) -> set[Reason | None]:
    """Why planning has nothing, where it has not."""
    return {one.reason for one in consider(found)}


def is_settled(found: Snapshot) -> bool:
    return plan(found) == []


def by_name(names: Iterable[str]) -> dict[UUID, str]:
    return {named(name): name for name in names}
