"""What a mail may tell: each tag that a rule's template may use, filled from the rows."""

from itertools import product
from uuid import UUID

import pytest

from activities.letters import NoLetterError
from domain.rules import Audience, Scope
from domain.sends import Reason
from mail.tags import tags_for
from tests.activities.desk import Desk

EVERYBODY = "{{ participants | join(', ', 'first_name') }}"


async def test_a_mail_about_a_session_tells_its_room(desk: Desk) -> None:
    says = await desk.told("{{ session.name }}: {{ session.room }}", await desk.participant("ada"))
    assert says == "Managing a project: Room 4"


async def test_a_mail_about_a_module_tells_of_it(desk: Desk) -> None:
    module = await desk.module(
        "planning", room="Room 7", starts_at="2027-01-25T08:00:00Z", ends_at="2027-01-25T11:00:00Z"
    )
    words = "{{ module.name }}, {{ module.starts_at|time }}-{{ module.ends_at|time }}, {{ module.room }}"
    ada = await desk.participant("ada")

    assert await desk.told(words, ada, module) == "Planning, 09:00-12:00, Room 7"


async def test_a_module_without_dates_has_those_of_its_slots(desk: Desk) -> None:
    """As planning counts them; a slot that was removed is none of them."""
    module, other = (
        await desk.module("planning"),
        await desk.module("other", starts_at="2027-01-25T06:00:00Z"),
    )
    for number, day in enumerate(("25", "26", "27")):
        await desk.slot(
            f"slot-{number}",
            module_id=module,
            starts_at=f"2027-01-{day}T08:00:00Z",
            ends_at=f"2027-01-{day}T11:00:00Z",
            removed_at="2026-01-01" if day == "27" else None,
        )
    await desk.slot("of-other", module_id=other)
    ada = await desk.participant("ada")
    words = "{{ module.starts_at|datetime }} - {{ module.ends_at|datetime if module.ends_at else '?' }}"

    assert await desk.told(words, ada, module) == "25 janvier 2027 à 09:00 - 26 janvier 2027 à 12:00"
    assert await desk.told(words, ada, other) == "25 janvier 2027 à 07:00 - ?"


async def test_a_mail_about_a_slot_tells_of_it_and_of_its_module(desk: Desk) -> None:
    module = await desk.module("planning", room="Room 7")
    slot = await desk.slot("monday", module_id=module, room="Room 8", ends_at="2027-01-25T11:00:00Z")
    words = "{{ slot.name }} {{ slot.starts_at|time }}-{{ slot.ends_at|time }} {{ slot.room }}"
    about_module = "{{ module.name }} {{ module.ends_at|time }} {{ module.room }}"
    ada = await desk.participant("ada")

    assert (
        await desk.told(f"{words}; {about_module}", ada, slot)
        == "Monday 09:00-12:00 Room 8; Planning 12:00 Room 7"
    )


@pytest.mark.parametrize("removed", [False, True])
async def test_a_slot_of_no_module_has_a_module_without_a_name(desk: Desk, removed: bool) -> None:
    module = await desk.module("gone", removed_at="2026-01-01") if removed else None
    slot = await desk.slot("monday", module_id=module)
    words = "[{{ module.name }}{{ module.starts_at }}{{ module.ends_at }}{{ module.room }}{{ slot.room }}]"

    assert await desk.told(words, await desk.participant("ada"), slot) == "[]"


async def test_a_date_that_is_not_known_cannot_be_written_as_one(desk: Desk) -> None:
    """F089: nor is it guessed; a template may ask for it first."""
    module, ada = await desk.module("planning"), await desk.participant("ada")

    assert await desk.told("{% if module.starts_at %}on{% else %}soon{% endif %}", ada, module) == "soon"
    with pytest.raises(NoLetterError) as failure:
        await desk.told("{{ module.starts_at | date }}", ada, module)
    assert failure.value.detail == "text, line 1: the filter date is for a date"


OWN = "{{ participation.starts_at|date }}, {{ participation.ends_at|date }}, {{ participation.deadline_at|datetime }}"


async def test_a_participants_mail_tells_their_own_dates_else_the_sessions(desk: Desk) -> None:
    """F010, F018: on the clocks of the session, as its dates are told."""
    starts_at, ends_at = "2027-02-01T23:30:00+00:00", "2027-02-05T16:00:00+00:00"
    deadline_at = "2027-03-01T16:00:00+00:00"
    ada = await desk.participant("ada", starts_at=starts_at, ends_at=ends_at, deadline_at=deadline_at)
    bob = await desk.participant("bob", ends_at=ends_at)
    either = OWN.replace("|datetime", "|datetime if participation.deadline_at else '?'")

    assert await desk.told(OWN, ada) == "2 février 2027, 5 février 2027, 1er mars 2027 à 17:00"
    assert await desk.told(either, bob) == "25 janvier 2027, 5 février 2027, ?"
    assert await desk.told(either, await desk.participant("eve")) == "25 janvier 2027, 26 janvier 2027, ?"


async def test_a_participants_mail_names_their_company(desk: Desk) -> None:
    ada = await desk.participant("ada", company=await desk.company("acme"))
    claire = await desk.participant("claire")

    assert [await desk.told("[{{ company.name }}]", one) for one in (ada, claire)] == ["[Acme]", "[]"]


