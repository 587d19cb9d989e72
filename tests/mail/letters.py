"""Letters to send, and the people they go to."""

from datetime import UTC, datetime
from typing import Any

from mail.compose import Mailbox, Message, compose

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def a_letter(to: str = "claire@example.org", *cc: str, name: str = "Claire Martin", **fields: Any) -> Message:
    """Return a mail to `to`, called `name`, and each `cc`, with `fields` in place of what is usual."""
    usual: dict[str, Any] = {
        "sender": Mailbox("training@example.org", "Example Training"),
        "to": Mailbox(to, name),
        "cc": tuple(Mailbox(address) for address in cc),
        "subject": "See you soon",
        "html": "<p>Hello</p>",
        "text": "Hello\n",
        "message_id": "<one@example.org>",
        "date": NOON,
    }
    return compose(**{**usual, **fields})
