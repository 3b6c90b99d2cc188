"""Networks on disk: an ``.npz`` with plain arrays and one JSON string. Nothing is pickled or unpickled."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from supnorm.networks.architecture import Architecture
from supnorm.networks.scaling import Scaling
from supnorm.results import BadInput, write_whole
from supnorm.results.arrays import read_arrays
from supnorm.results.guard import cause, demand_depth

if TYPE_CHECKING:
    from supnorm.networks.modular import ModularNetwork
    from supnorm.networks.network import Network

FORMAT = "supnorm.network/1"
MODULAR = "supnorm.modular-network/1"
SCALES = ("input_shift", "input_scale", "output_shift", "output_scale")


def save(network: Network, path: Path | str) -> None:
    """Write ``network`` to ``path`` (ending in ``.npz``), whole or not at all.

    Raises:
        BadInput: when the name does not end in ``.npz``.
    """
    words, arrays = _packed(network)
    _write(path, {"format": FORMAT, **words}, arrays)


def save_modular(network: ModularNetwork, path: Path | str) -> None:
    """Write a modular network; each part's arrays have its number before their names.

    Raises:
        BadInput: when the name does not end in ``.npz``.
    """
    packed = [_packed(part) for part in network.parts]
    words = {
        "format": MODULAR, "name": network.name, "inputs": network.inputs, "outputs": network.outputs,
        "takes": network.takes, "parts": [w for w, _ in packed], "log": network.scaling.log,
    }  # fmt: skip
    arrays: dict[str, Any] = {name: getattr(network.scaling, name) for name in SCALES}
    for i, (_, own) in enumerate(packed):
        arrays.update({f"part{i}.{name}": array for name, array in own.items()})
    _write(path, words, arrays)


def load(path: Path | str) -> Network:
    """Read a network written by `save`.

    Raises:
        BadInput: when the file is missing, is not an ``.npz``, was not written by `save`, or is damaged.
    """
    arrays, metadata = read_archive(Path(path))
    if metadata.get("format") != FORMAT:
        found = metadata.get("format")
        raise BadInput(f"{path}: not a network of supnorm ({FORMAT}); its format is {found!r}")
    with _damage_named(path):
        network = _unpacked(metadata, arrays)
    return _finite(path, network)


def load_modular(path: Path | str) -> ModularNetwork:
    """Read a network written by `save_modular`.

    Raises:
        BadInput: as `load`.
    """
    from supnorm.networks.modular import ModularNetwork

    arrays, metadata = read_archive(Path(path))
    if metadata.get("format") != MODULAR:
        found = metadata.get("format")
        raise BadInput(f"{path}: not a modular network of supnorm ({MODULAR}); its format is {found!r}")
    with _damage_named(path):
        parts = []
        for i, words in enumerate(metadata["parts"]):
            start = f"part{i}."
            own = {name.removeprefix(start): a for name, a in arrays.items() if name.startswith(start)}
            parts.append(_unpacked(words, own))
        takes = tuple(tuple(map(int, group)) for group in metadata["takes"])
        names = tuple(metadata["inputs"]), tuple(metadata["outputs"])
        network = ModularNetwork(takes, tuple(parts), _scaling(metadata, arrays), *names, metadata["name"])
    return _finite(path, network)


def load_any(path: Path | str) -> Network | ModularNetwork:
    """Read a network of either kind.

    Raises:
        BadInput: as `load`.
    """
    modular = read_archive(Path(path))[1].get("format") == MODULAR
    return load_modular(path) if modular else load(path)


def _packed(network: Network) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a network consists of: words for the JSON line, and arrays."""
    a = network.architecture
    words = {
        "name": network.name, "inputs": network.inputs, "outputs": network.outputs,
        "d": a.d, "m": a.m, "widths": a.widths, "activations": a.activations, "residual": a.residual,
        "fourier": a.fourier, "log": network.scaling.log,
    }  # fmt: skip
    arrays: dict[str, Any] = {name: getattr(network.scaling, name) for name in SCALES}
    arrays["frequencies"] = network.frequencies
    for i, (weights, bias) in enumerate(network.layers):
        arrays[f"W{i}"], arrays[f"b{i}"] = weights, bias
    return words, arrays


def _unpacked(words: dict[str, Any], arrays: dict[str, Any]) -> Network:
    from supnorm.networks.network import Network

    architecture = Architecture(
        words["d"], words["m"], tuple(words["widths"]), tuple(words["activations"]), words["residual"],
        words["fourier"],
    )  # fmt: skip
    layers = tuple((arrays[f"W{i}"], arrays[f"b{i}"]) for i in range(len(architecture.shapes)))
    names = tuple(words["inputs"]), tuple(words["outputs"])
    return Network(
        architecture, _scaling(words, arrays), layers, arrays["frequencies"], *names, words["name"]
    )


def _scaling(words: dict[str, Any], arrays: dict[str, Any]) -> Scaling:
    s: list[Any] = [arrays[name] for name in SCALES]
    return Scaling(s[0], s[1], s[2], s[3], tuple(words["log"]))


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
    except Exception as error:  # whatever its contents make of our own code is the file's fault
        raise BadInput(f"{path}: damaged network file ({cause(error)}); save the network again") from None


N = TypeVar("N", "Network", "ModularNetwork")


def _finite(path: Path | str, network: N) -> N:
    if not np.isfinite(network.flat).all():
        raise BadInput(
            f"{path}: the network has parameters that are NaN or infinite; train and save it again"
        )
    return network


def read_archive(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arrays and metadata of an ``.npz`` of ours; nothing is unpickled.

    Raises:
        BadInput: when the file is missing, not an ``.npz``, or has no metadata of ours.
    """
    arrays = read_arrays(path, hint=": not an .npz file of arrays; networks are written by Network.save")
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
