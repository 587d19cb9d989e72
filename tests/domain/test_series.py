"""What becomes of the mails of a rule that writes again and again?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.anchors import Own
from domain.planning import RuleFacts, Snapshot, consider, plan
from domain.sends import FINAL, REVOCABLE, Reason, Status
from domain.timetables import repeated
from domain.timing import Due, Offset, due_at
from domain.zones import find_zone
from tests.domain.plans import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    WEEK,
    ended,
    facts,
    is_settled,
    moved,
    named,
    person,
    planned,
    reasons,
    recorded,
    rows,
    rule,
    session,
    waiting,
)

ENDS_AT = NOW + DAY
ABOUT = session(NOW, ENDS_AT)
UNTIL_COMPLETED = {"every": "P7D", "until": "completed", "at_most": 3}


def weekly(**more: Any) -> RuleFacts:
    """A week after the end, and every week from then on."""
    repeat = {**UNTIL_COMPLETED, **more.pop("repeat", {})}
    return rule(anchor="session.end", offset="P7D", repeat=repeat, **more)


FIRST = ENDS_AT + WEEK


def start(of: RuleFacts | None = None) -> Snapshot:
    return planned(facts(of or weekly(), about=ABOUT))


def go_on(found: Snapshot, status: Status = Status.SENT, **how: Any) -> Snapshot:
    """What waits has ended, and planning has looked at that."""
    return planned(ended(found, status, **how))


def test_a_series_is_planned_one_mail_at_a_time() -> None:
    found = start()
    assert (rows(found), waiting(found)) == ({"1": "scheduled"}, [FIRST])

    second = go_on(found)
    assert (rows(second), waiting(second)) == ({"1": "sent", "2": "scheduled"}, [FIRST + WEEK])
    assert is_settled(second)


def test_every_week_until_completion_as_one_rule_and_as_three() -> None:  # F086, F110, L12, L17
    three = [rule(f"J+{n}", anchor="session.end", offset=f"P{n}D") for n in (7, 14, 21)]
    by_three = waiting(planned(facts(*three, about=ABOUT)))

    by_one, found = [], start()
    while due := waiting(found):
        by_one += due
        found = go_on(found)

    assert by_one == by_three == [FIRST, FIRST + WEEK, FIRST + 2 * WEEK]
    assert rows(found) == {"1": "sent", "2": "sent", "3": "sent"}
    assert reasons(found) == {Reason.SERIES_OVER}


@pytest.mark.parametrize("status", [Status.SKIPPED, Status.MISSED, Status.EXPIRED, Status.FAILED])
def test_whatever_became_of_a_mail_the_series_goes_on_and_only_what_was_sent_counts(status: Status) -> None:
    found = start()
    for _ in range(5):
        found = go_on(found, status)
    assert waiting(found) == [FIRST + 5 * WEEK]

    for _ in range(3):
        found = go_on(found)
    assert list(rows(found).values()) == [status] * 5 + ["sent"] * 3


@pytest.mark.parametrize("status", [Status.HANDING_OVER, Status.IN_DOUBT])
def test_the_next_waits_for_what_is_not_decided(status: Status) -> None:
    assert rows(go_on(start(), status)) == {"1": status}


def test_a_series_that_a_cancel_has_stopped_stays_so_in_a_new_memory() -> None:  # F020, F105
    stopped = go_on(go_on(start()), Status.CANCELLED)
    again = [replace(one, memory=2, version=2) for one in stopped.rules]

    assert is_settled(replace(stopped, rules=again))
    assert reasons(replace(stopped, rules=again)) == {Reason.CANCELLED_BY_HAND}
    sent = go_on(go_on(start()))
    assert not is_settled(replace(sent, rules=again))


def test_a_mail_cancelled_by_hand_stops_the_series_until_it_is_reactivated() -> None:  # F020, F021
    stopped = go_on(start(), Status.CANCELLED)
    assert rows(stopped) == {"1": "cancelled"}
    assert reasons(stopped) == {Reason.CANCELLED_BY_HAND}

    (send,) = stopped.sends
    again = replace(stopped, sends=[replace(send, status=Status.SCHEDULED, reactivated=True)])
    assert rows(planned(replace(again, now=NOW + DAY))) == {"1": "scheduled"}


@pytest.mark.parametrize("late", [timedelta(0), 2 * WEEK])
def test_a_mail_cancelled_by_hand_brings_none_back_that_gave_way_to_it(late: timedelta) -> None:  # F020
    """The first was skipped, and then sent by hand in the place of the second: cancelled, it stops the series."""
    once = weekly(repeat={"at_most": 1})
    found = go_on(start(once), Status.SKIPPED, reason=Reason.ATTENDANCE_NOT_MET)
    at = found.now + HOUR
    by_hand = [
        replace(send, status=Status.SCHEDULED, reason=None, due_at=at, due_override_at=at)
        if send.occurrence == "1"
        else send
        for send in found.sends
    ]
    found = planned(replace(found, sends=by_hand, now=at))
    assert rows(found) == {"1": "scheduled", "2": "removed"}

    stopped = ended(found, Status.CANCELLED, at=at)

    assert is_settled(replace(stopped, now=at + late))
    assert reasons(stopped) == {Reason.CANCELLED_BY_HAND}
    moved = replace(stopped, session=session(NOW + 10 * WEEK, NOW + 10 * WEEK + DAY))
    again = [replace(one, memory=2, version=2) for one in stopped.rules]
    assert is_settled(replace(moved, rules=again))  # F105


def test_a_last_step_that_was_let_go_hides_no_cancel_from_a_new_memory() -> None:  # F020, F105
    once = weekly(repeat={"at_most": 1, "then": {"to": "manager"}})
    thrice = weekly(repeat={"at_most": 3, "then": {"to": "manager"}})
    found = planned(replace(go_on(start(once)), rules=[thrice]))
    assert rows(found) == {"1": "sent", "2": "scheduled", "last": "removed"}

    stopped = ended(found, Status.CANCELLED, at=found.now + HOUR)

    again = [replace(one, memory=2, version=2) for one in stopped.rules]
    assert is_settled(replace(stopped, rules=again))


@pytest.mark.parametrize("reason", [Reason.SERIES_OVER, Reason.ALREADY_ANSWERED])
def test_a_series_is_over_when_nothing_more_is_asked_of_its_recipient(reason: Reason) -> None:
    over = go_on(start(), Status.SKIPPED, reason=reason)

    assert rows(over) == {"1": "skipped"}
    assert reasons(over) == {Reason.SERIES_OVER}


def test_other_reasons_to_skip_a_mail_end_no_series() -> None:
    assert rows(go_on(start(), Status.SKIPPED, reason=Reason.ATTENDANCE_NOT_MET)) == {
        "1": "skipped",
        "2": "scheduled",
    }


def completed(found: Snapshot) -> Snapshot:
    return replace(
        found, participations=[replace(one, own=recorded("completed", NOW)) for one in found.participations]
    )


def test_whoever_has_completed_gets_no_next_mail_and_no_first() -> None:  # F108, F110
    done = completed(ended(start()))
    assert rows(planned(done)) == {"1": "sent"}
    assert reasons(done) == {Reason.SERIES_OVER}
    assert planned(completed(facts(weekly(), about=ABOUT))).sends == []


def test_what_waits_stays_when_its_recipient_completes_and_is_looked_at_when_it_leaves() -> None:
    assert is_settled(completed(start()))


def test_what_was_missed_does_not_come_back_for_whoever_has_completed() -> None:
    missed = replace(start(), sends=[replace(send, status=Status.MISSED) for send in start().sends])

    assert rows(planned(missed)) == {"1": "scheduled"}
    assert rows(planned(completed(missed))) == {"1": "missed"}


def test_completion_ends_only_the_series_that_are_until_completion() -> None:
    answers = weekly(repeat={"until": "answered"})
    assert rows(planned(completed(ended(start(answers))))) == {"1": "sent", "2": "scheduled"}


# The past.


def test_a_series_first_planned_late_begins_with_what_lies_ahead() -> None:  # F068, F069
    late = facts(weekly(of={"changed_at": FIRST + 10 * DAY}), about=ABOUT, now=FIRST + 10 * DAY)

    assert rows(planned(late)) == {"3": "scheduled"}
    assert waiting(planned(late)) == [FIRST + 2 * WEEK]


def test_a_series_whose_mails_are_all_past_does_not_begin() -> None:  # F069
    """As three rules would not; else a rule made today would write to everybody of years ago."""
    now = FIRST + 2 * WEEK
    long_ago = facts(weekly(of={"changed_at": now}), about=ABOUT, now=now)

    assert planned(long_ago).sends == []
    assert reasons(long_ago) == {Reason.DUE_IN_PAST}


def test_instants_passed_over_within_a_series_are_missed() -> None:  # L03
    """The first left three weeks late."""
    found = go_on(start(), at=FIRST + 3 * WEEK + HOUR)

    assert rows(found) == {"1": "sent", "2": "missed", "3": "missed", "4": "missed", "5": "scheduled"}
    assert {send.reason for send in found.sends if send.status is Status.MISSED} == {Reason.DUE_IN_PAST}
    assert is_settled(found)


def test_of_very_many_passed_over_the_last_become_rows() -> None:
    hourly = weekly(repeat={"every": "PT1H"})
    found = go_on(start(hourly), at=FIRST + 200 * HOUR + MINUTE)

    assert len(found.sends) == 1 + 100 + 1
    assert waiting(found) == [FIRST + 201 * HOUR]


def test_a_series_that_had_stopped_goes_on_with_the_next_and_has_missed_nothing() -> None:
    off = planned(replace(start(), rules=[replace(weekly(), active=False)]))
    assert rows(off) == {"1": "removed"}

    on = planned(replace(off, rules=[weekly(of={"changed_at": FIRST + 10 * DAY})], now=FIRST + 10 * DAY))
    assert rows(on) == {"1": "removed", "3": "scheduled"}


def test_whoever_comes_back_in_time_has_the_mail_that_waited() -> None:  # F022
    off = planned(replace(start(), rules=[replace(weekly(), active=False)]))

    assert rows(planned(replace(off, rules=[weekly()]))) == {"1": "scheduled"}


# Moves.


def test_a_new_date_moves_what_waits_and_nothing_that_has_left() -> None:  # F024
    found = go_on(start())

    later = planned(moved(found, ENDS_AT + 30 * DAY))

    assert rows(later) == {"1": "sent", "2": "scheduled"}
    assert waiting(later) == [ENDS_AT + 30 * DAY + 2 * WEEK]


def test_what_moves_into_the_past_is_missed_and_the_next_is_planned_with_it() -> None:  # F026
    found = planned(moved(start(), NOW - 10 * DAY))

    assert rows(found) == {"1": "missed", "2": "scheduled"}
    assert is_settled(found)
    back = planned(moved(found, ENDS_AT))
    assert rows(back) == {"1": "scheduled", "2": "scheduled"}
    assert waiting(back) == [FIRST, FIRST + WEEK]


def test_no_more_wait_than_may_still_be_sent() -> None:
    """Two were missed; postponed, both lie ahead again, and only one more is allowed."""
    found = go_on(go_on(start(), at=FIRST + 2 * WEEK + HOUR))
    assert rows(found) == {"1": "sent", "2": "missed", "3": "missed", "4": "sent", "5": "scheduled"}

    postponed = planned(moved(found, ENDS_AT + 100 * DAY))
    assert rows(postponed) == rows(found)
    free = planned(ended(postponed, Status.FAILED, at=FIRST + 4 * WEEK))
    assert rows(free) == {"1": "sent", "2": "scheduled", "3": "missed", "4": "sent", "5": "failed"}
    assert rows(go_on(free)) == {"1": "sent", "2": "sent", "3": "missed", "4": "sent", "5": "failed"}


def test_a_series_made_shorter_lets_go_of_what_is_too_much() -> None:
    found = go_on(go_on(start()))
    assert rows(found) == {"1": "sent", "2": "sent", "3": "scheduled"}

    shorter = planned(replace(found, rules=[weekly(repeat={"at_most": 2})]))
    assert rows(shorter) == {"1": "sent", "2": "sent", "3": "removed"}
    assert shorter.sends[-1].reason is Reason.SERIES_OVER
    assert rows(planned(replace(shorter, rules=[weekly()]))) == rows(found)


def test_a_rule_that_no_longer_repeats_lets_go_of_all_but_the_first() -> None:
    once = rule(anchor="session.end", offset="P7D")

    found = planned(replace(go_on(start()), rules=[once]))

    assert rows(found) == {"1": "sent", "2": "removed"}
    assert found.sends[-1].reason is Reason.RULE_EDITED


def test_a_rule_that_begins_to_repeat_goes_on_from_its_first() -> None:  # F104
    found = ended(planned(facts(rule(anchor="session.end", offset="P7D"), about=ABOUT)))

    assert rows(planned(replace(found, rules=[weekly()]))) == {"1": "sent", "2": "scheduled"}


def test_a_session_without_a_date_has_no_series() -> None:
    undated = planned(replace(start(), session=session(None)))

    assert rows(undated) == {"1": "removed"}
    assert is_settled(undated)
    assert rows(planned(replace(undated, session=ABOUT))) == {"1": "scheduled"}


def test_a_time_set_by_hand_stays_and_the_series_goes_on_after_it() -> None:
    found = start()
    by_hand = replace(found, sends=[replace(send, due_override_at=NOW, due_at=NOW) for send in found.sends])

    assert is_settled(by_hand)
    assert waiting(go_on(by_hand, at=NOW)) == [FIRST + WEEK]


# The last step.

TO_MANAGER = {"at_most": 2, "then": {"to": "manager", "template": "escalation"}}
ESCALATES = weekly(repeat=TO_MANAGER, of={"templates": {"escalation": named("escalation")}})


def test_a_series_without_effect_ends_with_a_mail_to_somebody_else() -> None:  # L12
    found = go_on(go_on(start(ESCALATES)))

    assert rows(found) == {"1": "sent", "2": "sent", "last": "scheduled"}
    assert waiting(found) == [FIRST + 2 * WEEK]
    assert [send.template for send in found.sends] == [None, None, named("escalation")]
    assert is_settled(found)
    over = go_on(found)
    assert rows(over) == {"1": "sent", "2": "sent", "last": "sent"}
    assert is_settled(over)


def test_the_last_step_has_the_template_of_the_rule_where_it_names_none() -> None:
    found = go_on(
        go_on(start(weekly(repeat={"at_most": 2, "then": {"to": "manager"}}, of={"template": named("here")})))
    )

    assert {send.template for send in found.sends} == {named("here")}


def test_the_last_step_moves_with_the_session_and_is_missed_when_it_is_past() -> None:
    found = go_on(go_on(start(ESCALATES)))

    later = planned(moved(found, ENDS_AT + DAY))
    assert waiting(later) == [FIRST + 2 * WEEK + DAY]
    past = planned(moved(found, NOW - 60 * DAY))
    assert rows(past) == {"1": "sent", "2": "sent", "last": "missed"}
    assert is_settled(past)


def test_a_last_step_that_comes_too_late_has_a_row_that_says_so() -> None:  # L03
    late = go_on(go_on(start(ESCALATES)), at=FIRST + 10 * WEEK)

    assert rows(late)["last"] == "missed"


def test_whoever_completes_is_not_told_on() -> None:
    done = completed(ended(go_on(start(ESCALATES))))
    assert rows(planned(done)) == {"1": "sent", "2": "sent"}
    # What waits already is looked at when it is to leave.
    assert is_settled(completed(go_on(go_on(start(ESCALATES)))))


def test_a_series_made_longer_goes_on_in_the_place_of_its_last_step() -> None:
    found = go_on(go_on(start(ESCALATES)))
    longer = weekly(repeat={**TO_MANAGER, "at_most": 5})

    assert rows(planned(replace(found, rules=[longer]))) == {
        "1": "sent",
        "2": "sent",
        "3": "scheduled",
        "last": "removed",
    }


def shorter(found: Snapshot, at_most: int, **when: Any) -> Snapshot:
    """The rule now ends with somebody else after fewer mails."""
    repeat = {**TO_MANAGER, "at_most": at_most}
    of = {**when, "templates": {"escalation": named("escalation")}}
    return planned(replace(found, rules=[weekly(repeat=repeat, of=of)]))


def sent_of_five(*statuses: Status) -> Snapshot:
    """A series of five, of whose mails the first came to these, in the state before the next."""
    repeat = {**TO_MANAGER, "at_most": 5}
    found = start(weekly(repeat=repeat, of={"templates": {"escalation": named("escalation")}}))
    for status in statuses:
        found = go_on(found, status)
    return found


@pytest.mark.parametrize(("at_most", "sent"), [(2, 2), (2, 3), (1, 4)])
def test_a_series_made_shorter_ends_as_if_it_had_always_been(at_most: int, sent: int) -> None:
    """L12: the last step comes when the mail would have that is let go, not one later."""
    found = shorter(sent_of_five(*[Status.SENT] * sent), at_most)

    assert rows(found) == {
        **{str(number + 1): "sent" for number in range(sent)},
        str(sent + 1): "removed",
        "last": "scheduled",
    }
    assert waiting(found) == [FIRST + sent * WEEK]
    assert is_settled(found)
    longer = planned(replace(found, rules=sent_of_five().rules))
    assert (rows(longer)[str(sent + 1)], rows(longer)["last"]) == ("scheduled", "removed")


def test_a_last_step_takes_no_place_that_is_past_where_a_mail_came_to_nothing() -> None:
    found = shorter(sent_of_five(Status.SENT, Status.SENT, Status.FAILED), 2)

    assert rows(found) == {"1": "sent", "2": "sent", "3": "failed", "4": "removed", "last": "scheduled"}
    assert waiting(found) == [FIRST + 3 * WEEK]
    assert is_settled(found)


def test_a_series_that_had_stopped_and_is_shorter_now_ends_with_what_lies_ahead() -> None:
    """Nobody was there to send the last step in time: it is not missed, as nothing else is."""
    off = planned(replace(sent_of_five(Status.SENT, Status.SENT), rules=[replace(weekly(), active=False)]))
    assert rows(off)["3"] == "removed"

    on = shorter(replace(off, now=FIRST + 20 * DAY), 2, changed_at=FIRST + 20 * DAY)

    assert (rows(on), waiting(on)) == (
        {"1": "sent", "2": "sent", "3": "removed", "last": "scheduled"},
        [FIRST + 3 * WEEK],
    )


def test_a_last_step_that_queues_stays_where_it_is() -> None:
    """It is due already: what makes planning look again does not move it to the instant after a mail let go."""
    found = shorter(sent_of_five(Status.SENT, Status.SENT), 2)
    later = FIRST + 2 * WEEK + HOUR

    assert is_settled(replace(found, now=later, session=replace(ABOUT, changed_at=later)))


def test_a_shorter_series_whose_last_step_would_be_past_says_so() -> None:  # L03
    """All that it sent left weeks ago, and nothing follows that is still ahead."""
    found = sent_of_five(*[Status.SENT] * 5)
    found = replace(found, sends=[send for send in found.sends if send.occurrence != "last"])

    late = FIRST + 10 * WEEK
    after = shorter(replace(found, now=late), 2, changed_at=late)

    assert rows(after)["last"] == "missed"
    assert is_settled(after)


# The calendar.

PARIS = find_zone("Europe/Paris")


def wall(found: Due) -> str:
    return found.at.astimezone(PARIS).isoformat(timespec="minutes")


@pytest.mark.parametrize(
    ("first", "every", "times", "expected"),
    [
        ("2026-10-20T09:00+02:00", "P7D", 1, "2026-10-27T09:00+01:00"),  # the clocks change between
        ("2026-10-24T09:00+02:00", "PT24H", 1, "2026-10-25T08:00+01:00"),
        ("2027-01-31T09:00+01:00", "P1M", 1, "2027-02-28T09:00+01:00"),
        (
            "2027-01-31T09:00+01:00",
            "P1M",
            2,
            "2027-03-31T09:00+02:00",
        ),  # counted from the first: it does not drift
        ("2026-12-24T22:00+01:00", "P1DT4H", 2, "2026-12-27T06:00+01:00"),
    ],
)
def test_steps_are_counted_on_the_calendar_from_the_first(
    first: str, every: str, times: int, expected: str
) -> None:
    begins = due_at(datetime.fromisoformat(first), Offset(), None, PARIS)

    assert wall(repeated(begins, Offset.parse(every), times, PARIS)) == expected


def test_a_first_mail_at_a_time_that_clocks_skip_keeps_the_others_on_theirs() -> None:
    """Meant at 02:30 on the day clocks go from 2 to 3, it leaves at 03:30; a day later at 02:30."""
    meant = due_at(datetime(2027, 3, 27, 1, 30, tzinfo=UTC), Offset(days=1), None, PARIS)
    assert wall(meant) == "2027-03-28T03:30+02:00"

    assert wall(repeated(meant, Offset(days=1), 1, PARIS)) == "2027-03-29T02:30+02:00"


def test_a_series_ends_ten_years_on() -> None:
    yearly = weekly(repeat={"every": "P1Y", "at_most": 100, "until": None})
    found = start(yearly)
    for _ in range(10):
        found = go_on(found)
    assert waiting(found) == [datetime(2036, 11, 13, 8, tzinfo=UTC)]

    over = go_on(found)
    assert waiting(over) == []
    assert is_settled(over)


WEEKDAYS = {"days": ["mon", "tue", "wed", "thu", "fri"]}


def test_days_that_a_window_brings_together_are_one_mail() -> None:
    """Saturday's and Sunday's would leave on Monday, with Monday's own."""
    daily = rule(anchor="date", offset="P0D", date="2026-11-06", at="09:00", window=WEEKDAYS,
                 repeat={"every": "P1D", "at_most": 9})  # fmt: skip
    found, days = planned(facts(daily)), []
    for _ in range(3):
        days += waiting(found)
        found = go_on(found)

    friday, monday = datetime(2026, 11, 6, 9, tzinfo=UTC), datetime(2026, 11, 9, tzinfo=UTC)
    assert days == [friday, monday, monday.replace(hour=9)]
    assert Status.MISSED not in {send.status for send in found.sends}


