"""Watches the expressions of the user's code: each passes its value to the recording of what is executed (`executed`).

Two executions can take the same instructions with other values: ``bump(x) * (type(x) is np.ndarray)``. So the functions
that were executed get, for a while, code that is compiled from their source with every expression ``e`` as
``see(number, e)``. What such code computes stays the same. Code without a known source (made from text, typed into a prompt)
keeps its own code.

Statements that go one of several ways without an expression that says which (``match``, ``try``, ``with``, ``for``) report
where they come by: both ways may be executed both times, in another order.
"""

from __future__ import annotations

import ast
import builtins
import functools
import gc
import linecache
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import compress
from types import CodeType, FunctionType
from typing import Any, cast

from supnorm.program.executed import see

NAME = "__supnorm_see__"
REWRITING = "_pytest.assertion.rewrite"


@dataclass(frozen=True)
class Expression:
    """An expression of the user's code: its file, its line, its text, and whether it stands where its value is called."""

    file: str
    line: int
    text: str
    called: bool = False
    course: bool = False  # a statement, whose values say which ways it went


EXPRESSIONS: list[Expression] = []  # by number
# Codes whose functions the garbage collector looks up: among 190,000 objects 20 ms for one code and 38 ms for 30. To look
# through all functions takes 50 ms.
FEW = 30


@contextmanager
def watching(codes: Iterable[CodeType]) -> Iterator[frozenset[CodeType]]:
    """A context in which the functions with these codes report the values of their expressions.

    It gives the code that does. Code inside of other code (a lambda, a comprehension) is compiled with it.
    """
    known: dict[CodeType, CodeType] = {}
    objects = list(codes)
    for code in objects:
        copy = copies_of(code.co_filename, _Watch).get(code)
        if copy is not None and len(copy.co_freevars) == len(code.co_freevars):
            known[code] = copy
    before = [(function, function.__code__) for function in _functions(objects) if function.__code__ in known]
    setattr(builtins, NAME, see)
    try:
        for function, code in before:
            function.__code__ = known[code]
        yield frozenset(inner for copy in known.values() for inner in (copy, *_inside(copy)))
    finally:
        for function, code in before:
            function.__code__ = code
        # A generator or a thread may go on with code that sees.
        setattr(builtins, NAME, _unseen)


def has_source(code: CodeType) -> bool:
    """Whether code stands in a file, so that its expressions can be watched."""
    return code in copies_of(code.co_filename, _Watch)


def _functions(codes: list[CodeType]) -> list[FunctionType]:
    """All functions with one of these codes, and with the usual built-in names."""
    if not codes:
        return []
    wanted = frozenset(map(id, codes))
    if len(codes) <= FEW:
        with _unfrozen():
            functions = [one for one in gc.get_referrers(*codes) if type(one) is FunctionType]
    else:
        functions = objects_of(FunctionType)
    return [
        function
        for function in functions
        if id(function.__code__) in wanted and getattr(function, "__builtins__", None) is builtins.__dict__
    ]


def objects_of(*kinds: type) -> list[Any]:
    """All objects of exactly these types that the collector knows.

    A process has some hundred thousand objects: without a loop of Python they are looked through in half of the time. Types
    are compared by identity, because a type of the user can define what it is equal to.
    """
    with _unfrozen():
        objects = gc.get_objects()
    wanted = frozenset(map(id, kinds))
    return list(compress(objects, map(wanted.__contains__, map(id, map(type, objects)))))


@contextmanager
def _unfrozen() -> Iterator[None]:
    """A context in which the collector shows frozen objects, too."""
    frozen = gc.get_freeze_count() > 0
    if frozen:
        gc.unfreeze()
    try:
        yield
    finally:
        if frozen:
            gc.freeze()


def _unseen(number: int, value: Any) -> Any:
    return value


def copies_of(file: str, change: Callable[[str], ast.NodeTransformer]) -> dict[CodeType, CodeType]:
    """The code of a file, each with what becomes of it when the file is changed; empty without a source."""
    linecache.checkcache(file)
    return _copies(file, "".join(linecache.getlines(file)), change)


