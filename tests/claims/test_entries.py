"""The claims of this repository: each is whole, and those that can run here end as they ended before."""

from __future__ import annotations

import re
import runpy
import warnings
from pathlib import Path

import pytest

import supnorm as sn
from supnorm.claims import entries
from supnorm.problem.problem_file import read_specification

FOLDER = Path(__file__).resolve().parents[2] / "claims"
FILES = {path.parent.name: path for path in entries(FOLDER)}
# These take more than two seconds of processor time.
SLOW = {"acos-fast", "jax-poisson-entropy", "scipy-hyp2f1", "vapour-pressure-bolton"}


@pytest.mark.sampled(6)
@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n for n in FILES])
def test_a_claim_ends_as_it_ended_before(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        claim = sn.Claim.open(FILES[name])
    if claim.problem is None:
        pytest.skip(f"not installed: {claim.installed}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of the code that is judged
        record = claim.test().record
    assert record.known is not None
    assert record.known.holds, (record.status, record.worst)
    if record.status.code == "refuted":
        assert record.worst is not None
        assert record.worst.confirmed


@pytest.mark.parametrize("name", FILES)
def test_a_claim_is_whole(name: str) -> None:
    """It names its verdict, and a refuted one has a second reference and a draft of a message."""
    spec = read_specification(FILES[name])
    words = spec.claim
    assert words is not None
    assert words.known is not None
    assert words.known.worst is not None
    assert spec.title
    if words.known.verdict == "refuted":
        assert spec.recheck is not None
        assert (FILES[name].parent / "notice.md").exists()
    if words.known.verdict == "proved":
        assert words.prove is not None
    for path in FILES[name].parent.glob("*"):
        assert path.suffix in (".toml", ".py", ".md") or path.name == "__pycache__", path


def test_the_list_has_every_claim_and_no_other() -> None:
    text = (FOLDER / "README.md").read_text("utf-8")
    rows = dict(
        re.findall(r"^\| \[([\w-]+)\]\([\w-]+/claim\.toml\) \|.*\| ([a-z ]+) \|$", text, re.MULTILINE)
    )
    verdicts = {name: read_specification(path).claim.known.verdict for name, path in FILES.items()}  # type: ignore[union-attr]
    assert {name: verdict.replace(" ", "-") for name, verdict in rows.items()} == verdicts


def test_the_list_is_the_one_that_the_claim_files_give() -> None:
    listed = runpy.run_path(str(FOLDER / "listed.py"))
    assert (FOLDER / "README.md").read_text("utf-8").endswith(listed["rows"]()), (
        "python claims/listed.py writes it"
    )
    relative = {
        "claim": {"published": "2 %", "known": {"worst": [0.038, 0.041]}},
        "error": {"kind": "relative"},
    }
    assert listed["_found"](relative) == "3.8 % to 4.1 %"  # in the unit of the published number
    scaled = {
        "claim": {"published": "-1 to 2 K", "known": {"worst": [1.2, 1.3]}},
        "error": {"kind": "function"},
    }
    assert listed["_found"](scaled) == "1.2 to 1.3 times the limit"
