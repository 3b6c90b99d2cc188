"""The house keeps its rules (see `tests.house`)."""

from __future__ import annotations

import ast
import importlib
from importlib.util import find_spec

import pytest
from tests import house


def test_nothing_breaks_a_rule() -> None:
    assert house.broken() == []


@pytest.mark.parametrize(
    ("source", "ways"),
    [
        ("def f(): pass", 1),
        ("def f(x):\n if x: pass\n elif x > 1: pass\n else: pass", 3),
        ("def f(x):\n for y in x: pass\n else: pass\n while x: pass", 4),
        ("def f(x):\n try: pass\n except A: pass\n except B: pass\n else: pass", 4),
        ("def f(x): return [y for z in x for y in z if y] if x and y or z else 0", 7),
        ("def f(x):\n assert x\n def g(): return 1 if x else 2", 3),
        ("def f(x):\n match x:\n  case 1: pass\n  case _: pass", 3),
    ],
)
def test_complexity_is_counted(source: str, ways: int) -> None:
    assert house.complexity(ast.parse(source).body[0]) == ways


def test_a_circle_is_seen_through_a_room_and_inside_a_function(tmp_path, monkeypatch) -> None:
    package = tmp_path / "supnorm" / "room"
    package.mkdir(parents=True)
    (tmp_path / "supnorm" / "__init__.py").write_text("")
    (package / "__init__.py").write_text("from supnorm.room.a import one\n")
    (package / "a.py").write_text("def one():\n    from supnorm.room.b import two\n")
    (package / "b.py").write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from supnorm.room import one\n"
    )
    (package / "c.py").write_text("import supnorm.room.a\n")
    monkeypatch.setattr(house, "SOURCE", tmp_path)
    assert list(house.circles()) == ["circle room.a room.b"]
    (package / "__init__.py").write_text("import lazy_loader\n")
    (package / "__init__.pyi").write_text("from .a import one\n")
    house.tree_of.cache_clear()
    house.nodes_of.cache_clear()
    assert list(house.circles()) == ["circle room.a room.b"]


def test_a_retired_word_is_seen_in_names_keys_and_text(tmp_path, monkeypatch) -> None:
    (tmp_path / "a.py").write_text(
        '"""A Ladder."""\nvalues = {"rung_size": _told, "any text of a place": 1}\n'
    )
    (tmp_path / "b.j2").write_text("<p>climbing; accordingly; a rungless seamless way</p>")
    for room in ("checker", "pages"):
        (tmp_path / "supnorm" / room).mkdir(parents=True)
        (tmp_path / "supnorm" / room / "c.py").write_text('first_found = {"kept": found}\nspreading = 1\n')
    monkeypatch.setattr(house, "SOURCE", tmp_path)
    monkeypatch.setattr(house, "ROOT", tmp_path)
    assert sorted(house.retired_words()) == [
        "word climb b.j2",
        "word found supnorm/checker/c.py",
        "word ladder a.py",
        "word rung a.py",
        "word told a.py",
    ]


@pytest.mark.parametrize("room", ["benchmarks", "reproduce", "examples"])
def test_what_is_imported_from_supnorm_is_there(room: str) -> None:
    """No type checker reads these folders, and a function that src does not call may be called there."""
    missing = []
    for path in sorted((house.ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "supnorm":
                module = importlib.import_module(node.module)
                missing += [
                    f"{path.name}: {node.module}.{one.name}"
                    for one in node.names
                    if not hasattr(module, one.name) and find_spec(f"{node.module}.{one.name}") is None
                ]
    assert not missing
