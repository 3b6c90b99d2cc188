"""Bounds that rest on a declared bound: sound where it is true, named conditional, refused where it is refuted."""

import sys
from fractions import Fraction

import numpy as np
import pytest

from supnorm.certification import LinearBounds, black_box, certify, chebyshev, recorded, values_of_problem
from supnorm.certification.beyond import Beyond
from supnorm.certification.black_box import BlackBox
from supnorm.certification.error_program import error_program
from supnorm.checker import check
from supnorm.problem import Axis, Declared, Domain, ErrorMeasure, Problem, with_bound
from supnorm.results import BadInput

certify_module = sys.modules["supnorm.certification.certify"]


def opaque(function):
    """The function as compiled code is: values only."""
    return lambda x: function(np.array(x.tolist()))


class Wave:
    """a exp(k.x) cos(w.x + p) and its exact bounds: on complex discs, and of real derivatives."""

    def __init__(self, seed, d):
        rng = np.random.default_rng(seed)
        self.a, self.p = rng.uniform(0.5, 2.0), rng.uniform(0, 3)
        self.k, self.w = rng.uniform(-0.5, 0.5, d), rng.uniform(-2, 2, d)

    def __call__(self, x):
        return self.a * np.exp(x @ self.k) * np.cos(x @ self.w + self.p)

    def complex_bound(self, low, high, stretch):
        """|exp(k.z)| <= exp of the largest real part; |cos(z)| <= cosh of the largest imaginary part."""
        c, h = (low + high) / 2, stretch * (high - low) / 2
        return self.a * np.exp(self.k @ c + np.abs(self.k) @ h) * np.cosh(np.abs(self.w) @ h)

    def derivatives(self, low, high, order):
        """It is the real part of a exp((k + i w).x + i p)."""
        top = np.exp(np.maximum(self.k * low, self.k * high).sum())
        return tuple(float(v) for v in self.a * np.abs(self.k + 1j * self.w) ** order * top * (1 + 1e-12))


def case(seed, d, how, size):
    """A polynomial or a wave as model against a wave that is only evaluated."""
    rng = np.random.default_rng(100 + seed)
    low = rng.uniform(-1, 0, d)
    high = rng.uniform(0.3, 1, d) if d < 3 else low + 0.6
    f, other = Wave(seed, d), Wave(seed + 50, d)
    model = (lambda x: f(x) + size * other(x)) if size < 1 else (lambda x: x[:, 0] ** 2 - other(x))
    if how == "complex":
        reference = with_bound(opaque(f), f.complex_bound(low, high, 1.6), stretch=1.6)
    else:
        reference = with_bound(opaque(f), order=how, derivatives=f.derivatives(low, high, how))
    return Problem(model, reference, Domain.from_axes({f"x{i}": (low[i], high[i]) for i in range(d)}))


def sampled(problem, count=40_000):
    x = problem.domain.from_unit(np.random.default_rng(5).random((count, problem.domain.d)))
    return np.abs(problem.model.value(x) - problem.reference.value(x)).max()


@pytest.mark.sampled(1)
@pytest.mark.parametrize("size", [1.0, 1e-2, 1e-7])
@pytest.mark.parametrize(("seed", "d", "how"), [(0, 1, "complex"), (1, 2, "complex"), (2, 3, "complex"),
                                                (3, 1, 8), (4, 2, 7), (5, 1, 5)])  # fmt: skip
def test_brackets_hold_and_are_checked(seed, d, how, size, tmp_path):
    problem = case(seed, d, how, size)
    result = certify(problem, 1.1)
    assert result.status.code == "proved", result.status
    assert result.upper_kind == "conditional"
    assert sum("declared, not proved" in a for a in result.assumptions) == 2
    assert result.lower <= result.upper
    assert sampled(problem) <= result.upper
    result.certificate.save(tmp_path / "c.json")
    functions = {"reference": lambda p: problem.reference.value(np.array(p)).tolist()}
    verdict = check(tmp_path / "c.json", values_of_problem(problem), functions=functions)
    assert verdict.accepted, verdict
    assert len(verdict.conditional) == 2
    assert "compared with your own" in verdict.reason


def test_a_program_is_preferred_to_a_declaration():
    f = Wave(0, 1)
    result = certify(Problem(lambda x: x[:, 0], with_bound(f, 1e9), Domain(x=(0.0, 1.0))))
    assert result.upper_kind == "exact-arithmetic"


