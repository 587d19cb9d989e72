"""People's own time zones and managers: said, changed, and what becomes of it in the sessions they are in."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from store.moves import hold_directory
from store.people import put_people
from tests.api.door import Door


async def everybody(door: Door) -> None:
    for key in ("claire", "tom", "zoe"):
        await door.put(f"people/{key}", email=f"{key}@example.org", timezone="Europe/Paris")
    for session in ("s", "t", "gone"):
        await door.put(f"sessions/{session}", name=session)
    for path in (
        "s/participants/claire",
        "s/participants/tom",
        "t/trainers/claire",
        "gone/participants/claire",
    ):
        await door.put(f"sessions/{path}")
    await door.put("sessions/t/participants/claire")
    await door.call("DELETE", "/v1/sessions/t/participants/claire")
    await door.call("DELETE", "/v1/sessions/gone")
    await planned(door)


async def planned(door: Door) -> None:
    async with door.store.transaction() as db:
        for table in ("sessions", "participations"):
            await db.execute(text(f"update {table} set planned_version = version"))  # noqa: S608 - a test's own words
    door.pokes.take()


async def dirty(door: Door) -> list[tuple[str, str, str]]:
    """Return whose participations are to be planned anew, in which session, as what."""
    asked = text("""
        select people.key, s.key as session, p.role
        from participations p join people on people.id = p.person_id join sessions s on s.id = p.session_id
        where p.version > p.planned_version order by 1, 2, 3
    """)
    async with door.store.transaction() as db:
        sessions = await db.execute(text("select key from sessions where version > planned_version"))
        assert sessions.all() == []
        return [(row.key, row.session, row.role) for row in await db.execute(asked)]


async def refused(door: Door, path: str, body: dict[str, Any], method: str = "PUT") -> dict[str, str]:
    answer = await door.http.request(method, f"/v1/{path}", json=body)
    assert answer.status_code == 422, answer.text
    return {error["field"]: error["message"] for error in answer.json()["errors"]}


async def test_a_zone_and_a_manager_are_kept_and_told(door: Door) -> None:
    assert (await door.put("people/zoe"))["timezone"] is None
    written = await door.put("people/claire", timezone="America/New_York", manager="zoe")

    assert (written["timezone"], written["manager"]) == ("America/New_York", "zoe")
    listed = {one["id"]: (one["timezone"], one["manager"]) for one in (await door.get("people"))["items"]}
    assert listed == {"claire": ("America/New_York", "zoe"), "zoe": (None, None)}
    after = {"applied": True, "exists": True, "planned": True, "too_late": None}
    assert {**await door.get("people/claire"), **after} == written
    replaced = await door.put("people/claire")
    assert (replaced["timezone"], replaced["manager"]) == (None, None)


async def test_a_zone_or_a_manager_that_is_not_there_is_refused_with_its_cure(door: Door) -> None:
    await door.put("people/claire")
    await door.put("people/tom")
    await door.call("DELETE", "/v1/people/tom")
    before = await door.everything()

    wrong = await refused(door, "people/claire", {"timezone": "Europe/Pari"})
    assert "did you mean 'Europe/Paris'?" in wrong["timezone"]
    for unknown in ("tom", "nobody"):
        wrong = await refused(door, "people/claire", {"manager": unknown})
        assert f"PUT /v1/people/{unknown} first" in wrong["manager"]
    wrong = await refused(door, "people/claire", {"manager": "claire"})
    assert "their own manager" in wrong["manager"]
    assert await door.everything() == before


async def test_another_zone_plans_anew_what_it_concerns_and_nothing_else(door: Door) -> None:
    await everybody(door)

    await door.put("people/claire", email="claire@example.org", timezone="America/New_York")

    assert await dirty(door) == [("claire", "s", "participant"), ("claire", "t", "trainer")]
    assert sorted(door.pokes.take()) == ["session s", "session t"]


@pytest.mark.parametrize(
    "said",
    [
        {"timezone": "Europe/Paris"},
        {"timezone": "Europe/Paris", "manager": "zoe", "email": "new@example.org"},
        {"timezone": "America/New_York", "source_version": 1},  # older than what stands
    ],
)
async def test_what_planning_does_not_read_makes_nothing_dirty(door: Door, said: dict[str, Any]) -> None:
    await everybody(door)
    await door.put("people/claire", email="claire@example.org", timezone="Europe/Paris", source_version=2)
    await planned(door)

    await door.put("people/claire", **said)

    assert await dirty(door) == []
    assert door.pokes.take() == []
    assert (await door.get("people/claire"))["timezone"] == "Europe/Paris"


async def test_another_manager_is_another_letter(door: Door) -> None:
    """The fence compares the version of the person."""
    await door.put("people/zoe")
    await door.put("people/claire")
    before = sum(await door.versions("people"))

    for _ in range(2):
        await door.put("people/claire", manager="zoe")

    assert sum(await door.versions("people")) == before + 1


async def test_whoever_had_a_manager_who_is_deleted_has_none(door: Door) -> None:
    await everybody(door)
    await door.put("people/tom", manager="zoe")
    await door.put("people/claire", manager="tom")
    before = dict(zip(("claire", "tom", "zoe"), await versions(door), strict=True))

    await door.call("DELETE", "/v1/people/zoe")

    assert (await door.get("people/tom"))["manager"] is None
    assert (await door.get("people/claire"))["manager"] == "tom"
    after = dict(zip(("claire", "tom", "zoe"), await versions(door), strict=True))
    assert {key: after[key] - before[key] for key in before} == {"claire": 0, "tom": 1, "zoe": 1}
    back = await door.put("people/zoe")
    assert back["exists"]
    assert (await door.get("people/tom"))["manager"] is None


async def versions(door: Door) -> list[int]:
    async with door.store.transaction() as db:
        return list((await db.execute(text("select version from people order by key"))).scalars())


# Many at once.


async def batch(door: Door, *items: dict[str, Any]) -> Any:
    return await door.call("POST", "/v1/sessions/s/participants:batch", {"items": items})


async def test_a_batch_says_zones_and_managers_too(door: Door) -> None:
    await everybody(door)

    answer = await batch(
        door,
        {"person": "claire", "timezone": "Asia/Kathmandu"},
        {"person": "ben", "email": "ben@example.org", "timezone": "Asia/Kathmandu", "manager": "ada"},
        {"person": "ada", "first_name": "Ada", "manager": "zoe"},
        {"person": "tom", "first_name": "Tom"},
    )

    assert (answer["applied"], answer["unchanged"]) == (4, 0)
    told = {one["id"]: (one["timezone"], one["manager"]) for one in (await door.get("people"))["items"]}
    assert told == {
        "ada": (None, "zoe"),
        "ben": ("Asia/Kathmandu", "ada"),
        "claire": ("Asia/Kathmandu", None),
        "tom": ("Europe/Paris", None),
        "zoe": ("Europe/Paris", None),
    }
    assert [who for who in await dirty(door) if who[0] in ("claire", "tom")] == [
        ("claire", "s", "participant"),
        ("claire", "t", "trainer"),
    ]
    assert sorted(door.pokes.take()) == ["session s", "session t"]
    await planned(door)
    before = await door.everything()
    again = await batch(door, {"person": "ben", "timezone": "Asia/Kathmandu", "manager": "ada"})
    assert again["applied"] == 0
    assert await door.everything() == before


async def test_a_batch_with_a_manager_whom_nobody_knows_writes_nobody(door: Door) -> None:
    await everybody(door)
    before = await door.everything()

    items = [
        {"person": "claire", "manager": "nobody"},
        {"person": "ben", "timezone": "Mars", "manager": "zoe"},
    ]
    wrong = await refused(door, "sessions/s/participants:batch", {"items": items[:1]}, "POST")
    assert "PUT /v1/people/nobody first" in wrong["items.0.manager"]
    wrong = await refused(door, "sessions/s/participants:batch", {"items": items[1:]}, "POST")
    assert "not a time zone" in wrong["items.0.timezone"]
    assert await door.everything() == before


# At once.


async def test_whoever_joins_while_they_move_is_planned_where_they_are_then(door: Door) -> None:
    """The one who is first is waited for: no plan reads the zone of before for a part that nobody knew of."""
    await everybody(door)
    organization = (await door.everything())["organizations"][0].id
    said: dict[str, Any] = {"claire": {"zone": "America/New_York"}}
    await door.put("sessions/late", name="late")

    async with door.store.transaction() as db:
        await hold_directory(db, organization, said)
        await put_people(db, organization, said)
        joining = asyncio.create_task(door.put("sessions/late/participants/claire"))
        await door.blocked()
    await joining

    await planned(door)
    said = {"claire": {"zone": "Europe/Paris"}}
    async with door.store.transaction() as db:
        # The same as it is: others who come to sessions need not wait.
        await hold_directory(db, organization, {"claire": {"zone": "America/New_York"}})
        await door.put("sessions/s/trainers/claire")
        moving = asyncio.create_task(door.put("people/claire", timezone="Europe/Paris"))
        await door.blocked()
    await moving
    sessions = [(session, role) for who, session, role in await dirty(door) if who == "claire"]
    assert sessions == [("late", "participant"), ("s", "participant"), ("s", "trainer"), ("t", "trainer")]


async def test_every_move_of_many_at_once_is_followed_by_a_plan(door: Door) -> None:
    await everybody(door)
    said = {"email": "claire@example.org"}

    zones = ["America/New_York", "Asia/Kathmandu", "Europe/Paris"] * 4
    await asyncio.gather(*(door.put("people/claire", timezone=zone, **said) for zone in zones))

    (claire,) = [one for one in (await door.everything())["people"] if one.key == "claire"]
    parts = [one for one in (await door.everything())["participations"] if one.person_id == claire.id]
    moves = claire.version - 1  # nothing else of them has changed
    assert moves > 0
    assert sorted(one.version - one.planned_version for one in parts) == [0, 0, moves, moves]
