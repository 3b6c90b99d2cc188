"""``supnorm compare-runs OLD NEW``: exit codes for a gate, and what other programs are told."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest
from tests.cli.conftest import Shell
from tests.schema import demand_as_published


@pytest.fixture
def runs(shell: Shell) -> Shell:
    """Runs of a model that agrees (``good``), of one with a bump (``bad``), and a short one (``short``)."""
    shell.write(("truth.py:model", "truth.py:agrees"), name="good.toml")
    for problem, name, count in (
        ("good", "good", "600"),
        ("problem", "bad", "600"),
        ("good", "short", "150"),
    ):
        shell.run("audit", f"{problem}.toml", "--out", name, "--evaluations", count, "--quiet")
    return shell


@pytest.mark.slow
def test_exit_codes_and_formats(runs: Shell) -> None:
    worse = runs.run("compare-runs", "good", "bad")
    assert worse.code == 1
    assert worse.out.startswith("The new model is worse: its error is 0.3")
    better = runs.run("compare-runs", "bad", "good", "--json")
    assert better.code == 0
    demand_as_published(better.out)
    record = json.loads(better.out)
    assert record["status"]["code"] == "better"
    assert record["command"] == "supnorm compare-runs bad good"
    assert runs.run("compare-runs", "bad", "short").code == 4
    assert runs.run("compare-runs", "good", "bad", "--factor", "1e4").code == 0
    shown = runs.run("compare-runs", "good", "bad", "--format", "markdown")
    assert shown.code == 1
    assert shown.out.startswith("### ▲ A bump: worse")
    junit = runs.run("compare-runs", "good", "bad", "--format", "junit", "--out", "sup.xml")
    assert junit.code == 1
    root = ElementTree.parse(runs.folder / "sup.xml").getroot()
    assert (root.get("failures"), root.get("errors")) == ("1", "0")
    sarif = json.loads(runs.run("compare-runs", "good", "bad", "--format", "sarif").out)
    assert sarif["runs"][0]["results"][0]["ruleId"] == "supnorm/sup-error"
    assert "worse" in runs.run("compare-runs", "good", "bad", "--format", "badge").out


@pytest.mark.slow
def test_bad_input_is_one_line(runs: Shell) -> None:
    for words in (
        ["good", "nowhere"],
        ["good", "bad", "--factor", "0.5"],
        ["good", "bad", "--format", "pdf"],
    ):
        given = runs.run("compare-runs", *words)
        assert given.code == 2
        assert given.line
    (runs.folder / "bad" / "result.json").write_text("{}")
    given = runs.run("compare-runs", "good", "bad")
    assert given.code == 2
    assert "bad" in given.line
