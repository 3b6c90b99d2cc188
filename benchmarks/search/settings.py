"""Settings of the peers for the rows BBOB, GKLS and SciPy: what `benchmarks.search.tuning` tried, and what it chose.

The chosen ones stand in ``benchmarks/results/search_tuning.json`` and nowhere else. `{}` are the settings of the libraries,
with restarts (DIRECT: without its early ends), as in `benchmarks.search.peers`.
"""

from __future__ import annotations

import functools
import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.search.peers import PEERS, Peer
from benchmarks.search.tunable import TUNABLE
from supnorm.results import BadInput

RESULTS = Path(__file__).parents[1] / "results" / "search_tuning.json"
COMMAND = "python -m benchmarks.search.tuning --scipy CHECKOUT --save"
Settings = dict[str, Any]
NM, BFGS = "Nelder-Mead", "L-BFGS-B"

CANDIDATES: dict[str, tuple[Settings, ...]] = {
    "SciPy DE": (
        {},
        {"recombination": 0.9},
        {"popsize": 8},
        {"popsize": 30, "tol": 0.03},
        {"popsize": 5, "tol": 1e-3, "recombination": 0.9},
        {"popsize": 5, "tol": 1e-6, "recombination": 0.9},
        {"tol": 1e-4, "recombination": 0.9},
        {"tol": 1e-6},
        {"strategy": "currenttobest1bin", "tol": 1e-4, "recombination": 0.9},
        {"strategy": "randtobest1bin", "recombination": 0.9, "init": "sobol"},
        {"mutation": [0.3, 0.8], "tol": 1e-4, "recombination": 0.9},
        {"updating": "immediate", "tol": 1e-4, "recombination": 0.9},
    ),
    "DIRECT": (
        {},
        {"biased": [True], "methods": [BFGS], "share": 0.1},
        {"biased": [True], "methods": [BFGS, NM], "share": 0.2},
        {"biased": [True], "methods": [BFGS, NM], "share": 0.4},
        {"biased": [False], "methods": [BFGS, NM], "share": 0.1},
        {"biased": [False], "methods": [BFGS, NM], "share": 0.2},
        {"biased": [False], "methods": [BFGS, NM], "share": 0.4},
        {"biased": [False], "methods": [NM], "share": 0.2},
        {"methods": [BFGS, NM], "share": 0.2, "len_tol": 1e-3},
        {"biased": [True], "eps": 1e-6, "methods": [BFGS, NM], "share": 0.2},
    ),
    "dual annealing": (
        {},
        {"fine": True},
        {"initial_temp": 50.0, "fine": True},
        {"initial_temp": 50.0, "visit": 2.3, "fine": True},
        {"accept": -500.0, "fine": True},
        {"restart_temp_ratio": 1e-2, "fine": True},
        {"initial_temp": 50.0, "restart_temp_ratio": 1e-2, "accept": -500.0, "fine": True},
        {"maxiter": 100, "fine": True},
        {"method": NM, "fine": True},
        {"method": "Powell", "fine": True},
        {"no_local_search": True},
    ),
    "Sobol + L-BFGS-B": (
        {},
        {"fine": True},
        {"fine": True, "share": 0.1},
        {"fine": True, "share": 0.5},
        {"fine": True, "share": 0.1, "apart": True},
        {"fine": True, "share": 0.5, "apart": True},
        {"fine": True, "share": 0.1, "starts": 5},
        {"fine": True, "share": 0.25, "jac": "3-point"},
        {"fine": True, "share": 0.25, "finish": 0.2},
        {"fine": True, "share": 0.1, "method": NM},
        {"fine": True, "share": 0.1, "method": "Powell"},
        {"fine": True, "share": 0.25, "method": "Powell", "finish": 0.2},
    ),
    "cma": (
        {},
        {"sigma0": 0.2, "tol": 1e-8},
        {"sigma0": 0.2, "tol": 1e-7, "screen": 0.1},
        {"sigma0": 0.2, "tol": 1e-8, "active": False},
        {"sigma0": 0.2, "tol": 1e-8, "restarts": "IPOP"},
        {"sigma0": 0.2, "tol": 1e-8, "restarts": "plain", "popsize": 2.0},
        {"sigma0": 0.2, "tol": 1e-8, "restarts": "plain", "popsize": 5.0},
        {"sigma0": 0.1, "tol": 1e-8, "restarts": "plain", "screen": 0.1},
        {"sigma0": 0.05, "tol": 1e-6, "restarts": "plain", "screen": 0.2},
    ),
}
# Rows that have no entry of their own take that of the row with as many inputs.
AS = {"SciPy d=5, changed": "SciPy d=3 to 5"}


@functools.cache
def stored(path: Path) -> dict[str, Any]:
    """The results of tuning; empty where there are none."""
    return dict(json.loads(path.read_text("utf-8"))) if path.exists() else {}


def chosen(row: str, name: str) -> Settings:
    """The settings of a peer in a row.

    Raises:
        BadInput: where the file has none.
    """
    try:
        return dict(stored(RESULTS)["rows"][AS.get(row, row)]["peers"][name]["chosen"])
    except KeyError:
        raise BadInput(f"{RESULTS.name} has no settings of {name} for {row}; tune with `{COMMAND}`") from None


def tuned(row: str, names: tuple[str, ...]) -> list[Peer]:
    """The installed peers among some, with the settings of a row."""
    return [
        with_settings(peer, chosen(row, peer.name)) for peer in PEERS if peer.name in names and peer.installed
    ]


def with_settings(peer: Peer, settings: Settings) -> Peer:
    """A peer that runs with settings; a list of two numbers or names is what the library takes as a tuple."""
    given = {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}
    return replace(peer, run=partial(TUNABLE[peer.name], **given))
