"""From what a caller has to the record that is drawn: a file's JSON is read here, once, and checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from supnorm.results import BadInput
from supnorm.results.audit import AuditRecord
from supnorm.results.budget import BudgetRecord
from supnorm.results.certify import CertifyRecord
from supnorm.results.compare import CompareRecord
from supnorm.results.fields import FieldsRecord
from supnorm.results.fit import FitRecord
from supnorm.results.guarding import GuardRecord
from supnorm.results.norms import NormsRecord
from supnorm.results.other_contradictions import other_contradiction
from supnorm.results.properties import PropertiesRecord
from supnorm.results.record import Result
from supnorm.results.repair import RepairRecord
from supnorm.results.rollout import RolloutRecord
from supnorm.results.solution import SolutionRecord

AnyResult = TypeVar("AnyResult", bound=Result)
DRAWN: tuple[type[Result], ...] = (
    AuditRecord,
    FitRecord,
    BudgetRecord,
    CompareRecord,
    GuardRecord,
    RepairRecord,
    RolloutRecord,
    FieldsRecord,
    CertifyRecord,
    NormsRecord,
    PropertiesRecord,
    SolutionRecord,
)


def drawn_record(result: Any) -> Result:
    """The record of a result that has a page.

    Args:
        result: the record, what a verb returned (its ``record``), or the JSON of its file as a mapping.

    Raises:
        BadInput: for the result of a verb without a page, and for a mapping that is not a whole result or contradicts
            itself.
    """
    kinds = {kind.SCHEMA: kind for kind in DRAWN}
    named = result.get("schema") if isinstance(result, Mapping) else getattr(result, "SCHEMA", "")
    if hasattr(result, "record"):
        return drawn_record(result.record)
    if not isinstance(named, str) or named not in kinds:
        raise BadInput(
            "write_page draws the result of an audit, a proof, a fit, a budget, a comparison, a repair, a guard, fields or "
            f"a roll-out; got {named!r}"
        )
    if isinstance(result, Result):
        return result
    record = kinds[named].from_dict(result)
    if why := other_contradiction(record):
        raise BadInput(f"the result contradicts itself: {why}; it was edited, or is damaged: repeat the run")
    return record


def record_of(result: Any, kind: type[AnyResult]) -> AnyResult:
    """The record of a result of one kind, as `drawn_record`.

    Raises:
        BadInput: for one of another kind, and as `drawn_record`.
    """
    record = drawn_record(result)
    if not isinstance(record, kind):
        raise BadInput(f"the schema is {record.SCHEMA!r} and not {kind.SCHEMA!r}")
    return record
