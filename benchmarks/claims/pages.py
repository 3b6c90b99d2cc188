"""Marks in the pages: what stands between them is written from stored results, and checked against them.

    <!-- heston.worst -->0.121 to 0.150<!-- / -->        a number in a sentence; readers do not see the marks
    <!-- search.stamp -->measured 2026-11-27 at commit 1234567<!-- / -->

``claims.toml`` has the claims, `benchmarks.claims.values` what can be said of each. Two things can be said of all of them:
``stamp`` (date, commit, and of which parts the code has changed since) and ``command``. A page that quotes a result
carries its stamp.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from benchmarks.claims.code import ROOT
from benchmarks.claims.stored import Claim, claims
from benchmarks.claims.values import VALUES

# The tutorials are not here: tests/docs/test_tutorials.py runs them and compares each line that they print.
PAGES = tuple(
    path.relative_to(ROOT).as_posix()
    for pattern in ("README.md", "docs/*.md", "docs/evidence/*.md", "examples/*.md", "benchmarks/**/*.md")
    for path in sorted(ROOT.glob(pattern))
)
MARK = re.compile(r"<!-- ([a-z]\w*)\.(\w+) -->(.*?)<!-- / -->", re.S)
NUMBER = r"[\d.,]*\d(?:e[+-]?\d+)?"
# What looks like something measured: a share, a time, a factor, a size, an error with its unit.
MEASURED = re.compile(
    rf"\b{NUMBER} of (?:the )?{NUMBER}\b"
    rf"|\b{NUMBER} ?(?:%|s\b|ms\b|seconds?\b|minutes?\b|hours?\b|MB\b|GB\b|times\b|boxes\b|decades\b|points of a\b)"
    rf"|\bx{NUMBER}\b|\b{NUMBER} ?(?:kg/m3|K\b|CPU seconds|processor seconds)"
)
RULES = ROOT / "benchmarks" / "claims" / "rules.txt"


def written(text: str) -> str:
    """The page with everything between its marks as the stored results say.

    Raises:
        KeyError: for a mark that names no claim, or something that is not said of it.
    """
    known = claims()

    def fresh(mark: re.Match[str]) -> str:
        name, key, _ = mark.groups()
        if name not in known:
            raise KeyError(f"no claim {name} in benchmarks/claims.toml, of the mark {name}.{key}")
        said = value(known[name], key)
        said = f"\n{said}\n" if "\n" in said else said
        return f"<!-- {name}.{key} -->{said}<!-- / -->"

    return MARK.sub(fresh, text)


def value(claim: Claim, key: str) -> str:
    """What is said of a claim under a name.

    Raises:
        KeyError: for a name that `benchmarks.claims.values` does not have.
    """
    if key == "stamp":
        return claim.words()
    if key == "command":
        return f"`{claim.command}`"
    found = _said(claim)
    if key not in found:
        raise KeyError(f"{claim.name}.{key}: said of {claim.name} are {', '.join(found)}, stamp, command")
    return found[key]


@cache
def _said(claim: Claim) -> dict[str, str]:
    return VALUES[claim.name](claim.content)


def quoted(text: str) -> dict[str, set[str]]:
    """Claims of a page and what it says of each."""
    found: dict[str, set[str]] = {}
    for mark in MARK.finditer(text):
        found.setdefault(mark[1], set()).add(mark[2])
    return found


def unmarked(text: str) -> Iterator[str]:
    """Sentences with something that looks measured and stands between no marks, code aside."""
    allowed = rules()
    text = re.sub(r"```.*?```", " ", text, flags=re.S)
    text = MARK.sub(" \u00a7 ", text)
    text = re.sub(r"`[^`\n]*`|<!--.*?-->|\]\([^)]*\)", " ", text, flags=re.S)
    for block in re.split(r"\n\s*\n|\n(?=[*|#])", text):
        flat = re.sub(r"\s+", " ", block).strip()
        for sentence in re.split(r"(?<=[a-z)\u00a7%]\.) |(?<=[:;]) ", flat):
            rest = sentence
            for phrase in allowed:
                rest = rest.replace(phrase, " ")
            if MEASURED.search(rest):
                yield sentence.strip()


def rules() -> list[str]:
    """Phrases with numbers that are rules of the program, settings or levels, and nothing measured; longest first."""
    lines = [line for line in RULES.read_text("utf-8").splitlines() if line and not line.startswith("# ")]
    return sorted(lines, key=len, reverse=True)


def write() -> list[str]:
    """Write all pages again; returns the names of those that changed."""
    changed = []
    for name in PAGES:
        path = Path(ROOT / name)
        before = path.read_text("utf-8")
        if (after := written(before)) != before:
            path.write_text(after, encoding="utf-8")
            changed.append(name)
    return changed
