"""Programs that take a point as arguments or as an input file."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import supnorm as sn
from supnorm.problem.problem_file import read_specification
from supnorm.sources.arguments import Reader, fill

SIM = """
import json, sys
arguments = dict(zip(sys.argv[1::2], sys.argv[2::2]))
a, b = float(arguments["--a"]), float(arguments["--b"])
if a > 0.9: sys.exit("no convergence: a is too large")
print("sim 1.0, starting")
for k in range(3): print(f"step {k} power = {a * b * k / 2!r} MW")
print(json.dumps({"result": {"power": a * b, "list": [a, {"b": b}]}, "ok": True}))
"""
DECK = """
import json, sys
deck = json.load(open(sys.argv[1]))
open("out.txt", "w").write(f"  P = {deck['a'] * deck['b'] * 1e3:.17e}\\n".replace("e", "D"))
"""
PROBLEM = """
[model]
python = "model.py:model"
[reference]
{reference}
[domain]
a = [0.0, 0.8]
b = [1.0, 2.0]
[error]
tolerance = 0.2
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sim.py").write_text(SIM)
    (tmp_path / "deck.py").write_text(DECK)
    (tmp_path / "deck.json.tmpl").write_text('{"a": {a}, "b": {b}, "other": {"c": 1}}')
    (tmp_path / "model.py").write_text("def model(x): return x[:, 0] * x[:, 1] + 0.1 * x[:, 0]\n")
    return tmp_path


def command(*words: str) -> str:
    return f"command = {json.dumps([sys.executable, *words])}"


ARGUMENTS = command("sim.py", "--b", "{b}", "--a", "{a}")


def opened(folder: Path, reference: str, **more: Any) -> sn.Problem:
    keys = "\n".join(f"{k} = {json.dumps(v)}" for k, v in more.items())
    path = folder / "problem.toml"
    path.write_text(PROBLEM.replace("{reference}", f"{reference}\n{keys}"))
    return sn.open_problem(path)


X = np.array([[0.1, 1.5], [0.123456789012345678, 1.1], [0.7, 2.0]])


@pytest.mark.parametrize(
    "keys",
    [
        {"json_path": "result.power"},
        {"pattern": r"power = (\S+) MW"},
    ],
)
def test_arguments_and_an_answer_in_the_output(folder: Path, keys: dict[str, Any]) -> None:
    problem = opened(folder, ARGUMENTS, **keys)
    assert (problem.reference(X)[:, 0] == X[:, 0] * X[:, 1]).all(), (
        "all digits arrive, and the last match counts"
    )


def test_several_outputs(folder: Path) -> None:
    problem = opened(folder, ARGUMENTS, json_path=["result.list[1].b", "result.list[0]"], outputs=["b", "a"])
    assert (problem.reference(X) == X[:, ::-1]).all()


def test_an_input_file_and_an_output_file(folder: Path) -> None:
    problem = opened(
        folder,
        command("deck.py", "{input}"),
        template="deck.json.tmpl",
        output_file="out.txt",
        pattern=r"P = (\S+)",
    )
    assert problem.reference(X)[:, 0] == pytest.approx(1e3 * X[:, 0] * X[:, 1], rel=1e-15)
    assert not (folder / "out.txt").exists(), "each call has a folder of its own"


@pytest.mark.slow
def test_an_audit_of_it_and_the_saved_problem(folder: Path) -> None:
    problem = opened(
        folder,
        command("deck.py", "{input}"),
        template="deck.json.tmpl",
        output_file="out.txt",
        pattern=r"P = (\S+)",
    )
    (folder / "run").mkdir()
    sn.save_problem(problem, folder / "run" / "problem.toml")
    again = sn.open_problem(folder / "run" / "problem.toml")
    assert (again.reference(X) == problem.reference(X)).all()
    assert (folder / "deck.json.tmpl").resolve() in problem.files


