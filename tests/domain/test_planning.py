"""What does planning change, and what does it leave alone?"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.anchors import Dated
from domain.identity import send_id
from domain.participations import Participation, Role
from domain.planning import (
    Change,
    ExistingSend,
    RuleFacts,
    SessionFacts,
    Snapshot,
    latest_at,
    plan,
)
from domain.rules import RuleDefinition
from domain.sends import REVOCABLE, Reason, Status

NOW = datetime(2026, 11, 5, 8, 0, tzinfo=UTC)
MINUTE, HOUR, DAY, WEEK = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1), timedelta(days=7)
LONG_AGO, FAR_AHEAD = NOW - 300 * DAY, NOW + 300 * DAY

_NAMES = UUID("a3a6c1de-3f3a-4d1b-8a52-0d6a4f1b9a10")


def named(name: str) -> UUID:
    return uuid5(_NAMES, name)


def rule(
    name: str = "j7", *, version: int = 1, active: bool = True, deleted: bool = False, **says: Any
) -> RuleFacts:
    """A rule of one week before the session starts, unless `says` says otherwise."""
    within = says.pop("deliver_within", None)
    trigger = {"type": "date", "anchor": "session.start", "offset": "-P7D", **says}
    definition = RuleDefinition.model_validate({"trigger": trigger, "deliver_within": within})
    return RuleFacts(named(name), version, definition, active, deleted)


def session(starts_at: datetime | None, ends_at: datetime | None = None, **fields: Any) -> SessionFacts:
    return SessionFacts(named("session"), "UTC", Dated(starts_at, ends_at), **fields)


def person(name: str = "ada", *, removed: bool = False) -> Participation:
    return Participation(named(f"participation of {name}"), Role.PARTICIPANT, named(name), removed=removed)


def row(
    status: Status,
    due_at: datetime,
    latest: datetime,
    *,
    of: RuleFacts | None = None,
    to: Participation | None = None,
    version: int = 4,
    anchor_at: datetime | None = None,
) -> ExistingSend:
    """A row; it tells the date that it may leave until, unless told otherwise, as that of a mail before its anchor."""
    of, to = of or J7, to or ADA
    key = send_id(of.id, named("session"), to.recipient)
    return ExistingSend(
        key,
        of.id,
        named("session"),
        to.id,
        status,
        version,
        due_at,
        latest,
        anchor_at=anchor_at or latest,
        anchor=of.definition.trigger.anchor,
    )


J7, ADA = rule(), person()


def snapshot(
    about: SessionFacts,
    sends: Sequence[ExistingSend] = (),
    *,
    rules: Sequence[RuleFacts] = (J7,),
    people: Sequence[Participation] = (ADA,),
) -> Snapshot:
    return Snapshot(NOW, about, rules, people, sends)


def written(change: Change) -> ExistingSend:
    """The row as it stands once the change is in the database."""
    found = change.existing
    wanted = change.wanted
    if wanted is None:
        assert found is not None
        return replace(found, status=change.status, version=found.version + 1)
    timing = change.timing
    due_at, until = (timing.due.at, timing.latest_at) if timing else _times(found)
    return ExistingSend(
        change.id,
        wanted.rule.id,
        wanted.place.id,
        wanted.participation.id,
        change.status,
        found.version + 1 if found else 1,
        due_at,
        until,
        due_override_at=found.due_override_at if found and found.sent_by_hand else None,
        occurrence=wanted.occurrence,
        covers=wanted.covers,
        template=wanted.template,
        anchor_at=wanted.timing.anchor_at,
        anchor=wanted.anchor,
        reason=change.reason,
    )


def _times(found: ExistingSend | None) -> tuple[datetime, datetime]:
    assert found
    return found.due_at, found.latest_at


def followed(before: Snapshot) -> Snapshot:
    """The facts again, with the rows as the plan asks for them."""
    rows = {send.id: send for send in before.sends} | {change.id: written(change) for change in plan(before)}
    return replace(before, sends=list(rows.values()))


# DESIGN 7. The row is as planned, and its due time ahead or past; or the due time moved, to one ahead or past;
# or nothing wants the row any more. "–": planning leaves the row alone.
TABLE = """
    status        ahead      past       to_ahead   to_past    unwanted
    none          scheduled  –          scheduled  –          –
    scheduled     –          –          scheduled  missed     removed
    claimed       –          –          scheduled  missed     removed
    handing_over  –          –          –          –          –
    sent          –          –          –          –          –
    in_doubt      –          –          –          –          –
    failed        –          –          –          –          –
    expired       –          –          –          –          –
    skipped       –          –          –          –          –
    missed        scheduled  –          scheduled  –          –
    removed       scheduled  –          scheduled  –          –
    cancelled     –          –          –          –          –
