"""Whom a mail goes to, and who gets a copy, as it stands when the mail leaves."""

from itertools import product
from uuid import UUID

import pytest

from activities.letters import NoLetterError
from domain.sends import Reason, Status
from tests.activities.desk import Desk

CHAIN = ("of-session", "main", "company")  # F057
MISSING = (None, "", "not an address")


async def a_company(desk: Desk, addresses: dict[str, str | None]) -> UUID:
    """Make a company that takes part: those who stand for it are there where `addresses` names them."""
    contacts = {
        name: await desk.person(name, email=addresses[name]) if name in addresses else None
        for name in ("of-session", "main")
    }
    company = await desk.company(contact_id=contacts["main"], email=addresses.get("company"))
    return await desk.takes_part("company", company_id=company, contact_id=contacts["of-session"])


def address(name: str) -> str:
    return f"{name}@example.org"


@pytest.mark.parametrize("there", list(product((True, False), repeat=3)))
async def test_a_companys_mail_goes_to_its_contact_for_the_session_else_its_main_contact_else_itself(
    desk: Desk, there: tuple[bool, ...]
) -> None:
    """F057"""
    known = [name for name, is_there in zip(CHAIN, there, strict=True) if is_there]
    send = await desk.send(await a_company(desk, {name: address(name) for name in known}))

    row = await desk.deliver(send)

    assert desk.accepted() == [[address(name)] for name in known[:1]]
    assert (row["status"], row["reason"]) == (("sent", None) if known else ("skipped", "no_address"))


@pytest.mark.parametrize("nothing", MISSING)
@pytest.mark.parametrize("first", range(4))
async def test_whoever_of_them_has_no_address_gives_way_to_the_next(
    desk: Desk, first: int, nothing: str | None
) -> None:
    """F057: all three are there, and the first has an address, or the second …, or none."""
    addresses = {name: nothing if place < first else address(name) for place, name in enumerate(CHAIN)}
    row = await desk.deliver(await desk.send(await a_company(desk, addresses)))

    assert desk.accepted() == [[address(name)] for name in CHAIN[first : first + 1]]
    assert row["reason"] == ("no_address" if first == 3 else None)


@pytest.mark.parametrize(("known", "to"), [("main", "Main <main@"), ("company", "Acme <company@")])
async def test_the_contact_or_else_the_company_is_addressed_by_name(desk: Desk, known: str, to: str) -> None:
    letter = await desk.letter(await desk.send(await a_company(desk, {known: address(known)})))
    assert f"\r\nTo: {to}example.org>\r\n".encode() in letter.message.body


@pytest.mark.parametrize(
    ("person", "company", "language"),
    [("fr", "fr", "fr"), (None, "en", "en"), ("fr", "en", "fr"), (None, None, "fr")],
)
@pytest.mark.parametrize("to", ["participant", "contact"])
async def test_a_mail_speaks_the_language_of_whom_it_goes_to_else_their_companys_else_the_organizations(
    desk: Desk, person: str | None, company: str | None, language: str, to: str
) -> None:
    somebody = await desk.person("ada", language=person)
    acme = await desk.company(language=company, contact_id=somebody)
    role = {"role": "participant", "person_id": somebody} if to == "participant" else {"role": "company"}
    participation = await desk.takes_part(**role, company_id=acme)

    says = await desk.told("{{ session.starts_at | date }}", participation)

    assert says == {"fr": "25 janvier 2027", "en": "25 January 2027"}[language]


async def test_who_is_written_to_at_the_companys_own_address_reads_the_companys_language(desk: Desk) -> None:
    acme = await desk.company(language="en", email="acme@example.org")
    participation = await desk.takes_part("company", company_id=acme)
    assert await desk.told("{{ session.starts_at | date }}", participation) == "25 January 2027"


# Copies


async def copies(desk: Desk, participation: UUID, *cc: str, scope: UUID | None = None) -> list[str]:
    letter = await desk.letter(await desk.send(participation, scope=scope, cc=cc))
    return list(letter.message.recipients[1:])


