"""Programs as terms of real numbers in Coq, with exact constants.

A term is a chain of `let`, one for each feature that is used more than once. Operations that coq-interval does not know are
written by those that it knows, equal as real functions: tanh z = 1 - 2/(exp(2 z) + 1), relu z = (z + |z|)/2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from supnorm.checker.operation import Operation
from supnorm.checker.rejected import Rejected

# Whole exponents; coq-interval multiplies, and a larger one would take its time in every leaf.
LARGEST_POWER = 64
K, Q = 0.7978845608028654, 0.044715  # those of gelu_tanh


class NotExported(Rejected):
    """A certificate that cannot be written as a Coq proof; it may be true all the same."""


def number(v: float | Fraction) -> str:
    """A real number of Coq that equals v: m or m/2^e, whole numbers in digits.

    >>> number(0.75), number(-3.0), number(2.0**-3)
    ('(3 / 4)', '(-3)', '(1 / 8)')
    """
    exact = Fraction(v)
    top = str(exact.numerator)
    if exact.denominator != 1:
        return f"({top} / {exact.denominator})"
    return top if exact >= 0 else f"({top})"


def _sum(terms: Sequence[str]) -> str:
    return f"({' + '.join(terms)})" if terms else "0"


def _tanh(z: str) -> str:
    return f"(1 - 2 / (exp (2 * {z}) + 1))"


def _leaky(z: str, s: float) -> str:
    up, down = number((1 + Fraction(s)) / 2), number((1 - Fraction(s)) / 2)
    return f"({up} * {z} + {down} * Rabs {z})"


def _gelu_tanh(z: str) -> str:
    inner = f"({number(K)} * ({z} + {number(Q)} * {z} ^ 3))"
    return f"({z} * (1 - 1 / (exp (2 * {inner}) + 1)))"


def _power(z: str, p: float) -> str:
    """z^p: whole powers as products, halves by the root, others of z > 0 by the logarithm."""
    doubled = 2 * p
    if p.is_integer() and abs(p) <= LARGEST_POWER:
        whole = f"{z} ^ {abs(int(p))}"
        return "1" if p == 0 else f"({whole})" if p > 0 else f"(1 / {whole})"
    if p.is_integer():
        raise NotExported(f"not exported: the power {p:.6g} is above {LARGEST_POWER}")
    if doubled.is_integer() and abs(doubled) <= LARGEST_POWER:
        whole = f"sqrt {z} ^ {abs(int(doubled))}"
        return f"({whole})" if p > 0 else f"(1 / {whole})"
    return f"(exp ({number(p)} * ln {z}))"


_TERMS: dict[str, Callable[..., str]] = {
    "neg": lambda a: f"(- {a})",
    "abs": lambda a: f"(Rabs {a})",
    "relu": lambda a: f"((1 / 2) * ({a} + Rabs {a}))",
    "tanh": _tanh,
    "sigmoid": lambda a: f"(1 / (1 + exp (- {a})))",
    "softplus": lambda a: f"(ln (1 + exp {a}))",
    "silu": lambda a: f"({a} / (1 + exp (- {a})))",
    "gelu_tanh": _gelu_tanh,
    "sin": lambda a: f"(sin {a})",
    "cos": lambda a: f"(cos {a})",
    "exp": lambda a: f"(exp {a})",
    "log": lambda a: f"(ln {a})",
    "sqrt": lambda a: f"(sqrt {a})",
    "atan": lambda a: f"(atan {a})",
    "add": lambda a, b: f"({a} + {b})",
    "sub": lambda a, b: f"({a} - {b})",
    "mul": lambda a, b: f"({a} * {b})",
    "div": lambda a, b: f"({a} / {b})",
    "max": lambda a, b: f"((1 / 2) * ({a} + {b} + Rabs ({a} - {b})))",
    "min": lambda a, b: f"((1 / 2) * ({a} + {b} - Rabs ({a} - {b})))",
}
_WITH_PARAMETER: dict[str, Callable[[str, float], str]] = {"leaky_relu": _leaky, "pow": _power}
# How often the term of an operation has each argument.
_COPIES = {"relu": 2, "silu": 2, "gelu_tanh": 3, "max": 2, "min": 2, "leaky_relu": 2}
KNOWN = {"input", "constant", "affine", "take", "concat", *_TERMS, *_WITH_PARAMETER}


def demand_known(operations: Sequence[Operation]) -> None:
    """Check that all operations have terms.

    Raises:
        NotExported: names those that have none.
    """
    if unknown := sorted({o.op for o in operations} - KNOWN):
        raise NotExported(f"not exported: coq-interval has no {', '.join(unknown)}")


@dataclass
class Terms:
    """The terms of the features of one program.

    Attributes:
        operations: the program.
        inputs: the names of its inputs.
        lets: bindings so far, in order, by name.
        sizes: number of operations of each name's term after all bindings are put in.
    """

    operations: Sequence[Operation]
    inputs: Sequence[str]
    lets: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    _known: dict[tuple[int, int], str] = field(default_factory=dict)

    def of(self, node: int, k: int) -> str:
        """The term of feature k of a node, a name or a number; what it needs is bound before it."""
        work = [(node, k)]
        while work:
            at = work[-1]
            missing = [] if at in self._known else [a for a in self._needs(*at) if a not in self._known]
            work.extend(missing)
            if not missing:
                work.pop()
                if at not in self._known:
                    self._known[at] = self._made(*at)
        return self._known[node, k]

    def _needs(self, node: int, k: int) -> list[tuple[int, int]]:
        """The features of which a feature is made."""
        o = self.operations[node]
        if o.op in ("input", "constant"):
            return []
        if o.op == "affine":
            count = self.operations[o.args[0]].width
            row = o.weight[k * count : (k + 1) * count]
            return [(o.args[0], j) for j, w in enumerate(row) if w != 0.0]
        if o.op == "take":
            return [(o.args[0], o.columns[k])]
        if o.op == "concat":
            for a in o.args:
                if k < self.operations[a].width:
                    return [(a, k)]
                k -= self.operations[a].width
        return [(a, k) for a in o.args]

    def _made(self, node: int, k: int) -> str:
        o, needs = self.operations[node], self._needs(node, k)
        args = [self._known[a] for a in needs]
        if o.op == "input":
            return self.inputs[k]
        if o.op == "constant":
            return number(o.vector[k])
        if o.op in ("take", "concat"):
            return args[0]
        if o.op == "affine":
            count = self.operations[o.args[0]].width
            weights = [o.weight[k * count + j] for _, j in needs]
            terms = [f"{number(w)} * {a}" for w, a in zip(weights, args, strict=True)]
            terms += [number(o.vector[k])] if o.vector[k] != 0.0 or not terms else []
            text, size = _sum(terms), 2 * len(terms)
        elif o.op in _WITH_PARAMETER:
            assert o.parameter is not None
            text, size = _WITH_PARAMETER[o.op](args[0], o.parameter), 3
        else:
            text, size = _TERMS[o.op](*args), 3
        name = f"v{len(self.lets)}"
        copies = _COPIES.get(o.op, 1)
        self.lets[name] = text
        self.sizes[name] = size + copies * sum(self.sizes.get(a, 1) for a in args)
        return name

    def size(self, term: str) -> int:
        """Operations of a term after all bindings are put in."""
        return self.sizes.get(term, 1)

    def body(self, term: str) -> str:
        """A term that stands by itself: the bindings it needs, and the term."""
        lines = [f"  let {name} := {text} in" for name, text in self.lets.items()]
        return "\n".join([*lines, f"  {term}"])


def definition(
    name: str, operations: Sequence[Operation], node: int, k: int, inputs: Sequence[str]
) -> tuple[str, int]:
    """A Coq definition of feature k of a node as a function of the inputs, and the number of its operations."""
    terms = Terms(operations, inputs)
    last = terms.of(node, k)
    return f"Definition {name} ({' '.join(inputs)} : R) : R :=\n{terms.body(last)}.", terms.size(last)
