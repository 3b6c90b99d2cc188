"""Roots that reach zero: the theorem at points of arbitrary precision, whole proofs, and each rule weakened."""

from dataclasses import replace

import mpmath as mp
import numpy as np
import pytest
from benchmarks.soundness import zeros
from benchmarks.soundness.judging import WRONG
from flint import arb

from supnorm.certification import LinearBounds, affine_model, certify, propagation, roots_at_zero
from supnorm.certification.affine_model import AffineModel
from supnorm.certification.agreement import slack_of
from supnorm.certification.balls import _cbrt
from supnorm.certification.into_report import SLACK
from supnorm.certification.propagation import propagate
from supnorm.certification.roots_at_zero import enclosed, nonnegative, rounding
from supnorm.certification.rounding import ULPS, U
from supnorm.checker import check
from supnorm.problem import Domain, Problem
from supnorm.program import lower_numpy

CASES = 300


def _root(op, z):
    z = mp.mpf(z)
    return mp.sqrt(z) if op == "sqrt" else mp.sign(z) * mp.cbrt(abs(z))


def _interval(rng):
    """Middle and half-width of an interval that holds zero, or ends just below it."""
    reach = 10.0 ** rng.uniform(-12, 8)
    return reach * rng.uniform(-0.3, 1.0), reach


def _false(op, above, cases=CASES):
    """Points at which the statement of `enclosed` does not hold."""
    rng, wrong = np.random.default_rng(7), 0
    for _ in range(cases):
        c, reach = _interval(rng)
        s, middle, half = (
            float(v[0, 0]) for v in enclosed(op, np.array([[c]]), np.array([[reach]]), np.array([above]))
        )
        low, high = mp.mpf(c) - mp.mpf(reach), mp.mpf(c) + mp.mpf(reach)
        low = max(low, mp.mpf(0)) if above else low
        p = mp.mpf(1) / (2 if op == "sqrt" else 3)
        summit = high * p ** (1 / (1 - p))
        for z in [
            low,
            high,
            min(summit, high),
            *(low + (high - low) * mp.mpf(t) for t in rng.random(4) ** 3),
        ]:
            wrong += abs(_root(op, z) - mp.mpf(s) * z - mp.mpf(middle)) > mp.mpf(half)
    return wrong


@pytest.mark.parametrize(("op", "above"), [("sqrt", True), ("cbrt", True), ("cbrt", False)])
def test_the_chord_encloses_the_root(op, above):
    with mp.workdps(40):
        assert _false(op, above) == 0


def test_a_square_root_of_what_may_be_negative_has_no_bound():
    c, reach = np.array([[0.1]]), np.array([[0.2]])
    assert np.isinf(enclosed("sqrt", c, reach, np.array([False]))[2]).all()
    assert np.isinf(rounding("sqrt", c, c, reach, np.array([False]))).all()


def test_a_root_of_a_rounded_number_is_within_its_bound():
    rng = np.random.default_rng(3)
    with mp.workdps(40):
        for op in ("sqrt", "cbrt"):
            for _ in range(CASES):
                c, reach = _interval(rng)
                err = reach * 10.0 ** rng.uniform(-17, -1)
                low = 0.0 if op == "sqrt" else c - reach
                x = rng.uniform(low, c + reach) * rng.choice([0.0, 1e-9, 1.0])
                y = max(x + err * rng.uniform(-1, 1), low)
                off = rounding(op, *(np.array([[v]]) for v in (err, c, reach)), np.array([op == "sqrt"]))
                ran = getattr(np, op)(y)
                assert abs(mp.mpf(float(ran)) - _root(op, x)) <= mp.mpf(float(off[0, 0]))


@pytest.mark.parametrize("op", ["sqrt", "cbrt"])
def test_a_root_of_an_exact_number_is_off_by_what_the_function_may_be(op):
    """`ULPS` units in the last place, each of up to 2 U of the value; library functions are within one."""
    exact, size = np.zeros((1, 1)), np.full((1, 1), 2.0)
    off = rounding(op, exact, size, exact, np.array([True]))[0, 0]
    assert off >= 2.0 * ULPS * U * getattr(np, op)(2.0)


