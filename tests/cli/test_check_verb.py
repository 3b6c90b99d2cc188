"""``supnorm check --problem`` ties a certificate to the problem: its values and its whole domain."""

from __future__ import annotations

import hashlib
import html
import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.checker.test_cost import _fine_grid
from tests.checker.test_hostile import _write

import supnorm
import supnorm.certification
import supnorm.cli.check
from supnorm.checker import Cost
from supnorm.cli.check_verdict import summary
from supnorm.cli.main import run
from supnorm.cli.private_copy import copied
from supnorm.cli.progress import CheckPlanned, LeavesChecked, Progress
from supnorm.results import BadInput

pytest.importorskip("flint")
CODE = """
import jax.numpy as jnp
def model(x): return x[:, 0] - x[:, 0] ** 3 / 6
def other(x): return x[:, 0] - x[:, 0] ** 3 / 5
def sine(x): return jnp.sin(x[:, 0])
"""


def problem(folder: Path, name: str, model: str, high: float) -> Path:
    (folder / "truth.py").write_text(CODE)
    path = folder / name
    path.write_text(
        f'[model]\npython = "truth.py:{model}"\n[reference]\npython = "truth.py:sine"\n'
        f"[domain]\nx = {{ low = 0.0, high = {high} }}\n"
    )
    return path


@pytest.mark.slow
def test_a_certificate_is_accepted_for_its_own_problem_only(tmp_path: Path) -> None:
    own = problem(tmp_path, "own.toml", "model", 0.5)
    out = tmp_path / "run"
    assert run(["certify", str(own), "--out", str(out), "--quiet"]) == 0
    file = str(out / "certificate.json")
    assert run(["check", file]) == 0
    assert run(["check", file, "--problem", str(own)]) == 0
    wider = problem(tmp_path, "wider.toml", "model", 1.0)
    assert run(["check", file, "--problem", str(wider)]) == 1
    narrower = problem(tmp_path, "narrower.toml", "model", 0.25)
    assert run(["check", file, "--problem", str(narrower)]) == 1
    changed = problem(tmp_path, "changed.toml", "other", 0.5)
    assert run(["check", file, "--problem", str(changed)]) == 1


