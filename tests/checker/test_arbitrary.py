"""A check in balls of arbitrary precision alone: NumPy may be absent, and the verdicts are the same."""

import json
import os
import subprocess
import sys

import jax.numpy as jnp
import pytest
from flint import ctx

from supnorm.certification import GradedCertificate, certify
from supnorm.certification.certificate import digest
from supnorm.certification.graded_rule import rule
from supnorm.checker import check
from supnorm.checker.document import read
from supnorm.checker.forecast import cost_of
from supnorm.checker.graded_rule import verify_rule
from supnorm.problem import Domain, Problem

WITHOUT_NUMPY = """
import sys
sys.modules["numpy"] = None
from supnorm.checker import check
for path in sys.argv[1:]:
    result = check(path, arbitrary=True)
    print(int(result.accepted), result.reason.replace(chr(10), " "))
assert not any(name.startswith("numpy.") for name in sys.modules)
"""


def _plane(x):
    return jnp.tanh(x[:, 0] + 0.5 * x[:, 1]), jnp.tanh(x[:, 0] - x[:, 1])


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Certificates by interpolants in two inputs, and by graded models with node rules in three."""
    folder = tmp_path_factory.mktemp("files")
    flat = Problem(
        lambda x: _plane(x)[0] + 0.3 * _plane(x)[1],
        lambda x: jnp.sin(x[:, 0]),
        Domain(x=(0.0, 1.0), y=(0.0, 1.0)),
    )
    certify(flat, 1.2).certificate.save(folder / "flat.json")
    solid = Problem(
        lambda x: jnp.tanh(x[:, 0] + 0.4 * jnp.tanh(x[:, 1] - x[:, 2])),
        lambda x: jnp.sin(x[:, 0]) + 0.1 * x[:, 1],
        Domain(x=(0.0, 1.0), y=(0.0, 1.0), z=(0.0, 1.0)),
    )
    certify(solid, 1.3, strategy=GradedCertificate()).certificate.save(folder / "solid.json")
    assert json.loads((folder / "solid.json").read_text())["graded_rules"]
    return folder


def _forged(path, to):
    """The claims of all leaves, and of the file, lowered to the lower bound: some of them are false then."""
    data = json.loads(path.read_text())
    less = float.fromhex(data["lower"])
    data["leaves"]["upper"] = [min(float.fromhex(v), less).hex() for v in data["leaves"]["upper"]]
    data["upper"] = less.hex()
    data["digest"] = digest(data)
    to.write_text(json.dumps(data))
    return to


@pytest.mark.slow
@pytest.mark.parametrize("name", ["flat", "solid"])
def test_no_module_of_numpy_is_needed(files, tmp_path, name):
    paths = [files / f"{name}.json", _forged(files / f"{name}.json", tmp_path / "forged.json")]
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT_NUMPY, *map(str, paths)],
        env=dict(os.environ),
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    good, bad = ended.stdout.splitlines()
    assert good.startswith("1")
    assert "80-bit ball arithmetic alone" in good
    assert bad.startswith("0 leaf")


def test_nothing_is_computed_in_float64(files, monkeypatch):
    for name in ("outputs", "all_values"):
        monkeypatch.setattr(f"supnorm.checker.batch.{name}", lambda *_: pytest.fail("values in float64"))
    result = check(files / "flat.json", arbitrary=True)
    assert result.accepted, result.reason


@pytest.mark.parametrize(("d", "D"), [(1, 6), (2, 5), (3, 4)])
def test_the_lebesgue_constant_in_balls_is_that_of_float64(d, D, monkeypatch):
    monkeypatch.setattr(ctx, "prec", 80)
    points = tuple(map(tuple, rule(d, D).representatives.tolist()))
    ours, theirs = (float(verify_rule(d, D, points, arbitrary).lebesgue) for arbitrary in (True, False))
    assert ours <= theirs <= ours * (1.0 + 1e-6)


def test_it_costs_more(files):
    document = read(files / "solid.json")
    assert cost_of(document, arbitrary=True)[0].operations > 1.5 * cost_of(document)[0].operations
