"""SciPy's benchmark functions: a made-up checkout with the same interface, whose faults are known."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from benchmarks.search import scipy_functions, scipy_said, settings, table
from benchmarks.search.scipy_source import FOLDER, Black, Source, check, problem

from supnorm.problem import Axis
from supnorm.results import BadInput

BASE = """
import numpy as np
from ..common import safe_import


class Benchmark:
    change_dimensionality = False

    def __init__(self, dimensions):
        self._dimensions = dimensions
        self.fglob, self.global_optimum = np.nan, None

    @property
    def bounds(self):
        return [self._bounds[0]] * self.N if self.change_dimensionality else self._bounds

    @property
    def N(self):
        return self._dimensions
"""
FUNCTIONS = """
import numpy as np
from .go_benchmark import Benchmark, safe_import

with safe_import():
    from nowhere import nothing


def made(least, at, value, low=-1.0, high=3.0, changes=False):
    class Made(Benchmark):
        change_dimensionality = changes

        def __init__(self, dimensions=2):
            Benchmark.__init__(self, dimensions)
            self._bounds = [(low, high)] * dimensions
            self.fglob, self.global_optimum = least, at

        def fun(self, x, *args):
            return value(x)

    return Made


bowl = lambda x: np.sum((x - 1.0) ** 2) + 5.0
Right = made(5.0, [[1.0, 1.0]], bowl, changes=True)
Lower = made(5.5, [[1.2, 1.2]], bowl)
Higher = made(3.0, [[1.0, 1.0]], bowl)
Outside = made(3.0, [[9.0, 9.0]], bowl)
Rounded = made(5.0001, [[1.0, 1.0]], bowl)
Nowhere = made(5.0, [], bowl)
Holes = made(5.0, [[1.0, 1.0]], lambda x: bowl(x) if x[0] > 0 else np.nan)
Hole = made(5.0, [[1.0, 1.0]], lambda x: bowl(x) if x[0] != 1.0 else np.nan)
Unknown = made(np.nan, [[1.0, 1.0]], bowl)
Drawn = made(5.0, [[1.0, 1.0]], lambda x: bowl(x) + np.random.random())
Flat = made(0.0, [[1.0, 1.0]], lambda x: 0.0)
Two = made(0.0, [[-1.0, 0.5], [2.0, 0.5]], lambda x: min((x[0] + 1) ** 2, (x[0] - 2) ** 2) + (x[1] - 0.5) ** 2)


class Broken(Right):
    def fun(self, x, *args):
        raise ZeroDivisionError
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("scipy")
    (root / FOLDER).mkdir(parents=True)
    (root / "pyproject.toml").write_text('[project]\nname = "scipy"\nversion = "9.9"\n')
    (root / FOLDER / "go_benchmark.py").write_text(BASE)
    (root / FOLDER / "go_funcs_A.py").write_text(FUNCTIONS)
    (root / FOLDER / "go_funcs_univariate.py").write_text(
        "from .go_funcs_A import made\n"
        "class Problem01(made(0.0, 1.0, lambda x: (x[0] - 1.0) ** 2)):\n"
        "    def __init__(self, dimensions=1):\n"
        "        super().__init__(dimensions)\n"
    )
    (root / FOLDER / "__init__.py").write_text("from .go_funcs_A import *\n")
    return root


def test_what_is_documented_wrongly_or_is_no_function_is_left_out_with_the_reason(checkout: Path) -> None:
    source = Source.open(checkout)
    assert source.version == "9.9"
    reasons = {name: check(kind, None, 500).reason for name, kind in source.kinds.items()}
    for name in ("Right", "Rounded", "Nowhere", "Hole", "Two", "Problem01"):
        assert reasons.pop(name) == ""
    assert reasons.pop("Holes").startswith("it is no number at ")
    assert reasons == {
        "Broken": "it raises ZeroDivisionError",
        "Drawn": "its values are random",
        "Flat": "half of its domain has the documented least value",
        "Higher": "no search came nearer to the documented 3 than 5",
        "Lower": "a search found 5, documented as least is 5.5",
        "Outside": "its documented point lies outside of its box",
        "Unknown": "its documented least value is no number",
    }


def test_the_least_value_is_that_of_the_function_and_not_the_rounded_one(checkout: Path) -> None:
    source = Source.open(checkout)
    assert check(source.kinds["Rounded"], None, 500).least == pytest.approx(5.0, abs=1e-12)
    assert check(source.kinds["Nowhere"], None, 500).at[0] == pytest.approx((1.0, 1.0), abs=1e-4)
    assert check(source.kinds["Right"], 5, 500).at[0] == pytest.approx((1.0,) * 5, abs=1e-3)


def ends(axis: Axis) -> tuple[float, float]:
    return axis.low, axis.high


