"""torch modules and functions of tensors as straight-line programs, by ``torch.export`` on one point.

The module is exported in the precision in which it runs, so that the graph has the types of all results. Its weights are
taken as they are stored, in real arithmetic: a float32 module becomes the function that it would compute without rounding.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from supnorm.program import entry
from supnorm.program.aten import Alone, AtenNode, Ref, lower_aten
from supnorm.program.operations import MODULE, Unsupported
from supnorm.program.program import Program
from supnorm.program.recording import attempt, unrecorded
from supnorm.program.rows import demand_each_alone
from supnorm.program.torch_executed import demand_same_execution


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

    if isinstance(function, torch.jit.ScriptModule | torch.jit.ScriptFunction):  # torch.export cannot read it
        raise Unsupported("reading TorchScript", "the module before torch.jit.script or torch.jit.trace")
    least = least or _stored_precision(function)

    class Wrapped(torch.nn.Module):  # type: ignore[misc,unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            self.inner = function
            self.training = getattr(function, "training", False)  # of itself: each part keeps its mode

        def forward(self, x: Any) -> Any:
            with attempt("torch"):  # around the code alone: torch itself takes seconds here
                return self.inner(x)

    def read(n: int) -> Program:
        try:
            with warnings.catch_warnings(), torch.no_grad():
                warnings.simplefilter("ignore")
                points = torch.zeros(n, d, dtype=getattr(torch, least))
                with _restored(function), _unprinted():
                    exported = torch.export.export(Wrapped(), (points,))
                program = lower_exported(exported, least, n)
                if n != 2:  # as with three
                    drawn = _points(points.shape, points.dtype)
                    with unrecorded(), _restored(function), _without_transforms():
                        demand_same_execution(lambda: function(drawn), lambda: exported.module()(drawn))
                return program
        except Unsupported:
            raise
        except Exception as error:  # torch raises errors of many types
            first = str(error).strip().splitlines()[0][:120] if str(error).strip() else ""
            training = getattr(function, "training", False)
            raise Unsupported(
                f"torch code that torch.export cannot read ({type(error).__name__}: {first})",
                "the module after model.eval(): it is in training mode"
                if training
                else "a module without branches on values"
                if isinstance(function, torch.nn.Module)
                else MODULE,
            ) from None

    program = read(1)
    demand_each_alone(program, read)
    return program


@contextmanager
def _unprinted() -> Iterator[None]:
    """A context in which torch does not print the graph so far, some hundred lines, where an export fails.

    The standard error stream stays what it is: code that is read may look at it.
    """
    from torch.export import _trace

    vars(_trace)["print"] = lambda *text, **named: None
    try:
        yield
    finally:
        vars(_trace).pop("print", None)


@contextmanager
def _restored(module: Any) -> Iterator[None]:
    """A context after which all parts of a module have the attributes again that they had: torch.export leaves some.

    The module itself is read and no copy, because code can see that it is a copy, and the user's code may make it another.
    """
    parts = [*module.modules()] if hasattr(module, "named_modules") else []
    held = [part.__dict__ for part in parts]
    held += [one for attributes in held for one in attributes.values() if isinstance(one, dict)]
    before = [(one, dict(one)) for one in held]
    try:
        yield
    finally:
        for now, was in before:
            if [*map(id, now.values())] != [*map(id, was.values())] or [*now] != [*was]:
                now.clear()
                now.update(was)


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
    if changed := {**signature.buffers_to_mutate, **signature.user_inputs_to_mutate}:
        raise Unsupported(f"torch code that changes {next(iter(changed.values()))} at each call", "none")
    inputs, nodes = [], []
    for node in exported.graph.nodes:
        if node.op == "placeholder" and node.name not in constants:
            inputs.append((node.name, (1, *node.meta["val"].shape[1:])))
        if node.op == "call_function":
            nodes.append(_node(node))

    def run(count: int) -> tuple[Any, dict[str, Any], Alone] | None:
        return _ran(exported, {name: held[key] for name, key in sources.items()}, inputs, count)

    program = lower_aten(nodes, constants, inputs, [str(o) for o in signature.user_outputs], least, n, run)
    return on_devices(program, [held[key] for key in sources.values()])


@contextmanager
def _without_transforms() -> Iterator[None]:
    """A context after which torch computes as before: a graph that fails within a `vmap` or `grad` leaves it open.

    Then `torch.rand` raises an error until the process ends.
    """
    from torch._C import _functorch

    depth = _functorch.get_dynamic_layer_stack_depth()
    try:
        yield
    finally:
        if _functorch.get_dynamic_layer_stack_depth() > depth:
            _functorch.pop_dynamic_layer_stack_and_undo_to_depth(depth)


def _points(shape: Any, dtype: Any) -> Any:
    """Points of other sizes for other numbers of points: the domain is not known here."""
    import torch

    n = shape[0]
    return torch.tensor(np.random.default_rng(n).uniform(-1.0, 1.0, shape) * 30.0 ** (n - 1), dtype=dtype)


def _ran(
    exported: Any, given: dict[str, Any], inputs: list[Any], n: int
) -> tuple[Any, dict[str, Any], Alone] | None:
    """Points, all results of an exported graph at them, and what runs its nodes alone.

    None for a graph with other inputs than one array.
    """
    import torch

    placeholders = [node for node in exported.graph.nodes if node.op == "placeholder"]
    if (
        len(inputs) != 1
        or placeholders[-1].name != inputs[0][0]
        or n != placeholders[-1].meta["val"].shape[0]
    ):
        return None
    of_input = placeholders[-1].meta["val"]
    points = _points(of_input.shape, of_input.dtype)
    results: dict[str, Any] = {}
    every: dict[str, Any] = {}

    class Noting(torch.fx.Interpreter):  # type: ignore[misc,unused-ignore]
        def run_node(self, node: Any) -> Any:
            result = super().run_node(node)
            every[node.name] = result
            if isinstance(result, torch.Tensor):  # a copy: it may be changed in place later
                results[node.name] = array_of(result.clone())
            return result

    with _without_transforms():
        noting = Noting(exported.graph_module)
        noting.run(*[given[one.name] for one in placeholders[:-1]], points)
    calls = [node for node in exported.graph.nodes if node.op == "call_function"]

    def step(position: int, values: dict[str, Any]) -> Any:
        node = calls[position]
        args, kwargs = torch.fx.node.map_arg((node.args, node.kwargs), lambda one: values[one.name])
        return node.target(*args, **kwargs)

    return points.double().numpy().ravel(), results, NodesAlone(every, step)


class NodesAlone:
    """Runs nodes of a graph of torch alone.

    Args:
        values: all results by name, as they ran.
        step: gives what a node returns, by its position and such values.
    """

    def __init__(self, values: Mapping[str, Any], step: Callable[[int, dict[str, Any]], Any]) -> None:
        self._values, self._step = values, step

    def kind(self, name: str) -> str:
        """The type of a result's numbers."""
        return entry.name_of(str(getattr(self._values[name], "dtype", "float64")))

    def run(self, node: int, given: Mapping[str, Any]) -> list[Any]:
        """Results of a node with arrays for some of its arguments, by name; None for what is no tensor."""
        import torch

        values = dict(self._values)
        for name, one in given.items():
            if isinstance(known := values[name], torch.Tensor):
                values[name] = torch.tensor(np.asarray(one), dtype=known.dtype, device=known.device)
        with torch.no_grad(), _without_transforms():
            result = self._step(node, values)
        parts = result if isinstance(result, list | tuple) else [result]
        return [array_of(one) if isinstance(one, torch.Tensor) else None for one in parts]


def array_of(value: Any) -> Any:
    """A tensor as an array; floating-point numbers become float64."""
    value = value.detach().cpu()
    return (value.double() if value.is_floating_point() else value).resolve_conj().numpy()


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
