"""Which mail may leave: nothing that changed, nothing twice (DESIGN 8, step 4)?"""

import json
from uuid import UUID

import pytest
from sqlalchemy.exc import DBAPIError

from domain.sends import Reason, Status
from store.delivery import NotFencedError
from store.mail_facts import fetch_mail_facts
from tests.store.delivery_steps import UNPLANNED, change, end
from tests.store.store_rows import DAY, LEASE, WEEK, Rows


async def test_a_fenced_row_is_past_the_point_of_no_return(rows: Rows) -> None:
    send = await rows.due()
    claim = await rows.claimed(send)

    await rows.fence(claim)

    row = await rows.row(send)
    assert (row["status"], row["token"], row["message_id"]) == ("handing_over", claim.token, f"<{send}@x>")
    assert row["handed_at"] is not None
    assert row["lease_until"] > row["handed_at"]
    assert row["trace"][-1] | {"at": None} == {"at": None, "step": "handing_over", "attempt": 1}
    assert await rows.receipts() == [send]


@pytest.mark.parametrize("what", [*UNPLANNED, "somebody cancelled it", "the address was corrected"])
async def test_no_mail_passes_the_fence_after_a_change(rows: Rows, what: str) -> None:
    send = await rows.due()
    claim, facts = await rows.claimed(send), await rows.facts(send)

    await change(rows, what, send)

    with pytest.raises(NotFencedError) as refusal:
        await rows.fence(claim, facts)
    assert refusal.value.reason is None
    assert (await rows.row(send))["status"] != "handing_over"
    assert await rows.receipts() == []


@pytest.mark.parametrize("what", UNPLANNED)
async def test_no_mail_passes_the_fence_after_a_change_that_is_planned_already(rows: Rows, what: str) -> None:
    send = await rows.due()
    claim, facts = await rows.claimed(send), await rows.facts(send)
    row = await rows.row(send)

    await change(rows, what, send)
    await rows.plan(row["session_id"])
    await rows.roll_out(row["rule_id"])

    with pytest.raises(NotFencedError):
        await rows.fence(claim, facts)
    assert await rows.receipts() == []


async def test_a_letter_does_not_outlive_the_facts_even_when_its_row_never_moved(rows: Rows) -> None:
    """The due time is a date of its own, so a new start leaves the row alone; yet the letter tells the old start."""
    await rows.rule("on-date", anchor="date", offset="P0D", date=(await rows.now() + DAY).isoformat())
    session = await rows.planned("ada", rule="on-date")
    await rows.advance(DAY)
    send = await rows.send()
    claim, facts = await rows.claimed(send), await rows.facts(send)
    before = await rows.row(send)

    await rows.session(starts_in=5 * WEEK)
    await rows.plan(session)
    assert await rows.row(send) == before  # the same version, and the claim's token

    with pytest.raises(NotFencedError):
        await rows.fence(claim, facts)
    await end(rows, claim, Status.SCHEDULED)
    await rows.handed_over(send)  # a letter written now may leave


async def test_a_letter_does_not_outlive_its_template_when_the_roll_out_was_fast(rows: Rows) -> None:
    send = await rows.due()
    claim, facts = await rows.claimed(send), await rows.facts(send)

    await rows.edit_rule(template="another")
    await rows.roll_out((await rows.row(send))["rule_id"])

    with pytest.raises(NotFencedError):
        await rows.fence(claim, facts)


async def test_an_address_corrected_a_moment_before_is_the_one_used(rows: Rows) -> None:  # F038
    send = await rows.due()
    claim, facts = await rows.claimed(send), await rows.facts(send)
    await rows.person("ada", email="right@example.org")

    with pytest.raises(NotFencedError):
        await rows.fence(claim, facts)
    await end(rows, claim, Status.SCHEDULED)

    async with rows.store.transaction() as db:
        assert (await fetch_mail_facts(db, send)).to[0].email == "right@example.org"
    await rows.handed_over(send)


async def test_a_claim_taken_over_by_another_does_not_pass(rows: Rows) -> None:
    send = await rows.due()
    first = await rows.claimed(send)
    await rows.advance(LEASE)
    second = await rows.claimed(send)

    with pytest.raises(NotFencedError):
        await rows.fence(first)
    assert await rows.receipts() == []
    await rows.fence(second)
    with pytest.raises(NotFencedError):
        await rows.fence(first)
    assert (await rows.row(send))["token"] == second.token


async def test_a_slow_claim_that_nobody_took_over_may_still_pass(rows: Rows) -> None:
    send = await rows.due()
    claim = await rows.claimed(send)
    await rows.advance(2 * LEASE)

    await rows.fence(claim)


async def test_nothing_passes_after_its_latest_moment(rows: Rows) -> None:  # F077
    send = await rows.due()
    claim = await rows.claimed(send)
    await rows.advance(WEEK)

    with pytest.raises(NotFencedError):
        await rows.fence(claim)
    assert await rows.receipts() == []


