"""To and cc on the wire: one conversation, one dot; the To decides. And who changes while a letter is on its way."""

import pytest

from store.companies import put_company
from store.contacts import put_contact
from store.people import put_person
from store.suppressions import find_suppression, remove_suppression
from tests.activities.desk import Desk
from tests.mail.servers import Moody

ADA, ARCHIVE, BOSS, TOM = (f"{name}@example.org" for name in ("ada", "archive", "boss", "tom"))
GONE = "550 5.1.1 there is no such mailbox"


# Refused


@pytest.mark.parametrize("refusal", ["550 5.1.1 unknown", "451 4.3.0 later"])
async def test_a_refused_cc_is_recorded_and_neither_delays_nor_repeats_the_to(
    desk: Desk, moody: Moody, refusal: str
) -> None:
    """DESIGN 8; for now or for good is the same to a copy."""
    moody.rcpt[ARCHIVE] = refusal
    send = await desk.send(await desk.participant("ada"), cc=[ARCHIVE, TOM])

    row = await desk.deliver(send)

    assert (row["status"], row["attempts"], row["next_attempt_at"]) == ("sent", 1, None)
    assert row["refused_cc"] == [[ARCHIVE, int(refusal[:3])]]
    assert desk.accepted() == [[ADA, TOM]]
    await desk.deliver(send)
    assert desk.accepted() == [[ADA, TOM]]


async def test_all_cc_refused_leaves_the_to(desk: Desk, moody: Moody) -> None:
    moody.rcpt = {ARCHIVE: "550 5.7.1 no", TOM: "452 4.5.3 too many"}

    row = await desk.deliver(await desk.send(await desk.participant("ada"), cc=[ARCHIVE, TOM]))

    assert (row["refused_cc"], desk.accepted()) == ([[ARCHIVE, 550], [TOM, 452]], [[ADA]])


async def test_without_a_refusal_nothing_is_noted(desk: Desk) -> None:
    row = await desk.deliver(await desk.send(await desk.participant("ada"), cc=[ARCHIVE]))
    assert (row["refused_cc"], desk.accepted()) == (None, [[ADA, ARCHIVE]])


async def test_a_refused_to_means_no_mail_for_anybody(desk: Desk, moody: Moody) -> None:
    moody.rcpt[ADA] = "550 5.7.1 not you"

    row = await desk.deliver(await desk.send(await desk.participant("ada"), cc=[ARCHIVE]))

    assert (row["status"], row["reason"], row["reply_code"]) == ("failed", "refused", 550)
    assert desk.accepted() == []


@pytest.mark.parametrize("where", ["rcpt", "dot"])
async def test_a_to_refused_for_now_is_tried_again_with_its_cc(desk: Desk, moody: Moody, where: str) -> None:
    """One mail, one dot: the copy comes with the mail that the To gets, and only then."""
    if where == "rcpt":
        moody.rcpt[ADA] = "451 4.3.0 later"
    else:
        moody.dot = "451 4.3.0 later"
    send = await desk.send(await desk.participant("ada"), cc=[ARCHIVE])
    row = await desk.deliver(send)
    assert (row["status"], row["reply_code"], desk.accepted()) == ("scheduled", 451, [])

    moody.rcpt, moody.dot = {}, None
    row = await desk.deliver(send)

    assert (row["status"], row["attempts"], desk.accepted()) == ("sent", 2, [[ADA, ARCHIVE]])


async def test_a_copy_is_a_copy(desk: Desk) -> None:
    """The header shows whom the mail went to, and it is one mail for all."""
    await desk.deliver(await desk.send(await desk.participant("ada"), cc=[ARCHIVE, "company_contact"]))

    ((mail,),) = ([path.read_bytes()] for path in desk.sink.folder.glob("*.eml"))

    assert b"\r\nTo: Ada <ada@example.org>\r\nCc: archive@example.org\r\n" in mail


# Addresses that no mail goes to any more


async def suppression(desk: Desk, address: str) -> tuple[str, object] | None:
    async with desk.store.transaction() as db:
        found = await find_suppression(db, desk.organization, address)
    return None if found is None else (found.reason, found.send)


async def test_an_address_that_does_not_exist_gets_no_further_mail_until_it_is_taken_off_the_list(
    desk: Desk, moody: Moody
) -> None:
    moody.rcpt["Ada@example.org"] = GONE
    participation = await desk.takes_part(
        "participant", person_id=await desk.person("ada", email="Ada@example.org")
    )

    first = await desk.send(participation)
    row = await desk.deliver(first)
    assert (row["status"], row["reason"], row["reply_code"]) == ("failed", "refused", 550)
    assert await suppression(desk, "ADA@example.org") == ("bounced", first)

    moody.rcpt = {}
    row = await desk.deliver(await desk.send(participation))
    assert (row["status"], row["reason"], row["attempts"]) == ("skipped", "suppressed", 1)
    assert desk.sink.connections == 1

    async with desk.store.transaction() as db:
        assert await remove_suppression(db, desk.organization, "ada@EXAMPLE.org")
    row = await desk.deliver(await desk.send(participation))
    assert (row["status"], desk.accepted()) == ("sent", [["Ada@example.org"]])


