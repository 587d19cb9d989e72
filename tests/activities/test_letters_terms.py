"""Who is written to at all: what a rule and its template ask of somebody is decided as the mail leaves."""

from collections.abc import Mapping
from email import message_from_bytes, policy
from typing import Any
from uuid import UUID

import pytest

from domain.conditions import Completion, Presence
from tests.activities.desk import Desk, text_of

THROUGHOUT, PARTLY, NEVER, UNSEEN = "throughout", "partly", "never", None
MET = {
    Presence.ANY: {THROUGHOUT, PARTLY, NEVER, UNSEEN},
    Presence.PRESENT: {THROUGHOUT, PARTLY},
    Presence.PRESENT_THROUGHOUT: {THROUGHOUT},
    Presence.ABSENT: {PARTLY, NEVER},
    Presence.NEVER_PRESENT: {NEVER},
}
YESTERDAY = "2026-01-01T09:00:00Z"
WEEKLY = {"every": "P7D", "at_most": 4}


async def ended(desk: Desk, send: UUID) -> tuple[str, str | None]:
    row = await desk.deliver(send)
    return row["status"], row["reason"]


def where(**conditions: Any) -> Mapping[str, Any]:
    return {"conditions": conditions}


SENT = ("sent", None)


@pytest.mark.parametrize("asked", Presence)
async def test_a_mail_goes_to_those_who_were_seen_as_its_rule_asks(desk: Desk, asked: Presence) -> None:
    """F053: as it is when the mail leaves; nothing seen is neither present nor absent."""
    got = set()
    for seen in (THROUGHOUT, PARTLY, NEVER, UNSEEN):
        ada = await desk.participant(f"ada-{seen}", attendance=seen)
        outcome = await ended(desk, await desk.send(ada, says=where(attendance=asked)))
        assert outcome in (SENT, ("skipped", "attendance_not_met"))
        got |= {seen} if outcome == SENT else set()

    assert got == MET[asked]


STAGES: Mapping[Completion, Mapping[str, Any]] = {
    Completion.NOT_STARTED: {},
    Completion.IN_PROGRESS: {"started_at": YESTERDAY},
    Completion.COMPLETED: {"started_at": YESTERDAY, "completed_at": YESTERDAY},
}


@pytest.mark.parametrize("asked", [[one] for one in Completion] + [["not_started", "in_progress"]])
async def test_a_mail_goes_to_those_who_are_as_far_as_its_rule_asks(desk: Desk, asked: list[str]) -> None:
    """F096, F106-F108"""
    for stage, facts in STAGES.items():
        send = await desk.send(await desk.participant(f"ada-{stage}", **facts), says=where(completion=asked))
        assert await ended(desk, send) == (SENT if stage in asked else ("skipped", "completion_not_met"))


async def test_whoever_completed_without_having_started_has_completed(desk: Desk) -> None:
    ada = await desk.participant("ada", completed_at=YESTERDAY)
    assert await ended(desk, await desk.send(ada, says=where(completion=["completed"]))) == SENT


async def test_a_mail_goes_to_those_of_the_status_that_its_rule_asks(desk: Desk) -> None:
    """F038; whoever has none is in no list."""
    for status, outcome in (("enrolled", SENT), ("waiting", None), (None, None)):
        ada = await desk.participant(f"ada-{status}", status=status)
        send = await desk.send(ada, says=where(statuses=["enrolled", "confirmed"]))
        assert await ended(desk, send) == (outcome or ("skipped", "status_not_met"))


async def test_whoever_answered_the_questionnaire_of_a_template_gets_none_of_its_mails(desk: Desk) -> None:
    """F088: participants and trainers, each for themselves."""
    cold: dict[str, Any] = {"questionnaire": "cold"}
    answered = await desk.participant("ada", answered=["hot", "cold"])
    other = await desk.participant("grace", answered=["hot"])
    trainer = await desk.trainer("tess", answered=["cold"])

    assert await ended(desk, await desk.send(answered, **cold)) == ("skipped", "already_answered")
    assert await ended(desk, await desk.send(answered)) == SENT
    assert await ended(desk, await desk.send(other, **cold)) == SENT
    assert await ended(desk, await desk.send(trainer, **cold)) == ("skipped", "already_answered")


