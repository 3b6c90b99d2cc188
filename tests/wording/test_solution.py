"""The words of a proof about a solution: each template has a fact, each fact a template."""

from __future__ import annotations

from tests.wording import templates

from supnorm.wording.certify import TEMPLATES as CERTIFY
from supnorm.wording.solution import TEMPLATES

ROOMS = templates.trees("certification/solution/result.py", "cli/solution.py")
BARRIERS = {f"barrier-{kind}" for kind in ("axis", "transport", "pair")}


def test_each_fact_has_a_template() -> None:
    assert templates.facts(ROOMS) - {"barrier-"} <= set(TEMPLATES) | set(CERTIFY)


def test_each_template_has_a_fact() -> None:
    assert set(TEMPLATES) - templates.texts(ROOMS) - BARRIERS == set()


def test_each_template_can_be_written() -> None:
    for text in templates.written(TEMPLATES).values():
        assert not set("{}") & set(text)
