"""Many participants at once: what is written, what is refused, and what is asked to be planned."""

from typing import Any

import pytest
from sqlalchemy import event

from api.batch import MOST_ITEMS
from tests.api.door import Door

NINE, TEN = "2027-01-25T09:00:00Z", "2027-01-25T10:00:00Z"
SLOTS = [{"id": name, "name": name, "starts_at": NINE, "ends_at": TEN} for name in ("monday", "tuesday")]


async def a_session(door: Door) -> None:
    await door.put("sessions/s", name="S", slots=SLOTS)
    await door.put("people/claire", email="claire@example.org", first_name="Claire", last_name="Martin")
    await door.put("companies/acme", name="Acme")
    door.pokes.take()


async def batch(door: Door, *items: Any, **more: Any) -> Any:
    return await door.call("POST", "/v1/sessions/s/participants:batch", {"items": items, **more})


async def taking_part(door: Door) -> list[Any]:
    return [one["person"] for one in (await door.get("sessions/s/participants"))["items"]]


def counts(answer: Any) -> list[int]:
    return [answer[name] for name in ("applied", "unchanged", "ignored", "removed")]


async def test_known_and_new_people_join_together(door: Door) -> None:  # F022
    await a_session(door)

    answer = await batch(
        door,
        {"person": "claire", "company": "acme", "slots": ["monday"]},
        {"person": "tom", "email": "Tom@EXAMPLE.org", "first_name": "Tom", "language": "fr"},
    )

    assert (counts(answer), answer["planned"], answer["too_late"]) == ([2, 0, 0, 0], False, None)
    assert await taking_part(door) == ["claire", "tom"]
    tom = await door.get("people/tom")
    assert (tom["email"], tom["first_name"], tom["last_name"]) == ("Tom@example.org", "Tom", "")
    (claire, _) = (await door.get("sessions/s/participants"))["items"]
    assert (claire["company"], claire["slots"]) == ("acme", ["monday"])
    assert door.pokes.take() == ["session s"]


async def test_what_an_item_does_not_say_stays_as_it_was(door: Door) -> None:
    await a_session(door)
    await batch(door, {"person": "claire", "company": "acme", "slots": ["monday"]})

    await batch(door, {"person": "claire", "email": "new@example.org"})

    claire = await door.get("people/claire")
    assert (claire["email"], claire["first_name"], claire["last_name"]) == (
        "new@example.org",
        "Claire",
        "Martin",
    )
    (part,) = (await door.get("sessions/s/participants"))["items"]
    assert (part["company"], part["slots"]) == ("acme", ["monday"])
    await batch(door, {"person": "claire", "company": None, "slots": None})
    (part,) = (await door.get("sessions/s/participants"))["items"]
    assert (part["company"], part["slots"]) == (None, None)


async def test_the_same_again_changes_nothing(door: Door) -> None:
    await a_session(door)
    items = [
        {"person": "claire", "company": "acme", "source_version": 1},
        {"person": "tom", "email": "tom@example.org", "slots": ["monday"]},
    ]
    await batch(door, *items)
    before = await door.everything()

    answer = await batch(door, *items, remove_missing=True)

    assert counts(answer) == [0, 2, 0, 0]
    assert await door.everything() == before


async def test_only_those_named_take_part_where_that_was_asked(door: Door) -> None:  # F023
    await a_session(door)
    await batch(door, *({"person": key, "email": f"{key}@example.org"} for key in ("ada", "bob", "cyd")))
    await door.call("PUT", "/v1/sessions/s/trainers/ada")

    kept = await batch(door, {"person": "bob"})
    assert (counts(kept), await taking_part(door)) == ([0, 1, 0, 0], ["ada", "bob", "cyd"])

    answer = await batch(door, {"person": "bob"}, {"person": "claire"}, remove_missing=True)

    assert (counts(answer), await taking_part(door)) == ([1, 1, 0, 2], ["bob", "claire"])
    assert len((await door.get("sessions/s/trainers"))["items"]) == 1
    assert counts(await batch(door, remove_missing=True)) == [0, 0, 0, 2]


async def test_an_item_older_than_what_stands_is_ignored_with_all_it_says(door: Door) -> None:
    await a_session(door)
    await batch(door, {"person": "claire", "company": "acme", "source_version": 5})

    answer = await batch(
        door,
        {"person": "claire", "company": None, "email": "old@example.org", "source_version": 4},
        {"person": "tom", "email": "tom@example.org", "source_version": 1},
        remove_missing=True,
    )

    assert counts(answer) == [1, 0, 1, 0]
    assert (await door.get("people/claire"))["email"] == "claire@example.org"
    assert (await door.get("sessions/s/participants"))["items"][0]["company"] == "acme"


