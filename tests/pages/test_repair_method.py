"""The page of a repair says how the model was mended."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from supnorm.pages.repair_page import method
from supnorm.results.numbers import ErrorUnit
from supnorm.wording import Narrator
from supnorm.wording.repair_page import TEMPLATES


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("exchange", "training further on the worst points, 541 numbers trained"),
        ("patch", "patches inside 2 regions, 541 numbers trained"),
        ("residual", "a small network added to the model, 541 numbers trained"),
    ],
)
def test_each_method_is_named(name: str, words: str) -> None:
    record = cast(Any, SimpleNamespace(method=name, regions=(1, 2), parameters=541))
    assert Narrator(TEMPLATES, ErrorUnit("absolute")).text(method(record)) == words
