"""What is written is read again, and asks for planning exactly when planning reads it."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.api.door import Door

NINE, TEN, NOON = "2027-01-25T09:00:00Z", "2027-01-25T10:00:00Z", "2027-01-25T12:00:00Z"
MODULE = {
    "id": "safety",
    "name": "Safety first",
    "starts_at": NINE,
    "ends_at": NOON,
    "mode": "on site",
    "category": "legal",
    "room": "B 204",
}
SLOT = {
    "id": "monday",
    "name": "Monday",
    "module": "safety",
    "starts_at": NINE,
    "ends_at": TEN,
    "synchronous": False,
    "room": "A 1",
}
KEY = "Acme/Sons & c°"
LATER = {**SLOT, "id": "later", "starts_at": TEN, "ends_at": NOON}
SESSION: dict[str, Any] = {
    "name": "Managing a project",
    "timezone": "America/New_York",
    "starts_at": NINE,
    "ends_at": NOON,
    "stage": "confirmed",
    "mode": "remote",
    "category": "management",
    "room": "C 3",
    "center": "lyon",
    "manager": "zoe",
    "data": {"level": 2, "tutor": {"name": "Ada", "floors": [1, None]}},
    "source_version": 7,
    "modules": [MODULE],
    "slots": [SLOT, LATER],
}


# What the answer to a write says besides.
WRITTEN = {"applied": True, "exists": True, "too_late": None}

# What nobody has said of a participant, who is enrolled at the moment of the first write.
NO_FACTS: dict[str, Any] = {
    **dict.fromkeys(
        ("starts_at", "ends_at", "deadline_at", "started_at", "completed_at", "attendance", "status")
    ),
    "answered": [],
}


async def a_session(door: Door, **says: Any) -> Any:
    """Put the session with some people known, as if it had been planned."""
    for key in ("claire", "tom", "zoe"):
        await door.put(f"people/{key}")
    for key in ("acme", "best"):
        await door.put(f"companies/{key}", name=key)
    session = await door.put("sessions/s", **{**SESSION, **says})
    door.pokes.take()
    return session


async def test_a_session_is_read_as_it_was_written(door: Door) -> None:
    await door.put("people/zoe")

    written = await door.put("sessions/s", **SESSION)

    expected = {"id": "s", **SESSION, "version": 1, "planned": False}
    assert (written, await door.get("sessions/s")) == ({**expected, **WRITTEN}, expected)
    assert door.pokes.take() == ["session s"]


async def test_a_put_replaces_everything(door: Door) -> None:
    await door.put("people/zoe")
    await door.put("sessions/s", **SESSION)

    bare = await door.put("sessions/s", name="Bare")

    nothing = dict.fromkeys(
        ("starts_at", "ends_at", "stage", "mode", "category", "room", "center", "manager")
    )
    expected: dict[str, Any] = {
        "id": "s",
        "name": "Bare",
        "timezone": "Europe/Paris",
        **nothing,
        "data": {},
        "source_version": 7,
        "modules": [],
        "slots": [],
        "version": 2,
        "planned": False,
    }
    assert (bare, await door.get("sessions/s")) == ({**expected, **WRITTEN}, expected)


async def test_a_slot_needs_no_module_and_a_module_no_date(door: Door) -> None:
    slot = {"id": "s", "name": "S", "starts_at": NINE, "ends_at": TEN}
    module = {"id": "m", "name": "M"}

    written = await door.put("sessions/s", name="S", modules=[module], slots=[slot])

    nothing = dict.fromkeys(("starts_at", "ends_at", "mode", "category", "room"))
    assert written["modules"] == [{**module, **nothing}]
    assert written["slots"] == [{**slot, "module": None, "synchronous": True, "room": None}]


@pytest.mark.parametrize(
    ("says", "bumps"),
    [
        ({}, 0),
        ({"name": "Another", "room": None, "manager": "tom", "data": {}, "source_version": 8}, 0),
        ({"modules": [{**MODULE, "name": "Another", "room": None}]}, 0),
        ({"slots": [{**SLOT, "name": "Another", "room": None}, LATER]}, 0),
        ({"slots": [{**SLOT, "synchronous": True}, LATER]}, 1),
        ({"center": "nice"}, 1),
        ({"stage": None}, 1),
        ({"mode": "on site"}, 1),
        ({"category": "other"}, 1),
        ({"slots": [SLOT]}, 1),
        ({"stage": "planned", "starts_at": None, "ends_at": None, "slots": [], "modules": []}, 1),
    ],
)
async def test_a_session_is_one_version_further_when_planning_would_read_anything_new(
    door: Door, says: dict[str, Any], bumps: int
) -> None:
    before = await a_session(door)

    after = await door.put("sessions/s", **{**SESSION, **says})

    assert after["version"] - before["version"] == bumps


async def test_a_participant_comes_from_a_company_to_some_slots(door: Door) -> None:
    await a_session(door)

    nothing = {"source_version": None, "planned": False}
    plain = await door.call("PUT", "/v1/sessions/s/participants/claire")
    nothing |= {**NO_FACTS, "enrolled_at": plain["enrolled_at"]}
    assert plain == {"person": "claire", "company": None, "slots": None, **nothing, **WRITTEN}
    assert door.pokes.take() == ["session s"]

    said = await door.put("sessions/s/participants/claire", company="acme", slots=["later", "monday"])
    part = {"person": "claire", "company": "acme", "slots": ["monday", "later"]}
    assert said == {**part, **nothing, **WRITTEN}

    await door.call("DELETE", "/v1/sessions/s/participants/claire")
    assert (await door.get("sessions/s/participants"))["items"] == []
    assert await door.call("PUT", "/v1/sessions/s/participants/claire") == said
    assert await door.put("sessions/s/participants/claire", slots=["later"]) == {**said, "slots": ["later"]}
    assert await door.put("sessions/s/participants/claire", company=None, slots=None) == plain
    listed = {"person": "claire", "company": None, "slots": None, **nothing}
    assert (await door.get("sessions/s/participants")) == {"items": [listed], "next": None}


async def test_a_participation_bumps_itself_and_its_company_and_never_the_session(door: Door) -> None:
    await a_session(door)
    session = await door.versions("sessions")

    async def grown(**said: Any) -> int:
        before = sum(await door.versions("participations"))
        await door.put("sessions/s/participants/claire", **said)
        return sum(await door.versions("participations")) - before

    assert [
        await grown(),  # joins
        await grown(),
        await grown(company="acme"),  # the company's own comes into being
        await grown(company="acme"),
        await grown(slots=["monday"]),
        await grown(company="best"),
        await grown(company=None, slots=None),
    ] == [1, 0, 2, 0, 2, 3, 2]
    assert await door.versions("sessions") == session


async def test_trainers_have_slots_and_no_company(door: Door) -> None:
    await a_session(door)

    nothing = {"source_version": None, "planned": False, **WRITTEN}
    assert await door.call("PUT", "/v1/sessions/s/trainers/tom") == {
        "person": "tom",
        "slots": None,
        **nothing,
    }
    said = await door.put("sessions/s/trainers/tom", slots=["monday"])
    await door.put("sessions/s/trainers/claire", slots=[])

    assert said == {"person": "tom", "slots": ["monday"], **nothing}
    found = (await door.get("sessions/s/trainers"))["items"]
    assert [(one["person"], one["slots"]) for one in found] == [("claire", []), ("tom", ["monday"])]
    await door.call("DELETE", "/v1/sessions/s/trainers/tom")
    assert [one["person"] for one in (await door.get("sessions/s/trainers"))["items"]] == ["claire"]
    assert (await door.get("sessions/s/participants"))["items"] == []
    assert door.pokes.take() == ["session s"] * 4


async def test_a_company_of_a_session_has_a_contact_for_it(door: Door) -> None:  # F057
    await a_session(door)
    await door.put("sessions/s/participants/claire", company="acme")
    door.pokes.take()

    said = await door.put("sessions/s/companies/best", contact="tom")
    known = {"company": "best", "contact": "tom", "present": False, "source_version": None}
    assert said == {**known, "planned": False, **WRITTEN}
    assert door.pokes.take() == ["session s"]

    found = (await door.get("sessions/s/companies"))["items"]
    assert [(one["company"], one["contact"], one["present"]) for one in found] == [
        ("acme", None, True),
        ("best", "tom", False),
    ]
    assert (await door.put("sessions/s/companies/best", contact=None))["contact"] is None


async def test_a_company_is_read_as_it_was_written(door: Door) -> None:
    await door.put("people/claire@example.org")
    body = {
        "name": "Acme & Sons",
        "email": "office@example.org",
        "language": "fr",
        "contact": "claire@example.org",
    }

    written = await door.put(f"companies/{quote(KEY)}", **body)

    expected = {"id": KEY, **body, "source_version": None}
    applied = {**WRITTEN, "planned": True}
    assert (written, await door.get(f"companies/{quote(KEY)}")) == ({**expected, **applied}, expected)
    nothing = dict.fromkeys(("email", "language", "contact", "source_version"))
    assert await door.put("companies/bare", name="Bare") == {
        "id": "bare",
        "name": "Bare",
        **nothing,
        **applied,
    }
    assert door.pokes.take() == []  # nothing that planning reads


async def test_ids_of_people_and_companies_may_hold_anything(door: Door) -> None:
    await door.put("sessions/s", name="S")
    person, company = "a/b?c#d e", "ü@example.org/x"
    for route, body in ((f"people/{quote(person)}", {}), (f"companies/{quote(company)}", {"name": "C"})):
        await door.put(route, **body)

    said = await door.put(f"sessions/s/participants/{quote(person)}", company=company)
    await door.put(f"sessions/s/trainers/{quote(person)}")
    in_session = await door.put(f"sessions/s/companies/{quote(company)}", contact=person)

    assert (said["person"], said["company"]) == (person, company)
    assert (in_session["company"], in_session["contact"], in_session["present"]) == (company, person, True)
    await door.call("DELETE", f"/v1/sessions/s/participants/{quote(person)}")
    await door.call("DELETE", f"/v1/sessions/s/trainers/{quote(person)}")


async def test_a_rule_is_read_as_it_was_written(door: Door) -> None:
    await door.put("templates/t", subject="Hi", html="<p>{{ slot.name }}</p>", audience="companies")
    body = {
        "name": "After each slot",
        "template": "t",
        "audience": "companies",
        "scope": "slot",
        "trigger": {"type": "date", "anchor": "slot.end", "offset": "P1D", "at": "09:00", "date": None},
        "conditions": {
            "stages": ["confirmed"],
            "modes": "all",
            "categories": ["legal", "safety"],
            "attendance": "present",
            "completion": ["not_started", "in_progress"],
            "statuses": ["registered"],
        },
        "centers": ["lyon"],
        "existing_sessions": False,
        "to": "session_manager",
        "cc": ["company_contact", "archive@example.org", "trainers"],
        "sender": {"address": "training@example.org", "name": "Training"},
        "reply_to": "desk@example.org",
        "allow_resend": True,
        "late": {"send_within": "PT2H"},
        "catch_up": False,
        "deliver_within": "P3D",
        "zone": "recipient",
        "window": {"days": ["mon", "fri"], "from": "08:00", "to": "19:00", "holidays": "FR"},
        "repeat": {
            "every": "P7D",
            "until": "completed",
            "at_most": 4,
            "then": {"to": "company_contact", "template": "t"},
        },
        "correction": {"template": "t"},
    }

    written = await door.call("POST", "/v1/rules", {"id": "r", **body})

    expected = {"id": "r", **body, "active": False, "memory": 1, "version": 1, "rolled_out": True}
    assert written == await door.get("rules/r") == expected
    assert await door.put("rules/r", **body) == {**expected, "too_late": None}
    assert door.pokes.take() == []
    edited = await door.put("rules/r", **{**body, "cc": ["Archive@EXAMPLE.org"]})
    assert (edited["cc"], edited["version"]) == (["Archive@example.org"], 2)
    assert door.pokes.take() == ["rule r"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "sessions/none/participants/claire"),
        ("PUT", "sessions/none/trainers/claire"),
        ("GET", "sessions/none/participants"),
        ("GET", "sessions/none/trainers"),
        ("GET", "sessions/none/companies"),
        ("DELETE", "sessions/s/participants/claire"),
        ("DELETE", "sessions/s/participants/nobody"),
        ("DELETE", "sessions/s/trainers/claire"),
        ("GET", "companies/none"),
        ("DELETE", "companies/none"),
        ("DELETE", "people/none"),
        ("PATCH", "sessions/none"),
        ("PATCH", "rules/none"),
        ("GET", "rules/none/rollout"),
        ("POST", "sessions/none/participants:batch"),
        ("PUT", "rules/none"),
    ],
)
async def test_what_is_not_there_is_a_problem(door: Door, method: str, path: str) -> None:
    await a_session(door)
    await door.put("templates/t", subject="Hi", html="<p>Hi</p>")
    rule = {"name": "R", "template": "t", "trigger": {"type": "date", "anchor": "session.start"}}

    body = (
        rule if "rules" in path else {"items": []} if "batch" in path else {} if method == "PATCH" else None
    )
    answer = await door.http.request(method, f"/v1/{path}", json=body)

    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")
    assert door.pokes.take() == []


@pytest.mark.parametrize(("first", "last"), [("  Ada ", "Byron\u00a0"), ("   ", "\u2003")])
async def test_names_are_kept_without_the_blanks_around_them(door: Door, first: str, last: str) -> None:
    """A greeting is "Hello Ada,", and whoever has but blanks for a name has none."""
    await door.put("sessions/s", name="S")
    names = {"first_name": first, "last_name": last}

    alone = await door.put("people/alone", **names)
    batch = {"items": [{"person": "together", **names}]}
    await door.call("POST", "/v1/sessions/s/participants:batch", batch)

    for person in (alone, await door.get("people/alone"), await door.get("people/together")):
        assert (person["first_name"], person["last_name"]) == (first.strip(), last.strip())
