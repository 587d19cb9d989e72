"""`?dry_run=true`: every write says beforehand what becomes of the mails, truly, and changes nothing."""

from datetime import timedelta
from typing import Any, NamedTuple

import httpx
import pytest

from api.openapi import operations
from tests.api.door import Door
from tests.api.outlooks import World, agrees, happened, open_world
from tests.api.story import Story

DAY = timedelta(days=1)

# Nothing that planning reads is written there: decisions about one mail, who may do what, whom an address belongs to.
ELSEWHERE = {
    "POST /v1/sends/{id}/cancel",
    "POST /v1/sends/{id}/reactivate",
    "POST /v1/sends/{id}/send-now",
    "POST /v1/sends/{id}/resolve",
    "POST /v1/templates/{id}/preview",
    "POST /v1/rules/simulate",
    "POST /v1/rules/{id}/simulate",
    "DELETE /v1/suppressions/{address}",
    "PUT /v1/centers/{id}",
    "DELETE /v1/centers/{id}",
    "POST /v1/tokens",
    "DELETE /v1/tokens/{id}",
}

ALL_DAY = {"starts_at": "2027-04-12T09:00:00+02:00", "ends_at": "2027-04-12T17:00:00+02:00"}
SLOTS = [{"id": "monday", "name": "Monday", **ALL_DAY}]
SESSION = {"name": "Talk", "starts_at": ALL_DAY["starts_at"], "slots": SLOTS}
OWN = {"starts_at": "2027-04-19T09:00:00+02:00", "ends_at": "2027-04-20T09:00:00+02:00"}


def rule(id: str, **says: Any) -> dict[str, Any]:
    trigger = {"type": "date", "anchor": "session.start", "offset": "-P7D", **says.pop("trigger", {})}
    template = says.get("audience", "participants")
    return {"id": id, "name": id, "template": template, "trigger": trigger, **says}


def edited(id: str, **says: Any) -> dict[str, Any]:
    return {name: value for name, value in rule(id, **says).items() if name != "id"}


class Write(NamedTuple):
    """One write, and the route that it is asked of."""

    route: str
    path: str
    body: Any = None
    moves: bool = True  # mails, if they are what it is about


