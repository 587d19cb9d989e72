"""What is refused, where it is wrong, and how to mend it."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from domain.rules import RuleDefinition
from store.rules import insert_rule
from store.templates import lock_template, put_template
from tests.api.door import Door

NINE, TEN = "2027-01-25T09:00:00Z", "2027-01-25T10:00:00Z"
TRIGGER = {"type": "date", "anchor": "session.start", "offset": "-P7D", "at": "09:00"}
MODULE = {"id": "m", "name": "M"}
SLOT = {"id": "s", "name": "S", "module": "m", "starts_at": NINE, "ends_at": TEN}


def session(**body: Any) -> tuple[str, str, Any]:
    return "PUT", "sessions/s", {"name": "S", **body}


def slot(**says: Any) -> tuple[str, str, Any]:
    return session(modules=[MODULE], slots=[{**SLOT, **says}])


def module(**says: Any) -> tuple[str, str, Any]:
    return session(modules=[{**MODULE, **says}])


def rule(**body: Any) -> tuple[str, str, Any]:
    return "POST", "rules", {"id": "r", "name": "R", "template": "plain", "trigger": TRIGGER, **body}


def template(**body: Any) -> tuple[str, str, Any]:
    return "PUT", "templates/t", {"subject": "Hi", "html": "<p>Hi</p>", **body}


def person(**body: Any) -> tuple[str, str, Any]:
    return "PUT", "people/p", body


def company(**body: Any) -> tuple[str, str, Any]:
    return "PUT", "companies/c", {"name": "C", **body}


def part(path: str, **body: Any) -> tuple[str, str, Any]:
    return "PUT", f"sessions/known/{path}", body


BAD: list[tuple[tuple[str, str, Any], str, str]] = [
    (session(starts_at="2027-01-25T09:00:00"), "starts_at", "which offset from UTC"),
    (session(starts_at="20271201"), "starts_at", "an instant is text such as"),
    (session(starts_at="9999-12-31T23:59:59Z"), "starts_at", "1900 to 9000"),
    (session(starts_at=20270101), "starts_at", "is text"),
    (session(timezone="Europe/Pariss"), "timezone", "Europe/Paris"),
    (session(starts_at=TEN, ends_at=NINE), "ends_at", "lies before starts_at"),
    (session(ends_at=NINE), "ends_at", "needs a starts_at"),
    (session(start=NINE), "start", "no such field"),
    (session(Start=NINE), "Start", "no such field"),
    (session(name=None), "name", "valid string"),
    (session(name="one\r\ntwo"), "name", "one line"),
    (session(name=" \u00a0 "), "name", "more than blanks"),
    (session(stage=""), "stage", "at least 1"),
    (session(category="x" * 101), "category", "at most 100"),
    (session(room="A\n1"), "room", "one line"),
    (session(room="  "), "room", "more than blanks"),
    (session(stage=" "), "stage", "more than blanks"),
    (("PUT", "sessions/a b", {"name": "S"}), "id", "letters from A"),
    (("PUT", "sessions/%2E%2E", {"name": "S"}), "id", "not '.', '..'"),
    (("PUT", "people/%20", {}), "id", "only blanks"),
    (module(id="a b"), "modules.0.id", "letters from A"),
    (module(id="."), "modules.0.id", "not '.', '..'"),
    (("PUT", "sessions/s", [1]), "body", "JSON object"),
    (module(name=""), "modules.0.name", "at least 1"),
    (module(starts_at=TEN, ends_at=NINE), "modules.0.ends_at", "lies before starts_at"),
    (module(ends_at=NINE), "modules.0.ends_at", "needs a starts_at"),
    (module(stage="confirmed"), "modules.0.stage", "no such field"),
    (session(modules=[MODULE, MODULE]), "modules.1.id", "an id of its own"),
    (session(modules=[MODULE] * 501), "modules", "at most 500"),
    (slot(ends_at=NINE), "slots.0.ends_at", "does not lie after starts_at"),
    (slot(starts_at=None), "slots.0.starts_at", "is text"),
    (slot(module="other"), "slots.0.module", "list it in `modules`"),
    (slot(mode="remote"), "slots.0.mode", "no such field"),
    (session(modules=[MODULE], slots=[SLOT, {**SLOT, "id": "t"}, SLOT]), "slots.2.id", "an id of its own"),
    (session(slots=[{**SLOT, "module": None, "id": str(n)} for n in range(501)]), "slots", "at most 500"),
    (("PUT", "people/%ff", {}), "id", "control characters"),
    (("PUT", "people/p%00q", {}), "id", "control characters"),
    (person(email="a@example.org, b@example.org"), "email", "One address"),
    (person(first_name="Clai\x00re"), "first_name", "one line"),
    (person(language="de"), "language", "'en' or 'fr'"),
    (("PUT", "companies/c%00d", {"name": "C"}), "id", "control characters"),
    (company(name=""), "name", "at least 1"),
    (company(email="nobody"), "email", "not an address"),
    (company(contact="nobody"), "contact", "PUT /v1/people/nobody"),
    (company(version=3), "version", "no such field"),
    (part("participants/nobody"), "person", "PUT /v1/people/nobody"),
    (part("participants/claire", company="none"), "company", "PUT /v1/companies/none"),
    (part("participants/claire", slots=["s", "other"]), "slots.1", "list it in the `slots` of the session"),
    (part("participants/claire", slots="s"), "slots", "valid list"),
    (part("participants/claire", contact="tom"), "contact", "no such field"),
    (part("trainers/nobody"), "person", "PUT /v1/people/nobody"),
    (part("trainers/claire", slots=["other"]), "slots.0", "list it in the `slots` of the session"),
    (part("trainers/claire", company="acme"), "company", "no such field"),
    (part("companies/none", contact=None), "company", "PUT /v1/companies/none"),
    (part("companies/acme", contact="nobody"), "contact", "PUT /v1/people/nobody"),
    (part("companies/acme"), "contact", "required"),
    (template(html="<p>\x00</p>"), "html", "NUL"),
    (template(html="{{ sesion.name }}"), "html", "session"),
    (template(subject="{{ 1 + }}"), "subject", "line 1"),
    (template(html="\n{{ company.name }}", audience="trainers"), "html", "line 2: company.name is not a tag"),
    (template(audience="everybody"), "audience", "'participants', 'trainers' or 'companies'"),
    (("PUT", "templates/plain", {"subject": "Hi", "html": "{{ slot.name }}"}), "html", "rule 'used'"),
    (rule(template="none"), "template", "PUT /v1/templates/none"),
    (rule(audience="trainers"), "template", "choose one for trainers"),
    (rule(template="about-slots"), "template", "has no slot.name"),
    (rule(template="about-slots", scope="module"), "template", "has no slot.name"),
    (rule(template="for-companies"), "template", "is for companies"),
    (rule(audience="companies", scope="day"), "scope", "'session', 'module' or 'slot'"),
    (rule(trigger={**TRIGGER, "offset": "7 days"}), "trigger.offset", "P7D"),
    (rule(trigger={**TRIGGER, "anchor": "slot.end"}), "trigger", "give it the scope `slot`"),
    (rule(scope="module", trigger={**TRIGGER, "anchor": "slot.end"}), "trigger", "session.start"),
    (rule(conditions={"stages": []}), "conditions.stages", "at least 1 item"),
    (rule(conditions={"modes": "remote"}), "conditions.modes", "'all'"),
    (rule(conditions={"stage": ["confirmed"]}), "conditions.stage", "no such field"),
    (rule(cc=["trainers", "a b@example.org"]), "cc.1", "not an address"),
    (rule(cc=["boss"]), "cc.0", "company_contact, trainers"),
    (rule(cc=["trainers"] * 21), "cc", "at most 20"),
    (rule(late="never"), "late", "'skip'"),
    (rule(deliver_within=3600), "deliver_within", '"PT2H"'),
    (rule(deliver_within="P400D"), "deliver_within", "365 days at most"),
    (("PUT", "rules/used", {**rule(audience="trainers")[2]}), "id", "no such field"),
    (("GET", "sends?cursor=nonsense", None), "cursor", "next"),
    (("GET", "sends?limit=0", None), "limit", "greater"),
    (("GET", f"sessions?starts_from={TEN}&starts_to={NINE}", None), "starts_to", "swap them"),
    (("GET", "sessions?starts_from=2027-01-25T09:00:00+01:00", None), "starts_from", "write + as %2B"),
    (("GET", "sends?due_to=2027-01-25T09:00:00", None), "due_to", "or use Z"),
    (("GET", "sends?due_from=2027", None), "due_from", "an instant is text such as"),
]


async def test_bad_input_names_the_field_and_the_cure_and_changes_nothing(door: Door) -> None:
    await door.put("people/claire")
    await door.put("companies/acme", name="Acme")
    await door.put("sessions/known", name="Known", modules=[MODULE], slots=[SLOT])
    await door.put("templates/plain", subject="Hi", html="<p>{{ session.name }}</p>")
    await door.put("templates/about-slots", subject="Hi", html="<p>{{ slot.name }}</p>")
    await door.put("templates/for-companies", subject="Hi", html="<p>Hi</p>", audience="companies")
    await door.call("POST", "/v1/rules", rule(id="used")[2])
    before = await door.everything()
    door.pokes.take()

    for (method, path, body), field, cure in BAD:
        answer = await door.http.request(method, f"/v1/{path}", json=body)

        asked = f"{method} {path} {body}"[:300]
        assert answer.status_code == 422, (asked, answer.text)
        assert answer.headers["content-type"] == "application/problem+json", asked
        (error,) = answer.json()["errors"]
        assert error["field"] == field, asked
        assert cure in error["message"], asked
        assert await door.everything() == before, asked
        assert door.pokes.take() == [], asked


UNREADABLE = {
    '{"name": "Café"}'.encode("latin-1"): "UTF-8",
    b"[" * 5_000: "nested too deeply",
    b'{"name": ' + b"7" * 5_000 + b"}": "thousands of digits",
    b'{"name": ': "This is no JSON",
    b"": "there is no body",
}


@pytest.mark.parametrize("body", UNREADABLE, ids=UNREADABLE.get)
async def test_a_body_that_cannot_be_read_is_bad_input_as_any_other(door: Door, body: bytes) -> None:
    answer = await door.http.put("/v1/sessions/s", content=body, headers={"Content-Type": "application/json"})

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid")
    (error,) = answer.json()["errors"]
    assert error["field"] == "body"
    assert UNREADABLE[body] in error["message"]


async def test_a_body_that_does_not_say_that_it_is_json_is_told_the_header(door: Door) -> None:
    answer = await door.http.put(
        "/v1/sessions/s", content=b'{"name": "S"}', headers={"Content-Type": "text/plain"}
    )

    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["field"]) == (422, "body")
    assert "Content-Type: application/json" in error["message"]


async def test_a_list_with_two_mistakes_is_told_both(door: Door) -> None:
    answer = await door.http.put(
        "/v1/sessions/s", json=session(modules=[MODULE] * 3, slots=[{**SLOT, "module": "x"}])[2]
    )

    assert [error["field"] for error in answer.json()["errors"]] == [
        "modules.1.id",
        "modules.2.id",
        "slots.0.module",
    ]


async def test_a_template_that_rules_use_keeps_its_audience(door: Door) -> None:  # F012
    await door.put("templates/t", subject="Hi", html="<p>Hi</p>")
    await door.call("POST", "/v1/rules", rule(id="b", template="t")[2])
    await door.call("POST", "/v1/rules", rule(id="a", template="t")[2])

    answer = await door.http.put(
        "/v1/templates/t", json={"subject": "Hi", "html": "<p>Hi</p>", "audience": "trainers"}
    )

    assert answer.status_code == 409
    assert (answer.json()["type"], answer.json()["rules"]) == ("/problems/template-in-use", ["a", "b"])
    assert (await door.get("templates/t"))["audience"] == "participants"

    for key in ("a", "b"):
        await door.call("DELETE", f"/v1/rules/{key}")
    assert (await door.put("templates/t", subject="Hi", html="<p>Hi</p>", audience="trainers"))[
        "audience"
    ] == "trainers"


async def test_a_rule_made_while_its_template_changes_audience_is_refused(door: Door) -> None:  # F012
    made = await door.put("templates/t", subject="Hi", html="<p>Hi</p>")
    async with door.store.transaction() as db:
        (organization,) = (await db.execute(text("select id from organizations"))).one()
        await lock_template(db, organization, "t")
        posting = asyncio.create_task(door.http.post("/v1/rules", json=rule(template="t")[2]))
        await door.blocked()
        words = {key: made[key] for key in ("subject", "html", "text", "allow_resend")}
        await put_template(db, organization, "t", audience="trainers", **words)

    assert (await posting).status_code == 422


async def test_a_template_that_changes_audience_while_a_rule_takes_it_is_refused(door: Door) -> None:
    await door.put("templates/t", subject="Hi", html="<p>Hi</p>")
    async with door.store.transaction() as db:
        (organization,) = (await db.execute(text("select id from organizations"))).one()
        template = await lock_template(db, organization, "t")
        assert template
        body = {"subject": "Hi", "html": "<p>Hi</p>", "audience": "trainers"}
        putting = asyncio.create_task(door.http.put("/v1/templates/t", json=body))
        await door.blocked()
        says = RuleDefinition.model_validate({"trigger": TRIGGER})
        await insert_rule(db, organization, "r", name="R", template=template.id, definition=says)

    assert (await putting).status_code == 409
