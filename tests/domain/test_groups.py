"""Which of a company's participants share a mail (F019), and who is in one already?"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.anchors import Dated, Own
from domain.participations import Participation
from domain.planning import RuleFacts, Snapshot, plan
from domain.sends import REVOCABLE, Reason, Status
from tests.domain.plans import (
    DAY,
    MINUTE,
    NOW,
    WEEK,
    begins,
    company,
    ended,
    facts,
    is_settled,
    named,
    person,
    planned,
    reasons,
    recorded,
    replaced,
    rule,
    session,
)

SEVENTH, FOURTEENTH = NOW + 20 * DAY, NOW + 27 * DAY
TELL = rule(audience="companies", anchor="participation.start", offset="-P7D")
ACME = company()


def learner(name: str, starts_at: datetime = SEVENTH, *, of: str = "acme", **fields: Any) -> Participation:
    return person(name, own=begins(starts_at), company=named(of), **fields)


# In the order of the ids of their participations.
ANN, BEN, CAT = sorted((learner(name) for name in ("ann", "ben", "cat")), key=lambda one: one.id)


def later(one: Participation, at: datetime = FOURTEENTH) -> Participation:
    return replace(one, own=begins(at))


def lines(found: Snapshot) -> set[tuple[datetime, frozenset[UUID]]]:
    """Who is in the mails that wait, and when they are due."""
    return {(send.due_at, frozenset(send.covers or ())) for send in found.sends if send.status in REVOCABLE}


def line(at: datetime, *people: Participation) -> tuple[datetime, frozenset[UUID]]:
    return at - WEEK, frozenset(one.id for one in people)


def start(*people: Participation) -> Snapshot:
    return planned(facts(TELL, people=[ACME, *people]))


def test_learners_with_one_date_share_a_mail_and_others_have_another() -> None:  # F019
    found = start(ANN, BEN, later(CAT))

    assert lines(found) == {line(SEVENTH, ANN, BEN), line(FOURTEENTH, CAT)}
    assert {send.participation for send in found.sends} == {ACME.id}
    assert is_settled(found)


def test_a_mail_is_named_for_the_first_of_those_it_is_about_and_lists_them_in_order() -> None:
    (send,) = start(CAT, ANN, BEN).sends

    assert (send.occurrence, send.covers) == (str(ANN.id), (ANN.id, BEN.id, CAT.id))


def test_a_line_is_split_when_dates_diverge_and_joined_when_they_meet_again() -> None:  # F019
    found = start(ANN, BEN)

    split = planned(replaced(found, later(BEN)))
    assert lines(split) == {line(SEVENTH, ANN), line(FOURTEENTH, BEN)}

    joined = planned(replaced(split, BEN))
    assert lines(joined) == {line(SEVENTH, ANN, BEN)}
    assert [send.reason for send in joined.sends if send.status is Status.REMOVED] == [Reason.COVERED_ALREADY]


def test_everybody_who_goes_by_the_session_moves_together() -> None:
    people = [replace(one, own=Own()) for one in (ANN, BEN)]
    found = start(*people)
    (send,) = found.sends

    after = planned(replace(found, session=session(FOURTEENTH)))

    assert [one.id for one in after.sends] == [send.id]
    assert lines(after) == {line(FOURTEENTH, ANN, BEN)}


@pytest.mark.parametrize("status", [Status.SENT, Status.HANDING_OVER, Status.IN_DOUBT])
def test_whoever_was_in_a_mail_that_left_is_in_no_other(status: Status) -> None:  # F019
    found = ended(start(ANN, BEN), status)

    after = planned(replaced(found, later(ANN), later(CAT)))

    assert lines(after) == {line(FOURTEENTH, CAT)}
    assert reasons(replaced(found, later(ANN))) == {Reason.COVERED_ALREADY}


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.SKIPPED, Status.EXPIRED, Status.FAILED])
def test_whoever_was_in_a_mail_that_was_decided_stays_so_when_their_date_moves(status: Status) -> None:
    """So a cancellation survives a move, as everybody's does (DESIGN 7)."""
    found = ended(start(ANN, BEN), status, at=NOW)

    assert lines(planned(replaced(found, later(ANN), later(BEN, SEVENTH + DAY)))) == set()


