"""What is said about a place: its volume, prominence, tags; recheck; findings; tables of pairs."""

from __future__ import annotations

import pickle
import time
from concurrent.futures import Executor, Future
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import spatial
from tests import problems
from tests.pages.cases import read, said
from tests.problems import Bump, RandomNet, assert_honest, bounded, box, function_of, mixed

from supnorm import audit
from supnorm.auditing.data_findings import domain_against_data
from supnorm.auditing.glitches import GlitchRule, rms_floor
from supnorm.auditing.infinite import infinite_cause
from supnorm.auditing.judging import crowned
from supnorm.auditing.recheck import recheck
from supnorm.auditing.statistics import Sample
from supnorm.evaluation import Calls, Evaluator
from supnorm.evaluation.limit import Limit
from supnorm.gates.run_comparison import _in_doubt
from supnorm.pages import summary, words
from supnorm.pages.view import View
from supnorm.problem import Axis, Domain, ErrorMeasure, Function, Problem
from supnorm.results import BadInput, Witness
from supnorm.wording import Narrator, fact
from supnorm.wording.result import AUDIT

Array = NDArray[np.float64]


# -- glitches ---------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_narrow_bump_is_a_glitch_and_a_wide_one_is_not() -> None:
    narrow = audit(problems.planted_bump(3, 1e-4, 1).problem, evaluations=20_000)
    assert len(narrow.glitches) >= 1
    assert narrow.glitches[0].error == narrow.document["sup"]["lower"]
    assert "glitch" in narrow.peaks[0].tags
    assert "interior" in narrow.peaks[0].tags
    tame = audit(problems.genuine_net(2, 0, starts=64).problem, evaluations=20_000)
    assert tame.glitches == ()


@pytest.mark.parametrize(("x", "where"), [(1.0, "boundary"), (0.7, "interior")])
def test_a_worst_point_that_the_last_pictures_saw_says_where_it_lies(x: float, where: str) -> None:
    evaluator = Evaluator(Problem(lambda x: x[:, 0] ** 2, lambda x: 0 * x[:, 0], Domain(x=(0.0, 1.0))))
    evaluator.values_inside(np.array([[x]]), "pictures")
    assert crowned(evaluator, ())[0].witness.tags == (where,)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("side", ["model", "reference"])
def test_the_side_with_the_curvature_is_named(side: str) -> None:
    d = 3
    domain = box(d, 1)
    net = RandomNet.draw(d, 5, gain=0.5)
    bump = mixed(bounded(RandomNet.draw(d, 6), 1e-3), (Bump(np.full(d, 0.4), 0.03, 1.0, "smooth"),))
    plain, sharp = function_of(domain, (net,), True), function_of(domain, (net, bump), True)
    model, reference = (sharp, plain) if side == "model" else (plain, sharp)
    report = audit(Problem(model, reference, domain), evaluations=20_000)
    assert report.worst is not None
    assert report.worst.error == pytest.approx(1.0, abs=1e-3)
    assert f"{side}-side" in report.worst.tags


def test_worst_points_on_faces_are_tagged() -> None:
    report = audit(
        Problem(lambda x: x.sum(axis=1), lambda x: 0 * x[:, 0], Domain(a=(0.0, 1.0), b=(0.0, 1.0))),
        evaluations=2000,
    )
    assert report.worst is not None
    assert report.worst.x.tolist() == [1.0, 1.0]
    assert "boundary" in report.worst.tags


