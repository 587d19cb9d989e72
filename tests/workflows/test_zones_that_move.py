"""Zones that move: of a recipient who goes elsewhere, and of a country whose clocks are set by new rules."""

from datetime import datetime, timedelta

from domain.upkeep import Repair
from tests.house import LivedInHouse
from tests.zone_release import paris_without_summer_time

NINE_A_WEEK_BEFORE = {"anchor": "session.start", "offset": "-P7D", "at": "09:00"}


async def due(house: LivedInHouse) -> dict[str, str]:
    return {send["recipient"]: send["due_at"][11:16] for send in await house.sends()}


async def test_mails_go_by_the_clocks_of_whoever_gets_them_wherever_they_are_by_then(
    house: LivedInHouse,
) -> None:
    """DESIGN 6, `zone: recipient`: their own, else the organization's, never the session's."""
    await house.people("claire", "tom")
    starts_at = (await house.now()).replace(hour=0, minute=30) + timedelta(days=30)
    await house.session("s", starts_at, "claire", "tom", timezone="Pacific/Auckland")
    await house.rule("r", {**NINE_A_WEEK_BEFORE, "at": "12:00"}, zone="recipient")
    paris = {key: at for key, at in (await due(house)).items() if key == "tom"}

    await house.call(
        "PUT", "/v1/people/claire", {"email": "claire@example.org", "timezone": "Asia/Kathmandu"}
    )
    await house.planned()

    assert await due(house) == {**paris, "claire": "06:15"}
    assert paris["tom"] in ("10:00", "11:00")
    (moved,) = await house.sends(recipient="claire")
    assert (await house.status(moved)).due_at == datetime.fromisoformat(moved["due_at"])
    await house.advance(timedelta(days=31))
    assert [mail["recipients"] for mail in await house.mails(2)] == [
        ["claire@example.org"],
        ["tom@example.org"],
    ]


async def test_what_new_zone_data_moves_leaves_at_the_new_time(house: LivedInHouse) -> None:
    await house.people("claire")
    now = await house.now()
    for key, month, zone in (
        ("june", 6, "Europe/Paris"),
        ("elsewhere", 6, "UTC"),
        ("winter", 1, "Europe/Paris"),
    ):
        await house.session(key, now.replace(year=now.year + 1, month=month, day=15), "claire", timezone=zone)
    await house.rule("r", NINE_A_WEEK_BEFORE)
    before = {send["session"]: send["due_at"] for send in await house.sends()}
    assert {key: at[11:16] for key, at in before.items()} == {
        "june": "07:00",
        "elsewhere": "09:00",
        "winter": "08:00",
    }

    with paris_without_summer_time():
        assert await house.sweep() == {Repair.ZONE_DATA: 1}
        await house.planned()
        assert await house.sweep() == {}

    after = {send["session"]: send["due_at"] for send in await house.sends()}
    assert {key: at[11:16] for key, at in after.items()} == {
        "june": "08:00",
        "elsewhere": "09:00",
        "winter": "08:00",
    }
    (moved,) = await house.sends(session="june")
    assert (await house.status(moved)).due_at == datetime.fromisoformat(after["june"])
    assert await house.repairs() == {Repair.ZONE_DATA: 1}
