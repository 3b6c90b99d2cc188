"""Opens ``.pt2`` archives of ``torch.export`` and runs them without executing code that is in the file.

torch's own loader unpickles sample inputs and some weights, evaluates symbolic sizes as Python text, resolves
operator names anywhere below ``torch`` and loads compiled libraries. Each of these runs code of the file's author.
This loader reads the archive as data: weights are raw bytes, the graph is JSON, and each node is run as an ATen tensor
operation that takes no file name. Files that need more are refused. With ``trust``, torch's loader opens the file and
runs its code.

The archive is a zip: ``models/model.json`` (graph and signature), ``data/weights/model_weights_config.json``
and ``data/constants/model_constants_config.json`` (name to raw file, dtype, sizes, strides).
"""

from __future__ import annotations

import functools
import io
import json
import math
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from supnorm.problem import Function
from supnorm.problem.specification import SourceSpec
from supnorm.program import Program
from supnorm.program.torch import NodesAlone
from supnorm.results import BadInput
from supnorm.results.guard import demand_unpacked
from supnorm.results.printable import first_line
from supnorm.sources.aten import DTYPES, NeedsTrust, dtype_name, step_of
from supnorm.sources.aten_program import program_of_graph
from supnorm.sources.ports import Layout, Port, arrange
from supnorm.sources.programs import with_program
from supnorm.sources.torch import ROWS, device_of, dtype_of, from_tensors
from supnorm.sources.watch import seconds_of


@dataclass(frozen=True)
class Graph:
    """A graph that is ready to run.

    Attributes:
        ports: the inputs that a caller gives.
        run: maps a list of input tensors, and the seconds that it may take, to a list of output tensors.
        precision: precision of the weights, or of the inputs if there are no weights.
        lower: maps a layout, and ``probe``, points of the domain, to the straight-line program; None for a graph that only
            torch itself can read.
        constants: weights, buffers and constants by their name in the graph; empty as ``lower``.
        parameters: those of them that are parameters, with their names in the file.
        run_with: as ``run``, with other values of some constants.
    """

    ports: tuple[Port, ...]
    run: Callable[[list[Any], float], list[Any]]
    precision: str
    lower: Callable[..., Program] | None = None
    constants: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    run_with: Callable[[dict[str, Any], list[Any], float], list[Any]] | None = None


def read_graph(path: Path, device: Any, precision: str | None = None) -> Graph:
    """Read an archive.

    Args:
        path: a ``.pt2`` file.
        device: the device of the weights.
        precision: convert weights of other floating types to this one; None keeps their types.

    Raises:
        BadInput: when the file is no such archive or is damaged.
        NeedsTrust: when it needs unpickling, or operations outside of plain ATen; the message names them.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            demand_unpacked(archive, path.stat().st_size, "")
            return _read(archive, device, precision)
    except (zipfile.BadZipFile, KeyError, json.JSONDecodeError, UnicodeDecodeError, EOFError) as error:
        raise BadInput(f"is not a whole torch.export archive ({type(error).__name__}: {error})") from None


def _read(archive: zipfile.ZipFile, device: Any, precision: str | None) -> Graph:
    members = _members(archive)
    if any(name.startswith("data/aotinductor/") for name in members):
        raise NeedsTrust("it contains compiled libraries")
    if "models/model.json" not in members:
        raise BadInput(
            "has no models/model.json, so it was not written by torch.export.save of torch 2.8 or newer; "
            "export it again"
        )
    model = json.loads(members["models/model.json"]())
    weights = _tensors(members, "data/weights/", "model_weights_config.json")
    others = _tensors(members, "data/constants/", "model_constants_config.json")
    if both := weights.keys() & others.keys():
        raise BadInput(f"has {min(both)[:60]!r} among its weights and among its constants")
    tensors = {k: _moved(t, device, precision) for k, t in {**weights, **others}.items()}
    graph = model["graph_module"]["graph"]
    return _graph(graph, model["graph_module"]["signature"], tensors, device, precision)


def _members(archive: zipfile.ZipFile) -> dict[str, Callable[[], bytes]]:
    """Readers by path below the archive's one top folder."""
    folders = {name.partition("/")[0] for name in archive.namelist() if "/" in name}
    if len(folders) > 1:
        raise BadInput(f"has {len(folders)} top folders, of which torch reads one")
    return {
        name.partition("/")[2]: functools.partial(archive.read, name)
        for name in archive.namelist()
        if "/" in name
    }


