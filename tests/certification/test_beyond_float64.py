"""Errors that float64 cannot see: values in ball arithmetic, the bracket, its file, and what is said about it."""

import json
from types import SimpleNamespace

import jax.numpy as jnp
import mpmath as mp
import numpy as np
import oracle
import pytest
from test_running_error import _deep, _random_program

from supnorm.certification import (
    GradedCertificate,
    balls,
    certify,
    chebyshev_certificate,
    choice,
    fine_lower,
    fine_nodes,
    mismatch,
    verdict,
)
from supnorm.certification import lower as lower_bounds
from supnorm.certification.certificate import digest
from supnorm.checker import check
from supnorm.problem import Domain, ErrorMeasure, Problem
from supnorm.program import Node, Program
from supnorm.program.operations import BINARY, PARAMETERS, SECOND, UNARY
from supnorm.program.time_over import until
from supnorm.results import BadInput


def _horner(coefficients, x):
    value = coefficients[-1] + 0.0 * x
    for c in reversed(coefficients[:-1]):
        value = value * x + c
    return value


def _polynomial(function, a, b, degree):
    """Coefficients, in two doubles each, of the interpolant at the Chebyshev nodes, which is nearly the best polynomial."""
    with mp.workprec(400):
        nodes = [
            mp.mpf(a + b) / 2 + mp.mpf(b - a) / 2 * mp.cos(mp.pi * (2 * i + 1) / (2 * degree + 2))
            for i in range(degree + 1)
        ]
        matrix = mp.matrix([[x**k for k in range(degree + 1)] for x in nodes])
        exact = list(mp.lu_solve(matrix, mp.matrix([function(x) for x in nodes])))
        high = [float(c) for c in exact]
        return high, [float(c - mp.mpf(h)) for c, h in zip(exact, high, strict=True)]


CASES = {  # function, in arbitrary precision, interval, degree, kind of error
    "sin": (jnp.sin, mp.sin, (-0.5, 0.5), 9, "absolute"),
    "tan": (jnp.tan, mp.tan, (0.25, 0.5), 10, "absolute"),
    "exp cos": (
        lambda x: jnp.exp(jnp.cos(x) ** 2 + 1),
        lambda x: mp.exp(mp.cos(x) ** 2 + 1),
        (1, 2),
        15,
        "absolute",
    ),
    "cos": (jnp.cos, mp.cos, (-0.5, 0.25), 15, "relative"),
    "log": (lambda x: jnp.log(1 + x), lambda x: mp.log(1 + x), (-(2.0**-9), 2.0**-9), 7, "absolute"),
}


def _problem(name):
    run, exact, (a, b), degree, kind = CASES[name]
    high, low = _polynomial(exact, a, b, degree)
    measure = ErrorMeasure(kind, floor=0.0) if kind == "relative" else ErrorMeasure(kind)
    return Problem(
        lambda x: _horner(high, x[:, 0]) + _horner(low, x[:, 0]), lambda x: run(x[:, 0]),
        Domain(x=(float(a), float(b))), error=measure,
    )  # fmt: skip


def _largest(program, a, b, count=400):
    """The largest error over a fine grid and its local maxima, in arbitrary precision."""
    with mp.workprec(400):

        def size(t):
            return abs(oracle.evaluate(program, [t])[0])

        grid = [
            mp.mpf(a) + (mp.mpf(b) - mp.mpf(a)) * (1 - mp.cos(mp.pi * i / count)) / 2
            for i in range(count + 1)
        ]
        values = [size(t) for t in grid]
        best = max(values)
        for i in range(1, count):
            if values[i] >= max(values[i - 1], values[i + 1]):
                (x, y, z), (u, v, w) = grid[i - 1 : i + 2], values[i - 1 : i + 2]
                top = y - ((y - x) ** 2 * (v - w) - (y - z) ** 2 * (v - u)) / (
                    2 * ((y - x) * (v - w) - (y - z) * (v - u))
                )
                best = max(best, size(top))
        return float(best)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("name", CASES)
def test_polynomials_of_libraries_are_bracketed_to_a_percent(name, tmp_path):
    problem = _problem(name)
    result = certify(problem, ratio=1.01)
    assert result.status.code == "proved"
    assert result.ratio <= 1.01
    assert result.upper < 2e-13
    low, high = (float(v[0]) for v in (result.certificate.error.low, result.certificate.error.high))
    true = _largest(result.certificate.error.alternatives[0], low, high)
    assert result.lower <= true * (1 + 1e-12)
    assert true <= result.upper
    assert result.lower <= result.witness.error <= result.upper
    assert "exact arithmetic" in result.status.advice
    path = tmp_path / "c.json"
    result.certificate.save(path)
    found = check(path)
    assert found.accepted, found.reason
    assert "80-bit to " in found.reason
    assert mismatch(path, problem) is None
    again = certify(problem, ratio=1.01, resume=path, boxes=0)
    assert (again.lower, again.upper) == (result.lower, result.upper)


