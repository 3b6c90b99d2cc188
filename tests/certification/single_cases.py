"""Random programs of float32 models: networks of every activation, formulas of every operation, on random boxes."""

import numpy as np

from supnorm.program import Builder, Node, Program

ACTIVATIONS = (
    "tanh",
    "sigmoid",
    "softplus",
    "silu",
    "gelu",
    "sin",
    "cos",
    "erf",
    "relu",
    "leaky_relu",
    "abs",
)


def _single(a):
    return np.asarray(a, dtype=np.float32).astype(np.float64)


def network(rng, d, m):
    """A network with float32 weights; a residual connection, and min and max, in some."""
    op = str(rng.choice(ACTIVATIONS))
    width, depth = int(rng.choice([3, 8, 17])), int(rng.integers(1, 4))
    nodes, last, size = [Node("input", (), d)], 0, d
    spread = float(10.0 ** rng.uniform(-0.5, 0.7))
    for layer in range(depth):
        weight = _single(rng.normal(size=(width, size)) / np.sqrt(size) * (spread if layer == 0 else 1.2))
        weight[rng.random(weight.shape) < 0.1] = 0.0
        nodes.append(Node("affine", (last,), width, weight=weight, bias=_single(rng.normal(size=width))))
        before = len(nodes) - 1
        nodes.append(Node(op, (before,), width, parameter=0.01 if op == "leaky_relu" else None))
        last = len(nodes) - 1
        if layer and rng.random() < 0.3:
            nodes.append(Node(str(rng.choice(["add", "mul", "max", "min", "sub"])), (last, before), width))
            last = len(nodes) - 1
        size = width
    scale = float(10.0 ** rng.uniform(-2, 3))
    last_weight = _single(scale * rng.normal(size=(m, width)) / np.sqrt(width))
    nodes.append(Node("affine", (last,), m, weight=last_weight, bias=_single(scale * rng.normal(size=m))))
    return Program(tuple(nodes))


def formula(rng, d):
    """A formula of quotients, powers, exponentials, logarithms, roots and constants that float32 does not hold."""
    build = Builder(d)
    columns = [build.input.arrange(lambda i, j=j: i[j : j + 1]) for j in range(d)]
    x, y = columns[0], columns[-1]

    def constant():
        return np.array([float(rng.uniform(0.1, 3.0))])

    a = build.binary("mul", x, constant())
    positive = build.binary("add", build.unary("pow", build.binary("sub", a, y), 2.0), constant())
    parts = [
        build.unary("log", positive),
        build.unary("sqrt", positive),
        build.binary("div", a, positive),
        build.unary("exp", build.unary("neg", positive)),
        build.unary("pow", positive, float(rng.choice([-2.0, -0.7, 1.5, 3.0]))),
        build.unary("pow", a, 3.0),
        build.unary("sin", build.binary("mul", a, build.unary("cos", y))),
        build.binary("max", a, y),
    ]
    total = parts[int(rng.integers(len(parts)))]
    for i in rng.choice(len(parts), 3, replace=False):
        total = build.binary(str(rng.choice(["add", "sub", "mul"])), total, parts[int(i)])
    return build.finish(total)


def random_program(seed):
    """A program, a box (centre, half-widths) and some words."""
    rng = np.random.default_rng(seed)
    d, m = int(rng.integers(1, 4)), int(rng.integers(1, 3))
    program = network(rng, d, m) if rng.random() < 0.6 else formula(rng, d)
    centre = rng.uniform(-1, 1, d) * 10.0 ** rng.uniform(-2, 0.7)
    half = 10.0 ** rng.uniform(-4, 0.3, d)
    return program, centre, half, f"seed {seed}: {program.operations}"
