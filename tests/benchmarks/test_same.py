"""The comparison that guards refactorings: it must see every number that changed, and nothing else."""

import json
from pathlib import Path

import pytest
from benchmarks.same.__main__ import cases, compare


def written(folder: Path, result: object) -> Path:
    target = folder / "audit" / "bumped.json"
    target.parent.mkdir(parents=True)
    target.write_text(json.dumps({"exit": 0, "result": result}))
    return folder


@pytest.mark.parametrize(
    ("after", "exit"),
    [
        ({"sup": {"lower": 0.1}, "text": "one way to say it", "seconds": 1.0}, 0),
        ({"sup": {"lower": 0.1}, "text": "another way", "seconds": 2.0}, 0),
        ({"sup": {"lower": 0.10000000000000002}, "text": "", "seconds": 1.0}, 1),
        ({"sup": {"lower": None}, "text": "one way to say it", "seconds": 1.0}, 1),
        ({"sup": {}, "text": "one way to say it", "seconds": 1.0}, 1),
        ({"sup": {"lower": 0.1, "upper": 0.2}, "text": "one way to say it", "seconds": 1.0}, 1),
    ],
)
def test_a_number_that_changed_by_a_bit_is_seen(tmp_path: Path, after: object, exit: int) -> None:
    before = written(
        tmp_path / "before", {"sup": {"lower": 0.1}, "text": "one way to say it", "seconds": 1.0}
    )
    assert compare(before, written(tmp_path / "after", after)) == exit


def test_results_that_are_missing_are_no_agreement(tmp_path: Path) -> None:
    before = written(tmp_path / "before", {"sup": {"lower": 0.1}})
    with pytest.raises(SystemExit, match="no results"):
        compare(before, tmp_path / "after")


def test_every_verb_that_gives_numbers_has_cases() -> None:
    assert {name.split("/")[0] for name in cases()} == {"audit", "certify", "fit", "budget", "compare"}