def test_cut_boxes_hold_an_optimum_that_is_no_longer_in_their_middle(checkout: Path) -> None:
    kind = Source.open(checkout).kinds["Right"]
    black, known = Black(kind, None), check(kind, None, 500)
    whole, middle = problem(black, known, "Right", 0)
    assert [*map(ends, whole.domain.axes)] == [(-1.0, 3.0)] * 2
    assert middle == pytest.approx(2.5, rel=0.1)
    seen = set()
    for instance in range(1, 9):
        cut, _ = problem(black, known, "Right", instance)
        for axis in cut.domain.axes:
            low, high = ends(axis)
            assert -1.0 <= low <= 0.0
            assert 2.0 <= high <= 3.0
            seen.add(round((1.0 - low) / (high - low), 6))
        assert cut.model(np.array([[1.0, 1.0]]))[0] == 1.0
        assert cut.model(np.array([[1.0, 1.1]]))[0] < 1.0
    assert len(seen) == 16
    assert 0.5 not in seen


def test_a_face_with_the_optimum_stays_and_each_optimum_has_its_turn(checkout: Path) -> None:
    kind = Source.open(checkout).kinds["Two"]
    black, known = Black(kind, None), check(kind, None, 500)
    assert known.at == ((-1.0, 0.5), (2.0, 0.5))
    boxes = [ends(problem(black, known, "Two", i)[0].domain.axes[0]) for i in range(1, 12)]
    assert {low == -1.0 for low, _ in boxes} == {True, False}


def test_no_number_counts_as_infinite(checkout: Path) -> None:
    kind = Source.open(checkout).kinds["Hole"]
    known = check(kind, None, 500)
    assert problem(Black(kind, None), known, "Hole", 0)[0].model(np.array([[1.0, 1.0]]))[0] == 0.0