async def test_what_was_said_a_moment_before_decides(desk: Desk) -> None:
    """F053, F108: with the body on the wire it is not too late."""
    ada = await desk.participant("ada")
    send = await desk.send(ada, says=where(completion=["not_started", "in_progress"]))

    async def complete() -> None:
        await desk.execute(
            "update participations set completed_at = relance_now(), version = version + 1 where id = :id",
            id=ada,
        )

    desk.relay.meanwhile = complete
    row = await desk.deliver(send)
    assert (row["status"], desk.accepted()) == ("scheduled", [])
    await desk.plan()
    assert await ended(desk, send) == ("skipped", "completion_not_met")


# Series


async def test_a_series_is_over_for_whoever_completed(desk: Desk) -> None:
    """F110, L12"""
    says = {"repeat": {**WEEKLY, "until": "completed"}}
    ada = await desk.participant("ada", started_at=YESTERDAY)
    grace = await desk.participant("grace", completed_at=YESTERDAY)

    assert await ended(desk, await desk.send(ada, says=says, occurrence="2")) == SENT
    assert await ended(desk, await desk.send(grace, says=says, occurrence="2")) == ("skipped", "series_over")


async def test_a_series_is_over_for_whoever_answered_the_questionnaire_of_its_rule(desk: Desk) -> None:
    """Also where its last mail has a template of its own, which asks nothing."""
    template, last = await desk.template(questionnaire="cold"), await desk.template()
    series = {**WEEKLY, "until": "answered", "then": {"to": "manager"}}
    rule = await desk.rule(template, repeat=series)
    boss = await desk.person("boss")
    ada = await desk.participant("ada", answered=["cold"], manager=boss)
    grace = await desk.participant("grace", answered=["hot"], manager=boss)

    for occurrence, special in (("1", None), ("last", last)):
        mails = [
            await desk.send(one, rule=rule, occurrence=occurrence, special=special) for one in (ada, grace)
        ]
        assert [await ended(desk, mail) for mail in mails] == [("skipped", "series_over"), SENT]


async def test_a_series_that_asks_nothing_goes_on_for_whoever_completed(desk: Desk) -> None:
    ada = await desk.participant("ada", completed_at=YESTERDAY)
    assert await ended(desk, await desk.send(ada, says={"repeat": WEEKLY}, occurrence="3")) == SENT


@pytest.mark.parametrize("occurrence", ["last", "m2:last", f"m2:{UUID(int=1)}:last"])
async def test_the_last_mail_of_a_series_goes_to_somebody_else(desk: Desk, occurrence: str) -> None:
    """Escalation: with its own words, which may name whom it is about."""
    boss = await desk.person("boss")
    ada = await desk.participant("ada", manager=boss)
    special = await desk.template(text="{{ recipient.first_name }}: {{ person.first_name }}")
    rule = await desk.rule(await desk.template(), repeat={**WEEKLY, "then": {"to": "manager"}})

    usual = await desk.letter(await desk.send(ada, rule=rule, occurrence="m2:4"))
    last = await desk.send(ada, rule=rule, occurrence=occurrence, special=special)

    assert usual.message.recipients == ("ada@example.org",)
    assert await ended(desk, last) == SENT
    assert desk.accepted() == [["boss@example.org"]]
    assert "Boss: Ada" in text_of_the_only_mail(desk)


async def test_a_correction_goes_to_whom_the_mails_of_its_rule_go_whatever_the_series(desk: Desk) -> None:
    boss = await desk.person("boss")
    ada = await desk.participant("ada", manager=boss, completed_at=YESTERDAY)
    says = {"to": "manager", "repeat": {**WEEKLY, "until": "completed"}}
    for occurrence in ("correction:2027-01-25T08:00:00+00:00", "m2:correction:2027-01-25T08:00:00+00:00"):
        assert await ended(desk, await desk.send(ada, says=says, occurrence=occurrence)) == SENT

    assert desk.accepted() == [["boss@example.org"]] * 2


