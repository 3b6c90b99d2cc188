"""The files that define a problem: files that the problem file names, and those that `unnamed_files` finds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from supnorm.problem.code_texts import code_in, formulas_in
from supnorm.problem.fingerprint import content_of
from supnorm.problem.specification import ProblemSpec
from supnorm.sources.beside import compiled, remember
from supnorm.sources.onnx_files import data_files
from supnorm.sources.unnamed_files import files_of


def named_files(spec: ProblemSpec, root: Path) -> list[Path]:
    """The files that a problem file names; its paths start from ``root``."""
    return [path for text in _texts(spec) if (path := root / text).is_file()]


def defining_files(spec: ProblemSpec, root: Path, opened: Iterable[str]) -> dict[Path, str]:
    """All files that define a problem, resolved and sorted, each with the SHA-256 of its content.

    Args:
        root: the folder that relative paths start from.
        opened: files that were opened while the problem was opened.

    Raises:
        BadInput: for a file of code that has changed since it was loaded.
    """
    files = named_files(spec, root)
    code = [p for p in files if p.suffix == ".py"]
    beside = files_of({*opened, *compiled(code)}, files)
    weights = (
        data for path in (*files, *beside) if path.suffix.lower() == ".onnx" for data in data_files(path)
    )
    contents = {p: content_of(p) for p in sorted({p.resolve() for p in (*files, *beside, *weights)})}
    others = {
        p.resolve() for p in files if p.suffix != ".py"
    }  # a worker may be without those it does not open
    remember({p: digest for p, digest in contents.items() if p not in others}, code)
    return contents


def _texts(spec: ProblemSpec) -> Iterator[str]:
    """Paths as the problem file gives them."""
    for source in (spec.model, spec.reference, spec.recheck):
        if source is not None:
            yield from filter(None, (source.file, *map(_file, code_in(source.model_dump()))))
            yield from source.command or ()
            yield from filter(None, (source.template,))
            yield from source.residuals or ()
            yield from source.patches or ()
    if spec.equation is not None:
        yield from map(_file, formulas_in(spec.equation.model_dump()))
    named = spec.constraints.python if spec.constraints is not None else []
    code = [named] if isinstance(named, str) else list(named)
    code += [text for text in (spec.error.python, spec.error.mask) if text]
    if spec.law is not None:
        code += [spec.law.python] if spec.law.python else []
        yield from filter(None, (spec.law.file,))
    yield from map(_file, code)
    if spec.data is not None:
        yield spec.data.file


def _file(text: str) -> str:
    return text.rpartition(":")[0]
