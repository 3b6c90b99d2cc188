"""Properties of models: proved, refuted, undecided; claims against closed forms, the checker, and weakened rules."""

from __future__ import annotations

import json
import re
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from supnorm.certification import certify_properties, extremes
from supnorm.certification.certificate import digest
from supnorm.certification.property import read_properties
from supnorm.checker import check
from supnorm.problem import Axis, Domain, Function
from supnorm.program import derived
from supnorm.results import BadInput

BOX = Domain(x=(-1.0, 1.0), p=Axis(0.5, 4.0, "Pa", scale="log"))


def model(x):
    return jnp.stack([x[:, 1] ** 2 * jnp.exp(-x[:, 0]), jnp.sin(3.0 * x[:, 0]) + x[:, 1]], axis=1)


# Property, answer, and the extreme in closed form (of the part named by the property).
LOG_E = float(np.exp(-1.0))
CASES = {
    "positive@y1": ("proved", 0.25 * LOG_E),
    "positive@y2": ("refuted", -0.5),
    "bounded:0:50@y1": ("proved", 0.25 * LOG_E),
    "bounded:-inf:40@y1": ("refuted", 16.0 / LOG_E),
    "monotone:p@y1": ("proved", LOG_E),
    "monotone:-x@y1": ("proved", -0.25 * LOG_E),
    "monotone:x@y2": ("refuted", -3.0),
    "convex:x@y1": ("proved", 0.25 * LOG_E),
    "convex:x@y2": ("refuted", -9.0),
    "lipschitz:x@y2": ("proved", 3.0),
    "lipschitz:p@y1": ("proved", 8.0 / LOG_E),
    "lipschitz@y2": ("proved", float(np.sqrt(10.0))),
}


@pytest.fixture(scope="module")
def result():
    return certify_properties(model, BOX, list(CASES), seconds=120.0)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("number", range(len(CASES)))
def test_answers_are_those_of_closed_forms(result, number):
    text, (status, value) = list(CASES.items())[number]
    answer = result.answers[number]
    assert (answer.property, answer.status) == (text, status)
    extreme = answer.extremes[-1 if text.startswith("bounded:-inf") else 0]
    assert extreme.lower <= value + 1e-12
    assert value <= extreme.upper + 1e-12
    if status == "proved":
        assert extreme.proved_volume == pytest.approx(1.0)
        assert extreme.upper - extreme.lower <= 0.1 * abs(value) + 1e-5
    else:
        assert answer.margin < 0.0


@pytest.mark.slow
def test_the_file_is_accepted_and_says_the_same(result, tmp_path):
    result.save(tmp_path / "p.json")
    verdict = check(tmp_path / "p.json")
    assert verdict.accepted, verdict.reason
    assert verdict.verdict == "refuted"
    assert result.status.exit == 1
    for answer in result.answers:
        for one in answer.extremes:
            assert (one.lower, one.upper) in verdict.claims.values()


def test_a_refuted_property_is_seen_in_the_model_as_it_runs(result):
    answers = {a.property: a for a in result.answers}
    assert answers["positive@y2"].runs[0].value <= 0.0
    before, after = answers["monotone:x@y2"].runs
    assert before.x["x"] < after.x["x"]
    assert before.x["p"] == after.x["p"]
    assert after.value < before.value
    left, middle, right = (run.value for run in answers["convex:x@y2"].runs)
    assert left - 2.0 * middle + right < 0.0


def test_the_margin_is_proved_within_the_ratio():
    for ratio in (1.5, 1.01):
        (answer,) = certify_properties(
            lambda x: 1.0 + x[:, 0] ** 2, Domain(x=(-1.0, 1.0)), ["positive"], ratio=ratio
        ).answers
        assert 1.0 / ratio <= answer.margin <= 1.0


