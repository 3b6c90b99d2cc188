"""Norms of an error: brackets hold closed forms and sampled values, the checker agrees, and weakened rules are noticed."""

from __future__ import annotations

import copy
import json
from fractions import Fraction

import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from flint import arb
from scipy.integrate import quad
from tests.certification import cases

from supnorm.certification import affine_model, balls, certify_norms, mean_square
from supnorm.certification.boxes import Boxes
from supnorm.certification.certificate import digest
from supnorm.certification.mean_square import as_bracket, bound_mean_square, gram_matrix
from supnorm.certification.part import Part
from supnorm.certification.statement_tie import statement_mismatch
from supnorm.checker import TooCostly, check
from supnorm.checker import mean_square as checked_means
from supnorm.evaluation.limit import Limit
from supnorm.problem import Axis, Domain, ErrorMeasure, Law, Problem
from supnorm.program import program_of
from supnorm.results import BadInput, Contradiction

BOX = Domain(x=(0.0, 2.0), p=Axis(1.0, float(np.e), "Pa", scale="log"))


def zero(x):
    return 0.0 * x[:, 0]


# Function, and its largest error, largest derivatives and root mean square over BOX in closed form (t = log p in [0, 1]).
CLOSED = {
    "linear": (lambda x: x[:, 0] - 0.5, 1.5, (1.0, 0.0), np.sqrt(7.0 / 12.0)),
    "power": (lambda x: x[:, 1] ** 2, np.exp(2.0), (0.0, 2.0 * np.e), np.sqrt((np.exp(4.0) - 1.0) / 4.0)),
    "wave": (lambda x: jnp.sin(np.pi * x[:, 0]), 1.0, (np.pi, 0.0), np.sqrt(0.5)),
    "product": (
        lambda x: jnp.exp(-x[:, 0]) * jnp.log(x[:, 1]), 1.0, (1.0, 1.0),
        np.sqrt((1.0 - np.exp(-4.0)) / 4.0 / 3.0)),
}  # fmt: skip


@pytest.mark.sampled(1)
@pytest.mark.parametrize("name", CLOSED)
def test_brackets_hold_closed_forms(name, tmp_path):
    function, sup, slopes, rms = CLOSED[name]
    result = certify_norms(Problem(function, zero, BOX), seconds=60.0)
    for one, value in zip(result.norms, (sup, *slopes, rms), strict=True):
        assert one.lower <= value * (1 + 1e-12) + 1e-12
        assert value * (1 - 1e-12) - 1e-12 <= one.upper
        if value:
            assert one.upper <= 1.1 * one.lower
    result.save(tmp_path / "n.json")
    verdict = check(tmp_path / "n.json")
    assert verdict.accepted, verdict.reason
    assert verdict.upper == result.norms[0].upper
    assert verdict.claims["rms 0"] == (result.norms[-1].lower, result.norms[-1].upper)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("seed", [*range(5), pytest.param(5, marks=pytest.mark.slow)])
def test_networks_of_several_outputs_beside_many_points(seed, tmp_path):
    rng = np.random.default_rng(seed)
    d, m = (1, 2, 2, 1, 2, 3)[seed], (1, 1, 2, 3, 1, 1)[seed]
    f = cases.network(rng, d, 6, 1 + seed % 2, ("tanh", "sigmoid", "silu")[seed % 3], outputs=m)
    size = 10.0 ** rng.uniform(-6, 0)
    box = Domain(**{f"x{j}": (-0.6, 0.4) for j in range(d)})
    problem = Problem(lambda x: f(x) + size * jnp.sin(2.0 * x[:, :1] + x[:, -1:]), f, box)
    result = certify_norms(problem, ["rms"], ratio=1.05)
    x = box.from_unit(np.random.default_rng(seed).random((200_000, d)))
    error = problem.model.value(x) - problem.reference.value(x)
    for one, sampled in zip(result.norms, np.sqrt((error**2).mean(0)), strict=True):
        assert one.lower <= sampled * 1.01
        assert sampled * 0.99 <= one.upper <= 1.05 * one.lower
    result.save(tmp_path / "n.json")
    assert check(tmp_path / "n.json").accepted


