"""One session of a file, checked by the very models of the API."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import Discriminator, Field, Tag, ValidationError

from domain import complaints
from domain.keys import Key, PersonKey
from domain.participations import Role
from domain.sessions import SessionBody, wrong_places
from mail.people import PersonBody

MOST_PEOPLE = 10_000  # of one session, as in one batch of the API


class PersonRow(PersonBody):
    """A person, as PUT /v1/people/{id} takes them, with their id."""

    id: PersonKey


def _how(person: object) -> str:
    return "<id>" if isinstance(person, str) else "<person>"


# Somebody who is known already, by their id; or somebody described here. (The names in <> stay out of messages.)
Somebody = Annotated[
    Annotated[PersonKey, Tag("<id>")] | Annotated[PersonRow, Tag("<person>")], Discriminator(_how)
]
Everybody = Annotated[list[Somebody], Field(max_length=MOST_PEOPLE)]


class SessionRow(SessionBody):
    """A session, as PUT /v1/sessions/{id} takes it, with its id and, where the file says so, who takes part."""

    id: Key
    trainers: Everybody | None = None  # None: the file does not say, and they stay as they are
    participants: Everybody | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """What a file says of one session, in the words of `SessionRow`, before anybody has checked it."""

    line: int
    said: object
    invents: frozenset[str] = frozenset()  # ids of people who are made up where nobody knows them


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that cannot be imported, and why."""

    line: int
    why: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.why}"


@dataclass(frozen=True, slots=True)
class Row:
    """A session of a file that may be written."""

    line: int
    session: SessionRow
    invents: frozenset[str] = frozenset()  # as of the record, guests included
    guests: tuple[str, ...] = ()  # participants who are made up, and join whoever takes part

    def described(self) -> Iterator[PersonRow]:
        """Yield everybody whom the row describes."""
        return (one for one in self._somebody() if isinstance(one, PersonRow))

    def named(self) -> Iterator[str]:
        """Yield everybody whom it only names: known already, or to be made up, or a mistake."""
        yield from (one for one in self._somebody() if isinstance(one, str))
        yield from self.guests

    def managers(self) -> Iterator[str]:
        """Yield the managers of those whom it describes."""
        return (one.manager for one in self.described() if one.manager is not None)

    def takes_part(self) -> Iterator[tuple[Role, str]]:
        """Yield who takes part as what, perhaps twice."""
        yield from ((Role.TRAINER, _id(one)) for one in self.session.trainers or ())
        yield from ((Role.PARTICIPANT, _id(one)) for one in self.session.participants or ())
        yield from ((Role.PARTICIPANT, id) for id in self.guests)

    def whole(self) -> Iterator[Role]:
        """Yield the roles of which the row names everybody: who is not among them leaves."""
        if self.session.trainers is not None:
            yield Role.TRAINER
        if self.session.participants is not None:
            yield Role.PARTICIPANT

    def _somebody(self) -> list[Somebody]:
        return [*(self.session.trainers or ()), *(self.session.participants or ())]


def _id(one: Somebody) -> str:
    return one if isinstance(one, str) else one.id


def check(record: Record) -> Row | Rejected:
    """Return the row, or all that is wrong with it in one line."""
    if not isinstance(record.said, dict):
        return Rejected(record.line, 'a session is an object: {"id": …, "name": …}')
    try:
        session = SessionRow.model_validate(record.said)
    except ValidationError as error:
        return Rejected(record.line, explain(error))
    if wrong := [_told(field, message) for field, message in wrong_places(session)]:
        return Rejected(record.line, "; ".join(wrong))
    return Row(record.line, session, record.invents)


def explain(error: ValidationError) -> str:
    """Return all that is wrong, each with its field, in one line."""
    return "; ".join(dict.fromkeys(_wrongs(error)))


def _wrongs(error: ValidationError) -> Iterator[str]:
    for wrong in error.errors(include_url=False, include_input=False):
        field = ".".join(str(part) for part in wrong["loc"] if not str(part).startswith("<"))
        yield _told(field, complaints.explain(wrong))


def _told(field: str, message: str) -> str:
    return message if not field or message.startswith(f"{field} ") else f"{field}: {message}"
