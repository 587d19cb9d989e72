"""Who is told of a new date, and of which?"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.corrections import TOLD
from domain.occurrences import Occurrence
from domain.participations import Participation
from domain.planning import RuleFacts, Snapshot, plan
from domain.sends import REVOCABLE, Reason, Status
from tests.domain.plans import (
    DAY,
    HOUR,
    NOW,
    WEEK,
    begins,
    company,
    ended,
    facts,
    is_settled,
    moved,
    named,
    person,
    planned,
    recorded,
    replaced,
    rows,
    rule,
    session,
)

FIRST, SECOND, THIRD = NOW + 8 * DAY, NOW + 20 * DAY, NOW + 40 * DAY
TEMPLATES = {"templates": {"moved": named("moved")}}
OPTION = rule(correction={"template": "moved"}, of=TEMPLATES)


def step(at: datetime, again: str = "") -> str:
    return f"correction:{at.isoformat()}{again}"


def asked(at: datetime) -> str:
    return f"correction:by-hand:{at.isoformat()}"


def told(of: Any = OPTION, status: Status = Status.SENT) -> Snapshot:
    """Somebody was told the first date, a day from now."""
    return ended(planned(facts(of, about=session(FIRST))), status)


LATER = NOW + DAY + HOUR


def test_whoever_was_told_a_date_is_told_the_new_one_at_once() -> None:
    found = planned(moved(told(), SECOND, now=LATER))

    assert rows(found) == {"1": "sent", step(SECOND): "scheduled"}
    (correction,) = [send for send in found.sends if send.status is Status.SCHEDULED]
    assert (correction.due_at, correction.latest_at) == (LATER, SECOND)
    assert (correction.template, correction.anchor_at) == (named("moved"), SECOND)
    assert is_settled(found)
    assert is_settled(
        replace(found, now=LATER + DAY, session=replace(found.session, changed_at=LATER + HOUR))
    )


@pytest.mark.parametrize("status", [Status.HANDING_OVER, Status.IN_DOUBT])
def test_whoever_may_have_been_told_is_told(status: Status) -> None:
    assert rows(planned(moved(told(status=status), SECOND, now=LATER))) == {
        "1": status,
        step(SECOND): "scheduled",
    }


@pytest.mark.parametrize("status", [Status.SKIPPED, Status.CANCELLED, Status.FAILED, Status.EXPIRED])
def test_whoever_was_told_nothing_has_nothing_corrected(status: Status) -> None:
    assert rows(planned(moved(told(status=status), SECOND, now=LATER))) == {"1": status}


def test_whoever_is_yet_to_be_told_is_told_once() -> None:
    assert rows(planned(moved(planned(facts(OPTION, about=session(FIRST))), SECOND))) == {"1": "scheduled"}


def test_without_the_option_nothing_is_corrected() -> None:
    assert is_settled(moved(told(rule()), SECOND, now=LATER))


def test_the_same_date_to_the_second_is_no_new_one() -> None:
    assert is_settled(moved(told(), FIRST.replace(microsecond=5), now=LATER))


def test_a_date_that_is_not_known_any_more_is_not_told() -> None:
    assert is_settled(moved(told(), None, now=LATER))


def test_a_date_that_goes_back_before_it_was_told_takes_the_correction_along() -> None:
    there = planned(moved(told(), SECOND, now=LATER))

    back = planned(moved(there, FIRST, now=LATER))

    assert rows(back) == {"1": "sent", step(SECOND): "removed"}
    assert [send.reason for send in back.sends if send.status is Status.REMOVED] == [Reason.DATE_AS_TOLD]
    assert rows(planned(moved(back, SECOND, now=LATER))) == {"1": "sent", step(SECOND): "scheduled"}


def test_a_date_that_moves_on_takes_the_correction_along_for_another() -> None:
    there = planned(moved(told(), SECOND, now=LATER))

    further = planned(moved(there, THIRD, now=LATER))

    assert rows(further) == {"1": "sent", step(SECOND): "removed", step(THIRD): "scheduled"}
    assert [send.reason for send in further.sends if send.status is Status.REMOVED] == [
        Reason.DATE_CHANGED_AGAIN
    ]


def test_a_corrected_date_is_what_counts_next_time() -> None:
    second = ended(planned(moved(told(), SECOND, now=LATER)), at=LATER)
    assert is_settled(second)

    back = ended(planned(moved(second, FIRST, now=LATER + HOUR)), at=LATER + HOUR)
    assert rows(back) == {"1": "sent", step(SECOND): "sent", step(FIRST): "sent"}

    again = planned(moved(back, SECOND, now=LATER + 2 * HOUR))
    assert rows(again)[step(SECOND, ":2")] == "scheduled"
    assert is_settled(again)


def test_a_correction_that_was_cancelled_stays_so() -> None:
    cancelled = ended(planned(moved(told(), SECOND, now=LATER)), Status.CANCELLED, at=LATER)

    assert is_settled(cancelled)


def test_a_correction_waits_for_the_window_of_its_rule() -> None:
    night = datetime.fromisoformat("2026-11-06T23:00:00+00:00")
    office = rule(correction={"template": "moved"}, window={"from": "08:00", "to": "19:00"}, of=TEMPLATES)

    found = planned(moved(told(office), SECOND, now=night))

    (correction,) = [send for send in found.sends if send.status is Status.SCHEDULED]
    assert correction.due_at == night + 9 * HOUR


def test_what_ends_a_mail_ends_its_correction() -> None:
    """F023, F070"""
    there = planned(moved(told(), SECOND, now=LATER))

    gone = planned(replaced(there, person(removed=True)))
    assert [send.reason for send in gone.sends if send.status is Status.REMOVED] == [
        Reason.PARTICIPANT_REMOVED
    ]
    off = planned(replace(there, rules=[replace(OPTION, active=False)]))
    assert [send.reason for send in off.sends if send.status is Status.REMOVED] == [Reason.RULE_DEACTIVATED]


def test_each_of_a_series_tells_the_date_and_the_last_one_told_counts() -> None:
    weekly = rule(
        correction={"template": "moved"},
        repeat={"every": "P1D", "at_most": 3},
        of=TEMPLATES,
    )
    first = ended(planned(facts(weekly, about=session(FIRST))))

    found = planned(moved(first, SECOND, now=LATER))

    assert rows(found) == {"1": "sent", "2": "scheduled", step(SECOND): "scheduled"}
    next_one = ended(found, which="2")
    assert rows(planned(next_one)) == {"1": "sent", "2": "sent", "3": "scheduled", step(SECOND): "removed"}


def test_everybody_is_told_of_their_own_date() -> None:
    own = rule(anchor="participation.start", correction={"template": "moved"}, of=TEMPLATES)
    people = [person("ada", own=begins(FIRST)), person("bob", own=begins(FIRST))]
    found = ended(planned(facts(own, people=people)))

    after = planned(replaced(found, person("bob", own=begins(SECOND), changed_at=LATER)))

    assert [send.participation for send in after.sends if send.status is Status.SCHEDULED] == [people[1].id]


@pytest.mark.parametrize(
    ("anchor", "more"), [("completed", {}), ("date", {"date": "2026-11-06", "at": "08:00"})]
)
def test_facts_and_days_of_the_rules_own_are_no_dates_that_move(anchor: str, more: dict[str, str]) -> None:
    of = rule(anchor=anchor, offset="P0D", correction={"template": "moved"}, of=TEMPLATES, **more)
    people = [person(own=recorded("completed", NOW), changed_at=NOW)]
    found = ended(planned(facts(of, people=people, about=session(FIRST))))

    assert {send.anchor_at for send in found.sends} == {None}
    assert is_settled(moved(replaced(found, person(own=recorded("completed", LATER))), SECOND, now=LATER))


# Asked for by hand: the rule itself has no corrections.


def by_hand() -> Snapshot:
    """Somebody has asked for a correction, which waits."""
    return correct(moved(told(rule()), SECOND, now=LATER))


def correct(found: Snapshot) -> Snapshot:
    """Somebody asks for corrections of a rule, as `store.corrections.find_corrections` does."""
    after = planned(
        replace(found, rules=[replace(one, asked_to_correct=named("moved")) for one in found.rules])
    )
    return replace(after, rules=found.rules)


def test_a_correction_asked_for_by_hand_is_kept_while_its_date_is_true() -> None:
    assert is_settled(by_hand())
    assert is_settled(replace(by_hand(), now=LATER + DAY))


def test_a_correction_asked_for_by_hand_goes_on_to_the_next_date_while_it_waits() -> None:
    found = planned(moved(by_hand(), THIRD, now=LATER))

    assert rows(found) == {"1": "sent", asked(SECOND): "removed", asked(THIRD): "scheduled"}
    assert {send.template for send in found.sends if send.status is Status.SCHEDULED} == {named("moved")}


def test_a_correction_that_has_left_asks_for_no_other() -> None:
    assert is_settled(moved(ended(by_hand(), at=LATER), THIRD, now=LATER + HOUR))


def test_a_correction_asked_for_by_hand_is_dropped_with_the_old_date() -> None:
    found = planned(moved(by_hand(), FIRST, now=LATER))

    assert rows(found) == {"1": "sent", asked(SECOND): "removed"}
    assert why_removed(found) == [Reason.DATE_AS_TOLD]


def test_a_correction_asked_for_by_hand_is_the_only_one_where_the_rule_comes_to_have_them() -> None:
    found = planned(replace(by_hand(), rules=[OPTION]))

    assert rows(found) == {"1": "sent", asked(SECOND): "scheduled"}
    assert is_settled(found)
    assert is_settled(replace(found, rules=[rule()]))


def test_where_the_rule_corrects_the_date_already_nobody_gets_two_by_asking() -> None:
    found = planned(moved(told(), SECOND, now=LATER))

    assert rows(correct(found)) == {"1": "sent", step(SECOND): "scheduled"}


def test_a_correction_asked_for_days_after_the_move_may_leave_as_long_as_any_other() -> None:
    moved_on = moved(told(rule(deliver_within="P1D")), SECOND, now=LATER)
    found = correct(replace(moved_on, now=LATER + 3 * DAY))

    (correction,) = [send for send in found.sends if send.status is Status.SCHEDULED]
    assert (correction.due_at, correction.latest_at) == (LATER + 3 * DAY, LATER + 4 * DAY)
    assert is_settled(found)


# What the rule comes to say.


def why_removed(found: Snapshot) -> list[Reason | None]:
    return [send.reason for send in found.sends if send.status is Status.REMOVED]


def test_a_rule_that_counts_from_another_date_has_corrected_nobodys_date() -> None:
    found = ended(planned(facts(OPTION, about=session(FIRST, FIRST + HOUR))))
    edited = rule(
        correction={"template": "moved"}, anchor="session.end", of={**TEMPLATES, "changed_at": LATER}
    )

    assert is_settled(replace(found, rules=[edited], now=LATER))
    assert is_settled(moved(replace(found, rules=[edited]), SECOND, now=LATER))  # the end was told to nobody
    assert rows(planned(moved(found, SECOND, now=LATER)))[step(SECOND)] == "scheduled"


def test_a_mail_that_waits_tells_the_date_that_the_rule_comes_to_count_from() -> None:
    """From the session's start on to their own, which is the same: from then on it is their own that may move."""
    found = planned(facts(OPTION, about=session(FIRST)))
    edited = rule(anchor="participation.start", correction={"template": "moved"}, of=TEMPLATES)

    found = ended(planned(replace(found, rules=[edited])))

    after = planned(replaced(found, person(own=begins(SECOND), changed_at=LATER)))
    assert rows(after) == {"1": "sent", step(SECOND): "scheduled"}


