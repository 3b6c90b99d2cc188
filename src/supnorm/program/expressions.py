"""Watches the expressions of the user's code: each passes its value to the recording of what is executed (`executed`).

Two executions can take the same instructions with other values: ``bump(x) * (type(x) is np.ndarray)``. So the functions
that were executed get, for a while, code that is compiled from their source with every expression ``e`` as
``see(number, e)``. What such code computes stays the same. Code without a known source (made from text, typed into a prompt)
keeps its own code.
"""

from __future__ import annotations

import ast
import builtins
import gc
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import CodeType, FunctionType, ModuleType
from typing import Any

from supnorm.foreign import is_any, is_library
from supnorm.program.collector import functions_of, objects_of
from supnorm.program.copies import copy_of, inside, listed, stands_elsewhere
from supnorm.program.foreign_code import foreign_code
from supnorm.program.recording import see

NAME = "__supnorm_see__"


@dataclass(frozen=True)
class Expression:
    """An expression of the user's code: its file, its place there, and whether it stands where its value is called.

    A call has the number of the expression whose value it calls; an attribute or a part has that of what it is taken of.
    ``computes``: an operator makes the value of those of other expressions.
    """

    file: str
    source: str
    span: tuple[int, int, int, int]  # lines and columns of its start and end, as `ast` counts them
    called: bool = False
    course: str = ""  # of a statement whose values say which ways it went: its word
    compared: str = ""  # "with" of an operand of a comparison, "in" of what is looked for in another object
    calls: int | None = None
    taken_of: int | None = None
    computes: bool = False

    def within(self, span: tuple[int, int, int, int]) -> bool:
        """Whether it stands in a part of the same file, from the start to the end of it."""
        return span[:2] <= self.span[:2] and self.span[2:] <= span[2:]

    @property
    def line(self) -> int:
        """The line in which it begins."""
        return self.span[0]

    @property
    def text(self) -> str:
        """The expression in one line, or the word of the statement."""
        if self.course:
            return self.course
        node = ast.Expr(ast.Constant(None))
        node.lineno, node.col_offset, node.end_lineno, node.end_col_offset = self.span
        held = ast.get_source_segment(self.source, node) or ""
        try:
            return ast.unparse(ast.parse(f"({held})", mode="eval"))
        except SyntaxError:  # a part of a text with fields, which Python before 3.12 places wrongly
            return " ".join(held.split())


EXPRESSIONS: list[Expression] = []  # by number
# Codes whose functions the garbage collector looks up: among 190,000 objects 20 ms for one code and 38 ms for 30. To look
# through all functions takes 50 ms.
FEW = 30
# Of a walk from the user's function. What it does not reach is looked for among all objects.
STEPS, LARGE = 5_000, 1_000


@contextmanager
def watching(codes: Iterable[CodeType], near: Iterable[Any] | None = None) -> Iterator[frozenset[CodeType]]:
    """A context in which the functions with these codes report the values of their expressions.

    It gives the code that does. Code inside of other code (a lambda, a comprehension) is compiled with it. Functions are
    looked up among all objects of the process, or only among those that can be reached from the objects ``near``.
    """
    known: dict[CodeType, CodeType] = {}
    objects = list(codes)
    for code in objects:
        copy = copy_of(code, _Watch)
        if copy is not None and len(copy.co_freevars) == len(code.co_freevars):
            known[code] = copy
    functions = _functions(objects) if near is None else _reached(objects, near)
    before = [(function, function.__code__) for function in functions if function.__code__ in known]
    setattr(builtins, NAME, see)
    try:
        for function, code in before:
            function.__code__ = known[code]
        yield frozenset(inner for copy in known.values() for inner in (copy, *inside(copy)))
    finally:
        for function, code in before:
            function.__code__ = code
        # A generator or a thread may go on with code that sees.
        setattr(builtins, NAME, _unseen)


def has_source(code: CodeType) -> bool:
    """Whether code stands in a file, so that its expressions can be watched."""
    return copy_of(code, _Watch) is not None


def is_changed(code: CodeType) -> bool:
    """Whether code is of a file, and is not what stands there: the file was edited, or something has changed the code."""
    return stands_elsewhere(code, _Watch)


def _functions(codes: list[CodeType]) -> list[FunctionType]:
    """All functions with one of these codes, and with the usual built-in names."""
    if not codes:
        return []
    if len(codes) <= FEW:
        return [*filter(_usual, functions_of(*codes))]
    wanted = frozenset(map(id, codes))
    return [one for one in objects_of(FunctionType) if id(one.__code__) in wanted and _usual(one)]


def _usual(function: FunctionType) -> bool:
    return getattr(function, "__builtins__", None) is builtins.__dict__


def _reached(codes: list[CodeType], near: Iterable[Any]) -> list[FunctionType]:
    """Those of the functions that can be reached from some objects, in `STEPS` steps and not through a library or a module.

    This takes some tenths of a millisecond. Only the collector is asked: no code of the user runs.
    """
    wanted, reached, seen = frozenset(map(id, codes)), [], set[int]()
    # The names of files come last: what a function holds itself is near.
    ahead, names = deque(near), deque[Any]()
    while (ahead or names) and len(seen) < STEPS:
        one = (ahead or names).popleft()
        if id(one) in seen:
            continue
        seen.add(id(one))
        kind = type(one)
        if kind is FunctionType:
            if foreign_code(one.__code__, one.__globals__):
                continue
            if id(one.__code__) in wanted and _usual(one):
                reached.append(one)
            names.append(one.__globals__)
            ahead += [part for part in gc.get_referents(one) if part is not one.__globals__]
            continue
        elif is_any(kind, ModuleType, CodeType, str) or (
            is_any(kind, dict, list, tuple, set) and len(one) > LARGE
        ):
            continue
        elif issubclass(kind, type):
            home = sys.modules.get(str(type.__dict__["__module__"].__get__(one)))
            if home is not None and is_library(str(getattr(home, "__file__", None) or __file__)):
                continue
        ahead += gc.get_referents(one)
    return reached


