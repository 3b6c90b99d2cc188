"""The rules of the house, as far as a program can see them; ``python -m tests.house`` lists what breaks one.

* circle: files that import each other, in whatever place of a file, for types or not;
* complexity: functions with more than 25 ways through them (McCabe, counted as radon does);
* parameters: public functions with more than 12;
* word: retired words, in names, text and documents; docs/glossary.md has those of the field.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src"
COMPLEX, PARAMETERS = 25, 12

# Retired wherever they stand: private words for which the field has its own.
EVERYWHERE = {
    "purse": "sample budget",
    "ladder": "learning curve",
    "rung": "training size",
    "climb": "ascent, or training run",
    "seam": "discontinuity",
    "fooled": "fooling function",
    "dearer": "more expensive",
}
# Retired as names in the source; in a sentence they are ordinary words.
NAMES = {
    "lone": "restart share",
    "dear": "expensive",
    "blind": "vanishing gradients",
    "told": "what it is",
    "way": "relocation",
    "place": "peak",
}
# Retired as names in these rooms, which are without them; a key of a record may keep one.
ROOMS = (
    "approximants", "certification", "checker", "cli", "evaluation", "networks", "planning", "problem", "program", "sources",
    "training",
)  # fmt: skip
NAMES_IN_ROOMS = {
    "found": "what was found: peak, offer, numbers, match",
    "kept": "what it is: stored, admitted, remembered",
    "said": "what it is: message, declared, recorded",
    "own": "whose it is: custom, of the user, same",
    "settle": "what is done: tighten, complete, decide",
    "spread": "deviation, range, or executor",
    "apart": "difference, or discrepancies",
}
FORMS = "(?:s|ed|er|ers|ing)?"


@cache
def tree_of(path: Path) -> ast.Module:
    """The parsed file."""
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    """All nodes of the parsed file."""
    return tuple(ast.walk(tree_of(path)))


def files() -> list[Path]:
    """The files of the program."""
    return sorted(SOURCE.rglob("*.py"))


def name_of(path: Path) -> str:
    """The module of a file."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports() -> dict[str, set[str]]:
    """Which modules each module imports from; a name that a room hands on counts as one of the file that has it."""
    modules = {name_of(path): path for path in files()}
    handed: dict[tuple[str, str], str] = {}
    for module, path in modules.items():
        stub = path.with_suffix(".pyi")  # of a room that loads its files when they are asked for
        if path.name == "__init__.py":
            for node in nodes_of(stub if stub.exists() else path):
                if isinstance(node, ast.ImportFrom) and node.module:
                    source = f"{module}.{node.module}" if node.level else node.module
                    for alias in node.names:
                        handed[module, alias.asname or alias.name] = source
    arrows: dict[str, set[str]] = {module: set() for module in modules}
    for module, path in modules.items():
        if path.name == "__init__.py":
            continue
        for node in nodes_of(path):
            for target, name in _imported(node):
                inner = f"{target}.{name}"
                found = inner if inner in modules else handed.get((target, name), target)
                if found in modules and found != module:
                    arrows[module].add(found)
    return arrows


def _imported(node: ast.AST) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.ImportFrom) and node.module:
        yield from ((node.module, alias.name) for alias in node.names)
    elif isinstance(node, ast.Import):
        yield from ((alias.name, "") for alias in node.names)


def circles() -> Iterator[str]:
    """Sets of files each of which can be reached from each other one, named from their room on."""
    arrows = imports()
    reach = {module: _reached(module, arrows) for module in arrows}
    seen: set[str] = set()
    for module in sorted(arrows):
        ring = sorted(m for m in reach[module] if module in reach[m])
        if ring and module not in seen:
            seen |= set(ring)
            yield "circle " + " ".join(m.removeprefix("supnorm.") for m in sorted({*ring, module}))


