"""The examples of the source texts, as written there, through the whole house: by the API, workflows and a mail server."""

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from email import message_from_bytes
from email.policy import default
from zoneinfo import ZoneInfo

import pytest

from tests.house import LivedInHouse

PARIS = ZoneInfo("Europe/Paris")
DAY, WEEK = timedelta(days=1), timedelta(days=7)

_OPEN = {"scheduled", "claimed", "handing_over", "in_doubt"}


async def received(house: LivedInHouse) -> list[tuple[str, str]]:
    """Wait until nothing that is due is under way, and return who got what until now, in no order."""

    async def settled() -> bool:
        now = (await house.now()).isoformat()
        sends = await house.sends()
        sent = sum(send["status"] == "sent" for send in sends)
        under_way = [send for send in sends if send["status"] in _OPEN and send["due_at"] <= now]
        return not under_way and len(house.accepted()) == sent

    await house.until(settled)
    await house.planned()
    return sorted(
        (mail["recipients"][0].partition("@")[0], subject(house, mail["file"])) for mail in house.accepted()
    )


def subject(house: LivedInHouse, file: str) -> str:
    path = house.sink.folder / file
    return str(message_from_bytes(path.read_bytes(), policy=default)["Subject"])


async def until_day(house: LivedInHouse, day: datetime) -> None:
    """Let time pass until the end of that day in Paris."""
    await house.advance(day.replace(hour=23, minute=59) - await house.now())


async def january(house: LivedInHouse) -> int:
    """Return the year of the next January."""
    return (await house.now()).astimezone(PARIS).year + 1


async def test_whoever_starts_on_7_january_and_on_14_january_get_the_same_mail_a_week_apart(
    house: LivedInHouse,
) -> None:
    """F018: « Si un apprenant A commence sa formation le 7 janvier et un apprenant B le 14 janvier, alors ils recevront
    le même e-mail à 1 semaine d'intervalle. »
    """
    year = await january(house)
    seventh, fourteenth = (datetime(year, 1, day, 9, tzinfo=PARIS) for day in (7, 14))
    await house.people("a", "b")
    await house.session("s", datetime(year, 1, 4, 9, tzinfo=PARIS), name="Training")
    for person, starts_at in (("a", seventh), ("b", fourteenth)):
        await house.call("PUT", f"/v1/sessions/s/participants/{person}", {"starts_at": starts_at.isoformat()})
    await house.rule("welcome", {"anchor": "participation.start", "offset": "-P3D", "at": "09:00"})

    lines = [datetime.fromisoformat(send["due_at"]) for send in await house.sends()]
    assert sorted(lines) == [seventh - 3 * DAY, fourteenth - 3 * DAY]

    await until_day(house, seventh - 3 * DAY)
    assert await received(house) == [("a", "welcome: Training")]
    await until_day(house, fourteenth - 4 * DAY)
    assert await received(house) == [("a", "welcome: Training")]
    await until_day(house, fourteenth - 3 * DAY)
    assert await received(house) == [("a", "welcome: Training"), ("b", "welcome: Training")]


async def test_a_rule_of_seven_days_before_does_nothing_for_a_session_planned_three_days_ahead(
    house: LivedInHouse,
) -> None:
    """F069: « Dans le cas où l'Automatisme est paramétré pour se déclencher 7 jours avant le début d'une ADF, si vous
    programmez une ADF 3 jours avant son commencement, l'Automatisme ne se déclenchera donc pas. »
    """
    now = await house.now()
    await house.people("ada")
    await house.rule("j7", {"anchor": "session.start", "offset": "-P7D"})

    await house.session("late", now + 3 * DAY, "ada")
    await house.session("in-time", now + 8 * DAY, "ada")

    assert [send["session"] for send in await house.sends()] == ["in-time"]
    await house.advance(9 * DAY)
    assert await received(house) == [("ada", "j7: Session in-time")]
    assert [send["session"] for send in await house.sends()] == ["in-time"]


