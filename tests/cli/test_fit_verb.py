"""``supnorm fit``: table, JSON, files and pages in the folder, exit codes."""

import json
import shlex
from pathlib import Path

import numpy as np
import pytest
from tests.cli.conftest import Shell

from supnorm.approximants import load
from supnorm.cli import main

TRUTH = """
import numpy as np

def wave(x):
    return np.sin(3 * x[:, 0]) * np.exp(-x[:, 1])
"""
PROBLEM = """
[reference]
python = "truth.py:wave"
[error]
kind = "absolute"
tolerance = {tolerance}
[domain]
x = {{ low = -1.0, high = 1.0 }}
y = {{ low = 0.0, high = 2.0 }}
"""


def run(folder: Path, tolerance: str, *options: str) -> int:
    (folder / "truth.py").write_text(TRUTH)
    (folder / "problem.toml").write_text(PROBLEM.format(tolerance=tolerance))
    with pytest.raises(SystemExit) as ended:
        main(["fit", str(folder / "problem.toml"), "--out", str(folder / "run"), *options])
    return int(ended.value.code or 0)


@pytest.mark.slow
def test_the_command_that_repeats_a_fit_has_what_a_call_cost(tmp_path):
    """Another timing, on another machine or under load, must not decide it otherwise."""
    assert run(tmp_path, "1e-3", "--method", "polynomial", "--seed", "3") == 0
    found = json.loads((tmp_path / "run" / "fit.json").read_text())
    assert found["cost"]["class"] == "cheap"
    assert found["cost"]["by"] == "measured"
    assert found["command"].startswith(f"supnorm fit {tmp_path / 'problem.toml'} --out {tmp_path / 'run'} ")
    assert found["command"].endswith("--norm sup --method polynomial --seed 3 --cost cheap")
    with pytest.raises(SystemExit):
        main(shlex.split(found["command"])[1:])
    again = json.loads((tmp_path / "run" / "fit.json").read_text())
    assert again["cost"]["by"] == "declared"
    assert again["winner"]["sup"] == found["winner"]["sup"]


@pytest.mark.slow
def test_errors_have_one_unit_while_a_fit_goes_on_and_in_its_table(tmp_path, capsys):
    relative = PROBLEM.replace('"absolute"', '"relative"\nfloor = 1.0')
    (tmp_path / "truth.py").write_text(TRUTH)
    (tmp_path / "problem.toml").write_text(relative.format(tolerance="1e-3"))
    with pytest.raises(SystemExit):
        main(
            ["fit", str(tmp_path / "problem.toml"), "--out", str(tmp_path / "run"), "--method", "polynomial"]
        )
    said = capsys.readouterr()
    tried = [line for line in said.err.splitlines() if line.startswith("  tried")]
    assert tried
    assert all(line.count(" %") == 2 for line in tried), tried
    assert " %" in said.out.split("polynomial", 1)[1].splitlines()[0]


@pytest.mark.slow
def test_a_fit_leaves_model_numbers_and_two_pages(tmp_path, capsys):
    assert run(tmp_path, "1e-9") == 0
    said = capsys.readouterr().out
    assert said.startswith("nothing-found")
    assert "fit.html" in said
    found = {p.relative_to(tmp_path / "run").as_posix() for p in (tmp_path / "run").rglob("*") if p.is_file()}
    files = {"model.npz", "fit.json", "fit.html", "problem.toml", "audit/result.json", "audit/report.html"}
    assert files <= found
    saved = json.loads((tmp_path / "run/fit.json").read_text())
    assert saved["schema"] == "supnorm.fit/1"
    assert saved["audit"]["sup"]["lower"] <= saved["winner"]["sup"]["lower"]
    html = (tmp_path / "run/fit.html").read_text("utf-8")
    assert saved["winner"]["method"] in html
    x = np.array([[0.3, 1.1], [-0.7, 0.2]])
    value = load(tmp_path / "run/model.npz").value(x)[:, 0]
    np.testing.assert_allclose(value, np.sin(3 * x[:, 0]) * np.exp(-x[:, 1]), atol=1e-9)


