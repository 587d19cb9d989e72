"""What may a rule say about its date, and what does that come to?"""

from datetime import UTC, date, datetime, time
from typing import Any

import pytest
from pydantic import ValidationError

from domain.anchors import Anchor, Dated, Facts
from domain.timing import Offset
from domain.triggers import DateTrigger, due
from domain.zones import find_zone

PARIS = find_zone("Europe/Paris")
START = datetime.fromisoformat("2026-11-12T09:00+01:00")
END = datetime.fromisoformat("2026-11-13T17:00+01:00")
SESSION = Dated(START, END)


def trigger(**fields: Any) -> DateTrigger:
    return DateTrigger.model_validate({"type": "date", **fields})


def leaves(trigger: DateTrigger, session: Dated = SESSION, **parts: Any) -> str | None:
    """When the mail leaves, as a clock in Paris shows it."""
    found = due(trigger, Facts(session, **parts), PARIS)
    return None if found is None else found.at.astimezone(PARIS).isoformat(timespec="minutes")


@pytest.mark.parametrize(
    ("anchor", "offset", "at", "expected"),
    [
        # F009: x days, before or after, start or end.
        ("session.start", "-P7D", None, "2026-11-05T09:00+01:00"),
        ("session.start", "P7D", None, "2026-11-19T09:00+01:00"),
        ("session.end", "-P7D", None, "2026-11-06T17:00+01:00"),
        ("session.end", "P7D", None, "2026-11-20T17:00+01:00"),
        ("session.end", "P0D", None, "2026-11-13T17:00+01:00"),
        # L05: a time of day.
        ("session.start", "-P7D", "09:30", "2026-11-05T09:30+01:00"),
        ("session.end", "P0D", "18:00", "2026-11-13T18:00+01:00"),
        # F052: 8:55 for 9:00.
        ("session.start", "-PT5M", None, "2026-11-12T08:55+01:00"),
        ("session.start", "-P1DT2H", "09:00", "2026-11-11T07:00+01:00"),
    ],
)
def test_a_mail_is_due_around_the_session(anchor: str, offset: str, at: str | None, expected: str) -> None:
    assert leaves(trigger(anchor=anchor, offset=offset, at=at)) == expected


def test_a_mail_is_due_around_a_module_or_a_slot() -> None:  # F050
    module = Dated(datetime.fromisoformat("2026-11-16T14:00+01:00"))
    slot = Dated(datetime.fromisoformat("2026-11-17T10:00+01:00"))
    before_module = trigger(anchor="module.start", offset="-P1D")
    after_slot = trigger(anchor="slot.end", offset="PT1H")
    assert leaves(before_module, module=module, slot=slot) == "2026-11-15T14:00+01:00"
    assert leaves(after_slot, module=module, slot=slot) == "2026-11-17T11:00+01:00"


def test_without_an_offset_a_mail_is_due_at_the_anchor() -> None:
    assert leaves(trigger(anchor="session.start")) == "2026-11-12T09:00+01:00"


def test_without_a_date_for_the_anchor_nothing_is_due() -> None:
    assert leaves(trigger(anchor="session.start", offset="-P7D", at="09:00"), Dated()) is None
    assert leaves(trigger(anchor="module.start")) is None


def test_a_calendar_date_is_read_in_the_zone_of_the_session() -> None:
    christmas = trigger(anchor="date", date="2026-12-24", at="09:00")
    for name, hour in (("Europe/Paris", 8), ("America/New_York", 14), ("Asia/Tokyo", 0)):
        found = due(christmas, Facts(Dated()), find_zone(name))
        assert found is not None
        assert found.at == datetime(2026, 12, 24, hour, tzinfo=UTC)
        assert found.local == datetime.fromisoformat("2026-12-24T09:00")


def test_an_instant_is_the_same_in_every_zone() -> None:
    instant = trigger(anchor="date", date="2026-12-24T09:00:00+01:00")
    for name in ("Europe/Paris", "America/New_York", "Asia/Tokyo"):
        found = due(instant, Facts(Dated()), find_zone(name))
        assert found is not None
        assert found.at == datetime(2026, 12, 24, 8, tzinfo=UTC)
        assert found.zone == name


def test_a_naive_date_of_a_session_is_refused() -> None:
    with pytest.raises(ValueError, match="give an aware datetime"):
        leaves(trigger(anchor="session.start"), Dated(START.replace(tzinfo=None)))