# In this order: each is asked with `dry_run`, held against what comes of it, and what comes of it is where the next begins.
WRITES = [
    Write("PUT /v1/templates/{id}", "templates/participants", {"subject": "Hi", "html": "<p>Hi</p>"}, False),
    Write("POST /v1/templates", "templates", {"id": "new", "subject": "Hi", "html": "<p>Hi</p>"}, False),
    Write("POST /v1/rules", "rules", rule("j3", trigger={"offset": "-P3D"}), False),
    Write("POST /v1/rules/{id}/activate", "rules/j3/activate"),
    Write("PUT /v1/rules/{id}", "rules/j3", edited("j3", trigger={"offset": "-P4D"})),
    Write("PATCH /v1/rules/{id}", "rules/j3", {"trigger": {"at": "08:00"}}),
    Write("PATCH /v1/rules/{id}", "rules/j3", {"conditions": {"stages": ["confirmed"]}}),
    Write("PATCH /v1/sessions/{id}", "sessions/S-1", {"stage": "confirmed"}),
    Write("POST /v1/rules/{id}/contact-again", "rules/j3/contact-again"),
    Write("POST /v1/rules/{id}/deactivate", "rules/j3/deactivate"),
    Write("POST /v1/rules/{id}/activate", "rules/j3/activate"),
    Write("PUT /v1/sessions/{id}/rules/{rule}", "sessions/S-1/rules/j3", {"offset": "-P2D"}),
    Write("PUT /v1/sessions/{id}/rules/{rule}", "sessions/S-1/rules/j3", {"active": False}),
    Write("DELETE /v1/sessions/{id}/rules/{rule}", "sessions/S-1/rules/j3"),
    Write(
        "PUT /v1/sessions/{id}/rules/{rule}",
        "sessions/S-2/rules/alone",
        {**edited("alone", trigger={"offset": "-P1D"}), "active": True},
    ),
    Write("PUT /v1/sessions/{id}/rules/{rule}", "sessions/S-2/rules/alone", {"active": False}),
    Write("PUT /v1/sessions/{id}/rules/{rule}", "sessions/S-2/rules/alone", {"active": True}),
    Write("DELETE /v1/sessions/{id}/rules/{rule}", "sessions/S-2/rules/alone"),
    Write("PUT /v1/people/{id}", "people/ada", {"email": "ada@example.org", "timezone": "Asia/Tokyo"}),
    Write("PUT /v1/people/{id}", "people/new", {"email": "new@example.org"}, False),
    Write("PUT /v1/companies/{id}", "companies/c-1", {"name": "C", "contact": "ada"}, False),
    Write(
        "PUT /v1/sessions/{id}/companies/{company}", "sessions/S-1/companies/c-1", {"contact": "bob"}, False
    ),
    Write("PUT /v1/sessions/{id}/participants/{person}", "sessions/S-1/participants/new", {"company": "c-2"}),
    Write("PUT /v1/sessions/{id}/participants/{person}", "sessions/S-1/participants/ada", OWN),
    Write(
        "POST /v1/sessions/{id}/participants:batch",
        "sessions/S-2/participants:batch",
        {
            "items": [{"person": "bob"}, {"person": "zoe", "email": "zoe@example.org", "company": "c-3"}],
            "remove_missing": True,
        },
    ),
    Write("DELETE /v1/sessions/{id}/participants/{person}", "sessions/S-1/participants/new"),
    Write("PUT /v1/sessions/{id}/trainers/{person}", "sessions/S-2/trainers/tom", {"slots": []}),
    Write("PUT /v1/sessions/{id}/trainers/{person}", "sessions/S-2/trainers/tom", {"slots": None}),
    Write("DELETE /v1/sessions/{id}/trainers/{person}", "sessions/S-2/trainers/tom"),
    Write("PUT /v1/sessions/{id}/trainers/{person}", "sessions/S-2/trainers/tom"),
    Write("PUT /v1/sessions/{id}", "sessions/S-2", {**SESSION, "slots": []}),
    Write("PATCH /v1/sessions/{id}", "sessions/S-1", {"starts_at": "2027-05-03T10:00:00+02:00"}),
    Write("PATCH /v1/sessions/{id}", "sessions/S-1", {"starts_at": "2027-03-08T10:00:00+02:00"}),
    Write("PUT /v1/sessions/{id}", "sessions/S-3", {"name": "New", "starts_at": OWN["starts_at"]}, False),
    Write("POST /v1/sessions/{id}/corrections", "sessions/S-4/corrections", {"rule": "j7"}),
    Write("DELETE /v1/companies/{id}", "companies/c-1"),
    Write("DELETE /v1/people/{id}", "people/ada"),
    Write("DELETE /v1/rules/{id}", "rules/j3"),
    Write("DELETE /v1/templates/{id}", "templates/new", moves=False),
    Write("DELETE /v1/sessions/{id}", "sessions/S-2"),
]


@pytest.fixture
async def world(door: Door) -> World:
    """A house of 1 March 2027: two sessions on 12 April, and one that has moved since its mails were sent."""
    await Story(door).begin()
    world = await open_world(door)
    for audience in ("participants", "trainers", "companies"):
        await door.put(f"templates/{audience}", audience=audience, subject="Hi", html="<p>Hi</p>")
    for person in ("ada", "bob", "tom", "eve"):
        await door.put(f"people/{person}", email=f"{person}@example.org")
    for company in ("c-1", "c-2", "c-3"):
        await door.put(f"companies/{company}", name=company, email=f"{company}@example.org")
    for session in ("S-1", "S-2", "S-4"):
        await door.put(f"sessions/{session}", **SESSION)
    await door.put("sessions/S-1/participants/ada", company="c-1")
    await door.put("sessions/S-1/participants/bob", company="c-1")
    await door.put("sessions/S-2/participants/ada", company="c-2")
    await door.put("sessions/S-2/trainers/tom", slots=["monday"])
    await door.put("sessions/S-4/participants/eve")
    await door.put("sessions/S-4/participants/bob")
    own = {"anchor": "participation.start", "offset": "-P1D"}
    for one in (
        rule("j7"),
        rule("zone", zone="recipient", trigger={"at": "08:00"}),
        rule("slots", audience="trainers", scope="slot", trigger={"anchor": "slot.start"}),
        rule("companies", audience="companies"),
        rule("groups", audience="companies", trigger=own),
        rule("own", trigger=own),
    ):
        await door.call("POST", "/v1/rules", one)
        await door.call("POST", f"/v1/rules/{one['id']}/activate")
    await world.plan()
    assert await world.leave("S-4", "j7") == 2
    await door.call("PATCH", "/v1/sessions/S-4", {"starts_at": "2027-04-26T09:00:00+02:00"})
    await world.plan()
    return world