@pytest.mark.slow
def test_a_file_that_changes_between_its_comparison_and_its_proof_is_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without its assumptions the file would be refused, but for the order in which it is read."""
    own = problem(tmp_path, "own.toml", "model", 0.5)
    assert run(["certify", str(own), "--out", str(tmp_path / "run"), "--quiet"]) == 0
    file = tmp_path / "run" / "certificate.json"
    stripped = json.loads(file.read_text()) | {"assumptions": []}
    compared = supnorm.certification.mismatch

    def swap(path, *given):
        said = compared(path, *given)
        assert path != file, "a private copy is read, which nobody replaces"
        _write(file, stripped)
        return said

    monkeypatch.setattr(supnorm.certification, "mismatch", swap)
    capsys.readouterr()
    assert run(["check", str(file), "--problem", str(own)]) == 1
    assert "the file was changed while it was checked" in capsys.readouterr().out


def test_a_file_is_read_once_for_all_that_is_compared_and_proved(tmp_path: Path) -> None:
    """Another program may replace it and put it back."""
    file = tmp_path / "certificate.json"
    file.write_bytes(b"A")
    with copied(file) as one:
        file.write_bytes(b"B")
        assert one.changed
        file.write_bytes(b"A")
        assert (one.path.read_bytes(), one.sha256, one.size) == (b"A", hashlib.sha256(b"A").hexdigest(), 1)
        assert not one.changed
    assert not one.path.exists()
    with pytest.raises(BadInput, match=f"^{re.escape(str(file))}: broken$"), copied(file) as one:
        raise BadInput(f"{one.path}: broken")
    file.write_bytes(b"{")
    with copied(file) as one:
        result = supnorm.cli.check.checked_copy(one, None)
    assert (result.accepted, result.reason) == (False, f"{file}: not a JSON file")


@pytest.mark.slow
def test_check_prints_the_unit_of_the_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = problem(tmp_path, "own.toml", "model", 0.5)
    own.write_text(
        own.read_text().replace('"truth.py:sine"', '"truth.py:sine"\noutputs = ["T"]\noutput_units = ["K"]')
    )
    out = tmp_path / "run"
    assert run(["certify", str(own), "--out", str(out), "--quiet"]) == 0
    for tied in ([], ["--problem", str(own)]):
        capsys.readouterr()
        assert run(["check", str(out / "certificate.json"), "--tolerance", "0.1", *tied]) == 0
        said = capsys.readouterr().out
        assert re.search(r"claims: worst error between [^\n]+ K and [^\n]+ K\n", said)
        assert re.search(r"Nowhere above [^\n]+ K, within the tolerance of 0.1 K", said)
    assert run(["check", str(out / "certificate.json"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["unit"] == "K"


@pytest.mark.slow
def test_the_sheet_has_the_hashes_and_an_older_one_does_not_outlive_a_rejection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = problem(tmp_path, "own.toml", "model", 0.5)
    out, sheet = tmp_path / "run", tmp_path / "sheet.html"
    assert run(["certify", str(own), "--out", str(out), "--quiet"]) == 0
    file = out / "certificate.json"
    check = ["check", str(file), "--problem", str(own), "--sheet", str(sheet)]
    assert run(check) == 0
    said = sheet.read_text()
    assert hashlib.sha256(file.read_bytes()).hexdigest() in said
    assert hashlib.sha256((tmp_path / "truth.py").read_bytes()).hexdigest() in said
    assert "The error of the model is <b>at most" in said
    assert f"supnorm check {file} --problem {own}" in said
    content = json.loads(file.read_text())
    file.write_text(json.dumps(content | {"upper": content["lower"]}))
    assert run(check) == 1
    assert "it proves nothing" in html.unescape(re.sub("<[^>]+>", "", sheet.read_text()))

    checked = supnorm.cli.check.checked_copy

    def changed_meanwhile(*args: object) -> object:
        result = checked(*args)  # type: ignore[arg-type]
        file.write_text(json.dumps(content))
        return result

    monkeypatch.setattr(supnorm.cli.check, "checked_copy", changed_meanwhile)
    sheet.unlink()
    assert run(check) == 2
    assert not sheet.exists()


def test_a_file_that_is_no_certificate_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "cert.json").write_text("garbage")
    assert run(["check", str(tmp_path / "cert.json")]) == 1
    assert run(["check", str(tmp_path / "absent.json")]) == 2


def test_an_unreadable_file_claims_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = problem(tmp_path, "own.toml", "model", 0.5)
    (tmp_path / "cert.json").write_text("garbage")
    for tied in ([], ["--problem", str(own)]):
        capsys.readouterr()
        assert run(["check", str(tmp_path / "cert.json"), *tied]) == 1
        out = capsys.readouterr().out
        assert out.startswith("REJECTED: ")
        assert out.count("\n") == 1


def test_no_upper_bound_is_said_in_words() -> None:
    from supnorm.checker import CheckResult

    open_ = CheckResult(
        accepted=True,
        reason="proved",
        leaf=None,
        leaves=3,
        lower=0.1234567,
        upper=math.inf,
        problem_checked=True,
        seconds=0.0,
    )
    assert summary(open_)[-1] == "  claims: worst error at least 0.123456, no upper bound"
    closed = CheckResult(
        accepted=True,
        reason="proved",
        leaf=None,
        leaves=3,
        lower=0.1234567,
        upper=0.2,
        problem_checked=True,
        seconds=0.0,
    )
    assert summary(closed)[-1] == "  claims: worst error between 0.123456 and 0.2"
    in_kelvin = replace(closed, unit="K\x1b[2J")
    assert (
        summary(in_kelvin, limit=0.3)[1]
        == r"  claims: worst error between 0.123456 K\x1b[2J and 0.2 K\x1b[2J"
    )
    assert summary(in_kelvin, limit=0.3)[-1].endswith(
        r"Nowhere above 0.2 K\x1b[2J, within the tolerance of 0.3 K\x1b[2J."
    )


@pytest.mark.slow
def test_a_certificate_without_an_upper_bound_claims_no_proof_of_every_leaf(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = problem(tmp_path, "own.toml", "model", 0.5)
    out = tmp_path / "run"
    assert run(["certify", str(own), "--tolerance", "1e-9", "--out", str(out), "--quiet"]) == 1
    capsys.readouterr()
    assert run(["check", str(out / "certificate.json"), "--problem", str(own)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("ACCEPTED, NO UPPER BOUND: no upper bound is claimed; every box that has a bound")
    assert "at least 2.58871 × 10⁻⁴, no upper bound" in said


@pytest.mark.slow
def test_a_file_that_is_no_proof_of_the_tolerance_does_not_pass_a_gate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The error is 2.59e-4: codes of the contract, from the option or from the problem."""
    own = problem(tmp_path, "own.toml", "model", 0.5)
    for folder, goal, code in (("narrow", ["--ratio", "1.1"], 0), ("open", ["--tolerance", "1e-9"], 1)):
        assert run(["certify", str(own), *goal, "--out", str(tmp_path / folder), "--quiet"]) == code
    sup = json.loads((tmp_path / "narrow" / "certify.json").read_text())["sup"]
    between = str((sup["lower"] + sup["upper"]) / 2)
    strict = problem(tmp_path, "strict.toml", "model", 0.5)
    strict.write_text(strict.read_text() + "[error]\ntolerance = 1e-4\n")
    for folder, asked, code, word in (
        ("narrow", ["--tolerance", "1e-3"], 0, "ACCEPTED: "),
        ("narrow", ["--tolerance", "1e-4"], 1, "ACCEPTED, TOLERANCE EXCEEDED: "),
        ("narrow", ["--problem", str(strict)], 1, "ACCEPTED, TOLERANCE EXCEEDED: "),
        ("narrow", ["--problem", str(strict), "--tolerance", "1e-3"], 0, "ACCEPTED: "),
        ("narrow", ["--tolerance", between], 4, "ACCEPTED, TOLERANCE NOT PROVED: "),
        ("open", ["--tolerance", "1.0"], 4, "ACCEPTED, NO UPPER BOUND, TOLERANCE NOT PROVED: "),
        ("open", ["--tolerance", "0"], 2, ""),
    ):
        capsys.readouterr()
        assert run(["check", str(tmp_path / folder / "certificate.json"), *asked]) == code
        assert capsys.readouterr().out.startswith(word)
    capsys.readouterr()
    assert run(["check", str(tmp_path / "open" / "certificate.json"), "--tolerance", "1", "--json"]) == 4
    said = json.loads(capsys.readouterr().out)
    assert (said["tolerance"], said["status"]["code"], said["status"]["exit"]) == (1.0, "undecided", 4)


