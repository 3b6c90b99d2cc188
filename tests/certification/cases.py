"""Random problems for soundness: networks of every activation against related and unrelated references."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np

from supnorm.problem import Domain, Problem

ACTIVATIONS = {
    "tanh": jnp.tanh, "sigmoid": jax.nn.sigmoid, "softplus": jax.nn.softplus, "silu": jax.nn.silu,
    "gelu": lambda z: jax.nn.gelu(z, approximate=False), "sin": jnp.sin, "relu": jax.nn.relu,
    "leaky_relu": lambda z: jax.nn.leaky_relu(z, 0.1), "gelu_tanh": jax.nn.gelu, "erf": jax.scipy.special.erf,
}  # fmt: skip


def network(rng, d, width, depth, activation, outputs=1, order=None):
    """A random network as a JAX function ``(n, d) -> (n, outputs)``; ``order`` shuffles its hidden features.

    The shuffled network is the same function, but shares no operation with the other.
    """
    sizes = [d] + [width] * depth
    layers = [
        (rng.normal(size=(a, b)) / np.sqrt(max(a, 1)) * (1.5 if i == 0 else 1.0), 0.5 * rng.normal(size=b))
        for i, (a, b) in enumerate(pairwise(sizes))
    ]
    last = rng.normal(size=(width, outputs)) / np.sqrt(width)
    phi = ACTIVATIONS[activation]
    if order is not None:
        places = [np.arange(d), *(order.permutation(width) for _ in layers)]
        layers = [
            (weight[a][:, b], bias[b])
            for (weight, bias), a, b in zip(layers, places, places[1:], strict=False)
        ]
        last = last[places[-1]]

    def model(x):
        for weight, bias in layers:
            x = phi(x @ weight + bias)
        return x @ last

    return model


def smooth(rng, d, outputs=1):
    """A random function with sums, products, quotients, exponentials, sines, logarithms and roots."""
    k, p, a = rng.normal(size=(d, outputs)), rng.uniform(0, 3, outputs), rng.uniform(0.3, 1.0, 4)

    def function(x):
        z = x @ k + p
        r2 = (x**2).sum(-1, keepdims=True)
        waves = a[0] * jnp.sin(2 * z) + a[1] * jnp.exp(-r2) / (2 + jnp.cos(z))
        return waves + a[2] * jnp.sqrt(1 + r2 * z**2) - a[3] * jnp.log(2 + r2)

    return function


def random_case(seed, dimensions=(1, 2, 3), activation=None):
    """A problem and a few words about it; half of the references have nothing to do with the network."""
    rng = np.random.default_rng(seed)
    d = int(rng.choice(dimensions))
    activation = activation or str(rng.choice(list(ACTIVATIONS)))
    kinked = "relu" in activation
    depth = int(rng.integers(1, 3))
    model = network(rng, d, int(rng.choice([3, 5, 8])) if kinked or d > 2 else 8, depth, activation)
    other = smooth(rng, d)
    size = 1.0 if seed % 2 else 10.0 ** -rng.uniform(1, 8 if not kinked else 3)
    reference = other if seed % 2 else (lambda x: model(x) + size * other(x))
    low = rng.uniform(-1, 0.5, size=d)
    wide = rng.uniform(0.1, 0.8 if d > 2 else 1.5, size=d)
    axes = {f"x{i}": (float(low[i]), float(low[i] + wide[i])) for i in range(d)}
    label = f"seed {seed}: d={d} {activation} depth={depth} " + (
        "unrelated" if seed % 2 else f"size={size:.1e}"
    )
    return Problem(model, reference, Domain.from_axes(axes)), label


def largest_sampled(result, count, seed):
    """The largest error over many points and ascent from the best, by the float64 program."""
    from supnorm.certification.lower import _ascend, values

    error = result.certificate.error
    rng = np.random.default_rng(seed)
    t = error.low + (error.high - error.low) * rng.random((count, error.d))
    size = values(error, t)
    best = t[np.argsort(size)[-8:]]
    return max(
        float(size.max()), float(values(error, _ascend(error, best, 0.01 * (error.high - error.low))).max())
    )
