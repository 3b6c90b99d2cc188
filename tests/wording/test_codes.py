"""A code has one template: a second one in another part of the same file would silently replace the first."""

from __future__ import annotations

import ast
import importlib
from typing import Any

import pytest
from tests.wording import templates

FILES = sorted(
    path.stem
    for path in (templates.SOURCE / "wording").glob("*.py")
    if "TEMPLATES" in path.read_text(encoding="utf-8").split("def ")[0] and path.stem != "__init__"
)


def parts(name: str) -> list[str]:
    """The names of the mappings that ``TEMPLATES`` of a file is put together from."""
    (tree,) = templates.trees(f"wording/{name}.py")
    for node in tree.body:
        target: Any = node.target if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [None])[0]
        if isinstance(target, ast.Name) and target.id == "TEMPLATES":
            assert isinstance(node, ast.Assign | ast.AnnAssign)
            assert node.value is not None
            if isinstance(node.value, ast.Dict) and any(node.value.keys):
                return []  # one mapping: ruff refuses a key that stands in it twice
            return [part.id for part in ast.walk(node.value) if isinstance(part, ast.Name)]
    return []


def test_the_files_with_parts_are_seen() -> None:
    assert {name for name in FILES if len(parts(name)) > 1} >= {"audit", "budget", "certify", "fit"}


@pytest.mark.parametrize("name", FILES)
def test_no_code_stands_in_two_parts(name: str) -> None:
    module = importlib.import_module(f"supnorm.wording.{name}")
    codes = [code for part in parts(name) for code in getattr(module, part)]
    assert sorted({code for code in codes if codes.count(code) > 1}) == []