@pytest.mark.slow
def test_a_problem_without_a_value_to_compare_is_not_asked_for_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = problem(tmp_path, "own.toml", "model", 0.5)
    own.write_text(own.read_text() + '[error]\ntolerance = 1.0\nmask = "truth.py:nothing"\n')
    with (tmp_path / "truth.py").open("a") as file:
        file.write("\ndef nothing(x):\n    return x[:, 0] > 1e9\n")
    out = tmp_path / "run"
    assert run(["certify", str(own), "--out", str(out), "--quiet"]) == 0
    capsys.readouterr()
    assert run(["check", str(out / "certificate.json"), "--problem", str(own)]) == 0
    said = capsys.readouterr().out
    assert "none of 64 random points has an error" in said
    assert "give --problem" not in said


def test_a_folder_is_no_certificate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", str(tmp_path)]) == 2
    assert f"{tmp_path}: a folder; give the certificate" in capsys.readouterr().err


def test_what_a_file_says_cannot_steer_the_terminal() -> None:
    from supnorm.checker import CheckResult

    said = "the reference (\x1b[1A\x1b[2K\r\ud800\u202e é) is analytic"
    lines = summary(
        CheckResult(
            accepted=False,
            reason=said,
            leaf=None,
            leaves=1,
            lower=0.0,
            upper=1.0,
            problem_checked=True,
            seconds=0.0,
            conditional=(said,),
        )
    )
    assert lines[0] == r"REJECTED: the reference (\x1b[1A\x1b[2K\r\ud800\u202e é) is analytic"
    assert all(line.isprintable() for line in lines)


