"""The default strategy: networks as before, formulas by the better of two that are tried in turn."""

import cases
import jax.numpy as jnp
import numpy as np
import pytest

from supnorm.certification import ChebyshevCertificate, ComposedCertificate, GradedCertificate, certify
from supnorm.certification.choice import ROUNDS, Choice
from supnorm.certification.error_program import error_program
from supnorm.checker import check
from supnorm.problem import Axis, Domain, ErrorMeasure, Problem, with_bound

RELATIVE = ErrorMeasure("relative", floor=0.0)
DECADES = Domain(x=Axis(1e-2, 1e4, scale="log"), y=Axis(1e-3, 1e2, scale="log"))


def law(x):
    return (x[:, :1] ** 0.7 + 3.0 / x[:, 1:]) ** -0.5


LAWS = Problem(lambda x: law(x) * (1.0 + 0.01 * jnp.tanh(jnp.log(x[:, :1]))), law, DECADES, RELATIVE)


def _choice(problem):
    return Choice.of(error_program(problem))


@pytest.mark.slow
def test_formulas_have_two_strategies_and_networks_one():
    found = _choice(LAWS)
    assert isinstance(found.first, ChebyshevCertificate)
    assert isinstance(found.second, ComposedCertificate)
    three = Problem(
        lambda x: x[:, 0] * x[:, 1], lambda x: x[:, 2] ** 2, Domain(x=(0.0, 1.0), y=(0.0, 1.0), z=(0.0, 1.0))
    )
    assert isinstance(_choice(three).first, GradedCertificate)
    assert isinstance(_choice(three).second, ComposedCertificate)
    net = cases.network(np.random.default_rng(0), 2, 8, 1, "tanh")
    assert _choice(Problem(net, lambda x: 0.0 * x[:, :1], Domain(x=(0.0, 1.0), y=(0.0, 1.0)))).second is None
    five = Domain.from_axes({f"x{i}": (0.0, 1.0) for i in range(5)})
    assert _choice(Problem(lambda x: x.sum(1), lambda x: x[:, 0], five)).second is None
    evaluated = with_bound(lambda x: np.sin(np.array(x.tolist())), 4.0, stretch=2.0)
    assert _choice(Problem(lambda x: x, evaluated, Domain(x=(-1.0, 1.0)))).second is None


def test_what_the_first_strategy_proves_soon_is_its_proof(tmp_path):
    """An easy formula has the proof that it always had."""
    problem = Problem(lambda x: x - x**3 / 6.0, jnp.sin, Domain(x=(0.0, 1.0)))
    mine, other = certify(problem, 1.01), certify(problem, 1.01, strategy=ChebyshevCertificate())
    assert mine.certificate.to_json() == other.certificate.to_json()


@pytest.mark.slow
def test_where_the_first_does_not_end_soon_the_second_proves(tmp_path):
    first = certify(LAWS, 1.1, strategy=ChebyshevCertificate(), boxes=ROUNDS[1])
    assert first.status.code == "undecided"
    result = certify(LAWS, 1.1)
    assert result.status.code == "proved"
    assert all(rho == [0.0] for rho in result.certificate.to_json()["leaves"]["rho"])
    result.certificate.save(tmp_path / "c.json")
    assert check(tmp_path / "c.json").accepted
    again = certify(LAWS, 1.1)
    assert again.certificate.to_json() == result.certificate.to_json()


@pytest.mark.parametrize("stop", [1, ROUNDS[0] - 1])
def test_work_that_is_cut_short_keeps_the_better_bracket(stop, tmp_path):
    """Ctrl-C in the first round, and just before the second strategy begins."""

    def observer(event):
        if event.boxes > stop:
            raise KeyboardInterrupt

    result = certify(LAWS, 1.1, observer=observer)
    assert result.status.code == "interrupted"
    assert result.lower <= result.upper
    result.certificate.save(tmp_path / "c.json")
    assert check(tmp_path / "c.json").accepted


@pytest.mark.slow
def test_a_budget_of_boxes_holds():
    for boxes in (10, ROUNDS[0] + 10, ROUNDS[1] + 10):
        result = certify(LAWS, 1.0001, boxes=boxes)
        assert result.tried <= boxes + 300
