"""ATen operators of recurrent networks, unrolled over the entries of a sequence: LSTM, GRU and plain cells."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from supnorm.program.aten_values import moved, row, value
from supnorm.program.operations import Unsupported
from supnorm.program.tracing import Builder, Value

# (build, gates of the input, gates of the state, states): the states after an entry, the output first
Cell = Callable[[Builder, Value, Value, list[Value]], list[Value]]


def _parts(gates: Value, count: int) -> list[Any]:
    return moved(gates, lambda i: list(np.split(i, count, axis=-1)))  # type: ignore[no-any-return]


def _long_short(build: Builder, of_input: Value, of_state: Value, states: list[Value]) -> list[Value]:
    """Gates in the order of torch: input, forget, cell, output."""
    given, forget, cell, out = _parts(build.binary("add", of_input, of_state), 4)
    given, forget, out = (build.unary("sigmoid", gate) for gate in (given, forget, out))
    remembered = build.binary("mul", forget, states[1])
    now = build.binary("add", remembered, build.binary("mul", given, build.unary("tanh", cell)))
    return [build.binary("mul", out, build.unary("tanh", now)), now]


def _gated(build: Builder, of_input: Value, of_state: Value, states: list[Value]) -> list[Value]:
    """Gates in the order of torch: reset, update, new; the reset gate multiplies the state's part with its bias."""
    reset, update, new = (list(pair) for pair in zip(_parts(of_input, 3), _parts(of_state, 3), strict=True))
    opened = build.unary("sigmoid", build.binary("add", *reset))
    held = build.unary("sigmoid", build.binary("add", *update))
    fresh = build.unary("tanh", build.binary("add", new[0], build.binary("mul", opened, new[1])))
    # torch computes fresh + held (state - fresh)
    moved_by = build.binary("mul", held, build.binary("sub", states[0], fresh))
    return [build.binary("add", fresh, moved_by)]


def _plain(op: str, build: Builder, of_input: Value, of_state: Value, states: list[Value]) -> list[Value]:
    total = build.binary("add", of_input, of_state)
    return [build.unary("tanh", total) if op == "tanh" else build.unary("relu", total)]


def _affine(build: Builder, x: Value, weight: Any, bias: Any) -> Value:
    out = build.contract(x, np.transpose(np.asarray(weight)))
    return out if bias is None else build.binary("add", out, value(bias))


def _recurrent(
    cell: Cell,
    states: int,
    build: Builder,
    x: Any,
    before: Any,
    weights: Any,
    biases: bool,
    layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> list[Value]:
    """Results of a sequence, and the last states of all layers and directions."""
    if train and dropout:
        raise Unsupported("a recurrent network in training mode", "model.eval() before it is exported")
    directions, each = 2 if bidirectional else 1, 4 if biases else 2
    if len(weights) != layers * directions * each:
        raise Unsupported("an LSTM with projections", "proj_size = 0 and a linear layer")
    held = before if isinstance(before, list) else [before]
    x = value(x)
    if batch_first:
        x = moved(x, lambda i: np.swapaxes(i, 0, 1))
    entries: list[Any] = [row(x, t) for t in range(x.shape[0])]
    last: list[list[Value]] = [[] for _ in range(states)]
    for layer in range(layers):
        outputs = []
        for direction in range(directions):
            k = layer * directions + direction
            of_input, of_state, *shifts = weights[k * each : (k + 1) * each]
            first, second = shifts or (None, None)
            now = [value(row(one, k)) for one in held]
            results: list[Any] = []
            for entry in entries[::-1] if direction else entries:
                now = cell(
                    build,
                    _affine(build, entry, of_input, first),
                    _affine(build, now[0], of_state, second),
                    now,
                )
                results.append(now[0])
            outputs.append(results[::-1] if direction else results)
            for ends, one in zip(last, now, strict=True):
                ends.append(moved(one, lambda i: i[None]))
        entries = [build.concatenate(list(pair), 1) for pair in zip(*outputs, strict=True)]
    sequence = build.concatenate([moved(one, lambda i: i[None]) for one in entries], 0)
    if batch_first:
        sequence = moved(sequence, lambda i: np.swapaxes(i, 0, 1))
    return [sequence, *(build.concatenate(ends, 0) for ends in last)]


RECURRENT: dict[str, Callable[..., Any]] = {
    "lstm": partial(_recurrent, _long_short, 2),
    "gru": partial(_recurrent, _gated, 1),
    "rnn_tanh": partial(_recurrent, partial(_plain, "tanh"), 1),
    "rnn_relu": partial(_recurrent, partial(_plain, "relu"), 1),
}