"""

_HEAD, *_LINES = (line.split() for line in TABLE.strip().splitlines())
CASES = [
    pytest.param(status, facts, outcome, id=f"{status}, {facts}")
    for status, *outcomes in _LINES
    for facts, outcome in zip(_HEAD[1:], outcomes, strict=True)
]


def test_the_table_has_a_line_for_every_status() -> None:
    assert {line[0] for line in _LINES} == {"none", *Status}


@pytest.mark.parametrize(("status", "facts", "outcome"), CASES)
def test_planning_follows_the_table_of_the_design(status: str, facts: str, outcome: str) -> None:
    ahead = facts in ("ahead", "to_ahead", "unwanted")
    due_at = NOW + MINUTE if ahead else NOW - MINUTE
    starts_at = due_at + WEEK
    was_due_at = due_at + DAY if facts.startswith("to_") else due_at
    sends = [] if status == "none" else [row(Status(status), was_due_at, was_due_at + WEEK)]
    people = [person(removed=facts == "unwanted")]

    changes = plan(snapshot(session(starts_at), sends, people=people))

    assert [change.status for change in changes] == ([] if outcome == "–" else [outcome])
    for change in changes:
        assert change.existing == (sends[0] if sends else None)
        if change.wanted:
            assert (change.wanted.timing.due.at, change.wanted.timing.latest_at) == (due_at, starts_at)


@pytest.mark.parametrize("status", sorted(REVOCABLE))
def test_a_due_time_that_is_this_very_moment_has_come(status: Status) -> None:
    moved_to_now = plan(snapshot(session(NOW + WEEK), [row(status, NOW + DAY, NOW + WEEK + DAY)]))
    new = plan(snapshot(session(NOW + WEEK)))

    assert [change.status for change in moved_to_now] == [Status.MISSED]
    assert new == []


@pytest.mark.parametrize("status", sorted(REVOCABLE))
def test_a_waiting_mail_follows_a_new_latest_moment_even_when_its_due_time_has_come(status: Status) -> None:
    """It is queueing, and the rule's `deliver_within` was edited meanwhile: neither missed nor left behind."""
    patient = rule(version=2, deliver_within="P3D")
    due_at = NOW - HOUR

    (change,) = plan(snapshot(session(due_at + WEEK), [row(status, due_at, due_at + WEEK)], rules=[patient]))

    assert (change.status, change.reason) == (Status.SCHEDULED, None)
    assert change.wanted
    assert change.wanted.timing.latest_at == due_at + 3 * DAY
    assert change.wanted.rule.version == 2


def asked(
    starts_at: datetime,
    sends: Sequence[ExistingSend] = (),
    *,
    late: Any = "skip",
    session_at: datetime | None = NOW - HOUR,
    rule_at: datetime | None = NOW - HOUR,
    person_at: datetime | None = NOW - HOUR,
) -> Snapshot:
    """Facts that are planned now, and were written an hour ago unless told otherwise; None: now."""
    of = replace(J7, definition=J7.definition.model_copy(update={"late": late}), changed_at=rule_at)
    about = session(starts_at, changed_at=session_at)
    return snapshot(about, sends, rules=[of], people=[replace(ADA, changed_at=person_at)])


DUE_MEANWHILE = NOW - MINUTE