def test_a_newcomer_has_a_mail_of_their_own_where_the_others_were_cancelled() -> None:  # L07
    found = ended(start(ANN, BEN), Status.CANCELLED, at=NOW)

    assert lines(planned(replaced(found, CAT))) == {line(SEVENTH, CAT)}


@pytest.mark.parametrize("repeat", [None, {"every": "P2D", "at_most": 4}], ids=["once", "again and again"])
def test_a_new_memory_leaves_out_whoever_was_taken_out_by_hand(repeat: Any) -> None:  # F020, F105
    says: dict[str, Any] = {"audience": "companies", "anchor": "participation.start", "offset": "-P7D"}
    cancelled = ended(
        planned(facts(rule(**says, repeat=repeat), people=[ACME, ANN, BEN])), Status.CANCELLED, at=NOW
    )
    joined = replaced(cancelled, CAT)

    found = planned(replace(joined, rules=[rule(**says, repeat=repeat, of={"memory": 2, "version": 2})]))

    assert lines(found) == {line(SEVENTH, CAT)}
    assert is_settled(found)
    nobody = replace(cancelled, rules=[rule(**says, repeat=repeat, of={"memory": 2})])
    assert is_settled(nobody)
    assert reasons(nobody) == {Reason.CANCELLED_BY_HAND}


def test_a_newcomer_joins_those_who_wait() -> None:  # F022
    found = start(BEN)

    joined = planned(replaced(found, CAT))
    assert lines(joined) == {line(SEVENTH, BEN, CAT)}
    assert [send.id for send in joined.sends] == [send.id for send in found.sends]


def test_whoever_leaves_is_in_no_mail_and_the_last_takes_it_along() -> None:  # F023
    found = start(ANN, BEN)

    smaller = planned(replaced(found, replace(ANN, removed=True)))
    assert lines(smaller) == {line(SEVENTH, BEN)}

    gone = [replace(one, removed=True) for one in (ACME, ANN, BEN)]
    empty = planned(replaced(smaller, *gone))
    assert lines(empty) == set()
    assert [send.reason for send in empty.sends] == [Reason.PARTICIPANT_REMOVED]


def test_other_companies_have_mails_of_their_own() -> None:
    other = company("other")
    found = planned(facts(TELL, people=[ACME, other, ANN, learner("dan", of="other"), person("alone")]))

    assert {(send.participation, send.covers) for send in found.sends} == {
        (ACME.id, (ANN.id,)),
        (other.id, (named("participation of dan"),)),
    }


def test_under_a_date_of_the_session_a_company_has_one_mail_about_all() -> None:
    of_session = rule(audience="companies")

    (send,) = planned(facts(of_session, people=[ACME, ANN, later(BEN)])).sends

    assert (send.occurrence, send.covers) == ("1", None)


def test_a_rule_that_comes_to_count_from_own_dates_lets_go_of_the_mail_about_all() -> None:
    found = planned(facts(rule(audience="companies"), people=[ACME, ANN, later(BEN)]))

    after = planned(replace(found, rules=[TELL]))

    assert lines(after) == {line(SEVENTH, ANN), line(FOURTEENTH, BEN)}
    assert [send.reason for send in after.sends if send.status is Status.REMOVED] == [Reason.RULE_EDITED]


def test_different_dates_that_are_due_together_are_one_mail_which_tells_none_of_them() -> None:
    at_eight = rule(audience="companies", anchor="participation.start", offset="-P7D", at="08:00")
    morning, evening = later(ANN, SEVENTH.replace(hour=9)), later(BEN, SEVENTH.replace(hour=18))

    (send,) = planned(facts(at_eight, people=[ACME, morning, evening])).sends

    assert send.covers == (ANN.id, BEN.id)
    assert (send.anchor_at, send.latest_at) == (None, SEVENTH.replace(hour=9))