async def ask(door: Door, write: Write, *, dry: bool = True) -> httpx.Response:
    method, _, _ = write.route.partition(" ")
    headers = {"Idempotency-Key": "k"} if method == "POST" and dry else {}
    return await door.http.request(
        method, f"/v1/{write.path}{'?dry_run=true' if dry else ''}", json=write.body, headers=headers
    )


async def test_every_write_says_truly_what_becomes_of_the_mails_and_changes_nothing(world: World) -> None:
    door = world.door
    for write in WRITES:
        before, rows = await door.everything(), await world.sends()
        door.pokes.take()

        dry = await ask(door, write)

        assert dry.status_code == 200, (write, dry.text)
        assert await door.everything() == before, write
        assert door.pokes.take() == [], write
        assert (await ask(door, write, dry=False)).status_code < 300, write
        await world.plan()
        came = happened(rows, await world.sends())
        try:
            agrees(dry.json(), came)
        except AssertionError as error:
            raise AssertionError(f"{write}\n{dry.json()['said']}\n{error}") from error
        assert bool(came) == write.moves, (write, came)


async def test_every_write_route_has_a_dry_run_that_is_tried_here(door: Door) -> None:
    document: dict[str, Any] = (await door.http.get("/openapi.json")).json()
    writes, dry = set(), set()
    for method, path, operation in operations(document):
        if method != "GET" and path.startswith("/v1"):
            writes.add(f"{method} {path}")
            if any(one["name"] == "dry_run" for one in operation["parameters"]):
                dry.add(f"{method} {path}")

    assert writes - dry == ELSEWHERE
    assert dry == {write.route for write in WRITES}


async def dry(door: Door, method: str, path: str, body: Any = None) -> Any:
    return await door.call(method, f"/v1/{path}{'&' if '?' in path else '?'}dry_run=true", body)


def who(mails: dict[str, Any]) -> list[str]:
    assert len(mails["first"]) == mails["count"]
    return sorted(mail["person"] or mail["company"] for mail in mails["first"])


async def test_a_move_says_who_moves_who_is_too_late_and_who_was_told_the_old_date(world: World) -> None:
    """As in DESIGN 11: so many move, so many fall in the past, one was already sent with the old date."""
    door = world.door
    await door.put("sessions/S-5", **SESSION)
    for person in ("ada", "bob", "eve"):
        await door.put(f"sessions/S-5/participants/{person}")
    await world.plan()
    await world.leave("S-5", "own", "eve")

    outlook = await dry(door, "PATCH", "sessions/S-5", {"starts_at": "2027-03-04T09:00:00+01:00"})

    assert who(outlook["move"]) == ["ada", "bob"]  # the day before, on 3 March
    assert who(outlook["too_late"]) == [
        "ada",
        "ada",
        "bob",
        "bob",
        "eve",
        "eve",
    ]  # J-7 would have been in February
    assert outlook["too_late"]["reasons"] == {"due_in_past": 6}
    (told,) = outlook["already_told"]["first"]
    assert (told["person"], told["rule"]) == ("eve", "own")
    assert (told["was_at"], told["due_at"]) == ("2027-04-12T07:00:00Z", "2027-03-04T08:00:00Z")
    assert (told["local"], told["timezone"]) == ("2027-03-04T09:00:00", "Europe/Paris")
    assert outlook["said"] == (
        "2 mails move, 6 mails are too late to leave and 1 mail was already sent with the old date. "
        "They leave on Wed, 3 Mar 2027 at 09:00 (Europe/Paris)."
    )
    assert outlook["per_day"] == [{"day": "2027-03-03", "mails": 2}]
    assert outlook["sessions"] == {
        "count": 1,
        "first": [{"session": "S-5", "mails": {"move": 2, "too_late": 6, "already_told": 1}}],
    }


