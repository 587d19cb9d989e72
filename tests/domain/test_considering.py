"""What does planning make of every rule for everybody, and why is there no mail where there is none?"""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identity import send_id
from domain.participations import Role
from domain.planning import Considered, RuleFacts, Snapshot, consider, plan
from domain.sends import Reason, Status
from tests.domain.plans import (
    DAY,
    HOUR,
    NOW,
    company,
    ended,
    facts,
    is_settled,
    named,
    person,
    planned,
    reasons,
    recorded,
    rows,
    rule,
    session,
    slot,
)

PARIS, LYON = session(center="paris"), session(center="lyon")


def removed(found: Snapshot) -> list[Reason | None]:
    return [send.reason for send in found.sends if send.status is Status.REMOVED]


# Centers.


@pytest.mark.parametrize(
    ("centers", "center", "concerned"),
    [
        ("all", "paris", True),
        ("all", None, True),
        (["paris"], "paris", True),
        (["paris", "lyon"], "lyon", True),
        (["paris"], "lyon", False),
        (["paris"], None, False),  # of no center
    ],
)
def test_a_rule_concerns_the_sessions_of_its_centers(
    centers: Any, center: str | None, *, concerned: bool
) -> None:
    """F045"""
    found = facts(rule(centers=centers), about=session(center=center))

    assert bool(planned(found).sends) is concerned
    assert reasons(found) == ({None} if concerned else {Reason.ANOTHER_CENTER})


def test_a_session_that_goes_to_another_center_loses_its_mails_and_has_them_back() -> None:  # F045, F074
    before = planned(facts(rule(centers=["paris"]), about=PARIS))

    away = planned(replace(before, session=LYON))
    assert removed(away) == [Reason.ANOTHER_CENTER]
    assert rows(planned(replace(away, session=PARIS))) == {"1": "scheduled"}


# One session.


def test_a_rule_switched_off_for_a_session_has_no_mails_there() -> None:  # F048, F072
    off = rule(of={"off_here": True})

    assert reasons(facts(off)) == {Reason.SWITCHED_OFF_HERE}
    assert removed(planned(replace(planned(facts(rule())), rules=[off]))) == [Reason.SWITCHED_OFF_HERE]


def test_a_rule_that_leaves_older_sessions_alone_has_no_mails_there() -> None:  # F007, C1
    newer = rule(of={"too_new": True})

    assert reasons(facts(newer)) == {Reason.OLDER_SESSION}
    assert planned(facts(newer)).sends == []


def test_the_template_of_a_session_is_on_its_sends_and_follows() -> None:  # F014
    other = rule(of={"template": named("other")})
    found = planned(facts(other))
    assert [send.template for send in found.sends] == [named("other")]

    (change,) = plan(replace(found, rules=[rule()]))
    assert (change.status, change.wanted and change.wanted.template) == (Status.SCHEDULED, None)
    assert is_settled(planned(replace(found, rules=[rule()])))


def test_a_mail_that_has_left_keeps_the_template_it_left_by() -> None:
    sent = ended(planned(facts(rule(of={"template": named("other")}))))

    assert is_settled(replace(sent, rules=[rule()]))


# Once only.


@pytest.mark.parametrize(
    "status", [Status.SENT, Status.SKIPPED, Status.EXPIRED, Status.FAILED, Status.CANCELLED]
)
def test_other_criteria_write_to_nobody_again(status: Status) -> None:  # F103, F104, C2
    decided = ended(planned(facts(rule(conditions={"completion": ["not_started"]}))), status)

    again = rule(
        conditions={"completion": ["completed"]}, offset="-P1D", of={"version": 2, "changed_at": decided.now}
    )

    assert is_settled(replace(decided, rules=[again]))


def test_a_new_memory_forgets_who_was_written_to() -> None:  # F105
    sent = ended(planned(facts(rule(offset="-P7D"))))
    again = rule(offset="-P1D", of={"version": 2, "memory": 2, "changed_at": sent.now})

    found = planned(replace(sent, rules=[again]))

    assert [(send.occurrence, send.status) for send in found.sends] == [
        ("1", Status.SENT),
        ("m2:1", Status.SCHEDULED),
    ]
    assert is_settled(found)
    assert is_settled(ended(found))


def forgets(memory: int = 2, **says: Any) -> RuleFacts:
    return rule(offset="-P1D", of={"version": memory, "memory": memory}, **says)