def test_json_of_a_file_with_lone_surrogates_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = problem(tmp_path, "own.toml", "model", 0.5)
    assert run(["certify", str(own), "--out", str(tmp_path / "run"), "--quiet"]) == 0
    file = tmp_path / "run" / "certificate.json"
    data = json.loads(file.read_text())
    data["programs"][0]["nodes"][-1]["op"] = "\ud800\x1b"
    data["hashes"] = [_sha(p) for p in data["programs"]]
    data["digest"] = _sha({k: v for k, v in data.items() if k != "digest"})
    file.write_text(json.dumps(data))
    for form in ([], ["--json"]):
        capsys.readouterr()
        assert run(["check", str(file), *form]) == 1
        out = capsys.readouterr().out
        out.encode()
        assert "\x1b" not in out


def _sha(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


KINDS = """
import numpy as np
rng = np.random.default_rng(0)
W, b, V = rng.normal(size=(2, 8)), rng.normal(size=8), rng.normal(size=(8, 2))
def model(x): return np.tanh(x @ W + b) @ V
def truth(x): return model(x) + 0.01 * np.sin(x)
def first(x): return x[:, 0] * np.sin(x[:, 1]) + 0.01 * np.cos(3 * x[:, 0])
def second(x): return x[:, 0] * np.sin(x[:, 1])
def mask(x): return x[:, 0] > 0.2
import jax.numpy as jnp
def traced(x): return jnp.tanh(x @ W + b) @ V
def exact(x): return traced(x) + 0.01 * jnp.sin(x)
def opaque(x): return second(np.array(x.tolist()))
"""
AXES = "[domain]\na = { low = 0.1, high = 1.0, LOG }\nb = { low = 0.5, high = 2.0 }\n"


def kind(
    folder: Path, model: str, reference: str, error: str = "", log: bool = False, more: str = ""
) -> Path:
    (folder / "kinds.py").write_text(KINDS)
    axes = AXES.replace("LOG", 'scale = "log"' if log else 'unit = "m"')
    said = f'[model]\n{model}\n[reference]\npython = "kinds.py:{reference}"\n{more}\n[error]\n{error}\n{axes}'
    (folder / "problem.toml").write_text(said)
    return folder / "problem.toml"


def python(name: str) -> str:
    return f'python = "kinds.py:{name}"'


CASES = {
    "JAX, relative": ((python("traced"), "exact", 'kind = "relative"\nfloor = 0.1\nside = "under"'), {}),
    "JAX, log axis, tolerances": ((python("traced"), "exact", "tolerance = [1.0, 2.0]"), {"log": True}),
    "NumPy, scaled, masked": ((python("model"), "truth", 'kind = "scaled"\nscale = [1.0, 0.3]\nmask = "kinds.py:mask"'),
                              {}),
    "NumPy, derivatives": ((python("first"), "second", "derivatives = true"), {}),
    "declared, one-sided": ((python("first"), "opaque", 'side = "over"'),
                            {"more": "declared = { bound = 8.0, stretch = 1.5, accuracy = 1e-11 }"}),
    "our own network": (('file = "model.npz"', "second"), {}),
    "ONNX": (('file = "model.onnx"', "second"), {}),
}  # fmt: skip


@pytest.mark.slow
def test_programs_have_the_same_hash_in_another_process(tmp_path: Path) -> None:
    """Read again by a process with another order of its sets, from the user's file and from the one of the run."""
    for number, (given, options) in enumerate(CASES.values()):
        folder = tmp_path / str(number)
        folder.mkdir()
        own = kind(folder, *given, **options)  # type: ignore[arg-type]
        if "file" in given[0]:
            _network(folder)
        asked = "--out", str(folder / "run"), "--ratio", "1.5", "--seconds", "2", "--quiet"
        assert run(["certify", str(own), *asked]) in (0, 1)
    code = (
        "import sys; from supnorm.cli.main import run\nfor f in sys.argv[1:]:\n for p in ('', '/run'):\n"
        "  print(f, run(['check', f + '/run/certificate.json', '--problem', f + p + '/problem.toml']))"
    )
    source = str(Path(supnorm.__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, range(len(CASES)))], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": source, "PYTHONHASHSEED": "7"},
    )  # fmt: skip
    lines = done.stdout.splitlines()
    for number, name in enumerate(CASES):
        assert lines.count(f"{number} 0") == 2, (name, done.stdout, done.stderr)
    assert done.stdout.count("domain, side and hashes are those of the problem") == 2 * len(CASES)


