"""Chebyshev models in the checker: its own rules hold, and it accepts neither smaller bounds nor other proofs."""

import hashlib
import json
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import acb, arb, ctx

from supnorm.certification import ComposedCertificate, certify
from supnorm.checker import check, composed
from supnorm.checker.composed import Feature
from supnorm.checker.enclosure import Program
from supnorm.checker.functions import remainder
from supnorm.checker.node_rows import Grid
from supnorm.checker.operation import program as read_program
from supnorm.checker.polynomial import along_axes
from supnorm.problem import Axis, Domain, ErrorMeasure, Problem, with_bound
from supnorm.program import lower_jaxpr

TWO = Domain(x=Axis(0.1, 20.0, scale="log"), y=(0.5, 2.0))
RELATIVE = ErrorMeasure("relative", floor=0.0)


def law(x):
    return (x[:, :1] ** 0.8 + 2.0 / x[:, :1]) ** -0.5 * jnp.log(3.0 + x[:, 1:] * x[:, :1])


def near(x):
    return law(x) * (1.0 + 0.01 * jnp.sin(x[:, 1:] * 3.0)) + 0.002 * jnp.abs(x[:, 1:] - 1.0)


PROBLEM = Problem(near, law, TWO, RELATIVE)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("composed") / "c.json"
    result = certify(PROBLEM, 1.3, strategy=ComposedCertificate())
    assert result.status.code == "proved"
    result.certificate.save(path)
    return json.loads(path.read_text())


