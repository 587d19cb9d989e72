"""Templates through the door: made, listed, deleted, and tried on somebody."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from store.templates import lock_template
from tests.api.door import Door
from tests.api.test_sends import execute

WORDS = {"subject": "Hi", "html": "<p>Hi</p>"}
TRIGGER = {"type": "date", "anchor": "session.start", "offset": "-P7D", "at": "09:00"}
STARTS_AT, ENDS_AT = "2035-01-25T09:00:00Z", "2035-01-25T12:00:00Z"


async def refused(door: Door, status: int, method: str, path: str, body: Any = None) -> dict[str, Any]:
    """Ask what is refused with `status`, changing nothing, and return the problem."""
    before = await door.everything()
    answer = await door.http.request(method, f"/v1/{path}", json=body)
    assert answer.status_code == status, answer.text
    assert await door.everything() == before
    problem: dict[str, Any] = answer.json()
    return problem


async def version(door: Door) -> int:
    found: int = (await door.get("templates/t"))["version"]
    return found


async def test_a_template_is_made_under_its_own_id_once(door: Door) -> None:
    made = await door.call("POST", "/v1/templates", {"id": "t", **WORDS})

    usual = {
        "audience": "participants", "text": None, "allow_resend": False, "questionnaire": None, "version": 1,
    }  # fmt: skip
    assert made == await door.get("templates/t") == {"id": "t", **WORDS, **usual}
    problem = await refused(door, 409, "POST", "templates", {"id": "t", **WORDS})
    assert problem["type"] == "/problems/template-exists"
    assert "PUT /v1/templates/t" in problem["detail"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({**WORDS}, "id"),
        ({"id": "a b", **WORDS}, "id"),
        ({"id": "t", "subject": "{{ nobody }}", "html": "x"}, "subject"),
        ({"id": "t", "subject": "x"}, "html"),
        ({"id": "t", **WORDS, "audience": "everybody"}, "audience"),
    ],
)
async def test_a_template_that_cannot_be_is_not_made(door: Door, body: dict[str, Any], field: str) -> None:
    problem = await refused(door, 422, "POST", "templates", body)
    assert [error["field"] for error in problem["errors"]] == [field]


async def test_a_template_names_its_questionnaire(door: Door) -> None:  # F088
    await door.put("templates/t", **WORDS, questionnaire="cold")
    assert (await door.get("templates/t"))["questionnaire"] == "cold"
    await door.put("templates/t", **WORDS, questionnaire="cold")
    assert await version(door) == 1

    await door.put(
        "templates/t", **WORDS, questionnaire="hot"
    )  # a letter that was just written is written again
    assert await version(door) == 2
    await door.put("templates/t", **WORDS)
    assert (await door.get("templates/t"))["questionnaire"] is None
    problem = await refused(door, 422, "PUT", "templates/t", {**WORDS, "questionnaire": "a b"})
    assert [error["field"] for error in problem["errors"]] == ["questionnaire"]


async def test_templates_are_listed_by_id_page_by_page(door: Door) -> None:
    for key in ("c", "a", "B", "d"):
        await door.put(f"templates/{key}", **WORDS)
    await door.call("DELETE", "/v1/templates/d")

    first = await door.get("templates?limit=2")
    second = await door.get(f"templates?limit=2&cursor={first['next']}")

    assert [item["id"] for item in first["items"]] == ["B", "a"]
    assert ([item["id"] for item in second["items"]], second["next"]) == (["c"], None)
    for query in ("cursor=%00", "cursor=WzFd", "limit=0", "limit=1001", "audience=trainers"):
        problem = await refused(door, 422, "GET", f"templates?{query}")
        assert problem["errors"][0]["field"] == query.partition("=")[0]


async def test_every_change_of_a_template_counts_and_nothing_else_does(door: Door) -> None:
    await door.put("templates/t", **WORDS)
    assert await version(door) == 1
    await door.put("templates/t", **WORDS)
    assert await version(door) == 1

    for change in (
        {"subject": "x"},
        {"html": "x"},
        {"text": "x"},
        {"allow_resend": True},
        {"audience": "trainers"},
    ):
        before = await version(door)
        await door.put("templates/t", **{**WORDS, **change})
        assert await version(door) == before + 1, change


async def test_a_template_that_a_rule_uses_stays(door: Door) -> None:
    await door.put("templates/t", **WORDS)
    for key in ("r2", "r1"):
        await door.call("POST", "/v1/rules", {"id": key, "name": "R", "template": "t", "trigger": TRIGGER})

    problem = await refused(door, 409, "DELETE", "templates/t")

    assert (problem["type"], problem["rules"]) == ("/problems/template-in-use", ["r1", "r2"])
    await door.call("DELETE", "/v1/rules/r1")
    await door.call("DELETE", "/v1/rules/r2")
    assert await door.call("DELETE", "/v1/templates/t") is None


async def test_a_deleted_template_is_gone_for_everybody_and_a_put_brings_it_back(door: Door) -> None:
    await door.put("templates/t", **WORDS)
    await door.call("DELETE", "/v1/templates/t")

    assert (await door.get("templates"))["items"] == []
    for method in ("GET", "DELETE"):
        await refused(door, 404, method, "templates/t")
    await refused(door, 404, "POST", "templates/t/preview", {})
    rule = {"id": "r", "name": "R", "template": "t", "trigger": TRIGGER}
    problem = await refused(door, 422, "POST", "rules", rule)
    assert problem["errors"][0]["field"] == "template"
    assert (await door.put("templates/t", **WORDS))["version"] == 3
    await door.call("DELETE", "/v1/templates/t")
    assert (await door.call("POST", "/v1/templates", {"id": "t", **WORDS}))["version"] == 5


async def test_a_template_is_not_deleted_under_a_rule_that_is_just_made(door: Door) -> None:
    await door.put("templates/t", **WORDS)
    async with door.store.transaction() as db:
        organization = (await db.execute(text("select id from organizations"))).scalar_one()
        assert await lock_template(db, organization, "t")
        deleting = asyncio.create_task(door.http.delete("/v1/templates/t"))
        await door.blocked()
        made = """
            insert into rules (organization_id, key, name, template_id, definition)
            select organization_id, 'r', 'R', id, cast(:definition as jsonb) from templates
        """
        await db.execute(
            text(made), {"definition": '{"trigger": {"type": "date", "anchor": "session.start"}}'}
        )

    assert (await deleting).status_code == 409


# Previews.

TELLING = (
    "{{ recipient.first_name }} <{{ recipient.email }}> {{ session.name }} {{ session.room }} {{ organization.name }}"
    " {{ company.name }}"
)


async def people(door: Door) -> None:
    """Ada comes from Acme to a session with a module and slots; Tess gives it; Bob does not come."""
    for key in ("ada", "bob", "tess"):
        await door.put(f"people/{key}", email=f"{key}@example.org", first_name=key.capitalize())
    await door.put("companies/acme", name="Acme", email="acme@example.org", contact="bob")
    slot = {"starts_at": STARTS_AT, "ends_at": ENDS_AT}
    await door.put(
        "sessions/s",
        name="Talk",
        starts_at=STARTS_AT,
        room="Blue",
        data={"link": "https://example.org/s"},
        modules=[{"id": "m", "name": "Part one", "room": "Red"}],
        slots=[{"id": "a", "name": "Morning", "module": "m", **slot}, {"id": "b", "name": "Evening", **slot}],
    )
    await door.put("sessions/s/participants/ada", company="acme")
    await door.put("sessions/s/trainers/tess")


async def told(door: Door, key: str = "t", **body: Any) -> tuple[str, list[str]]:
    """Return the text of a preview, and why it would not leave."""
    preview = await door.call("POST", f"/v1/templates/{key}/preview", body)
    return (preview["text"] or "").strip(), [problem["detail"] for problem in preview["problems"]]


async def test_a_preview_for_nobody_shows_the_documented_examples(door: Door) -> None:
    await door.put("templates/t", subject="x", html="x", text=f"{TELLING} {{{{ session.data.link }}}}")

    said = "Claire <claire.martin@example.org> Managing a project Room 4 Example Training Example Company Bring a badge"
    assert await told(door) == (said, [])


async def test_a_preview_for_somebody_is_the_mail_they_would_get(door: Door) -> None:
    await people(door)
    await door.put("templates/t", subject="x", html="x", text=f"{TELLING} {{{{ session.data.link }}}}")

    said = "Ada <ada@example.org> Talk Blue Example Training Acme https://example.org/s"
    assert await told(door, session="s", person="ada") == (said, [])


async def test_what_is_named_is_real_and_the_rest_an_example(door: Door) -> None:
    await people(door)
    await door.put("templates/t", subject="x", html="x", text=TELLING)

    real_session = "Claire <claire.martin@example.org> Talk Blue Example Training Example Company"
    real_person = "Ada <ada@example.org> Managing a project Room 4 Example Training"
    assert await told(door, session="s") == (real_session, [])
    assert await told(door, person="ada") == (real_person, [])


async def test_a_preview_tells_the_dates_of_whoever_is_named(door: Door) -> None:
    """F010: their own, else the session's; of nobody, those of the examples."""
    await people(door)
    await door.put("sessions/s/participants/ada", starts_at="2027-03-01T09:00:00Z")
    own = "{{ participation.starts_at|date }} {{ participation.deadline_at|date if participation.deadline_at else '?' }}"
    await door.put("templates/t", subject="x", html="x", text=own)

    assert await told(door) == ("25 January 2027 26 February 2027", [])
    assert await told(door, session="s") == ("25 January 2035 26 February 2027", [])
    assert await told(door, session="s", person="ada") == ("1 March 2027 ?", [])


