"""Opens Python callables and objects of the user's file: NumPy, JAX, torch, nn.Module, anything with ``predict``.

The kind of the object determines how it is called:

* a class or a function without parameters is called once and builds the object;
* a ``torch.nn.Module``: by `from_torch`, in the precision and mode that it has;
* an object with ``predict`` (scikit-learn, Keras): ``predict(x)`` with a batch;
* with ``per_point = true``: for one point at a time, with d separate numbers if it takes d positional parameters
  (and d > 1 or its parameter must be a number), otherwise with one array of shape ``(d,)``;
* a function that JAX can trace and that returns JAX arrays, from a file that imports JAX: by `from_jax`;
* a function that takes and returns tensors and that NumPy cannot read and run, from a file that imports torch: by
  `from_torch`;
* anything else: as a NumPy function of batches, ``(n, d)`` to ``(n,)`` or ``(n, m)``.
"""

from __future__ import annotations

import inspect
import math
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.problem import Function, PartialFailure, as_columns, as_function, exited
from supnorm.problem.coded import Coded
from supnorm.problem.double_precision import double_precision
from supnorm.problem.estimators import NamedColumns, predictor_of
from supnorm.problem.function import real_numbers
from supnorm.problem.specification import SourceSpec
from supnorm.problem.users_error import described
from supnorm.results import BadInput
from supnorm.sources.unused import with_unused_noted
from supnorm.sources.userfile import JAX_LIKE, imported_roots, load_object

Array = NDArray[np.float64]


def open_python(
    spec: SourceSpec, root: Path, probe: Array, where: str, names: tuple[str, ...] = ()
) -> Function:
    """The object that ``spec.python`` names, as a `Function`.

    Args:
        spec: the table of the problem file.
        root: the folder that relative paths start from.
        probe: a few points ``(k, d)`` of the domain, by which it is found out what the object takes.
        where: file and table, for messages.
        names: of the inputs in their order, for estimators that know their columns by name.

    Raises:
        BadInput: when the object cannot be loaded or cannot be called.
    """
    function, kind, used = _opened(spec, root, probe, where, names)
    return with_unused_noted(function, spec, kind, where, *used)


def _opened(
    spec: SourceSpec, root: Path, probe: Array, where: str, names: tuple[str, ...]
) -> tuple[Function, str, tuple[str, ...]]:
    """The function, the kind of source in words, and the keys that such a source uses."""
    assert spec.python is not None
    key = f"{where} python"
    loaded = _built(load_object(spec.python, root, key), f'{key} = "{spec.python}"')
    label = spec.name or spec.python.rpartition(":")[2]
    if spec.per_point:
        single = per_point(loaded, probe.shape[1], label, spec.timeout, spec.retries)
        used = ("per_point", "timeout", "retries", "precision")
        return (
            replace(single, precision=spec.precision or "float64"),
            "Python code called point by point",
            used,
        )
    if _is_module(loaded):
        module = _from_module(loaded, spec, label, probe)
        return module, "a torch module", ("batch", "precision", "device")
    if callable(getattr(loaded, "predict", None)):
        predictor = _from_predictor(loaded, label, names, probe.shape[1], f'{key} = "{spec.python}"')
        predictor = replace(predictor, precision=spec.precision or "float64")
        return predictor, "an object with predict", ("precision",)
    if not callable(loaded):
        raise BadInput(
            f'{key} = "{spec.python}" is of type {type(loaded).__name__}; name a function of an array (n, d), '
            "a torch.nn.Module or an object with predict"
        )
    roots = _roots(loaded, root / spec.python.rpartition(":")[0])
    if roots & JAX_LIKE and _speaks_jax(loaded, probe):
        from supnorm.sources.jax import from_jax

        traced = from_jax(loaded, name=label, precision=spec.precision or "float64")
        return traced, "JAX code", ("precision",)
    if (
        "torch" in roots
        and not _speaks_numpy(loaded, probe)
        and (dtype := _speaks_torch(loaded, probe, spec.precision))
    ):
        from supnorm.sources.torch import from_torch

        function = from_torch(loaded, name=label, precision=dtype, device=spec.device)
        return function, "a function of torch tensors", ("precision", "device")
    function = replace(as_function(loaded, label), name=label, precision=spec.precision or "float64")
    return function, "code that is called with whole batches", ("precision",)


