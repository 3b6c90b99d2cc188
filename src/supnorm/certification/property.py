"""Properties of a model over the whole box, as users write them: ``positive``, ``monotone:p``, ``bounded:0:1@eta``.

    positive            every output is above zero
    bounded:LOW:HIGH    LOW <= outputs <= HIGH; -inf and inf leave a side open
    monotone:p          no output falls as the input p grows; monotone:-p: none rises
    convex:p            outputs are convex in the input p; concave:p
    lipschitz           a proved constant of Lipschitz in the Euclidean norm of the inputs; lipschitz:p in one input

``@NAME`` at the end names one output; without it the property is about each output.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from supnorm.certification.extremes import part_names
from supnorm.problem import Domain
from supnorm.results import BadInput
from supnorm.results.printable import one_line

FORMS = (
    "positive, bounded:LOW:HIGH, monotone:p, monotone:-p, convex:p, concave:p, lipschitz, lipschitz:p (p an input; @NAME at "
    "the end: one output)"
)


@dataclass(frozen=True)
class Property:
    """One property of one output.

    Attributes:
        text: as it was asked for.
        kind: "positive", "bounded", "monotone", "convex" or "lipschitz".
        output: number of the output.
        axis: number of the input; None where the property is about all of them or none.
        sign: -1 for falling and concave, otherwise 1.
        low, high: of "bounded".
    """

    text: str
    kind: str
    output: int
    axis: int | None = None
    sign: int = 1
    low: float = -math.inf
    high: float = math.inf

    @property
    def entry(self) -> dict[str, Any]:
        """As the file has it, without the verdict.

        >>> Property("monotone:-p", "monotone", 0, axis=1, sign=-1).entry
        {'property': 'monotone', 'output': 0, 'axis': 1, 'sign': -1}
        """
        entry: dict[str, Any] = {"property": self.kind, "output": self.output}
        if self.kind == "bounded":
            return entry | {"low": self.low.hex(), "high": self.high.hex()}
        if self.kind in ("monotone", "convex"):
            return entry | {"axis": self.axis, "sign": self.sign}
        return entry if self.kind == "positive" else entry | {"axis": self.axis}

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the parts that it needs."""
        return part_names(self.entry)

    def threshold(self, part: str) -> float:
        """The value that the extreme of a part must not pass."""
        if self.kind == "bounded":
            return self.low if part.startswith("min") else self.high
        return 0.0


def read_properties(texts: Sequence[str], domain: Domain, outputs: Sequence[str]) -> tuple[Property, ...]:
    """The properties that texts name, one for each output that they are about.

    Raises:
        BadInput: naming the text that is no property, or the input or output that does not exist.

    >>> [p.entry for p in read_properties(["bounded:0:2"], Domain(x=(0.0, 1.0)), ["y"])]
    [{'property': 'bounded', 'output': 0, 'low': '0x0.0p+0', 'high': '0x1.0000000000000p+1'}]
    """
    if isinstance(texts, str) or not texts:
        raise BadInput(
            f"give a list of properties, such as ['positive', 'monotone:p']; the forms are {FORMS}"
        )
    read = [p for text in texts for p in _read(text, domain, outputs)]
    entries = [str(p.entry) for p in read]
    return tuple(p for i, p in enumerate(read) if str(p.entry) not in entries[:i])


def _read(text: str, domain: Domain, outputs: Sequence[str]) -> list[Property]:
    if not isinstance(text, str):
        raise BadInput(f"a property is a text, got {text!r}; the forms are {FORMS}")
    words, at, name = text.partition("@")
    if at and name not in outputs:
        raise BadInput(
            f"property {one_line(text, 60)}: there is no output {one_line(name, 40)}; there are {', '.join(outputs)}"
        )
    kind, *rest = words.split(":")
    chosen = [outputs.index(name)] if at else range(len(outputs))
    if kind == "positive" and not rest:
        return [Property(text, kind, k) for k in chosen]
    if kind == "lipschitz" and len(rest) <= 1:
        axis = _axis(rest[0], text, domain) if rest else None
        if axis is None:
            _refuse_discrete(range(domain.d), text, domain)
        return [Property(text, kind, k, axis=axis) for k in chosen]
    if kind == "bounded" and len(rest) == 2:
        low, high = _ends(rest, text)
        return [Property(text, kind, k, low=low, high=high) for k in chosen]
    if kind in ("monotone", "convex", "concave") and len(rest) == 1:
        falls = kind == "monotone" and rest[0].startswith("-") and rest[0] not in domain.names
        axis = _axis(rest[0][falls:], text, domain)
        sign = -1 if falls or kind == "concave" else 1
        return [
            Property(text, "convex" if kind == "concave" else kind, k, axis=axis, sign=sign) for k in chosen
        ]
    raise BadInput(f"{one_line(text, 60)!r} is no property; the forms are {FORMS}")


def _axis(name: str, text: str, domain: Domain) -> int:
    if name not in domain.names:
        raise BadInput(
            f"property {one_line(text, 60)}: there is no input {one_line(name, 40)!r}; there are {', '.join(domain.names)}"
        )
    axis = domain.names.index(name)
    _refuse_discrete([axis], text, domain)
    return axis


def _refuse_discrete(axes: Sequence[int], text: str, domain: Domain) -> None:
    for axis in axes:
        if domain.axes[axis].values is not None:
            raise BadInput(
                f"property {one_line(text, 60)}: the input {domain.names[axis]} has a list of values, so there is no "
                "derivative by it; leave it out, or make it an interval"
            )


def _ends(texts: Sequence[str], text: str) -> tuple[float, float]:
    try:
        low, high = map(float, texts)
    except ValueError:
        low, high = math.nan, math.nan
    if not low <= high or not (math.isfinite(low) or math.isfinite(high)):
        raise BadInput(
            f"property {one_line(text, 60)}: give two numbers, the smaller one first, such as bounded:0:1.5 or "
            "bounded:-inf:0"
        )
    return low, high
