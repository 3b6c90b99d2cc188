"""Approximators on disk: like networks, an ``.npz`` with plain arrays and one JSON string."""

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
from supnorm.approximants.simplex_interpolation import Simplices
from supnorm.approximants.tensor_train import Train
from supnorm.networks import Network
from supnorm.networks import load as load_network
from supnorm.networks import save as save_network
from supnorm.networks.storage import read_archive
from supnorm.problem import Axis, Domain, Function
from supnorm.results import BadInput, write_whole
from supnorm.results.guard import cause

FORMAT = "supnorm.approximant/1"
SURFACES: dict[str, Any] = {
    c.__name__: c for c in (ChebyshevSeries, GaussianMean, PiecewisePolynomial, Polynomial, Simplices, Train)
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
    """Read what `save` wrote, network or approximator.

    Raises:
        BadInput: when the file is missing, foreign or damaged.
    """
    arrays, metadata = read_archive(Path(path))
    if metadata.get("format") != FORMAT:
        return load_network(path)
    try:
        surface = SURFACES[metadata["surface"]]
        parts: dict[str, Any] = dict(metadata["words"])
        for f in fields(surface):
            if f.name in arrays:
                parts[f.name] = arrays[f.name]
            elif f"{f.name}.0" in arrays:
                count = sum(k.startswith(f"{f.name}.") for k in arrays)
                parts[f.name] = tuple(arrays[f"{f.name}.{i}"] for i in range(count))
        axes: dict[str, Any] = {
            n: Axis(a["low"], a["high"], a["unit"], a["scale"], a["values"] and tuple(a["values"]))
            for n, a in metadata["axes"].items()
        }
        outputs = tuple(metadata["outputs"])
        return SurfaceModel(surface(**parts), Domain.from_axes(axes), outputs, metadata["name"])
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from None
    except Exception as error:  # any exception that its contents cause in our code means a damaged file
        raise BadInput(f"{path}: damaged approximator file ({cause(error)}); save it again") from None


def load_function(path: Path | str) -> Function:
    """The saved model as a `Function`."""
    return load(path).as_function()
