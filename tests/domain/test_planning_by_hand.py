"""What does planning make of a send that a person has touched (DESIGN 7)?"""

from dataclasses import replace

import pytest

from domain.planning import Change, ExistingSend, plan
from domain.rules import RuleDefinition
from domain.sends import Reason, Status
from tests.domain.test_planning import (
    ADA,
    DAY,
    FAR_AHEAD,
    HOUR,
    J7,
    NOW,
    WEEK,
    followed,
    named,
    person,
    row,
    session,
    snapshot,
)

AHEAD, PAST = (
    session(NOW + 2 * WEEK),
    session(NOW + 6 * DAY),
)  # so the mail is due in a week, or was a day ago
DUE_AHEAD, DUE_PAST = NOW + WEEK, NOW - DAY


def reactivated(due_at: object = DUE_AHEAD) -> ExistingSend:
    return replace(row(Status.SCHEDULED, due_at, FAR_AHEAD), reactivated=True)  # type: ignore[arg-type]


def by_hand(status: Status = Status.SCHEDULED) -> ExistingSend:
    """A row that somebody sent a moment ago."""
    return replace(row(status, NOW, NOW + DAY), due_override_at=NOW)


def said(changes: list[Change]) -> tuple[Status, Reason | None]:
    (change,) = changes
    return change.status, change.reason


def test_what_was_reactivated_waits_again_for_a_time_to_come() -> None:
    (change,) = plan(snapshot(AHEAD, [reactivated()]))

    assert (change.status, change.reason) == (Status.SCHEDULED, None)
    assert change.timing
    assert change.timing.due.at == DUE_AHEAD


def test_what_was_reactivated_too_late_is_missed_although_nothing_moved() -> None:
    latest = PAST.dates.starts_at
    assert latest
    unmoved = replace(reactivated(DUE_PAST), latest_at=latest, anchor_at=latest)

    assert said(plan(snapshot(PAST, [unmoved]))) == (Status.MISSED, Reason.DUE_IN_PAST)
    # Only queueing, had nobody touched it.
    assert plan(snapshot(PAST, [replace(unmoved, reactivated=False)])) == []


def test_a_late_mail_that_its_rule_still_finds_worth_it_waits_again_after_its_reactivation() -> None:
    says = RuleDefinition.model_validate(
        {**J7.definition.model_dump(mode="json"), "late": {"send_within": "PT48H"}}
    )
    late = replace(J7, definition=says)
    unmoved = replace(row(Status.SCHEDULED, DUE_PAST, FAR_AHEAD, of=late), reactivated=True)

    assert said(plan(snapshot(PAST, [unmoved], rules=[late])))[0] is Status.SCHEDULED


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"people": [person(removed=True)]}, Reason.PARTICIPANT_REMOVED),
        ({"rules": [replace(J7, active=False)]}, Reason.RULE_DEACTIVATED),
        ({"rules": [replace(J7, deleted=True)]}, Reason.RULE_DELETED),
    ],
)
@pytest.mark.parametrize("touched", [reactivated(), by_hand()])
def test_what_nothing_asks_for_is_removed_whoever_touched_it(
    touched: ExistingSend, facts: dict[str, object], reason: Reason
) -> None:
    assert said(plan(snapshot(AHEAD, [touched], **facts))) == (Status.REMOVED, reason)  # type: ignore[arg-type]


@pytest.mark.parametrize("status", [Status.SCHEDULED, Status.CLAIMED])
@pytest.mark.parametrize("about", [AHEAD, PAST, session(NOW + 60 * DAY), session(NOW - 60 * DAY)])
def test_a_time_set_by_hand_stays_wherever_the_session_moves(about: object, status: Status) -> None:
    moved = snapshot(about, [by_hand(status)])  # type: ignore[arg-type]
    (change,) = plan(moved)

    assert (change.status, change.timing) == (Status.SCHEDULED, None)  # it only tells another date
    assert plan(followed(moved)) == []


def test_a_time_set_by_hand_stays_when_its_recipient_changes_roles() -> None:
    other = replace(ADA, id=named("another participation of ada"))

    (change,) = plan(snapshot(PAST, [by_hand()], people=[other]))

    assert (change.status, change.timing) == (Status.SCHEDULED, None)


@pytest.mark.parametrize("status", [Status.MISSED, Status.REMOVED])
def test_a_time_set_by_hand_ends_with_the_wait_it_was_set_in(status: Status) -> None:
    (change,) = plan(snapshot(AHEAD, [by_hand(status)]))

    assert change.status is Status.SCHEDULED
    assert change.timing
    assert change.timing.due.at == DUE_AHEAD


@pytest.mark.parametrize("due_at", [DUE_AHEAD, DUE_PAST, NOW + HOUR])
@pytest.mark.parametrize("about", [AHEAD, PAST])
def test_planning_again_changes_nothing(about: object, due_at: object) -> None:
    once = followed(snapshot(about, [reactivated(due_at)]))  # type: ignore[arg-type]

    assert plan(once) == []