@pytest.mark.parametrize("status", [None, *sorted(REVOCABLE), Status.MISSED, Status.REMOVED])
def test_a_mail_that_came_due_while_planning_was_busy_leaves_at_once(status: Status | None) -> None:
    """What counts is when the change was acknowledged, not when planning got to it."""
    was_due_at = DUE_MEANWHILE - DAY
    sends = [row(status, was_due_at, was_due_at + WEEK)] if status else []
    facts = asked(DUE_MEANWHILE + WEEK, sends)

    (change,) = plan(facts)

    assert (change.status, change.reason) == (Status.SCHEDULED, None)
    assert change.timing
    assert (change.timing.due.at, change.timing.latest_at) == (DUE_MEANWHILE, DUE_MEANWHILE + WEEK)
    assert plan(followed(facts)) == []


@pytest.mark.parametrize("last", ["session_at", "rule_at", "person_at"])
@pytest.mark.parametrize("at", [None, DUE_MEANWHILE, DUE_MEANWHILE + timedelta(seconds=1), NOW + HOUR])
def test_a_mail_is_past_when_the_last_of_what_asks_for_it_came_at_its_due_time_or_later(  # F026, F068, F069
    last: str, at: datetime | None
) -> None:
    moved = row(Status.SCHEDULED, FAR_AHEAD, FAR_AHEAD + WEEK)
    told: Any = {last: at}

    assert plan(asked(DUE_MEANWHILE + WEEK, **told)) == []
    assert [change.status for change in plan(asked(DUE_MEANWHILE + WEEK, [moved], **told))] == [Status.MISSED]


def test_planning_that_comes_after_the_latest_moment_leaves_a_row_that_expires() -> None:
    """An acknowledged mail never goes without a row and a reason: whoever claims this one sees that it is too late."""
    long_ago = NOW - 30 * DAY
    late = asked(NOW - DAY, session_at=long_ago, rule_at=long_ago, person_at=long_ago)

    (change,) = plan(late)

    assert change.status is Status.SCHEDULED
    assert change.timing
    assert change.timing.latest_at == NOW - DAY
    assert plan(followed(late)) == []


def test_how_late_a_rule_may_be_planned_counts_to_when_it_was_asked_for() -> None:
    says = {**J7.definition.model_dump(mode="json"), "late": {"send_within": "PT30M"}}
    late = RuleDefinition.model_validate(says).late
    due_at = NOW - HOUR

    assert plan(asked(due_at + WEEK, late=late, session_at=due_at + 29 * MINUTE))
    assert plan(asked(due_at + WEEK, late=late, session_at=due_at + 30 * MINUTE)) == []


def test_a_rule_makes_no_mail_for_a_session_that_starts_too_soon() -> None:  # F069: J-7, 3 days before
    assert plan(snapshot(session(NOW + 3 * DAY))) == []


def test_a_rule_makes_mails_for_what_lies_ahead_only() -> None:  # F068
    on_start, on_end = rule("start", offset="P0D"), rule("end", anchor="session.end", offset="P1D")
    under_way = session(NOW - DAY, NOW + DAY)

    (change,) = plan(snapshot(under_way, rules=[on_start, on_end]))

    assert change.wanted
    assert change.wanted.rule == on_end
    assert (change.status, change.existing) == (Status.SCHEDULED, None)


def test_somebody_who_joins_gets_every_mail_still_ahead_and_none_that_has_left() -> None:  # F022, F025
    thanks = rule("thanks", offset="P1D")
    running = session(NOW + HOUR)  # one week before is past, one day after ahead
    left = row(Status.SENT, NOW + HOUR - WEEK, NOW + HOUR)
    bob = person("bob")

    changes = plan(snapshot(running, [left], rules=[J7, thanks], people=[ADA, bob]))

    asked = {(change.wanted.rule.id, change.wanted.participation.id) for change in changes if change.wanted}
    assert asked == {(thanks.id, ADA.id), (thanks.id, bob.id)}


