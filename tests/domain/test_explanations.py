"""Is everything told by which a mail came to be where it is, and nothing else?"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest

from domain.anchors import Anchor, Dated, Fact, Own
from domain.conditions import Standing
from domain.explanations import Asked, Explanation, explain
from domain.participations import Attendance, Participation, Role
from domain.planning import consider, plan
from domain.rules import RuleDefinition
from domain.sends import Reason, Status
from domain.snapshots import ExistingSend, ModuleFacts, RuleFacts, SessionFacts, SlotFacts, Snapshot
from domain.steps import Code, Step
from domain.subjects import Received, Record
from domain.terms import terms_of

NOW = datetime(2027, 1, 18, 10, tzinfo=UTC)
DAY = timedelta(days=1)
PARIS = "Europe/Paris"
_NAMES = UUID("2f9f6a1e-5b0d-4c6b-8a52-0d6a4f1b9a10")


def named(name: str) -> UUID:
    return uuid5(_NAMES, name)


SESSION = named("session")


def a_rule(name: str = "j7", **says: Any) -> RuleFacts:
    """A rule of seven days before the session starts, at 09:00, unless `says` says otherwise."""
    own = {field: says.pop(field) for field in [*says] if field in RuleFacts.__dataclass_fields__}
    trigger = says.pop("trigger", {"anchor": "session.start", "offset": "-P7D", "at": "09:00"})
    says["trigger"] = {"type": "date", **trigger}
    return RuleFacts(named(name), 1, RuleDefinition.model_validate(says), **own)


def a_session(starts_at: datetime | None, **fields: Any) -> SessionFacts:
    return SessionFacts(SESSION, **{"zone": PARIS, "dates": Dated(starts_at), **fields})


def somebody(name: str = "ada", role: Role = Role.PARTICIPANT, **fields: Any) -> Participation:
    return Participation(named(f"part of {name}"), role, named(name), **fields)


ADA = somebody()


def explained(
    session: SessionFacts,
    rule: RuleFacts,
    *people: Participation,
    records: Sequence[Record] = (),
    about: Participation | None = None,
    now: datetime = NOW,
) -> list[Explanation]:
    sends = [
        ExistingSend(
            one.id,
            one.rule,
            one.scope,
            one.participation,
            one.status,
            1,
            one.due_at,
            one.latest_at,
            reason=one.reason,
            occurrence=one.occurrence,
            covers=one.covers,
        )
        for one in records
    ]
    snapshot = Snapshot(now, session, [rule], people or (ADA,), sends)
    return explain(Asked(snapshot, records, about.id if about else None))


def only(*those: Any, **more: Any) -> Explanation:
    (one,) = explained(*those, **more)
    return one


def planned(
    session: SessionFacts, rule: RuleFacts, who: Participation = ADA, *, now: datetime = NOW, **fields: Any
) -> Record:
    """Return the row that planning makes, as it stands then."""
    (change,) = plan(Snapshot(now, session, [rule], [who], []))
    assert change.wanted is not None
    timing = change.wanted.timing
    usual: dict[str, Any] = {
        "id": change.id,
        "rule": rule.id,
        "scope": change.wanted.place.id,
        "participation": who.id,
        "occurrence": change.wanted.occurrence,
        "status": change.status,
        "reason": change.reason,
        "due_at": timing.due.at,
        "latest_at": timing.latest_at,
        "zone": timing.due.zone,
        "terms": terms_of(rule.definition, change.wanted.occurrence, questionnaire=None, of_series=None),
    }
    return Record(**{**usual, **fields})


def codes(steps: Sequence[Step]) -> list[Code]:
    return [one.code for one in steps]


def values(steps: Sequence[Step], code: Code) -> dict[str, Any]:
    (found,) = [one for one in steps if one.code is code]
    return dict(found.values)


def at(month: int, day: int, hour: int = 0, minute: int = 0, year: int = 2027) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def wall(month: int, day: int, hour: int = 0, minute: int = 0, year: int = 2027) -> datetime:
    return datetime(year, month, day, hour, minute)  # noqa: DTZ001 - what clocks show


def test_f069_a_week_before_a_session_that_is_planned_three_days_ahead_was_never_due() -> None:
    session = a_session(at(1, 21, 8), changed_at=NOW)  # 09:00 in Paris, three days ahead

    one = only(session, a_rule(changed_at=NOW - 30 * DAY))

    assert one.record is None
    assert one.verdict.code is Code.NEVER_CREATED
    assert values(one.why, Code.DUE_IN_PAST) == {"local": wall(1, 14, 9), "asked_at": NOW}
    assert codes(one.counting) == [
        Code.CLOCKS,
        Code.ANCHOR,
        Code.OFFSET,
        Code.TIME_OF_DAY,
        Code.DUE,
        Code.LATEST,
    ]


def test_a_due_time_is_counted_step_by_step_in_local_time() -> None:
    one = only(a_session(at(3, 1, 13)), a_rule())  # 14:00 in Paris

    assert [dict(step.values) for step in one.counting] == [
        {"whose": "session", "zone": PARIS},
        {"anchor": Anchor.SESSION_START, "local": wall(3, 1, 14), "at": at(3, 1, 13)},
        {"offset": "-P7D", "local": wall(2, 22, 14)},
        {"at": "09:00:00", "local": wall(2, 22, 9)},
        {"local": wall(2, 22, 9), "at": at(2, 22, 8), "zone": PARIS},
        {"at": at(3, 1, 13), "why": "anchor"},
    ]


@pytest.mark.parametrize(
    ("starts_at", "trigger", "code", "local"),
    [
        # In Paris clocks go forward on 28 March 2027 at 02:00, to 03:00.
        (at(4, 4, 7), {"offset": "-P7D", "at": "02:30"}, Code.CLOCKS_SKIP, wall(3, 28, 3, 30)),
        # They go back on 31 October 2027 at 03:00, to 02:00.
        (at(11, 7, 8), {"offset": "-P7D", "at": "02:30"}, Code.CLOCKS_TWICE, wall(10, 31, 2, 30)),
        # 09:00 stays 09:00, and is an hour nearer.
        (at(4, 1, 7), {"offset": "-P7D", "at": "09:00"}, Code.CLOCKS_CHANGE, wall(3, 25, 9)),
    ],
)
def test_clocks_that_change_are_told_where_it_matters(
    starts_at: datetime, trigger: dict[str, str], code: Code, local: datetime
) -> None:
    one = only(a_session(starts_at), a_rule(trigger={"anchor": "session.start", **trigger}))

    assert values(one.counting, code)["local"] == local
    assert values(one.counting, Code.DUE)["local"] == local


def test_clocks_that_stay_are_not_told_of() -> None:
    one = only(a_session(at(3, 1, 13)), a_rule())

    assert not {Code.CLOCKS_SKIP, Code.CLOCKS_TWICE, Code.CLOCKS_CHANGE} & set(codes(one.counting))


@pytest.mark.parametrize(
    ("starts_at", "window", "why", "local"),
    [
        (at(3, 7, 8), {"days": ["mon"]}, "day", wall(3, 1, 0)),  # Sunday 28 February, 09:00
        (at(3, 8, 8), {"from": "10:00", "to": "18:00"}, "hours", wall(3, 1, 10)),
        (at(5, 8, 8), {"holidays": "FR"}, "holiday", wall(5, 2, 0)),  # Saturday 1 May
    ],
)
def test_a_window_that_moved_it_says_why_it_was_closed(
    starts_at: datetime, window: dict[str, Any], why: str, local: datetime
) -> None:
    one = only(a_session(starts_at), a_rule(window=window))

    assert values(one.counting, Code.WINDOW_CLOSED)["why"] == why
    assert values(one.counting, Code.WINDOW_CLOSED)["local"] == local
    assert values(one.counting, Code.DUE)["local"] == local


@pytest.mark.parametrize(
    ("own_zone", "organization_zone", "whose", "zone"),
    [
        ("America/Lima", "Asia/Tokyo", "recipient", "America/Lima"),
        (None, "Asia/Tokyo", "organization", "Asia/Tokyo"),
    ],
)
def test_the_clocks_of_whoever_it_goes_to_are_named(
    own_zone: str | None, organization_zone: str, whose: str, zone: str
) -> None:
    session = a_session(at(3, 1, 13), organization_zone=organization_zone)

    one = only(session, a_rule(zone="recipient"), somebody(zone=own_zone))

    assert values(one.counting, Code.CLOCKS) == {"whose": whose, "zone": zone}
    assert one.zone == zone
    assert values(one.counting, Code.DUE)["local"] == wall(2, 22, 9)


@pytest.mark.parametrize(
    ("own", "local", "whose"),
    [(Own(), wall(3, 1, 14), "session"), (Own(Dated(at(3, 8, 13))), wall(3, 8, 14), "own")],
)
def test_f018_whose_dates_it_goes_by_is_told(own: Own, local: datetime, whose: str) -> None:
    trigger = {"anchor": "participation.start", "offset": "-P7D"}

    one = only(a_session(at(3, 1, 13)), a_rule(trigger=trigger), somebody(own=own))

    assert values(one.counting, Code.ANCHOR)["local"] == local
    assert values(one.counting, Code.ANCHOR)["whose"] == whose


def test_a_date_that_nobody_has_given_is_named() -> None:
    one = only(a_session(at(3, 1)), a_rule(trigger={"anchor": "participation.deadline", "offset": "-P7D"}))

    assert one.verdict.code is Code.NEVER_CREATED
    assert values(one.why, Code.NO_ANCHOR) == {"anchor": Anchor.PARTICIPATION_DEADLINE}


def test_a_fact_that_was_no_news_says_when_it_happened_and_when_it_was_written_down() -> None:
    own = Own(completed=Fact(NOW - 3 * DAY, NOW))

    one = only(a_session(None), a_rule(trigger={"anchor": "completed"}), somebody(own=own))

    assert values(one.why, Code.OLD_FACT) == {
        "anchor": Anchor.COMPLETED,
        "at": NOW - 3 * DAY,
        "recorded_at": NOW,
    }


def test_a_fact_from_before_the_rule_says_so() -> None:
    own = Own(started=Fact(NOW - 2 * DAY, NOW - 2 * DAY))
    rule = a_rule(trigger={"anchor": "started"}, changed_at=NOW)

    one = only(a_session(None, changed_at=NOW - 9 * DAY), rule, somebody(own=own, changed_at=NOW - 2 * DAY))

    assert values(one.why, Code.BEFORE_RULE) == {"at": NOW - 2 * DAY, "since": NOW}


def test_f045_another_center_is_named_with_those_that_the_rule_is_for() -> None:
    one = only(a_session(at(3, 1), center="nice"), a_rule(centers=["lyon", "paris"]))

    assert one.verdict.code is Code.NEVER_CREATED
    assert values(one.why, Code.SESSION_CENTER) == {
        "wanted": ["lyon", "paris"],
        "found": "nice",
        "met": False,
    }


def test_only_the_conditions_that_are_not_met_are_told() -> None:
    rule = a_rule(conditions={"stages": ["confirmed"], "modes": ["remote"], "categories": "all"})

    one = only(a_session(at(3, 1), stage="confirmed", mode="on site"), rule)

    assert codes(one.why) == [Code.PLACE_MODE]
    assert values(one.why, Code.PLACE_MODE) == {"wanted": ["remote"], "found": "on site", "met": False}


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (a_rule(active=False), Code.RULE_OFF),
        (a_rule(off_here=True), Code.REASON),
        (a_rule(too_new=True), Code.REASON),
    ],
)
def test_a_rule_that_leaves_the_session_alone_says_why(rule: RuleFacts, code: Code) -> None:
    one = only(a_session(at(3, 1)), rule)

    assert one.verdict.code is Code.NEVER_CREATED
    assert codes(one.why) == [code]
    assert Code.ANCHOR in codes(one.counting)  # and when it would have been


def test_what_was_withdrawn_and_is_asked_for_again_too_late_says_both() -> None:
    session, withdrawn = a_session(at(1, 26)), Reason.RULE_DEACTIVATED
    gone = planned(session, a_rule(), status=Status.REMOVED, reason=withdrawn)

    one = only(session, a_rule(), records=[gone], now=at(1, 20))
    off = only(session, a_rule(active=False), records=[gone], now=at(1, 20))

    assert codes(one.why) == [Code.REASON, Code.DUE_IN_PAST]
    assert values(one.why, Code.REASON) == {"reason": withdrawn}
    assert values(one.why, Code.DUE_IN_PAST) == {"local": wall(1, 19, 9), "asked_at": at(1, 20)}
    assert codes(off.why) == [Code.REASON, Code.RULE_OFF]


def test_whoever_comes_to_other_slots_is_told_apart_from_whoever_left() -> None:
    slots = [SlotFacts(named(key), Dated(at(3, day, 8), at(3, day, 9))) for key, day in (("a", 1), ("b", 2))]
    session = a_session(at(3, 1), slots=slots)
    rule = a_rule(scope="slot", trigger={"anchor": "slot.start", "offset": "-P7D"})

    comes = explained(session, rule, somebody(slots=frozenset({named("a")})))
    left = explained(session, rule, somebody(removed=True))

    assert codes(comes[0].why) == []
    assert [values(one.why, Code.REASON) for one in (comes[1], *left)] == [
        {"reason": Reason.NOT_OF_PLACE},
        {"reason": Reason.PARTICIPANT_REMOVED},
        {"reason": Reason.PARTICIPANT_REMOVED},
    ]


def test_whoever_comes_to_other_slots_since_is_not_told_to_take_part_no_more() -> None:
    slots = [SlotFacts(named("a"), Dated(at(3, 1, 8), at(3, 1, 9)))]
    session = a_session(at(3, 1), slots=slots)
    rule = a_rule(scope="slot", trigger={"anchor": "slot.start", "offset": "-P7D"})
    gone = planned(session, rule, status=Status.REMOVED, reason=Reason.NOT_OF_PLACE)

    one = only(session, rule, somebody(slots=frozenset()), records=[gone])

    assert codes(one.why) == [Code.REASON]
    assert values(one.why, Code.REASON) == {"reason": Reason.NOT_OF_PLACE}


def test_f053_whoever_was_absent_is_told_what_was_asked_and_what_was_seen() -> None:
    session, rule = (
        a_session(at(1, 10)),
        a_rule(trigger={"anchor": "session.end", "offset": "P7D"}, conditions={"attendance": "present"}),
    )
    long_ago = NOW - 60 * DAY
    skipped = planned(
        session,
        rule,
        now=long_ago,
        status=Status.SKIPPED,
        reason=Reason.ATTENDANCE_NOT_MET,
        ended_at=NOW,
        standing=Standing(attendance=Attendance.NEVER),
    )

    one = only(session, rule, records=[skipped])

    assert one.verdict.values == {"status": Status.SKIPPED, "at": NOW}
    assert values(one.why, Code.REASON) == {"reason": Reason.ATTENDANCE_NOT_MET}
    assert values(one.why, Code.ATTENDANCE) == {"wanted": "present", "found": "never", "met": False}


def test_a_mail_that_waits_says_what_is_going_to_decide() -> None:
    session = a_session(at(3, 1))
    rule = a_rule(
        conditions={"completion": ["not_started", "in_progress"], "statuses": ["active"]},
        repeat={"every": "P7D", "until": "completed", "at_most": 3},
    )
    waits = planned(session, rule, standing=Standing(started=True, status="left"))

    one = only(session, rule, records=[waits])

    assert one.verdict.values == {"status": Status.SCHEDULED, "leaves_at": waits.due_at}
    assert [(step.code, step.values["met"]) for step in one.why] == [
        (Code.COMPLETION, True),
        (Code.PARTICIPATION_STATUS, False),
        (Code.SERIES_OVER, True),
    ]


def test_whoever_has_it_already_is_told_from_where() -> None:
    session, rule = a_session(at(3, 1)), a_rule()
    other = Received(named("other send"), "Invitation", NOW - DAY)
    skipped = planned(
        session, rule, status=Status.SKIPPED, reason=Reason.ALREADY_RECEIVED, ended_at=NOW, received=other
    )

    one = only(session, rule, records=[skipped])

    assert values(one.why, Code.RECEIVED_BY) == {
        "rule": "Invitation",
        "at": NOW - DAY,
        "send": str(named("other send")),
    }


def trace(*entries: tuple[datetime, str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"at": when.isoformat(), "step": word, **more} for when, word, more in entries]


def test_what_happened_to_a_row_is_told_in_order() -> None:
    session, rule = a_session(at(3, 1)), a_rule()
    first, second = at(2, 20, 8).isoformat(), at(2, 22, 8).isoformat()
    story = trace(
        (NOW, "scheduled", {"due_at": first}),
        (NOW + DAY, "scheduled", {"due_at": second}),
        (NOW + DAY, "scheduled", {"due_at": second}),  # by another template
        (NOW + 2 * DAY, "cancelled", {}),
        (NOW + 3 * DAY, "reactivated", {}),
        (NOW + 3 * DAY, "scheduled", {"due_at": second}),
        (NOW + 4 * DAY, "handing_over", {"attempt": 1}),
        (NOW + 4 * DAY, "scheduled", {"code": 451}),
        (NOW + 5 * DAY, "send_now", {"due_at": first}),
        (NOW + 5 * DAY, "scheduled", {}),
        (NOW + 5 * DAY, "sent", {"code": 250}),
        (NOW + 6 * DAY, "a word of a later release", {}),
    )

    one = only(session, rule, records=[planned(session, rule, trace=story)])

    assert codes(one.history) == [
        Code.PLANNED,
        Code.MOVED,
        Code.PLANNED_AGAIN,
        Code.CHANGED,
        Code.REACTIVATED,
        Code.PLANNED_AGAIN,
        Code.HANDED_OVER,
        Code.DEFERRED,
        Code.SENT_BY_HAND,
        Code.CHANGED,
    ]
    assert values(one.history, Code.MOVED) == {
        "happened_at": NOW + DAY,
        "was_at": at(2, 20, 8),
        "due_at": at(2, 22, 8),
    }


def test_a_mail_that_was_sent_says_where_today_s_dates_would_have_it() -> None:
    before, rule = a_session(at(1, 24, 8)), a_rule()
    sent = planned(before, rule, now=NOW - 9 * DAY, status=Status.SENT, ended_at=at(1, 17, 8))

    one = only(a_session(at(1, 31, 8)), rule, records=[sent])

    assert values(one.counting, Code.ONCE_PLANNED) == {"was_at": at(1, 17, 8), "at": at(1, 24, 8)}


def test_a_mail_that_was_sent_by_hand_says_when() -> None:
    session, rule = a_session(at(3, 1)), a_rule()

    one = only(session, rule, records=[planned(session, rule, due_override_at=NOW)])

    assert values(one.counting, Code.BY_HAND) == {"at": NOW}


def test_each_mail_of_a_series_counts_on_from_the_first() -> None:
    session = a_session(at(1, 10, 8))
    rule = a_rule(
        trigger={"anchor": "session.start", "offset": "P7D", "at": "09:00"},
        repeat={"every": "P7D", "at_most": 3},
    )
    first = planned(session, rule, now=NOW - 9 * DAY, status=Status.SENT, ended_at=at(1, 17, 8))

    one, other = explained(session, rule, records=[first])

    assert one.record == first
    assert other.verdict.code is Code.NOT_PLANNED_YET
    assert values(other.counting, Code.REPEATED) == {"number": 2, "every": "P7D", "local": wall(1, 24, 9)}
    assert values(other.counting, Code.DUE)["at"] == at(1, 24, 8)


def test_a_series_that_somebody_stopped_goes_no_further() -> None:
    session, rule = a_session(at(3, 1)), a_rule(repeat={"every": "P7D", "at_most": 3})
    cancelled = planned(session, rule, status=Status.CANCELLED, reason=Reason.CANCELLED_BY_HAND, ended_at=NOW)

    row, after = explained(session, rule, records=[cancelled])

    assert row.verdict.values["status"] is Status.CANCELLED
    assert after.verdict.code is Code.NO_FURTHER
    assert values(after.why, Code.REASON) == {"reason": Reason.CANCELLED_BY_HAND}


def test_whoever_joined_late_is_caught_up_with() -> None:
    own = Own(enrolled=Fact(NOW, NOW))

    one = only(a_session(at(1, 21, 8)), a_rule(catch_up=True), somebody(own=own))

    assert one.verdict.code is Code.NOT_PLANNED_YET
    assert values(one.counting, Code.CAUGHT_UP) == {"enrolled_at": NOW, "local": wall(1, 18, 11)}


@pytest.mark.parametrize(
    ("enrolled", "starts_at", "changed_at", "why"),
    [
        (Fact(NOW - 3 * DAY, NOW), at(1, 21, 8), NOW - 9 * DAY, "old_record"),
        (Fact(NOW, NOW), at(1, 21, 8), NOW + DAY, "before_rule"),
        (Fact(NOW - 9 * DAY, NOW - 9 * DAY), at(1, 21, 8), NOW - 9 * DAY, "in_time"),
        (Fact(NOW, NOW), at(1, 17, 8), NOW - 9 * DAY, "too_late"),
    ],
)
def test_l04_whoever_is_not_caught_up_with_is_told_why(
    enrolled: Fact, starts_at: datetime, changed_at: datetime, why: str
) -> None:
    who = somebody(own=Own(enrolled=enrolled), changed_at=NOW)
    session = a_session(starts_at, changed_at=NOW - 9 * DAY)

    one = only(session, a_rule(catch_up=True, changed_at=changed_at), who, now=NOW + 2 * DAY)

    assert one.verdict.code is Code.NEVER_CREATED
    assert codes(one.why) == [Code.DUE_IN_PAST, Code.NO_CATCH_UP]
    assert values(one.why, Code.NO_CATCH_UP)["why"] == why
    assert Code.CAUGHT_UP not in codes(one.counting)
    assert one.due_at == values(one.counting, Code.DUE)["at"]


def test_whom_nobody_tells_of_any_more_is_told_of_a_mail_that_came_to_nothing() -> None:
    company, ada = somebody("acme", Role.COMPANY), somebody("ada", company=named("acme"))
    rule = a_rule(audience="companies", trigger={"anchor": "participation.start", "offset": "-P7D"})
    usual: dict[str, Any] = {"due_at": at(2, 22), "latest_at": at(3, 1), "zone": PARIS, "covers": [ada.id]}
    whose: dict[str, Any] = {"rule": rule.id, "scope": SESSION, "participation": company.id}
    gone, other, corrects = (
        Record(
            id=named(step), **whose, occurrence=f"{named(group)}{step}", status=status, reason=reason, **usual
        )
        for group, step, status, reason in (
            ("a", "", Status.REMOVED, Reason.COVERED_ALREADY),
            ("b", ":2", Status.SKIPPED, Reason.SUPPRESSED),
            ("b", f":correction:{at(3, 1).isoformat()}", Status.SENT, None),
        )
    )

    found = explained(a_session(at(3, 1)), rule, company, ada, records=[gone, other, corrects], about=ada)

    (told,) = [one for one in found if one.record == gone]
    assert values(told.why, Code.COVERED_BY) == {
        "participants": [str(ada.id)],
        "send": str(other.id),
        "status": Status.SKIPPED,
    }


def test_f019_a_mail_to_a_company_is_told_by_the_dates_of_whoever_is_asked_for() -> None:
    company = somebody("acme", Role.COMPANY)
    ada, ben = (
        somebody(name, company=named("acme"), own=Own(Dated(at(3, day, 8))))
        for name, day in (("ada", 1), ("ben", 8))
    )
    rule = a_rule(audience="companies", trigger={"anchor": "participation.start", "offset": "-P7D"})

    one = only(a_session(at(2, 1)), rule, company, ada, ben, about=ben)

    assert values(one.counting, Code.ANCHOR)["local"] == wall(3, 8, 9)
    assert values(one.counting, Code.DUE)["local"] == wall(3, 1, 9)


def test_a_row_whose_rule_is_gone_still_has_its_story() -> None:
    session, rule = a_session(at(3, 1)), a_rule()
    row = planned(session, rule, status=Status.REMOVED, reason=Reason.RULE_DELETED, ended_at=NOW)

    one = only(session, a_rule("another", audience="trainers"), records=[row])

    assert one.verdict.values["status"] is Status.REMOVED
    assert values(one.why, Code.REASON) == {"reason": Reason.RULE_DELETED}
    assert one.counting == []


def triggers() -> list[dict[str, str]]:
    offsets = ["-P7D", "P0D", "P1M", "-PT2H", "P1DT30M", "-P1M2DT3H"]
    clocks: list[dict[str, str]] = [{}, {"at": "02:30"}]
    return [
        {"anchor": anchor, "offset": offset, **clock}
        for anchor in Anchor
        if anchor is not Anchor.DATE
        for offset in offsets
        for clock in clocks
        if not (clock and offset == "-PT2H")
    ] + [
        {"anchor": "date", "date": "2027-03-28", "at": "02:30"},
        {"anchor": "date", "date": "2027-10-31T00:30:00Z"},
    ]


@pytest.mark.parametrize(
    "window", [None, {"days": ["tue", "thu"], "from": "08:00", "to": "18:00", "holidays": "FR"}]
)
@pytest.mark.parametrize("trigger", triggers(), ids=str)
def test_what_is_told_is_what_is_planned(trigger: dict[str, str], window: dict[str, Any] | None) -> None:
    """Whatever the last step before it says is the due time of planning, on the clocks."""
    module = ModuleFacts(named("module"), Dated(at(4, 3, 22, 30), at(4, 4, 0, 30)))
    slot = SlotFacts(named("slot"), Dated(at(11, 7, 1, 30), at(11, 7, 2, 30)), module.id)
    fact = Fact(at(4, 4, 1), at(4, 4, 1))
    own = Own(
        Dated(at(4, 4, 0, 30), at(11, 7, 1)),
        at(11, 7, 1, 30),
        Dated(at(4, 4, 1), at(11, 7, 1, 30)),
        fact,
        fact,
        fact,
    )
    session = a_session(at(4, 4, 0, 30), modules=[module], slots=[slot])
    scope = trigger["anchor"].partition(".")[0]
    rule = a_rule(
        trigger=trigger,
        window=window,
        scope=scope if scope in ("module", "slot") else "session",
        deliver_within="P30D",
    )

    one = only(session, rule, somebody(own=own))

    (found,) = consider(Snapshot(NOW, session, [rule], [somebody(own=own)], []), wanted_only=True)
    if found.reason is Reason.TOO_LATE:  # the window opens when what it announces has begun
        assert window is not None
        assert Code.DUE not in {step.code for step in one.counting}
        return
    assert found.wanted is not None
    due = found.wanted.timing.due
    assert values(one.counting, Code.DUE)["at"] == due.at
    moving = {Code.ANCHOR, Code.ON_DATE, Code.OFFSET, Code.TIME_OF_DAY, Code.CLOCKS_SKIP, Code.WINDOW_CLOSED}
    last = [step.values["local"] for step in one.counting if step.code in moving]
    if last:
        assert last[-1] == values(one.counting, Code.DUE)["local"]
    else:  # a fact, counted from itself
        assert one.counting[1].values["recorded_at"] == due.at
