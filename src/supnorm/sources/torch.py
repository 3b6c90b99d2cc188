"""Calls PyTorch modules and functions as they are deployed: in their precision and mode, with derivatives.

supnorm never switches a module to evaluation mode or to another precision by itself, because the worst error is that of
the model that runs. The inputs are cast to the precision of its weights. In float32, values have a rounding of about 1e-7
of their size, and a note says so.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.problem import Function, as_columns
from supnorm.problem.coded import Coded
from supnorm.problem.function import Pullback
from supnorm.results import BadInput
from supnorm.results.printable import first_line
from supnorm.sources.batching import padded, pieces

Array = NDArray[np.float64]
ROWS = 16_384  # largest number of rows of one call: bounds the memory of a large network


def rounding_note(precision: str) -> tuple[str, ...]:
    """Notes for the user about the limits of a precision.

    >>> rounding_note("float64")
    ()
    """
    digits = {"float32": "1e-7", "float16": "1e-3", "bfloat16": "1e-2"}
    if precision not in digits:
        return ()
    return (
        f"the model runs in {precision}: its values are rounded to about {digits[precision]} of their size, "
        "and smaller errors cannot be distinguished from rounding",
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
        name: the name in messages.
        precision: ``"float64"`` or ``"float32"``: run a copy of the module in this precision; a note then names the
            copy. By default the precision of the module; float64 for a function.
        device: the device that runs it, such as ``"cpu"`` or ``"cuda"``.
        rows: largest number of points of one call.

    Raises:
        BadInput: for a device that does not exist; at a call, for a result that does not fit the points.

    >>> import torch
    >>> layer = torch.nn.Linear(2, 1, bias=False, dtype=torch.float64)
    >>> f = from_torch(layer)
    >>> y, pull = f.vjp(np.array([[1.0, 2.0]]))
    >>> bool(np.allclose(pull(np.ones((1, 1))), layer.weight.detach().numpy()))
    True
    """
    import torch

    label = name or getattr(function, "__name__", type(function).__name__)
    where = device_of(device, label)
    model: Any = function
    notes: tuple[str, ...] = ()
    word = precision or "float64"
    if isinstance(function, torch.nn.Module):
        stored = dtype_of(function)
        word = precision or stored
        if word != stored:
            model = copy.deepcopy(function).to(getattr(torch, word))
            notes = (f"{label} was audited as a copy in {word}; it is stored in {stored}",)
        model = model.to(where) if where.type != "cpu" else model

    read = from_tensors(model, label, word, word, where, rows, notes=notes)
    return replace(read, value=Coded(read.value, model, "torch"))


def from_tensors(
    model: Callable[[Any], Any],
    label: str,
    dtype: str,
    precision: str,
    device: Any,
    rows: int,
    tied: int | None = None,
    notes: tuple[str, ...] = (),
) -> Function:
    """A function of tensors ``(n, d)`` as a `Function`.

    Args:
        model: the function.
        label: the name in messages.
        dtype: type of the tensors that it gets.
        precision: precision of the arithmetic inside, for reports.
        device: a ``torch.device``.
        rows: largest number of points of one call.
        tied: the batch size of every call, if the graph has a fixed one.
        notes: lines for the user.
    """
    import torch

    rows = tied or rows

    def tensor(x: Array) -> Any:
        full = padded(x, tied) if tied is not None and len(x) else x
        # A copy, because torch takes no negative strides and warns about read-only arrays.
        return torch.from_numpy(np.array(full, dtype=np.float64, order="C")).to(
            device=device, dtype=getattr(torch, dtype)
        )

    def columns(x: Any) -> Any:
        y, n = model(x), len(x)
        if not isinstance(y, torch.Tensor):
            raise BadInput(f"{label} must return one tensor, got {type(y).__name__}")
        if y.is_complex():
            raise BadInput(
                f"{label} returns {y.dtype} numbers, which have no largest: return their real and imaginary parts"
            )
        y = y.reshape(n, 1) if tuple(y.shape) == (n,) or (y.ndim == 0 and n == 1) else y  # squeezed
        if y.ndim != 2 or len(y) != n:
            raise BadInput(
                f"{label} must return shape ({n},) or ({n}, m) for {n} points, got {tuple(y.shape)}"
            )
        return y

    def value(x: Array) -> Array:
        with torch.no_grad():
            parts = [_numbers(columns(tensor(x[p])))[: p.stop - p.start] for p in pieces(len(x), rows)]
        return as_columns(np.concatenate(parts), len(x), label)

    def vjp(x: Array) -> tuple[Array, Pullback]:
        cuts = list(pieces(len(x), rows))
        graphs = []
        with torch.enable_grad():
            for cut in cuts:
                leaf = tensor(x[cut]).detach().requires_grad_(True)
                graphs.append((leaf, columns(leaf)[: cut.stop - cut.start]))

        def pull(weights: Array) -> Array:
            slopes = [
                _gradient(leaf, out, weights[cut]) for cut, (leaf, out) in zip(cuts, graphs, strict=True)
            ]
            return np.concatenate(slopes)

        return np.concatenate([_numbers(out) for _, out in graphs]), pull

    return Function(value, name=label, vjp=vjp, precision=precision, notes=notes + rounding_note(precision))


