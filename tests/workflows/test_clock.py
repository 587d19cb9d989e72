"""A rule a year ahead, moved back and forth across the clock changes: the mail leaves at the second it is due."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tests.house import LivedInHouse

PARIS = ZoneInfo("Europe/Paris")
SECOND = timedelta(seconds=1)


def start(year: int, month: int) -> datetime:
    return datetime(year, month, 20, 14, 0, tzinfo=PARIS)


async def test_a_mail_a_year_ahead_moved_thrice_across_both_clock_changes_leaves_at_its_second(
    house: LivedInHouse,
) -> None:
    """F024. In winter nine o'clock in Paris is eight in UTC, in summer seven."""
    year = (await house.now()).year + 1
    await house.people("ada")
    await house.session("talk", start(year + 1, 1), "ada")
    await house.rule("j7", {"anchor": "session.start", "offset": "-P7D", "at": "09:00"})
    dues = [await asleep_until(house)]

    for today, moved_to in [
        (await house.now(), start(year, 7)),
        (datetime(year, 4, 10, tzinfo=UTC), start(year, 11)),  # the clocks went forward meanwhile
        (datetime(year, 11, 1, tzinfo=UTC), start(year + 1, 1)),  # and back
    ]:
        await house.advance(today - await house.now())
        await house.session("talk", moved_to)
        dues.append(await asleep_until(house))

    assert dues == [
        f"{year + 1}-01-13T08:00:00Z",
        f"{year}-07-13T07:00:00Z",
        f"{year}-11-13T08:00:00Z",
        f"{year + 1}-01-13T08:00:00Z",
    ]

    due = datetime(year + 1, 1, 13, 8, 0, tzinfo=UTC)
    await house.advance(due - SECOND - await house.now())
    assert (house.accepted(), (await house.send())["status"]) == ([], "scheduled")
    await house.advance(SECOND)
    await house.mails(1)
    sent = await house.send()
    assert datetime.fromisoformat(sent["handed_at"]) >= due


async def asleep_until(house: LivedInHouse) -> str:
    """Return the due time of the one send, once its workflow sleeps until then."""
    send = await house.send()
    asleep = (await house.status(send)).asks_again_at
    assert asleep == datetime.fromisoformat(send["due_at"])
    due: str = send["due_at"]
    return due
