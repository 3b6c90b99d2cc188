"""One network, many forms: the same worst error at the same peak, whichever file or object it comes in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from supnorm import AuditReport, audit, open_problem
from supnorm.problem import Problem

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")
Array = NDArray[np.float64]

SOURCE = """
import json
from pathlib import Path
import numpy as np
import jax.numpy as jnp
WEIGHTS = [np.array(w) for w in json.loads((Path(__file__).parent / "weights.json").read_text())]
def network(x):
    w1, b1, w2, b2, w3, b3 = WEIGHTS
    h = jnp.tanh(x @ w1.T + b1)
    h = jnp.tanh(h @ w2.T + b2)
    return h @ w3.T + b3
"""
NUMPY = SOURCE.replace("import jax.numpy as jnp", "").replace("jnp.", "np.")
TRUTH = """
import jax.numpy as jnp
def truth(x):
    return jnp.sin(2 * x[:, 0]) * x[:, 1] + 0.3 * x[:, 2] ** 2
"""
MODULE = """
import torch
from pathlib import Path
def network():
    module = torch.nn.Sequential(
        torch.nn.Linear(3, 16), torch.nn.Tanh(), torch.nn.Linear(16, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1)
    ).to(torch.{dtype})
    module.load_state_dict(torch.load(Path(__file__).parent / "state.pth", weights_only=True))
    return module.eval()
"""
PROBLEM = """
[model]
{model}
[reference]
python = "{truth}"
[domain]
a = {{ low = -1.0, high = 1.0 }}
b = {{ low = 0.0, high = 2.0 }}
c = {{ low = -1.0, high = 1.0 }}
"""
FORMS = {
    "nn.Module": 'python = "module.py:network"',
    ".pt2": 'file = "net.pt2"',
    "TorchScript": 'file = "net.pt"',
    "ONNX": 'file = "net.onnx"',
    "JAX": 'python = "in_jax.py:network"',
    "NumPy": 'python = "in_numpy.py:network"',
}


@pytest.fixture(scope="module", params=["float64", "float32"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The same weights in every form."""
    import json
    import warnings

    home, precision = tmp_path_factory.mktemp(request.param), request.param
    torch.manual_seed(3)
    dtype = getattr(torch, precision)
    module = torch.nn.Sequential(
        torch.nn.Linear(3, 16),
        torch.nn.Tanh(),
        torch.nn.Linear(16, 16),
        torch.nn.Tanh(),
        torch.nn.Linear(16, 1),
    ).to(dtype)
    with torch.no_grad():
        for p in module.parameters():
            p.mul_(2.0)
    module.eval()
    weights = [p.detach().double().numpy().tolist() for p in module.parameters()]
    (home / "weights.json").write_text(json.dumps(weights))
    torch.save(module.state_dict(), home / "state.pth")
    (home / "module.py").write_text(MODULE.format(dtype=precision))
    (home / "in_jax.py").write_text(SOURCE)
    (home / "in_numpy.py").write_text(NUMPY)
    (home / "truth.py").write_text(TRUTH)
    x = (torch.zeros(4, 3, dtype=dtype),)
    free = ({0: torch.export.Dim("n")},)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exported = torch.export.export(module, x, dynamic_shapes=free)
        torch.export.save(exported, home / "net.pt2")
        torch.jit.trace(module, x).save(str(home / "net.pt"))
        torch.onnx.export(exported, (), str(home / "net.onnx"), dynamo=True, external_data=False)
    return home, precision


def audited(home: Path, form: str, gradients: bool) -> AuditReport:
    path = home / "problem.toml"
    path.write_text(PROBLEM.format(model=FORMS[form], truth="truth.py:truth"))
    problem: Problem = open_problem(path, trust=True)
    if not gradients:
        model, reference = (replace(f, vjp=None) for f in (problem.model, problem.reference))
        problem = replace(problem, model=model, reference=reference)
    return audit(problem, evaluations=3000, seed=0)


@pytest.fixture(scope="module")
def reports(folder: tuple[Path, str]) -> tuple[str, dict[Any, AuditReport]]:
    home, precision = folder
    pairs = [(form, True) for form in FORMS] + [(form, False) for form in ("nn.Module", "ONNX", "NumPy")]
    return precision, {(form, gradients): audited(home, form, gradients) for form, gradients in pairs}


@pytest.mark.slow
@pytest.mark.xdist_group("same model")
def test_every_form_has_the_same_worst_error_at_the_same_peak(
    reports: tuple[str, dict[Any, AuditReport]],
) -> None:
    precision, found = reports
    exact = found["NumPy", True].worst
    assert exact is not None
    allowed = 1e-9 if precision == "float64" else 1e-5
    for (form, gradients), report in found.items():
        assert report.worst is not None
        # NumPy and JAX run the float32 weights in float64: then the rounding of float32 lies between them.
        assert report.worst.error == pytest.approx(exact.error, rel=allowed, abs=allowed), (form, gradients)
        # Near a smooth peak an error of eps moves the point by sqrt(eps).
        np.testing.assert_allclose(report.worst.x, exact.x, atol=10 * np.sqrt(allowed), err_msg=form)


@pytest.mark.slow
@pytest.mark.xdist_group("same model")
def test_every_form_that_can_has_derivatives_and_says_its_precision(
    reports: tuple[str, dict[Any, AuditReport]],
) -> None:
    precision, found = reports
    for (form, gradients), report in found.items():
        expected = "none" if not gradients or form == "NumPy" else "both"
        assert report.document["gradients"] == expected, form
        runs = "float64" if form in ("JAX", "NumPy") else precision
        assert report.document["model"]["precision"] == runs, form
        noted = any("float32" in note for note in report.document["notes"])
        assert noted == (runs == "float32"), form