def test_a_correction_of_a_date_that_no_longer_counts_is_let_go() -> None:
    found = planned(moved(told(), SECOND, now=LATER))
    edited = rule(correction={"template": "moved"}, anchor="session.end", of=TEMPLATES)

    after = planned(replace(found, rules=[edited]))

    assert rows(after) == {"1": "sent", step(SECOND): "removed"}
    assert why_removed(after) == [Reason.RULE_EDITED]


def test_a_rule_that_corrects_no_more_lets_go_of_corrections_that_wait() -> None:
    found = planned(moved(told(), SECOND, now=LATER))

    after = planned(replace(found, rules=[rule(of={"version": 2, "changed_at": LATER})]))

    assert rows(after) == {"1": "sent", step(SECOND): "removed"}
    assert why_removed(after) == [Reason.RULE_EDITED]
    assert rows(planned(replace(after, rules=[OPTION]))) == {"1": "sent", step(SECOND): "scheduled"}


def test_corrections_that_a_rule_comes_to_have_are_not_about_sessions_long_over() -> None:
    over = SECOND + 60 * DAY
    found = moved(told(rule()), SECOND, now=LATER)  # they were not told

    assert is_settled(replace(found, rules=[replace(OPTION, changed_at=over)], now=over))


def test_corrections_that_a_rule_comes_to_have_are_not_about_dates_that_moved_before() -> None:
    """F019: those who were told before are corrected all the same, of what moves from then on."""
    since = LATER + DAY
    came_to = replace(OPTION, changed_at=since, corrects_since=since)
    found = replace(moved(told(rule()), SECOND, now=LATER), rules=[came_to], now=since)

    assert is_settled(found)
    assert rows(planned(moved(found, THIRD, now=since + HOUR))) == {"1": "sent", step(THIRD): "scheduled"}
    assert rows(correct(found)) == {"1": "sent", asked(SECOND): "scheduled"}


