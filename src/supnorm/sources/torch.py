"""PyTorch modules and functions as they are deployed: in their own precision and mode, with derivative.

A module is never switched to evaluation mode or to another precision in silence: the worst error of a model
is about the model that runs. Its inputs are cast to the precision of its weights. Where that is float32,
values carry a rounding of about 1e-7 of their size, and a note says so.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.problem import Function, as_columns
from supnorm.problem.function import Pullback
from supnorm.results import BadInput
from supnorm.sources.batching import in_batches

Array = NDArray[np.float64]
ROWS = 16_384  # rows of one call: bounds the memory of a large network


def rounding_note(precision: str) -> tuple[str, ...]:
    """What a model in this precision limits, as lines for the user.

    >>> rounding_note("float64")
    ()
    """
    digits = {"float32": "1e-7", "float16": "1e-3", "bfloat16": "1e-2"}
    if precision not in digits:
        return ()
    return (
        f"the model runs in {precision}: its values are rounded to about {digits[precision]} of their size, "
        "smaller errors cannot be told from rounding",
    )


def from_torch(
    function: Callable[[Any], Any],
    *,
    name: str = "",
    precision: str | None = None,
    device: str = "cpu",
    rows: int = ROWS,
) -> Function:
    """A torch module or function of batches as a `Function` with a derivative.

    Args:
        function: a ``torch.nn.Module``, or a function ``(n, d) -> (n,)`` or ``(n, m)`` of tensors.
        name: what messages call it.
        precision: ``"float64"`` or ``"float32"``: run a copy of the module in it; a note then names the
            copy. By default the module's own precision; float64 for a function.
        device: where it runs, such as ``"cpu"`` or ``"cuda"``.
        rows: most points of one call.

    Raises:
        BadInput: for a device that is not there; at a call, for a result that does not fit the points.

    >>> import torch
    >>> layer = torch.nn.Linear(2, 1, bias=False, dtype=torch.float64)
    >>> f = from_torch(layer)
    >>> y, pull = f.vjp(np.array([[1.0, 2.0]]))
    >>> bool(np.allclose(pull(np.ones((1, 1))), layer.weight.detach().numpy()))
    True
    """
    import torch

    label = name or getattr(function, "__name__", type(function).__name__)
    where = _device(device, label)
    model: Any = function
    notes: tuple[str, ...] = ()
    if isinstance(function, torch.nn.Module):
        own = dtype_of(function)
        dtype = getattr(torch, precision) if precision else own
        if dtype != own:
            model = copy.deepcopy(function).to(dtype)
            notes = (f"{label} was audited as a copy in {precision}; it is stored in {_word(own)}",)
        model = model.to(where) if where.type != "cpu" else model
    else:
        dtype = getattr(torch, precision or "float64")

    def tensor(x: Array) -> Any:
        return torch.as_tensor(x).to(device=where, dtype=dtype)

    def columns(x: Any, n: int) -> Any:
        y = model(x)
        if not isinstance(y, torch.Tensor):
            raise BadInput(f"{label} must return one tensor, got {type(y).__name__}")
        y = y[:, None] if tuple(y.shape) == (n,) else y
        if y.ndim != 2 or len(y) != n:
            raise BadInput(
                f"{label} must return shape ({n},) or ({n}, m) for {n} points, got {tuple(y.shape)}"
            )
        return y

    def value(x: Array) -> Array:
        def call(part: Array) -> Array:
            with torch.no_grad():
                return as_columns(columns(tensor(part), len(part)).cpu().double().numpy(), len(part), label)

        return in_batches(call, x, rows)

    def vjp(x: Array) -> tuple[Array, Pullback]:
        graphs = []
        for start in range(0, len(x), rows):
            leaf = tensor(x[start : start + rows]).requires_grad_(True)
            with torch.enable_grad():
                graphs.append((leaf, columns(leaf, len(leaf))))
        y = np.concatenate([out.detach().cpu().double().numpy() for _, out in graphs])

        def pull(weights: Array) -> Array:
            slopes = []
            start = 0
            for leaf, out in graphs:
                w = torch.as_tensor(weights[start : start + len(leaf)]).to(out)
                start += len(leaf)
                slopes.append(_gradient(leaf, out, w))
            return np.concatenate(slopes)

        return y, pull

    word = _word(dtype)
    return Function(value, name=label, vjp=vjp, precision=word, notes=notes + rounding_note(word))


def _gradient(leaf: Any, out: Any, weights: Any) -> Array:
    import torch

    if not out.requires_grad:
        return np.zeros(tuple(leaf.shape))
    (slope,) = torch.autograd.grad(out, leaf, weights, retain_graph=True, allow_unused=True)
    if slope is None:
        return np.zeros(tuple(leaf.shape))
    return np.asarray(slope.cpu().double().numpy())


def dtype_of(module: Any) -> Any:
    """The floating dtype of a module's weights; float64 for a module without any."""
    import itertools

    import torch

    for weight in itertools.chain(module.parameters(), module.buffers()):
        if weight.is_floating_point():
            return weight.dtype
    return torch.float64


