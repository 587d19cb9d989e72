"""What the door answers: what was done, or what is wrong, where and how to mend it."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from tests.house import LivedInHouse

NOBODY = "00000000-0000-5000-8000-000000000000"
TRIGGER = {"type": "date", "anchor": "session.start", "offset": "-P7D", "at": "09:00"}


async def test_a_rule_is_inactive_until_it_is_activated(house: LivedInHouse) -> None:
    """F066"""
    await house.people("claire")
    await house.session("s", await house.now() + timedelta(days=30), "claire")
    await house.call("PUT", "/v1/templates/t", {"subject": "Hello", "html": "<p>Hello</p>"})
    rule = await house.call(
        "POST", "/v1/rules", {"id": "r", "name": "R", "template": "t", "trigger": TRIGGER}
    )
    await house.planned()
    assert (rule["active"], await house.sends()) == (False, [])

    await house.call("POST", "/v1/rules/r/activate")
    await house.planned()

    assert [send["status"] for send in await house.sends()] == ["scheduled"]


async def test_what_was_written_is_read_again(house: LivedInHouse) -> None:
    body = {
        "name": "Managing a project",
        "timezone": "America/New_York",
        "starts_at": "2027-01-25T14:00:00Z",
        "ends_at": "2027-01-26T22:00:00Z",
    }
    await house.call("PUT", "/v1/sessions/S-1", body)
    await house.call(
        "PUT", "/v1/people/claire@example.org", {"email": "claire@example.org", "first_name": "Claire"}
    )
    await house.call("PUT", "/v1/sessions/S-1/participants/claire@example.org")
    await house.call("PUT", "/v1/templates/t", {"subject": "Hello", "html": "<p>Hello</p>"})
    await house.call("POST", "/v1/rules", {"id": "r", "name": "R", "template": "t", "trigger": TRIGGER})

    assert (await house.call("GET", "/v1/sessions/S-1")).items() >= body.items()
    participants = await house.call("GET", "/v1/sessions/S-1/participants")
    assert [item["person"] for item in participants["items"]] == ["claire@example.org"]
    assert (await house.call("GET", "/v1/people/claire@example.org"))["first_name"] == "Claire"
    assert (await house.call("GET", "/v1/rules/r"))["trigger"].items() >= TRIGGER.items()
    assert (await house.call("GET", "/v1/templates/t"))["subject"] == "Hello"


async def test_putting_the_same_again_changes_nothing(house: LivedInHouse) -> None:
    body = {"name": "S", "starts_at": "2027-01-25T14:00:00Z"}
    first = await house.call("PUT", "/v1/sessions/s", body)
    await house.planned()
    second = await house.call("PUT", "/v1/sessions/s", body)

    assert second == {**first, "planned": True}


async def test_a_deactivated_rule_keeps_the_record_of_what_it_removed(house: LivedInHouse) -> None:
    """F070, L16"""
    await house.people("claire")
    await house.session("s", await house.now() + timedelta(days=30), "claire")
    await house.rule("r", {"anchor": "session.start", "offset": "-P7D"})

    await house.call("POST", "/v1/rules/r/deactivate")

    send = await house.send()
    assert (send["status"], send["reason"]) == ("removed", "rule_deactivated")
    await house.call("POST", "/v1/rules/r/activate")
    await house.planned()
    assert (await house.send())["status"] == "scheduled"


async def test_a_cancel_survives_a_move_of_the_session(house: LivedInHouse) -> None:
    now = await house.now()
    await house.people("claire")
    await house.session("s", now + timedelta(days=30), "claire")
    await house.rule("r", {"anchor": "session.start", "offset": "-P7D"})

    cancelled = await house.call("POST", f"/v1/sends/{(await house.send())['id']}/cancel")
    await house.session("s", now + timedelta(days=60))
    again = await house.call("POST", f"/v1/sends/{cancelled['id']}/cancel")

    assert [s["status"] for s in (cancelled, again, await house.send())] == ["cancelled"] * 3


async def test_a_cancel_that_comes_too_late_is_an_honest_409(house: LivedInHouse) -> None:
    await house.people("claire")
    await house.session("s", await house.now() + timedelta(days=30), "claire")
    await house.rule("r", {"anchor": "session.start", "offset": "-P7D"})
    await house.advance(timedelta(days=24))
    await house.mails(1)

    answer = await house.http.post(f"/v1/sends/{(await house.send())['id']}/cancel")

    assert answer.status_code == 409
    problem = answer.json()
    assert (problem["type"], problem["send_status"]) == ("/problems/too-late", "sent")
    assert problem["at"] == (await house.send())["ended_at"].replace("Z", "+00:00")


async def test_sends_are_listed_page_by_page(house: LivedInHouse) -> None:
    people = [f"p{number}" for number in range(7)]
    await house.people(*people)
    await house.session("s", await house.now() + timedelta(days=30), *people)
    await house.rule("r", {"anchor": "session.start", "offset": "-P7D"})

    seen, cursor = [], None
    while True:
        page = (
            await house.http.get("/v1/sends", params={"limit": 3} | ({"cursor": cursor} if cursor else {}))
        ).json()
        seen += [send["recipient"] for send in page["items"]]
        if (cursor := page["next"]) is None:
            break

    assert sorted(seen) == people


async def test_filters_name_what_the_caller_knows(house: LivedInHouse) -> None:
    await house.people("claire", "tom")
    now = await house.now()
    await house.session("s", now + timedelta(days=30), "claire", "tom")
    await house.session("t", now + timedelta(days=40), "claire")
    await house.rule("r", {"anchor": "session.start", "offset": "-P7D"})

    assert len(await house.sends(session="s")) == 2
    assert len(await house.sends(recipient="claire")) == 2
    assert len(await house.sends(rule="r", status="scheduled")) == 3
    assert await house.sends(rule="other") == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/sessions/none"),
        ("DELETE", "/v1/sessions/none"),
        ("GET", "/v1/people/none"),
        ("GET", "/v1/rules/none"),
        ("POST", "/v1/rules/none/activate"),
        ("GET", "/v1/templates/none"),
        ("GET", f"/v1/sends/{NOBODY}"),
        ("POST", f"/v1/sends/{NOBODY}/cancel"),
        ("GET", "/v1/nothing"),
    ],
)
async def test_what_is_not_there_is_a_problem_too(house: LivedInHouse, method: str, path: str) -> None:
    answer = await house.http.request(method, path)

    assert answer.status_code == 404
    assert answer.json()["type"] == "/problems/not-found"


async def test_a_rule_made_twice_is_told_apart_from_one_made_again(house: LivedInHouse) -> None:
    """F105: a rule made again under an old id is a new rule with an empty memory."""
    now = await house.now()
    await house.people("claire")
    await house.session("s", now + timedelta(days=30), "claire")
    await house.rule("r", {"anchor": "session.start", "offset": "-P7D"})
    body = {"id": "r", "name": "R", "template": "r", "trigger": TRIGGER}
    assert (await house.http.post("/v1/rules", json=body)).status_code == 409
    (first,) = await house.sends()

    await house.call("DELETE", "/v1/rules/r")
    await house.call("POST", "/v1/rules", body)
    await house.call("POST", "/v1/rules/r/activate")
    await house.planned()

    old, new = sorted(await house.sends(), key=lambda send: str(send["status"]))
    assert (old["id"], old["status"], old["reason"]) == (first["id"], "removed", "rule_deleted")
    assert new["status"] == "scheduled"


async def test_an_unreachable_temporal_does_not_fail_a_write(house: LivedInHouse) -> None:
    """DESIGN 4: the row stays dirty, and planning catches up later."""
    await house.env.shutdown()

    session = await house.call("PUT", "/v1/sessions/s", {"name": "S", "starts_at": "2027-01-25T09:00:00Z"})

    assert session["planned"] is False


async def test_what_nobody_foresaw_is_a_problem_and_its_log_quotes_nobody(
    house: LivedInHouse, caplog: pytest.LogCaptureFixture
) -> None:
    async with house.store.transaction() as db:
        await db.execute(text("alter table people drop column first_name cascade"))

    answer = await house.http.put("/v1/people/claire@example.org", json={"email": "claire@example.org"})

    assert (answer.status_code, answer.json()["type"]) == (500, "/problems/unforeseen")
    (line,) = [record.getMessage() for record in caplog.records if record.name == "api.problems"]
    assert "UndefinedColumn" in line or "ProgrammingError(42703)" in line
    assert "claire" not in line
