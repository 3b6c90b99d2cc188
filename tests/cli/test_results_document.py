"""docs/results.md describes what the verbs print: every key of each schema, and no key that does not exist."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Shell

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "results.md"
RUNS = {
    "audit": ("audit", "problem.toml", "--evaluations", "500", "--power-runs", "1"),
    "certify": ("certify", "easy.toml"),
    "check": ("check", "easy-run/certificate.json"),
    "fit": ("fit", "easy.toml", "--tolerance", "1e-3", "--method", "chebyshev"),
    "budget": ("budget", "--inputs", "3", "--smoothness", "2", "--tolerance", "1e-2"),
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
import jax.numpy as jnp
def truth(x): return jnp.exp(x[:, 0])
def model(x): return jnp.exp(x[:, 0]) + 0.01 * x[:, 0]
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
    return shell


@pytest.mark.parametrize(
    "verb", [pytest.param(v, marks=pytest.mark.slow) if v in ("fit", "compare") else v for v in RUNS]
)
def test_every_key_is_described(folder: Shell, verb: str) -> None:
    if verb == "check":
        folder.run(*RUNS["certify"], "--quiet")
    data: dict[str, Any] = json.loads(folder.run(*RUNS[verb], "--json").out)
    assert data["schema"] == f"supnorm.{verb}/1"
    assert set(documented(verb)) == set(data) - {"schema"}


@pytest.mark.slow
def test_keys_inside_are_those_of_the_text(folder: Shell) -> None:
    text = documented("audit")
    data = json.loads(folder.run(*RUNS["audit"], "--json").out)
    for part in ("status", "measure", "witness"):
        assert all(f"`{key}`" in text[part] for key in data[part]), part
    fit = json.loads(folder.run(*RUNS["fit"], "--json").out)
    assert all(f"`{key}`" in documented("fit")["winner"] for key in fit["winner"])
