"""Approximators on disk: an ``.npz`` with plain arrays and one JSON string, as for networks."""

from __future__ import annotations

import io
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from supnorm.approximants.approximation import SurfaceModel
from supnorm.approximants.basis import Polynomial
from supnorm.approximants.chebyshev_tensor import ChebyshevSeries
from supnorm.approximants.gaussian_process import GaussianMean
from supnorm.approximants.piecewise_chebyshev import PiecewisePolynomial
from supnorm.approximants.rational import Barycentric, PartialFractions
from supnorm.approximants.simplex_interpolation import Simplices
from supnorm.approximants.tensor_train import Train
from supnorm.networks import Network
from supnorm.networks import save as save_network
from supnorm.networks.archive import Archive, Words, read_archive
from supnorm.networks.storage import network_of
from supnorm.problem import Axis, Domain, Function
from supnorm.results import BadInput, write_whole
from supnorm.results.printable import one_line

FORMAT = "supnorm.approximant/1"


class AxisWords(Words):
    """Of an input."""

    low: float
    high: float
    unit: str
    scale: str
    values: tuple[float, ...] | None


class ApproximatorWords(Words):
    """Of an approximator; ``words`` are the fields of its surface that are no arrays."""

    format: str
    surface: str
    words: dict[str, int | str]
    axes: dict[str, AxisWords]
    outputs: tuple[str, ...]
    name: str


SURFACES: dict[str, Any] = {
    c.__name__: c
    for c in (
        Barycentric,
        ChebyshevSeries,
        GaussianMean,
        PartialFractions,
        PiecewisePolynomial,
        Polynomial,
        Simplices,
        Train,
    )
}


def save(model: Network | SurfaceModel, path: Path | str) -> None:
    """Write a network or an approximator as ``.npz``.

    Raises:
        BadInput: when the name does not end in ``.npz``.
    """
    if isinstance(model, Network):
        save_network(model, path)
        return
    if Path(path).suffix != ".npz":
        raise BadInput(f"{path}: an approximator is saved as .npz; give a name that ends in .npz")
    words, arrays = {}, {}
    for f in fields(model.surface):  # type: ignore[arg-type]
        value = getattr(model.surface, f.name)
        if isinstance(value, tuple):
            arrays.update({f"{f.name}.{i}": part for i, part in enumerate(value)})
        elif isinstance(value, np.ndarray):
            arrays[f.name] = value
        else:
            words[f.name] = value
    axes = {
        name: {"low": a.low, "high": a.high, "unit": a.unit, "scale": a.scale, "values": a.values}
        for name, a in zip(model.domain.names, model.domain.axes, strict=True)
    }
    metadata = {
        "format": FORMAT,
        "surface": type(model.surface).__name__,
        "words": words,
        "axes": axes,
        "outputs": model.outputs,
        "name": model.name,
    }
    buffer = io.BytesIO()
    np.savez(buffer, metadata=np.array(json.dumps(metadata)), **arrays)
    write_whole(path, buffer.getvalue())


def load(path: Path | str) -> Network | SurfaceModel:
    """Read a network or an approximator that `save` wrote.

    Raises:
        BadInput: when the file is missing, was not written by `save`, or is damaged.
    """
    archive = read_archive(Path(path))
    if archive.words.get("format") != FORMAT:
        return network_of(archive)
    with archive.faults_named("approximator"):
        words = archive.checked(ApproximatorWords)
        if words.surface not in SURFACES:
            raise BadInput(f"surface is {one_line(repr(words.surface), 60)}, none of {', '.join(SURFACES)}")
        surface = _surface(SURFACES[words.surface], archive, words.words)
        axes: dict[str, Any] = {
            n: Axis(a.low, a.high, a.unit, a.scale, a.values or None) for n, a in words.axes.items()
        }
        model = SurfaceModel(surface, Domain.from_axes(axes), words.outputs, words.name)
        if fault := surface.fault(model.d):
            raise BadInput(f"{words.surface}: {fault}")
        if words.outputs and len(words.outputs) != surface.m:
            raise BadInput(f"{surface.m} outputs, but {len(words.outputs)} names for them")
        archive.demand_all_used()
        return model


def _surface(kind: Any, archive: Archive, words: dict[str, int | str]) -> Any:
    """A surface from its arrays and words, each of the type that its field has."""
    parts: dict[str, Any] = {}
    left = dict(words)
    for f in fields(kind):
        if f.type == "Array":
            parts[f.name] = archive.numbers(f.name)
        elif f.type == "Indices":
            parts[f.name] = archive.whole(f.name)
        elif f.type == "tuple[Array, ...]":
            count = sum(name.startswith(f"{f.name}.") for name in archive.arrays)
            parts[f.name] = tuple(archive.numbers(f"{f.name}.{i}") for i in range(count))
        else:
            parts[f.name] = left.pop(f.name)
            if type(parts[f.name]).__name__ != f.type:
                raise BadInput(f"words.{f.name}: {one_line(repr(parts[f.name]), 60)} is no {f.type}")
    if left:
        raise BadInput(f"words: {', '.join(one_line(name, 40) for name in left)} is of no use")
    return kind(**parts)


def load_function(path: Path | str) -> Function:
    """The saved model as a `Function`."""
    return load(path).as_function()
