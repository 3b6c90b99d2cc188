"""What can be said of each stored result: numbers as the pages print them, and tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reproduce.miniweather import said as miniweather
from reproduce.neuralgcm import said as neuralgcm

from benchmarks.bench import table as bench
from benchmarks.budget import said as budget
from benchmarks.certify import table as certify
from benchmarks.coverage import said as coverage
from benchmarks.examples import said as examples
from benchmarks.fields import said as fields
from benchmarks.fit import said as fit
from benchmarks.guard import said as guard
from benchmarks.mending import attack, worked
from benchmarks.mending import said as mending
from benchmarks.mutants import said as mutants
from benchmarks.power import said as power
from benchmarks.scale import certificates as boxes
from benchmarks.scale import proofs
from benchmarks.scale import said as scale
from benchmarks.search import said as search
from benchmarks.search import scipy_said, tuning_said
from benchmarks.soundness import said as soundness
from reproduce import questions

VALUES: dict[str, Callable[[Any], dict[str, str]]] = {
    "search": search.said,
    "search_tuning": tuning_said.said,
    "functions": search.said_functions,
    "scipy_functions": scipy_said.said,
    "bench": bench.said,
    "overhead": search.overhead,
    "coverage": coverage.said,
    "power": power.said,
    "certify": certify.said,
    "paired": certify.paired,
    "fit": fit.said,
    "compare": fit.compare,
    "verdicts": budget.verdicts,
    "with_curves": budget.with_curves,
    "forecasts": budget.forecasts,
    "dimension": budget.dimension,
    "mending": mending.said,
    "mending_attack": attack.said,
    "mending_worked": worked.said,
    "miniweather": miniweather.said,
    "fields": fields.said,
    "neuralgcm": neuralgcm.said,
    "papers": questions.from_json,
    "guard_fuse": guard.fuse,
    "guard_shadow": guard.shadow,
    "guard_serve": guard.serve,
    "guard_controls": guard.controls,
    "boxes": boxes.said,
    "mutants": mutants.said,
    "soundness": soundness.said,
    "composed": soundness.composed,
    "certify_unseen": certify.unseen,
    "dynamics": certify.dynamics,
    "properties": soundness.properties,
    "hostile": soundness.hostile,
    "special": soundness.special,
    "zeros": soundness.zeros,
    "thresholds": soundness.thresholds,
    "single": soundness.single,
    "tiny": soundness.tiny,
    "certify_small": certify.small,
    "certify_checked": certify.checked,
    "certify_solved": certify.solved,
    "certify_solutions": certify.solutions,
    "roots": soundness.roots,
    "flows": soundness.flows,
    "solutions": soundness.solutions,
    "doors": soundness.doors,
    "fuzz": soundness.fuzz,
    "audits": soundness.audits,
    "scale": scale.efficiency,
    "chaos": scale.chaos,
    "scale_constants": scale.constants,
    "scale_prediction": scale.prediction,
    "scale_start": scale.start,
    "scale_proofs": proofs.said,
    "demo": examples.demo,
    "averages": examples.averages,
    "seawater": examples.seawater,
    "steam": examples.steam,
    "heston": examples.heston,
    "conditional": examples.conditional,
    "airfoil": examples.airfoil,
}