def test_somebody_who_leaves_gets_nothing_that_still_waits() -> None:  # F023
    thanks, gone = rule("thanks", offset="P1D"), person(removed=True)
    starts_at = NOW + 2 * WEEK
    waiting = [
        row(Status.SCHEDULED, starts_at - WEEK, starts_at),
        row(Status.CLAIMED, starts_at + DAY, starts_at + 2 * DAY, of=thanks),
    ]

    changes = plan(snapshot(session(starts_at), waiting, rules=[J7, thanks], people=[gone]))

    assert {(change.status, change.reason) for change in changes} == {
        (Status.REMOVED, Reason.PARTICIPANT_REMOVED)
    }
    assert len(changes) == 2


def test_a_new_date_moves_every_waiting_mail() -> None:  # F024
    before, after = NOW + 2 * WEEK, NOW + 5 * WEEK
    bob = person("bob")
    waiting = [
        row(Status.SCHEDULED, before - WEEK, before),
        row(Status.CLAIMED, before - WEEK, before, to=bob),
    ]

    changes = plan(snapshot(session(after), waiting, people=[ADA, bob]))

    assert [change.status for change in changes] == [Status.SCHEDULED] * 2
    assert {change.wanted and change.wanted.timing.due.at for change in changes} == {after - WEEK}


def test_a_mail_moved_into_the_past_is_missed_and_comes_back_when_postponed_again() -> None:  # F026
    starts_at = NOW + 2 * WEEK
    first = snapshot(session(starts_at), [row(Status.SCHEDULED, starts_at - WEEK, starts_at)])

    sooner = followed(replace(first, session=session(NOW + DAY)))
    assert [(send.status, send.due_at) for send in sooner.sends] == [(Status.MISSED, NOW + DAY - WEEK)]
    assert [change.reason for change in plan(replace(first, session=session(NOW + DAY)))] == [
        Reason.DUE_IN_PAST
    ]

    later = followed(replace(sooner, session=session(starts_at)))
    assert [(send.status, send.due_at) for send in later.sends] == [(Status.SCHEDULED, starts_at - WEEK)]


def test_the_same_rule_gives_everybody_a_mail_of_their_own() -> None:
    people = [person(name) for name in ("ada", "bob", "cyd")]

    changes = plan(snapshot(session(NOW + 2 * WEEK), people=people))

    assert {change.id for change in changes} == {
        send_id(J7.id, named("session"), somebody.recipient) for somebody in people
    }


def test_a_session_without_a_date_has_no_mails_until_it_gets_one() -> None:
    assert plan(snapshot(session(None))) == []
    assert [change.status for change in plan(snapshot(session(NOW + 2 * WEEK)))] == [Status.SCHEDULED]


@pytest.mark.parametrize("offset", ["P0D", "P10Y", "-P7D"])
def test_a_date_at_the_end_of_the_calendar_stops_no_other_rule(offset: str) -> None:
    """Systems write "not known yet" as 9999-12-31; a plan that failed there would stop a roll-out for everybody."""
    never = session(datetime(9999, 12, 31, 23, tzinfo=UTC))
    on_date = rule("on date", anchor="date", offset="P0D", date="2026-12-24", at="09:00")

    changes = plan(snapshot(never, rules=[rule(offset=offset), on_date]))

    assert on_date in [change.wanted and change.wanted.rule for change in changes]


REASONS: dict[Reason, tuple[SessionFacts, RuleFacts, Participation]] = {
    Reason.SESSION_DELETED: (session(FAR_AHEAD, deleted=True), J7, ADA),
    Reason.RULE_DELETED: (session(FAR_AHEAD), rule(active=False, deleted=True), ADA),
    Reason.RULE_DEACTIVATED: (session(FAR_AHEAD), rule(active=False), ADA),
    Reason.PARTICIPANT_REMOVED: (session(FAR_AHEAD), J7, person(removed=True)),
    Reason.NO_ANCHOR_DATE: (session(None), J7, ADA),
}


@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize("status", sorted(REVOCABLE))
def test_what_nothing_asks_for_is_removed_and_says_why(reason: Reason, status: Status) -> None:
    about, of, to = REASONS[reason]
    waiting = row(status, FAR_AHEAD - WEEK, FAR_AHEAD)

    (change,) = plan(snapshot(about, [waiting], rules=[of], people=[to]))

    assert (change.status, change.reason, change.existing) == (Status.REMOVED, reason, waiting)


