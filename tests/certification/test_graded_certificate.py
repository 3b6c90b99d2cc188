"""Graded certificates from end to end: sound in four inputs, anytime, and every part of the bound is needed."""

from dataclasses import replace
from types import SimpleNamespace

import cases
import jax.numpy as jnp
import numpy as np
import pytest

from supnorm.certification import certify, graded_certificate
from supnorm.certification.graded_certificate import GradedCertificate
from supnorm.certification.graded_rule import rule
from supnorm.certification.leaf import Batch, Task
from supnorm.checker import check
from supnorm.problem import Domain, ErrorMeasure, Problem
from supnorm.results import BadInput, Contradiction

LOW = GradedCertificate(degrees=((4, 6),) * 4)


def _box(d, wide):
    return Domain.from_axes({f"x{i}": (-0.3, -0.3 + wide) for i in range(d)})


def _four(seed):
    """A problem in four inputs: related and unrelated references, several activations and measures."""
    activation, depth, related, wide = [
        ("tanh", 2, True, 0.6), ("silu", 1, False, 0.6), ("sin", 2, True, 0.4), ("gelu", 2, False, 0.4),
        ("softplus", 3, True, 0.3),
    ][seed]  # fmt: skip
    rng = np.random.default_rng(200 + seed)
    net, other = cases.network(rng, 4, 6, depth, activation), cases.smooth(rng, 4)
    reference = (lambda x: net(x) + 10.0 ** -(1 + seed) * other(x)) if related else other
    measure = ErrorMeasure("relative", floor=0.5) if seed == 3 else ErrorMeasure()
    return Problem(net, reference, _box(4, wide), measure)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, *[pytest.param(k, marks=pytest.mark.slow) for k in (1, 2, 3, 4)]])
def test_four_inputs(seed, tmp_path):
    problem = _four(seed)
    result = certify(problem, 1.3, strategy=LOW, boxes=2000)
    assert result.status.code == "proved"
    sampled = cases.largest_sampled(result, 1_000_000, seed)
    assert result.lower <= sampled * (1 + 1e-9) + 1e-12
    assert sampled <= result.upper + result.rounding
    result.certificate.save(tmp_path / "c.json")
    verdict = check(tmp_path / "c.json")
    assert verdict.accepted, verdict.reason


def _five():
    net = cases.network(np.random.default_rng(7), 5, 5, 1, "sin")
    return Problem(net, lambda x: net(x) + 0.05 * jnp.sin(2 * x.sum(1, keepdims=True)), _box(5, 0.3))


@pytest.mark.slow
def test_five_inputs_interrupted_and_resumed(tmp_path):
    strategy, events = GradedCertificate(degrees=((3, 4),) * 4), []

    def stop(event):
        events.append(event)
        if event.boxes > 100:
            raise KeyboardInterrupt

    first = certify(_five(), 1.04, strategy=strategy, observer=stop)
    assert first.status.code == "interrupted"
    assert first.lower < first.upper < np.inf
    assert 0.0 <= first.proved_volume < 1.0
    assert events[-1].remaining > 0.0  # infinite while boxes multiply
    first.certificate.save(tmp_path / "half.json")
    verdict = check(tmp_path / "half.json")
    assert verdict.accepted, verdict.reason
    second = certify(_five(), 1.04, strategy=strategy, resume=tmp_path / "half.json", observer=events.append)
    assert second.status.code == "proved"
    assert second.upper <= 1.04 * second.lower
    assert events[-1].remaining == 0.0
    whole = certify(_five(), 1.04, strategy=strategy)
    assert second.tried < whole.tried
    assert np.isclose(second.certificate.boxes.volume().sum(), 1.0)


@pytest.mark.slow
def test_the_forecast_is_of_the_right_size():
    """The first forecast of the boxes still needed, before its end: within a factor of four."""
    events = []
    certify(_five(), 1.02, strategy=GradedCertificate(degrees=((3, 4),) * 4), observer=events.append)
    total = events[-1].boxes
    middle = next(e for e in events if e.boxes > total / 3 and e.remaining < np.inf)
    assert middle.boxes < 0.95 * total
    foreseen = middle.remaining / middle.seconds * middle.boxes
    assert 0.25 < foreseen / (total - middle.boxes) < 4.0


