"""Which date does a rule count from?"""

from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.anchors import Anchor, Dated, Fact, Facts, Own, anchor_at

MONDAY = datetime.fromisoformat("2026-11-02T09:00+01:00")
TUESDAY = datetime.fromisoformat("2026-11-03T17:00+01:00")
WEDNESDAY = datetime.fromisoformat("2026-11-04T09:00+01:00")
THURSDAY = datetime.fromisoformat("2026-11-05T17:00+01:00")
FRIDAY = datetime.fromisoformat("2026-11-06T09:00+01:00")
SATURDAY = datetime.fromisoformat("2026-11-07T12:00+01:00")

DAY = timedelta(days=1)

# Everything of one participant lies a year after what is everybody's.
LATER = timedelta(days=365)
OWN = Own(
    dates=Dated(MONDAY + LATER, TUESDAY + LATER),
    deadline_at=WEDNESDAY + LATER,
    synchronous=Dated(THURSDAY + LATER, FRIDAY + LATER),
    enrolled=Fact(SATURDAY + LATER, SATURDAY + LATER),
    started=Fact(SATURDAY + LATER, SATURDAY + LATER + DAY / 2),
    completed=Fact(SATURDAY + LATER, SATURDAY + LATER + DAY),
)
FACTS = Facts(Dated(MONDAY, TUESDAY), Dated(WEDNESDAY, THURSDAY), Dated(FRIDAY, SATURDAY), OWN)

EXPECTED = {
    "session.start": MONDAY,
    "session.end": TUESDAY,
    "module.start": WEDNESDAY,
    "module.end": THURSDAY,
    "slot.start": FRIDAY,
    "slot.end": SATURDAY,
    "participation.start": MONDAY + LATER,  # F010
    "participation.end": TUESDAY + LATER,
    "participation.deadline": WEDNESDAY + LATER,  # F109
    "first_synchronous_slot.start": THURSDAY + LATER,  # F051
    "last_synchronous_slot.end": FRIDAY + LATER,
    "enrolled": SATURDAY + LATER,
    "started": SATURDAY + LATER + DAY / 2,  # when it was written down
    "completed": SATURDAY + LATER + DAY,
    "date": None,  # it is the rule's, and not read from the facts
}


@pytest.mark.parametrize("anchor", list(Anchor))
def test_an_anchor_is_the_date_that_its_name_says(anchor: Anchor) -> None:  # F050
    assert anchor_at(anchor, FACTS) == EXPECTED[anchor]


@pytest.mark.parametrize("anchor", list(Anchor))
def test_every_anchor_is_none_while_there_is_no_date(anchor: Anchor) -> None:
    assert anchor_at(anchor, Facts(Dated())) is None


@pytest.mark.parametrize(
    ("anchor", "start"),
    [
        ("session.end", MONDAY),
        ("module.end", WEDNESDAY),
        ("slot.end", FRIDAY),
        ("participation.end", MONDAY),
    ],
)
def test_what_has_no_end_ends_when_it_starts(anchor: str, start: datetime) -> None:
    facts = Facts(Dated(MONDAY), Dated(WEDNESDAY), Dated(FRIDAY))
    assert anchor_at(Anchor(anchor), facts) == start


def test_what_has_an_end_only_has_no_start() -> None:
    facts = Facts(Dated(ends_at=TUESDAY))
    assert anchor_at(Anchor.SESSION_START, facts) is None
    assert anchor_at(Anchor.SESSION_END, facts) == TUESDAY


def test_the_dates_of_the_session_are_not_lent_to_a_module_or_slot() -> None:
    facts = Facts(Dated(MONDAY, TUESDAY))
    for anchor in (Anchor.MODULE_START, Anchor.MODULE_END, Anchor.SLOT_START, Anchor.SLOT_END):
        assert anchor_at(anchor, facts) is None


def test_whoever_has_one_date_of_their_own_has_the_other_of_the_session() -> None:  # F010
    starts_later = Facts(Dated(MONDAY, FRIDAY), own=Own(Dated(starts_at=WEDNESDAY)))
    assert anchor_at(Anchor.PARTICIPATION_START, starts_later) == WEDNESDAY
    assert anchor_at(Anchor.PARTICIPATION_END, starts_later) == FRIDAY


def test_a_deadline_is_not_lent_by_anything() -> None:
    assert anchor_at(Anchor.PARTICIPATION_DEADLINE, Facts(Dated(MONDAY, FRIDAY))) is None


@pytest.mark.parametrize("anchor", [Anchor.ENROLLED, Anchor.STARTED, Anchor.COMPLETED])
@pytest.mark.parametrize(
    ("age", "is_news"), [(-DAY, True), (timedelta(0), True), (DAY, True), (DAY * 1.01, False)]
)
def test_a_fact_is_dated_by_its_recording_and_only_as_news(
    anchor: Anchor, age: timedelta, is_news: bool
) -> None:
    fact: dict[str, Any] = {anchor.value: Fact(FRIDAY - age, FRIDAY)}
    own = Own(**fact)
    assert anchor_at(anchor, Facts(Dated(MONDAY), own=own)) == (FRIDAY if is_news else None)


def test_facts_are_among_what_differs_from_one_participant_to_the_next() -> None:
    own = {anchor for anchor in Anchor if anchor.is_own}
    assert {anchor for anchor in Anchor if anchor.is_fact} < own
    assert {anchor for anchor in Anchor if "." not in anchor} == {
        *filter(lambda one: one.is_fact, own),
        Anchor.DATE,
    }
