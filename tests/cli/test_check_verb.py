"""``supnorm check --problem`` ties a certificate to the problem: its values and its whole domain."""

from __future__ import annotations

from pathlib import Path

import pytest

from supnorm.cli.check import progress
from supnorm.cli.main import run

pytest.importorskip("flint")
CODE = """
import jax.numpy as jnp
def model(x): return x[:, 0] - x[:, 0] ** 3 / 6
def other(x): return x[:, 0] - x[:, 0] ** 3 / 5
def sine(x): return jnp.sin(x[:, 0])
"""


def problem(folder: Path, name: str, model: str, high: float) -> Path:
    (folder / "truth.py").write_text(CODE)
    path = folder / name
    path.write_text(
        f'[model]\npython = "truth.py:{model}"\n[reference]\npython = "truth.py:sine"\n'
        f"[domain]\nx = {{ low = 0.0, high = {high} }}\n"
    )
    return path


def test_a_certificate_is_accepted_for_its_own_problem_only(tmp_path: Path) -> None:
    own = problem(tmp_path, "own.toml", "model", 0.5)
    out = tmp_path / "run"
    assert run(["certify", str(own), "--out", str(out), "--quiet"]) == 0
    file = str(out / "certificate.json")
    assert run(["check", file]) == 0
    assert run(["check", file, "--problem", str(own)]) == 0
    wider = problem(tmp_path, "wider.toml", "model", 1.0)
    assert run(["check", file, "--problem", str(wider)]) == 1
    narrower = problem(tmp_path, "narrower.toml", "model", 0.25)
    assert run(["check", file, "--problem", str(narrower)]) == 1
    changed = problem(tmp_path, "changed.toml", "other", 0.5)
    assert run(["check", file, "--problem", str(changed)]) == 1


def test_a_file_that_is_no_certificate_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "cert.json").write_text("garbage")
    assert run(["check", str(tmp_path / "cert.json")]) == 1
    assert run(["check", str(tmp_path / "absent.json")]) == 2


def test_progress_counts_leaves_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    tell = progress(every=0.0)
    for done in range(1, 5):
        tell(done, 4)
    said = capsys.readouterr()
    assert said.out == ""
    lines = said.err.splitlines()
    assert [line.split(" leaves")[0].strip() for line in lines] == ["2 of 4", "3 of 4"]


def test_quiet_says_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = problem(tmp_path, "own.toml", "model", 0.5)
    assert run(["certify", str(own), "--out", str(tmp_path / "run"), "--quiet"]) == 0
    capsys.readouterr()
    assert run(["check", str(tmp_path / "run" / "certificate.json"), "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