def test_every_method_runs_on_every_function_and_the_pages_say_what_was_lost(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stamps: list[str] = []
    tuned = {
        f"SciPy {row}": {"peers": {n: {"chosen": {}} for n in scipy_functions.NAMES}}
        for row in ("d=1", "d=2")
    }
    (tmp_path / "tuning.json").write_text(json.dumps({"rows": tuned}))
    monkeypatch.setattr(settings, "RESULTS", tmp_path / "tuning.json")
    monkeypatch.setattr(scipy_functions, "RESULTS", tmp_path / "results.json")
    monkeypatch.setattr(scipy_functions, "EACH", 60)
    monkeypatch.setattr(scipy_functions, "stamp", lambda name, add: stamps.append(name))
    monkeypatch.setattr(scipy_functions, "check", partial(check, evaluations=200))
    command = [
        "x",
        "--only",
        "Right",
        "Lower",
        "Problem01",
        "--rows",
        "d=1",
        "d=2",
        "--instances",
        "1",
        "0",
        "--save",
    ]
    command += ["--scipy", str(checkout)]
    monkeypatch.setattr(sys, "argv", command)
    scipy_functions.main()
    content = json.loads((tmp_path / "results.json").read_text())
    assert {key: sorted(of) for key, of in content["runs"].items()} == {
        "d=1 | Problem01": ["0", "1"], "d=2 | Right": ["0", "1"],
    }  # fmt: skip
    for of in content["runs"].values():
        assert all({*done} <= {table.OURS, *scipy_functions.NAMES} for done in of.values())
    printed = capsys.readouterr().out
    assert "d=2 | Lower: left out, a search found" in printed
    scipy_functions.main()  # nothing is missing
    assert capsys.readouterr().out == ""
    assert json.loads((tmp_path / "results.json").read_text()) == content
    assert set(stamps) == {"scipy_functions"}
    assert set(content["settings"]) == {"d=1", "d=2"}
    tuned["SciPy d=2"]["peers"]["DIRECT"]["chosen"] = {"eps": 1e-3}
    (tmp_path / "tuning.json").write_text(json.dumps({"rows": tuned}))
    settings.stored.cache_clear()
    scipy_functions.main()  # DIRECT alone, in its row alone
    runs = json.loads((tmp_path / "results.json").read_text())
    assert runs["settings"]["d=2"]["DIRECT"] == {"eps": 1e-3}
    others = [{n: r for n, r in of.items() if n != "DIRECT"} for of in runs["runs"]["d=2 | Right"].values()]
    assert others == [
        {n: r for n, r in of.items() if n != "DIRECT"} for of in content["runs"]["d=2 | Right"].values()
    ]
    assert runs["runs"]["d=1 | Problem01"] == content["runs"]["d=1 | Problem01"]
    assert "DIRECT" in runs["runs"]["d=2 | Right"]["1"]
    assert {line.split(",")[0] for line in capsys.readouterr().out.splitlines()} == {"d=2 | Right"}
    content = runs

    other = content | {"scipy": content["scipy"] | {"digest": "0"}}
    (tmp_path / "results.json").write_text(json.dumps(other))
    with pytest.raises(SystemExit):
        scipy_functions.main()
    assert "holds runs on the functions of commit" in capsys.readouterr().err


def test_what_is_no_checkout_or_no_function_is_one_line(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tuned = {
        f"SciPy {row}": {"peers": {n: {"chosen": {}} for n in scipy_functions.NAMES}}
        for row in scipy_functions.ROWS
    }
    (tmp_path / "tuning.json").write_text(json.dumps({"rows": tuned}))
    monkeypatch.setattr(settings, "RESULTS", tmp_path / "tuning.json")
    for arguments, words in (
        ([str(tmp_path)], "is no checkout of SciPy's sources"),
        ([str(checkout), "--only", "Nobody"], "--only: the checkout has no function Nobody"),
    ):
        monkeypatch.setattr(sys, "argv", ["x", "--scipy", *arguments])
        with pytest.raises(SystemExit) as end:
            scipy_functions.main()
        assert end.value.code == 2
        said = capsys.readouterr().err.splitlines()
        assert len(said) == 1
        assert words in said[0]
    (tmp_path / FOLDER).mkdir(parents=True)
    (tmp_path / FOLDER / "go_benchmark.py").write_text("import nowhere_at_all\n")
    (tmp_path / FOLDER / "__init__.py").write_text("from .go_benchmark import *\n")
    with pytest.raises(BadInput, match=r"cannot import .*ModuleNotFoundError"):
        Source.open(tmp_path)


def made_content() -> dict:
    """Three functions with two inputs: one that all solve, one that supnorm alone misses, one documented wrongly."""
    names = (table.OURS, *scipy_functions.NAMES)
    runs = {
        "d=2 | A": {i: {n: [1e-9, 0.5] for n in names} for i in "012"},
        "d=2 | B": {i: {n: [-1e-4 if n == "cma" else 0.5 - 1e-4, 0.5] for n in names} for i in "012"},
        "d=2 | C": {"0": {n: [-0.5, 0.5] for n in names}},
    }
    runs["d=2 | B"]["2"]["supnorm"] = [-1e-4, 0.5]
    return {
        "scipy": {"version": "9", "commit": "0123456789abcdef", "digest": ""},
        "machine": {"packages": {"numpy": "2", "scipy": "1", "cma": "4"}},
        "known": {
            **{key: {"d": 2, "least": 0.0, "at": [], "reason": ""} for key in runs},
            "d=5, changed | D": {"d": 5, "least": 0.0, "at": [], "reason": "a search found 1, documented as least is 2"},
        },
        "runs": runs,
    }  # fmt: skip


def test_losses_are_named_and_intervals_count_functions_and_not_runs() -> None:
    said = scipy_said.said(made_content())
    row = next(line for line in said["table"].splitlines() if line.startswith("| d=2"))
    cells = [cell.strip() for cell in row.split("|")]
    # Solved to 1e-2: A in both cut boxes, B in one of two. Three quarters of two functions, by Wilson's formula.
    low, high = table.wilson(0.75, 2)
    assert cells[1:5] == ["d=2 (4,000)", "2", "1e-02", f"75.0 % ({100 * low:.0f}–{100 * high:.0f}) 0.5 s"]
    # B, whose instances 0 and 1 cma alone solved, and whose instance 2 supnorm did.
    assert said["pairs"].splitlines()[2:] == [
        "| cma | 2 | 0 | 2 | 0 |" if n == "cma" else f"| {n} | 0 | 1 | 0 | 1 |" for n in scipy_functions.NAMES
    ]
    assert said["lost"].strip().splitlines() == [
        f"* d=2, to {level}: B (1 of 3; cma 3)" for level in ("1e-02", "1e-06")
    ]
    assert "* d=2, SciPy's boxes, to 1e-02: supnorm 50.0 %, cma 100.0 %" in said["better"]
    assert "* a method found less than the documented least value: C" in said["left_out"]
    assert "another one than documented: D (d=5, changed)" in said["left_out"]
    assert said["below"] == "3"  # instances of B in which cma went below what was known
    assert said["functions"] == "2"
    assert said["settings"].startswith("of their libraries")
    assert scipy_said.said(made_content() | {"settings": {"d=2": {}}})["settings"].startswith(
        "that were chosen"
    )


@pytest.mark.parametrize(
    ("share", "n", "low", "high"), [(0.5, 10, 0.2366, 0.7634), (1.0, 20, 0.8389, 1.0), (0.0, 20, 0.0, 0.1611)]
)
def test_wilson(share: float, n: int, low: float, high: float) -> None:
    assert table.wilson(share, n) == pytest.approx((low, high), abs=1e-4)
