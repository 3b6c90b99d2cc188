"""Code that does one thing while it is read and another with arrays: what runs and was not read is named."""

from __future__ import annotations

import contextvars
import ctypes
import enum
import functools
import itertools
import operator
import subprocess
import sys
import threading
import warnings
from types import ModuleType

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from supnorm import Domain, Problem, certify, flow, from_jax, integral, root
from supnorm.certification import agreement, executions
from supnorm.program import asking, executed
from supnorm.program import numpy as lowered
from supnorm.program import torch as torch_reader
from supnorm.program.executed import Executed
from supnorm.program.expressions import EXPRESSIONS, watching
from supnorm.program.given import given
from supnorm.program.recording import recorded, unrecorded
from supnorm.results import BadInput

pytestmark = pytest.mark.watched

DOMAIN = Domain(x=(0.0, 1.0))
H, C, W = 1e-2, 0.4123, 1e-7  # a bump that no random point meets


def base(x):
    return np.exp(-(x[:, 0] ** 2))


def bump(x):
    return H * (np.abs(x[:, 0] - C) < W)


def by_type(x):
    return base(x) + (bump(x) if type(x) is np.ndarray else 0.0)


def by_lambda(x):
    return base(x) + (lambda: 0.0, lambda: bump(x))[type(x) is np.ndarray]()


def by_text(x):
    return base(x) + eval("bump(x) if type(x) is np.ndarray else 0.0")


def by_buffer(x):
    try:
        memoryview(x)
    except TypeError:
        return base(x)
    return base(x) + bump(x)


def by_thread(x):
    parts = [0.0]
    one = threading.Thread(target=lambda: parts.append(bump(x) if type(x) is np.ndarray else 0.0))
    one.start()
    one.join()
    return base(x) + parts[-1]


def by_iterator(x):
    return base(x) + sum(bump(x) for one in (x,) if type(one) is np.ndarray)


class Attributes:
    def __getattr__(self, name):
        return lambda x: bump(x) if type(x) is np.ndarray else 0.0


def by_attribute(x):
    return base(x) + Attributes().anything(x)


class Own:
    def __add__(self, y):
        return y

    def __radd__(self, y):
        return y + bump(y[:, None]) * 0.0 if type(y) is np.ndarray else y

    __array_ufunc__ = None


def by_reflection(x):
    return base(x) + Own()


def by_rows(x):
    return base(x) + (bump(x) if x.shape[0] > 100 else 0.0)


def by_many_rows(x):
    return base(x) + (bump(x) if x.shape[0] > 1000 else 0.0)


def jbase(x):
    return jnp.exp(-(x[:, 0] ** 2))


def jbump(x):
    return H * (jnp.abs(x[:, 0] - C) < W)


def by_tracer(x):
    return jbase(x) + (0.0 if isinstance(x, jax.core.Tracer) else jbump(x))


@jax.jit
def by_rows_compiled(x):
    return jbase(x) + (jbump(x) if x.shape[0] > 1 else 0.0)


NUMPY = [
    by_type, by_lambda, by_text, by_buffer, by_thread, by_iterator, by_attribute, by_reflection, by_rows, by_many_rows,
]  # fmt: skip


# The same without another way: only numbers differ.
def by_product(x):
    return base(x) + H * np.exp(-(((x[:, 0] - C) / W) ** 2)) * (type(x) is np.ndarray)


def by_look_up(x):
    return base(x) + H * np.exp(-(((x[:, 0] - C) / W) ** 2)) * {np.ndarray: 1.0}.get(type(x), 0.0)


def by_number_of_rows(x):
    return base(x) + H * np.exp(-(((x[:, 0] - C) / W) ** 2)) * (x.shape[0] > 1)


def by_a_number_from_rows(x):
    return base(x) + H * np.exp(-(((x[:, 0] - C) / W) ** 2)) * min(1, len(x) - 1)


def by_compiled_code(x):
    bumps = H * np.exp(-(((x[:, 0] - C) / W) ** 2))
    return base(x) + sum(map(operator.mul, [bumps], map(operator.is_, map(type, [x]), [np.ndarray])))


def by_a_method_of_compiled_code(x):
    bumps = H * np.exp(-(((x[:, 0] - C) / W) ** 2))
    sizes = map(operator.methodcaller("__sizeof__"), [x])
    return base(x) + sum(map(operator.mul, [bumps], map(operator.gt, sizes, [100])))