def _tensors(members: dict[str, Callable[[], bytes]], folder: str, config: str) -> dict[str, Any]:
    import torch

    if folder + config not in members:
        raise BadInput(f"has no {folder}{config}; export the model again with a newer torch")
    tensors: dict[str, Any] = {}
    for name, entry in json.loads(members[folder + config]())["config"].items():
        payload = members[folder + entry["path_name"]]()
        meta = entry["tensor_meta"]
        if meta is None or not entry["path_name"].startswith(("weight_", "tensor_")):
            raise NeedsTrust(f"{name} is stored as a pickled object")
        if entry["use_pickle"]:
            tensors[name] = _unpickled(payload, name)
            continue
        dtype = getattr(torch, dtype_name(meta["dtype"]))
        flat = torch.frombuffer(bytearray(payload), dtype=dtype) if payload else torch.zeros(0, dtype=dtype)
        sizes = [s["as_int"] for s in meta["sizes"]]
        if math.prod(sizes) == 0:
            tensors[name] = torch.zeros(sizes, dtype=dtype)
            continue
        strides = [s["as_int"] for s in meta["strides"]]
        try:
            tensors[name] = torch.as_strided(flat, sizes, strides, meta["storage_offset"]["as_int"]).clone()
        except RuntimeError:
            raise BadInput(
                f"is damaged: {entry['path_name']} has {len(payload)} bytes, {sizes} needs more"
            ) from None
    return tensors


def _unpickled(payload: bytes, name: str) -> Any:
    import torch

    try:
        tensor = torch.load(io.BytesIO(payload), weights_only=True)
    # torch raises errors of several types; all of them mean that these are no plain tensors.
    except Exception:
        raise NeedsTrust(f"weight {name} is a pickle of more than tensors") from None
    if not isinstance(tensor, torch.Tensor):
        raise NeedsTrust(f"weight {name} is a pickled {type(tensor).__name__}")
    return tensor


def _moved(tensor: Any, device: Any, precision: str | None) -> Any:
    import torch

    if precision is not None and tensor.is_floating_point():
        tensor = tensor.to(getattr(torch, precision))
    return tensor.detach().to(device)


def _graph(
    graph: dict[str, Any],
    signature: dict[str, Any],
    tensors: dict[str, Any],
    device: Any,
    precision: str | None,
) -> Graph:
    import torch

    constants, parameters, given = _inputs(signature, tensors)
    outputs = [
        body["arg"]["as_tensor"]["name"]
        for kind, body in (next(iter(s.items())) for s in signature["output_specs"])
        if kind == "user_output" and "as_tensor" in body["arg"]
    ]
    if any(next(iter(s)) == "buffer_mutation" for s in signature["output_specs"]):
        raise BadInput("changes its own state at each call (train mode?); export it after model.eval()")
    steps = [step_of(node, device, precision) for node in graph["nodes"]]

    def computed(
        inputs: list[Any], seconds: float, others: Mapping[str, Any], seen: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        values = {**constants, **others, **dict(zip(given, inputs, strict=True))}
        until = time.monotonic() + seconds
        for step in steps:
            step(values)
            if seen is not None:  # copies, because one may be changed in place later
                news = values.keys() - seen.keys() - constants.keys()
                seen |= {k: values[k].clone() for k in news if isinstance(values[k], torch.Tensor)}
            if time.monotonic() > until:
                raise TimeoutError(
                    f"its graph took over {seconds:g} s and was stopped; timeout = seconds a point allows more"
                )
        return values

    def run(inputs: list[Any], seconds: float) -> list[Any]:
        return run_with({}, inputs, seconds)

    def run_with(others: dict[str, Any], inputs: list[Any], seconds: float) -> list[Any]:
        values = computed(inputs, seconds, others)
        return [values[name] for name in outputs]

    def at(layout: Layout, x: Any) -> tuple[dict[str, Any], NodesAlone]:
        x = torch.as_tensor(x, device=device)
        words = [
            precision if precision and p.startswith(("float", "bfloat")) else p for p in layout.precisions
        ]
        points = [part.to(getattr(torch, p)) for part, p in zip(layout.feed(x), words, strict=True)]
        seen: dict[str, Any] = {}
        values = computed(points, seconds_of(len(x), None), {}, seen)
        return seen, NodesAlone(values, lambda position, some: steps[position](some))

    def types(layout: Layout) -> dict[str, str]:
        x = torch.zeros(layout.batch or 1, sum(map(len, layout.columns)), device=device)
        return {k: str(v.dtype) for k, v in at(layout, x)[0].items()}

    ports = tuple(_port(name, graph["tensor_values"][name]) for name in given)
    runs_in = precision or _narrowest(graph, tensors, ports)
    fixed = next((p.shape[0] for p in ports if p.shape and p.shape[0] is not None), None)
    lower = functools.partial(
        program_of_graph, graph, constants, given, outputs, types=types, ran=at, least=runs_in, batch=fixed
    )
    return Graph(ports, run, runs_in, lower, constants, parameters, run_with)


def _inputs(
    signature: dict[str, Any], tensors: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, str], list[str]]:
    """Constants by name in the graph, the parameters among them with their names in the file, and what a caller gives."""
    constants: dict[str, Any] = {}
    parameters: dict[str, str] = {}
    given: list[str] = []
    for spec in signature["input_specs"]:
        kind, body = next(iter(spec.items()))
        if kind == "user_input" and "as_tensor" in body["arg"]:
            given.append(body["arg"]["as_tensor"]["name"])
        elif kind in ("parameter", "buffer", "tensor_constant"):
            constants[body["arg"]["name"]] = tensors[body[f"{kind}_name"]]
            if kind == "parameter":
                parameters[body["arg"]["name"]] = body["parameter_name"]
        elif kind != "constant_input":
            raise NeedsTrust(f"its graph takes an input of kind {kind}")
    return constants, parameters, given


