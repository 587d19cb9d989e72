"""Corrections by hand: to whoever was told a date of a session that is no longer true, and to nobody else."""

from typing import Any

import pytest

from tests.api.door import Door
from tests.api.outlooks import World, open_world
from tests.api.story import Story

TOLD, NOW, LATER = "2027-04-12T07:00:00Z", "2027-04-19T07:00:00Z", "2027-04-26T07:00:00Z"

RULE = {
    "name": "A week ahead",
    "template": "t",
    "trigger": {"type": "date", "anchor": "session.start", "offset": "-P7D"},
}


@pytest.fixture
async def world(door: Door) -> World:
    """Ada and Bob have been told the 12th; Eve is still to be told; the session is on the 19th now."""
    await Story(door).begin()
    world = await open_world(door)
    for template in ("t", "new-date"):
        await door.put(f"templates/{template}", subject="Hi", html="<p>Hi</p>")
    await door.put("sessions/s", name="S", starts_at=TOLD)
    for person in ("ada", "bob", "eve"):
        await door.put(f"people/{person}", email=f"{person}@example.org")
        await door.put(f"sessions/s/participants/{person}")
    await door.call("POST", "/v1/rules", {"id": "r", **RULE})
    await door.call("POST", "/v1/rules/r/activate")
    await world.plan()
    for person in ("ada", "bob"):
        await world.leave("s", "r", person)
    await move(world, NOW)
    return world


async def move(world: World, starts_at: str) -> None:
    await world.door.call("PATCH", "/v1/sessions/s", {"starts_at": starts_at})
    await world.plan()


async def correct(world: World, **body: Any) -> int:
    answer = await world.door.call("POST", "/v1/sessions/s/corrections", {"rule": "r", **body})
    count: int = answer["corrections"]
    return count


async def corrections(world: World) -> list[tuple[str, str, str | None, str]]:
    """Return who is sent one: the day it tells, how it stands and why."""
    rows = [row for row in (await world.sends()).values() if "correction" in row["occurrence"]]
    return sorted((row["person"], row["status"], row["reason"], f"{row['anchor_at']:%d}") for row in rows)


async def test_whoever_was_told_the_old_date_is_told_the_new_one(world: World) -> None:
    world.door.pokes.take()

    assert await correct(world) == 2

    assert await corrections(world) == [("ada", "scheduled", None, "19"), ("bob", "scheduled", None, "19")]
    assert world.door.pokes.take() == ["session s"]
    due = await world.rows.one(
        "select count(*) from sends where occurrence <> '1' and due_at <= relance_now()"
    )
    assert due == 2  # they leave at once
    await world.plan()
    assert await correct(world) == 0
    assert len(await corrections(world)) == 2


async def test_l06_a_correction_says_who_asked_for_it(world: World) -> None:
    await correct(world, people=["ada"])
    await move(world, LATER)  # planning withdraws it for one with the newer date: nobody asked for that

    rows = [row for row in (await world.sends()).values() if "correction" in row["occurrence"]]
    by_hand, of_planning = sorted(rows, key=lambda row: row["anchor_at"])
    history = (await world.door.get(f"sends/{by_hand['id']}/explain?language=en"))["history"]
    assert [entry.get("by") for entry in by_hand["trace"]] == ["tests", None]
    assert ["by" in entry for entry in of_planning["trace"]] == [False]
    assert "the token “tests” asked for it, for " in history[0]["sentence"]


async def test_a_correction_may_be_for_some_and_in_other_words(world: World) -> None:
    assert await correct(world, people=["ada", "eve"], template="new-date") == 1

    assert await corrections(world) == [("ada", "scheduled", None, "19")]
    template = await world.rows.one("""
        select t.key from sends s join templates t on t.id = s.template_id where occurrence <> '1'
    """)
    assert template == "new-date"


async def test_a_correction_that_waits_follows_the_date(world: World) -> None:
    await correct(world, people=["ada"])

    await move(world, LATER)
    waits = [one for one in await corrections(world) if one[1] == "scheduled"]
    assert waits == [("ada", "scheduled", None, "26")]

    await move(world, TOLD)
    assert await corrections(world) == [
        ("ada", "removed", "date_as_told", "26"),
        ("ada", "removed", "date_changed_again", "19"),
    ]


async def test_whoever_was_corrected_is_not_told_again(world: World) -> None:
    await correct(world)
    await world.leave("s", "r", "ada")

    assert await correct(world) == 0
    await move(world, LATER)
    assert [one for one in await corrections(world) if one[0] == "ada"] == [("ada", "sent", None, "19")]
    assert await correct(world, people=["ada"]) == 1


async def test_a_dry_run_names_them_and_writes_nothing(world: World) -> None:
    before = await world.door.everything()

    outlook = await world.door.call("POST", "/v1/sessions/s/corrections?dry_run=true", {"rule": "r"})

    assert [mail["person"] for mail in outlook["appear"]["first"]] in (["ada", "bob"], ["bob", "ada"])
    assert await world.door.everything() == before


async def test_a_rule_that_is_off_corrects_nothing(world: World) -> None:
    await world.door.call("POST", "/v1/rules/r/deactivate")

    answer = await world.door.http.post("/v1/sessions/s/corrections", json={"rule": "r"})

    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/rule-is-off")


async def test_a_template_is_not_deleted_while_corrections_wait_to_be_written_by_it(world: World) -> None:
    """No rule names it: somebody has asked for it, for these mails alone."""
    assert await correct(world, template="new-date") == 2
    before = await world.door.everything()

    deleted = await world.door.http.delete("/v1/templates/new-date")
    body = {"subject": "Hi", "html": "<p>Hi</p>", "audience": "trainers"}
    of_others = await world.door.http.put("/v1/templates/new-date", json=body)

    for refused in (deleted, of_others):
        problem = refused.json()
        assert (refused.status_code, problem["type"]) == (409, "/problems/template-in-use")
        assert (problem["rules"], problem["sessions"]) == (["r"], ["s"])
    assert await world.door.everything() == before

    for row in [row for row in (await world.sends()).values() if "correction" in row["occurrence"]]:
        await world.door.call("POST", f"/v1/sends/{row['id']}/cancel")
    assert (await world.door.http.delete("/v1/templates/new-date")).status_code == 204
