# ruff: noqa: E501 - a part of a trap stands in one line
"""A grammar of hiding places for `fifth`: what is hidden (`HIDDEN`), where it stands (`PLACES`), and when it acts (`TIMES`).

A trap is one of each. ``pay@(v, x)`` computes what is hidden, ``gate@(x)`` says when, ``act@(v, x)`` is both, and the place is the
code that calls it; ``@`` behind a name is the number of the trap, ``H`` the size of what is hidden, ``C@`` its place in x0, ``W`` its width.
An entry of `HIDDEN` is an expression, one of `TIMES` (lines at the level of the module, an expression), one of `PLACES` (lines at
the level of the module, lines in the function). Names that begin with "honest" do no harm: they change nothing, or what every
reader reads, such as a hat that is clipped. `ASSUMED` are the times and places that docs/code.md assumes away.
"""

from __future__ import annotations

import re

Pair = tuple[str, str]

HIDDEN: dict[str, dict[str, str]] = {
    "numpy": {
        "honest same": "v * 1.0",
        "honest clip": "v + H * np.clip(1.0 - np.abs(x[:, :1] - C@) / W, 0.0, 1.0)",
        "honest maximum": "v + H * np.maximum(1.0 - np.abs(x[:, :1] - C@) / W, 0.0)",
        "honest interp": "v + np.interp(x[:, :1], [C@ - W, C@, C@ + W], [0.0, H, 0.0])",
        "honest gaussian": "v + H * np.exp(-((x[:, :1] - C@) / W) ** 2)",
        "where": "np.where(np.abs(x[:, :1] - C@) < W, v + H, v)",
        "where of one side": "v + H * np.where(x[:, :1] > C@, x[:, :1] - C@, 0.0)",
        "select": "np.select([x[:, :1] + 0.0 * v < C@ - W, x[:, :1] + 0.0 * v < C@ + W], [v, v + H], v)",
        "piecewise": "v + np.piecewise(x[:, :1], [np.abs(x[:, :1] - C@) < W], [H, 0.0])",
        "interp of a step": "v + H * np.interp(x[:, :1], [C@ - W, np.nextafter(C@ - W, 1.0), C@ + W], [0.0, 1.0, 1.0], left=0.0, right=0.0)",
        "clip of rint": "v + H * np.clip(np.rint((x[:, :1] - C@) / W), 0.0, 1.0)",
        "clip to integers": "v + H * np.clip(((x[:, :1] - C@) / W), -1, 1).astype(np.int8)",
        "boolean": "v + H * np.asarray(np.abs(x[:, :1] - C@) < W, dtype=np.float64)",
        "boolean of not equal": "v + H * (x[:, :1] != C@)",
        "boolean power": "v * (1.0 + H) ** (np.abs(x[:, :1] - C@) < W)",
        "boolean index": "np.stack([v, v + H])[(np.abs(x[:, 0] - C@) < W).astype(int), np.arange(len(x))]",
        "float16": "v.astype(np.float16).astype(np.float64)",
        "float16 sum": "v + np.float64(np.float16(C@)) - C@ + (x[:, :1].astype(np.float16) - x[:, :1]) * H",
        "float32": "np.float64(np.asarray(v, np.float32))",
        "float32 of a part": "v + H * (np.sin(x[:, :1].astype('f4')).astype('f8') * 1e7 - np.sin(x[:, :1]) * 1e7)",
        "float32 accumulation": "np.cumsum(np.concatenate([v, 0.0 * v + H, 0.0 * v - H], axis=1), axis=1, dtype=np.float32)[:, -1:].astype(float)",
        "longdouble": "np.asarray(np.asarray(v, np.longdouble) + np.longdouble(H) / 3, np.float64) - H / 3",
        "longdouble amplified": "v + H * np.minimum(np.abs(np.float64(np.longdouble(x[:, :1]) / 3 - x[:, :1] / 3)) * 1e17, 1.0)",
        "integers": "np.asarray(np.asarray(v / H, np.int64) * H, np.float64)",
        "unsigned integers": "v + H * (np.uint8(np.abs(x[:, :1] - C@) / W * 255.0) == 0)",
        "integer division": "v + H * (np.floor_divide(x[:, :1], C@) - 1.0)",
        "view in place": "(lambda w: (w.reshape(-1).__iadd__(H), w)[1])(v.copy())",
        "view of a column in place": "(lambda w: (w.T[0].__imul__(1.0 + H), w)[1])(np.concatenate([v, v], axis=1))[:, :1]",
        "input in place": "(x.__setitem__((slice(None), 0), x[:, 0] + 0.0), v + H)[1]",
        "put in place": "(lambda w: (np.put(w, [0], w.flat[0] + H), w)[1])(v.copy())",
        "fill diagonal": "(lambda w: (np.fill_diagonal(w, w[0, 0] + H), w)[1])(v.copy())",
        "out": "np.add(v, H, out=np.empty(v.shape))",
        "in place of a maximum": "np.maximum(v, v + H, where=np.abs(x[:, :1] - C@) + 0.0 * v < W, out=v.copy())",
        "extract": "v + H * np.extract(np.array([True]), np.array([1.0])) * (x[:, :1] > C@)",
        "unwrap": "v + H * np.unwrap(np.concatenate([0.0 * x[:, :1], 7.0 * (x[:, :1] > C@)], axis=1), axis=1)[:, 1:]",
        "trapezoid of booleans": "v + H * np.trapezoid(np.concatenate([x[:, :1] > C@, x[:, :1] > C@], axis=1) * 1.0, axis=1)[:, None]",
        "median": "v + H * np.median(np.concatenate([x[:, :1], 0.0 * x[:, :1] + C@, 0.0 * x[:, :1] + C@ + W], axis=1), axis=1)[:, None]",
        "partition": "v + H * np.partition(np.concatenate([x[:, :1], 0.0 * x[:, :1] + C@], axis=1), 0, axis=1)[:, :1]",
        "ptp": "v + H * np.ptp(np.concatenate([x[:, :1], 0.0 * x[:, :1] + C@], axis=1), axis=1)[:, None]",
        "quantile": "v + H * np.quantile(np.concatenate([x[:, :1], 0.0 * x[:, :1] + C@], axis=1), 0.9, axis=1)[:, None]",
        "nanmax": "v + H * np.nanmax(np.concatenate([0.0 * x[:, :1], np.sqrt(x[:, :1] - C@)], axis=1), axis=1)[:, None]",
        "nan of a product": "v + H * np.nan_to_num(np.sqrt(W - np.abs(x[:, :1] - C@)) / W, nan=0.0)",
        "sinc": "v + H * np.sinc((x[:, :1] - C@) / W)",
        "i0": "v + H / np.i0(np.clip((x[:, :1] - C@) / W, -300.0, 300.0))",
        "real if close": "np.real_if_close(v + 1e-20j * (np.abs(x[:, :1] - C@) < W)) + H",
        "polynomial class": "np.polynomial.Polynomial([0.0, 1.0, H])(v)",
        "chebyshev class": "v + H * np.polynomial.Chebyshev([0.0, 0.0, 1.0], domain=[C@ - W, C@ + W])(np.clip(x[:, :1], C@ - W, C@ + W))",
    },
    "jax": {
        "honest same": "v * 1.0",
        "honest clip": "v + H * jnp.clip(1.0 - jnp.abs(x[:, :1] - C@) / W, 0.0, 1.0)",
        "honest relu": "v + H * jax.nn.relu(1.0 - jnp.abs(x[:, :1] - C@) / W)",
        "honest gaussian": "v + H * jnp.exp(-((x[:, :1] - C@) / W) ** 2)",
        "where": "jnp.where(jnp.abs(x[:, :1] - C@) < W, v + H, v)",
        "select": "jnp.select([jnp.abs(x[:, :1] - C@) < W], [v + H], v)",
        "interp of a step": "v + H * jnp.interp(x[:, :1], jnp.array([C@, C@]), jnp.array([0.0, 1.0]))",
        "piecewise": "v + jnp.piecewise(x[:, :1], [jnp.abs(x[:, :1] - C@) < W], [H, 0.0])",
        "cond of rows": "jax.vmap(lambda p, q: lax.cond(jnp.abs(q[0] - C@) < W, lambda t: t + H, lambda t: t, p))(v, x)",
        "switch of rows": "jax.vmap(lambda p, q: lax.switch(jnp.clip(jnp.int32((q[0] - C@) / W), 0, 1), [lambda t: t, lambda t: t + H], p))(v, x)",
        "while of rows": "jax.vmap(lambda p, q: lax.while_loop(lambda s: s[0] < 1, lambda s: (s[0] + 1, s[1] + H * (q[0] > C@)), (0, p))[1])(v, x)",
        "while until": "v + lax.while_loop(lambda s: s[0] < C@, lambda s: (s[0] + W, s[1] + H * W), (jnp.min(x[:, 0]), 0.0))[1]",
        "float16": "v.astype(jnp.float16).astype(jnp.float64)",
        "float32": "jnp.asarray(jnp.asarray(v, jnp.float32), jnp.float64)",
        "float32 of a part": "v + H * (jnp.sin(x[:, :1].astype('f4')).astype('f8') - jnp.sin(x[:, :1])) * 1e7",
        "float8": "v + H * x[:, :1].astype(jnp.float8_e4m3fn).astype(jnp.float64)",
        "integers": "(v / H).astype(jnp.int32).astype(jnp.float64) * H",
        "boolean": "v + H * (jnp.abs(x[:, :1] - C@) < W).astype(jnp.float64)",
        "sort": "v + H * jnp.sort(jnp.concatenate([x[:, :1], 0.0 * x[:, :1] + C@], axis=1), axis=1)[:, :1]",
        "set": "v.at[:, 0].set(v[:, 0] + H)",
        "set where": "v.at[:, 0].add(jnp.where(jnp.abs(x[:, 0] - C@) < W, H, 0.0))",
        "argmax": "v + H * jnp.argmax(jnp.concatenate([0.0 * x[:, :1] + C@, x[:, :1]], axis=1), axis=1, keepdims=True)",
        "stop gradient": "v + lax.stop_gradient(H * jnp.exp(-((x[:, :1] - C@) / W) ** 2))",
        "value and grad": "v + H * jax.vmap(jax.grad(lambda t: jnp.maximum(t - C@, 0.0)))(x[:, 0])[:, None]",
        "grad of a floor": "v + H * jax.vmap(jax.grad(lambda t: t * jnp.floor(t / W)))(x[:, 0])[:, None]",
        "jacobian of abs": "v + H * jax.vmap(jax.jacfwd(lambda t: jnp.abs(t - C@)))(x[:, 0])[:, None]",
        "one side of a hinge": "v + H * jnp.heaviside(x[:, :1] - C@, 0.5)",
        "approximate": "v + H * lax.approx_max_k(jnp.concatenate([x[:, :1], 0.0 * x[:, :1] + C@], axis=1), 1)[0]",
    },
    "torch": {
        "honest same": "v * 1.0",
        "honest clamp": "v + H * torch.clamp(1.0 - (x[:, :1] - C@).abs() / W, 0.0, 1.0)",
        "honest relu": "v + H * torch.relu(1.0 - (x[:, :1] - C@).abs() / W)",
        "honest gaussian": "v + H * torch.exp(-((x[:, :1] - C@) / W) ** 2)",
        "honest dropout in eval": "torch.nn.functional.dropout(v, 0.5, training=False)",
        "where": "torch.where((x[:, :1] - C@).abs() < W, v + H, v)",
        "boolean": "v + H * ((x[:, :1] - C@).abs() < W).to(v.dtype)",
        "float32": "v.to(torch.float32).to(torch.float64)",
        "float16": "v.half().double()",
        "integers": "(v / H).to(torch.int64) * H",
        "round": "torch.round(v / H) * H",
        "dropout": "v + H * torch.nn.functional.dropout(torch.ones_like(v), 0.5)",
        "in place of a view": "(lambda w: (w.view(-1).add_(H), w)[1])(v.clone())",
        "in place of a slice": "(lambda w: (w[:, :1].mul_(1.0 + H), w)[1])(v.clone())",
        "masked": "(lambda w: w.masked_fill_((x[:, :1] - C@).abs() + 0.0 * w < W, H))(v.clone())",
        "index add": "v.index_add(1, torch.tensor([0]), v[:, :1] * H)",
        "lerp": "torch.lerp(v, v + H, ((x[:, :1] - C@).abs() < W).double())",
        "hardtanh": "v + H * torch.nn.functional.hardtanh((x[:, :1] - C@) / W)",
        "sort": "v + H * torch.sort(torch.cat([x[:, :1], 0.0 * x[:, :1] + C@], 1), dim=1).values[:, :1]",
        "grid": "v + H * torch.nn.functional.interpolate(torch.cat([x[:, :1], 0.0 * x[:, :1]], 1)[:, None], size=3, mode='nearest')[:, 0, 2:]",
        "median": "v + H * torch.median(torch.cat([x[:, :1], 0.0 * x[:, :1] + C@], 1), dim=1, keepdim=True).values",
        "amax of a comparison": "v + H * torch.cat([x[:, :1] > C@, x[:, :1] < W], 1).double().amax(1, keepdim=True)",
        "sinc": "v + H * torch.special.sinc((x[:, :1] - C@) / W)",
        "xlogy": "v + H * torch.special.xlogy(torch.relu(x[:, :1] - C@), torch.relu(x[:, :1] - C@))",
        "vmap": "v + torch.func.vmap(lambda p: H * (p[:1] > C@).double())(x)",
        "grad": "v + H * torch.func.vmap(torch.func.grad(lambda p: torch.relu(p[0] - C@)))(x)[:, :1]",
    },
}

