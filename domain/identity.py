"""Every identity that outlives a process is built here and nowhere else.

Rows and histories freeze these forms for ever: a change here is a second mail for somebody.
"""

from collections.abc import Callable
from uuid import UUID, uuid5

_SENDS = UUID("6f0c1f6e-6a57-5e0b-9d0b-3a2f2f1f7c11")


def send_id(origin: UUID, scope: UUID, recipient: UUID, occurrence: str = "1") -> UUID:
    """Return the id of one send.

    `origin` is the internal id of the rule or manual send, `scope` that of the session, module or slot,
    `recipient` that of the person or company. `occurrence` is that of `domain.occurrences`: "1" for most rules.
    """
    return send_ids(origin, scope)(recipient, occurrence)


def send_ids(origin: UUID, scope: UUID) -> Callable[[UUID, str], UUID]:
    """Return `send_id` for many recipients of one rule in one place."""
    prefix = f"{origin}/{scope}/"

    def of(recipient: UUID, occurrence: str) -> UUID:
        return uuid5(_SENDS, f"{prefix}{recipient}/{occurrence}")

    return of


def send_workflow_id(organization: str, rule: str, session: str, send: UUID) -> str:
    """Return the id under which Temporal knows a send; the keys are the caller's own, never an address."""
    return f"send/{organization}/{rule}/{session}/{send}"


def plan_workflow_id(organization: str, session: str) -> str:
    """Return the id of the one workflow that plans a session."""
    return f"plan/{organization}/{session}"


def roll_out_workflow_id(organization: str, rule: str, id: UUID) -> str:
    """Return the id of the one workflow that brings all sessions in line with a rule.

    The internal `id` tells a rule from one that was made again under the same key while the first was rolled out.
    """
    return f"rollout/{organization}/{rule}/{id}"


def message_id(send: UUID, domain: str) -> str:
    """Return the Message-ID (RFC 5322, 3.6.4) of a send: the same for every attempt, so that mailboxes can tell."""
    return f"<{send}@{domain}>"