@pytest.mark.parametrize("there", list(product((True, False), repeat=3)))
async def test_a_participants_company_gets_a_copy_as_it_would_get_a_mail(
    desk: Desk, there: tuple[bool, ...]
) -> None:
    """F055, F057"""
    known = [name for name, is_there in zip(CHAIN, there, strict=True) if is_there]
    company = await desk.company_of(await a_company(desk, {name: address(name) for name in known}))
    ada = await desk.participant("ada", company=company)

    assert await copies(desk, ada, "company_contact") == [address(name) for name in known[:1]]


async def test_the_copy_follows_from_the_final_recipient(desk: Desk) -> None:
    """F055: each participant's own company; whoever has none, nobody."""
    sends = []
    for name in ("ada", "grace"):
        company = await desk.company(f"of-{name}", email=f"company-of-{name}@example.org")
        sends.append(await desk.participant(name, company=company))
    sends.append(await desk.participant("claire"))

    found = [await copies(desk, participation, "company_contact") for participation in sends]

    assert found == [["company-of-ada@example.org"], ["company-of-grace@example.org"], []]


async def test_a_companys_mail_goes_to_nobody_else_of_it(desk: Desk) -> None:
    participation = await a_company(desk, {name: address(name) for name in CHAIN})
    assert await copies(desk, participation, "company_contact") == []


async def test_trainers_who_are_present_get_a_copy(desk: Desk) -> None:
    """F055: by name, and not one who was removed, nor one of another session."""
    ada = await desk.participant("ada")
    for name in ("zoe", "tom"):
        await desk.trainer(name)
    await desk.execute(
        "update participations set removed_at = relance_now() where id = :id", id=await desk.trainer("gone")
    )
    here, desk.session = desk.session, await desk.row("sessions", key="S-2", name="S", zone="UTC")
    await desk.trainer("elsewhere")
    desk.session = here

    assert await copies(desk, ada, "trainers") == ["tom@example.org", "zoe@example.org"]


async def test_a_mail_about_a_slot_or_module_goes_in_copy_to_those_who_train_there(desk: Desk) -> None:
    ada = await desk.participant("ada")
    planning, empty = await desk.module("planning"), await desk.module("empty")
    monday, tuesday = await desk.slot("monday", module_id=planning), await desk.slot("tuesday")
    removed = await desk.slot("removed", module_id=planning, removed_at="2026-01-01")
    await desk.trainer("all")
    await desk.trainer("mona", slots=[monday])
    await desk.trainer("tess", slots=[tuesday, removed])
    await desk.trainer("nobody", slots=[])

    async def trained(scope: UUID) -> list[str]:
        return [one.partition("@")[0] for one in await copies(desk, ada, "trainers", scope=scope)]

    assert await trained(monday) == ["all", "mona"]
    assert await trained(tuesday) == ["all", "tess"]
    assert await trained(planning) == ["all", "mona"]
    assert await trained(desk.session) == await trained(empty) == ["all", "mona", "nobody", "tess"]


async def test_each_address_gets_one_mail_and_those_without_get_none(desk: Desk) -> None:
    """A difference in case is none."""
    ada = await desk.person("ada", email="Ada@example.org")
    acme = await desk.company(contact_id=await desk.person("boss"))
    participation = await desk.takes_part("participant", person_id=ada, company_id=acme)
    await desk.takes_part("trainer", person_id=ada)
    await desk.takes_part("trainer", person_id=await desk.person("tom", email="BOSS@example.org"))
    await desk.takes_part("trainer", person_id=await desk.person("nowhere", email=None))
    await desk.takes_part("trainer", person_id=await desk.person("wrong", email="not an address"))
    await desk.suppress("gone@example.org")
    fixed = ["Gone@example.org", "archive@example.org", "ada@example.org", "boss@example.org"]

    found = await copies(desk, participation, *fixed, "trainers", "company_contact")

    assert found == ["boss@example.org", "archive@example.org"]


async def test_the_to_gets_no_copy_however_its_address_is_written(desk: Desk) -> None:
    ada = await desk.takes_part("participant", person_id=await desk.person("ada", email="Ada@example.org"))
    assert await copies(desk, ada, "ada@example.org", "ADA@example.org") == []


