"""`?wait=planned`: the answer comes when the mails have followed, and names those that it came too late for."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from api import waiting
from tests.api.door import Door
from tests.house import LivedInHouse

MONTH = timedelta(days=30)
PLANNED = "wait=planned"


async def told(house: LivedInHouse) -> bool:
    """Return whether every workflow knows its row, asked at once: nobody waits here."""
    async with house.store.transaction() as db:
        behind = text("select count(*) from sends where signalled_version < version")
        return bool((await db.execute(behind)).scalar_one() == 0)


async def in_order(house: LivedInHouse, answer: Any, *dues: str) -> None:
    """Check that an answer is true: planned, and everything told, and these are the dates of what waits."""
    waits = [send["due_at"][:10] for send in await house.sends(status="scheduled")]
    assert (answer["planned"], answer["too_late"], waits, await told(house)) == (True, [], [*dues], True)


async def test_every_write_that_moves_mails_can_be_waited_for(
    house: LivedInHouse,
) -> None:  # F022, F023, F024, F070
    start = (await house.now() + MONTH).replace(microsecond=0)
    due, later = (
        f"{start + days - timedelta(days=7):%Y-%m-%d}" for days in (timedelta(0), timedelta(days=9))
    )
    body = {"name": "S", "starts_at": start.isoformat()}
    await house.people("claire", "tom", "zoe")
    await house.rule("r", {"anchor": "session.start", "offset": "-P7D"})

    async def call(method: str, path: str, said: Any = None) -> Any:
        return await house.call(method, f"/v1/{path}?{PLANNED}", said)

    await in_order(house, await call("PUT", "sessions/s", body))
    await in_order(house, await call("PUT", "sessions/s/participants/claire"), due)
    batch = {"items": [{"person": "tom"}, {"person": "zoe"}, {"person": "new", "email": "new@example.org"}]}
    await in_order(house, await call("POST", "sessions/s/participants:batch", batch), *[due] * 4)
    moved = {"starts_at": (start + timedelta(days=9)).isoformat()}
    await in_order(house, await call("PATCH", "sessions/s", moved), *[later] * 4)
    await in_order(house, await call("PUT", "sessions/s", body), *[due] * 4)
    await in_order(house, await call("DELETE", "sessions/s/participants/tom"), *[due] * 3)
    await in_order(house, await call("DELETE", "people/zoe"), *[due] * 2)
    off = await call("POST", "rules/r/deactivate")
    assert (off["rolled_out"], off["too_late"], await house.sends(status="scheduled")) == (True, [], [])
    on = await call("POST", "rules/r/activate")
    await in_order(house, {**on, "planned": on["rolled_out"]}, *[due] * 2)
    trigger = {"trigger": {"offset": "P2D"}}
    edited = await call("PATCH", "rules/r", trigger)
    after = f"{start + timedelta(days=2):%Y-%m-%d}"
    await in_order(house, {**edited, "planned": edited["rolled_out"]}, *[after] * 2)
    await in_order(house, await call("DELETE", "sessions/s"))
    await in_order(house, await call("DELETE", "rules/r"))


async def test_companies_and_trainers_can_be_waited_for(house: LivedInHouse) -> None:  # F023, F057
    start = await house.now() + MONTH
    await house.people("claire", "tom")
    await house.call("PUT", "/v1/companies/acme", {"name": "Acme", "email": "office@example.org"})
    await house.session("s", start)
    for audience in ("companies", "trainers"):
        await house.rule(audience, {"anchor": "session.start", "offset": "-P7D"}, audience=audience)

    async def statuses(method: str, path: str, body: Any = None) -> list[str]:
        answer = await house.call(method, f"/v1/{path}?{PLANNED}", body)
        assert (answer["planned"], await told(house)) == (True, True)
        return sorted(f"{send['rule']} {send['status']}" for send in await house.sends())

    company = "sessions/s/participants/claire"
    assert await statuses("PUT", company, {"company": "acme"}) == ["companies scheduled"]
    assert await statuses("PUT", "sessions/s/companies/acme", {"contact": "tom"}) == ["companies scheduled"]
    both = ["companies scheduled", "trainers scheduled"]
    assert await statuses("PUT", "sessions/s/trainers/tom") == both
    assert await statuses("DELETE", "sessions/s/trainers/tom") == ["companies scheduled", "trainers removed"]
    assert await statuses("DELETE", "companies/acme") == ["companies removed", "trainers removed"]


async def test_a_person_who_goes_to_another_zone_can_be_waited_for(house: LivedInHouse) -> None:  # F023
    start = (await house.now() + MONTH).replace(hour=12, minute=0, second=0, microsecond=0)
    await house.people("claire")
    await house.session("s", start, "claire")
    trigger = {"anchor": "session.start", "offset": "-P7D", "at": "08:00"}
    await house.rule("r", trigger, zone="recipient")

    async def hour(**said: Any) -> str:
        answer = await house.call("PUT", f"/v1/people/claire?{PLANNED}", {"email": "c@example.org", **said})
        assert (answer["planned"], answer["too_late"], await told(house)) == (True, [], True)
        (send,) = await house.sends(status="scheduled")
        return str(send["due_at"][11:16])

    assert await hour(timezone="Asia/Tokyo") == "23:00"
    assert await hour(timezone="UTC") == "08:00"
    assert await hour(timezone="UTC", first_name="Claire") == "08:00"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "LONGEST", 0.05)


@pytest.mark.usefixtures("impatient")
async def test_whoever_waits_for_a_planning_that_does_not_come_is_told_so(door: Door) -> None:
    answer = await door.put(f"sessions/s?{PLANNED}", name="S")
    assert (answer["planned"], answer["too_late"], door.pokes.take()) == (False, [], ["session s"])
    await door.put("people/claire")
    assert not (await door.put(f"sessions/s/participants/claire?{PLANNED}"))["planned"]
    gone = await door.http.delete(f"/v1/sessions/s?{PLANNED}")
    assert (gone.status_code, gone.json()) == (200, {"planned": False, "too_late": []})


@pytest.mark.usefixtures("impatient")
async def test_whoever_says_of_people_and_companies_what_moves_no_mail_waits_for_nothing(door: Door) -> None:
    await door.put("people/claire")
    await door.put("sessions/s", name="S")
    await door.put("sessions/s/participants/claire")
    async with door.store.transaction() as db:
        await db.execute(text("update participations set planned_version = version"))
    door.pokes.take()

    for path, said in (
        ("people/claire", {"email": "claire@example.org"}),
        ("people/new", {"timezone": "Asia/Tokyo"}),
        ("companies/acme", {"name": "Acme", "contact": "claire"}),
        ("companies/acme", {"name": "Acme", "contact": None}),
    ):
        answer = await door.put(f"{path}?{PLANNED}", **said)
        assert (answer["planned"], answer["too_late"]) == (True, [])
    assert door.pokes.take() == []

    for _ in range(2):  # to ask again is to ask for the same
        answer = await door.put(f"people/claire?{PLANNED}", timezone="Asia/Tokyo")
        assert (answer["planned"], answer["too_late"]) == (False, [])
    assert door.pokes.take() == ["session s"]
    assert not (await door.put("people/claire", timezone="Asia/Tokyo"))["planned"]


@pytest.mark.usefixtures("impatient")
async def test_mails_to_a_person_or_a_company_past_the_fence_are_named(door: Door) -> None:
    await door.put("templates/t", subject="Hi", html="<p>Hi</p>")
    await door.put("people/claire")
    await door.put("people/tom")
    await door.put("companies/acme", name="Acme")
    await door.put("companies/other", name="Other")
    await door.put("sessions/s", name="S")
    await door.put("sessions/s/participants/claire")
    leaving = await stand(door, "handing_over", "relance_now() - interval '1 second'")
    await stand(door, "scheduled", "null")

    assert (await door.put(f"people/claire?{PLANNED}", email="new@example.org"))["too_late"] == [leaving]
    assert (await door.put(f"people/tom?{PLANNED}", email="new@example.org"))["too_late"] == []

    await door.put("sessions/s/participants/claire", company="acme")
    async with door.store.transaction() as db:
        of_company = "select id from participations where role = 'company'"
        await db.execute(text(f"update sends set participation_id = ({of_company})"))  # noqa: S608 - the test's own words
    assert (await door.put(f"companies/acme?{PLANNED}", name="A"))["too_late"] == [leaving]
    assert (await door.put(f"companies/other?{PLANNED}", name="O"))["too_late"] == []


async def test_a_wait_ends_as_soon_as_what_was_written_is_planned(door: Door) -> None:
    """Others may be behind: what is awaited is this write, not a moment in which nothing changes."""
    await door.put("people/claire")
    await door.put("people/tom")
    await door.put("sessions/s", name="S")
    await door.put("sessions/s/participants/tom")

    waits = asyncio.create_task(door.put(f"sessions/s/participants/claire?{PLANNED}"))
    plan = text("""
        update participations set planned_version = version
        where person_id = (select id from people where key = 'claire')
    """)
    while not waits.done():
        async with door.store.transaction() as db:
            await db.execute(plan)
        await asyncio.sleep(0.01)

    assert (await waits)["planned"]
    assert [one["planned"] for one in (await door.get("sessions/s/participants"))["items"]] == [True, False]


async def test_an_unknown_wish_is_refused(door: Door) -> None:
    await door.put("sessions/s", name="S")
    before = await door.everything()
    for method, path in (("PUT", "sessions/s"), ("DELETE", "sessions/s"), ("PATCH", "sessions/s")):
        answer = await door.http.request(method, f"/v1/{path}?wait=sent", json={"name": "X"})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "wait")
    assert await door.everything() == before


async def stand(door: Door, status: str, handed: str = "relance_now()") -> str:
    """Put one send of a session into a state by hand, and return it."""
    statement = text(f"""
        with rule as (
            insert into rules (organization_id, key, name, template_id, definition)
            select organization_id, gen_random_uuid(), 'R', templates.id, '{{}}' from templates returning id
        )
        insert into sends (id, organization_id, rule_id, session_id, scope_id, participation_id, recipient_id, status,
                           rule_version, due_at, latest_at, due_local, due_zone, zone_data, token, handed_at)
        select gen_random_uuid(), s.organization_id, rule.id, s.id, s.id, p.id, p.person_id, :status, 1,
               now(), now(), now(), 'UTC', '', gen_random_uuid(), {handed}
        from rule, sessions s join participations p on p.session_id = s.id
        returning id
    """)  # noqa: S608 - the test's own words
    async with door.store.transaction() as db:
        return str((await db.execute(statement, {"status": status})).scalar_one())


@pytest.mark.usefixtures("impatient")
async def test_mails_past_the_fence_are_named_and_no_others(door: Door) -> None:
    await door.put("templates/t", subject="Hi", html="<p>Hi</p>")
    await door.put("people/claire")
    await door.put("sessions/s", name="S")
    await door.put("sessions/s/participants/claire")
    await stand(door, "sent", "relance_now() - interval '1 second'")
    await stand(door, "in_doubt", "relance_now() - interval '1 second'")
    await stand(door, "scheduled", "null")
    leaving = await stand(door, "handing_over", "relance_now() - interval '1 second'")

    for method, path, body in (
        ("PATCH", "sessions/s", {"stage": "x"}),
        ("PUT", "sessions/s", {"name": "S"}),
        ("PUT", "sessions/s/participants/claire", {}),
        ("DELETE", "sessions/s/participants/claire", None),
        ("DELETE", "sessions/s", None),
    ):
        answer = await door.call(method, f"/v1/{path}?{PLANNED}", body)
        assert answer["too_late"] == [leaving], path
    assert (await door.put("sessions/other?wait=planned", name="S"))["too_late"] == []


@pytest.mark.usefixtures("impatient")
async def test_mails_to_somebody_in_a_role_are_named_when_they_change(door: Door) -> None:
    await door.put("templates/t", subject="Hi", html="<p>Hi</p>")
    for person in ("boss", "lead", "head", "other"):
        await door.put(f"people/{person}")
    await door.put("people/claire", manager="lead")
    await door.put("companies/acme", name="Acme", contact="boss")
    await door.put("sessions/s", name="S", manager="head")
    await door.put("sessions/s/participants/claire", company="acme")
    async with door.store.transaction() as db:  # that she is a company's is no mail of its own here
        await db.execute(text("delete from participations where role = 'company'"))
    leaving = await stand(door, "handing_over", "relance_now() - interval '1 second'")

    for path in ("people/boss", "people/lead", "people/head", "people/claire"):
        assert (await door.put(f"{path}?{PLANNED}", email="new@example.org"))["too_late"] == [leaving], path
    assert (await door.put(f"companies/acme?{PLANNED}", name="A"))["too_late"] == [leaving]
    assert (await door.put(f"people/other?{PLANNED}", email="new@example.org"))["too_late"] == []


@pytest.mark.usefixtures("impatient")
async def test_a_mail_that_left_while_the_request_waited_for_the_facts_is_named(door: Door) -> None:
    await door.put("templates/t", subject="Hi", html="<p>Hi</p>")
    await door.put("people/claire")
    session = await door.put("sessions/s", name="S")
    await door.put("sessions/s/participants/claire")
    assert session["planned"] is False

    async with door.store.transaction() as db:  # as a fence does
        await db.execute(
            text("select pg_advisory_xact_lock_shared(hashtextextended(id::text, 1)) from sessions")
        )
        moving = asyncio.create_task(door.put(f"sessions/s?{PLANNED}", name="S", stage="moved"))
        await door.blocked()
        left = await stand(door, "sent")

    assert (await moving)["too_late"] == [left]
    assert (await door.put(f"sessions/s?{PLANNED}", name="S"))["too_late"] == []
