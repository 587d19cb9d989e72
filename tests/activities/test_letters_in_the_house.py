"""Recipients, copies and suppressed addresses through the whole house: by the API, workflows and a mail server."""

import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.testing import WorkflowEnvironment

from embedded.mailbox import Mailbox
from tests.house import LivedInHouse, lived_in_house
from tests.mail.servers import Moody

GONE = "550 5.1.1 there is no such mailbox"


@pytest.fixture
async def sink(tmp_path: Path, moody: Moody) -> AsyncIterator[Mailbox]:
    mailbox = Mailbox(tmp_path / "outbox", moody)
    await mailbox.start()
    yield mailbox
    await mailbox.stop()


@pytest.fixture
async def house(
    temporal_env: WorkflowEnvironment, database_url: str, sink: Mailbox
) -> AsyncIterator[LivedInHouse]:
    async with lived_in_house(temporal_env, database_url, sink) as house:
        yield house


async def open_session(house: LivedInHouse) -> None:
    """Have Ada and Grace come from Acme, whose main contact is Boss, to a session in eight days; Tom trains."""
    await house.people("ada", "grace", "boss", "tom")
    await house.call("PUT", "/v1/companies/acme", {"name": "Acme", "contact": "boss"})
    await house.session("s", await house.now() + timedelta(days=8))
    for person in ("ada", "grace"):
        await house.call("PUT", f"/v1/sessions/s/participants/{person}", {"company": "acme"})
    await house.call("PUT", "/v1/sessions/s/trainers/tom")


async def add_rule(house: LivedInHouse, days: int, audience: str = "participants", *cc: str) -> None:
    """Write to somebody so many days before."""
    key = f"{audience}-{days}"
    words = {"subject": "{{ session.name }}", "html": "<p>Hello {{ recipient.first_name }}</p>"}
    await house.call("PUT", f"/v1/templates/{key}", {"audience": audience, **words})
    trigger = {"type": "date", "anchor": "session.start", "offset": f"-P{days}D"}
    rule = {"id": key, "name": key, "template": key, "audience": audience, "cc": cc, "trigger": trigger}
    await house.call("POST", "/v1/rules", rule)
    await house.call("POST", f"/v1/rules/{key}/activate")
    await house.planned()


async def outcomes(house: LivedInHouse, rule: str) -> list[tuple[str, str | None]]:
    return [(send["status"], send["reason"]) for send in await house.sends(rule=rule)]


async def pass_a_day(house: LivedInHouse, rule: str) -> None:
    """Let a day pass, and with it the mails of a rule."""
    await house.advance(timedelta(days=1, minutes=1))

    async def ended() -> bool:
        return all(
            status not in ("scheduled", "claimed", "handing_over")
            for status, _ in await outcomes(house, rule)
        )

    await house.until(ended)


async def test_a_company_gets_one_mail_and_a_participants_copy_follows_its_contact(
    house: LivedInHouse,
) -> None:
    """F002, F055, F057, F038: the contact is set on the session a day after everything was planned."""
    await open_session(house)
    await add_rule(house, 7, "companies")
    await add_rule(house, 6, "companies")
    await add_rule(house, 5, "participants", "company_contact", "trainers")

    await pass_a_day(house, "companies-7")
    await house.people("assistant")
    await house.call("PUT", "/v1/sessions/s/companies/acme", {"contact": "assistant"})
    await house.planned()
    await pass_a_day(house, "companies-6")
    await pass_a_day(house, "participants-5")

    sent = [[one.partition("@")[0] for one in mail["recipients"]] for mail in house.accepted()]
    assert sent[:2] == [["boss"], ["assistant"]]
    assert sorted(sent[2:]) == [["ada", "assistant", "tom"], ["grace", "assistant", "tom"]]


async def test_a_suppressed_address_gets_no_mail_until_an_operator_takes_it_off_the_list(
    house: LivedInHouse, moody: Moody
) -> None:
    await open_session(house)
    await house.call("DELETE", "/v1/sessions/s/participants/grace")
    for days in (7, 6, 5):
        await add_rule(house, days)
    moody.rcpt["ada@example.org"] = GONE

    await pass_a_day(house, "participants-7")
    (known,) = (await house.call("GET", "/v1/suppressions"))["items"]
    moody.rcpt = {}
    await pass_a_day(house, "participants-6")
    await house.call("DELETE", "/v1/suppressions/ADA@example.org")
    await pass_a_day(house, "participants-5")

    assert (known["address"], known["reason"]) == ("ada@example.org", "bounced")
    assert [await outcomes(house, f"participants-{days}") for days in (7, 6, 5)] == [
        [("failed", "refused")],
        [("skipped", "suppressed")],
        [("sent", None)],
    ]
    assert len(house.accepted()) == 1


async def test_no_address_and_no_name_is_in_any_history_or_log(
    house: LivedInHouse, moody: Moody, caplog: pytest.LogCaptureFixture
) -> None:
    """DESIGN 5: a To refused for good, one for now, a refused cc, a suppressed address; none is told."""
    caplog.set_level(logging.DEBUG)
    await open_session(house)
    await add_rule(house, 7, "participants", "company_contact", "archive@example.org")
    await add_rule(house, 6, "participants", "trainers")
    await add_rule(house, 5, "companies", "archive@example.org")
    moody.rcpt = {
        "ada@example.org": GONE,
        "grace@example.org": "451 4.2.0 grace@example.org is not at home",
        "boss@example.org": "550 5.7.1 boss@example.org wants no copies",
    }

    await house.advance(timedelta(days=1, minutes=1))
    await house.until_status("failed")
    moody.rcpt = {"archive@example.org": "550 5.1.1 archive@example.org is gone"}
    for rule in ("participants-6", "companies-5"):
        await pass_a_day(house, rule)

    ends = {
        rule: sorted(await outcomes(house, rule), key=str) for rule in ("participants-7", "participants-6")
    }
    assert ends == {
        "participants-7": [("failed", "refused"), ("sent", None)],
        "participants-6": [("sent", None), ("skipped", "suppressed")],
    }
    histories = [await house.history(send) for send in await house.sends()]
    assert all('"due_at"' in history for history in histories)
    # What the client of this test logs of the requests it makes is not ours.
    logs = [
        record.getMessage() for record in caplog.records if not record.name.startswith(("http", "asyncio"))
    ]
    assert logs
    for personal in ("@example.org", "Acme", "grace", "boss", "archive"):
        assert [text for text in (*histories, *logs) if personal in text] == []
