"""Problem files: what they open, and the one line they answer bad input with."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest

from supnorm.cli.run import RunContext
from supnorm.results import BadInput
from supnorm.sources import open_problem

TRUTH = """
import numpy as np
SIZE = 3
def model(x): return x[:, 0] + x[:, 1]
def truth(x): return x[:, 0] * x[:, 1]
def swapped(x): return x[:, 1] - 2 * x[:, 0]
def below(x): return x[:, 0] < x[:, 1]
def own(n, f, x): return abs(n - f) * 2
def sampler(n, rng): return rng.random((n, 2)) * 0.5
"""
PROBLEM = """
[model]
python = "truth.py:model"
[reference]
python = "truth.py:truth"
[domain]
a = { low = 0.0, high = 1.0, unit = "m" }
b = { low = 0.0, high = 2.0 }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "truth.py").write_text(TRUTH)
    return tmp_path


def write(folder: Path, text: str) -> Path:
    path = folder / "problem.toml"
    path.write_text(dedent(text))
    return path


def test_a_whole_file_opens(folder: Path) -> None:
    more = """
    [constraints]
    python = "truth.py:below"
    [error]
    python = "truth.py:own"
    tolerance = 0.5
    [law]
    python = "truth.py:sampler"
    """
    problem = open_problem(write(folder, PROBLEM + dedent(more)))
    x = np.array([[0.5, 1.5], [0.25, 1.0]])
    np.testing.assert_array_equal(problem.model(x).ravel(), [2.0, 1.25])
    np.testing.assert_array_equal(problem.reference(x).ravel(), [0.75, 0.25])
    error, _ = problem.error(problem.model(x), problem.reference(x), x)
    np.testing.assert_array_equal(error, [2.5, 2.0])
    assert problem.domain.contains(np.array([[0.5, 0.4], [0.5, 0.6]])).tolist() == [False, True]
    assert problem.law is not None
    assert problem.law.draw(100, np.random.default_rng(0)).max() <= 0.5
    assert problem.model.inputs == ("a", "b")
    assert problem.error.limit == 0.5


def test_functions_are_made_again_from_a_pickle(folder: Path) -> None:
    problem = open_problem(write(folder, PROBLEM))
    again = pickle.loads(pickle.dumps(problem.model.remake))()
    x = np.random.default_rng(1).random((5, 2))
    np.testing.assert_array_equal(again(x), problem.model(x))


def test_inputs_reorder_the_columns(folder: Path) -> None:
    text = PROBLEM.replace('"truth.py:model"', '"truth.py:swapped"\ninputs = ["b", "a"]')
    problem = open_problem(write(folder, text))
    assert problem.model(np.array([[1.0, 10.0]])).item() == 1.0 - 20.0


