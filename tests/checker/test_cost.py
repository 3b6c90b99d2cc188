"""What a proof will cost is counted before it is made: hostile files are refused at once, honest ones forecast."""

from __future__ import annotations

import gc
import json
import os
import time
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb
from tests.checker.test_hostile import _affine, _array, _node, _program, _whole, _write

from supnorm.certification import certify
from supnorm.checker import Cost, TooCostly, check, special_functions
from supnorm.checker.cost import LIMIT, MEMORY, SLACK, Meter, demand, watched
from supnorm.checker.document import read
from supnorm.checker.forecast import cost_of
from supnorm.checker.leaves import Leaves
from supnorm.checker.rejected import Rejected
from supnorm.checker.text import reading
from supnorm.cli.main import run
from supnorm.problem import Domain, Problem


def _net(seed, d, width, layers, outputs=1):
    rng = np.random.default_rng(seed)
    sizes = [d, *[width] * layers, outputs]
    weights = [(rng.normal(size=s) / np.sqrt(s[0]), rng.normal(size=s[1]) * 0.3) for s in pairwise(sizes)]

    def net(x):
        for W, b in weights[:-1]:
            x = jnp.tanh(x @ W + b)
        return x @ weights[-1][0] + weights[-1][1]

    return net


def _certified(path, d, width, layers, ratio=1.1, outputs=1):
    net = _net(d, d, width, layers, outputs)
    other = lambda x: net(x) + 1e-3 * jnp.sin(3 * x.sum(axis=1, keepdims=True))  # noqa: E731
    domain = Domain(**{f"x{j}": (-0.4, 0.4) for j in range(d)})
    certify(Problem(net, other, domain), ratio=ratio, seconds=20).certificate.save(path)
    return path


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    return _certified(tmp_path_factory.mktemp("honest") / "certificate.json", 1, 8, 1)


def _forged(honest, path, change):
    data = json.loads(honest.read_text())
    change(data)
    return _write(path / "forged.json", data)


def _axes(data, d):
    for key in ("axis_low", "axis_high", "low", "high"):
        data[key] = [(-1.0 if "low" in key else 1.0).hex()] * d
    data.update(names=[f"x{j}" for j in range(d)], log=[False] * d, units=[""] * d)


def _both(data, program):
    data["programs"] = data["point_programs"] = [program]


def _powers(data, exponent=2.0**1000):
    """A power a hundred times in a row: exponents of balls get a hundred thousand bits."""
    nodes = [_node("pow", [k + 1], exponent=exponent.hex()) for k in range(100)]
    _both(data, _program(1, _affine([0], [1.0], 2.0), *nodes))
    _whole(data, 1.0)


def _fine_grid(data, leaves=1):
    """Degree 200 and 7 points a degree in two inputs, two million points for each leaf and output."""
    _axes(data, 2)
    _both(data, _program(2, _affine([0], [1.0, 1.0]), _node("sin", [1])))
    _whole(data, 1.0, degree=200, rho=1.5)
    depth = leaves.bit_length() - 1
    data["leaves"] = {k: v * leaves for k, v in data["leaves"].items()}
    data["leaves"].update(
        grid=[[7]] * leaves, level=[[depth, 0]] * leaves, index=[[i, 0] for i in range(leaves)]
    )


def _many_features(data, features=100_000, d=4):
    _axes(data, d)
    columns = [j % d for j in range(features)]
    nodes = [
        _node("take", [0], features, columns=columns),
        _node("sin", [1], features),
        _node("take", [2], columns=[0]),
    ]
    _both(data, _program(d, *nodes))
    _whole(data, 2.0, degree=1)
    data["leaves"]["graded"] = [[0]]


