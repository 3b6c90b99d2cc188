"""A problem file whose inputs are all lists of values, on the command line: every point, and the exit codes."""

from __future__ import annotations

import json

import pytest
from tests.cli.conftest import Shell

LISTS = (
    'a = { low = 0.0, high = 1.0, unit = "m" }\nb = { low = 0.5, high = 2.0 }',
    'a = { values = [0.0, 0.31, 0.9], unit = "m" }\nb = { values = [0.5, 2.0] }',
)


@pytest.mark.sampled(1)
@pytest.mark.parametrize(("tolerance", "code"), [("0.3", 0), ("0.2", 1)])
def test_every_point_decides(shell: Shell, tolerance: str, code: int) -> None:
    shell.write(LISTS, ("tolerance = 0.1", f"tolerance = {tolerance}"))
    done = shell.run("audit", "problem.toml", "--json", "--power", "--out", "run")
    assert done.code == code
    document = json.loads(done.out)
    assert document["search"]["exhaustive"] is True
    assert document["search"]["points"] == 6
    assert document["witness"]["x"]["a"] == 0.31
    assert document["rms"]["kind"] == "exact"
    assert document["power_left_out"]
    assert "no worse point exists" in (shell.folder / "run" / "report.html").read_text()


@pytest.mark.slow
def test_the_summary_says_that_all_points_were_evaluated(shell: Shell) -> None:
    shell.write(LISTS, ("tolerance = 0.1", "tolerance = 0.3"))
    done = shell.run("audit", "problem.toml", "--out", "run")
    assert done.code == 0
    assert "WITHIN TOLERANCE AT ALL 6 POINTS, AS COMPUTED" in done.out
    assert "no worse" in done.out
    assert shell.run("replay", "run").code == 0