@pytest.mark.parametrize("inner", [False, True])
def test_a_domain_ends_at_a_constraint_and_at_the_rim_of_its_data_too(inner: bool) -> None:
    allowed = Domain(lambda x: x.sum(axis=1) < 1.2, a=(0.0, 1.0), b=(0.0, 1.0))
    data = Domain.from_samples(np.random.default_rng(0).uniform([0.0, 0.4], [1.0, 0.6], (300, 2)))
    for domain, peak in (
        (allowed, [0.5, 0.5] if inner else [0.7, 0.7]),
        (data, [0.5, 0.5] if inner else [0.5, 2.0]),
    ):

        def model(x: Array, peak: list[float] = peak) -> Array:
            return np.asarray(np.exp(-((x - peak) ** 2).sum(axis=1)))

        report = audit(Problem(model, lambda x: np.zeros(len(x)), domain), evaluations=3000)
        assert report.worst is not None
        assert report.worst.tags[0] == ("interior" if inner else "boundary")


@pytest.mark.parametrize(("at", "tag"), [(8.0, "boundary"), (4.0, "interior")])
def test_the_ends_of_a_list_of_values_are_bounds(at: float, tag: str) -> None:
    domain = Domain(a=(0.0, 1.0), n=Axis(values=(2, 4, 8)))

    def model(x: Array) -> Array:
        return np.asarray(np.exp(-((x[:, 0] - 0.4) ** 2) / 0.01) * (x[:, 1] == at))

    report = audit(Problem(model, lambda x: 0 * x[:, 0], domain), evaluations=1000)
    assert report.worst.x[1] == at
    assert report.worst.tags[0] == tag
    one = Domain(a=(0.0, 1.0), n=Axis(values=(at,)))
    assert audit(Problem(model, lambda x: 0 * x[:, 0], one), evaluations=500).worst.tags[0] == "interior"


def test_the_rule_of_a_glitch() -> None:
    sample = Sample(np.linspace(0, 1, 1001), "uniform", 1001)
    rule = GlitchRule()

    def witness(**known: Any) -> Witness:
        point = {"error": 10.0, "volume": 1e-3, "prominence": 6.0, **known}
        return Witness(np.zeros(1), np.zeros(1), np.zeros(1), **point)

    assert rule.holds(witness(), sample)
    assert rule.holds(witness(error=np.inf, prominence=np.inf), sample)
    for weaker in (
        {"error": 2.0},
        {"volume": 0.02},
        {"prominence": 4.0},
        {"volume": None},
        {"prominence": None},
        {"error": np.inf, "prominence": np.inf, "volume": 0.1},
    ):
        assert not rule.holds(witness(**weaker), sample)


def test_the_floor_needs_a_glitch_with_a_volume() -> None:
    point = Witness(np.zeros(1), np.zeros(1), np.zeros(1), 8.0, volume=0.01)
    assert rms_floor([point]) == 0.0
    glitch = replace(point, tags=("glitch",))
    assert rms_floor([glitch]) == 0.0  # a volume without a lower limit is no floor
    assert rms_floor([replace(glitch, volume_at_least=0.0064)]) == pytest.approx(0.32)
    assert rms_floor([replace(glitch, volume_at_least=0.0064, error=np.inf)]) == 0.0


# -- recheck ----------------------------------------------------------------------------------------------


def rechecked(model: Any, reference: Any, second: Any, **asked: Any) -> Any:
    problem = Problem(model, reference, Domain(x=(0.0, 1.0)), recheck=second, **asked)
    return audit(problem, evaluations=2000)


def spike(x: Array) -> Array:
    return np.asarray(np.exp(-((x[:, 0] - 0.6) ** 2) / 1e-4))


def wave(x: Array) -> Array:
    return np.asarray(np.sin(3 * x[:, 0]))


def test_a_model_glitch_is_confirmed() -> None:
    report = rechecked(lambda x: wave(x) + spike(x), wave, lambda x: wave(x) + 1e-3)
    assert report.worst.recheck == "confirmed"
    assert report.worst.recheck_value[0] == pytest.approx(float(np.sin(1.8)) + 1e-3, abs=1e-3)
    assert report.status.code == "no-tolerance"
    assert report.document["evaluations"]["recheck"] >= 1