def test_a_root_that_reaches_zero_is_not_proved_on_all_of_the_domain_and_time_does_not_help():
    """It said "proved on 100 % of the domain; the rest lies in", and asked for more seconds."""
    box = Domain(h=(0.0, 1.0), a=(0.0, 1.0))
    root = lambda x: np.sqrt(x[:, 0]) + 0.1 * x[:, 1] * np.sqrt(np.maximum(1.0 - x[:, 0], 0.0))  # noqa: E731
    result = certify_properties(root, box, ["positive"])
    assert result.answers[0].status == "undecided"
    assert "proved on more than 99.99 % of the domain; the rest lies in h in" in result.answers[0].text
    assert "more seconds do not help" in result.status.advice
    few = certify_properties(root, box, ["positive"], boxes=4)
    assert "give more seconds" in few.status.advice


@pytest.mark.slow
def test_an_extreme_at_the_threshold_is_undecided_and_says_where():
    box = Domain(x=(-1.0, 1.0), y=(0.0, 1.0))
    result = certify_properties(lambda x: x[:, 0] ** 2 + 0 * x[:, 1], box, ["positive"], boxes=200)
    (answer,) = result.answers
    # Zero at x = 0 is not above zero; a search may meet it exactly.
    assert answer.status in ("undecided", "refuted")
    result = certify_properties(
        lambda x: (x[:, 0] - 0.3) ** 2 + 1e-12 * x[:, 1] ** 2, box, ["monotone:x"], boxes=50
    )
    assert result.answers[0].status == "refuted"
    result = certify_properties(
        lambda x: 1e-9 + (x[:, 0] - 0.3) ** 6 + 0 * x[:, 1], box, ["positive"], boxes=3
    )
    (answer,) = result.answers
    assert result.status.exit == 4
    assert answer.status == "undecided"
    assert 0.0 <= answer.extremes[0].proved_volume < 1.0
    low, high = answer.rest["x"]
    assert low <= 0.3 <= high
    assert "the rest lies in x in" in answer.text
    # A limit that is proved is not called a value; the point is where it holds.
    assert re.search(r"; y is at most \S.* at x = 0\.", answer.text)
    assert 1e-9 <= answer.extremes[0].upper < 1.1e-9


@pytest.mark.slow
def test_a_run_goes_on_from_its_file(tmp_path):
    f, box, asked = (
        lambda x: 1.001 + jnp.sin(15.0 * x[:, 0]) * jnp.cos(13.0 * x[:, 1]),
        Domain(x=(-1.0, 1.0), y=(-1.0, 1.0)),
        ["positive"],
    )
    first = certify_properties(f, box, asked, boxes=1)
    assert first.answers[0].status == "undecided"
    first.save(tmp_path / "p.json")
    second = certify_properties(f, box, asked, resume=tmp_path / "p.json")
    assert second.answers[0].status == "proved"
    assert second.record.believed == 0
    with pytest.raises(BadInput, match="start without resume"):
        certify_properties(lambda x: f(x) + 1.0, box, asked, resume=tmp_path / "p.json")