@pytest.mark.parametrize("honest", [True, False])
def test_rounding_of_values_enters_the_bound(honest, monkeypatch):
    """1e-9 x beside 1e8: float64 evaluates to zero everywhere, but the error is not zero."""
    problem = Problem(
        lambda x: (1e-9 * x[:, 0] + 1e8) - 1e8 + 0.0 * jnp.sin(x[:, 0]), lambda x: 0.0 * x[:, 0],
        Domain(x=(0.5, 1.0), y=(0.0, 1.0), z=(0.0, 1.0)),
    )  # fmt: skip
    if not honest:
        whole = graded_certificate.enclose

        def exact(*args):
            found = whole(*args)
            g = found.graded
            return replace(
                found, graded=replace(g, rem=0.0 * g.rem), affine=replace(found.affine, err=0.0 * g.rem)
            )

        monkeypatch.setattr(graded_certificate, "enclose", exact)
        monkeypatch.setattr(
            graded_certificate,
            "affine_range",
            lambda model: (np.full_like(model.c, -np.inf), np.full_like(model.c, np.inf)),
        )
        with pytest.raises(Contradiction):  # the error at the witness is proved in ball arithmetic
            certify(problem, 1.01, strategy=LOW, boxes=20)
        return
    assert certify(problem, 1.01, strategy=LOW, boxes=20).upper >= 1e-9


@pytest.mark.slow
def test_rounding_is_told_apart_from_difficulty():
    """Where float64 stands in the way, boxes are not split for ever."""
    net = cases.network(np.random.default_rng(1), 3, 5, 1, "tanh")
    problem = Problem(net, lambda x: net(x) + 1e-14 * jnp.sin(x[:, :1]), _box(3, 0.5))
    result = certify(problem, 1.1, strategy=LOW, boxes=4000)
    assert "rounding" in result.status.advice
    assert result.upper < 1e-9
    assert result.tried < 4000


def test_only_degrees_of_the_format_are_taken():
    for degrees in (((1,),) * 4, ((13,),) * 4, ((4,),) * 3):
        with pytest.raises(BadInput):
            GradedCertificate(degrees=degrees)


def _offered(value=0.0, tail=0.0, err=0.0):
    """The bound of a box from equal values at the nodes of a rule, a tail and an error of evaluation; and the rule."""
    r = rule(3, 4)
    error = SimpleNamespace(side="both", d=3, one_sided=np.abs)
    found = SimpleNamespace(
        graded=SimpleNamespace(tail=lambda D: np.full((1, 1), tail if r.D == D else 0.0)),
        affine=SimpleNamespace(err=np.full((1, 1), err)),
    )
    state = Batch(1, 1, 1, error)
    values = np.full((1, len(r.nodes), 1), value)
    corner = np.zeros((1, 3))
    task = Task(a=0, program=None, centre=corner, half=corner, target=0.0, lower=0.0, state=state)
    GradedCertificate()._offer(task, r, values, found, np.array([0]))
    return float(state.bounds[0, 0, 0]), r


@pytest.mark.parametrize("value", [0.0, 2.0])
def test_each_loss_is_in_the_bound_of_a_polynomial(value, monkeypatch):
    """Tails count 1 + Lambda times, errors of evaluation Lambda times, and the operator is not quite a projection."""
    monkeypatch.setattr(graded_certificate, "ROOM", 0.0)
    bound, r = _offered(value, tail=1e-3)
    assert value + (1.0 + r.lebesgue) * 1e-3 <= bound <= value + 1.001 * (1.0 + r.lebesgue) * 1e-3
    bound, r = _offered(value, err=1e-3)
    assert value + r.lebesgue * 1e-3 <= bound <= value + 1.001 * r.lebesgue * 1e-3
    bound, r = _offered(1.0)
    least = float(r.rounding(np.array(1.0))) + r.defect
    assert least <= bound - 1.0 + 2.0**-52 <= 2.0 * least + 1e-12
    monkeypatch.setattr(type(r), "rounding", lambda self, largest: 1e-3 * largest)
    assert 1.001 <= _offered(-1.0)[0] <= 1.0011
