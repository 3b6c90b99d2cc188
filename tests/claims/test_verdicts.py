"""Each verdict on a published sentence, and what each of them takes."""

from __future__ import annotations

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

import supnorm as sn
from supnorm.claims.confirming import confirm
from supnorm.problem.specification import AuditSpec
from supnorm.results import Witness

WORDS = {
    "says": "The series is accurate to the printed number.",
    "source": "this test",
    "published": "a number",
    "of": "x - x^3/6",
    "reference": "the sine of NumPy",
}
QUICK = {"evaluations": 1000}
LARGEST = 1 - 1 / 6 - np.sin(1.0)  # of the series on [0, 1], at the right end: -0.00814


def series(x):
    return x[:, 0] - x[:, 0] ** 3 / 6


def truth(x):
    return jnp.sin(x[:, 0])


def claim(tolerance: float, second=None, reference=truth, **words) -> sn.Claim:
    problem = sn.Problem(
        series,
        reference,
        sn.Domain(x=(0.0, 1.0)),
        tolerance=tolerance,
        recheck=second and sn.Function(second),
    )
    if second is not None:
        words = {"second": "a second reference", **words}
    return sn.Claim.of(problem, name="series", **WORDS, **words)


@pytest.mark.slow
def test_a_witness_that_two_references_confirm_refutes() -> None:
    done = claim(0.008, second=lambda x: np.sin(x[:, 0]) + 1e-6).test(**QUICK)
    record = done.record
    assert done.verdict == "refuted"
    assert record.status.exit == 1
    assert record.worst is not None
    assert record.worst.confirmed
    assert record.worst.error == pytest.approx(abs(LARGEST), rel=1e-6)
    assert record.worst.error_second == pytest.approx(abs(LARGEST) + 1e-6, rel=1e-3)
    assert record.factor == pytest.approx(abs(LARGEST) / 0.008, rel=1e-6)
    assert (
        "1.02 times the largest that the sentence allows; a second reference has 0.008139"
        in record.status.advice
    )


@pytest.mark.slow
def test_one_reference_refutes_nothing() -> None:
    done = claim(0.008).test(**QUICK)
    assert done.verdict == "unconfirmed"
    assert done.record.status.exit == 4
    assert "No second reference was asked" in done.record.status.advice
    assert not done.record.worst.confirmed


def test_a_second_reference_below_the_number_refutes_nothing() -> None:
    """Both agree within a few percent, but by one of them the sentence holds."""
    done = claim(0.008, second=lambda x: np.sin(x[:, 0]) - 2e-4).test(**QUICK)
    assert done.verdict == "unconfirmed"
    assert done.record.worst.error > 0.008 > done.record.worst.error_second
    assert "does not confirm it" in done.record.status.advice


def test_references_that_contradict_each_other_refute_nothing() -> None:
    """The model lies between them, far from both: the truth may be the model."""
    done = claim(0.008, second=lambda x: 2 * series(x) - np.sin(x[:, 0])).test(**QUICK)
    assert done.verdict == "unconfirmed"
    assert done.record.worst.error_second == pytest.approx(abs(LARGEST), rel=1e-3)


def test_a_reference_at_fault_is_told() -> None:
    done = claim(0.005, second=series, reference=lambda x: np.sin(x[:, 0])).test(**QUICK)
    assert done.verdict == "unconfirmed"
    assert done.record.status.exit == 5


def test_a_second_reference_without_a_value_refutes_nothing() -> None:
    done = claim(0.008, second=lambda x: np.where(x[:, 0] < 0.9, np.sin(x[:, 0]), np.nan)).test(**QUICK)
    assert done.verdict == "unconfirmed"
    assert done.record.worst.second is None
    assert any("no value there" in remark.text for remark in done.record.remarks)


