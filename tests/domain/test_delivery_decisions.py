"""What does a workflow do next, when it has asked its row?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.delivery import (
    FIRST_RETRY,
    LEAST_WAIT,
    LONGEST_RETRY,
    LONGEST_WAIT_FOR_PLANNING,
    RowState,
    answer,
    retry_after,
)
from domain.sends import FINAL, Next, Status

NOW = datetime(2026, 11, 5, 8, 0, tzinfo=UTC)
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)

DUE = RowState(
    now=NOW,
    status=Status.SCHEDULED,
    version=3,
    due_at=NOW,
    latest_at=NOW + DAY,
    next_attempt_at=None,
    lease_until=None,
    changed_at=NOW - DAY,
    clean=True,
)


def seconds(row: RowState) -> float:
    """How long the workflow of this row waits before it asks again."""
    said = answer(row)
    assert said.next is Next.WAIT
    return said.wait_seconds


def test_a_row_that_is_due_is_delivered() -> None:
    assert answer(DUE).next is Next.DELIVER
    assert answer(replace(DUE, due_at=NOW - DAY)).next is Next.DELIVER


@pytest.mark.parametrize("status", sorted(FINAL))
def test_a_workflow_ends_on_a_final_row_and_on_no_other(status: Status) -> None:
    assert answer(replace(DUE, status=status)).next is Next.END
    assert answer(replace(DUE, status=status, clean=False, due_at=NOW + DAY)).next is Next.END


@pytest.mark.parametrize("status", sorted(set(Status) - FINAL))
def test_no_workflow_ends_while_its_row_still_waits_for_something(status: Status) -> None:
    assert answer(replace(DUE, status=status)).next is not Next.END


def test_a_doubt_is_held_until_somebody_decides() -> None:
    for doubt in (
        DUE,
        replace(DUE, clean=False),
        replace(DUE, due_at=NOW + DAY),
        replace(DUE, latest_at=NOW - DAY),
    ):
        assert answer(replace(doubt, status=Status.IN_DOUBT)).next is Next.HOLD


def test_before_its_due_time_a_row_waits_for_it() -> None:
    row = replace(DUE, due_at=NOW + 90 * SECOND)

    assert seconds(row) == 90
    assert answer(row).due_at == NOW + 90 * SECOND


def test_a_refused_mail_waits_for_its_next_attempt() -> None:
    assert seconds(replace(DUE, due_at=NOW - DAY, next_attempt_at=NOW + MINUTE)) == 60
    assert answer(replace(DUE, due_at=NOW - DAY, next_attempt_at=NOW)).next is Next.DELIVER


def test_a_next_attempt_never_comes_before_the_due_time() -> None:
    assert seconds(replace(DUE, due_at=NOW + 2 * MINUTE, next_attempt_at=NOW + MINUTE)) == 120


def test_a_next_attempt_after_the_latest_moment_is_not_waited_for() -> None:
    row = replace(DUE, due_at=NOW - DAY, next_attempt_at=NOW + 30 * MINUTE, latest_at=NOW + MINUTE)

    assert seconds(row) == 60  # then the store calls it expired


@pytest.mark.parametrize("status", [Status.CLAIMED, Status.HANDING_OVER])
def test_what_somebody_holds_is_asked_again_when_the_lease_is_over(status: Status) -> None:
    row = replace(DUE, status=status, lease_until=NOW + MINUTE)

    assert seconds(row) == 60
    assert seconds(replace(row, clean=False)) == 60
    assert seconds(replace(row, due_at=NOW - DAY)) == 60


def test_a_claim_whose_lease_is_over_is_taken_over() -> None:
    row = replace(DUE, status=Status.CLAIMED)

    assert answer(replace(row, lease_until=NOW)).next is Next.DELIVER
    assert answer(replace(row, lease_until=NOW - DAY)).next is Next.DELIVER


def test_a_lease_left_on_a_scheduled_row_holds_nobody_up() -> None:
    assert answer(replace(DUE, lease_until=NOW + MINUTE)).next is Next.DELIVER


@pytest.mark.parametrize(
    ("late", "wait"),
    [(timedelta(0), 1), (SECOND, 1), (4 * SECOND, 4), (15 * SECOND, 15), (DAY, 15)],
)
def test_a_row_behind_the_facts_waits_for_planning_as_long_as_it_is_late_and_15_s_at_most(
    late: timedelta, wait: float
) -> None:
    assert seconds(replace(DUE, due_at=NOW - late, clean=False)) == wait
    # What was due before it came to be, as all that is late, has waited since then.
    assert seconds(replace(DUE, due_at=NOW - DAY, changed_at=NOW - late, clean=False)) == wait


def test_before_its_due_time_a_row_does_not_mind_being_behind_the_facts() -> None:
    assert seconds(replace(DUE, due_at=NOW + DAY, clean=False)) == DAY.total_seconds()


def test_an_answer_tells_the_version_and_status_of_its_row() -> None:
    for status in Status:
        said = answer(replace(DUE, status=status, version=7))
        assert (said.version, said.status) == (7, status)


instants = st.none() | st.timedeltas(-DAY, DAY).map(NOW.__add__)
rows = st.builds(
    RowState,
    now=st.just(NOW),
    status=st.sampled_from(Status),
    version=st.integers(1, 9),
    due_at=st.timedeltas(-DAY, DAY).map(NOW.__add__),
    latest_at=st.timedeltas(-DAY, DAY).map(NOW.__add__),
    next_attempt_at=instants,
    lease_until=instants,
    changed_at=st.timedeltas(-DAY, timedelta(0)).map(NOW.__add__),
    clean=st.booleans(),
)


@given(rows)
def test_no_workflow_asks_more_often_than_once_a_second(row: RowState) -> None:
    said = answer(row)

    asks_again = said.next in (Next.WAIT, Next.HOLD)
    assert said.wait_seconds >= 1 if asks_again else said.wait_seconds == 0


@given(rows)
def test_nothing_is_delivered_that_is_not_due_not_clean_or_not_free(row: RowState) -> None:
    if answer(row).next is Next.DELIVER:
        assert row.clean
        assert row.due_at <= row.now or row.latest_at <= row.now
        assert row.status is Status.SCHEDULED or not row.leased


def test_the_first_refusal_waits_half_a_minute_and_each_next_one_twice_as_long() -> None:
    assert [retry_after(n) for n in range(1, 7)] == [FIRST_RETRY * 2**n for n in range(6)]


def test_no_refusal_waits_longer_than_half_an_hour() -> None:
    # 30 s x 2**6 = 32 min
    assert [retry_after(n) for n in (6, 7, 8)] == [16 * MINUTE, LONGEST_RETRY, LONGEST_RETRY]
    assert retry_after(10_000) == LONGEST_RETRY


@given(st.integers(1, 100_000))
def test_waiting_never_shrinks_with_the_number_of_refusals(attempts: int) -> None:
    assert FIRST_RETRY <= retry_after(attempts) <= retry_after(attempts + 1) <= LONGEST_RETRY


def test_the_constants_agree() -> None:
    assert LEAST_WAIT <= LONGEST_WAIT_FOR_PLANNING
    assert FIRST_RETRY <= LONGEST_RETRY