@pytest.mark.slow
def test_json_is_all_that_is_printed(tmp_path, capsys):
    code = run(tmp_path, "1e-9", "--json", "--method", "random-features", "--max-evaluations", "400")
    document = json.loads(capsys.readouterr().out)
    assert code == document["status"]["exit"] == 1
    assert [c["method"] for c in document["candidates"]] == ["random features"]
    assert document["winner"]["trail"] == []


@pytest.mark.slow
def test_a_proof_of_another_fit_is_set_aside_and_what_has_none_is_named(tmp_path, capsys):
    assert run(tmp_path, "1e-2", "--certify") == 0
    assert (tmp_path / "run" / "certificate.json").exists()
    assert run(tmp_path, "1e-2", "--method", "gaussian-process") == 0
    left = {p.name for p in (tmp_path / "run").glob("certificate.json*")}
    assert left == {"certificate.json.old"}
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(["certify", str(tmp_path / "run" / "problem.toml"), "--out", str(tmp_path / "proof")])
    assert ended.value.code == 2
    assert "certify cannot read the model: gaussian process is run but not read" in capsys.readouterr().err


def test_unknown_methods_are_named(tmp_path, capsys):
    assert run(tmp_path, "1e-9", "--method", "magic") == 2
    assert "--method 'magic' is not known; known are auto, chebyshev" in capsys.readouterr().err


@pytest.mark.slow
def test_a_network_of_two_inputs_comes_with_its_proof(tmp_path, capsys):
    """One command fits, audits and certifies; another one accepts the certificate for the saved problem."""
    problem = Path(__file__).parents[2] / "examples" / "surrogate" / "gaussian.toml"
    options = ["--method", "network", "--certify", "--seed", "7", "--out", str(tmp_path), "--json", "--quiet"]
    with pytest.raises(SystemExit) as ended:
        main(["fit", str(problem), *options])
    assert not ended.value.code
    winner = json.loads(capsys.readouterr().out)["winner"]
    assert winner["method"].startswith("network")
    assert winner["sup"]["lower"] <= winner["sup"]["upper"] <= 1e-6
    model = load(tmp_path / "model.npz")
    x = np.random.default_rng(3).uniform(1.0, 3.0, (100_000, 2))
    truth = np.exp(-((x[:, 0] / x[:, 1]) ** 2) / 2) / (np.sqrt(2 * np.pi) * x[:, 1])
    assert np.abs(model.value(x)[:, 0] - truth).max() <= winner["sup"]["upper"]
    with pytest.raises(SystemExit) as ended:
        main(["check", str(tmp_path / "certificate.json"), "--problem", str(tmp_path / "problem.toml")])
    assert not ended.value.code
    assert capsys.readouterr().out.startswith("ACCEPTED")


@pytest.mark.slow
def test_a_proof_that_is_in_the_folder_is_set_aside_by_that_of_a_fit(shell: Shell) -> None:
    (shell.folder / "curve.py").write_text("import numpy as np\ndef f(x): return np.sin(3 * x[:, 0])\n")
    text = '[reference]\npython = "curve.py:f"\n[error]\ntolerance = 1e-3\n[domain]\nx = [0.0, 1.0]\n'
    (shell.folder / "curve.toml").write_text(text)
    (shell.folder / "run").mkdir()
    (shell.folder / "run" / "certificate.json").write_text("hours of work")
    done = shell.run("fit", "curve.toml", "--method", "chebyshev", "--certify", "--out", "run", "--quiet")
    assert done.code == 0
    assert (shell.folder / "run" / "certificate.json.old").read_text() == "hours of work"
    assert "supnorm.certificate/1" in (shell.folder / "run" / "certificate.json").read_text()