def test_a_cube_root_of_a_huge_number_off_by_more_than_its_size_is_within_its_bound():
    """The float64 1/3 is less than a third: of 1e300 the power is off by 116 units, and the bound is attained."""
    zero, half = np.zeros((1, 1)), 5e299
    off = rounding("cbrt", np.array([[2.0 * half]]), zero, np.array([[half]]), np.array([False]))[0, 0]
    with mp.workdps(40):
        assert 2 * mp.cbrt(mp.mpf(half)) <= mp.mpf(float(off))


@pytest.mark.parametrize("share", [1e-3, 1e-6, 1e-9, 1e-12, 0.0])
def test_a_cube_root_far_from_zero_is_between_those_of_the_ends(share):
    rng = np.random.default_rng(8)
    for c in (*rng.uniform(-2.0, 2.0, 40), 0.0):
        reach = share * abs(c)
        s, middle, half = (
            float(v[0, 0]) for v in enclosed("cbrt", np.array([[c]]), np.array([[reach]]), np.array([False]))
        )
        assert s == 0.0
        with mp.workdps(40):
            for z in (mp.mpf(c) - mp.mpf(reach), mp.mpf(c), mp.mpf(c) + mp.mpf(reach)):
                assert abs(_root("cbrt", z) - mp.mpf(middle)) <= mp.mpf(half)


def _by_hand(c, slope, eps, err=0.0):
    """A model of one feature that is at least zero on one box, and one of its root that has no bound."""
    one = np.ones((1, 1))
    x = AffineModel(c * one, slope * one[..., None], np.full((1, 1, 1), eps), err * one, np.ones(1))
    nothing = AffineModel(
        0.0 * one, 0.0 * one[..., None], np.full((1, 1, 1), np.inf), np.inf * one, np.ones(1)
    )
    return affine_model.with_root("sqrt", x, nothing, np.array([True]))


@pytest.mark.parametrize(
    ("c", "slope", "eps"), [(0.5, 0.3, 0.2), (0.1, 0.5, 0.4), (-3e9 / 7.0, 3e9 / 7.0, 1.7)]
)  # fmt: skip
def test_the_model_of_a_root_holds_all_that_its_argument_may_be(c, slope, eps):
    """Also where the parts of the argument are far larger than it ever is: their rounding is then more than its root's."""
    model = _by_hand(c, slope, eps)
    middle, J, half = (mp.mpf(float(v.ravel()[0])) for v in (model.c, model.J, model.eps))
    used = []
    with mp.workdps(40):
        c, slope, eps = mp.mpf(c), mp.mpf(slope), mp.mpf(eps)
        last = c + slope + eps
        for z in (0, last / 4, last / 2, last):  # the chord is off by most at its ends and at a quarter
            for rest in (-eps, eps / 2, eps):
                y = (z - c - rest) / slope
                if abs(y) <= 1:
                    used.append(abs(mp.sqrt(z) - middle - J * y) / half)
    assert 0.9 < max(used) <= 1


def test_the_root_of_a_rounded_zero_may_be_as_large_as_that_of_its_error():
    for err in (1e-16, 1e-3):
        assert np.sqrt(err) <= _by_hand(0.1, 0.1, 0.0, err).err[0, 0] <= 1.01 * np.sqrt(err)


