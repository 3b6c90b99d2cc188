"""NumPy code is read without JAX, whose import takes as long as the rest of a small proof."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAD = "import sys\nimport numpy as np\nfrom supnorm.program.source import program_of\n"
PLAIN = """
print(program_of(lambda x: np.tanh(x[:, 0]), 1).operations, "jax" in sys.modules)
"""
IMPORTS = """
def late(x):
    import jax.numpy as jnp
    return x[:, 0] * np.asarray(jnp.asarray(0.1))
print(program_of(late, 1).value(np.ones((1, 1)))[0, 0], "jax" in sys.modules)
"""
ONCE = """
calls = []
def once(x):
    import jax
    calls.append(1)
    y = x[:, 0]
    if len(calls) == 1:
        y += 1.0  # a view of the points
    return y
try:
    print(program_of(once, 1))
except Exception as error:
    print(type(error).__name__, len(calls))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "said"),
    [
        (PLAIN, "('input', 'tanh') False"),
        (IMPORTS, "0.1 True"),  # JAX itself would make it a number of single precision
        (ONCE, "Unlike 1"),  # what cannot be read is not tried again, when it might look otherwise
    ],
    ids=["plain", "imports", "once"],
)
def test_numpy_code_is_read_without_jax(code: str, said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HEAD + code], capture_output=True, text=True, timeout=300, check=True
    )
    assert done.stdout.strip() == said
