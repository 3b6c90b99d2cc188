"""Random formulas of positive quantities and others, as problems: what composed certificates are for."""

import jax.numpy as jnp
import numpy as np

from supnorm.problem import Axis, Domain, ErrorMeasure, Problem


def positive(rng, d):
    """A random positive function: sums, products and powers of the inputs, logarithms and exponentials of these."""
    a, p, q = rng.uniform(0.2, 2.0, 3), rng.uniform(-1.5, 1.5, (2, d)), rng.uniform(0.3, 2.0)

    def monomial(x, k):
        found = a[k] * x[:, 0] ** p[k, 0]
        for j in range(1, d):
            found = found * x[:, j] ** p[k, j]
        return found

    kind = int(rng.integers(5))

    def function(x):
        u, v = monomial(x, 0), monomial(x, 1)
        if kind == 0:
            return (u + v) ** -q
        if kind == 1:
            return jnp.log(1.0 + u) + 0.1 * v / (1.0 + v)
        if kind == 2:
            return jnp.exp(-u / (1.0 + v)) + 0.2
        if kind == 3:
            return jnp.sqrt(a[2] + u * v) / (1.0 + u)
        return 1.0 / (jnp.exp(u / (2.0 + u)) + jnp.maximum(v, 0.7) * q)

    return function


def any_sign(rng, d):
    """A random function of no particular sign."""
    k, a = rng.normal(size=d), rng.uniform(0.3, 1.0, 3)

    def function(x):
        z = jnp.log(x) @ k
        return a[0] * jnp.sin(z) + a[1] * jnp.tanh(x[:, 0]) - a[2] * z**2 / (3.0 + jnp.cos(z))

    return function


def random_formulas(seed, dimensions=(1, 2, 3)):
    """A problem with log and linear axes, every measure and side, errors of all sizes; and a few words about it."""
    rng = np.random.default_rng(seed)
    d = int(rng.choice(dimensions))
    reference = positive(rng, d) if seed % 3 else any_sign(rng, d)
    other = any_sign(rng, d) if seed % 2 else positive(rng, d)
    size = 10.0 ** -rng.uniform(0.0, 9.0)
    twin = seed % 5 != 0  # else model and reference have nothing in common
    model = (lambda x: reference(x) * (1.0 + size * other(x))) if twin else other
    low = 10.0 ** rng.uniform(-2, 1, d)
    wide = np.exp(rng.uniform(0.1, 4.0 / d, d))
    axes = {
        f"x{j}": Axis(float(low[j]), float(low[j] * wide[j]), scale="log" if rng.random() < 0.6 else "linear")
        for j in range(d)
    }
    kind = str(rng.choice(["absolute", "relative", "floor"]))
    side = str(rng.choice(["both", "over", "under"]))
    measure = {
        "absolute": ErrorMeasure(side=side),
        "relative": ErrorMeasure("relative", floor=0.0, side=side),
        "floor": ErrorMeasure("relative", floor=0.3, side=side),
    }[kind]
    label = f"seed {seed}: d={d} {kind} {side} size={size:.1e} {'twin' if twin else 'unrelated'}"
    return Problem(model, reference, Domain(**axes), measure), label


def wide_formulas(seed, dimensions=(1, 2, 3, 4)):
    """A relative error of formulas whose values span up to forty decades, on axes of one to six; and a few words about it.

    Sums and products of powers, exponentials of quotients (Arrhenius), powers and logarithms of these.
    """
    rng = np.random.default_rng([seed, 77])
    d = int(rng.choice(dimensions))
    a, p = 10.0 ** rng.uniform(-3, 3, 3), rng.integers(-6, 7, (3, d)) / 2.0
    part, kind = 10.0 ** rng.uniform(-4, 0), int(rng.integers(6))

    def monomial(x, k):
        found = a[k] * x[:, 0] ** p[k, 0]
        for j in range(1, d):
            found = found * x[:, j] ** p[k, j]
        return found

    def reference(x):
        u, v, w = (monomial(x, k) for k in range(3))
        if kind == 0:
            return u + v
        if kind == 1:
            return u * (1.0 + part * x[:, 0] / (x[:, -1] + x[:, 0]))
        if kind == 2:
            return u * jnp.exp(-20.0 / (1.0 + jnp.log(1.0 + x[:, 0])))
        if kind == 3:
            return jnp.sqrt(u * v + w)
        if kind == 4:
            return u / (v + w)
        return jnp.log(1.0 + u / v) + 1.0

    def model(x):
        u, v, w = (monomial(x, k) for k in range(3))
        if kind == 0:
            return u + (1.0 - part) * v
        if kind == 1:
            return u
        if kind == 2:
            return u * (1.0 + part) * jnp.exp(-20.0 / (1.0 + jnp.log(1.0 + x[:, 0])))
        if kind == 3:
            return jnp.sqrt(u * v) + jnp.sqrt(w)
        if kind == 4:
            return u / (v + (1.0 - 0.5 * part) * w)
        return (1.0 - 0.5 * part) * jnp.log(u / v + 1.0) + 1.0

    axes = {}
    for j in range(d):
        low, wide = float(10.0 ** rng.uniform(-3, 3)), float(10.0 ** rng.uniform(0.3, 6.0 / d))
        axes[f"x{j}"] = Axis(low, low * wide, scale="log" if rng.random() < 0.8 else "linear")
    measure = ErrorMeasure("relative", floor=0.0, side=str(rng.choice(["both", "over", "under"])))
    return Problem(
        model, reference, Domain(**axes), measure
    ), f"seed {seed}: d={d} kind={kind} part={part:.1e}"