def test_those_without_a_date_wait_for_one() -> None:
    deadline = rule(audience="companies", anchor="participation.deadline", offset="-P7D")

    undated = facts(deadline, people=[ACME, ANN])
    assert reasons(undated) == {Reason.NO_ANCHOR_DATE}
    dated = replaced(undated, replace(ANN, own=Own(deadline_at=SEVENTH)))
    assert lines(planned(dated)) == {line(SEVENTH, ANN)}


def test_a_company_hears_of_those_who_completed_together() -> None:
    done = rule(audience="companies", anchor="completed", offset="P0D")
    those = [replace(one, own=recorded("completed", NOW), changed_at=NOW) for one in (ANN, BEN)]

    (send,) = planned(facts(done, people=[replace(ACME, changed_at=NOW), *those])).sends

    assert (send.due_at, send.covers, send.anchor_at) == (NOW, (ANN.id, BEN.id), None)


def test_a_dirty_company_is_planned_with_its_colleagues_who_are_not() -> None:
    """Nothing is planned for them: they are not written to (DESIGN 4, two grains)."""
    to_people = rule("people")
    alone = facts(TELL, to_people, people=[ACME], colleagues=[ANN, BEN])

    found = planned(alone)

    assert lines(found) == {line(SEVENTH, ANN, BEN)}


SERIES = rule(
    audience="companies",
    anchor="participation.start",
    offset="-P14D",
    repeat={"every": "P7D", "until": "completed", "at_most": 2},
)


def test_a_series_to_a_company_goes_on_for_those_who_share_a_date() -> None:
    found = planned(facts(SERIES, people=[ACME, ANN, BEN]))
    found = planned(ended(found))

    assert [(send.occurrence, send.status) for send in found.sends] == [
        (str(ANN.id), Status.SENT),
        (f"{ANN.id}:2", Status.SCHEDULED),
    ]
    assert [send.covers for send in found.sends] == [(ANN.id, BEN.id)] * 2

    done = [
        replace(one, own=replace(one.own, completed=recorded("completed", NOW).completed))
        for one in (ANN, BEN)
    ]
    one_left = ended(replaced(found, done[0]))
    assert is_settled(one_left)  # as often as it may be
    both = replaced(ended(planned(facts(SERIES, people=[ACME, ANN, BEN]))), *done)
    assert lines(planned(both)) == set()


# Who comes or goes while a mail queues.


def queueing(found: Snapshot) -> Snapshot:
    """It is due since a minute, and waits for its turn, or to be tried again."""
    return replace(found, now=SEVENTH - WEEK + MINUTE)


def changed(found: Snapshot, *people: Participation) -> Snapshot:
    """The facts as they are planned once these have come, gone, or have other dates, now."""
    said = [replace(one, changed_at=found.now) for one in people]
    return planned(replaced(found, replace(ACME, dirty_at=found.now), *said))


def ids(found: Snapshot) -> list[UUID]:
    return [send.id for send in found.sends]


def test_a_newcomer_joins_the_mail_that_queues_whatever_it_is_named_for() -> None:
    found = queueing(start(BEN, CAT))

    after = changed(found, ANN)

    assert lines(after) == {line(SEVENTH, ANN, BEN, CAT)}
    assert ids(after) == ids(found)


def test_the_mail_that_queues_leaves_without_whoever_it_is_named_for() -> None:
    found = queueing(start(ANN, BEN))

    after = changed(found, replace(ANN, removed=True))

    assert lines(after) == {line(SEVENTH, BEN)}
    assert ids(after) == ids(found)


def test_the_mail_that_queues_stays_with_those_whose_date_it_was() -> None:
    found = queueing(start(ANN, BEN))

    after = changed(found, later(ANN))

    assert lines(after) == {line(SEVENTH, BEN), line(FOURTEENTH, ANN)}
    assert ids(found)[0] == next(send.id for send in after.sends if send.covers == (BEN.id,))
    assert is_settled(after)


