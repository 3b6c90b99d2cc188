"""Sessions of onnxruntime, and the graph that it runs in place of that of a file.

onnxruntime rewrites a graph before it runs it: it computes constants, leaves operators out, and replaces several by one
of its own. It recognises them loosely: it took a fourth power for the square of layer normalisation, 0.500004 for the 0.5
of GELU, and 1.00000002 for 1. So what is read is what it made of the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from supnorm.problem.specification import SourceSpec
from supnorm.program import Unreadable
from supnorm.results import BadInput
from supnorm.sources.onnx_files import data_files, loaded
from supnorm.sources.watch import seconds_to_open, waited_for

LARGEST = 1_500_000_000  # bytes of a graph that is read: protobuf ends at 2 GB


@dataclass(frozen=True)
class Rewriting:
    """How onnxruntime writes the graph that it runs.

    Attributes:
        content: the file, with all of its weights.
        written: where it writes the graph.
        layouts: whether it may choose other layouts of arrays, as it does where nothing else is said.
    """

    content: bytes
    written: Path
    layouts: bool


def session_of(path: Path, spec: SourceSpec, what: str, rewriting: Rewriting | None = None) -> Any:
    """A session of onnxruntime.

    Args:
        path: the file.
        spec: its table of the problem file.
        what: file and table, for messages.
        rewriting: how onnxruntime writes the graph that it runs in place of the file's, if it is to write it.

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
    if rewriting:
        options.optimized_model_filepath = str(rewriting.written)
    if rewriting and not rewriting.layouts:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    source = rewriting.content if rewriting else str(path)

    def cancel() -> None:
        if hasattr(options, "set_load_cancellation_flag"):  # from onnxruntime 1.22 on
            options.set_load_cancellation_flag(True)

    seconds = seconds_to_open(path.stat().st_size, spec.timeout)
    try:
        return waited_for(
            seconds, lambda: onnxruntime.InferenceSession(source, options, providers=[provider]), cancel
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
        if "/optimizer/" in str(error):
            raise BadInput(
                f"{what}: onnxruntime fails while it optimises the graph, as it does by default; try an export in float32: "
                f"{' '.join(str(error).split())[-160:]}"
            ) from None
        raise BadInput(f"{what} cannot be read as ONNX (cut short or damaged?): {message}") from None


def as_it_runs(path: Path, spec: SourceSpec) -> Any:
    """The graph that onnxruntime runs on a CPU in place of that of a file, as an ``onnx.ModelProto``.

    Operators on arrays in a layout for one kind of processor stand in it as those of ONNX.

    Raises:
        Unsupported: for a graph that is too large, or that onnxruntime does not write.
    """
    import onnx

    if sum(file.stat().st_size for file in (path, *data_files(path))) > LARGEST:
        raise Unreadable(f"the graph has over {LARGEST / 1e9:g} GB", "a smaller graph")
    content = loaded(path).SerializeToString()  # with its weights: what is written names no other file
    on_cpu = spec.model_copy(update={"device": "cpu"})
    with TemporaryDirectory(prefix="supnorm-") as folder:
        written = Path(folder) / "runs.onnx"
        try:
            for layouts in (True, False):
                session_of(path, on_cpu, path.name, Rewriting(content, written, layouts))
                graph = onnx.load(str(written))
                if not any(node.domain == "com.microsoft.nchwc" for node in graph.graph.node):
                    break
        except Exception as error:  # no room on the disk; of classes of onnxruntime that are not public
            first = " ".join(str(error).split())[:120]
            raise Unreadable(
                f"onnxruntime does not write the graph that it runs ({first})", "another export"
            ) from None
    return graph
