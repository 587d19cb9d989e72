"""Roles: whom a mail goes to in somebody's place, and which managers get a copy, as it stands when it leaves."""

from itertools import product
from typing import Any
from uuid import UUID

import pytest

from tests.activities.desk import Desk, text_of
from tests.activities.test_letters_recipients import CHAIN, a_company, address, copies


async def to(desk: Desk, participation: UUID, role: str, *cc: str, **words: Any) -> tuple[str, ...]:
    letter = await desk.letter(await desk.send(participation, says={"to": role}, cc=cc, **words))
    return letter.message.recipients


@pytest.mark.parametrize("there", list(product((True, False), repeat=3)))
async def test_a_mail_about_a_participant_goes_to_whoever_stands_for_their_company(
    desk: Desk, there: tuple[bool, ...]
) -> None:
    """F056, F057: the same chain; and not to the participant."""
    known = [name for name, is_there in zip(CHAIN, there, strict=True) if is_there]
    company = await desk.company_of(await a_company(desk, {name: address(name) for name in known}))
    send = await desk.send(await desk.participant("ada", company=company), says={"to": "company_contact"})

    row = await desk.deliver(send)

    assert desk.accepted() == [[address(name)] for name in known[:1]]
    assert row["reason"] == (None if known else "nobody_in_role")


async def test_a_role_is_that_of_whom_the_mail_is_about(desk: Desk) -> None:
    boss, chief, host = [await desk.person(name) for name in ("boss", "chief", "host")]
    await desk.execute("update sessions set manager_id = :host", host=host)
    company = await desk.company(email=address("acme"))
    ada = await desk.participant("ada", company=company, manager=boss)
    tess = await desk.takes_part("trainer", person_id=await desk.person("tess", manager_id=chief))
    acme = await desk.takes_part("company", company_id=company)

    assert await to(desk, ada, "manager") == (address("boss"),)
    assert await to(desk, tess, "manager") == (address("chief"),)
    assert [await to(desk, one, "session_manager") for one in (ada, tess, acme)] == [(address("host"),)] * 3
    assert await to(desk, acme, "company_contact") == (address("acme"),)


@pytest.mark.parametrize("role", ["manager", "session_manager", "company_contact"])
async def test_where_nobody_has_the_role_nobody_is_written_to(desk: Desk, role: str) -> None:
    row = await desk.deliver(await desk.send(await desk.participant("ada"), says={"to": role}))
    assert (row["status"], row["reason"], desk.accepted()) == ("skipped", "nobody_in_role", [])


async def test_a_series_that_ends_with_a_manager_nobody_knows_says_so(desk: Desk) -> None:
    """F056: the recipient has an address; it is the manager who is missing."""
    ends = {"every": "P7D", "at_most": 1, "then": {"to": "manager"}}
    send = await desk.send(await desk.participant("ada"), says={"repeat": ends})
    await desk.execute("update sends set occurrence = 'last' where id = :send", send=send)

    assert (await desk.deliver(send))["reason"] == "nobody_in_role"


@pytest.mark.parametrize("role", ["manager", "session_manager"])
async def test_a_manager_who_was_deleted_is_nobody_and_one_without_an_address_is_told_apart(
    desk: Desk, role: str
) -> None:
    for name, columns, reason in (
        ("gone", {"deleted_at": "2026-01-01"}, "nobody_in_role"),
        ("mute", {"email": None}, "no_address"),
    ):
        boss = await desk.person(name, **columns)
        await desk.execute("update sessions set manager_id = :boss", boss=boss)
        ada = await desk.participant(f"ada-{name}", manager=boss)
        row = await desk.deliver(await desk.send(ada, says={"to": role}, cc=["manager", "session_manager"]))
        assert (row["status"], row["reason"]) == ("skipped", reason)
        assert await copies(desk, ada, "manager", "session_manager") == []


async def test_whoever_is_written_to_in_somebodys_place_must_want_it(desk: Desk) -> None:
    await desk.suppress(address("boss"))
    ada = await desk.participant("ada", manager=await desk.person("boss"))
    row = await desk.deliver(await desk.send(ada, says={"to": "manager"}))
    assert (row["status"], row["reason"]) == ("skipped", "suppressed")


async def test_managers_get_copies(desk: Desk) -> None:
    """F055: the person's and the session's; a company has none of its own."""
    boss, host = await desk.person("boss"), await desk.person("host")
    await desk.execute("update sessions set manager_id = :host", host=host)
    company = await desk.company(email=address("acme"))
    ada = await desk.participant("ada", company=company, manager=boss)
    acme = await desk.takes_part("company", company_id=company)
    roles = ("session_manager", "manager")

    assert await copies(desk, ada, *roles) == [address("boss"), address("host")]
    assert await copies(desk, acme, *roles) == [address("host")]
    assert await to(desk, ada, "company_contact", *roles) == (
        address("acme"),
        address("boss"),
        address("host"),
    )


async def test_two_roles_with_one_address_get_one_mail(desk: Desk) -> None:
    """The To, of whatever role, gets no copy."""
    boss = await desk.person("boss")
    twin = await desk.person("twin", email="BOSS@example.org")
    await desk.execute("update sessions set manager_id = :twin", twin=twin)
    company = await desk.company(contact_id=boss)
    ada = await desk.participant("ada", company=company, manager=boss)
    roles = ("company_contact", "manager", "session_manager", "boss@example.org")

    assert await copies(desk, ada, *roles) == [address("boss")]
    assert await to(desk, ada, "manager", *roles) == (address("boss"),)
    assert await to(desk, ada, "session_manager", *roles) == ("BOSS@example.org",)


async def test_a_mail_in_somebodys_place_names_both(desk: Desk) -> None:
    ada = await desk.participant("ada", manager=await desk.person("boss", language="en"))
    words = "{{ recipient.first_name }} {{ recipient.email }}: {{ person.first_name }} {{ session.starts_at|date }}"
    letter = await desk.letter(await desk.send(ada, says={"to": "manager"}, text=words))
    assert text_of(letter.message.body) == "Boss boss@example.org: Ada 25 January 2027"


@pytest.mark.parametrize("role", ["manager", "session_manager"])
async def test_a_role_given_to_somebody_else_meanwhile_is_theirs(desk: Desk, role: str) -> None:
    """F038, F056: with the body on the wire."""
    old, new = await desk.person("old"), await desk.person("new")
    await desk.execute("update sessions set manager_id = :old", old=old)
    ada = await desk.participant("ada", manager=old)
    as_written = {
        "manager": "update people set manager_id = :new, version = version + 1 where key = 'ada'",
        "session_manager": "update sessions set manager_id = :new, read_version = read_version + 1",
    }

    async def give() -> None:
        await desk.execute(as_written[role], new=new)

    desk.relay.meanwhile = give
    send = await desk.send(ada, says={"to": role})
    assert ((await desk.deliver(send))["status"], desk.accepted()) == ("scheduled", [])
    assert ((await desk.deliver(send))["status"], desk.accepted()) == ("sent", [[address("new")]])
