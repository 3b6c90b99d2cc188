"""``supnorm fit`` on input that cannot be fitted, or not to the wish: one clear line each, exit code 2 or a note."""

import json
from pathlib import Path

import numpy as np
import pytest

from supnorm.cli import main

REFERENCES = """
import numpy as np

def wave(x):
    return np.sin(3 * x[:, 0]) * x[:, 1]

def constant(x):
    return 3.0 + 0.0 * x[:, 0]

def jump(x):
    return np.where(x[:, 0] + x[:, 1] < 0.1, x[:, 0], 2.0)

def nothing(x):
    return np.nan * x[:, 0]

def unlicensed(x):
    raise RuntimeError("no licence for this machine")
"""
AXES = "a = { low = -1.0, high = 1.0 }\nb = { low = -1.0, high = 1.0 }\n"


def fitted(folder: Path, reference: str, *options: str, tolerance: float = 1e-3) -> int:
    (folder / "truth.py").write_text(REFERENCES)
    (folder / "problem.toml").write_text(
        f"[reference]\n{reference}\n[error]\ntolerance = {tolerance}\n[domain]\n{AXES}"
    )
    with pytest.raises(SystemExit) as ended:
        main(["fit", str(folder / "problem.toml"), "--out", str(folder / "run"), "--seed", "1", *options])
    return int(ended.value.code or 0)


def table(folder: Path, n: int = 120, **changes: float) -> str:
    """A table of samples; ``y_ROW=value`` changes a label."""
    x = np.random.default_rng(0).uniform(-1, 1, (n, 2))
    y = np.sin(x[:, 0]) * x[:, 1]
    for row, value in changes.items():
        y[int(row[2:])] = value
    rows = [f"{a!r},{b!r},{c!r}" for (a, b), c in zip(x.tolist(), y.tolist(), strict=True)]
    (folder / "samples.csv").write_text("\n".join(["a,b,y", *rows, *rows[:5]]) + "\n")
    return 'file = "samples.csv"'


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reference", "tolerance", "said"),
    [
        ("wave", 1e-17, "below the float64 floor of this reference, about"),
        ("nothing", 1e-3, "no finite value at any of 8 points; check it at one of them"),
        ("unlicensed", 1e-3, "no finite value at any of 8 points: exception: RuntimeError: no licence"),
    ],
)
def test_what_cannot_be_fitted_is_said_in_one_line(tmp_path, capsys, reference, tolerance, said):
    source = f'python = "truth.py:{reference}"'
    assert fitted(tmp_path, source, "--cost", "cheap", tolerance=tolerance) == 2
    err = capsys.readouterr().err.strip()
    assert said in err
    assert "\n" not in err


def test_labels_that_are_no_numbers(tmp_path, capsys):
    assert fitted(tmp_path, table(tmp_path, y_7=np.nan)) == 2
    said = "samples.csv: labels are not finite in 1 of 125 samples, first in row 8 counted from 1"
    assert said in capsys.readouterr().err


def test_one_sample_is_too_few(tmp_path, capsys):
    assert fitted(tmp_path, table(tmp_path, n=1)) == 2
    assert "at least 20 samples at different points, got 1" in capsys.readouterr().err


def test_a_table_is_fitted_and_its_repeated_points_are_merged(tmp_path, capsys):
    assert fitted(tmp_path, table(tmp_path), "--method", "polynomial") == 0
    out = capsys.readouterr().out
    assert "on 43 other samples. Nothing is known between the samples" in out
    assert "5 samples repeat the point of another one" in out