def _network(folder: Path) -> None:
    """``model.npz`` and ``model.onnx``: a network of ours, and how it is exported."""
    from supnorm.networks import Network, save, to_onnx

    network = Network.init(np.random.default_rng(0), 2, 1, 6, 2)
    save(network, folder / "model.npz")
    pytest.importorskip("onnx")
    to_onnx(network, folder / "model.onnx")


SIDES = """
import numpy as np
def truth(x): return np.tanh(x[:, 0])
def model(x): return np.tanh(x[:, 0]) + 0.01
def glitch(x): return model(x) - 5 * np.exp(-((x[:, 0] - 0.7123) / 1e-3) ** 2)
"""


@pytest.mark.slow
def test_another_side_and_a_glitch_between_all_points_are_rejected_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sides.py").write_text(SIDES)

    def write(model: str, side: str) -> str:
        path = tmp_path / f"{model}-{side}.toml"
        path.write_text(
            f'[model]\npython = "sides.py:{model}"\n[reference]\npython = "sides.py:truth"\n'
            f'[error]\nside = "{side}"\n[domain]\na = {{ low = -1.0, high = 1.0 }}\n'
        )
        return str(path)

    for model, side, words in (
        ("model", "both", "REJECTED: its programs are not those of the problem: model, reference, measure or domain"),
        ("glitch", "over", "REJECTED: it counts errors of side 'over', the problem those of side 'both'"),
    ):  # fmt: skip
        file = tmp_path / side / "certificate.json"
        assert run(["certify", write(model, side), "--out", str(file.parent), "--quiet"]) == 0
        capsys.readouterr()
        assert run(["check", str(file), "--problem", write(model, side)]) == 0
        capsys.readouterr()
        assert run(["check", str(file), "--problem", write("glitch", "both")]) == 1
        out = capsys.readouterr().out.splitlines()
        assert out[0].startswith(words)
        assert out[1].startswith("  claims: worst error between 0.009")
        assert len(out) == 2


FITTED = """
import numpy as np
from pathlib import Path
nodes = np.linspace(-1, 1, 9)
off = float(Path(__file__).with_name("off.txt").read_text())
weights = np.polynomial.chebyshev.chebfit(nodes, np.exp(nodes), 4) * (1 + off)
def model(x):
    return sum(w * x**k for k, w in enumerate(weights))
def truth(x):
    return np.polynomial.chebyshev.chebval(x, np.array([1.26, 1.13, 0.27, 0.04, 0.005]))
"""