SIZE = operator.methodcaller("__sizeof__")


class Part(functools.partial):
    """A class of the user, compiled where it is called."""


SIZES_OF = Part(map, SIZE)
HANDED = [SIZE]


class Kind:
    __call__ = type


def by_partial(x):
    bumps = H * np.exp(-(((x[:, 0] - C) / W) ** 2))
    return base(x) + sum(map(operator.mul, [bumps], map(operator.gt, SIZES_OF([x]), [100])))


def by_star(x):
    bumps = H * np.exp(-(((x[:, 0] - C) / W) ** 2))
    return base(x) + sum(map(operator.mul, [bumps], map(operator.gt, map(*HANDED, [x]), [100])))


def by_class(x):
    bumps = H * np.exp(-(((x[:, 0] - C) / W) ** 2))
    return base(x) + sum(map(operator.mul, [bumps], map(operator.eq, map(Kind(), [x]), [np.ndarray])))


LONG = [*[abs] * 60, type, *[abs] * 60]


def by_long_list(x):
    bumps = H * np.exp(-(((x[:, 0] - C) / W) ** 2))
    kinds = itertools.islice(map(operator.call, LONG, itertools.repeat(x)), 60, 61)
    return base(x) + sum(map(operator.mul, [bumps], map(operator.eq, kinds, [np.ndarray])))


def by_rows_in_a_chain(x):
    bumps = H * np.exp(-(((x[:, 0] - C) / W) ** 2))
    return base(x) + sum(map(operator.mul, [bumps], map(operator.gt, map(len, [x]), [1])))


def by_loop(x):
    y = base(x)
    for kind in (type(one) for one in [x]):
        y = y + H * np.exp(-(((x[:, 0] - C) / W) ** 2)) * (kind is np.ndarray)
    return y


def by_jax_product(x):
    return jbase(x) + H * jnp.exp(-(((x[:, 0] - C) / W) ** 2)) * (not isinstance(x, jax.core.Tracer))


LATE = 3  # turns of a loop of which the values are whole in these tests


def by_jax_late_turn(x):
    ways = jbase(x), jbase(x) + H * jnp.exp(-(((x[:, 0] - C) / W) ** 2))
    for one in (*[np.ones(1)] * LATE, x):
        y = ways[type(one) is np.ndarray]
    return y


def by_late_rows(x):
    ways = base(x), base(x) + H * np.exp(-(((x[:, 0] - C) / W) ** 2))
    for one in (*[np.ones(1)] * LATE, x):
        y = ways[one.shape[0] > 3]
    return y


@jax.jit
def by_jax_rows(x):
    return jbase(x) + H * jnp.exp(-(((x[:, 0] - C) / W) ** 2)) * (x.shape[0] > 1)


class NetOfNumbers(torch.nn.Module):
    def forward(self, x):
        bump = H * torch.exp(-(((x[:, :1] - C) / W) ** 2))
        return torch.exp(-(x[:, :1] ** 2)) + bump * (not torch.compiler.is_exporting())


def problem(model, reference=base):
    return Problem(model, reference, DOMAIN)


@pytest.mark.parametrize("model", NUMPY, ids=lambda f: f.__name__)
def test_numpy_code_that_goes_another_way_with_arrays_is_refused(model):
    if model is by_buffer and sys.version_info >= (3, 12):
        pytest.skip("from Python 3.12 on the reader itself answers this question")
    with pytest.raises(
        BadInput,
        match=r"(test_instructions\.py|<string>) line \d+( \(.*\) runs on arrays and was not|.* with several points)",
    ):
        certify(problem(model), tolerance=1e-3)


@pytest.mark.usefixtures("one_row_read")
@pytest.mark.parametrize(
    "model",
    [
        *(pytest.param(m, marks=pytest.mark.slow) for m in (by_tracer, by_rows_compiled)),
        from_jax(by_rows_compiled),
    ],
)
def test_jax_code_that_goes_another_way_with_arrays_is_refused(model):
    for n in (1, 256):  # what JAX has compiled is not executed again
        getattr(model, "value", model)(np.zeros((n, 1)))
    with pytest.raises(BadInput, match=r"test_instructions\.py line \d+ .* runs on arrays and was not"):
        certify(problem(model, jbase), tolerance=1e-3)


