"""What a template may say: an allow-list over Jinja2's syntax tree.

Jinja2's own sandbox let 17 of 34 hostile templates do harm: it guards attributes, not memory, time or
escaping. Here a template shows values, chooses and repeats; it computes nothing, calls nothing, names nothing.
"""

import inspect
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import NamedTuple

from jinja2 import nodes

from mail.filters import FILTERS, TESTS
from mail.limits import Limits
from mail.problems import Problem, TemplateError

LOOP_FIELDS = ("first", "index", "index0", "last", "length", "revindex")

_ALLOWED = frozenset(
    {
        nodes.And,
        nodes.Compare,
        nodes.CondExpr,
        nodes.Const,
        nodes.Filter,
        nodes.For,
        nodes.Getattr,
        nodes.Getitem,
        nodes.If,
        nodes.Keyword,
        nodes.List,
        nodes.Name,
        nodes.Not,
        nodes.Operand,
        nodes.Or,
        nodes.Output,
        nodes.Template,
        nodes.TemplateData,
        nodes.Test,
        nodes.Tuple,
    }
)

# How a refused node is called where its class name would not tell an author.
_WORDS: Mapping[type[nodes.Node], str] = {
    nodes.Assign: "set",
    nodes.AssignBlock: "set",
    nodes.Call: "calls",
    nodes.CallBlock: "call",
    nodes.Concat: "~",
    nodes.Dict: "dictionaries",
    nodes.FilterBlock: "filter blocks",
    nodes.FromImport: "import",
    nodes.ScopedEvalContextModifier: "autoescape",
    nodes.Slice: "slices",
}


class Checked(NamedTuple):
    """What `check` saw in a template that is well formed."""

    tags: Mapping[str, int]  # full dotted name, to the line of its first use
    written: Set[str]  # those written out as they are, which must be single values


@dataclass(frozen=True, slots=True)
class _Scope:
    """Where a node stands: what the items of the loops around it are called, and how deep it is."""

    items: Mapping[str, str] = field(default_factory=dict)  # the author's word, to the tag it stands for
    loops: int = 0
    depth: int = 0

    def below(self) -> "_Scope":
        return _Scope(self.items, self.loops, self.depth + 1)

    def inside(self, item: str, tag: str) -> "_Scope":
        return _Scope({**self.items, item: tag}, self.loops + 1, self.depth + 1)


def check(tree: nodes.Template, limits: Limits) -> Checked:
    """Return the tags a template uses, or raise TemplateError if it holds anything not on the list."""
    walk = _Walk(limits)
    walk.visit(tree, _Scope())
    if walk.problems:
        raise TemplateError(*walk.problems)
    return Checked(walk.tags, walk.written)


