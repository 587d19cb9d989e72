"""Which date does a rule count from?"""

from datetime import datetime

import pytest

from domain.anchors import Anchor, Dated, anchor_at

MONDAY = datetime.fromisoformat("2026-11-02T09:00+01:00")
TUESDAY = datetime.fromisoformat("2026-11-03T17:00+01:00")
WEDNESDAY = datetime.fromisoformat("2026-11-04T09:00+01:00")
THURSDAY = datetime.fromisoformat("2026-11-05T17:00+01:00")
FRIDAY = datetime.fromisoformat("2026-11-06T09:00+01:00")
SATURDAY = datetime.fromisoformat("2026-11-07T12:00+01:00")


@pytest.mark.parametrize(
    ("anchor", "expected"),
    [
        ("session.start", MONDAY),
        ("session.end", TUESDAY),
        ("module.start", WEDNESDAY),
        ("module.end", THURSDAY),
        ("slot.start", FRIDAY),
        ("slot.end", SATURDAY),
    ],
)
def test_an_anchor_is_the_date_that_its_name_says(anchor: str, expected: datetime) -> None:  # F050
    found = anchor_at(
        Anchor(anchor),
        session=Dated(MONDAY, TUESDAY),
        module=Dated(WEDNESDAY, THURSDAY),
        slot=Dated(FRIDAY, SATURDAY),
    )
    assert found == expected


def test_what_has_no_end_ends_when_it_starts() -> None:
    session, module, slot = Dated(MONDAY), Dated(WEDNESDAY), Dated(FRIDAY)
    assert anchor_at(Anchor.SESSION_END, session=session, module=module, slot=slot) == MONDAY
    assert anchor_at(Anchor.MODULE_END, session=session, module=module, slot=slot) == WEDNESDAY
    assert anchor_at(Anchor.SLOT_END, session=session, module=module, slot=slot) == FRIDAY


def test_what_has_an_end_only_has_no_start() -> None:
    session = Dated(ends_at=TUESDAY)
    assert anchor_at(Anchor.SESSION_START, session=session) is None
    assert anchor_at(Anchor.SESSION_END, session=session) == TUESDAY


@pytest.mark.parametrize("anchor", list(Anchor))
def test_every_anchor_is_none_while_there_is_no_date(anchor: Anchor) -> None:
    assert anchor_at(anchor, session=Dated()) is None


def test_the_dates_of_the_session_are_not_lent_to_a_module_or_slot() -> None:
    session = Dated(MONDAY, TUESDAY)
    for anchor in (Anchor.MODULE_START, Anchor.MODULE_END, Anchor.SLOT_START, Anchor.SLOT_END):
        assert anchor_at(anchor, session=session) is None


def test_an_absolute_date_is_not_read_from_the_facts() -> None:
    dated = Dated(MONDAY, TUESDAY)
    assert anchor_at(Anchor.DATE, session=dated, module=dated, slot=dated) is None
