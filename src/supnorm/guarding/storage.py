"""Reads a guard that `saving` wrote. Nothing is unpickled."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator

from supnorm.evaluation.guarded import values_of
from supnorm.guarding.cells import ProvedCells, demand_program
from supnorm.guarding.guard import Guard
from supnorm.guarding.layers import (
    Cuts,
    DataDistance,
    Disagreement,
    KnownGlitches,
    Layer,
    LearnedError,
    SecondModel,
)
from supnorm.guarding.saving import FORMAT, digest
from supnorm.mending.regions import Ellipsoid
from supnorm.networks import Network
from supnorm.networks.archive import Archive, Words, read_archive
from supnorm.networks.storage import network_of
from supnorm.problem import Axis, Domain, Function
from supnorm.problem.function import as_function
from supnorm.results import BadInput
from supnorm.results.guard import cause
from supnorm.results.guarding import GuardRecord

Array = NDArray[np.float64]
# Of the values: up to this the model gives what the file says, on any machine; in single precision less exactly.
SAME, SAME_NARROW = 1e-6, 1e-3


class SecondWords(Words):
    """How the second model's error is measured; see `SecondModel`."""

    weights: tuple[float, ...]
    floor: float | None
    sign: float


# A layer may give nearly all inputs an infinite score: then its cut is infinite, and it rejects none of them.
Number = Annotated[float, BeforeValidator(lambda value: math.inf if value == "inf" else value)]


class GuardWords(Words):
    """The JSON part of the file."""

    format: str
    layers: tuple[str, ...]
    cuts: tuple[Number, ...]
    typical: float
    rivals: int
    factor: Number
    networks: tuple[dict[str, Any], ...]
    record: dict[str, Any]
    program: str = ""  # hashes of the two programs between which the error of its cells is proved
    reference: str = ""
    digest: str = ""  # a file without one is refused: taking it away would be the way to edit any
    second: SecondWords | None = None


def load(path: Path, model: Any, reference: Any) -> Guard:
    """Read a file for a model; see `supnorm.load_guard`."""
    archive = read_archive(path)
    if archive.words.get("format") != FORMAT:
        raise BadInput(f"{path}: not a guard of supnorm; give the file that Guard.save wrote")
    with archive.faults_named("guard"):
        words = archive.checked(GuardWords)
        whole = {name: array for name, array in archive.arrays.items() if name != "metadata"}
        if words.digest != digest(archive.words, whole):  # older files have none
            raise BadInput("it was changed after Guard.save wrote it; make the guard again")
        # Older files have no choice.
        record = GuardRecord.from_dict({"choice": None, **words.record}, "its record")
        domain = Domain.from_axes(
            {a.name: Axis(a.low, a.high, a.unit, a.scale, a.values or None) for a in record.axes}
        )
        networks = [_network(archive, k, text) for k, text in enumerate(words.networks)]
        layers = tuple(_layer(name, archive, words, domain, networks) for name in words.layers)
        if len(layers) != len(words.cuts) or "learned" not in words.layers:
            raise BadInput("its layers and cuts do not fit each other")
        cells = None
        if "cells_low" in archive.arrays:
            cells = _cells(archive, words, domain)
        archive.demand_all_used()
        x, y = _probe(record, domain)
        cuts = Cuts(layers, words.cuts)
        cuts.reasons(x, y)  # layers that do not fit together fail here, not at the first answer
    function = as_function(model, "model")
    _demand_model(function, x, y, path)
    fallback = None if reference is None else as_function(reference, "reference")
    if cells is not None:
        sides = {"model": (function, cells.model), "reference": (fallback, cells.reference)}
        for what, (side, program) in sides.items():
            if side is not None:
                demand_program(side, domain, program, what, f"{path}: ")
    return Guard(function, fallback, domain, cuts, cells, words.factor, record)


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
        if words.rivals < 1 or len(networks) != 1 + words.rivals + (words.second is not None):
            raise BadInput("its other networks are not as many as it says")
        return Disagreement(tuple(networks[1 : 1 + words.rivals]))
    if name == "second":
        return _second(words, domain, networks)
    raise BadInput(f"it has a layer {name!r}, which this version does not know")


def _second(words: GuardWords, domain: Domain, networks: list[Network]) -> SecondModel:
    second = words.second
    if second is None or len(networks) < 2 or networks[-1].d != domain.d:
        raise BadInput("its second model does not fit the domain")
    if not all(0.0 < w < math.inf for w in second.weights) or len(second.weights) != networks[-1].m:
        raise BadInput("the weights of its second model are not one positive number for each output")
    if second.sign not in (-1.0, 0.0, 1.0) or not (second.floor is None or 0.0 <= second.floor < math.inf):
        raise BadInput("the error of its second model is none that this version knows")
    return SecondModel(networks[-1], second.weights, second.floor, second.sign)


def _cells(archive: Archive, words: GuardWords, domain: Domain) -> ProvedCells:
    """The proved cells of a file.

    Raises:
        BadInput: for boxes that are no cells of this domain, and for a file that does not name both sides of the proof.
    """
    low, high = archive.numbers("cells_low"), archive.numbers("cells_high")
    if not (words.program and words.reference):
        raise BadInput("it does not say for which model and reference its cells are proved; make it again")
    if low.shape != high.shape or low.shape != (len(low), domain.d):
        raise BadInput("its cells do not fit the domain")
    if not ((low >= 0.0) & (low < high) & (high <= 1.0)).all():
        raise BadInput("its cells are not boxes inside of the domain")
    return ProvedCells(low, high, words.program, words.reference)


def _probe(record: GuardRecord, domain: Domain) -> tuple[Array, Array]:
    """The points and values by which the file knows its model, shapes ``(n, d)`` and ``(n, outputs)``.

    Raises:
        BadInput: where there are none, or other numbers of inputs and outputs.
    """
    x, y = (np.array(record.probe[name], dtype=np.float64) for name in ("x", "y"))
    if not len(x) or x.shape != (len(x), domain.d) or y.shape != (len(x), record.outputs):
        raise BadInput("its points and values of the model do not fit the domain and the outputs")
    return x, y


def _demand_model(model: Function, x: Array, y: Array, path: Path) -> None:
    """Check that the model is the one that the guard was made for.

    Raises:
        BadInput: with the point and both values where they differ.
    """
    try:
        given = values_of(model, x, y.shape[1])
        value = np.nan_to_num(given)
    except Exception as error:  # whatever the model of the user raises
        raise BadInput(f"{path}: the model fails at {x[0].tolist()}: {cause(error)}") from None
    apart = SAME if model.precision == "float64" else SAME_NARROW
    if value.shape != y.shape or not np.allclose(
        value, y, rtol=apart, atol=apart * float(np.abs(y).max(initial=0.0))
    ):
        k = 0 if value.shape != y.shape else int(np.argmax(np.abs(value - y).max(axis=1)))
        gives = f"gives {value[k].tolist()}" if np.isfinite(given[k]).all() else "has no value"
        raise BadInput(
            f"{path}: the guard is one of another model: at {x[k].tolist()} this model {gives}, the file says "
            f"{y[k].tolist()}; make a guard for this model"
        )
