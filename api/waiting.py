"""`?wait=planned`: an answer that waits until planning has followed what was written."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Depends, Query, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from api.house import InHouse
from store.caught_up import Awaited, has_caught_up, list_past_the_fence, read_clock

LONGEST = 10.0  # seconds

# Most plans take a moment; a large one need not be asked after every moment.
FIRST_PAUSE, LONGEST_PAUSE = 0.03, 1.0  # seconds

Wait = Annotated[
    Literal["planned"] | None,
    Query(
        description="`planned`: answer once the mails have followed, at most 10 s later", examples=["planned"]
    ),
]


class TooLate(BaseModel):
    """For which mails a write came too late, as far as that was asked."""

    too_late: list[UUID] | None = Field(
        default=None,
        description="with `?wait=planned`: the sends whose mail had begun to leave before this change",
        examples=[[]],
    )


class Followed(TooLate):
    """Whether the mails have followed, when this is answered."""

    planned: bool = Field(description="its mails have followed the last change", examples=[True])


# A DELETE that waited tells what it waited for.
NO_CONTENT: dict[int | str, dict[str, Any]] = {
    200: {
        "model": Followed,
        "description": "with `?wait=planned`",
        "content": {"application/json": {"example": Followed(planned=True, too_late=[]).model_dump()}},
    }
}


class Watch:
    """What one request knows of the mails that are to follow what it writes."""

    def __init__(self, house: InHouse, wait: Wait = None) -> None:
        self._house, self.waits = house, wait is not None
        self._since: datetime | None = None
        self._awaited = Awaited()
        self.too_late: list[UUID] | None = None

    async def begin(self, db: AsyncConnection) -> None:
        """Note when the request came; call it first of all in its transaction."""
        if self.waits:
            self._since = await read_clock(db)

    async def wrote(self, db: AsyncConnection, awaited: Awaited) -> None:
        """Note what was written; call it in its transaction, which holds the facts."""
        self._awaited = awaited
        if self._since is not None:
            self.too_late = await list_past_the_fence(
                db,
                self._since,
                sessions=awaited.sessions,
                participations={*awaited.participations, *awaited.concerned},
                rules=awaited.rules,
            )

    async def planned(self, *, clean: bool) -> bool:
        """Return whether planning has followed, waiting for it if that was asked; else whether it is clean now."""
        return await _within(LONGEST, self._has_caught_up) if self.waits else clean

    async def gone(self) -> Response:
        """Answer a DELETE: without a word, or when planning has followed."""
        if not self.waits:
            return Response(status_code=204)
        followed = Followed(planned=await self.planned(clean=False), too_late=self.too_late)
        return JSONResponse(followed.model_dump(mode="json"))

    async def _has_caught_up(self) -> bool:
        async with self._house.store.statement() as db:
            return await has_caught_up(db, self._awaited)


InWatch = Annotated[Watch, Depends(Watch)]


async def _within(seconds: float, condition: Callable[[], Awaitable[bool]]) -> bool:
    """Return whether it came true in time, asking again after ever longer pauses."""
    give_up_at, pause = time.monotonic() + seconds, FIRST_PAUSE
    while not await condition():
        if time.monotonic() + pause > give_up_at:
            return False
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
    return True
