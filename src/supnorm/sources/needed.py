"""The statements of a module that a name of it needs, and those that may change what it needs.

A statement changes more than the names that it binds: ``w = TABLE[:]; w[0] = 2`` changes the table, and so may
``u = fill(TABLE)``. So names that may stand for parts of one object form a group, and what may change one of them may change
all. What cannot be seen in the text (`exec`, a loop, a call of another package alone) counts for every name.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping

from supnorm.sources.statements import (
    Function,
    Names,
    base_of,
    defined_by,
    executed_with,
    further_names,
    imported_by,
    is_main,
    is_module,
    last_of,
    names_of,
    reads_all,
    returned_by,
    targets_of,
    used_by,
)

NOTHING: Names = frozenset()
SELF: Names = frozenset({"self", "cls"})
NO_NAMES: Mapping[str, str] = {}
DISPLAYS = ast.List | ast.Tuple | ast.Dict | ast.Set | ast.ListComp
# Methods of arrays, texts and tables of Python that change nothing.
READING = frozenset({
    "all", "any", "argmax", "argmin", "argsort", "astype", "clip", "conj", "copy", "count", "cumprod", "cumsum", "diagonal",
    "dot", "endswith", "flatten", "format", "get", "index", "item", "items", "join", "keys", "lower", "max", "mean", "min",
    "nonzero", "prod", "ravel", "repeat", "replace", "reshape", "round", "split", "squeeze", "startswith", "std", "strip",
    "sum", "swapaxes", "take", "tobytes", "tolist", "trace", "transpose", "upper", "values", "var", "view",
})  # fmt: skip
# Functions and methods that change what they get; so do those with an argument ``out`` or a name that ends with "_".
WRITING = frozenset({
    "add", "append", "at", "clear", "copyto", "delattr", "discard", "extend", "fill", "fill_diagonal", "heapify",
    "heappop", "heappush", "iadd", "insert", "insort", "islice", "next", "pack_into", "pop", "popitem", "put",
    "put_along_axis", "putmask", "remove", "resize", "reverse", "setattr", "setdefault", "setitem", "shuffle", "sort",
    "update", "__setattr__", "__setitem__",
})  # fmt: skip
# Functions of Python whose result is a new object.
NEW = frozenset({
    "abs", "all", "any", "bool", "complex", "float", "hash", "int", "isinstance", "len", "max", "min", "print", "range",
    "repr", "round", "str", "sum",
})  # fmt: skip
UNSEEN = frozenset({"__import__", "compile", "eval", "exec", "globals", "locals", "vars"})
RANDOM = "\0random"  # stands for the state from which Python, NumPy and torch draw
DRAWN = "\0drawn"  # the same, where numbers are drawn
SEEDS = frozenset({"manual_seed", "seed", "set_state", "setstate"})
# Functions of `random` and `numpy.random` that make a state of their own, and those of torch that draw from the common one.
PRIVATE_STATES = frozenset({
    "Generator", "MT19937", "PCG64", "PCG64DXSM", "Philox", "Random", "RandomState", "SFC64", "SeedSequence",
    "SystemRandom", "default_rng",
})  # fmt: skip
OF_TORCH = frozenset(
    {"bernoulli", "multinomial", "normal", "rand", "rand_like", "randint", "randn", "randn_like", "randperm"}
)


def needed(tree: ast.Module, name: str, of_user: Mapping[str, str] = NO_NAMES) -> list[ast.stmt]:
    """The statements of a module that a name of it needs, and those that may change anything.

    Args:
        tree: of the module.
        name: what is asked for.
        of_user: the names that come from files of the user, each with its file; a call of one may change what the file has.

    >>> tree = ast.parse("import numpy as np; A = [1]; B = 2; np.seterr(all='raise'); f = lambda x: A * x; g = A; g.pop()")
    >>> [ast.unparse(statement) for statement in needed(tree, "f")]
    ['import numpy as np', 'A = [1]', "np.seterr(all='raise')", 'f = lambda x: A * x', 'g = A', 'g.pop()']
    """
    module = _Module(tree, of_user)
    chosen: set[ast.stmt] = set()
    todo = [name.partition(".")[0]]

    def keep(statement: ast.stmt) -> None:
        if statement not in chosen:
            chosen.add(statement)
            todo.extend(used_by(statement))
            if reads_all(statement):
                todo.extend(by_name)

    by_name: dict[str, list[ast.stmt]] = {}
    by_group: dict[str, list[ast.stmt]] = {}
    draws: set[ast.stmt] = set()
    for statement in tree.body:
        for one in module.bound(statement):
            by_name.setdefault(one, []).append(statement)
        for one in module.changed(statement):
            by_group.setdefault(module.groups.of(one), []).append(statement)
            draws |= {statement} if one == DRAWN else set()
    for statement in filter(module.may_change_all, tree.body):
        keep(statement)
    seen: set[str] = set()
    while todo:
        one = todo.pop()
        if one not in seen:
            seen.add(one)
            for statement in (*by_name.get(one, ()), *by_group.get(module.groups.of(one), ())):
                keep(statement)
                todo += [RANDOM] * (statement in draws)
    return [statement for statement in tree.body if statement in chosen]


class _Groups:
    """Names that may stand for parts of one object."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def of(self, name: str) -> str:
        """A name that stands for the group of this one."""
        while (above := self._above.get(name, name)) != name:
            name = above
        return name

    def join(self, names: Iterable[str]) -> None:
        """These names may stand for one object."""
        first, *rest = [*map(self.of, names)] or [""]
        self._above.update((other, first) for other in rest if other != first)


