"""Whether torch runs for a module the operations of the graph that was exported from it, with the same results.

Code can ask whether it is exported, and torch's own modules do: in evaluation mode, attention runs in one operation, which
takes padding into account otherwise than the operations that are exported. So both run at some points. All operations have
to be the same, in order, and their results to the last bit, also of those whose effect on the output is zero there.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from supnorm.program.operations import Unreadable

# In one operation what is exported as many; without a mask they are the same function.
FAST = ("aten._transformer_encoder_layer_fwd", "aten._native_multi_head_attention")
UNSET = ("aten.empty", "aten.new_empty", "aten.empty_like", "aten.empty_strided", "aten.new_empty_strided")
# That move nothing and compute nothing: a constant of the code is one of the graph, which may assert types, too.
IDLE = ("aten.lift_fresh", "aten.detach", "aten.alias", "aten._assert")
COMPILER = "torch/_dynamo/eval_frame.py"
# Where a kernel of a tensor on the CPU is looked for; torch itself registers some for other devices and for `vmap`.
HERE = frozenset(
    {
        "CPU",
        "AutogradCPU",
        "Autograd",
        "AutocastCPU",
        "ADInplaceOrView",
        "BackendSelect",
        "Conjugate",
        "Negative",
    }
    | {"CompositeImplicitAutograd", "CompositeExplicitAutograd", "CompositeExplicitAutogradNonFunctional"}
)
REMEDY = "code that computes the same while it is exported"


def demand_same_execution(code: Callable[[], Any], graph: Callable[[], Any]) -> None:
    """Compare the operations that torch runs for the code and for its graph.

    Raises:
        Unreadable: names the first operation that differs.
    """
    import torch

    if replaced := _replaced_kernels():
        raise Unreadable(
            f"torch code beside which {replaced[0]} is another kernel than torch's", "torch's own kernels"
        )
    before = torch.backends.mha.get_fastpath_enabled()
    with _seeing_compiled() as compiled:
        ran = _executed(code)
    if compiled:
        raise Unreadable(
            "code that torch.compile has compiled, which runs otherwise where it is exported",
            "the module or function before torch.compile",
        )
    try:
        if any(name.startswith(FAST) for name, _, _ in ran):
            # Padding is taken out before, as a nested tensor, or is a mask.
            if any("nested" in name or (masked and name.startswith(FAST)) for name, masked, _ in ran):
                raise Unreadable(
                    "attention with a mask or padding, which torch computes otherwise where it is not exported",
                    "torch.backends.mha.set_fastpath_enabled(False) before the model runs",
                )
            torch.backends.mha.set_fastpath_enabled(False)
            ran = _executed(code)
    finally:
        torch.backends.mha.set_fastpath_enabled(before)
    read = _executed(graph)
    for (name, _, result), (other, _, known) in zip(ran, read, strict=False):
        if name != other:
            raise Unreadable(f"torch code that runs {name} and exports {other} instead", REMEDY)
        if result != known:
            raise Unreadable(f"torch {name}, which gives other numbers than what is exported of it", REMEDY)
    if len(ran) != len(read):
        name = (ran + read)[min(len(ran), len(read))][0] if len(ran) > len(read) else read[len(ran)][0]
        raise Unreadable(
            f"torch code that runs {len(ran)} operations and exports {len(read)} ({name})", REMEDY
        )


def _executed(run: Callable[[], Any]) -> list[tuple[str, bool, str]]:
    """Operations that torch runs, each with whether it has a mask, and a digest of its results."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    seen: list[tuple[str, bool, str]] = []

    class Noting(TorchDispatchMode):  # type: ignore[misc,unused-ignore]
        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = function(*args, **(kwargs or {}))
            if str(function).startswith(
                UNSET
            ):  # otherwise it has other numbers in each run until it is written
                result.zero_()
            # Without its overload: compiled code multiplies by a number where a graph has a tensor of it.
            name = str(function).rpartition(".")[0]
            if not name.startswith(IDLE):
                seen.append((name, _has_mask(function, args, kwargs or {}), _digest(function, result)))
            return result

    with torch.no_grad(), Noting():
        run()
    return seen


def _has_mask(function: Any, args: Any, kwargs: Any) -> bool:
    names = [one.name for one in function._schema.arguments]
    given = dict(zip(names, args, strict=False)) | kwargs
    return given.get("mask") is not None


def _digest(function: Any, result: Any) -> str:
    import torch

    # Of a view only where it is: what is there may not be set yet.
    view = any(one.alias_info and not one.alias_info.is_write for one in function._schema.returns)
    digest = hashlib.blake2b(digest_size=16)
    for one in result if isinstance(result, list | tuple) else [result]:
        if not isinstance(one, torch.Tensor) or str(one.layout) != "torch.strided" or one.is_nested:
            digest.update(str(type(one)).encode())
            continue
        digest.update(f"{one.dtype} {tuple(one.shape)}".encode())
        if view:
            digest.update(f"{one.stride()} {one.storage_offset()}".encode())
        else:
            plain = one.detach().cpu().resolve_conj().resolve_neg()
            plain = plain.float() if plain.dtype == torch.bfloat16 else plain
            digest.update(plain.contiguous().numpy().tobytes())
    return digest.hexdigest()


@contextmanager
def _seeing_compiled() -> Iterator[list[str]]:
    """A context that collects names of functions that torch.compile has made and that are called in it.

    They run the code as it is while torch exports, and while its operations are noted.
    """
    seen: list[str] = []
    before = sys.getprofile()

    def look(frame: FrameType, event: str, argument: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.endswith(COMPILER):
            wraps = code.co_name == "_fn" and callable(frame.f_locals.get("callback"))  # until torch 2.9
            if wraps or code.co_name == "compile_wrapper":
                seen.append(code.co_name)

    sys.setprofile(look)
    try:
        yield seen
    finally:
        sys.setprofile(before)


def _replaced_kernels() -> list[str]:
    """Kernels of torch's own operations that code has registered in their place (`torch.library.Library.impl`)."""
    import torch.library

    registered = [name.split("/") for name in getattr(torch.library, "_impls", ())]
    return sorted("/".join(name) for name in registered if name[0] == "aten" and name[-1] in HERE)