def verdict(data, path):
    rest = {k: v for k, v in data.items() if k != "digest"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    path.write_text(json.dumps(rest | {"digest": hashlib.sha256(text.encode()).hexdigest()}))
    return check(path)


def copied(data):
    return json.loads(json.dumps(data))


@pytest.mark.slow
def test_an_honest_file_is_accepted(data, tmp_path):
    began = time.process_time()  # of this process alone: what else the machine does is no part of it
    found = verdict(copied(data), tmp_path / "c.json")
    took = time.process_time() - began
    assert found.accepted, found.reason
    assert 0.1 < found.cost.seconds / took < 10.0


@pytest.mark.slow
def test_smaller_bounds_are_rejected(data, tmp_path):
    """Of any leaf by a tenth of its remainder and more: the file claims nearly what can be proved."""
    count = len(data["leaves"]["upper"])
    for k in range(0, count, max(count // 8, 1)):
        forged = copied(data)
        forged["leaves"]["upper"][k] = (0.7 * float.fromhex(forged["leaves"]["upper"][k])).hex()
        forged["leaves"]["level"] = data["leaves"]["level"]
        found = verdict(forged, tmp_path / "c.json")
        assert not found.accepted
        assert found.leaf == k


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_a_smaller_degree_proves_less(data, tmp_path, degree):
    forged = copied(data)
    forged["leaves"]["degree"] = [[degree] for _ in forged["leaves"]["degree"]]
    forged["leaves"]["grid"] = [[0] for _ in forged["leaves"]["grid"]]
    assert not verdict(forged, tmp_path / "c.json").accepted


def test_a_larger_cell_proves_less(data, tmp_path):
    """All leaves by the proof of the whole box."""
    forged = copied(data)
    forged["leaves"]["proof_level"] = [[0, 0] for _ in forged["leaves"]["level"]]
    assert not verdict(forged, tmp_path / "c.json").accepted


@pytest.mark.parametrize("rho", [1.0, -1.0, 0.5, 1e7])
def test_no_other_number_stands_for_chebyshev_models(data, tmp_path, rho):
    forged = copied(data)
    forged["leaves"]["rho"][0] = [rho]
    found = verdict(forged, tmp_path / "c.json")
    assert not found.accepted
    assert "cannot be used" in found.reason


def test_they_are_not_for_functions_that_are_only_evaluated(tmp_path):
    problem = Problem(
        lambda x: jnp.sin(x) + 0.01 * x,
        with_bound(lambda x: np.sin(np.array(x.tolist())), 4.0, stretch=2.0),
        Domain(x=(-1.0, 1.0)),
    )
    certify(problem, 1.5).certificate.save(tmp_path / "c.json")
    forged = json.loads((tmp_path / "c.json").read_text())
    forged["leaves"]["rho"] = [[0.0] for _ in forged["leaves"]["rho"]]
    found = verdict(forged, tmp_path / "c.json")
    assert not found.accepted
    assert "for programs" in found.reason


def test_a_huge_leaf_is_refused_before_it_is_proved(data, tmp_path):
    forged = copied(data)
    forged["leaves"]["degree"][0], forged["leaves"]["grid"][0] = [4000], [0]
    assert not verdict(forged, tmp_path / "c.json").accepted


@pytest.mark.slow
def test_long_chains_of_logarithms_are_read(tmp_path):
    def chain(x):
        total = x
        for k in range(200):
            total = total + 1.0 / (k + 1.0)
        return jnp.log(total)

    problem = Problem(chain, lambda x: 2.0 + 0.0 * x, Domain(x=Axis(0.1, 2.0, scale="log")))
    result = certify(problem, 1.1, strategy=ComposedCertificate())
    result.certificate.save(tmp_path / "c.json")
    assert check(tmp_path / "c.json").accepted


# -- the rules of the checker, against values ------------------------------------------------------------------

FORMULAS = {
    "rational": (lambda x: (x[:, 0] ** 3 - 0.5 * x[:, 1]) / (2.2 + x[:, 0] * x[:, 1]), 1.0),
    "functions": (lambda x: jnp.tanh(2 * x[:, 0]) * jnp.exp(x[:, 1]) + jax.scipy.special.erf(x[:, 0] + x[:, 1]), 0.7),
    "kinks": (lambda x: jnp.maximum(x[:, 0], jnp.abs(x[:, 1]) - 0.2) * (1.5 + x[:, 1]), 1.0),
    "sums of exponentials": (lambda x: jnp.log(jnp.exp(2 * x[:, 0]) + 0.3 * jnp.exp(-x[:, 1])), 0.8),
    "differences of exponentials": (lambda x: jnp.log(jnp.exp(x[:, 0] + 2.0) - jnp.exp(-x[:, 1])), 0.9),
    "products of exponentials": (lambda x: jnp.log(jnp.exp(x[:, 0]) * (2.0 + jnp.sin(2 * x[:, 1]))), 1.2),
    "relative to exponentials": (
        lambda x: (jnp.exp(1.5 * x[:, 0]) - jnp.exp(x[:, 0] + x[:, 1])) / jnp.exp(x[:, 0] + x[:, 1]), 1.2),
    "chains": (lambda x: jnp.exp(1e-3 * jnp.exp(2.0 * jnp.sin(3.0 * x[:, 0] + x[:, 1]))), 0.8),
}  # fmt: skip


def excess(name, n=3, size=1.0):
    """How far values are from the interpolant, beyond the remainder, on a box around 0; minus 1 without a bound."""
    f, half = FORMULAS[name][0], size * FORMULAS[name][1]
    source = lower_jaxpr(lambda x: f(x)[:, None], 2)
    old, ctx.prec = ctx.prec, 80
    try:
        program = Program.of(read_program(source.to_json()))
        g = Grid(n, 2)
        (found,) = composed.enclose(program, [arb(0), arb(0)], [arb(half), arb(half)], g)
        if found.rem is None:
            return -1.0
        a = np.array([float(v.mid()) for v in along_axes(g.transform, found.row, 2)]).reshape(n + 1, n + 1)
        rem = float(found.rem.upper())
    finally:
        ctx.prec = old
    y = np.random.default_rng(1).uniform(-1, 1, (4000, 2))
    y[:8] = [[i, j] for i in (-1, 1) for j in (-1, 1)] * 2
    off = np.abs(source.value(half * y)[:, 0] - np.polynomial.chebyshev.chebval2d(y[:, 0], y[:, 1], a)).max()
    return off - rem - 1e-12


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", FORMULAS)
def test_the_remainder_holds(name):
    found = [excess(name, n, size) for n in (2, 3, 6) for size in (1.0, 0.5, 0.25)]
    assert max(found) <= 0.0
    assert found.count(-1.0) <= 6  # most boxes have a bound


def _exact(feature):
    return (
        feature
        if feature is None or feature.rem is None
        else Feature(feature.grid, feature.row, arb(0), feature.log)
    )


def _rule_without_remainder(monkeypatch, rule):
    honest = getattr(composed, rule)
    monkeypatch.setattr(composed, rule, lambda *args: _exact(honest(*args)))


def _small_tails(monkeypatch):
    honest = composed._tail

    def weak(*args):
        found = honest(*args)
        return found if found is None else found * arb("0.01")

    monkeypatch.setattr(composed, "_tail", weak)


def _no_slopes(monkeypatch):
    monkeypatch.setattr(composed, "largest_slope", lambda *args: arb(0))


MUTANTS = {
    "interpolation of functions": (_small_tails, "functions"),
    "slopes": (_no_slopes, "chains"),
    "products": (lambda m: _rule_without_remainder(m, "multiply"), "rational"),
    "kinks": (lambda m: _rule_without_remainder(m, "relu"), "kinks"),
    "logarithms of sums": (lambda m: _rule_without_remainder(m, "_log_of_sum"), "sums of exponentials"),
    "logarithms of differences": (
        lambda m: _rule_without_remainder(m, "_log_of_difference"), "differences of exponentials"),
    "logarithms of products": (lambda m: _rule_without_remainder(m, "_log_of_product"), "products of exponentials"),
    "logarithms": (lambda m: _rule_without_remainder(m, "_positive_log"), "products of exponentials"),
    "quotients": (lambda m: _rule_without_remainder(m, "divide"), "relative to exponentials"),
}  # fmt: skip


@pytest.mark.parametrize("name", MUTANTS)
def test_a_weakened_rule_would_accept_what_is_false(name, monkeypatch):
    mutate, formula = MUTANTS[name]
    mutate(monkeypatch)
    assert any(excess(formula, n, size) > 0.0 for n in (2, 3, 4) for size in (1.0, 0.5, 0.25))


def test_exponentials_of_huge_negative_numbers_have_a_bound(tmp_path):
    """e^r - 1 - r is too large for a ball, e^(c + r) is not: the certifier's bound was not proved again."""
    problem = Problem(lambda x: x + jnp.exp(-1e290 * (2.0 + x)), lambda x: 0.9 * x, Domain(x=(-1.0, 1.0)))
    result = certify(problem, 1.1, strategy=ComposedCertificate())
    assert result.status.code == "proved"
    result.certificate.save(tmp_path / "c.json")
    found = check(tmp_path / "c.json")
    assert found.accepted, found.reason


@pytest.mark.parametrize(("c", "r"), [(-1e290, 1e289), (-3e30, 1e29), (-50.0, 40.0), (0.5, 3.0), (3e30, 1.0)])
def test_the_remainder_of_exp_is_no_smaller_than_it_is(c, r):
    bound = remainder("exp", arb(c), arb(r)).upper()
    for turn in (acb(1), acb(-1), acb(0, 1), acb("0.6", "0.8")):
        z = turn * r
        off = (acb(c) + z).exp() - acb(c).exp() * (1 + z)
        assert abs(off).lower() <= bound


@pytest.mark.parametrize(
    ("op", "p"), [("exp", None), ("log", None), ("pow", -1.3), ("tanh", None), ("reciprocal", None)]
)
def test_the_search_for_an_ellipse_finds_the_best_one(op, p):
    """Wherever it begins; where it did not, the proof would be made again with all of them."""
    rng = np.random.default_rng(5)
    for n in (3, 8):
        some, every = (Grid(n, 1, thorough) for thorough in (False, True))
        for _ in range(12):
            part = [arb(0), *(arb(float(v)) for v in np.abs(rng.normal(size=n)) * 0.4 ** np.arange(1, n + 1))]
            c = arb(float(rng.uniform(0.5, 4.0)))
            some.nearest[op] = int(rng.integers(13))
            found, best = (composed._tail(op, c, part, g, p) for g in (some, every))
            assert (found is None) == (best is None)
            assert found is None or float(found) == float(best)


@pytest.mark.slow
def test_a_proof_that_the_search_leaves_undecided_is_made_again_with_all_ellipses(
    data, tmp_path, monkeypatch
):
    honest = composed._tail
    calls = []

    def weak(op, c, part, g, p):
        calls.append(g.thorough)
        found = honest(op, c, part, g, p)
        return found if g.thorough or found is None else 1e9 * found

    monkeypatch.setattr(composed, "_tail", weak)
    (tmp_path / "c.json").write_text(json.dumps(data))
    assert check(tmp_path / "c.json").accepted
    assert {True, False} <= set(calls)
