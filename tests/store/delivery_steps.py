"""The steps of a delivery, and what may change between them."""

from uuid import UUID

import store.delivery
from domain.delivery import RowState
from domain.sends import Outcome, Reason, Status
from store.delivery import Claim, record
from store.participants import remove_participant
from store.rules import deactivate_rule, delete_rule
from store.send_decisions import cancel_send
from store.sessions import delete_session
from tests.store.store_rows import WEEK, Rows


async def look(rows: Rows, send: UUID) -> RowState:
    return await store.delivery.look(rows.store, send)


async def end(rows: Rows, claim: Claim, status: Status, reason: Reason | None = None, **more: object) -> bool:
    text = more.pop("text", None)
    outcome = Outcome(claim.send, claim.token, status, reason, **more)  # type: ignore[arg-type]
    async with rows.store.transaction() as db:
        return await record(db, outcome, text) is not None  # type: ignore[arg-type]


async def change(rows: Rows, what: str, send: UUID) -> None:
    """Change something in a transaction of its own, and do not plan."""
    row = await rows.row(send)
    if what == "the session moved":
        await rows.session(starts_in=3 * WEEK)
    elif what == "the rule was edited":
        await rows.edit_rule(offset="-P8D")
    elif what == "the rule has another template":
        await rows.edit_rule(template="another")
    elif what == "the address was corrected":
        await rows.person("ada", email="right@example.org")
    async with rows.store.transaction() as db:
        if what == "the person left":
            await remove_participant(db, row["session_id"], "ada")
        elif what == "the session was deleted":
            await delete_session(db, rows.organization, "S-1")
        elif what == "the rule was switched off":
            await deactivate_rule(db, row["rule_id"])
        elif what == "the rule was deleted":
            await delete_rule(db, row["rule_id"])
        elif what == "somebody cancelled it":
            assert await cancel_send(db, rows.organization, send)


UNPLANNED = [
    "the session moved",
    "the session was deleted",
    "the person left",
    "the rule was edited",
    "the rule has another template",
    "the rule was switched off",
    "the rule was deleted",
]
