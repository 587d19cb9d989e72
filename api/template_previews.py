"""Templates as somebody would receive them, also before they are saved."""

from collections.abc import Iterator

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.previews import imagine, preview_letter
from api.house import House, InHouse
from api.previews import PreviewAnswer, answer
from api.problems import Invalid, NotFound
from api.templates import LONGEST, LONGEST_SUBJECT, check_words
from domain.keys import Key, PersonKey, Prose
from domain.mail_facts import Occasion
from domain.rules import Audience
from store.mail_facts import fetch_preview_facts
from store.occasions import Named, UnknownError, find_occasion
from store.templates import Words, find_template

router = APIRouter(tags=["templates"])


class PreviewBody(BaseModel):
    """Whom the mail is for and what it is about: real data where they are named, the documented examples elsewhere.

    Words that are not saved yet may be tried: they stand in for those of the template.
    """

    model_config = ConfigDict(extra="forbid")

    session: Key | None = Field(default=None, examples=["S-2026-041"])
    module: Key | None = Field(default=None, description="of the session", examples=[None])
    slot: Key | None = Field(default=None, description="of the session", examples=[None])
    person: PersonKey | None = Field(default=None, examples=["p-104"])
    company: PersonKey | None = Field(default=None, examples=[None])
    audience: Audience | None = Field(default=None, examples=["participants"])
    subject: Prose | None = Field(
        default=None, min_length=1, max_length=LONGEST_SUBJECT, examples=["{{ session.name }}: see you soon"]
    )
    html: Prose | None = Field(
        default=None, min_length=1, max_length=LONGEST, examples=["<p>Hello {{ recipient.first_name }}</p>"]
    )
    text: Prose | None = Field(default=None, max_length=LONGEST, examples=[None])


@router.post("/templates/{id}/preview")
async def preview(id: Key, body: PreviewBody, house: InHouse) -> PreviewAnswer:
    """Return the mail that somebody would receive; without a template of this id, the words must all be here."""
    async with house.store.transaction() as db:
        words = await _words(db, house, id, body)
        occasion = await _occasion(db, house, body, Audience(words["audience"]))
        facts = await fetch_preview_facts(db, house.organization.id, occasion, words)
    return answer(preview_letter(imagine(facts, occasion)), [])


async def _words(db: AsyncConnection, house: House, key: str, body: PreviewBody) -> Words:
    """Return the words of the body, and of the template where the body has none; a text goes with its own HTML."""
    saved = await find_template(db, house.organization.id, key)
    subject = body.subject or (saved.subject if saved else None)
    html = body.html or (saved.html if saved else None)
    if subject is None or html is None:
        raise NotFound("template", key)
    text = body.text if body.html or body.text or not saved else saved.text
    audience = body.audience or Audience(saved.audience if saved else Audience.PARTICIPANTS)
    check_words(audience, subject, html, text)
    return Words(audience=audience, subject=subject, html=html, text=text, allow_resend=True)


async def _occasion(db: AsyncConnection, house: House, body: PreviewBody, audience: Audience) -> Occasion:
    if wrong := [*_misnamed(body, audience)]:
        raise Invalid(*wrong)
    named = Named(**body.model_dump(include={"session", "module", "slot", "person", "company"}))
    try:
        return await find_occasion(db, house.organization.id, audience.role, named)
    except UnknownError as unknown:
        raise Invalid(*(_unknown(name, named, audience) for name in unknown.names)) from None


def _misnamed(body: PreviewBody, audience: Audience) -> Iterator[tuple[str, str]]:
    place = "slot" if body.slot else "module" if body.module else None
    if body.slot and body.module:
        yield "module", "A mail is about a module or about a slot: leave one out."
    elif place and not body.session:
        yield "session", f"Name the session that the {place} belongs to."
    right, other = ("company", "person") if audience is Audience.COMPANIES else ("person", "company")
    if getattr(body, other) is not None:
        yield other, f"A template for {audience} is written to a {right}: name one as `{right}`."


def _unknown(name: str, named: Named, audience: Audience) -> tuple[str, str]:
    recipient = "person" if named.person else "company"
    if name == "participation":
        who, where = getattr(named, recipient), named.session
        return (
            recipient,
            f"{who!r} is none of the {audience} of {where!r}: name another, or leave the session out.",
        )
    key = getattr(named, name)
    if name in ("module", "slot"):
        return (
            name,
            f"There is no {name} {key!r} in the session {named.session!r}: GET the session for those it has.",
        )
    path = {"session": "sessions", "person": "people", "company": "companies"}[name]
    return name, f"There is no {name} {key!r}: PUT /v1/{path}/{key} first."
