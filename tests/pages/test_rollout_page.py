"""The page of a roll-out says what the JSON says, for every end and every kind of fault."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import supnorm as sn
from supnorm.pages import rollout_summary, write_page
from supnorm.pages.rollout_page import foremost, rollout_page
from supnorm.results.rollout import RolloutRecord

CODES = (
    "rolled-out",
    "nothing-found",
    "tolerance-exceeded",
    "bounds-violated",
    "not-finite",
    "reference-failed",
    "unfinished",
    "interrupted",
)


def blowing(u: Any) -> Any:
    with np.errstate(all="ignore"):
        return u + 0.1 * u**3 * (u > 1)


@pytest.fixture(scope="module")
def record() -> RolloutRecord:
    """Two runs, one of which blows up."""
    state = np.zeros((2, 6, 10))
    state[0, 2, 3] = 1.5
    return sn.audit_rollout(
        blowing,
        lambda u: u,
        [state, 0.5 * state],
        steps=40,
        variables=("warm", "<b>"),
        totals={"sum": np.sum},
        bounds={"warm": (0.0, 3.0)},
        guard=lambda u: u > 2,
        settings=sn.RolloutSettings(axes={"z": None, "x": None}),
    ).record


def test_the_page_of_a_blow_up(record: RolloutRecord) -> None:
    html = rollout_page(record)
    assert record.status.code == "not-finite"
    kinds = [one.kind for one in record.first]
    assert "not-finite" in kinds
    assert "no finite value" in html
    assert "beyond its bounds" in html
    assert "The largest error of this run can be followed back from there to step 1" in html
    assert "&lt;b&gt;" in html
    assert "<b></td>" not in html
    assert foremost(record).name == "warm"
    lines = "\n".join(rollout_summary(record))
    assert "z = 2, x = 3" in lines
    assert "The guard flagged" in lines


@pytest.mark.parametrize("code", CODES)
def test_every_status_has_a_page(record: RolloutRecord, code: str) -> None:
    made = RolloutRecord.from_dict(
        {**record.to_dict(), "status": {"code": code, "advice": "Why.", "exit": 0}}
    )
    assert "Why." in rollout_page(made)
    assert rollout_summary(made)[0] == f"{code}: Why."


def test_a_page_without_steps_totals_maps_and_guard(record: RolloutRecord) -> None:
    plain = record.to_dict()
    variables = [
        {**one, "worst": None, "worst_finite": None, "rms": None, "range": None, "map": None}
        for one in plain["variables"]
    ]
    empty = {"first": [], "by_step": [], "shown": [], "totals": [], "guard": None, "by_run": []}
    made = RolloutRecord.from_dict({**plain, **empty, "variables": variables})
    html = rollout_page(made)
    assert "Nothing was compared." in html
    assert "No guard was given." in html
    assert "No total was given." in html
    assert html.count("no cell has a finite error") == 2


def test_each_variable_has_its_worst_cell_also_without_pictures() -> None:
    """Of a field of one axis, and of one that is exact."""
    ramp = {"u": np.linspace(0.0, 1.0, 5), "v": np.ones(5)}
    made = sn.audit_rollout(lambda s: {**s, "u": s["u"] + 2.0}, lambda s: s, [ramp], steps=3).record
    html = rollout_page(made)
    assert "u: the largest error, 6, is at step 3" in html
    assert "v: every finite error is 0." in html
    assert "Pictures are drawn only of fields with two axes." in html
    assert html.count("data:image/png") == 0


def test_the_headline_names_the_range_of_the_reference() -> None:
    ramp = np.linspace(0.0, 1.0, 5)
    made = sn.audit_rollout(lambda u: u + 2.0, lambda u: u, [ramp], steps=3).record
    assert "is 6, at step 3: 6 times the range of the reference" in rollout_page(made)
    small = sn.audit_rollout(lambda u: u + 0.1, lambda u: u, [ramp], steps=1).record
    assert "is 0.1, at step 1: the reference has a range of 1." in rollout_page(small)


def test_write_page_takes_it(record: RolloutRecord, tmp_path: Any) -> None:
    write_page(json.loads(record.to_json()), tmp_path / "rollout.html")
    assert "supnorm rollout" in (tmp_path / "rollout.html").read_text()
