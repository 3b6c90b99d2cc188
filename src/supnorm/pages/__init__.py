"""The HTML page, its charts, and the terminal view: they read the JSON of a result and nothing else."""

from supnorm.pages.budget_page import write_budget_page
from supnorm.pages.claims_page import claim_summary, ledger_summary, write_badge, write_claims_page
from supnorm.pages.compare_runs import runs_gate, runs_summary
from supnorm.pages.comparison import write_comparison
from supnorm.pages.embedded import embedded
from supnorm.pages.fields_page import fields_summary, write_fields_page
from supnorm.pages.fit_page import errors_are, write_fit_page
from supnorm.pages.guard_page import guard_summary, write_guard_page
from supnorm.pages.page import page_text, write_page
from supnorm.pages.progress import TerminalProgress
from supnorm.pages.repair_page import repair_summary, write_repair_page
from supnorm.pages.rollout_page import rollout_summary, write_rollout_page
from supnorm.pages.terminal import comparison, summary

__all__ = [
    "TerminalProgress",
    "claim_summary",
    "comparison",
    "embedded",
    "errors_are",
    "fields_summary",
    "guard_summary",
    "ledger_summary",
    "page_text",
    "repair_summary",
    "rollout_summary",
    "runs_gate",
    "runs_summary",
    "summary",
    "write_badge",
    "write_budget_page",
    "write_claims_page",
    "write_comparison",
    "write_fields_page",
    "write_fit_page",
    "write_guard_page",
    "write_page",
    "write_repair_page",
    "write_rollout_page",
]