@pytest.mark.sampled(1)
@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_values_in_balls_are_those_of_the_program(part):
    rng = np.random.default_rng(900 + part)
    for _ in range(50):
        program = _random_program(rng)
        x = rng.uniform(-1.5, 1.5, (3, 2))
        value, off = balls.at_points(program, x, 128)
        with mp.workprec(300):
            for row, radius, p in zip(value, off, x.tolist(), strict=True):
                exact = oracle.evaluate(program, list(map(mp.mpf, p)))
                for v, r, e in zip(row, radius, exact, strict=True):
                    assert abs(mp.mpf(float(v)) - e) <= r
                    assert r <= 1e-12 * (1 + abs(e))


def test_every_operation_of_programs_has_values_in_balls():
    def program(op, width=1, **more):
        args = (0, 0) if op in BINARY else (0,)
        return Program((Node("input", (), 1), Node(op, args, width, **more)))

    unknown = [
        op
        for op in (*UNARY, *BINARY)
        if not balls.knows(
            program(op, parameter=1.0 if op in PARAMETERS else None, second=1.0 if op in SECOND else None)
        )
    ]
    assert unknown == []


def test_an_operation_without_values_in_balls_has_no_bound(monkeypatch):
    program = Program((Node("input", (), 1), Node("sin", (0,), 1)))
    monkeypatch.setattr(balls, "_KNOWN", {"input"})
    assert np.isinf(balls.at_points(program, np.ones((3, 1)), 128)[1]).all()
    assert np.isinf(balls.at_nodes(program, np.ones(1), np.ones(1), 4, 128)[1]).all()


def test_the_nodes_are_those_of_the_interpolant():
    from supnorm.certification import chebyshev

    identity = Program((Node("input", (), 2),))
    centre, half = np.array([0.3, -1.0]), np.array([0.1, 2.0])
    value, off = balls.at_nodes(identity, centre, half, 5, 128)
    assert np.allclose(value, centre + half * chebyshev.tensor_nodes(5, 2), atol=1e-15)
    assert off.max() < 1e-15


def _saved(tmp_path, name="cos"):
    result = certify(_problem(name), ratio=1.01)
    path = tmp_path / "c.json"
    result.certificate.save(path)
    return path, json.loads(path.read_text())


def _sealed(path, data):
    data["digest"] = digest(data)
    path.write_text(json.dumps(data))
    return check(path)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("bits", [0, 79, 513, -1, 10**9])
def test_a_file_cannot_choose_the_precision_freely(bits, tmp_path):
    """Too few bits prove too little; a precision that would take the machine's time is no precision of the format."""
    path, data = _saved(tmp_path)
    data["leaves"]["bits"] = [[bits]] * len(data["leaves"]["bits"])
    assert not _sealed(path, data).accepted


@pytest.mark.slow
def test_more_bits_prove_the_same_and_cost_no_less_by_forecast(tmp_path):
    path, data = _saved(tmp_path)
    usual = check(path)
    data["leaves"]["bits"] = [[512]] * len(data["leaves"]["bits"])
    found = _sealed(path, data)
    assert found.accepted
    assert found.cost.operations >= usual.cost.operations  # measured: 0.14 s and 0.17 s for 13 leaves


@pytest.mark.slow
def test_a_smaller_claim_is_rejected(tmp_path):
    path, data = _saved(tmp_path)
    uppers = [float.fromhex(v) * 0.99 for v in data["leaves"]["upper"]]
    data["leaves"]["upper"] = [v.hex() for v in uppers]
    data["upper"] = max(uppers).hex()
    data["lower"] = min(float.fromhex(data["lower"]), 0.99 * max(uppers)).hex()
    found = _sealed(path, data)
    assert not found.accepted
    assert found.leaf is not None
    with pytest.raises(BadInput, match=r"does not follow|its bounds are wrong"):
        certify(_problem("cos"), ratio=1.01, resume=path, boxes=0)


def _blind(honest):
    def weak(program, centre, half, n, bits):
        value, off = honest(program, centre, half, n, bits)
        return value, 0.0 * off

    return weak