@pytest.mark.parametrize(
    ("fields", "field", "cure"),
    [
        ({"anchor": "session.begin"}, "anchor", "'session.start'"),
        ({}, "anchor", "required"),
        ({"anchor": "session.start", "offset": "7 days"}, "offset", "such as -P7D"),
        ({"anchor": "session.start", "offset": -7}, "offset", "such as -P7D"),
        ({"anchor": "session.start", "offset": None}, "offset", "such as -P7D"),
        ({"anchor": "session.start", "offset": "P11Y"}, "offset", "at most ten years"),
        # To pydantic alone the number 9 is nine seconds past midnight, and 20261224 an instant of 1970.
        ({"anchor": "session.start", "at": 9}, "at", 'such as "09:00"'),
        ({"anchor": "session.start", "at": "9:00"}, "at", 'such as "09:00"'),
        ({"anchor": "session.start", "at": "24:00"}, "at", 'such as "09:00"'),
        ({"anchor": "session.start", "at": "09:00:30.5"}, "at", 'such as "09:00"'),
        ({"anchor": "session.start", "at": "09:00+01:00"}, "at", "without a zone"),
        ({"anchor": "session.start", "at": time(9, 0, 30, 500_000)}, "at", 'such as "09:00"'),
        ({"anchor": "session.start", "at": time(9, tzinfo=UTC)}, "at", "without a zone"),
        ({"anchor": "date", "date": 20261224, "at": "09:00"}, "date", "write a calendar date"),
        ({"anchor": "date", "date": "24/12/2026", "at": "09:00"}, "date", "write a calendar date"),
        ({"anchor": "date", "date": "2026-02-30", "at": "09:00"}, "date", "write a calendar date"),
        ({"anchor": "date", "date": "2026-12-24T09:00"}, "date", "add its UTC offset"),
        ({"anchor": "date", "date": "0001-01-01T00:00+14:00"}, "date", "from 2 to 9998"),
        ({"anchor": "date", "date": "9999-12-31", "at": "23:00"}, "date", "from 2 to 9998"),
        ({"anchor": "session.start", "when": "-P7D"}, "when", "not permitted"),
        ({"anchor": "session.start", "type": "event"}, "type", "'date'"),
    ],
)
def test_a_field_that_cannot_be_read_is_named_with_its_cure(
    fields: dict[str, object], field: str, cure: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        trigger(**fields)
    (error,) = refused.value.errors()
    assert error["loc"] == (field,)
    assert cure in error["msg"]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            {"anchor": "session.start", "date": "2026-12-24"},
            '`date` goes with the anchor "date" only: drop it',
        ),
        ({"anchor": "session.start", "offset": "-PT2H", "at": "09:00"}, "drop `at`, or count in days"),
        ({"anchor": "date"}, '`date` is missing: the anchor "date" needs one'),
        ({"anchor": "date", "at": "09:00"}, '`date` is missing: the anchor "date" needs one'),
        ({"anchor": "date", "date": "2026-12-24"}, "`at` is missing: say when on 2026-12-24"),
        (
            {"anchor": "date", "date": "2026-12-24", "at": "09:00", "offset": "-P1D"},
            "`offset` -P1D has nothing",
        ),
        ({"anchor": "date", "date": "2026-12-24T09:00Z", "offset": "PT1H"}, "`offset` PT1H has nothing"),
        ({"anchor": "date", "date": "2026-12-24T09:00Z", "at": "09:00"}, "so drop `at`"),
    ],
)
def test_fields_that_contradict_each_other_are_named_with_the_cure(
    fields: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        trigger(**fields)
    (error,) = refused.value.errors()
    assert sentence in error["msg"]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "written",
    [
        {"anchor": "session.start", "offset": "-P7D", "at": "09:00", "date": None},
        {"anchor": "session.end", "offset": "P1DT2H", "at": "09:00:30", "date": None},
        {"anchor": "slot.end", "offset": "P0D", "at": None, "date": None},
        {"anchor": "date", "offset": "P0D", "at": "09:00", "date": "2026-12-24"},
        {"anchor": "date", "offset": "P0D", "at": None, "date": "2026-12-24T09:00:00+01:00"},
    ],
)
def test_what_is_written_is_what_was_read(written: dict[str, object]) -> None:
    read = trigger(**written)
    assert read.model_dump(mode="json") == {"type": "date", **written}
    assert DateTrigger.model_validate_json(read.model_dump_json()) == read
    assert DateTrigger.model_validate(read.model_dump()) == read
    assert hash(DateTrigger.model_validate(read.model_dump(mode="json"))) == hash(read)


def test_code_may_build_a_trigger_from_values() -> None:
    built = DateTrigger(type="date", anchor=Anchor.SESSION_START, offset=Offset(days=-7), at=time(9))
    assert built == trigger(anchor="session.start", offset="-P7D", at="09:00")
    assert trigger(anchor="date", date=date(2026, 12, 24), at=time(9)).date == date(2026, 12, 24)
    assert trigger(anchor="date", date=START).date == START


def test_a_trigger_does_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        trigger(anchor="session.start").at = time(9)  # type: ignore[misc]  # as we say


def test_the_schema_says_text_and_gives_a_default_a_caller_could_write() -> None:
    for mode in ("validation", "serialization"):
        fields = DateTrigger.model_json_schema(mode=mode)["properties"]
        assert (fields["offset"]["type"], fields["offset"]["default"]) == ("string", "P0D")
        assert "pattern" in fields["at"]["anyOf"][0]  # the format "time" would want a UTC offset
        assert [option.get("format") for option in fields["date"]["anyOf"]] == ["date", "date-time", None]