def test_a_model_without_a_value_refutes_only_where_both_references_have_one() -> None:
    problem = sn.Problem(
        lambda x: np.where(x[:, 0] < 0.9, x[:, 0], np.nan), lambda x: x[:, 0], sn.Domain(x=(0.0, 1.0)),
        tolerance=0.1, recheck=lambda x: x[:, 0] + 1e-9,
    )  # fmt: skip
    done = sn.Claim.of(problem, second="again", **WORDS).test(**QUICK)
    assert done.verdict == "refuted"
    assert "it has no value" in done.record.status.advice
    none = replace(problem, recheck=sn.Function(lambda x: np.where(x[:, 0] < 0.9, x[:, 0], np.nan)))
    assert sn.Claim.of(none, second="again", **WORDS).test(**QUICK).verdict == "unconfirmed"


def test_what_no_search_refutes_is_not_refuted_and_says_what_such_a_search_misses() -> None:
    record = claim(0.01).test(**QUICK).record
    assert record.status.code == "not-refuted"
    assert record.status.exit == 0
    assert record.power
    assert all(0 <= planted.found <= planted.runs for planted in record.power)
    assert "A search proves nothing; the table of planted errors" in record.status.advice


def test_relative_errors_are_written_like_the_published_number() -> None:
    for published, shown in (
        ("0.01", "0.009671"),
        ("1 %", "0.9671 %"),
        ("less than one percent (1%)", "0.9671 %"),
    ):
        error = sn.ErrorMeasure("relative", floor=0.0, tolerance=0.01)
        problem = sn.Problem(series, truth, sn.Domain(x=(0.1, 1.0)), error=error)
        sentence = sn.Claim.of(problem, name="series", **{**WORDS, "published": published})
        record = sentence.test(report=sn.audit(problem, evaluations=1000, power=False)).record
        assert f" found is {shown}. " in record.status.advice


def test_a_call_costs_what_the_file_says() -> None:
    """In Python as on the command line: a claim file declares the cost of its calls."""
    limits = AuditSpec(evaluations=100, cost="cheap", power=False)
    done = replace(claim(0.1), budget=limits).test()
    assert done.report is not None
    assert done.report.record.cost.by == "declared"
    assert done.report.record.cost.class_ == "cheap"


def test_no_table_is_named_where_no_errors_were_planted() -> None:
    sentence = claim(0.01)
    report = sn.audit(sentence.problem, evaluations=1000, power=False)
    record = sentence.test(report=report).record
    assert not record.power
    assert "A search proves nothing, and no errors were planted" in record.status.advice


def test_a_proof_proves_and_the_checker_agrees() -> None:
    done = claim(0.00815, prove=20.0).test(**QUICK)
    record = done.record
    assert done.verdict == "proved"
    assert record.status.exit == 0
    assert record.proof is not None
    assert abs(LARGEST) <= record.proof.sup.upper <= 0.00815
    pytest.importorskip("flint")
    assert record.checked is True


def test_no_proof_of_what_is_false_and_none_where_the_code_cannot_be_read() -> None:
    assert claim(0.008, prove=20.0).test(**QUICK).verdict == "unconfirmed"
    unreadable = claim(0.01, reference=lambda x: np.interp(x[:, 0], [0, 1], [0, 1]) * 0 + np.sin(x[:, 0]).round(9),
                       prove=1.0)  # fmt: skip
    record = unreadable.test(**QUICK).record
    assert record.status.code == "not-refuted"
    assert any(remark.code in ("no-proof", "proof-conditional") for remark in record.remarks)


def test_a_rejected_certificate_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("flint")
    from supnorm import checker
    from supnorm.checker import CheckResult

    monkeypatch.setattr(
        checker, "check", lambda *a, **k: CheckResult(accepted=False, reason="leaf 3 is false", seconds=0.0)
    )
    record = claim(0.00815, prove=20.0).test(**QUICK).record
    assert record.status.code == "not-refuted"
    assert record.checked is False
    assert any("leaf 3 is false" in remark.text for remark in record.remarks)