@pytest.mark.slow
@pytest.mark.parametrize("table", [False, True])
def test_every_output_is_held_to_its_own_tolerance(tmp_path, capsys, table):
    """The first output misses 0.001 and the second is far below 1: judged by one tolerance of 1, both would pass."""
    (tmp_path / "truth.py").write_text(
        "import numpy as np\ndef two(x): return np.stack([0.5 * np.sign(x[:, 0]), x[:, 1]], 1)\n"
    )
    x = np.random.default_rng(0).uniform(-1, 1, (300, 2))
    y = np.stack([0.5 * np.sign(x[:, 0]), x[:, 1]], 1)
    np.savetxt(tmp_path / "two.csv", np.c_[x, y], delimiter=",", header="a,b,u,v", comments="")
    source = 'file = "two.csv"' if table else 'python = "truth.py:two"'
    (tmp_path / "problem.toml").write_text(
        f'[reference]\n{source}\noutputs = ["u", "v"]\n[error]\ntolerance = [0.001, 1.0]\n[domain]\n{AXES}'
    )
    run = tmp_path / "run"
    options = ["--method", "polynomial", "--max-evaluations", "500", "--out", str(run)]
    with pytest.raises(SystemExit) as ended:
        main(["fit", str(tmp_path / "problem.toml"), *options])
    assert ended.value.code == 1
    assert "multiples of each output’s tolerance" in capsys.readouterr().out
    document = json.loads((run / "fit.json").read_text())
    assert document["measure"]["per_output"]
    assert document["winner"]["sup"]["lower"] > 100
    assert "tolerance = [0.001, 1.0]" in (run / "problem.toml").read_text()


def test_errors_of_a_table_keep_the_unit_of_its_output(tmp_path, capsys):
    source = table(tmp_path) + '\noutputs = ["y"]\noutput_units = ["kg/m3"]'
    assert fitted(tmp_path, source, "--method", "polynomial") == 0
    assert " kg/m³ on " in capsys.readouterr().out
    assert json.loads((tmp_path / "run" / "fit.json").read_text())["measure"]["unit"] == "kg/m3"


def test_a_network_is_announced_with_a_hint_at_the_time_limit(tmp_path, capsys):
    fitted(tmp_path, table(tmp_path, 60), "--method", "network")
    first, *_ = capsys.readouterr().err.splitlines()
    assert first == "  training a network of 205 weights on 39 samples; --seconds limits the time"


def test_samples_cannot_be_certified(tmp_path, capsys):
    assert fitted(tmp_path, table(tmp_path), "--certify") == 2
    assert "between them the reference is unknown" in capsys.readouterr().err


def test_a_constant_reference_gets_one_parameter_and_a_note(tmp_path, capsys):
    assert fitted(tmp_path, 'python = "truth.py:constant"') == 0
    assert "the reference is constant on all points seen" in capsys.readouterr().out


@pytest.mark.slow
def test_a_jump_is_told_and_the_way_out_named(tmp_path, capsys):
    assert fitted(tmp_path, 'python = "truth.py:jump"', "--method", "simplex") == 1
    out = capsys.readouterr().out
    assert "No continuous model can meet the tolerance, because the reference jumps by" in out
    assert "split the domain there" in out


def test_a_jump_of_fixed_samples_is_told_and_the_way_out_named(tmp_path, capsys):
    x = np.random.default_rng(1).uniform(-1, 1, (700, 2))
    y = x[:, 1] + 2.0 * (x[:, 0] > 0.1)
    np.savetxt(tmp_path / "steps.csv", np.c_[x, y], delimiter=",", header="a,b,y", comments="")
    assert fitted(tmp_path, 'file = "steps.csv"', "--method", "simplex") == 1
    out = capsys.readouterr().out
    assert "No continuous model can meet the tolerance, because the labels jump by" in out
    assert "or rise more steeply than the samples resolve: a continuous model misses by at least half" in out
    assert "fit the samples on either side of the jump separately" in out


def test_a_network_larger_than_the_memory_is_refused_before_it_is_made():
    from supnorm import Domain, fit
    from supnorm.results import BadInput
    from supnorm.training import NetworkFit

    square = Domain(a=(-1.0, 1.0), b=(-1.0, 1.0))
    with pytest.raises(BadInput, match=r"parameters needs .* GiB is free; choose a smaller width"):
        fit(lambda x: x[:, 0] * x[:, 1], square, method=NetworkFit(widths=(200_000,)), tolerance=1e-3)
