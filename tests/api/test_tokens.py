"""Who comes in: whoever shows a token of the house that nobody has revoked."""

from hashlib import sha256

import pytest
from sqlalchemy import text

from store.tokens import create_token
from tests.api.door import Door

OPEN = ["/metrics", "/healthz", "/readyz", "/openapi.json"]


async def shown(door: Door, authorization: str | None) -> int:
    """Call the API with this header, or none; return the status."""
    headers = {} if authorization is None else {"Authorization": authorization}
    del door.http.headers["Authorization"]
    return (await door.http.get("/v1/rules", headers=headers)).status_code


async def test_a_new_token_opens_the_door_until_it_is_revoked(door: Door) -> None:
    made = await door.call("POST", "/v1/tokens", {"name": "Learning platform"})
    mine = {"Authorization": f"Bearer {made['token']}"}
    assert (await door.http.get("/v1/rules", headers=mine)).status_code == 200

    await door.call("DELETE", f"/v1/tokens/{made['id']}")

    assert (await door.http.get("/v1/rules", headers=mine)).status_code == 401
    await door.call("DELETE", f"/v1/tokens/{made['id']}")  # again, and it stays so
    (_, listed) = (await door.get("tokens"))["items"]
    assert (listed["name"], listed["revoked_at"] is None) == ("Learning platform", False)


async def test_a_token_may_revoke_itself(door: Door) -> None:
    (mine,) = (await door.get("tokens"))["items"]

    await door.call("DELETE", f"/v1/tokens/{mine['id']}")

    assert (await door.http.get("/v1/rules")).status_code == 401


async def test_only_the_digest_is_kept(door: Door) -> None:
    answer = await door.http.post("/v1/tokens", json={"name": "N"}, headers={"Idempotency-Key": "k"})
    words = answer.json()["token"]

    rows = await door.everything()

    assert words.startswith("relance_")
    assert len(words) == len("relance_") + 43
    assert sha256(words.encode()).hexdigest() in {row.digest for row in rows["tokens"]}
    assert words not in str(rows)
    assert "token" not in (await door.get("tokens"))["items"][0]


async def test_a_repeated_request_for_a_token_makes_no_second_one_and_shows_nothing(door: Door) -> None:
    headers = {"Idempotency-Key": "k"}
    first = (await door.http.post("/v1/tokens", json={"name": "N"}, headers=headers)).json()

    again = await door.http.post("/v1/tokens", json={"name": "N"}, headers=headers)

    assert (again.status_code, again.json()) == (201, {**first, "token": None})
    assert len((await door.get("tokens"))["items"]) == 2


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer relance_",
        f"Bearer relance_{'x' * 43}",
        "Basic {token}",
        "{token}",
        "Bearer {token}x",
        "Bearer {token} {token}",
    ],
)
async def test_whoever_shows_no_token_is_answered_401(door: Door, authorization: str | None) -> None:
    token = door.http.headers["Authorization"].removeprefix("Bearer ")

    status = await shown(door, authorization and authorization.replace("{token}", token))

    assert status == 401


async def test_the_scheme_is_written_either_way(door: Door) -> None:
    token = door.http.headers["Authorization"].removeprefix("Bearer ")

    assert await shown(door, f"bearer {token}") == 200


async def test_a_refusal_always_looks_the_same(door: Door) -> None:
    token = door.http.headers.pop("Authorization")
    one = await door.http.put("/v1/people/claire", json={"email": "nonsense"})
    other = await door.http.get("/v1/nothing", headers={"Authorization": token[:-1]})

    assert one.status_code == other.status_code == 401
    assert one.headers["www-authenticate"] == other.headers["www-authenticate"] == "Bearer"
    assert one.headers["content-type"] == "application/problem+json"
    assert one.json() == other.json()
    assert one.json()["type"] == "/problems/unauthorized"


async def test_a_token_of_another_organization_opens_nothing(door: Door) -> None:
    async with door.store.transaction() as db:
        made = await db.execute(
            text("""
                insert into organizations (key, name, zone, language, sender_address, sender_name)
                values ('other', 'Other', 'UTC', 'en', 'o@example.org', 'Other') returning id
            """)
        )
        _, words = await create_token(db, made.scalar_one(), "theirs")

    assert await shown(door, f"Bearer {words}") == 401


@pytest.mark.parametrize("path", OPEN)
async def test_some_need_no_token(door: Door, path: str) -> None:
    del door.http.headers["Authorization"]

    assert (await door.http.get(path)).status_code == 200


async def test_tokens_are_listed_page_by_page(door: Door) -> None:
    for number in range(4):
        await door.call("POST", "/v1/tokens", {"name": str(number)})

    names: list[str] = []
    path = "tokens?limit=2"
    while True:
        page = await door.get(path)
        names += [token["name"] for token in page["items"]]
        if page["next"] is None:
            break
        path = f"tokens?limit=2&cursor={page['next']}"

    assert names == ["tests", "0", "1", "2", "3"]