@pytest.mark.slow
def test_a_witness_that_only_the_proof_finds_is_asked_about_too() -> None:
    """The search sees 100 points; the proof knows where the bump is."""

    def spike(x):
        return jnp.sin(x[:, 0]) + 1.0 / (1.0 + ((x[:, 0] - 0.61803) * 3e4) ** 2)

    problem = sn.Problem(spike, truth, sn.Domain(x=(0.0, 1.0)), tolerance=0.5)
    for second, verdict in ((lambda x: np.sin(x[:, 0]), "refuted"), (None, "unconfirmed")):
        asked = replace(problem, recheck=second and sn.Function(second))
        words = {"second": "again"} if second else {}
        made = sn.Claim.of(asked, prove=30.0, **words, **WORDS)
        made = replace(made, budget=made.budget.model_copy(update={"power": False}))
        record = made.test(evaluations=100).record
        assert record.status.code == verdict
        assert record.worst.error > 0.5


def test_what_is_not_comparable_is_never_refuted_and_keeps_its_numbers() -> None:
    done = claim(0.008, second=lambda x: np.sin(x[:, 0]), not_comparable="they meant degrees").test(**QUICK)
    assert done.verdict == "not-comparable"
    assert done.record.status.exit == 4
    assert done.record.worst.error == pytest.approx(abs(LARGEST), rel=1e-6)
    assert "they meant degrees" in done.record.status.advice
    assert claim(0.01, not_comparable="degrees", prove=1.0).test(**QUICK).verdict == "not-comparable"


@pytest.mark.parametrize(
    ("known", "holds"),
    [
        ({"verdict": "not-refuted", "worst": [0.008, 0.0082]}, True),
        ({"verdict": "not-refuted"}, True),
        ({"verdict": "not-refuted", "worst": [0.0, 0.001]}, False),
        ({"verdict": "refuted", "worst": [0.008, 0.0082]}, False),
    ],
)
def test_a_change_since_it_was_written_down_is_told(known, holds) -> None:
    record = claim(0.01, known=known).test(**QUICK).record
    assert record.known.holds is holds
    assert ("not-as-known" in {remark.code for remark in record.remarks}) is not holds


@pytest.mark.parametrize(
    ("published", "kind", "tolerance", "fits"),
    [
        ("1e-6", "absolute", 1e-3, False),  # it was "not refuted" with an error of 1e-5
        ("1e-3", "absolute", 1e-6, False),  # and this one "refuted"
        ("1e-3", "absolute", 9.9e-4, False),
        ("1e-3", "absolute", 1.5e-3, True),
        ("< 82,000", "absolute", 82500.0, True),
        ("2 %", "relative", 0.025, True),
        ("2 %", "relative", 2.0, False),
        ("2%", "absolute", 3.0, True),  # of what is not said
        ("25 mK", "absolute", 0.0255, True),
        ("-5e-4 K to 6e-4 K", "function", 1.0, True),
    ],
)
def test_the_tolerance_is_the_published_number(
    published: str, kind: str, tolerance: float, fits: bool
) -> None:
    more = {"function": {"function": lambda n, f, x: abs(n - f)[:, 0]}, "relative": {"floor": 0.0}}
    error = sn.ErrorMeasure(kind, tolerance=tolerance, **more.get(kind, {}))
    problem = sn.Problem(series, truth, sn.Domain(x=(0.1, 1.0)), error=error)
    words = {**WORDS, "published": published}
    if fits:
        sn.Claim.of(problem, **words)
    else:
        with pytest.raises(sn.BadInput, match="it has to be the published number or, if this is rounded"):
            sn.Claim.of(problem, **words)
    sn.Claim.of(problem, **words, not_comparable="the sentence is about a mean")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ({"says": " "}, "says must not be empty"),
        ({"published": None}, "published"),
        ({"needs": ["fluids; python_version > '3'"]}, "requirements of pip"),
        ({"needs": ["git+https://example.org/x"]}, "requirements of pip"),
        ({"version": "1.0"}, "name the package too"),
        ({"subject": "magic"}, "subject"),
        ({"known": {"verdict": "true"}}, "verdict"),
        ({"known": {"verdict": "refuted", "worst": [2.0, 1.0]}}, "the smaller one first"),
        ({"known": {"verdict": "refuted", "worst": [-np.inf, np.inf]}}, "two finite numbers"),
        ({"prove": 0.0}, "prove"),
        ({"colour": "blue"}, "colour"),
    ],
)
def test_words_that_are_wrong_are_refused(words, complaint) -> None:
    problem = sn.Problem(series, truth, sn.Domain(x=(0.0, 1.0)), tolerance=0.01)
    with pytest.raises(sn.BadInput, match=complaint):
        sn.Claim.of(problem, **{**WORDS, **words})


