"""Sessions of onnxruntime, and the operators that it runs in place of those of a file."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from supnorm.problem.specification import SourceSpec
from supnorm.program.single_precision import ONNX_ALIKE, ONNX_FUSED
from supnorm.results import BadInput
from supnorm.sources.watch import seconds_to_open, waited_for

# Bytes of a file of which onnxruntime writes the graph that it runs: a copy, in the folder for temporary files. A
# network of this size has millions of weights, and no proof.
LARGEST_COPY = 50_000_000


def session_of(path: Path, spec: SourceSpec, what: str, written: Path | None = None) -> Any:
    """A session of onnxruntime.

    Args:
        path: the file.
        spec: its table of the problem file.
        what: file and table, for messages.
        written: where onnxruntime writes the graph that it runs in place of the file's.

    Raises:
        BadInput: for a file that onnxruntime refuses, or a device that it does not have.
    """
    import onnxruntime

    device = spec.device
    providers = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
    provider = providers.get(device.partition(":")[0])
    if provider not in onnxruntime.get_available_providers():
        raise BadInput(f'{what}: onnxruntime has no device = "{device}"; try "cpu"')
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    if written:
        options.optimized_model_filepath = str(written)

    def cancel() -> None:
        if hasattr(options, "set_load_cancellation_flag"):  # from onnxruntime 1.22 on
            options.set_load_cancellation_flag(True)

    seconds = seconds_to_open(path.stat().st_size, spec.timeout)
    try:
        return waited_for(
            seconds, lambda: onnxruntime.InferenceSession(str(path), options, providers=[provider]), cancel
        )
    except TimeoutError:
        raise BadInput(
            f"{what} cannot be opened: computing its constants takes over {seconds:g} s; export it with its constants "
            "computed, or give timeout = seconds, which allows more"
        ) from None
    except Exception as error:  # onnxruntime's own exception classes are not public
        message = " ".join(str(error).split())[:160]
        if "NOT_IMPLEMENTED" in message:
            raise BadInput(
                f"{what}: onnxruntime cannot run it; try an export in float32: {message}"
            ) from None
        raise BadInput(f"{what} cannot be read as ONNX (cut short or damaged?): {message}") from None


def replacements(path: Path, spec: SourceSpec, model: Any) -> tuple[str, ...]:
    """Operators that onnxruntime runs in place of others of a file, and whose rounding in float32 is not known.

    It replaces whole formulas by one operator, as layer normalisation by one that computes the variance in another way.

    Args:
        path: the file.
        spec: its table of the problem file.
        model: the file as an ``onnx.ModelProto``, with its weights.

    Returns:
        Their names; words for a file of which onnxruntime does not say what it runs.
    """
    import onnx

    unknown = ("operators that it may run in place of those of the file",)
    if model.ByteSize() > LARGEST_COPY:
        return unknown
    nodes = [*model.graph.node, *(node for function in model.functions for node in function.node)]
    known = {node.op_type for node in nodes} | ONNX_ALIKE | ONNX_FUSED
    with TemporaryDirectory(prefix="supnorm-") as folder:
        written = Path(folder) / "runs.onnx"
        try:
            session_of(path, spec, path.name, written)
            runs = {node.op_type for node in onnx.load(str(written), load_external_data=False).graph.node}
        except Exception:  # a full disk, a file that it cannot write
            return unknown
    return tuple(f"{op} (which it runs in place of others)" for op in sorted(runs - known))
