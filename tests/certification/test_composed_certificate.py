"""Certificates by Chebyshev models from end to end: sound against arbitrary precision, accepted by the checker, anytime."""

import json

import formulas
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import oracle
import pytest

from supnorm.certification import ChebyshevCertificate, ComposedCertificate, certify
from supnorm.certification.certificate import digest
from supnorm.checker import check
from supnorm.problem import Axis, Domain, ErrorMeasure, Problem
from supnorm.results import BadInput, Contradiction

LN10 = 2.302585092994046


def haaland(x):
    return (-1.8 / LN10 * jnp.log((x[:, 1] / 3.7) ** 1.11 + 6.9 / x[:, 0])) ** -2.0


def colebrook(x):
    """Newton's steps for y = -2 log10(k/3.7 + 2.51 y/Re), written out."""
    k, s = x[:, 1] / 3.7, 2.51 / x[:, 0]
    y = -1.8 / LN10 * jnp.log(k**1.11 + 6.9 / x[:, 0])
    for _ in range(3):
        z = k + s * y
        y = y - (y + 2.0 / LN10 * jnp.log(z)) / (1.0 + 2.0 * s / (LN10 * z))
    return y**-2.0


PIPES = Domain(Re=Axis(4e3, 1e8, scale="log"), k=Axis(1e-6, 0.05, scale="log"))
RELATIVE = ErrorMeasure("relative", floor=0.0)


def worst(result, count, seed):
    """The largest error at random points, the worst of them again in 40 digits."""
    error = result.certificate.error
    t = error.low + (error.high - error.low) * np.random.default_rng(seed).random((20_000, error.d))
    with np.errstate(all="ignore"):
        each = np.stack([error.one_sided(p.value(t)) for p in error.alternatives]).min(0).max(1)
    found = mp.mpf(0)
    with mp.workdps(40):
        for row in np.argsort(np.nan_to_num(each))[-count:]:
            point = [mp.mpf(float(v)) for v in t[row]]
            values = [oracle.evaluate(p, point)[0] for p in error.alternatives]
            sizes = [
                abs(v) if error.side == "both" else max(v if error.side == "over" else -v, 0) for v in values
            ]
            found = max(found, min(sizes))
    return found


def _case(seed, tmp_path, dimensions, proved_again=True):
    problem, label = formulas.random_formulas(seed, dimensions)
    result = certify(problem, 1.2, strategy=ComposedCertificate(), boxes=60)
    assert worst(result, 20, seed) <= result.upper, label
    if proved_again:
        result.certificate.save(tmp_path / "c.json")
        verdict = check(tmp_path / "c.json")
        assert verdict.accepted, (label, verdict.reason)
    return result.status.code == "proved"


@pytest.mark.slow
def test_random_formulas_quickly(tmp_path):
    """Bounds hold, and the checker proves every one again."""
    assert [_case(seed, tmp_path, (1,)) for seed in (1, 5)] == [True, True]


@pytest.mark.slow
@pytest.mark.parametrize("dimensions", [(1,), (2,), (3,), (4,)])
def test_random_formulas(tmp_path, dimensions):
    seeds = range(100, 110)
    proved = [_case(seed, tmp_path, dimensions, dimensions < (3,) and seed % 4 == 0) for seed in seeds]
    assert sum(proved) >= 3  # others need more boxes


@pytest.mark.slow
def test_pipe_friction(tmp_path):
    """The reason for these models: Haaland against Colebrook, both on log axes, in 300 boxes."""
    result = certify(
        Problem(haaland, colebrook, PIPES, RELATIVE), 1.1, strategy=ComposedCertificate(), boxes=300
    )
    assert result.status.code == "proved"
    assert 0.0142 < result.lower <= result.upper < 1.1 * 0.01425
    other = certify(
        Problem(haaland, colebrook, PIPES, RELATIVE), 1.1, strategy=ChebyshevCertificate(), boxes=3000
    )
    assert other.status.code != "proved"


def test_a_leaf_says_that_it_is_by_chebyshev_models(tmp_path):
    problem = Problem(jnp.exp, lambda x: 1.0 + x + 0.5 * x**2, Domain(x=(-1.0, 1.0)))
    result = certify(problem, 1.01, strategy=ComposedCertificate())
    columns = result.certificate.to_json()["leaves"]
    assert all(rho == [0.0] for rho in columns["rho"])
    assert all(n[0] in (6, 12, 18) for n in columns["degree"])


