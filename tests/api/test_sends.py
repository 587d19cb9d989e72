"""Sends through the door: filters, decisions, previews."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from domain.sends import Decision, Reason, Status
from store.send_decisions import SENDABLE
from tests.api.door import Door
from tests.store.store_rows import plan_in

STARTS_AT = "2035-01-25T09:00:00+01:00"
TRIGGER = {"type": "date", "anchor": "session.start", "offset": "-P7D", "at": "09:00"}
HTML = "<p>Hello {{ recipient.first_name }}, see you in {{ session.room }}</p>"


async def plan(door: Door) -> None:
    async with door.store.transaction() as db:
        for row in (await db.execute(text("select id from sessions"))).all():
            await plan_in(db, row.id)


async def execute(door: Door, statement: str, **values: object) -> None:
    async with door.store.transaction() as db:
        await db.execute(text(statement), values)


async def planned(door: Door, **template: Any) -> dict[str, Any]:
    """Plan a mail to Claire, who comes from a company to a session with a room, and return the send."""
    await door.put("people/claire", email="claire@example.org", first_name="Claire", last_name="Martin")
    await door.put("companies/acme", name="Acme", email="acme@example.org")
    await door.put(
        "sessions/s", name="S", starts_at=STARTS_AT, room="B 204", center="lyon", data={"link": "x"}
    )
    await door.put("sessions/s/participants/claire", company="acme")
    await door.put("templates/t", **{"subject": "{{ session.name }}: soon", "html": HTML, **template})
    rule = {"id": "r", "name": "R", "template": "t", "trigger": TRIGGER, "cc": ["training@example.org"]}
    await door.call("POST", "/v1/rules", rule)
    await door.call("POST", "/v1/rules/r/activate")
    await execute(door, "update rules set planned_version = version")
    await plan(door)
    door.pokes.take()
    return await only(door)


async def only(door: Door) -> dict[str, Any]:
    (send,) = (await door.get("sends"))["items"]
    found: dict[str, Any] = send
    return found


async def test_a_send_tells_which_of_the_mails_of_its_rule_it_is_and_whom_it_is_about(door: Door) -> None:
    """F019, F110: a company gets one for those who begin together, and each again as its rule says."""
    send = await planned(door)
    assert (send["occurrence"], send["participants"]) == ("1", None)
    for person, day in (("ben", 26), ("ada", 26), ("eve", 27)):
        await door.put(f"people/{person}", email=f"{person}@example.org")
        starts_at = f"2035-01-{day}T09:00:00Z"
        await door.put(f"sessions/s/participants/{person}", company="acme", starts_at=starts_at)
    await door.put("templates/c", subject="Soon", html=HTML, audience="companies")
    trigger = {"type": "date", "anchor": "participation.start", "offset": "-P7D"}
    rule = {"id": "c", "name": "C", "template": "c", "trigger": trigger, "audience": "companies"}
    await door.call("POST", "/v1/rules", rule)
    await door.call("POST", "/v1/rules/c/activate")
    await execute(door, "update rules set planned_version = version")
    await execute(door, "update sessions set version = version + 1")
    await plan(door)

    found = (await door.get("sends?rule=c"))["items"]

    assert [one["participants"] for one in found] == [["claire"], ["ada", "ben"], ["eve"]]
    assert {one["occurrence"] for one in found} == {"1"}
    of_series = (("last", "last"), ("m2:3", "3"), ("correction:2035-01-26T09:00:00+00:00", "correction"))
    for occurrence, kind in of_series:
        await execute(
            door, "update sends set occurrence = :it where id = :id", it=occurrence, id=found[0]["id"]
        )
        assert (await door.get(f"sends/{found[0]['id']}"))["occurrence"] == kind


FILTERS = [
    ("", 1),
    ("session=s", 1),
    ("session=other", 0),
    ("rule=r&template=t&recipient=claire&recipient_text=MART&company=acme&center=lyon&room=B+204", 1),
    ("recipient=acme", 0),
    ("recipient_text=%25", 0),
    ("company=other", 0),
    ("center=nantes", 0),
    ("room=B", 0),
    ("status=scheduled&status=sent", 1),
    ("status=sent", 0),
    ("reason=refused&reason=too_late", 0),
    ("kind=automatic", 1),
    ("due_from=2035-01-18T09:00:00%2B01:00", 1),
    ("due_from=2035-01-18T09:00:01%2B01:00", 0),
    ("due_to=2035-01-18T09:00:00%2B01:00", 0),
    ("due_from=2035-01-18T08:00:00Z&due_to=2035-01-18T08:00:01Z", 1),
    ("subject=SOON", 1),
    ("subject=_oon", 0),
]


async def test_every_filter_narrows_the_list(door: Door) -> None:
    await planned(door)

    for query, count in FILTERS:
        assert len((await door.get(f"sends?{query}"))["items"]) == count, query


BAD = [
    ("due_from=2035-01-18T09:00:00", "due_from", "or use Z"),
    ("due_to=soon", "due_to", "datetime"),
    ("due_from=2035-01-18T08:00:01Z&due_to=2035-01-18T08:00:00Z", "due_to", "swap them"),
    ("due_from=0001-01-01T00:00:00Z", "due_from", "1900"),
    ("status=late", "status.0", "scheduled"),
    ("status=sent&status=late", "status.1", "scheduled"),
    ("reason=because", "reason.0", "already_received"),
    ("kind=manual", "kind", "automatic"),
    ("session=a%20b", "session", "letters from A"),
    ("rule=", "rule", "letters from A"),
    ("template=%00", "template", "letters from A"),
    ("recipient=%00", "recipient", "control characters"),
    ("company=" + "x" * 129, "company", "control characters"),
    ("recipient_text=a%00b", "recipient_text", "one line"),
    ("subject=", "subject", "at least 1"),
    ("subject=" + "x" * 201, "subject", "at most 200"),
    ("center=a%0Ab", "center", "one line"),
    ("room=", "room", "at least 1"),
    ("limit=1001", "limit", "1000"),
    ("limit=x", "limit", "integer"),
    ("cursor=%00", "cursor", "next"),
    ("cursor=" + "A" * 5000, "cursor", "next"),
    ("cursor=bnVsbA", "cursor", "next"),
    ("cursor=", "cursor", "next"),
    ("sesion=s", "sesion", "no such parameter"),
]


async def test_a_filter_that_makes_no_sense_is_named_with_its_cure(door: Door) -> None:
    for query, field, cure in BAD:
        answer = await door.http.get(f"/v1/sends?{query}")

        assert answer.status_code == 422, (query, answer.text)
        assert [error["field"] for error in answer.json()["errors"]] == [field], query
        assert cure in answer.text, query


async def test_a_send_says_where_it_belongs(door: Door) -> None:
    send = await planned(door)

    assert (send["center"], send["room"], send["company"]) == ("lyon", "B 204", "acme")
    assert await door.get(f"sends/{send['id']}") == send


# Decisions.


async def put_status(door: Door, status: Status) -> None:
    await execute(
        door,
        "update sends set status = :status, reason = null, token = gen_random_uuid(), ended_at = '2034-12-01T10:00:00Z'",
        status=status,
    )


async def test_a_cancel_is_taken_back_and_planning_is_asked(door: Door) -> None:
    send = await planned(door)
    await door.call("POST", f"/v1/sends/{send['id']}/cancel")

    answer = await door.call("POST", f"/v1/sends/{send['id']}/reactivate")

    assert (answer["status"], answer["reason"], answer["ended_at"]) == ("scheduled", "reactivated", None)
    assert door.pokes.take() == ["session s", "session s"]
    await plan(door)
    again = await only(door)
    assert (again["status"], again["reason"], again["due_at"]) == ("scheduled", None, send["due_at"])


async def test_a_send_leaves_now(door: Door) -> None:
    send = await planned(door)

    answer = await door.call("POST", f"/v1/sends/{send['id']}/send-now")

    assert (answer["status"], answer["stopped_by"]) == ("scheduled", None)
    assert answer["due_at"] < send["due_at"]
    patience = datetime.fromisoformat(answer["latest_at"]) - datetime.fromisoformat(answer["due_at"])
    assert patience == timedelta(days=1)
    assert answer["trace"][-1]["step"] == "send_now"
    assert door.pokes.take() == ["session s"]


async def received_elsewhere(door: Door) -> None:
    """Have another rule of the same template bring the mail first."""
    other = {"id": "r2", "name": "R", "template": "t", "trigger": {**TRIGGER, "offset": "-P8D"}}
    await door.call("POST", "/v1/rules", other)
    await door.call("POST", "/v1/rules/r2/activate")
    await execute(door, "update rules set planned_version = version; ")
    async with door.store.transaction() as db:
        (session,) = (await db.execute(text("select id from sessions"))).scalars()
        (rule,) = (await db.execute(text("select id from rules where key = 'r2'"))).scalars()
        await plan_in(db, session, rule)
    await execute(
        door,
        """
        insert into receipts select r.template_id, s.scope_id, s.recipient_id, 'x', s.id
        from sends s join rules r on r.id = s.rule_id where r.key = 'r2'
        """,
    )


async def test_who_received_it_already_is_told_before_the_mail_is_skipped(door: Door) -> None:  # F085
    send = await planned(door)
    await received_elsewhere(door)

    answer = await door.call("POST", f"/v1/sends/{send['id']}/send-now")
    preview = await door.get(f"sends/{send['id']}/preview")

    assert answer["stopped_by"] == "already_received"
    assert [problem["reason"] for problem in preview["problems"]] == ["already_received"]
    assert preview["subject"] == "S: soon"
    await door.put("templates/t", subject="x", html="<p>x</p>", allow_resend=True)
    again = await door.call("POST", f"/v1/sends/{send['id']}/send-now")
    assert again["stopped_by"] is None
    assert (await door.get(f"sends/{send['id']}/preview"))["problems"] == []


@pytest.mark.parametrize(
    ("decision", "status", "reason"),
    [
        (Decision.ARRIVED, "sent", None),
        (Decision.SEND_AGAIN, "scheduled", None),
        (Decision.DROP, "failed", "doubt_dropped"),
    ],
)
async def test_a_doubt_is_settled(door: Door, decision: Decision, status: str, reason: str | None) -> None:
    send = await planned(door)
    await put_status(door, Status.IN_DOUBT)

    answer = await door.call("POST", f"/v1/sends/{send['id']}/resolve", {"decision": decision})

    assert (answer["status"], answer["reason"]) == (status, reason)
    assert door.pokes.take() == ["session s"]


ALLOWED = {
    "cancel": {Status.SCHEDULED, Status.CLAIMED, Status.CANCELLED},
    "reactivate": {Status.CANCELLED},
    "send-now": SENDABLE,
    "resolve": {Status.IN_DOUBT},
}
KINDS = {
    "cancel": "too-late",
    "reactivate": "not-cancelled",
    "send-now": "not-to-be-sent",
    "resolve": "not-in-doubt",
}


@pytest.mark.parametrize("word", ALLOWED)
async def test_a_decision_that_comes_too_late_is_an_honest_409_and_changes_nothing(
    door: Door, word: str
) -> None:
    send = await planned(door)
    body = {"decision": "arrived"} if word == "resolve" else None

    for status in Status:
        await put_status(door, status)
        before = await door.everything()
        answer = await door.http.post(f"/v1/sends/{send['id']}/{word}", json=body)
        if status in ALLOWED[word]:
            assert answer.status_code == 200, (status, answer.text)
            door.pokes.take()
            continue
        problem = answer.json()
        assert answer.status_code == 409, (status, answer.text)
        assert problem["type"] == f"/problems/{KINDS[word]}"
        assert (problem["send_status"], problem["at"]) == (status, "2034-12-01T10:00:00+00:00")
        assert status in problem["detail"]
        assert "2034-12-01 10:00:00 UTC" in problem["detail"]
        assert await door.everything() == before, status
        assert door.pokes.take() == []


async def test_a_cancelled_send_is_to_be_reactivated_before_it_is_sent(door: Door) -> None:
    send = await planned(door)
    await put_status(door, Status.CANCELLED)

    answer = await door.http.post(f"/v1/sends/{send['id']}/send-now")

    assert "reactivate it first" in answer.json()["detail"]


@pytest.mark.parametrize(
    "body", [{}, {"decision": "perhaps"}, {"decision": None}, {"decision": "drop", "more": 1}]
)
async def test_a_decision_is_one_of_three(door: Door, body: dict[str, Any]) -> None:
    send = await planned(door)
    await put_status(door, Status.IN_DOUBT)

    answer = await door.http.post(f"/v1/sends/{send['id']}/resolve", json=body)

    assert answer.status_code == 422
    assert (await only(door))["status"] == "in_doubt"


@pytest.mark.parametrize("path", ["cancel", "reactivate", "send-now", "resolve", "preview"])
async def test_nobody_decides_about_a_send_that_there_is_not(door: Door, path: str) -> None:
    method, body = ("GET", None) if path == "preview" else ("POST", {"decision": "drop"})

    answer = await door.http.request(method, f"/v1/sends/{uuid4()}/{path}", json=body)

    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")


# Previews.


async def test_a_preview_is_the_mail_as_it_would_leave_and_writes_nothing(door: Door) -> None:
    send = await planned(door)
    before = await door.everything()

    preview = await door.get(f"sends/{send['id']}/preview")

    assert preview == {
        "subject": "S: soon",
        "from": {"address": "training@example.org", "name": "Example Training"},
        "reply_to": None,
        "to": {"address": "claire@example.org", "name": "Claire Martin"},
        "cc": [{"address": "training@example.org", "name": ""}],
        "html": preview["html"],
        "text": "Hello Claire, see you in B 204\n",
        "problems": [],
    }
    assert "Hello Claire, see you in B 204" in preview["html"]
    assert await door.everything() == before
    assert door.pokes.take() == []


async def test_a_preview_follows_what_is_true_now(door: Door) -> None:
    send = await planned(door)
    await door.put("people/claire", email="c@example.org", first_name="Clara")
    await door.put(
        "templates/t", subject="New", html="<p>{{ recipient.first_name }} {{ session.data.link }}</p>"
    )

    preview = await door.get(f"sends/{send['id']}/preview")

    assert (preview["subject"], preview["text"]) == ("New", "Clara x\n")
    assert preview["to"]["address"] == "c@example.org"


async def suppressed(door: Door) -> None:
    await execute(
        door,
        "insert into suppressions (organization_id, address, reason) select id, 'claire@example.org', 'bounced' from organizations",
    )


async def test_a_preview_tells_all_that_would_stop_the_mail(door: Door) -> None:
    send = await planned(door, html="<p>{{ session.data.missing }}</p>")
    await suppressed(door)
    await put_status(door, Status.CANCELLED)
    await execute(door, "update sends set reason = 'cancelled_by_hand'")
    await execute(door, "update organizations set sender_address = 'nobody'")

    preview = await door.get(f"sends/{send['id']}/preview")

    assert [(problem["reason"], problem["detail"]) for problem in preview["problems"]] == [
        (Reason.CANCELLED_BY_HAND, None),
        (Reason.SUPPRESSED, None),
        (Reason.TEMPLATE_FAILED, "html, line 1: session.data.missing has no value"),
        (Reason.TEMPLATE_FAILED, "the sender: This is not an address that mail can be sent to."),
    ]
    assert (preview["subject"], preview["html"], preview["text"], preview["from"]) == (None, None, None, None)
    assert preview["to"]["address"] == "claire@example.org"


async def test_a_preview_without_an_address_is_still_the_mail(door: Door) -> None:
    send = await planned(door)
    await door.put("people/claire", first_name="Claire", email=None)

    preview = await door.get(f"sends/{send['id']}/preview")

    assert [problem["reason"] for problem in preview["problems"]] == ["no_address"]
    assert (preview["to"], preview["cc"], preview["text"]) == (None, [], "Hello Claire, see you in B 204\n")
