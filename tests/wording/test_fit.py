"""The words of a fit: each template has a fact, each fact a template; numbers are written by one formatter."""

from __future__ import annotations

from tests.wording import templates

from supnorm.results.parts import MeasureRecord
from supnorm.wording import fact
from supnorm.wording.fit import TEMPLATES, narrator

NAMES = ("outcome", "cost", "fixed_data", "fit_data", "label_jumps", "certified_fit", "network_fit")
ROOMS = templates.trees(*(f"training/{name}.py" for name in NAMES))


def test_each_fact_has_a_template() -> None:
    assert templates.facts(ROOMS) <= set(TEMPLATES)


def test_each_template_has_a_fact() -> None:
    assert set(TEMPLATES) - templates.texts(ROOMS) == set()


def test_each_template_can_be_written() -> None:
    for text in templates.written(TEMPLATES).values():
        assert not set("{}") & set(text)


def test_errors_of_a_fit_have_the_unit_of_its_measure() -> None:
    largest = fact("largest", method="network", l2=False, error=0.0123)
    words = "network has a largest error found of "
    relative, kelvin = (
        MeasureRecord(
            kind=kind, side="both", floor=None, scale=None, unit=unit, per_output=False, failures="error"
        )
        for kind, unit in (("relative", ""), ("absolute", "K"))
    )
    assert narrator(relative).text(largest) == words + "1.23 %."
    assert narrator(kelvin).text(largest) == words + "0.0123 K."
