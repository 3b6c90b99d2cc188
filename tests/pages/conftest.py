"""Results of the five standard cases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.pages import cases


@pytest.fixture
def result() -> Callable[[str], dict[str, Any]]:
    """``result("d2")``: the JSON of a standard result, free to be changed and read again (`cases.read`)."""
    return lambda name: cases.record(name).to_dict()
