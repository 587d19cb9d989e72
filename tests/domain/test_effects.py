"""What becomes of a mail is told by when it leaves, which is at once where it is due already."""

from datetime import timedelta

import pytest

from domain.effects import effects_of_changes, effects_of_told, wrong_of_facts
from domain.outlook import Kind
from domain.planning import plan
from domain.told_dates import true_dates
from tests.domain.plans import DAY, HOUR, MINUTE, NOW, ended, facts, moved, planned, rule

LATE = rule(late={"send_within": "P7D"})
WEEK = 7 * DAY


@pytest.mark.parametrize(
    ("was", "now", "told"),
    [
        (-HOUR, -MINUTE, []),  # it queues, and leaves as soon as it would have
        (-HOUR, HOUR, [(Kind.MOVE, NOW + HOUR)]),
        (HOUR, -HOUR, [(Kind.MOVE, NOW)]),
        (HOUR, HOUR, []),
    ],
)
def test_a_mail_moves_where_it_leaves_at_another_time(
    was: timedelta, now: timedelta, told: list[tuple[Kind, object]]
) -> None:
    waits = planned(facts(LATE, now=NOW - DAY))
    waits = planned(moved(waits, NOW + WEEK + was, now=NOW - DAY))
    after = moved(waits, NOW + WEEK + now, now=NOW)

    found = effects_of_changes("S-1", after, plan(after))

    assert [(one.kind, one.at) for one in found] == told


def test_a_mail_that_is_late_leaves_at_once() -> None:
    """F069: on the clocks where it is due, too."""
    found = facts(LATE, about=moved(facts(), NOW + WEEK - 2 * DAY).session)

    (effect,) = effects_of_changes("S-1", found, plan(found))

    assert (effect.kind, effect.at, effect.local) == (Kind.APPEAR, NOW, NOW.replace(tzinfo=None))


def test_only_what_was_true_is_made_wrong() -> None:
    told = ended(planned(facts(rule())))
    once, twice = moved(told, NOW + 40 * DAY), moved(told, NOW + 50 * DAY)

    assert [one.kind for one in effects_of_told(wrong_of_facts("S-1", once), true_dates(told))] == [
        Kind.ALREADY_TOLD
    ]
    assert [*effects_of_told(wrong_of_facts("S-1", twice), true_dates(once))] == []
    assert [*effects_of_told(wrong_of_facts("S-1", told), true_dates(once))] == []
