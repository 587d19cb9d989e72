"""Templates."""

from collections.abc import Sequence

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from api.cursors import CursorText, Limit, Page, cut, read
from api.house import House, InHouse
from api.problems import Invalid, NotFound, Problem
from domain.keys import Key, Prose
from domain.rules import Audience
from mail.tags import tags_for, tags_of
from mail.templates import TemplateError, missing_tags, parse
from store.rules import Rule, list_rules_using
from store.templates import (
    Template,
    TemplateExistsError,
    delete_template,
    find_template,
    insert_template,
    list_templates,
    lock_template,
    put_template,
)

router = APIRouter(tags=["templates"])

LONGEST, LONGEST_SUBJECT = 200_000, 1000  # characters of one part


class TemplateBody(BaseModel):
    """Subject and body of a mail, in Jinja2; without `text` the plain text is made from the HTML."""

    model_config = ConfigDict(extra="forbid")

    audience: Audience = Field(default=Audience.PARTICIPANTS, examples=["participants"])
    subject: Prose = Field(
        min_length=1, max_length=LONGEST_SUBJECT, examples=["{{ session.name }}: see you soon"]
    )
    html: Prose = Field(
        min_length=1, max_length=LONGEST, examples=["<p>Hello {{ recipient.first_name }}</p>"]
    )
    text: Prose | None = Field(default=None, max_length=LONGEST, examples=[None])
    allow_resend: bool = Field(
        default=False, description="whoever received it already may receive it again", examples=[False]
    )


class NewTemplateBody(TemplateBody):
    """A template under an id of the caller's choice."""

    id: Key = Field(examples=["convocation"])


class TemplateAnswer(TemplateBody):
    """A template as it stands; `version` grows with every change."""

    id: str = Field(examples=["convocation"])
    version: int = Field(examples=[1])


class Templates(Page[TemplateAnswer]):
    """A page of templates by id."""


@router.get("/templates")
async def get_many(house: InHouse, limit: Limit = 100, cursor: CursorText = None) -> Templates:
    """Return templates by id."""
    after = read(cursor, str)
    async with house.store.transaction() as db:
        found = await list_templates(db, house.organization.id, limit + 1, after=after[0] if after else None)
    page, next = cut(found, limit, lambda template: (template.key,))
    return Templates(items=[_answer(template) for template in page], next=next)


@router.post("/templates", status_code=201)
async def post(body: NewTemplateBody, house: InHouse) -> TemplateAnswer:
    """Make a template, its tags checked."""
    _check(body)
    try:
        async with house.store.transaction() as db:
            words = body.model_dump(exclude={"id"})
            return _answer(await insert_template(db, house.organization.id, body.id, **words))
    except TemplateExistsError:
        cure = f"There is a template {body.id!r}: PUT /v1/templates/{body.id} edits it."
        raise Problem(409, "template-exists", cure) from None


@router.put("/templates/{id}")
async def put(id: Key, body: TemplateBody, house: InHouse) -> TemplateAnswer:
    """Create or replace a template, its tags checked; mails that wait leave with the new words.

    It must go on fitting the rules that use it: its audience stays (409), and its tags are theirs.
    """
    _check(body)
    async with house.store.transaction() as db:
        _check_users(body, await _users(db, house, id))
        return _answer(await put_template(db, house.organization.id, id, **body.model_dump()))


@router.get("/templates/{id}")
async def get(id: Key, house: InHouse) -> TemplateAnswer:
    """Return a template."""
    async with house.store.transaction() as db:
        template = await find_template(db, house.organization.id, id)
    if template is None:
        raise NotFound("template", id)
    return _answer(template)


@router.delete("/templates/{id}", status_code=204)
async def delete(id: Key, house: InHouse) -> None:
    """Delete a template that no rule uses; what was sent goes on naming it, and a PUT brings it back."""
    async with house.store.transaction() as db:
        template = await lock_template(db, house.organization.id, id)
        if template is None:
            raise NotFound("template", id)
        users = [rule.key for rule in await list_rules_using(db, house.organization.id, template.id)]
        if users:
            detail = "Rules use this template: give them another, or delete them, first."
            raise Problem(409, "template-in-use", detail, rules=users)
        await delete_template(db, template.id)


def check_words(audience: Audience, subject: str, html: str, text: str | None) -> None:
    """Raise `Invalid` for what a template for this audience may not hold."""
    wrong = []
    for field, source in (("subject", subject), ("html", html), ("text", text or "")):
        try:
            parse(source, tags=tags_of(audience))
        except TemplateError as error:
            wrong += [(field, f"line {line}: {message}") for line, message in error.problems]
    if wrong:
        raise Invalid(*wrong)


def _check(body: TemplateBody) -> None:
    check_words(body.audience, body.subject, body.html, body.text)


async def _users(db: AsyncConnection, house: House, key: str) -> list[Rule]:
    """Return the rules that use a template; no others will until the transaction ends."""
    known = await lock_template(db, house.organization.id, key)
    return [] if known is None else await list_rules_using(db, house.organization.id, known.id)


def _check_users(body: TemplateBody, rules: Sequence[Rule]) -> None:
    others = [rule.key for rule in rules if rule.definition.audience is not body.audience]
    if others:
        detail = (
            f"Rules for others than {body.audience} use this template: put another under an id of its own."
        )
        raise Problem(409, "template-in-use", detail, rules=others)
    wrong = []
    for rule in rules:
        says = rule.definition
        for field in ("subject", "html", "text"):
            missing = missing_tags(getattr(body, field), tags=tags_for(says.audience, says.scope))
            if missing:
                lacks = f"The rule {rule.key!r} uses this template, and its scope {says.scope} has no"
                wrong.append((field, f"{lacks} {', '.join(missing)}: put another under an id of its own."))
    if wrong:
        raise Invalid(*wrong)


def _answer(template: Template) -> TemplateAnswer:
    return TemplateAnswer(
        id=template.key,
        audience=Audience(template.audience),
        subject=template.subject,
        html=template.html,
        text=template.text,
        allow_resend=template.allow_resend,
        version=template.version,
    )