@pytest.mark.slow
def test_three_attacks_are_refused_before_anything_is_proved(honest, tmp_path):
    """They took 22 s, 39 s a leaf and output, and 2.07 GB."""
    start = time.process_time()
    assert "exponent" in check(_forged(honest, tmp_path, _powers)).reason
    assert "beyond 2^(2^" in check(_forged(honest, tmp_path, lambda d: _powers(d, 2.0**60))).reason
    with pytest.raises(TooCostly, match=r"--limit SECONDS"):
        check(_forged(honest, tmp_path, lambda d: _fine_grid(d, 2**15)), limit=1000.0)
    with pytest.raises(TooCostly, match=r"--memory"):
        check(_forged(honest, tmp_path, _many_features), memory=5e8)
    with pytest.raises(TooCostly, match=r"--limit SECONDS"):
        check(_forged(honest, tmp_path, _many_features), limit=5.0)
    assert time.process_time() - start < 15.0


def test_forms_of_graded_models_are_counted(honest, tmp_path):
    """With 20 inputs each feature keeps 210 of them."""
    few, many = (
        cost_of(read(_forged(honest, tmp_path, lambda data, d=d: _many_features(data, 5000, d))))[0]
        for d in (4, 20)
    )
    assert many.bytes > 5 * few.bytes


def test_sines_of_exact_huge_constants_are_counted(honest, tmp_path):
    """The sine of 2^60000 needs pi to 60,000 bits, 300 microseconds; that of a ball, or in a deep network, does not."""

    def constants(data, power):
        nodes = [_node("constant", [], 400, value=_array([400], [2.0] * 400)),
                 _node("pow", [1], 400, exponent=power.hex()), _node("sin", [2], 400),
                 _node("take", [3], columns=[0])]  # fmt: skip
        _both(data, _program(1, *nodes))
        _whole(data, 1.0, degree=50, rho=1.5)

    small, large = (
        cost_of(read(_forged(honest, tmp_path, lambda d, p=p: constants(d, p))))[0] for p in (2.0, 6e4)
    )
    assert large.operations > 20 * small.operations

    def deep(data):
        layers = [_affine([k], [2.0], 1.0) if k % 2 == 0 else _node("sin", [k]) for k in range(400)]
        _both(data, _program(1, *layers))
        _whole(data, 1.0, degree=50, rho=1.5)

    network = cost_of(read(_forged(honest, tmp_path, deep)))[0]
    assert network.operations < 5 * small.operations


def test_leaves_outputs_and_degrees_multiply(honest, tmp_path):
    def proofs(change):  # without the tables that they share
        return sum(cost_of(read(_forged(honest, tmp_path, change)))[1])

    one, sixteen = (proofs(lambda data, n=n: _fine_grid(data, n)) for n in (1, 16))
    assert sixteen == pytest.approx(16 * one)
    assert one > 4e6  # its two million points alone

    def wide(data):
        _fine_grid(data)
        outputs = [_affine([0], [1.0, 1.0]), _node("sin", [1]), _node("concat", [2] * 8, 8)]
        _both(data, _program(2, *outputs))

    assert proofs(wide) == pytest.approx(8 * one, rel=0.2)


@pytest.mark.slow
def test_the_forecast_itself_costs_little(honest, tmp_path):
    """Ten thousand leaves, each of its own kind, and a program of five thousand nodes."""

    def many(data):
        _both(data, _program(1, *[_node("neg", [k]) for k in range(5000)]))
        _whole(data, 1.0, degree=0)
        count = 2**13
        data["leaves"] = {k: v * count for k, v in data["leaves"].items()}
        data["leaves"].update(level=[[13]] * count, index=[[i] for i in range(count)],
                              degree=[[1 + i % 20] for i in range(count)],
                              rho=[[1.5 + i / count] for i in range(count)])  # fmt: skip

    document = read(_forged(honest, tmp_path, many))
    start = time.process_time()
    cost, each = cost_of(document)
    assert time.process_time() - start < 5.0  # a minute and more, when each leaf goes through the program
    assert len(each) == 2**13
    assert cost.seconds > 100.0


