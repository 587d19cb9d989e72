"""Receipts: who received which template in which context. The fence writes them (`store.delivery`)."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.occurrences import LAST
from domain.rules import ToRole
from store.effective import DEFINITION, EFFECTIVE


def role_of(says: str, occurrence: str) -> str:
    """Return SQL for the role that a mail is written to, as `domain.terms.written_to` finds it; null: no other."""
    then = f"{says} -> 'repeat' -> 'then'"
    return f"""
        case when {occurrence} ~ '(^|:){LAST}$' and jsonb_typeof({then}) = 'object'
             then coalesce({then} ->> 'to', '{ToRole.MANAGER}') else {says} ->> 'to' end
    """


# A correction `s` is news to whoever has one, of another rule, by the same template: `holder` tells another date.
TELLS_ANOTHER_DATE = "(s.occurrence like '%correction:%' and s.anchor_at is distinct from holder.anchor_at)"


def held_by_another(to: str) -> str:
    """Return SQL for the receipts of what send `s` brings, by template `t`, that sends of other rules hold.

    `to` is the role that `s` is written to: what went to the manager of somebody is nothing that they have, nor the
    other way. `holder` is the other send, `r` its rule. Another send of the same rule is no obstacle: it is the rule
    that says when to write again. Of two roles with one address, the fence lets the first pass.
    """
    return f"""
        receipts
        join sends holder on holder.id = receipts.send_id
        join rules r on r.id = holder.rule_id
        join sessions session on session.id = holder.session_id
        {EFFECTIVE}
        where receipts.template_id = t.id and receipts.scope_id = s.scope_id
          and receipts.recipient_id = s.recipient_id and holder.rule_id <> s.rule_id
          and {role_of(DEFINITION, "holder.occurrence")} is not distinct from {to}
          and not {TELLS_ANOTHER_DATE}
    """


_LOCK_RECEIPT = text("select from receipts where send_id = :send for update")
# What its rule handed over before it went by another receipt, or by a template that the rule has no more.
_TAKE_RECEIPT_BACK = text("""
    with refused as (
        select s.id, (select other.id from sends other
                      where other.participation_id = s.participation_id and other.rule_id = s.rule_id
                        and other.scope_id = s.scope_id and other.template_id is not distinct from s.template_id
                        and other.id <> s.id and other.status in ('handing_over', 'in_doubt', 'sent')
                        and other.handed_at >= s.handed_at
                      order by other.handed_at limit 1) as other
        from sends s
        where s.id = :send and not s.trace @> '[{"step": "send_again"}]' and not s.trace @> '[{"decision": "drop"}]'
    ),
    passed_on as (
        update receipts set send_id = refused.other from refused
        where receipts.send_id = refused.id and refused.other is not null
    )
    delete from receipts using refused where receipts.send_id = refused.id and refused.other is null
""")


async def lock_receipt(db: AsyncConnection, send: UUID) -> None:
    """Lock what a send holds, before its row.

    Whoever tells workflows locks many rows, and must not wait between a fence and us (`store.locks`).
    """
    await db.execute(_LOCK_RECEIPT, {"send": send})


async def take_receipt_back(db: AsyncConnection, send: UUID) -> None:
    """Forget what a refused send holds, which may have arrived only if it was sent again, or given up, in doubt.

    What another send of its rule has handed over on the strength of it stays known, as that one's.
    """
    await db.execute(_TAKE_RECEIPT_BACK, {"send": send})
