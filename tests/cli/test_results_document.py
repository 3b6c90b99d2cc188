"""docs/results.md describes what the verbs print: every key of each schema, and no key that does not exist.

docs/audit.md names every option of an audit, and links between pages lead somewhere.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Shell

from supnorm.certification.computed import CODE
from supnorm.results.schemas import record_of
from supnorm.wording.findings import TEMPLATES

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "results.md"
PAGES = [
    p
    for part in (".", "docs", "examples", "benchmarks", "benchmarks/budget")
    for p in (ROOT / part).glob("*.md")
]
RUNS = {
    "audit": ("audit", "problem.toml", "--evaluations", "500", "--power-runs", "1"),
    "certify": ("certify", "easy.toml"),
    "check": ("check", "easy-run/certificate.json"),
    "fit": ("fit", "easy.toml", "--tolerance", "1e-3", "--method", "chebyshev"),
    "budget": ("budget", "--inputs", "3", "--smoothness", "2", "--tolerance", "1e-2"),
    "repair": ("repair", "glitch.toml", "--method", "patch", "--evaluations", "500"),
    "guard": ("guard", "glitch.toml", "--evaluations", "500", "--calibration", "100"),
    "compare": ("compare", "problem.toml", "problem.toml", "--evaluations", "500"),
}
EASY = """
[model]
python = "easy.py:model"
[reference]
python = "easy.py:truth"
[domain]
a = { low = 0.0, high = 1.0 }
"""
FUNCTIONS = """
import numpy as np
def truth(x): return np.exp(x[:, 0])
def model(x): return np.exp(x[:, 0]) + 0.01 * x[:, 0]
def glitch(x): return np.exp(x[:, 0]) + np.exp(-((x[:, 0] - 0.5) / 0.02) ** 2)
"""


def documented(verb: str) -> dict[str, str]:
    """The keys of a schema's table, each with the text beside it."""
    section = DOCUMENT.read_text().split(f"## `supnorm.{verb}/1`")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`.+?) \| (.+) \|$", section, re.MULTILINE)
    return {key: text for keys, text in rows for key in re.findall(r"`(\w+)`", keys)}


@pytest.fixture
def folder(shell: Shell) -> Shell:
    (shell.folder / "easy.toml").write_text(EASY)
    (shell.folder / "easy.py").write_text(FUNCTIONS)
    (shell.folder / "glitch.toml").write_text(EASY.replace("easy.py:truth", "easy.py:glitch"))
    return shell


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    "verb",
    [
        pytest.param(v, marks=pytest.mark.slow) if v in ("fit", "compare", "guard", "repair") else v
        for v in RUNS
    ],
)
def test_every_key_is_described(folder: Shell, verb: str) -> None:
    if verb == "check":
        folder.run(*RUNS["certify"], "--quiet")
    data: dict[str, Any] = json.loads(folder.run(*RUNS[verb], "--json").out)
    assert data["schema"] == f"supnorm.{verb}/1"
    written, described = set(data) - {"schema"}, set(documented(verb))
    assert described - may_be_absent(verb) <= written <= described


def may_be_absent(verb: str) -> set[str]:
    """The keys that a result leaves out while they have their default."""
    fields = record_of(verb).model_fields
    return {field.serialization_alias or name for name, field in fields.items() if not field.is_required()}


@pytest.mark.slow
def test_keys_inside_are_those_of_the_text(folder: Shell) -> None:
    arguments = ("--evaluations", "500", "--power-runs", "1", "--json")
    data = {
        "audit": json.loads(folder.run("audit", "problem.toml", *arguments).out),
        "fit": json.loads(folder.run(*RUNS["fit"], "--json").out),
    }
    parts = (
        "status",
        "measure",
        "sup",
        "witness",
        "plain_sample",
        "exceedance",
        "power",
        "failures",
        "evaluations",
    )
    for verb, part in [*(("audit", part) for part in parts), ("fit", "winner")]:
        section = DOCUMENT.read_text().split(f"## `supnorm.{verb}/1`")[1].split("\n## ")[0]
        inside, rows = data[verb][part], documented(verb)
        several = "[]" if isinstance(inside, list) else ""
        for key in inside[0] if several else inside:
            assert f"| `{part}{several}.{key}` |" in section or f"`{key}`" in rows[part], f"{part}.{key}"


def test_every_code_of_a_finding_is_described() -> None:
    """Of each finding that has a sentence."""
    codes = {*TEMPLATES, CODE} - {"axis-beyond-data"}  # a part of "domain-exceeds-data"
    assert {"suspect-labels", "no-model-value", "infinite-error", "rows-alone"} <= codes
    assert {code for code in codes if f"`{code}`" not in documented("audit")["findings"]} == set()


def test_every_option_of_the_audit_is_described(shell: Shell) -> None:
    page = (DOCUMENT.parent / "audit.md").read_text()
    options = set(re.findall(r"(?<=\s)--[a-z-]+", shell.run("audit", "--help").out)) - {"--help"}
    assert {"--seed", "--power-runs", "--no-power"} <= options
    assert {option for option in options if f"`{option}" not in page} == set()


@pytest.mark.parametrize("page", sorted(PAGES), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        path, _, anchor = target.partition("#")
        if target.startswith("http"):
            continue
        there = page.parent / path if path else page
        assert there.exists(), target
        heads = re.findall(r"^#+ (.+)$", there.read_text(), re.MULTILINE) if anchor else []
        names = {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}
        assert not anchor or anchor in names, target