def test_a_correction_that_waits_is_still_of_use_when_the_session_is_over() -> None:
    """It is its latest time that ends it, whatever is changed meanwhile."""
    of = rule(correction={"template": "moved"}, deliver_within="P60D", of=TEMPLATES)
    found = planned(moved(told(of), SECOND, now=LATER))

    assert is_settled(moved(found, SECOND, now=SECOND + DAY))


@pytest.mark.parametrize("status", [Status.EXPIRED, Status.FAILED, Status.SKIPPED])
def test_a_date_is_corrected_again_where_its_correction_had_come_to_nothing(status: Status) -> None:
    found = ended(planned(moved(told(), SECOND, now=LATER)), status)
    assert is_settled(found)
    assert is_settled(moved(found, SECOND, now=LATER + HOUR))
    found = ended(
        planned(moved(found, THIRD, now=LATER + DAY))
    )  # whoever was told the first is told the third

    after = planned(moved(found, SECOND, now=LATER + 2 * DAY))

    assert [send.anchor_at for send in after.sends if send.status in REVOCABLE] == [SECOND]
    assert rows(after)[step(SECOND, ":2")] == "scheduled"
    assert is_settled(after)
    assert is_settled(ended(after, status, at=LATER + 3 * DAY))


def test_a_correction_that_was_cancelled_stays_so_in_a_new_memory() -> None:  # F105
    cancelled = ended(planned(moved(told(), SECOND, now=LATER)), Status.CANCELLED, at=LATER)
    again = rule(correction={"template": "moved"}, of={**TEMPLATES, "memory": 2})

    found = planned(replace(cancelled, rules=[again]))

    assert rows(replace(found, sends=found.sends[1:])) == {"1": "scheduled", step(SECOND): "cancelled"}
    further = planned(moved(found, THIRD, now=LATER))
    assert rows(replace(further, sends=further.sends[1:]))[step(THIRD)] == "scheduled"