def test_the_lower_end_counts_the_cells_beside_one_without_a_bound(tmp_path):
    """The checker counted none of the cells behind it, and rejected the file."""
    error = Problem(lambda x: 0.9 * x[:, 0] + 0.2, lambda x: jnp.arcsin(x[:, 0]), Domain(x=(0.0, 1.0)))
    result = certify_norms(error, ["rms"], ratio=1.2, boxes=100)
    (one,) = result.norms
    truth = np.sqrt(quad(lambda x: (0.9 * x + 0.2 - np.arcsin(x)) ** 2, 0.0, 1.0)[0])
    assert 0.5 * truth <= one.lower <= truth
    assert one.upper == np.inf
    result.save(tmp_path / "n.json")
    verdict = check(tmp_path / "n.json")
    assert verdict.accepted, verdict.reason
    content = json.loads((tmp_path / "n.json").read_text())
    content["claims"]["rms 0"]["lower"] = float(1.1 * one.lower).hex()
    (tmp_path / "n.json").write_text(json.dumps(content | {"digest": digest(content)}))
    assert "at least" in check(tmp_path / "n.json").reason


# Errors with a root that reaches zero, and their root mean squares over [-1, 1] or the unit square.
ROOTS = {
    "a square root": (lambda x: jnp.sqrt(jnp.abs(x[:, 0])), lambda x: 0.5 + zero(x), 1, np.sqrt(0.75 - 2.0 / 3.0)),
    "a cube root": (lambda x: jnp.cbrt(x[:, 0]), lambda x: 0.5 * x[:, 0], 1, np.sqrt(3 / 5 + 1 / 12 - 3 / 7)),
    "a distance": (
        lambda x: jnp.sqrt((x[:, 0] + 1.0) ** 2 + (x[:, 1] + 1.0) ** 2) / 2.0, zero, 2, np.sqrt(2.0 / 3.0)),
}  # fmt: skip


@pytest.mark.parametrize("name", ROOTS)
def test_roots_that_reach_zero_have_a_root_mean_square(name, tmp_path, monkeypatch):
    """They had no upper bound: the chord was known to the largest error alone."""
    reference, model, d, truth = ROOTS[name]
    problem = Problem(model, reference, Domain(**{f"x{j}": (-1.0, 1.0) for j in range(d)}))
    result = certify_norms(problem, ["rms"], ratio=1.05)
    (one,) = result.norms
    assert one.lower <= truth * (1 + 1e-12)
    assert truth * (1 - 1e-12) <= one.upper <= 1.05 * one.lower
    result.save(tmp_path / "n.json")
    verdict = check(tmp_path / "n.json")
    assert verdict.accepted, verdict.reason
    for end, other in (("lower", "upper"), ("upper", "lower")):
        content = json.loads((tmp_path / "n.json").read_text())
        _onto(end, other)(content)
        (tmp_path / "f.json").write_text(json.dumps(content | {"digest": digest(content)}))
        assert "does not follow" in check(tmp_path / "f.json").reason
    # A chord that is taken to be the root itself: the file of the weakened certifier is rejected.
    enclosed = affine_model.enclosed
    monkeypatch.setattr(affine_model, "enclosed", lambda *given: (*enclosed(*given)[:2], 0.0 * given[1]))
    try:
        certify_norms(problem, ["rms"], ratio=1.05).save(tmp_path / "w.json")
    except Contradiction:
        return
    assert not check(tmp_path / "w.json").accepted


def test_slopes_that_cancel_to_a_ball_around_zero_have_a_square(tmp_path):
    """FLINT's power of such a ball is NaN: the checker rejected the file, which says nothing false."""

    def reference(x):
        root = np.cbrt((0.29 * x[:, 0] + 0.57 * x[:, 1] + 0.39) * (0.25 - x[:, 1]))
        return 0.27 + 0.73 * root * (1.4 * x[:, 0] + 0.7 * x[:, 1] + 0.4) * -x[:, 0]

    problem = Problem(
        lambda x: reference(x) + 1.2e-6 * np.sin(0.1 - x[:, 1]), reference, Domain(x=(0.0, 1.0), y=(0.0, 1.0))
    )
    result = certify_norms(problem, ["rms"], boxes=50)
    x = np.random.default_rng(0).random((100_000, 2))
    sampled = float(np.sqrt(np.mean((problem.model.value(x) - problem.reference.value(x)) ** 2)))
    assert 0.0 < result.norms[0].lower < sampled < result.norms[0].upper < np.inf
    result.save(tmp_path / "n.json")
    verdict = check(tmp_path / "n.json")
    assert verdict.accepted, verdict.reason


