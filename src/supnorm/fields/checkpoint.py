"""What is compared so far, in files: a run that was killed goes on from them with the same numbers."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from supnorm.fields.pairing import Pair
from supnorm.fields.reading import Invalid
from supnorm.fields.seal import demand_sealed, seal_of
from supnorm.fields.work import Share
from supnorm.results import BadInput, write_whole
from supnorm.results.door import faults_of
from supnorm.results.printable import one_line

# Arrays of a state; its lists and numbers are written apart.
ARRAYS = (
    "counts", "histograms", "largest_map", "when", "missing", "outside", "pair_error", "pair_key", "level_error",
    "level_key", "pair_missing", "pair_missing_key", "pair_outside", "pair_outside_key",
)  # fmt: skip
NAMED = 3  # things that changed and are named in a refusal
EVERY = 60.0  # seconds between two checkpoints: one of 0.25 degrees takes 0.2 s
FOLDER = "state"


class Checkpoints:
    """The files of one run.

    Args:
        folder: of the run; None keeps nothing.
        identity: what the run depends on, see `identity_of`; a checkpoint of another run is refused.
    """

    def __init__(self, folder: Path | None, identity: Mapping[str, str]) -> None:
        self._folder = None if folder is None else folder / FOLDER
        self._identity = dict(identity)

    def write(self, number: int, shares: Sequence[Share]) -> None:
        """Write the shares of a variable; each is taken when it is whole, and with a broken one nothing is written."""
        if self._folder is None:
            return
        identity = np.array(json.dumps(self._identity))
        arrays: dict[str, Any] = {"identity": identity, "shares": np.array(len(shares))}
        for i, share in enumerate(shares):
            with share.lock:
                if share.broken:
                    return
                arrays |= {f"{i}.{name}": value.copy() for name, value in _arrays(share).items()}
        buffer = io.BytesIO()
        np.savez(buffer, seal=np.array(seal_of(arrays)), **arrays)
        write_whole(self._folder / f"{number:03d}.npz", buffer.getvalue())

    def read(self, number: int, shares: Sequence[Share]) -> None:
        """Take over what is stored of a variable; nothing if no file is there.

        Raises:
            BadInput: for a file of another run, or a damaged one.
        """
        path = None if self._folder is None else self._folder / f"{number:03d}.npz"
        if path is None or not path.exists():
            return
        try:
            with faults_of(str(path), "is damaged"), np.load(path, allow_pickle=False) as arrays:
                stored = {name: arrays[name] for name in arrays.files}
                changed = self._changed(str(stored["identity"]))
                same = not changed and int(stored["shares"]) == len(shares)
                if same:
                    demand_sealed(stored)
                    for i, share in enumerate(shares):
                        prefix = f"{i}."
                        own = {k.removeprefix(prefix): v for k, v in stored.items() if k.startswith(prefix)}
                        _take(share, own)
        except BadInput as error:
            raise BadInput(f"{error}; delete it and start again without --resume") from None
        if not same:
            raise BadInput(
                f"--resume: {path} belongs to a run of other data or with other options (changed: "
                f"{', '.join(changed[:NAMED]) or 'workers'}); give the same ones, or leave --resume out"
            )

    def _changed(self, held: str) -> list[str]:
        """What another run, with this identity in its file, depended on and this one does not, or the other way."""
        try:
            before = dict(json.loads(held))
        except (ValueError, TypeError):  # of an earlier version
            return ["the version of supnorm"]
        return [name for name in {**self._identity, **before} if self._identity.get(name) != before.get(name)]

    def any(self) -> bool:
        """Whether a checkpoint is there."""
        return self._folder is not None and any(self._folder.glob("*.npz"))

    def clear(self) -> None:
        """Delete the files."""
        if self._folder is not None and self._folder.is_dir():
            # Also what a kill has left of a file that was being written (`write_whole`).
            for path in (*self._folder.glob("*.npz"), *self._folder.glob(".*.npz.*")):
                path.unlink(missing_ok=True)
            with suppress(OSError):  # somebody has put a file of his own there
                self._folder.rmdir()


def _arrays(share: Share) -> dict[str, Any]:
    state, spectrum = share.state, share.spectrum
    state.settled()
    found: dict[str, Any] = {name: getattr(state, name) for name in ARRAYS}
    for prefix, sums in (("sums", state.exact), ("spectrum", spectrum.exact)):
        found |= {f"{prefix}.{name}": value for name, value in sums.stored().items()}
    found["added"] = state.added.bits
    found["numbers"] = np.array(
        [share.done, share.compared, spectrum.fields, spectrum.skipped, state.worst_outside_key]
    )
    found["invalid"] = np.array([(one.n, one.first) for one in share.invalid])
    found["worst"] = np.array(state.worst_outside)
    found["lengths"] = np.array([len(k) for k in state.keys])
    found["keys"], found["errors"] = np.concatenate(state.keys), np.concatenate(state.errors)
    return found


def _take(share: Share, stored: dict[str, Any]) -> None:
    state, spectrum = share.state, share.spectrum
    for name in ARRAYS:
        getattr(state, name)[...] = stored[name]
    for prefix, sums in (("sums", state.exact), ("spectrum", spectrum.exact)):
        sums.take({name: stored[f"{prefix}.{name}"] for name in ("whole", "beyond")})
    state.added.take(stored["added"])
    share.done, share.compared, spectrum.fields, spectrum.skipped, key = map(int, stored["numbers"])
    share.invalid = [Invalid(int(n), int(first)) for n, first in stored["invalid"]]
    state.worst_outside, state.worst_outside_key = float(stored["worst"]), key
    ends = np.cumsum(stored["lengths"])[:-1]
    state.keys, state.errors = np.split(stored["keys"], ends), np.split(stored["errors"], ends)
    state.resumed()


def identity_of(
    pairs: Sequence[Pair], files: Mapping[str, Any], options: Mapping[str, Any]
) -> dict[str, str]:
    """What a checkpoint depends on: a hash of each part, by the words in which a refusal names it.

    The options come first, because other options often make other variables and pairs.

    Args:
        pairs: the variables.
        files: what is known of the data, by side.
        options: by name.
    """
    parts: dict[str, Any] = {"the version of supnorm": 5}  # of a state's file, and of what is listed here
    parts |= {name.replace("_", " "): value for name, value in options.items()}
    parts |= {**files, "the variables": [(p.name, p.truth_name) for p in pairs]}
    for p in pairs:
        sizes = (p.grid.shape, len(p.inits), p.leads, p.levels, p.members)
        parts[f"grid or times of {one_line(p.name, 60)}"] = (*sizes, _pairing_of(p))
    return {name: hashlib.sha256(repr(part).encode()).hexdigest() for name, part in parts.items()}


def _pairing_of(one: Pair) -> str:
    """SHA-256 of the coordinates and weights of a variable, and of which fields of both sides belong together.

    Data in memory have no files whose times tell that these are others, and of long arrays the options show some numbers.
    """
    texts = [one.inits, one.leads, one.lead_values, one.levels, one.members, one.turn, one.mean]
    arrays = {"texts": np.frombuffer(repr(texts).encode(), np.uint8)}
    arrays |= {name: getattr(one.grid, name) for name in ("y", "x", "weights")}
    names = ("truth_init", "truth_lead", "truth_level", "truth_member")
    return seal_of(arrays | {name: getattr(one, name) for name in names})
