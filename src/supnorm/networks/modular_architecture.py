"""The shape of a modular network: its parts and the channels that each takes."""

from __future__ import annotations

from dataclasses import dataclass

from supnorm.networks.architecture import Architecture
from supnorm.results import BadInput

Takes = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class ModularArchitecture:
    """The parts of a modular network and the channels that each takes.

    Args:
        d: number of inputs.
        takes: for each part the channels it sees: inputs from 0, then outputs of earlier parts from ``d``.
        parts: their architectures; the outputs of the last one are those of the whole.

    Raises:
        BadInput: when a part takes a channel that does not exist yet, one twice, or not as many as its inputs.
    """

    d: int
    takes: Takes
    parts: tuple[Architecture, ...]

    def __post_init__(self) -> None:
        if not self.parts or len(self.parts) != len(self.takes):
            raise BadInput(
                f"one group of channels per part: {len(self.parts)} parts, {len(self.takes)} groups"
            )
        known = self.d
        for i, (takes, part) in enumerate(zip(self.takes, self.parts, strict=True)):
            unknown = [c for c in takes if not 0 <= c < known]
            if unknown or len(set(takes)) != len(takes) or len(takes) != part.d:
                raise BadInput(
                    f"part {i + 1} takes {part.d} different channels below {known} "
                    f"(inputs, then outputs of earlier parts), got {takes}"
                )
            known += part.m

    @property
    def m(self) -> int:
        """Number of outputs."""
        return self.parts[-1].m

    @property
    def size(self) -> int:
        """Number of trained parameters."""
        return sum(part.size for part in self.parts)

    @property
    def widths(self) -> tuple[int, ...]:
        """Hidden widths of all parts, one after the other."""
        return tuple(w for part in self.parts for w in part.widths)
