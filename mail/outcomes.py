"""How a hand-over ends: with a reply, or in one of three ways that mean different things for the mail.

No exception here holds an address or the words of a server in its text: exceptions end in histories and logs.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered. Its text may quote an address: it is for the row, never for a log."""

    code: int  # RFC 5321, 4.2.1
    enhanced: str | None  # RFC 3463, such as "5.1.1"
    text: str = field(repr=False)


class RelayError(Exception):
    """A mail was not handed over, or may not have been."""


class Refused(RelayError):  # noqa: N818 - named as the outcomes are in the rows
    """A definite no to this recipient or this message: the server does not have it."""

    def __init__(self, code: int, enhanced: str | None = None, text: str = "") -> None:
        super().__init__(code, enhanced)
        self.code, self.enhanced, self.text = code, enhanced, text

    def __str__(self) -> str:
        return f"refused with {self.code}" + (f" {self.enhanced}" if self.enhanced else "")

    @property
    def permanent(self) -> bool:
        """Whether asking again will not help (RFC 5321, 4.2.1)."""
        return 500 <= self.code <= 599

    @property
    def bad_address(self) -> bool:
        """Whether the address itself is at fault (RFC 3463, 3.2), as opposed to the mail, policy or a full box."""
        return self.permanent and self.enhanced in ("5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10")


class Unreachable(RelayError):  # noqa: N818
    """Nothing was handed over, for a reason that lies between us and the server: the sender's, not the recipient's.

    `stage` is one of connect, tls, login, mail, rcpt, data, body.
    """

    def __init__(self, stage: str, code: int | None = None) -> None:
        super().__init__(stage, code)
        self.stage, self.code = stage, code

    def __str__(self) -> str:
        return f"nothing handed over: {self.stage}" + (f" {self.code}" if self.code else "")


class Ambiguous(RelayError):  # noqa: N818
    """The dot may have left, and no definite answer came: only the server knows."""

    def __init__(self, stage: str) -> None:
        super().__init__(stage)
        self.stage = stage

    def __str__(self) -> str:
        return f"handed over or not: {self.stage}"