async def test_the_cold_survey_goes_90_days_after_the_last_slot_to_those_present_in_confirmed_sessions(
    house: LivedInHouse,
) -> None:
    """F041: « envoyé automatiquement 90 jours après la date du dernier créneau programmé, pour toutes mes Actions de
    Formation confirmées et à tous les Participants ayant été marqués comme présents. »

    Who was present is written down after the session, and put right until the day itself: the mail asks then.
    """
    year = await january(house)
    monday, tuesday = (datetime(year, 1, day, 9, tzinfo=PARIS) for day in (11, 12))
    slots = [
        {
            "id": key,
            "name": key,
            "starts_at": at.isoformat(),
            "ends_at": (at + timedelta(hours=8)).isoformat(),
        }
        for key, at in (("monday", monday), ("tuesday", tuesday))
    ]
    people = ("throughout", "partly", "never", "nobody-knows", "corrected")
    await house.people(*people)
    await house.rule(
        "cold-survey",
        {"anchor": "last_synchronous_slot.end", "offset": "P90D"},
        conditions={"stages": ["confirmed"], "attendance": "present"},
    )
    for session, stage in (("confirmed", "confirmed"), ("draft", "draft")):
        await house.session(session, monday, *people, stage=stage, slots=slots)

    sends = await house.sends()
    assert {send["session"] for send in sends} == {"confirmed"}
    due = datetime(year, 4, 12, 17, tzinfo=PARIS)  # 90 days after 12 January, at the same time of day
    assert [datetime.fromisoformat(send["due_at"]) for send in sends] == [due] * 5

    await house.advance(tuesday + DAY - await house.now())
    seen = {"throughout": "throughout", "partly": "partly", "never": "never", "corrected": "never"}
    for session in ("confirmed", "draft"):
        for person, attendance in seen.items():
            path = f"/v1/sessions/{session}/participants/{person}"
            await house.call("PUT", path, {"attendance": attendance})
    await house.advance(due - DAY - await house.now())
    assert await received(house) == []
    await house.call("PUT", "/v1/sessions/confirmed/participants/corrected", {"attendance": "throughout"})

    await until_day(house, due)

    survey = "cold-survey: Session confirmed"
    assert await received(house) == [("corrected", survey), ("partly", survey), ("throughout", survey)]
    unsent = {(send["status"], send["reason"]) for send in await house.sends() if send["status"] != "sent"}
    assert unsent == {("skipped", "attendance_not_met")}


async def template(house: LivedInHouse, *, allow_resend: bool) -> None:
    words = {"subject": "Your course is waiting", "html": "<p>Hello {{ recipient.first_name }}</p>"}
    body = {"audience": "participants", "allow_resend": allow_resend, **words}
    await house.call("PUT", "/v1/templates/reminder", body)


async def rule(house: LivedInHouse, key: str, days: int, **more: object) -> None:
    trigger = {"type": "date", "anchor": "enrolled", "offset": f"P{days}D"}
    body = {"id": key, "name": key, "template": "reminder", "trigger": trigger, **more}
    await house.call("POST", "/v1/rules", body)
    await house.call("POST", f"/v1/rules/{key}/activate")
    await house.planned()


async def three_rules(house: LivedInHouse) -> None:
    """« Il sera nécessaire de créer plusieurs relances : une à J+7 une à J+14, une à J+21 etc. » (F086, F110)"""
    await template(house, allow_resend=True)
    for days in (7, 14, 21):
        unfinished = {"completion": ["not_started", "in_progress"]}
        await rule(house, f"after-{days}-days", days, conditions=unfinished)


async def one_rule(house: LivedInHouse) -> None:
    """L12, L17: the same, said once; without a flag on the template, since the rule itself says when to write again."""
    await template(house, allow_resend=False)
    await rule(house, "every-week", 7, repeat={"every": "P7D", "until": "completed", "at_most": 3})


@pytest.mark.parametrize("reminders", [three_rules, one_rule])
async def test_every_week_until_completion_writes_the_same_mails_as_three_rules_and_as_one(
    house: LivedInHouse, reminders: Callable[[LivedInHouse], Awaitable[None]]
) -> None:
    """F108, F110: « pour qu'un mail parte chaque semaine aux personnes n'ayant pas complété leur parcours »."""
    await reminders(house)
    learners = ("at-once", "in-week-two", "in-week-three", "never")
    await house.people(*learners)
    await house.call("PUT", "/v1/sessions/course", {"name": "E-learning"})
    for learner in learners:
        await house.call("PUT", f"/v1/sessions/course/participants/{learner}")
    await house.planned()

    weeks: list[list[str]] = []
    before = Counter[str]()
    for completes in ("at-once", "in-week-two", "in-week-three", None):
        if completes:
            now = (await house.now()).isoformat()
            await house.call("PUT", f"/v1/sessions/course/participants/{completes}", {"completed_at": now})
            await house.planned()
        await house.advance(WEEK if weeks else WEEK + DAY)
        until_now = Counter(person for person, _ in await received(house))
        weeks.append(sorted((until_now - before).elements()))
        before = until_now

    assert weeks == [["in-week-three", "in-week-two", "never"], ["in-week-three", "never"], ["never"], []]
    assert {subject for _, subject in await received(house)} == {"Your course is waiting"}
