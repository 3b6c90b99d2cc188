"""``supnorm certify``: Ctrl-C keeps the proof, --resume goes on with it; audit and certificate feed each other."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Shell

from supnorm.certification import certify, leaf
from supnorm.certification.certificate import digest
from supnorm.checker import check
from supnorm.cli.certify import summary
from supnorm.cli.progress import Progress
from supnorm.problem import Domain, Problem
from supnorm.sources import open_problem

CERTIFY = """
import numpy as np
rng = np.random.default_rng(1)
W, b, V = 2 * rng.normal(size=(3, 12)), rng.normal(size=12), rng.normal(size=12) / 4
U, c = rng.normal(size=(12, 12)) / 3, rng.normal(size=12)
def model(x): return np.tanh(np.tanh(x @ W + b) @ U + c) @ V
def truth(x): return model(x) + 1e-3 * np.sin(3 * x[:, 0] + x[:, 1]) * np.exp(-x[:, 2])
"""
PROBLEM = """
[model]
python = "hard.py:model"
[reference]
python = "hard.py:truth"
[domain]
x = { low = -1.0, high = 1.0 }
y = { low = -1.0, high = 1.0 }
z = { low = 0.0, high = 1.0 }
[audit]
evaluations = 1000
power = false
"""


@pytest.fixture
def hard(shell: Shell) -> Shell:
    (shell.folder / "hard.py").write_text(CERTIFY)
    (shell.folder / "problem.toml").write_text(PROBLEM)
    return shell


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_proved_and_resume_goes_on(hard: Shell) -> None:
    process = hard.start("certify", "problem.toml", "--ratio", "1.000002", "--out", "run")
    assert process.stderr is not None
    for line in process.stderr:  # until something is proved
        assert "% of the volume proved" in line
        assert "left" in line
        if "  0 %" not in line:
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 3, err
    assert "--resume" in out
    path = hard.folder / "run" / "certificate.json"
    first = json.loads((hard.folder / "run" / "certify.json").read_text())
    assert first["status"]["code"] == "interrupted"
    assert 0 < first["proved_volume"] < 1
    verdict = check(path) if first["boxes"] < 300 else None
    assert verdict is None or verdict.accepted
    done = hard.run("certify", "problem.toml", "--ratio", "1.3", "--out", "run", "--resume", "--json")
    assert done.code == 0, done.err
    second = json.loads(done.out)
    assert second["sup"]["upper"] <= 1.3 * second["sup"]["lower"]
    assert second["sup"]["upper"] <= first["sup"]["upper"]


def test_bounds_are_printed_rounded_outwards(hard: Shell) -> None:
    """A proved bound in six digits is still one: here the nearest six digits would be on the wrong side."""
    made = certify(open_problem("problem.toml"), seconds=0.5)
    sup = made.record.sup.changed(lower=0.20589991, upper=0.20663141, upper_kind="exact-arithmetic")
    made = replace(made, record=made.record.changed(sup=sup))
    _, lower, upper, *_ = summary(made)
    assert lower.startswith("  lower bound  0.205899 at")
    assert upper == "  upper bound  0.206632 (exact-arithmetic)"


def test_a_model_that_is_its_reference_has_no_ratio(hard: Shell) -> None:
    hard.write(("truth.py:model", "truth.py:truth"), ("tolerance = 0.1", ""))
    done = hard.run("certify", "problem.toml", "--out", "run")
    assert done.code == 4
    lines = done.out.splitlines()
    assert lines[1] == "  lower bound  0: no error was seen"
    assert lines[2].startswith("  upper bound  ")
    assert lines[2].endswith(" (exact-arithmetic): the error is nowhere larger")
    assert "ratio        inf" not in done.out
    assert "1e-280" not in done.out


def test_progress_is_thinned(capsys: pytest.CaptureFixture[str]) -> None:
    from supnorm.certification import BracketNarrowed

    now = [0.0]
    progress = Progress(clock=lambda: now[0])
    for k in range(1000):
        now[0] = 0.1 * k
        progress(BracketNarrowed(1.0, 2.0, 1.1, 0.5, k, 10, now[0], 500.0))
    lines = capsys.readouterr().err.splitlines()
    assert 5 <= len(lines) <= 12
    assert "20 boxes, 10 to do" in lines[0]
    now[0] += 100.0
    progress(BracketNarrowed(1.0, 2.0, 1.1, 0.5, 1, 2, now[0]))
    assert " 1 box, 2 to do" in capsys.readouterr().err
    assert "about 8.3 min left" in lines[0]


@pytest.mark.slow
def test_the_audits_worst_point_is_the_first_witness(hard: Shell, tmp_path: Path) -> None:
    assert hard.run("audit", "problem.toml", "--quiet", "--out", "run").code == 0
    found = json.loads((hard.folder / "run" / "result.json").read_text())["sup"]["lower"]
    done = hard.run("certify", "problem.toml", "--seconds", "0.1", "--out", "run", "--json")
    assert done.code in (0, 4)
    assert json.loads(done.out)["sup"]["lower"] >= found * (1 - 1e-6)


TWO = """
[model]
python = "two.py:model"
[reference]
python = "two.py:truth"
outputs = ["u", "v"]
[error]
tolerance = [1.0, 0.02]
[domain]
x = { low = 0.0, high = 1.0 }
"""


@pytest.mark.slow
def test_an_output_is_called_by_its_name_and_errors_by_their_unit(shell: Shell) -> None:
    (shell.folder / "two.py").write_text(
        "import numpy as np\ndef truth(x): return np.stack([x[:, 0], x[:, 0] ** 2], 1)\n"
        "def model(x): return truth(x) + 0.01 * np.stack([x[:, 0], x[:, 0]], 1)\n"
    )
    (shell.folder / "problem.toml").write_text(TWO)
    done = shell.run("certify", "problem.toml", "--out", "run")
    assert done.code == 0
    assert ", output v\n" in done.out
    verdict = shell.run("check", "run/certificate.json", "--problem", "problem.toml")
    assert verdict.code == 0
    assert re.search(r"claims: worst error between 0\.\d+ × tolerance and 0\.\d+ × tolerance\n", verdict.out)


def test_an_older_proof_is_set_aside(shell: Shell) -> None:
    (shell.folder / "hard.py").write_text("def model(x): return x[:, 0]\ndef truth(x): return x[:, 0] ** 2\n")
    text = PROBLEM.partition("y = ")[0]
    (shell.folder / "problem.toml").write_text(text)
    assert shell.run("certify", "problem.toml", "--ratio", "1.5", "--out", "run").code == 0
    first = (shell.folder / "run" / "certificate.json").read_text()
    assert shell.run("certify", "problem.toml", "--ratio", "1.0001", "--out", "run").code == 0
    assert (shell.folder / "run" / "certificate.json.old").read_text() == first


# -- conditional certificates -----------------------------------------------------------------------------

COMPILED = """
import numpy as np
def model(x): return np.sin(x[:, 0]) * x[:, 1]
def truth(x):
    x = np.array(x.tolist())  # as compiled code: nobody can read what it does
    return np.sin(x[:, 0]) * x[:, 1] + 0.01 * x[:, 0]
