"""Numbers in the pages come from stored results, and the pages say when the code below them has changed."""

from __future__ import annotations

import json
import re
import subprocess

import pytest
from benchmarks.claims import code, stored
from benchmarks.claims.code import ROOT, essence, fingerprints
from benchmarks.claims.pages import MARK, PAGES, quoted, unmarked, written
from benchmarks.claims.stored import claims
from benchmarks.claims.values import VALUES


@pytest.mark.whole
@pytest.mark.parametrize("page", PAGES)
def test_every_number_of_a_page_is_that_of_its_stored_result(page: str) -> None:
    """Fails too when code below a number has changed and the page does not say so."""
    text = (ROOT / page).read_text("utf-8")
    fresh = written(text)
    said, now = ([mark[0] for mark in MARK.finditer(t)] for t in (text, fresh))
    different = [f"{a!r}\n is now\n{b!r}" for a, b in zip(said, now, strict=True) if a != b]
    assert fresh == text, f"{page}: make claims writes it again\n" + "\n".join(different)[:2000]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_that_quotes_a_result_says_when_and_of_what_code(page: str) -> None:
    for name, keys in quoted((ROOT / page).read_text("utf-8")).items():
        assert "stamp" in keys, f"{page} quotes {name} without <!-- {name}.stamp -->"
        assert claims()[name].stamps, f"{name} has no stamp"


@pytest.mark.parametrize("page", PAGES)
def test_what_looks_measured_stands_between_marks(page: str) -> None:
    bare = [*unmarked((ROOT / page).read_text("utf-8"))]
    assert not bare, (
        f"{page}: mark these numbers (benchmarks/README.md says how), or, where they are rules and nothing measured, put "
        "the phrase into benchmarks/claims/rules.txt:\n" + "\n".join(bare)
    )


@pytest.mark.parametrize("page", PAGES)
def test_a_mark_inside_a_sentence_begins_no_line(page: str) -> None:
    """A line that begins with a comment is taken for HTML by Markdown: what follows on it would not be rendered."""
    lines = (ROOT / page).read_text("utf-8").splitlines()
    wrong = [line for line in lines if re.match(r"\s*(?:[*-] )?<!-- [a-z]\w*\.\w+ -->.", line)]
    assert not wrong, "\n".join(wrong)


def test_each_claim_can_be_said_and_stands_on_code_that_exists() -> None:
    assert set(claims()) == set(VALUES)
    for claim in claims().values():
        assert all((ROOT / path).exists() for path in claim.depends), claim.name
        for key, said in VALUES[claim.name](claim.content).items():
            assert said.strip(), f"{claim.name}.{key}"
            assert not re.search(r"\b(nan|None)\b", said), f"{claim.name}.{key}"


def test_a_number_that_was_changed_by_hand_is_seen() -> None:
    page = next(p for p in PAGES if MARK.search((ROOT / p).read_text("utf-8")))
    text = (ROOT / page).read_text("utf-8")
    forged = MARK.sub(lambda m: m[0].replace(m[3], m[3] + "9"), text, count=1)
    assert forged != text
    assert written(forged) == written(text) == text


def test_a_change_of_the_code_below_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    claim = claims()["coverage"]
    now = fingerprints(claim.depends)
    stamp = {"date": "2026-01-01", "commit": "1234567", "code": dict(now)}
    monkeypatch.setattr(stored, "_stamps", lambda: {"coverage": [stamp]})
    assert claim.changed == []
    assert claim.words() == "measured 2026-01-01 at commit 1234567"
    stamp["code"]["src/supnorm/auditing"] = "something else"
    assert claim.changed == ["src/supnorm/auditing"]
    assert claim.words() == "measured 2026-01-01 at commit 1234567, before later changes of: auditing"
    # A part that the claim rests on only since: nobody knows what it was then.
    del stamp["code"]["src/supnorm/auditing"]
    assert claim.changed == ["src/supnorm/auditing"]


def test_comments_and_docstrings_are_no_code_and_everything_else_is() -> None:
    plain = 'def f(x):\n    return "#" + x\n'
    talked = '"""A file."""\n\n# why\ndef f(x):\n    """Says\n    more."""\n\n    return "#" + x  # here\n'
    assert essence(talked) == essence(plain)
    for other in (plain.replace("#", "%"), plain.replace("x", "y"), plain + "f\n"):
        assert essence(other) != essence(plain)


def test_the_code_of_a_commit_is_that_of_its_files() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("no history here")
    clean = subprocess.run(
        ["git", "status", "--porcelain", "--", "tests/problems.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    if clean.stdout:
        pytest.skip("tests/problems.py is being changed")
    assert fingerprints(["tests/problems.py"], "HEAD") == fingerprints(["tests/problems.py"])
    with pytest.raises(FileNotFoundError, match="no file or folder"):
        fingerprints(["src/nowhere"])


def test_files_that_only_print_are_not_below_a_number(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "ROOT", tmp_path)
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "measure.py").write_text("x = 1\n")
    before = fingerprints(["bench"])
    (tmp_path / "bench" / "said.py").write_text("words = 1\n")
    assert fingerprints(["bench"]) == before
    (tmp_path / "bench" / "other.py").write_text("y = 1\n")
    assert fingerprints(["bench"]) != before


@pytest.mark.parametrize(
    "said",
    [
        "found in 18 of 20 runs", "it took 2.6 s", "coverage of 36 %", "11 times faster", "half-widths are x1.7",
        "takes 120 MB", "with 649 boxes", "0.2517 kg/m3", "after 6 CPU seconds",
    ],
)  # fmt: skip
def test_what_looks_measured_is_recognised(said: str) -> None:
    assert [*unmarked(f"On this machine {said}.")]
    assert not [*unmarked(f"On this machine <!-- coverage.rows -->{said}<!-- / -->.")]
    assert not [*unmarked(f"```\n{said}\n```")]


def test_unknown_marks_are_named() -> None:
    with pytest.raises(KeyError, match="no claim nothing"):
        written("<!-- nothing.here -->1<!-- / -->")
    with pytest.raises(KeyError, match=r"coverage\.nothing.*said of coverage are table"):
        written("<!-- coverage.nothing -->1<!-- / -->")


def test_stamps_are_sound() -> None:
    held = json.loads(stored.STAMPS.read_text("utf-8"))
    assert set(held) <= set(claims())
    for some in held.values():
        for stamp in some:
            assert re.fullmatch(r"20\d\d-\d\d-\d\d", stamp["date"])
            assert re.fullmatch(r"[0-9a-f]{7,12}", stamp["commit"])
            assert stamp["code"]