def test_a_fault_of_the_reference_is_found_and_exits_5() -> None:
    report = rechecked(wave, lambda x: wave(x) + spike(x), wave, tolerance=0.1)
    assert report.worst.recheck == "reference-fault"
    assert report.status.code == "reference-fault"
    assert int(report.status.exit) == 5


@pytest.mark.parametrize("height", [0.5, 0.05])
def test_a_confirmed_error_elsewhere_exceeds_the_tolerance_all_the_same(height: float) -> None:
    """The label of the worst row was wrong, and the error of the model in another row was not told by the exit code."""
    points = np.linspace(0.0, 1.0, 101)[:, None]
    labels = wave(points)[:, None].copy()
    labels[60] += 0.9  # a wrong label
    model = lambda x: wave(x) + height * (abs(x[:, 0] - 0.2) < 1e-9)  # noqa: E731
    problem = Problem(model, table(points, labels), Domain(x=(0.0, 1.0)), recheck=wave, tolerance=0.1)
    report = audit(problem)
    assert report.worst is not None
    assert report.worst.recheck == "reference-fault"
    assert report.status.code == ("tolerance-exceeded" if height > 0.1 else "reference-fault")
    assert int(report.status.exit) == (1 if height > 0.1 else 5)
    assert ("confirms an error of 0.5" in report.status.advice) == (height > 0.1)
    assert "TOLERANCE EXCEEDED" in summary(report.to_dict()) or height < 0.1
    view = View(read(report.to_dict()))
    beside = "the second reference confirms an error of 0.5, above the tolerance" in said(
        words.headline, view
    )
    assert beside == (height > 0.1)
    # "That is ..." would be of either error.
    assert said(words.lead, view).startswith("The worst error found is 0.9: " if beside else "That is ")
    assert _in_doubt(report.record)  # no comparison of two runs rests on the wrong label


@pytest.mark.parametrize(
    "second",
    [lambda x: wave(x) + 0.5 * spike(x), lambda x: np.full(len(x), np.nan), lambda x: wave(x) + 9],
    ids=["between", "no value", "elsewhere"],
)
def test_anything_else_is_unresolved(second: Any) -> None:
    report = rechecked(lambda x: wave(x) + spike(x), wave, second, tolerance=0.1)
    assert report.worst.recheck == "unresolved"
    assert report.status.code == "tolerance-exceeded"
    assert "does not settle which is right" in report.status.advice
    assert int(report.status.exit) == 1


@pytest.mark.parametrize("several", [False, True])
def test_a_model_without_a_value_where_both_references_have_one_is_confirmed(several: bool) -> None:
    def model(x: Array) -> Array:
        y = np.stack([np.where(x[:, 0] > 0.8, np.nan, wave(x)), wave(x) + 0.1], axis=1)
        return y if several else y[:, :1]

    def reference(x: Array) -> Array:
        return np.stack([wave(x), np.where(x[:, 0] > 0.8, np.nan, wave(x))], axis=1)[:, : 1 + several]

    report = rechecked(model, reference, lambda x: reference(x) * (1 + 1e-9), tolerance=0.2)
    assert report.worst.error == np.inf
    assert report.worst.recheck == "confirmed"
    assert "does not settle" not in report.status.advice


def test_a_second_reference_that_raises_does_not_lose_the_run() -> None:
    def broken(x: Array) -> Array:
        raise OSError("licence server")

    report = rechecked(lambda x: wave(x) + spike(x), wave, broken)
    assert report.worst.recheck == "unresolved"
    assert report.worst.error == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("other", [np.nan, 5.0])
