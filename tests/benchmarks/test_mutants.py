"""The mutants: each differs from the code in one place, runs, and is killed by a test that sees the place."""

from __future__ import annotations

import ast

import pytest
from benchmarks.mutants.__main__ import drawn_of, killed_by, naming
from benchmarks.mutants.operators import mutants

SOURCE = '''
"""Says 1 + 1."""

LIMIT: int = 3


def f(x: int | None, y: float = 0.5) -> float:
    """Returns x + y."""
    if x is not None and x < LIMIT:
        log(f"{x + 1}")
        return x * y - 1.0
    if not y:
        raise ValueError(f"y is {y + 1}")
    return -y
'''


def test_every_operator_and_nothing_that_is_only_said() -> None:
    found = {(m.before, m.after) for m in mutants(SOURCE)}
    assert found == {
        ("3", "4"), ("0.5", "0.75"), ("x is not None and x < LIMIT", "x is not None or x < LIMIT"),
        ("x is not None", "x is None"), ("x < LIMIT", "x <= LIMIT"), ('log(f"{x + 1}")', "None"),
        ("log(f'{x + 1}')", "None"), ("x * y - 1.0", "x * y + 1.0"), ("x * y", "x / y"), ("1.0", "1.5"),
        ("not y", "not not y"), ("-y", "+y"),
    } - {('log(f"{x + 1}")', "None")}  # fmt: skip


def test_a_mutant_is_python_and_differs_in_one_place() -> None:
    whole = ast.unparse(ast.parse(SOURCE)).splitlines()
    for mutant in mutants(SOURCE):
        lines = ast.unparse(ast.parse(mutant.source)).splitlines()
        assert len(lines) == len(whole)
        assert sum(a != b for a, b in zip(lines, whole, strict=True)) == 1


@pytest.mark.slow
def test_the_sample_is_that_of_its_seed() -> None:
    first, again, other = (drawn_of("results", 5, seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert len(first) == 5


@pytest.mark.slow
def test_killed_and_survived(tmp_path) -> None:
    module = tmp_path / "src" / "supnorm" / "room" / "sums.py"
    module.parent.mkdir(parents=True)
    for folder in (module.parent, module.parent.parent):
        (folder / "__init__.py").write_text("")
    module.write_text("def total(x, y):\n    return x + y\n\n\ndef unseen(x):\n    return x * 2\n")
    # pytest loads this one wherever supnorm is installed
    plugin = tmp_path / "src" / "supnorm" / "gates" / "pytest_plugin.py"
    plugin.parent.mkdir()
    plugin.write_text("")
    test = tmp_path / "tests" / "room" / "test_sums.py"
    test.parent.mkdir(parents=True)
    test.write_text(
        "from supnorm.room.sums import total\n\n\ndef test_total():\n    assert total(2, 3) == 5\n"
    )
    (tmp_path / "pyproject.toml").write_text(
        '[tool.pytest.ini_options]\npythonpath = ["src"]\nmarkers = ["slow: s", "browser: b"]\n'
    )
    file = "src/supnorm/room/sums.py"
    assert naming(tmp_path, file) == ["tests/room/test_sums.py"]
    by = {m.before: killed_by(tmp_path, "room", file, m, 600.0) for m in mutants(module.read_text())}
    assert by == {"x + y": "tests/room/test_sums.py::test_total", "x * 2": "", "2": ""}
    assert module.read_text().startswith("def total(x, y):\n    return x + y\n")  # put back