class _Module:
    """What the statements of a module bind and change."""

    def __init__(self, tree: ast.Module, of_user: Mapping[str, str]) -> None:
        self._of_user = of_user
        imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
        self._titles = {title: full for node in imports for title, full in imported_by(node)}
        self.foreign = {*self._titles}
        self._functions: dict[str, list[Function]] = {}
        for node in ast.walk(tree):
            for name, function in defined_by(node):
                self._functions.setdefault(name, []).append(function)
        self.groups, self._known = _Groups(), dict[Function, tuple[Names, Names]]()
        self._join(self.groups, tree.body)
        self._further = further_names(tree, self.foreign)
        for file in {*of_user.values()}:
            self.groups.join(sorted(name for name in of_user if of_user[name] == file))
        every = [function for functions in self._functions.values() for function in functions]
        earlier: dict[Function, tuple[Names, Names]] = {}
        while True:  # functions may call each other in a circle
            for function in every:
                self._known.pop(function, None)
                self._known[function] = self._of_function(function, earlier.get(function, (NOTHING, NOTHING)))
            if all(earlier.get(function) == self._known[function] for function in every):
                break
            earlier = {**self._known}

    def may_change_all(self, statement: ast.stmt) -> bool:
        """Whether a statement may change anything."""
        match statement:
            case (
                ast.FunctionDef()
                | ast.AsyncFunctionDef()
                | ast.ClassDef()
                | ast.Import()
                | ast.Expr(value=ast.Constant())
            ):
                pass
            case ast.ImportFrom(names=names):
                return any(one.name == "*" for one in names)
            case ast.Assign() | ast.AnnAssign() | ast.AugAssign() | ast.Delete():
                targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
                bases = {base_of(part) for target in targets for part in targets_of(target)}
                if None in bases or bases & self.foreign:
                    return True
                parts = [
                    part
                    for target in targets
                    for part in targets_of(target)
                    if not isinstance(part, ast.Name)
                ]
                if self._further & {*map(base_of, parts)}:
                    return True
            case ast.Expr(value=ast.Call(func=ast.Attribute() as method)):
                if (base := base_of(method)) is None or base in self.foreign:
                    return True
            case ast.If() if is_main(statement):
                return False
            case _:
                return True
        return any(
            (isinstance(node, ast.Name) and node.id in UNSEEN) or is_module(node)
            for node in executed_with(statement)
        )

    def bound(self, statement: ast.stmt) -> Names:
        """The names that a statement binds."""
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return frozenset({statement.name})
        if isinstance(statement, ast.Import | ast.ImportFrom):
            return frozenset((one.asname or one.name).partition(".")[0] for one in statement.names)
        stored = (
            n.id for n in executed_with(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        )
        return frozenset(stored)

    def changed(self, statement: ast.stmt) -> Names:
        """The names whose objects a statement may change when it is executed."""
        if isinstance(statement, ast.If) and is_main(statement):
            return NOTHING
        names = self._changes(executed_with(statement))
        for one in getattr(statement, "decorator_list", ()):
            names |= self._of_call(one, [])
        return names

    # -- inside ---------------------------------------------------------------------------------------

    def _changes(self, nodes: Iterable[ast.AST]) -> Names:
        names: set[str] = set()
        for node in nodes:
            if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
                names |= names_of(node.value)
            elif isinstance(node, ast.AugAssign):
                names |= names_of(node.target)
            elif isinstance(node, ast.Delete):
                names |= {name for target in node.targets for name in names_of(target)}
            elif isinstance(node, ast.Global | ast.Nonlocal):
                names |= {*node.names}
            elif isinstance(node, ast.Call):
                given = [*node.args, *(keyword.value for keyword in node.keywords)]
                out = any(one.arg == "out" or str(one.arg).startswith("overwrite_") for one in node.keywords)
                names |= (
                    self._of_call(node.func, given, out) | self._of_given(given) | self._random(node.func)
                )
        return frozenset(names)

    def _of_call(self, called: ast.expr, given: list[ast.expr], out: bool = False) -> Names:
        """What a call may change: of what it gets, and of the module."""
        base, name = base_of(called), last_of(called)
        foreign, method = base in self.foreign, isinstance(called, ast.Attribute)
        writes = out or name in WRITING or (name.endswith("_") and not name.endswith("__"))
        changed: Names = frozenset({base}) if base is not None and base in self._of_user else NOTHING
        mine = self._called(called)
        for function in mine:
            beyond, arguments = self._of_function(function)
            # A class that is called makes the object that its functions change.
            writes |= bool(arguments if method else arguments - SELF)
            changed |= beyond
        if not (mine or foreign):
            writes |= name not in READING if method else not name
        if not writes:
            return changed
        parts = [*given, called.value] if isinstance(called, ast.Attribute) and not foreign else given
        return changed | {name for one in parts for name in self._parts_of(one)}

    def _of_given(self, given: list[ast.expr]) -> Names:
        """What the functions may change that a call gets, as in ``sorted(x, key=f)`` and ``map(x.append, y)``."""
        changed: Names = NOTHING
        for one in given:
            if isinstance(one, ast.Attribute) and one.attr in WRITING:
                changed |= self._parts_of(one.value)
            for function in self._called(one):
                changed |= self._of_function(function)[0]
        return changed

    def _random(self, called: ast.expr) -> Names:
        """What a call does to the common state of random numbers."""
        base, name = base_of(called), last_of(called)
        if not isinstance(called, ast.Name | ast.Attribute) or base not in self._titles:
            return NOTHING
        full = ast.unparse(called).replace(base, self._titles[base], 1)
        of_torch = full.startswith("torch.") and name in OF_TORCH | SEEDS
        if not of_torch and (not full.startswith(("random.", "numpy.random.")) or name in PRIVATE_STATES):
            return NOTHING
        return frozenset({RANDOM} if name in SEEDS else {RANDOM, DRAWN})

    def _called(self, called: ast.expr) -> list[Function]:
        """The functions of the module that a call may call."""
        if isinstance(called, ast.Lambda):
            return [called]
        if isinstance(called, ast.Attribute):
            return [] if base_of(called) in self.foreign else self._functions.get(called.attr, [])
        if not isinstance(called, ast.Name):
            return []
        group = self.groups.of(called.id)
        return [
            function
            for name, functions in self._functions.items()
            if self.groups.of(name) == group
            for function in functions
        ]

    def _of_function(
        self, function: Function, least: tuple[Names, Names] = (NOTHING, NOTHING)
    ) -> tuple[Names, Names]:
        """What a call of a function may change of its module, and of its arguments; ``least`` is what is known of it."""
        if function in self._known:
            return self._known[function]
        self._known[function] = least  # if it calls itself
        body = function.body if isinstance(function.body, list) else [function.body]
        every = [node for part in body for node in ast.walk(part)]
        signature = function.args
        arguments = {
            one.arg
            for one in [
                *signature.posonlyargs,
                *signature.args,
                *signature.kwonlyargs,
                signature.vararg,
                signature.kwarg,
            ]
            if one
        }
        inside = _Groups()
        self._join(inside, body)
        outside = {
            name for node in every if isinstance(node, ast.Global | ast.Nonlocal) for name in node.names
        }
        stored = {n.id for n in every if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)} - outside
        changed = self._changes(every)
        reached = {inside.of(name) for name in changed}
        every_name = {n.id for n in every if isinstance(n, ast.Name)} | changed
        touched = {name for name in every_name if inside.of(name) in reached}
        self._known[function] = frozenset(touched - stored - arguments), frozenset(touched & arguments)
        return self._known[function]

    def _join(self, groups: _Groups, statements: list[ast.stmt] | list[ast.expr]) -> None:
        """Join the names that each assignment makes with those of which its value may be a part."""
        for statement in statements:
            for node in [statement, *executed_with(statement)]:
                if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr | ast.For | ast.comprehension):
                    value = node.iter if isinstance(node, ast.For | ast.comprehension) else node.value
                    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                    made = frozenset(name for target in targets for name in names_of(target))
                    groups.join(sorted(made | (NOTHING if value is None else self._parts_of(value))))
                elif isinstance(node, ast.ClassDef):
                    held = [one.value for one in node.body if isinstance(one, ast.Assign)]
                    groups.join(sorted({node.name}.union(*map(self._parts_of, held))))

    def _parts_of(self, value: ast.expr) -> Names:
        """Names of the objects of which a value may be a part, or that may be a part of it."""
        match value:
            case ast.BinOp(left=left, right=right) if isinstance(left, DISPLAYS) or isinstance(
                right, DISPLAYS
            ):
                return self._parts_of(left) | self._parts_of(right)
            case (
                ast.Constant() | ast.BinOp() | ast.UnaryOp() | ast.Compare() | ast.JoinedStr() | ast.Lambda()
            ):
                return NOTHING
            case ast.Name(id=name):
                return frozenset({name}) - self.foreign
            case ast.Attribute(value=inner) | ast.Subscript(value=inner) | ast.Starred(value=inner):
                return self._parts_of(inner)
            case ast.Call(func=ast.Name(id=name)) if name in NEW:
                return NOTHING
            case ast.Call(func=called, args=args, keywords=keywords):
                given = [*args, *(keyword.value for keyword in keywords)]
                given += [called.value] if isinstance(called, ast.Attribute) else []
                mine = self._functions.get(called.id, ()) if isinstance(called, ast.Name) else ()
                returned = (
                    frozenset(name for function in mine for name in returned_by(function)) - self.foreign
                )
                return returned | {name for one in given for name in self._parts_of(one)}
            case _:
                inner_ones = (one for one in ast.iter_child_nodes(value) if isinstance(one, ast.expr))
                return frozenset(name for one in inner_ones for name in self._parts_of(one))