def test_a_polynomial_that_is_not_finite_says_nothing_about_a_mean_square():
    known = arb(1), arb(2)
    for lost in range(3):
        near = [arb(1), arb(0), arb(1)]
        near[lost] = arb("nan")
        assert checked_means._within(*known, tuple(near), arb(0)) == known


@pytest.mark.parametrize("n", [*range(-3, 8), 50])
def test_whole_powers_of_balls_around_zero(n):
    for low, high in ((-0.5, 1.25), (0.0, 2.0), (-2.0, 0.0), (0.5, 0.75), (-1.5, -0.25)):
        ball = arb((low + high) / 2, (high - low) / 2)
        power = balls._power(ball, n)
        if n >= 0 or not ball.contains(0):
            assert power.is_finite()
            assert all(power.overlaps(arb(v) ** n) for v in np.linspace(low, high, 33).tolist() if v or n > 0)


def test_kinks_have_a_root_mean_square_too(tmp_path):
    result = certify_norms(Problem(lambda x: jnp.abs(x[:, 0] - 0.3), zero, Domain(x=(-1.0, 1.0))), ["rms"])
    truth = np.sqrt((1.3**3 + 0.7**3) / 6.0)
    (one,) = result.norms
    assert one.lower <= truth <= one.upper <= 1.1 * one.lower
    result.save(tmp_path / "n.json")
    assert check(tmp_path / "n.json").accepted


@pytest.mark.slow
def test_a_budget_that_is_spent_leaves_true_brackets(tmp_path):
    wild = Problem(lambda x: jnp.sin(40.0 * x[:, 0] * x[:, 1]), zero, Domain(x=(0.0, 2.0), y=(0.0, 2.0)))
    result = certify_norms(wild, boxes=3)
    assert result.status.exit == 4
    assert all(one.lower <= one.upper for one in result.norms)
    result.save(tmp_path / "n.json")
    assert check(tmp_path / "n.json").accepted
    again = certify_norms(wild, boxes=10, resume=tmp_path / "n.json")
    assert again.norms[0].upper <= result.norms[0].upper