async def test_a_preview_may_be_about_a_module_or_a_slot(door: Door) -> None:
    await people(door)
    await door.put("templates/t", subject="x", html="x", text="{{ module.name }} {{ module.room }}")
    await door.put("templates/u", subject="x", html="x", text="{{ slot.name }} [{{ module.name }}]")

    assert await told(door, session="s", module="m") == ("Part one Red", [])
    assert await told(door, "u", session="s", slot="a") == ("Morning [Part one]", [])
    assert await told(door, "u", session="s", slot="b", person="ada") == ("Evening []", [])
    assert await told(door, session="s") == ("", ["text, line 1: module.name has no value"])
    assert await told(door) == ("Planning Room 4", [])
    assert await told(door, "u") == ("Monday morning [Planning]", [])


async def test_trainers_and_companies_are_told_of_participants(door: Door) -> None:
    await people(door)
    names = "{{ recipient.email }}: {{ participants|join(', ', 'first_name') }}"
    await door.put("templates/t", subject="x", html="x", text=names, audience="trainers")
    await door.put(
        "templates/c", subject="x", html="x", text=f"{names} of {{{{ company.name }}}}", audience="companies"
    )

    assert await told(door, session="s", person="tess") == ("tess@example.org: Ada", [])
    assert await told(door, "c", session="s", company="acme") == ("bob@example.org: Ada of Acme", [])
    assert await told(door, "c", company="acme") == (
        "bob@example.org: Ada of Acme",
        [],
    )  # the example's name is Ada, too
    assert await told(door, "c") == ("claire.martin@example.org: Ada of Example Company", [])


