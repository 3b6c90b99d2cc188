"""What models with networks beside them share (`patched.py`, `summed.py`): the function that they are, and their files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from supnorm.networks import Network
from supnorm.networks.storage import save
from supnorm.problem import Function
from supnorm.problem.coded import Coded
from supnorm.problem.function import Pullback
from supnorm.results import BadInput

Array = NDArray[np.float64]
Made = Callable[[Function, Sequence[Network]], Function]


class Corrected(Protocol):
    """A model with networks beside it."""

    @property
    def base(self) -> Function:
        """The model without them."""

    def value(self, x: Array) -> Array:
        """Values at ``x (n, d)``, shape ``(n, m)``."""

    def vjp(self, x: Array) -> tuple[Array, Pullback]:
        """Values and pullback."""


def corrected_function(model: Corrected, networks: Sequence[Network], make: Made) -> Function:
    """The model as a `Function`; where the base can be made again in another process, ``make`` adds the networks there."""
    base = model.base
    again = base.remake is not None and base.parallel == "process"
    return Function(
        Coded(model.value, model, "composed"),
        inputs=base.inputs,
        outputs=base.outputs,
        output_units=base.output_units,
        name=base.name,
        vjp=None if base.vjp is None else model.vjp,
        precision=base.precision,
        parallel=base.parallel if again else "none",
        remake=partial(_remade, make, base.remake, networks) if again and base.remake else None,
        notes=base.notes,
    )


def _remade(make: Made, base: Callable[[], Any], networks: Sequence[Network]) -> Function:
    return make(base(), networks)


def demand_outputs(network: Network, m: int, kind: str) -> None:
    """Refuse a network with another number of outputs than the model: one output would be added to all.

    Raises:
        BadInput: naming it.
    """
    if network.m != m:
        raise BadInput(
            f"{network.name or f'a {kind}'} corrects {network.m} outputs, the model has {m}: give its own {kind}"
        )


def save_numbered(networks: Sequence[Network], folder: Path, kind: str) -> tuple[str, ...]:
    """Write each network, ``patch-1.npz`` and so on for the kind "patch"; the names of the files."""
    names = [f"{kind}-{k + 1}.npz" for k in range(len(networks))]
    for name, network in zip(names, networks, strict=True):
        save(network, folder / name)
    return tuple(names)
