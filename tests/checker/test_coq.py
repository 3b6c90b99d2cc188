"""Certificates as files for Coq: the terms are those of the programs, and coqc proves what was not tampered with."""

import json
import math
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction

import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb, ctx
from typer.testing import CliRunner

from supnorm.certification import certify
from supnorm.certification.certificate import digest
from supnorm.checker.coq_export import export, exported, printable
from supnorm.checker.coq_terms import KNOWN, NotExported, definition, number
from supnorm.checker.document import read
from supnorm.checker.enclosure import Program, values
from supnorm.checker.operation import BINARY, UNARY, Operation
from supnorm.cli.main import app
from supnorm.problem import Axis, Domain, ErrorMeasure, Problem
from supnorm.results import BadInput

FUNCTIONS = {
    "exp": arb.exp,
    "ln": arb.log,
    "sin": arb.sin,
    "cos": arb.cos,
    "atan": arb.atan,
    "sqrt": arb.sqrt,
    "Rabs": abs,
}


class Term:
    """Values of a term of Coq, read by Coq's grammar: application binds closest, then ^, unary -, * and /, + and -."""

    def __init__(self, text, known):
        self.tokens = re.findall(r"[A-Za-z_]\w*|\d+|[-+*/^()]", text)
        assert "".join(self.tokens) == re.sub(r"\s", "", text)
        self.known = known

    def value(self):
        result = self.sum()
        assert not self.tokens
        return result

    def take(self, *which):
        return self.tokens.pop(0) if self.tokens and self.tokens[0] in which else None

    def sum(self):
        v = self.product()
        while sign := self.take("+", "-"):
            v = v + self.product() if sign == "+" else v - self.product()
        return v

    def product(self):
        v = self.minus()
        while sign := self.take("*", "/"):
            v = v * self.minus() if sign == "*" else v / self.minus()
        return v

    def minus(self):
        return -self.minus() if self.take("-") else self.power()

    def power(self):
        v = self.call()
        if self.take("^"):
            whole = int(self.tokens.pop(0))
            v = math.prod([v] * whole, start=arb(1))
        return v

    def call(self):
        if self.tokens[0] in FUNCTIONS:
            return FUNCTIONS[self.tokens.pop(0)](self.atom())
        return self.atom()

    def atom(self):
        token = self.tokens.pop(0)
        if token == "(":
            v = self.sum()
            assert self.take(")")
            return v
        return arb(int(token)) if token.isdigit() else self.known[token]


def value_of(text, point):
    """The value of a definition at a point."""
    head, body = text.rstrip(".").split(":=", 1)
    names = re.search(r"\((.*) : R\)", head)[1].split()
    known = dict(zip(names, point, strict=True))
    *lets, last = re.split(r"\bin\n", body)
    for one in lets:
        name, term = re.fullmatch(r"\s*let (\w+) := (.*) ", one, re.S).groups()
        known[name] = Term(term, known).value()
    return Term(last, known).value()


def _random_program(rng):
    """A few operations of every kind, of arguments near 1, so that most have values."""
    ops = [Operation("input", (), 2)]
    weight = tuple(rng.normal(size=6) * 10.0 ** rng.integers(-3, 3))
    ops.append(Operation("affine", (0,), 3, weight=weight, vector=(*rng.normal(size=2), 0.0)))
    known = sorted(set(UNARY) & KNOWN) + sorted(BINARY)
    for _ in range(8):
        op, many = str(rng.choice(known)), [k for k, o in enumerate(ops) if o.width == 3]
        args = tuple(int(v) for v in rng.choice(many, 2 if op in BINARY else 1))
        parameter = {"pow": float(rng.choice([2, 3, -1, -2, 0.5, 1.5, 0.3])), "leaky_relu": 0.01}.get(op)
        ops.append(Operation(op, args, 3, parameter=parameter))
    ops.append(Operation("constant", (), 2, vector=tuple(rng.normal(size=2))))
    ops.append(Operation("concat", (len(ops) - 2, len(ops) - 1), 5))
    ops.append(Operation("take", (len(ops) - 1,), 2, columns=tuple(int(v) for v in rng.integers(0, 5, 2))))
    return tuple(ops)