class _Walk:
    """One pass over a tree, which stops below whatever it refuses."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.problems: list[Problem] = []
        self.tags: dict[str, int] = {}
        self.written: set[str] = set()
        self._nodes = 0

    def visit(self, node: nodes.Node, scope: _Scope) -> None:
        if type(node) not in _ALLOWED:
            self._refuse(node, f"a template has no {_word(node)}")
        elif self._is_too_large(node, scope):
            if not self.problems:
                self._refuse(node, "this template is too large or too deeply nested")
        elif isinstance(node, nodes.For):
            self._for(node, scope)
        elif isinstance(node, nodes.Name | nodes.Getattr | nodes.Getitem):
            self._tag(node, scope)
        else:
            self._look(node, scope)
            self._visit_all(node.iter_child_nodes(), scope.below())

    def _visit_all(self, some: Iterable[nodes.Node], scope: _Scope) -> None:
        for node in some:
            self.visit(node, scope)

    def _is_too_large(self, node: nodes.Node, scope: _Scope) -> bool:
        self._nodes += not isinstance(node, nodes.TemplateData | nodes.Output)
        return self._nodes > self.limits.nodes or scope.depth > self.limits.depth

    def _for(self, node: nodes.For, scope: _Scope) -> None:
        walked = _path(node.iter, scope)
        if node.recursive or not isinstance(node.target, nodes.Name) or walked is None:
            self._refuse(node, "a loop is written {% for item in list %}")
        elif node.target.name.startswith("_") or node.target.name in ("loop", "self"):
            self._refuse(node, f"{node.target.name} cannot name the item of a loop")
        elif scope.loops >= self.limits.nested_loops:
            self._refuse(node, f"loops nest at most {self.limits.nested_loops} deep")
        else:
            self._use(f"{walked}[]", node.lineno)
            inner = scope.inside(node.target.name, f"{walked}[]")
            self._visit_all([node.test] if node.test else [], inner)
            self._visit_all(node.body, inner)
            self._visit_all(node.else_, scope.below())

    def _tag(self, node: nodes.Expr, scope: _Scope) -> None:
        path = _path(node, scope)
        if path is None:
            self._refuse(node, "a tag is a dotted name, such as session.name")
        elif scope.loops and path.split(".")[0] == "loop":
            if path.removeprefix("loop.") not in LOOP_FIELDS:
                self._refuse(node, f"a loop knows {', '.join(LOOP_FIELDS)}")
        else:
            self._use(path, node.lineno)

    def _use(self, path: str, line: int) -> None:
        if any(part.startswith("_") for part in path.split(".")):
            self.problems.append(Problem(line, "a tag does not begin with an underscore"))
        self.tags.setdefault(path, line)

    def _look(self, node: nodes.Node, scope: _Scope) -> None:
        """Check what is particular to one kind of node."""
        if isinstance(node, nodes.Output):
            self.written.update(filter(None, (_path(child, scope) for child in node.nodes)))
        elif isinstance(node, nodes.CondExpr) and node.expr2 is None:
            self._refuse(node, "a choice inside a tag needs an else")
        elif isinstance(node, nodes.Filter):
            self._filter(node)
        elif isinstance(node, nodes.Test) and (node.name not in TESTS or _has_arguments(node)):
            self._refuse(node, f"no test is called {node.name}; there are {', '.join(TESTS)}")

    def _filter(self, node: nodes.Filter) -> None:
        if node.name not in FILTERS:
            self._refuse(node, f"no filter is called {node.name}; there are {', '.join(FILTERS)}")
        elif node.node is None or node.dyn_args is not None or node.dyn_kwargs is not None:
            self._refuse(node, "a filter follows a value and takes plain arguments")
        elif not _fits(node):
            self._refuse(node, f"the filter {node.name} does not take these arguments")

    def _refuse(self, node: nodes.Node, message: str) -> None:
        self.problems.append(Problem(node.lineno, message))


def _path(node: nodes.Node, scope: _Scope) -> str | None:
    """Return the full dotted name of an expression that is nothing else."""
    if isinstance(node, nodes.Name):
        return scope.items.get(node.name, node.name)
    if isinstance(node, nodes.Getattr):
        step = f".{node.attr}"
    elif isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        if type(node.arg.value) not in (int, str):
            return None
        step = "[]" if type(node.arg.value) is int else f".{node.arg.value}"
    elif isinstance(node, nodes.Filter) and node.name in ("first", "last") and not _has_arguments(node):
        step = "[]"
    else:
        return None
    base = None if node.node is None else _path(node.node, scope)
    return None if base is None else base + step


def _has_arguments(node: nodes.Filter | nodes.Test) -> bool:
    return any((node.args, node.kwargs, node.dyn_args, node.dyn_kwargs))


def _fits(node: nodes.Filter) -> bool:
    """Say whether the arguments of a filter fit its function."""
    function = FILTERS[node.name]
    hidden = ["context"] if hasattr(function, "jinja_pass_arg") else []
    named = {str(pair.key): pair.value for pair in node.kwargs}
    try:
        inspect.signature(function).bind(*hidden, "value", *node.args, **named)
    except TypeError:
        return False
    return len(named) == len(node.kwargs)


def _word(node: nodes.Node) -> str:
    if isinstance(node, nodes.BinExpr | nodes.UnaryExpr):
        return "arithmetic"
    return _WORDS.get(type(node), type(node).__name__.lower())
