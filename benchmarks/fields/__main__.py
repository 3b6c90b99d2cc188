"""``python -m benchmarks.fields``: an archive with planted faults, audited beside plain xarray.

    --inits 12               of the archive: 12 are 3.5 GB, 112 are 31 GB
    --compressed             zstd chunks
    --workers 1              threads of the audit
    --rows read,audit        some of the rows; the others keep what is stored of them
    --repeats 3              runs of each row, in turn: the one with the median processor seconds counts
    --folder DIR             where the archive is written and deleted again
    --save                   into results/fields.json

Each row is a process of its own: wall and processor seconds, and the memory that it had at most beyond that after
its imports.
``read`` reads every chunk once and does nothing with it. ``xarray`` computes only the largest error and RMS error of
each lead time and counts missing
values, with dask, as its documentation does it. ``WeatherBench-X`` computes the RMSE of each lead time from chunk to
chunk, as its documentation does it, where it is installed. ``audit`` is `supnorm.audit_fields`, without spectra and with
them.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.claims.stored import stamp
from benchmarks.fields.store import VARIABLES, Plan, Planted, write

RESULTS = Path(__file__).parents[1] / "results" / "fields.json"
SPECTRA = "audit, spectra of every 8th field"
ROWS = ("read", "xarray", "WeatherBench-X", "audit", SPECTRA)
BLOCKS = 6  # measurements of the kernel, of which the fastest counts: another process takes caches and clock from some


def main() -> None:
    """Print a line each."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fields")
    parser.add_argument("--inits", type=int, default=12)
    parser.add_argument("--compressed", action="store_true")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--save", action="store_true")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument(
        "--rows", type=lambda text: text.split(","), help="read, xarray, WeatherBench-X, audit, spectra"
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(one(options.one, options.folder, options.workers)))
        return
    plan = Plan(inits=options.inits, compressed=options.compressed)
    found: dict[str, Any] = {
        "gigabytes": plan.gigabytes,
        "compressed": plan.compressed,
        "workers": options.workers,
    }
    found |= {"kernel": kernel(plan), "events": events()}
    print(json.dumps(found), flush=True)
    rows = [r for r in ROWS if options.rows is None or ("spectra" if r == SPECTRA else r) in options.rows]
    if find_spec("weatherbenchX") is None:
        rows = [r for r in rows if r != "WeatherBench-X"]
    with tempfile.TemporaryDirectory(dir=options.folder) as room:
        folder = Path(room)
        planted = write(folder, plan)
        runs: dict[str, list[dict[str, Any]]] = {name: [] for name in rows}
        for name in rows * options.repeats:
            command = [sys.executable, "-m", "benchmarks.fields", "--one", name, "--folder", room]
            done = subprocess.run(
                [*command, "--workers", str(options.workers)], capture_output=True, text=True, check=True
            )
            runs[name].append(json.loads(done.stdout))
            print(name, {k: v for k, v in runs[name][-1].items() if k != "found"}, flush=True)
        found["rows"] = {name: median(some) for name, some in runs.items()}
        for name in (SPECTRA, "audit"):
            if name in rows:
                found["planted"] = seen(planted, found["rows"][name].pop("found"), plan)
    print(found.get("planted"))
    print({f"wall of {a} over that of {b}": round(v, 2) for a, b, v in ratios(found["rows"])})
    if options.save:
        threads = f", {options.workers} threads" if options.workers > 1 else ""
        key = f"{plan.gigabytes:.1f} GB{', compressed' if plan.compressed else ''}{threads}"
        held = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        kept = held.get(key, {}).get("rows", {})
        found["rows"] = {name: (kept | found["rows"])[name] for name in ROWS if name in kept | found["rows"]}
        held[key] = found | {"load": __import__("os").getloadavg()[0], "processor": platform.machine()}
        RESULTS.write_text(json.dumps(held, indent=1) + "\n")
        stamp("fields")


