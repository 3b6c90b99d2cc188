"""Every number of every option of every verb is read by one parser, and refused with one sentence."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cli.conftest import Shell

import supnorm
from supnorm.auditing import audit
from supnorm.auditing.find_worst import find_worst
from supnorm.certification import certify
from supnorm.cli.main import app, run
from supnorm.problem import Domain, Problem
from supnorm.results import BadInput
from supnorm.results.option import Allowed, NumberText
from supnorm.results.printable import one_line
from supnorm.training import fit
from supnorm.training.equations import Poisson
from supnorm.training.fit_pde import fit_pde

NO_NUMBER = (
    "inf",
    "-inf",
    "nan",
    "1e400",
    "1_0",
    "\uff11\uff12",
    "0x10",
    "",
    "many",
    "9" * 5000,
    "None",
    "True",
)


def numbers() -> dict[str, Any]:
    """What reads the text of each option and argument that is a number, by verb and name."""
    found = {}
    for command in app.registered_commands:
        assert command.callback is not None
        for name, parameter in inspect.signature(command.callback, eval_str=True).parameters.items():
            kinds = {parameter.annotation, *get_args(parameter.annotation)}
            kinds |= {part for kind in kinds for part in get_args(kind)}
            declared = next((part for part in kinds if hasattr(part, "parser")), None)
            if kinds & {int, float}:
                reader = getattr(declared, "parser", None)
                found[f"{command.name} {getattr(reader, 'name', name)}"] = reader
    return found


READERS = numbers()


def test_no_verb_reads_a_number_in_another_way() -> None:
    assert {"audit --seconds", "fit --seconds", "certify --seconds", "compare --seconds"} <= set(READERS)
    assert {"audit --evaluations", "fit --max-evaluations", "check --limit", "budget --calls"} <= set(READERS)
    assert [name for name, reader in READERS.items() if not isinstance(reader, NumberText)] == []


@pytest.mark.sampled(90)
@pytest.mark.parametrize("option", READERS)
@pytest.mark.parametrize("text", NO_NUMBER)
def test_what_is_no_number_in_plain_digits_is_refused_with_one_sentence(option: str, text: str) -> None:
    reader = READERS[option]
    if reader.allowed.infinite and text in ("inf", "1e400", "9" * 5000):  # budget --smoothness inf
        assert reader(text) == math.inf
        return
    with pytest.raises(BadInput) as refused:
        reader(text)
    assert str(refused.value) == f"{reader.name} must be {reader.allowed}, got {one_line(text, 60)!r}"


@given(st.sampled_from(sorted(READERS)), st.one_of(st.floats(), st.integers(), st.text(max_size=6)))
@settings(max_examples=300, deadline=None)
def test_a_reader_gives_a_number_that_is_allowed_or_refuses(option: str, drawn: Any) -> None:
    reader = READERS[option]
    try:
        value = reader(f"{drawn}")
    except BadInput:
        return
    assert value in reader.allowed
    assert isinstance(value, int if reader.allowed.whole else float)
    exact = isinstance(value, int) and isinstance(drawn, int)  # a whole number is not rounded to a float
    assert value == (drawn if exact else float(drawn))


@pytest.mark.parametrize("verb", ["audit", "fit", "certify", "compare"])
@pytest.mark.parametrize("seconds", ["inf", "nan", "-1", "0", "0.05"])
def test_every_verb_refuses_such_seconds_in_the_same_words(shell: Shell, verb: str, seconds: str) -> None:
    """fit and certify took --seconds inf, audit and compare did not."""
    files = ["problem.toml"] * (2 if verb == "compare" else 1)
    done = shell.run(verb, *files, f"--seconds={seconds}")
    assert done.code == 2
    refused = f"--seconds must be a finite number of at least 0.1, got {seconds!r}"
    assert done.line == f"supnorm: {refused}; see supnorm {verb} --help"
    assert not list(shell.folder.glob("*-run"))


def test_the_number_of_a_peak_is_read_in_the_same_way(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["replay", "nowhere", "0"]) == 2
    assert "N must be a whole number of at least 1, got '0'" in capsys.readouterr().err


def _square(x: np.ndarray) -> np.ndarray:
    return np.asarray(x[:, 0] ** 2)


DOMAIN = Domain(x=(0.0, 1.0))
PAIR = Problem(_square, _square, DOMAIN)
IN_PYTHON: dict[str, Callable[..., Any]] = {
    "audit": lambda seconds: audit(PAIR, seconds=seconds),
    "find_worst": lambda seconds: find_worst(PAIR, evaluations=100, seconds=seconds),
    "certify": lambda seconds: certify(PAIR, ratio=1.1, seconds=seconds),
    "fit": lambda seconds: fit(_square, DOMAIN, seconds=seconds),
    "fit of samples": lambda seconds: fit((np.linspace(0, 1, 50)[:, None], np.ones(50)), seconds=seconds),
    "certify_norms": lambda seconds: supnorm.certify_norms(PAIR, seconds=seconds),
    "certify_properties": lambda seconds: supnorm.certify_properties(
        _square, DOMAIN, ["positive"], seconds=seconds
    ),
    "audit_fields": lambda seconds: supnorm.audit_fields(None, None, seconds=seconds),
    "repair": lambda seconds: supnorm.repair(PAIR, seconds=seconds),
    "assert_sup_error": lambda seconds: supnorm.assert_sup_error(PAIR, below=1.0, seconds=seconds),
    "solution_error": lambda seconds: supnorm.solution_error(
        _square, supnorm.equations.Heat(1.0), Domain(x=(0.0, 1.0), t=(0.0, 1.0)), seconds=seconds
    ),
    "fit_pde": lambda seconds: fit_pde(Poisson(DOMAIN, lambda x: x[0], lambda x: 0.0), seconds=seconds),
}


@pytest.mark.parametrize("name", IN_PYTHON)
@pytest.mark.parametrize("seconds", [math.inf, math.nan, -1.0, 0.0, "60", True])
def test_every_function_refuses_such_seconds_in_the_same_words(name: str, seconds: Any) -> None:
    with pytest.raises(BadInput) as refused:
        IN_PYTHON[name](seconds)
    assert str(refused.value) == f"seconds must be a finite number above 0, got {seconds!r}"


def test_no_public_function_with_seconds_is_left_out() -> None:
    public = {name: getattr(supnorm, name) for name in dir(supnorm) if not name.startswith("_")}
    limited = {
        name
        for name, found in public.items()
        if inspect.isfunction(found) and "seconds" in inspect.signature(found).parameters
    }
    assert limited
    assert limited <= set(IN_PYTHON)


def test_words_of_numbers() -> None:
    assert str(Allowed(low=2, infinite=True)) == "a number of at least 2"
    assert 0 not in Allowed(above=0)
    assert 2.5 not in Allowed(whole=True)