def per_point(
    function: Callable[..., Any], d: int, label: str, timeout: float | None = None, retries: int = 0
) -> Function:
    """A function of single points; points that raise or time out become a `PartialFailure`.

    Args:
        function: ``f(x1, ..., xd)`` if it takes d positional parameters, else ``f(x)``, ``x`` of shape
            ``(d,)``.
        timeout: seconds per point. This works in the main thread of a process on a system with SIGALRM, and cannot
            interrupt compiled code that never returns to Python; give such code as a command.
        retries: how often a failed point is tried again.

    >>> per_point(lambda a, b: a / b, 2, "ratio").value(np.array([[1.0, 2.0]]))
    array([[0.5]])
    """
    separate = takes_separate(function, d)

    def one(row: Array) -> Array:
        with double_precision("jax" in sys.modules):  # JAX code, as code of batches
            result = function(*row.tolist()) if separate else function(row.copy())
        return np.atleast_1d(real_numbers(result, label)).reshape(-1)

    def attempt(row: Array) -> Array | str:
        message = ""
        for _ in range(retries + 1):
            try:
                with time_limit(timeout):
                    return one(row)
            except _TimeUp:
                message = f"timeout: no answer within {timeout:g} s"
            except BadInput as error:
                message = f"exception: {error}"
            except KeyboardInterrupt:
                raise
            # asyncio.CancelledError and a panic of Rust code are no Exceptions.
            except BaseException as error:
                message = described(error)
        return message

    def value(x: Array) -> Array:
        return collect([attempt(row) for row in x], label)

    code = (lambda x: function(*(x[i] for i in range(d)))) if separate else function
    return Function(Coded(value, code, kind="point"), name=label)


def collect(answers: list[Array | str], label: str) -> Array:
    """Answers by point as an array ``(n, m)``; messages instead of answers become a `PartialFailure`."""
    good = [a for a in answers if not isinstance(a, str)]
    m = len(good[0]) if good else 1
    for answer in good:
        if len(answer) != m:
            raise BadInput(f"{label} returned {m} numbers at one point and {len(answer)} at another")
    values = np.full((len(answers), m), math.nan)
    messages = {}
    for i, each in enumerate(answers):
        if isinstance(each, str):
            messages[i] = each
        else:
            values[i] = each
    if messages:
        raise PartialFailure(values, messages)
    return values


def takes_separate(function: Callable[..., Any], d: int) -> bool:
    """Whether a function of a point takes its d numbers as separate arguments.

    >>> takes_separate(lambda a, b: a, 2), takes_separate(lambda x: x, 2), takes_separate(lambda *a: a, 2)
    (True, False, True)
    """
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # compiled functions often have no signature; most of them take numbers
        return True
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if any(p.kind == p.VAR_POSITIONAL for p in parameters):
        return True
    needed = [p for p in positional if p.default is p.empty]
    return len(needed) <= d <= len(positional)