def test_whoever_a_mail_was_named_for_and_comes_back_has_one_of_their_own() -> None:
    """It has left without them, under their name."""
    gone = changed(start(ANN, BEN), replace(ANN, removed=True))
    left = ended(gone, at=SEVENTH - WEEK)

    back = changed(left, later(ANN))

    assert lines(back) == {line(FOURTEENTH, ANN)}
    assert is_settled(back)


def test_a_time_set_by_hand_survives_a_newcomer() -> None:
    found = start(BEN, CAT)
    by_hand = [
        replace(send, due_at=NOW, due_override_at=NOW, latest_at=NOW + DAY, version=2) for send in found.sends
    ]

    after = changed(replace(found, sends=by_hand), ANN)

    assert lines(after) == {(NOW, frozenset({ANN.id, BEN.id, CAT.id}))}


SOON = NOW + 14 * DAY  # a week before that is past when the mail queues


def missed(found: Snapshot) -> list[tuple[UUID, ...]]:
    """Whom the mails are about that were missed."""
    rows = [send for send in found.sends if send.status is Status.MISSED]
    assert {send.reason for send in rows} <= {Reason.DUE_IN_PAST}
    return sorted(tuple(send.covers or ()) for send in rows)


@pytest.mark.parametrize("of", [(ANN, BEN), (BEN, CAT)])
def test_whoever_leaves_a_mail_for_a_date_whose_mail_is_past_has_a_row_that_says_so(
    of: tuple[Participation, Participation],
) -> None:  # L03, as of a mail to one person that is moved into the past
    one, other = of
    found = queueing(start(*of))

    after = changed(found, later(one, SOON))

    assert (lines(after), missed(after)) == ({line(SEVENTH, other)}, [(one.id,)])
    assert is_settled(after)
    later_still = changed(after, later(one))
    assert (lines(later_still), missed(later_still)) == (
        {line(SEVENTH, other), line(FOURTEENTH, one)},
        [],
    )
    assert ids(later_still) == ids(after)


def test_those_who_leave_a_mail_that_waits_for_different_past_dates_have_a_row_each() -> None:
    found = replace(start(ANN, BEN, CAT), now=NOW + 10 * DAY)

    after = changed(found, later(ANN, NOW + 11 * DAY), later(BEN, NOW + 12 * DAY))

    assert (lines(after), missed(after)) == ({line(SEVENTH, CAT)}, sorted([(ANN.id,), (BEN.id,)]))
    assert is_settled(after)


def test_whoever_leaves_for_a_past_date_of_others_who_missed_theirs_has_a_row_too() -> None:
    found = queueing(changed(queueing(start(ANN, BEN, later(CAT))), later(CAT, SOON)))
    assert missed(found) == [(CAT.id,)]

    after = changed(found, later(ANN, SOON))

    assert (lines(after), missed(after)) == ({line(SEVENTH, BEN)}, sorted([(ANN.id,), (CAT.id,)]))
    assert is_settled(after)


def test_whoever_leaves_has_missed_it_also_where_they_had_a_mail_of_their_own_before() -> None:
    alone = start(ANN, later(BEN))
    found = queueing(changed(alone, BEN))
    assert [send.status for send in found.sends] == [Status.SCHEDULED, Status.REMOVED]

    after = changed(found, later(BEN, SOON))

    assert (lines(after), missed(after)) == ({line(SEVENTH, ANN)}, [(BEN.id,)])
    assert is_settled(after)


def test_whoever_leaves_for_the_date_of_a_mail_that_queues_joins_it() -> None:
    found = queueing(start(ANN, later(BEN), later(CAT)))

    after = changed(found, replace(BEN, own=ANN.own))

    assert (lines(after), missed(after)) == ({line(SEVENTH, ANN, BEN), line(FOURTEENTH, CAT)}, [])
    assert is_settled(after)


def test_whoever_comes_with_a_date_whose_mail_is_past_has_no_row() -> None:  # F069
    found = queueing(start(BEN))

    after = changed(found, later(ANN, SOON))

    assert (lines(after), missed(after)) == ({line(SEVENTH, BEN)}, [])


