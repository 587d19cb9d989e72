"""Tokens, by which backend services come in."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.callers import InCaller
from api.cursors import CursorText, Limit, Page, cut, read
from api.house import InHouse
from api.idempotency import keep_instead
from api.problems import NotFound
from domain.keys import Key, Title
from store.tokens import create_token, find_token_by_id, list_tokens, revoke_token

router = APIRouter(tags=["tokens"])


class NewTokenBody(BaseModel):
    """A token for one service, so that it can be revoked without the others."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[Title, Field(max_length=200, examples=["Learning platform"])]
    centers: Annotated[list[Key], Field(min_length=1, max_length=100)] | None = Field(
        default=None,
        description="it may write rules that are shared with these alone, and those of their sessions; null: all (F047)",
        examples=[["lyon"]],
    )


class TokenAnswer(BaseModel):
    """A token as everybody may see it."""

    id: UUID
    name: str
    centers: list[str] | None = Field(description="that it is limited to; null: all")
    created_at: AwareDatetime
    revoked_at: AwareDatetime | None = Field(description="from then on it opens nothing")


class NewTokenAnswer(TokenAnswer):
    """A token on the day it was made."""

    token: str | None = Field(
        description="what goes after `Authorization: Bearer `: shown this once, not when the request is repeated"
    )


@router.post("/tokens", status_code=201)
async def post(body: NewTokenBody, house: InHouse, caller: InCaller, request: Request) -> NewTokenAnswer:
    """Make a token. It is shown this once: only its digest is kept."""
    caller.check_tokens(body.centers)
    async with house.store.transaction() as db:
        token, words = await create_token(db, house.organization.id, body.name, body.centers)
    answer = NewTokenAnswer(**asdict(token), token=words)
    keep_instead(request, answer.model_copy(update={"token": None}))
    return answer


@router.get("/tokens")
async def get_many(house: InHouse, limit: Limit = 100, cursor: CursorText = None) -> Page[TokenAnswer]:
    """Return the tokens, the oldest first, revoked ones too."""
    after = read(cursor, datetime, UUID)
    async with house.store.transaction() as db:
        found = await list_tokens(db, house.organization.id, limit + 1, after)
    page, next = cut(found, limit, lambda token: (token.created_at, token.id))
    return Page(items=[TokenAnswer(**asdict(token)) for token in page], next=next)


@router.delete("/tokens/{id}", status_code=204)
async def delete(id: UUID, house: InHouse, caller: InCaller) -> None:
    """Revoke a token: once this answers it opens nothing. It may be the one that is shown here."""
    async with house.store.transaction() as db:
        token = await find_token_by_id(db, house.organization.id, id)
        if token is None:
            raise NotFound("token", id)
        caller.check_tokens(token.centers)
        await revoke_token(db, house.organization.id, id)
