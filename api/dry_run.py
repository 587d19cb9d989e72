"""`?dry_run=true`: a write that is made, looked at, and taken back; the answer says what would become of the mails."""

from dataclasses import replace
from functools import cache
from typing import Annotated, Literal

from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.responses import JSONResponse
from starlette.datastructures import QueryParams
from starlette.types import Scope

from api.house import House, InHouse
from api.outlooks import OutlookAnswer, answer
from store.foresight import Foreseen
from store.rehearsals import Rehearsal, Rehearsed
from words.languages import Language, load_languages
from words.outlooks import outlook_in_words

PARAMETER = "dry_run"

DryRun = Annotated[
    Literal["true", "false"],
    Query(
        description="`true`: write nothing, and answer (200) what would become of the mails, as "
        "`POST /v1/rules/{id}/simulate` does; what would be refused is refused",
        examples=["false"],
    ),
]


def _writing(house: InHouse, dry_run: DryRun = "false") -> House:
    return house if dry_run == "false" else replace(house, store=Rehearsal(house.store))


# What a route writes by: in a dry run its transaction ends by raising `Rehearsed`, and nothing after it is done.
InWriting = Annotated[House, Depends(_writing)]


def is_dry_run(scope: Scope) -> bool:
    """Return whether a request asks for one."""
    return QueryParams(scope.get("query_string", b"")).get(PARAMETER) == "true"


def install_dry_runs(app: FastAPI) -> None:
    app.add_exception_handler(Rehearsed, _rehearsed)


async def _rehearsed(request: Request, rehearsed: Exception) -> Response:
    assert isinstance(rehearsed, Rehearsed)  # noqa: S101 - as registered above
    return JSONResponse(tell(request, rehearsed.foreseen).model_dump(mode="json"))


def tell(request: Request, foreseen: Foreseen) -> OutlookAnswer:
    """Return an outlook as its caller reads it."""
    return answer(foreseen, outlook_in_words(foreseen.outlook, language=_language(request)))


def _language(request: Request) -> Language:
    """Return the language that was asked for, else the organization's, else English."""
    house: House = request.app.state.house
    asked = request.headers.get("Accept-Language", "")[:2].lower()
    spoken = _languages()
    return spoken.get(asked) or spoken.get(house.organization.language) or spoken["en"]


@cache
def _languages() -> dict[str, Language]:
    return load_languages()
