"""Programs in arbitrary precision, real or complex: the independent oracle of the certification tests."""

import mpmath as mp
import numpy as np
from scipy import special


def inverse_of_erf(z):
    """erfinv of a complex number in the unit disc: from 0 along the radius in float64, then Newton's steps in mpmath."""
    if not mp.im(z):
        return mp.erfinv(mp.re(z))
    w, end = 0j, complex(z)
    for k in range(1, 60):
        target = end * (1 - 0.7**k)  # shorter steps at the end of the radius, where the derivative grows
        for _ in range(4):
            w -= (complex(special.erf(w)) - target) * np.sqrt(np.pi) / 2 * np.exp(w * w)
    enough = mp.mpf(10) ** (3 - mp.mp.dps)
    with mp.extradps(15):  # erf(w) - z is tiny where the derivative is large
        w = mp.mpc(w)
        for _ in range(8):
            step = (mp.erf(w) - z) * mp.sqrt(mp.pi) / 2 * mp.exp(w * w)
            w -= step
            if abs(step) <= abs(w) * enough:
                return w
    raise ArithmeticError("no inverse of erf found")


UNARY = {
    "neg": lambda z: -z,
    "abs": abs,
    "relu": lambda z: max(z, 0),
    "tanh": mp.tanh,
    "sigmoid": lambda z: 1 / (1 + mp.exp(-z)),
    "softplus": lambda z: mp.log(1 + mp.exp(z)),
    "silu": lambda z: z / (1 + mp.exp(-z)),
    "gelu": lambda z: z * (1 + mp.erf(z / mp.sqrt(2))) / 2,
    "gelu_tanh": lambda z: z / 2 * (1 + mp.tanh(mp.mpf(0.7978845608028654) * (z + mp.mpf(0.044715) * z**3))),
    "sin": mp.sin,
    "cos": mp.cos,
    "exp": mp.exp,
    "log": mp.log,
    "sqrt": mp.sqrt,
    "erf": mp.erf,
    "leaky_relu": lambda z, s: max(z, 0) + mp.mpf(s) * min(z, 0),
    "pow": lambda z, p: z ** (int(p) if float(p).is_integer() else mp.mpf(p)),
    "reciprocal": lambda z: 1 / z,
    "atan": mp.atan,
    "cbrt": lambda z: -mp.cbrt(-z) if mp.re(z) < 0 else mp.cbrt(z),
    "lgamma": mp.loggamma,
    "digamma": mp.digamma,
    "erfcx": lambda z: mp.exp(z * z) * mp.erfc(z),
    "erfc": mp.erfc,
    "erfinv": inverse_of_erf,
    "exp1": mp.e1,
    "bessel_j": lambda z, p: mp.besselj(p, z),
    "bessel_y": lambda z, p: mp.bessely(p, z),
    "bessel_i": lambda z, p: mp.besseli(p, z),
    "bessel_k": lambda z, p: mp.besselk(p, z),
    "gammainc": lambda z, s: mp.gammainc(s, 0, z, regularized=True),
    "gammaincc": lambda z, s: mp.gammainc(s, z, regularized=True),
    "betainc": lambda z, a, b: mp.betainc(a, b, 0, z, regularized=True),
}
# Orders and shapes, several for each function that has them; and the functions of positive arguments.
PARAMETERS = {
    "pow": (2.5,),
    **{f"bessel_{kind}": (0.0, 1.0, 4.0, 0.5, 2.3) for kind in "jyik"},
    **{name: (0.5, 1.0, 3.0, 7.5) for name in ("gammainc", "gammaincc")},
    "betainc": ((2.5, 0.5), (0.5, 0.5), (1.0, 3.5), (7.0, 4.5)),
}
POSITIVE = (
    "lgamma", "digamma", "exp1", "bessel_y", "bessel_k", "gammainc", "gammaincc", "betainc"
)  # fmt: skip
BINARY = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "min": min,
    "max": max,
}


def evaluate(program, point):
    """The value of a program at a point of mpmath numbers, in the working precision of mpmath."""
    return evaluate_all(program, point)[-1]


def evaluate_all(program, point):
    """The values of all its operations."""
    values = []
    for node in program.nodes:
        args = [values[a] for a in node.args]
        if node.op == "input":
            out = list(point)
        elif node.op == "constant":
            out = [mp.mpf(float(v)) for v in node.value]
        elif node.op == "affine":
            out = [
                mp.fsum(mp.mpf(float(w)) * z for w, z in zip(row, args[0], strict=True) if w)
                + mp.mpf(float(b))
                for row, b in zip(node.weight, node.bias, strict=True)
            ]
        elif node.op == "take":
            out = [args[0][int(k)] for k in node.columns]
        elif node.op == "concat":
            out = [z for arg in args for z in arg]
        elif node.op in BINARY:
            out = [BINARY[node.op](a, b) for a, b in zip(*args, strict=True)]
        else:
            extra = node.parameters
            out = [UNARY[node.op](z, *extra) for z in args[0]]
        values.append(out)
    return values


def random_programs(rng):
    """One-hidden-layer nets of every smooth activation, and references with every other operation."""
    import jax
    import jax.numpy as jnp

    from supnorm.program import lower_jaxpr

    W, b, V = rng.normal(size=(2, 5)), rng.normal(size=5), rng.normal(size=(5, 2))
    acts = {
        "tanh": jnp.tanh, "sigmoid": jax.nn.sigmoid, "softplus": jax.nn.softplus, "silu": jax.nn.silu,
        "gelu": lambda z: jax.nn.gelu(z, approximate=False), "gelu_tanh": jax.nn.gelu, "sin": jnp.sin,
        "erf": jax.scipy.special.erf,
    }  # fmt: skip
    programs = {
        name: lower_jaxpr(lambda x, a=act: a(a(x @ W + b) @ (V @ W) + b) @ V, 2) for name, act in acts.items()
    }
    programs["arithmetic"] = lower_jaxpr(
        lambda x: jnp.exp(-x[:, 0] ** 2) / (2 + x[:, 1] ** 3) + jnp.sqrt(3 + x[:, 0]) * jnp.log(4 + x[:, 1])
        - (2.5 + x[:, 0]) ** 1.7 / (3 + x[:, 1]), 2
    )  # fmt: skip
    return programs


def circle(rng, radius, count):
    """Points with |z| <= radius, most of them on the circle."""
    size = radius * np.where(rng.random(count) < 0.8, 1.0, rng.random(count))
    return size * np.exp(2j * np.pi * rng.random(count))