def test_weights_that_are_computed_anew_are_told_from_other_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A fit while the code is loaded gives other last digits with another number of threads; check said "has changed"."""
    (tmp_path / "fitted.py").write_text(FITTED)
    (tmp_path / "off.txt").write_text("0.0")
    problem = tmp_path / "problem.toml"
    problem.write_text(
        '[model]\npython = "fitted.py:model"\n[reference]\npython = "fitted.py:truth"\n[domain]\na = [-1.0, 1.0]\n'
    )
    file = tmp_path / "out" / "certificate.json"
    assert run(["certify", str(problem), "--out", str(file.parent), "--quiet"]) == 0
    (tmp_path / "off.txt").write_text("3e-14")
    capsys.readouterr()
    assert run(["check", str(file), "--problem", str(problem)]) == 1
    said = capsys.readouterr().out
    assert "the operations are the same, but numbers differ, by up to 3" in said
    assert "× 10⁻¹⁴ of the largest of an operation" in said
    assert "then store them in a file. Certify again" in said
    (tmp_path / "fitted.py").write_text(FITTED.replace("w * x**k", "w * np.sin(x)**k"))
    assert run(["check", str(file), "--problem", str(problem)]) == 1
    assert (
        "its programs are not those of the problem: model, reference, measure or domain"
        in capsys.readouterr().out
    )


def test_progress_counts_leaves_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    tell = Progress(clock=lambda: now[0])
    tell(CheckPlanned(str(Cost(3e9, 1.2e8)), 2))
    for done in range(1, 5):
        now[0] += 10.0
        tell(LeavesChecked(done, 4))
    said = capsys.readouterr()
    assert said.out == ""
    first, *lines = said.err.splitlines()
    assert (
        first
        == "  forecast: about 3e9 operations, 120 MB of memory, 50 s of one core, shared by up to 2 processes"
    )
    assert lines == [
        "  1 of 4 boxes proved again, 10 s, about 30 s left",
        "  2 of 4 boxes proved again, 20 s, about 20 s left",
        "  3 of 4 boxes proved again, 30 s, about 10 s left",
        "  4 of 4 boxes proved again, 40 s",
    ]


@pytest.mark.slow
def test_an_accepted_file_says_what_it_speaks_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = problem(tmp_path, "own.toml", "model", 0.5)
    assert run(["certify", str(own), "--out", str(tmp_path / "run"), "--quiet"]) == 0
    file = tmp_path / "run" / "certificate.json"
    capsys.readouterr()
    assert run(["check", str(file)]) == 0
    said = capsys.readouterr().out
    held = json.loads(file.read_text())
    low, high = (float.fromhex(held[k][0]) for k in ("axis_low", "axis_high"))
    assert f"domain: {held['names'][0]} in [{low!r}, {high!r}]" in said
    assert "model: model (a name that the maker of the file chose)" in said
    assert held["hashes"][0][:16] in said
    assert "error: absolute, to both sides, of 1 output\n" in said
    assert "made with: supnorm" in said
    assert "not verified: that the file is about your model" in said


def test_quiet_says_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = problem(tmp_path, "own.toml", "model", 0.5)
    assert run(["certify", str(own), "--out", str(tmp_path / "run"), "--quiet"]) == 0
    capsys.readouterr()
    assert run(["check", str(tmp_path / "run" / "certificate.json"), "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate whose check takes a minute: of 8192 leaves, each of a high degree."""
    folder = tmp_path_factory.mktemp("long")
    own = problem(folder, "own.toml", "model", 0.5)
    assert run(["certify", str(own), "--out", str(folder / "run"), "--quiet"]) == 0
    file = folder / "run" / "certificate.json"
    data = json.loads(file.read_text())
    _fine_grid(data, 2**13)
    data["leaves"].update(degree=[[60]] * 2**13, upper=[(4.0).hex()] * 2**13)
    data["upper"] = (4.0).hex()
    _write(file, data)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("begun", [False, True], ids=["while workers import", "while they prove"])
def test_ctrl_c_ends_all_processes_in_one_line(long: Path, tmp_path: Path, begun: bool) -> None:
    """As a terminal sends it: to the workers too."""
    before = sorted(long.rglob("*"))
    source = str(Path(supnorm.__file__).parent.parent)
    said = tmp_path / "stderr"
    with said.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "supnorm", "check", "run/certificate.json", "--workers", "2"],
            cwd=long, env={**os.environ, "PYTHONPATH": source}, stdout=subprocess.PIPE, stderr=stderr,
            text=True, start_new_session=True,
        )  # fmt: skip
    wait_until(lambda: members(process.pid) >= 4)  # itself, two workers, and what tracks their semaphores
    if begun:
        wait_until(lambda: "boxes proved again" in said.read_text())
    os.killpg(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=300)
    *forecast, last = said.read_text().splitlines()
    assert (process.returncode, out) == (3, ""), last
    assert last.startswith("supnorm: interrupted: run/certificate.json is neither accepted nor rejected")
    assert all("forecast:" in line or "boxes proved again" in line for line in forecast)
    wait_until(lambda: members(process.pid) == 0)
    assert sorted(long.rglob("*")) == before


def members(group: int) -> int:
    """Living processes of a process group."""
    listed = subprocess.run(["ps", "-A", "-o", "pgid=,stat="], capture_output=True, text=True, check=True)
    rows = [line.split() for line in listed.stdout.splitlines()]
    return sum(int(pgid) == group and not stat.startswith("Z") for pgid, stat in rows)


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 300
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_file_beyond_all_measure_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A sparse file of a gigabyte and a byte: it is not read."""
    path = tmp_path / "huge.json"
    path.touch()
    os.truncate(path, 2**30 + 1)
    start = time.process_time()
    assert run(["check", str(path)]) == 2
    assert time.process_time() - start < 5.0
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "huge.json: larger than the 1 GiB that a certificate may have" in said
