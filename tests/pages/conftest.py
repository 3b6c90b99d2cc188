"""Results of the five standard cases, evaluated once a session."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from tests.pages import results

CASES: dict[str, Callable[[], results.Case]] = {
    "d1": results.line,
    "d2": results.steam,
    "d3": lambda: results.bumpy(3),
    "d8": lambda: results.bumpy(8, 0.5),
    "d20": lambda: results.bumpy(20, 0.9),
}


@cache
def evaluated(name: str) -> dict[str, Any]:
    return results.result(CASES[name]())


@pytest.fixture
def result() -> Callable[[str], dict[str, Any]]:
    """``result("d2")``: a fresh copy of a standard result, free to be changed."""
    return lambda name: copy.deepcopy(evaluated(name))