def other(x): return truth(x) + 1e-6
"""
DECLARED = """
[model]
python = "compiled.py:model"
[reference]
python = "compiled.py:truth"
declared = { bound = 8.0, stretch = 1.5, accuracy = 1e-12 }
[domain]
a = { low = -1.0, high = 1.0 }
b = { low = 0.0, high = 2.0 }
"""


@pytest.fixture
def compiled(shell: Shell) -> Shell:
    (shell.folder / "compiled.py").write_text(COMPILED)
    (shell.folder / "problem.toml").write_text(DECLARED)
    return shell


@pytest.mark.slow
@pytest.mark.parametrize(
    "declared",
    ["{ bound = 8.0, stretch = 1.5, accuracy = 1e-12 }",
     "{ bound = [8.0], stretch = 1.5 }",
     "{ order = 6, derivatives = { b = 0.0, a = 2.0 } }"],
)  # fmt: skip
def test_a_declared_bound_in_the_problem_file(compiled: Shell, declared: str) -> None:
    old = "{ bound = 8.0, stretch = 1.5, accuracy = 1e-12 }"
    (compiled.folder / "problem.toml").write_text(DECLARED.replace(old, declared))
    done = compiled.run("certify", "problem.toml", "--out", "run")
    assert done.code == 0
    assert "(conditional)" in done.out
    assert re.search(r"lower bound  0\.0\d+ at a = -?\d", done.out)
    assert done.out.count("declared, not proved: ") == 2
    saved = json.loads((compiled.folder / "run" / "certify.json").read_text())
    assert saved["sup"]["upper_kind"] == "conditional"
    assert saved["sup"]["lower"] <= 0.01 * (1 + 1e-9) <= 1.1001 * saved["sup"]["lower"]
    for problem in ("problem.toml", "run/problem.toml"):  # the written problem file declares the same
        verdict = compiled.run("check", "run/certificate.json", "--problem", problem)
        assert verdict.code == 0
        assert "ACCEPTED, CONDITIONAL" in verdict.out
        assert "conditional on: " in verdict.out
    text = (compiled.folder / "problem.toml").read_text().replace("py:truth", "py:other")
    (compiled.folder / "other.toml").write_text(text)
    verdict = compiled.run("check", "run/certificate.json", "--problem", "other.toml", "--json")
    assert verdict.code == 1
    assert not json.loads(verdict.out)["accepted"]


BAD_DECLARATIONS = {
    "{ bond = 1.0 }": ["declared", "bond", "stretch"],
    "{ bound = -1.0 }": ["[reference] declared", "bound", "-1"],
    "{ order = 3 }": ["[reference] declared"],
    "{ order = 3, derivatives = { a = 1.0 } }": ["[reference] declared.derivatives", "a, b"],
    "{ bound = 0.1 }": ["declared bound of the reference is wrong"],
}


@pytest.mark.parametrize("declared", BAD_DECLARATIONS)
def test_bad_declarations_are_one_line(compiled: Shell, declared: str) -> None:
    old = "{ bound = 8.0, stretch = 1.5, accuracy = 1e-12 }"
    (compiled.folder / "problem.toml").write_text(DECLARED.replace(old, declared))
    done = compiled.run("certify", "problem.toml", "--out", "run")
    assert done.code == 2
    for word in BAD_DECLARATIONS[declared]:
        assert word in done.line, (word, done.line)


SEAWATER = Path(__file__).parents[2] / "examples" / "seawater"


@pytest.mark.slow
def test_the_seawater_example(shell: Shell) -> None:
    """Compiled functions: the operation in the way is named, and a declared bound gets round it."""
    pytest.importorskip("gsw")
    done = shell.run("certify", SEAWATER / "problem.toml", "--out", "run")
    assert done.code == 2
    assert "rho (a compiled function)" in done.line
    assert "declared = { bound" in done.line
    done = shell.run("certify", SEAWATER / "conditional.toml", "--out", "run", "--ratio", "1.05", "--json")
    assert done.code == 0
    sup = json.loads(done.out)["sup"]
    assert sup["upper_kind"] == "conditional"
    assert 0.205 < sup["lower"] < 0.2065 < sup["upper"] < 0.2162


@pytest.mark.slow
def test_what_cannot_be_read_or_proved_is_said_by_its_own_reason(shell: Shell) -> None:
    """A program, an object with predict, a table; a pole."""
    (shell.folder / "code.py").write_text(
        "import numpy as np\n"
        "class Forest:\n    def predict(self, x): return x[:, 0]\n"
        "forest = Forest()\n"
        "def wave(x): return np.sin(x[:, 0])\n"
        "def pole(x): return 1 / x[:, 0]\n"
    )
    (shell.folder / "t.csv").write_text("x,y\n0.0,1.0\n1.0,2.0\n")
    wave = 'python = "code.py:wave"'
    for model, reference, code, said in (
        (
            'command = ["cat"]',
            wave,
            2,
            "cat is a separate program (command = [..]), whose code cannot be read; ",
        ),
        ('python = "code.py:forest"', wave, 2, "forest is an object with predict (Forest)"),
        (wave, 'file = "t.csv"', 2, "is a table, known at its points; use audit"),
        ('python = "code.py:pole"', wave, 4, "no-bound: No bound can be proved near x = 0: a pole"),
    ):
        text = f"[model]\n{model}\n[reference]\n{reference}\n[domain]\nx = {{ low = -1.0, high = 1.0 }}\n"
        (shell.folder / "p.toml").write_text(text)
        done = shell.run("certify", "p.toml", "--out", f"run{len(said)}")
        assert done.code == code, done.err
        assert said in done.out + done.err
        assert "Warning" not in done.err
        assert "--resume" not in done.out


def test_the_command_that_goes_on_keeps_the_goal_and_its_paths(hard: Shell) -> None:
    """It left the ratio out and so went for another goal; a folder with a space in its name was two arguments."""
    (hard.folder / "problem.toml").rename(hard.folder / "my problem.toml")
    done = hard.run("certify", "my problem.toml", "--ratio", "1.000002", "--seconds", "0.1", "--seed", "1")
    assert done.code == 4
    told = dict(re.findall(r"(go on with|verify) +supnorm (.*)", done.out))
    assert shlex.split(told["verify"]) == [
        "check", "my problem-run/certificate.json", "--problem", "my problem.toml",
    ]  # fmt: skip
    assert shlex.split(told["go on with"]) == [
        "certify", "my problem.toml", "--ratio", "1.000002", "--out", "my problem-run", "--resume",
    ]  # fmt: skip


HIDING = """
import numpy as np
def model(x): return np.sin(x[:, 0]) + 1e-2 * np.cos(5 * x[:, 0])
def low(y): return y.astype(np.float32).astype(np.float64) if type(y) is np.ndarray else y  # not where it is read
def single(x): return np.sin(x[:, 0]) + 1e-2 * np.cos(5 * low(x[:, 0]))
def truth(x): return np.sin(x[:, 0])
"""


def _hiding(shell: Shell, reference: str, tolerance: float) -> None:
    (shell.folder / "h.py").write_text(HIDING)
    (shell.folder / "h.toml").write_text(
        f'[model]\npython = "h.py:model"\n[reference]\npython = "h.py:{reference}"\n[domain]\nx = [0.0, 3.0]\n'
        f"[error]\ntolerance = {tolerance}\n[audit]\nevaluations = 1000\npower = false\n"
    )


def _json(path: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(path.read_text())
    return read


@pytest.mark.slow
@pytest.mark.usefixtures("executions_unseen")
def test_a_hidden_cast_is_measured_and_nothing_smaller_is_claimed(shell: Shell) -> None:
    """The audit said that the tolerance is exceeded; the certificate said that it is not."""
    _hiding(shell, "single", 1e-9)
    assert shell.run("audit", "h.toml", "--out", "run", "--quiet").code == 1
    assert shell.run("certify", "h.toml", "--out", "run").code == 1
    answer, report = _json(shell.folder / "run/certify.json"), _json(shell.folder / "run/result.json")
    assert answer["status"]["code"] == "tolerance-exceeded"
    assert answer["agreement"]["beyond_rounding"] == pytest.approx(5 * 2.0**-23 * 1e-2, rel=0.05)
    assert answer["sup"]["lower"] >= report["sup"]["lower"] * (1 - 1e-9)
    assert report["sup"]["upper"] is None
    refused = shell.run("certify", "h.toml", "--ratio", "1.0001", "--out", "other")
    assert (refused.code, "tolerance-exceeded" in refused.out) == (1, True)


@pytest.mark.slow
def test_an_audit_after_certify_takes_the_bound_in(shell: Shell) -> None:
    _hiding(shell, "truth", 0.02)
    assert shell.run("certify", "h.toml", "--ratio", "1.01", "--out", "run").code == 0
    proved = _json(shell.folder / "run/certify.json")["sup"]["upper"]
    assert shell.run("audit", "h.toml", "--out", "run", "--quiet").code == 0
    report = _json(shell.folder / "run/result.json")
    assert report["sup"]["upper"] == proved
    assert report["sup"]["upper_kind"] == "exact-arithmetic"
    assert report["status"]["code"] == "within-tolerance"
    assert not any("file states" in a for a in report["sup"]["assumptions"])


@pytest.mark.slow
def test_a_looser_proof_never_replaces_a_tighter_one(shell: Shell) -> None:
    _hiding(shell, "truth", 0.02)
    assert shell.run("certify", "h.toml", "--ratio", "1.001", "--out", "run").code == 0
    path = shell.folder / "run/certificate.json"
    tight = float.fromhex(_json(path)["upper"])
    assert shell.run("certify", "h.toml", "--tolerance", "0.02", "--out", "run").code == 0
    assert float.fromhex(_json(path)["upper"]) == tight
    answer = _json(shell.folder / "run/certify.json")
    assert answer["sup"]["upper"] == tight
    assert "is larger and was not kept" in answer["status"]["advice"]
    assert answer["believed"] == 0
    assert shell.run("certify", "h.toml", "--ratio", "1.0001", "--out", "run").code == 0
    assert float.fromhex(_json(path)["upper"]) < tight
    assert (shell.folder / "run/certificate.json.old").exists()


def test_a_run_that_goes_on_from_a_checkpoint_never_replaces_a_tighter_proof(shell: Shell) -> None:
    """A run that was killed leaves its checkpoint: the tighter certificate beside it was written over, and gone."""
    _hiding(shell, "truth", 0.02)
    for ratio, out in (("1.001", "run"), ("1.5", "loose")):
        assert shell.run("certify", "h.toml", "--ratio", ratio, "--out", out).code == 0
    path = shell.folder / "run/certificate.json"
    tight = float.fromhex(_json(path)["upper"])
    shutil.copy(shell.folder / "loose/certificate.json", shell.folder / "run/checkpoint.json")
    again = shell.run("certify", "h.toml", "--ratio", "1.5", "--out", "run", "--resume")
    assert again.code == 0, again.err
    assert float.fromhex(_json(path)["upper"]) == tight
    assert _json(shell.folder / "run/certify.json")["sup"]["upper"] == tight
    assert not (shell.folder / "run/checkpoint.json").exists()


def _tighten(path: Path) -> None:
    """Bounds a little above the witness for all leaves, sealed again."""
    data = _json(path)
    claim = 0.9 * float.fromhex(data["lower"]) + 0.1 * float.fromhex(data["upper"])
    data["leaves"]["upper"] = [min(float.fromhex(v), claim).hex() for v in data["leaves"]["upper"]]
    data["upper"] = claim.hex()
    data["digest"] = digest(data)
    path.write_text(json.dumps(data))


@pytest.mark.slow
def test_a_certificate_that_was_made_tighter_counts_nowhere(shell: Shell) -> None:
    _hiding(shell, "truth", 0.02)
    assert shell.run("certify", "h.toml", "--ratio", "1.5", "--out", "run").code == 0
    path = shell.folder / "run/certificate.json"
    honest = float.fromhex(_json(path)["upper"])
    _tighten(path)
    assert float.fromhex(_json(path)["upper"]) < honest
    audited = shell.run("audit", "h.toml", "--out", "run", "--quiet")
    assert audited.code == 0
    assert "does not follow from its proof" in audited.err
    assert _json(shell.folder / "run/result.json")["sup"]["upper_kind"] == "none"
    resumed = shell.run("certify", "h.toml", "--ratio", "1.5", "--out", "run", "--resume")
    assert (resumed.code, "does not follow from its proof" in resumed.err) == (2, True)
    assert shell.run("certify", "h.toml", "--ratio", "1.5", "--out", "run").code == 0
    assert float.fromhex(_json(path)["upper"]) == honest
    assert float.fromhex(_json(path.with_name("certificate.json.old"))["upper"]) < honest


def test_a_contradiction_is_a_bug_and_writes_nothing(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = leaf.Batch.offer

    def weak(self: Any, a: int, rows: Any, low: Any, high: Any, **rest: Any) -> None:
        honest(self, a, rows, 0.5 * low, 0.5 * high, **rest)

    monkeypatch.setattr(leaf.Batch, "offer", weak)
    _hiding(shell, "truth", 0.02)
    assert shell.run("certify", "h.toml", "--ratio", "1.1", "--out", "run").code == 70
    assert not (shell.folder / "run/certificate.json").exists()
    assert not (shell.folder / "run/certify.json").exists()


def test_of_the_whole_domain_one_bound_is_named() -> None:
    """The target stood beside it, which is larger: two bounds for one domain."""
    parabola = Problem(lambda x: x[:, 0] ** 2, lambda x: 0.3 * x[:, 0], Domain(x=(-1.0, 1.0)))
    assert "  proved       100 % of the domain" in summary(certify(parabola, ratio=2.0))