async def test_a_person_who_was_deleted_comes_back_by_being_described(door: Door) -> None:
    await a_session(door)
    await batch(door, {"person": "claire", "source_version": 5})
    await door.call("DELETE", "/v1/people/claire")

    late = await batch(door, {"person": "claire", "email": "claire@example.org", "source_version": 4})
    assert (counts(late), await taking_part(door)) == ([0, 0, 1, 0], [])

    back = await batch(door, {"person": "claire", "email": "claire@example.org", "source_version": 6})
    assert (counts(back), await taking_part(door)) == ([1, 0, 0, 0], ["claire"])
    assert (await door.get("people/claire"))["first_name"] == "Claire"


WRONG: list[tuple[Any, str, str]] = [
    ({"email": "x@example.org"}, "items.1.person", "required"),
    ({"person": "tom", "email": "nonsense"}, "items.1.email", "not an address"),
    ({"person": "tom", "first_name": "a\nb"}, "items.1.first_name", "one line"),
    ({"person": "tom", "language": "xx"}, "items.1.language", "'en'"),
    ({"person": "tom", "source_version": -1}, "items.1.source_version", "greater"),
    ({"person": "tom", "source_version": "7"}, "items.1.source_version", "integer"),
    ({"person": "tom", "nickname": "T"}, "items.1.nickname", "no such field"),
    ({"person": "nobody"}, "items.1.person", "give them an `email`"),
    ({"person": "claire"}, "items.1.person", "twice"),
    ({"person": "tom", "email": None, "company": "none"}, "items.1.company", "PUT /v1/companies/none"),
    ({"person": "tom", "email": None, "slots": ["monday", "friday"]}, "items.1.slots.1", "no slot 'friday'"),
    ("tom", "items.1", "object belongs here"),
]


@pytest.mark.parametrize(("item", "field", "cure"), WRONG)
async def test_one_wrong_item_is_named_and_nothing_is_written(
    door: Door, item: Any, field: str, cure: str
) -> None:
    await a_session(door)
    before = await door.everything()

    answer = await door.http.post(
        "/v1/sessions/s/participants:batch",
        json={"items": [{"person": "claire", "email": "new@example.org"}, item], "remove_missing": True},
    )

    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert error["field"] == field
    assert cure in error["message"]
    assert (await door.everything(), door.pokes.take()) == (before, [])


async def test_every_wrong_item_is_named(door: Door) -> None:
    await a_session(door)

    answer = await door.http.post(
        "/v1/sessions/s/participants:batch", json={"items": [{"person": f"p{n}"} for n in range(30)]}
    )

    assert [error["field"] for error in answer.json()["errors"]] == [f"items.{n}.person" for n in range(30)]


async def test_ten_thousand_is_as_many_as_fit(door: Door) -> None:
    await a_session(door)
    items = [
        {
            "person": f"participant-{number}@example.org",
            "email": f"participant-{number}@example.org",
            "first_name": "Bartholomew-Maximilian",
            "last_name": "Featherstonehaugh-Cholmondeley",
            "language": "en",
            "company": "acme",
            "slots": ["monday", "tuesday"],
            "source_version": 1_760_000_000_000 + number,
        }
        for number in range(MOST_ITEMS + 1)
    ]
    before = await door.everything()

    answer = await door.http.post("/v1/sessions/s/participants:batch", json={"items": items})
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, ["items"])
    assert "10000" in answer.json()["errors"][0]["message"]
    assert await door.everything() == before

    assert counts(await batch(door, *items[:MOST_ITEMS])) == [MOST_ITEMS, 0, 0, 0]
    assert counts(await batch(door, *items[:MOST_ITEMS])) == [0, MOST_ITEMS, 0, 0]
    assert counts(await batch(door, remove_missing=True)) == [0, 0, 0, MOST_ITEMS]


async def test_a_batch_of_any_size_takes_the_same_few_statements(door: Door) -> None:
    await a_session(door)
    statements: list[str] = []
    event.listen(
        door.store.engine.sync_engine,
        "before_cursor_execute",
        lambda connection, cursor, statement, *_: statements.append(statement),
    )
    seen = set()
    for size in (1, 10, 1000):
        items = [
            {
                "person": f"{size}-{n}",
                "email": f"{size}-{n}@example.org",
                "company": "acme",
                "source_version": n,
            }
            for n in range(size)
        ]
        statements.clear()
        await batch(door, *items)
        first = len(statements)
        statements.clear()
        await batch(door, remove_missing=True)
        seen.add((first, len(statements)))

    assert len(seen) == 1, seen
