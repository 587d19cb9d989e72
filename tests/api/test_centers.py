"""Centers: written, read, listed, forgotten; nothing is planned for it."""

from typing import Any

import pytest

from tests.api.door import Door

LYON = {
    "name": "Lyon",
    "sender": {"address": "lyon@example.org", "name": "Example Training Lyon"},
    "reply_to": "answers@example.org",
}


async def test_a_center_is_put_read_and_put_again(door: Door) -> None:
    assert await door.put("centers/lyon", **LYON) == {**LYON, "id": "lyon"}
    assert await door.get("centers/lyon") == {**LYON, "id": "lyon"}

    bare = {"id": "lyon", "name": "Lyon 2", "sender": None, "reply_to": None}
    assert await door.put("centers/lyon", name="Lyon 2") == bare
    assert await door.get("centers/lyon") == bare
    assert door.pokes.take() == []


async def test_a_sender_may_have_no_name(door: Door) -> None:
    said = await door.put("centers/lyon", name="Lyon", sender={"address": "lyon@example.org"})
    assert said["sender"] == {"address": "lyon@example.org", "name": None}


async def test_centers_are_listed_by_id_page_by_page(door: Door) -> None:
    for key in ("nice", "lyon", "paris"):
        await door.put(f"centers/{key}", name=key.capitalize())

    first = await door.get("centers?limit=2")
    second = await door.get(f"centers?limit=2&cursor={first['next']}")

    assert [one["id"] for one in first["items"]] == ["lyon", "nice"]
    assert ([one["id"] for one in second["items"]], second["next"]) == (["paris"], None)


async def test_a_center_is_forgotten_once(door: Door) -> None:
    await door.put("centers/lyon", **LYON)
    await door.call("DELETE", "/v1/centers/lyon")
    for method in ("GET", "DELETE"):
        answer = await door.http.request(method, "/v1/centers/lyon")
        assert (answer.status_code, answer.json()["detail"]) == (404, "There is no center 'lyon'.")


async def test_whoever_is_limited_to_some_centers_writes_those_alone(door: Door) -> None:
    await door.put("centers/paris", name="Paris")
    made = await door.call("POST", "/v1/tokens", {"name": "Lyon", "centers": ["lyon"]})
    theirs = {"Authorization": f"Bearer {made['token']}"}

    for method, center, status in (
        ("PUT", "lyon", 200), ("PUT", "paris", 403), ("DELETE", "paris", 403), ("DELETE", "lyon", 204),
    ):  # fmt: skip
        body = LYON if method == "PUT" else None
        answer = await door.http.request(method, f"/v1/centers/{center}", json=body, headers=theirs)
        assert answer.status_code == status, answer.text
    assert [one["name"] for one in (await door.get("centers"))["items"]] == ["Paris"]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "Lyon", "reply_to": "nobody"}, "reply_to"),
        ({"name": "Lyon", "sender": {"name": "Lyon"}}, "sender.address"),
        ({"name": "Lyon", "sender": {"address": "a@example.org\r\nBcc: b@example.org"}}, "sender.address"),
        ({"name": "Lyon", "sender": {"address": "a@example.org", "name": "a\r\nb"}}, "sender.name"),
    ],
)
async def test_what_could_not_stand_in_a_mail_is_refused_by_name(
    door: Door, wrong: dict[str, Any], field: str
) -> None:
    answer = await door.http.put("/v1/centers/lyon", json=wrong)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert (await door.get("centers"))["items"] == []
