"""The copies of the user's code whose expressions are watched."""

from __future__ import annotations

import ast
import linecache
from pathlib import Path

import pytest

from supnorm.program import copies, expressions
from supnorm.program.copies import copy_of
from supnorm.program.expressions import EXPRESSIONS

HERE = Path(__file__).parents[1]
FILES = sorted(HERE.rglob("test_*.py"))[::25] + sorted((HERE.parent / "examples").rglob("*.py"))[::5]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_all_code_of_a_file_is_found_and_no_file_is_changed_as_a_whole(file: Path) -> None:
    source = file.read_text()
    held = copies._Copies(str(file), source, expressions._Watch)
    codes = [*copies.inside(compile(source, str(file), "exec", dont_inherit=True))]
    assert all(held.of(code) is not None for code in codes)
    assert copies.WHOLE not in held.known


ODD = """from __future__ import annotations
import functools
if True:
    import numpy as np
f = lambda x: np.exp(x); g = lambda x: (np.sin(x) +
    1.0); h = lambda x: np.cos(x)
@functools.cache
@functools.wraps(
    f)
def decorated(x: float) -> float:
    return [np.tan(y) for y in (x, x)][0] + (lambda: 2.0)()
class Held:
    value = 1.0
    def method(self, x):
        def inner(y): return y if self.value else x
        return inner(x)
try:
    def one(x): return -x
except Exception:
    def one(x): return +x
"""


def test_code_in_odd_places_is_found(tmp_path: Path) -> None:
    path = tmp_path / "odd.py"
    path.write_text(ODD)
    names: dict[str, object] = {}
    exec(compile(ODD, str(path), "exec", dont_inherit=True), names)
    for code in copies.inside(compile(ODD, str(path), "exec", dont_inherit=True)):
        copy = copy_of(code, expressions._Watch)
        assert copy is not None
        assert copy is copy_of(code, expressions._Watch)
        assert (copy.co_qualname, copy.co_firstlineno) == (code.co_qualname, code.co_firstlineno)
        within = (copy, *copies.inside(copy))
        if "<lambda>" not in code.co_qualname:  # one of them gives a constant
            assert any(expressions.NAME in one.co_names for one in within)


def test_code_that_python_compiles_otherwise_alone_is_looked_for_in_the_whole_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "_imports", lambda nodes: iter(()))  # as if it were a later Python
    path = tmp_path / "called.py"
    path.write_text("import numpy as np\n\n\ndef model(x):\n    return np.exp(x)\n")
    (code,) = copies.inside(compile(path.read_text(), str(path), "exec", dont_inherit=True))
    held = copies._Copies(str(path), path.read_text(), expressions._Watch)
    assert held.of(code) is not None


def test_the_text_and_line_of_an_expression_are_those_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "texts.py"
    source = "def f(x, y):\n    z = (x\n         + 2 *  y)\n    return f'{z:.3f}', z.real, 'a' 'b'\n"
    path.write_text(source)
    before = len(EXPRESSIONS)
    (code,) = copies.inside(compile(source, str(path), "exec", dont_inherit=True))
    assert copy_of(code, expressions._Watch) is not None
    told = {(one.text, one.line) for one in EXPRESSIONS[before:]}
    assert {("x + 2 * y", 2), ("2 * y", 3), ("z.real", 4), ("y", 3)} <= told
    assert all(ast.parse(text, mode="eval") for text, _ in told)
    assert all(linecache.getline(str(path), line) for _, line in told)