def test_a_word_that_is_missing_is_asked_for() -> None:
    problem = sn.Problem(series, truth, sn.Domain(x=(0.0, 1.0)), tolerance=0.01)
    with pytest.raises(sn.BadInput, match="a claim needs says; give it as a keyword"):
        sn.Claim.of(problem, **{key: word for key, word in WORDS.items() if key != "says"})


def test_a_problem_that_lacks_something_is_refused() -> None:
    domain = sn.Domain(x=(0.0, 1.0))
    with pytest.raises(sn.BadInput, match="tolerance"):
        sn.Claim.of(sn.Problem(series, truth, domain), **WORDS)
    with pytest.raises(sn.BadInput, match="or neither of them"):
        sn.Claim.of(sn.Problem(series, truth, domain, tolerance=1.0), second="something", **WORDS)
    with pytest.raises(sn.BadInput, match="or neither of them"):
        sn.Claim.of(sn.Problem(series, truth, domain, tolerance=1.0, recheck=truth), **WORDS)


@pytest.mark.parametrize("side", ["both", "over", "under"])
def test_confirmed_means_that_any_truth_between_the_references_refutes(side: str) -> None:
    """Of random triples: whenever they are confirmed, the error against each value between both is above the limit."""
    rng, confirmed = np.random.default_rng(0), 0
    for kind, floor in (("absolute", None), ("relative", 0.1)):
        measure = sn.ErrorMeasure(kind=kind, side=side, floor=floor, tolerance=0.5)
        for _ in range(600):
            n, f, y = rng.normal(size=3) * [3.0, 1.0, 1.0]
            if rng.random() < 0.5:
                y = f + 0.2 * rng.normal()
            x, one = np.zeros((1, 1)), lambda v: np.array([[v]])
            error = float(measure(one(n), one(f), x)[0][0])
            found = confirm(measure, Witness(x[0], np.array([n]), np.array([f]), error), np.array([y]), 0.5)
            if found.confirmed:
                confirmed += 1
                for part in np.linspace(0, 1, 21):
                    t = f + part * (y - f)
                    assert float(measure(one(n), one(t), x)[0][0]) > 0.5
    assert confirmed > 100


def test_one_function_given_twice_refutes_nothing() -> None:
    """It would agree with itself: every error of the reference would refute the sentence."""
    wrong = lambda x: np.sin(x[:, 0]) + 1.0  # noqa: E731
    made = sn.Function(lambda x: np.sin(x) + 1.0)
    for first, second in ((wrong, wrong), (made, made), (wrong, sn.Function(wrong, name="another"))):
        problem = sn.Problem(series, first, sn.Domain(x=(0.0, 1.0)), tolerance=0.01, recheck=second)
        with pytest.raises(sn.BadInput, match="the reference once more"):
            sn.Claim.of(problem, second="again", **WORDS)