@pytest.mark.slow
def test_the_command_refuses_with_one_line_and_exit_2(honest, tmp_path, capsys):
    path = _forged(honest, tmp_path, lambda d: _fine_grid(d, 2**10))
    assert run(["check", str(path), "--limit", "60"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    forecast, refusal = said.err.splitlines()
    assert forecast.strip().startswith("forecast: about ")
    assert "--limit" in refusal
    assert "whether its claims are true was not checked" in refusal
    assert run(["check", str(path), "--limit", "0"]) == 2
    assert run(["check", str(honest), "--memory", "0.001"]) == 2
    assert "reading the file would take" in capsys.readouterr().err


def test_the_forecast_is_in_the_answer(honest, capsys):
    assert run(["check", str(honest), "--json"]) == 0
    cost = json.loads(capsys.readouterr().out)["cost"]
    assert cost["operations"] > 1e4
    assert cost["bytes"] > 1e4
    assert 0.0 < cost["seconds"] < 5.0


def _divided(data, halvings, bits=None):
    """The box in 2^halvings parts along each axis, each a leaf like the first one whose claim is easy to prove."""
    d, m = len(data["names"]), len(data["programs"])
    count = 2 ** (halvings * d)
    data["leaves"] = {k: v[:1] * count for k, v in data["leaves"].items()}
    data["leaves"].update(level=[[halvings] * d] * count, upper=[(1.0).hex()] * count,
                          index=[list(i) for i in np.ndindex(*[2**halvings] * d)])  # fmt: skip
    data["upper"] = (1.0).hex()
    if bits:
        data["leaves"]["bits"] = [[bits] * m] * count


@pytest.mark.slow
def test_forecasts_are_in_proportion_to_what_is_measured(tmp_path, monkeypatch):
    """Whatever the machine: of two files the ratio of forecasts is that of processor seconds, within 4.

    Interpolants in arrays, with one sum of roundings and with adjoints (leaves that name bits), and graded models.
    """
    one = _certified(tmp_path / "one.json", 1, 32, 2, 1.01)
    two = _certified(tmp_path / "two.json", 2, 32, 2, 1.1)
    files = [_certified(tmp_path / "three.json", 3, 16, 2, 1.3, 2)]
    for k, (certified, halvings, bits) in enumerate(
        ((one, 6, None), (one, 6, 100), (two, 3, None), (two, 3, 100))
    ):
        data = json.loads(certified.read_text())
        _divided(data, halvings, bits)
        files.append(_write(tmp_path / f"{k}.json", data))
    gc.collect()
    gc.disable()  # the heap of a long run of tests would count
    try:
        per = [cost_of(read(path))[0].seconds / min(_seconds(path) for _ in range(3)) for path in files]
    finally:
        gc.enable()
    assert max(per) < 4.0 * min(per), per


def _seconds(path):
    start = time.process_time()
    assert check(path).accepted
    return time.process_time() - start


@pytest.mark.slow
def test_a_proof_that_arrays_leave_undecided_is_counted_before_it_is_made_again(honest, tmp_path):
    """In FLINT's balls it takes some seconds, and the forecast cannot know that it is needed."""
    path = _forged(honest, tmp_path, _fine_grid)
    assert cost_of(read(path))[0].seconds < 0.5
    with pytest.raises(TooCostly, match=r"stopped after .*, before .* more; --limit allows"):
        check(path, limit=0.5)


def test_honest_files_are_far_below_the_limits(honest):
    cost, each = cost_of(read(honest))
    assert cost.seconds < 1e-3 * LIMIT
    assert cost.bytes < 1e-2 * MEMORY
    assert sum(each) < cost.operations


def test_the_clock_stops_what_was_not_foreseen(honest, monkeypatch):
    meter = Meter(0.01)
    while time.process_time() - meter.start < SLACK * 0.01:
        sum(range(1000))
    with pytest.raises(TooCostly, match="stopped"):
        meter.read()
    monkeypatch.setattr(import_module("supnorm.checker.check"), "demand", lambda *given: None)
    with pytest.raises(TooCostly, match="stopped"):
        check(honest, limit=1e-6)


@pytest.mark.parametrize(
    ("degree", "rho", "graded"), [(-2, 0.0, -1), (0, 0.0, -1), (5, 0.0, -1), (5, 1.5, -1), (1, 0.0, 0)]
)
def test_the_clock_stops_the_proof_of_one_leaf(degree, rho, graded, honest):
    """One leaf by linear pieces took 35 s under a limit of 2 s, for the clock was read before each leaf only."""
    document = read(honest)
    proof = ((0,), (0,), (degree,), (rho,), (0,), (graded,), (0,))
    with watched(Meter(0.0)), pytest.raises(TooCostly, match="stopped"):
        Leaves(document, set()).verify(proof, [0], [1.0])


def test_limits_are_inclusive_and_not_passed_by_no_number():
    demand(Cost(1.0, 1.0), seconds=1.0, memory=1.0)
    for cost in (Cost(float("nan"), 1.0), Cost(1.0, float("nan")), Cost(float("inf"), 1.0)):
        with pytest.raises(TooCostly):
            demand(cost)


TEXTS = {
    "empty lists": "[" + "[]," * 200_000 + "[]]",
    "empty objects": "[" + "{}," * 200_000 + "{}]",
    "short numbers": "[" + "1.5," * 200_000 + "1]",
    "short texts": "[" + '"ab",' * 200_000 + "1]",
    "one letter beyond Latin": '["' + "a" * 10**6 + "\U0001f600" + '"]',
    "a long text": '["' + "a" * 10**6 + '"]',
}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", TEXTS)
def test_reading_never_takes_more_memory_than_is_counted(name, tmp_path):
    import tracemalloc

    path = tmp_path / "text.json"
    path.write_text(TEXTS[name], encoding="utf-8")
    tracemalloc.start()
    try:
        with pytest.raises(Rejected):
            read(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= reading(path.read_bytes())
    with pytest.raises(TooCostly):
        read(path, 0.1 * peak)


@pytest.mark.parametrize(
    "text", ['{"a":' * 10**6, "[" * 10**6, "1" * 10**6, "-" + "9" * 5000, '"\\u' + "0" * 10**6]
)
def test_deep_and_long_texts_are_one_line(text, tmp_path):
    path = tmp_path / "text.json"
    path.write_text(text)
    start = time.process_time()
    verdict = check(path)
    assert not verdict.accepted
    assert "\n" not in verdict.reason
    assert time.process_time() - start < 3.0


def test_what_is_no_plain_file_is_not_read(tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    for path in (fifo, Path("/dev/zero"), tmp_path):
        assert not check(path).accepted


def test_huge_whole_numbers_in_leaves(honest, tmp_path):
    for key in ("degree", "grid", "level", "index", "graded"):

        def change(data, key=key):
            _whole(data, 1.0)
            data["leaves"].setdefault("graded", [[-1]])
            data["leaves"][key] = [[10**4000]]

        verdict = check(_forged(honest, tmp_path, change))
        assert not verdict.accepted
        assert len(verdict.reason) < 300


def test_functions_that_take_long_are_stopped_in_the_middle_of_a_proof(honest, tmp_path, monkeypatch):
    """The forecast itself called them at 33 points of 6,000 features: minutes, whatever the limit."""

    def long(data):
        _axes(data, 5)
        for key, v in (("axis_low", 0.5), ("low", 0.5), ("axis_high", 0.75), ("high", 0.75)):
            data[key] = [v.hex()] * 5
        columns = [j % 5 for j in range(6000)]
        shapes = {"shape": (1000.0).hex(), "second_shape": (1000.0).hex()}
        nodes = [
            _node("take", [0], 6000, columns=columns),
            _node("betainc", [1], 6000, **shapes),
            _node("take", [2], columns=[0]),
        ]
        _both(data, _program(5, *nodes))
        _whole(data, 1e-3, degree=2, rho=1.5)

    path = _forged(honest, tmp_path, long)
    monkeypatch.setitem(special_functions._COEFFICIENTS, "betainc", None)  # a call would end in a TypeError
    cost_of(read(path))
    with pytest.raises(TooCostly, match="--limit"):
        check(path, limit=1.0)
    monkeypatch.undo()
    shapes = (1000.0, 1000.0)  # as in a proof whose forecast was too small
    with watched(Meter(0.0)), pytest.raises(TooCostly, match="stopped"):
        special_functions.coefficients("betainc", arb(0.5), 1, shapes)