def test_a_series_before_its_anchor_leaves_out_what_would_come_after_it() -> None:
    """Daily before a session on Sunday, on weekdays: nothing on Saturday, and nothing on Monday about it."""
    sunday = datetime(2026, 11, 15, 9, tzinfo=UTC)
    daily = rule(offset="-P3D", window=WEEKDAYS, repeat={"every": "P1D", "at_most": 3})
    found = planned(facts(daily, about=session(sunday)))
    found = go_on(found)
    assert waiting(found) == [sunday - 2 * DAY]

    assert all(send.latest_at <= sunday for send in go_on(found).sends if send.due_at < sunday)


# From here on, series that nobody thought of.

_STATUSES = st.sampled_from([*Status])


@st.composite
def some_series(draw: st.DrawFn) -> Snapshot:
    """A series in any state: how each of its mails ended, where the session is now, what the rule says now."""
    repeat: dict[str, Any] = {
        "every": draw(st.sampled_from(["P1D", "P7D", "PT6H", "P1M"])),
        "at_most": draw(st.integers(1, 4)),
        "until": draw(st.sampled_from([None, "completed", "answered"])),
        "then": draw(st.sampled_from([None, {"to": "manager"}])),
    }
    window = draw(st.sampled_from([None, WEEKDAYS]))
    of = rule(
        anchor="session.end",
        offset=draw(st.sampled_from(["-P3D", "P0D", "P7D"])),
        repeat=repeat,
        window=window,
    )
    found = planned(facts(of, about=session(NOW, NOW + DAY)))
    for _ in range(draw(st.integers(0, 6))):
        if waiting(found):
            reason = draw(st.sampled_from([None, Reason.SERIES_OVER]))
            delay = draw(st.sampled_from([timedelta(0), timedelta(0), 3 * DAY, 20 * DAY]))
            at = max(found.now, waiting(found)[0]) + delay
            status = draw(st.sampled_from(sorted(FINAL | {Status.IN_DOUBT, Status.HANDING_OVER})))
            which = min((s for s in found.sends if s.status in REVOCABLE), key=lambda s: s.due_at).occurrence
            found = planned(ended(found, status, reason=reason, at=at, which=which))
        if draw(st.booleans()):
            found = planned(moved(found, NOW + draw(st.timedeltas(-40 * DAY, 40 * DAY))))
    if draw(st.booleans()):
        other = {**repeat, "at_most": draw(st.integers(1, 4))}
        found = replace(found, rules=[rule(anchor="session.end", offset="P7D", repeat=other, window=window)])
    if draw(st.booleans()):
        found = replace(
            found, participations=[person(own=draw(st.sampled_from([Own(), recorded("completed", NOW)])))]
        )
    return found


