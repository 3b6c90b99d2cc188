"""``supnorm reproduce``: the experiments of papers by name."""

from __future__ import annotations

import json
import os

import pytest
from reproduce.catalogue import NAMES
from tests.cli.conftest import Shell


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.sampled(2)
@pytest.mark.parametrize("damage", ["text", "number", "key", "deep", "endless", "pipe", "cut"])
def test_a_damaged_run_is_made_again(shell: Shell, damage: str) -> None:
    asked = ("reproduce", "expressivity", "--test", "--workers", "1", "--json")
    first = shell.run(*asked)
    file = shell.folder / "reproduce-run" / "test" / "expressivity" / "square-2.json"
    whole = file.read_text()
    kept = json.loads(whole)
    if damage == "text":
        file.write_text(whole.replace(str(kept["seconds"]), '"soon"'))
    elif damage == "number":
        key = next(k for k, v in kept["result"].items() if isinstance(v, float))
        file.write_text(json.dumps(kept | {"result": kept["result"] | {key: 0.125}}))
    elif damage == "key":
        file.write_text(json.dumps({k: v for k, v in kept.items() if k != "digest"} | {"result": []}))
    elif damage == "deep":
        file.write_text("[" * 100_000)
    elif damage == "cut":
        file.write_text(whole[: len(whole) // 2])
    else:
        file.unlink()
        if damage == "pipe":
            os.mkfifo(file)
        else:
            file.symlink_to("/dev/zero")
    again = shell.run(*asked)
    assert again.code == first.code == 0, again.err
    before, after = (json.loads(r.out)["papers"] for r in (first, again))
    assert [c["verdict"] for c in before[0]["claims"]] == [c["verdict"] for c in after[0]["claims"]]
    assert json.loads(file.read_text())["result"] == kept["result"]


@pytest.mark.slow
def test_a_run_of_other_code_is_kept_and_said(shell: Shell) -> None:
    asked = ("reproduce", "expressivity", "--test", "--workers", "1", "--json")
    first = json.loads(shell.run(*asked).out)
    assert "earlier" not in first
    assert "numpy" in first["versions"]
    folder = shell.folder / "reproduce-run" / "test" / "expressivity"
    changed = {"square-2.json": {"code": "0"}, "square-4.json": {"numpy": "1.0"}, "square-8.json": None}
    files = dict(zip(sorted(file.name for file in folder.iterdir()), changed.values(), strict=False))
    assert len(files) == len(changed)
    for name, made in files.items():
        kept = json.loads((folder / name).read_text())
        kept.pop("digest")  # as in older files
        before = kept.pop("made")
        (folder / name).write_text(json.dumps(kept if made is None else kept | {"made": before | made}))
    again = shell.run(*asked)
    record = json.loads(again.out)
    assert record["papers"] == first["papers"]
    assert record["earlier"] == len(files)
    assert record["versions"]["numpy"] == "1.0 and " + first["versions"]["numpy"]
    told = shell.run(*asked[:-1])
    words = f"{len(files)} of {first['papers'][0]['runs']} runs were kept from another state of the code"
    assert words in told.out
    assert words in (shell.folder / "reproduce-run" / "reproduce.html").read_text()
