"""``supnorm reproduce``: the experiments of papers by name."""

from __future__ import annotations

import json

from reproduce.catalogue import NAMES
from tests.cli.conftest import Shell


def test_the_verb(shell: Shell) -> None:
    listed = shell.run("reproduce", "list")
    assert listed.code == 0
    assert [line.split(":")[0] for line in listed.out.splitlines()] == list(NAMES)
    done = shell.run("reproduce", "expressivity", "--test", "--workers", "1")
    assert done.code == 0, done.err
    assert "published: 2^(-2m-2) (theorem)" in done.out
    assert "about" in done.err
    record = json.loads((shell.folder / "reproduce-run" / "reproduce.json").read_text())
    assert record["status"]["code"] == "reproduced"
    assert record["command"] == "supnorm reproduce expressivity --test"
    again = shell.run("reproduce", "expressivity", "--test", "--workers", "1", "--json")
    assert json.loads(again.out)["papers"] == record["papers"]
    for wrong, words in (
        (("nothing",), "there is no experiment 'nothing'; give one of precision-ml"),
        (("all", "--full", "--test"), "--full and --test exclude each other"),
        (("all", "--workers", "0"), "--workers"),
    ):
        refused = shell.run("reproduce", *wrong)
        assert refused.code == 2
        assert words in refused.err
