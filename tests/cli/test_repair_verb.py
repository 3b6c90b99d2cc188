"""``supnorm repair``: lines, JSON, files and pages in the folder, exit codes."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.cli.conftest import Shell
from tests.mending.cases import line, peak

import supnorm as sn
from supnorm.cli.folder import demand_none_written_over
from supnorm.networks import save
from supnorm.results import BadInput

CODE = """
import numpy as np
def peak(x):
    return np.sin(2.0 * x[:, 0]) + np.exp(-((x[:, 0] - 0.5) ** 2) / 0.005)
def plain(x):
    return np.sin(2.0 * x[:, 0])
"""
PROBLEM = """
title = "a line"
[model]
{model}
[reference]
python = "truth.py:peak"
[domain]
x = [-1.0, 1.0]
[error]
tolerance = {tolerance}
[audit]
evaluations = 2000
"""


def written(shell: Shell, tolerance: float = 0.05, model: str = 'file = "net.npz"') -> Path:
    save(line()[0], shell.folder / "net.npz")
    (shell.folder / "truth.py").write_text(CODE)
    (shell.folder / "line.toml").write_text(PROBLEM.format(model=model, tolerance=tolerance))
    return shell.folder / "line-repair"


@pytest.mark.slow
def test_a_mended_model_is_written_with_its_pages_and_a_problem_file(shell: Shell) -> None:
    folder = written(shell)
    done = shell.run("repair", "line.toml", "--evaluations", "1500")
    assert done.code == 0, done.err
    assert "mended: The largest error found fell from 1 to" in done.out
    assert "1,500 calls" in done.err
    record = json.loads((folder / "repair.json").read_text())
    assert record["accepted"] is True
    assert record["files"] == ["model.npz"]
    assert record["command"].startswith("supnorm repair line.toml --method auto --evaluations 1500 --seed 0")
    problem = sn.open_problem(folder / "problem.toml")
    grid = np.linspace(-1.0, 1.0, 5001)[:, None]
    found = float(np.abs(problem.model.value(grid)[:, 0] - peak(grid)).max())
    assert found <= 1.05 * record["worst_after"] < 0.05
    page = (folder / "repair.html").read_text()
    for link in re.findall(r'href="([^"#]+)"', page):
        assert (folder / link).exists(), link


@pytest.mark.slow
def test_the_result_is_the_same_with_the_report_of_an_audit_and_as_json(shell: Shell) -> None:
    written(shell)
    shell.run("audit", "line.toml", "--no-power", "--quiet")
    first = shell.run(
        "repair", "line.toml", "--report", "line-run", "--evaluations", "1500", "--json", "--out", "a"
    )
    second = shell.run("repair", "line.toml", "--evaluations", "1500", "--json", "--out", "b")
    one, two = json.loads(first.out), json.loads(second.out)
    assert one["worst_after"] == two["worst_after"]
    assert one["harm"] == two["harm"]


@pytest.mark.slow
def test_a_patch_is_a_part_of_the_problem_file(shell: Shell) -> None:
    folder = written(shell, model='python = "truth.py:plain"')
    done = shell.run("repair", "line.toml", "--evaluations", "2000")
    assert done.code == 0, done.err
    assert 'patches = ["patch-1.npz"' in (folder / "problem.toml").read_text()
    assert "next: supnorm guard line-repair/problem.toml" in done.out
    again = shell.run(
        "audit", "line-repair/problem.toml", "--out", "again", "--evaluations", "2000", "--quiet"
    )
    assert again.code == 0
    assert (
        "Outside the regions the mended model is the old one, bit for bit"
        in (folder / "repair.html").read_text()
    )


@pytest.mark.slow
@pytest.mark.slow
def test_a_repair_that_is_not_accepted_leaves_no_mended_model_of_an_earlier_one(shell: Shell) -> None:
    """Beside "not improved" stood the problem file and the model that an earlier run in the folder had mended."""
    folder = written(shell)
    assert shell.run("repair", "line.toml", "--evaluations", "1500", "--quiet").code == 0
    assert (folder / "model.npz").exists()
    short = ("--method", "patch", "--evaluations", "500", "--seconds", "1", "--quiet")
    shell.run("repair", "line.toml", *short)
    record = json.loads((folder / "repair.json").read_text())
    assert "model.npz" not in record["files"]
    assert not (folder / "model.npz").exists()
    assert (folder / "problem.toml").exists() == record["accepted"]


@pytest.mark.parametrize("verb", ["audit", "repair", "guard", "fit", "certify"])
def test_a_run_writes_over_no_file_of_its_own_problem(shell: Shell, verb: str) -> None:
    """`--out .` replaced the user's problem file by a copy without its comments, and a network by the mended one."""
    written(shell)
    own = shell.folder / "own"
    own.mkdir()
    (own / "model.npz").write_bytes((shell.folder / "net.npz").read_bytes())
    (own / "truth.py").write_text(CODE)
    text = "# mine\n" + PROBLEM.format(model='file = "model.npz"', tolerance=0.05)
    (own / "problem.toml").write_text(text)
    done = shell.run(verb, "own/problem.toml", "--out", "own")
    assert done.code == 2
    assert "problem.toml, a file of this problem" in done.line
    (own / "problem.toml").rename(shell.folder / "mine.toml")
    (shell.folder / "mine.toml").write_text(
        text.replace("model.npz", "own/model.npz").replace("truth.py", "own/truth.py")
    )
    assert "model.npz, a file of this problem" in shell.run(verb, "mine.toml", "--out", "own").line
    assert sorted(path.name for path in own.iterdir()) == ["model.npz", "truth.py"]


@pytest.mark.parametrize("name", ["supmap.nc", "events.csv", "cells.json", "outputs.csv", "repair.json"])
def test_files_of_results_are_no_place_for_files_of_a_problem(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("x,y\n0,0\n1,1\n")
    one = sn.Problem(lambda x: x[:, 0], lambda x: x[:, 0], sn.Domain(x=(0.0, 1.0)))
    problem = replace(one, files={tmp_path / name: ""})
    with pytest.raises(BadInput, match=f"has {name}, a file of this problem"):
        demand_none_written_over(tmp_path, problem)


def test_what_cannot_be_used_is_refused_in_one_line(shell: Shell) -> None:
    written(shell, model='python = "truth.py:plain"')
    for options, words in (
        (("--method", "exchange"), "nothing that can be trained"),
        (("--method", "none"), "--method must be auto, exchange, patch or residual"),
        (("--report", "nowhere"), "nowhere"),
        (("--evaluations", "3"), "--evaluations"),
    ):
        done = shell.run("repair", "line.toml", *options)
        assert done.code == 2, options
        assert len(done.err.strip().splitlines()[-1]) < 400
        assert words in done.err
        assert "Traceback" not in done.err


@pytest.mark.slow
def test_the_folder_of_an_audit_is_refused(shell: Shell) -> None:
    written(shell)
    shell.run("audit", "line.toml", "--no-power", "--quiet", "--evaluations", "500")
    done = shell.run("repair", "line.toml", "--out", "line-run", "--evaluations", "500")
    assert done.code == 2
    assert "has an audit (result.json)" in done.err
