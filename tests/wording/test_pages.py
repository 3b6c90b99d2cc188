"""What the page and the summary of an audit say: each fact has a template and each template a fact."""

from __future__ import annotations

from tests.wording import templates

from supnorm.wording.audit import SECTIONS, SUMMARY, TEMPLATES, VERDICT
from supnorm.wording.result import AUDIT

ROOM = templates.trees("pages")


def test_each_fact_has_a_template_and_each_template_a_fact() -> None:
    made = templates.facts(ROOM)
    assert made - set(AUDIT) == set(TEMPLATES)


def test_no_code_stands_twice() -> None:
    assert len(TEMPLATES) == sum(map(len, (VERDICT, SECTIONS, SUMMARY)))
    assert not set(TEMPLATES) & set(AUDIT)


def test_each_template_can_be_written() -> None:
    for code, text in templates.written(TEMPLATES).items():
        assert not set("{}[]*`") & set(text), code