@pytest.mark.parametrize(
    "refusal", ["550 5.7.1 policy", "552 5.2.2 mailbox full", "550 no", "450 4.1.1 unknown yet"]
)
async def test_other_refusals_suppress_nobody(desk: Desk, moody: Moody, refusal: str) -> None:
    moody.rcpt[ADA] = refusal
    await desk.deliver(await desk.send(await desk.participant("ada")))
    assert await suppression(desk, ADA) is None


async def test_an_address_refused_at_the_dot_is_the_tos_where_the_mail_went_to_nobody_else(
    desk: Desk, moody: Moody
) -> None:
    moody.dot, ada = GONE, await desk.participant("ada")

    await desk.deliver(await desk.send(ada, cc=[ARCHIVE]))
    assert await suppression(desk, ADA) is None

    await desk.deliver(await desk.send(ada))
    assert await suppression(desk, ADA) is not None


async def test_a_refused_cc_suppresses_nobody(desk: Desk, moody: Moody) -> None:
    """Its code alone does not say that the address is wrong."""
    moody.rcpt[ARCHIVE] = GONE
    await desk.deliver(await desk.send(await desk.participant("ada"), cc=[ARCHIVE]))
    assert await suppression(desk, ARCHIVE) is None


# Changed between the letter and the fence (F038): the body is on the wire, and never ends.


async def test_a_company_with_another_main_contact_is_written_to_at_the_new_one(desk: Desk) -> None:
    """F038, F057: and so is the copy of a participant's mail."""
    await desk.person("tom")
    company = await desk.company("acme", contact_id=await desk.person("boss"))
    acme = await desk.takes_part("company", company_id=company)
    ada = await desk.participant("ada", company=company)

    async def move(contact: str) -> None:
        async with desk.store.transaction() as db:
            id = (await desk.execute("select id from people where key = :key", key=contact)).scalar_one()
            values = {"name": "Acme", "email": None, "language": None, "contact": id}
            await put_company(db, desk.organization, "acme", **values)

    await expect_rewritten(desk, await desk.send(acme), lambda: move("tom"), [TOM])
    await expect_rewritten(
        desk, await desk.send(ada, cc=["company_contact"]), lambda: move("boss"), [ADA, BOSS]
    )


async def test_a_session_with_another_contact_for_a_company_writes_to_the_new_one(desk: Desk) -> None:
    """F038, F057"""
    tom, boss = await desk.person("tom"), await desk.person("boss")
    company = await desk.company("acme")
    acme = await desk.takes_part("company", company_id=company, contact_id=boss)
    ada = await desk.participant("ada", company=company)

    async def move(contact: object) -> None:
        async with desk.store.transaction() as db:
            await put_contact(db, desk.session, company, contact)  # type: ignore[arg-type]

    await expect_rewritten(desk, await desk.send(acme), lambda: move(tom), [TOM])
    await expect_rewritten(
        desk, await desk.send(ada, cc=["company_contact"]), lambda: move(boss), [ADA, BOSS]
    )


@pytest.mark.parametrize("role", ["to", "contact", "trainer"])
async def test_an_address_corrected_meanwhile_is_the_one_used(desk: Desk, role: str) -> None:
    """F038: whoever's it is."""
    boss = await desk.person("boss")
    ada = await desk.participant("ada", company=await desk.company(contact_id=boss))
    await desk.trainer("tom")
    wrong = {"to": "ada", "contact": "boss", "trainer": "tom"}[role]
    send = await desk.send(ada, cc=["company_contact", "trainers"])

    async def correct() -> None:
        async with desk.store.transaction() as db:
            who = {"first_name": "N", "last_name": "N", "email": "right@example.org"}
            await put_person(db, desk.organization, wrong, **who, language=None)  # type: ignore[arg-type]

    right = [address.replace(f"{wrong}@", "right@") for address in (ADA, BOSS, TOM)]
    await expect_rewritten(desk, send, correct, right)


async def test_a_change_of_somebody_the_mail_does_not_go_to_holds_nothing_up(desk: Desk) -> None:
    company = await desk.company(contact_id=await desk.person("boss"))
    send = await desk.send(await desk.participant("ada", company=company))

    async def change() -> None:
        await desk.execute("update people set version = version + 1 where key = 'boss'")
        await desk.execute("update companies set version = version + 1")

    desk.relay.meanwhile = change
    assert ((await desk.deliver(send))["status"], desk.accepted()) == ("sent", [[ADA]])


async def expect_rewritten(desk: Desk, send, change, recipients: list[str]) -> None:  # type: ignore[no-untyped-def]
    """Change something with the body on the wire: nobody gets this mail, and the next attempt is another."""
    before = desk.accepted()
    desk.relay.meanwhile = change
    row = await desk.deliver(send)
    assert (row["status"], row["attempts"], desk.accepted()) == ("scheduled", 1, before)

    await desk.plan()
    row = await desk.deliver(send)
    assert (row["status"], row["attempts"], desk.accepted()) == ("sent", 2, [*before, recipients])
