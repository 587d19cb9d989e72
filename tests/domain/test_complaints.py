"""What is told of bad input, beyond pydantic's own words."""

from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from domain.complaints import explain
from domain.keys import Key, PersonKey
from domain.rules import Patience


class Body(BaseModel):
    items: list[int] = Field(default=[], max_length=2)
    others: list[int] = Field(default=[], max_length=2)


def told(kind: Any, value: object) -> str:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(kind).validate_python(value)
    (wrong,) = refused.value.errors()
    return explain(wrong)


def test_only_a_list_that_may_be_split_is_said_to_be_split() -> None:
    assert told(Body, {"items": [1, 2, 3]}) == "at most 2 at once: split them over several requests"
    assert told(Body, {"others": [1, 2, 3]}) == "at most 2: leave some out"


@pytest.mark.parametrize("key", [".", ".."])
def test_no_id_is_what_an_address_leaves_out(key: str) -> None:
    assert "choose one that is not" in told(Key, key)
    assert "choose one that is not" in told(PersonKey, key)


@pytest.mark.parametrize("key", ["...", ".a", "a.", "-"])
def test_other_dots_are_ids(key: str) -> None:
    assert TypeAdapter(Key).validate_python(key) == TypeAdapter(PersonKey).validate_python(key) == key


def test_what_pydantic_tells_well_enough_stays() -> None:
    assert told(Body, {"items": 7}) == "Input should be a valid list"


@pytest.mark.parametrize(
    ("kind", "duration", "cure"),
    [
        (Patience, "PT0S", "no time at all is too short: write a positive duration, such as PT2H or P1D"),
        (Patience, "P366D", "365 days at most: write a shorter duration, such as P30D"),
        (Annotated[int, Field(gt=0)], 0, "Input should be greater than 0"),
        (Annotated[int, Field(le=7)], 8, "Input should be less than or equal to 7"),
    ],
)
def test_a_duration_that_is_too_short_or_too_long_is_told_in_words(
    kind: Any, duration: object, cure: str
) -> None:
    assert told(kind, duration) == cure


def test_every_pattern_of_ours_is_told_in_words() -> None:
    assert all("pattern" not in told(kind, "a\n") for kind in (Key, PersonKey))