async def test_words_that_are_not_saved_are_tried_and_stay_unsaved(door: Door) -> None:
    await people(door)
    await door.put("templates/t", subject="Saved", html="<p>saved</p>", text="saved")
    before = await door.everything()

    preview = await door.call(
        "POST", "/v1/templates/t/preview", {"html": "<p>{{ recipient.first_name }}</p>"}
    )
    assert (preview["subject"], preview["text"].strip()) == ("Saved", "Claire")
    preview = await door.call("POST", "/v1/templates/t/preview", {"subject": "New"})
    assert (preview["subject"], preview["text"]) == ("New", "saved")
    preview = await door.call("POST", "/v1/templates/new/preview", {**WORDS, "person": "ada"})
    assert (preview["subject"], preview["to"]) == ("Hi", {"address": "ada@example.org", "name": "Ada"})
    preview = await door.call(
        "POST", "/v1/templates/new/preview", {**WORDS, "audience": "companies", "company": "acme"}
    )
    assert preview["to"]["address"] == "bob@example.org"

    assert await door.everything() == before


async def test_a_preview_tells_what_the_template_lacks_for_this_session(door: Door) -> None:
    await people(door)
    await door.put("templates/t", subject="x", html="<p>{{ session.data.price }}</p>")

    assert await told(door, session="s", person="ada") == (
        "",
        ["html, line 1: session.data.price has no value"],
    )


async def test_no_mail_goes_to_a_suppressed_address_and_the_preview_says_so(door: Door) -> None:
    await people(door)
    await door.put("templates/t", **WORDS)
    await execute(
        door,
        "insert into suppressions (organization_id, address, reason) select id, 'ada@example.org', 'bounced' from organizations",
    )

    preview = await door.call("POST", "/v1/templates/t/preview", {"session": "s", "person": "ada"})

    assert [problem["reason"] for problem in preview["problems"]] == ["suppressed"]
    assert preview["subject"] == "Hi"


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"session": "other"}, "session", "PUT /v1/sessions/other"),
    ({"person": "other"}, "person", "PUT /v1/people/other"),
    ({"audience": "companies", "company": "other"}, "company", "PUT /v1/companies/other"),
    ({"session": "s", "module": "other"}, "module", "GET the session"),
    ({"session": "s", "slot": "other"}, "slot", "GET the session"),
    ({"session": "s", "slot": "a", "module": "m"}, "module", "leave one out"),
    ({"slot": "a"}, "session", "that the slot belongs to"),
    ({"module": "m"}, "session", "that the module belongs to"),
    ({"company": "acme"}, "company", "name one as `person`"),
    ({"audience": "companies", "person": "ada"}, "person", "name one as `company`"),
    ({"session": "s", "person": "bob"}, "person", "none of the participants"),
    ({"session": "s", "person": "tess"}, "person", "none of the participants"),
    ({"audience": "trainers", "session": "s", "person": "ada"}, "person", "none of the trainers"),
    ({"subject": "{{ nobody }}"}, "subject", "not a tag"),
    ({"html": "{% if %}"}, "html", "line 1"),
    ({"subject": ""}, "subject", "at least 1"),
    ({"subject": "a\0b"}, "subject", "NUL"),
    ({"person": "a\0b"}, "person", "control characters"),
    ({"audience": "everybody"}, "audience", "participants"),
    ({"sesion": "s"}, "sesion", "no such field"),
]


async def test_a_preview_for_what_there_is_not_names_the_cure(door: Door) -> None:
    await people(door)
    await door.put("templates/t", **WORDS)

    for body, field, cure in BAD:
        problem = await refused(door, 422, "POST", "templates/t/preview", body)
        assert [error["field"] for error in problem["errors"]] == [field], body
        assert cure in problem["errors"][0]["message"], body
    assert (await refused(door, 404, "POST", "templates/other/preview", {"subject": "x"}))[
        "type"
    ] == "/problems/not-found"