def test_both_may_be_black_boxes_on_a_log_axis_with_tolerances(tmp_path):
    """In t = log x the functions are t^2 and t^2 + sin(t)/50 per output; the discs are in t."""
    domain = Domain(x=Axis(0.1, 10.0, scale="log"))
    square = opaque(lambda x: np.column_stack([np.log(x[:, 0]) ** 2] * 2))
    wavy = opaque(lambda x: square(x) + np.sin(np.log(x)) / 50)
    M = (2 * np.log(10)) ** 2
    problem = Problem(
        with_bound(wavy, (M + 1, M + 2), stretch=2.0), with_bound(square, M, stretch=2.0), domain,
        tolerance=(0.1, 0.2),
    )  # fmt: skip
    result = certify(problem, 1.01)
    assert result.lower <= 0.2 <= result.upper <= 1.01 * result.lower
    assert result.deployed_upper == result.upper + result.rounding  # of the model as it was evaluated
    result.certificate.save(tmp_path / "c.json")
    verdict = check(tmp_path / "c.json")
    assert verdict.accepted, verdict
    assert len(verdict.conditional) == 4
    for words in (verdict.conditional, result.assumptions):
        assert sum("complex inputs (x by its logarithm)" in w for w in words) == 2


@pytest.mark.parametrize("width", [1e-6, 1e-8, 1e-10, 1e-12])
@pytest.mark.parametrize("scale", ["linear", "log"])
@pytest.mark.parametrize(
    "declared",
    [{"bound": 10.0, "stretch": 1.5}, {"order": 4, "derivatives": (1.0,)}],
    ids=["discs", "derivatives"],
)
def test_files_of_very_narrow_axes_are_accepted(declared, scale, width, tmp_path):
    """Bounds by declarations grow as the axis gets narrower, and were made with one that is wider by its rounding."""
    known = with_bound(opaque(lambda x: 1.001 * np.log(x[:, 0])), **declared)
    domain = Domain(x=Axis(2.0, 2.0 * (1.0 + width), scale=scale))
    result = certify(Problem(lambda x: np.log(x[:, 0]), known, domain), 1.5, boxes=100)
    assert result.lower <= 1e-3 * np.log(2.0 * (1.0 + width)) <= result.upper
    result.certificate.save(tmp_path / "c.json")
    verdict = check(tmp_path / "c.json")
    assert verdict.accepted, verdict.reason


@pytest.mark.parametrize(("side", "largest"), [("over", 0.5), ("under", 1.0)])
def test_one_sided_and_scaled(side, largest):
    reference = with_bound(opaque(lambda x: x[:, 0]), 3.0, stretch=1.5)
    problem = Problem(lambda x: 0.0 * x[:, 0], reference, Domain(x=(-1.0, 2.0)),
                      ErrorMeasure("scaled", scale=2.0, side=side))  # fmt: skip
    result = certify(problem, 1.05)
    assert result.lower <= largest <= result.upper <= 1.05 * result.lower


def test_inaccurate_values_are_allowed_for(monkeypatch):
    """The reference returns 1e-3 too little, and says so: the true error is 1.001, not 1.000."""

    def problem(accuracy):
        return Problem(lambda x: 0.0 * x[:, 0],
                       with_bound(opaque(lambda x: x[:, 0] - 1e-3 * np.sign(x[:, 0])), 3.0, accuracy=accuracy),
                       Domain(x=(1.0, 1.001)))  # fmt: skip

    honest = certify(problem(1e-3), 1.01)
    assert honest.upper >= 1.001
    assert honest.lower <= 0.999
    assert certify(problem(0.0), 1.0005).upper < 1.001


def test_every_evaluation_of_a_resumed_certificate_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(recorded, "SECONDS", -1.0)  # as if calls were expensive
    calls = []
    f = Wave(4, 2)
    low, high = np.array([-1.0, -1.0]), np.array([1.0, 1.0])

    def counted(x):
        calls.append(len(x))
        return f(np.array(x.tolist()))

    domain = Domain(x=(-1.0, 1.0), y=(-1.0, 1.0))
    reference = with_bound(counted, order=6, derivatives=f.derivatives(low, high, 6))
    problem = Problem(lambda x: f(x) + 1e-4 * x[:, 0], reference, domain)
    part = certify(problem, 1.05, boxes=20)
    assert part.status.code == "undecided"
    part.certificate.save(tmp_path / "c.json")
    assert check(tmp_path / "c.json").accepted
    rest = certify(problem, 1.05, resume=tmp_path / "c.json")
    assert rest.status.code == "proved"
    rest.certificate.save(tmp_path / "c.json")
    calls.clear()
    again = certify(problem, 1.05, resume=tmp_path / "c.json")
    assert again.upper == rest.upper
    assert sum(calls) < 600 + recorded.LEAST  # the screen for the witness, and the nodes that are compared


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"bound": 0.5, "stretch": 1.2}, "declared bound of the reference is wrong"),
        ({"bound": 2.2, "stretch": 6.0}, "decay more slowly"),
    ],
)
def test_a_refuted_declaration_is_refused(said, words):
    reference = with_bound(opaque(lambda x: 1 / (1.5 + x[:, 0])), **said)
    problem = Problem(lambda x: 0.0 * x[:, 0], reference, Domain(x=(-1.0, 1.0)))
    with pytest.raises(BadInput, match=words):
        certify(problem, 1.001)


