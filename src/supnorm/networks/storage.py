"""Networks on disk: an ``.npz`` with plain arrays and one JSON string. Nothing is pickled or unpickled."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from supnorm.networks.architecture import Architecture
from supnorm.networks.network import Network
from supnorm.networks.part import Part
from supnorm.networks.scaling import Scaling
from supnorm.results import BadInput, write_whole
from supnorm.results.arrays import read_arrays
from supnorm.results.guard import cause, demand_depth

PLAIN = "supnorm.network/1"
MODULAR = "supnorm.modular-network/1"
SCALES = ("input_shift", "input_scale", "output_shift", "output_scale")


def save(network: Network, path: Path | str) -> None:
    """Write ``network`` to ``path`` (ending in ``.npz``), whole or not at all.

    The arrays of each part of a composition have its number before their names.

    Raises:
        BadInput: when the name does not end in ``.npz``.
    """
    words: dict[str, Any] = {"format": MODULAR if network.takes else PLAIN}
    words |= {"name": network.name, "inputs": network.inputs, "outputs": network.outputs}
    parts = [_words(part) for part in network.parts]
    words |= {"takes": network.takes, "parts": parts} if network.takes else parts[0]
    words["log"] = network.scaling.log
    arrays: dict[str, Any] = {name: getattr(network.scaling, name) for name in SCALES}
    for i, part in enumerate(network.parts):
        start = f"part{i}." if network.takes else ""
        arrays[start + "frequencies"] = part.frequencies
        for k, (weights, bias) in enumerate(part.layers):
            arrays[f"{start}W{k}"], arrays[f"{start}b{k}"] = weights, bias
    _write(path, words, arrays)


def load(path: Path | str) -> Network:
    """Read a network written by `save`, plain or modular.

    Raises:
        BadInput: when the file is missing, is not an ``.npz``, was not written by `save`, or is damaged.
    """
    arrays, words = read_archive(Path(path))
    kind = words.get("format")
    if kind not in (PLAIN, MODULAR):
        raise BadInput(f"{path}: not a network of supnorm ({PLAIN}, {MODULAR}); its format is {kind!r}")
    with _damage_named(path):
        takes = tuple(tuple(map(int, group)) for group in words["takes"]) if kind == MODULAR else ()
        pieces = words["parts"] if kind == MODULAR else [words]
        parts = tuple(
            _part(piece, arrays, f"part{i}." if kind == MODULAR else "") for i, piece in enumerate(pieces)
        )
        s: list[Any] = [arrays[name] for name in SCALES]
        scaling = Scaling(s[0], s[1], s[2], s[3], tuple(words["log"]))
        names = tuple(words["inputs"]), tuple(words["outputs"])
        network = Network(parts, scaling, takes, *names, words["name"])
    if not np.isfinite(network.flat).all():
        raise BadInput(
            f"{path}: the network has parameters that are NaN or infinite; train and save it again"
        )
    return network


def _words(part: Part) -> dict[str, Any]:
    a = part.architecture
    return {
        "d": a.d,
        "m": a.m,
        "widths": a.widths,
        "activations": a.activations,
        "residual": a.residual,
        "fourier": a.fourier,
    }


def _part(words: dict[str, Any], arrays: dict[str, Any], start: str) -> Part:
    """A part from its words and the arrays whose names begin with ``start``.

    Files of version 0.1 hold a scaling for each part of a composition, which had no effect.
    """
    names = ("d", "m", "widths", "activations", "residual", "fourier")
    d, m, widths, activations, residual, fourier = (words[name] for name in names)
    architecture = Architecture(d, m, tuple(widths), tuple(activations), residual, fourier)
    for name in SCALES if start and start + SCALES[0] in arrays else ():
        if (arrays[start + name] != float(name.endswith("scale"))).any() or any(words["log"]):
            raise BadInput(f"{start}{name}: a part has no scaling of its own; save the network without one")
    layers = tuple((arrays[f"{start}W{i}"], arrays[f"{start}b{i}"]) for i in range(len(architecture.shapes)))
    return Part(architecture, layers, arrays[start + "frequencies"])


def _write(path: Path | str, words: dict[str, Any], arrays: dict[str, Any]) -> None:
    if Path(path).suffix != ".npz":
        raise BadInput(f"{path}: a network is saved as .npz; give a name that ends in .npz")
    buffer = io.BytesIO()
    np.savez(buffer, metadata=np.array(json.dumps(words)), **arrays)
    write_whole(path, buffer.getvalue())


@contextmanager
def _damage_named(path: Path | str) -> Iterator[None]:
    try:
        yield
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from None
    except Exception as error:  # any exception that its contents cause in our code means a damaged file
        raise BadInput(f"{path}: damaged network file ({cause(error)}); save the network again") from None


def read_archive(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arrays and metadata of an ``.npz`` that supnorm has written; nothing is unpickled.

    Raises:
        BadInput: when the file is missing, not an ``.npz``, or has no metadata of ours.
    """
    arrays = read_arrays(
        path, hint=": not an .npz file of arrays; networks are written by supnorm.networks.save"
    )
    wrong = f"{path}: an .npz file, but not a model of supnorm"
    if "metadata" not in arrays:
        raise BadInput(
            f"{wrong}; it holds {', '.join(sorted(arrays)[:8]) or 'nothing'}; computed values are given as .csv, "
            ".parquet or .nc"
        )
    try:
        metadata = dict(json.loads(str(arrays["metadata"])))
        demand_depth(metadata)
        return arrays, metadata
    except (ValueError, TypeError, RecursionError):
        raise BadInput(f"{wrong}; its metadata cannot be read") from None
