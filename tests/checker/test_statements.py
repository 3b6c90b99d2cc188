"""Files of several parts: honest ones are accepted, and nothing that is missing, swapped, foreign or tampered with is."""

from __future__ import annotations

import copy
import gc
import json
import re
import time
from unittest import mock

import jax.numpy as jnp
import numpy as np
import pytest

from supnorm.certification.bracket import Bracket, Goal
from supnorm.certification.certificate import digest
from supnorm.certification.part import Part, PartProof, prove
from supnorm.certification.statement import Statement, held_parts
from supnorm.checker import TooCostly, check
from supnorm.checker.cost import Meter, watched
from supnorm.checker.derived import Derivation
from supnorm.checker.operation import Operation
from supnorm.checker.operation import program as read_program
from supnorm.checker.rejected import Rejected
from supnorm.evaluation.limit import Limit
from supnorm.problem import Axis, Domain
from supnorm.program import Program, program_of
from supnorm.program.derived import derivative, difference, outputs, square_of_gradient
from supnorm.results import BadInput

DOMAIN = Domain(x=(-1.0, 1.0), p=Axis(0.5, 20.0, "Pa", scale="log"))


def model(x):
    return jnp.stack(
        [jnp.tanh(x[:, 0] + 0.3 * x[:, 1]) * x[:, 1] + 2.0, x[:, 1] ** 2 * jnp.exp(-x[:, 0])], axis=1
    )


def proved(name, program, side):
    return prove(Part(name, program, DOMAIN, side), Goal(1.1, None), Limit.of(60.0, 10_000))


@pytest.fixture(scope="module")
def statement():
    base = program_of(model, 2)
    first, second = outputs(base, [0]), outputs(base, [1])
    parts = {
        "min 0": proved("min 0", difference(first, np.array([40.0])), "under"),
        "max 0": proved("max 0", difference(first, np.array([0.0])), "over"),
        "min 1/1": proved("min 1/1", difference(derivative(second, 1), np.array([2.0])), "under"),
        "size 1/0": proved("size 1/0", derivative(second, 0), "both"),
        "max 0/*": proved("max 0/*", square_of_gradient(first), "over"),
    }
    data = {
        "properties": [
            {
                "property": "bounded",
                "output": 0,
                "low": (0.0).hex(),
                "high": (30.0).hex(),
                "verdict": "undecided",
            },
            {"property": "monotone", "output": 1, "axis": 1, "sign": 1, "verdict": "proved"},
            {"property": "lipschitz", "output": 1, "axis": 0, "verdict": "proved"},
            {"property": "lipschitz", "output": 0, "axis": None, "verdict": "proved"},
        ],
        "shifts": {"min 0": (40.0).hex(), "max 0": (0.0).hex(), "min 1/1": (2.0).hex()},
    }
    return Statement("properties", DOMAIN, {"model": base}, data, parts)


@pytest.fixture(scope="module")
def honest(statement):
    return json.loads(json.dumps(statement.to_json()))


def checked(data, tmp_path, **options):
    data["digest"] = digest(data)
    path = tmp_path / "statement.json"
    path.write_text(json.dumps(data))
    return check(path, **options)


@pytest.mark.slow
def test_an_honest_file_is_accepted_and_its_claims_are_true(statement, tmp_path):
    statement.save(tmp_path / "s.json")
    result = check(tmp_path / "s.json")
    assert result.accepted, result.reason
    assert result.verdict == "undecided"
    x = DOMAIN.from_unit(np.random.default_rng(0).random((20_000, 2)))
    y = statement.programs["model"].value(x)
    assert result.claims["min 0"][0] <= y[:, 0].min() <= result.claims["max 0"][1]
    assert result.claims["max 0"][0] >= 0.9 * y[:, 0].max()
    slopes = derivative(statement.programs["model"], 1).value(x)[:, 1]
    low, high = result.claims["min 1/1"]
    assert low <= slopes.min()
    assert high <= 1.2 * slopes.min()


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_the_observer_hears_of_the_leaves_of_all_parts(honest, tmp_path, workers):
    heard = []
    assert checked(
        copy.deepcopy(honest), tmp_path, observer=lambda *of: heard.append(of), workers=workers
    ).accepted
    total = sum(len(p["leaves"]["upper"]) for p in honest["parts"].values())
    assert heard[-1] == (total, total)
    assert [done for done, _ in heard] == sorted(done for done, _ in heard)


def test_it_is_resumed_part_by_part(statement, tmp_path):
    statement.save(tmp_path / "s.json")
    held = held_parts(tmp_path / "s.json", "properties")
    part = statement.parts["min 0"].part
    again = prove(part, Goal(1.1, None), Limit.of(60.0, 10_000), held=held["min 0"], path="s.json")
    assert again.upper <= statement.parts["min 0"].upper
    assert again.bracket.believed == 0
    with pytest.raises(BadInput, match="another model"):
        prove(part, Goal(1.1, None), Limit.of(60.0, 10_000), held=held["max 0"], path="s.json")
    with pytest.raises(BadInput, match="start without resume"):
        held_parts(tmp_path / "s.json", "root")


