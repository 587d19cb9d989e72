"""A mail as it would leave now, written as delivery writes it."""

from uuid import UUID

from activities.previews import preview_letter
from mail.compose import Mailbox
from store.database import Store
from store.mail_facts import fetch_mail_facts
from web.planned import Obstacle, Preview


async def preview(store: Store, send: UUID) -> Preview:
    """Return the mail as far as it can be written; nothing is changed, and nothing leaves."""
    async with store.transaction() as db:
        facts = await fetch_mail_facts(db, send)
    found = preview_letter(facts)
    return Preview(
        sender=_told(found.sender),
        reply_to=_told(found.reply_to),
        to=_told(found.to),
        cc=[_told(one) for one in found.cc],
        subject=found.texts.subject if found.texts else "",
        html=found.texts.html if found.texts else None,
        text=found.texts.text if found.texts else None,
        obstacles=[Obstacle(one.reason, one.detail) for one in found.obstacles],
    )


def _told(mailbox: Mailbox | None) -> str:
    if mailbox is None:
        return ""
    return f"{mailbox.name} <{mailbox.address}>" if mailbox.name else mailbox.address