def test_a_failure_is_told_with_the_words_of_the_program(folder: Path) -> None:
    problem = opened(folder, ARGUMENTS, json_path="result.power")
    with pytest.raises(Exception) as failure:  # noqa: PT011 (of points, with a message for each)
        problem.reference(np.array([[0.95, 1.0], [0.5, 1.0]]))
    assert failure.value.messages == {0: "error: ended with exit code 1: no convergence: a is too large"}  # type: ignore[attr-defined]
    assert failure.value.values[1, 0] == 0.5  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("reference", "keys", "words"),
    [
        (command("sim.py", "--a", "{a}"), {}, "input b is named nowhere; write {b} in an argument"),
        (command("sim.py", "{a}", "{b}", "{d}"), {}, "{d} is no input; inputs are a, b"),
        (command("sim.py", "{a}", "{B}"), {}, "{B} is no input; did you mean b?"),
        (command("sim.py", "{a}", "{b:q}"), {}, "{b:q} is no format of a number"),
        (command("sim.py", "{a}", "{b}", "{input}"), {}, "give template = FILE too"),
        (command("sim.py", "{a}", "{b}"), {"pattern": "(("}, "no regular expression"),
        (command("sim.py", "{a}", "{b}"), {"template": "none.tmpl"}, "cannot be read"),
        (
            command("sim.py", "{a}", "{b}"),
            {"pattern": "x", "json_path": "y"},
            "json_path or pattern, not both",
        ),
        (command("sim.py"), {"pattern": "x"}, "are for a command that names its inputs"),
        ('python = "model.py:model"', {"pattern": "x"}, "pattern belongs to command"),
    ],
)
def test_what_cannot_be_run_is_refused_when_it_is_opened(
    folder: Path, reference: str, keys: dict[str, Any], words: str
) -> None:
    with pytest.raises(sn.BadInput) as refused:
        opened(folder, reference, **keys)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("reader", "text", "answer"),
    [
        (Reader(json=("a",)), "log\n{\n\"a\": null}", [np.nan]),
        (Reader(json=("a",)), '{"a": true}', "error: a is no number: 'True'"),
        (Reader(json=("power",)), '{"Power": 1}', "error: the output has no power (at power); did you mean Power?"),
        (Reader(json=("a[3]",)), '{"a": [1]}', "error: the output has no a[3] (at 3)"),
        (Reader(json=("a",)), "hello", "error: the output has no JSON; the program printed 'hello'"),
        (Reader(patterns=("x=(.*)",)), "y=1", "error: nothing in the output matches 'x=(.*)'; the program "
         "printed 'y=1'"),
        (Reader(patterns=("x=(.*)",)), "x=1_0", "error: what 'x=(.*)' matches is no number: '1_0'"),
        (Reader(patterns=("x=(.*)",)), "x=-1.D-3", [-1e-3]),
        (Reader(), "a\nb", "error: 2 lines instead of one line of numbers; the program printed 'a' / 'b'; name "
         "the number by json_path or pattern"),
        (Reader(), "", "error: 0 lines instead of one line of numbers; the program printed nothing; name the number "
         "by json_path or pattern"),
    ],
)  # fmt: skip
def test_answers(reader: Reader, text: str, answer: Any) -> None:
    given = reader(text)
    assert given == answer or (isinstance(answer, list) and np.array_equal(given, answer, equal_nan=True))  # type: ignore[arg-type]


def test_a_number_is_written_with_all_of_its_digits_or_as_the_format_says() -> None:
    assert fill("{a} {a:.3e} { a } {c}", {"a": 0.1 + 0.2}) == "0.30000000000000004 3.000e-01 { a } {c}"


def test_a_program_that_does_not_end_is_stopped(folder: Path) -> None:
    (folder / "slow.py").write_text("import time; time.sleep(60)")
    problem = opened(folder, command("slow.py", "{a}", "{b}"), timeout=0.2)
    with pytest.raises(Exception) as failure:  # noqa: PT011 (as above)
        problem.reference(X[:1])
    assert failure.value.messages[0].startswith("timeout")  # type: ignore[attr-defined]
    assert read_specification(folder / "problem.toml").reference is not None