def test_terms_have_the_values_of_the_programs(monkeypatch):
    monkeypatch.setattr(ctx, "prec", 200)
    rng = np.random.default_rng(0)
    compared = 0
    for _ in range(300):
        program = _random_program(rng)
        point = [arb(float(v)) for v in rng.normal(size=2)]
        for k, (held,) in enumerate(values(Program.of(program), [[v] for v in point])):
            text, size = definition("f", program, len(program) - 1, k, ["x1", "x2"])
            again = value_of(text, point)
            if held.is_finite() and again.is_finite() and held.rad() < 1e-20:
                assert held.overlaps(again)
                assert abs(again - held) < 1e-20 * (1 + abs(held))
                compared += size > 3
    assert compared > 200


def test_numbers_are_exact():
    for v in (0.1, -0.1, 5e-324, 1.7976931348623157e308, -3.0, 0.0, 2.0**-1000):
        assert Fraction(re.sub(r"[() ]", "", number(v))) == Fraction(v)


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    """One input, absolute error."""
    problem = Problem(lambda x: x[:, 0] - x[:, 0] ** 3 / 6, lambda x: jnp.sin(x[:, 0]), Domain(x=(0.0, 1.0)))
    path = tmp_path_factory.mktemp("coq") / "line.json"
    certify(problem, 1.05).certificate.save(path)
    return path


@pytest.fixture(scope="module")
def plane(tmp_path_factory):
    """Two inputs, one of them logarithmic, with two alternatives of the error."""
    problem = Problem(
        lambda x: 0.2 * jnp.tanh(x[:, 0]) + x[:, 1],
        lambda x: 0.25 * x[:, 0] + x[:, 1],
        Domain(x=(-1.0, 1.0), p=Axis(0.1, 2.0, scale="log")),
        error=ErrorMeasure("relative", floor=0.5),
    )
    path = tmp_path_factory.mktemp("coq") / "plane.json"
    certify(problem, 1.5).certificate.save(path)
    assert len(read(path).programs) == 2
    return path


def _sealed(path, to, edit):
    data = json.loads(path.read_text())
    edit(data)
    data["digest"] = digest(data)
    to.write_text(json.dumps(data))
    return to


def test_the_leaves_and_the_theorem_are_there(line, plane):
    for path in (line, plane):
        text, cost = export(path, "proof.v")
        document = read(path)
        assert len(re.findall(r"^Lemma leaf_\d+ ", text, re.M)) == len(document.leaves) == cost.leaves
        assert len(re.findall(r"^Lemma join_\d+ ", text, re.M)) == len(document.leaves) - 1
        assert text.count(number(document.upper)) == 2 * len(document.programs)
        assert "Theorem upper_bound" in text
        assert "Admitted" not in text
        assert "Axiom" not in text
        assert "Rounding of the model" in text


def _ranges(text, variable):
    """The intervals that a statement has for its variables, as exact numbers."""
    parts = re.findall(rf"([-0-9/() ]+?) <= {variable}\d <= ([-0-9/() ]+?) ->", text)
    return [tuple(Fraction(re.sub(r"[() ]", "", v)) for v in ends) for ends in parts]


def _halves(name, lemmas, inside):
    """Check that a lemma is about ``inside``, and that those which it applies are about its two halves."""
    assert _ranges(lemmas[name], "t") == inside
    if name.startswith("leaf"):
        return 1
    ((cut, middle),) = re.findall(r"destruct \(Rle_lt_dec t(\d) (.*)\)\.", lemmas[name])
    axis, middle = int(cut) - 1, Fraction(re.sub(r"[() ]", "", middle))
    low, high = inside[axis]
    assert low < middle < high
    first, second = re.findall(r"apply (\w+);", lemmas[name])
    below, above = ([*inside[:axis], ends, *inside[axis + 1 :]] for ends in ((low, middle), (middle, high)))
    return _halves(first, lemmas, below) + _halves(second, lemmas, above)