@pytest.mark.slow
def test_interrupted_and_resumed(tmp_path):
    problem = Problem(haaland, colebrook, PIPES, RELATIVE)

    def stop(event):
        if event.boxes > 40:
            raise KeyboardInterrupt

    first = certify(problem, 1.1, strategy=ComposedCertificate(), observer=stop)
    assert first.status.code == "interrupted"
    assert first.lower < first.upper
    first.certificate.save(tmp_path / "half.json")
    verdict = check(tmp_path / "half.json")
    assert verdict.accepted, verdict.reason
    second = certify(problem, 1.1, strategy=ComposedCertificate(), resume=tmp_path / "half.json")
    assert second.status.code == "proved"
    second.certificate.save(tmp_path / "whole.json")
    assert check(tmp_path / "whole.json").accepted


@pytest.mark.slow
def test_bounds_of_a_saved_certificate_are_proved_again(tmp_path):
    """The one that is not what its proof gives is named."""
    problem = Problem(lambda x: haaland(x) * (1.0 + 0.01 * jnp.log(x[:, 0])), haaland, PIPES, RELATIVE)
    certify(problem, 1.1, strategy=ComposedCertificate()).certificate.save(tmp_path / "c.json")
    again = certify(problem, 1.1, resume=tmp_path / "c.json", boxes=0)
    assert again.status.code == "proved"
    data = json.loads((tmp_path / "c.json").read_text())
    lower = float.fromhex(data["lower"])
    bounds = [float.fromhex(v) for v in data["leaves"]["upper"]]
    data["leaves"]["upper"] = [(v if v >= lower else 0.8 * v).hex() for v in bounds]
    data["digest"] = digest(data)
    (tmp_path / "c.json").write_text(json.dumps(data))
    with pytest.raises(BadInput, match="does not follow"):
        certify(problem, 1.1, resume=tmp_path / "c.json", boxes=0)


@pytest.mark.slow
def test_four_inputs(tmp_path):
    """The gas law of van der Waals against its virial expansion, on four axes."""

    def waals(x):
        n, V, T, a = x[:, 0], x[:, 1], x[:, 2], x[:, 3]
        return 8.314 * n * T / (V - 0.04 * n) - a * n**2 / V**2

    def virial(x):
        n, V, T, a = x[:, 0], x[:, 1], x[:, 2], x[:, 3]
        return 8.314 * n * T / V * (1.0 + (0.04 - a / (8.314 * T)) * n / V + (0.04 * n / V) ** 2)

    domain = Domain(n=(0.5, 2.0), V=Axis(0.5, 5.0, scale="log"), T=(250.0, 400.0), a=(0.1, 0.4))
    result = certify(
        Problem(virial, waals, domain, RELATIVE), 1.1, strategy=ComposedCertificate(), boxes=3000
    )
    assert result.status.code == "proved"
    assert worst(result, 5, 0) <= result.upper


@pytest.mark.parametrize("honest", [True, False])
def test_rounding_of_values_enters_the_bound(honest, monkeypatch):
    """1e-9 x beside 1e8: float64 evaluates to zero everywhere, but the error is not zero."""
    from dataclasses import replace

    from supnorm.certification import composed_certificate

    problem = Problem(
        lambda x: (1e-9 * x[:, 0] + 1e8) - 1e8 + 0.0 * jnp.sin(x[:, 0]), lambda x: 0.0 * x[:, 0],
        Domain(x=(0.5, 1.0)),
    )  # fmt: skip
    if not honest:
        whole = composed_certificate.enclose
        monkeypatch.setattr(
            composed_certificate,
            "enclose",
            lambda *args: replace(m := whole(*args), err=0.0 * m.err, rem=0.0 * m.rem),
        )
        monkeypatch.setattr(composed_certificate.chebyshev, "transform_rounding", lambda n, d, v: 0.0 * v)
        with pytest.raises(Contradiction):  # the error at the witness is proved in ball arithmetic
            certify(problem, 1.01, strategy=ComposedCertificate(), boxes=20)
        return
    assert certify(problem, 1.01, strategy=ComposedCertificate(), boxes=20).upper >= 1e-9


def test_rounding_is_told_apart_from_difficulty():
    """Where float64 stands in the way, boxes are not split for ever."""
    problem = Problem(
        lambda x: jnp.log(1.0 + x[:, 0]), lambda x: np.log1p(x[:, 0]) * (1.0 + 1e-16), Domain(x=(0.5, 9.0))
    )
    result = certify(problem, 1.1, strategy=ComposedCertificate(), boxes=4000)
    assert "rounding" in result.status.advice
    assert result.upper < 1e-12
    assert result.tried < 1000


def test_what_cannot_be_bounded_is_refused():
    with pytest.raises(BadInput):
        ComposedCertificate(degrees=((1,), (5,), (5,), (5,)))
    with pytest.raises(BadInput):
        ComposedCertificate(degrees=((5,),))
    five = Domain.from_axes({f"x{i}": (0.0, 1.0) for i in range(5)})
    with pytest.raises(BadInput, match="at most 4"):
        certify(Problem(lambda x: x.sum(1), lambda x: x[:, 0], five), 1.1, strategy=ComposedCertificate())