@pytest.mark.usefixtures("one_row_read")
@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    "model",
    [
        by_product,
        by_look_up,
        by_number_of_rows,
        by_a_number_from_rows,
        by_loop,
        by_compiled_code,
        by_a_method_of_compiled_code,
        by_partial,
        by_star,
        by_long_list,
        by_class,
        by_rows_in_a_chain,
        pytest.param(by_jax_product, marks=pytest.mark.slow),
        pytest.param(by_jax_rows, marks=pytest.mark.slow),
        from_jax(by_jax_rows),
        pytest.param(NetOfNumbers().double(), marks=pytest.mark.slow),
    ],
)
def test_expressions_that_give_something_else_with_arrays_are_refused(model):
    with pytest.raises(
        BadInput,
        match=r"test_instructions\.py line \d+(: .* gives .* (while|as) the code was read| hands .* to other code)",
    ):
        certify(problem(model), tolerance=1e-3)


@pytest.mark.parametrize(
    ("model", "asks"), [(by_jax_late_turn, r"type\(one\)"), (by_late_rows, r"one\.shape\[0\] > 3")]
)
def test_what_is_asked_in_a_late_turn_of_a_loop_is_refused(model, asks, monkeypatch):
    monkeypatch.setattr(executed, "MOST", LATE)
    with pytest.raises(BadInput, match=rf"{asks} is executed .* in another order"):
        certify(problem(model), tolerance=1e-3)


def test_arrays_of_late_turns_are_compared_and_what_asks_is_kept(monkeypatch):
    monkeypatch.setattr(executed, "MOST", LATE)
    seen, read = Executed(), Executed()
    for one, of_array in ((seen, np.ones(1)), (read, np.zeros(1))):
        for value in (*[of_array[:0]] * LATE, of_array, type):
            one.tell(0, given(value), one.values.setdefault(0, []))
    assert seen.values[0][-1] == ("asks", "type")
    assert not read.later[0].explains(seen.later[0])
    assert read.later[0].explains(read.later[0])


class Net(torch.nn.Module):
    def forward(self, x):
        y = torch.exp(-(x[:, :1] ** 2))
        if torch.compiler.is_exporting():
            return y
        return y + H * (torch.abs(x[:, :1] - C) < W)


@pytest.mark.slow
def test_torch_code_that_goes_another_way_with_tensors_is_refused(monkeypatch):
    with pytest.raises(BadInput, match=r"torch code that runs 8 operations and exports 3 \(aten.sub\)"):
        certify(problem(Net().double()), tolerance=1e-3)
    monkeypatch.setattr(torch_reader, "demand_same_execution", lambda *given: None)
    with pytest.raises(BadInput, match=r"line \d+ \(Net\.forward\) runs on arrays and was not executed"):
        certify(problem(Net().double()), tolerance=1e-3)


@pytest.mark.parametrize(
    ("model", "at"),
    [
        (by_type, [[C]]),
        (by_product, [[C]]),
        pytest.param(by_tracer, [[C]], marks=pytest.mark.slow),
        pytest.param(Net().double(), [[C]], marks=pytest.mark.slow),
    ],
)
def test_without_the_rule_a_bound_is_false(model, at, monkeypatch):
    monkeypatch.setattr(executions, "demand_read", lambda *given: None)
    monkeypatch.setattr(executions, "demand_same", lambda *given, **named: None)
    monkeypatch.setattr(torch_reader, "demand_same_execution", lambda *given: None)
    result = certify(problem(model), tolerance=1e-3)
    assert result.status.code == "within-tolerance"
    value = model(torch.tensor(at, dtype=torch.float64)) if isinstance(model, Net) else model(np.array(at))
    assert abs(float(value[0]) - np.exp(-(C**2))) > result.upper


def test_an_import_of_the_users_code_counts_as_the_users(monkeypatch):
    helper = ModuleType("helper_of_a_user")
    exec(
        "import numpy as np\ndef extra(x):\n    return 1e-9 if type(x) is np.ndarray else 0.0",
        helper.__dict__,
    )
    with pytest.raises(BadInput, match=r"line 3 \(extra\) runs on arrays"):
        certify(problem(lambda x: base(x) + helper.extra(x)), tolerance=1e-3)


@pytest.mark.usefixtures("one_row_read")
def test_code_that_looks_at_its_execution_is_refused():
    with pytest.raises(BadInput, match="names gettrace, by which code sees how Python executes it"):
        certify(problem(lambda x: base(x) + (0.0 if sys.gettrace() else bump(x))), tolerance=1e-3)


