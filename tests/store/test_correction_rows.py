"""Do those who were told a date have rows for the one that is true, and nobody else?"""

from typing import Any
from uuid import UUID

import pytest

from domain.mail_facts import MailFacts
from domain.sends import Decision, Status
from store.corrections import find_corrections, write_corrections
from store.delivery import NotFencedError
from store.mail_facts import fetch_mail_facts
from store.send_decisions import resolve_send
from tests.store.delivery_steps import end
from tests.store.store_rows import WEEK, Rows
from tests.store.test_planning_several import left, occurrences
from tests.store.test_session_rule_rows import own

CORRECTION = {"template": "moved"}


@pytest.fixture
async def moved(rows: Rows) -> UUID:
    return await rows.template("moved")


async def told(rows: Rows, **says: Any) -> UUID:
    """Somebody was told the date of a session; return the send."""
    await rows.rule(**says)
    await rows.planned("ada")
    await rows.advance(WEEK)
    send: UUID = await rows.send()
    held = await rows.handed_over(send)
    assert await end(rows, held, Status.SENT)
    return send


async def move(rows: Rows, weeks: int = 3) -> None:
    await rows.plan(await rows.session(starts_in=weeks * WEEK))


async def by_status(rows: Rows, status: str = "scheduled") -> list[str]:
    return [name for name, stands in (await occurrences(rows)).items() if stands == status]


async def edit(rows: Rows, **says: Any) -> None:
    await rows.edit_rule(**says)
    await rows.roll_out(await rows.one("select id from rules"))


async def test_corrections_that_a_rule_comes_to_have_are_about_moves_from_then_on(
    rows: Rows, moved: UUID
) -> None:
    await told(rows)
    await move(rows)
    await rows.advance(WEEK)

    await edit(rows, correction=CORRECTION)
    assert await by_status(rows) == []

    await edit(rows, correction=CORRECTION, deliver_within="P2D")  # what it has had is no newer for that
    assert await rows.one("select changed_at > corrects_since from rules")

    await move(rows, 4)
    assert len(await by_status(rows)) == 1


async def test_a_rule_of_one_sessions_own_corrects_moves_from_then_on_too(rows: Rows, moved: UUID) -> None:
    session = await rows.session()
    await rows.participant(session, "ada")
    await own(rows, session)
    await rows.plan(session)
    await rows.advance(WEEK)
    assert await end(rows, await rows.handed_over(await rows.send()), Status.SENT)
    await move(rows)
    await rows.advance(WEEK)

    assert await own(rows, session, correction=CORRECTION)
    await rows.plan(session)
    assert await by_status(rows) == []

    await move(rows, 4)
    assert len(await by_status(rows)) == 1


async def test_a_rule_made_with_corrections_has_always_had_them(rows: Rows, moved: UUID) -> None:
    await told(rows, correction=CORRECTION)
    await edit(rows, correction=CORRECTION, deliver_within="P2D")
    assert await rows.one("select corrects_since from rules") is None


async def test_a_row_says_which_date_it_tells(rows: Rows, moved: UUID) -> None:
    send = await told(rows, correction=CORRECTION)
    assert (await rows.row(send))["anchor"] == "session.start"

    await edit(rows, correction=CORRECTION, anchor="session.end")

    assert await occurrences(rows) == {"1": "sent"}
    assert (await rows.row(send))["anchor"] == "session.start"


async def test_corrections_asked_for_are_told_from_those_of_the_rule(rows: Rows, moved: UUID) -> None:
    await told(rows)
    session = await rows.one("select id from sessions")
    rule = await rows.one("select id from rules")
    await move(rows)
    async with rows.store.transaction() as db:
        found = await find_corrections(db, session, rule, moved)
        assert await write_corrections(db, session, found) == 1

    assert await rows.plan(session) == 0
    (correction,) = await by_status(rows)
    assert correction.startswith("correction:by-hand:")
    await edit(rows, correction=CORRECTION)
    await edit(rows)
    assert await by_status(rows) == [correction]


@pytest.mark.parametrize("how", ["dropped", "refused"])
async def test_what_was_not_told_after_all_is_not_corrected(rows: Rows, moved: UUID, how: str) -> None:
    """Nothing else makes planning look again."""
    status = Status.IN_DOUBT if how == "dropped" else Status.HANDING_OVER
    await rows.rule(correction=CORRECTION)
    session = await rows.planned("ada")
    await rows.advance(WEEK)
    send = await rows.send()
    held = await rows.handed_over(send)
    if status is Status.IN_DOUBT:
        assert await end(rows, held, status)
    await move(rows)
    assert len(await by_status(rows)) == 1

    if status is Status.IN_DOUBT:
        async with rows.store.transaction() as db:
            assert await resolve_send(db, rows.organization, send, Decision.DROP)
    else:
        assert await end(rows, held, Status.FAILED)

    await rows.plan(session)
    assert await by_status(rows) == []
    assert len(await by_status(rows, "removed")) == 1


async def test_two_rules_with_one_template_for_their_corrections_tell_each_date_once(
    rows: Rows, moved: UUID
) -> None:
    """F084: what another rule has told of a date is known; of the next one it is not."""
    await rows.rule("one", correction=CORRECTION)
    await rows.rule("two", template="another", correction=CORRECTION)
    session = await rows.planned("ada", rule="one")
    await rows.advance(WEEK)
    for row in await rows.sends():
        await left(rows, row["id"])

    await move(rows)
    one, two = await of_both(rows)
    await left(rows, one)
    assert (await fetch(rows, two)).received
    claim = await rows.claimed(two)
    with pytest.raises(NotFencedError, match="already_received"):
        await rows.fence(claim, await rows.facts(two))

    await move(rows, 4)
    one, two = await of_both(rows)
    await left(rows, one)
    assert not (await fetch(rows, two)).received
    await left(rows, two)
    assert await rows.plan(session) == 0


async def test_a_date_that_another_rule_has_told_is_not_corrected_by_hand_in_the_same_words(
    rows: Rows, moved: UUID
) -> None:
    """F084: it would be passed over as it leaves, so nobody is told that it will."""
    await rows.rule("one", correction=CORRECTION)
    two = await rows.rule("two", template="another")
    session = await rows.planned("ada", rule="one")
    await rows.advance(WEEK)
    for row in await rows.sends():
        await left(rows, row["id"])
    await move(rows)
    assert await by_hand(rows, session, two, moved) == 1  # the other rule has yet to tell it
    (waits,) = await of_both(rows)
    await left(rows, waits)

    assert await by_hand(rows, session, two, moved) == 0
    assert await by_hand(rows, session, two, await rows.template("other-words")) == 1
    assert await by_hand(rows, session, two, await rows.template("moved", allow_resend=True)) == 1
    await rows.template("moved")
    await move(rows, 4)
    assert await by_hand(rows, session, two, moved) == 1  # of this date nobody has told anything


async def by_hand(rows: Rows, session: UUID, rule: UUID, template: UUID) -> int:
    """Return how many corrections there would be."""
    async with rows.store.transaction() as db:
        return len((await find_corrections(db, session, rule, template, lock=False)).changes)


async def of_both(rows: Rows) -> list[UUID]:
    return [row["id"] for row in await rows.sends() if row["status"] == "scheduled"]


async def fetch(rows: Rows, send: UUID) -> MailFacts:
    async with rows.store.transaction() as db:
        return await fetch_mail_facts(db, send)