def _reached(start: str, arrows: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    todo = [start]
    while todo:
        new = arrows[todo.pop()] - found
        found |= new
        todo += new
    return found


def functions(path: Path) -> Iterator[tuple[str, bool, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """The functions of a file that stand in no other one: their names, and whether they are public."""

    def within(body: list[ast.stmt], start: str, public: bool):
        for node in body:
            if isinstance(node, ast.ClassDef):
                yield from within(node.body, f"{start}{node.name}.", public and not node.name.startswith("_"))
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{start}{node.name}", public and not node.name.startswith("_"), node

    yield from within(tree_of(path).body, "", True)


def complexity(function: ast.AST) -> int:
    """The number of independent ways through a function, those inside it included.

    >>> complexity(ast.parse("def f(x): return [y for y in x if y and x] if x else 0").body[0])
    5
    """
    ways = 1
    for node in ast.walk(function):
        if isinstance(node, ast.If | ast.IfExp | ast.Assert | ast.ExceptHandler):
            ways += 1
        elif isinstance(node, ast.For | ast.AsyncFor | ast.While):
            ways += 1 + bool(node.orelse)
        elif isinstance(node, ast.Try):
            ways += bool(node.orelse)
        elif isinstance(node, ast.BoolOp):
            ways += len(node.values) - 1
        elif isinstance(node, ast.comprehension):
            ways += 1 + len(node.ifs)
        elif isinstance(node, ast.Match):
            ways += len(node.cases)
    return ways


def complex_functions() -> Iterator[str]:
    """Functions that are too complex."""
    for path in files():
        for name, _, function in functions(path):
            if complexity(function) > COMPLEX:
                yield f"complexity {name_of(path).removeprefix('supnorm.')} {name}"


def long_signatures() -> Iterator[str]:
    """Public functions with too many parameters."""
    for path in files():
        for name, public, function in functions(path):
            a = function.args
            count = len([p for p in (*a.posonlyargs, *a.args, *a.kwonlyargs) if p.arg not in ("self", "cls")])
            if public and count > PARAMETERS:
                yield f"parameters {name_of(path).removeprefix('supnorm.')} {name}"


def names_in(path: Path, keys: bool = True) -> set[str]:
    """The parts of all names in a file, and of its keys (text without blanks) if wanted, in lower case."""
    names: set[str] = {path.stem}
    for node in nodes_of(path):
        names |= {
            value
            for field in ("id", "arg", "attr", "name", "asname")
            if isinstance(value := getattr(node, field, None), str)
        }
        text = node.value if keys and isinstance(node, ast.Constant) else None
        if isinstance(text, str) and text.isidentifier():
            names.add(text)
    words = " ".join(names)
    # That an array is changed in place is an ordinary word; the other two are classes of Python, and of the audit.
    for name in ("in_place", "NotFoundError", "WorstFound"):
        words = words.replace(name, "")
    parts = re.findall(r"[A-Za-z][a-z]*", words)
    return {part.lower() for part in parts}


def documents() -> list[Path]:
    """The documents and templates that people read."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
    return sorted(
        [p for p in pages if p.name not in ("CHANGELOG.md", "glossary.md")] + list(SOURCE.rglob("*.j2"))
    )


def retired_words() -> Iterator[str]:
    """Files in which a retired word stands."""
    everywhere = {
        word: re.compile(rf"(?<![a-z]){word}{FORMS}(?![a-z])", re.IGNORECASE) for word in EVERYWHERE
    }
    for path in [*files(), *documents()]:
        text, shown = path.read_text(encoding="utf-8"), path.relative_to(ROOT)
        yield from (f"word {word} {shown}" for word, form in everywhere.items() if form.search(text))
        if path.suffix == ".py":
            names = names_in(path)
            yield from (f"word {word} {shown}" for word in NAMES if names & {word, f"{word}s"})
            if {*path.relative_to(SOURCE).parts} & {*ROOMS}:
                here = names_in(path, keys=False)
                yield from (f"word {word} {shown}" for word in NAMES_IN_ROOMS if here & {word, f"{word}s"})


def broken() -> list[str]:
    """All that breaks a rule, a line for each."""
    return [*circles(), *complex_functions(), *long_signatures(), *retired_words()]


if __name__ == "__main__":
    print("\n".join(sorted(broken())) or "nothing breaks a rule")