def test_whoever_leaves_a_series_for_past_dates_has_missed_what_waited_and_goes_on() -> None:
    found = planned(facts(SERIES, people=[ACME, ANN, BEN]))

    after = changed(replace(found, now=NOW + DAY), later(ANN, NOW + 10 * DAY))

    assert missed(after) == [(ANN.id,)]
    assert lines(after) == {
        (SEVENTH - 2 * WEEK, frozenset({BEN.id})),
        (NOW + 3 * DAY, frozenset({ANN.id})),
    }
    assert is_settled(after)


# What is past is seen from when it was asked for: by the rule, or by whoever came, or got another date (docs/decisions/0012).

SLOW = rule(audience="companies", anchor="participation.start", offset="-P7D", of={"changed_at": NOW})


def late(*people: Participation) -> Snapshot:
    """A rule was made while all was ahead; planning comes to it only now, when the first mail is due."""
    return planned(queueing(facts(SLOW, people=[replace(ACME, dirty_at=SEVENTH - WEEK), *people])))


def test_a_newcomer_takes_no_mail_from_those_who_were_there_in_time() -> None:
    newcomer = replace(later(CAT), changed_at=SEVENTH - WEEK + MINUTE)

    found = late(ANN, newcomer)

    assert lines(found) == {line(SEVENTH, ANN), line(FOURTEENTH, CAT)}
    assert is_settled(found)


def test_a_newcomer_with_their_date_is_in_it() -> None:
    newcomer = replace(CAT, changed_at=SEVENTH - WEEK + MINUTE)

    assert lines(late(ANN, newcomer)) == {line(SEVENTH, ANN, CAT)}


def test_a_newcomer_alone_is_too_late_for_theirs() -> None:  # F069
    newcomer = replace(CAT, changed_at=SEVENTH - WEEK + MINUTE)

    assert lines(late(later(ANN), newcomer)) == {line(FOURTEENTH, ANN)}


def test_a_company_that_is_new_is_too_late_with_all_its_people() -> None:
    new = SEVENTH - WEEK + MINUTE
    people = [replace(ACME, changed_at=new), replace(ANN, changed_at=new), later(BEN)]

    assert lines(planned(queueing(facts(SLOW, people=people)))) == {line(FOURTEENTH, BEN)}


def test_a_series_that_has_not_begun_goes_by_its_own_people() -> None:
    """That of others has: what moves theirs on is nothing to these."""
    slow = replace(SERIES, changed_at=NOW)
    found = planned(facts(slow, people=[ACME, later(BEN)]))
    at = SEVENTH - 2 * WEEK + MINUTE

    said = [replace(ACME, dirty_at=at), replace(ANN, changed_at=NOW)]
    found = planned(replace(replaced(found, *said), now=at))

    assert {those for at, those in lines(found) if at == SEVENTH - 2 * WEEK} == {frozenset({ANN.id})}


def test_a_correction_goes_by_who_has_another_date() -> None:
    """Of those it is about somebody was said to come on another day: since then it may be sent for a day."""
    option = rule(
        audience="companies",
        anchor="participation.start",
        offset="-P7D",
        correction={"template": "moved"},
        deliver_within="P1D",
        of={"templates": {"moved": named("moved")}},
    )
    found = ended(planned(facts(option, people=[ACME, ANN, BEN])))
    found = replace(found, participations=[ACME, ANN, BEN])

    after = changed(replace(found, now=found.now + DAY), later(BEN))

    (correction,) = [send for send in after.sends if send.status is Status.SCHEDULED]
    assert (correction.covers, correction.due_at) == ((BEN.id,), found.now + DAY)
    assert correction.latest_at == found.now + 2 * DAY


# Series of a company, of which somebody comes or goes.

DAILY = rule(
    audience="companies",
    anchor="participation.start",
    offset="-P14D",
    repeat={"every": "P2D", "at_most": 4},
)


def told(found: Snapshot) -> list[UUID]:
    """Whom the mails that wait are about."""
    return [one for _, those in lines(found) for one in those]