@pytest.mark.parametrize("weak", [True, False])
def test_the_radius_of_the_balls_enters_the_bound(weak, monkeypatch, tmp_path):
    """1e-20 x beside 1e8: balls of 80 bits evaluate to zero everywhere, but the error is not zero."""
    monkeypatch.setattr(balls, "BITS", (80,))
    if weak:
        monkeypatch.setattr(balls, "at_nodes", _blind(balls.at_nodes))
    problem = Problem(
        lambda x: (1e-20 * x[:, 0] + 1e8) - 1e8 + 0.0 * jnp.sin(x[:, 0]), lambda x: 0.0 * x[:, 0],
        Domain(x=(0.5, 1.0)),
    )  # fmt: skip
    result = certify(problem, ratio=1.01, boxes=20)
    result.certificate.save(tmp_path / "c.json")
    assert (result.upper >= 1e-20) != weak
    assert check(tmp_path / "c.json").accepted != weak


@pytest.mark.slow
def test_the_radius_enters_the_lower_bound(monkeypatch):
    """The error at a point is 1e-25; in 64 bits nothing is known about it."""
    error = certify(_problem("cos"), ratio=1.01).certificate.error
    x = np.linspace(-0.5, 0.25, 40)[:, None]
    monkeypatch.setattr(balls, "BITS", (64,))
    assert fine_lower.finer(error, x, np.zeros(40), np.zeros(40)).max() == 0.0
    honest = balls.at_points
    monkeypatch.setattr(balls, "at_points", lambda *a: (honest(*a)[0], 0.0 * honest(*a)[1]))
    assert fine_lower.finer(error, x, np.zeros(40), np.zeros(40)).max() > 1e-24


@pytest.mark.slow
def test_without_python_flint_the_answer_says_what_is_missing(monkeypatch, tmp_path):
    path, _ = _saved(tmp_path)
    monkeypatch.setattr(balls, "available", lambda: False)
    monkeypatch.setattr(verdict, "available", lambda: False)
    result = certify(_problem("sin"), ratio=1.01, boxes=50)
    assert result.status.code == "undecided"
    assert result.lower <= 2.3759e-14 <= result.upper
    from supnorm.certification import proved_again

    monkeypatch.setattr(proved_again, "available", lambda: False)
    with pytest.raises(BadInput, match="python-flint"):
        certify(_problem("cos"), ratio=1.01, resume=path, boxes=0)


def test_boxes_on_which_float64_is_good_enough_are_left_alone(monkeypatch):
    def never(*args):
        raise AssertionError("not needed")

    monkeypatch.setattr(chebyshev_certificate, "bound_again", never)
    monkeypatch.setattr(fine_lower, "with_rounding", never)
    problem = Problem(lambda x: x[:, 0] ** 3, lambda x: jnp.sin(x[:, 0]), Domain(x=(0.0, 1.0)))
    assert certify(problem, ratio=1.01).status.code == "proved"


@pytest.mark.slow
def test_boxes_of_a_deep_network_are_bounded_by_running_error_analysis(monkeypatch, tmp_path):
    """The forward bound of rounding, |W| multiplied through, is a hundred times the error; no ball is needed."""
    net = _deep(np.random.default_rng(8))
    problem = Problem(
        net,
        lambda x: net(x[:, ::-1][:, ::-1]) + 1e-9 * jnp.cos(x[:, :1]),
        Domain(x=(0.1, 0.104), y=(0.1, 0.104)),
    )
    monkeypatch.setattr(balls, "available", lambda: False)
    result = certify(problem, ratio=1.01, boxes=100)
    assert result.status.code == "proved"
    assert result.lower <= 1e-9 * np.cos(0.1) <= result.upper <= 1.01e-9
    path = tmp_path / "c.json"
    result.certificate.save(path)
    assert check(path).accepted
    again = certify(problem, ratio=1.01, resume=path, boxes=0)
    assert again.status.code == "proved"
    assert again.upper <= 1.01e-9
    monkeypatch.setattr(
        chebyshev_certificate, "bound_again", lambda task, rules, *_: np.ones(len(rules), bool)
    )
    monkeypatch.setattr(lower_bounds, "finer", lambda error, x, proved, size: proved)
    assert certify(problem, ratio=1.01, boxes=100).upper > 1e-8


