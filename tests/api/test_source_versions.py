"""Writes that come late: an older `source_version` changes nothing, and is told so."""

import asyncio
from typing import Any

import pytest

from tests.api.door import Door

ROUTES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("sessions/x", {"name": "Old", "stage": "old"}, {"name": "New", "stage": "new"}),
    ("people/x", {"first_name": "Old"}, {"first_name": "New"}),
    ("companies/x", {"name": "Old"}, {"name": "New"}),
    ("sessions/s/participants/claire", {"company": "old"}, {"company": "new"}),
    ("sessions/s/trainers/claire", {"slots": []}, {"slots": None}),
    ("sessions/s/companies/old", {"contact": "claire"}, {"contact": None}),
]


async def known(door: Door) -> None:
    await door.put("sessions/s", name="S")
    await door.put("people/claire")
    for key in ("old", "new"):
        await door.put(f"companies/{key}", name=key)


def told(answer: Any, says: dict[str, Any]) -> dict[str, Any]:
    return {name: answer[name] for name in says}


@pytest.mark.parametrize(("path", "old", "new"), ROUTES)
async def test_an_older_one_is_ignored_an_equal_a_newer_or_a_silent_one_is_not(
    door: Door, path: str, old: dict[str, Any], new: dict[str, Any]
) -> None:
    await known(door)

    first = await door.put(path, **new, source_version=5)
    before = await door.everything()
    door.pokes.take()
    late = await door.put(path, **old, source_version=4)
    assert (first["applied"], late["applied"]) == (True, False)
    assert (told(late, new), late["source_version"]) == (new, 5)
    assert await door.everything() == before

    equal = await door.put(path, **old, source_version=5)
    assert (equal["applied"], told(equal, old), equal["source_version"]) == (True, old, 5)
    silent = await door.put(path, **new)
    assert (silent["applied"], told(silent, new), silent["source_version"]) == (True, new, 5)
    newer = await door.put(path, **new, source_version=2**63 - 1)
    assert (newer["applied"], newer["source_version"]) == (True, 2**63 - 1)


@pytest.mark.parametrize(("path", "old", "new"), ROUTES)
async def test_a_newer_one_that_says_the_same_makes_nothing_dirty(
    door: Door, path: str, old: dict[str, Any], new: dict[str, Any]
) -> None:
    await known(door)
    await door.put(path, **new, source_version=1)
    tables = ("sessions", "participations", "people")
    before = [await door.versions(table) for table in tables]

    assert (await door.put(path, **new, source_version=2))["source_version"] == 2

    assert [await door.versions(table) for table in tables] == before


@pytest.mark.parametrize("_", range(3))
@pytest.mark.parametrize(("path", "old", "new"), ROUTES)
async def test_of_many_at_once_the_newest_wins(
    door: Door, path: str, old: dict[str, Any], new: dict[str, Any], _: int
) -> None:
    await known(door)
    numbers = [3, 1, 6, 4, 2, 5]

    answers = await asyncio.gather(
        *(door.put(path, **(new if number == 6 else old), source_version=number) for number in numbers)
    )

    last = await door.put(path, **old, source_version=0)
    assert (told(last, new), last["source_version"], last["applied"]) == (new, 6, False)
    (newest,) = [one for number, one in zip(numbers, answers, strict=True) if number == 6]
    assert (newest["applied"], told(newest, new)) == (True, new)
    for number, one in zip(numbers, answers, strict=True):
        assert one["applied"] == (one["source_version"] == number)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("sessions/x", {"name": "X"}),
        ("people/x", {}),
        ("companies/x", {"name": "X"}),
        ("sessions/s/participants/claire", {}),
        ("sessions/s/trainers/claire", {}),
    ],
)
async def test_an_older_one_does_not_bring_back_what_was_deleted(
    door: Door, path: str, body: dict[str, Any]
) -> None:
    await known(door)
    await door.put(path, **body, source_version=5)
    await door.call("DELETE", f"/v1/{path}")
    before = await door.everything()

    late = await door.put(path, **body, source_version=4)
    assert ((late["applied"], late["exists"]), await door.everything()) == ((False, False), before)

    back = await door.put(path, **body, source_version=5)
    assert (back["applied"], back["exists"]) == (True, True)


async def test_a_patch_may_come_late_too(door: Door) -> None:
    await door.put("sessions/s", name="S", stage="new", source_version=5)

    late = await door.call("PATCH", "/v1/sessions/s", {"stage": "old", "source_version": 4})
    silent = await door.call("PATCH", "/v1/sessions/s", {"stage": "newer"})

    assert (late["applied"], late["stage"], late["source_version"]) == (False, "new", 5)
    assert (silent["applied"], silent["stage"], silent["source_version"]) == (True, "newer", 5)


@pytest.mark.parametrize("wrong", [-1, 1.5, "7", True, 2**63])
@pytest.mark.parametrize(("path", "old", "new"), ROUTES)
async def test_what_is_no_version_is_refused(
    door: Door, path: str, old: dict[str, Any], new: dict[str, Any], wrong: Any
) -> None:
    await known(door)
    before = await door.everything()

    answer = await door.http.put(f"/v1/{path}", json={**new, "source_version": wrong})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "source_version")
    assert await door.everything() == before