def test_a_rule_deleted_while_active_asks_for_nothing() -> None:
    assert plan(snapshot(session(FAR_AHEAD), rules=[rule(deleted=True)])) == []


def test_of_several_reasons_the_widest_is_told() -> None:
    about, of, to = session(None, deleted=True), rule(active=False, deleted=True), person(removed=True)
    waiting = row(Status.SCHEDULED, FAR_AHEAD - WEEK, FAR_AHEAD)

    (change,) = plan(snapshot(about, [waiting], rules=[of], people=[to]))

    assert change.reason is Reason.SESSION_DELETED


@pytest.mark.parametrize(
    ("anchor", "due_at", "within", "expected"),
    [
        (NOW, NOW - WEEK, None, NOW),  # before its anchor: until the anchor
        (NOW, NOW - MINUTE, None, NOW),
        (NOW, NOW, None, NOW + DAY),  # at or after it: for a day
        (NOW, NOW + WEEK, None, NOW + WEEK + DAY),
        (NOW, NOW - WEEK, HOUR, NOW - WEEK + HOUR),  # as the rule says, sooner or later
        (NOW, NOW + WEEK, HOUR, NOW + WEEK + HOUR),
        (NOW, NOW + WEEK, 30 * DAY, NOW + 37 * DAY),
        (NOW, NOW - WEEK, 30 * DAY, NOW),  # but never after what it announces (L10)
        (NOW, NOW - MINUTE, HOUR, NOW),
    ],
)
def test_a_mail_may_leave_until_it_would_be_worse_than_none(  # F077
    anchor: datetime, due_at: datetime, within: timedelta | None, expected: datetime
) -> None:
    assert latest_at(anchor, due_at, within) == expected


def test_a_mail_on_a_date_of_its_own_may_leave_for_a_day() -> None:
    on_date = rule("on date", anchor="date", offset="P0D", date="2026-12-24", at="09:00")

    (change,) = plan(snapshot(session(None), rules=[on_date]))

    assert change.wanted
    assert change.wanted.timing.due.at == datetime(2026, 12, 24, 9, tzinfo=UTC)
    assert change.wanted.timing.latest_at == datetime(2026, 12, 25, 9, tzinfo=UTC)


# From here on, facts that nobody thought of.

_INSTANTS = st.timedeltas(-10 * DAY, 10 * DAY).map(NOW.__add__)
_CHANGES = st.none() | _INSTANTS  # some of them still to come, as a clock that was set back has it
_OFFSETS = st.sampled_from(["-P7D", "-P1D", "-PT1H", "P0D", "PT1H", "P1D"])


@st.composite
def some_rules(draw: st.DrawFn) -> list[RuleFacts]:
    return [
        replace(
            rule(
                f"rule {number}",
                version=draw(st.integers(1, 3)),
                active=(active := draw(st.booleans())),
                deleted=not active and draw(st.booleans()),
                anchor=draw(st.sampled_from(["session.start", "session.end"])),
                offset=draw(_OFFSETS),
                deliver_within=draw(st.none() | st.just("PT2H")),
            ),
            changed_at=draw(_CHANGES),
        )
        for number in range(draw(st.integers(0, 3)))
    ]


@st.composite
def some_facts(draw: st.DrawFn) -> Snapshot:
    """A session in any state, with rows that may be right, moved, or of rules and people long gone."""
    rules = draw(some_rules())
    people = [
        replace(person(str(number), removed=draw(st.booleans())), changed_at=draw(_CHANGES))
        for number in range(draw(st.integers(0, 3)))
    ]
    starts_at = draw(st.none() | _INSTANTS)
    length = draw(st.timedeltas(timedelta(0), 2 * DAY))
    about = session(
        starts_at, starts_at and starts_at + length, deleted=draw(st.booleans()), changed_at=draw(_CHANGES)
    )
    as_planned = {
        change.id: change.wanted.timing
        for change in plan(replace(snapshot(about, rules=rules, people=people), now=LONG_AGO))
        if change.wanted
    }
    sends = []
    for of, to in ((of, to) for of in rules for to in people if draw(st.booleans())):
        due_at = draw(_INSTANTS)
        found = row(
            draw(st.sampled_from(Status)), due_at, due_at + draw(st.sampled_from([HOUR, DAY])), of=of, to=to
        )
        timing = as_planned.get(found.id)
        if timing and draw(st.booleans()):
            found = replace(
                found, due_at=timing.due.at, latest_at=timing.latest_at, anchor_at=timing.anchor_at
            )
        sends.append(found)
    return snapshot(about, sends, rules=rules, people=people)


