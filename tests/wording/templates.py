"""What is asked of the templates of any verb: each has a fact, each fact has one, and each can be written."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from string import Formatter

from tests.house import tree_of

from supnorm.wording import Fact, Narrator, Value

SOURCE = Path(__file__).resolve().parents[2] / "src" / "supnorm"
# A value of the formats that take more than a number.
WHOLE: dict[str, Value] = {"list": (), "and": (), "points": (), "rows": (2,)}
WHOLE |= {form: {"x": 2} for form in ("point", "exact point", "in", "at")}
CALLS = ("fact", "phrase", "Fact", "Finding", "Finding.of")  # what takes a code
# A number format in a sentence: these belong to supnorm/results/numbers.py.
FORMAT = re.compile(r"^(,|,?\.\d+[efg%]|[eg]|,\.0f)$")


def trees(*names: str) -> list[ast.Module]:
    """The parsed files and folders below the package."""
    paths = [SOURCE / name for name in names]
    files = [file for path in paths for file in ([path] if path.suffix else sorted(path.rglob("*.py")))]
    return [tree_of(file) for file in files]


def texts(code: Iterable[ast.AST]) -> set[str]:
    """All text constants."""
    return {
        node.value
        for tree in code
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def facts(code: Iterable[ast.Module]) -> set[str]:
    """The codes that facts are made with as text, or by a condition."""
    found = set()
    for tree in code:
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in CALLS:
                first = next((k.value for k in node.keywords if k.arg == "code"), *node.args[:1])
                found |= texts([first.body, first.orelse] if isinstance(first, ast.IfExp) else [first])
    return found


def number_formats(code: Iterable[ast.AST]) -> list[str]:
    """Numbers that are formatted in a text where they are not written by the number formatter."""
    return [
        f"line {node.lineno}: {ast.unparse(node)}"
        for tree in code
        for node in ast.walk(tree)
        if isinstance(node, ast.FormattedValue)
        and node.format_spec is not None
        and FORMAT.match(ast.unparse(node.format_spec)[2:-1])
    ]


def written(templates: Mapping[str, str]) -> dict[str, str]:
    """Every template with some value in each of its fields."""
    say = Narrator({"text": "{text}"} | dict(templates))
    return {code: say.text(Fact(code=code, values=values(template))) for code, template in templates.items()}


def values(template: str) -> dict[str, Value]:
    """A number for each field with a format, a word for the others, those of optional parts too."""
    known: dict[str, Value] = {}
    for _, name, spec, _ in Formatter().parse(template):
        if name and (name.endswith("?") or "|" in (spec or "")):
            known = values(spec or "") | known
            known.setdefault(name.removesuffix("?"), 2)
        elif name:
            known |= dict.fromkeys(values(spec or ""), 2)  # digits may be a value, too
            known[name] = WHOLE.get(spec or "", 2) if spec else known.get(name, "word")
    return known