def test_a_correction_that_was_cancelled_stays_so_when_its_date_comes_back() -> None:
    found = ended(planned(moved(told(), SECOND, now=LATER)), Status.CANCELLED)
    found = ended(planned(moved(found, THIRD, now=LATER + DAY)))

    assert is_settled(moved(found, SECOND, now=LATER + 2 * DAY))


# Companies.

ACME = company()


def learner(name: str, at: datetime) -> Participation:
    return person(name, own=begins(at), company=ACME.recipient)


def test_a_company_is_told_of_those_whose_date_has_changed() -> None:  # F019
    of = rule(
        audience="companies", anchor="participation.start", correction={"template": "moved"}, of=TEMPLATES
    )
    ann, ben, cat = sorted((learner(name, FIRST) for name in ("ann", "ben", "cat")), key=lambda one: one.id)
    found = ended(planned(facts(of, people=[ACME, ann, ben, cat])))

    after = planned(replaced(found, replace(ben, own=begins(SECOND)), replace(cat, own=begins(SECOND))))

    (correction,) = [send for send in after.sends if send.status is Status.SCHEDULED]
    assert (correction.covers, correction.anchor_at) == ((ben.id, cat.id), SECOND)
    assert correction.occurrence == f"{ben.id}:{step(SECOND)}"
    assert is_settled(after)
    assert is_settled(ended(after, at=LATER))


ANN, BEN, CAT = sorted((learner(name, FIRST) for name in ("ann", "ben", "cat")), key=lambda one: one.id)
OF_COMPANIES = rule(audience="companies", anchor="participation.start")
CORRECTED = rule(
    audience="companies", anchor="participation.start", correction={"template": "moved"}, of=TEMPLATES
)