@pytest.mark.parametrize(("side", "form"), [("both", "Rabs ({})"), ("over", "{}"), ("under", "- ({})")])
def test_the_theorem_is_about_the_whole_box_and_every_output(side, form, tmp_path):
    """Coq is not here in most places: a theorem about less would be proved as well."""
    problem = Problem(
        lambda x: jnp.stack([0.2 - 0.3 * x[:, 0] ** 2, 0.3 * x[:, 0] + jnp.log(x[:, 1])], 1),
        lambda x: jnp.stack([0.1 * x[:, 0], jnp.log(x[:, 1]) + 0.1 * x[:, 0] ** 3], 1),
        Domain(x=(0.0, 1.0), p=Axis(0.1, 2.0, scale="log")),
        error=ErrorMeasure(side=side),
    )
    certify(problem, 1.2, boxes=200).certificate.save(tmp_path / "c.json")
    document, text = read(tmp_path / "c.json"), export(tmp_path / "c.json")[0]
    upper = number(document.upper)
    gaps = [form.format(f"model_{k} x1 x2 - reference_{k} x1 x2") for k in (1, 2)]
    claim = " /\\\n  ".join(f"{gap} <= {upper}" for gap in gaps)
    assert f"Definition holds (x1 x2 : R) : Prop :=\n  {claim}." in text
    theorem = text[text.index("Theorem upper_bound") :]
    assert f"->\n  {claim}.\nProof." in theorem
    ends = [tuple(map(Fraction, v)) for v in zip(document.axis_low, document.axis_high, strict=True)]
    assert _ranges(theorem, "x") == ends == [(0, 1), (Fraction(0.1), 2)]
    inside = [tuple(map(Fraction, v)) for v in zip(document.low, document.high, strict=True)]
    lemmas = dict(re.findall(r"^Lemma (\w+) : (.*?)^Qed\.", text, re.M | re.S))
    ((about, root),) = re.findall(r"^Definition box : (.*) := (\w+)\.$", text, re.M)
    assert _ranges(about, "t") == inside
    assert all("-> holds t1 (exp t2)" in v for v in [about, *lemmas.values()])
    assert _halves(root, lemmas, inside) == len(document.leaves) > 1


def test_a_function_that_is_declared_and_not_read_is_refused(line):
    with pytest.raises(NotExported, match="declared"):
        exported(replace(read(line), declared=("one",)))


@pytest.mark.parametrize(
    ("measure", "divisor"),
    [
        (ErrorMeasure("relative", floor=0.5), "reference_1"),
        (ErrorMeasure("relative", floor=0.5, side="over"), "size_1_1"),
        (ErrorMeasure("relative", floor=0.5, tolerance=(0.1,)), "size_1_1"),
    ],
)
def test_a_quotient_by_zero_does_not_count_as_a_small_error(measure, divisor, tmp_path):
    problem = Problem(
        lambda x: jnp.maximum(x[:, 0], 0.0) + 0.01,
        lambda x: jnp.maximum(x[:, 0], 0.0),
        Domain(x=(-1.0, 1.0)),
        error=measure,
    )
    certify(problem, 1.5).certificate.save(tmp_path / "c.json")
    text = export(tmp_path / "c.json")[0]
    assert text.count(f"({divisor} x1 <> 0 /\\ ") == 2  # in `holds` and in the theorem
    assert "Rmin" not in text


def test_a_divisor_that_is_the_input_is_named(tmp_path):
    problem = Problem(
        lambda x: 1.01 * x[:, 0],
        lambda x: x[:, 0],
        Domain(x=(-1.0, 1.0)),
        error=ErrorMeasure("relative", floor=0.5),
    )
    certify(problem, 1.5).certificate.save(tmp_path / "c.json")
    assert "reference_1 x1 <> 0" in export(tmp_path / "c.json")[0]


def test_a_name_cannot_leave_the_comment(line, tmp_path):
    bad = 'x *) Axiom no : False. (* "'
    path = _sealed(line, tmp_path / "c.json", lambda data: data.update(names=[bad]))
    text = export(path, bad)[0]
    head = text.split("From Coq", 1)[0]
    assert head.count("*)") == head.count("(*") == 1
    assert "Axiom" not in text.split("*)", 1)[1]
    assert '"' not in printable(bad)


