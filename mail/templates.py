"""Templates: checked when saved, rendered when sent.

A template is three siblings, subject, HTML and text, each Jinja2 held to the allow-list of `syntax`. Rendering
is pure: plain data in, three texts out, and neither data nor output ever in the text of an exception.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from jinja2 import UndefinedError

from mail.engine import Program, compile_source
from mail.filters import BUDGET, VOICE, MisuseError
from mail.headers import one_line
from mail.limits import Budget, LimitError, Limits
from mail.parts import inline_styles, plain_text
from mail.problems import Problem, RenderFailed, TemplateError
from mail.tags import TAGS, check_tags, unknown_tags
from mail.voice import Voice

__all__ = [
    "Limits",
    "Problem",
    "RenderFailed",
    "Rendered",
    "TemplateError",
    "Voice",
    "missing_tags",
    "parse",
    "render",
]

ORDINARY = Limits()


@dataclass(frozen=True, slots=True)
class Rendered:
    """The three texts of one mail. They hold personal data, so its repr shows none of them."""

    subject: str = field(repr=False)
    html: str = field(repr=False)
    text: str = field(repr=False)


def parse(source: str, *, tags: Iterable[str] = TAGS) -> frozenset[str]:
    """Return the tags that `source` uses, all of them among `tags`.

    Raises TemplateError for what a template may not hold, and for every tag that is not documented, with its
    line and the nearest that is.
    """
    checked = compile_source(source, html=False).checked
    check_tags(checked, frozenset(tags))
    return frozenset(checked.tags)


def missing_tags(*sources: str | None, tags: Iterable[str]) -> list[str]:
    """Return what the parts of a saved template use that is not among `tags`, as `mail.tags.tags_for` names them.

    Parts are parsed once and remembered. Raises TemplateError for one that could not be saved any more.
    """
    known = frozenset(tags)
    checked = (compile_source(source, html=False).checked for source in sources if source)
    return sorted({name for found in checked for name in unknown_tags(found, known)})


def render(
    subject: str,
    html: str,
    text: str | None,
    context: Mapping[str, Any],
    *,
    voice: Voice,
    limits: Limits = ORDINARY,
) -> Rendered:
    """Return the texts of one mail.

    `context` is plain data: dictionaries, lists, texts, numbers, dates and aware datetimes. Without `text` the
    text part is made from the HTML. Styles are inlined.

    Raises RenderFailed if a tag has no value, a value is not fit for its place, or a limit is passed; TypeError
    if the context is not plain data.
    """
    data = {**_plain(context, depth=0), VOICE: voice}
    line = one_line(_run("subject", subject, data, limits))
    if not line or len(line) > limits.subject:
        raise RenderFailed("subject", None, f"a subject has 1 to {limits.subject} characters")
    page = _run("html", html, data, limits)
    words = _said(page) if text is None else _run("text", text, data, limits)
    if len(words) > limits.output:
        raise RenderFailed("text", None, f"more than {limits.output} characters")
    return Rendered(line, _styled(page, limits), words)


def _said(page: str) -> str:
    try:
        return plain_text(page)
    except Exception:  # whatever the library did not foresee, and quotes in its message
        failure = RenderFailed("html", None, "no text can be made of this page: write one")
    raise failure


def _styled(page: str, limits: Limits) -> str:
    """Return the page with its styles inlined, or as it is: it says the same without."""
    try:
        styled = inline_styles(page)
    except ValueError:
        return page
    return styled if len(styled) <= 2 * limits.output else page


def _run(part: str, source: str, data: Mapping[str, Any], limits: Limits) -> str:
    program = _program(part, source, limits)
    budget = Budget(limits)
    try:
        return _written(program, {**data, BUDGET: budget}, budget)
    except Exception as error:
        failure = RenderFailed(part, program.line_of(error.__traceback__), _told(error, program))
    raise failure  # out of the block: the error underneath may quote the data


def _program(part: str, source: str, limits: Limits) -> Program:
    try:
        return compile_source(source, html=part == "html", limits=limits)
    except TemplateError as error:  # it was saved by other rules than today's
        failure = RenderFailed(part, error.line, error.message)
    raise failure


def _written(program: Program, data: dict[str, Any], budget: Budget) -> str:
    pieces = []
    for piece in program.template.root_render_func(program.template.new_context(data)):
        budget.write(len(piece))
        pieces.append(piece)
    return "".join(pieces)


def _told(error: Exception, program: Program) -> str:
    """Return what may be said about an error: names written in the template, never a value."""
    if isinstance(error, UndefinedError):
        return f"{program.full_name(str(error))} has no value"
    if isinstance(error, MisuseError | LimitError):
        return str(error)
    return "a value here is not of the kind this needs"


def _plain(value: Any, *, depth: int) -> Any:
    """Return a copy of `value` made of plain types alone, so that no method of an object can be reached."""
    if depth > 20:
        raise TypeError("a context is at most twenty levels deep")
    if isinstance(value, Mapping):
        return {_name(key): _plain(item, depth=depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, depth=depth + 1) for item in value]
    if value is None or type(value) in (bool, int, float, str, date, datetime):
        return value
    if isinstance(value, str) and not hasattr(value, "__html__"):  # an enumeration; never ready-made markup
        return str.__str__(value)
    raise TypeError(f"a context holds plain data, not {type(value).__name__}")


def _name(key: Any) -> str:
    if type(key) is not str:
        raise TypeError("the names in a context are texts")
    return key
