"""A certificate fills an audit's report: the bound, what it rests on, and a map of local bounds that holds."""

import math
from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

import supnorm as sn
from supnorm.certification import certify, into_report
from supnorm.certification.bound_map import bound_map
from supnorm.pages.page import page
from supnorm.problem import Axis, Domain, Function, Problem
from supnorm.program import lower_numpy
from supnorm.results import BadInput, Contradiction


def _problem(d, deployed=False, size=1e-2):
    axes = {"x": Axis(0.5, 2.0, scale="log"), "y": (-1.0, 1.0), "z": (0.0, 1.0)}
    names = list(axes)[:d]
    net = lambda x: np.tanh(x @ np.array([[1.0, -0.5], [0.3, 1.0], [0.2, 0.4]])[:d]).sum(1, keepdims=True)  # noqa: E731
    wave = lambda x: np.sin(4 * x[:, 0]) * np.exp(-x[:, -1])  # noqa: E731
    model = Function(net, name="net", program=lower_numpy(net, d) if deployed else None)
    return Problem(
        model, lambda x: net(x)[:, 0] + size * wave(x), Domain.from_axes({n: axes[n] for n in names})
    )


def _cell(low, high, values, x, log):
    u = (np.log(x / low) / np.log(high / low)) if log else (x - low) / (high - low)
    return np.minimum((u * len(values)).astype(int), len(values) - 1)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_the_map_holds_everywhere(d):
    problem = _problem(d)
    result = certify(problem, 1.2 if d < 3 else 1.02)  # the map is as fine as the leaves
    drawn = bound_map(result.certificate, result.target, result.proved_volume)
    x = problem.domain.from_unit(np.random.default_rng(0).random((20_000, d)))
    error = np.abs(problem.model.value(x) - problem.reference.value(x))[:, 0]
    if d == 1:
        k = np.clip(np.searchsorted(drawn.edges, x[:, 0]) - 1, 0, len(drawn.values) - 1)
        local = np.array(drawn.values)[k]
    else:
        panels = [drawn] if d == 2 else drawn.panels
        assert len(panels) == d * (d - 1) // 2
        local = np.full(len(x), np.inf)
        for one in panels:
            grid = np.array(one.values)
            i, j = (problem.domain.names.index(n) for n in one.axes)
            at = [_cell(problem.domain.axes[k].low, problem.domain.axes[k].high, grid, x[:, k],
                        problem.domain.axes[k].log) for k in (j, i)]  # fmt: skip
            local = np.minimum(local, grid[at[0], at[1]])
    assert np.all(error <= local * (1 + 1e-9))
    assert local.max() <= result.upper
    assert local.min() < 0.9 * result.upper


@pytest.mark.slow
def test_many_steps_are_merged():
    problem = Problem(lambda x: jnp.sin(3000 * x[:, 0]), lambda x: 0.0 * x[:, 0], Domain(x=(0.0, 20.0)))
    drawn = bound_map(certify(problem, 1.01).certificate, 1.0, 1.0)
    assert drawn.boxes > 860 >= len(drawn.values)
    assert min(drawn.values) >= 1.0 - 1e-9


@pytest.mark.sampled(1)
@pytest.mark.parametrize(("deployed", "kind"), [(True, "certified"), (False, "exact-arithmetic")])
def test_the_bound_in_an_audit(deployed, kind):
    problem = _problem(2, deployed)
    report = sn.audit(problem, evaluations=1000, power=None)
    result = certify(problem, 1.1, witness=report.worst.x)
    measured = report.record.sup.changed(rounding=3e-9)  # how far two calls of the witness were apart
    report = replace(report, record=report.record.changed(sup=measured))
    filled = into_report(report, result)
    assert filled.document["sup"]["upper_kind"] == kind
    # No assumed rounding takes the place of the measured one.
    assert filled.document["sup"]["rounding"] == 3e-9
    # The model's own rounding is added where it is proved.
    assert (filled.upper.value > result.upper) == deployed
    assert filled.upper.value == pytest.approx(result.upper, rel=1e-6)
    assert filled.upper.value >= filled.document["sup"]["lower"] * (1 - 1e-12)
    assert "local_bounds" in filled.document["charts"]
    assert "local_bounds" not in report.document["charts"]
    assert "How large can the error be" in page(filled.record)
    sup = result.record.sup.changed(
        upper=3 * result.upper, deployed_upper=3 * result.upper if deployed else None
    )
    looser = replace(result, record=result.record.changed(sup=sup))
    assert into_report(report, looser).upper.value > 2 * filled.upper.value
    assert into_report(filled, looser).document["sup"] == filled.document["sup"]
    assert into_report(into_report(report, looser), result).upper.value == filled.upper.value


def test_a_certificate_of_something_else_is_refused():
    report = sn.audit(_problem(1, size=0.1), evaluations=1000, power=None)
    other = certify(_problem(1, deployed=True))
    with pytest.raises(BadInput, match="not about the same"):
        into_report(report, other)