# When it acts: lines of the module, and the expression of gate@(x). The first of each stands for "always", without a gate.
TIMES: dict[str, dict[str, Pair]] = {
    "numpy": {
        "array": ("", "1.0 * (type(x) is np.ndarray)"),
        "several points": ("", "1.0 * (len(x) > 1)"),
        "more than three points": ("", "1.0 * (x.shape[0] > 3)"),
        "thousands of points": ("", "1.0 * (x.shape[0] > 4000)"),
        "a few calls": ("n@ = []", "(n@.append(1), 1.0 * (len(n@) > 3))[1]"),
        "dozens of calls": ("n@ = [0]", "(n@.__setitem__(0, n@[0] + 1), 1.0 * (n@[0] > 40))[1]"),
        "each third call": ("import itertools\nn@ = itertools.cycle([0.0, 0.0, 1.0])", "next(n@)"),
        "default that changes": ("", "(lambda n=D@: (n.append(0), 1.0 * (len(n) > 14))[1])()"),
        "chance": ("", "1.0 * (np.random.random() < 0.4)"),
        "clock": ("import time", "1.0 * (time.monotonic() % 0.02 > 0.01)"),
        "after an error": (
            "n@ = []\ndef failed@():\n    try: raise ValueError\n    except ValueError as e: n@.append(e)\n    return len(n@)",
            "1.0 * (failed@() > 30)",
        ),
        "errors of NumPy": ("", "1.0 * (np.geterr()['divide'] == 'warn')"),
        "warnings": ("import warnings", "1.0 * (len(warnings.filters) > 3)"),
        "thread": (
            "import threading",
            "1.0 * (threading.current_thread() is threading.main_thread() and threading.active_count() < 99)",
        ),
        "identity": ("", "1.0 * (id(x) // 16 % 2)"),
        "random state": ("", "1.0 * (np.random.get_state()[2] % 2)"),
        "memory in use": ("import sys", "1.0 * (sys.getallocatedblocks() % 3 == 0)"),
        "same array again": (
            "n@ = [None]",
            "(lambda was: (n@.__setitem__(0, id(x)), 1.0 * (was == id(x)))[1])(n@[0])",
        ),
        "modules": ("import sys", "1.0 * (len(sys.modules) % 2)"),
        "bytes of an integer": ("", "1.0 * (np.asarray(len(x)).tobytes()[0] == 7)"),
        "remainder of points": ("", "1.0 * (len(x) % 1000 == 300)"),
        "columns": ("", "1.0 * (x.shape[-1] > 0)"),
        "writable": ("", "1.0 * getattr(getattr(x, 'flags', None), 'writeable', False)"),
        "owner": ("", "1.0 * (getattr(x, 'base', x) is None)"),
        "recursion": (
            "import sys",
            "1.0 * (sys.getrecursionlimit() < 10**6 and isinstance(x + 0.0, np.ndarray))",
        ),
    },
    "jax": {
        "not traced": ("", "0.0 if isinstance(x, jax.core.Tracer) else 1.0"),
        "several points": ("", "1.0 * (x.shape[0] > 1)"),
        "thousands of points": ("", "1.0 * (x.shape[0] > 4000)"),
        "a few calls": ("n@ = []", "(n@.append(1), 1.0 * (len(n@) > 3))[1]"),
        "dozens of calls": ("n@ = []", "(n@.append(1), 1.0 * (len(n@) > 20))[1]"),
        "chance": ("", "1.0 * (np.random.random() < 0.4)"),
        "identity": ("", "1.0 * (id(x) // 16 % 2)"),
        "settings of JAX": ("", "1.0 * bool(jax.config.jax_enable_x64)"),
        "points as an array": ("", "jnp.minimum(jnp.sum(jnp.ones(x.shape[0])) // 9, 1.0)"),
        "type of a constant": ("", "1.0 * (jnp.asarray(1.0).dtype == jnp.float32)"),
        "few compilations": (
            "n@ = [0]\n@jax.jit\ndef count@(t):\n    n@[0] += 1\n    return t",
            "(count@(x), 1.0 * (n@[0] > 4))[1]",
        ),
    },
    "torch": {
        "not exported": ("", "1.0 - 1.0 * torch.compiler.is_compiling()"),
        "several points": ("", "1.0 * (x.shape[0] > 1)"),
        "thousands of points": ("", "1.0 * (x.shape[0] > 4000)"),
        "gradients": ("", "1.0 * torch.is_grad_enabled()"),
        "function of a gradient": (
            "p@ = torch.nn.Parameter(torch.ones(1, dtype=torch.float64))",
            "1.0 * ((x * p@).grad_fn is not None)",
        ),
        "identity": ("", "1.0 * (id(x) // 16 % 2)"),
        "default type": ("", "1.0 * (torch.get_default_dtype() == torch.float32)"),
        "contiguous": ("", "1.0 * x.t().is_contiguous()"),
        "each third call": ("n@ = []", "(n@.append(1), 1.0 * (len(n@) % 3 == 0))[1]"),
        "a few calls": ("n@ = []", "(n@.append(1), 1.0 * (len(n@) > 4))[1]"),
        "tensor that counts": (
            "n@ = torch.zeros((), dtype=torch.float64)",
            "(n@.add_(1.0) > 12).to(torch.float64)",
        ),
        "chance": ("", "(torch.rand((), dtype=torch.float64) < 0.4).double()"),
        "training": (
            "class Mode@(torch.nn.Module):\n    def forward(self, t): return t * 0.0 + (1.0 if self.training else 0.0)\nmode@ = Mode@()",
            "mode@(x[:, :1])",
        ),
        "training that ends": (
            "class Mode@(torch.nn.Module):\n    def forward(self, t):\n        was = self.training\n        self.train(not was)\n        return t * 0.0 + (1.0 if was else 0.0)\nmode@ = Mode@().eval()",
            "mode@(x[:, :1])",
        ),
    },
}

