"""Templates."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from api.house import InHouse
from api.problems import Invalid, NotFound
from domain.keys import Key, Prose
from mail.templates import TemplateError, parse
from store.templates import Template, find_template, put_template

router = APIRouter(tags=["templates"])

LONGEST = 200_000  # characters of one part


class TemplateBody(BaseModel):
    """Subject and body of a mail, in Jinja2; without `text` the plain text is made from the HTML."""

    model_config = ConfigDict(extra="forbid")

    audience: Literal["participants"] = "participants"
    subject: Prose = Field(min_length=1, max_length=1000, examples=["{{ session.name }}: see you soon"])
    html: Prose = Field(
        min_length=1, max_length=LONGEST, examples=["<p>Hello {{ recipient.first_name }}</p>"]
    )
    text: Prose | None = Field(default=None, max_length=LONGEST)
    allow_resend: bool = Field(default=False, description="whoever received it already may receive it again")


class TemplateAnswer(TemplateBody):
    """A template as it stands."""

    id: str


@router.put("/templates/{id}")
async def put(id: Key, body: TemplateBody, house: InHouse) -> TemplateAnswer:
    """Create or replace a template, its tags checked; mails that wait leave with the new words."""
    _check(body)
    async with house.store.transaction() as db:
        return _answer(await put_template(db, house.organization.id, id, **body.model_dump()))


@router.get("/templates/{id}")
async def get(id: Key, house: InHouse) -> TemplateAnswer:
    """Return a template."""
    async with house.store.transaction() as db:
        template = await find_template(db, house.organization.id, id)
    if template is None:
        raise NotFound("template", id)
    return _answer(template)


def _check(body: TemplateBody) -> None:
    wrong = []
    for field in ("subject", "html", "text"):
        try:
            parse(getattr(body, field) or "")
        except TemplateError as error:
            wrong += [(field, f"line {line}: {message}") for line, message in error.problems]
    if wrong:
        raise Invalid(*wrong)


def _answer(template: Template) -> TemplateAnswer:
    return TemplateAnswer(
        id=template.key,
        audience="participants",
        subject=template.subject,
        html=template.html,
        text=template.text,
        allow_resend=template.allow_resend,
    )