def median(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """The run with the median processor seconds, with the most memory that any of them had."""
    middle = sorted(runs, key=lambda run: run["cpu"])[(len(runs) - 1) // 2]
    return middle | {"megabytes": max(run["megabytes"] for run in runs), "runs": len(runs)}


def ratios(rows: dict[str, Any]) -> list[tuple[str, str, float]]:
    """Wall seconds of each audit over those of reading alone."""
    if "read" not in rows:
        return []
    return [(a, "read", rows[a]["wall"] / rows["read"]["wall"]) for a in ("audit", SPECTRA) if a in rows]


def kernel(plan: Plan) -> dict[str, float]:
    """Processor milliseconds of one scan of a pair, and what that is in GB of both fields a second."""
    from supnorm.fields import FieldState, Grid

    grid = Grid.sphere_of(np.linspace(90, -90, plan.rows), np.arange(plan.columns) * 360 / plan.columns)
    generator = np.random.default_rng(0)
    truth = generator.normal(size=grid.shape).astype(np.float32)
    predictions = [truth + generator.normal(size=grid.shape).astype(np.float32) for _ in range(8)]
    state = FieldState.empty(grid, inits=8 + 8 * BLOCKS, voxels=50_000)  # as one of 20 lead times has
    for init in range(8):  # compiles, and fills the list of the largest errors
        state.add(predictions[init], truth, init=init)
    taken = []
    for block in range(BLOCKS):
        begun = time.process_time()
        for init in range(8 + 8 * block, 16 + 8 * block):
            state.add(predictions[init % 8], truth, init=init)
        taken.append((time.process_time() - begun) / 8)
    seconds = min(taken)
    return {"milliseconds": 1e3 * seconds, "gigabytes a second": 2 * truth.nbytes / seconds / 1e9}


def events() -> dict[str, float]:
    """Processor seconds from a million stored grid points to events."""
    from supnorm.fields import FieldState, Grid
    from supnorm.fields.events import find_events

    grid = Grid.sphere_of(np.linspace(90, -90, 721), np.arange(1440) / 4)
    generator, state = np.random.default_rng(0), FieldState.empty(grid, leads=20)
    for lead in range(20):
        state.add(generator.normal(size=grid.shape), np.zeros(grid.shape), lead=lead)
    state.settled()
    taken = []
    for _ in range(3):
        begun = time.process_time()
        found = find_events(state, threshold=1e-9)
        taken.append(time.process_time() - begun)
    return {"points": found.points, "events": found.count, "seconds": min(taken)}


def one(name: str, folder: Path, workers: int) -> dict[str, Any]:
    """One row, in this process."""
    import xarray

    from supnorm.fields import EventOptions, audit_fields

    paths = [folder / f"{side}.zarr" for side in ("prediction", "truth")]
    before = peak_memory()
    wall, cpu = time.monotonic(), time.process_time()
    found: dict[str, Any] = {}
    if name == "read":
        for path in paths:
            data = xarray.open_dataset(path, engine="zarr", chunks=None, consolidated=False)
            for variable in VARIABLES:
                for index in np.ndindex(*data[variable].shape[:-2]):
                    data[variable][index].values  # noqa: B018
    elif name == "xarray":
        plain(paths)
    elif name == "WeatherBench-X":
        weatherbench(paths)
    else:
        report = audit_fields(
            *paths, events=EventOptions(spectra=8 if "spectra" in name else 0), workers=workers
        )
        found["found"] = report.to_dict()
    peak = peak_memory()
    return found | {
        "wall": time.monotonic() - wall,
        "cpu": time.process_time() - cpu,
        "megabytes": (peak - before) / 1024,
        "megabytes in all": peak / 1024,
    }


def peak_memory() -> int:
    """Largest resident memory of this process so far, in kB (``ru_maxrss`` would be that of the parent as well)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])


def plain(paths: list[Path]) -> None:
    """Largest error, RMS error and missing values of each lead time, by xarray and dask."""
    import dask
    import xarray

    prediction, truth = (xarray.open_dataset(p, engine="zarr", chunks={}, consolidated=False) for p in paths)
    weights = np.cos(np.radians(prediction["latitude"]))
    with dask.config.set(scheduler="synchronous"):
        for variable in VARIABLES:
            valid = prediction["time"] + prediction["prediction_timedelta"]
            error = prediction[variable] - truth[variable].sel(time=valid)
            dims = ("time", "latitude", "longitude")
            largest, square = np.abs(error).max(dims), (error**2).weighted(weights).mean(dims)
            missing = error.isnull().sum(dims)
            dask.compute(largest, square, missing)


def weatherbench(paths: list[Path]) -> None:
    """RMSE of each lead time, by WeatherBench-X, one init and all its lead times at a time."""
    import xarray
    from weatherbenchX import aggregation, weighting
    from weatherbenchX.data_loaders import xarray_loaders
    from weatherbenchX.metrics import base, deterministic

    metrics = {"rmse": deterministic.RMSE()}
    aggregator = aggregation.Aggregator(
        reduce_dims=["init_time", "latitude", "longitude"], weigh_by=[weighting.GridAreaWeighting()]
    )
    prediction, truth = (
        xarray.open_dataset(p, engine="zarr", chunks=None, consolidated=False) for p in paths
    )
    inits, leads = prediction["time"].values, prediction["prediction_timedelta"].values
    loaders = [
        kind(ds=data, variables=[*VARIABLES])
        for kind, data in (
            (xarray_loaders.PredictionsFromXarray, prediction), (xarray_loaders.TargetsFromXarray, truth)
        )
    ]  # fmt: skip
    total = None
    for init in inits:
        forecast, target = (loader.load_chunk(np.array([init]), leads) for loader in loaders)
        statistics = base.compute_unique_statistics_for_all_metrics(metrics, forecast, target)
        part = aggregator.aggregate_statistics(statistics)
        total = part if total is None else total + part
    assert total is not None
    total.metric_values(metrics)


def seen(planted: Planted, record: dict[str, Any], plan: Plan) -> dict[str, bool]:
    """Which planted faults the audit reports."""
    by_name = {v["name"]: v for v in record["variables"]}
    found = {}
    for kind, fault in planted.faults.items():
        v = by_name[fault["variable"]]
        if kind == "missing":
            found[kind] = v["missing"] == sum(
                f["points"] for f in planted.faults.values() if f["variable"] == v["name"]
            )
        elif kind == "infinite":
            found[kind] = any(b["cause"] == "missing" and b["points"] == 1 for b in v["first_bad"])
        elif kind == "negative humidity":
            found[kind] = v["bounds"]["below"] == fault["points"]
        else:
            found[kind] = any(_is(e, fault, plan) for e in v["events"])
    return found


def _is(event: dict[str, Any], fault: dict[str, Any], plan: Plan) -> bool:
    """Whether an event is a fault: its init and lead times, and its rows."""
    leads = fault["lead"] if isinstance(fault["lead"], tuple) else (fault["lead"],)
    hours = [6 * (k + 1) for k in leads]
    texts = {f"{h} h" if h % 24 or h < 48 else f"{h // 24} d" for h in hours}
    init = str(np.datetime64("2020-01-01T00") + fault["init"] * np.timedelta64(12, "h"))
    low, high = sorted(event["rows"])
    latitude = 90.0 - 180.0 * fault["row"] / (plan.rows - 1)
    at = event["peak"]["at"]
    return at["init"].startswith(init) and at["lead"] in texts and low - 5 <= latitude <= high + 5


if __name__ == "__main__":
    main()
