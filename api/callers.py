"""Who asks, and what a token that is limited to centers may write (F047, F048)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from starlette.types import Scope

from api.problems import Problem
from domain.rules import RuleDefinition

_SCOPE = "relance.caller"


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever shows a token; `centers` are those it is limited to, None: all; `name` is the token's, for traces alone."""

    centers: frozenset[str] | None = None
    name: str | None = None

    def check_rules(self, *rules: RuleDefinition) -> None:
        """Raise a problem unless these rules are shared with no center but the caller's own."""
        if not all(self.covers(None if says.centers == "all" else says.centers) for says in rules):
            self._refuse(
                "may write rules that are shared with no other center: name its own in `centers`. To have a rule of "
                "others leave a session of its centers alone: PUT /v1/sessions/{id}/rules/{rule} says so."
            )

    def check_session(self, center: str | None) -> None:
        """Raise a problem unless the session of this center is the caller's own."""
        if not self.covers(None if center is None else [center]):
            self._refuse(
                "may write the rules of sessions of its own centers: give the session one of them first."
            )

    def check_center(self, center: str) -> None:
        """Raise a problem unless this center is the caller's own."""
        if not self.covers([center]):
            self._refuse("may write those alone.")

    def check_tokens(self, centers: Iterable[str] | None) -> None:
        """Raise a problem unless a token that is limited to these centers may do no more than the caller's own."""
        if not self.covers(centers):
            self._refuse("may make and revoke tokens for its own centers: name some of them in `centers`.")

    def covers(self, centers: Iterable[str] | None) -> bool:
        """Return whether these centers, None for all there are, are among the caller's own."""
        return self.centers is None or (centers is not None and self.centers.issuperset(centers))

    def _refuse(self, may: str) -> None:
        own = ", ".join(sorted(self.centers or ()))
        raise Problem(403, "another-center", f"This token is limited to {own}; it {may}")


def note_caller(scope: Scope, caller: Caller) -> None:
    """Have the request know who asks."""
    scope[_SCOPE] = caller


def caller_of(scope: Scope) -> Caller:
    """Return who asks; raise KeyError where nobody has looked."""
    caller: Caller = scope[_SCOPE]
    return caller


def _caller(request: Request) -> Caller:
    return caller_of(request.scope)


InCaller = Annotated[Caller, Depends(_caller)]