DATES_STAY: list[tuple[str, str, Any]] = [
    ("PUT", "sessions/S-4/participants/eve", {"completed_at": "2027-03-01T09:00:00Z"}),
    ("PUT", "sessions/S-4/participants/eve", {"slots": []}),
    ("DELETE", "sessions/S-4/participants/eve", None),
    ("PATCH", "sessions/S-4", {"stage": "confirmed"}),
    ("PATCH", "sessions/S-4", {"starts_at": "2027-04-26T07:00:00Z"}),
    ("PUT", "sessions/S-4/rules/j7", {"offset": "-P2D"}),
    ("PUT", "sessions/S-4/rules/j7", {"template": "participants"}),
    ("PUT", "sessions/S-4/rules/j7", {"active": False}),
    ("DELETE", "sessions/S-4/rules/own", None),
]


@pytest.mark.parametrize(("method", "path", "body"), DATES_STAY)
async def test_what_a_session_that_moved_before_had_told_is_no_news(
    world: World, method: str, path: str, body: Any
) -> None:
    """Eve and Bob were told the 12th before it was put on the 26th: no write makes that wrong again."""
    if method == "DELETE" and "rules" in path:
        await world.door.put(path, offset="-P2D")
        await world.plan()

    outlook = await dry(world.door, method, path, body)

    assert outlook["already_told"]["count"] == 0, outlook["said"]


async def test_mails_that_keep_their_time_are_not_written_otherwise(world: World) -> None:
    """Ten minutes later, and a week before at 09:00 as it was: the same mail to the same people by the same template."""
    at_nine = rule("at-nine", trigger={"at": "09:00"})
    await world.door.call("POST", "/v1/rules", at_nine)
    await world.door.call("POST", "/v1/rules/at-nine/activate")
    await world.plan()
    before = await world.sends()
    later = {"starts_at": "2027-04-12T09:10:00+02:00"}

    outlook = await dry(world.door, "PATCH", "sessions/S-1", later)

    assert outlook["move"]["count"] > 0
    assert outlook["change"]["count"] == 0
    assert "at-nine" not in {mail["rule"] for mail in outlook["move"]["first"]}
    await world.door.call("PATCH", "/v1/sessions/S-1", later)
    await world.plan()
    after = await world.sends()
    agrees(outlook, happened(before, after))
    kept = [row for row in after.values() if (row["session"], row["rule"]) == ("S-1", "at-nine")]
    assert {f"{row['anchor_at']:%H:%M}" for row in kept} == {"07:10"}  # which they tell


async def test_a_date_that_changes_again_makes_wrong_what_was_told_since(world: World) -> None:
    door = world.door
    await door.put("sessions/S-4/participants/ada")
    await world.plan()
    await world.leave("S-4", "j7", "ada")  # it tells the 26th
    back, on = "2027-04-12T09:00:00+02:00", "2027-05-03T09:00:00+02:00"

    again = await dry(door, "PATCH", "sessions/S-4", {"starts_at": on})
    as_told = await dry(door, "PATCH", "sessions/S-4", {"starts_at": back})
    own = await dry(door, "PUT", "sessions/S-4/participants/ada", OWN)

    (told,) = again["already_told"]["first"]
    assert (told["person"], told["rule"], told["was_at"], told["due_at"]) == (
        "ada",
        "j7",
        "2027-04-26T07:00:00Z",
        "2027-05-03T07:00:00Z",
    )
    assert who(as_told["already_told"]) == ["ada"]
    assert own["already_told"]["count"] == 0  # she was told the session's
    assert again["sessions"]["first"][0]["mails"]["already_told"] == 1


async def test_a_company_is_told_wrong_about_whoever_has_another_date_since(world: World) -> None:
    """Its one mail is about ada and bob, of whom ada's date has changed before."""
    door = world.door
    await world.leave("S-1", "groups")
    await door.put("sessions/S-1/participants/ada", company="c-1", **OWN)
    await world.plan()

    nothing_new = await dry(
        door,
        "PUT",
        "sessions/S-1/participants/ada",
        {**OWN, "company": "c-1", "completed_at": "2027-03-01T09:00:00Z"},
    )
    of_bob = await dry(door, "PUT", "sessions/S-1/participants/bob", {"company": "c-1", **OWN})

    assert nothing_new["already_told"]["count"] == 0
    assert [mail["company"] for mail in of_bob["already_told"]["first"]] == ["c-1"]