def _word(dtype: Any) -> str:
    return str(dtype).removeprefix("torch.")


def _device(device: str, label: str) -> Any:
    import torch

    try:
        where = torch.device(device)
        torch.empty(0, device=where)
    except (RuntimeError, AssertionError) as error:
        raise BadInput(
            f'{label}: device = "{device}" cannot be used ({str(error).splitlines()[0]}); try "cpu"'
        ) from None
    return where


def first_layer(module: Any, probe: Array) -> tuple[Array, Array] | None:
    """Weights and biases of the first linear layer in the inputs' own units, where they can be read.

    The input of the first ``torch.nn.Linear`` that runs is recorded at the probe points; where it is an
    affine map of each input by itself (a normalisation, or nothing), the map is folded into the weights.

    Args:
        module: the network.
        probe: points ``(k, d)`` of the domain, k >= 3 for a check.

    Returns:
        ``(W, b)`` with shapes ``(h, d)`` and ``(h,)``; None where the first layer is something else.
    """
    import torch

    seen: list[tuple[Any, Any]] = []
    hooks = [
        layer.register_forward_pre_hook(lambda this, given: seen.append((this, given[0].detach())))
        for layer in module.modules()
        if isinstance(layer, torch.nn.Linear)
    ]
    weight = next(module.parameters(), None)
    if not hooks or weight is None or len(probe) < 3:
        return None
    try:
        with torch.no_grad():
            module(torch.as_tensor(probe).to(weight))
    except Exception:  # wrong width and the like: the first evaluation says it better
        return None
    finally:
        for hook in hooks:
            hook.remove()
    if not seen or tuple(seen[0][1].shape) != probe.shape:
        return None
    layer, given = seen[0]
    stretch = _affine_by_column(
        probe, given.cpu().double().numpy(), 1e-12 if weight.dtype == torch.float64 else 1e-5
    )
    if stretch is None:
        return None
    slope, shift = stretch
    w = layer.weight.detach().cpu().double().numpy()
    b = np.zeros(len(w)) if layer.bias is None else layer.bias.detach().cpu().double().numpy()
    return w * slope, b + w @ shift


def _affine_by_column(x: Array, z: Array, rounding: float) -> tuple[Array, Array] | None:
    """``(slope, shift)`` with z = slope x + shift in every column, or None."""
    low, high = x.argmin(axis=0), x.argmax(axis=0)
    columns = np.arange(x.shape[1])
    spread = x[high, columns] - x[low, columns]
    if not np.all(spread > 0):
        return None
    slope = (z[high, columns] - z[low, columns]) / spread
    shift = z[low, columns] - slope * x[low, columns]
    size = np.abs(z).max(axis=0) + np.abs(slope) * np.abs(x).max(axis=0)
    return (slope, shift) if np.all(np.abs(slope * x + shift - z) <= rounding * size) else None
