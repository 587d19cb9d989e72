"""What is said when a template cannot be saved, or cannot be rendered. None of it holds anybody's data."""

from typing import NamedTuple


class Problem(NamedTuple):
    """One thing wrong with a template, told to its author."""

    line: int
    message: str


class TemplateError(ValueError):
    """A template that cannot be saved. Its texts quote the template only."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(*problems)
        self.problems = problems
        self.line, self.message = problems[0]

    def __str__(self) -> str:
        return "\n".join(f"line {line}: {message}" for line, message in self.problems)


class RenderFailed(Exception):  # noqa: N818 - an outcome of a send, named like the others
    """A saved template could not be rendered with these data: the mail is not written at all."""

    def __init__(self, part: str, line: int | None, message: str) -> None:
        super().__init__(part, line, message)
        self.part, self.line, self.message = part, line, message

    def __str__(self) -> str:
        where = self.part if self.line is None else f"{self.part}, line {self.line}"
        return f"{where}: {self.message}"