async def test_a_row_that_moved_does_not_pass_even_under_its_token(rows: Rows) -> None:
    send = await rows.due()
    claim = await rows.claimed(send)
    await rows.execute("update sends set version = version + 1")

    with pytest.raises(NotFencedError):
        await rows.fence(claim)


async def test_no_claim_passes_twice(rows: Rows) -> None:
    send = await rows.due()
    claim = await rows.handed_over(send)
    before = await rows.row(send)

    with pytest.raises(NotFencedError):
        await rows.fence(claim)
    assert await rows.row(send) == before
    assert await rows.receipts() == [send]


async def test_a_row_never_holds_an_attempt_without_its_token(rows: Rows) -> None:
    send = await rows.due()
    await rows.claimed(send)

    with pytest.raises(DBAPIError, match="ck_sends_token"):
        await rows.execute("update sends set token = null")


# Once only (F085).


async def two_of_one_template(rows: Rows, *, allow_resend: bool = False) -> tuple[UUID, UUID]:
    """Return two due sends of two rules with one template, to one person, for one session."""
    await rows.rule("j7")
    await rows.rule("j7-again")
    await rows.planned("ada")
    if allow_resend:
        await rows.template(allow_resend=True)
    await rows.advance(WEEK)
    one, other = [row["id"] for row in await rows.sends()]
    return one, other


async def received(rows: Rows, send: UUID) -> bool:
    async with rows.store.transaction() as db:
        return (await fetch_mail_facts(db, send)).received


async def test_whoever_received_a_template_does_not_receive_it_again(rows: Rows) -> None:  # F085
    one, other = await two_of_one_template(rows)
    claim = await rows.claimed(other)
    assert not await received(rows, other)
    await end(rows, await rows.handed_over(one), Status.SENT)

    assert await received(rows, other)
    assert not await received(rows, one)
    with pytest.raises(NotFencedError) as refusal:
        await rows.fence(claim)

    assert refusal.value.reason is Reason.ALREADY_RECEIVED
    assert await rows.receipts() == [one]


async def test_a_template_that_allows_it_is_received_twice(rows: Rows) -> None:
    one, other = await two_of_one_template(rows, allow_resend=True)
    facts = await rows.facts(other, allow_resend=True)

    await end(rows, await rows.handed_over(one), Status.SENT)
    await rows.fence(await rows.claimed(other), facts)

    assert await rows.receipts() == [one]


async def test_a_rule_may_write_again_with_the_template_of_its_first_mail(rows: Rows) -> None:
    """Another occurrence, group or memory of it: the rule says when; other rules still may not (decision 9)."""
    one, other = await two_of_one_template(rows)
    again = await rows.again(one)
    await end(rows, await rows.handed_over(one), Status.SENT)

    assert not await received(rows, again)
    await end(rows, await rows.handed_over(again), Status.SENT)

    assert await rows.receipts() == [one]
    assert await received(rows, other)
    with pytest.raises(NotFencedError) as refusal:
        await rows.fence(await rows.claimed(other))
    assert refusal.value.reason is Reason.ALREADY_RECEIVED


async def test_what_changed_meanwhile_is_not_taken_for_received_from_the_same_rule(rows: Rows) -> None:
    one, _ = await two_of_one_template(rows)
    again = await rows.again(one)
    await end(rows, await rows.handed_over(one), Status.SENT)
    claim, facts = await rows.claimed(again), await rows.facts(again)
    await change(rows, "the session moved", again)

    with pytest.raises(NotFencedError) as refusal:
        await rows.fence(claim, facts)
    assert refusal.value.reason is None


async def test_a_rule_does_not_write_again_with_a_template_that_another_rule_used(rows: Rows) -> None:
    one, other = await two_of_one_template(rows)
    again = await rows.again(one)
    await end(rows, await rows.handed_over(other), Status.SENT)

    for send in (one, again):
        with pytest.raises(NotFencedError) as refusal:
            await rows.fence(await rows.claimed(send))
        assert refusal.value.reason is Reason.ALREADY_RECEIVED


@pytest.mark.parametrize("refused", [Status.SCHEDULED, Status.FAILED])
async def test_what_one_mail_of_a_rule_brought_stays_received_when_another_is_refused(
    rows: Rows, refused: Status
) -> None:
    """The refused one had come first and held the receipt for both."""
    one, other = await two_of_one_template(rows)
    again = await rows.again(one)
    first = await rows.handed_over(one)
    second = await rows.handed_over(again)
    await end(rows, second, Status.SENT)

    await end(rows, first, refused, code=451 if refused is Status.SCHEDULED else 550)

    assert await rows.receipts() == [again]
    with pytest.raises(NotFencedError):
        await rows.fence(await rows.claimed(other))


async def test_a_refused_mail_leaves_no_receipt_to_one_that_went_by_another_template(rows: Rows) -> None:
    weekly = {"every": "P7D", "at_most": 3}
    rule = await rows.rule(template="first", repeat=weekly)
    session = await rows.planned("ada", rule="j7")
    await rows.advance(WEEK)
    sent = await rows.send(session=session)
    await end(rows, await rows.handed_over(sent), Status.SENT)
    await rows.edit_rule(template="second", repeat=weekly)
    await rows.roll_out(rule)
    await rows.plan(session)
    await rows.advance(WEEK)
    (again,) = [row["id"] for row in await rows.sends() if row["status"] == "scheduled"]

    await end(rows, await rows.handed_over(again), Status.FAILED, Reason.REFUSED)

    assert await rows.receipts() == [sent]