def _without_bound(data):
    data["upper"] = "inf"
    data["leaves"]["upper"] = ["inf" for _ in data["leaves"]["upper"]]


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (
            lambda: Problem(
                lambda x: jnp.exp(-x.sum(1)),
                lambda x: 1.0 / (1.0 + x.sum(1)),
                Domain(a=(0, 1), b=(0, 1), c=(0, 1)),
            ),
            "3 inputs",
        ),
        (
            lambda: Problem(lambda x: _erf(x[:, 0]), lambda x: jnp.tanh(x[:, 0]), Domain(a=(0, 1))),
            "coq-interval has no erf",
        ),
    ],
)
def test_what_coq_does_not_know_is_refused_by_name(problem, words, tmp_path):
    certify(problem(), 2.0).certificate.save(tmp_path / "c.json")
    with pytest.raises(NotExported, match=words):
        export(tmp_path / "c.json")


def _erf(z):
    from jax.scipy.special import erf

    return erf(z)


def test_too_much_is_refused_by_name(line, tmp_path, monkeypatch):
    with pytest.raises(NotExported, match="no upper bound"):
        export(_sealed(line, tmp_path / "c.json", _without_bound))
    with pytest.raises(NotExported, match="1 leaves, more than 0"):
        exported(read(line), most=0)
    monkeypatch.setattr("supnorm.checker.coq_export.MOST_SIZE", 3)
    with pytest.raises(NotExported, match=r"coqc would take about .* operations"):
        export(line)
    (tmp_path / "s.json").write_text('{"schema": "supnorm.statement/1"}')
    with pytest.raises(NotExported, match="several parts"):
        export(tmp_path / "s.json")


def test_the_command_writes_the_file_of_an_accepted_certificate_only(line, tmp_path):
    run = CliRunner()
    good = run.invoke(app, ["check", str(line), "--export-coq", str(tmp_path / "good.v")])
    assert good.exit_code == 0, good.output
    assert "coqc" in good.output
    assert "Theorem upper_bound" in (tmp_path / "good.v").read_text()

    def lower(data):
        data["upper"] = data["leaves"]["upper"][0] = data["lower"]

    bad = _sealed(line, tmp_path / "bad.json", lower)
    refused = run.invoke(app, ["check", str(bad), "--export-coq", str(tmp_path / "bad.v")])
    assert "REJECTED" in refused.output
    assert not (tmp_path / "bad.v").exists()


PROBLEM = """
[model]
python = "pair.py:model"
[reference]
python = "pair.py:reference"
[domain]
x = [0.0, 1.0]
"""


def _folder(tmp_path, code, problem=PROBLEM):
    (tmp_path / "pair.py").write_text("import numpy as np\n" + code)
    (tmp_path / "problem.toml").write_text(problem)
    return ["certify", str(tmp_path / "problem.toml"), "--out", str(tmp_path / "run"), "--trust"]


SINE = "def model(x): return x - x**3 / 6\ndef reference(x): return np.sin(x)\n"


