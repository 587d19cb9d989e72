"""ETag and If-Match (RFC 9110, 8.8.3 and 13.1.1): whoever edits what they have read overwrites nobody's later edit."""

import re
from hashlib import sha256
from typing import Annotated, Any

from fastapi import Depends, Header, Request

from api.problems import Invalid, Problem

_OPAQUE = r'"[!#-~\x80-\xff]*"'
_ONE = rf"(?:W/)?{_OPAQUE}"
_LIST = re.compile(rf"[ \t,]*{_ONE}(?:[ \t]*,[ \t]*(?:{_ONE})?)*[ \t]*")
_TAG = re.compile(_ONE)

_CURE = 'write * or the ETag of an answer with its quotes, such as "3", or several between commas'

_HEADERS = {"ETag": {"description": "what `If-Match` takes", "schema": {"type": "string"}, "example": '"3"'}}


def tagged(status: int = 200) -> dict[int | str, dict[str, Any]]:
    """Return what a route says of its answers that have an ETag."""
    return {status: {"headers": _HEADERS}}


IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        description="the ETag that was read: if it stands no more, nothing is changed, and the answer is 412",
        examples=['"3"'],
    ),
]


def etag(version: int, *more: object) -> str:
    """Return the tag of what stands in this version; `more` is what the version does not grow with."""
    if not more:
        return f'"{version}"'
    return f'"{version}-{sha256(repr(more).encode()).hexdigest()[:8]}"'


class Precondition:
    """What a request wants to find before it changes anything."""

    def __init__(self, request: Request, _: IfMatch = None) -> None:
        lines = request.headers.getlist("if-match")  # several of them are one list (RFC 9110, 5.3)
        self._said = ", ".join(line.strip() for line in lines) if lines else None
        if self._said is not None and self._said != "*" and not _LIST.fullmatch(self._said):
            raise Invalid(("If-Match", f"This is no list of entity tags: {_CURE}."))

    def check(self, stands: str | None) -> None:
        """Raise a problem (412) unless this tag was asked for; None: there is nothing yet.

        A weak tag (`W/"3"`) never matches: whatever it stands for may have changed a little.
        """
        if self._said is None or (self._said == "*" and stands is not None):
            return
        if stands is None or stands not in _TAG.findall(self._said):
            detail = "This was changed since you read it: read it again, and make your change there."
            raise Problem(412, "changed-meanwhile", detail, etag=stands)


InPrecondition = Annotated[Precondition, Depends(Precondition)]
