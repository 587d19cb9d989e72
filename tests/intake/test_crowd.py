"""People who are made up are the same every time, and no mail to them reaches anybody."""

import pytest

from intake.crowd import make_up
from mail.addresses import check_address
from tests.intake.reading import contents

TWO = '{"id": "S-1", "name": "One"}\n{"id": "S-2", "name": "Two", "participants": ["ada"]}\n'


def test_guests_join_every_session_and_are_the_same_every_time() -> None:
    first, again, fewer = (contents(TWO, guests=count).rows for count in (3, 3, 2))

    assert [row.guests for row in first] == [("S-1-1", "S-1-2", "S-1-3"), ("S-2-1", "S-2-2", "S-2-3")]
    assert [[*row.takes_part()] for row in first] == [[*row.takes_part()] for row in again]
    assert all({*few.guests} < {*many.guests} for few, many in zip(fewer, first, strict=True))
    assert [make_up(id) for id in first[0].guests] == [make_up(id) for id in again[0].guests]


def test_guests_are_nobody_but_example_org_knows() -> None:
    assert make_up("S-1-1").email == "S-1-1@example.org"


@pytest.mark.parametrize("id", [".", "a..b-1", "-x-1", "_-1", "x" * 65, "é", "Ms X"])
def test_an_id_that_no_address_may_hold_has_an_address_all_the_same(id: str) -> None:
    email = make_up(id).email

    assert email == check_address(email or "")
    assert email != make_up(id + "1").email