FORMS = {
    "an input from zero on": (lambda x: x[:, :1], True),
    "an input that may be negative": (lambda x: x[:, 1:], False),
    "a difference": (lambda x: x[:, :1] - 0.5 * x[:, :1] * x[:, :1], False),
    "a product": (lambda x: x[:, :1] * x[:, :1] * 3.0, True),
    "a product with what may be negative": (lambda x: x[:, :1] * x[:, 1:], False),
    "a square": (lambda x: (x[:, :1] - x[:, 1:]) ** 2, True),
    "a cube": (lambda x: x[:, 1:] ** 3, False),
    "a cube of what is at least zero": (lambda x: x[:, :1] ** 3, True),
    "a broken power": (lambda x: x[:, :1] ** 1.7, True),
    "a root": (lambda x: np.sqrt(x[:, 1:] + 3.0), True),
    "a cube root": (lambda x: np.cbrt(x[:, :1]), True),
    "a cube root of what may be negative": (lambda x: np.cbrt(x[:, 1:]), False),
    "a hyperbolic tangent": (lambda x: np.tanh(x[:, :1]), True),
    "an arc tangent": (lambda x: np.arctan(x[:, :1]), True),
    "a sine": (lambda x: np.sin(x[:, :1]), False),
    "a size": (lambda x: np.abs(x[:, 1:] - 0.2), True),
    "a positive part": (lambda x: np.maximum(x[:, 1:] - 0.2, 0.0), None),
    "a sum": (lambda x: x[:, :1] * 2.0 + x[:, 1:] ** 2 + 0.1, True),
    "a sum with a negative number": (lambda x: x[:, :1] * 2.0 - 0.1, False),
    "a weight below zero": (lambda x: 1.0 - x[:, :1], False),
    "an exponential": (lambda x: np.exp(x[:, 1:]), True),
    "a quotient": (lambda x: x[:, :1] / (2.0 + np.abs(x[:, 1:])), True),
    "a quotient by what may be negative": (lambda x: x[:, :1] / (x[:, 1:] - 3.0), False),
    "the larger one": (lambda x: np.maximum(x[:, 1:], x[:, :1]), True),
    "the larger one of both signs": (lambda x: np.maximum(x[:, 1:], x[:, 1:] - 0.5), False),
    "the smaller one": (lambda x: np.minimum(x[:, :1], x[:, 1:] ** 2), True),
    "the smaller one of both signs": (lambda x: np.minimum(x[:, :1], x[:, 1:]), False),
    "one of two": (lambda x: np.where(x[:, 1:] > 0.2, x[:, :1], x[:, 1:] ** 2), True),
    "one of two, the first of both signs": (lambda x: np.where(x[:, 1:] < 0.2, x[:, 1:], x[:, :1]), False),
    "one of two, the second of both signs": (lambda x: np.where(x[:, 1:] > 0.2, x[:, :1], x[:, 1:]), False),
}


@pytest.mark.parametrize("name", FORMS)
def test_what_is_known_to_be_at_least_zero(name):
    function, expected = FORMS[name]
    program = lower_numpy(function, 2)
    known = [np.array([True, False])]
    for node in program.nodes[1:]:
        known.append(nonnegative(node, [known[a] for a in node.args], node.width))
    if expected is not None:
        assert bool(known[-1].all()) is expected
    x = np.random.default_rng(0).uniform([0.0, -1.0], [1.0, 1.0], (2000, 2))
    if known[-1].all():
        assert (program.value(x) >= 0.0).all()


W = np.random.default_rng(1).normal(size=(2, 6))


def _net(x):
    return np.maximum(x @ W + 0.1, 0.0) @ np.linspace(-0.3, 0.5, 6)[:, None]


REFERENCES = {
    "sqrt": lambda x: np.sqrt(x[:, :1]) + 0.0 * x[:, 1:],
    "sqrt of a distance": lambda x: np.sqrt(x[:, :1] ** 2 + x[:, 1:] ** 2),
    "cbrt of a square": lambda x: np.cbrt((x[:, 1:] - x[:, :1]) ** 2),
    "cbrt": lambda x: np.cbrt(x[:, 1:] - 0.3),
    "a root of roots": lambda x: np.sqrt(np.sqrt(x[:, :1]) + np.sqrt(x[:, 1:] ** 2)),
    "a root of a tanh": lambda x: np.sqrt(np.tanh(x[:, :1])) * x[:, 1:],
    "a root of large numbers": lambda x: 1e-150 * np.sqrt(1e300 * x[:, :1]) + x[:, 1:],
}