# Companies


async def a_company(desk: Desk) -> UUID:
    company: UUID = await desk.company("acme", email="acme@example.org")
    return company


NAMES = "{{ participants | join(', ', 'first_name') }}"


async def test_a_companys_mail_names_those_of_its_people_who_meet_the_conditions(desk: Desk) -> None:
    """F053, decision 11"""
    acme = await a_company(desk)
    for name, seen in (("ada", THROUGHOUT), ("claire", NEVER), ("grace", PARTLY)):
        await desk.participant(name, company=acme, attendance=seen)
    of_acme = await desk.takes_part("company", company_id=acme)

    send = await desk.send(of_acme, says=where(attendance="present"), text=NAMES)

    assert await ended(desk, send) == SENT
    assert "Ada, Grace" in text_of_the_only_mail(desk)


@pytest.mark.parametrize(
    ("says", "words", "reason"),
    [
        (where(attendance="present"), {}, "attendance_not_met"),
        (where(completion=["completed"]), {}, "completion_not_met"),
        (where(statuses=["confirmed"]), {}, "status_not_met"),
        ({}, {"questionnaire": "cold"}, "already_answered"),
        ({"repeat": {**WEEKLY, "until": "answered"}}, {"questionnaire": "cold"}, "series_over"),
    ],
)
async def test_a_companys_mail_leaves_while_one_of_its_people_meets_the_conditions(
    desk: Desk, says: Mapping[str, Any], words: Mapping[str, Any], reason: str
) -> None:
    acme = await a_company(desk)
    for name in ("ada", "grace"):
        await desk.participant(name, company=acme, answered=["cold"])
    of_acme = await desk.takes_part("company", company_id=acme)
    assert await ended(desk, await desk.send(of_acme, says=says, **words)) == ("skipped", reason)

    met: dict[str, Any] = {"attendance": PARTLY, "completed_at": YESTERDAY, "status": "confirmed"}
    await desk.participant("claire", company=acme, **met)

    assert await ended(desk, await desk.send(of_acme, says=says, **words)) == SENT


async def test_a_companys_series_is_over_once_it_is_over_for_all_of_its_people(desk: Desk) -> None:
    """F110: else a mail that nobody meets the conditions of today would end it for those who are yet to."""
    says = {**where(attendance="absent"), "repeat": {**WEEKLY, "until": "completed"}}
    acme = await a_company(desk)
    await desk.participant("ada", company=acme, completed_at=YESTERDAY)
    of_acme = await desk.takes_part("company", company_id=acme)
    assert await ended(desk, await desk.send(of_acme, says=says)) == ("skipped", "series_over")

    await desk.participant("ben", company=acme, attendance=THROUGHOUT)

    assert await ended(desk, await desk.send(of_acme, says=says)) == ("skipped", "attendance_not_met")


async def test_a_mail_that_covers_some_is_about_them_alone(desk: Desk) -> None:
    """F019: of them, those who are there and meet the conditions."""
    acme = await a_company(desk)
    ada, grace, gone, other = [
        await desk.participant(name, company=acme, attendance=seen)
        for name, seen in (("ada", PARTLY), ("grace", NEVER), ("gone", PARTLY), ("other", PARTLY))
    ]
    of_acme = await desk.takes_part("company", company_id=acme)
    await desk.execute("update participations set removed_at = relance_now() where id = :id", id=gone)
    present = where(attendance="present")

    async def told(*covers: UUID, says: Mapping[str, Any]) -> str:
        send = await desk.send(of_acme, covers=covers, says=says, subject=NAMES)
        return subject_of(await desk.letter(send))

    assert await told(ada, grace, gone, says={}) == "Ada, Grace"
    assert await told(ada, grace, gone, says=present) == "Ada"
    alone = await desk.send(of_acme, covers=[grace], says=present)
    assert await ended(desk, alone) == ("skipped", "attendance_not_met")
    assert await told(other, says=present) == "Other"


