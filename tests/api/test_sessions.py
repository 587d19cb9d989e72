"""Sessions: listed, patched, and with the words that only templates read."""

import asyncio
from typing import Any

import pytest

from tests.api.door import Door

NINE, TEN = "2027-01-25T09:00:00Z", "2027-01-25T10:00:00Z"


async def some_sessions(door: Door) -> None:
    for number, (stage, mode, category, center) in enumerate(
        [
            ("confirmed", "remote", "law", "lyon"),
            ("planned", "remote", "law", "paris"),
            ("confirmed", None, None, None),
        ]
    ):
        await door.put(
            f"sessions/S-{number}",
            name=f"The {['Art', 'art and LAW', 'Zeal'][number]} course",
            starts_at=f"2027-0{number + 1}-10T09:00:00Z",
            stage=stage,
            mode=mode,
            category=category,
            center=center,
        )
    await door.put("sessions/undated", name="No date yet")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["S-0", "S-1", "S-2", "undated"]),
        ("stage=confirmed", ["S-0", "S-2"]),
        ("mode=remote&category=law", ["S-0", "S-1"]),
        ("center=paris", ["S-1"]),
        ("center=none", []),
        ("starts_from=2027-02-10T09:00:00Z", ["S-1", "S-2"]),
        ("starts_to=2027-02-10T09:00:00Z", ["S-0"]),
        ("starts_from=2027-02-10T10:00:00%2B01:00&starts_to=2027-03-01T00:00:00Z", ["S-1"]),
        ("text=ART", ["S-0", "S-1"]),
        ("text=s-2", ["S-2"]),
        ("text=%25", []),
        ("stage=confirmed&text=zeal", ["S-2"]),
    ],
)
async def test_a_list_holds_what_every_filter_lets_through(door: Door, query: str, found: list[str]) -> None:
    await some_sessions(door)
    await door.put("sessions/gone", name="Art", stage="confirmed")
    await door.call("DELETE", "/v1/sessions/gone")

    assert [one["id"] for one in (await door.get(f"sessions?{query}"))["items"]] == found


async def test_a_list_is_read_page_by_page_and_holds_no_places(door: Door) -> None:
    for number in range(7):
        await door.put(
            f"sessions/S-{number}",
            name="S",
            slots=[{"id": "s", "name": "S", "starts_at": NINE, "ends_at": TEN}],
        )

    pages = [await door.get("sessions?limit=3")]
    while pages[-1]["next"] is not None:
        pages.append(await door.get(f"sessions?limit=3&cursor={pages[-1]['next']}"))

    assert [[one["id"] for one in page["items"]] for page in pages] == [
        ["S-0", "S-1", "S-2"], ["S-3", "S-4", "S-5"], ["S-6"],
    ]  # fmt: skip
    whole = await door.get("sessions/S-0")
    assert pages[0]["items"][0] == {name: whole[name] for name in whole if name not in ("modules", "slots")}


LISTS = ["sessions", "people", "companies", "rules", *(f"sessions/s/{who}" for who in ("participants", "trainers", "companies"))]  # fmt: skip


@pytest.mark.parametrize("path", LISTS)
async def test_every_list_is_read_page_by_page(door: Door, path: str) -> None:
    await door.put("templates/t", subject="Hi", html="<p>Hi</p>")
    await door.put("sessions/s", name="S")
    keys = [f"k{number}" for number in range(5)]
    for key in keys:
        await door.put(f"sessions/{key}", name="S")
        await door.put(f"people/{key}")
        await door.put(f"companies/{key}", name="C")
        await door.put(f"sessions/s/participants/{key}", company=key)
        await door.put(f"sessions/s/trainers/{key}")
        trigger = {"type": "date", "anchor": "session.start"}
        await door.call("POST", "/v1/rules", {"id": key, "name": "R", "template": "t", "trigger": trigger})

    seen: list[str] = []
    page: Any = {"next": ""}
    while page["next"] is not None:
        page = await door.get(f"{path}?limit=2" + (f"&cursor={page['next']}" if page["next"] else ""))
        assert len(page["items"]) <= 2
        seen += [one.get("id") or one.get("person") or one["company"] for one in page["items"]]

    assert seen == (sorted([*keys, "s"]) if path == "sessions" else keys)
    for wrong in ("x", "WzFd", "W10"):
        answer = await door.http.get(f"/v1/{path}?cursor={wrong}")
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "cursor")


@pytest.mark.parametrize(
    ("path", "query", "found"),
    [
        ("people", "text=MARTIN", ["claire"]),
        ("people", "text=other.example", ["tom"]),
        ("people", "text=claire", ["claire"]),
        ("companies", "text=indus", ["acme"]),
        ("companies", "text=office@", ["best"]),
    ],
)
async def test_people_and_companies_are_found_by_any_of_their_words(
    door: Door, path: str, query: str, found: list[str]
) -> None:
    await door.put("people/claire", email="c@example.org", first_name="Claire", last_name="Martin")
    await door.put("people/tom", email="tom@other.example.org")
    await door.put("companies/acme", name="Acme Industries")
    await door.put("companies/best", name="Best", email="office@example.org")
    for gone in ("people/martin", "companies/industry"):
        await door.put(gone, **({"name": "x"} if "companies" in gone else {}))
        await door.call("DELETE", f"/v1/{gone}")

    assert [one["id"] for one in (await door.get(f"{path}?{query}"))["items"]] == found