def test_a_new_memory_leaves_alone_whoever_was_taken_out_by_hand() -> None:
    """F020, F105: a word about one recipient, until it is taken back; also where another memory follows."""
    cancelled = ended(planned(facts(rule())), Status.CANCELLED, at=NOW)

    for memory in (2, 3):
        found = replace(cancelled, rules=[forgets(memory)])
        assert is_settled(found)
        assert reasons(found) == {Reason.CANCELLED_BY_HAND}
    (send,) = cancelled.sends
    back = planned(
        replace(
            cancelled,
            rules=[forgets()],
            sends=[replace(send, status=Status.SCHEDULED, reactivated=True)],
        )
    )
    assert {one.occurrence: one.status for one in back.sends} == {
        "1": Status.REMOVED,
        "m2:1": Status.SCHEDULED,
    }


def test_only_the_last_word_about_somebody_holds_in_a_new_memory() -> None:
    """F105: what was sent in the second memory is forgotten with it, what was cancelled there is not."""
    sent = ended(planned(facts(rule())))
    second = planned(replace(sent, rules=[forgets()]))

    cancelled = ended(second, Status.CANCELLED, at=second.now)
    assert is_settled(replace(cancelled, rules=[forgets(3)]))
    told = planned(replace(ended(second, at=second.now), rules=[forgets(3)]))
    assert {one.occurrence: one.status for one in told.sends}["m3:1"] is Status.SCHEDULED


def test_a_new_memory_writes_nothing_that_is_past() -> None:  # F069
    sent = ended(planned(facts(rule())))

    assert is_settled(replace(sent, rules=[rule(of={"version": 2, "memory": 2, "changed_at": sent.now})]))


def test_what_waits_in_the_old_memory_gives_way_to_the_new() -> None:
    waits = planned(facts(rule()))

    found = planned(replace(waits, rules=[rule(of={"memory": 2})]))

    assert sorted((send.occurrence, send.status) for send in found.sends) == [
        ("1", Status.REMOVED),
        ("m2:1", Status.SCHEDULED),
    ]
    assert removed(found) == [Reason.RULE_EDITED]


def test_what_is_due_in_the_old_memory_leaves_all_the_same() -> None:
    """F069, F105: for those who wait for it, what the new memory asks for is past."""
    waits = planned(facts(rule()))
    found = replace(waits, now=waits.sends[0].due_at)
    again = {"version": 2, "memory": 2, "changed_at": found.now}

    assert is_settled(replace(found, rules=[rule(of=again)]))
    # Unless it is not due then any more, or the new memory asks for it at once, as of when it began.
    began = {**again, "changed_at": found.now - HOUR}
    assert removed(planned(replace(found, rules=[rule(of=began)]))) == [Reason.RULE_EDITED]
    later = planned(replace(found, rules=[rule(offset="-P3D", of=again)]))
    assert {send.occurrence: send.status for send in later.sends} == {
        "1": Status.REMOVED,
        "m2:1": Status.SCHEDULED,
    }


def test_the_identity_of_the_first_memory_is_what_it_always_was() -> None:
    (send,) = planned(facts(rule())).sends

    assert send.id == send_id(named("rule"), named("session"), named("ada"))


@pytest.mark.parametrize("repeat", [None, {"every": "P1D", "at_most": 3}], ids=["once", "again and again"])
def test_each_memory_counts_for_itself(repeat: Any) -> None:
    first = rule(repeat=repeat)
    sent = ended(planned(facts(first)))
    second = rule(repeat=repeat, offset="-P5D", of={"memory": 2, "changed_at": sent.now})

    found = planned(replace(sent, rules=[second]))

    assert [send.occurrence for send in found.sends if send.status is Status.SCHEDULED] == ["m2:1"]
    assert is_settled(found)


# Everybody is considered.

ADA, BOB, EVE = (
    person("ada"),
    person("bob", slots=frozenset({named("monday")})),
    person("eve", role=Role.TRAINER),
)
ABOUT = session(slots=[slot("monday", NOW + 20 * DAY), slot("tuesday", NOW + 21 * DAY)])


def told(found: Snapshot) -> dict[tuple[str, str], Reason | None]:
    names = {named(name): name for name in ("ada", "bob", "eve", "acme", "session", "monday", "tuesday")}
    return {(names[one.place.id], names[one.participation.recipient]): one.reason for one in consider(found)}


def test_everybody_of_an_audience_is_told_why_they_have_no_mail() -> None:
    of_slots = facts(
        rule(scope="slot", anchor="slot.start"), people=[ADA, replace(BOB, id=BOB.id), EVE], about=ABOUT
    )

    assert told(of_slots) == {
        ("monday", "ada"): None,
        ("monday", "bob"): None,
        ("tuesday", "ada"): None,
        ("tuesday", "bob"): Reason.NOT_OF_PLACE,
    }


