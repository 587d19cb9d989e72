"""What is said of participants through the door: their own dates, what they did, and how they stand."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.door import Door

SOON, LATER = "2027-02-01T09:00:00Z", "2027-03-01T18:00:00Z"
PATH = "sessions/s/participants/claire"
SAID: dict[str, Any] = {
    "starts_at": SOON,
    "ends_at": LATER,
    "deadline_at": "2027-02-20T00:00:00Z",
    "enrolled_at": "2026-01-01T10:00:00Z",
    "started_at": "2026-01-02T10:00:00Z",
    "completed_at": "2026-01-03T10:00:00Z",
    "attendance": "partly",
    "status": "to be validated",
    "answered": ["cold-survey", "entry.test"],
}
READ_WHEN_THE_MAIL_LEAVES = ("attendance", "status", "answered")


async def a_session(door: Door) -> None:
    await door.put("sessions/s", name="S")
    for key in ("claire", "tom"):
        await door.put(f"people/{key}")
    await door.put("companies/acme", name="Acme")
    await door.put(PATH, company="acme", source_version=1)
    door.pokes.take()


def told(answer: Any) -> dict[str, Any]:
    return {name: answer[name] for name in SAID}


async def listed(door: Door) -> Any:
    (one,) = (await door.get("sessions/s/participants"))["items"]
    return one


async def test_what_is_said_is_told_stays_and_is_taken_back(door: Door) -> None:  # F010, F053, F088, F096
    await a_session(door)

    said = await door.put(PATH, **SAID)
    assert told(said) == told(await listed(door)) == SAID
    assert told(await door.put(PATH)) == SAID
    assert told(await door.put(PATH, status="validated")) == {**SAID, "status": "validated"}

    nothing: dict[str, Any] = {name: [] if name == "answered" else None for name in SAID}
    assert told(await door.put(PATH, **nothing)) == told(await listed(door)) == nothing


async def test_whoever_joins_is_enrolled_now(door: Door) -> None:
    await a_session(door)
    before = datetime.now(UTC)

    joined = await door.call("PUT", "/v1/sessions/s/participants/tom")
    assert before <= datetime.fromisoformat(joined["enrolled_at"]) <= datetime.now(UTC)
    await door.call("DELETE", "/v1/sessions/s/participants/tom")
    again = await door.call("PUT", "/v1/sessions/s/participants/tom")
    assert again["enrolled_at"] == joined["enrolled_at"]


@pytest.mark.parametrize("name", SAID)
async def test_only_what_planning_reads_asks_for_it_and_only_once(door: Door, name: str) -> None:
    await a_session(door)
    expected = [] if name in READ_WHEN_THE_MAIL_LEAVES else ["session s"]
    async with door.store.transaction() as db:
        await db.exec_driver_sql("update participations set planned_version = version")

    answer = await door.put(PATH, **{name: SAID[name]})
    assert (answer["planned"], door.pokes.take()) == (not expected, expected)

    async with door.store.transaction() as db:
        await db.exec_driver_sql("update participations set planned_version = version")
    versions = await door.versions("participations")
    again = await door.put(PATH, **{name: SAID[name]})
    assert (again["planned"], door.pokes.take()) == (True, [])
    assert await door.versions("participations") == versions


async def test_an_older_source_is_not_heeded(door: Door) -> None:
    await a_session(door)
    await door.put(PATH, **SAID, source_version=5)

    late = await door.put(PATH, completed_at=None, attendance=None, answered=[], source_version=4)

    assert (late["applied"], told(late)) == (False, SAID)


def in_days(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


async def test_a_fact_may_lie_a_day_ahead_and_no_more(door: Door) -> None:
    await a_session(door)
    for name in ("enrolled_at", "started_at", "completed_at"):
        await door.put(PATH, **{name: in_days(0.9)})

        answer = await door.http.put(f"/v1/{PATH}", json={name: in_days(1.1)})

        (error,) = answer.json()["errors"]
        assert (answer.status_code, error["field"]) == (422, name)
        assert "once it has happened" in error["message"]
    await door.put(PATH, starts_at=in_days(1000), ends_at=in_days(2000), deadline_at=in_days(1500))


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"starts_at": LATER, "ends_at": SOON}, "ends_at", "swap them"),
    ({"ends_at": "2027-01-01T00:00:00Z"}, "ends_at", "say both"),  # what stands there starts later
    ({"deadline_at": "2027-02-20T00:00:00"}, "deadline_at", "which offset from UTC"),
    ({"deadline_at": 20270220}, "deadline_at", "is text"),
    ({"started_at": "9999-01-01T00:00:00Z"}, "started_at", "1900 to 9000"),
    ({"attendance": "sometimes"}, "attendance", "'throughout', 'partly' or 'never'"),
    ({"attendance": "present"}, "attendance", "'throughout', 'partly' or 'never'"),
    ({"status": ""}, "status", "at least 1"),
    ({"status": "x" * 101}, "status", "at most 100"),
    ({"status": "a\nb"}, "status", "one line"),
    ({"answered": "cold-survey"}, "answered", "valid list"),
    ({"answered": None}, "answered", "valid list"),
    ({"answered": ["cold survey"]}, "answered.0", "letters from A"),
    ({"answered": ["q"] * 501}, "answered", "at most 500"),
    ({"completed": True}, "completed", "no such field"),
    ({"enrolled_recorded_at": SOON}, "enrolled_recorded_at", "no such field"),
    ({"completed_at": in_days(3)}, "completed_at", "once it has happened"),
]


@pytest.mark.parametrize(("says", "field", "cure"), WRONG)
async def test_what_is_wrong_is_named_alone_and_in_a_batch_and_nothing_is_written(
    door: Door, says: dict[str, Any], field: str, cure: str
) -> None:
    await a_session(door)
    await door.put(PATH, starts_at=SOON)
    before = await door.everything()
    items = [{"person": "tom", "started_at": in_days(-1)}, {"person": "claire", **says}]

    alone = await door.http.put(f"/v1/{PATH}", json=says)
    together = await door.http.post("/v1/sessions/s/participants:batch", json={"items": items})

    for answer, name in ((alone, field), (together, f"items.1.{field}")):
        assert answer.status_code == 422, answer.text
        (error,) = answer.json()["errors"]
        assert error["field"] == name
        assert cure in error["message"]
    assert await door.everything() == before


async def test_trainers_have_none_of_it(door: Door) -> None:
    await a_session(door)

    for name, value in SAID.items():
        answer = await door.http.put("/v1/sessions/s/trainers/tom", json={name: value})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, name)
    assert SAID.keys().isdisjoint(await door.call("PUT", "/v1/sessions/s/trainers/tom"))


async def test_a_batch_says_something_else_of_each(door: Door) -> None:  # F022
    await a_session(door)

    answer = await door.call(
        "POST",
        "/v1/sessions/s/participants:batch",
        {
            "items": [
                {"person": "claire", "attendance": "never", "answered": ["a", "b"]},
                {"person": "tom", **SAID},
                {"person": "zoe", "email": "zoe@example.org", "deadline_at": SOON, "answered": ["c"]},
            ]
        },
    )

    assert [answer[name] for name in ("applied", "unchanged", "ignored")] == [3, 0, 0]
    claire, tom, zoe = (await door.get("sessions/s/participants"))["items"]
    assert (claire["attendance"], claire["answered"], claire["company"]) == ("never", ["a", "b"], "acme")
    assert told(tom) == SAID
    assert (zoe["deadline_at"], zoe["answered"], zoe["starts_at"]) == (SOON, ["c"], None)
    assert zoe["enrolled_at"] is not None

    again = await door.call(
        "POST",
        "/v1/sessions/s/participants:batch",
        {"items": [{"person": "claire", "attendance": "never"}, {"person": "tom", "completed_at": None}]},
    )
    assert [again[name] for name in ("applied", "unchanged")] == [1, 1]


async def test_a_batch_that_tells_of_attendance_alone_asks_for_no_planning(door: Door) -> None:
    await a_session(door)
    async with door.store.transaction() as db:
        await db.exec_driver_sql("update participations set planned_version = version")
        await db.exec_driver_sql("update sessions set planned_version = version")

    item = {"person": "claire", "attendance": "throughout", "status": "validated", "answered": ["a"]}
    answer = await door.call("POST", "/v1/sessions/s/participants:batch", {"items": [item]})

    assert (answer["applied"], answer["planned"], door.pokes.take()) == (1, True, [])


# The manager of a session.


async def test_a_session_has_a_manager_who_is_known(door: Door) -> None:  # F055
    await a_session(door)
    written = await door.put("sessions/s", name="S", manager="claire")
    assert (written["manager"], (await door.get("sessions/s"))["manager"]) == ("claire", "claire")
    (one,) = (await door.get("sessions"))["items"]
    assert one["manager"] == "claire"
    door.pokes.take()

    renamed = await door.call("PATCH", "/v1/sessions/s", {"name": "T"})
    assert renamed["manager"] == "claire"
    other = await door.call("PATCH", "/v1/sessions/s", {"manager": "tom"})
    assert (other["manager"], other["version"]) == ("tom", written["version"])
    assert (await door.call("PATCH", "/v1/sessions/s", {"manager": None}))["manager"] is None

    before = await door.everything()
    for method, body in (("PUT", {"name": "S", "manager": "nobody"}), ("PATCH", {"manager": "nobody"})):
        answer = await door.http.request(method, "/v1/sessions/s", json=body)
        (error,) = answer.json()["errors"]
        assert (answer.status_code, error["field"]) == (422, "manager")
        assert "PUT /v1/people/nobody" in error["message"]
    assert await door.everything() == before


async def test_a_manager_who_is_deleted_is_nobodys_any_more(door: Door) -> None:
    await a_session(door)
    await door.put("sessions/s", name="S", manager="tom")

    await door.call("DELETE", "/v1/people/tom")

    assert (await door.get("sessions/s"))["manager"] is None
    assert (await door.call("PATCH", "/v1/sessions/s", {"name": "T"}))["name"] == "T"
