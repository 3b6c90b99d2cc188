"""Shadow checks: limits that are valid at all times, and a state that survives being killed."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.mending.cases import line_guard

import supnorm as sn
from supnorm.auditing.statistics import clopper_pearson_upper
from supnorm.guarding.sequence import always_valid, log_mixture
from supnorm.guarding.shadow import ShadowChecks, ShadowLog
from supnorm.results import BadInput

pytestmark = pytest.mark.xdist_group("line guard")  # which is made once


@pytest.fixture(scope="module")
def safe() -> sn.Guard:
    return line_guard()


def error(y: Any, f: Any, x: Any) -> Any:
    return np.abs(y - f)[:, 0]


@pytest.mark.parametrize("rate", [0.001, 0.02, 0.3])
def test_the_limits_hold_at_all_times_in_95_of_100_runs(rate: float) -> None:
    """1,000 runs in which somebody looks after each of 3,000 checks; benchmarks.guard shadow has more."""
    rng, n, wrong = np.random.default_rng(3), np.arange(1, 3001), 0
    for _ in range(1000):
        k = np.cumsum(rng.random(3000) < rate)
        wrong += bool((log_mixture(k, n, rate) >= math.log(20.0)).any())
    assert wrong <= 72  # 50 expected at most; 72 has a chance below 0.002


def test_clopper_and_pearson_looked_at_again_and_again_would_be_wrong() -> None:
    """The same runs with limits that are valid once: what the sequence is for."""
    rng, wrong = np.random.default_rng(3), 0
    looks = np.arange(20, 3001, 20)
    limit = {(k, n): 0.0 for k in range(0) for n in looks}
    for _ in range(100):
        k = np.cumsum(rng.random(3000) < 0.02)
        for n in looks.tolist():
            key = (int(k[n - 1]), n)
            if key not in limit:
                limit[key] = clopper_pearson_upper(*key, 0.95)
            if limit[key] < 0.02:
                wrong += 1
                break
    assert wrong > 10


@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1), (0, 3000), (3, 3000), (200, 400), (5, 10**9)])
def test_the_ends_are_those_of_the_set_and_lie_outside_of_it(k: int, n: int) -> None:
    low, high = always_valid(k, n, 0.95)
    assert 0.0 <= low <= k / n <= high <= 1.0
    for end, inward in ((low, 1.0), (high, -1.0)):
        if 0.0 < end < 1.0:
            assert log_mixture(k, n, end) >= math.log(20.0)
            assert log_mixture(k, n, end + inward * 1e-3 * abs(k / n - end)) < math.log(20.0)


def test_without_checks_nothing_is_known() -> None:
    assert always_valid(0, 0, 0.95) == (0.0, 1.0)


def checked(safe: sn.Guard, path: Path, x: Any, rate: float = 1.0, seed: int = 0) -> ShadowChecks:
    checks = ShadowChecks(safe, error, path, rate, seed)
    answer = safe(x, fallback=False)
    checks.offer(x, answer.y, answer.flag)
    checks.close()
    return checks


def test_accepted_rows_alone_are_checked_and_written(safe: sn.Guard, tmp_path: Path) -> None:
    x = np.array([[0.0], [0.5], [np.nan], [-0.3]])
    checks = checked(safe, tmp_path / "s", x)
    lines = [json.loads(text) for text in (tmp_path / "s").read_text().splitlines()]
    assert [row["x"] for row in lines[1:]] == [[0.0], [-0.3]]
    assert lines[1]["error"] == float(np.abs(safe(x).y[0] - safe.reference.value(x[:1])[0])[0])  # type: ignore[union-attr]
    assert checks.standing()[:3] == ("WARN", 2, 0)


def test_the_words_follow_from_the_limits(safe: sn.Guard, tmp_path: Path) -> None:
    promised = safe.with_reference(safe.reference)
    record = promised.record.changed(promise=promised.record.promise.changed(fraction_at_most=0.1))
    calm = checked(replace(promised, record=record), tmp_path / "calm", np.zeros((200, 1)))
    assert calm.standing().word == "OK"
    wrong = replace(promised, record=record).with_reference(sn.Function(lambda x: np.full((len(x), 1), 9.0)))
    assert checked(wrong, tmp_path / "wrong", np.zeros((20, 1))).standing().word == "REJECT"


def test_a_line_that_was_cut_off_is_skipped_and_checks_go_on(safe: sn.Guard, tmp_path: Path) -> None:
    checked(safe, tmp_path / "s", np.array([[0.0], [-0.3]]))
    whole = (tmp_path / "s").read_bytes()
    head = whole.index(b"\n") + 1
    for cut in range(head, len(whole) + 1, 7):
        (tmp_path / "t").write_bytes(whole[:cut])
        before = whole[head:cut].count(b"\n") + (whole[cut - 1 :][1:2] == b"\n" and whole[cut - 1] != 10)
        again = checked(safe, tmp_path / "t", np.array([[0.1]]))
        assert again.standing().checks == before + 1
        assert (tmp_path / "t").read_bytes().startswith(whole[:cut])  # appended to, never changed
        reread = ShadowLog(tmp_path / "t", safe)
        assert reread.checks == before + 1
        reread.close()


def test_one_process_writes_a_state_and_only_that_of_its_guard(safe: sn.Guard, tmp_path: Path) -> None:
    log = ShadowLog(tmp_path / "s", safe)
    with pytest.raises(BadInput, match="another service writes it"):
        ShadowLog(tmp_path / "s", safe)
    log.close()
    other = replace(safe, record=safe.record.changed(rejected=0.9))
    with pytest.raises(BadInput, match="the state of another guard"):
        ShadowLog(tmp_path / "s", other)
    (tmp_path / "text").write_text("hello\n")
    with pytest.raises(BadInput, match="no state of shadow checks"):
        ShadowLog(tmp_path / "text", safe)
    with pytest.raises(BadInput, match="cannot be written"):
        ShadowLog(tmp_path, safe)


def test_a_reference_without_a_value_is_no_check(safe: sn.Guard, tmp_path: Path) -> None:
    def down(x: Any) -> Any:
        raise OSError

    checks = checked(safe.with_reference(sn.Function(down)), tmp_path / "s", np.zeros((3, 1)))
    assert checks.standing()[1:4] == (0, 0, 3)


def test_a_disk_that_is_full_counts_nothing(
    safe: sn.Guard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*given: Any) -> None:
        raise OSError(28, "no space")

    monkeypatch.setattr(ShadowLog, "append", full)
    checks = checked(safe, tmp_path / "s", np.zeros((3, 1)))
    assert checks.standing()[1:4] == (0, 0, 3)


def test_the_share_is_drawn_by_chance(safe: sn.Guard, tmp_path: Path) -> None:
    checks = checked(safe, tmp_path / "s", np.zeros((4000, 1)), rate=0.1)
    assert 320 < checks.standing().checks < 480


@pytest.mark.parametrize("rate", [0.0, 1.5, float("nan")])
def test_a_share_that_is_none_is_refused(safe: sn.Guard, tmp_path: Path, rate: float) -> None:
    with pytest.raises(BadInput, match="share of shadow checks"):
        ShadowChecks(safe, error, tmp_path / "s", rate)
    with pytest.raises(BadInput, match="need a reference"):
        ShadowChecks(safe.with_reference(None), error, tmp_path / "s", 0.5)


def test_an_error_that_raises_does_not_end_the_checks(safe: sn.Guard, tmp_path: Path) -> None:
    calls = []

    def raising(y: Any, value: Any, x: Any) -> Any:
        calls.append(len(x))
        raise ZeroDivisionError

    checks = ShadowChecks(safe, raising, tmp_path / "s", 1.0, 0)
    answer = safe(np.zeros((3, 1)), fallback=False)
    for _ in range(2):
        checks.offer(np.zeros((3, 1)), answer.y, answer.flag)
    checks.close()
    assert calls == [3, 3]
    assert checks.standing()[1:4] == (0, 0, 6)
