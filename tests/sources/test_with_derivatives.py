"""`with_derivatives` in a problem file: the source's own derivatives, or declared differences; saved and read back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from supnorm import audit, open_problem, save_problem
from supnorm.results import BadInput

CODE = """
import numpy as np
import jax.numpy as jnp
def smooth(x): return jnp.sin(3 * x[:, 0]) * x[:, 1]
def ripple(x): return jnp.sin(3 * x[:, 0]) * x[:, 1] + 1e-3 * jnp.sin(40 * x[:, 0])
def plain(x): return np.sin(3 * x[:, 0]) * x[:, 1]
"""
FILE = """
[model]
python = "code.py:ripple"
outputs = ["y"]
with_derivatives = {model}
[reference]
python = "code.py:{name}"
outputs = ["y"]
with_derivatives = {reference}
[error]
kind = "absolute"
[domain]
a = {{ low = 0.0, high = 1.0 }}
b = {{ low = 0.0, high = 2.0 }}
"""


def written(folder: Path, model: str, name: str, reference: str) -> Path:
    (folder / "code.py").write_text(CODE)
    path = folder / "problem.toml"
    path.write_text(FILE.format(model=model, name=name, reference=reference))
    return path


@pytest.mark.parametrize(
    ("model", "name", "reference"),
    [("true", "smooth", "true"), ("true", "plain", "1e-5"), ("1e-5", "plain", "1e-5")],
)
def test_the_worst_derivative_is_found(tmp_path: Path, model: str, name: str, reference: str) -> None:
    problem = open_problem(written(tmp_path, model, name, reference))
    report = audit(problem, evaluations=3000)
    assert report.worst is not None
    assert report.worst.error == pytest.approx(0.04, rel=1e-2)  # 1e-3 * 40
    assert [o["name"] for o in report.document["outputs"]] == ["y", "dy/da", "dy/db"]
    assert report.document["outputs"][report.worst.output]["name"] == "dy/da"
    (tmp_path / "again").mkdir()
    save_problem(problem, tmp_path / "again" / "problem.toml")
    again = open_problem(tmp_path / "again" / "problem.toml")
    x = np.array([[0.3, 1.2], [0.9, 0.1]])
    np.testing.assert_array_equal(again.model(x), problem.model(x))
    assert again.model(x).shape == (2, 3)


def test_a_source_without_derivatives_asks_for_a_step(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"\[reference\] with_derivatives = true: .* with_derivatives = 1e-4"):
        open_problem(written(tmp_path, "true", "plain", "true"))
    with pytest.raises(BadInput, match="share of each axis"):
        open_problem(written(tmp_path, "true", "plain", "0.5"))
    with pytest.raises(BadInput, match="with_derivatives"):
        open_problem(written(tmp_path, '"yes"', "plain", "true"))