REFUSED = {
    "rising": "is no property",
    "monotone": "is no property",
    "monotone:q": "there is no input 'q'",
    "bounded:2:1": "two numbers",
    "bounded:-inf:inf": "two numbers",
    "bounded:a:b": "two numbers",
    "positive@rho": "there is no output rho",
    "monotone:n": "has a list of values",
    "lipschitz": "has a list of values",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_property_is_refused_in_one_line(text):
    domain = Domain(x=(0.0, 1.0), n=Axis(1, 3, values=(1, 2, 3)))
    with pytest.raises(BadInput, match=REFUSED[text]) as fault:
        read_properties([text], domain, ["y"])
    assert "\n" not in str(fault.value)


def test_an_input_whose_name_begins_with_a_minus():
    domain = Domain(**{"-p": (0.0, 1.0), "p": (0.0, 1.0)})
    (one,) = read_properties(["monotone:-p"], domain, ["y"])
    assert (one.axis, one.sign) == (0, 1)


@pytest.mark.slow
def test_models_without_exact_slopes_are_refused_by_name():
    box = Domain(x=(-1.0, 1.0))
    with pytest.raises(BadInput, match="relu in a derivative"):
        certify_properties(lambda x: jax.nn.relu(x[:, 0]), box, ["monotone:x"])
    assert certify_properties(lambda x: 1.0 + jax.nn.relu(x[:, 0]), box, ["positive"]).status.exit == 0
    with pytest.raises(BadInput, match="was read from its code"):
        certify_properties(
            Function(lambda x: x + 1e-3, program=derived.outputs(_identity(), [0])), box, ["positive"]
        )


def _identity():
    from supnorm.program import program_of

    return program_of(lambda x: x[:, 0] + 0.0, 1)


def _save(tmp_path, text="monotone:x"):
    f = lambda x: jnp.tanh(x[:, 0]) + 0.5 * x[:, 0] * jnp.exp(-(x[:, 0] ** 2))  # noqa: E731
    result = certify_properties(f, Domain(x=(-0.5, 0.5)), [text])
    result.save(tmp_path / "p.json")
    return result, check(tmp_path / "p.json")


def _less_slope(honest):
    return lambda build, op, y, args, slopes: honest(build, "sub" if op == "add" else op, y, args, slopes)


def _nearer(honest):
    return lambda name, shift, proved: tuple(v * (1 + 1e-9) for v in honest(name, shift, proved))


WEAKER = {
    "a derivative rule": (derived, "_of_two", _less_slope),
    "the combination of a part": (extremes, "extreme", _nearer),
}


@pytest.mark.parametrize("name", WEAKER)
def test_the_checker_rejects_what_a_weaker_rule_makes(name, tmp_path, monkeypatch):
    assert _save(tmp_path)[1].accepted
    module, attribute, weaker = WEAKER[name]
    monkeypatch.setattr(module, attribute, weaker(getattr(module, attribute)))
    if name.startswith("the combination"):
        monkeypatch.setitem(
            sys.modules["supnorm.certification.statement_kinds"].KINDS, "properties", extremes.claims
        )
    assert not _save(tmp_path)[1].accepted


FALSE = {
    "positive": lambda entry: entry.update(verdict="proved"),
    "bounded:-0.2:0.9": lambda entry: entry.update(verdict="proved"),
    "monotone:-x": lambda entry: entry.update(verdict="proved"),
    "concave:x": lambda entry: entry.update(verdict="proved"),
}


@pytest.mark.sampled(1)
@pytest.mark.parametrize("text", FALSE)
def test_a_verdict_that_is_turned_is_rejected(text, tmp_path):
    result, honest = _save(tmp_path, text)
    assert honest.accepted
    assert result.answers[0].status == "refuted"
    data = json.loads((tmp_path / "p.json").read_text())
    FALSE[text](data["data"]["properties"][0])
    data["digest"] = digest(data)
    (tmp_path / "p.json").write_text(json.dumps(data))
    forged = check(tmp_path / "p.json")
    assert not forged.accepted
    assert "does not follow" in forged.reason


@pytest.mark.slow
def test_a_model_that_breaks_a_limit_as_it_runs_in_float32_is_not_proved_to_keep_it():
    def rough(x):
        z = jnp.asarray(x[:, 0], jnp.float32)
        thousand = jnp.float32(1000.0)
        low = ((z + thousand) - thousand) - z + jnp.float32(1e-5)  # 1e-5 in exact arithmetic
        return jnp.stack([low, z + jnp.float32(1.0)], axis=1)

    model32 = Function(rough, precision="float32")
    x = np.random.default_rng(0).random((1000, 1))
    assert np.asarray(model32.value(x))[:, 0].min() < 0.0
    asked = ["positive", "bounded:0:1@y1", "positive@y2"]
    result = certify_properties(model32, Domain(x=(0.0, 1.0)), asked, seconds=20.0)
    status = {(a.property, a.output): a.status for a in result.answers}
    assert status["positive", "y1"] == "undecided"
    assert status["bounded:0:1@y1", "y1"] == "undecided"
    assert status["positive", "y2"] == "proved"  # of the output, not of all outputs together
    assert "exact arithmetic" in result.answers[0].text
    assert result.status.code == "undecided"
