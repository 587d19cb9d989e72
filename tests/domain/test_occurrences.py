"""How is one of several mails named? Rows and identities keep these names for ever."""

from datetime import datetime
from uuid import UUID

import pytest

from domain.occurrences import Occurrence, correction_step

GROUP = UUID("3f2504e0-4f89-41d3-9a0c-0305e82c3301")
TOLD = "correction:2027-01-25T08:00:00+00:00"


@pytest.mark.parametrize(
    ("text", "occurrence", "number", "kind"),
    [
        ("1", Occurrence(), 1, "1"),
        ("12", Occurrence("12"), 12, "12"),
        ("last", Occurrence("last"), None, "last"),
        (TOLD, Occurrence(TOLD), None, "correction"),
        ("m2:1", Occurrence(memory=2), 1, "1"),
        ("m12:last", Occurrence("last", memory=12), None, "last"),
        (f"m2:{TOLD}", Occurrence(TOLD, memory=2), None, "correction"),
        (f"{GROUP}", Occurrence(group=GROUP), 1, "1"),
        (f"{GROUP}:2", Occurrence("2", GROUP), 2, "2"),
        (f"{GROUP}:{TOLD}", Occurrence(TOLD, GROUP), None, "correction"),
        (f"m2:{GROUP}", Occurrence(group=GROUP, memory=2), 1, "1"),
        (f"m2:{GROUP}:last", Occurrence("last", GROUP, 2), None, "last"),
    ],
)
def test_what_is_written_is_what_was_read(
    text: str, occurrence: Occurrence, number: int | None, kind: str
) -> None:
    assert str(occurrence) == text
    assert Occurrence.parse(text) == occurrence
    assert (occurrence.number, occurrence.kind) == (number, kind)


def test_a_correction_is_named_for_the_instant_that_it_tells() -> None:
    noon = datetime.fromisoformat("2027-01-25T09:00:00.250+01:00")

    assert correction_step(noon) == TOLD
    assert correction_step(noon, 2) == f"{TOLD}:2"
