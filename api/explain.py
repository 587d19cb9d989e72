"""Why a mail is where it is, and why somebody does not get one: steps as codes and values, and in sentences."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field

from api.house import House, InHouse
from api.problems import NotFound
from domain.explanations import Explanation
from domain.keys import Key, PersonKey
from domain.participations import Role
from domain.rules import Scope
from domain.sends import Status
from domain.steps import Code, Step
from domain.zones import find_zone
from store.explanations import Story, explain_participant, explain_send
from store.sessions import find_session
from words.languages import Language, load_languages
from words.steps import step_in_words

router = APIRouter(tags=["sends"])

_LANGUAGES = load_languages()

InLanguage = Annotated[
    Literal["en", "fr"] | None,
    Query(description="of the sentences; the organization's where absent", examples=["en"]),
]


class StepAnswer(BaseModel):
    """One step: a code with its values, and what they say."""

    code: Code = Field(examples=["due_in_past"])
    values: dict[str, Any] = Field(
        description="of this code: instants in UTC; times without an offset are what the clocks of `timezone` show",
        examples=[{"local": "2027-01-14T09:00:00", "asked_at": "2027-01-18T10:00:00Z"}],
    )
    sentence: str = Field(
        examples=[
            "Its time, Thu, 14 Jan 2027 at 09:00, had already passed when it was asked for, on Mon, 18 Jan 2027 at 11:00."
        ]
    )


class ExplanationAnswer(BaseModel):
    """What one rule makes of one recipient, about a session or a module or slot of it."""

    rule: str = Field(examples=["convocation-j7"])
    rule_name: str = Field(examples=["Convocation J-7"])
    scope: Scope = Field(examples=["session"])
    module: str | None = Field(description="that it is about, or that its slot belongs to", examples=[None])
    slot: str | None = Field(examples=[None])
    recipient: str = Field(examples=["p-104"])
    recipient_name: str = Field(examples=["Ada Byron"])
    role: Role = Field(description="as what the recipient takes part", examples=["participant"])
    participants: list[str] | None = Field(
        description="whom a company's mail is about, where that may be only some of its participants; else null",
        examples=[None],
    )
    send: UUID | None = Field(description="null where there is none", examples=[None])
    status: Status | None = Field(examples=[None])
    due_at: AwareDatetime | None = Field(examples=["2027-01-14T08:00:00Z"])
    timezone: str = Field(description="on whose clocks it is told", examples=["Europe/Paris"])
    verdict: StepAnswer = Field(description="what stands now")
    why: list[StepAnswer] = Field(description="what decided, or is going to when it is to leave")
    counting: list[StepAnswer] = Field(description="how its due time comes about, from the dates of today")
    history: list[StepAnswer] = Field(description="what happened to the send, the first first")


class SendExplained(ExplanationAnswer):
    """Why a send is where it is."""

    session: str = Field(examples=["S-2026-041"])
    language: Literal["en", "fr"] = Field(description="of the sentences", examples=["en"])
    planned: bool = Field(description="the mails have followed the last change", examples=[True])


class ParticipantExplained(BaseModel):
    """What every rule makes of somebody in a session, and of their company: also where it never made a send."""

    session: str = Field(examples=["S-2026-041"])
    person: str = Field(examples=["p-104"])
    language: Literal["en", "fr"] = Field(description="of the sentences", examples=["en"])
    planned: bool = Field(description="the mails have followed the last change", examples=[True])
    explanations: list[ExplanationAnswer] = Field(description="by due time; what has none comes last")


@router.get("/sends/{id}/explain", name="explain_send")
async def get_of_send(id: UUID, house: InHouse, language: InLanguage = None) -> SendExplained:
    """Say why a send is where it is, step by step, and how its due time comes about."""
    async with house.store.transaction() as db:
        story = await explain_send(db, house.organization.id, id)
    its_own = story.of(id) if story is not None else None
    if story is None or its_own is None:
        raise NotFound("send", id)
    spoken = _language(language, house)
    told = answer(its_own, story, spoken)
    return SendExplained(**dict(told), session=story.session, language=_code(spoken), planned=story.planned)


@router.get("/sessions/{id}/participants/{person:path}/explain", name="explain_participant")
async def get_of_participant(
    id: Key, person: PersonKey, house: InHouse, language: InLanguage = None
) -> ParticipantExplained:
    """Say what every rule makes of somebody in a session: why they get a mail, when, or why they do not."""
    async with house.store.transaction() as db:
        story = await explain_participant(db, house.organization.id, id, person)
        if story is None:
            known = await find_session(db, house.organization.id, id)
            raise NotFound("participant", person) if known else NotFound("session", id)
    spoken = _language(language, house)
    return ParticipantExplained(
        session=id,
        person=person,
        language=_code(spoken),
        planned=story.planned,
        explanations=[answer(one, story, spoken) for one in story.explanations],
    )


def answer(one: Explanation, story: Story, language: Language) -> ExplanationAnswer:
    rule, place = story.rules[one.rule], story.place(one)
    recipient, tell = story.recipients[one.participation], _Teller(story, find_zone(one.zone), language)
    return ExplanationAnswer(
        rule=rule.key,
        rule_name=rule.name,
        scope=place.scope,
        module=place.module,
        slot=place.slot,
        recipient=recipient.key,
        recipient_name=recipient.name,
        role=recipient.role,
        participants=None if one.covers is None else tell.keys(one.covers),
        send=one.record and one.record.id,
        status=one.record and one.record.status,
        due_at=one.due_at,
        timezone=one.zone,
        verdict=tell.step(one.verdict),
        why=[tell.step(step) for step in one.why],
        counting=[tell.step(step) for step in one.counting],
        history=[tell.step(step) for step in one.history],
    )


@dataclass(frozen=True, slots=True)
class _Teller:
    """What tells steps: whom they speak of by their callers' ids, and in the sentences by their names."""

    story: Story
    zone: ZoneInfo
    language: Language

    def step(self, step: Step) -> StepAnswer:
        sentence = step_in_words(step, self.zone, self.story.name, language=self.language)
        values: dict[str, Any] = dict(step.values)
        if "participants" in values:
            values["participants"] = self.keys(map(UUID, values["participants"]))
        return StepAnswer(code=step.code, values=values, sentence=sentence)

    def keys(self, participations: Iterable[UUID]) -> list[str]:
        return sorted(self.story.recipients[id].key for id in participations)


def _language(asked: str | None, house: House) -> Language:
    return _LANGUAGES.get(asked or house.organization.language, _LANGUAGES["en"])


def _code(language: Language) -> Literal["en", "fr"]:
    return "fr" if language.code == "fr" else "en"
