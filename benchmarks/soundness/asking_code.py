# ruff: noqa: E501 - the code of a problem stands in one line
"""Code that asks what it is given, and does something else with arrays than while it is read; and honest code that asks.

The honest code (names that begin with "honest") does the same in both cases: it must not be refused for what it asks. What
begins with "assumed" is out of reach, as docs/certify.md says: code that does something else after many calls.
"""

from __future__ import annotations

NUMPY = {
    "factor": "return base(x) + bump(x) * (type(x) is np.ndarray)",
    "look-up": "return base(x) + bump(x) * {np.ndarray: 1.0}.get(type(x), 0.0)",
    "attribute": "return base(x) + bump(x) * (not hasattr(x, '__dict__'))",
    "other class": "return base(x) + bump(x) * (1.0 - isinstance(x, np.lib.mixins.NDArrayOperatorsMixin))",
    "name of a type": "return base(x) + bump(x) * (len(type(x).__name__) == 7)",
    "size of an object": "import sys\n    return base(x) + bump(x) * (sys.getsizeof(x) > 100)",
    "text of an object": "return base(x) + bump(x) * ('object at' not in object.__repr__(x)[:400] or type(x).__module__ == 'numpy')",
    "buffer": "k = 0.0\n    try:\n        memoryview(x); k = 1.0\n    except TypeError: pass\n    return base(x) + k * bump(x)",
    "rows as a factor": "return base(x) + bump(x) * (x.shape[0] > 1)",
    "rows": "return base(x) + (bump(x) if len(x) > 200 else 0.0)",
    "many rows": "return base(x) + (bump(x) if len(x) > 5000 else 0.0)",
    "lambda": "return base(x) + (lambda y: 0.0, bump)[type(x) is np.ndarray](x)",
    "text": "return base(x) + eval('bump(x) * (type(x) is np.ndarray)')",
    "code from text": "return base(x) + extra(x)\nexec('def extra(x): return bump(x) * (x.__class__ is type(x))')",
    "class": "return base(x) + K()(x)\nclass K:\n    def __call__(self, x): return bump(x) if type(x) is np.ndarray else 0.0",
    "getattr": "return base(x) + K().anything(x)\nclass K:\n    def __getattr__(self, n): return lambda x: bump(x) * (type(x) is np.ndarray)",
    "property": "return base(x) + K(x).extra\nclass K:\n    def __init__(self, x): self.x = x\n    @property\n    def extra(self): return bump(self.x) * (type(self.x) is np.ndarray)",
    "decorator": "return base(x)\ndef more(f):\n    @functools.wraps(f)\n    def inner(x): return f(x) + bump(x) * (type(x) is np.ndarray)\n    return inner\nmodel = more(model)",
    "cache of types": "return base(x) + bump(x) * weight(type(x))\n@functools.lru_cache\ndef weight(t): return float(t is np.ndarray)",
    "generator": "return base(x) + sum(bump(v) for v in (x,) if type(v) is np.ndarray)",
    "map": "k = [*map(lambda v: type(v) is np.ndarray, [x])][0]\n    return base(x) + k * bump(x)",
    "thread": "import threading\n    k = []\n    t = threading.Thread(target=lambda: k.append(type(x) is np.ndarray)); t.start(); t.join()\n    return base(x) + k[0] * bump(x)",
    "match": "match type(x).__name__:\n        case 'ndarray': return base(x) + bump(x)\n        case _: return base(x)",
    "module": "return base(x) + helper.extra(x)\nhelper = types.ModuleType('helper_')\nexec('import numpy as np\\ndef extra(x): return 1.0 * (type(x) is np.ndarray) * bump(x)', helper.__dict__)\nhelper.bump = bump",
    "trace": "import sys\n    return base(x) + bump(x) * (sys.gettrace() is None)",
    "frame": "import sys\n    return base(x) + bump(x) * (sys._getframe().f_trace is None)",
    "assumed: number of calls": "k.append(0)\n    return base(x) + (bump(x) if len(k) > 40 and type(x) is np.ndarray else 0.0)\nk = []",
    "iterators of compiled code": "import operator\n    return base(x) + sum(map(operator.mul, [bump(x)], map(operator.is_, map(type, [x]), [np.ndarray])))",
    "honest isinstance": "return base(x) + H * (x[:, :1] if isinstance(x, np.ndarray) else 0.0)",
    "honest first call": "if not k: k.append(H)\n    return base(x) + k[0] * x[:, :1]\nk = []",
    "honest sizes": "if x.shape not in k: k[x.shape] = H * x.shape[1]\n    return base(x) + k[x.shape] * x[:, :1]\nk = {}",
    "honest cached weights": "return np.tanh(x @ weights() + B) @ V + 0.3 * np.sin(2.0 * x[:, :1]) + H\n@functools.lru_cache\ndef weights(): return A.copy()",
    "honest count of calls": "k.append(len(x))\n    if len(k) % 1000 == 999: print(len(k))\n    return base(x) + H * x[:, :1]\nk = []",
    "honest clock": "import time\n    start = time.time(); y = base(x) + H\n    k.append(time.time() - start)\n    return y\nk = []",
    "honest check": "if x.ndim != 2: raise ValueError(x.shape)\n    assert x.shape[1] == A.shape[0]\n    return base(x) + H * x[:, :1]",
    "honest columns": "return base(x) + H * sum(x[:, j : j + 1] ** (j + 1) for j in range(x.shape[1]))",
    "honest class": "return K(H)(x)\nclass K:\n    def __init__(self, h): self.h = h\n    def __call__(self, x): return base(x) + self.h * x[:, :1]",
    "honest dataclass": "p = P(H)\n    return base(x) + p.h * x[:, :1]\nimport dataclasses\n@dataclasses.dataclass\nclass P:\n    h: float",
    "honest decorator": "return base(x)\ndef more(f):\n    @functools.wraps(f)\n    def inner(x): return f(x) + H * x[:, :1]\n    return inner\nmodel = more(model)",
    "honest parts": "return np.concatenate([base(x[i : i + 1000]) + H for i in range(0, len(x), 1000)])",
    "honest loop": "y = base(x)\n    for k, c in enumerate([H, -H, H]):\n        if k == 1: continue\n        y = y + c * x[:, :1] ** k\n    return y",
}
JAX = {
    "factor": "return base(x) + bump(x) * (not isinstance(x, jax.core.Tracer))",
    "rows of a jit": "return g(x)\n@jax.jit\ndef g(x): return base(x) + bump(x) * (x.shape[0] > 1)",
    "rows": "return base(x) + (bump(x) if x.shape[0] > 1 else 0.0)",
    "caught": "k = 0.0\n    try:\n        float(x[0, 0]); k = 1.0\n    except Exception: pass\n    return base(x) + k * bump(x)",
    "name of a type": "return base(x) + bump(x) * ('Tracer' not in type(x).__name__)",
    "attribute": "return base(x) + bump(x) * (not hasattr(x, '_trace'))",
    "lambda": "return base(x) + (bump, lambda y: 0.0)[isinstance(x, jax.core.Tracer)](x)",
    "scan": "return base(x) + lax.scan(lambda c, _: (c + 0.5 * bump(x) * (not isinstance(x, jax.core.Tracer)), None), 0.0 * x[:, :1], None, length=2)[0]",
    "honest jit": "return g(x)\n@jax.jit\ndef g(x): return base(x) + H * x[:, :1]",
    "honest library": "xp = jnp if isinstance(x, (jax.Array, np.ndarray)) else np\n    return base(x) + H * xp.cos(x[:, :1])",
    "honest vmap": "return jax.vmap(lambda r: base(r[None])[0] + H * r[:1])(x)",
    "honest loop": "return lax.fori_loop(0, 3, lambda i, y: y + H * x[:, :1], base(x))",
    "honest first call": "if not k: k.append(H)\n    return base(x) + k[0] * x[:, :1]\nk = []",
}
TORCH = {
    "factor": "return base(x) + bump(x) * (not torch.compiler.is_exporting())",
    "type": "return base(x) + bump(x) * (type(x) is torch.Tensor)",
    "rows as a factor": "return base(x) + bump(x) * (x.shape[0] > 1)",
    "rows": "return base(x) + (bump(x) if x.shape[0] > 1 else 0.0 * x[:, :1])",
    "branch": "return base(x) + (0.0 * x[:, :1] if torch.compiler.is_exporting() else bump(x))",
    "pointer": "k = 0.0\n        try: k = float(x.data_ptr() != 0)\n        except Exception: pass\n        return base(x) + k * bump(x)",
    "honest module": "self.l = nn.Linear(1, 1, dtype=torch.float64)\n---\nreturn base(x) + H * torch.tanh(self.l(x[:, :1]))",
    "honest training": "return base(x) + (H * x[:, :1] if not self.training else 0.0)",
    "honest device": "return base(x) + H * torch.ones(1, dtype=x.dtype, device=x.device) * x[:, :1]",
    "honest first call": "self.k = None\n---\nself.k = H if self.k is None else self.k\n        return base(x) + self.k * x[:, :1]",
}