@pytest.mark.parametrize("name", REFERENCES)
def test_errors_against_roots_are_proved_and_checked(name, tmp_path):
    problem = Problem(_net, REFERENCES[name], Domain(x=(0.0, 1.0), y=(-1.0, 1.0)))
    result = certify(problem, 1.1, strategy=LinearBounds())
    assert result.upper <= 1.1 * result.lower
    x = problem.domain.from_unit(np.random.default_rng(0).random((20_000, 2)))
    assert np.abs(problem.model(x) - problem.reference(x)).max() <= result.upper
    result.certificate.save(tmp_path / "c.json")
    assert check(tmp_path / "c.json").accepted
    again = certify(problem, 1.1, strategy=LinearBounds(), resume=tmp_path / "c.json")
    assert again.upper == result.upper


def test_where_only_rounding_is_under_a_root_the_error_at_a_point_is_known():
    """(x + 1)^2 - x^2 - 2 x - 1 is zero, and some units of rounding when it is computed."""

    def noise(x):
        return np.cbrt((x + 1.0) ** 2 - x**2 - 2.0 * x - 1.0)

    problem = Problem(lambda x: np.sin(3.0 * x), noise, Domain(x=(-1.0, 1.0)))
    result = certify(problem, 1.1)
    assert 0.99 <= result.lower <= 1.0 <= result.upper <= 1.1 * result.lower
    rounding = slack_of(problem.reference, lower_numpy(noise, 1), np.array([[0.3], [-0.7]]))
    assert (rounding > 1e-6).all()
    assert (rounding < 1e-3).all()


def test_a_root_of_rounded_points_of_a_tiny_domain_is_within_its_bound():
    """Next to the smallest numbers a point is rounded to far fewer digits."""
    rng, program = np.random.default_rng(4), lower_numpy(lambda x: np.sqrt(x), 1)
    for _ in range(50):
        centre, half = 1e-318 * rng.uniform(1.0, 9.0), 1e-318 * rng.uniform(0.1, 1.0)
        y = rng.uniform(-1.0, 1.0)
        model, _ = propagate(program, np.array([[centre]]), np.array([[half]]), np.ones(1), low=np.zeros(1))
        with mp.workdps(40):
            exact = mp.sqrt(mp.mpf(centre) + mp.mpf(half) * mp.mpf(y))
            off = abs(mp.mpf(float(program.value(np.array([[centre + half * y]]))[0, 0])) - exact)
        assert off <= model.err[0, 0]


def test_a_cube_root_of_a_ball_with_zero_holds_those_of_its_numbers():
    rng = np.random.default_rng(5)
    for _ in range(200):
        low, high = (
            float(k) * 2.0 ** int(e)
            for k, e in zip(rng.integers(0, 1000, 2), rng.integers(-60, 60, 2), strict=True)
        )
        root = _cbrt(arb(-(low**3)).union(arb(high**3)))  # cubes without rounding
        assert all(root.contains(arb(y)) for y in (-low, -0.5 * low, 0.0, 0.3 * high, high))
        assert root.rad() <= 1.001 * max(low, high) + 1e-300


@pytest.mark.parametrize("d", [1, 2, 3])
def test_distances_are_proved_without_a_choice_of_strategy(d, tmp_path):
    def distance(x):
        return np.sin(2.0 * x[:, :1]) + np.exp(-np.linalg.norm(x - 0.25, axis=1, keepdims=True))

    domain = Domain.from_axes({f"x{i}": (-1.0, 1.0) for i in range(d)})
    problem = Problem(distance, lambda x: 0.0 * x[:, :1], domain)
    result = certify(problem, 1.1)
    assert (
        np.abs(distance(domain.from_unit(np.random.default_rng(0).random((20_000, d))))).max() <= result.upper
    )
    result.certificate.save(tmp_path / "c.json")
    assert check(tmp_path / "c.json").accepted
    assert certify(problem, 1.1, resume=tmp_path / "c.json").upper == result.upper <= 1.1 * result.lower


def test_a_root_below_zero_has_no_bound():
    problem = Problem(_net, lambda x: np.sqrt(x[:, 1:] + 0.999), Domain(x=(0.0, 1.0), y=(-1.0, 1.0)))
    assert np.isinf(certify(problem, 1.1, strategy=LinearBounds(), boxes=300).upper)