async def test_an_outlook_is_told_in_french(world: World) -> None:
    world.door.http.headers["Accept-Language"] = "fr-FR,fr;q=0.9"

    outlook = await dry(world.door, "DELETE", "sessions/S-1/participants/ada")

    assert outlook["said"].endswith("disparaissent.")


async def test_what_is_too_late_for_somebody_new_is_said_and_for_others_is_not(world: World) -> None:
    """J-7 on a session that starts in three days (F069): nobody gets it, and whoever joins is told of it."""
    door = world.door
    await door.put("sessions/S-5", name="Soon", starts_at="2027-03-04T09:00:00+01:00")
    await door.put("sessions/S-5/participants/ada")
    await world.plan()

    joins = await dry(door, "PUT", "sessions/S-5/participants/bob")
    moves = await dry(door, "PATCH", "sessions/S-5", {"starts_at": "2027-03-05T09:00:00+01:00"})

    assert (who(joins["appear"]), who(joins["too_late"])) == (["bob"], ["bob", "bob"])
    assert [mail["rule"] for mail in joins["too_late"]["first"]] == ["zone", "j7"]
    assert (who(moves["move"]), moves["too_late"]["count"]) == (["ada"], 0)


async def test_a_fact_that_is_no_news_is_said_to_be_none(world: World) -> None:
    """A completion of last month, written down today, has nobody written to."""
    thanks = rule("thanks", trigger={"anchor": "completed", "offset": "P1D"})
    await world.door.call("POST", "/v1/rules", thanks)
    await world.door.call("POST", "/v1/rules/thanks/activate")
    await world.plan()

    old = await dry(
        world.door, "PUT", "sessions/S-1/participants/ada", {"completed_at": "2027-02-01T09:00:00Z"}
    )
    news = await dry(
        world.door, "PUT", "sessions/S-1/participants/ada", {"completed_at": "2027-03-01T09:00:00Z"}
    )

    assert (old["too_late"]["reasons"], old["appear"]["count"]) == ({"old_fact": 1}, 0)
    assert (news["too_late"]["count"], who(news["appear"])) == (0, ["ada"])


async def test_contacting_again_names_whom_it_reaches_again_and_whom_in_any_case(world: World) -> None:
    """F105: eve has had the mail, bob is to get it, and somebody has taken ada's out by hand."""
    door = world.door
    await door.put("sessions/S-5", **SESSION)
    for person in ("ada", "bob", "eve", "tom"):
        await door.put(f"sessions/S-5/participants/{person}")
    await world.plan()
    await world.leave("S-5", "j7", "eve")
    await cancel(world, "S-5", "j7", "ada")
    await world.rows.execute("""
        update sends set status = 'failed', reason = 'refused', ended_at = relance_now(), version = sends.version + 1
        from sessions, rules, people where sessions.id = sends.session_id and rules.id = rule_id
          and people.id = recipient_id and (sessions.key, rules.key, people.key) = ('S-5', 'j7', 'tom')
    """)
    before = await world.sends()

    outlook = await dry(door, "POST", "rules/j7/contact-again")

    here = {
        kind: [mail["person"] for mail in outlook[kind]["first"] if mail["session"] == "S-5"]
        for kind in ("appear", "again", "anyway", "disappear")
    }
    assert here == {"appear": ["tom"], "again": ["eve"], "anyway": ["bob"], "disappear": []}
    assert [(mail["session"], mail["due_at"]) for mail in outlook["again"]["first"]] == [
        ("S-5", "2027-04-05T07:00:00Z"),
        ("S-4", "2027-04-19T07:00:00Z"),
        ("S-4", "2027-04-19T07:00:00Z"),
    ]
    assert outlook["said"].startswith(
        "1 mail appears, 3 mails go to people already contacted and 4 mails leave in any case. The first leaves on "
    )
    await door.call("POST", "/v1/rules/j7/contact-again")
    await world.plan()
    agrees(outlook, happened(before, await world.sends()))


async def cancel(world: World, session: str, rule: str, person: str) -> None:
    asked = f"sends?session={session}&rule={rule}&recipient={person}"
    (send,) = (await world.door.get(asked))["items"]
    await world.door.call("POST", f"/v1/sends/{send['id']}/cancel")


