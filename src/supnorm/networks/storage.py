"""Networks on disk: an ``.npz`` with plain arrays and one JSON string. Nothing is pickled or unpickled."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from supnorm.networks.architecture import Architecture
from supnorm.networks.archive import Archive, Words, read_archive
from supnorm.networks.network import Network
from supnorm.networks.part import Part
from supnorm.networks.scaling import Scaling
from supnorm.results import BadInput, write_whole
from supnorm.results.printable import one_line

PLAIN = "supnorm.network/1"
MODULAR = "supnorm.modular-network/1"
SCALES = ("input_shift", "input_scale", "output_shift", "output_scale")


class PartWords(Words):
    """Of one part; in files of version 0.1 it has names and a scaling that had no effect."""

    d: int
    m: int
    widths: tuple[int, ...]
    activations: tuple[str, ...]
    residual: bool
    fourier: int
    name: str = ""
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    log: tuple[bool, ...] = ()


class PlainWords(PartWords):
    """Of a plain network: those of its part."""

    format: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    log: tuple[bool, ...]


class ModularWords(Words):
    """Of a composition."""

    format: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    log: tuple[bool, ...]
    takes: tuple[tuple[int, ...], ...]
    parts: tuple[PartWords, ...]


def save(network: Network, path: Path | str) -> None:
    """Write ``network`` to ``path`` (ending in ``.npz``), whole or not at all.

    For a composition, the names of arrays begin with the number of their part.

    Raises:
        BadInput: when the name does not end in ``.npz``.
    """
    _write(path, *packed(network))


def packed(network: Network) -> tuple[dict[str, Any], dict[str, Any]]:
    """The words and the arrays of a network in its file."""
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
    return words, arrays


def load(path: Path | str) -> Network:
    """Read a network written by `save`, plain or modular.

    Raises:
        BadInput: when the file is missing, is not an ``.npz``, was not written by `save`, or is damaged.
    """
    return network_of(read_archive(Path(path)))


def network_of(archive: Archive) -> Network:
    """The network in a file that has been read.

    Raises:
        BadInput: as `load`.
    """
    kind = archive.words.get("format")
    if kind not in (PLAIN, MODULAR):
        shown = one_line(repr(kind), 60)
        raise BadInput(
            f"{archive.path}: not a network of supnorm ({PLAIN}, {MODULAR}); its format is {shown}"
        )
    with archive.faults_named("network"):
        takes: tuple[tuple[int, ...], ...] = ()
        words: PlainWords | ModularWords
        if kind == MODULAR:
            words = whole = archive.checked(ModularWords)
            takes = whole.takes
            parts = tuple(_part(piece, archive, f"part{i}.") for i, piece in enumerate(whole.parts))
        else:
            words = plain = archive.checked(PlainWords)
            parts = (_part(plain, archive, ""),)
        s = [archive.numbers(name) for name in SCALES]
        scaling = Scaling(s[0], s[1], s[2], s[3], words.log)
        archive.demand_all_used()
        return Network(parts, scaling, takes, words.inputs, words.outputs, words.name)


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


def _part(words: PartWords, archive: Archive, start: str) -> Part:
    """A part from its words and the arrays whose names begin with ``start``.

    Files of version 0.1 have a scaling for each part of a composition; it had no effect.
    """
    architecture = Architecture(
        words.d, words.m, words.widths, words.activations, words.residual, words.fourier
    )
    for name in SCALES if start and start + SCALES[0] in archive.arrays else ():
        if (archive.numbers(start + name) != float(name.endswith("scale"))).any() or any(words.log):
            raise BadInput(f"{start}{name}: a part has no scaling of its own; save the network without one")
    count = len(architecture.shapes)
    layers = tuple((archive.numbers(f"{start}W{i}"), archive.numbers(f"{start}b{i}")) for i in range(count))
    frequencies = archive.numbers(f"{start}frequencies")
    if not architecture.fourier and frequencies.size:
        raise BadInput(f"{start}frequencies are {len(frequencies)}, the architecture has none")
    return Part(architecture, layers, frequencies)


def _write(path: Path | str, words: dict[str, Any], arrays: dict[str, Any]) -> None:
    if Path(path).suffix != ".npz":
        raise BadInput(f"{path}: a network is saved as .npz; give a name that ends in .npz")
    buffer = io.BytesIO()
    np.savez(buffer, metadata=np.array(json.dumps(words)), **arrays)
    write_whole(path, buffer.getvalue())
