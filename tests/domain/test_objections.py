"""Which rules could never send, whatever happens?"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.objections import is_over, objections
from domain.rules import RuleDefinition

SESSION: dict[str, Any] = {"anchor": "session.end", "offset": "P7D"}
WEEKLY: dict[str, Any] = {"every": "P7D", "at_most": 4}


def rule(trigger: dict[str, Any] = SESSION, **says: Any) -> RuleDefinition:
    return RuleDefinition.model_validate({"trigger": {"type": "date", **trigger}, **says})


@pytest.mark.parametrize(
    ("says", "field", "cure"),
    [
        ({"to": "manager", "audience": "companies"}, "to", "company_contact or session_manager"),
        ({"to": "company_contact", "audience": "trainers"}, "to", "manager or session_manager"),
        ({"audience": "companies", "repeat": {**WEEKLY, "then": {}}}, "repeat.then.to", "session_manager"),
        ({"repeat": {**WEEKLY, "until": "completed"}, "conditions": {"completion": ["completed"]}},
         "conditions.completion", "drop `until`"),
        ({"repeat": {**WEEKLY, "until": "completed"}, "trigger": {"anchor": "completed", "offset": "P1D"}},
         "repeat.until", "drop `until`"),
        ({"repeat": {**WEEKLY, "until": "completed"}, "audience": "trainers"}, "repeat.until", "write to participants"),
        ({"trigger": {"anchor": "completed"}, "conditions": {"completion": ["in_progress", "not_started"]}},
         "conditions.completion", "add completed"),
        ({"trigger": {"anchor": "started"}, "conditions": {"completion": ["not_started"]}},
         "conditions.completion", "say any"),
        ({"trigger": {"anchor": "enrolled", "offset": "-P7D"}}, "trigger.offset", "from then on"),
        ({"trigger": {"anchor": "started", "offset": "-PT1M"}}, "trigger.offset", "known before"),
        ({"trigger": {"anchor": "completed", "offset": "-P3D", "at": "23:00"}, "late": {"send_within": "P2D"}},
         "trigger.offset", "is past by then"),
        ({"trigger": {"anchor": "enrolled"}, "correction": {"template": "t"}}, "correction", "drop it"),
        ({"trigger": {"anchor": "date", "date": "2027-01-01", "at": "09:00"}, "correction": {"template": "t"}},
         "correction", "drop it"),
        ({"audience": "companies", "catch_up": True}, "catch_up", "write to participants"),
        ({"audience": "companies", "catch_up": True, "trigger": {"anchor": "participation.start", "offset": "-P7D"}},
         "catch_up", "drop `catch_up`"),
        ({"repeat": WEEKLY, "catch_up": True}, "catch_up", "a rule of its own"),
    ],
)  # fmt: skip
def test_a_rule_that_could_never_send_is_objected_to(says: dict[str, Any], field: str, cure: str) -> None:
    ((named, message),) = objections(rule(**says))

    assert named == field
    assert cure in message


@pytest.mark.parametrize(
    "says",
    [
        {},
        {"to": "manager"},
        {"to": "manager", "audience": "trainers"},
        {"to": "company_contact", "audience": "companies"},
        {"repeat": {**WEEKLY, "until": "completed", "then": {}}},
        {"repeat": WEEKLY, "conditions": {"completion": ["completed"]}},
        {"trigger": {"anchor": "enrolled", "offset": "-PT1H"}, "late": {"send_within": "P1D"}},
        {"trigger": {"anchor": "enrolled", "offset": "-P1D"}, "catch_up": True},
        {"trigger": {"anchor": "enrolled", "offset": "P0D", "at": "09:00"}},
        {
            "repeat": {**WEEKLY, "until": "completed"},
            "conditions": {"completion": ["completed", "in_progress"]},
        },
        {"repeat": {**WEEKLY, "until": "answered"}, "conditions": {"completion": ["completed"]}},
        {"trigger": {"anchor": "completed"}, "conditions": {"completion": ["completed"]}},
        {"trigger": {"anchor": "started"}, "conditions": {"completion": ["not_started", "in_progress"]}},
        {"trigger": {"anchor": "participation.start"}, "correction": {"template": "t"}},
    ],
)
def test_any_other_may_send(says: dict[str, Any]) -> None:
    assert [*objections(rule(**says))] == []


NOON = {"anchor": "date", "date": "2027-01-09", "at": "12:00"}  # a Saturday
INSTANT = {"anchor": "date", "date": "2027-01-09T12:00:00Z"}


@pytest.mark.parametrize(
    (
        "trigger",
        "says",
        "last",
    ),  # `last`: the day and hour, in UTC, of the last moment at which it may be of use
    [
        (NOON, {}, (10, 0)),  # noon, twelve hours behind UTC
        (INSTANT, {}, (9, 12)),
        (INSTANT, {"late": {"send_within": "PT5H"}}, (9, 17)),
        (INSTANT, {"catch_up": True}, (10, 12)),
        (INSTANT, {"catch_up": True, "deliver_within": "PT2H"}, (9, 14)),
        (INSTANT, {"deliver_within": "P3D"}, (9, 12)),
        (NOON, {"window": {"days": ["mon"], "from": "08:00"}}, (11, 20)),  # the Monday
    ],
)
def test_a_day_of_its_own_is_over_when_nothing_can_leave_any_more(
    trigger: dict[str, Any], says: dict[str, Any], last: tuple[int, int]
) -> None:
    """F068: nothing is planned for a day that is past."""
    day, hour = last
    until = datetime(2027, 1, day, hour, tzinfo=UTC)

    assert not is_over(rule(trigger, **says), until - timedelta(minutes=1))
    assert is_over(rule(trigger, **says), until)


def test_no_other_rule_is_over() -> None:
    late = datetime(2100, 1, 1, tzinfo=UTC)

    assert not is_over(rule(), late)
    assert not is_over(rule(INSTANT, repeat=WEEKLY), late)  # it goes on
