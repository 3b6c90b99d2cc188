"""Changes in place that are read: of arrays whose memory nothing else shares. Running the code is the oracle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from supnorm.program import Program, Unsupported, lower_numpy
from supnorm.program.numpy import _of_points

# One statement each, of arrays of shape (n, 2) named a, b, c; most of them make views or share memory in some way.
STATEMENTS = (
    "{p} = {q}",
    "{p} = {q} + 0.1",
    "{p} = np.sin({q})",
    "{p} = {q}.copy()",
    "{p} = np.array({q})",
    "{p} = np.asarray({q})",
    "{p} = np.array({q}, copy=None)",
    "{p} = np.copy({q})",
    "{p} = {q}[:]",
    "{p} = {q}[:, ::-1]",
    "{p} = {q}[:, [1, 0]]",
    "{p} = {q}.T.T",
    "{p} = {q}.reshape(len({q}), 2)",
    "{p} = {q}.ravel().reshape(-1, 2)",
    "{p} = np.einsum('ij->ij', {q})",
    "{p} = np.einsum('ij->ji', {q}).T",
    "{p} = np.flip({q}, 1)",
    "{p} = np.split({q}, 1)[0]",
    "{p} = np.concatenate([{q}, {q}], 1)[:, 1:3]",
    "{p} = np.stack([{q}[:, 0], {q}[:, 1]], 1)",
    "{p} = np.atleast_2d({q})",
    "{p} = np.squeeze({q}[:, :, None], 2)",
    "{p} = np.clip({q}, -9.0, 9.0)",
    "{p} = np.maximum({q}, -9.0)",
    "{p} = +{q}",
    "{p} = {q} @ np.eye(2)",
    "{p} = np.where([True, False], {q}, {r})",
    "{p} = {q}.astype(float)",
    "{p} = {q}.astype(float, copy=False)",
    "{p} = (lambda held: held)({q})",
    "h = [{q}, {p}]",
    "{p} = h[0]",
    "{p} += h[1]",
    "{p} += {q}",
    "{p} *= 1.5",
    "{p} -= 0.25 * {q}",
    "{p} /= 2.0",
    "{p} **= 2",
    "np.add({p}, {q}, out={r})",
    "np.exp(0.1 * {q}, out={p})",
    "s = {q}[0, 0]",
    "s += 1.0",
    "s = {q}.sum()",
    "t = s",
    "{p} = {q} + s",
    "{p} = {q} + 2.0 * t",
    "u = np.asarray({q}[0, 0])",
    "u = {q}[0, 0, ...]",
    "u += 1.0",
    "{p} = {q} * u",
    "for v in {p}: v += 0.0 * {q}[0]",
)


def code(seed: int) -> str:
    rng = np.random.default_rng(seed)
    lines = ["a, b, c = x + 0.0, np.cos(x), x", "h, s, t, u = [a, b], a[0, 0], a.sum(), 1.0"]
    for _ in range(int(rng.integers(2, 7))):
        p, q, r = rng.choice(["a", "b", "c"], 3)
        lines.append(str(rng.choice(STATEMENTS)).format(p=p, q=q, r=r))
    return "\n    ".join([*lines, "return a + 2.0 * b + 3.0 * c + s + 5.0 * t"])


def made(seed: int) -> Callable[[Any], Any]:
    space: dict[str, Any] = {"np": np}
    exec(f"def function(x):\n    {code(seed)}", space)
    function: Callable[[Any], Any] = space["function"]
    return function


def read(function: Callable[[Any], Any]) -> Program | None:
    """The program for one point: other rows do not matter here. None where the code is refused."""
    try:
        return _of_points(function, 1, 2, "float64")
    except (Unsupported, TypeError, ValueError, AttributeError):
        return None


@pytest.mark.sampled(20)
@pytest.mark.parametrize("first", range(0, 600, 20))
def test_code_that_shares_memory_is_read_as_it_runs_or_refused(first: int) -> None:
    for seed in range(first, first + 20):
        function = made(seed)
        x = np.random.default_rng(seed).uniform(0.2, 0.9, (1, 2))
        program = read(function)
        if program is None:
            continue
        expected = function(x.copy())
        np.testing.assert_allclose(
            program.value(x).reshape(expected.shape), expected, rtol=1e-12, err_msg=code(seed)
        )


def test_a_good_part_of_such_code_is_read() -> None:
    assert sum(read(made(seed)) is not None for seed in range(100)) >= 30


def _sum(x: Any) -> Any:
    total = 0.0
    for k in range(1, 4):
        total += np.sin(k * x[:, 0]) / k
    return total


def _step(x: Any) -> Any:
    s = x.copy()
    for _ in range(3):
        s += 0.1 * np.stack([s[:, 1], -s[:, 0]], 1)
        s = s * 1.0
    return s


def _points(x: Any) -> Any:
    values = []
    for row in x:
        s = row[0] * 2.0
        s *= row[1]
        s += np.sum(row)
        values.append(s)
    return np.array(values)


@pytest.mark.parametrize("function", [_sum, _points])
def test_sums_of_terms_are_read(function: Callable[[Any], Any]) -> None:
    x = np.random.default_rng(0).random((5, 2))
    np.testing.assert_allclose(lower_numpy(function, 2).value(x)[:, 0], function(x), rtol=1e-13)


def _input(x: Any) -> Any:
    x += 1.0
    return x


def _alias(x: Any) -> Any:
    y = np.sin(x)
    first = y[:, 0]
    y += 1.0
    return first


def _view_of_a_function(x: Any) -> Any:
    y = np.sin(x)
    same = np.einsum("ij->ij", y)
    y += 1.0
    return same


def _zero_axes(x: Any) -> Any:
    y = np.asarray(x[0, 0])
    z = y
    y += 1.0
    return x[:, 0] + z


def _larger(x: Any) -> Any:
    y = np.sin(x[:, 0])
    y += np.sin(x).T
    return y


@pytest.mark.parametrize("function", [_input, _alias, _view_of_a_function, _zero_axes, _larger, _step])
def test_what_may_share_memory_is_refused(function: Callable[[Any], Any]) -> None:
    with pytest.raises(Unsupported, match=r"in place|refuses it"):
        lower_numpy(function, 2)