@pytest.mark.slow
def test_random_problems_hold(tmp_path):
    verdicts = [zeros.judged(number, 5, tmp_path / "c.json") for number in range(12)]
    assert not [one for one in verdicts if one.verdict in WRONG]
    assert sum(one.verdict == "true and accepted" for one in verdicts) >= 6


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "seed"),
    [
        (147, 921),  # a positive part on its own piece
        (21, 27011),  # a chord where the checker's tangent is less than four times as large
        (81, 27012),  # a tangent where the checker's is more than twice as large as the chord
        (28, 2801),  # a chord behind a sigmoid, of which the checker's bound is tighter
    ],
)
def test_the_checker_bounds_a_leaf_as_the_certifier_does(number, seed, tmp_path):
    assert zeros.judged(number, seed, tmp_path / "c.json").verdict == "true and accepted"


def _on_a_sphere(x):
    """The distance from a point in units of the radius (haversine); its argument's zero is a factor times a square."""
    a = np.sin((x[:, :1] - 0.3) / 2) ** 2 + np.cos(x[:, :1]) * np.cos(0.3) * np.sin((x[:, 1:] - 0.2) / 2) ** 2
    return 2.0 * np.arcsin(np.sqrt(a))


def _in_the_plane(x):
    return np.hypot(x[:, :1] - 0.3, np.cos(0.3) * (x[:, 1:] - 0.2))


def test_a_distance_on_a_sphere_is_proved(tmp_path):
    """The cosine is positive on each box near the zero, not on all numbers: there was no bound."""
    problem = Problem(_in_the_plane, _on_a_sphere, Domain(x=(-0.5, 1.0), y=(-0.5, 1.0)))
    result = certify(problem, 1.2)
    assert result.upper <= 1.2 * result.lower
    x = problem.domain.from_unit(np.random.default_rng(0).random((20_000, 2)))
    assert np.abs(_in_the_plane(x) - _on_a_sphere(x)).max() <= result.upper
    result.certificate.save(tmp_path / "c.json")
    assert check(tmp_path / "c.json").accepted
    assert certify(problem, 1.2, resume=tmp_path / "c.json").upper == result.upper


def _known_on(boxes, function, units=1.0):
    """Which of these boxes (middles, half-widths) the function is known to be at least zero on."""
    program = lower_numpy(function, 1)
    centre, half = (np.array(v)[:, None] for v in zip(*boxes, strict=True))
    models = []
    start = affine_model.variables(centre, half, np.ones(1), np.array([-1.0]))
    with np.errstate(all="ignore"):
        for node in program.nodes:
            models.append(affine_model.of_node(node, [models[a] for a in node.args], start))
    known = roots_at_zero.on_boxes(
        program.nodes, lambda i: propagation._positive(models[i], units), start.nonnegative, []
    )
    return known.all(axis=1).tolist()


def test_a_factor_is_at_least_zero_where_its_model_is_positive():
    boxes = [(0.5, 0.4), (0.5, 0.5), (0.4, 0.5), (-0.5, 0.1), (0.5, 0.5 - 1e-16)]
    assert _known_on(boxes, lambda x: x * np.cos(20.0 * x) ** 2) == [True, False, False, False, False]
    assert _known_on(boxes, lambda x: np.cos(20.0 * x) ** 2 / x) == [True, False, False, False, False]
    assert _known_on(boxes, lambda x: -x * np.cos(20.0 * x) ** 2) == [False, False, False, True, False]


def test_what_rounding_may_make_negative_is_not_known_to_be_positive():
    """2^-60 is left of (x + 1) - x - 1 + 2^-60; computed it is any small multiple of 2^-53."""

    def rest(x):
        return (x + 1.0) - x - 1.0 + 2.0**-60

    assert _known_on([(0.3, 1e-9)], lambda x: rest(x) * np.sin(x) ** 2) == [False]
    assert _known_on([(0.3, 1e-9)], lambda x: (rest(x) + 1.0) * np.sin(x) ** 2) == [True]
    assert _known_on([(0.3, 1e-9)], lambda x: (rest(x) + 1e-9) * np.sin(x) ** 2) == [True]
    # In float32 the rest is as large as 1e-7.
    assert _known_on([(0.3, 1e-9)], lambda x: (rest(x) + 1e-9) * np.sin(x) ** 2, units=2.0**29) == [False]


