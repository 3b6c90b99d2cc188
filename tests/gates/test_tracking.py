"""Results in MLflow and Weights & Biases, where these are installed; the words without them everywhere."""

import json
import sys

import pytest

import supnorm as sn


@pytest.fixture(scope="module")
def report():
    problem = sn.Problem(
        lambda x: x[:, 0], lambda x: x[:, 0] ** 2, sn.Domain(x=(0.0, 1.0)), tolerance=0.2, title="square"
    )
    return sn.audit(problem, evaluations=300)


def test_mlflow(report, tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow.set_tracking_uri((tmp_path / "runs").as_uri())
    experiment = mlflow.create_experiment("gate", artifact_location=(tmp_path / "files").as_uri())
    with mlflow.start_run(experiment_id=experiment) as run:
        sn.log_to_mlflow(report)
    data = mlflow.get_run(run.info.run_id).data
    assert data.metrics["supnorm/sup_error"] == report.worst.error
    assert data.tags["supnorm.status"] == "tolerance-exceeded"
    assert "supnorm/sup_error_upper" not in data.metrics
    saved = json.loads(next((tmp_path / "files").rglob("audit.json")).read_text())
    assert saved["sup"]["lower"] == report.worst.error
    assert next((tmp_path / "files").rglob("audit.html")).read_text().startswith("<!doctype html>")


def test_wandb(report, tmp_path):
    wandb = pytest.importorskip("wandb")
    run = wandb.init(mode="offline", dir=tmp_path, project="gate")
    sn.log_to_wandb(report, run)
    assert run.summary["supnorm/status"] == "tolerance-exceeded"
    assert run.summary["supnorm/sup_error"] == report.worst.error
    run.finish()


def test_without_them_one_line_says_what_to_install(report, monkeypatch):
    for name, log in (("mlflow", sn.log_to_mlflow), ("wandb", sn.log_to_wandb)):
        monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(sn.BadInput, match=f"pip install {name}"):
            log(report)
