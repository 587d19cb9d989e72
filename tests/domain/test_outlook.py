"""What does it come to? Whatever is counted is counted once, however the sessions are looked at."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import reduce
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.outlook import DAYS, LEAVING, NAMED, NAMED_AGAIN, SESSIONS, Effect, Kind, Outlook
from domain.sends import Reason

MONDAY = datetime(2027, 1, 4, 9, tzinfo=UTC)
RULE = UUID(int=1)


def effect(
    number: int,
    kind: Kind = Kind.APPEAR,
    *,
    session: str = "S-1",
    days: int = 0,
    reason: Reason | None = None,
) -> Effect:
    at = MONDAY + timedelta(days=days)
    return Effect(
        kind,
        session,
        RULE,
        UUID(int=2),
        UUID(int=number),
        UUID(int=number),
        at=at,
        local=at.replace(tzinfo=None),
        zone="UTC",
        reason=reason,
    )


@st.composite
def effects(draw: st.DrawFn) -> list[Effect]:
    """Some effects, each of a send of its own."""
    drawn = draw(
        st.lists(
            st.tuples(
                st.sampled_from(Kind),
                st.integers(0, SESSIONS + 20),
                st.integers(0, 2 * DAYS),
                st.sampled_from([None, Reason.DUE_IN_PAST, Reason.RULE_DELETED]),
            ),
            max_size=200,
        )
    )
    return [
        effect(number, kind, session=f"S-{session:03}", days=days, reason=reason)
        for number, (kind, session, days, reason) in enumerate(drawn)
    ]


def pages(all_effects: list[Effect], count: int) -> list[Outlook]:
    """Return the outlooks of pages of sessions: each session is in one."""
    return [
        Outlook.of(one for one in all_effects if int(one.session[2:]) % count == page)
        for page in range(count)
    ]


@given(effects(), st.integers(1, 5), st.randoms())
def test_pages_in_any_order_are_the_whole(found: list[Effect], count: int, random: st.DataObject) -> None:
    parts = pages(found, count)
    random.shuffle(parts)  # type: ignore[attr-defined]

    assert reduce(Outlook.merge, parts, Outlook()) == Outlook.of(found)


@given(effects())
def test_merging_may_begin_anywhere(found: list[Effect]) -> None:
    one, two, three = pages(found, 3)

    assert one.merge(two).merge(three) == one.merge(two.merge(three))
    assert one.merge(Outlook()) == one == Outlook().merge(one)


@given(effects())
def test_counts_add_up(found: list[Effect]) -> None:
    outlook = Outlook.of(found)

    assert {kind: outlook.count(kind) for kind in Kind} == {
        kind: sum(one.kind is kind for one in found) for kind in Kind
    }
    for kind in Kind:
        reasons = Counter(one.reason for one in found if one.kind is kind and one.reason)
        assert outlook.part(kind).reasons == reasons
    assert outlook.concerned == len({one.session for one in found})
    if len(outlook.days) < DAYS:
        assert sum(outlook.days.values()) == sum(outlook.count(kind) for kind in LEAVING)
    if outlook.concerned <= SESSIONS:
        told = sum((Counter(counts) for counts in outlook.sessions.values()), Counter[Kind]())
        assert told == Counter(one.kind for one in found)


@given(effects())
def test_the_first_are_told_and_memory_is_bounded(found: list[Effect]) -> None:
    outlook = reduce(Outlook.merge, pages(found, 4))
    leaving = sorted(one.at for one in found if one.kind in LEAVING and one.at)

    assert [end and end.at for end in (outlook.first, outlook.last)] == (
        [leaving[0], leaving[-1]] if leaving else [None, None]
    )
    for kind in Kind:
        dates = sorted(one.at for one in found if one.kind is kind and one.at)
        most = NAMED_AGAIN if kind is Kind.AGAIN else NAMED
        assert [one.at for one in outlook.part(kind).first] == dates[:most]
    assert len(outlook.sessions) <= SESSIONS
    assert [*outlook.sessions] == sorted({one.session for one in found})[:SESSIONS]
    assert len(outlook.days) <= DAYS


def test_whoever_would_be_written_to_again_is_named() -> None:  # F105
    found = Outlook.of(effect(number, Kind.AGAIN) for number in range(NAMED + 5))

    assert len(found.merge(Outlook()).part(Kind.AGAIN).first) == NAMED + 5


def test_a_day_is_that_of_the_clocks_where_a_mail_is_due() -> None:
    """23:30 on the 4th in New York is the 5th in Paris; both leave at the same instant."""
    at = datetime(2027, 1, 5, 4, 30, tzinfo=UTC)
    there = Effect(
        Kind.APPEAR,
        "S-1",
        RULE,
        RULE,
        UUID(int=1),
        UUID(int=1),
        at,
        None,
        datetime(2027, 1, 4, 23, 30, tzinfo=UTC).replace(tzinfo=None),
    )
    here = Effect(
        Kind.MOVE,
        "S-2",
        RULE,
        RULE,
        UUID(int=2),
        UUID(int=2),
        at,
        None,
        datetime(2027, 1, 5, 5, 30, tzinfo=UTC).replace(tzinfo=None),
    )

    assert {day.day: count for day, count in Outlook.of([there, here]).days.items()} == {4: 1, 5: 1}


def test_only_what_leaves_has_days_and_ends() -> None:
    outlook = Outlook.of([effect(1, Kind.DISAPPEAR), effect(2, Kind.TOO_LATE), effect(3, Kind.CHANGE)])

    assert (outlook.days, outlook.first, outlook.last) == ({}, None, None)
