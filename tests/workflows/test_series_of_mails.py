"""A rule that writes again and again, through the whole house: each mail that ends brings the next (F110, L12, L17)."""

from datetime import timedelta
from typing import Any

from sqlalchemy import text

from tests.house import LivedInHouse

DAY = timedelta(days=1)
WEEKLY = {"every": "P7D", "at_most": 2}
A_WEEK_IN = {"anchor": "participation.start", "offset": "P7D"}


async def begin(house: LivedInHouse, **repeat: Any) -> None:
    """Have Ada, whose manager is Boss, and Grace begin tomorrow, and be asked every week to go on."""
    await house.people("ada", "grace", "boss")
    await house.call(
        "PUT", "/v1/people/ada", {"email": "ada@example.org", "first_name": "ada", "manager": "boss"}
    )
    await house.session("s", await house.now() + DAY, "ada", "grace")
    await house.rule("weekly", A_WEEK_IN, repeat={**WEEKLY, **repeat})


async def received(house: LivedInHouse) -> list[tuple[str, ...]]:
    await house.planned()
    return sorted(tuple(mail["recipients"]) for mail in house.accepted())


async def test_a_series_goes_on_by_itself_until_it_has_its_effect_and_ends_with_somebody_else(
    house: LivedInHouse,
) -> None:
    """Nothing but the mails themselves moves it on, and the sweep has nothing to do."""
    await begin(house, until="completed", then={"to": "manager"})
    ada, grace, boss = (("ada@example.org",), ("grace@example.org",), ("boss@example.org",))

    await house.advance(9 * DAY)
    assert await received(house) == [ada, grace]
    done = {"completed_at": (await house.now()).isoformat()}
    await house.call("PUT", "/v1/sessions/s/participants/grace", done)

    await house.advance(7 * DAY)
    assert await received(house) == [ada, ada, grace]
    await house.advance(30 * DAY)
    assert await received(house) == [ada, ada, boss, grace]

    assert {send["status"] for send in await house.sends(recipient="ada")} == {"sent"}
    assert await house.sweep(timedelta(0)) == {}
    assert await house.repairs() == {}


async def test_a_mail_that_is_skipped_does_not_end_its_series(house: LivedInHouse) -> None:
    await begin(house)
    await house.call("PUT", "/v1/people/ada", {"email": None, "first_name": "ada"})
    await house.advance(9 * DAY)
    await house.planned()
    await house.call("PUT", "/v1/people/ada", {"email": "ada@example.org", "first_name": "ada"})

    await house.advance(14 * DAY)

    outcomes = sorted(
        (send["due_at"], send["status"], send["reason"]) for send in await house.sends(recipient="ada")
    )
    assert [(status, reason) for _, status, reason in outcomes] == [
        ("skipped", "no_address"), ("sent", None), ("sent", None),
    ]  # fmt: skip
    assert await house.repairs() == {}


async def test_a_mail_that_expires_does_not_end_its_series(house: LivedInHouse) -> None:
    """It expires as its workflow looks at its row, and planning hears of it then."""
    await begin(house)
    async with house.store.transaction() as db:
        await db.execute(text("update sends set latest_at = due_at"))

    await house.advance(9 * DAY)
    await house.planned()

    sends = await house.sends(recipient="ada")
    assert sorted(send["status"] for send in sends) == ["expired", "scheduled"]
    assert await house.repairs() == {}