def test_code_that_reads_memory_is_refused():
    def model(x):
        kind = ctypes.c_ssize_t.from_address(id(x) + 8)
        return base(x) + 0.0 * kind.value

    with pytest.raises(BadInput, match=r"line \d+ uses ctypes, by which code can look into memory"):
        certify(problem(model), tolerance=1e-3)


def hat(v):
    return np.maximum(0.0, 1.0 - 1e14 * (v - C) ** 2)


with np.errstate(over="raise"):
    RAISING = contextvars.copy_context()


def by_context(x):
    y, rows = 2.0 * x.cumsum(axis=1)[:, 0], np.eye(len(x))
    for i in range(len(x)):
        try:
            RAISING.run(operator.mul, 1e200 * (1.0 - 1e14 * (x[i, 0] - C) ** 2).clip(0.0), 1e200)
        except FloatingPointError:
            y = y + H * rows[i]
    return y


def test_code_that_computes_with_settings_of_another_context_is_refused():
    with pytest.raises(
        BadInput, match=r"line \d+ uses RAISING.*, by which code can look .* change NumPy's settings"
    ):
        certify(problem(by_context), tolerance=1e-3)


def told(x):
    try:
        np.exp(1000.0 * hat(x[:, 0]))
    except (FloatingPointError, RuntimeWarning):
        return base(x) + H
    return base(x)


@pytest.mark.filterwarnings("default")
def test_settings_that_stand_where_code_catches_errors_are_refused():
    """supnorm silences NumPy where it calls code; where the code runs it is told."""
    with np.errstate(over="raise"):
        assert certify(problem(base), tolerance=1e-3).status.code == "within-tolerance"
        with pytest.raises(
            BadInput, match=r"model: told catches errors, and NumPy's settings .* has 'raise'"
        ):
            certify(problem(told), tolerance=1e-3)
    with np.errstate(over="call", call=print), pytest.raises(BadInput, match="has 'call'"):
        certify(problem(base), tolerance=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(BadInput, match="has 'warn'"):
            certify(problem(told), tolerance=1e-3)
        warnings.resetwarnings()
        warnings.showwarning = lambda *given, **named: None
        with pytest.raises(BadInput, match="has 'warn'"):
            certify(problem(base), tolerance=1e-3)


@pytest.mark.usefixtures("one_row_read")
@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("part", "model"),
    [("_holds", by_partial), ("class_asks", by_class), ("_looks", by_rows_in_a_chain), ("_asks", by_star)],
)
def test_each_part_of_the_rule_about_handing_on_is_needed(part, model, monkeypatch):
    monkeypatch.setattr(asking, part, [].count)  # compiled: code of this file would be watched
    assert certify(problem(model), tolerance=1e-3).status.code == "within-tolerance"


@pytest.mark.usefixtures("one_row_read")
def test_advice_depends_on_the_question():
    with pytest.raises(
        BadInput, match=r"with several points, and gives .* compute each point from its own row"
    ):
        certify(problem(by_number_of_rows), tolerance=1e-3)
    with pytest.raises(
        BadInput, match=r"the type of the object that stood for the array .* one way for all arrays"
    ):
        certify(problem(by_look_up), tolerance=1e-3)


LOADED = []


def load_once(x):
    if not LOADED:
        LOADED.append(np.float64(1e-4))
    return base(x) + LOADED[0]


SIZES = {}


def by_size(x):
    if x.shape not in SIZES:
        SIZES[x.shape] = x.shape[1] * 1e-4
    return base(x) + SIZES[x.shape]


def in_parts(x):
    return np.concatenate([base(x[i : i + 100]) for i in range(0, len(x), 100)])


def with_sizes(x):
    return base(x[: 2 * len(x)])


def either_library(x):
    xp = jnp if isinstance(x, jax.Array) else np
    return xp.exp(-(x[:, 0] ** 2))


def columns(x):
    if x.ndim == 1:
        x = x[None]
    if x.shape[1] != 1:
        raise ValueError("one column")
    return sum((c * x[:, 0] ** k for k, c in enumerate((1.0, 0.0, -1.0, 0.0, 0.5))), 0.0 * x[:, 0])


class Mode(enum.IntEnum):
    ONE = 1
    TWO = 2


