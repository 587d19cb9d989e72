"""ETag and If-Match: of two who edit what they have read, the second is told (RFC 9110, 13.1.1)."""

import asyncio
from typing import Any

import httpx
import pytest

from api.etags import etag
from tests.api.door import Door

TEMPLATE = {"subject": "Hi", "html": "<p>Hi</p>"}
RULE: dict[str, Any] = {
    "name": "R",
    "template": "t",
    "trigger": {"type": "date", "anchor": "session.start", "offset": "-P7D", "at": "09:00"},
}
EDITS: dict[str, list[tuple[str, str, Any]]] = {
    "rules/r": [
        ("PUT", "", {**RULE, "cc": ["trainers"]}),
        ("PATCH", "", {"cc": []}),
        ("PATCH", "", {"name": "For people"}),
        ("POST", "/activate", None),
        ("POST", "/deactivate", None),
        ("POST", "/contact-again", None),
        ("DELETE", "", None),
    ],
    "templates/other": [("PUT", "", {**TEMPLATE, "subject": "Ho"}), ("DELETE", "", None)],
    "sessions/s/rules/r": [
        ("PUT", "", {"active": False}),
        ("PUT", "", {"at": "10:00"}),
        ("DELETE", "", None),
    ],
    "sessions/s/rules/own": [
        ("PUT", "", {**RULE, "cc": ["trainers"]}),
        ("PUT", "", {"active": False}),
        ("DELETE", "", None),
    ],
}


@pytest.fixture
async def house(door: Door) -> Door:
    for key in ("t", "other"):
        await door.put(f"templates/{key}", **TEMPLATE)
    await door.call("POST", "/v1/rules", {"id": "r", **RULE})
    await door.put("sessions/s", name="S")
    await door.put("sessions/s/rules/own", **RULE)
    return door


async def ask(
    door: Door, method: str, path: str, if_match: str | None = None, body: Any = None
) -> httpx.Response:
    headers = {} if if_match is None else {"If-Match": if_match}
    return await door.http.request(method, f"/v1/{path}", json=body, headers=headers)


async def tag(door: Door, path: str) -> str:
    return (await ask(door, "GET", path)).headers["etag"]


@pytest.mark.parametrize("path", EDITS)
async def test_an_edit_of_what_stands_no_more_is_refused(house: Door, path: str) -> None:
    for method, verb, body in EDITS[path]:
        stands = await tag(house, path)
        before = await house.everything()

        stale = await ask(house, method, path + verb, '"0-stale"', body)
        assert (stale.status_code, stale.json()["type"]) == (412, "/problems/changed-meanwhile")
        assert stale.json()["etag"] == stands
        assert await house.everything() == before

        fresh = await ask(house, method, path + verb, stands, body)
        assert fresh.status_code < 300, fresh.text
        if method != "DELETE":
            assert fresh.headers["etag"] == await tag(house, path) != stands


async def test_whatever_is_made_has_a_tag(house: Door) -> None:
    for noun, body in (("rules", RULE), ("templates", TEMPLATE)):
        made = await ask(house, "POST", noun, body={"id": "new", **body})
        assert made.headers["etag"] == await tag(house, f"{noun}/new")


@pytest.mark.parametrize(
    ("if_match", "status"),
    [
        (None, 200),
        ("*", 200),
        ("{tag}", 200),
        ('"other", {tag}', 200),
        ('{tag} , W/"other"', 200),
        ('"with,comma", {tag}', 200),
        ("W/{tag}", 412),  # a weak tag never matches
        ('"other"', 412),
        ('"other", "another"', 412),
        ("3", 422),
        ("", 422),
        ('"open', 422),
        ('* , "other"', 422),
        ('"a" "b"', 422),
    ],
)
async def test_lists_stars_and_weak_tags_are_read_as_rfc_9110_has_them(
    house: Door, if_match: str | None, status: int
) -> None:
    said = if_match and if_match.replace("{tag}", await tag(house, "rules/r"))

    answer = await ask(house, "PUT", "rules/r", said, RULE)

    assert answer.status_code == status, answer.text
    if status == 422:
        assert [error["field"] for error in answer.json()["errors"]] == ["If-Match"]


async def test_several_lines_are_one_list(house: Door) -> None:
    stands = await tag(house, "rules/r")

    answer = await house.http.put(
        "/v1/rules/r", json=RULE, headers=[("If-Match", '"a"'), ("If-Match", stands)]
    )

    assert answer.status_code == 200


@pytest.mark.parametrize("if_match", ["*", '"1"'])
async def test_what_is_not_there_matches_nothing(house: Door, if_match: str) -> None:
    """A template that was to be edited is not made anew; of the rest, not found says more (RFC 9110, 13.2.1)."""
    made = await ask(house, "PUT", "templates/new", if_match, TEMPLATE)
    own = await ask(house, "PUT", "sessions/s/rules/new", if_match, RULE)
    rule = await ask(house, "PUT", "rules/none", if_match, RULE)

    assert [answer.status_code for answer in (made, own, rule)] == [412, 412, 404]
    assert (await ask(house, "GET", "templates/new")).status_code == 404


async def test_of_two_who_edit_at_once_one_is_told(house: Door) -> None:
    stands = await tag(house, "rules/r")
    edits = [{**RULE, "cc": [f"{number}@example.org"]} for number in range(4)]

    answers = await asyncio.gather(*(ask(house, "PUT", "rules/r", stands, body) for body in edits))
    stands = await tag(house, "rules/r")
    changes = [{"cc": [f"{number}@example.com"]} for number in range(4)]
    patches = await asyncio.gather(*(ask(house, "PATCH", "rules/r", stands, change) for change in changes))

    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]
    assert sorted(answer.status_code for answer in patches) == [200, 412, 412, 412]


def test_a_tag_differs_with_whatever_it_is_made_of() -> None:
    assert etag(3) == '"3"'
    assert len({etag(3), etag(4), etag(3, "a"), etag(3, "b"), etag(4, "a")}) == 5
