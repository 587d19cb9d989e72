"""Jinja2, reduced to what `syntax` allows: a source text becomes a program, once.

The allow-list decides; the environment below is the second wall. It looks names up in plain data only, calls
nothing, and knows no filter, test or global of Jinja2's own.
"""

from dataclasses import dataclass
from functools import lru_cache
from types import TracebackType
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, Undefined, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from mail.filters import EACH, FILTERS, TESTS, each, show
from mail.limits import Limits
from mail.problems import Problem, TemplateError
from mail.syntax import LOOP_FIELDS, Checked, check

_FILE = "<mail template>"
# What Python and Jinja2 raise at sources made to break them: too deep, too many digits, too large.
_BREAKDOWNS = (RecursionError, MemoryError, OverflowError, SyntaxError, ValueError)


class _NoValue(StrictUndefined):
    """A tag without a value: an error wherever it is used, whose text is the name alone."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        return str(self._undefined_name)


class _Environment(ImmutableSandboxedEnvironment):
    def __init__(self, *, html: bool) -> None:
        super().__init__(
            autoescape=html,
            undefined=_NoValue,
            finalize=show,
            optimized=False,  # would run filters while compiling
            cache_size=0,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.globals.clear()
        self.filters = {**FILTERS, EACH: each}
        self.tests = dict(TESTS)

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self._look_up(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        return self._look_up(obj, argument)

    def _look_up(self, obj: Any, key: str | int) -> Any:
        """Return what plain data hold under a name; a method of an object is nothing a template can see."""
        if isinstance(obj, dict) and key in obj:
            return obj[key]
        if isinstance(obj, list) and type(key) is int and -len(obj) <= key < len(obj):
            return obj[key]
        if isinstance(obj, LoopContext) and key in LOOP_FIELDS:
            return getattr(obj, str(key))
        group = obj._undefined_name if isinstance(obj, Undefined) else None
        return self.undefined(name=f"{group}.{key}" if group else str(key))

    def call(*_args: Any, **_kwargs: Any) -> Any:  # whatever it is called with
        raise SecurityError("templates call nothing")


_ENVIRONMENTS = {html: _Environment(html=html) for html in (True, False)}


@dataclass(frozen=True, slots=True)
class Program:
    """A template ready to run, and the tags it uses."""

    template: Template
    checked: Checked

    def full_name(self, end: str) -> str:
        """Return the tag that ends with `end`, which is all that is known of it while it is looked up."""
        tags = [tag for tag in self.checked.tags if tag == end or tag.endswith(f".{end}")]
        return tags[0] if len(tags) == 1 else end

    def line_of(self, traceback: TracebackType | None) -> int | None:
        """Return the line of the source in which an error happened."""
        line = None
        while traceback is not None:
            if traceback.tb_frame.f_code.co_filename == _FILE:
                line = self.template.get_corresponding_lineno(traceback.tb_lineno)
            traceback = traceback.tb_next
        return line


@lru_cache(maxsize=512)  # compiling takes 1.6 ms, sixty times as long as rendering
def compile_source(source: str, *, html: bool, limits: Limits = Limits()) -> Program:  # noqa: B008 - frozen
    """Return `source` as a program; with `html`, what it writes is escaped.

    Raises TemplateError if it holds anything but what `syntax` allows.
    """
    if len(source) > limits.source:
        raise TemplateError(Problem(1, f"a template has at most {limits.source} characters"))
    problem = None
    try:
        return _compile(_ENVIRONMENTS[html], source, limits)
    except TemplateSyntaxError as error:
        problem = Problem(error.lineno, error.message or "this cannot be read")
    except TemplateError:
        raise
    except _BREAKDOWNS:
        problem = Problem(1, "this template is too large or too deeply nested")
    raise TemplateError(problem)


def _compile(environment: _Environment, source: str, limits: Limits) -> Program:
    for line, token, _ in environment.lex(source):
        if token == "raw_begin":  # noqa: S105 - a token of a lexer
            raise TemplateError(Problem(line, "a template has no raw"))
    tree = environment.parse(source)
    checked = check(tree, limits)
    for loop in tree.find_all(nodes.For):
        loop.iter = nodes.Filter(loop.iter, EACH, [], [], None, None, lineno=loop.lineno)
        loop.iter.set_environment(environment)
    code = environment.compile(tree, filename=_FILE)
    return Program(Template.from_code(environment, code, {}), checked)
