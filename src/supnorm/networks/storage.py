"""Networks on disk: an ``.npz`` with plain arrays and one JSON string. Nothing is pickled or unpickled."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from supnorm.networks.architecture import Architecture
from supnorm.networks.scaling import Scaling
from supnorm.results import BadInput, write_whole

if TYPE_CHECKING:
    from supnorm.networks.network import Network

FORMAT = "supnorm.network/1"
SCALES = ("input_shift", "input_scale", "output_shift", "output_scale")


def save(network: Network, path: Path | str) -> None:
    """Write ``network`` to ``path`` (ending in ``.npz``), whole or not at all.

    Raises:
        BadInput: when the name does not end in ``.npz``.
    """
    if Path(path).suffix != ".npz":
        raise BadInput(f"{path}: a network is saved as .npz; give a name that ends in .npz")
    a = network.architecture
    metadata = {
        "format": FORMAT, "name": network.name, "inputs": network.inputs, "outputs": network.outputs,
        "d": a.d, "m": a.m, "widths": a.widths, "activations": a.activations, "residual": a.residual,
        "fourier": a.fourier, "log": network.scaling.log,
    }  # fmt: skip
    arrays: dict[str, Any] = {name: getattr(network.scaling, name) for name in SCALES}
    arrays["frequencies"] = network.frequencies
    for i, (weights, bias) in enumerate(network.layers):
        arrays[f"W{i}"], arrays[f"b{i}"] = weights, bias
    buffer = io.BytesIO()
    np.savez(buffer, metadata=np.array(json.dumps(metadata)), **arrays)
    write_whole(path, buffer.getvalue())


def load(path: Path | str) -> Network:
    """Read a network written by `save`.

    Raises:
        BadInput: when the file is missing, is not an ``.npz``, was not written by `save`, or is damaged.
    """
    from supnorm.networks.network import Network

    arrays, metadata = read_archive(Path(path))
    if metadata.get("format") != FORMAT:
        found = metadata.get("format")
        raise BadInput(f"{path}: not a network of supnorm ({FORMAT}); its format is {found!r}")
    try:
        architecture = Architecture(
            metadata["d"], metadata["m"], tuple(metadata["widths"]), tuple(metadata["activations"]),
            metadata["residual"], metadata["fourier"],
        )  # fmt: skip
        s: list[Any] = [arrays[name] for name in SCALES]
        scaling = Scaling(s[0], s[1], s[2], s[3], tuple(metadata["log"]))
        layers = tuple((arrays[f"W{i}"], arrays[f"b{i}"]) for i in range(len(architecture.shapes)))
        names = tuple(metadata["inputs"]), tuple(metadata["outputs"])
        network = Network(architecture, scaling, layers, arrays["frequencies"], *names, metadata["name"])
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{path}: damaged network file ({error}); save the network again") from None
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from None
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
    arrays = _arrays(path)
    wrong = f"{path}: an .npz file, but not a model of supnorm"
    if "metadata" not in arrays:
        raise BadInput(f"{wrong}; it holds {', '.join(sorted(arrays)[:8]) or 'nothing'}")
    try:
        return arrays, dict(json.loads(str(arrays["metadata"])))
    except (ValueError, TypeError):
        raise BadInput(f"{wrong}; its metadata cannot be read") from None


def _arrays(path: Path) -> dict[str, Any]:
    wrong = f"{path}: not an .npz file of arrays; networks are written by Network.save"
    try:
        content = io.BytesIO(path.read_bytes())
        if content.getvalue()[:4] != b"PK\x03\x04":  # a zip archive
            raise BadInput(wrong)
        with np.load(content, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file; give an .npz written by Network.save") from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror or error}") from None
    except (ValueError, zipfile.BadZipFile, EOFError, AttributeError):
        raise BadInput(wrong) from None