def test_a_series_cancelled_for_a_company_stays_so_when_somebody_joins() -> None:  # F020, L07
    found = ended(planned(facts(SERIES, people=[ACME, BEN, CAT])), Status.CANCELLED, at=NOW)

    assert told(planned(replaced(found, ANN))) == [ANN.id]
    assert is_settled(planned(replaced(found, ANN)))


def sent_to(found: Snapshot, one: Participation) -> int:
    return sum(one.id in (send.covers or ()) for send in found.sends if send.status is Status.SENT)


def to_its_end(found: Snapshot) -> Snapshot:
    while lines(found := planned(found)):
        found = ended(found)
    return found


def test_a_series_to_a_company_counts_what_it_sent_when_somebody_joins() -> None:
    found = planned(facts(DAILY, people=[ACME, BEN, CAT]))
    for _ in range(3):
        found = planned(ended(found))

    found = to_its_end(replaced(found, replace(ANN, changed_at=found.now)))

    assert [sent_to(found, one) for one in (ANN, BEN, CAT)] == [1, 4, 4]


def test_a_series_at_its_end_begins_for_whoever_joins_then() -> None:
    found = to_its_end(facts(DAILY, people=[ACME, BEN]))

    found = to_its_end(replaced(found, later(ANN, found.now + 30 * DAY)))

    assert [sent_to(found, one) for one in (ANN, BEN)] == [4, 4]


def test_whoever_parts_from_a_series_goes_on_where_it_was() -> None:
    found = planned(facts(DAILY, people=[ACME, ANN, BEN]))
    for _ in range(2):
        found = planned(ended(found))

    found = to_its_end(replaced(found, later(BEN, SEVENTH + 2 * DAY)))

    assert [sent_to(found, one) for one in (ANN, BEN)] == [4, 4]


def test_whoever_joins_another_series_has_no_more_than_the_rule_allows() -> None:
    found = planned(facts(DAILY, people=[ACME, ANN, later(BEN, SEVENTH + DAY)]))
    found = planned(ended(found, which=str(ANN.id)))

    found = to_its_end(replaced(found, BEN))

    assert [sent_to(found, one) for one in (ANN, BEN)] == [4, 3]


def test_a_series_over_for_some_goes_on_for_whoever_joins_them() -> None:
    found = planned(facts(SERIES, people=[ACME, ANN]))
    done = replace(ANN, own=replace(ANN.own, completed=recorded("completed", NOW).completed))
    found = planned(ended(replaced(found, done), Status.SKIPPED, reason=Reason.SERIES_OVER))
    assert lines(found) == set()

    after = planned(replaced(found, replace(BEN, changed_at=found.now)))

    assert told(after) == [BEN.id]
    assert is_settled(after)


# By whose clocks.


def test_a_company_has_one_mail_wherever_its_people_are() -> None:
    """It is the company's clocks that count: those of the organization."""
    of = rule(audience="companies", anchor="participation.start", offset="-P7D", at="09:00", zone="recipient")
    here = session(organization_zone="Europe/Paris")

    found = planned(facts(of, people=[ACME, ANN, replace(BEN, zone="Asia/Kathmandu")], about=here))

    assert [(send.covers, send.due_at) for send in found.sends] == [
        ((ANN.id, BEN.id), (SEVENTH - WEEK).replace(hour=8))
    ]


# From here on, companies that nobody thought of.

TO_BOSS = rule(
    audience="companies",
    anchor="participation.start",
    offset="-P14D",
    repeat={"every": "P7D", "until": "completed", "at_most": 2, "then": {"to": "session_manager"}},
)
_ARRIVED = (Status.SENT, Status.HANDING_OVER, Status.IN_DOUBT)
_DATES = st.sampled_from([None, SEVENTH, FOURTEENTH, NOW + 3 * DAY])


@st.composite
def some_learners(draw: st.DrawFn) -> list[Participation]:
    return [
        person(
            str(number),
            own=Own(Dated(draw(_DATES))),
            company=draw(st.sampled_from([named("acme"), named("other"), None])),
            removed=draw(st.booleans()),
        )
        for number in range(draw(st.integers(0, 5)))
    ]


