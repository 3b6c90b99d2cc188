"""The words of a budget: each template has a fact, each fact a template; numbers are written by one formatter."""

from __future__ import annotations

from tests.wording import templates

from supnorm.wording.budget import EXCEPTIONS, TEMPLATES

ROOMS = templates.trees("planning", "wording/budget_record.py")


def test_each_fact_has_a_template() -> None:
    assert templates.facts(ROOMS) - {"stopped-"} <= set(TEMPLATES)  # the codes of stages are put together


def test_each_template_has_a_fact() -> None:
    known = templates.texts(ROOMS) | {f"stopped-{stage}" for stage in ("profile", "table", "curve", "pilot")}
    assert set(TEMPLATES) - known == set()
    assert set(EXCEPTIONS) - known == set()


def test_each_template_can_be_written() -> None:
    for text in templates.written(TEMPLATES).values():
        assert not set("{}") & set(text.replace("word", ""))


def test_numbers_in_sentences_are_written_by_the_formatter() -> None:
    assert templates.number_formats(ROOMS) == []