def _seal(part):
    part["digest"] = digest(part)


def _swap(data):
    data["parts"]["min 0"], data["parts"]["max 0"] = data["parts"]["max 0"], data["parts"]["min 0"]


def _loose(data):
    part = data["parts"]["size 1/0"]
    lower = float.fromhex(data["claims"]["size 1/0"]["upper"]) * (1 - 2**-40)
    data["claims"]["size 1/0"]["upper"] = lower.hex()
    assert lower > float.fromhex(part["lower"])


def _better_part(data):
    """A part whose own claim is false, with its digest made new, and the claim that would follow."""
    part = data["parts"]["size 1/0"]
    less = float.fromhex(part["lower"])
    part["leaves"]["upper"] = [min(float.fromhex(v), less).hex() for v in part["leaves"]["upper"]]
    part["upper"] = less.hex()
    _seal(part)
    data["claims"]["size 1/0"]["upper"] = less.hex()


def _smaller_box(data):
    part = data["parts"]["size 1/0"]
    for key in ("axis_low", "low"):
        part[key] = [(-0.5).hex(), *part[key][1:]]
    _seal(part)


def _other_program(data):
    """The part of another quantity under this name."""
    data["parts"]["size 1/0"] = copy.deepcopy(data["parts"]["max 0/*"])


def _other_base(data):
    data["programs"]["model"] = program_of(lambda x: model(x) * 0.5, 2).to_json()


def _other_side(data):
    data["parts"]["min 0"]["side"] = "both"
    _seal(data["parts"]["min 0"])


def _verdict(data):
    data["data"]["properties"][0]["verdict"] = "proved"
    data["data"]["properties"][0]["low"] = (1.5).hex()


def _refuted(data):
    data["data"]["properties"][1]["verdict"] = "refuted"


def _sign(data):
    data["data"]["properties"][1]["sign"] = -1


def _shift(data):
    data["data"]["shifts"]["min 0"] = (41.0).hex()