def _numbers(y: Any) -> Array:
    return np.asarray(y.detach().cpu().double().numpy())


def _gradient(leaf: Any, out: Any, weights: Array) -> Array:
    import torch

    n = len(out)
    if not out.requires_grad:
        return np.zeros((n, leaf.shape[1]))
    pulled = torch.as_tensor(weights).to(out)
    (slope,) = torch.autograd.grad(out, leaf, pulled, retain_graph=True, allow_unused=True)
    return np.zeros((n, leaf.shape[1])) if slope is None else _numbers(slope)[:n]


def dtype_of(module: Any) -> str:
    """The floating dtype of a module's weights; float64 for a module without any."""
    for weight in itertools.chain(module.parameters(), module.buffers()):
        if weight.is_floating_point():
            return str(weight.dtype).removeprefix("torch.")
    return "float64"


def device_of(device: str, label: str) -> Any:
    """A torch device; raises `BadInput` if it does not exist."""
    import torch

    try:
        where = torch.device(device)
        torch.empty(0, device=where)
    except (RuntimeError, AssertionError) as error:
        raise BadInput(
            f'{label}: device = "{device}" cannot be used ({first_line(error)}); try "cpu"'
        ) from None
    return where


def first_layer(module: Any, probe: Array) -> tuple[Array, Array] | None:
    """Weights and biases of the first linear layer in the units of the inputs, if they can be read.

    The input of the first ``torch.nn.Linear`` that runs is recorded at the probe points. If each of its columns is an
    affine function of one input (a normalisation, or the input itself), the weights include this function.

    Args:
        module: the network.
        probe: points ``(k, d)`` of the domain, k >= 3 for a check.

    Returns:
        ``(W, b)`` with shapes ``(h, d)`` and ``(h,)``; None if the first layer is of another kind.
    """
    import torch

    seen: list[tuple[Any, Any]] = []
    hooks = [
        layer.register_forward_pre_hook(
            lambda this, given: seen.append((this, None if given[0].is_nested else given[0].detach()))
        )
        for layer in module.modules()
        if isinstance(layer, torch.nn.Linear)
    ]
    weight = next(module.parameters(), None)
    if not hooks or weight is None or len(probe) < 3:
        return None
    try:
        with torch.no_grad():
            module(torch.as_tensor(probe).to(weight))
    except Exception:  # such as a wrong width: the first evaluation gives a better message
        return None
    finally:
        for hook in hooks:
            hook.remove()
    if not seen or seen[0][1] is None or tuple(seen[0][1].shape) != probe.shape:
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
    width = x[high, columns] - x[low, columns]
    if not np.all(width > 0):
        return None
    slope = (z[high, columns] - z[low, columns]) / width
    shift = z[low, columns] - slope * x[low, columns]
    size = np.abs(z).max(axis=0) + np.abs(slope) * np.abs(x).max(axis=0)
    return (slope, shift) if np.all(np.abs(slope * x + shift - z) <= rounding * size) else None
