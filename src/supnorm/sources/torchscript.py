"""Opens ``.pt`` files of TorchScript (``torch.jit.save``), with ``--trust`` only; pickles with this suffix are refused.

TorchScript is a language that torch interprets. It runs none of the author's Python, but it has operations that write
and read files (``aten::save``, ``aten::from_file``), and torch runs parts of it (``__setstate__``) while it loads. Nobody
can know beforehand what a file would do: torch's reader and another reader of the archive may see different members of
one zip, and a list of allowed operations would have to cover torch's thousands of operations in each version. So a file
runs only if the user trusts its author, as with Python code. Without trust use ``torch.export.save`` (``.pt2``) or ONNX,
which are read as data.

Both kinds are zip files; TorchScript has its code in ``code/``, a pickle of ``torch.save`` has only ``data.pkl``.
"""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path
from typing import Any

from supnorm.problem import Function
from supnorm.problem.specification import SourceSpec
from supnorm.program import Unsupported
from supnorm.results import BadInput
from supnorm.results.printable import first_line
from supnorm.sources.ports import Port, arrange
from supnorm.sources.programs import unread
from supnorm.sources.torch import ROWS, device_of, dtype_of, from_tensors


def open_torchscript(
    path: Path, spec: SourceSpec, names: tuple[str, ...], trust: bool, where: str
) -> Function:
    """A TorchScript file as a `Function` with a derivative.

    TorchScript does not store the shapes of its inputs. A single input takes all axes; if there are as many inputs as axes,
    each takes one column ``(n, 1)``.

    Raises:
        BadInput: for a pickle, a damaged file, a file without ``trust``, or inputs that do not take the axes.
    """
    import torch

    what = f'{where} file = "{spec.file}"'
    refuse_pickle(path, what)
    if not trust:
        raise BadInput(
            f"{what} is TorchScript, which can write and read files, even while it is loaded: refused; export the model "
            "with torch.export.save (.pt2) or to ONNX, or give --trust if you trust the maker of the file"
        )
    device = device_of(spec.device, what)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch announces at each load that TorchScript will be removed
        try:
            module = torch.jit.load(str(path), map_location=device)
        except (RuntimeError, ValueError) as error:
            raise BadInput(f"{what} is not a whole TorchScript file: {first_line(error)}") from None
        arguments = [a.name for a in module.forward.schema.arguments[1:]]
    stored = dtype_of(module)
    word = spec.precision or stored
    module = module.to(getattr(torch, word))
    layout = arrange([Port(name, (None, None), word) for name in arguments], spec, names, what)

    def model(x: Any) -> Any:
        result = module(*layout.feed(x))
        results = [result] if isinstance(result, torch.Tensor) else list(result)
        return torch.cat([y[:, None] if y.ndim == 1 else y.flatten(1) for y in results], dim=1)

    label = spec.name or path.name
    notes = (f"{label} runs in {word}; its file is in {stored}",) if word != stored else ()
    return unread(
        from_tensors(model, label, word, word, device, ROWS, tied=layout.batch, notes=notes),
        Unsupported(
            f"{label} (TorchScript, which is run but not read)",
            "the same module saved by torch.export.save as .pt2, or exported to ONNX",
        ),
    )


def refuse_pickle(path: Path, what: str) -> None:
    """Raise `BadInput` for anything but a TorchScript archive, without loading it."""
    remedy = 'export the model with torch.export.save (.pt2), or give python = "file.py:name" that builds it'
    try:
        with zipfile.ZipFile(path) as archive:
            members = [name.partition("/")[2] for name in archive.namelist()]
            code = [n for n in archive.namelist() if n.partition("/")[2].startswith("code/")]
    except (zipfile.BadZipFile, UnicodeDecodeError):
        with path.open("rb") as file:
            begins = file.read(2)
        if begins == b"PK":
            raise BadInput(f"{what} is damaged or cut short; save it again") from None
        raise BadInput(f"{what} is a pickle, which runs code when it is loaded: refused; {remedy}") from None
    if not code or "constants.pkl" not in members:
        raise BadInput(f"{what} is a pickle (torch.save), which runs code when loaded: refused; {remedy}")
