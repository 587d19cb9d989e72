"""When is a mail due that counts from a participant's own dates, by their own clocks, or within a window?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.anchors import Dated, Fact, Own
from domain.participations import Participation, Role
from domain.places import synchronous
from domain.planning import RuleFacts, SlotFacts, Snapshot, plan
from domain.sends import Reason, Status
from tests.domain.plans import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    WEEK,
    begins,
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
    slot,
    waiting,
)

OWN_START = rule(anchor="participation.start", offset="-P7D")


def due_of(found: Snapshot, name: str) -> datetime:
    (send,) = [send for send in found.sends if send.participation == named(f"participation of {name}")]
    return send.due_at


# Own dates.


def test_learners_starting_on_7_and_14_january_get_the_same_mail_a_week_apart() -> None:  # F010, F018
    seventh = datetime(2027, 1, 7, 9, tzinfo=UTC)
    people = [person("a", own=begins(seventh)), person("b", own=begins(seventh + WEEK))]

    found = planned(facts(OWN_START, people=people, about=session(seventh - WEEK)))

    assert due_of(found, "a") == seventh - WEEK
    assert due_of(found, "b") == due_of(found, "a") + WEEK


def test_whoever_has_no_dates_of_their_own_goes_by_the_sessions() -> None:  # F010
    starts_at = NOW + 20 * DAY
    people = [person("ada"), person("bob", own=begins(starts_at + DAY))]

    found = planned(facts(OWN_START, people=people, about=session(starts_at)))

    assert waiting(found) == [starts_at - WEEK, starts_at - WEEK + DAY]


def test_a_new_date_of_the_session_moves_only_those_who_go_by_it() -> None:  # F024
    people = [person("ada"), person("bob", own=begins(NOW + 21 * DAY))]
    before = planned(facts(OWN_START, people=people))

    changes = plan(moved(before, NOW + 40 * DAY))

    assert [change.wanted and change.wanted.participation for change in changes] == [people[0]]


def test_a_deadline_counts_from_nothing_else() -> None:  # F109
    remind = rule(anchor="participation.deadline", offset="-P3D")
    ada = person("ada", own=Own(deadline_at=NOW + 10 * DAY))

    found = planned(facts(remind, people=[ada, person("bob")]))

    assert waiting(found) == [NOW + WEEK]
    assert Reason.NO_ANCHOR_DATE in reasons(facts(remind, people=[person("bob")]))


WEEKLY = [slot("first", NOW + 8 * DAY), slot("second", NOW + 9 * DAY), slot("third", NOW + 10 * DAY)]
ONLINE = [slot("before", NOW + 7 * DAY, synchronous=False), slot("after", NOW + 20 * DAY, synchronous=False)]


def attending(name: str, slots: list[SlotFacts], *only: str) -> Participation:
    """Somebody with the dates that reading the facts gives them."""
    theirs = frozenset(map(named, only)) if only else None
    return person(name, slots=theirs, own=Own(synchronous=synchronous(slots, theirs)))


def test_first_and_last_slot_are_those_of_whoever_comes_and_leave_out_e_learning() -> None:  # F050, F051
    slots = [*ONLINE, *WEEKLY]
    first = rule("first", anchor="first_synchronous_slot.start", offset="-P1D")
    last = rule("last", anchor="last_synchronous_slot.end", offset="P1D")
    people = [attending("ada", slots), attending("bob", slots, "before", "second")]

    ada = planned(facts(first, last, people=people[:1], about=session(slots=slots)))
    bob = planned(facts(first, last, people=people[1:], about=session(slots=slots)))

    assert waiting(ada) == [NOW + 7 * DAY, NOW + 11 * DAY + HOUR]
    assert waiting(bob) == [NOW + 8 * DAY, NOW + 10 * DAY + HOUR]


def test_whoever_only_learns_online_has_no_synchronous_slot() -> None:  # F051
    slots = [*ONLINE, *WEEKLY]
    first = rule(anchor="first_synchronous_slot.start")

    found = facts(first, people=[attending("ada", slots, "before")], about=session(slots=slots))

    assert reasons(found) == {Reason.NO_ANCHOR_DATE}


def test_the_cold_survey_leaves_90_days_after_the_last_slot() -> None:  # F041
    survey = rule(
        anchor="last_synchronous_slot.end",
        offset="P90D",
        conditions={"stages": ["confirmed"], "attendance": "present"},
    )
    people = [attending("ada", WEEKLY)]

    found = planned(facts(survey, people=people, about=session(slots=WEEKLY, stage="confirmed")))

    assert waiting(found) == [NOW + 10 * DAY + HOUR + 90 * DAY]
    assert planned(facts(survey, people=people, about=session(slots=WEEKLY, stage="draft"))).sends == []


def test_a_trainer_goes_by_their_own_slots() -> None:  # F011, F051
    eve = replace(attending("eve", WEEKLY, "third"), role=Role.TRAINER)
    first = rule(anchor="first_synchronous_slot.start", offset="-P1D", audience="trainers")

    assert waiting(planned(facts(first, people=[eve], about=session(slots=WEEKLY)))) == [NOW + 9 * DAY]


# Facts.


@pytest.mark.parametrize("fact", ["enrolled", "started", "completed"])
@pytest.mark.parametrize(("offset", "due_in"), [("P0D", timedelta(0)), ("PT1H", HOUR), ("P7D", WEEK)])
def test_a_fact_has_its_mail_when_it_is_written_down_or_later(
    fact: str, offset: str, due_in: timedelta
) -> None:
    """Nothing is late before anybody could know of it: with no offset it leaves at once."""
    ada = person(own=recorded(fact, NOW), changed_at=NOW)

    found = planned(facts(rule(anchor=fact, offset=offset), people=[ada]))

    assert waiting(found) == [NOW + due_in]
    assert is_settled(replace(found, now=NOW + WEEK))


def test_a_fact_counts_from_its_recording_and_not_from_when_it_happened() -> None:
    ada = person(own=recorded("completed", NOW, happened=23 * HOUR), changed_at=NOW)

    assert waiting(planned(facts(rule(anchor="completed", offset="P1D"), people=[ada]))) == [NOW + DAY]


def test_a_backfilled_fact_has_no_mail_and_says_so() -> None:
    ada = person(own=recorded("completed", NOW, happened=25 * HOUR), changed_at=NOW)
    thanks = facts(rule(anchor="completed", offset="P0D"), people=[ada])

    assert planned(thanks).sends == []
    assert reasons(thanks) == {Reason.OLD_FACT}


@pytest.mark.parametrize(
    ("offset", "activated_after", "planned_at_all"),
    [
        ("P0D", MINUTE, False),  # it happened before anybody asked for a mail about it
        ("P0D", timedelta(0), True),
        ("P1D", MINUTE, True),  # still ahead
        ("P1D", 25 * HOUR, False),
    ],
)
def test_a_rule_writes_to_nobody_about_what_was_before_it(  # F068
    offset: str, activated_after: timedelta, *, planned_at_all: bool
) -> None:
    ada = person(own=recorded("completed", NOW), changed_at=NOW)
    now = NOW + activated_after
    thanks = rule(anchor="completed", offset=offset, of={"changed_at": now})

    assert bool(planned(facts(thanks, people=[ada], now=now)).sends) is planned_at_all


def test_a_fact_planned_much_later_leaves_a_row_that_expires() -> None:
    """It was asked for in time: the delay is ours."""
    ada = person(own=recorded("completed", NOW), changed_at=NOW)

    found = planned(facts(rule(anchor="completed", offset="P0D"), people=[ada], now=NOW + 3 * DAY))

    assert [(send.status, send.latest_at) for send in found.sends] == [(Status.SCHEDULED, NOW + DAY)]


def test_whoever_comes_back_long_after_their_fact_is_not_written_to_about_it() -> None:
    gone = person(own=recorded("enrolled", NOW - WEEK), changed_at=NOW)

    assert planned(facts(rule(anchor="enrolled", offset="P0D"), people=[gone])).sends == []


def test_a_fact_taken_back_takes_its_mail_along() -> None:
    ada = person(own=recorded("completed", NOW), changed_at=NOW)
    before = planned(facts(rule(anchor="completed", offset="P1D"), people=[ada]))

    after = planned(replace(before, participations=[replace(ada, own=Own())]))

    assert [(send.status, send.reason) for send in after.sends] == [(Status.REMOVED, Reason.NO_ANCHOR_DATE)]


# Clocks.


@pytest.mark.parametrize(
    ("own", "organization", "expected"),
    [
        ("Asia/Tokyo", "America/New_York", 0),  # nine in Tokyo is midnight in UTC
        (None, "America/New_York", 14),
        (None, None, 8),  # the session's
    ],
)
def test_a_mail_by_the_clocks_of_its_recipient(
    own: str | None, organization: str | None, expected: int
) -> None:
    about = session(
        datetime(2026, 12, 10, 9, tzinfo=UTC), zone="Europe/Paris", organization_zone=organization
    )
    at_nine = rule(offset="-P1D", at="09:00", zone="recipient")

    (send,) = planned(facts(at_nine, people=[person(zone=own)], about=about)).sends

    assert send.due_at == datetime(2026, 12, 9, expected, tzinfo=UTC)


def test_other_rules_keep_to_the_clocks_of_the_session() -> None:
    about = session(
        datetime(2026, 12, 10, 9, tzinfo=UTC), zone="Europe/Paris", organization_zone="Asia/Tokyo"
    )

    (send,) = planned(
        facts(rule(offset="-P1D", at="09:00"), people=[person(zone="Asia/Tokyo")], about=about)
    ).sends

    assert send.due_at == datetime(2026, 12, 9, 8, tzinfo=UTC)


def test_a_day_of_the_rules_own_comes_when_it_comes_where_the_recipient_is() -> None:
    christmas = rule(anchor="date", offset="P0D", date="2026-12-24", at="09:00", zone="recipient")
    people = [person("ada", zone="Asia/Tokyo"), person("bob", zone="Europe/Paris")]

    found = planned(facts(christmas, people=people))

    assert waiting(found) == [datetime(2026, 12, 24, hour, tzinfo=UTC) for hour in (0, 8)]


# Windows.

OFFICE = {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "08:00", "to": "19:00"}
SATURDAY = datetime(2026, 12, 5, 9, tzinfo=UTC)
MONDAY = datetime(2026, 12, 7, 8, tzinfo=UTC)


def test_a_mail_due_on_a_saturday_waits_for_monday() -> None:
    found = planned(facts(rule(offset="-P7D", window=OFFICE), about=session(SATURDAY + WEEK)))

    assert waiting(found) == [MONDAY]
    assert [send.latest_at for send in found.sends] == [SATURDAY + WEEK]
    assert is_settled(found)


def test_a_window_that_opens_when_the_session_has_begun_leaves_no_mail() -> None:  # L10
    """It was to leave before; a session on Sunday is reminded of on Saturday, or not at all."""
    about = session(SATURDAY + DAY)
    remind = rule(offset="-P1D", window=OFFICE)

    assert planned(facts(remind, about=about)).sends == []
    assert reasons(facts(remind, about=about)) == {Reason.TOO_LATE}


def test_however_long_a_mail_may_wait_it_never_announces_what_has_begun() -> None:  # L10
    soon = rule(offset="-PT2H", window=OFFICE, deliver_within="P7D")
    on_monday = session(MONDAY + HOUR)
    assert reasons(facts(soon, about=session(SATURDAY))) == {Reason.TOO_LATE}
    assert [send.latest_at for send in planned(facts(soon, about=on_monday)).sends] == [MONDAY + HOUR]


def test_a_mail_that_waits_is_removed_when_its_window_would_open_too_late() -> None:
    before = planned(facts(rule(offset="-P1D"), about=session(SATURDAY + DAY)))

    after = planned(replace(before, rules=[rule(offset="-P1D", window=OFFICE)]))

    assert [(send.status, send.reason) for send in after.sends] == [(Status.REMOVED, Reason.TOO_LATE)]


def test_a_mail_after_its_anchor_stays_worth_a_day_from_when_the_window_opens() -> None:
    found = planned(facts(rule(anchor="session.end", offset="P0D", window=OFFICE), about=session(SATURDAY)))

    assert [(send.due_at, send.latest_at) for send in found.sends] == [(MONDAY, MONDAY + DAY)]


def test_a_window_is_open_by_the_clocks_of_whom_the_rule_goes_by() -> None:
    about = session(SATURDAY + WEEK, zone="Europe/Paris")
    people = [person(zone="America/New_York")]

    here = planned(facts(rule(window=OFFICE), people=people, about=about))
    there = planned(facts(rule(window=OFFICE, zone="recipient"), people=people, about=about))

    assert waiting(here) == [MONDAY - HOUR]
    assert waiting(there) == [MONDAY + 5 * HOUR]


# Late, and catching up.


def test_a_rule_may_take_a_mail_that_is_past_to_the_next_open_hour() -> None:  # L11
    """J-7 on a session planned at J-3: skipped by default, else planned for as long as the rule finds it worth it."""
    about = session(NOW + 3 * DAY, changed_at=NOW)

    assert planned(facts(rule(), about=about)).sends == []  # F069
    assert reasons(facts(rule(), about=about)) == {Reason.DUE_IN_PAST}
    found = planned(facts(rule(late={"send_within": "P5D"}), about=about))
    assert [(send.status, send.due_at) for send in found.sends] == [(Status.SCHEDULED, NOW - 4 * DAY)]


def enrolled(at: datetime, name: str = "ada", **more: Any) -> Participation:
    return person(name, own=replace(recorded("enrolled", at), **more), changed_at=at)


CATCH_UP = rule(catch_up=True)


def test_whoever_joins_late_gets_what_left_before_at_once() -> None:  # L04, C5
    about = session(NOW + 3 * DAY)

    found = planned(facts(CATCH_UP, people=[enrolled(NOW)], about=about))

    assert [(send.due_at, send.latest_at, send.anchor_at) for send in found.sends] == [
        (NOW, NOW + 3 * DAY, NOW + 3 * DAY)
    ]
    assert planned(facts(rule(), people=[enrolled(NOW)], about=about)).sends == []  # F025: off by default


def test_whoever_joins_in_time_gets_it_when_it_is_due() -> None:
    assert waiting(planned(facts(CATCH_UP, people=[enrolled(NOW)], about=session(NOW + 8 * DAY)))) == [
        NOW + DAY
    ]


def test_whoever_joins_when_the_session_has_begun_gets_no_mail_from_before_it() -> None:
    begun = facts(CATCH_UP, people=[enrolled(NOW)], about=session(NOW - MINUTE, NOW + WEEK))

    assert planned(begun).sends == []


def test_whoever_joins_after_the_end_gets_what_came_after_it_for_a_day() -> None:
    thanks = rule(anchor="session.end", offset="P1D", catch_up=True)

    found = planned(facts(thanks, people=[enrolled(NOW)], about=session(NOW - WEEK)))

    assert [(send.due_at, send.latest_at) for send in found.sends] == [(NOW, NOW + DAY)]


def test_whoever_was_there_before_the_rule_does_not_catch_up_with_it() -> None:
    """They joined late, and then the rule came: it is new to everybody."""
    late = rule(catch_up=True, of={"changed_at": NOW + MINUTE})

    found = facts(late, people=[enrolled(NOW)], about=session(NOW + 3 * DAY), now=NOW + MINUTE)

    assert planned(found).sends == []


def test_whoever_was_written_down_long_after_they_joined_catches_up_with_nothing() -> None:
    """A history that is imported: it is no news to anybody."""
    thanks = rule(anchor="session.end", offset="P1D", catch_up=True)
    joined = Own(enrolled=Fact(NOW - 100 * DAY, NOW))
    about = session(NOW - 91 * DAY, NOW - 90 * DAY, changed_at=NOW)

    found = planned(facts(thanks, people=[person(own=joined, changed_at=NOW)], about=about))

    assert waiting(found) == []


def test_catching_up_waits_for_the_window() -> None:
    joins = SATURDAY
    found = planned(
        facts(
            rule(catch_up=True, window=OFFICE),
            people=[enrolled(joins)],
            about=session(MONDAY + 2 * DAY),
            now=joins,
        )
    )

    assert waiting(found) == [MONDAY]


@pytest.mark.parametrize("status", [Status.SENT, Status.CANCELLED, Status.SKIPPED, Status.EXPIRED])
def test_whoever_comes_back_does_not_catch_up_with_what_was_decided(status: Status) -> None:  # F025, F103
    before = planned(
        facts(CATCH_UP, people=[enrolled(NOW - WEEK)], about=session(NOW + 3 * DAY), now=NOW - WEEK)
    )
    decided = [replace(send, status=status) for send in before.sends]
    assert decided

    assert is_settled(replace(before, now=NOW, sends=decided, participations=[enrolled(NOW)]))


def test_a_mail_that_is_caught_up_with_is_planned_once() -> None:
    found = planned(facts(CATCH_UP, people=[enrolled(NOW)], about=session(NOW + 3 * DAY)))

    assert rows(found) == {"1": "scheduled"}
    assert is_settled(replace(found, now=NOW + DAY))


def test_a_fact_from_far_away_stops_nobody_else() -> None:
    far = datetime(9999, 12, 31, tzinfo=UTC)
    people = [person("ada", own=Own(enrolled=Fact(far, far), dates=Dated(far))), person("bob")]
    own: RuleFacts = rule("own", anchor="participation.start", offset="P1D")
    fact: RuleFacts = rule("fact", anchor="enrolled", offset="P1D")

    found = planned(facts(own, fact, people=people))

    assert {send.participation for send in found.sends} == {people[1].id}