def test_the_rounding_of_node_values_enters_the_bound(monkeypatch, tmp_path):
    """Without it the checker, whose values are exact, finds a larger bound."""
    problem = Problem(
        lambda x: (1e-9 * x[:, 0] + 1e8) - 1e8 + 0.0 * jnp.sin(x[:, 0]), lambda x: 0.0 * x[:, 0],
        Domain(x=(0.5, 1.0)),
    )  # fmt: skip
    monkeypatch.setattr(balls, "available", lambda: False)
    monkeypatch.setattr(lower_bounds, "finer", lambda error, x, proved, size: proved)
    assert certify(problem, tolerance=1e-12, boxes=20).upper >= 1e-9
    honest = fine_nodes.with_rounding
    monkeypatch.setattr(fine_nodes, "with_rounding", lambda *a: (honest(*a)[0], 0.0 * honest(*a)[1]))
    result = certify(problem, tolerance=1e-12, boxes=20)
    result.certificate.save(tmp_path / "c.json")
    assert result.upper < 1e-9
    assert not check(tmp_path / "c.json").accepted


def test_two_forms_of_one_function_differ_by_nothing_that_can_be_seen():
    problem = Problem(
        lambda x: 3.0 * jnp.sin(x[:, 0]),
        lambda x: jnp.sin(x[:, 0]) * 2.0 + jnp.sin(x[:, 0]),
        Domain(x=(0.0, 1.0)),
    )
    result = certify(problem, ratio=1.1)
    assert result.lower == 0.0
    assert result.upper < 1e-30
    assert "nowhere above" in result.status.advice


def _three(size=1e-17, inputs=3, wide=0.25):
    def sine(x):
        return jnp.sin(x[:, 0] + x[:, 1] * x[:, 2] + (x[:, 3] if inputs == 4 else 0.0))

    box = Domain(**dict.fromkeys("xyzw"[:inputs], (0.0, wide)))
    return Problem(lambda x: sine(x) + size * x[:, 0] * x[:, 1], sine, box)


@pytest.mark.slow
@pytest.mark.parametrize(("inputs", "wide"), [(3, 0.25), (4, 0.03)])
def test_three_inputs_and_formulas_of_four_go_on_below_float64(inputs, wide, tmp_path):
    """Graded and composed certificates end at 1e-14 of the values; Chebyshev certificates go on with what they leave."""
    worst, path, problem = wide**2 * 1e-17, tmp_path / "c.json", _three(inputs=inputs, wide=wide)
    assert certify(problem, 1.1, strategy=GradedCertificate()).upper > 1e5 * worst
    result = certify(problem, 1.1)
    assert result.status.code == "proved"
    assert result.lower <= worst <= result.upper <= 1.1 * worst
    result.certificate.save(path)
    assert check(path).accepted
    assert certify(problem, 1.1, resume=path, boxes=0).status.code == "proved"
    data = json.loads(path.read_text())
    data["leaves"]["upper"] = [(0.9 * float.fromhex(v)).hex() for v in data["leaves"]["upper"]]
    data["upper"] = (0.9 * float.fromhex(data["upper"])).hex()
    data["lower"] = (0.0).hex()
    assert not _sealed(path, data).accepted


@pytest.mark.slow
def test_the_radius_of_the_balls_enters_the_bound_in_three_inputs(monkeypatch, tmp_path):
    """Balls of 64 bits see nothing of 1e-24; without their radii the proof would claim less than the error."""
    monkeypatch.setattr(balls, "BITS", (64,))
    monkeypatch.setattr(balls, "at_nodes", _blind(balls.at_nodes))
    result = certify(_three(1e-24), tolerance=1e-27)
    result.certificate.save(tmp_path / "c.json")
    assert result.upper < 0.25**2 * 1e-24
    assert not check(tmp_path / "c.json").accepted


@pytest.mark.slow
def test_where_higher_precision_does_not_help_the_work_ends(monkeypatch):
    monkeypatch.setattr(choice, "MOST_FINE", 2)
    result = certify(_three(), 1.001, boxes=1000)
    assert result.status.code == "undecided"
    assert "ounding" in result.status.advice


def test_the_time_ends_between_two_boxes_and_the_others_are_not_called_limited(monkeypatch):
    """256 boxes of one batch took 190 s of a run with --seconds 10; "limited" ones would end it as "rounding"."""
    seen = []
    monkeypatch.setattr(
        fine_nodes, "_by_adjoints", lambda task, rules, grids: np.ones(len(rules), dtype=bool)
    )
    monkeypatch.setattr(fine_nodes, "_in_balls", lambda task, rule, grids: seen.append(rule.row))
    rules = [fine_nodes.Rule(row, 4, 2.0, np.zeros(1), 0.0) for row in range(5)]
    with until(lambda: len(seen) >= 2):
        still = fine_nodes.bound_again(SimpleNamespace(d=1), rules, ())
    assert seen == [0, 1]
    assert still.tolist() == [True, True, False, False, False]