async def test_in_a_companys_mail_the_recipient_is_its_contact_or_itself(desk: Desk) -> None:
    words = "{{ company.name }}: {{ recipient.first_name }} {{ recipient.last_name }} {{ recipient.email }}"
    boss = await desk.person("boss", last_name="Martin")
    found = []
    for name, contact in (("acme", boss), ("emca", None)):
        company = await desk.company(name, email=f"{name}@example.org", contact_id=contact)
        found.append(await desk.told(words, await desk.takes_part("company", company_id=company)))

    assert found == ["Acme: Boss Martin boss@example.org", "Emca:   emca@example.org"]


async def three_companies(desk: Desk) -> dict[str, UUID]:
    """Make two people of `acme`, one of `emca` and one of none; one of `acme` who left, and a trainer of it."""
    companies = {name: await desk.company(name, email=f"{name}@example.org") for name in ("acme", "emca")}
    for name, of in (("grace", "acme"), ("ada", "acme"), ("claire", "emca"), ("tom", None)):
        await desk.participant(name, company=companies[of] if of else None)
    await desk.participant("left", company=companies["acme"], removed_at="2026-01-01")
    return {name: await desk.takes_part("company", company_id=id) for name, id in companies.items()}


async def test_a_company_is_told_of_its_own_people_and_a_trainer_of_everybody(desk: Desk) -> None:
    companies = await three_companies(desk)
    trainer = await desk.trainer("tess")

    assert await desk.told(EVERYBODY, companies["acme"]) == "Ada, Grace"
    assert await desk.told(EVERYBODY, companies["emca"]) == "Claire"
    assert await desk.told(EVERYBODY, trainer) == "Ada, Claire, Grace, Tom"


async def test_of_a_slot_or_module_they_are_told_of_those_who_come_there(desk: Desk) -> None:
    module = await desk.module("planning")
    monday, tuesday = await desk.slot("monday", module_id=module), await desk.slot("tuesday")
    company = await desk.company(email="acme@example.org")
    await desk.participant("ada", company=company)
    await desk.participant("grace", company=company, slots=[tuesday])
    await desk.participant("claire", slots=[monday])
    acme, trainer = await desk.takes_part("company", company_id=company), await desk.trainer("tess")

    told = {scope: await desk.told(EVERYBODY, trainer, scope) for scope in (module, monday, tuesday, None)}

    assert list(told.values()) == ["Ada, Claire", "Ada, Claire", "Ada, Grace", "Ada, Claire, Grace"]
    assert await desk.told(EVERYBODY, acme, monday) == "Ada"


async def test_of_very_many_the_first_five_hundred_are_named(desk: Desk) -> None:
    await desk.execute(
        """
        with born as (
            insert into people (organization_id, key, last_name)
            select :organization, n, lpad(n::text, 4, '0') from generate_series(1, 501) as n returning id
        )
        insert into participations (session_id, role, person_id) select :session, 'participant', id from born
        """,
        organization=desk.organization,
        session=desk.session,
    )
    words = (
        "{{ participants|length }} {{ (participants|first).last_name }} {{ (participants|last).last_name }}"
    )

    assert await desk.told(words, await desk.trainer("tess")) == "500 0001 0500"


@pytest.mark.parametrize(("audience", "scope"), list(product(Audience, Scope)))
async def test_every_tag_that_a_rule_may_use_has_a_value_in_its_mails(
    desk: Desk, audience: Audience, scope: Scope
) -> None:
    """In the barest of sessions: nothing but names and an address."""
    company = await desk.company(email="acme@example.org")
    await desk.participant("ada", company=company)
    role = {
        Audience.PARTICIPANTS: desk.participant("claire"),
        Audience.TRAINERS: desk.trainer("tess"),
        Audience.COMPANIES: desk.takes_part("company", company_id=company),
    }
    who = {name: await made for name, made in role.items()}[audience]
    place = {
        Scope.SESSION: desk.session,
        Scope.MODULE: await desk.module("planning"),
        Scope.SLOT: await desk.slot("monday"),
    }[scope]
    await desk.execute("update sessions set data = cast(:data as jsonb)", data='{"anything": "x"}')
    names = [name.replace("[]", "[0]").replace("*", "anything") for name in tags_for(audience, scope)]
    words = [f"{name}={{{{ {name} }}}}" for name in names]

    said = await desk.told("\n".join(words), who, place)

    assert len(said.splitlines()) == len(words)


async def test_a_mail_tells_what_the_caller_said_of_the_session_in_its_own_words(desk: Desk) -> None:
    data = '{"link": "https://example.org/a", "days": [1, 2], "price": {"net": 10.5}, "paid": true, "none": null}'
    await desk.execute("update sessions set data = cast(:data as jsonb)", data=data)
    ada = await desk.participant("ada")
    words = "{{ session.data.link }} {{ session.data.price.net }} {% for day in session.data.days %}{{ day }};{% endfor %}"

    assert await desk.told(words, ada) == "https://example.org/a 10,5 1;2;"
    assert await desk.told("[{% if session.data.paid %}paid{% endif %}]", ada) == "[paid]"
    said = await desk.told("{% if session.data.other is defined %}x{% else %}nothing{% endif %}", ada)
    assert said == "nothing"


async def test_a_name_that_the_session_does_not_have_fails_as_any_missing_tag(desk: Desk) -> None:
    ada = await desk.participant("ada")

    with pytest.raises(NoLetterError) as failure:
        await desk.told("{{ session.data.link }}", ada)

    assert (failure.value.reason, failure.value.detail) == (
        Reason.TEMPLATE_FAILED,
        "text, line 1: session.data.link has no value",
    )