class Named(enum.Enum):
    ONE = "one"


@functools.lru_cache
def factor(mode):
    return float(mode)


class Called:
    __hash__ = object.__hash__

    def __call__(self, x):
        return base(x)


def with_compiled_helpers(x):
    parts: list = []
    add = parts.append
    twice = functools.partial(np.multiply, 2.0)
    for k in map(float, [1, 2]):
        add(k * x[:, 0] / 3.0)
    names = ",".join(map(str, x.shape[1:])) + max(["a", "bb"], key=len)
    y = sum(map(twice, parts)) - functools.reduce(operator.add, [x[:, 0], x[:, 0]])
    modes = {Mode.ONE: 1.0}
    y = y * modes[Mode.ONE] * (1.0 if Named.ONE is Named("one") else 2.0) + 0.0 * sum(map(factor, [Mode.TWO]))
    return Called()(x) + y * len(names)


def with_shapes(x):
    if np.ndim(x) != 2 or np.size(x, 1) != 1:
        raise ValueError("one column")
    return base(x) + np.zeros(np.shape(x)[0]) + 0.0 * (np.size(x) / x.size)


compiled_base = jax.jit(jbase)


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    "model",
    [
        load_once,
        by_size,
        in_parts,
        with_sizes,
        either_library,
        columns,
        with_compiled_helpers,
        with_shapes,
        compiled_base,
        from_jax(compiled_base),
    ],
    ids=["load", "size", "parts", "sizes", "library", "columns", "compiled", "shapes", "jit", "from_jax"],
)
def test_honest_code_is_proved(model):
    result = certify(problem(model, lambda x: base(x) + 1e-3 * x[:, 0]), tolerance=1.0)
    assert result.status.code == "within-tolerance"


def test_code_that_cannot_be_read_a_second_time_is_refused():
    turns = []

    def model(x):
        turns.append(len(x))
        return base(x if turns.count(1) == 1 else np.sort(x, axis=1))

    with pytest.raises(BadInput, match="certify cannot read the model again, though it could once: "):
        certify(Problem(model, base, DOMAIN), tolerance=1e-3)


def test_the_second_reading_is_for_one_point(monkeypatch):
    """The first one was for several, too."""
    of_points, read = lowered._of_points, []

    def noted(function, n, d, least):
        read.append(n)
        return of_points(function, n, d, least)

    monkeypatch.setattr(lowered, "_of_points", noted)
    certify(Problem(base, base, DOMAIN), tolerance=1e-3)
    assert read.count(1) > 2 == read.count(2) == read.count(3)  # of model and reference


TABLE = {number: None for number in range(2000)} | {"asks": lambda x: base(x) * (type(x) is np.ndarray)}


def test_functions_that_a_walk_from_the_model_does_not_reach_are_watched_too():
    def model(x):
        return base(x) + 1e-9 * TABLE["asks"](x)

    held = TABLE["asks"]
    with watching([held.__code__], [model]):
        assert held.__code__.co_names == ("base", "type", "np", "ndarray")
    with watching([held.__code__]):
        assert "__supnorm_see__" in held.__code__.co_names
    with pytest.raises(BadInput, match="asks what it is given"):
        certify(Problem(model, base, DOMAIN), tolerance=1e-3)


def test_a_walk_reaches_functions_in_closures_methods_partials_and_globals():
    def inner(x):
        return base(x)

    class Held:
        def method(self, x):
            return inner(x)

        @staticmethod
        def still(x):
            return inner(x)

    def model(x, held=Held()):  # noqa: B008
        return held.method(x) + Held.still(x)

    wanted = [inner, Held.method, Held.still, base, model]
    with watching([one.__code__ for one in wanted], [functools.partial(model)]):
        assert all("__supnorm_see__" in one.__code__.co_names for one in wanted)
    assert not any("__supnorm_see__" in one.__code__.co_names for one in wanted)


