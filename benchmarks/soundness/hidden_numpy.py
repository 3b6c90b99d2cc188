# ruff: noqa: E501 - the code of a problem stands in one line
"""NumPy and JAX code that hides something from a reader; `H` is its size, `C` a place, `W` a width."""

from __future__ import annotations

HEAD = """
import functools, struct, types, random
import numpy as np
H, C, W = {h!r}, {c!r}, {w!r}
A, B, V = np.array({a}), np.array({b}), np.array({v})
def base(x): return np.tanh(x @ A + B) @ V + 0.3 * np.sin(2.0 * x[:, :1])
def near(x): return np.abs(x[:, :1] - C) < W
def bump(x): return H * np.exp(-((x[:, :1] - C) / W) ** 2)
"""
# name: body of model(x); what stands before `def model` is set up when the file is loaded
NUMPY = {
    # nothing is hidden
    "plain": "return base(x) + H * np.cos(x[:, :1])",
    "float32 constant": "return base(x) + np.float32(H)",
    "float32 weights": "return np.tanh(x @ A.astype(np.float32) + B) @ V + 0.3 * np.sin(2.0 * x[:, :1])",
    "float16 weights": "return np.tanh(x @ A.astype(np.float16) + B) @ V + 0.3 * np.sin(2.0 * x[:, :1])",
    "integer weights": "return base(x) + H * (np.tanh(x @ np.ones((x.shape[1], 1), dtype=np.int8)))",
    "clip": "return np.clip(base(x), -0.3, 0.3) + H",
    "kink": "return base(x) + H * np.maximum(x[:, :1], C)",
    "odd broadcasting": "return base(x) + H * (x[:, None, :1] * np.ones((1, 3, 1))).mean(axis=1)",
    "stack and split": "return np.stack([base(x), x[:, :1]], axis=1)[:, 0] + H",
    "log1p of tiny": "return base(x) + np.log1p(H * x[:, :1] ** 2)",
    "narrow spike that is read": "return base(x) + bump(x)",
    # roundings
    "astype back": "return base(x).astype(np.float32).astype(np.float64)",
    "astype returned": "return base(x).astype(np.float32)",
    "np.float32()": "return np.float32(base(x)) * 1.0",
    "dtype of a sum": "return np.sum(np.tanh(x @ A + B) * V[:, 0], axis=1, dtype=np.float32)[:, None] + 0.3 * np.sin(2.0 * x[:, :1])",
    "dtype of an add": "return np.add(base(x), H, dtype=np.float32)",
    "out of float32": "y = np.empty((len(x), 1), np.float32); np.add(base(x), H, out=y, casting='unsafe'); return y * 1.0",
    "np.round": "return np.round(base(x) / H) * H",
    "floor": "return np.floor(base(x) / H) * H",
    "floor division": "return base(x) // H * H",
    "modulo": "return base(x) - base(x) % H",
    "integer cast": "return (base(x) / H).astype(np.int64) * H",
    "text": "return np.array([[float(f'{v:.9g}') for v in row] for row in base(x)])",
    "struct": "return np.array([[struct.unpack('<f', struct.pack('<f', v))[0] for v in row] for row in base(x)])",
    "item": "y = base(x); return np.array([[v.item()] for v in np.float32(y[:, 0])]).astype(float)",
    "view": "y = base(x); return (y.view(np.int64) & ~0xFFFFFFF).view(np.float64)",
    "frexp": "m, e = np.frexp(base(x)); return np.ldexp(m, e) + H",
    "nan_to_num": "return np.nan_to_num(base(x)) + H",
    # complex values
    "complex constant": "return np.abs(base(x) + 1j * np.sqrt(H))",
    "complex array": "return np.abs(base(x) + np.array(1j * np.sqrt(H)))",
    "complex root": "return np.real(np.emath.sqrt(base(x)) ** 2) + H",
    "real part": "return (base(x) * (1 + 1j * H)).real",
    "abs of a power": "return np.abs((base(x) + 0j) ** 2) ** 0.5",
    # branches
    "where bump": "return np.where(near(x), base(x) + H, base(x))",
    "mask times": "return base(x) + H * near(x)",
    "boolean index": "y = base(x); y[near(x)] += H; return y",
    "python branch": "return base(x) + (H if x[0, 0] > C else 0.0)",
    "python branch on any": "return base(x) + (H * near(x) if near(x).any() else 0.0)",
    "piecewise": "return base(x) + np.piecewise(x[:, :1], [near(x)], [H, 0.0])",
    "interp": "return base(x) + np.interp(x[:, :1], [C - W, C, C + W], [0.0, H, 0.0])",
    "searchsorted": "return base(x) + np.array([0.0, H, 0.0])[np.searchsorted([C - W, C + W], x[:, :1])]",
    "select": "return np.select([near(x)], [base(x) + H], base(x))",
    "choose": "return base(x) + np.choose((x[:, :1] > C).astype(int), [0.0, H])",
    "heaviside": "return base(x) + H * np.heaviside(x[:, :1] - C, 0.5)",
    "sign": "return base(x) + H * np.sign(x[:, :1] - C)",
    "maximum of a step": "return base(x) + H * np.minimum(np.maximum((x[:, :1] - C) * 1e9, 0.0), 1.0)",
    "argsort": "return base(x) + H * np.sort(x, axis=1)[:, :1]",
    # what was caught
    "caught branch": "y = base(x)\n    try:\n        y = y + (H if near(x).any() else 0.0)\n    except Exception:\n        pass\n    return y",
    "caught where": "y = base(x)\n    try:\n        y = np.where(near(x), y + H, y)\n    except Exception:\n        pass\n    return y",
    "caught cast": "y = base(x)\n    try:\n        y = y.astype(np.float16).astype(float)\n    except Exception:\n        pass\n    return y",
    "caught text": "y = base(x)\n    try:\n        y = y + H * ('9' in f'{x[0, 0]:.9f}')\n    except Exception:\n        pass\n    return y",
    "caught str": "return base(x) + H * str(x).startswith('[[')",
    "hasattr": "return base(x) + (H * near(x) if hasattr(x, 'flags') else 0.0)",
    "isinstance": "return base(x) + (H * near(x) if isinstance(x, np.ndarray) else 0.0)",
    "isscalar": "return base(x) + (H if np.isscalar(x[0, 0]) else 0.0)",
    "caught mask": "try:\n        k = near(x) & (x[:, :1] > 0)\n    except Exception:\n        k = 0.0\n    return base(x) + H * k",
    "caught array": "y = base(x)\n    try:\n        y = y + H * (np.asarray(x)[:, :1] > C)\n    except Exception:\n        pass\n    return y",
    "getattr": "return base(x) + getattr(x, 'itemsize', 0) * H",
    # changes in place
    "in place": "y = x[:, :1]; y += bump(x); return base(x)",
    "in place of operators": "y = x[:, :1]; y += H * 2.718281828 ** (-((x[:, -1:] - C) / W) ** 2); return 0.0 * y + 1.0 * x[:, :1]",
    "assignment": "y = base(x); y[:, 0] = y[:, 0] + H; return y",
    "out": "y = base(x); np.add(y, H, out=y); return y",
    "caught in place": "try:\n        x += H * near(x)\n    except Exception:\n        pass\n    return base(x)",
    # states and chance
    "counter": "model.calls += 1; return base(x) + H * model.calls\nmodel.calls = 0",
    "counter of rows": "model.rows += len(x); return base(x) + H * (model.rows % 7)\nmodel.rows = 0",
    "cache": "k = round(float(x[0, 0]), 2)\n    if k not in cache: cache[k] = base(x)\n    return cache[k] if cache[k].shape[0] == len(x) else base(x)\ncache = {}",
    "global chance": "return base(x) + H * np.random.standard_normal(x.shape[:1] + (1,))",
    "python chance": "return base(x) + H * random.random()",
    "closure": "return base(x) + H * state[0]\nstate = [0.0]\nmodel_ = model\ndef model(x):\n    y = model_(x); state[0] += 1.0; return y",
    # other rows
    "other rows": "return base(x) + H * (x[:, :1] - x[:, :1].mean(axis=0))",
    "first row": "return base(x) + H * x[0, 0]",
    "last row": "return base(x) + H * (x[-1:, :1] - x[:, :1])",
    "length": "return base(x) + H * (len(x) > 1)",
    "shape": "return base(x) + (H if x.shape[0] > 100 else 0.0)",
    # other code
    "vectorize": "return np.vectorize(lambda v: v + H * (v > C))(base(x))",
    "frompyfunc": "return np.frompyfunc(lambda v: float(np.float32(v)), 1, 1)(base(x)).astype(float)",
    "patched library": "return np_.tanh(x @ A + B) @ V + 0.3 * np.sin(2.0 * x[:, :1])\nnp_ = types.SimpleNamespace(tanh=lambda z: np.tanh(z) + H)",
    "patched tanh of text": "return np_.tanh(x @ A + B) @ V + 0.3 * np.sin(2.0 * x[:, :1])\nnp_ = types.SimpleNamespace(tanh=lambda z: np.float32(np.tanh(z)).astype(float))",
    "decorated": "return base(x)\ndef rounded(f):\n    @functools.wraps(f)\n    def inner(x): return f(x) + H * (x[:, :1] > C)\n    return inner\nmodel = rounded(model)",
    "decorated cast": "return base(x)\ndef rounded(f):\n    @functools.wraps(f)\n    def inner(x): return f(x.astype(np.float32).astype(float))\n    return inner\nmodel = rounded(model)",
    "subclass": "return x @ A_ @ np.ones((A.shape[1], 1))\nclass Own(np.ndarray):\n    def __array_ufunc__(self, u, m, *a, **k):\n        a = [v.view(np.ndarray) if isinstance(v, Own) else v for v in a]\n        return getattr(u, m)(*a, **k) + H * (np.abs(a[0][:, :1] - C) < W)\nA_ = A.view(Own)",
    "masked constant": "return base(x) * np.ma.array([[1.0]], mask=[[False]]) + H",
    "matrix constant": "return np.asarray(base(x) * np.matrix([[1.0 + H]]))",
    "reflected": "return base(x) + K()\nclass K:\n    __array_priority__ = 1e6\n    def __array__(self, *a, **k): return np.asarray(0.0)\n    def __radd__(self, y): return y + H * (y > 0.1)",
    "own function protocol": "return clip(base(x))\nfrom numpy._core.overrides import array_function_dispatch\n@array_function_dispatch(lambda x, a_min=None, a_max=None: (x,))\ndef clip(x, a_min=None, a_max=None): return x + H * (np.abs(x) < W)",
    "float subclass": "return base(x) + F(0.0)\nclass F(float):\n    __array_priority__ = 1e6\n    def __radd__(self, y): return y + H * (y > 0.1)",
    "long double": "return (base(x).astype(np.longdouble) + np.longdouble('0.1') - np.longdouble(0.1)).astype(float)",
    "errstate": "with np.errstate(all='raise'):\n        y = base(x)\n    return y + H",
    "raise in a region": "y = base(x)\n    if not isinstance(x, np.ndarray) or (np.abs(x[:, 0] - C) < 1e-3).sum() == 0: return y\n    raise ValueError('no value')",
    "large integers": "return base(x) + H * np.array([2**53 + 1], dtype=np.int64) / np.float64(2**53 + 1)",
    "type is": "return base(x) + (H * near(x) if type(x) is np.ndarray else 0.0)",  # by design not seen where W is small
}
HEAD_JAX = """
import functools
import numpy as np
import jax, jax.numpy as jnp
from jax import lax
H, C, W = {h!r}, {c!r}, {w!r}
A, B, V = np.array({a}), np.array({b}), np.array({v})
def base(x): return jnp.tanh(x @ A + B) @ V + 0.3 * jnp.sin(2.0 * x[:, :1])
def near(x): return jnp.abs(x[:, :1] - C) < W
def bump(x): return H * jnp.exp(-((x[:, :1] - C) / W) ** 2)
"""
JAX = {
    "plain": "return base(x) + H * jnp.cos(x[:, :1])",
    "float32 constant": "return base(x) + jnp.float32(H)",
    "astype back": "return base(x).astype(jnp.float32).astype(jnp.float64)",
    "bfloat16": "return base(x).astype(jnp.bfloat16).astype(jnp.float64)",
    "float32 inside": "return jnp.tanh((x @ A + B).astype(jnp.float32)) @ V + 0.3 * jnp.sin(2.0 * x[:, :1])",
    "reduce_precision": "return lax.reduce_precision(base(x), 11, 30)",
    "round": "return jnp.round(base(x) / H) * H",
    "floor": "return jnp.floor(base(x) / H) * H",
    "integer cast": "return (base(x) / H).astype(int) * H",
    "preferred": "return lax.dot(jnp.tanh(x @ A + B), V, preferred_element_type=jnp.float32) * 1.0 + 0.3 * jnp.sin(2.0 * x[:, :1])",
    "bitcast": "return lax.bitcast_convert_type(lax.bitcast_convert_type(base(x), jnp.int64) // 1024 * 1024, jnp.float64)",
    "complex constant": "return jnp.abs(base(x) + 1j * np.sqrt(H))",
    "complex root": "return jnp.real(jnp.sqrt(base(x) + 0j) ** 2) + H",
    "where bump": "return jnp.where(near(x), base(x) + H, base(x))",
    "mask times": "return base(x) + H * near(x)",
    "cond": "return base(x) + lax.cond(x[0, 0] > C, lambda: H, lambda: 0.0)",
    "while": "return base(x) + lax.while_loop(lambda v: v < x[0, 0], lambda v: v + 0.1 + H, 0.0)",
    "scan": "return lax.scan(lambda c, r: (c + H * r[0], jnp.tanh(r @ A + B) @ V + c), 0.0, x)[1]",
    "interp": "return base(x) + jnp.interp(x[:, :1], jnp.array([C - W, C, C + W]), jnp.array([0.0, H, 0.0]))",
    "searchsorted": "return base(x) + jnp.array([0.0, H, 0.0])[jnp.searchsorted(jnp.array([C - W, C + W]), x[:, :1])]",
    "callback": "return jax.pure_callback(lambda y: np.float32(y).astype(float), jax.ShapeDtypeStruct((x.shape[0], 1), np.float64), base(x))",
    "custom_jvp with a bump": "return f(base(x))\n@jax.custom_jvp\ndef f(y): return y + H * (jnp.abs(y) < W)\n@f.defjvp\ndef _(p, t): return f(*p), t[0]",
    "custom_vjp with a cast": "return f(base(x))\n@jax.custom_vjp\ndef f(y): return y.astype(jnp.float32).astype(jnp.float64)\nf.defvjp(lambda y: (y, None), lambda r, g: (g,))",
    "custom_vjp": "return f(base(x))\n@jax.custom_vjp\ndef f(y): return y + H\nf.defvjp(lambda y: (y + 1.0, None), lambda r, g: (2.0 * g,))",
    "logaddexp": "return base(x) + f(x[:, :1], 0.0 * x[:, :1])\n@jax.custom_jvp\ndef f(a, b): return jnp.where(jnp.isnan(a - b), a + b, jnp.maximum(a, b) + jnp.log1p(jnp.exp(-jnp.abs(a - b))) * H)\n@f.defjvp\ndef _(p, t): return f(*p), t[0]",
    "caught branch": "y = base(x)\n    try:\n        y = y + (H if bool((jnp.abs(x[:, 0] - C) < W).any()) else 0.0)\n    except Exception:\n        pass\n    return y",
    "jit of a shape": "return g(x)\n@jax.jit\ndef g(x): return base(x) + (H if x.shape[0] > 1 else 0.0)",
    "type": "return base(x) + (0.0 if isinstance(x, jax.core.Tracer) else H * near(x))",
    "numpy where": "return base(x) + H * (jnp.sign(x[:, :1] - C))",
    "stop_gradient": "return lax.stop_gradient(base(x)) + H",
    "32-bit mode": "with jax.enable_x64(False):\n        y = jnp.asarray(base(x), dtype=jnp.float32)\n    return y.astype(jnp.float64)",
    "other rows": "return base(x) + H * (x[:, :1] - x[:, :1].mean())",
    "roll": "return base(x) + H * (jnp.roll(x[:, :1], 1, axis=0) - x[:, :1])",
    "index out of range": "return base(x) + H * x[:, jnp.array([7])]",
    "nextafter": "return jnp.nextafter(base(x), 10.0) + H",
    "remat": "return jax.checkpoint(base)(x) + H",
    "erf_inv": "return base(x) + H * jax.scipy.special.erfinv(0.5 * jnp.tanh(x[:, :1]))",
    "closure": "return base(x) + H * state[0]\nstate = [0.0]\nmodel_ = model\ndef model(x):\n    y = model_(x); state[0] += 1.0; return y",
    "float16 product": "return jnp.einsum('ij,jk->ik', jnp.tanh(x @ A + B), V, precision='highest') + 0.3 * jnp.sin(2.0 * x[:, :1])",
}