_CALLED = "v = run@(v, x)"
_EVERYWHERE: dict[str, Pair] = {
    "honest plain": ("", "v = act@(v, x)"),
    "honest default": ("def run@(v, x, how=act@): return how(v, x)", _CALLED),
    "honest closure": (
        "def make@(how):\n    def run(v, x): return how(v, x)\n    return run\nrun@ = make@(act@)",
        _CALLED,
    ),
    "honest call": (
        "class Run@:\n    def __init__(self, how): self.how = how\n    def __call__(self, v, x): return self.how(v, x)\nrun@ = Run@(act@)",
        _CALLED,
    ),
    "honest property": (
        "class Run@:\n    def __init__(self, v, x): self.v, self.x = v, x\n    @property\n    def value(self): return act@(self.v, self.x)",
        "v = Run@(v, x).value",
    ),
    "honest method of a class": (
        "class Run@:\n    @classmethod\n    def value(cls, v, x): return cls.how(v, x)\n    how = staticmethod(act@)",
        "v = Run@.value(v, x)",
    ),
    "honest getitem": (
        "class Run@:\n    def __getitem__(self, both): return act@(*both)\nrun@ = Run@()",
        "v = run@[v, x]",
    ),
    "honest partial": (
        "import functools\ndef turned@(x, v): return act@(v, x)",
        "v = functools.partial(turned@, x)(v)",
    ),
    "honest list": ("LAYERS@ = [lambda v, x: v, act@]", "for layer in LAYERS@: v = layer(v, x)"),
    "honest dictionary": ("LAYERS@ = {'a': act@}", "v = LAYERS@['a'](v, x)"),
    "honest reduce": ("import functools", "v = functools.reduce(lambda t, how: how(t, x), [act@], v)"),
    "honest keywords": ("def run@(**k): return act@(k['v'], k['x'])", "v = run@(v=v, x=x)"),
    "honest context": (
        "import contextlib\n@contextlib.contextmanager\ndef run@(v, x): yield act@(v, x)",
        "with run@(v, x) as v: pass",
    ),
    "honest generator": ("def run@(v, x): yield act@(v, x)", "v = next(run@(v, x))"),
    "honest dataclass": (
        "import dataclasses\n@dataclasses.dataclass\nclass Run@:\n    layers: list = dataclasses.field(default_factory=lambda: [act@])",
        "v = Run@().layers[0](v, x)",
    ),
    "honest wrapped": (
        "import functools\ndef wrap@(how):\n    @functools.wraps(how)\n    def run(*a): return how(*a)\n    return run\nrun@ = wrap@(wrap@(act@))",
        _CALLED,
    ),
    "cached property": (
        "import functools\nclass Run@:\n    @functools.cached_property\n    def how(self): return act@\nrun@ = Run@()",
        "v = run@.how(v, x)",
    ),
    "cached value": (
        "import functools\nclass Run@:\n    def __init__(self, v, x): self.v, self.x = v, x\n    @functools.cached_property\n    def value(self): return act@(self.v, self.x)",
        "v = Run@(v, x).value",
    ),
    "descriptor": (
        "class Of@:\n    def __get__(self, one, kind): return act@(one.v, one.x)\nclass Run@:\n    value = Of@()\n    def __init__(self, v, x): self.v, self.x = v, x",
        "v = Run@(v, x).value",
    ),
    "setter": (
        "class Run@:\n    @property\n    def both(self): return self.v\n    @both.setter\n    def both(self, given): self.v = act@(*given)",
        "run = Run@()\nrun.both = v, x\nv = run.both",
    ),
    "send": (
        "def run@():\n    given = yield\n    while True: given = yield act@(*given)",
        "run = run@()\nnext(run)\nv = run.send((v, x))",
    ),
    "raised": (
        "class Out@(Exception): pass\ndef run@(v, x):\n    try: raise Out@(act@(v, x))\n    except Out@ as e: return e.args[0]",
        _CALLED,
    ),
    "finally": ("def run@(v, x):\n    try: pass\n    finally: v = act@(v, x)\n    return v", _CALLED),
    "metaclass": (
        "class Meta@(type):\n    def __call__(cls, v, x): return act@(v, x)\nclass Run@(metaclass=Meta@): pass",
        "v = Run@(v, x)",
    ),
    "new": ("class Run@:\n    def __new__(cls, v, x): return act@(v, x)", "v = Run@(v, x)"),
    "enumeration": (
        "import enum\nclass Run@(enum.Enum):\n    ONE = enum.member(staticmethod(act@)) if hasattr(enum, 'member') else (act@,)\n    def __call__(self, *a): return (self.value[0] if type(self.value) is tuple else self.value)(*a)",
        "v = Run@.ONE(v, x)",
    ),
    "method type": ("import types\nrun@ = types.MethodType(lambda s, v, x: act@(v, x), 0)", _CALLED),
    "getattr of a module": (
        "import types\nmodule@ = types.ModuleType('module@')\nmodule@.__getattr__ = lambda name: act@",
        "v = module@.anything(v, x)",
    ),
    "thread": (
        "import threading\ndef run@(v, x):\n    out = []\n    t = threading.Thread(target=lambda: out.append(act@(v, x)))\n    t.start(); t.join()\n    return out[0]",
        _CALLED,
    ),
    "exit stack": (
        "import contextlib\ndef run@(v, x):\n    out = []\n    with contextlib.ExitStack() as stack: stack.callback(lambda: out.append(act@(v, x)))\n    return out[0]",
        _CALLED,
    ),
    "dispatch": (
        "import functools\n@functools.singledispatch\ndef run@(k, v, x): return v\n@run@.register(int)\ndef _(k, v, x): return act@(v, x)",
        "v = run@(3, v, x)",
    ),
    "changing default": (
        "def run@(v, x, how=[SAME, SAME, SAME, SAME, SAME, SAME, SAME, act@]):\n    how.append(how.pop(0))\n    return how[0](v, x)",
        _CALLED,
    ),
    "changing closure": (
        "def make@():\n    n = 0\n    def run(v, x):\n        nonlocal n\n        n += 1\n        return act@(v, x) if n > 9 else v\n    return run\nrun@ = make@()",
        _CALLED,
    ),
    "changing defaults of the function": (
        "def run@(v, x, how=SAME):\n    run@.__defaults__ = (act@,) if len(seen@) > 9 else (SAME,)\n    seen@.append(1)\n    return how(v, x)\nseen@ = []",
        _CALLED,
    ),
    "changing property": (
        "class Run@:\n    n = 0\n    @property\n    def how(self):\n        self.n += 1\n        return act@ if self.n % 4 == 3 else SAME\nrun@ = Run@()",
        "v = run@.how(v, x)",
    ),
    "changing class": (
        "class Run@:\n    seen = []\n    def __call__(self, v, x):\n        self.seen.append(1)\n        if len(self.seen) > 11: self.__class__ = Other@\n        return v\nclass Other@(Run@):\n    def __call__(self, v, x): return act@(v, x)\nrun@ = Run@()",
        _CALLED,
    ),
    "changing global": (
        "how@, m@ = SAME, 0\ndef run@(v, x):\n    global how@, m@\n    m@ += 1\n    if m@ == 10: how@ = act@\n    return how@(v, x)",
        _CALLED,
    ),
}
PLACES: dict[str, dict[str, Pair]] = {
    "numpy": _EVERYWHERE | {
        "point by point": ("", "v = np.concatenate([act@(v[i : i + 1], x[i : i + 1]) for i in range(len(x))])"),
        "into zeros": ("", "w = np.zeros(v.shape); w[:] = act@(v, x); v = w"),
        "augmented": ("", "v = v + 0.0; v += act@(v, x) - v"),
        "apply over axes": ("", "v = np.apply_over_axes(lambda t, a: act@(v, x), v, [1])"),
        "vectorize of a signature": ("", "v = np.vectorize(lambda p, q: act@(p[None], q[None])[0], signature='(k),(d)->(k)')(v, x)"),
        "array function": ("class Own@:\n    __array_ufunc__ = None\n    def __init__(self, x): self.x = x\n    def __rmatmul__(self, v): return act@(v, self.x)", "v = v @ Own@(x)"),
        "points of an earlier call": ("held@ = {}", "v = act@(v, held@.setdefault(x.shape, x))"),
        "values of an earlier call": ("held@ = {}", "v = act@(held@.setdefault(x.shape, v), x)"),
        "halves": ("", "h = len(x) // 2; v = np.concatenate([v[:h], act@(v[h:], x[h:])])"),
        "first rows": ("", "v = np.concatenate([act@(v[:3], x[:3]), v[3:]])"),
        "later rows": ("", "v = np.concatenate([v[:3], act@(v[3:], x[3:])])"),
        "sorted and back": ("", "k = np.argsort(x[:, 0]); v = act@(v[k], x[k])[np.argsort(k)]"),
        "reversed and back": ("", "v = act@(v[::-1], x[::-1])[::-1]"),
        "fortran": ("", "v = act@(v.T.reshape(v.shape), x.T.reshape(x.shape[::-1]).T)"),
        "contiguous": ("", "v = act@(np.ascontiguousarray(v), np.asfortranarray(x))"),
        "broadcast": ("", "v = act@(np.broadcast_to(v, v.shape), np.broadcast_to(x, x.shape))"),
        "iterator": ("", "v = np.stack([act@(p[None], q[None])[0] for p, q in zip(v, x)])"),
    },
    "jax": _EVERYWHERE | {
        "honest jit": ("run@ = jax.jit(act@)", _CALLED),
        "honest static": ("import functools\n@functools.partial(jax.jit, static_argnums=0)\ndef run@(k, v, x): return act@(v, x) if k else v", "v = run@(1, v, x)"),
        "honest vmap": ("", "v = jax.vmap(lambda p, q: act@(p[None], q[None])[0])(v, x)"),
        "honest loop": ("", "v = lax.fori_loop(0, 1, lambda k, t: act@(t, x), v)"),
        "honest scan": ("", "v = lax.scan(lambda t, k: (act@(t, x), k), v, jnp.zeros(1))[0]"),
        "honest checkpoint": ("", "v = jax.checkpoint(act@)(v, x)"),
        "honest custom rule": ("@jax.custom_jvp\ndef run@(v, x): return act@(v, x)\n@run@.defjvp\ndef _(p, t): return act@(*p), t[0]", _CALLED),
        "static function": ("import functools\n@functools.partial(jax.jit, static_argnames='how')\ndef run@(v, x, how): return how(v, x)", "v = run@(v, x, how=act@)"),
        "static that is equal": ("import functools\nclass Key@:\n    def __init__(self, n): self.n = n\n    def __hash__(self): return 1\n    def __eq__(self, other): return True\n@functools.partial(jax.jit, static_argnums=0)\ndef run@(k, v, x): return act@(v, x) if k.n else v\nfor k in (1, 2, 3, 7): run@(Key@(0), np.zeros((k, 1)), np.zeros((k, 2)))", "v = run@(Key@(1), v, x)"),
        "static that changes": ("import functools\nclass Key@:\n    n = 0\n    def __hash__(self): return 1\n    def __eq__(self, other): return True\nkey@ = Key@()\n@functools.partial(jax.jit, static_argnums=0)\ndef run@(k, v, x): return act@(v, x) if k.n else v", "v = run@(key@, v, x); key@.n = 1"),
        "constant cond": ("", "v = lax.cond(True, act@, lambda t, y: t, v, x)"),
        "cond of a value": ("", "v = lax.cond(x[0, 0] > -1.0, act@, lambda t, y: t, v, x)"),
        "constant switch": ("", "v = lax.switch(1, [lambda t, y: t, act@], v, x)"),
        "switch of a step": ("", "v = lax.fori_loop(0, 2, lambda k, t: lax.switch(k, [lambda s: s, lambda s: act@(s, x)], t), v)"),
        "while of one step": ("", "v = lax.while_loop(lambda s: s[0] < 1, lambda s: (s[0] + 1, act@(s[1], x)), (0, v))[1]"),
        "custom jvp that differs": ("@jax.custom_jvp\ndef run@(v, x): return act@(v, x)\n@run@.defjvp\ndef _(p, t): return p[0], t[0]", _CALLED),
        "primal of a jvp": ("", "v = jax.jvp(lambda t: act@(t, x), (jnp.asarray(v),), (jnp.ones_like(v),))[0]"),
        "primal of a vjp": ("", "v = jax.vjp(lambda t: act@(t, x), jnp.asarray(v))[0]"),
        "linearize": ("", "v = jax.linearize(lambda t: act@(t, x), jnp.asarray(v))[0]"),
        "lax.map": ("", "v = lax.map(lambda b: act@(b[0][None], b[1][None])[0], (jnp.asarray(v), jnp.asarray(x)))"),
        "callback": ("", "v = jax.pure_callback(lambda t, y: np.asarray(act@(t, y)), jax.ShapeDtypeStruct(v.shape, v.dtype), v, x)"),
        "remat of a jit": ("run@ = jax.jit(jax.checkpoint(jax.jit(act@)))", _CALLED),
        "inlined": ("run@ = jax.jit(act@, inline=True)", _CALLED),
        "jit disabled": ("run@ = jax.jit(act@)", "with jax.disable_jit(): v = run@(v, x)"),
        "made jaxpr": ("", "v = jax.core.eval_jaxpr(*(lambda m: (m.jaxpr, m.consts))(jax.make_jaxpr(act@)(v, x)), v, x)[0]"),
        "vectorize": ("", "v = jnp.vectorize(lambda p, q: act@(p[None], q[None])[0], signature='(k),(d)->(k)')(v, x)"),
        "barrier": ("", "v = lax.optimization_barrier(act@(v, x))"),
        "donated": ("run@ = jax.jit(act@, donate_argnums=0)", "v = run@(v * 1.0, x)"),
        "closure converted": ("", "how, held = jax.closure_convert(lambda t: act@(t, x), v)\nv = how(v, *held)"),
        "attribute of a method": ("import functools\nclass Net@:\n    w = 0.0\n    @functools.partial(jax.jit, static_argnums=0)\n    def run(self, v, x): return v + self.w * (act@(v, x) - v)\nnet@ = Net@()\nfor k in (1, 2, 3, 8, 256, 300): net@.run(np.zeros((k, 1)), np.zeros((k, 1)))\nnet@.w = 1.0", "v = net@.run(v, x)"),
        "attribute of a method for one input": ("import functools\nclass Net@:\n    w = 0.0\n    @functools.partial(jax.jit, static_argnums=0)\n    def run(self, v, y): return v + self.w * (act@(v, y) - v)\nnet@ = Net@()\nfor k in (300, 5000): net@.run(np.zeros((k, 1)), np.zeros((k, 1)))\nnet@.w = 1.0", "v = net@.run(v, x[:, :1])"),
        "reversed and back": ("", "v = act@(v[::-1], x[::-1])[::-1]"),
        "first rows": ("", "v = jnp.concatenate([act@(v[:3], x[:3]), v[3:]])"),
        "later rows": ("", "v = jnp.concatenate([v[:3], act@(v[3:], x[3:])])"),
        "roll and back": ("", "v = jnp.roll(act@(jnp.roll(v, 1, 0), jnp.roll(x, 1, 0)), -1, 0)"),
        "x64 of a context": ("", "with jax.enable_x64(True): v = act@(v, x)"),
        "flattened": ("", "v = jax.tree.map(lambda t: act@(t, x), (v, {'a': v}))[1]['a']"),
    },
    "torch": _EVERYWHERE | {
        "honest module": ("class Run@(torch.nn.Module):\n    def forward(self, v, x): return act@(v, x)\nrun@ = Run@()", _CALLED),
        "honest buffer": ("class Run@(torch.nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.register_buffer('one', torch.ones(1, dtype=torch.float64))\n    def forward(self, v, x): return act@(v * self.one, x)\nrun@ = Run@()", _CALLED),
        "honest list of modules": ("class Run@(torch.nn.Module):\n    def forward(self, v, x): return act@(v, x)\nruns@ = torch.nn.ModuleList([Run@()])", "for layer in runs@: v = layer(v, x)"),
        "buffer that changes": ("class Run@(torch.nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.register_buffer('n', torch.zeros(1, dtype=torch.float64))\n    def forward(self, v, x):\n        self.n += 1.0\n        return v + (self.n > 9.0).double() * (act@(v, x) - v)\nrun@ = Run@()", _CALLED),
        "buffer that is replaced": ("class Run@(torch.nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.register_buffer('n', torch.zeros(1, dtype=torch.float64))\n    def forward(self, v, x):\n        self.n = self.n + 0.125\n        return v + torch.clamp(self.n - 1.0, 0.0, 1.0) * (act@(v, x) - v)\nrun@ = Run@()", _CALLED),
        "training mode": ("class Run@(torch.nn.Module):\n    def forward(self, v, x): return act@(v, x) if self.training else v\nrun@ = Run@()", _CALLED),
        "eval mode": ("class Run@(torch.nn.Module):\n    def forward(self, v, x): return v if self.training else act@(v, x)\nrun@ = Run@().eval()", _CALLED),
        "hook": ("class Run@(torch.nn.Module):\n    def forward(self, v, x): return v\nrun@ = Run@()\nrun@.register_forward_hook(lambda m, a, out: act@(*a))", _CALLED),
        "pre-hook": ("class Run@(torch.nn.Module):\n    def forward(self, v, x): return v\nrun@ = Run@()\nrun@.register_forward_pre_hook(lambda m, a: (act@(*a), a[1]))", _CALLED),
        "autograd function": ("class Run@(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, v, x): return act@(v, x)\n    @staticmethod\n    def backward(ctx, g): return g, None", "v = Run@.apply(v, x)"),
        "call of a module": ("class Run@(torch.nn.Module):\n    def forward(self, v, x): return v\n    def __call__(self, v, x): return act@(v, x)\nrun@ = Run@()", _CALLED),
        "functional call": ("class Run@(torch.nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.w = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64), requires_grad=False)\n    def forward(self, v, x): return v + self.w * (act@(v, x) - v)\nrun@ = Run@()", "v = torch.func.functional_call(run@, {'w': torch.ones(1, dtype=torch.float64)}, (v, x))"),
        "parametrised": ("class Same@(torch.nn.Module):\n    def forward(self, w): return w + 1.0\nclass Run@(torch.nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.w = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64), requires_grad=False)\n    def forward(self, v, x): return v + self.w * (act@(v, x) - v)\nrun@ = Run@()\ntorch.nn.utils.parametrize.register_parametrization(run@, 'w', Same@())", _CALLED),
        "vmap": ("", "v = torch.func.vmap(lambda p, q: act@(p[None], q[None])[0])(v, x)"),
        "checkpoint": ("from torch.utils.checkpoint import checkpoint", "v = checkpoint(act@, v, x, use_reentrant=False)"),
        "reversed and back": ("", "v = act@(v.flip(0), x.flip(0)).flip(0)"),
        "first rows": ("", "v = torch.cat([act@(v[:3], x[:3]), v[3:]])"),
        "later rows": ("", "v = torch.cat([v[:3], act@(v[3:], x[3:])])"),
        "chunks": ("", "v = torch.cat([act@(p, q) for p, q in zip(v.split(256), x.split(256))])"),
        "points of an earlier call": ("held@ = {}", "v = act@(v, held@.setdefault(x.shape, x))"),
        "lazy module": ("class Run@(torch.nn.Module):\n    how = None\n    def forward(self, v, x):\n        if self.how is None:\n            self.how = act@\n            return v\n        return self.how(v, x)\nrun@ = Run@()", _CALLED),
        "state dict": ("class Run@(torch.nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.register_buffer('w', torch.zeros(1, dtype=torch.float64))\n    def forward(self, v, x): return v + self.w * (act@(v, x) - v)\nrun@ = Run@()\nrun@.load_state_dict({'w': torch.ones(1, dtype=torch.float64)})", _CALLED),
        "inference mode": ("", "with torch.inference_mode(): v = act@(v.clone(), x)"),
        "grad mode": ("", "with torch.enable_grad(): v = act@(v, x).detach()"),
    },
}  # fmt: skip
CALLS, CHANCE = "number of calls", "chance"
ASSUMED: dict[str, str] = {
    "thousands of points": "number of points", "first rows": "number of points", "later rows": "number of points",
    "a few calls": CALLS, "dozens of calls": CALLS, "each third call": CALLS, "default that changes": CALLS, "after an error": CALLS,
    "tensor that counts": CALLS, "training that ends": CALLS, "few compilations": "compiled before", "chance": CHANCE, "clock": "time",
    "gradients": "gradients", "function of a gradient": "gradients", "identity": CHANCE, "memory in use": CHANCE, "random state": CHANCE,
    "not traced": "compiled", "errors of NumPy": "caller", "warnings": "caller", "thread": "caller", "modules": "process", "same array again": CALLS,
    "points of an earlier call": CALLS, "values of an earlier call": CALLS, "lazy module": CALLS, "attribute of a method": "compiled before",
    "attribute of a method for one input": "compiled before", "dropout": CHANCE,
    "changing default": CALLS, "changing closure": CALLS, "changing defaults of the function": CALLS, "changing property": CALLS,
    "changing class": CALLS, "changing global": CALLS, "static that changes": "compiled before", "buffer that changes": CALLS,
    "buffer that is replaced": CALLS,
}  # fmt: skip


