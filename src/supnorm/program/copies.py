"""The code of the user's files, and what becomes of it when a file is changed: watched, or noted where it begins."""

from __future__ import annotations
import __future__

import ast
import bisect
import functools
import linecache
import operator
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from types import CodeType
from typing import Any, cast

REWRITING = "_pytest.assertion.rewrite"
WHOLE = -1
UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)
FUTURES = functools.reduce(
    int.__or__, (getattr(__future__, n).compiler_flag for n in __future__.all_feature_names)
)
NUMBERS, NAN = (float, complex), object()
Change = Callable[[str, str], ast.NodeTransformer]  # of a file and its source


def copy_of(code: CodeType, change: Change) -> CodeType | None:
    """What becomes of code when its file is changed; None where the code does not stand in its file."""
    return _copies(code.co_filename, _source(code), change).of(code)


def stands_elsewhere(code: CodeType, change: Change) -> bool:
    """Whether code says that it is of a file which there is, and does not stand in it."""
    source = _source(code)
    copies = _copies(code.co_filename, source, change)
    return bool(source) and copies.of(code) is None and not copies.is_whole(code)


def _source(code: CodeType) -> str:
    linecache.checkcache(code.co_filename)
    return "".join(linecache.getlines(code.co_filename))


class _Copies:
    """The code of a file, and what becomes of it.

    Only the statement of the file is changed in which the code stands, with those that share a line with it: changing a file
    of 200 lines takes 20 ms. Python compiles a statement as in the whole file where it has all of its imports. Code that is
    not found so is looked for in the whole file.
    """

    def __init__(self, file: str, source: str, change: Change) -> None:
        self.file, self.source, self.change = file, source, change(file, source)
        self.starts: list[int] = []  # the first line of each part
        self.parts: list[list[ast.stmt]] = []
        self.known: dict[tuple[int, int], dict[CodeType, CodeType]] = {}
        statements = self._parsed()
        self.imports = [*_imports(statements)]
        end = 0
        for one in statements:
            start = min([one.lineno, *(d.lineno for d in getattr(one, "decorator_list", ()))])
            if start > end:
                self.starts.append(start)
                self.parts.append([])
            self.parts[-1].append(one)
            end = max(end, one.end_lineno or start)

    def of(self, code: CodeType) -> CodeType | None:
        """What becomes of this code."""
        i, flags = bisect.bisect_right(self.starts, code.co_firstlineno) - 1, code.co_flags & FUTURES
        code = comparable(code)
        if i >= 0 and (i, flags) not in self.known:
            part = [*self.imports, *self.parts[i]]
            self.known[i, flags] = self._changed(part, len(self.imports), flags)
        if (copy := self.known.get((i, flags), {}).get(code)) is not None:
            return copy
        if (WHOLE, flags) not in self.known:
            whole = self._changed(self._parsed(), 0, flags)
            if "assert" in self.source and REWRITING in sys.modules:
                whole |= self._changed(self._parsed(rewritten=True), 0, flags)
            self.known[WHOLE, flags] = whole
        return self.known[WHOLE, flags].get(code)

    def is_whole(self, code: CodeType) -> bool:
        """Whether this is the code of the whole file, as an import executes it."""
        with suppress(*UNREADABLE):
            return comparable(code) == comparable(self._compiled(self._parsed(), code.co_flags & FUTURES))
        return False

    def _parsed(self, rewritten: bool = False) -> list[ast.stmt]:
        """The statements of the file, with its assertions as pytest writes them in files of tests."""
        with warnings.catch_warnings(), suppress(*UNREADABLE):
            warnings.simplefilter("ignore")
            tree = ast.parse(self.source)
            if rewritten:
                sys.modules[REWRITING].rewrite_asserts(tree, self.source.encode(), self.file)
                tree = cast("ast.Module", _unshared(tree))
            return tree.body
        return []

    def _changed(self, statements: list[ast.stmt], same: int, flags: int) -> dict[CodeType, CodeType]:
        """All code of these statements, each with what becomes of it; the first ones are kept as they are."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                plain = self._compiled(statements, flags)
                changed = [new for one in statements[same:] for new in listed(self.change.visit(one))]
                return _paired(plain, self._compiled([*statements[:same], *changed], flags))
        except UNREADABLE:
            return {}

    def _compiled(self, statements: list[ast.stmt], flags: int) -> CodeType:
        module = ast.fix_missing_locations(ast.Module(statements, []))
        compiled: CodeType = compile(module, self.file, "exec", flags, dont_inherit=True)
        return compiled


def _imports(nodes: Iterable[ast.AST]) -> Iterator[ast.stmt]:
    """Statements that import something for the whole file."""
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.expr):
            yield from _imports(ast.iter_child_nodes(node))


# Where another thread runs, each proof looks at all files of the user: a smaller cache than their number would hold none.
@functools.lru_cache(maxsize=2048)
def _copies(file: str, source: str, change: Change) -> _Copies:
    return _Copies(file, source, change)


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
    for code in inside(seen):
        of_seen.setdefault((code.co_qualname, code.co_firstlineno), []).append(code)
    of_plain: dict[tuple[str, int], list[CodeType]] = {}
    for code in inside(plain):
        of_plain.setdefault((code.co_qualname, code.co_firstlineno), []).append(code)
    return {
        comparable(code): copy
        for key, codes in of_plain.items()
        if len(codes) == len(of_seen.get(key, []))
        for code, copy in zip(codes, of_seen[key], strict=True)
    }


def comparable(code: CodeType) -> CodeType:
    """Code that is equal to what is compiled from the same source: NaN, as a constant, is not equal to itself.

    >>> one, other = (compile("1e999 - 1e999", "", "eval") for _ in range(2))
    >>> one == other, comparable(one) == comparable(other)
    (False, True)
    """
    constants = tuple(map(_comparable, code.co_consts))
    same = all(map(operator.is_, constants, code.co_consts))
    return code if same else code.replace(co_consts=constants)


def _comparable(one: Any) -> Any:
    if type(one) in (tuple, frozenset):
        parts = [*map(_comparable, one)]
        return one if all(map(operator.is_, parts, one)) else type(one)(parts)
    if isinstance(one, CodeType):
        return comparable(one)
    return (NAN, str(one)) if type(one) in NUMBERS and one != one else one


def inside(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from inside(constant)


def listed(one: Any) -> list[Any]:
    """What a change makes of a node, as a list."""
    return one if isinstance(one, list) else [one]
