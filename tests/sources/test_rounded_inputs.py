"""Rows at an end of the domain, or at a value of an axis, are compared however their inputs are stored."""

from pathlib import Path

import numpy as np
import pytest

import supnorm as sn

PROBLEM = """
[model]
file = "t.{kind}"
outputs = ["p"]
[reference]
file = "t.{kind}"
outputs = ["y"]
[domain]
x = {axis}
[error]
tolerance = 1.0
"""


def audited(folder: Path, kind: str, axis: str, x: np.ndarray) -> sn.AuditReport:
    """The audit of a table whose last row has an error of 3."""
    p = np.zeros(len(x))
    p[-1] = 3.0
    if kind == "csv":
        rows = [f"{float(a)!r},0.0,{b!r}" for a, b in zip(x, p.tolist(), strict=True)]
        (folder / "t.csv").write_text("\n".join(["x,y,p", *rows]) + "\n")
    elif kind == "nc":
        xarray = pytest.importorskip("xarray")
        xarray.Dataset({"x": ("n", x), "y": ("n", 0 * p), "p": ("n", p)}).to_netcdf(folder / "t.nc")
    else:
        pytest.importorskip("pyarrow")
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.table({"x": x, "y": 0 * p, "p": p}), folder / "t.parquet")
    (folder / "problem.toml").write_text(PROBLEM.format(kind=kind, axis=axis))
    return sn.audit(sn.open_problem(folder / "problem.toml"))


@pytest.mark.sampled(1)
@pytest.mark.parametrize("kind", ["parquet", "nc"])
@pytest.mark.parametrize("axis", ["[0.1, 0.3]", "{ values = [0.1, 0.2, 0.3] }", "[0.1, 0.30000000000000004]"])
def test_in_single_precision(kind: str, axis: str, tmp_path: Path) -> None:
    """0.3 was 0.300000012 there: the row was left out, and the gate was green."""
    report = audited(tmp_path, kind, axis, np.array([0.1, 0.2, 0.3], dtype=np.float32))
    assert report.record.rms.n == 3
    assert report.record.sup.lower == 3.0
    assert report.record.status.exit == 1
    assert "but for rounding" in str(report.document["notes"])


def test_sums_that_round_in_double_precision(tmp_path: Path) -> None:
    report = audited(tmp_path, "csv", "[0.1, 0.3]", np.array([0.1, 0.2, 0.1 + 0.2]))
    assert report.record.status.exit == 1


@pytest.mark.parametrize("end", [0.3 + 1e-15, np.nextafter(np.float32(0.3), np.float32(1.0)), 0.3001])
def test_other_rows_stay_outside(end: float, tmp_path: Path) -> None:
    x = np.array([0.1, 0.2, end], dtype=np.float32 if isinstance(end, np.float32) else np.float64)
    report = audited(tmp_path, "parquet", "[0.1, 0.3]", x)
    assert report.record.rms.n == 2
    assert [finding.code for finding in report.record.findings] == ["rows-outside"]
    assert "but for rounding" not in str(report.document["notes"])