# Where another thread runs, each proof looks at all files of the user: a smaller cache than their number would hold none.
@functools.lru_cache(maxsize=2048)
def _copies(file: str, source: str, change: Callable[[str], ast.NodeTransformer]) -> dict[CodeType, CodeType]:
    pairs: dict[CodeType, CodeType] = {}
    for rewritten in (False, True) if "assert" in source and REWRITING in sys.modules else (False,):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                plain = compile(_parsed(source, file, rewritten), file, "exec", dont_inherit=True)
                tree = ast.fix_missing_locations(change(file).visit(_parsed(source, file, rewritten)))
                seen = compile(tree, file, "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        pairs |= _paired(plain, seen)
    return pairs


def _parsed(source: str, file: str, rewritten: bool) -> ast.Module:
    """The statements of a file, with its assertions as pytest writes them in files of tests."""
    tree = ast.parse(source)
    if rewritten:
        sys.modules[REWRITING].rewrite_asserts(tree, source.encode(), file)
        return cast("ast.Module", _unshared(tree))
    return tree


def _unshared(one: Any) -> Any:
    """A copy of a tree in which no node stands in two places: pytest puts some there, and each is changed once."""
    if isinstance(one, list):
        return [_unshared(part) for part in one]
    if not isinstance(one, ast.AST):
        return one
    copy = ast.copy_location(type(one)(**{name: _unshared(part) for name, part in ast.iter_fields(one)}), one)
    if isinstance(copy, ast.Import) and copy.end_lineno is None:  # those that pytest adds
        copy.end_lineno, copy.end_col_offset = copy.lineno, copy.col_offset
    return copy


def _paired(plain: CodeType, seen: CodeType) -> dict[CodeType, CodeType]:
    of_seen: dict[tuple[str, int], list[CodeType]] = {}
    for code in _inside(seen):
        of_seen.setdefault((code.co_qualname, code.co_firstlineno), []).append(code)
    of_plain: dict[tuple[str, int], list[CodeType]] = {}
    for code in _inside(plain):
        of_plain.setdefault((code.co_qualname, code.co_firstlineno), []).append(code)
    return {
        code: copy
        for key, codes in of_plain.items()
        if len(codes) == len(of_seen.get(key, []))
        for code, copy in zip(codes, of_seen[key], strict=True)
    }


def _inside(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _inside(constant)


def _listed(one: Any) -> list[Any]:
    return one if isinstance(one, list) else [one]


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


class _Watch(ast.NodeTransformer):
    """Wraps every expression that gives a value."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.called: ast.AST | None = None  # what the call that is visited calls

    def visit(self, node: ast.AST) -> Any:
        """The node, wrapped if it is an expression; patterns, annotations and formats keep their form."""
        if isinstance(node, ast.pattern | ast.Constant | ast.FormattedValue):
            if isinstance(node, ast.FormattedValue):
                node.value = self.visit(node.value)
            return node
        given = [ast.unparse(node)] if self._gives(node) else []
        called = node is self.called
        if isinstance(node, ast.Call):
            self.called = node.func
        for name, part in ast.iter_fields(node):
            if name in ("annotation", "returns", "type_params"):
                continue
            if isinstance(part, list):
                part[:] = [
                    one for p in part for one in (_listed(self.visit(p)) if isinstance(p, ast.AST) else [p])
                ]
            elif isinstance(part, ast.AST):
                setattr(node, name, self.visit(part))
        if isinstance(node, ast.stmt):
            return self._with_courses(node)
        if not given:
            return node
        assert isinstance(node, ast.expr)
        EXPRESSIONS.append(Expression(self.file, node.lineno, given[0], called))
        return self._seen(node, node)

    @staticmethod
    def _seen(value: ast.expr, at: ast.AST) -> ast.Call:
        """The value, which is told under the number of the last expression."""
        number = ast.Constant(len(EXPRESSIONS) - 1)
        return ast.copy_location(ast.Call(ast.Name(NAME, ast.Load()), [number, value], []), at)

    def _with_courses(self, node: ast.stmt) -> ast.stmt | list[ast.stmt]:
        """A statement that tells when it begins and which of its ways it goes; one without ways stays as it is."""
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
        EXPRESSIONS.append(Expression(self.file, node.lineno, words.get(type(node), "try"), course=True))

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
