"""What pages and the summary of an audit say: each fact has a template and each template a fact."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

import pytest
from tests.wording import templates

from supnorm.wording import (
    audit,
    claim,
    compare_runs,
    comparison,
    fields,
    fields_page,
    fit_page,
    gate,
    guard_page,
    other_certificate,
    progress,
    repair_page,
    rollout,
    sheet,
    statement_page,
)
from supnorm.wording.result import AUDIT

OTHERS = (
    "comparison", "fit_page", "budget_page", "budget_charts", "progress", "repair_page", "guard_page",
    "rollout_page", "rollout_maps", "statement_page", "statement_picture", "fields_page", "field_maps",
    "claims_page", "compare_runs", "gate", "gate_formats", "sheet",
)  # fmt: skip
PAGES = [
    f"pages/{path.name}" for path in (templates.SOURCE / "pages").glob("*.py") if path.stem not in OTHERS
]
STATUS = ("nothing-found", "within-tolerance", "tolerance-exceeded", "undecided", "interrupted")
REPAIR = ("mended", "not-improved", *(code for code in STATUS))
GUARD = ("guarded", "tolerance-exceeded", "guard-not-effective", "risk-not-shown", "interrupted")
ROLLOUT = (
    "rolled-out",
    "nothing-found",
    "tolerance-exceeded",
    "bounds-violated",
    "not-finite",
    "reference-failed",
)
ROLLOUT += ("unfinished", "interrupted")
SAID = {
    "audit": audit.TEMPLATES,
    "claim": claim.TEMPLATES,
    "compare_runs": compare_runs.TEMPLATES,
    "comparison": comparison.TEMPLATES,
    "fields": fields.TEMPLATES,
    "fields, page": fields_page.TEMPLATES,
    "fit": fit_page.TEMPLATES,
    "progress": progress.TEMPLATES,
    "repair": repair_page.TEMPLATES,
    "gate": gate.TEMPLATES,
    "guard": guard_page.TEMPLATES,
    "rollout": rollout.TEMPLATES,
    "sheet": sheet.TEMPLATES,
    "statement": statement_page.TEMPLATES,
}


def test_each_fact_of_an_audit_has_a_template_and_each_template_a_fact() -> None:
    made = templates.facts(templates.trees(*PAGES))
    assert made - set(AUDIT) == set(audit.TEMPLATES)
    assert not set(audit.TEMPLATES) & set(AUDIT)
    parts = (
        audit.VERDICT,
        audit.SECTIONS,
        audit.SUMMARY,
        audit.RUN,
        audit.CHARTS,
        other_certificate.TEMPLATES,
    )
    assert len(audit.TEMPLATES) == sum(map(len, parts)), "a code stands twice"


def test_each_fact_of_a_comparison_a_fit_a_repair_and_the_progress_has_a_template_and_each_template_a_fact() -> (
    None
):
    made = templates.facts(templates.trees("pages/comparison.py", "cli/compare_forms.py"))
    assert made == set(comparison.TEMPLATES)
    said = templates.trees("pages/progress.py")
    assert set(progress.TEMPLATES) <= templates.texts(said)
    made = templates.facts(templates.trees("pages/fit_page.py"))
    assert made | {f"chip-{code}" for code in STATUS} == set(fit_page.TEMPLATES)
    made = templates.facts(templates.trees("pages/repair_page.py"))
    assert made - {"chip-"} | {f"chip-{code}" for code in REPAIR} == set(repair_page.TEMPLATES)
    made = templates.facts(templates.trees("pages/rollout_page.py", "pages/rollout_maps.py")) - {
        "chip-",
        "kind-",
        "line-",
        "headline-",
    }
    made |= {f"kind-{kind}" for kind in ("failed", "not-finite", "bound", "tolerance", "signal", "outlier")}
    made |= {"line-sup", "line-rms", "headline-failed", "headline-not-finite"}
    assert made | {f"chip-{code}" for code in ROLLOUT} == set(rollout.TEMPLATES)
    made = templates.facts(templates.trees("fields/rollout_status.py")) - {"end-"}
    assert made | {f"end-{code}" for code in ROLLOUT} == set(rollout.ADVICE)
    made = templates.facts(templates.trees("pages/guard_page.py")) - {"chip-", "row-", "layer-"}
    layers = {f"layer-{name}" for name in ("glitch", "learned", "second", "distance", "disagree")}
    rows = {f"row-{name}" for name in ("fresh", "searched", "oracle")}
    assert made | layers | rows | {f"chip-{code}" for code in GUARD} == set(guard_page.TEMPLATES)


def test_each_fact_of_an_audit_of_fields_has_a_template_and_each_template_a_fact() -> None:
    codes = {code for tree in templates.trees("fields/verdict.py") for code in templates.facts([tree])}
    assert codes == set(fields.TEMPLATES)
    made = templates.facts(templates.trees("pages/fields_page.py", "pages/field_maps.py")) - {"chip-"}
    ends = ("missing-values", "out-of-bounds", "within-tolerance", "tolerance-exceeded", "no-tolerance")
    made |= {f"chip-{code}" for code in (*ends, "nothing-compared", "interrupted")}
    assert made == set(fields_page.TEMPLATES)


def test_each_fact_of_the_page_of_a_proof_has_a_template_and_each_template_a_fact() -> None:
    made = templates.facts(templates.trees("pages/statement_page.py", "pages/other_certificate.py")) - {
        "chip-",
        "part-",
        "picture-",
        "reference-",
    }
    codes = ("proved", "refuted", "no-bound", *STATUS[1:])
    made |= {f"chip-{code}" for code in codes}
    made |= {f"part-{name}" for name in ("interior", "growth", "speed", "difference")}
    made |= {f"picture-{what}" for what in ("model", "error", "difference")}
    made |= {f"reference-{kind}" for kind in ("collocation", "given", "model")}
    made |= {"kind-none", "kind-conditional"}
    assert made == set(statement_page.TEMPLATES)


def test_each_fact_of_a_claim_has_a_template_and_each_template_a_fact() -> None:
    made = templates.facts(templates.trees("claims", "pages/claims_page.py")) - {"verdict-"}
    codes = (
        "refuted",
        "not-refuted",
        "proved",
        "unconfirmed",
        "not-comparable",
        "not-installed",
        "undecided",
    )
    made |= {f"verdict-{code}" for code in (*codes, "interrupted", "failed")}
    made |= {"refuted", "refuted-no-value", "unconfirmed"}  # made by `_how`, which takes the code
    assert made == set(claim.TEMPLATES)


def test_each_fact_of_a_gate_has_a_template_and_each_template_a_fact() -> None:
    made = templates.facts(templates.trees("pages/gate.py", "pages/gate_formats.py", "gates/assertion.py"))
    assert made == set(gate.TEMPLATES)


def test_each_fact_of_two_runs_has_a_template_and_each_template_a_fact() -> None:
    made = templates.facts(
        templates.trees("gates/run_remarks.py", "gates/other_rows.py", "pages/compare_runs.py")
    )
    made -= {"chip-", "peak-", "stat-"}
    made |= {
        f"stat-{code}" for code in ("rows", "mae", "bias", "quantile", "above", "group-worst", "group-rms")
    }
    made |= {f"chip-{code}" for code in ("worse", "better", "no-difference-found", "undecided")}
    made |= {f"peak-{change}" for change in ("same", "moved", "new", "gone")}
    # Those of the verdict are put together from its code and basis: tests/gates/test_run_verdict.py reaches each.
    assert made - {"-"} == set(compare_runs.TEMPLATES) - set(compare_runs.VERDICT)


def test_each_fact_of_a_sheet_has_a_template_and_each_template_a_fact() -> None:
    made = templates.facts(templates.trees("pages/sheet.py"))
    made |= {f"chip-{word}" for word in ("proved", "conditional", "open", "rejected")}
    assert made == set(sheet.TEMPLATES)


# What is put together of a page: titles of windows, commands, and names of things in front of a template.
ALLOWED = {
    "{}: worst error {} – supnorm audit",
    "{} claims – supnorm claim",
    "{}: {} – supnorm budget",
    "{}: {} – supnorm fit",
    "{}: {} – supnorm repair",
    "{}: {} – supnorm guard",
    "{}: {} – supnorm rollout",
    "{}: {} – supnorm fields",
    "{}: {} – supnorm certify",
    "supnorm check {} --problem problem.toml",
    "supnorm replay {} 1",
    "at least {}",
    "{} with a finite error",
    "  {}   (log scale)",
    "the unit in the last place of the reference as {}",
    'import supnorm as sn\n\nmodel = sn.load_function("{}")\nmodel([[{}]])  # {}',
}


def test_pages_put_no_sentence_together() -> None:
    """Words with values between them are the narrator's; what ends in an exception is no part of a page."""
    found = set()
    for tree in templates.trees(*PAGES, *(f"pages/{name}.py" for name in OTHERS)):
        raised = [node for node in ast.walk(tree) if isinstance(node, ast.Raise)]
        inside = {id(part) for node in raised for part in ast.walk(node)}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr) and id(node) not in inside:
                parts = (v.value if isinstance(v, ast.Constant) else "{}" for v in node.values)
                if re.search("[a-z]{2,} [a-z]{2,}", text := "".join(map(str, parts))):
                    found.add(text)
    assert found == ALLOWED


@pytest.mark.parametrize("said", SAID.values(), ids=list(SAID))
def test_each_template_can_be_written(said: Mapping[str, str]) -> None:
    for code, text in templates.written(said).items():
        assert not set("{}[]*`") & set(text), code