FORGERIES = {
    "a part is missing": (lambda d: d["parts"].pop("max 0"), "missing"),
    "a part is foreign": (lambda d: d["parts"].update(more=d["parts"]["max 0"]), "foreign"),
    "parts are swapped": (_swap, "not the one that the statement needs"),
    "a part is about another quantity": (_other_program, "not the one that the statement needs"),
    "a part is about a smaller box": (_smaller_box, "its domain is not the one"),
    "a part is about another side": (_other_side, "its side is not the one"),
    "the base program is another one": (_other_base, "not the one that the statement needs"),
    "a claim is smaller than the parts prove": (_loose, "does not follow from the parts"),
    "a part claims less than it proves": (_better_part, "part 'size 1/0': leaf"),
    "a verdict does not follow": (_verdict, "does not follow"),
    "a proved property is called refuted": (_refuted, "does not follow"),
    "the sign of a property is turned": (_sign, "missing|shifts"),
    "a shift is another one": (_shift, "not the one that the statement needs"),
    "a claim is missing": (lambda d: d["claims"].pop("max 0"), "not those of the statement"),
    "a property asks for an axis that does not exist": (
        lambda d: d["data"]["properties"][2].update(axis=7),
        "missing|does not exist",
    ),
    "an unknown kind": (lambda d: d.update(kind="truths"), "not known"),
    "an unknown key": (lambda d: d.update(more=1), "keys that the format does not have"),
    "no parts": (lambda d: d.update(parts={}), "number of parts"),
    "data is a list": (lambda d: d.update(data=[]), "data"),
    "infinite shift": (lambda d: d["data"]["shifts"].update({"min 0": "inf"}), "finite|statement needs"),
    "NaN in a claim": (lambda d: d["claims"]["min 0"].update(lower="nan"), "lower <= upper"),
    "axes upside down": (lambda d: d.update(axis_low=d["axis_high"], axis_high=d["axis_low"]), "below high"),
    "another axis name": (lambda d: d.update(names=["x", "q"]), "its domain is not the one"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_forgeries_are_rejected(honest, tmp_path, name):
    data = copy.deepcopy(honest)
    edit, words = FORGERIES[name]
    edit(data)
    result = checked(data, tmp_path)
    assert not result.accepted
    assert "\n" not in result.reason
    assert re.search(words, result.reason), result.reason


def test_a_changed_file_and_a_changed_part_are_rejected(honest, tmp_path):
    data = copy.deepcopy(honest)
    data["unit"] = "K"
    (tmp_path / "s.json").write_text(json.dumps(data))
    assert "digest" in check(tmp_path / "s.json").reason
    data["parts"]["min 0"]["seed"] = 5
    assert "part 'min 0': the file was changed" in checked(data, tmp_path).reason


@pytest.mark.slow
def test_thousands_of_foreign_parts_are_refused_before_any_is_read(honest, tmp_path, monkeypatch):
    data = copy.deepcopy(honest)
    data["parts"].update({f"foreign {i}": data["parts"]["max 0"] for i in range(2000)})
    monkeypatch.setattr("supnorm.checker.statements.as_document", lambda part: pytest.fail("a part was read"))
    result = checked(data, tmp_path)
    assert "the parts are not those of the statement" in result.reason
    assert len(result.reason) < 300
    assert gc.isenabled()


@pytest.mark.slow
def test_looser_claims_are_accepted(honest, tmp_path):
    data = copy.deepcopy(honest)
    data["claims"]["size 1/0"] = {"lower": "-inf", "upper": "inf"}
    data["data"]["properties"][0]["verdict"] = "undecided"
    assert checked(data, tmp_path).accepted


@pytest.mark.slow
def test_the_costs_of_all_parts_count_together(honest, tmp_path):
    data = copy.deepcopy(honest)
    cost = checked(data, tmp_path).cost
    path = tmp_path / "part.json"
    each = []
    for part in data["parts"].values():
        path.write_text(json.dumps(part))
        each.append(check(path).cost)
    assert cost.operations == pytest.approx(sum(c.operations for c in each))
    assert cost.bytes >= sum(c.bytes for c in each) * 0.999
    with pytest.raises(TooCostly):
        checked(data, tmp_path, limit=0.9 * cost.seconds)


def test_derivations_are_counted():
    ops = read_program(program_of(model, 2).to_json())
    small = Derivation(left=20)
    with pytest.raises(Rejected, match="too large"):
        small.partial(small.partial(ops, 0), 1)
    wide = (
        Operation("input", (), 100),
        Operation("affine", (0,), 1000, weight=(0.5,) * 100_000, vector=(0.0,) * 1000),
    )
    with pytest.raises(Rejected, match="too large"):  # it takes as long as some hundred small ones
        Derivation(left=20).partial(wide, 0)
    with watched(Meter(0.0)), pytest.raises(TooCostly):
        Derivation().partial(ops, 0)


def test_long_programs_are_read_in_time():
    """50,000 operations took a minute, whatever the limit."""
    nodes = [{"op": "input", "args": [], "width": 1}]
    nodes += [{"op": "neg", "args": [k], "width": 1} for k in range(50_000)]
    start = time.process_time()
    assert len(read_program({"schema": "supnorm.program/1", "nodes": nodes})) == 50_001
    assert time.process_time() - start < 8.0


def test_functions_are_evaluated_once_their_numbers_are_known_to_be_of_some_size(tmp_path):
    """Exponents of 180,000 bits took time and memory before the file was refused, whatever the limit."""
    nodes = [{"op": "input", "args": [], "width": 1}]
    nodes += [{"op": "pow", "args": [k], "width": 1, "exponent": (2.0**60).hex()} for k in range(100)]
    base = Program.from_json({"schema": "supnorm.program/1", "nodes": nodes})
    domain = Domain(x=(0.5, 0.9))
    name, shift = "min 0/0", 0.0
    part = Part(name, difference(derivative(outputs(base, [0]), 0), np.array([shift])), domain, "under")
    data = {
        "properties": [{"property": "monotone", "output": 0, "axis": 0, "sign": 1, "verdict": "undecided"}],
        "shifts": {name: shift.hex()},
    }
    proof = PartProof(part, Bracket.start(part.error))
    made = Statement("properties", domain, {"model": base}, data, {name: proof}).to_json()
    held = made["parts"][name]
    held |= {"upper": (1.0).hex(), "leaves": held["leaves"] | {"upper": [(1.0).hex()]}}
    held["digest"] = digest(held)
    with mock.patch("supnorm.checker.valued.values", side_effect=AssertionError):
        assert "makes numbers beyond" in checked(made, tmp_path).reason


def test_values_of_another_function_are_rejected(honest, tmp_path):
    x = [(0.1, 1.0), (-0.5, 7.0)]
    y = np.asarray(program_of(model, 2).value(np.array(x)))
    good = [(p, v.tolist(), [1e-9] * 2) for p, v in zip(x, y, strict=True)]
    assert checked(copy.deepcopy(honest), tmp_path, values={"model": good}).problem_checked
    bad = [(p, (v + 1e-6).tolist(), [1e-9] * 2) for p, v in zip(x, y, strict=True)]
    assert "other values" in checked(copy.deepcopy(honest), tmp_path, values={"model": bad}).reason
