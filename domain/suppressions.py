"""Why no mail goes to an address any more."""

from enum import StrEnum


class SuppressionReason(StrEnum):
    """A closed set, told in words by the pages."""

    BOUNCED = "bounced"  # a mail server said for good that there is no such mailbox (RFC 3463, 3.2)