def _narrowest(graph: dict[str, Any], tensors: dict[str, Any], ports: tuple[Port, ...]) -> str:
    """The least precise floating type of weights, inputs and casts, whose rounding counts."""
    casts = [
        a["arg"]["as_scalar_type"]
        for n in graph["nodes"]
        for a in n["inputs"]
        if "as_scalar_type" in a["arg"]
    ]
    words = {str(t.dtype).removeprefix("torch.") for t in tensors.values()} | {p.precision for p in ports}
    words |= {dtype_name(code) for code in casts}
    words |= {DTYPES.get(v.get("dtype"), "") for v in graph.get("tensor_values", {}).values()}
    return next((w for w in ("bfloat16", "float16", "float32") if w in words), "float64")


def _port(name: str, meta: dict[str, Any]) -> Port:
    return Port(name, tuple(s.get("as_int") for s in meta["sizes"]), dtype_name(meta["dtype"]))


def open_torch_export(
    path: Path, spec: SourceSpec, names: tuple[str, ...], probe: Any, trust: bool, where: str
) -> Function:
    """A ``.pt2`` file as a `Function` with a derivative, and with a program if its graph can be read.

    Raises:
        BadInput: for a damaged file, inputs that do not take the axes, or a file that needs ``trust``.
    """
    import torch

    what = f'{where} file = "{spec.file}"'
    label = spec.name or path.name
    device = device_of(spec.device, what)
    try:
        graph = read_graph(path, device, spec.precision)
    except NeedsTrust as reason:
        if not trust:
            raise BadInput(
                f"{what}: refused, {reason}; loading it would run code that is in the file. Export the model "
                "again with torch.export.save, or give --trust if you trust the maker of the file"
            ) from None
        graph = _trusted(path, what)
    except BadInput as error:
        raise BadInput(f"{what} {error}") from None
    layout = arrange(graph.ports, spec, names, what)
    dtypes = [
        spec.precision if spec.precision and p.startswith(("float", "bfloat")) else p
        for p in layout.precisions
    ]

    def model(x: Any) -> Any:
        given = [part.to(getattr(torch, p)) for part, p in zip(layout.feed(x), dtypes, strict=True)]
        results = [
            y[:, None] if y.ndim == 1 else y.flatten(1)
            for y in graph.run(given, seconds_of(len(x), spec.timeout))
        ]
        return torch.cat([y.double() for y in results], dim=1)

    notes = (f"{label} runs in {spec.precision}, converted from its file",) if spec.precision else ()
    function = from_tensors(
        model, label, "float64", graph.precision, device, ROWS, tied=layout.batch, notes=notes
    )
    lower = graph.lower
    return (
        function
        if lower is None
        else with_program(function, path.name, lambda: lower(layout, probe=probe), probe)
    )


def _trusted(path: Path, what: str) -> Graph:
    """torch's own loader, which runs any code in the file."""
    import torch

    try:
        program = torch.export.load(str(path))
    except Exception as error:  # the loader raises errors of many types
        raise BadInput(f"{what}: torch.export.load failed: {first_line(error)}") from None
    wanted = set(program.graph_signature.user_inputs)
    metas = {n.name: n.meta["val"] for n in program.graph.nodes if n.op == "placeholder" and n.name in wanted}
    ports = tuple(
        Port(name, tuple(s if isinstance(s, int) else None for s in v.shape), str(v.dtype)[6:])
        for name, v in metas.items()
    )
    module = program.module()

    def run(inputs: list[Any], seconds: float) -> list[Any]:  # a trusted file has no limit of time
        result = module(*inputs)
        return [result] if isinstance(result, torch.Tensor) else list(result)

    return Graph(ports, run, dtype_of(module))
