"""Problem files: what is read, and the one line that answers each mistake."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from supnorm.problem.problem_file import read_specification
from supnorm.results import BadInput

WHOLE = """
title = "A title"
[model]
file = "emulator.onnx"
inputs = ["p", "T"]
batch = 8
[reference]
python = "truth.py:density"
per_point = true
timeout = 2.5
retries = 1
[recheck]
command = ["./fine", "--tight"]
protocol = "point"
[error]
kind = "relative"
floor = 0.5
tolerance = 1e-3
[domain]
T = { low = 275, high = 1070.0, unit = "K" }
p = { low = 1e4, high = 1e8, unit = "Pa", scale = "log" }
n = { values = [1, 2.5] }
[constraints]
python = ["truth.py:liquid"]
[audit]
evaluations = 5000
seed = 3
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "problem.toml"
    path.write_text(text)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(BadInput) as caught:
        read_specification(path)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    spec = read_specification(write(tmp_path, WHOLE))
    assert spec.title == "A title"
    assert spec.model is not None
    assert (spec.model.file, spec.model.inputs, spec.model.batch) == ("emulator.onnx", ["p", "T"], 8)
    assert (spec.reference.per_point, spec.reference.timeout, spec.reference.retries) == (True, 2.5, 1)
    assert spec.recheck is not None
    assert spec.recheck.command == ["./fine", "--tight"]
    assert list(spec.domain) == ["T", "p", "n"]
    assert (spec.domain["T"].low, spec.domain["n"].values) == (275.0, [1.0, 2.5])
    assert (spec.audit.evaluations, spec.audit.seed, spec.audit.gradients) == (5000, 3, True)


# One mistake each: what is replaced, by what, and what the answer must name (key, what was got, remedy).
MISTAKES: list[tuple[str, str, list[str]]] = [
    ('kind = "relative"', 'kynd = "relative"', ["error.kynd", "'relative'", "known keys", "kind"]),
    ("[reference]", "[refrence]", ["refrence", "known keys", "reference"]),
    ("[audit]", "[audits]", ["audits", "audit"]),
    ("high = 1070.0", 'high = "1070"', ["domain.T.high", "'1070'", "number"]),
    ("high = 1070.0, ", "", ["domain.T", "give low and high, or values"]),
    (
        '{ low = 275, high = 1070.0, unit = "K" }',
        "[275, 300, 320]",
        ["domain.T", "{ low = .., high = .. }, a pair [low, high] or { values = [..] }", "320"],
    ),
    ('{ low = 275, high = 1070.0, unit = "K" }', '["275", 300]', ["domain.T.low", "number", "'275'"]),
    ("retries = 1", "retries = -1", ["reference.retries", "-1", "greater than or equal to 0"]),
    ("timeout = 2.5", "timeout = 0", ["reference.timeout", "0", "greater than 0"]),
    ("per_point = true", 'per_point = "yes"', ["reference.per_point", "'yes'", "boolean"]),
    ("evaluations = 5000", "evaluations = 5", ["audit.evaluations", "5", "100"]),
    ("evaluations = 5000", "evaluations = 5000.5", ["audit.evaluations", "5000.5", "integer"]),
    (
        'kind = "relative"',
        'kind = ["absolute", "relative"]',
        ["error.kind", "one word for all outputs", "python ="],
    ),
    ('file = "emulator.onnx"', 'name = "x"', ["model", "give exactly one of file, python, command", "none"]),
    (
        'file = "emulator.onnx"',
        'file = "a.onnx"\npython = "b.py:f"',
        ["model", "exactly one", "file, python"],
    ),
    (
        'protocol = "point"',
        'protocol = "lines"',
        ["recheck", 'protocol must be "batch" or "point"', "'lines'"],
    ),
    ('command = ["./fine", "--tight"]', 'command = "./fine"', ["recheck.command", "'./fine'", "list"]),
    ("batch = 8", 'precision = "half"', ["model", "precision", "'half'", "float32"]),
    ("tolerance = 1e-3", 'tolerance = "small"', ["error.tolerance", "'small'"]),
]


@pytest.mark.parametrize(("old", "new", "named"), MISTAKES)
def test_mistakes_are_answered_in_one_line(tmp_path: Path, old: str, new: str, named: list[str]) -> None:
    assert old in WHOLE
    path = write(tmp_path, WHOLE.replace(old, new, 1))
    message = refusal(path)
    for word in [str(path), *named]:
        assert word in message, (word, message)


def test_a_pair_stands_for_low_and_high(tmp_path: Path) -> None:
    text = WHOLE.replace('{ low = 275, high = 1070.0, unit = "K" }', "[275, 1070.0]")
    axis = read_specification(write(tmp_path, text)).domain["T"]
    assert (axis.low, axis.high, axis.scale, axis.values) == (275.0, 1070.0, "linear", None)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "none.toml")
    assert "is a folder" in refusal(tmp_path)
    assert "not valid TOML" in refusal(write(tmp_path, "[model\nfile="))
    (tmp_path / "latin.toml").write_bytes(b'title = "\xe9"')
    assert "not UTF-8" in refusal(tmp_path / "latin.toml")


def test_a_domain_is_needed_but_for_tables(tmp_path: Path) -> None:
    text = '[model]\npython = "m.py:f"\n[reference]\npython = "m.py:g"\n'
    assert "[domain] is missing" in refusal(write(tmp_path, text))
    assert "reference is missing" in refusal(write(tmp_path, "[domain]\nx = { low = 0, high = 1 }"))
    table = text.replace('python = "m.py:g"', 'file = "pairs.csv"')
    assert read_specification(write(tmp_path, table)).domain == {}


@given(st.binary(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_any_bytes_are_answered_with_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "any.toml"
    path.write_bytes(content)
    assert str(path) in refusal(path)


@given(st.sampled_from(WHOLE.splitlines()), st.text(max_size=20))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_a_line_of_nonsense_never_raises_anything_else(tmp_path: Path, line: str, nonsense: str) -> None:
    path = tmp_path / "any.toml"
    path.write_text(WHOLE.replace(line, line + nonsense), encoding="utf-8")
    with contextlib.suppress(BadInput):
        assert read_specification(path).reference is not None


@pytest.mark.parametrize("document", ["docs/problem.md", "docs/tutorials/your-network.md"])
def test_the_problem_files_of_the_documents_are_accepted(document: str, tmp_path: Path) -> None:
    text = (Path(__file__).resolve().parents[2] / document).read_text()
    examples = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    assert examples
    for example in examples:
        (tmp_path / "problem.toml").write_text(example)
        read_specification(tmp_path / "problem.toml")