SQUARE = {"x": (0.0, 1.0), "y": (0.0, 1.0)}
LOW = lambda x: 0.1 * x[:, 0] + 0.01 * x[:, 1]  # noqa: E731
AROUND_ONE = {"model": lambda x: 1.0 + LOW(x), "reference": lambda x: 1.0 + 0.0 * x[:, 0]}
OTHERS = {
    "a part of the domain": ({}, {"domain": Domain(x=(0.0, 1.0), y=(0.0, 0.5))}),
    "another order of the axes": ({}, {"domain": Domain(y=(0.0, 1.0), x=(0.0, 1.0))}),
    "other names": ({}, {"domain": Domain(a=(0.0, 1.0), b=(0.0, 1.0))}),
    "another scale of an axis": (
        {"domain": Domain(x=(0.1, 1.0), y=(0.0, 1.0))},
        {"domain": Domain(x=Axis(0.1, 1.0, scale="log"), y=(0.0, 1.0))},
    ),
    "another unit of an axis": ({}, {"domain": Domain(x=Axis(0.0, 1.0, "km"), y=(0.0, 1.0))}),
    "another side": ({}, {"error": sn.ErrorMeasure(side="over")}),
    "another kind": (AROUND_ONE, {"error": sn.ErrorMeasure("relative", floor=0.1), **AROUND_ONE}),
    "another floor": (
        {"error": sn.ErrorMeasure("relative", floor=0.1), **AROUND_ONE},
        {"error": sn.ErrorMeasure("relative", floor=0.2), **AROUND_ONE},
    ),
    "other tolerances of the outputs": ({"tolerance": (1.0,)}, {"tolerance": (0.5,)}),
    "another model": ({}, {"model": lambda x: 1.3 * LOW(x)}),
    "a larger reference": ({}, {"reference": lambda x: -0.05 * x[:, 0]}),
}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("what", OTHERS)
def test_a_bound_of_another_problem_proves_nothing(what):
    """The bound is not below the errors that the audit has, so it does not contradict them."""
    made = {"model": LOW, "reference": lambda x: 0.0 * x[:, 0], "domain": Domain(**SQUARE)}
    mine, other = (Problem(**{**made, **parts}) for parts in OTHERS[what])
    report = sn.audit(mine, evaluations=100, power=None)
    assert into_report(report, certify(mine)).upper.value >= report.worst.error
    result = certify(other)
    if what == "a part of the domain":  # with a margin that an audit could have missed
        result = replace(result, record=result.record.changed(sup=result.record.sup.changed(upper=0.2)))
    assert result.upper >= report.worst.error
    with pytest.raises(BadInput, match="not about the same problem"):
        into_report(report, result)


def test_an_error_that_only_certify_computed_is_in_the_verdict():
    point = np.array([0.3217, 0.777])
    truth = lambda x: np.sin(3 * x[:, 0])  # noqa: E731
    needle = lambda x: truth(x) + 1e-2 * np.exp(-3e6 * ((x - point) ** 2).sum(1))  # noqa: E731
    problem = Problem(needle, truth, Domain(x=(0.0, 1.0), y=(0.0, 1.0)), tolerance=2e-3)
    report = sn.audit(problem, evaluations=100, power=None)
    assert report.status.code == "nothing-found"
    result = certify(problem, witness=point)
    joined = into_report(report, result)
    assert joined.status.code == "tolerance-exceeded"
    assert joined.status.exit == 1
    assert joined.worst.error == joined.document["sup"]["lower"] == pytest.approx(1e-2)
    assert joined.points.rows[0, -1] == joined.worst.error
    assert joined.document["findings"][0]["code"] == "computed-by-certify"
    page(joined.record)
    other = replace(problem, tolerance=3e-3)  # of another problem nothing is taken
    assert into_report(report, certify(other, witness=point)).status.code == "nothing-found"


@pytest.mark.parametrize("proved", [True, False])
def test_the_advice_speaks_of_the_bound_where_it_is_within_the_tolerance(proved):
    problem = _problem(1)
    result = certify(problem, tolerance=1.0)
    assert result.upper > result.lower
    tolerance = 1.01 * result.upper if proved else 0.5 * (result.lower + result.upper)
    report = sn.audit(
        replace(problem, error=sn.ErrorMeasure(tolerance=tolerance)), evaluations=1000, power=None
    )
    joined = into_report(report, result)
    assert "that is not a proof" in report.document["status"]["advice"]
    assert ("that is not a proof" in joined.document["status"]["advice"]) != proved
    assert report.document["status"]["code"] == "nothing-found"
    assert joined.document["status"]["code"] == ("within-tolerance" if proved else "nothing-found")


def test_a_bound_on_declarations_says_so_before_anything_else():
    domain = Domain(x=(0.0, 1.0))
    exact = sn.with_bound(
        lambda x: np.array([math.sin(float(v)) for v in x[:, 0]]), order=6, derivatives=(1.0,)
    )
    problem = Problem(lambda x: np.sin(x[:, 0]) + 1e-3 * x[:, 0], exact, domain, tolerance=0.1)
    report = sn.audit(problem, evaluations=300)
    result = certify(problem, tolerance=0.1)
    assert result.upper_kind == "conditional"
    filled = into_report(report, result).document["status"]
    assert filled["code"] == "within-tolerance"
    assert filled["advice"].startswith(
        "On the declared assumptions the bound is within the tolerance everywhere."
    )


@pytest.mark.parametrize("kind", ["certified", "exact-arithmetic", "conditional"])
def test_a_larger_error_never_replaces_the_bound_that_it_refutes(kind):
    """A looser bound in its place would hide that the first certificate was wrong."""
    problem = _problem(1)
    report, result = sn.audit(problem, evaluations=300, power=None), certify(problem, 1.1)
    held = report.record.sup.changed(lower=0.1 * result.lower, upper=0.5 * result.lower, upper_kind=kind)
    wrong = replace(report, record=report.record.changed(sup=held))
    fault = BadInput if kind == "conditional" else Contradiction
    with pytest.raises(fault, match=r"above the bound .* that the report has"):
        into_report(wrong, result)
    assert into_report(report, result).upper.value >= result.lower
