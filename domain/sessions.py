"""A session as its own system describes it: whoever writes one, through the API or from a file, is held to the same."""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ValidationInfo,
    field_validator,
)

from domain.conditions import Label
from domain.keys import Instant, Key, PersonKey, SourceVersion, Title
from domain.zones import ZoneName

MOST_PLACES = 500  # modules, and slots, of one session

Room = Annotated[Title, Field(max_length=200, examples=["B 204"])]

LARGEST_DATA = 64 * 1024  # bytes, as JSON

# A name that templates can write behind a dot.
DATA_NAME = r"^[A-Za-z0-9_]{1,64}$"
DataName = Annotated[str, Field(pattern=DATA_NAME)]

_NUL = re.compile(r"(?<!\\)(\\\\)*\\u0000")  # as JSON writes it


def _storable(data: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """PostgreSQL stores neither NUL, nor half a character, nor a number that is none."""
    try:
        written = json.dumps(data, ensure_ascii=False, allow_nan=False)
        size = len(written.encode())
    except ValueError:
        raise ValueError("every text is whole characters, and every number a number") from None
    if _NUL.search(written):
        raise ValueError("no text or name holds the character NUL")
    if size > LARGEST_DATA:
        raise ValueError(f"at most {LARGEST_DATA} bytes as JSON; these are {size}")
    return data


Data = Annotated[dict[DataName, JsonValue], AfterValidator(_storable)]


class Place(BaseModel):
    """What a session and its modules and slots have in common."""

    model_config = ConfigDict(extra="forbid")

    name: Title = Field(max_length=500, examples=["Managing a project"])
    room: Room | None = None


class Dates(BaseModel):
    """From when to when; neither while it is not known."""

    starts_at: Instant | None = Field(default=None, examples=["2027-01-25T09:00:00+01:00"])
    ends_at: Instant | None = Field(default=None, examples=["2027-01-26T17:00:00+01:00"])

    @field_validator("ends_at")
    @classmethod
    def _in_order(cls, ends_at: datetime | None, info: ValidationInfo) -> datetime | None:
        starts_at = info.data.get("starts_at")
        if ends_at and "starts_at" in info.data and not starts_at:
            raise ValueError("ends_at needs a starts_at before it")
        if ends_at and starts_at and ends_at < starts_at:
            raise ValueError("ends_at lies before starts_at: swap them, or leave ends_at out")
        return ends_at


class ModuleBody(Place, Dates):
    """A part of a session; while it has no dates of its own, those of its slots are its dates."""

    id: Key
    mode: Label | None = Field(default=None, description="what rules of scope module and slot compare (F063)")
    category: Label | None = Field(default=None, description="as `mode` (F062)")


class SlotBody(Place):
    """A dated meeting of a session, or of one of its modules."""

    id: Key
    module: Key | None = None
    starts_at: Instant
    ends_at: Instant
    synchronous: bool = True

    @field_validator("ends_at")
    @classmethod
    def _in_order(cls, ends_at: datetime, info: ValidationInfo) -> datetime:
        if "starts_at" in info.data and ends_at <= info.data["starts_at"]:
            raise ValueError("ends_at does not lie after starts_at: swap them, or give the slot a length")
        return ends_at


class SessionOutline(Place, Dates):
    """A session as its own system describes it, but for its modules and slots."""

    timezone: ZoneName | None = Field(default=None, description="IANA name; the organization's where absent")
    stage: Label | None = None
    mode: Label | None = Field(
        default=None, description="on site, remote …; of rules of scope session (F063)"
    )
    category: Label | None = Field(default=None, description="the main one; as `mode` (F062)")
    center: Key | None = Field(default=None, description="that holds it (F045)", examples=["lyon"])
    manager: PersonKey | None = Field(
        default=None,
        description="the person who answers for it, when its mails leave (F055)",
        examples=["p-2"],
    )
    data: Data = Field(
        default={}, description="whatever else templates may tell of it", examples=[{"trainer_room": "A 12"}]
    )
    source_version: SourceVersion | None = Field(
        default=None, description="as its own system counts; a PUT with an older one is ignored"
    )


class SessionBody(SessionOutline):
    """A session as its own system describes it; a PUT replaces all of it, its modules and slots too."""

    modules: list[ModuleBody] = Field(default=[], max_length=MOST_PLACES)
    slots: list[SlotBody] = Field(default=[], max_length=MOST_PLACES)


def wrong_places(body: SessionBody) -> Iterator[tuple[str, str]]:
    """Yield what modules and slots say wrong together: a field, and its cure."""
    yield from _twice("modules", [module.id for module in body.modules])
    yield from _twice("slots", [slot.id for slot in body.slots])
    modules = {module.id for module in body.modules}
    for number, slot in enumerate(body.slots):
        if slot.module is not None and slot.module not in modules:
            yield f"slots.{number}.module", f"There is no module {slot.module!r}: list it in `modules`."


def _twice(field: str, keys: Iterable[str]) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for number, key in enumerate(keys):
        if key in seen:
            yield f"{field}.{number}.id", f"{key!r} stands for two {field}: give each an id of its own."
        seen.add(key)