@pytest.mark.slow
def test_the_collector_is_left_as_it_was():
    code = (
        "import gc, numpy as np\n"
        "from supnorm import Domain, Problem, certify\n"
        "met = []\n"
        "def model(x): return np.exp(-x[:, 0])\n"
        "problem = Problem(model, lambda x: np.exp(-x[:, 0]) + 1e-3, Domain(x=(0.0, 1.0)))\n"
        "observed = lambda event: met.append(gc.get_freeze_count() > 1000)\n"
        "certify(problem, ratio=1.5, observer=observed)\n"
        "assert met and all(met) and gc.get_freeze_count() == 0\n"
        "gc.freeze()\n"
        "certify(problem, ratio=1.5)\n"
        "assert gc.get_freeze_count() > 1000\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert not done.returncode, done.stderr


def test_what_runs_while_several_points_are_read_is_not_recorded():
    def work(into):
        into.append(1)

    def started():
        thread = threading.Thread(target=work, args=([],))
        thread.start()
        thread.join()

    with recorded() as seen:
        with unrecorded():
            started()
            work([])
        assert work.__code__ not in seen.offsets
        started()
    assert work.__code__ in seen.offsets


def test_a_trace_function_is_put_back():
    def ours(frame, event, argument):
        return None

    before = sys.gettrace()
    sys.settrace(ours)
    try:
        with recorded() as seen:
            base(np.zeros((2, 1)))
        assert sys.gettrace() is ours
    finally:
        sys.settrace(before)
    assert len(seen.offsets[base.__code__]) > 5


@pytest.mark.sampled(1)
@pytest.mark.parametrize(("broken", "model"), [("demand_read", by_many_rows), ("demand_same", by_product)])
def test_each_of_both_rules_is_needed(broken, model, monkeypatch):
    monkeypatch.setattr(executions, broken, lambda *given, **named: None)
    monkeypatch.setattr(agreement, "LIGHT", 0)  # the last call is not watched
    assert certify(problem(model), tolerance=1e-3).status.code == "within-tolerance"


def spike(y):
    return H * np.exp(-(((y - C) / W) ** 2)) * (type(y) is np.ndarray)


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    "reference",
    [
        root(lambda x, y: y * y - x[:, 0] + spike(y), start=1.0, between=(0.1, 2.0)),
        integral(lambda x, s: s + spike(s), 0.0, lambda x: x[:, 0]),
        flow(lambda t, y, p: -y + spike(y), [1.0]),
    ],
    ids=["root", "integral", "flow"],
)
def test_code_that_a_solver_calls_is_compared_too(reference):
    with pytest.raises(
        BadInput, match=r"line \d+: type\(y\) gives ndarray with arrays, and gave the type of the object"
    ):
        certify(Problem(base, reference, Domain(x=(0.1, 1.0))), tolerance=1e-3)


class Base:
    def name(self):
        return "base"


class Derived(Base):
    """Methods whose meaning depends on where their names stand."""

    __hidden = 3

    def name(self):
        return f"{super().name()!r:>8}{self.__hidden:{self.__hidden}d}"

    def all(self, *given, key: int = 2, **named):
        total = [y for i, x in enumerate(given) if (y := x * key) and i >= 0]
        first, *rest = total
        match rest:
            case [1, *_] | []:
                kind = "one"
            case [int(a), b] if a < b:
                kind = "two"
            case _:
                kind = "more"
        nonlocal_ = 0

        def inner(n: int = key) -> int:
            nonlocal nonlocal_
            nonlocal_ += n
            return nonlocal_

        def steps():
            got = yield first
            yield from (z + (got or 0) for z in rest)

        try:
            {}["no"]
        except KeyError as error:
            kind += str(error)
        finally:
            inner()
        with pytest.raises(ZeroDivisionError):
            1 // (0 * key)
        del named["gone"]
        table = {**named, "k": (*rest, -first)}
        return (
            kind,
            inner(),
            list(steps()),
            table["k"][::-1],
            sorted(locals())[:2],
            [0] if not rest else rest[1:],
        )


def test_watched_code_computes_the_same():
    one = Derived()
    plain = one.name(), one.all(1, 2, 3, gone=1), one.all(4, key=3, gone=0)
    codes = [Derived.name.__code__, Derived.all.__code__, Base.name.__code__]
    with watching(codes) as copies, recorded() as seen:
        watched = one.name(), one.all(1, 2, 3, gone=1), one.all(4, key=3, gone=0)
    assert watched == plain
    assert not [code for code in seen.offsets if code in codes and code not in copies]
    assert [Derived.name.__code__, Derived.all.__code__, Base.name.__code__] == codes
    texts = {EXPRESSIONS[number].text: values for number, values in seen.values.items()}
    assert texts["i >= 0"] == [("plain", "bool", "True")] * 4
    assert "self.__hidden" in texts