REFUSED = {
    "absolute": Problem(zero, zero, BOX, error=ErrorMeasure("relative", floor=1.0)),
    "whole box": Problem(zero, zero, Domain(lambda x: x[:, 0] < 0.5, x=(0.0, 1.0))),
    "list of values": Problem(zero, zero, Domain(x=Axis(1, 2, values=(1, 2)))),
    "leave the law out": Problem(
        zero,
        zero,
        Domain(x=(0.0, 1.0)),
        law=Law.from_samples(np.linspace(0, 1, 50)[:, None], Domain(x=(0.0, 1.0))),
    ),
    "up to 4 inputs": Problem(zero, zero, Domain(**{f"x{j}": (0.0, 1.0) for j in range(5)})),
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_has_no_proof_is_refused(words):
    with pytest.raises(BadInput, match=words):
        certify_norms(REFUSED[words])
    with pytest.raises(BadInput, match="norms must be some of"):
        certify_norms(REFUSED[words], ["l1"])


@pytest.mark.parametrize("d", [2, 3])
def test_an_infinite_slope_along_a_face_ends_the_work_and_is_named(d):
    """158,000 boxes took two minutes without a word; then the advice was to give more seconds."""
    problem = Problem(
        lambda x: jnp.stack([jnp.sin(5.0 * x[:, 0]), jnp.arcsin(x[:, 1])], -1),
        lambda x: jnp.zeros((len(x), 2)),
        Domain(**{f"x{j}": (0.0, 1.0) for j in range(d)}),
    )
    told = []
    result = certify_norms(problem, ["rms"], ratio=1.01, observer=told.append)
    first, second = result.norms
    assert first.upper <= 1.01 * first.lower
    assert second.upper == np.inf
    assert second.tried < 5000
    assert (result.status.exit, result.status.code) == (4, "undecided")
    assert "x1 in [0.99" in result.status.advice
    assert "infinite slope of the model" in result.status.advice
    events = [one.narrowed for one in told]
    assert {(one.name, one.number, one.parts) for one in told} == {("mean square", 1, 1)}
    assert [e.boxes for e in events] == sorted(e.boxes for e in events)
    assert 0.0 < events[-1].proved_volume <= 1.0


def test_a_bound_that_takes_small_cells_along_the_second_axis_is_found():
    problem = Problem(lambda x: 1.0 / (0.001 + x[:, 1]), zero, Domain(x=(0.0, 1.0), y=(0.0, 1.0)))
    (one,) = certify_norms(problem, ["rms"], ratio=1.05).norms
    assert one.lower <= np.sqrt(1.0 / 0.001 - 1.0 / 1.001) <= one.upper <= 1.05 * one.lower


def test_means_of_products_of_chebyshev_polynomials():
    x, w = np.polynomial.legendre.leggauss(40)
    T = np.polynomial.chebyshev.chebvander(x, 12)
    assert np.allclose(gram_matrix(12), 0.5 * (T * w[:, None]).T @ T, atol=1e-14)


# Weakened rules: the bracket has to miss the closed form, or the checker has to reject the file.
def _less(honest):
    return lambda square, slack, beyond, size: tuple(
        v * f for v, f in zip(honest(square, 0 * slack, beyond, size), (1.2, 0.8), strict=True)
    )


def _no_slack(honest):
    return lambda square, slack, beyond, size: honest(square, 0.0 * slack, beyond, size)


WEAKER = {
    "both ends": ("_around", _less),
    "the distance from the polynomial": ("_around", _no_slack),
    "means of products": ("gram_matrix", lambda honest: lambda n: np.eye(n + 1)),
}


@pytest.mark.parametrize("name", WEAKER)
def test_each_rule_is_needed(name, tmp_path, monkeypatch):
    attribute, weaker = WEAKER[name]
    monkeypatch.setattr(mean_square, attribute, weaker(getattr(mean_square, attribute)))
    problem = Problem(lambda x: jnp.exp(2.0 * x[:, 0]) * x[:, 1] ** 2, zero, BOX)
    try:
        certify_norms(problem, ["rms"], ratio=1.3).save(tmp_path / "n.json")
    except Contradiction:  # the lower end is above the upper one
        return
    assert not check(tmp_path / "n.json").accepted


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    path = tmp_path_factory.mktemp("norms") / "n.json"
    certify_norms(Problem(lambda x: jnp.sin(9.0 * x[:, 0]) * x[:, 1] ** 2, zero, BOX), ratio=1.05).save(path)
    assert check(path).accepted
    return json.loads(path.read_text())


def _onto(end, other):
    def edit(data):
        data["claims"]["rms 0"][end] = data["claims"]["rms 0"][other]

    return edit


def _part(edit):
    def change(data):
        edit(data["parts"]["mean square"])
        data["parts"]["mean square"]["digest"] = digest(data["parts"]["mean square"])

    return change


def _inherited(part):
    leaves = part["leaves"]
    row = max(range(len(leaves["upper"])), key=lambda i: sum(leaves["level"][i]))
    assert sum(leaves["level"][row]) > 0
    leaves["proof_level"] = copy.deepcopy(leaves["level"])
    leaves["proof_level"][row] = [max(v - 1, 0) for v in leaves["level"][row]]
    leaves["upper"][row] = part["upper"]


def _drop(part):
    for column in part["leaves"].values():
        column.pop()


FORGERIES = {
    "a larger lower end": (_onto("lower", "upper"), "does not follow"),
    "a smaller upper end": (_onto("upper", "lower"), "does not follow"),
    "a leaf whose proof is of a larger cell": (_part(_inherited), "mean square|leaf"),
    "a leaf is missing": (_part(_drop), "mean square"),
    "norms in another order": (lambda d: d["data"].update(norms=["rms", "error", "slope"]), "in this order"),
    "a norm twice": (lambda d: d["data"].update(norms=["error", "error"]), "in this order"),
    "without the means": (lambda d: d["parts"].pop("mean square"), "missing"),
    "the means of a slope": (lambda d: d["parts"].update({"mean square": d["parts"]["slope 0"]}), "program"),
    "model and reference swapped": (
        lambda d: d["programs"].update(model=d["programs"]["reference"], reference=d["programs"]["model"]),
        "program",
    ),
}


def _saved(problem, path, ratio=1.05):
    certify_norms(problem, ["rms"], ratio=ratio).save(path)
    assert check(path).accepted
    return json.loads(path.read_text())


def _verdict(data, path):
    data["parts"]["mean square"]["digest"] = digest(data["parts"]["mean square"])
    path.write_text(json.dumps(data | {"digest": digest(data)}))
    return check(path)


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_the_mean_over_a_larger_box_is_not_that_of_the_domain(scale, tmp_path):
    """A part may say a box that holds its axes; the mean of x over [0, 8] was accepted as that over [0, 1]."""

    def problem(high):
        return Problem(lambda x: x[:, 0], zero, Domain(x=Axis(1.0, high, scale=scale)))

    small = _saved(problem(2.0), tmp_path / "small.json")
    large = _saved(problem(8.0), tmp_path / "large.json")
    for key in ("low", "high", "leaves", "upper", "rounding"):
        small["parts"]["mean square"][key] = large["parts"]["mean square"][key]
    small["claims"] = large["claims"]
    verdict = _verdict(small, tmp_path / "forged.json")
    assert verdict.reason.endswith("the box is larger than the axes")


@pytest.mark.parametrize(
    ("end", "claim", "weaker"),
    [("lower", 1.0 - 1e-12, "_outside"), ("upper", 1.0 + 1e-12, "_beyond")],
)
def test_the_rounding_of_logarithmic_axes_counts(end, claim, weaker, tmp_path, monkeypatch):
    """The box holds the axis of width 1e-6 with 4e-16 more on each side, and the error could be anything there."""
    data = _saved(
        Problem(lambda x: 1.0 + zero(x), zero, Domain(p=Axis(1.0, 1.0 + 1e-6, scale="log"))),
        tmp_path / "n.json",
    )
    data["claims"]["rms 0"][end] = claim.hex()
    assert "does not follow" in _verdict(data, tmp_path / "f.json").reason
    none = {"_outside": lambda more, leaf: arb(0), "_beyond": lambda document: [arb(0)]}
    monkeypatch.setattr(checked_means, weaker, none[weaker])
    assert _verdict(data, tmp_path / "f.json").accepted


@pytest.mark.parametrize("other", [jnp.arcsin, lambda t: t**0.3])
def test_an_output_without_a_bound_leaves_the_others_theirs(other, tmp_path):
    """Where one output had no bound, the file said nothing of the cell, and `check` rejected the claims of the others."""
    problem = Problem(
        lambda x: jnp.stack([x[:, 0], other(x[:, 0])], -1),
        lambda x: jnp.zeros((len(x), 2)),
        Domain(x=(0.0, 1.0)),
    )
    result = certify_norms(problem, ["rms"], ratio=1.1, boxes=50)
    assert result.norms[0].lower <= 3**-0.5 <= result.norms[0].upper <= 1.1 * result.norms[0].lower
    assert result.norms[1].upper == np.inf
    result.save(tmp_path / "n.json")
    verdict = check(tmp_path / "n.json")
    assert verdict.accepted, verdict.reason


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", FORGERIES)
def test_forgeries_are_rejected(honest, name, tmp_path):
    edit, words = FORGERIES[name]
    data = copy.deepcopy(honest)
    edit(data)
    data["digest"] = digest(data)
    (tmp_path / "f.json").write_text(json.dumps(data))
    verdict = check(tmp_path / "f.json")
    assert not verdict.accepted
    assert any(word in verdict.reason for word in words.split("|")), verdict.reason


def test_the_integral_is_part_of_the_cost(honest, tmp_path):
    path = tmp_path / "n.json"
    path.write_text(json.dumps(honest))
    whole = check(path).cost
    path.write_text(json.dumps(honest["parts"]["mean square"]))
    one = check(path).cost
    path.write_text(json.dumps(honest))
    assert whole.operations >= 2.0 * one.operations
    with pytest.raises(TooCostly):
        check(path, limit=0.9 * whole.seconds)


def test_cells_become_an_ordinary_certificate(tmp_path):
    part = Part(
        "mean square", program_of(lambda x: jnp.tanh(3.0 * x[:, 0]) * x[:, 0], 1), Domain(x=(-1.0, 1.0))
    )
    cells, end = bound_mean_square(part.error, 1.02, Limit.of(60.0, 10_000), np.array([0.5]))
    assert end == "proved"
    low, high = cells.mean_square()
    x = np.linspace(-1.0, 1.0, 20_001)
    truth = np.trapezoid((np.tanh(3.0 * x) * x) ** 2, x) / 2.0
    assert low[0] <= truth <= high[0] <= 1.05 * low[0]
    bracket = as_bracket(part.error, cells)
    assert bracket.upper >= np.tanh(3.0)


@pytest.mark.parametrize(
    "error",
    [
        ErrorMeasure("relative", floor=0.0, tolerance=1e-3),
        ErrorMeasure("scaled", scale=10.0),
        ErrorMeasure(side="under"),
        ErrorMeasure(mask=lambda x: x[:, 0] > 0.5),
    ],
)
def test_norms_of_the_absolute_error_are_not_taken_for_another_error(error, tmp_path):
    def problem(measure):
        return Problem(
            lambda x: 1.1e-3 * np.exp(x[:, 0]),
            lambda x: 1e-3 * np.exp(x[:, 0]),
            Domain(x=(0.0, 1.0)),
            error=measure,
        )

    certify_norms(problem(ErrorMeasure()), ["sup"]).save(tmp_path / "norms.json")
    assert statement_mismatch(tmp_path / "norms.json", problem(ErrorMeasure())) is None
    assert "absolute error" in str(statement_mismatch(tmp_path / "norms.json", problem(error)))


def test_means_hold_the_rounding_of_their_sums():
    """Of 1,024 equal cells; the ends of each cell are taken as exact."""
    count, m = 1024, 8
    ends = np.random.default_rng(6).random((count, m))
    level, index = np.full((count, 1), 10), np.arange(count)[:, None]
    none = np.zeros(count)
    known = mean_square.Cells(
        Boxes(level, index, none), none.astype(int), none, ends, ends, none.astype(int), none
    )
    low, high = known.mean_square()
    for k in range(m):
        exact = sum(Fraction(v) ** 2 for v in ends[:, k].tolist()) / count
        assert Fraction(float(low[k])) <= exact <= Fraction(float(high[k]))


def test_the_rounding_of_node_values_enters_a_mean_square():
    """1e8 + E - 1e8 has steps of 1.5e-8 in float64; the interpolant of such values is not that of E."""
    size = 1e-6
    part = Part(
        "mean square",
        program_of(lambda x: (size * jnp.sin(3.0 * x[:, 0]) + 1e8) - 1e8, 1),
        Domain(x=(0.0, 1.0)),
    )
    cells = mean_square._bounded(part.error, Boxes.root(1), np.array([1e-9]))
    assert cells.degree[0] > 0
    exact = size * mp.sqrt((1 - mp.sin(6) / 6) / 2)
    assert cells.low[0, 0] <= exact <= cells.high[0, 0]


@pytest.mark.parametrize("share", [0.0, 1e-6])
def test_a_root_mean_square_holds_what_it_is_of(share):
    """The square and what is around it as exact numbers: also where the float box is larger than the cell."""
    rng = np.random.default_rng(7)
    square, slack = rng.random((40, 1)), 1e-3 * rng.random((40, 1))
    slack[::2] = 0.0
    size = 1.5 * np.ones((40, 1))
    low, high = mean_square._around(square, slack, np.full(40, share), size)
    with mp.workdps(40):
        for s, r, a, b in zip(*(v[:, 0].tolist() for v in (square, slack, low, high)), strict=True):
            # the part of the box beyond the cell has all of the largest square, or none
            least, most = ((mp.mpf(s) * (1 + share) - share * part) for part in (mp.mpf(2.25), 0))
            assert a <= mp.sqrt(max(least, 0)) - r or a == 0.0
            assert mp.sqrt(most) + r <= b