async def test_a_refused_mail_that_holds_no_receipt_takes_none_back(rows: Rows) -> None:
    one, _ = await two_of_one_template(rows)
    again = await rows.again(one)
    await end(rows, await rows.handed_over(one), Status.SENT)
    await end(rows, await rows.handed_over(again), Status.FAILED, code=550)

    assert await rows.receipts() == [one]


@pytest.mark.parametrize(
    ("by_rule", "by_template", "twice"),
    [(None, False, False), (None, True, True), (True, False, True), (False, True, False)],
)
async def test_a_rule_says_whether_it_writes_to_whoever_has_the_template_else_the_template_does(
    rows: Rows, by_rule: bool | None, by_template: bool, twice: bool
) -> None:  # F084, L13
    _, other = await two_of_one_template(rows, allow_resend=by_template)
    said = {None: "null", True: "true", False: "false"}[by_rule]
    await rows.execute(
        "update rules set definition = jsonb_set(definition, '{allow_resend}', cast(:said as jsonb))",
        said=said,
    )
    async with rows.store.transaction() as db:
        assert (await fetch_mail_facts(db, other)).allow_resend is twice


async def test_a_manager_has_not_what_the_participant_received(rows: Rows) -> None:  # F056, F085
    one, other = await two_of_one_template(rows)
    await says_of(rows, other, "{to}", "manager")
    await end(rows, await rows.handed_over(one), Status.SENT)

    assert not await received(rows, other)
    # Who is both reads it once: the fence goes by the address, which is the same one here.
    with pytest.raises(NotFencedError) as refusal:
        await rows.fence(await rows.claimed(other))
    assert refusal.value.reason is Reason.ALREADY_RECEIVED

    await says_of(rows, one, "{to}", "manager")
    assert await received(rows, other)


async def test_whom_a_series_ends_with_has_not_what_the_participant_received(rows: Rows) -> None:  # L12
    one, other = await two_of_one_template(rows)
    last = await rows.again(one, "last")
    await says_of(rows, one, "{repeat}", {"every": "P7D", "at_most": 1, "then": {"to": "manager"}})
    await end(rows, await rows.handed_over(other), Status.SENT)

    assert await received(rows, one)
    assert not await received(rows, last)
    await says_of(rows, other, "{to}", "manager")
    assert await received(rows, last)
    assert not await received(rows, one)


async def says_of(rows: Rows, send: UUID, path: str, said: object) -> None:
    """Have the rule of a send say this as well; the facts stay as they were planned."""
    await rows.execute(
        """
        update rules set definition = jsonb_set(definition, cast(:path as text[]), cast(:said as jsonb))
        where id = (select rule_id from sends where id = :send)
        """,
        path=path,
        said=json.dumps(said),
        send=send,
    )


@pytest.mark.parametrize("refused", [Status.SCHEDULED, Status.FAILED])
async def test_what_was_refused_was_not_received(rows: Rows, refused: Status) -> None:
    one, other = await two_of_one_template(rows)
    first = await rows.handed_over(one)

    await end(rows, first, refused, code=451 if refused is Status.SCHEDULED else 550)

    assert await rows.receipts() == []
    await rows.handed_over(other)
    assert await rows.receipts() == [other]


async def test_a_doubt_keeps_its_receipt(rows: Rows) -> None:
    one, other = await two_of_one_template(rows)
    await end(rows, await rows.handed_over(one), Status.IN_DOUBT, Reason.CONNECTION_LOST)

    with pytest.raises(NotFencedError):
        await rows.fence(await rows.claimed(other))


async def test_another_session_is_another_context(rows: Rows) -> None:
    await rows.planned("ada")
    await rows.planned("ada", session="S-2")
    await rows.advance(WEEK)

    for send in await rows.sends():
        await rows.handed_over(send["id"])

    assert len(await rows.receipts()) == 2


async def test_the_second_attempt_of_a_mail_keeps_its_own_receipt(rows: Rows) -> None:
    send = await rows.due()
    await end(rows, await rows.handed_over(send), Status.SCHEDULED)

    second = await rows.handed_over(send)

    assert second.attempt == 2
    assert await rows.receipts() == [send]


async def test_what_every_mail_passes_is_planned_once_along_its_indexes(rows: Rows) -> None:
    """PostgreSQL takes longer to plan a fence than to execute it, and would do so for each mail."""
    await rows.planned(*(f"p-{n}" for n in range(50)))
    await rows.advance(WEEK)
    for send in await rows.sends():
        await rows.handed_over(send["id"])

    plans = await rows.one(
        "select sum(custom_plans) = 0 and sum(generic_plans) > 10 from pg_prepared_statements"
        " where statement like '%receipts.send_id%' and statement like '%handing_over%'"
    )
    assert plans