@pytest.mark.parametrize(
    ("added", "word"), [(1e-3, "confirmed"), (0.5, "unresolved"), (1.0, "reference-fault")]
)
def test_a_recheck_is_about_the_output_that_carries_the_error(other: float, added: float, word: str) -> None:
    """The second output has no value near the worst point, or the references differ there as well."""

    def reference(x: Array) -> Array:
        return np.stack([wave(x), np.where(x[:, 0] > 0.5, np.nan, 0.0)], axis=1)

    def second(x: Array) -> Array:
        return np.stack([wave(x) + added * spike(x), np.full(len(x), other)], axis=1)

    def model(x: Array) -> Array:
        return np.stack([wave(x) + spike(x), 0 * x[:, 0]], axis=1)

    report = rechecked(model, reference, second, tolerance=0.1)
    assert report.worst.error == pytest.approx(1.0, abs=1e-6)
    assert report.worst.recheck == word
    finite = Problem(
        model,
        lambda x: np.nan_to_num(reference(x)),
        Domain(x=(0.0, 1.0)),
        recheck=second,
        tolerance=0.1,
    )
    assert audit(finite, evaluations=2000).worst.recheck == word


# -- findings ---------------------------------------------------------------------------------------------


def test_distances_to_the_data_take_one_tree_for_all_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its build and the spacing of the data take seconds for 100,000 points."""
    built = []
    tree = spatial.cKDTree
    monkeypatch.setattr(
        spatial, "cKDTree", lambda points, **more: built.append(len(points)) or tree(points, **more)
    )
    data = np.random.default_rng(0).random((777, 2))
    problem = Problem(
        lambda x: np.sin(9 * x[:, 0]) * np.cos(7 * x[:, 1]),
        lambda x: 0 * x[:, 0],
        Domain(a=(0.0, 1.0), b=(0.0, 1.0)),
        data=data,
    )
    report = audit(problem, evaluations=1000)
    assert len(report.peaks) > 3
    assert built.count(777) == 1
    for place in report.peaks:
        nearest = np.linalg.norm(data - place.x, axis=1).min()
        apart = [np.partition(np.linalg.norm(data - p, axis=1), 1)[1] for p in data]
        assert place.off_data == pytest.approx(nearest / np.quantile(apart, 0.95))


@pytest.mark.parametrize(
    ("seen", "share"), [((2, 4, 8), None), ((2, 4), "33.3 %"), ((4,), "66.7 %"), ((5, 6), "100 %")]
)
def test_a_list_of_values_is_wider_than_the_data_by_those_that_they_lack(
    seen: tuple[int, ...], share: str | None
) -> None:
    domain = Domain(a=(0.0, 1.0), n=Axis(values=(2, 4, 8)))
    data = np.array([(a, n) for a in (0.0, 0.3, 1.0) for n in seen])
    found = domain_against_data(domain, data, None)
    assert bool(found) is bool(share)
    if share:
        (text,) = map(Narrator(AUDIT).text, found)
        assert share in text
        assert "a (data" not in text
        assert f"n (data {seen[0]} to {seen[-1]}, declared 2 to 8)" in text


def test_what_a_constraint_rules_out_is_not_said_to_lie_outside_the_data() -> None:
    data = np.random.default_rng(0).random((400, 2)) * [0.5, 1.0]
    half = Domain([lambda x: x[:, 0] < 0.5], a=(0.0, 1.0), b=(0.0, 1.0))
    assert domain_against_data(half, data, None) == []
    wider = Domain([lambda x: x[:, 0] < 0.625], a=(0.0, 1.0), b=(0.0, 1.0))
    (found,) = domain_against_data(wider, data, None)
    assert found.values["share"] == pytest.approx(0.2, abs=0.04)
    text = Narrator(AUDIT).text(found)
    assert "about 2" in text
    assert "in a (data" in text
    assert "b (data" not in text


@pytest.mark.parametrize("low", [0.0, -1.0])
def test_data_without_a_logarithm_do_not_end_an_audit(low: float) -> None:
    """A logarithmic axis may begin above some of the data: the rows at zero are far away from everything."""
    domain = Domain(p=Axis(1e-3, 1.0, scale="log"), q=(0.0, 1.0))
    data = np.random.default_rng(0).uniform([low, 0.0], [1.0, 1.0], (200, 2))
    data[0] = low, 0.5
    problem = Problem(lambda x: np.log(x[:, 0]) * x[:, 1], lambda x: 0 * x[:, 0], domain, data=data)
    report = audit(problem, evaluations=500)
    assert report.document["findings"] == []
    unit = domain.to_unit(data[data[:, 0] > 0])
    apart = [np.partition(np.linalg.norm(unit - u, axis=1), 1)[1] for u in unit]
    nearest = np.linalg.norm(unit - domain.to_unit(report.worst.x[None]), axis=1).min()
    assert report.worst.off_data == pytest.approx(nearest / np.quantile(apart, 0.95))


def test_a_domain_wider_than_the_data_is_a_finding() -> None:
    data = np.random.default_rng(0).uniform([0.1, 0.0], [0.9, 0.5], (400, 2))
    domain = Domain(a=(0.0, 1.0), b=(0.0, 1.0, "Pa"))
    model = lambda x: x[:, 1] ** 3 * (1 - (x[:, 0] - 0.5) ** 2)  # noqa: E731
    problem = Problem(model, lambda x: 0 * x[:, 1], domain, data=data)
    report = audit(problem, evaluations=1000)
    finding = next(f for f in report.document["findings"] if f["code"] == "domain-exceeds-data")
    assert "b (data" in finding["text"]
    assert "The worst point lies outside the data, in b" in finding["text"]
    assert report.worst is not None
    assert report.worst.off_data is not None
    assert report.worst.off_data > 5
    assert "off-data" in report.worst.tags
    covered = replace(problem, domain=Domain(a=(0.12, 0.88), b=(0.02, 0.48)))
    assert audit(covered, evaluations=1000).document["findings"] == []


# -- tables -----------------------------------------------------------------------------------------------


def table(points: Array, values: Array) -> Function:
    return Function(table=(points, values), name="table")


def test_an_infinite_error_in_a_table_has_its_cause() -> None:
    points = np.array([[0.1], [0.2]])
    problem = Problem(lambda x: x + 1, table(points, np.array([[0.0], [4.0]])), Domain(x=(0.0, 1.0)))
    report = audit(replace(problem, error=ErrorMeasure("relative", floor=0.0)))
    assert report.explain().startswith("The reference is 0 at a point where the model is not")
    assert report.explain().endswith(
        "its RMS over 1 row is 70 %, and the largest finite error found is 70 %."
    )


def test_tables_have_statistics_and_no_search() -> None:
    rng = np.random.default_rng(0)
    points = rng.random((3000, 2))
    truth = points.sum(axis=1, keepdims=True)
    noise = rng.exponential(0.01, truth.shape)
    problem = Problem(table(points, truth + noise), table(points, truth), Domain(a=(0.0, 1.0), b=(0.0, 1.0)))
    report = audit(problem, evaluations=500)
    assert report.document["table_only"]
    assert report.document["regime"] == "table"
    assert report.worst is not None
    assert report.worst.error == pytest.approx(noise.max(), rel=1e-12)
    assert report.worst.x.tolist() == points[np.argmax(noise)].tolist()
    assert report.rms.value == pytest.approx(np.sqrt(np.mean(noise**2)))
    assert report.rms.n == 3000
    assert report.document["evaluations"]["search"] == 0
    assert_honest(report, problems.Instance("table", problem, float(noise.max())))


def test_labels_that_a_second_reference_contradicts_are_reference_faults() -> None:
    rng = np.random.default_rng(1)
    points = rng.random((500, 1))
    labels = wave(points)[:, None].copy()
    wrong = rng.choice(500, 3, replace=False)
    labels[wrong] += np.array([[0.7], [0.8], [0.9]])
    problem = Problem(
        lambda x: wave(x) + 0.01, table(points, labels), Domain(x=(0.0, 1.0)), recheck=wave, tolerance=0.05
    )
    report = audit(problem, evaluations=500)
    faults = [p for p in report.peaks if p.recheck == "reference-fault"]
    assert {float(p.x[0]) for p in faults} == set(points[wrong, 0].tolist())
    assert int(report.status.exit) == 5


@pytest.mark.parametrize(
    ("second", "tolerance", "word"),
    [
        (1.0, None, "reference-fault"),  # the model is right
        (0.6, None, "unresolved"),  # neither of both
        (1.05, 0.1, "reference-fault"),  # the model is right within its tolerance
        (1e-3, None, "confirmed"),
        (1.2e-3, None, "confirmed"),
    ],
)
@pytest.mark.parametrize("side", ["both", "over"])
def test_a_recheck_of_a_relative_error_has_one_scale(
    second: float, tolerance: float | None, word: str, side: str
) -> None:
    """Where the reference is 1e-3 and the model 1, a second one of 0.6 sides with neither."""

    def reference(x: Array) -> Array:
        return np.asarray(1 - 0.999 * np.exp(-(((x[:, 0] - 0.6) / 0.05) ** 2)))

    def other(x: Array) -> Array:
        return np.full(len(x), second)

    measure = ErrorMeasure("relative", side=side, floor=0.0)
    report = rechecked(lambda x: 1 + 0 * x[:, 0], reference, other, error=measure, tolerance=tolerance)
    assert report.worst.error == pytest.approx(999, rel=1e-3)
    assert report.worst.recheck == word


def test_a_plateau_without_a_model_value_does_not_hide_the_finite_errors() -> None:
    def model(x: Array) -> Array:
        bump = 0.3 * np.exp(-((x - 0.2) ** 2).sum(axis=1) / 1e-3)
        return np.where(((x - 0.5) ** 2).sum(axis=1) < 0.01, np.inf, x[:, 0] + bump)

    domain = Domain(a=(0.0, 1.0), b=(0.0, 1.0))
    report = audit(Problem(model, lambda x: x[:, 0], domain), evaluations=10_000)
    errors = [p.error for p in report.peaks]
    assert errors[0] == np.inf
    assert errors.count(np.inf) == 1  # one connected plateau is one place
    assert report.peaks[0].volume == pytest.approx(0.01 * np.pi, rel=0.2)
    assert report.peaks[1].error == pytest.approx(0.3, rel=1e-3)
    text = next(f["text"] for f in report.document["findings"] if f["code"] == "no-model-value")
    n = report.document["plain_sample"]["n"]
    assert f"of {n:,} random points" in text
    assert "the largest finite error found is 0.3" in text
    assert report.explain() == text


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_a_large_part_without_a_model_value_has_a_size_and_is_no_glitch(share: float) -> None:
    """Lines between thousands of infinite ends had taken the evaluations for sizes and for the finite peaks."""

    def model(x: Array) -> Array:
        return np.where(x[:, 0] > 1 - share, np.inf, x[:, 0] + 0.1 * np.sin(9 * x[:, 1]))

    domain = Domain(a=(0.0, 1.0), b=(0.0, 1.0))
    report = audit(Problem(model, lambda x: x[:, 0], domain), evaluations=10_000)
    first, second = report.peaks[:2]
    assert first.error == first.prominence == np.inf
    assert first.volume == pytest.approx(share, rel=0.1)
    assert second.error == pytest.approx(0.1, rel=1e-3)
    assert second.prominence is None
    assert not report.glitches


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("measure", "code", "said", "words"),
    [
        (
            ErrorMeasure("relative", floor=0.0), "zero-reference",
            "the largest finite error found is ", "the reference is 0 and the model is not",
        ),
        (
            ErrorMeasure("function", function=lambda n, f, x: np.where(x[:, 0] < 0.1, np.inf, 0.5)), "infinite-error",
            "is 0.5, and the largest finite error found is 0.5.", "though both values are finite",
        ),
    ],
)  # fmt: skip
def test_an_infinite_error_of_finite_values_does_not_blame_the_model(
    measure: ErrorMeasure, code: str, said: str, words: str
) -> None:
    from supnorm.pages.page import page

    def reference(x: Array) -> Array:
        return np.where(x[:, 0] < 0.1, 0.0, 1 + x[:, 1])

    domain = Domain(a=(0.0, 1.0), b=(0.0, 1.0))
    report = audit(Problem(lambda x: reference(x) + 0.01, reference, domain, measure), evaluations=2000)
    assert report.worst is not None
    assert report.worst.error == np.inf
    found = {f["code"]: f["text"] for f in report.document["findings"]}
    assert set(found) == {code}
    assert said in found[code]
    assert report.explain() == found[code]
    html = page(report.record)
    assert words in html
    assert "no value</b>" not in html


def test_an_error_beyond_all_numbers_is_no_fault_of_a_zero() -> None:
    domain = Domain(a=(0.0, 1.0))
    for measure, model in ((ErrorMeasure(), 1.5e308), (ErrorMeasure("relative", floor=0.0), 1.0)):
        reference = -1.5e308 if measure.kind == "absolute" else 1e-310
        problem = Problem(lambda x: x, lambda x: x, domain, measure)
        witness = Witness(np.zeros(1), np.array([model]), np.array([reference]), np.inf)
        assert infinite_cause(problem, witness) == "infinite-error"
    text = Narrator(AUDIT).text(fact("infinite-error", function=False))
    assert text.startswith("The error is larger than any number")


@pytest.mark.parametrize("outputs", [1, 2])  # of two it ended as a bug of supnorm
def test_a_second_reference_that_fails_everywhere_is_told(outputs: int) -> None:
    def broken(x: Array) -> Array:
        raise ArithmeticError("no licence")

    def several(f: Array) -> Array:
        return np.stack([f] * outputs, axis=1)

    report = rechecked(
        lambda x: several(wave(x) + spike(x)), lambda x: several(wave(x)), broken, tolerance=0.1
    )
    found = {f["code"]: f["text"] for f in report.document["findings"]}
    n = len(report.peaks)
    assert f"at {n} of {n} peaks" in found["recheck-failed"]
    assert "ArithmeticError: no licence" in found["recheck-failed"]
    assert "ArithmeticError: no licence" in report.document["status"]["advice"]


def test_a_second_reference_with_other_outputs_is_refused_before_the_search() -> None:
    asked = 0

    def counted(x: Array) -> Array:
        nonlocal asked
        asked += len(x)
        return wave(x)

    with pytest.raises(BadInput, match="recheck has 2 outputs and the reference 1"):
        rechecked(counted, wave, lambda x: np.stack([wave(x), wave(x)], axis=1))
    assert asked < 50


class Elsewhere(Executor):
    """Takes what can be sent to another process only, and runs it here."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        done: Future[Any] = Future()
        call, given = pickle.loads(pickle.dumps((fn, args)))
        done.set_result(call(*given, **kwargs))
        return done


def test_a_second_reference_needs_not_run_where_the_reference_does() -> None:
    """A command beside a Python reference with --workers: a thread's function was sent to a process."""

    def slow(x: NDArray[np.float64]) -> NDArray[np.float64]:
        time.sleep(2e-3)
        return x

    line = Domain(x=(0.0, 1.0))
    problem = Problem(lambda x: x + 0.1, lambda x: x, line, recheck=Function(slow, parallel="thread"))
    evaluator = Evaluator(problem, calls=Calls(executor=Elsewhere()))
    evaluator.probe(np.random.default_rng(0))
    found = [evaluator.recompute(np.array([x]), 0.1) for x in (0.2, 0.4, 0.6)]
    assert [w.recheck for w in recheck(evaluator, found, Limit())[0]] == ["confirmed"] * 3
