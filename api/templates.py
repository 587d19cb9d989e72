"""Templates."""

from collections.abc import Sequence

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from api.cursors import CursorText, Limit, Page, cut, read
from api.dry_run import InWriting
from api.etags import InPrecondition, etag, tagged
from api.house import House, InHouse
from api.problems import Invalid, NotFound, Problem
from domain.keys import Key, Prose
from domain.rules import Audience
from mail.tags import tags_for, tags_of
from mail.templates import TemplateError, missing_tags, parse
from store.template_uses import TemplateUse, list_template_uses
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
    questionnaire: Key | None = Field(
        default=None,
        description="that it invites to: whoever answered it gets none",
        examples=["cold-survey"],
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


@router.post("/templates", status_code=201, responses=tagged(201))
async def post(body: NewTemplateBody, house: InWriting, response: Response) -> TemplateAnswer:
    """Make a template, its tags checked."""
    _check(body)
    try:
        async with house.store.transaction() as db:
            words = body.model_dump(exclude={"id"})
            return _tagged(response, await insert_template(db, house.organization.id, body.id, **words))
    except TemplateExistsError:
        cure = f"There is a template {body.id!r}: PUT /v1/templates/{body.id} edits it."
        raise Problem(409, "template-exists", cure) from None


@router.put("/templates/{id}", responses=tagged())
async def put(
    id: Key, body: TemplateBody, house: InWriting, precondition: InPrecondition, response: Response
) -> TemplateAnswer:
    """Create or replace a template, its tags checked; mails that wait leave with the new words.

    It must go on fitting the rules that use it: its audience stays (409), and its tags are theirs.
    """
    _check(body)
    async with house.store.transaction() as db:
        stands = await lock_template(db, house.organization.id, id)
        precondition.check(etag(stands.version) if stands else None)
        _check_users(body, await _users(db, house, stands))
        return _tagged(response, await put_template(db, house.organization.id, id, **body.model_dump()))


@router.get("/templates/{id}", responses=tagged())
async def get(id: Key, house: InHouse, response: Response) -> TemplateAnswer:
    """Return a template."""
    async with house.store.transaction() as db:
        template = await find_template(db, house.organization.id, id)
    if template is None:
        raise NotFound("template", id)
    return _tagged(response, template)


@router.delete("/templates/{id}", status_code=204)
async def delete(id: Key, house: InWriting, precondition: InPrecondition) -> None:
    """Delete a template that no rule and no mail that waits uses; what was sent goes on naming it, and a PUT brings it back."""
    async with house.store.transaction() as db:
        template = await lock_template(db, house.organization.id, id)
        if template is None:
            raise NotFound("template", id)
        precondition.check(etag(template.version))
        if users := await list_template_uses(db, house.organization.id, template.id, id):
            raise in_use(
                "Rules use this template, or mails of theirs that wait: give the rules another, or delete them, and "
                "cancel those mails, or let them leave, first.",
                users,
            )
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


async def _users(db: AsyncConnection, house: House, template: Template | None) -> Sequence[TemplateUse]:
    """Return who uses a template that is locked: nobody else will until the transaction ends."""
    if template is None:
        return []
    return await list_template_uses(db, house.organization.id, template.id, template.key)


def _check_users(body: TemplateBody, uses: Sequence[TemplateUse]) -> None:
    if others := [use for use in uses if use.definition.audience is not body.audience]:
        detail = (
            f"Rules for others than {body.audience} use this template: put another under an id of its own."
        )
        raise in_use(detail, others)
    wrong = []
    for use in uses:
        says = use.definition
        for field in ("subject", "html", "text"):
            missing = missing_tags(getattr(body, field), tags=tags_for(says.audience, says.scope))
            if missing:
                lacks = f"The rule {use.rule!r} uses this template, and its scope {says.scope} has no"
                wrong.append((field, f"{lacks} {', '.join(missing)}: put another under an id of its own."))
        if use.wants_answers and body.questionnaire is None:
            waits = f"The series of the rule {use.rule!r} ends when this is answered"
            wrong.append(("questionnaire", f"{waits}: keep it, or give that rule another `until` first."))
    if wrong:
        raise Invalid(*wrong)


def in_use(detail: str, uses: Sequence[TemplateUse]) -> Problem:
    """Return the problem that names who uses a template."""
    rules = [*dict.fromkeys(use.rule for use in uses)]
    sessions = [*dict.fromkeys(use.session for use in uses if use.session is not None)]
    return Problem(
        409, "template-in-use", detail, rules=rules, **({"sessions": sessions} if sessions else {})
    )


def _tagged(response: Response, template: Template) -> TemplateAnswer:
    """Return a template, whose version is its ETag."""
    response.headers["ETag"] = etag(template.version)
    return _answer(template)


def _answer(template: Template) -> TemplateAnswer:
    return TemplateAnswer(
        id=template.key,
        audience=Audience(template.audience),
        subject=template.subject,
        html=template.html,
        text=template.text,
        allow_resend=template.allow_resend,
        questionnaire=template.questionnaire,
        version=template.version,
    )