def test_what_is_positive_has_room_for_another_order_of_the_sums():
    """`AS_COMPUTED` times the rounding of the program: code may compute the same sums otherwise (`into_report.SLACK`)."""
    err, none = np.full((1, 1), 1e-9), np.zeros((1, 1, 1))
    for size, known in ((15.9e-9, False), (16.1e-9, True)):
        x = AffineModel(np.full((1, 1), size), none, none, err, np.ones(1))
        assert propagation._positive(x, 1.0).all() == known
        assert propagation._positive(replace(x, err=err / 1024.0), 1024.0).all() == known
    assert propagation.AS_COMPUTED == 4.0 * SLACK


def test_a_root_has_room_for_the_precision_that_runs():
    """Of sin(x)^2 times what is positive in float64 and perhaps negative in float32."""
    program = lower_numpy(lambda x: np.sqrt(((x + 1.0) - x - 1.0 + 1e-9) * np.sin(x - 0.3) ** 2), 1)
    at = np.array([[0.3]]), np.array([[1e-9]]), np.ones(1)
    for units, bounded in ((1.0, True), (2.0**29, False)):
        model, _ = propagate(program, *at, low=-np.ones(1), units=units)
        assert bool(np.isfinite(model.eps[0, 0, 0])) is bounded


@pytest.mark.slow
@pytest.mark.parametrize(("number", "seed"), [(35, 36001), (55, 36001), (970, 36001), (460, 36022)])
def test_random_problems_with_factors_hold(number, seed, tmp_path):
    assert zeros.judged(number, seed, tmp_path / "c.json").verdict == "true and accepted"


def _bound_of_a_root(middle):
    """Of sqrt(x y^2) for x in middle +- 0.1 and y around zero, where only x decides."""
    program = lower_numpy(lambda x: np.sqrt(x[:, :1] * x[:, 1:] ** 2), 2)
    centre, half, low = np.array([[middle, 0.0]]), np.full((1, 2), 0.1), np.full(2, -1.0)
    return propagate(program, centre, half, np.ones(1), low=low)[0].reach[0, 0, 0]


def test_a_root_of_what_is_not_known_to_be_at_least_zero_has_no_bound(monkeypatch):
    assert 0.1 * np.sqrt(0.3) <= _bound_of_a_root(0.2) <= 0.2
    assert np.isinf(_bound_of_a_root(0.05))
    monkeypatch.setattr(propagation, "_positive", lambda x, units: np.ones_like(x.c, dtype=bool))
    assert np.isfinite(_bound_of_a_root(0.05))  # as it would be if the rule were weaker


def _smaller_excess(monkeypatch):
    monkeypatch.setattr(roots_at_zero, "EXCESS", {k: 0.8 * v for k, v in roots_at_zero.EXCESS.items()})


def _halves(share):
    def mutate(monkeypatch):
        def weak(*args):
            s, middle, half = enclosed(*args)
            return s, middle, share * half

        monkeypatch.setattr(affine_model, "enclosed", weak)

    return mutate


def _steeper(monkeypatch):
    def weak(*args):
        s, middle, half = enclosed(*args)
        return 1.5 * s, middle, half

    monkeypatch.setattr(affine_model, "enclosed", weak)


def _always_above(monkeypatch):
    monkeypatch.setattr(affine_model, "nonnegative", lambda node, known, width: np.ones(width, dtype=bool))


MUTANTS = {
    "a smaller excess": _smaller_excess,
    "half of the half": _halves(0.5),
    "a steeper chord": _steeper,
    "everything at least zero": _always_above,
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_weakened_rule_is_caught(name, monkeypatch, tmp_path):
    MUTANTS[name](monkeypatch)
    assert any(zeros.judged(number, 5, tmp_path / "c.json").verdict in WRONG for number in range(25))