@given(some_series())
def test_planning_a_series_twice_changes_nothing(found: Snapshot) -> None:
    assert is_settled(planned(found))


@given(some_series())
def test_no_more_of_a_series_leave_than_are_allowed(found: Snapshot) -> None:
    repeat = found.rules[0].definition.repeat
    assert repeat
    numbered = [send for send in planned(found).sends if send.occurrence.isdigit()]
    spent = sum(send.status in (Status.SENT, Status.HANDING_OVER, Status.IN_DOUBT) for send in numbered)

    assert sum(send.status in REVOCABLE for send in numbered) <= max(repeat.at_most - spent, 0)


@given(some_series())
def test_one_that_is_cancelled_or_over_begins_nothing_new(found: Snapshot) -> None:
    head = max((int(send.occurrence) for send in found.sends if send.occurrence.isdigit()), default=None)
    stopped = any(
        int(send.occurrence) == head and send.status is Status.CANCELLED
        for send in found.sends
        if send.occurrence.isdigit()
    )
    if stopped:
        assert {change.existing is None for change in plan(found)} <= {False}


@given(some_series())
def test_everything_that_is_wanted_of_a_series_is_another(found: Snapshot) -> None:
    wanted = [one.wanted.id for one in consider(found) if one.wanted]
    assert len(set(wanted)) == len(wanted)
