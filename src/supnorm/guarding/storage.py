"""Reads a guard that `saving` wrote. Nothing is unpickled."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.guarding.cells import ProvedCells
from supnorm.guarding.guard import Guard
from supnorm.guarding.layers import Cuts, DataDistance, Disagreement, KnownGlitches, Layer, LearnedError
from supnorm.guarding.saving import FORMAT
from supnorm.mending.regions import Ellipsoid
from supnorm.networks import Network
from supnorm.networks.archive import Archive, Words, read_archive
from supnorm.networks.storage import network_of
from supnorm.problem import Axis, Domain, Function
from supnorm.problem.function import as_function
from supnorm.results import BadInput
from supnorm.results.guarding import GuardRecord

Array = NDArray[np.float64]
# Of the values: up to this the model gives what the file says, on any machine; in single precision less exactly.
SAME, SAME_NARROW = 1e-6, 1e-3


class GuardWords(Words):
    """The JSON part of the file."""

    format: str
    layers: tuple[str, ...]
    cuts: tuple[float, ...]
    typical: float
    rivals: int
    factor: float
    networks: tuple[dict[str, Any], ...]
    record: dict[str, Any]


def load(path: Path, model: Any, reference: Any) -> Guard:
    """Read a file for a model; see `supnorm.load_guard`."""
    archive = read_archive(path)
    if archive.words.get("format") != FORMAT:
        raise BadInput(f"{path}: not a guard of supnorm; give the file that Guard.save wrote")
    with archive.faults_named("guard"):
        words = archive.checked(GuardWords)
        record = GuardRecord.from_dict(words.record, "its record")
        domain = Domain.from_axes(
            {a.name: Axis(a.low, a.high, a.unit, a.scale, a.values or None) for a in record.axes}
        )
        networks = [_network(archive, k, text) for k, text in enumerate(words.networks)]
        layers = tuple(_layer(name, archive, words, domain, networks) for name in words.layers)
        if len(layers) != len(words.cuts) or "learned" not in words.layers:
            raise BadInput("its layers and cuts do not fit each other")
        cells = None
        if "cells_low" in archive.arrays:
            cells = ProvedCells(archive.numbers("cells_low"), archive.numbers("cells_high"))
        archive.demand_all_used()
    function = as_function(model, "model")
    _demand_model(function, record, path)
    fallback = None if reference is None else as_function(reference, "reference")
    return Guard(function, fallback, domain, Cuts(layers, words.cuts), cells, words.factor, record)


def _network(archive: Archive, k: int, text: dict[str, Any]) -> Network:
    """A network inside the file; its arrays count as read."""
    start = f"network{k}."
    inside = {name.removeprefix(start): v for name, v in archive.arrays.items() if name.startswith(start)}
    archive.taken.update(start + name for name in inside)
    return network_of(replace(archive, arrays=inside, words=text, taken=set()))


def _layer(name: str, archive: Archive, words: GuardWords, domain: Domain, networks: list[Network]) -> Layer:
    if name == "glitch":
        centres, radii = archive.numbers("centres"), archive.numbers("radii")
        if (
            centres.ndim != 2
            or centres.shape != radii.shape
            or centres.shape[1] != domain.d
            or not (radii > 0).all()
        ):
            raise BadInput("its regions do not fit the domain")
        return KnownGlitches(domain, tuple(Ellipsoid(c, r) for c, r in zip(centres, radii, strict=True)))
    if name == "learned":
        if networks[0].d != domain.d or networks[0].m != 1:
            raise BadInput("its network of the error does not fit the domain")
        return LearnedError(networks[0])
    if name == "distance":
        points = archive.numbers("data")
        if points.ndim != 2 or points.shape[1] != domain.d or not words.typical > 0:
            raise BadInput("its data does not fit the domain")
        return DataDistance(domain, points, words.typical)
    if name == "disagree":
        return Disagreement(tuple(networks[1 : 1 + words.rivals]))
    raise BadInput(f"it has a layer {name!r}, which this version does not know")


def _demand_model(model: Function, record: GuardRecord, path: Path) -> None:
    """Check that the model is the one that the guard was made for.

    Raises:
        BadInput: with the point and both values where they differ.
    """
    x, y = (np.array(record.probe[name], dtype=np.float64) for name in ("x", "y"))
    if not len(x):
        return
    value = np.nan_to_num(model.value(x))
    apart = SAME if model.precision == "float64" else SAME_NARROW
    if value.shape != y.shape or not np.allclose(
        value, y, rtol=apart, atol=apart * float(np.abs(y).max(initial=0.0))
    ):
        k = 0 if value.shape != y.shape else int(np.argmax(np.abs(value - y).max(axis=1)))
        raise BadInput(
            f"{path}: the guard is one of another model: at {x[k].tolist()} this model gives {value[k].tolist()}, the file "
            f"says {y[k].tolist()}; make a guard for this model"
        )
