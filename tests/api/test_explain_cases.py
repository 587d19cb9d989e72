"""Why did Ms X not get Y, where reality is less plain? In words that somebody can pass on, in both languages."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.api.door import Door
from tests.api.test_explain import DAY, a_house, a_rule, asked, only_one, told
from tests.api.test_sends import execute, plan

AFTER = {"type": "date", "anchor": "session.start", "offset": "P7D", "at": "09:00"}
OWN_START = {"type": "date", "anchor": "participation.start", "offset": "-P7D"}
WEEKLY = {"every": "P7D", "at_most": 3}


async def replan(door: Door) -> None:
    """Plan as a roll-out of what was written does."""
    await execute(door, "update rules set planned_version = version")
    await execute(door, "update sessions set version = version + 1")
    await plan(door)


async def leave(door: Door) -> None:
    """Have what waits leave when it is due, and plan what follows."""
    await execute(
        door,
        "update sends set status = 'sent', handed_at = due_at, ended_at = due_at where status = 'scheduled'",
    )
    await execute(door, "update participations set version = version + 1")
    await plan(door)


async def two_of_a_company(door: Door, **says: Any) -> None:
    """Ada and Ben come from one company, a week apart; it is told a week before each begins."""
    await a_house(door)
    await door.put("people/ben", email="ben@example.org", first_name="Ben", last_name="Doe")
    await begin(door, ada=7, ben=14)
    await a_rule(door, audience="companies", template="c", trigger=OWN_START, **says)


async def begin(door: Door, **days: int) -> None:
    for person, day in days.items():
        starts_at = f"2035-02-{day:02}T09:00:00+01:00"
        await door.put(f"sessions/s/participants/{person}", company="acme", starts_at=starts_at)


def sentences(steps: Sequence[dict[str, Any]]) -> list[str]:
    return [step["sentence"] for step in steps]


def codes(steps: Sequence[dict[str, Any]]) -> list[str]:
    return [step["code"] for step in steps]


async def of_status(door: Door, status: str, language: str = "en", person: str = "ada") -> dict[str, Any]:
    (one,) = [one for one in await asked(door, language, person) if one["status"] == status]
    return one


async def test_f110_mails_of_a_series_that_the_rule_has_no_more_are_told_as_such(door: Door) -> None:
    await a_house(door)
    await a_rule(door, trigger=AFTER, repeat=WEEKLY)
    await leave(door)
    await leave(door)
    await door.call("PATCH", "/v1/rules/j7", {"repeat": None})
    await replan(door)

    first, second, third = await asked(door)
    _, french, _ = await asked(door, "fr")

    assert "due" in codes(first["counting"])  # the one mail that the rule still writes
    assert sentences(second["counting"]) == [
        "It was mail 2 of a series, which the rule does not write any more."
    ]
    assert second["counting"][0]["values"] == {"number": 2}
    assert sentences(third["why"]) == ["The rule was edited, and does not ask for it any more."]
    assert sentences(french["counting"]) == ["C’était le mail nº 2 d’une série, que la règle n’écrit plus."]


async def test_l12_the_last_step_of_a_series_that_is_no_more_is_told_as_such(door: Door) -> None:
    await a_house(door)
    await a_rule(door, trigger=AFTER, repeat={"every": "P7D", "at_most": 1, "then": {"to": "manager"}})
    await leave(door)
    await leave(door)
    await door.call("PATCH", "/v1/rules/j7", {"repeat": {"then": None}})
    await replan(door)

    _, last, _ = await asked(door)
    _, french, _ = await asked(door, "fr")

    assert sentences(last["counting"]) == [
        "It was the last mail of a series, which the rule does not write any more."
    ]
    assert sentences(french["counting"]) == [
        "C’était le dernier mail d’une série, que la règle n’écrit plus."
    ]


async def test_l04_who_was_there_before_the_rule_is_told_why_it_does_not_catch_up(door: Door) -> None:
    starts_at = (datetime.now(UTC) + 3 * DAY).replace(microsecond=0)
    await a_house(door, starts_at.isoformat())
    await a_rule(door, catch_up=True)

    english, french = await only_one(door), await only_one(door, "fr")

    assert codes(english["why"]) == ["due_in_past", "no_catch_up"]
    assert english["why"][1]["values"]["why"] == "before_rule"
    assert "catches up with whoever joins late after that: the recipient had joined before" in told(english)
    assert "rattrape qui arrive en retard après cela : le destinataire était arrivé avant" in told(french)
    assert "caught_up" not in codes(english["counting"])  # nobody was
    assert "would have been due" in told(english)


async def test_l04_an_enrolment_written_down_late_is_told_why_it_is_not_caught_up_with(door: Door) -> None:
    starts_at = (datetime.now(UTC) + 3 * DAY).replace(microsecond=0)
    await a_house(door, starts_at.isoformat())
    await a_rule(door, catch_up=True)
    await execute(
        door,
        """update participations set enrolled_at = :at, enrolled_recorded_at = relance_now(), version = version + 1""",
        at=datetime.now(UTC) - 3 * DAY,
    )
    await plan(door)

    english, french = await only_one(door), await only_one(door, "fr")

    assert english["why"][1]["values"]["why"] == "old_record"
    assert "written down here more than a day later" in told(english)
    assert "noté ici que plus d’un jour après" in told(french)


async def test_what_never_was_is_told_as_what_would_have_been(door: Door) -> None:
    await a_house(door)
    await a_rule(door, active=False)

    english, french = await only_one(door), await only_one(door, "fr")

    assert english["counting"][-2]["values"]["tense"] == "conditional"
    assert sentences(english["counting"][-2:]) == [
        "So it would have been due on Thu, 18 Jan 2035 at 09:00 (Paris), which is 2035-01-18 08:00 UTC.",
        "It could have left until Thu, 25 Jan 2035 at 09:00: by then what it announces has come.",
    ]
    assert "Il aurait donc été dû le jeu. 18 janv. 2035 à 09:00" in told(french)
    assert "Il aurait pu partir jusqu’au" in told(french)


@pytest.mark.parametrize(
    ("status", "says", "french"),
    [
        ("cancelled", "So it would have been due on", "Il aurait donc été dû le"),
        ("removed", "So it would have been due on", "Il aurait donc été dû le"),
        ("sent", "So it was due on", "Il était donc dû le"),
        ("skipped", "So it was due on", "Il était donc dû le"),
        ("scheduled", "So it is due on", "Il est donc dû le"),
    ],
)
async def test_a_due_time_is_told_in_the_tense_that_is_true(
    door: Door, status: str, says: str, french: str
) -> None:
    await a_house(door)
    await a_rule(door)
    await execute(door, "update sends set status = :status, ended_at = relance_now()", status=status)

    assert says in told(await only_one(door))
    assert french in told(await only_one(door, "fr"))


async def test_a_series_that_goes_no_further_counts_no_other_mail(door: Door) -> None:
    await a_house(door)
    await a_rule(door, repeat=WEEKLY)
    (one,) = await asked(door)
    await door.call("POST", f"/v1/sends/{one['send']}/cancel")
    await replan(door)

    (after,) = [one for one in await asked(door) if one["send"] is None]

    assert (after["verdict"]["code"], after["counting"], after["due_at"]) == ("no_further", [], None)


@pytest.mark.parametrize("repeat", [None, WEEKLY], ids=["once", "again and again"])
async def test_f019_who_was_taken_up_into_another_mail_is_told_which(door: Door, repeat: Any) -> None:
    await two_of_a_company(door, repeat=repeat)
    await begin(door, ada=14)
    await plan(door)

    gone, waits = await of_status(door, "removed"), await of_status(door, "scheduled")
    french = await of_status(door, "removed", "fr")

    assert (await door.get(f"sends/{gone['send']}"))["reason"] == "covered_already"
    assert sentences(gone["why"]) == [
        "It is about Ada Byron.",
        "Everybody it was about is in another mail to their company.",
        "Ada Byron: in another mail to the company, which is to leave on Wed, 7 Feb 2035 at 09:00.",
    ]
    assert gone["why"][2]["values"] == {
        "participants": ["ada"],
        "send": waits["send"],
        "status": "scheduled",
        "leaves_at": "2035-02-07T08:00:00Z",
    }
    assert "Ada Byron : dans un autre mail à l’entreprise, qui doit partir le mer. 7 févr. 2035" in told(
        french
    )

    await leave(door)
    left = (await of_status(door, "removed"))["why"][2]
    assert left["sentence"].endswith("which left on Wed, 7 Feb 2035 at 09:00.")
    assert left["values"]["send"] == waits["send"]  # not the next of the series
    assert "parti le mer. 7 févr. 2035" in told(await of_status(door, "removed", "fr"))


async def test_f023_a_mail_to_a_company_whose_only_participant_left_says_so(door: Door) -> None:
    await two_of_a_company(door)
    await door.call("DELETE", "/v1/sessions/s/participants/ada")
    await plan(door)

    one, french = await of_status(door, "removed"), await of_status(door, "removed", "fr")
    alone = await door.get(f"sends/{one['send']}/explain?language=en")

    for found in (one, alone):
        assert sentences(found["why"]) == [
            "It was about Ada Byron alone, who no longer takes part with the company."
        ]
        assert found["why"][0]["values"] == {"participants": ["ada"]}
        assert found["history"][-1]["sentence"].endswith(
            "it was withdrawn. Nobody it was about takes part with the company any more."
        )
    assert alone["counting"] == []  # there are no dates to count from
    assert "Seul participant concerné, Ada Byron ne participe plus pour l’entreprise." in told(french)
    assert "Plus aucun participant concerné ne participe pour l’entreprise." in told(french)


async def test_f023_a_mail_about_all_of_a_company_of_whom_nobody_is_left_says_so(door: Door) -> None:
    await a_house(door)
    await a_rule(door, audience="companies", template="c")
    await door.call("DELETE", "/v1/sessions/s/participants/ada")
    await plan(door)

    assert sentences((await only_one(door))["why"]) == [
        "None of the company’s participants takes part any more."
    ]
    assert sentences((await only_one(door, "fr"))["why"]) == [
        "Plus aucun participant de l’entreprise ne participe."
    ]


async def test_f019_a_mail_to_a_company_names_those_whom_it_is_about(door: Door) -> None:
    await two_of_a_company(door)
    await begin(door, ada=14)
    await plan(door)
    id = (await of_status(door, "scheduled"))["send"]

    one = await door.get(f"sends/{id}/explain?language=en")
    french = await door.get(f"sends/{id}/explain?language=fr")

    assert (one["recipient"], one["participants"]) == ("acme", ["ada", "ben"])
    assert one["why"][0]["values"] == {"participants": ["ada", "ben"]}
    assert one["why"][0]["sentence"] == "It is about Ada Byron and Ben Doe."
    assert french["why"][0]["sentence"] == "Ce mail concerne Ada Byron et Ben Doe."


async def test_f019_of_a_crowd_the_first_are_named(door: Door) -> None:
    await two_of_a_company(door)
    more = [f"p{number:02}" for number in range(12)]
    for person in more:
        await door.put(f"people/{person}", email=f"{person}@example.org")
    await begin(door, **dict.fromkeys(["ada", "ben", *more], 14))
    await plan(door)

    one, french = await of_status(door, "scheduled"), await of_status(door, "scheduled", "fr")

    assert sorted(one["participants"]) == sorted(["ada", "ben", *more])
    assert one["why"][0]["sentence"].endswith(" and 4 others.")
    assert french["why"][0]["sentence"].endswith(" et 4 autres.")


async def test_a_mail_about_all_of_a_company_says_so(door: Door) -> None:
    await a_house(door)
    await a_rule(door, audience="companies", template="c")

    one = await only_one(door)

    assert one["participants"] is None
    assert sentences(one["why"]) == ["It is about everybody who comes with the company."]


async def test_f072_what_the_session_says_in_the_rule_s_place_is_told(door: Door) -> None:
    await a_house(door)
    await a_rule(door)
    await door.put("templates/x", subject="Soon", html="<p>Hello</p>")
    await door.put("sessions/s/rules/j7", offset="-P2D", at="10:00", template="x")
    await plan(door)

    english, french = await only_one(door), await only_one(door, "fr")

    assert codes(english["counting"])[:3] == ["clocks", "times_here", "anchor"]
    assert english["counting"][1]["values"] == {
        "anchor": "session.start",
        "offset": "-P2D",
        "at": "10:00:00",
        "usual_offset": "-P7D",
        "usual_at": "09:00:00",
    }
    assert english["counting"][1]["sentence"] == (
        "This session says “2 days before the session starts, at 10:00” "
        "instead of “7 days before the session starts, at 09:00”."
    )
    assert sentences(english["why"]) == ["This session sends the template “x” by it instead of “t”."]
    assert "Cette session dit «\u00a02 jours avant le début de la session, à 10:00\u00a0» au lieu de" in told(
        french
    )
    assert "le modèle «\u00a0x\u00a0» au lieu de «\u00a0t\u00a0»" in told(french)


async def test_f072_an_offset_in_hours_takes_the_time_of_day_away(door: Door) -> None:
    await a_house(door)
    await a_rule(door)
    await door.put("sessions/s/rules/j7", offset="-PT2H")
    await plan(door)

    assert (
        "This session says “2 hours before the session starts” instead of “7 days before the session starts, at 09:00”."
        in told(await only_one(door))
    )


async def test_what_a_session_says_of_a_rule_that_names_its_date_is_told(door: Door) -> None:
    await a_house(door)
    await a_rule(door, trigger={"type": "date", "anchor": "date", "date": "2035-01-10", "at": "09:00"})
    await door.put("sessions/s/rules/j7", at="11:00")
    await plan(door)

    assert (
        "This session says “on Wed, 10 Jan 2035, at 11:00” instead of “on Wed, 10 Jan 2035, at 09:00”."
        in told(await only_one(door))
    )


async def test_f008_a_rule_that_was_given_to_an_older_session_says_so(door: Door) -> None:
    await a_house(door)
    await a_rule(door, existing_sessions=False)
    assert "The rule leaves alone the sessions that were there before it." in told(await only_one(door))
    await door.put("sessions/s/rules/j7", active=True)
    await plan(door)

    english, french = await only_one(door), await only_one(door, "fr")

    assert codes(english["why"]) == ["switched_on_here"]
    assert "but somebody switched it on for this one." in told(english)
    assert "mais quelqu’un l’a activée pour celle-ci." in told(french)


async def test_what_other_sessions_say_is_not_told(door: Door) -> None:
    await a_house(door)
    await a_rule(door)
    await door.put("sessions/other", name="Other", starts_at="2035-01-25T09:00:00Z")
    await door.put("sessions/other/rules/j7", offset="-P2D")
    await replan(door)

    assert "times_here" not in codes((await only_one(door))["counting"])


WITHDRAWN = [
    (
        "POST",
        "rules/j7/deactivate",
        None,
        "rule_deactivated",
        "deactivated the rule.",
        "a désactivé la règle.",
    ),
    ("DELETE", "rules/j7", None, "rule_deleted", "deleted the rule.", "a supprimé la règle."),
    (
        "PUT",
        "sessions/s/rules/j7",
        {"active": False},
        "switched_off_here",
        "switched the rule off for this session.",
        "a désactivé la règle pour cette session.",
    ),
    (
        "PUT",
        "sessions/s",
        {"name": "S", "timezone": "Europe/Paris", "starts_at": "2035-01-25T09:00:00+01:00"}
        | {"rules": {"j7": {"active": False}}},
        "switched_off_here",
        "switched the rule off for this session.",
        "a désactivé la règle pour cette session.",
    ),
]


@pytest.mark.parametrize(("method", "path", "body", "reason", "says", "french"), WITHDRAWN)
async def test_l06_a_mail_that_was_withdrawn_with_its_rule_says_by_whom(
    door: Door, method: str, path: str, body: Any, reason: str, says: str, french: str
) -> None:
    await a_house(door)
    await a_rule(door)

    await door.call(method, f"/v1/{path}", body)
    await replan(door)

    await tells_who(door, reason, says, french)


@pytest.mark.parametrize(
    ("method", "body", "reason", "says", "french"),
    [
        ("PUT", {"active": False}, "rule_deactivated", "deactivated the rule.", "a désactivé la règle."),
        ("PUT", None, "rule_deactivated", "deactivated the rule.", "a désactivé la règle."),
        ("DELETE", None, "rule_deleted", "deleted the rule.", "a supprimé la règle."),
    ],
    ids=["switched", "replaced", "deleted"],
)
async def test_l06_a_mail_of_a_session_s_own_rule_says_who_withdrew_it(
    door: Door, method: str, body: Any, reason: str, says: str, french: str
) -> None:
    await a_house(door)
    own = {"name": "Own", "template": "t", "trigger": {**AFTER, "offset": "-P7D"}}
    await door.put("sessions/s/rules/own", **own)
    await plan(door)

    await door.call(
        method, "/v1/sessions/s/rules/own", body or ({**own, "active": False} if method == "PUT" else None)
    )
    await plan(door)

    await tells_who(door, reason, says, french)


async def tells_who(door: Door, reason: str, says: str, french: str) -> None:
    one, in_french = await only_one(door), await only_one(door, "fr")
    trace = (await door.get(f"sends/{one['send']}"))["trace"]

    assert (one["status"], trace[-1]["reason"]) == ("removed", reason)
    assert "tests" in {entry.get("by") for entry in trace}
    assert one["history"][-1]["values"]["by"] == "tests"
    assert one["history"][-1]["sentence"].endswith(f"it was withdrawn: the token “tests” {says}")
    assert in_french["history"][-1]["sentence"].endswith(
        f"il a été retiré : le jeton «\u00a0tests\u00a0» {french}"
    )


async def test_who_switched_a_rule_off_is_not_told_of_another_reason(door: Door) -> None:
    """Switched off and on again, its mail waits on; it is withdrawn later for something else."""
    await a_house(door)
    await a_rule(door)
    await door.put("sessions/s/rules/j7", active=False)
    await door.call("DELETE", "/v1/sessions/s/rules/j7")
    await plan(door)
    await door.call("DELETE", "/v1/sessions/s/participants/ada")
    await plan(door)

    one = await only_one(door)

    assert "by" not in one["history"][-1]["values"]
    assert one["history"][-1]["sentence"].endswith("it was withdrawn. The recipient no longer takes part.")