class _TimeUp(BaseException):
    """The time of a call is over. It is no `Exception`, because code that catches those would go on with another value."""


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Raise `_TimeUp` in the main thread after ``seconds``, and again at the end if it was caught; elsewhere do nothing."""
    main = threading.current_thread() is threading.main_thread()
    if seconds is None or not main or not hasattr(signal, "SIGALRM"):
        yield
        return

    over = []

    def stop(*_: Any) -> None:
        over.append(True)
        raise _TimeUp

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
        signal.setitimer(signal.ITIMER_REAL, 0)
        if over:
            raise _TimeUp
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _built(loaded: Any, what: str) -> Any:
    """Call a class or a function without parameters, which builds the object; return any other object as it is."""
    if not (inspect.isclass(loaded) or inspect.isfunction(loaded)):
        return loaded
    try:
        parameters = inspect.signature(loaded).parameters.values()
    except ValueError:
        return loaded
    if any(p.default is p.empty and p.kind != p.VAR_KEYWORD for p in parameters):
        if inspect.isclass(loaded):
            raise BadInput(f"{what} is a class whose constructor takes arguments; name a ready object of it")
        return loaded
    if not inspect.isclass(loaded) and parameters:
        return loaded
    try:
        return loaded()
    except SystemExit as error:
        raise BadInput(f"{what} ended the program: {exited(error)}") from error
    except Exception as error:
        raise BadInput(f"{what} failed: {type(error).__name__}: {error}") from error


def _is_module(loaded: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(loaded, torch.nn.Module)


def _from_module(loaded: Any, spec: SourceSpec, label: str, probe: Array) -> Function:
    from supnorm.sources.torch import ROWS, first_layer, from_torch

    rows = spec.batch or ROWS
    function = from_torch(loaded, name=label, precision=spec.precision, device=spec.device, rows=rows)
    return replace(function, first_layer=first_layer(loaded, probe))


def _from_predictor(loaded: Any, label: str, names: tuple[str, ...], d: int, what: str) -> Function:
    wanted = getattr(loaded, "n_features_in_", None)
    if wanted is not None and wanted != d:
        raise BadInput(f"{what} takes {wanted} inputs, the domain has {d}")
    predict = predictor_of(loaded)
    predict = predict.on(names) if isinstance(predict, NamedColumns) else predict
    silent = {"verbose": 0} if "verbose" in _parameters(predict) else {}

    def run(x: Array) -> Array:
        result = predict(x.copy(), **silent)
        value.show(result)
        return as_columns(result, len(x), label)

    value = Coded(run, predict)
    function = Function(value, name=label)
    kind = type(loaded).__name__
    from supnorm.program import Unreadable
    from supnorm.sources.programs import unread

    reason = Unreadable(
        f"{label} is an object with predict ({kind}), whose operations are not known",
        "the same model as NumPy, JAX or torch code, .pt2 or ONNX",
    )
    return unread(function, reason)


def _parameters(function: Callable[..., Any]) -> frozenset[str]:
    try:
        return frozenset(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return frozenset()


def _roots(loaded: Any, path: Path) -> frozenset[str]:
    """The packages that the named file and the file that defines the function import."""
    home = sys.modules.get(getattr(loaded, "__module__", None) or "")
    file = getattr(home, "__file__", None)
    return imported_roots(path) | (imported_roots(Path(file)) if file else frozenset())


def _speaks_jax(function: Callable[..., Any], probe: Array) -> bool:
    try:
        import jax
    except ImportError:
        return False

    try:
        with double_precision():
            jax.eval_shape(function, jax.ShapeDtypeStruct(probe.shape, np.float64))
            return isinstance(function(probe[:1]), jax.Array)
    # A NumPy function raises errors of many types for a tracer: it is no JAX function.
    except (Exception, SystemExit):
        return False


def _speaks_numpy(function: Callable[..., Any], probe: Array) -> bool:
    """Whether NumPy's protocols can read a function and it maps arrays to arrays; it may take tensors too."""
    from supnorm.program import lower_numpy

    try:
        lower_numpy(function, probe.shape[1])
        return type(function(probe.copy())) is np.ndarray
    except (Exception, SystemExit):  # torch code that gets arrays
        return False


def _speaks_torch(function: Callable[..., Any], probe: Array, asked: str | None) -> str | None:
    """The precision in which a function takes and returns tensors; None if it takes none."""
    import torch

    for word in (asked,) if asked else ("float64", "float32"):
        try:
            result = function(torch.as_tensor(probe).to(getattr(torch, word)))
        except (Exception, SystemExit):  # a NumPy function that gets tensors, or weights of another precision
            continue
        if isinstance(result, torch.Tensor):
            return word
    return None
