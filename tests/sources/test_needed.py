"""Which statements of a file count for a reference: all that may change its values, and few others."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np
import pytest

from supnorm.sources.needed import needed

HEAD = """
import numpy as np
A = np.array([1.0, 2.0])
D = {"a": 1.0, "b": [1.0]}
L = [1.0, 1.0]
class Box:
    v = 1.0
    def put(self, t, v): t[0] = v
    def move(self, v): self.v = v
    def add(self, v): return v
BOX = Box()
"""
END = """
def truth(x): return x * A[0] + D["a"] + D["b"][0] + L[0] + BOX.v + Box.v
"""
CHANGES = [  # each makes another reference for another N
    "A[0] = N", "D['a'] = N", "BOX.v = N", "L[0] += N", "L.insert(0, N)", "setattr(BOX, 'v', N)", "D.update(a=N)",
    "w = A; w[0] = N", "w = A[:]; w[0] = N", "w = A.T; w[0] = N", "w = D['b']; w[0] = N", "w = [A]; w[0][0] = N",
    "w, u = A, 3; w[0] = N", "w = {'k': A}; w['k'][0] = N", "w = id and A; w[0] = N", "w = A if True else 0; w[0] = N",
    "u = (w := A); w[0] = N", "w = np.asarray(A); w[0] = N", "w = A.reshape(2, 1); w[0] = N", "w = A; u = w; u[0] = N",
    "for w in [A]:\n    w[0] = N", "A[0], *u = N, 2", "A[0] = u = N", "u = [0]; u[L.__setitem__(0, N) or 0] = 1",
    "def g(t, v): t[0] = v\ng(A, N)", "def g(t, v): t[0] = v\nu = g(A, N)", "def g(v): A[0] = v\nu = g(N)",
    "def g(v):\n    t = A\n    t[0] = v\nu = g(N)", "def h(t, v): t[0] = v\ndef g(v): h(A, v)\nu = g(N)",
    "def g():\n    global L\n    L = [N]\nu = g()", "g = lambda v: A.__setitem__(0, v)\nu = g(N)",
    "def g(t, v): t += v\nu = g(A, N)", "def g(v): A[0] = v\nh = g\nu = h(N)", "u = (lambda: A.__setitem__(0, N))()",
    "BOX2 = Box(); BOX2.put(A, N)", "u = BOX.put(A, N)", "BOX.move(N)", "u = BOX.move(N)", "B = BOX; u = B.move(N)",
    "list.insert(L, 0, N)", "dict.update(D, a=N)", "L.append(N); u = L.pop(0); L[0] = N", "del L[0]; L.insert(0, N)",
    "exec('A[0] = N')", "u = exec('A[0] = N')", "globals()['A'] = np.array([N, 1.0])", "vars(BOX)['v'] = N",
    "np.copyto(A, N)", "u = np.copyto(A, N)", "u = np.put(A, 0, N)", "u = np.multiply(A, N, out=A)",
    "for k in range(1):\n    A[k] = N", "u = [A.__setitem__(0, N) for _ in range(1)]", "if True:\n    A[0] = N",
    "def deco(t):\n    A[0] = N\n    return t\n@deco\ndef other(x): return x", "class K:\n    A[0] = N",
    "class K:\n    z = A.__setitem__(0, N)", "def h(x, z=A.__setitem__(0, N)): return x", "u: float = A.__setitem__(0, N)",
    "u = 0; u += A.__setitem__(0, N) or 0", "assert A.__setitem__(0, N) is None", "Box.v = N", "C = Box; C.v = N",
    "class M:\n    def __init__(self): A[0] = N\nM0 = M()", "class M:\n    def __init__(self, t): t[0] = N\nM0 = M(A)",
    "u = lambda q=A.__setitem__(0, N): q", "C = type(BOX); C.v = N", "Q = [Box]; Q[0].v = N", "class S(Box):\n    Box.v = N",
    "def get(): return A\nw = get()\nw[0] = N", "get = lambda: A\nw = get()\nw[0] = N", "class C:\n    t = A\nC.t[0] = N",
    "w = [A] + []; w[0][0] = N", "w = {'k': A} | {}; w['k'][0] = N", "w = 2 * [A]; w[1][0] = N",
    "def g(v):\n    A[0] = v\n    return v\nu = sorted([N], key=g)", "def g(v): A[0] = v\nu = list(map(g, [N]))",
    "def g(v): A[0] = v\ndef call(h, v): return h(v)\nu = call(g, N)",
    "u = np.vectorize(lambda v: A.__setitem__(0, v) or v)([N])",
    "u = [*map(L.append, [N])]; L[0] = L[-1]", "I = iter([1.0, N]); u = next(I); A[0] = next(I)",
    "I = iter([3.0, 4.0, 5.0, 6.0, 7.0, 8.0]); u = [next(I) for k in range(int(N))]; A[0] = next(I)",
    "if __name__ != '__main__':\n    A[0] = N", "if __name__ == '__main__':\n    pass\nelse:\n    A[0] = N",
    "def g(): pass\ng.__globals__['A'] = np.array([N, 1.0])", "def g(): pass\nu = g.__globals__.update(A=[N])",
    "V = N; exec('A[0] = V')", "V = N; A[0] = eval('2 * V')", "V = N; A[0] = globals()['V' + '']",
    "import random\nrandom.seed(1)\nu = [random.random() for k in range(int(N))]\nA[0] = random.random()",
    "np.random.seed(1)\ndef g(n): return np.random.rand(n)\nu = g(int(N))\nA[0] = np.random.rand()",
    "def g(n): np.random.seed(n)\nu = g(int(N))\nA[0] = np.random.rand()",
    "from numpy.random import rand, seed\nu = seed(int(N))\nA[0] = rand()",
    "def g(n, v): return h(n - 1, v) if n else 0\ndef h(n, v):\n    A[0] = v\n    return g(n - 1, v) if n else 0\n"
    "y = h(0, 5.0); u = g(3, N)",
    "from decimal import Decimal, getcontext\nc = getcontext(); c.prec = int(N)\nA[0] = Decimal(1) / 3",
]  # fmt: skip
FREE = [  # and these do not, as files do that hold a model beside the reference
    "Z = N", '"""N"""', "if __name__ == '__main__':\n    A[0] = N", "def model(x): return N * x", "model = lambda x: N * x",
    "X = np.linspace(0.0, N, 9); MODEL = np.interp(0.5, X, X)", "w = A.copy() * N", "w = A * N; w[0] = N",
    "X = np.linspace(0.0, N, 9); Y = truth(X); Y[0] = N", "n = len(L); Z = [N] * n; Z.append(N)",
    "def fit(t, k): return np.sum(t) * k\nMODEL = fit(A, N)",
    "class Net:\n    def __init__(self, k): self.k = k\n    def fit(self, k): self.k = k\nNET = Net(N); NET.fit(N)",
    "def net(x): return x\nM = [net(N)]; M[0] = N", "np.random.seed(0); M = np.random.rand(int(N))",
    "class Net:\n    w = np.zeros(3)\nNET = Net(); NET.w[0] = N", "h = [1.0] * 3 + [N]; h[0] = N",
    "u = sorted([N], key=abs)",
    "exp = np.exp; M = exp(N)", "A[0] = np.random.default_rng(1).random(); W = np.random.default_rng(int(N)).random()",
    "if __name__ == '__main__' and N:\n    A[0] = N", "X = [N]; X.sort(); Y = {}; Y['a'] = X",
    "W = np.zeros(3); W += N; W[0] = N",
]  # fmt: skip


def read(change: str, number: str) -> tuple[str, float]:
    """The statements that count, and a value of the reference."""
    late = change.startswith("X") and "truth" in change
    text = (HEAD + END + change if late else HEAD + change + END).replace("N]", number + "]")
    text = "".join(part if part != "N" else number for part in _words(text))
    names: dict[str, Any] = {"__name__": "code"}
    exec(compile(text, "code.py", "exec"), names)
    kept = needed(ast.parse(text), "truth")
    return "\n".join(map(ast.unparse, kept)), float(np.float64(names["truth"](0.5)))


def _words(text: str) -> list[str]:
    import re

    return re.split(r"\b(N)\b", text)


@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_the_reference_counts(change: str) -> None:
    (before, was), (after, now) = (read(change, number) for number in ("3.0", "5.0"))
    assert was != now
    assert before != after


@pytest.mark.parametrize("change", FREE)
def test_a_model_beside_it_does_not(change: str) -> None:
    (before, was), (after, now) = (read(change, number) for number in ("3.0", "5.0"))
    assert was == now
    assert before == after


def test_a_call_into_another_file_counts_if_the_reference_uses_this_file() -> None:
    text = "import helpers\nfrom other import fit\nu = helpers.setup({})\nM = fit({})\n"
    text += "def truth(x): return helpers.table(x)\n"
    own = {"helpers": "helpers.py", "fit": "other.py"}
    kept = [[ast.unparse(s) for s in needed(ast.parse(text.format(n, n)), "truth", own)] for n in (3, 5)]
    assert kept[0] == ["import helpers", "u = helpers.setup(3)", "def truth(x):\n    return helpers.table(x)"]
    assert kept[1] != kept[0]


def test_a_part_of_an_imported_object_counts_as_the_object() -> None:
    text = "from tables import T\nw = T\nw[0] = {}\ndef truth(x): return T[0] * x\n"
    kept = [
        [ast.unparse(s) for s in needed(ast.parse(text.format(n)), "truth", {"T": "tables.py"})]
        for n in (3, 5)
    ]
    assert kept[0] != kept[1]