@given(some_facts())
def test_planning_twice_changes_nothing(facts: Snapshot) -> None:
    assert plan(followed(facts)) == []


@given(some_facts(), st.randoms(use_true_random=False))
def test_the_order_in_which_facts_were_read_is_irrelevant(facts: Snapshot, dice: Random) -> None:
    def shuffled(items: Sequence[Any]) -> list[Any]:
        return dice.sample(items, len(items))

    other = replace(
        facts,
        rules=shuffled(facts.rules),
        participations=shuffled(facts.participations),
        sends=shuffled(facts.sends),
    )

    def by_id(changes: Iterable[Change]) -> dict[UUID, Change]:
        return {change.id: change for change in changes}

    assert by_id(plan(other)) == by_id(plan(facts))


@given(some_facts())
def test_planning_touches_only_what_waits_was_missed_or_was_removed(facts: Snapshot) -> None:
    for change in plan(facts):
        was = change.existing and change.existing.status
        assert was in {None, Status.SCHEDULED, Status.CLAIMED, Status.MISSED, Status.REMOVED}
        assert change.status in {Status.SCHEDULED, Status.MISSED, Status.REMOVED}


@given(some_facts())
def test_no_row_is_changed_twice_and_none_is_made_up(facts: Snapshot) -> None:
    rows = {send.id: send for send in facts.sends}
    changes = plan(facts)

    assert len({change.id for change in changes}) == len(changes)
    for change in changes:
        assert change.existing == rows.get(change.id)


@given(some_facts())
def test_a_new_or_revived_mail_was_ahead_when_the_last_of_its_facts_was_written(facts: Snapshot) -> None:
    for change in plan(facts):
        waited = change.existing and change.existing.status in REVOCABLE
        if change.status is Status.SCHEDULED and not waited:
            assert change.wanted
            due_at = change.wanted.timing.due.at
            for fact in (facts.session, change.wanted.rule, change.wanted.participation):
                assert due_at > min(fact.changed_at or facts.now, facts.now)


@given(some_facts(), st.timedeltas(timedelta(0), 20 * DAY))
def test_planning_that_comes_later_asks_for_the_same(facts: Snapshot, later: timedelta) -> None:
    """Once all facts are written, it is of no account when planning gets to them."""

    def before(at: datetime | None) -> datetime:
        return min(at or NOW, NOW)

    written_before = replace(
        facts,
        session=replace(facts.session, changed_at=before(facts.session.changed_at)),
        rules=[replace(one, changed_at=before(one.changed_at)) for one in facts.rules],
        participations=[replace(one, changed_at=before(one.changed_at)) for one in facts.participations],
    )

    assert plan(replace(written_before, now=NOW + later)) == plan(written_before)


@given(some_facts())
def test_no_mail_waits_for_a_person_rule_or_session_that_is_gone(facts: Snapshot) -> None:
    rules = {rule.id: rule for rule in facts.rules}
    people = {person.id: person for person in facts.participations}
    for send in followed(facts).sends:
        if send.status in REVOCABLE:
            assert not facts.session.deleted
            assert rules[send.rule].active
            assert not people[send.participation].removed


@given(some_facts())
def test_every_change_says_why_unless_the_mail_is_wanted(facts: Snapshot) -> None:
    for change in plan(facts):
        assert (change.reason is None) == (change.status is Status.SCHEDULED)
        assert (change.wanted is None) == (change.status is Status.REMOVED)