SESSION: dict[str, Any] = {
    "name": "Talk",
    "starts_at": NINE,
    "ends_at": TEN,
    "stage": "planned",
    "center": "lyon",
    "data": {"a": {"b": 1, "c": [1, 2]}, "d": "x"},
    "modules": [{"id": "m", "name": "M"}],
    "slots": [{"id": "s", "name": "S", "module": "m", "starts_at": NINE, "ends_at": TEN}],
}


async def test_a_patch_changes_what_it_names_and_takes_away_what_it_calls_null(
    door: Door,
) -> None:  # F024, F074
    put = await door.put("sessions/s", **SESSION, timezone="America/Lima")

    change = {
        "stage": "confirmed",
        "center": None,
        "timezone": None,
        "data": {"a": {"b": None, "e": 2}, "d": None},
    }
    patched = await door.call("PATCH", "/v1/sessions/s", change)

    expected = {**put, "stage": "confirmed", "center": None, "timezone": "Europe/Paris", "version": 2}
    assert patched == {**expected, "data": {"a": {"c": [1, 2], "e": 2}}}
    assert door.pokes.take() == ["session s"] * 2
    assert await door.call("PATCH", "/v1/sessions/s", {}) == patched
    assert (await door.get("sessions/s"))["version"] == 2


@pytest.mark.parametrize(
    ("change", "field", "cure"),
    [
        ({"ends_at": "2027-01-25T08:00:00Z"}, "ends_at", "lies before starts_at"),
        ({"starts_at": None}, "ends_at", "needs a starts_at"),
        ({"starts_at": "2027-01-25T08:00:00"}, "starts_at", "which offset from UTC"),
        ({"timezone": "Europe/Pariss"}, "timezone", "Europe/Paris"),
        ({"name": None}, "name", "required"),
        ({"name": 7}, "name", "valid string"),
        ({"slots": []}, "slots", "PUT"),
        ({"modules": None}, "modules", "PUT"),
        ({"nickname": "T"}, "nickname", "no such field"),
        ({"version": 3}, "version", "no such field"),
        ({"center": "no spaces"}, "center", "letters from A"),
        ({"data": "x"}, "data", "object belongs here"),
        ({"data": {"a b": 1}}, "data", "letters from A"),
        ([], "body", "JSON object"),
    ],
)
async def test_a_patch_is_held_to_what_a_put_is(door: Door, change: Any, field: str, cure: str) -> None:
    await door.put("sessions/s", **SESSION)
    before = await door.everything()

    answer = await door.http.patch("/v1/sessions/s", json=change)

    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert error["field"] == field
    assert cure in error["message"]
    assert await door.everything() == before


async def test_two_patches_at_once_are_both_heeded(door: Door) -> None:
    await door.put("sessions/s", **SESSION)

    await asyncio.gather(
        *(door.call("PATCH", "/v1/sessions/s", {"data": {f"n{number}": number}}) for number in range(6))
    )

    data = (await door.get("sessions/s"))["data"]
    assert {f"n{number}" for number in range(6)} <= data.keys()


async def test_names_rooms_and_data_make_nothing_dirty_and_a_center_does(door: Door) -> None:
    """F045: rules are shared with centers."""
    before = await door.put("sessions/s", **SESSION)

    after = await door.call("PATCH", "/v1/sessions/s", {"name": "X", "room": "B", "data": {"z": 1}})
    elsewhere = await door.call("PATCH", "/v1/sessions/s", {"center": "paris"})

    assert (after["version"], after["data"]["z"], after["room"]) == (before["version"], 1, "B")
    assert (elsewhere["version"], elsewhere["center"]) == (before["version"] + 1, "paris")


@pytest.mark.parametrize(
    "data",
    ["[]", '{"": 1}', '{"a-b": 1}', '{"a": "\\u0000"}', '{"a": {"\\u0000": 1}}', '{"a": "\\ud800"}', '{"a": NaN}',
     '{"a": Infinity}', '{"a": 1e999}', '{"é": 1}', '{"' + "x" * 65 + '": 1}', '{"a": "' + "x" * 65536 + '"}'],
)  # fmt: skip
async def test_data_that_cannot_be_kept_is_refused(door: Door, data: str) -> None:
    body = '{"name": "S", "data": ' + data + "}"
    answer = await door.http.put("/v1/sessions/s", content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"].partition(".")[0] == "data"
    assert (await door.http.get("/v1/sessions/s")).status_code == 404


@pytest.mark.parametrize("text", ["\\u0000", "é\n\t\x01", "x" * 60_000, "\\\\u0000"])
async def test_data_is_kept_as_it_was_said(door: Door, text: str) -> None:
    data = {"a": text, "B_2": {"any name, really": [1.5, True, None, {}]}}

    await door.put("sessions/s", name="S", data=data)

    assert (await door.get("sessions/s"))["data"] == data