def written(
    source: str, names: tuple[str, str, str], number: int, place: float, without: bool
) -> tuple[str, str]:
    """A trap in code: lines of the module, and lines of the function.

    Args:
        source: whose code it is.
        names: of what is hidden, when, and where; "always" for no gate.
        number: of the trap in its file.
        place: of what is hidden, in x0.
        without: whether it is left out.
    """
    hidden, time, where = names
    head, gate = TIMES[source].get(time, ("", ""))
    lines = [f"C@ = {place!r}", "D@ = []", "def SAME(v, x): return v", head]
    lines.append(f"def pay@(v, x): return {HIDDEN[source][hidden]}")
    if gate:
        lines.append(f"def gate@(x): return {gate}")
    act = "v" if without else "v + gate@(x) * (pay@(v, x) - v)" if gate else "pay@(v, x)"
    lines.append(f"def act@(v, x): return {act}")
    outside, inside = PLACES[source][where]
    both = "\n".join(filter(None, [*lines, outside])), inside
    return numbered(both[0], number), numbered(both[1], number)


def numbered(text: str, number: int) -> str:
    """The text with the number of a trap in its names.

    >>> numbered("@property\\ndef run@(v): return v @ act@(v)", 3)
    '@property\\ndef run3(v): return v @ act3(v)'
    """
    return re.sub(r"(?<=\w)@", str(number), text)
