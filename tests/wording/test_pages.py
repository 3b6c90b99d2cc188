"""What pages and the summary of an audit say: each fact has a template and each template a fact."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from tests.wording import templates

from supnorm.wording import audit, comparison, fit_page
from supnorm.wording.result import AUDIT

OTHERS = ("comparison", "fit_page", "budget_page", "budget_charts")
PAGES = [
    f"pages/{path.name}" for path in (templates.SOURCE / "pages").glob("*.py") if path.stem not in OTHERS
]
STATUS = ("nothing-found", "within-tolerance", "tolerance-exceeded", "undecided", "interrupted")
SAID = {"audit": audit.TEMPLATES, "comparison": comparison.TEMPLATES, "fit": fit_page.TEMPLATES}


def test_each_fact_of_an_audit_has_a_template_and_each_template_a_fact() -> None:
    made = templates.facts(templates.trees(*PAGES))
    assert made - set(AUDIT) == set(audit.TEMPLATES)
    assert not set(audit.TEMPLATES) & set(AUDIT)
    parts = (audit.VERDICT, audit.SECTIONS, audit.SUMMARY, audit.RUN)
    assert len(audit.TEMPLATES) == sum(map(len, parts)), "a code stands twice"


def test_each_fact_of_a_comparison_and_of_a_fit_has_a_template_and_each_template_a_fact() -> None:
    assert templates.facts(templates.trees("pages/comparison.py")) == set(comparison.TEMPLATES)
    made = templates.facts(templates.trees("pages/fit_page.py"))
    assert made | {f"chip-{code}" for code in STATUS} == set(fit_page.TEMPLATES)


@pytest.mark.parametrize("said", SAID.values(), ids=list(SAID))
def test_each_template_can_be_written(said: Mapping[str, str]) -> None:
    for code, text in templates.written(said).items():
        assert not set("{}[]*`") & set(text), code
