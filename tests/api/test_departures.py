"""People and companies that are deleted, and come back."""

import asyncio
from datetime import timedelta

from tests.api.door import Door
from tests.house import LivedInHouse


async def everybody(door: Door) -> None:
    for key in ("claire", "tom"):
        await door.put(f"people/{key}", email=f"{key}@example.org", first_name=key)
    await door.put("companies/acme", name="Acme", contact="claire")
    await door.put("companies/best", name="Best", contact="tom")
    for session in ("s", "t", "u"):
        await door.put(f"sessions/{session}", name=session)
    await door.put("sessions/s/participants/claire", company="acme")
    await door.put("sessions/s/participants/tom", company="acme")
    await door.put("sessions/t/trainers/claire")
    await door.put("sessions/u/companies/best", contact="claire")
    door.pokes.take()


async def test_a_deleted_person_leaves_every_session_and_is_nobodys_contact(door: Door) -> None:  # F023
    await everybody(door)

    gone = await door.http.delete("/v1/people/claire")

    assert (gone.status_code, gone.content) == (204, b"")
    assert sorted(door.pokes.take()) == ["session s", "session t", "session u"]
    for method in ("GET", "DELETE"):
        assert (await door.http.request(method, "/v1/people/claire")).status_code == 404
    assert [one["id"] for one in (await door.get("people"))["items"]] == ["tom"]
    assert [one["person"] for one in (await door.get("sessions/s/participants"))["items"]] == ["tom"]
    assert (await door.get("sessions/t/trainers"))["items"] == []
    assert (await door.get("sessions/u/companies"))["items"][0]["contact"] is None
    assert [(await door.get(f"companies/{key}"))["contact"] for key in ("acme", "best")] == [None, "tom"]
    for path in ("sessions/s/participants/claire", "sessions/s/trainers/claire"):
        assert (await door.http.put(f"/v1/{path}")).status_code == 422
    body = {"name": "Acme", "contact": "claire"}
    assert (await door.http.put("/v1/companies/acme", json=body)).status_code == 422


async def test_a_person_put_again_is_themselves_and_in_no_session(door: Door) -> None:
    await everybody(door)
    before = await door.get("people/claire")
    await door.call("DELETE", "/v1/people/claire")
    door.pokes.take()

    await door.put("people/claire", email="claire@example.org", first_name="claire")

    assert await door.get("people/claire") == before
    assert [one["person"] for one in (await door.get("sessions/s/participants"))["items"]] == ["tom"]
    assert door.pokes.take() == []
    back = await door.put("sessions/s/participants/claire")
    assert back["company"] == "acme"  # as it was said of them


async def test_a_deleted_company_is_where_nobody_comes_from(door: Door) -> None:
    await everybody(door)
    await door.put("sessions/t/participants/tom", company="acme")
    await door.call("DELETE", "/v1/sessions/t/participants/tom")
    sessions = await door.versions("sessions")
    door.pokes.take()

    await door.call("DELETE", "/v1/companies/acme")

    assert door.pokes.take() == ["session s"]
    assert (await door.http.get("/v1/companies/acme")).status_code == 404
    found = (await door.get("sessions/s/participants"))["items"]
    assert [(one["person"], one["company"]) for one in found] == [("claire", None), ("tom", None)]
    assert (await door.get("sessions/s/companies"))["items"] == []
    assert (await door.put("sessions/t/participants/tom"))["company"] is None
    assert (
        await door.http.put("/v1/sessions/s/participants/tom", json={"company": "acme"})
    ).status_code == 422
    assert await door.versions("sessions") == sessions  # only those it concerns are dirty

    await door.put("companies/acme", name="Acme")
    (acme,) = (await door.get("sessions/s/companies"))["items"]
    assert acme["present"] is False


async def test_whoever_joins_while_they_are_deleted_is_not_left_behind_in_a_session(door: Door) -> None:
    await door.put("people/claire")
    sessions = [f"s{number}" for number in range(6)]
    for key in sessions:
        await door.put(f"sessions/{key}", name="S")

    async def join(key: str) -> int:
        return (await door.http.put(f"/v1/sessions/{key}/participants/claire")).status_code

    joined, _ = await asyncio.gather(
        asyncio.gather(*(join(key) for key in sessions)), door.call("DELETE", "/v1/people/claire")
    )

    assert set(joined) <= {200, 422}
    for key in sessions:
        assert (await door.get(f"sessions/{key}/participants"))["items"] == []


async def test_mails_to_whoever_was_deleted_end_removed(house: LivedInHouse) -> None:  # F023
    await house.people("claire", "tom")
    await house.call("PUT", "/v1/companies/acme", {"name": "Acme", "email": "office@example.org"})
    await house.session("s", await house.now() + timedelta(days=30), "claire", "tom")
    await house.call("PUT", "/v1/sessions/s/participants/tom", {"company": "acme"})
    await house.rule("r", {"anchor": "session.start", "offset": "-P7D"})
    await house.rule("c", {"anchor": "session.start", "offset": "-P7D"}, audience="companies")
    await house.call("DELETE", "/v1/people/claire")
    await house.call("DELETE", "/v1/companies/acme")
    await house.planned()

    ended = {send["recipient"]: (send["status"], send["reason"]) for send in await house.sends()}
    assert ended == {
        "claire": ("removed", "participant_removed"),
        "acme": ("removed", "participant_removed"),
        "tom": ("scheduled", None),
    }

    await house.advance(timedelta(days=24))
    (mail,) = await house.mails(1)
    assert mail["recipients"] == ["tom@example.org"]
    await house.call("PUT", "/v1/people/claire", {"email": "claire@example.org"})
    await house.planned()
    assert len(await house.sends(status="removed")) == 2
