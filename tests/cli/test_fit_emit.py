"""``supnorm fit --emit``: the fitted model as source, beside the run."""

from __future__ import annotations

import pytest
from tests.cli.conftest import Shell


@pytest.mark.slow
def test_the_source_is_written_beside_the_model(shell: Shell) -> None:
    pytest.importorskip("onnx")
    given = shell.run(
        "fit", "problem.toml", "--tolerance", "0.05", "--emit", "c,fortran,onnx", "--out", "run"
    )
    assert given.code == 0
    assert "void supnorm_model(const double *x, double *y)" in (shell.folder / "run/model.c").read_text()
    assert "subroutine supnorm_model(x, y)" in (shell.folder / "run/model.F90").read_text()
    assert (shell.folder / "run/model.onnx").stat().st_size > 0
    assert "--emit c,fortran,onnx" in (shell.folder / "run/fit.json").read_text()


def test_another_format_is_refused_before_anything_runs(shell: Shell) -> None:
    given = shell.run("fit", "problem.toml", "--emit", "cobol")
    assert given.code == 2
    assert "--emit must be c, fortran, onnx or several of them (c,onnx), got 'cobol'" in given.line
    assert not list(shell.folder.glob("*-fit"))
