"""The certificate sheet: it says what the check verified, in every kind of verdict, and nothing more."""

import html
import math
import re

import pytest

from supnorm.pages.sheet import sheet_page
from supnorm.results.check import CheckedFileRecord, CheckRecord
from supnorm.results.status import ExitCode, Status

FILE = CheckedFileRecord(
    name="certificate.json",
    sha256="ab" * 32,
    bytes=2742,
    finished="2026-11-28T12:00:00+00:00",
    command="supnorm check certificate.json",
    versions={"supnorm": "0.1"},
    title="Valve <i>",
    fingerprint="0123456789ab",
    files={"m.py": "cd" * 32},
)
ACCEPTED = CheckRecord(
    status=Status("within-tolerance", "Nowhere above 0.0272 W, within 0.05."),
    tolerance=0.05,
    accepted=True,
    reason="every box was proved again",
    leaf=None,
    leaves=12,
    lower=0.0231887,
    upper=0.0271312,
    conditional=(),
    problem_checked=True,
    seconds=1.5,
    cost=None,
    subject=("domain: T in [0, 1] K", "error: absolute, to both sides, of 1 output"),
    unit="W",
    statements=(),
    claims={},
    deployed_upper=None,
    deployed=(),
    computed=0.0231,
    measured=(),
    file=FILE,
)


def words(record):
    page = sheet_page(record)
    body = page[page.index("<main") : page.index("<footer")]
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"</?[a-z][^>]*>", " ", body)))


def test_an_accepted_file():
    said = words(ACCEPTED)
    assert "Valve <i>" in said
    assert "The error of the model is at most 0.02714 W" in re.sub(r" +", " ", said)  # rounded up
    assert "at least 0.02318 W" in said  # rounded down
    assert "within 0.05" in said
    for part in ("T in [0, 1] K", "12 boxes were proved again", "2026-11-28T12:00:00", "ab" * 32, "cd" * 32):
        assert part in said
    for left_out in ("outside of the domain", "Whether the reference is right", "exact arithmetic"):
        assert left_out in said
    assert 'class="chip proven"' in sheet_page(ACCEPTED)


@pytest.mark.parametrize(
    ("changes", "there", "not_there"),
    [
        (
            {"accepted": False, "reason": "box 3 is not proved"},
            "it proves nothing. box 3 is not proved",
            "at most",
        ),
        ({"upper": math.inf}, "no upper bound of the error", "at most 0.0"),
        (
            {"conditional": ("|f''| <= 2",)},
            "Declared, not verified: |f''| <= 2",
            "Nothing that a user declared",
        ),
        ({"conditional": ("|f''| <= 2",)}, "they were not verified", "Nothing that a user declared"),
        ({"problem_checked": False}, "That the file is about your model", "compared at points"),
        ({"deployed": ("no fused operations",)}, "Assumed of the machine that runs the model", "zzz"),
        (
            {"measured": ("they differ by 1e-3",)},
            "Measured at points, not proved: they differ by 1e-3",
            "zzz",
        ),
        (
            {"statements": ("grows in T",), "claims": {"low": {"lower": 0.1, "upper": 1.0}}},
            "grows in T",
            "at most 0.0",
        ),
        ({"file": None}, "Certificate sheet", "Valve"),
    ],
)
def test_every_verdict_says_no_more_than_was_verified(changes, there, not_there):
    record = ACCEPTED.changed(**changes)
    said = words(record)
    assert there in said
    assert not_there not in said


@pytest.mark.parametrize(
    "changes",
    [
        {"accepted": False},
        {"conditional": ("a",)},
        {"problem_checked": False},
        {"status": Status("undecided", "no", ExitCode.UNDECIDED)},
        {"status": Status("tolerance-exceeded", "no", ExitCode.EXCEEDED)},
    ],
)
def test_only_what_is_verified_without_conditions_and_settles_the_question_is_green(changes):
    assert 'class="chip proven"' not in sheet_page(ACCEPTED.changed(**changes))


def test_names_cannot_write_html():
    hostile = "</h1><script>alert(1)</script>\u202e"
    record = ACCEPTED.changed(
        subject=(f"model: {hostile}",), reason=hostile, conditional=(hostile,), unit=hostile
    )
    page = sheet_page(record)
    assert page.count("<script>") == 1  # that of the page
    assert "\u202e" not in page