@st.composite
def some_companies(draw: st.DrawFn, of: RuleFacts = TELL) -> Snapshot:
    """Companies whose learners come, go and change their dates, while their mails end in every way there is."""
    found = facts(of, people=[ACME, company("other")])
    for _ in range(draw(st.integers(1, 4))):
        found = planned(replaced(found, *draw(some_learners())))
        chosen = [send for send in found.sends if send.status in REVOCABLE and draw(st.booleans())]
        status = draw(st.sampled_from(sorted(Status)))
        for which in sorted({send.occurrence for send in chosen}):  # of both companies
            found = ended(found, status, which=which, at=found.now + timedelta(hours=1))
    return replaced(found, *draw(some_learners()))


@given(st.sampled_from([TELL, DAILY, TO_BOSS]).flatmap(some_companies))
def test_planning_twice_changes_nothing(found: Snapshot) -> None:
    assert is_settled(planned(found))


@given(st.sampled_from([TELL, DAILY, TO_BOSS]).flatmap(some_companies), st.randoms(use_true_random=False))
def test_the_order_in_which_participations_were_read_is_irrelevant(found: Snapshot, dice: Random) -> None:
    def shuffled(items: Sequence[Any]) -> list[Any]:
        return dice.sample(items, len(items))

    other = replace(found, participations=shuffled(found.participations), sends=shuffled(found.sends))

    assert {change.id: change for change in plan(other)} == {change.id: change for change in plan(found)}


@given(some_companies(DAILY))
def test_nobody_is_in_two_mails_that_wait_or_hears_more_often_than_allowed(found: Snapshot) -> None:
    after = planned(found)

    for one in after.participations:
        about = [send.status for send in after.sends if one.id in (send.covers or ())]
        assert len([status for status in about if status in _ARRIVED]) <= 4


_DECIDED = frozenset(Status) - REVOCABLE - {Status.MISSED, Status.REMOVED}


def about(found: Snapshot, to: UUID) -> list[UUID]:
    """Whom a company's mails are about that wait, or have been decided."""
    mails = [send for send in found.sends if send.status in REVOCABLE | _DECIDED and send.participation == to]
    return [one for send in mails for one in send.covers or ()]


@given(some_companies())
def test_nobody_is_in_two_mails_to_one_company(found: Snapshot) -> None:  # F019
    after = planned(found)

    for one in (ACME, company("other")):
        assert len(set(about(after, one.id))) == len(about(after, one.id))


_AHEAD_OR_NOT = st.sampled_from([SEVENTH, FOURTEENTH, NOW + 3 * DAY, NOW + 4 * DAY])


@given(st.lists(st.tuples(_AHEAD_OR_NOT, _AHEAD_OR_NOT, _AHEAD_OR_NOT), max_size=4))
def test_nobody_vanishes_from_a_mail_that_waits(dates: Sequence[tuple[datetime, datetime, datetime]]) -> None:
    """L03: whoever waits, and has another date, waits for that, or has a row that says that it was missed."""
    found = start(ANN, BEN, CAT)
    for number, those in enumerate(dates, 1):
        people = [later(one, at) for one, at in zip((ANN, BEN, CAT), those, strict=True)]
        found = changed(replace(found, now=NOW + number * MINUTE), *people)

        assert is_settled(found)
        for one, at in zip(people, those, strict=True):
            stands = {send.status for send in found.sends if one.id in (send.covers or ())}
            assert (Status.SCHEDULED if at - WEEK > found.now else Status.MISSED) in stands


@given(some_companies())
def test_everybody_with_a_date_ahead_is_in_one(found: Snapshot) -> None:
    after = planned(found)
    companies = {one.recipient: one.id for one in (ACME, company("other"))}

    for one in after.participations:
        starts_at = one.own.dates.starts_at or after.session.dates.starts_at
        if one.company and not one.removed and starts_at and starts_at - WEEK > after.now + DAY:
            assert one.id in about(after, companies[one.company])