@pytest.mark.slow
def test_nothing_heavy_is_imported(folder: Path) -> None:
    import subprocess

    path = write(folder, PROBLEM)
    code = (
        "import sys; from supnorm.sources import open_problem; "
        f"open_problem({str(path)!r}); "
        "print([m for m in ('jax', 'torch', 'onnx', 'sklearn', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=_environment()
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_a_worker_imports_no_programs_for_a_function_of_python() -> None:
    """Reading programs takes SciPy; four workers that began at once waited a second for it."""
    import subprocess

    code = (
        "import sys; import supnorm.evaluation.remote, supnorm.sources.open_function, supnorm.sources.python; "
        "print([m for m in ('supnorm.program', 'supnorm.networks', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=_environment()
    )
    assert done.stdout.strip() == "[]"


def _environment() -> dict[str, str]:
    import os

    import supnorm

    return {**os.environ, "PYTHONPATH": str(Path(supnorm.__file__).parent.parent)}


BAD: list[tuple[str, str, list[str]]] = [
    ('"truth.py:truth"', '"truth.py:density"', ["[reference] python", "no name density", "model, truth"]),
    ('"truth.py:truth"', '"other.py:truth"', ["[reference] python", "no file", "other.py"]),
    ('"truth.py:truth"', '"truth.py"', ["[reference] python", "file.py:name"]),
    ('"truth.py:truth"', '"truth.py:SIZE"', ["[reference] python", "is of type int"]),
    ("high = 2.0", "high = -2.0", ["[domain] b", "low must be below high"]),
    ("high = 2.0", "high = nan", ["[domain] b", "high must be finite"]),
    ("high = 2.0", 'high = 2.0, scale = "log"', ["[domain] b", "low > 0"]),
    ("high = 2.0", "hihg = 2.0", ["domain.b.hihg", "low, high"]),
    ('"truth.py:truth"', '"truth.py:truth"\ninputs = ["a", "c"]', ["[reference] inputs", "a, b"]),
    ("[domain]", '[error]\nkind = "relative"\n[domain]', ["[error]", "floor"]),
    ("[domain]", '[error]\nmask = "truth.py:mask"\n[domain]', ["[error] mask", "no name mask"]),
    ("[domain]", '[constraints]\npython = ["truth.py:above"]\n[domain]', ["[constraints] python", "above"]),
]


@pytest.mark.parametrize(("old", "new", "said"), BAD)
def test_bad_files_are_answered_with_one_line(folder: Path, old: str, new: str, said: list[str]) -> None:
    assert old in PROBLEM
    with pytest.raises(BadInput) as caught:
        open_problem(write(folder, PROBLEM.replace(old, new)))
    message = str(caught.value)
    assert "\n" not in message
    for part in ["problem.toml", *said]:
        assert part in message


def test_wrong_number_of_output_names(folder: Path) -> None:
    text = PROBLEM.replace('"truth.py:model"', '"truth.py:model"\noutputs = ["u", "v"]')
    problem = open_problem(write(folder, text))
    with pytest.raises(BadInput, match="outputs names 2"):
        problem.model(np.zeros((1, 2)))


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def truth(x:\n", "line 1"),
        ("import no_such_package\n", "ModuleNotFoundError: No module named 'no_such_package'"),
        ("y = 1\nz = 1 / 0\n", "line 2: ZeroDivisionError"),
    ],
)
def test_a_python_file_that_fails_names_its_line(tmp_path: Path, code: str, said: str) -> None:
    (tmp_path / "truth.py").write_text(code)
    with pytest.raises(BadInput) as caught:
        open_problem(write(tmp_path, PROBLEM))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_helpers_beside_the_file_are_found_and_files_of_one_name_do_not_meet(tmp_path: Path) -> None:
    results: list[Any] = []
    for i in (1, 2):
        home = tmp_path / str(i)
        home.mkdir()
        (home / f"beside{i}.py").write_text(f"FACTOR = {i}\n")
        (home / "truth.py").write_text(
            TRUTH + f"from beside{i} import FACTOR\ndef f(x): return FACTOR * x[:, 0]\n"
        )
        problem = open_problem(write(home, PROBLEM.replace("truth.py:truth", "truth.py:f")))
        results.append(problem.reference(np.array([[3.0, 0.0]])).item())
    assert results == [3.0, 6.0]
    assert not any(str(tmp_path) in entry for entry in sys.path)


def test_functions_of_a_problem_are_made_again_in_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a worker of a cluster that was started elsewhere; the problem's path was relative here."""
    (tmp_path / "code.py").write_text("def model(x): return x[:, 0]\ndef mask(x): return x[:, 0] > 0.5\n")
    sides = "".join(f'[{side}]\npython = "code.py:model"\n' for side in ("model", "reference"))
    (tmp_path / "p.toml").write_text(f'{sides}[domain]\na = [0.0, 1.0]\n[error]\nmask = "code.py:mask"\n')
    monkeypatch.chdir(tmp_path)
    problem = open_problem("p.toml")
    assert problem.model.remake is not None
    given = pickle.dumps((problem.model.remake, problem.error.mask))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    remake, mask = pickle.loads(given)
    assert remake().value(np.array([[0.25]])).ravel().tolist() == [0.25]
    assert mask(np.array([[0.25]])).tolist() == [False]


def test_code_that_changes_the_working_folder_while_it_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No relative path is true any more: neither that of the next file nor that of --out."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "code.py").write_text(
        "import os\nos.chdir('elsewhere')\ndef model(x): return x[:, 0]\ndef truth(x): return x[:, 0]\n"
    )
    (tmp_path / "problem.toml").write_text(
        '[model]\npython = "code.py:model"\n[reference]\npython = "code.py:truth"\n[domain]\nx = [0.0, 1.0]\n'
    )
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match=r"changed the working folder from .* where problem.toml is another"):
        open_problem("problem.toml")
    run = RunContext(Path("run"), named=True, resume=False, as_json=False, quiet=True)
    assert run.directory == Path("run")
    open_problem(tmp_path / "problem.toml")
    with pytest.raises(BadInput, match=r"changed the working folder from .* where run is another"):
        _ = run.directory
    assert Path.cwd() == tmp_path