async def test_a_suppressed_contact_gets_no_copy_and_nobody_in_their_place(desk: Desk) -> None:
    participation = await a_company(desk, {name: address(name) for name in CHAIN})
    ada = await desk.participant("ada", company=await desk.company_of(participation))
    await desk.suppress(address("of-session"))

    assert await copies(desk, ada, "company_contact") == []


@pytest.mark.parametrize("first", range(3))
async def test_a_mail_to_a_suppressed_address_is_skipped_whoever_else_stands_for_the_company(
    desk: Desk, first: int
) -> None:
    participation = await a_company(desk, {name: address(name) for name in CHAIN[first:]})
    await desk.suppress(address(CHAIN[first]))

    row = await desk.deliver(await desk.send(participation))

    assert (row["status"], row["reason"], desk.accepted()) == ("skipped", "suppressed", [])


async def test_another_organizations_list_is_its_own(desk: Desk) -> None:
    other = await desk.add(
        "organizations", key="o", name="O", zone="UTC", language="en", sender_address="o@example.org", sender_name="O"
    )  # fmt: skip
    await desk.add(
        "suppressions",
        organization_id=other,
        address="ada@example.org",
        reason="bounced",
        returning="address",
    )
    assert (await desk.deliver(await desk.send(await desk.participant("ada"))))["status"] == "sent"


async def test_no_letter_is_written_without_an_address(desk: Desk) -> None:
    send = await desk.send(await desk.takes_part("trainer", person_id=await desk.person("tom", email=None)))
    with pytest.raises(NoLetterError) as none:
        await desk.letter(send)
    assert (none.value.status, none.value.reason) == (Status.SKIPPED, Reason.NO_ADDRESS)


# How much is read


async def test_a_plain_mail_is_written_from_one_statement_and_any_from_two(desk: Desk) -> None:
    """The hot path: others are read only where they have a part in the mail."""
    company = await desk.company(email="acme@example.org")
    ada, trainer = await desk.participant("ada", company=company), await desk.trainer("tess")
    acme = await desk.takes_part("company", company_id=company)
    named = "{{ participants | length }}"
    everybody = ["company_contact", "trainers", "archive@example.org"]

    plain = [
        await desk.statements(await desk.send(ada, text="{{ company.name }}, dear participants")),
        await desk.statements(await desk.send(trainer)),
    ]
    others = [
        await desk.statements(await desk.send(acme)),
        await desk.statements(await desk.send(trainer, text=named)),
        *[await desk.statements(await desk.send(ada, cc=[one])) for one in everybody],
        await desk.statements(await desk.send(acme, cc=everybody, text=named)),
    ]

    assert (plain, others) == ([1, 1], [2] * 6)


async def test_the_fence_is_told_of_everybody_who_was_looked_up_and_of_nobody_else(desk: Desk) -> None:
    main = await desk.person("main")
    company = await desk.company(contact_id=main)
    ada, acme = (
        await desk.participant("ada", company=company, manager=await desk.person("boss")),
        await desk.takes_part("company", company_id=company),
    )
    await desk.trainer("tom")
    await desk.execute("update sessions set manager_id = :host", host=await desk.person("host"))

    async def fenced(participation: UUID, **more: object) -> tuple[list[str], int]:
        found = (await desk.letter(await desk.send(participation, **more))).fenced  # type: ignore[arg-type]
        names = await desk.execute(
            "select key from people where id = any(:ids) order by key", ids=list(found.people)
        )
        return [row.key for row in names], len(found.companies)

    assert await fenced(ada) == (["ada"], 0)
    assert await fenced(ada, cc=["company_contact"]) == (["ada", "main"], 1)
    assert await fenced(ada, cc=["trainers"]) == (["ada", "tom"], 0)
    assert await fenced(ada, text="{{ company.name }}") == (["ada"], 1)
    assert await fenced(acme) == (["main"], 1)
    assert await fenced(ada, says={"to": "manager"}, cc=["manager"]) == (["ada", "boss"], 0)
    assert await fenced(ada, says={"to": "company_contact"}) == (["ada", "main"], 1)
    assert await fenced(ada, says={"to": "session_manager"}) == (["ada", "host"], 0)
