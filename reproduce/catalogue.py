"""The experiments by name; a module is imported when its experiment is asked for."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from reproduce.experiment import Experiment
from reproduce.published import Published

NAMES = (
    "precision-ml",
    "hiprenets",
    "uniform-accuracy",
    "theory-practice-gap",
    "expressivity",
    "pinn-vs-solver",
    "cheap-learning",
    "layer-wise",
    "miniweather",
)
ELSEWHERE = {"miniweather": "paper"}  # module of the experiment; that of the others is `run`


def experiment(name: str) -> Experiment:
    """An experiment of `NAMES`."""
    module = f"reproduce.{name.replace('-', '_')}.{ELSEWHERE.get(name, 'run')}"
    found: Experiment = import_module(module).EXPERIMENT
    return found


def published(name: str) -> Published:
    """What its paper says."""
    return Published(Path(__file__).parent / name.replace("-", "_") / "published.toml")
