"""Runs one node of an exported graph as a Python call: plain tensor operations, and nothing else.

A target must be an ATen operation or in a fixed list of arithmetic on sizes. An operation with a text argument that
could be a file name or code is refused.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from typing import Any

from supnorm.results import BadInput

# Codes of torch's export schema, version 8.
DTYPES = {
    1: "uint8",
    2: "int8",
    3: "int16",
    4: "int32",
    5: "int64",
    6: "float16",
    7: "float32",
    8: "float64",
    9: "complex32",
    10: "complex64",
    11: "complex128",
    12: "bool",
    13: "bfloat16",
    28: "uint16",
}
LAYOUTS = {7: "strided"}
MEMORY_FORMATS = {1: "contiguous_format", 2: "channels_last", 3: "channels_last_3d", 4: "preserve_format"}
SCALARS = frozenset(
    {"add", "sub", "mul", "floordiv", "truediv", "mod", "neg", "pow", "eq", "ne", "lt", "le", "gt", "ge"}
    | {"and_", "or_", "not_", "getitem", "pos", "abs"}
)
SYMBOLIC = frozenset({"sym_int", "sym_float", "sym_max", "sym_min", "sym_not", "sym_ite"})
# String arguments of ATen operations that choose a variant; any other string could be a file name or code.
VARIANTS = frozenset(
    {
        "approximate",
        "rounding_mode",
        "equation",
        "ord",
        "mode",
        "indexing",
        "side",
        "UPLO",
        "reduce",
        "driver",
    }
    | {"padding", "padding_mode", "compute_mode", "interpolation", "msg", "assert_msg"}
)

# Operations of tensors that are not plain arrays, and of memory: torch does not check all their arguments, and some write
# where there is no array ("aten._convert_indices_from_csr_to_coo" ended the process).
OTHER_MEMORY = re.compile(
    "sparse|csr|csc|bsr|bsc|coo|nested|jagged|quant|fbgemm|mkldnn|cudnn|miopen|packed|resize|storage|segment|unpool|"
    "^set$|set_|unsafe_(index|masked)|indices|embedding_bag|record_stream|_backward|ctc_loss|^native_batch_norm"
)
# Of the others without a public name, these are in exported graphs.
PRIVATE = (
    *(
        "_softmax",
        "_log_softmax",
        "_safe_softmax",
        "_to",
        "_unsafe_view",
        "_reshape_alias",
        "_conj",
        "_stack",
        "_assert",
    ),
    *(
        "_adaptive_avg_pool",
        "_convolution",
        "_native_",
        "_batch_norm",
        "_fused_rms_norm",
        "_weight_norm",
        "_upsample",
    ),
    *(
        "_scaled_dot_product",
        "_transformer",
        "_thnn_fused",
        "_trilinear",
        "_linalg",
        "_fft",
        "_prelu",
        "_neg_view",
    ),
    *(
        "_cdist_forward",
        "_euclidean_dist",
        "_pdist_forward",
        "_local_scalar_dense",
        "_lu_with_info",
        "_cummax_helper",
    ),
    *(
        "_cummin_helper",
        "_logcumsumexp",
        "_dirichlet",
        "_shape_as_tensor",
        "_dim_arange",
        "_chunk_cat",
        "_embedding",
    ),
    *(
        "_pad",
        "_cast",
        "_unique",
        "_remove_batch_dim",
        "_add_batch_dim",
        "_functional_sym",
        "_functional_assert",
    ),
)


class NeedsTrust(Exception):
    """The file has a part that can be loaded only by running code in it."""


def dtype_name(code: int) -> str:
    """The name of a dtype by its code in the file."""
    if code not in DTYPES:
        raise BadInput(f"has tensors of a type this loader does not know (code {code})")
    return DTYPES[code]


Step = Callable[[dict[str, Any]], Any]


def step_of(node: dict[str, Any], device: Any, precision: str | None) -> Step:
    """A node as a function that adds its results, by name, to the values computed so far, and returns them."""
    call = _operation(node["target"])
    positional: list[Callable[[dict[str, Any]], Any]] = []
    order: list[str] = []
    named: dict[str, Callable[[dict[str, Any]], Any]] = {}
    for argument in node["inputs"]:
        if "as_string" in argument["arg"] and argument["name"] not in VARIANTS:
            raise NeedsTrust(f"{node['target']} takes a text, {argument['name']}")
        reader = _argument(argument["arg"], device, precision)
        if argument.get("kind") == 2 or (argument.get("kind") is None and positional and argument["name"]):
            named[argument["name"]] = reader
        else:
            positional.append(reader)
            order.append(argument["name"])
    _demand_in_order(call, node["target"], order)
    names = [name for output in node["outputs"] for name in _names(output)]
    single = len(node["outputs"]) == 1 and not any("as_tensors" in o for o in node["outputs"])

    def step(values: dict[str, Any]) -> Any:
        result = call(*(r(values) for r in positional), **{k: r(values) for k, r in named.items()})
        if single and names:
            values[names[0]] = result
        else:
            values.update(zip(names, result if names else (), strict=True))
        return result

    return step


def _demand_in_order(call: Any, target: str, names: list[str]) -> None:
    """Check that arguments by position are the first ones of the operation, because torch takes them by their names."""
    known = [argument.name for argument in call._schema.arguments] if hasattr(call, "_schema") else names
    if names != known[: len(names)]:
        raise BadInput(
            f"has arguments of {target} in the order {', '.join(names)[:60]}, not {', '.join(known[: len(names)])[:60]}"
        )


def _operation(target: str) -> Callable[..., Any]:
    import torch

    family, _, name = target.rpartition(".")
    if target.startswith("torch.ops.aten."):
        packet, _, overload = target.removeprefix("torch.ops.aten.").partition(".")
        overloaded = getattr(getattr(torch.ops.aten, packet, None), overload or "default", None)
        if isinstance(overloaded, torch._ops.OpOverload):
            if OTHER_MEMORY.search(packet) or (packet.startswith("_") and not packet.startswith(PRIVATE)):
                raise NeedsTrust(f"it uses {target[:80]}, which need not check its arguments")
            return _variants_only(overloaded)
        raise NeedsTrust(f"it uses {target}, which this torch does not have")
    if family in ("_operator", "operator") and name in SCALARS:
        return bounded(getattr(operator, name))
    if family == "torch" and name in SYMBOLIC:
        return getattr(torch, name)  # type: ignore[no-any-return]
    if family == "math" and name in ("floor", "ceil", "trunc", "sqrt"):
        return getattr(math, name)  # type: ignore[no-any-return]
    raise NeedsTrust(f"its graph calls {target[:80]}")


def bounded(operation: Callable[..., Any]) -> Callable[..., Any]:
    """Arithmetic on sizes whose integers stay within 64 bits; the power of two such integers could fill the memory.

    >>> bounded(operator.pow)(3, 4)
    81
    """

    def call(*given: Any) -> Any:
        integers = all(isinstance(v, int) for v in given)
        if operation is operator.pow and integers and given[1] > 64 and abs(given[0]) > 1:
            raise OverflowError(f"a size of over {given[1]} bits")
        result = operation(*given)
        if isinstance(result, int) and result.bit_length() > 64:
            raise OverflowError(f"a size of {result.bit_length()} bits")
        return result

    return call


def _variants_only(operator: Any) -> Callable[..., Any]:
    """The operation, unless its schema has a text argument that could name a file."""
    for argument in operator._schema.arguments:
        if "str" in str(argument.type) and argument.name not in VARIANTS:
            raise NeedsTrust(f"it uses {operator}, which takes a text, {argument.name}")
    return operator  # type: ignore[no-any-return]


def _argument(arg: dict[str, Any], device: Any, precision: str | None) -> Callable[[dict[str, Any]], Any]:
    """A function that reads one serialized argument: it maps the values computed so far to the Python value."""
    import torch

    kind, body = next(iter(arg.items()))
    if kind == "as_none":
        return lambda values: None
    if kind in ("as_int", "as_ints", "as_float", "as_floats", "as_bool", "as_bools", "as_string"):
        fixed = [_number(b) for b in body] if isinstance(body, list) else _number(body)
        return lambda values: fixed
    if kind in ("as_tensor", "as_sym_int", "as_sym_float", "as_sym_bool"):
        return _one(body)
    if kind in ("as_tensors", "as_sym_ints", "as_sym_floats", "as_sym_bools", "as_optional_tensors"):
        readers = [_one(b) for b in body]
        return lambda values: [read(values) for read in readers]
    if kind == "as_optional_tensor":
        return _one(body)
    if kind == "as_scalar_type":
        word = dtype_name(body)
        cast = precision if precision and word in ("float16", "bfloat16", "float32", "float64") else word
        return lambda values: getattr(torch, cast)
    if kind == "as_device":
        return lambda values: device
    if kind == "as_layout" and body in LAYOUTS:
        return lambda values: getattr(torch, LAYOUTS[body])
    if kind == "as_memory_format" and body in MEMORY_FORMATS:
        return lambda values: getattr(torch, MEMORY_FORMATS[body])
    raise NeedsTrust(f"its graph has an argument of kind {kind.removeprefix('as_')}")


def _one(body: dict[str, Any]) -> Callable[[dict[str, Any]], Any]:
    kind, inner = next(iter(body.items()))
    if kind == "as_tensor":
        return _one(inner)
    if kind in ("name", "as_name"):
        return lambda values: values[inner]
    if kind == "as_none":
        return lambda values: None
    return lambda values: _number(inner)


def _number(body: Any) -> Any:
    """A number; the file writes infinities and NaN as text."""
    return float(body) if body in ("Infinity", "-Infinity", "NaN") else body


def _names(output: dict[str, Any]) -> list[str]:
    kind, body = next(iter(output.items()))
    if kind == "as_none":
        return []
    if isinstance(body, list):
        return [next(iter(b.values())) for b in body]
    name = body.get("name") or body.get("as_name")
    if not isinstance(name, str):
        raise NeedsTrust(f"its graph has an output of kind {kind.removeprefix('as_')}")
    return [name]