@pytest.mark.parametrize(
    "said", [{}, {"bound": -1.0}, {"bound": np.inf}, {"bound": 1.0, "stretch": 1.0}, {"order": 3},
             {"order": 1, "derivatives": (1.0,)}, {"bound": 1.0, "accuracy": -1.0}],
)  # fmt: skip
def test_declarations_that_say_nothing(said):
    with pytest.raises(BadInput):
        Declared(**said)


def test_what_conditional_certificates_cannot_do():
    f = with_bound(opaque(np.sin), 2.0)
    domain = Domain(x=(0.0, 1.0))
    with pytest.raises(BadInput, match="relative"):
        certify(Problem(np.cos, f, domain, ErrorMeasure("relative", floor=0.1)))
    with pytest.raises(BadInput, match="ChebyshevCertificate"):
        certify(Problem(np.cos, f, domain), strategy=LinearBounds())
    with pytest.raises(BadInput, match="one per input"):
        certify(Problem(np.cos, with_bound(opaque(np.sin), order=3, derivatives=(1.0, 1.0)), domain))
    with pytest.raises(BadInput, match="declare a bound"):
        certify(Problem(np.cos, opaque(np.sin), domain))


# -- each rule, weakened ----------------------------------------------------------------------------------


def _interpolation_error(f, n, centre, half, x):
    """Largest |f - interpolant| on a box, by the certifier's own nodes in float64."""
    d = centre.shape[1]
    t = centre[0] + half[0] * chebyshev.tensor_nodes(n, d)
    coefficients = chebyshev.along_axes(
        chebyshev.transform(n), f(t).reshape(1, *(n + 1,) * d, 1), d
    )[0, ..., 0]  # fmt: skip
    y = (x - centre[0]) / half[0]
    value = coefficients
    for j in range(d):
        T = np.cos(np.arange(n + 1) * np.arccos(np.clip(y[:, j : j + 1], -1, 1)))
        value = np.einsum("k...,ik->i...", value, T) if j == 0 else np.einsum("ik...,ik->i...", value, T)
    return np.abs(f(x) - value).max()


def _tail_over_truth(weak=1.0):
    """Smallest tail / true interpolation error over functions for which the bounds are nearly sharp."""
    ratios = []
    for d in (1, 2):
        box = (np.full((1, d), 0.1), np.full((1, d), 0.8))
        low, high = box[0][0] - box[1][0], box[0][0] + box[1][0]
        x = low + (high - low) * np.random.default_rng(0).random((4000, d))
        for n in (3, 5, 8):
            pole = lambda x: 1 / (2.0 - (x[:, 0] - 0.1) / 0.8)  # noqa: E731
            power = lambda x: ((x[:, 0] - 0.1) / 0.8) ** (n + 1)  # noqa: B023, E731
            for f, said in (
                (pole, Declared(1 / (2.0 - 1.9) * (1 + 1e-9), stretch=1.9)),
                (power, Declared(order=n + 1, derivatives=(float(np.prod(np.arange(1, n + 2))) / 0.8 ** (n + 1),)
                                 + (0.0,) * (d - 1))),
            ):  # fmt: skip
                part = black_box.BlackBox("reference", "f", f, said, np.ones(1), low, high, (False,) * d)
                ratios.append(weak * part.tail(n, *box)[0, 0] / _interpolation_error(f, n, *box, x))
    return min(ratios)


def test_tails_hold_and_are_needed():
    assert 1.0 <= _tail_over_truth() < 1.1  # x^k against its k-th derivative is sharp
    assert _tail_over_truth(0.9) < 1.0


MUTANTS = {
    "complex tail": (black_box.BlackBox, "_complex_tail", lambda honest: lambda *a: 0.02 * honest(*a), "complex"),
    "real tail": (black_box.BlackBox, "_real_tail", lambda honest: lambda *a: 0.1 * honest(*a), 5),
    "ellipses outside the discs": (
        black_box.BlackBox, "rho", lambda honest: lambda *a: 2.0 * honest(*a), "complex"),
    "no tail at all": (Beyond, "tail", lambda honest: lambda self, n: 0.0, "complex"),
}  # fmt: skip


@pytest.mark.sampled(1)
@pytest.mark.parametrize("name", MUTANTS)
def test_a_weakened_rule_is_rejected_by_the_checker(name, monkeypatch, tmp_path):
    where, what, weaken, how = MUTANTS[name]
    verdicts = []
    for weak in (False, True):
        if weak:
            monkeypatch.setattr(where, what, weaken(getattr(where, what)))
            monkeypatch.setattr(black_box.BlackBox, "_compare", lambda *a: None)
        for seed in range(3):
            certify(case(seed, 1, how, 1e-2), 1.5).certificate.save(tmp_path / "c.json")
            verdicts.append(check(tmp_path / "c.json").accepted)
    assert all(verdicts[:3])
    assert not all(verdicts[3:])