async def test_mails_that_are_leaving_are_named(world: World) -> None:
    await world.rows.execute("""
        update sends set status = 'handing_over', token = gen_random_uuid(), handed_at = relance_now()
        from rules, people where rules.id = rule_id and people.id = recipient_id
          and rules.key = 'j7' and people.key = 'ada'
    """)

    moved = await dry(world.door, "PATCH", "sessions/S-1", {"starts_at": "2027-04-13T09:00:00+02:00"})
    renamed = await dry(world.door, "PATCH", "sessions/S-1", {"name": "Another"})
    off = await dry(world.door, "POST", "rules/j7/deactivate")

    (leaving,) = moved["past_the_fence"]["first"]
    assert (leaving["person"], leaving["rule"], leaving["session"]) == ("ada", "j7", "S-1")
    assert renamed["said"] == "Nothing changes: no mail appears, moves or disappears."
    assert [mail["session"] for mail in off["past_the_fence"]["first"]] == ["S-1", "S-2"]
    assert who(off["disappear"]) == ["bob"]


REFUSED = [
    ("PUT", "sessions/S-1", {}, 422),
    ("PUT", "sessions/S-1", {"name": "T", "starts_at": "tomorrow"}, 422),
    ("PATCH", "sessions/nowhere", {}, 404),
    ("DELETE", "sessions/nowhere", None, 404),
    ("PUT", "sessions/S-1/participants/nobody", {}, 422),
    ("POST", "sessions/S-1/participants:batch", {"items": [{"person": "nobody"}]}, 422),
    ("PUT", "rules/nothing", edited("nothing"), 404),
    ("PUT", "rules/j7", {**edited("j7"), "template": "nothing"}, 422),
    ("POST", "rules", rule("j7"), 409),
    ("POST", "rules/nothing/activate", None, 404),
    ("DELETE", "templates/participants", None, 409),
    ("POST", "sessions/S-4/corrections", {"rule": "nothing"}, 422),
    ("POST", "sessions/S-4/corrections", {"rule": "j7", "template": "trainers"}, 422),
    ("POST", "sessions/S-4/corrections", {"rule": "j7", "people": ["nobody"]}, 422),
    ("DELETE", "people/nobody", None, 404),
]


async def test_what_would_be_refused_is_refused(world: World) -> None:
    before = await world.door.everything()
    for method, path, body, status in REFUSED:
        rehearsed = await world.door.http.request(method, f"/v1/{path}?dry_run=true", json=body)
        real = await world.door.http.request(method, f"/v1/{path}", json=body)

        assert (rehearsed.status_code, rehearsed.json()) == (status, real.json()), path
    assert await world.door.everything() == before


async def test_a_dry_run_is_asked_for_in_one_way(world: World) -> None:
    """Whoever asks in another way must not find that it was done."""
    before = await world.door.everything()
    for value in ("maybe", "", "True", "1"):
        answer = await world.door.http.delete(f"/v1/sessions/S-1?dry_run={value}")

        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "dry_run")
    assert await world.door.everything() == before
    assert (await world.door.http.delete("/v1/sessions/S-1?dry_run=false")).status_code == 204


async def test_a_key_is_not_used_up_by_a_dry_run(world: World) -> None:
    write = Write("POST /v1/rules", "rules", rule("new"))

    first, second = await ask(world.door, write), await ask(world.door, write)
    done = await world.door.http.post("/v1/rules", json=write.body, headers={"Idempotency-Key": "k"})

    assert (first.status_code, second.status_code, done.status_code) == (200, 200, 201)
    assert "idempotency-replayed" not in {*second.headers, *done.headers}


async def test_a_dry_run_does_not_wait_for_planning(world: World) -> None:
    """Nor does it ask for it: with `wait` it answers at once."""
    await world.door.call("PATCH", "/v1/sessions/S-1", {"starts_at": "2027-05-03T09:00:00+02:00"})

    outlook = await dry(world.door, "PATCH", "sessions/S-1?wait=planned", {"stage": "x"})

    assert outlook["move"]["count"] > 0  # what was written before, and is not planned yet, is told with it
    assert world.door.pokes.take()[-1:] == ["session S-1"]
