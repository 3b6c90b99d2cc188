"""A key that a source cannot use opens as before, and is named in a note."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from supnorm.networks import Network, save
from supnorm.problem import Problem
from supnorm.problem.specification import SourceSpec
from supnorm.sources.open import open_function, open_problem

CODE = """
import numpy as np
class Fitted:
    def predict(self, x): return x[:, 0]
def batched(x): return x[:, 0] * 2.0
def single(a): return 2.0 * a
fitted = Fitted()
"""
# what a source is given beside itself; the keys that it has no use for
CASES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "batched": (
        {"python": "code.py:batched", "timeout": 5.0, "retries": 2, "batch": 8, "precision": "float32"},
        {"timeout = 5", "retries = 2", "batch = 8"},
    ),
    "per point": (
        {"python": "code.py:single", "per_point": True, "timeout": 5.0, "retries": 2, "protocol": "point"},
        {'protocol = "point"'},
    ),
    "predict": ({"python": "code.py:fitted", "device": "cuda"}, {'device = "cuda"'}),
    "npz": ({"file": "net.npz", "precision": "float32", "batch": 8}, {'precision = "float32"', "batch = 8"}),
    "npz in its own precision": ({"file": "net.npz", "precision": "float64"}, set()),
    "table": ({"file": "t.csv", "inputs": ["a"], "outputs": ["y"], "per_point": True}, {"per_point = true"}),
    "command": (
        {"command": [sys.executable, "-c", "pass"], "timeout": 5.0, "precision": "float32", "batch": 2},
        {"batch = 2"},
    ),
}


def write_sources(folder: Path) -> None:
    (folder / "code.py").write_text(CODE)
    (folder / "t.csv").write_text("a,y\n0.0,1.0\n1.0,2.0\n")
    save(Network.init(np.random.default_rng(0), 1, 1, 4, 1), folder / "net.npz")


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_keys_without_a_use_are_named(case: str, tmp_path: Path) -> None:
    given, expected = CASES[case]
    write_sources(tmp_path)
    function = open_function(
        SourceSpec(**given), tmp_path, ("a",), np.array([[0.5], [0.25]]), where="problem.toml: [model]"
    )
    said = [note for note in function.notes if "was not used" in note]
    assert {note.removeprefix("problem.toml: [model] ").partition(" was")[0] for note in said} == expected
    assert all("has no effect for" in note for note in said)


def test_a_command_says_in_which_precision_it_computes(tmp_path: Path) -> None:
    """The probe's advice to a code that differs in single precision."""
    spec = SourceSpec(command=[sys.executable, "-c", "pass"], precision="float32")
    function = open_function(spec, tmp_path, ("a",), np.array([[0.5]]))
    assert function.precision == "float32"


def test_the_note_is_in_the_answer_of_an_audit(tmp_path: Path) -> None:
    from supnorm.auditing import audit

    write_sources(tmp_path)
    (tmp_path / "problem.toml").write_text(
        '[model]\npython = "code.py:batched"\ntimeout = 5.0\n[reference]\npython = "code.py:batched"\n'
        "[domain]\na = [0.0, 1.0]\n"
    )
    problem = open_problem(tmp_path / "problem.toml")
    assert isinstance(problem, Problem)
    notes = audit(problem, evaluations=100).document["notes"]
    assert any(note.startswith("problem.toml: [model] timeout = 5 was not used") for note in notes)
