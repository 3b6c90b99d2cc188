"""Results in trackers of experiments: MLflow and Weights & Biases. Neither is installed with supnorm."""

from __future__ import annotations

import math
from typing import Any

from supnorm.pages import page_text
from supnorm.pages.gate import gate_of
from supnorm.results import BadInput


def log_to_mlflow(result: Any, prefix: str = "supnorm") -> None:
    """Log a result to the active run of MLflow: numbers as metrics, the verdict as a tag, JSON and page as artifacts.

    Args:
        result: of any verb that has a page.
        prefix: of metrics, tags and the artifacts' folder.

    Raises:
        BadInput: without MLflow.

    Example:
        ``with mlflow.start_run(): log_to_mlflow(sn.audit(problem))``
    """
    try:
        import mlflow
    except ImportError:
        raise BadInput(
            "log_to_mlflow needs MLflow, which supnorm does not install: pip install mlflow"
        ) from None
    gate, record = gate_of(result), getattr(result, "record", result)
    mlflow.log_metrics({f"{prefix}/{name}": value for name, value in numbers_of(record).items()})
    mlflow.set_tags({f"{prefix}.status": gate.code, f"{prefix}.verdict": " ".join(gate.sentences)[:500]})
    mlflow.log_dict(record.to_dict(), f"{prefix}/{gate.verb}.json")
    mlflow.log_text(page_text(record), f"{prefix}/{gate.verb}.html")


def log_to_wandb(result: Any, run: Any = None, prefix: str = "supnorm") -> None:
    """Log a result to a run of Weights & Biases: numbers and verdict into its summary, page and worst points as media.

    Args:
        result: of any verb that has a page.
        run: the run; the active one by default.
        prefix: of all names.

    Raises:
        BadInput: without wandb, or without a run.

    Example:
        ``with wandb.init(project="emulator") as run: log_to_wandb(sn.audit(problem), run)``
    """
    try:
        import wandb
    except ImportError:
        raise BadInput(
            "log_to_wandb needs wandb, which supnorm does not install: pip install wandb"
        ) from None
    run = wandb.run if run is None else run
    if run is None:
        raise BadInput("log_to_wandb needs a run: call wandb.init(...) first, or give run=")
    gate, record = gate_of(result), getattr(result, "record", result)
    logged: dict[str, Any] = {f"{prefix}/{name}": value for name, value in numbers_of(record).items()}
    logged[f"{prefix}/page"] = wandb.Html(page_text(record), inject=False)
    points = getattr(result, "points", None)
    if points is not None and len(points):
        logged[f"{prefix}/points"] = wandb.Table(columns=list(points.columns), data=points.rows.tolist())
    run.log(logged)
    run.summary.update({f"{prefix}/status": gate.code, f"{prefix}/verdict": " ".join(gate.sentences)})


def numbers_of(record: Any) -> dict[str, float]:
    """The finite numbers of a result that a tracker plots over time.

    >>> from supnorm import Domain, Problem, audit
    >>> report = audit(Problem(lambda x: x[:, 0], lambda x: x[:, 0] ** 2, Domain(x=(0.0, 1.0))), evaluations=500)
    >>> round(numbers_of(report.record)["sup_error"], 3)
    0.25
    """
    sup, rms = getattr(record, "sup", None), getattr(record, "rms", None)
    values = {
        "sup_error": getattr(sup, "lower", None),
        "sup_error_upper": getattr(sup, "upper", None),
        "rms_error": getattr(rms, "value", None),
        "tolerance": getattr(record, "tolerance", None),
        "seconds": getattr(record, "seconds", None),
    }
    return {
        name: float(value)
        for name, value in values.items()
        if isinstance(value, int | float) and math.isfinite(value)
    }
