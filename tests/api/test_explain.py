"""Why did Ada not get it? What the API answers, in both languages."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.sends import Reason, Status
from tests.api.door import Door
from tests.api.test_sends import execute, only, plan

STARTS_AT = "2035-01-25T09:00:00+01:00"  # a Thursday
DAY = timedelta(days=1)


async def a_house(door: Door, starts_at: str = STARTS_AT, **session: Any) -> None:
    """Put Ada, of a company, into a session in Paris."""
    await door.put("people/ada", email="ada@example.org", first_name="Ada", last_name="Byron")
    await door.put("companies/acme", name="Acme", email="acme@example.org")
    await door.put("sessions/s", name="S", timezone="Europe/Paris", starts_at=starts_at, **session)
    await door.put("sessions/s/participants/ada", company="acme")
    await door.put("templates/t", subject="Soon", html="<p>Hello</p>")
    await door.put("templates/c", subject="Soon", html="<p>Hello</p>", audience="companies")


async def a_rule(door: Door, id: str = "j7", *, active: bool = True, **says: Any) -> None:
    """Make a rule of seven days before the session starts, at 09:00, and plan."""
    trigger = {"type": "date", "anchor": "session.start", "offset": "-P7D", "at": "09:00"}
    body = {"id": id, "name": id.upper(), "template": "t", "trigger": trigger, **says}
    await door.call("POST", "/v1/rules", body)
    if active:
        await door.call("POST", f"/v1/rules/{id}/activate")
    await execute(door, "update rules set planned_version = version")
    await execute(door, "update sessions set version = version + 1")  # as a roll-out reads all of it
    await plan(door)


async def asked(door: Door, language: str = "en", person: str = "ada") -> list[dict[str, Any]]:
    answer = await door.get(f"sessions/s/participants/{person}/explain?language={language}")
    found: list[dict[str, Any]] = answer["explanations"]
    return found


async def only_one(door: Door, language: str = "en") -> dict[str, Any]:
    (one,) = await asked(door, language)
    return one


def told(one: dict[str, Any]) -> str:
    """Return all that is said, one sentence after the other."""
    steps = [one["verdict"], *one["why"], *one["counting"], *one["history"]]
    return " ".join(step["sentence"] for step in steps)


async def test_a_mail_that_waits_is_explained_step_by_step(door: Door) -> None:
    await a_house(door)
    await a_rule(door)
    send = await only(door)

    one = await door.get(f"sends/{send['id']}/explain?language=en")
    french = await door.get(f"sends/{send['id']}/explain?language=fr")

    assert (one["session"], one["rule"], one["recipient"], one["send"]) == ("s", "j7", "ada", send["id"])
    assert one["planned"] is True
    assert [step["sentence"] for step in [one["verdict"], *one["counting"]]] == [
        "It waits, and is to leave on Thu, 18 Jan 2035 at 09:00.",
        "Its times are read on the clocks of the session: Paris.",
        "The rule counts from when the session starts: Thu, 25 Jan 2035 at 09:00.",
        "7 days before: Thu, 18 Jan 2035 at 09:00.",
        "At 09:00 on that day: Thu, 18 Jan 2035 at 09:00.",
        "So it is due on Thu, 18 Jan 2035 at 09:00 (Paris), which is 2035-01-18 08:00 UTC.",
        "It may leave until Thu, 25 Jan 2035 at 09:00: by then what it announces has come.",
    ]
    assert french["verdict"]["sentence"] == "Il attend, et doit partir le jeu. 18 janv. 2035 à 09:00."
    assert [step["sentence"] for step in french["counting"]][1:3] == [
        "La règle compte depuis le début de la session : jeu. 25 janv. 2035 à 09:00.",
        "7 jours avant : jeu. 18 janv. 2035 à 09:00.",
    ]
    assert one["counting"][4]["values"] == {
        "local": "2035-01-18T09:00:00",
        "at": "2035-01-18T08:00:00Z",
        "zone": "Europe/Paris",
    }


async def test_f069_a_week_before_a_session_in_three_days_was_never_created(door: Door) -> None:
    starts_at = (datetime.now(UTC) + 3 * DAY).replace(microsecond=0)
    await a_house(door, starts_at.isoformat())
    await a_rule(door)

    english, french = await only_one(door), await only_one(door, "fr")

    assert (english["send"], english["status"]) == (None, None)
    assert english["verdict"]["sentence"] == "No such mail was ever created."
    assert [step["code"] for step in english["why"]] == ["due_in_past"]
    assert "had already passed when it was asked for" in told(english)
    assert "Un tel mail n’a jamais été créé." in told(french)
    assert "était déjà passée quand il a été demandé" in told(french)


async def test_f053_whoever_was_absent_is_told_so(door: Door) -> None:
    await a_house(door)
    await a_rule(door, conditions={"attendance": "present"})
    await door.put("sessions/s/participants/ada", attendance="never")
    await plan(door)

    waits = await only_one(door)
    await execute(
        door,
        "update sends set status = :status, reason = :reason, ended_at = relance_now()",
        status=Status.SKIPPED,
        reason=Reason.ATTENDANCE_NOT_MET,
    )
    skipped, french = await only_one(door), await only_one(door, "fr")

    assert [step["values"]["met"] for step in waits["why"]] == [False]
    assert "The rule writes to whoever was present at least once. The recipient was never present." in told(
        waits
    )
    assert skipped["status"] == "skipped"
    assert [step["code"] for step in skipped["why"]] == ["reason", "attendance"]
    assert "La règle écrit à qui a été présent au moins une fois." in told(french)


async def test_f045_another_center_is_named(door: Door) -> None:
    await a_house(door, center="nice")
    await a_rule(door, centers=["lyon", "paris"])

    english, french = await only_one(door), await only_one(door, "fr")

    assert "The rule is for the centers “lyon” or “paris”. The session is held by “nice”." in told(english)
    assert "La règle est pour les centres « lyon » ou « paris ». La session est celle de « nice »." in told(
        french
    )


async def test_a_rule_that_is_not_active_is_told_of_all_the_same(door: Door) -> None:
    await a_house(door)
    await a_rule(door, active=False)

    one = await only_one(door)

    assert one["send"] is None
    assert "The rule is not active." in told(one)
    assert "7 days before: Thu, 18 Jan 2035 at 09:00." in told(one)


async def test_what_happened_is_told_in_order(door: Door) -> None:
    await a_house(door)
    await a_rule(door)
    await door.put("sessions/s", name="S", timezone="Europe/Paris", starts_at="2035-02-01T09:00:00+01:00")
    await plan(door)
    await door.call("POST", f"/v1/sends/{(await only(door))['id']}/cancel")

    one = await only_one(door)

    assert [step["code"] for step in one["history"]] == ["planned", "moved", "changed"]
    assert "it moved, from Thu, 18 Jan 2035 at 09:00 to Thu, 25 Jan 2035 at 09:00." in told(one)
    assert one["history"][2]["sentence"].endswith("the token “tests” cancelled it.")
    assert one["verdict"]["sentence"].startswith("It was cancelled on ")


async def test_l06_a_history_says_who_did_it(door: Door) -> None:
    await a_house(door)
    await a_rule(door)
    id = (await only(door))["id"]
    made = await door.call("POST", "/v1/tokens", {"name": "LMS"})
    await door.call("POST", f"/v1/sends/{id}/cancel")  # with the token "tests"
    door.http.headers["Authorization"] = f"Bearer {made['token']}"
    await door.call("POST", f"/v1/sends/{id}/reactivate")
    await door.call("POST", f"/v1/sends/{id}/send-now")
    await execute(door, "update sends set status = 'in_doubt'")
    await door.call("POST", f"/v1/sends/{id}/resolve", {"decision": "drop"})

    english, french = await only_one(door), await only_one(door, "fr")

    trace = (await door.get(f"sends/{id}"))["trace"]
    assert [entry.get("by") for entry in trace] == [None, "tests", "LMS", "LMS", "LMS"]
    assert [step["values"].get("by") for step in english["history"]] == [None, "tests", "LMS", "LMS", "LMS"]
    for said in (
        "the token “tests” cancelled it.",
        "the token “LMS” took its cancellation back.",
        "the token “LMS” sent it by hand.",
        "the token “LMS” decided to leave it at that.",
    ):
        assert said in told(english)
    assert "le jeton «\u00a0tests\u00a0» l’a annulé." in told(french)
    assert "le jeton «\u00a0LMS\u00a0» a levé son annulation." in told(french)


async def test_clocks_that_change_are_told(door: Door) -> None:
    await a_house(door, "2035-04-01T09:00:00+02:00")  # in Paris summer time begins on 25 March, at 02:00
    trigger = {"type": "date", "anchor": "session.start", "offset": "-P7D", "at": "02:30"}
    await a_rule(door, trigger=trigger)

    assert "never show Sun, 25 Mar 2035 at 02:30: it becomes Sun, 25 Mar 2035 at 03:30." in told(
        await only_one(door)
    )


async def test_whoever_has_it_by_another_rule_is_told_by_which(door: Door) -> None:
    await a_house(door)
    await a_rule(door)
    first = await only(door)
    await execute(door, "update sends set status = 'sent', ended_at = relance_now()")
    await execute(
        door,
        """
        insert into receipts (template_id, scope_id, recipient_id, address_digest, send_id)
        select r.template_id, s.scope_id, s.recipient_id, 'digest', s.id from sends s join rules r on r.id = s.rule_id
        """,
    )
    await a_rule(door, "again")

    (again,) = [one for one in await asked(door) if one["rule"] == "again"]

    assert [step["values"]["send"] for step in again["why"]] == [first["id"]]
    assert "The recipient already has it, by “J7”" in told(again)


async def test_the_mail_to_the_company_of_somebody_is_told_with_theirs(door: Door) -> None:
    await a_house(door)
    await a_rule(door)
    await a_rule(door, "companies", audience="companies", template="c")

    found = await asked(door)

    assert {(one["rule"], one["recipient"], one["role"]) for one in found} == {
        ("j7", "ada", "participant"),
        ("companies", "acme", "company"),
    }
    assert all(one["send"] for one in found)


async def test_f019_a_mail_about_some_of_a_company_is_told_by_their_own_dates(door: Door) -> None:
    await a_house(door)
    await door.put("people/ben", email="ben@example.org")
    await door.put("sessions/s/participants/ada", company="acme", starts_at="2035-02-07T09:00:00+01:00")
    await door.put("sessions/s/participants/ben", company="acme", starts_at="2035-02-14T09:00:00+01:00")
    trigger = {"type": "date", "anchor": "participation.start", "offset": "-P7D"}
    await a_rule(door, audience="companies", template="c", trigger=trigger)

    (of_ada,), (of_ben,) = await asked(door), await asked(door, person="ben")
    by_itself = await door.get(f"sends/{of_ben['send']}/explain?language=en")

    assert (of_ada["recipient"], of_ben["recipient"]) == ("acme", "acme")
    assert "their own dates begin: Wed, 7 Feb 2035 at 09:00." in told(of_ada)
    assert "their own dates begin: Wed, 14 Feb 2035 at 09:00." in told(of_ben)
    assert told(by_itself) == told(of_ben)


async def test_mails_about_slots_name_them(door: Door) -> None:
    slots = [
        {"id": key, "name": key, "starts_at": f"2035-01-2{n}T09:00:00Z", "ends_at": f"2035-01-2{n}T10:00:00Z"}
        for n, key in enumerate(("first", "second"), start=5)
    ]
    await a_house(door, slots=slots)
    await door.put("sessions/s/participants/ada", company="acme", slots=["first"])
    await a_rule(door, scope="slot", trigger={"type": "date", "anchor": "slot.start", "offset": "-P7D"})

    found = {one["slot"]: one for one in await asked(door)}

    assert found["first"]["send"] is not None
    assert found["second"]["send"] is None
    assert "The recipient comes to none of the slots that it is about." in told(found["second"])


async def test_what_planning_has_still_to_follow_is_told(door: Door) -> None:
    await a_house(door)
    await a_rule(door)
    await door.put("people/ben", email="ben@example.org")
    await door.put("sessions/s/participants/ben")

    answer = await door.get("sessions/s/participants/ben/explain?language=en")

    assert answer["planned"] is False
    assert "planning has still to follow" in told(answer["explanations"][0])


async def test_f105_whoever_was_taken_out_by_hand_is_told_so_when_all_are_contacted_again(door: Door) -> None:
    await a_house(door)
    await a_rule(door)
    await door.call("POST", f"/v1/sends/{(await only(door))['id']}/cancel")
    await door.call("POST", "/v1/rules/j7/contact-again")
    await execute(door, "update rules set planned_version = version")
    await execute(door, "update sessions set version = version + 1")
    await plan(door)

    one = await only_one(door)

    assert (one["status"], [step["values"] for step in one["why"]]) == (
        "cancelled",
        [{"reason": "cancelled_by_hand"}],
    )


async def test_whoever_left_is_told_why_nothing_comes(door: Door) -> None:
    await a_house(door)
    await a_rule(door)
    await door.call("DELETE", "/v1/sessions/s/participants/ada")
    await plan(door)

    one = await only_one(door)

    assert one["status"] == "removed"
    assert "The recipient no longer takes part." in told(one)


async def test_the_language_is_the_organization_s_where_none_is_asked_for(door: Door) -> None:
    await a_house(door)

    answer = await door.get("sessions/s/participants/ada/explain")

    assert answer["language"] == "en"
    assert answer["explanations"] == []


@pytest.mark.parametrize(
    ("path", "status", "named"),
    [
        ("sessions/s/participants/ada/explain?language=de", 422, "language"),
        ("sessions/s/participants/nobody/explain", 404, "participant 'nobody'"),
        ("sessions/none/participants/ada/explain", 404, "session 'none'"),
        (f"sends/{UUID(int=7)}/explain", 404, f"send '{UUID(int=7)}'"),
        ("sends/none/explain", 422, "id"),
    ],
)
async def test_what_cannot_be_explained_is_refused_by_name(
    door: Door, path: str, status: int, named: str
) -> None:
    await a_house(door)

    answer = await door.http.get(f"/v1/{path}")

    assert answer.status_code == status
    problem = answer.json()
    if status == 404:
        assert problem["detail"] == f"There is no {named}."
    else:
        assert [error["field"] for error in problem["errors"]] == [named]


async def test_looking_changes_nothing(door: Door) -> None:
    await a_house(door)
    await a_rule(door)
    before = await door.everything()

    await asked(door)

    assert await door.everything() == before