@pytest.mark.slow
def test_certify_exports_what_the_checker_accepts(tmp_path):
    command = _folder(tmp_path, SINE)
    done = CliRunner().invoke(app, [*command, "--ratio", "1.1", "--export", "coq"])
    assert done.exit_code == 0, done.output
    assert f"coqc {tmp_path / 'run' / 'certificate.v'}" in done.output
    written = (tmp_path / "run" / "certificate.v").read_text()
    assert written == export(tmp_path / "run" / "certificate.json", "certificate.v")[0]  # that of check


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--export", "lean"], "the one format is coq"),
        (["--export", "coq", "--property", "positive"], "several parts"),
        (["--export", "coq", "--norm", "rms"], "several parts"),
    ],
)
def test_what_certify_cannot_export_is_refused_before_the_work(more, words, tmp_path):
    done = CliRunner().invoke(app, [*_folder(tmp_path, SINE), *more])
    assert isinstance(done.exception, BadInput)
    assert words in str(done.exception)
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_three_inputs_are_refused_before_the_work(tmp_path):
    command = _folder(tmp_path, SINE, PROBLEM + "y = [0.0, 1.0]\nz = [0.0, 1.0]\n")
    done = CliRunner().invoke(app, [*command, "--export", "coq"])
    assert isinstance(done.exception, BadInput)
    assert "one or two inputs; this problem has 3" in str(done.exception)
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_what_coq_cannot_prove_keeps_the_verdict_and_the_proof(tmp_path):
    code = "from scipy.special import erf\ndef model(x): return erf(x)\ndef reference(x): return np.tanh(x)\n"
    done = CliRunner().invoke(app, [*_folder(tmp_path, code), "--ratio", "1.5", "--export", "coq"])
    assert isinstance(done.exception, BadInput)
    assert "coq-interval has no erf" in str(done.exception)
    assert done.output.startswith("proved")
    assert (tmp_path / "run" / "certificate.json").exists()
    shorter = [*_folder(tmp_path, code), "--tolerance", "1e-6", "--export", "coq"]
    exceeded = CliRunner().invoke(app, shorter)
    assert exceeded.exception is None, exceeded.exception
    assert exceeded.output.startswith("tolerance-exceeded")
    assert not (tmp_path / "run" / "certificate.v").exists()


@pytest.mark.slow
def test_coqc_accepts_what_certify_exports(coqc, tmp_path):
    assert CliRunner().invoke(app, [*_folder(tmp_path, SINE), "--export", "coq"]).exit_code == 0
    text = (tmp_path / "run" / "certificate.v").read_text()
    accepted = coqc(text)
    assert accepted.returncode == 0, accepted.stderr


def _has_interval(folder):
    if sys.platform == "win32" or shutil.which("coqc") is None:
        return False
    (folder / "seen.v").write_text("From Interval Require Import Tactic.\n")
    return subprocess.run(["coqc", "seen.v"], cwd=folder, capture_output=True).returncode == 0


@pytest.fixture(scope="module")
def coqc(tmp_path_factory):
    folder = tmp_path_factory.mktemp("coqc")
    if not _has_interval(folder):
        pytest.skip("no Coq with coq-interval here")

    def run(text):
        (folder / "proof.v").write_text(text)
        return subprocess.run(["coqc", "proof.v"], cwd=folder, capture_output=True, text=True)

    return run


@pytest.mark.slow
@pytest.mark.parametrize("which", ["line", "plane"])
def test_coq_accepts_the_proof(which, coqc, request):
    ended = coqc(export(request.getfixturevalue(which))[0])
    assert ended.returncode == 0, ended.stderr
    assert "Axioms" in ended.stdout
    assert not re.search(r"^(upper_bound|leaf_|join_|box)", ended.stdout, re.M)


def _less(text, path):
    """A bound below the error at the witness."""
    document = read(path)
    return text.replace(number(document.upper), number(document.lower * (1 - 1e-9)))


def _other_model(text, path):
    return text.replace("(v0 / 6)", "(v0 / 7)", 1)


def _wider(text, path):
    """The theorem about a larger interval than that of the leaves."""
    head, theorem = text.split("Theorem", 1)
    return head + "Theorem" + theorem.replace("0 <= x1 <= 1", "0 <= x1 <= 2", 1)


def _without_leaf(text, path):
    return re.sub(r"Lemma leaf_0 .*?Qed\.", "", text, flags=re.S)


@pytest.mark.slow
@pytest.mark.parametrize("edit", [_less, _other_model, _wider, _without_leaf])
def test_coq_rejects_what_was_tampered_with(edit, line, coqc):
    text = export(line)[0]
    changed = edit(text, line)
    assert changed != text
    assert coqc(changed).returncode != 0


@pytest.mark.slow
def test_coq_rejects_a_smaller_bound_in_two_inputs(plane, coqc):
    text = export(plane)[0]
    changed = _less(text, plane)
    assert changed != text
    assert coqc(changed).returncode != 0
