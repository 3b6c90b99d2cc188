"""``supnorm doctor``: tells what is installed, and which loaders and devices work."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from supnorm.cli.answer import answer, say
from supnorm.cli.options import JSON

# The purpose of each optional package, and the extra that installs it.
OPTIONAL = {
    "torch": ("nn.Module, .pt2 and TorchScript models", "torch"),
    "onnx": ("ONNX models", "onnx"),
    "onnxruntime": ("ONNX models with operations that supnorm does not analyse", "onnx"),
    "pyarrow": ("Parquet tables", "parquet"),
    "xarray": ("NetCDF tables", "fields"),
    "cfgrib": ("GRIB files of fields", "grib"),
    "flint": ("checking certificates", "checker"),
    "distributed": ("--dask", "dask"),
    "fastapi": ("supnorm serve", "serve"),
    "uvicorn": ("supnorm serve", "serve"),
    "gsw": ("examples/seawater", "examples"),
    "CoolProp": ("examples/steam", "examples"),
}
# Their names where packages are installed.
OPTIONAL_PACKAGES = tuple({"flint": "python-flint"}.get(name, name) for name in OPTIONAL)
SUBJECT = Annotated[
    Path | None,
    typer.Argument(metavar="PROBLEM.toml", help="With --dask: do the workers have its files?"),
]
WORKERS = Annotated[
    str | None,
    typer.Option("--dask", metavar="ADDRESS", help="Tell what the workers of a Dask scheduler lack."),
]
NEEDED = ("numpy", "scipy", "scikit-learn", "jax", "jinja2", "pillow", "pydantic", "typer", "rich")


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("doctor")(command)


def command(problem: SUBJECT = None, dask: WORKERS = None, as_json: JSON = False) -> int:
    """Tell what is installed, and which loaders and devices work; with --dask, what the workers lack."""
    from supnorm.results import BadInput, install

    if problem is not None and dask is None:
        raise BadInput("PROBLEM.toml is for --dask ADDRESS: whether the workers have its files")
    report = examine() if dask is None else _here()
    code = 0 if all(report["needed"].values()) else 2
    if dask is not None:
        from supnorm.cli.doctor_workers import examine_workers, fit_for_work

        report["dask"] = examine_workers(dask, list(NEEDED), list(OPTIONAL_PACKAGES), problem)
        code = code if fit_for_work(report["dask"]) else 2
    if as_json:
        from supnorm.results.encoding import dumps

        answer(dumps(report))
        return code
    say(f"supnorm {report['supnorm']}, Python {report['python']}, {report['machine']}")
    for name, version in report["needed"].items():
        say(f"  {name:14} {version or 'MISSING'}")
    if dask is not None:
        from supnorm.cli.doctor_workers import lines_of

        say(f"workers of {dask}")
        for line in lines_of(report["dask"]):
            say(line)
        return code
    say("optional")
    for name, entry in report["optional"].items():
        state = entry["works"] or f"not installed: {install(entry['extra'])}"
        say(f"  {name:14} {state:46} {entry['for']}")
    say("devices")
    for line in report["devices"]:
        say(f"  {line}")
    return code


def examine() -> dict[str, Any]:
    """Everything `doctor` prints, as plain data."""
    return _here() | {
        "optional": {
            name: {"works": _works(name), "for": purpose, "extra": extra}
            for name, (purpose, extra) in OPTIONAL.items()
        },
        "devices": _devices(),
    }


def _here() -> dict[str, Any]:
    """What is found without an import."""
    return {
        "schema": "supnorm.doctor/1",
        "supnorm": _version("supnorm"),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "needed": {name: _version(name) for name in NEEDED},
    }


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _works(module: str) -> str | None:
    """The version of a module that can be imported, or the error if it is installed and cannot be imported."""
    if find_spec(module) is None:
        return None
    try:
        loaded = __import__(module)
    except Exception as error:
        return f"fails to import: {type(error).__name__}: {error}"[:80]
    return str(getattr(loaded, "__version__", "installed"))


def _devices() -> list[str]:
    lines = []
    try:
        import jax

        lines.append("jax: " + ", ".join(str(d) for d in jax.devices()))
    except Exception as error:
        lines.append(f"jax: fails: {error}")
    if find_spec("torch") is not None:
        import torch

        names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        lines.append("torch: cpu" + "".join(f", cuda:{i} {n}" for i, n in enumerate(names)))
    return lines