def _unseen(number: int, value: Any) -> Any:
    return value


def _courses(node: ast.stmt) -> list[tuple[list[ast.stmt], str, bool]]:
    """Parts of a statement: what is executed where it goes one way, the name of this way, and whether its end says so."""
    if isinstance(node, ast.Match):
        return [(case.body, f"case {i}", False) for i, case in enumerate(node.cases, 1)]
    if isinstance(node, ast.Try | ast.TryStar):
        handlers = [(one.body, f"except {i}", False) for i, one in enumerate(node.handlers, 1)]
        return [*handlers, (node.body, "no error", True)]
    if isinstance(node, ast.With | ast.AsyncWith):
        return [(node.body, "no error", True)]
    if isinstance(node, ast.For | ast.AsyncFor):
        return [(node.body, "one more turn", False)]
    return []


def _span(node: ast.expr | ast.stmt) -> tuple[int, int, int, int]:
    return node.lineno, node.col_offset, node.end_lineno or node.lineno, node.end_col_offset or 0


class _Watch(ast.NodeTransformer):
    """Wraps every expression that gives a value."""

    def __init__(self, file: str, source: str) -> None:
        self.file, self.source = file, source
        self.called: ast.AST | None = None  # what the call that is visited calls
        self.compared: dict[int, str] = {}  # operands of comparisons, by identity
        self.numbers: dict[
            int, int
        ] = {}  # of expressions whose values are called or taken apart, by identity
        self.holders: set[ast.AST] = set()  # whose attributes or parts are taken

    def visit(self, node: ast.AST) -> Any:
        """The node, wrapped if it is an expression; patterns, annotations and formats keep their form."""
        if isinstance(node, ast.pattern | ast.Constant | ast.FormattedValue):
            if isinstance(node, ast.FormattedValue):
                node.value = self.visit(node.value)
            return node
        gives = self._gives(node)
        called = node is self.called
        compared = self.compared.get(id(node), "")
        function = node.func if isinstance(node, ast.Call) else None
        if function is not None:
            self.called = function
        holder = node.value if isinstance(node, ast.Attribute | ast.Subscript) else None
        if holder is not None:
            self.holders.add(holder)
        if isinstance(node, ast.Compare):
            operands = [node.left, *node.comparators]
            for op, one, other in zip(node.ops, operands, operands[1:], strict=False):
                if not isinstance(op, ast.Is | ast.IsNot):
                    self.compared |= {
                        id(one): "in" if isinstance(op, ast.In | ast.NotIn) else "with",
                        id(other): "with",
                    }
        for name, part in ast.iter_fields(node):
            if name in ("annotation", "returns", "type_params"):
                continue
            if isinstance(part, list):
                part[:] = [
                    one for p in part for one in (listed(self.visit(p)) if isinstance(p, ast.AST) else [p])
                ]
            elif isinstance(part, ast.AST):
                setattr(node, name, self.visit(part))
        if isinstance(node, ast.stmt):
            return self._with_courses(node)
        if not gives:
            return node
        assert isinstance(node, ast.expr)
        calls = self.numbers.get(id(function))
        span = _span(node)
        taken_of = self.numbers.get(id(holder)) if holder is not None else None
        computes = isinstance(node, ast.BinOp | ast.UnaryOp | ast.Compare)
        watched = Expression(self.file, self.source, span, called, "", compared, calls, taken_of, computes)
        EXPRESSIONS.append(watched)
        if called or node in self.holders:
            self.numbers[id(node)] = len(EXPRESSIONS) - 1
        return self._seen(node, node)

    @staticmethod
    def _seen(value: ast.expr, at: ast.AST) -> ast.Call:
        """The value, which is told under the number of the last expression."""
        number = ast.Constant(len(EXPRESSIONS) - 1)
        return ast.copy_location(ast.Call(ast.Name(NAME, ast.Load()), [number, value], []), at)

    def _with_sum(self, node: ast.AugAssign, target: ast.Name) -> list[ast.stmt]:
        """A statement ``y += e``, which tells what ``y`` is then."""
        EXPRESSIONS.append(Expression(self.file, self.source, _span(node), computes=True))
        value = ast.copy_location(ast.Name(target.id, ast.Load()), node)
        return [node, ast.copy_location(ast.Expr(self._seen(value, node)), node)]

    def _with_courses(self, node: ast.stmt) -> ast.stmt | list[ast.stmt]:
        """A statement that tells when it begins and which of its ways it goes; one without ways stays as it is."""
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            return self._with_sum(node, node.target)
        courses = _courses(node)
        if not courses:
            return node
        words = {
            ast.Match: "match",
            ast.For: "for",
            ast.AsyncFor: "for",
            ast.With: "with",
            ast.AsyncWith: "with",
        }
        word = words.get(type(node), "try")
        EXPRESSIONS.append(Expression(self.file, self.source, _span(node), course=word))

        def noted(course: str) -> ast.stmt:
            return ast.copy_location(ast.Expr(self._seen(ast.Constant(course), node)), node)

        for body, course, last in courses:
            body.insert(len(body) if last else 0, noted(course))
        return [noted("its begin"), node]

    @staticmethod
    def _gives(node: ast.AST) -> bool:
        if not isinstance(node, ast.expr) or isinstance(node, ast.Slice | ast.Starred):
            return False
        if isinstance(node, ast.Tuple) and any(isinstance(e, ast.Slice) for e in node.elts):
            return False
        return isinstance(getattr(node, "ctx", None), ast.Load | None)