CASES: dict[Reason, Snapshot] = {
    Reason.SESSION_DELETED: facts(rule(), about=session(deleted=True)),
    Reason.RULE_DELETED: facts(rule(of={"active": False, "deleted": True})),
    Reason.RULE_DEACTIVATED: facts(rule(of={"active": False})),
    Reason.ANOTHER_CENTER: facts(rule(centers=["paris"])),
    Reason.SWITCHED_OFF_HERE: facts(rule(of={"off_here": True})),
    Reason.OLDER_SESSION: facts(rule(of={"too_new": True})),
    Reason.CONDITIONS_NOT_MET: facts(rule(conditions={"stages": ["confirmed"]})),
    Reason.PARTICIPANT_REMOVED: facts(rule(), people=[person(removed=True)]),
    Reason.NO_ANCHOR_DATE: facts(rule(), about=session(None)),
    Reason.OLD_FACT: facts(
        rule(anchor="started"), people=[person(own=recorded("started", NOW, happened=2 * DAY))]
    ),
    Reason.TOO_LATE: facts(
        rule(offset="-PT1H", window={"from": "08:00", "to": "09:00"}), about=session(NOW + DAY + DAY / 4)
    ),
    Reason.COVERED_ALREADY: ended(
        planned(
            facts(
                rule(audience="companies", anchor="participation.start"),
                people=[company(), person(company=named("acme"))],
            )
        )
    ),
}


@pytest.mark.parametrize("reason", CASES)
def test_where_there_is_no_mail_planning_says_why(reason: Reason) -> None:
    (one,) = consider(CASES[reason])

    assert (one.reason, one.wanted, one.timing) == (reason, None, None)
    assert is_settled(CASES[reason])


def test_a_mail_that_is_past_is_told_with_its_time() -> None:  # F069: J-7 on a session planned 3 days ahead
    (one,) = consider(facts(rule(), about=session(NOW + 3 * DAY, changed_at=NOW)))

    assert (one.reason, one.timing and one.timing.due.at) == (Reason.DUE_IN_PAST, NOW - 4 * DAY)


def test_a_mail_that_is_to_leave_is_told_with_its_time() -> None:
    (one,) = consider(facts(rule()))

    assert isinstance(one, Considered)
    assert one.reason is None
    assert one.wanted
    assert one.timing == one.wanted.timing


# From here on, facts that nobody thought of.


@st.composite
def some_rules(draw: st.DrawFn) -> list[RuleFacts]:
    return [
        rule(
            f"rule {number}",
            audience=audience,
            anchor=draw(
                st.sampled_from(
                    [
                        "session.start",
                        *([] if audience == "trainers" else ["participation.start", "completed"]),
                    ]
                )
            ),
            centers=draw(st.sampled_from(["all", ["paris"]])),
            repeat=draw(st.sampled_from([None, {"every": "P7D", "at_most": 2}])),
            conditions={"stages": draw(st.sampled_from(["all", ["confirmed"]]))},
            of={
                "active": draw(st.booleans()),
                "too_new": draw(st.booleans()),
                "memory": draw(st.integers(1, 2)),
            },
        )
        for number, audience in enumerate(
            draw(st.lists(st.sampled_from(["participants", "trainers", "companies"]), max_size=4))
        )
    ]


@st.composite
def some_facts(draw: st.DrawFn) -> Snapshot:
    about = session(
        center=draw(st.sampled_from(["paris", "lyon"])), stage=draw(st.sampled_from([None, "confirmed"]))
    )
    people = [
        replace(one, removed=draw(st.booleans()))
        for one in (ADA, replace(BOB, company=named("acme")), EVE, company())
        if draw(st.booleans())
    ]
    return facts(*draw(some_rules()), people=people, about=about)


@given(some_facts())
def test_every_rule_is_considered_for_everybody_in_its_audience(found: Snapshot) -> None:
    expected = {
        (rule.id, one.id)
        for rule in found.rules
        for one in found.participations
        if one.role is rule.definition.audience.role
    }

    assert {(one.rule.id, one.participation.id) for one in consider(found)} == expected


@given(some_facts())
def test_there_is_a_reason_wherever_there_is_nothing_and_what_is_planned_is_what_was_considered(
    found: Snapshot,
) -> None:
    considered = list(consider(found))
    assert all(one.reason is not None for one in considered if one.wanted is None)

    new = {one.wanted.id for one in considered if one.wanted and one.reason is None}
    assert {change.id for change in plan(found)} == new


@given(some_facts(), some_facts())
def test_planning_after_any_edit_leaves_nothing_to_do(before: Snapshot, after: Snapshot) -> None:
    people = {one.id: one for one in (*before.participations, *after.participations)}
    edited = {rule.id: replace(rule, active=False) for rule in before.rules} | {
        rule.id: rule for rule in after.rules
    }
    now = replace(
        planned(before),
        session=after.session,
        rules=list(edited.values()),
        participations=list(people.values()),
    )

    assert is_settled(planned(now))