def test_noise_of_displaced_nodes_is_needed():
    """A steep function: sin(1e6 x) moves by 1e-10 between a node and the float64 number beside it."""
    from flint import arb

    f = opaque(lambda x: np.sin(1e6 * x[:, 0]))
    low, high, n = np.array([1.0]), np.array([1.0 + 1e-6]), 10
    said = Declared(order=n + 1, derivatives=(1e6 ** (n + 1),))
    part = black_box.BlackBox("reference", "f", f, said, np.ones(1), low, high, (False,))
    centre, half = 0.5 * (low + high)[None], 0.5 * (high - low)[None]
    nodes = centre + half * chebyshev.tensor_nodes(n, 1)
    exact = [(arb(1e6) * (arb(float(centre[0, 0])) + arb(float(half[0, 0])) * (
        arb.pi() * (2 * i + 1) / (2 * n + 2)).cos())).sin() for i in range(n + 1)]  # fmt: skip
    off = max(abs(float((e - arb(float(v))).mid())) for e, v in zip(exact, f(nodes), strict=True))
    tail = part.tail(n, centre, half)
    allowed = float(part.noise(n, half, np.ones((1, 1)), tail)[0, 0])
    assert 1e-11 < off <= allowed < 1e-4
    assert off > 32 * 2.0**-53  # rounding alone would not be enough


def test_programs_hold_the_known_part_only():
    problem = case(1, 2, "complex", 1e-2)
    error = error_program(problem)
    x = np.random.default_rng(0).uniform(-0.2, 0.2, (5, 2))
    np.testing.assert_allclose(error.alternatives[0].value(x), problem.model.value(x), rtol=1e-12)
    np.testing.assert_allclose(
        error.values(0, x), problem.model.value(x) - problem.reference.value(x), atol=1e-12
    )


@pytest.mark.parametrize("side", ["both", "over", "under"])
def test_a_model_that_is_only_evaluated_less_a_reference_that_is_read(side):
    """x^2 - 3 x/2 - 1/16 on [-1, 1], largest at -1 (39/16) and least at 3/4 (-5/8); their sum has other extremes."""
    model = with_bound(opaque(lambda x: x[:, 0] ** 2), 2.25, stretch=1.5)
    problem = Problem(model, lambda x: 1.5 * x[:, 0] + 0.0625, Domain(x=(-1.0, 1.0)), ErrorMeasure(side=side))
    x = np.linspace(-1, 1, 20001)[:, None]
    signed = problem.model.value(x)[:, 0] - problem.reference.value(x)[:, 0]
    truth = {"both": np.abs(signed), "over": signed, "under": -signed}[side].max()
    result = certify(problem, ratio=1.01)
    assert result.lower <= truth * (1 + 1e-12)
    assert truth <= result.upper <= 1.01 * truth
    assert result.upper_kind == "conditional"
    assert result.deployed_upper == result.upper + result.rounding > result.upper


def _black_box(low, high, said, weight=(1.0,)):
    return BlackBox(
        "reference", "f", np.abs, said, np.array(weight), np.array([low]), np.array([high]), (False,)
    )


def test_ellipses_fit_into_the_declared_disc_also_where_the_middle_of_an_axis_is_rounded():
    rng = np.random.default_rng(0)
    for _ in range(200):
        low = float(10.0 ** rng.uniform(3, 6))
        high = low + int(rng.integers(200, 4000)) * np.spacing(low)
        box = _black_box(low, high, Declared((1.0,), stretch=float(rng.uniform(1.2, 3.0))))
        centre = np.array([[low + int(rng.integers(50, 150)) * np.spacing(low)]])
        half = np.array([[float(rng.uniform(1.0, 50.0)) * np.spacing(low)]])
        rho = Fraction(float(box.rho(centre, half)[0, 0]))
        if rho > 1:
            reach = (rho + 1 / rho) / 2 * Fraction(float(half[0, 0]))
            off = abs(Fraction(float(centre[0, 0])) - (Fraction(low) + Fraction(high)) / 2)
            wide = Fraction(box.declared.stretch) * (Fraction(high) - Fraction(low)) / 2
            assert reach + off <= wide


def test_the_accuracy_of_an_output_enters_by_its_weight():
    box = _black_box(0.0, 1.0, Declared((1.0, 1.0), stretch=2.0, accuracy=1e-3), (0.5, -3.0))
    assert (box.noise_at(np.array([[0.5]]), np.array([[0.5, -1.5]])) >= [[0.5e-3, 3e-3]]).all()
