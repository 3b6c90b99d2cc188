"""torch modules and functions of tensors as straight-line programs, by ``torch.export`` on one point.

The module is exported in the precision in which it runs, so that the graph has the types of all results. Its weights are
taken as they are stored, in real arithmetic: a float32 module becomes the function that it would compute without rounding.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterable
from dataclasses import replace
from types import BuiltinMethodType, MethodDescriptorType, MethodWrapperType, WrapperDescriptorType
from typing import Any

import numpy as np

from supnorm.foreign import is_library
from supnorm.program import entry
from supnorm.program.aten import AtenNode, Ref, lower_aten
from supnorm.program.executed import attempt
from supnorm.program.operations import Unsupported
from supnorm.program.program import Program
from supnorm.program.rows import demand_each_alone


def lower_torch(function: Any, d: int, least: str | None = None) -> Program:
    """The program of a ``torch.nn.Module``, or of a function ``(n, d) -> (n,)`` or ``(n, m)`` of tensors.

    ``least`` is the precision of its inputs and arithmetic; by default that of its first weight.

    Raises:
        Unsupported: names the operation; also when torch cannot export the code.

    >>> import torch
    >>> net = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
    >>> lower_torch(net, 2).operations
    ('affine', 'input', 'tanh')
    """
    import torch

    least = least or _stored_precision(function)

    class Wrapped(torch.nn.Module):  # type: ignore[misc,unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            self.inner = _copied(function) if isinstance(function, torch.nn.Module) else function
            self.train(getattr(function, "training", False))

        def forward(self, x: Any) -> Any:
            with attempt("torch"):  # around the code alone: torch itself takes seconds here
                return self.inner(x)

    def read(n: int) -> Program:
        try:
            with warnings.catch_warnings(), torch.no_grad():
                warnings.simplefilter("ignore")
                points = torch.zeros(n, d, dtype=getattr(torch, least))
                return lower_exported(torch.export.export(Wrapped(), (points,)), least, n)
        except Unsupported:
            raise
        except Exception as error:  # torch raises errors of many types
            first = str(error).strip().splitlines()[0][:120] if str(error).strip() else ""
            training = getattr(function, "training", False)
            raise Unsupported(
                f"torch code that torch.export cannot read ({type(error).__name__}: {first})",
                "the module after model.eval(): it is in training mode"
                if training
                else "a module without branches on values",
            ) from None

    program = read(1)
    demand_each_alone(program, read)
    return program


COPYING = ("__deepcopy__", "__reduce_ex__", "__reduce__", "__getstate__", "__setstate__", "__getnewargs_ex__")


def _copied(module: Any) -> Any:
    """A copy, because torch.export may leave traces in what it reads; the copy has to be what runs.

    Raises:
        Unsupported: for a part that the user's code copies: it could give other weights or other code.
    """
    for part in module.modules():
        held = [*part.__dict__.values(), *part._parameters.values(), *part._buffers.values()]
        held += [one for c in held if isinstance(c, list | tuple) for one in c]
        held += [one for c in held if isinstance(c, dict) for one in c.values()]
        for one in (part, *held):
            for name in COPYING:
                method = getattr(one, name, None)
                if method is not None and not isinstance(one, type) and not _of_library(method):
                    raise Unsupported(
                        f"a torch module that holds a {type(one).__name__} with a {name} of its own",
                        "objects that Python copies in its usual way",
                    )
    return copy.deepcopy(module)


def _of_library(method: Any) -> bool:
    method = getattr(method, "__func__", method)
    code = getattr(method, "__code__", None)
    if code is None:  # of Python itself
        return type(method) in (
            BuiltinMethodType,
            MethodWrapperType,
            MethodDescriptorType,
            WrapperDescriptorType,
        )
    return is_library(code.co_filename)


def _stored_precision(function: Any) -> str:
    held = [*getattr(function, "parameters", tuple)(), *getattr(function, "buffers", tuple)()]
    return next((entry.name_of(str(w.dtype)) for w in held if w.is_floating_point()), "float64")


def lower_exported(exported: Any, least: str = "float64", n: int = 1) -> Program:
    """The program of a ``torch.export.ExportedProgram`` that was exported with ``n`` rows of one input."""
    signature, held = exported.graph_signature, {**exported.state_dict, **exported.constants}
    sources = {
        **signature.inputs_to_parameters,
        **signature.inputs_to_buffers,
        **signature.inputs_to_lifted_tensor_constants,
    }
    constants = {name: entry.tensor(held[key], f"torch weight {key}") for name, key in sources.items()}
    inputs, nodes = [], []
    for node in exported.graph.nodes:
        if node.op == "placeholder" and node.name not in constants:
            inputs.append((node.name, (1, *node.meta["val"].shape[1:])))
        if node.op == "call_function":
            nodes.append(_node(node))
    program = lower_aten(nodes, constants, inputs, [str(o) for o in signature.user_outputs], least, n)
    return on_devices(program, [held[key] for key in sources.values()])


def on_devices(program: Program, tensors: Iterable[Any]) -> Program:
    """The program without its origin if a tensor is on an accelerator, whose float32 arithmetic is another one."""
    other = any(str(getattr(t, "device", "cpu")) != "cpu" for t in tensors)
    return replace(program, origin=None) if other else program


def _node(node: Any) -> AtenNode:
    target = str(node.target) if hasattr(node.target, "overloadpacket") else node.target.__name__
    named = {k: _argument(v) for k, v in node.kwargs.items()}
    return AtenNode(
        target, tuple(_argument(a) for a in node.args), named, (node.name,), _types(node.meta.get("val"))
    )


def _types(result: Any) -> tuple[str, ...]:
    """Types of the numbers of a node's results."""
    parts = result if isinstance(result, list | tuple) else [result]
    return tuple(entry.name_of(str(getattr(part, "dtype", "float64"))) for part in parts)


def _argument(arg: Any) -> Any:
    if hasattr(arg, "graph"):
        return Ref(arg.name)
    if isinstance(arg, list | tuple):
        return [_argument(a) for a in arg]
    if str(arg).startswith("torch.") and type(arg).__name__ == "dtype":
        return str(arg).removeprefix("torch.")
    return arg if isinstance(arg, int | float | bool | str | type(None) | np.ndarray) else None
