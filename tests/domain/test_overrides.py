"""What does a rule say to a session that overrides it?"""

from datetime import time, timedelta
from typing import Any

import pytest

from domain.overrides import Override, effective
from domain.timing import Offset
from tests.domain.plans import says


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        (Override(), {"offset": "-P7D", "at": "09:00"}),
        (Override(active=False), {"offset": "-P7D", "at": "09:00"}),
        (Override(offset=Offset(days=-3)), {"offset": "-P3D", "at": "09:00"}),
        (Override(at=time(8, 30)), {"offset": "-P7D", "at": "08:30"}),
        (Override(offset=Offset(), at=time(8)), {"offset": "P0D", "at": "08:00"}),
        (Override(offset=Offset(exact=-timedelta(hours=2))), {"offset": "-PT2H", "at": None}),
    ],
)
def test_a_session_says_when_and_the_rule_says_the_rest(
    override: Override, expected: dict[str, Any]
) -> None:  # F014
    of = says(at="09:00", conditions={"stages": ["confirmed"]})

    assert effective(of, override) == says(**expected, conditions={"stages": ["confirmed"]})
    assert of == says(at="09:00", conditions={"stages": ["confirmed"]})  # F073


@pytest.mark.parametrize(
    ("date", "at", "expected"),
    [("2026-12-24", "09:00", "08:00"), ("2026-12-24T09:00:00Z", None, None)],
)
def test_a_day_of_the_rules_own_has_no_offset_and_an_instant_no_time(
    date: str, at: Any, expected: Any
) -> None:
    of = says(anchor="date", offset="P0D", date=date, at=at)

    assert effective(of, Override(offset=Offset(days=1), at=time(8))) == says(
        anchor="date", offset="P0D", date=date, at=expected
    )


def test_a_rule_that_nobody_overrides_is_itself() -> None:
    of = says()
    assert effective(of, Override()) is of
