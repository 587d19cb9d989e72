"""The list of addresses that no mail goes to any more, as an operator sees it."""

import pytest

from domain.suppressions import SuppressionReason
from store.organizations import MAIN, fetch_organization
from store.suppressions import suppress
from tests.house import LivedInHouse


async def add(house: LivedInHouse, *addresses: str) -> None:
    async with house.store.transaction() as db:
        organization = await fetch_organization(db, MAIN)
        for address in addresses:
            await suppress(db, organization.id, address, SuppressionReason.BOUNCED)


async def test_an_address_is_on_the_list_once_in_lower_case(house: LivedInHouse) -> None:
    await add(house, "Claire@example.org", "claire@example.org")

    (known,) = (await house.call("GET", "/v1/suppressions"))["items"]

    assert known == await house.call("GET", "/v1/suppressions/CLAIRE@example.org")
    assert (known["address"], known["reason"], known["send"]) == ("claire@example.org", "bounced", None)


async def test_an_address_taken_off_the_list_is_not_on_it(house: LivedInHouse) -> None:
    await add(house, "claire@example.org", "tom@example.org")

    await house.call("DELETE", "/v1/suppressions/Claire@example.org")

    left = (await house.call("GET", "/v1/suppressions"))["items"]
    assert [one["address"] for one in left] == ["tom@example.org"]
    for method in ("GET", "DELETE"):
        answer = await house.http.request(method, "/v1/suppressions/claire@example.org")
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")


async def test_the_list_is_read_page_by_page(house: LivedInHouse) -> None:
    addresses = [f"person-{number}@example.org" for number in range(7)]
    await add(house, *reversed(addresses))

    seen: list[str] = []
    page = await house.call("GET", "/v1/suppressions?limit=3")
    seen += [one["address"] for one in page["items"]]
    while page["next"] is not None:
        page = await house.call("GET", f"/v1/suppressions?limit=3&cursor={page['next']}")
        seen += [one["address"] for one in page["items"]]

    assert seen == addresses


@pytest.mark.parametrize("cursor", ["x", "AAAA", "%C3%A9", "gICA"])
async def test_a_cursor_nobody_was_given_is_refused(house: LivedInHouse, cursor: str) -> None:
    answer = await house.http.get(f"/v1/suppressions?cursor={cursor}")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "cursor")


@pytest.mark.parametrize("address", ["", "a%00b", "a" * 300])
async def test_what_was_never_an_address_is_refused(house: LivedInHouse, address: str) -> None:
    assert (await house.http.get(f"/v1/suppressions/{address}")).status_code == 422