def starting(one: Participation, at: datetime, *, said: datetime = LATER) -> Participation:
    return replace(one, own=begins(at), changed_at=said)


def about(found: Snapshot) -> list[set[UUID]]:
    return [set(send.covers or ()) for send in found.sends if send.status is Status.SCHEDULED]


def company_told(of: RuleFacts, *people: Participation) -> Snapshot:
    """A company has been told of these."""
    return replace(ended(planned(facts(of, people=[ACME, *people]))), now=LATER)


def test_a_correction_by_hand_about_two_stays_about_the_one_who_is_left() -> None:
    moved_on = [starting(one, SECOND) for one in (ANN, BEN)]
    found = correct(replaced(company_told(OF_COMPANIES, ANN, BEN), *moved_on))
    assert about(found) == [{ANN.id, BEN.id}]
    assert is_settled(found)

    after = planned(replaced(found, replace(moved_on[0], removed=True)))

    assert about(after) == [{BEN.id}]
    assert len(after.sends) == len(found.sends)
    assert is_settled(after)
    further = planned(replaced(after, starting(BEN, THIRD)))
    assert about(further) == [{BEN.id}]


def test_a_correction_by_hand_is_about_nobody_for_whom_none_was_asked() -> None:
    found = correct(replaced(company_told(OF_COMPANIES, ANN, BEN), starting(ANN, SECOND)))

    after = planned(replaced(found, starting(BEN, SECOND)))

    assert about(after) == [{ANN.id}]
    assert sorted(map(sorted, about(correct(after)))) == sorted([[ANN.id], [BEN.id]])


@pytest.mark.parametrize("first", [ANN, BEN])
def test_a_companys_correction_that_waits_takes_in_whoever_moves_to_its_date(first: Participation) -> None:
    (other,) = {ANN, BEN} - {first}
    found = planned(replaced(company_told(CORRECTED, ANN, BEN, CAT), starting(first, SECOND)))

    after = planned(replaced(found, starting(other, SECOND)))

    assert about(after) == [{ANN.id, BEN.id}]
    assert len(after.sends) == len(found.sends)  # it is the one that waited
    assert is_settled(after)


# From here on, moves that nobody thought of.

_DATES = st.sampled_from([FIRST, SECOND, THIRD, None])


@st.composite
def some_moves(draw: st.DrawFn) -> Snapshot:
    of = rule(correction=draw(st.sampled_from([None, {"template": "moved"}])), of=TEMPLATES)
    found = planned(facts(of, about=session(FIRST)))
    if draw(st.booleans()):
        found = replace(by_hand(), rules=[draw(st.sampled_from([of, rule()]))])
    for _ in range(draw(st.integers(0, 6))):
        found = planned(moved(found, draw(_DATES), now=found.now + HOUR))
        if any(send.status in REVOCABLE for send in found.sends) and draw(st.booleans()):
            found = ended(found, draw(st.sampled_from([*Status])), at=found.now + HOUR)
    return moved(found, draw(_DATES), now=found.now + HOUR)


@given(some_moves())
def test_planning_twice_changes_nothing(found: Snapshot) -> None:
    assert is_settled(planned(found))


@given(some_moves(), st.randoms(use_true_random=False))
def test_the_order_of_rows_is_irrelevant(found: Snapshot, dice: Random) -> None:
    def shuffled(items: Sequence[Any]) -> list[Any]:
        return dice.sample(items, len(items))

    other = replace(found, sends=shuffled(found.sends))
    assert {change.id: change for change in plan(other)} == {change.id: change for change in plan(found)}


@given(some_moves())
def test_no_correction_waits_that_tells_another_date_or_one_told_already(found: Snapshot) -> None:
    after = planned(found)
    known = sorted(
        (send for send in after.sends if send.status in TOLD),
        key=lambda send: (send.handed_at or NOW, send.id),
    )
    for send in after.sends:
        if send.status in REVOCABLE and Occurrence.parse(send.occurrence).kind == "correction":
            assert send.anchor_at == after.session.dates.starts_at
            assert not known or known[-1].anchor_at != send.anchor_at


def test_weeks_lie_between_these_dates() -> None:
    """Else the mails here would be due at other times than these tests think."""
    assert FIRST - WEEK > NOW
    assert SECOND - WEEK > LATER