def test_the_same_code_under_another_name_or_file_is_no_second_reference(tmp_path) -> None:
    """A copy of a file, a link to it, an import from it, calls of single points and a time limit are the reference again."""
    (tmp_path / "t.py").write_text(
        "import functools\nimport math\nimport numpy as np\nN = 3\n"
        "def f(x): return np.sin(x[:, 0]) * N\ndef one(x): return math.sin(x)\nalias = one\n"
        "def any(x): return np.sin(x)\n"
        "part, many = functools.partial(any), np.vectorize(any)\n"
        "def model(x): return x[:, 0]\n"
    )
    (tmp_path / "copy_of_t.py").write_text((tmp_path / "t.py").read_text())
    (tmp_path / "link.py").symlink_to("t.py")
    (tmp_path / "run").write_text("#!/bin/sh\ncat\n")
    (tmp_path / "run").chmod(0o755)
    (tmp_path / "again").symlink_to("run")
    (tmp_path / "taken.py").write_text("from t import f as g\n")
    (tmp_path / "finer.py").write_text((tmp_path / "t.py").read_text().replace("N = 3", "N = 4"))
    (tmp_path / "wrapped.py").write_text("import t\ndef f(x): return t.f(x) * 1.0\n")
    point = 'python = "t.py:one"\nper_point = true\n'
    words = "".join(f"{key} = {text!r}\n" for key, text in WORDS.items()) + 'second = "another"\n'

    def opened(first: str, second: str) -> sn.Claim:
        file = tmp_path / "claim.toml"
        file.write_text(
            f'[claim]\n{words}[model]\npython = "t.py:model"\n[reference]\n{first}\n[recheck]\n{second}\n'
            "[error]\ntolerance = 0.1\n[domain]\nx = [0.0, 1.0]\n"
        )
        return sn.Claim.open(file)

    for first, second in (
        *(
            ('python = "t.py:f"', f'python = "{name}"')
            for name in ("copy_of_t.py:f", "link.py:f", "taken.py:g")
        ),
        (point, 'python = "t.py:alias"\nper_point = true\ntimeout = 5'),
        *(('python = "t.py:any"', f'python = "t.py:{name}"') for name in ("any", "part", "many")),
        ('python = "t.py:any"', 'python = "t.py:any"\nper_point = true'),
        ('command = ["./run"]', 'command = ["./again"]\ntimeout = 5'),
    ):
        with pytest.raises(sn.BadInput, match="the reference once more"):
            opened(first, second)
    for other in ("finer.py:f", "wrapped.py:f"):
        opened('python = "t.py:f"', f'python = "{other}"')


def test_a_report_of_another_problem_judges_nothing() -> None:
    """A good model was refuted by the audit of a bad one, and a bad one was not refuted by that of a good one."""
    problem = claim(0.01).problem
    assert problem is not None
    report = sn.audit(problem, **QUICK)
    assert claim(0.01).test(report=report).verdict == "not-refuted"
    wrong = replace(problem, model=sn.Function(lambda x: series(x) + 0.5, name="series"))
    wide = replace(problem, domain=sn.Domain(x=(0.0, 2.0)), law=None)
    for other in (wrong, wide, replace(problem, recheck=sn.Function(lambda x: np.sin(x[:, 0]) + 1e-9))):
        words = {"second": "a second one"} if other.recheck else {}
        with pytest.raises(sn.BadInput, match="the report is of another"):
            sn.Claim.of(other, **WORDS, **words).test(report=report)


def test_where_nothing_was_compared_is_told() -> None:
    half = lambda x: np.where(x[:, 0] > 0.5, np.nan, np.sin(x[:, 0]))  # noqa: E731
    record = claim(0.01, reference=half).test(**QUICK).record
    assert record.status.code == "not-refuted"
    assert any("points the reference has no value" in remark.text for remark in record.remarks)


def test_a_model_that_fails_only_sometimes_is_not_refuted_by_that() -> None:
    """A lack of memory or a time limit under load is no property of the formula."""
    broken = [True]

    def sometimes(x):
        if broken[0] and (x[:, 0] > 0.9).any():
            raise MemoryError
        return np.sin(x[:, 0])

    problem = sn.Problem(
        sometimes,
        lambda x: np.sin(x[:, 0]),
        sn.Domain(x=(0.0, 1.0)),
        tolerance=0.01,
        recheck=lambda x: np.sin(x[:, 0]) + 1e-9,
    )
    made = sn.Claim.of(problem, second="again", **WORDS)
    report = sn.audit(problem, **QUICK)
    assert made.test(report=report).verdict == "refuted"
    broken[0] = False
    done = made.test(report=report)
    assert done.verdict == "unconfirmed"
    assert any("called again" in remark.text for remark in done.record.remarks)