async def test_of_very_many_one_who_meets_the_conditions_is_found(desk: Desk) -> None:
    acme = await a_company(desk)
    await desk.execute(
        """
        with born as (
            insert into people (organization_id, key, first_name, last_name)
            select :organization, n, 'P' || n, lpad(n::text, 4, '0') from generate_series(1, 700) as n returning id, key
        )
        insert into participations (session_id, role, person_id, company_id, attendance)
        select :session, 'participant', id, :company, case when key::int > 699 then 'partly' else 'never' end from born
        """,
        organization=desk.organization,
        session=desk.session,
        company=acme,
    )
    of_acme = await desk.takes_part("company", company_id=acme)

    named = await desk.send(of_acme, says=where(attendance="present"), subject=NAMES)
    many = await desk.send(of_acme, says=where(attendance="absent"), subject="{{ participants | length }}")

    assert subject_of(await desk.letter(named)) == "P700"
    assert subject_of(await desk.letter(many)) == "500"


async def test_what_was_said_a_moment_before_of_somebody_a_mail_is_about_decides(desk: Desk) -> None:
    acme = await a_company(desk)
    ada = await desk.participant("ada", company=acme, attendance=PARTLY)
    of_acme = await desk.takes_part("company", company_id=acme)
    send = await desk.send(of_acme, says=where(attendance="present"))

    async def never_seen() -> None:
        await desk.execute(
            "update participations set attendance = 'never', read_version = read_version + 1 where id = :id",
            id=ada,
        )

    desk.relay.meanwhile = never_seen
    row = await desk.deliver(send)

    assert (row["status"], row["attempts"], desk.accepted()) == ("scheduled", 1, [])
    assert await ended(desk, send) == ("skipped", "attendance_not_met")


async def test_a_trainers_mail_names_everybody_whatever_its_terms(desk: Desk) -> None:
    await desk.participant("ada", answered=["cold"])
    trainer = await desk.trainer("tess")
    send = await desk.send(trainer, subject=NAMES, questionnaire="cold")
    assert subject_of(await desk.letter(send)) == "Ada"


async def test_terms_cost_a_participants_mail_no_statement_and_a_companys_none_more(desk: Desk) -> None:
    acme = await a_company(desk)
    ada = await desk.participant("ada", company=acme)
    of_acme = await desk.takes_part("company", company_id=acme)
    says = {**where(attendance="present"), "repeat": {**WEEKLY, "until": "completed"}}

    assert await desk.statements(await desk.send(ada, says=says, questionnaire="cold")) == 1
    assert await desk.statements(await desk.send(of_acme, says=says, questionnaire="cold")) == 2


# Editions


async def test_a_session_goes_by_the_edition_of_its_rule(desk: Desk) -> None:
    """C1: an edit that leaves existing sessions alone leaves their conditions, copies and senders alone."""
    template = await desk.template()
    old = {"trigger": {"type": "date", "anchor": "session.start"}, "cc": ["old@example.org"]}
    rule = await desk.rule(template, existing_sessions=False, cc=["new@example.org"])
    ada = await desk.participant("ada")
    send = await desk.send(ada, rule=rule)
    for since, definition in (("2020-01-01", old), ("2099-01-01", {**old, "cc": []})):
        await desk.add(
            "rule_editions", returning="rule_id", rule_id=rule, since=since, template_id=template,
            definition={**definition, "existing_sessions": False},
        )  # fmt: skip

    assert (await desk.letter(send)).message.recipients == ("ada@example.org", "old@example.org")


def text_of_the_only_mail(desk: Desk) -> str:
    ((mail,),) = ([path.read_bytes()] for path in desk.sink.folder.glob("*.eml"))
    return text_of(mail)


def subject_of(letter: Any) -> str:
    return str(message_from_bytes(letter.message.body, policy=policy.default)["Subject"])
