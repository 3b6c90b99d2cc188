"""`compare` where the second reference contradicts a worst error: it was shown, and decided, without a word."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from supnorm.cli.main import run
from supnorm.pages import comparison
from supnorm.pages.comparison import comparison_page
from supnorm.pages.gate import gate_of
from supnorm.pages.gate_formats import junit
from supnorm.pages.reading import record_of
from supnorm.results.compare import CompareRecord
from supnorm.wording.verdict import TEMPLATES

CODE = """import numpy as np
def wave(x): return np.sin(3 * x[:, 0])
def bump(x, c, height, width=0.05): return height * np.exp(-((x[:, 0] - c) / width) ** 2)
def big(x): return wave(x) + bump(x, 0.2, 0.5)
def odd(x): return wave(x) + bump(x, 0.21234, 0.5)
def small(x): return wave(x) + bump(x, 0.2, 0.05)
def wrong(x): return wave(x) + bump(x, 0.61234, 0.9)
"""
PROBLEM = """[model]
python = "m.py:{model}"
[reference]
{reference}
{recheck}
[error]
kind = "absolute"
tolerance = 0.1
[domain]
x = [0.0, 1.0]
"""
RECHECK = '[recheck]\npython = "m.py:wave"'
TABLE = 'file = "ref.csv"\noutputs = ["y"]'


def _problem(folder: Path, name: str, model: str, reference: str = TABLE, recheck: str = RECHECK) -> str:
    path = folder / f"{name}.toml"
    path.write_text(PROBLEM.format(model=model, reference=reference, recheck=recheck))
    return str(path)


def _compared(folder: Path, *files: str) -> tuple[int, dict[str, object]]:
    given = (
        "--evaluations",
        "300",
        "--seed",
        "0",
        "--no-power",
        "--quiet",
        "--json",
        "--out",
        str(folder / "out"),
    )
    code = run(["compare", *files, *given])
    data: dict[str, object] = json.loads((folder / "out" / "compare.json").read_text())
    return code, data


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "m.py").write_text(CODE)
    x = np.linspace(0, 1, 101)
    y = np.sin(3 * x)
    y[60] += 0.9
    np.savetxt(
        tmp_path / "ref.csv", np.column_stack([x, y]), delimiter=",", header="x,y", comments="", fmt="%.17g"
    )
    return tmp_path


@pytest.mark.slow
def test_compare_says_which_worst_errors_the_second_reference_contradicts(folder: Path) -> None:
    """Both rows said 0.9 in row 61; the confirmed errors of 0.5 and 0.05 stood nowhere."""
    files = [_problem(folder, name, name) for name in ("big", "small")]
    code, data = _compared(folder, *files)
    big, small = data["rows"]
    assert (big["worst"], big["row"], big["recheck"], big["status"]) == (
        0.9,
        61,
        "reference-fault",
        "tolerance-exceeded",
    )
    assert big["confirmed"] == {"error": pytest.approx(0.5), "at": {"x": 0.2}, "row": 21}
    assert (small["recheck"], small["status"]) == ("reference-fault", "reference-fault")
    assert small["confirmed"]["error"] == pytest.approx(0.05)
    assert code == 1
    confirmed = "In row 21 (x = 0.2) the second reference confirms an error of 0.5, above the tolerance."
    for text in (comparison(data), comparison_page(record_of(data, CompareRecord)), junit(gate_of(data))):
        assert f"big: {TEMPLATES['reference-fault']} {confirmed}" in text
        assert "confirms an error of 0.05." in text
    assert "The second reference contradicts the worst error of" in junit(gate_of(data))
    assert "0.9 (reference in doubt)" in comparison(data)


def test_the_second_reference_of_another_problem_is_told_too(folder: Path) -> None:
    files = [_problem(folder, "big", "big", recheck=""), _problem(folder, "small", "small")]
    _, data = _compared(folder, *files)
    assert [row["recheck"] for row in data["rows"]] == ["reference-fault", "reference-fault"]
    assert data["rows"][0]["status"] == "tolerance-exceeded"


def test_a_point_that_another_search_found_decides_as_an_audit_of_it_would(folder: Path) -> None:
    """The reference is wrong near 0.6: a model that is right at one point there alone passed, with an error of 0.9."""
    reference = 'python = "m.py:wrong"'
    right = _problem(folder, "right", "wave", reference)
    assert _compared(folder, right, right)[0] == 5
    data = json.loads((folder / "out" / "compare.json").read_text())
    at = data["rows"][0]["at"]["x"]
    (folder / "m.py").write_text(
        CODE + f"def hidden(x): return np.where(abs(x[:, 0] - {at!r}) < 1e-12, wave(x), wrong(x))\n"
    )
    code, data = _compared(folder, right, _problem(folder, "hidden", "hidden", reference))
    row = data["rows"][1]
    assert (row["worst"], row["found_by"]) == (pytest.approx(0.9, rel=1e-3), "wave")
    assert (row["recheck"], row["status"], code) == ("reference-fault", "reference-fault", 5)
    suite = ElementTree.fromstring(junit(gate_of(data)))
    assert (suite.attrib["failures"], suite.attrib["errors"]) == ("0", "1")


@pytest.mark.slow
def test_a_confirmed_error_that_another_search_found_exceeds_the_tolerance(folder: Path) -> None:
    reference = 'python = "m.py:wave"'
    big = _problem(folder, "odd", "odd", reference)
    _, data = _compared(folder, big, big)
    at = data["rows"][0]["at"]["x"]
    (folder / "m.py").write_text(
        CODE + f"def hidden(x): return wave(x) + np.where(abs(x[:, 0] - {at!r}) < 1e-12, 0.6, 0.0)\n"
    )
    code, data = _compared(folder, big, _problem(folder, "hidden", "hidden", reference))
    row = data["rows"][1]
    assert (row["recheck"], row["status"], code) == ("confirmed", "tolerance-exceeded", 1)
    assert "confirmed" not in row
    assert "second reference" not in comparison(data)
