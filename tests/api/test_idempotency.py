"""A POST that is sent again is answered again, and done once."""

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from store.answers import clear_answers
from tests.api.door import Door

TOKEN = {"name": "Learning platform"}


async def post(door: Door, key: str, body: Any = TOKEN, path: str = "/v1/tokens") -> httpx.Response:
    return await door.http.post(path, json=body, headers={"Idempotency-Key": key})


async def tokens(door: Door) -> list[str]:
    """Return the names of the tokens that a test made."""
    return [token["name"] for token in (await door.get("tokens"))["items"] if token["name"] != "tests"]


async def age(door: Door, by: str) -> None:
    async with door.store.transaction() as db:
        await db.execute(text("update answers set asked_at = asked_at - cast(:by as interval)"), {"by": by})


async def test_the_same_request_is_done_once_and_answered_twice(door: Door) -> None:
    first = await post(door, "k")
    second = await post(door, "k")

    assert (second.status_code, second.json()["id"]) == (201, first.json()["id"])
    assert second.headers["content-type"] == first.headers["content-type"]
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert await tokens(door) == ["Learning platform"]


async def test_another_key_or_none_is_another_request(door: Door) -> None:
    await post(door, "k")
    await post(door, "l")
    await door.call("POST", "/v1/tokens", TOKEN)

    assert len(await tokens(door)) == 3


async def keys(door: Door) -> int:
    async with door.store.transaction() as db:
        return int((await db.execute(text("select count(*) from answers"))).scalar_one())


async def taken_over(door: Door) -> None:
    """Return when somebody has begun anew."""
    young = text("select count(*) from answers where asked_at > relance_now() - interval '30 seconds'")
    while True:
        async with door.store.transaction() as db:
            if (await db.execute(young)).scalar_one():
                return
        await asyncio.sleep(0.005)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"name": "Another"}, "/v1/tokens"),
        (TOKEN, "/v1/tokens?limit=1"),
        (TOKEN, "/v1/rules"),
    ],
)
async def test_a_key_that_is_given_to_another_request_is_refused(door: Door, body: Any, path: str) -> None:
    await post(door, "k")

    answer = await post(door, "k", body, path)

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"
    assert await tokens(door) == ["Learning platform"]


async def test_a_refusal_is_kept_too(door: Door) -> None:
    rule = {"id": "r", "name": "R", "template": "t", "trigger": {"type": "date", "anchor": "session.start"}}
    first = await post(door, "k", rule, "/v1/rules")
    await door.put("templates/t", subject="Hi", html="<p>Hi</p>")

    again = await post(door, "k", rule, "/v1/rules")

    assert first.status_code == again.status_code == 422
    assert again.content == first.content
    assert again.headers["content-type"] == "application/problem+json"


async def test_of_two_at_once_one_is_done_and_the_other_told_to_wait(door: Door) -> None:
    async with door.store.transaction() as db:
        await db.execute(text("lock table tokens in share mode"))  # reading goes on, making waits
        making = asyncio.create_task(post(door, "k"))
        await door.blocked()
        other = await post(door, "k")
        another = await post(door, "k", {"name": "Another"})

    assert (other.status_code, other.headers["retry-after"]) == (409, "1")
    assert other.json()["type"] == "/problems/idempotency-key-in-use"
    assert another.json()["type"] == "/problems/idempotency-key-reused"
    assert (await making).status_code == 201
    assert (await post(door, "k")).headers["idempotency-replayed"] == "true"
    assert await tokens(door) == ["Learning platform"]


async def test_an_attempt_that_died_is_taken_over_after_a_minute(door: Door) -> None:
    await post(door, "k")
    async with door.store.transaction() as db:
        await db.execute(text("update answers set status = null, media_type = null, body = null"))
    assert (await post(door, "k")).status_code == 409

    await age(door, "61 seconds")

    assert (await post(door, "k", {"name": "Another"})).status_code == 422
    assert (await post(door, "k")).status_code == 201
    assert (await post(door, "k")).headers["idempotency-replayed"] == "true"


async def test_an_attempt_that_was_taken_over_keeps_nothing(door: Door) -> None:
    """Two made a token, since the first looked dead; one answer is kept."""
    async with door.store.transaction() as db:
        await db.execute(text("lock table tokens in share mode"))
        slow = asyncio.create_task(post(door, "k"))
        await door.blocked()
        await age(door, "61 seconds")
        second = asyncio.create_task(post(door, "k"))
        await taken_over(door)
    answers = [await slow, await second]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert (await post(door, "k")).json()["id"] == answers[1].json()["id"]


async def test_after_a_day_a_key_is_new_again(door: Door) -> None:
    first = await post(door, "k")
    await age(door, "24 hours")

    second = await post(door, "k", {"name": "Another"})

    assert (first.status_code, second.status_code) == (201, 201)
    assert await tokens(door) == ["Learning platform", "Another"]


async def test_old_answers_are_cleared(door: Door) -> None:
    for number in range(3):
        await post(door, f"k{number}")
    await age(door, "24 hours")
    await post(door, "new")

    async with door.store.transaction() as db:
        await clear_answers(db)

    assert await keys(door) == 1


async def test_a_failure_of_ours_forgets_the_key(door: Door) -> None:
    async with door.store.transaction() as db:
        await db.execute(text("alter table tokens rename column name to label"))
    assert (await post(door, "k")).status_code == 500
    async with door.store.transaction() as db:
        await db.execute(text("alter table tokens rename column label to name"))

    assert (await post(door, "k")).status_code == 201


@pytest.mark.parametrize("key", ["", "a b", "é", "x" * 256, "a\tb"])
async def test_a_key_is_visible_ascii(door: Door, key: str) -> None:
    headers = [(b"Idempotency-Key", key.encode()), (b"Content-Type", b"application/json")]
    answer = await door.http.post("/v1/tokens", content=b'{"name": "N"}', headers=headers)

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "Idempotency-Key")
    assert await tokens(door) == []


async def test_the_longest_key_is_a_key(door: Door) -> None:
    assert (await post(door, "~" * 255)).status_code == 201


async def test_two_keys_are_none(door: Door) -> None:
    headers = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]

    assert (await door.http.post("/v1/tokens", json=TOKEN, headers=headers)).status_code == 422


async def test_whoever_has_no_token_keeps_no_key(door: Door) -> None:
    del door.http.headers["Authorization"]

    assert (await post(door, "k")).status_code == 401
    assert await keys(door) == 0


async def test_only_a_post_has_keys(door: Door) -> None:
    answer = await door.http.put("/v1/people/p", json={}, headers={"Idempotency-Key": "k"})

    assert answer.status_code == 200
    assert await keys(door) == 0
