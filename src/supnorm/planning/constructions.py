"""Constructions for one profiled function: named methods with the count that its measured structure implies.

Each row is conditional: on degrees measured along lines, on blocks and directions tested at finitely many
points. The tolerance is split evenly over blocks; for products it is also divided by the sizes of the other
factors (all at most the size of the function here, so by the number of factors).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from supnorm.planning.profile.measured import Profile
from supnorm.planning.theory.piecewise import piecewise_interpolation
from supnorm.planning.theory.polynomials import least_squares_samples, log10_total_degree
from supnorm.planning.theory.statement import CONSTRUCTION, ClassBound

TENSOR = "Chebyshev tensor grid"
BLOCKS = "sum of fits of few inputs each"
FACTORS = "product of fits of few inputs each"
RIDGE = "rotate to the active directions, then a grid"
SPARSE = "sparse polynomial of total degree"
TRAIN = "tensor train"
PIECEWISE = "piecewise polynomial grid"
BREAKS = 150  # samples for one input with a few kinks: 50 a bisected break, the rest for the pieces
SWEEPS = 10.0  # ranks grow sweep by sweep: our tensor trains took 8 to 11 times in benchmarks/budget


def constructions(profile: Profile, eps: float) -> list[ClassBound]:
    """All constructions that the profile supports, for the absolute tolerance ``eps``; cheapest first.

    Nothing is offered for a function with a jump or without a bound.
    """
    if profile.hazards.hopeless or profile.jump is not None:
        return []
    rows = [
        _tensor(profile, eps), _grouped(profile, eps, product=False), _grouped(profile, eps, product=True),
        _ridge(profile, eps), _sparse(profile, eps), _train(profile, eps), _piecewise(profile, eps),
    ]  # fmt: skip
    found = [row for row in rows if row is not None]
    return sorted(found, key=lambda row: math.inf if row.log10 is None else row.log10)


def _row(name: str, log10: float, rate: str, structure: str, source: str, *assumptions: str) -> ClassBound:
    return ClassBound(
        name, CONSTRUCTION, "samples", log10, rate, structure,
        (*assumptions, "samples where the method wants them"), source, "conditional",
    )  # fmt: skip


def block_size(degrees: Sequence[int | None], block: Sequence[int]) -> float | None:
    """log10 of prod (k_i + 1) over a block; None where a degree is unknown."""
    known = [degrees[i] for i in block]
    if any(k is None for k in known):
        return None
    return sum(math.log10(k + 1) for k in known if k is not None)


def _tensor(profile: Profile, eps: float) -> ClassBound | None:
    size = block_size(profile.degrees(eps / profile.d), range(profile.d))
    if size is None:
        return None
    return _row(
        TENSOR, size, f"log(1/eps)^{profile.d}", "analytic along every axis line measured",
        f"degrees {profile.degrees(eps / profile.d)} from measured coefficients",
        "the lines measured show the hardest places",
    )  # fmt: skip


def _grouped(profile: Profile, eps: float, product: bool) -> ClassBound | None:
    acting = profile.interactions
    if acting is None:
        return None
    blocks = acting.factors() if product else acting.blocks()
    if len(blocks) < 2:
        return None
    degrees = profile.degrees(eps / profile.d)
    sizes = [block_size(degrees, block) for block in blocks]
    largest = max(map(len, blocks))
    if any(s is None for s in sizes):
        return _grouped_rough(profile, eps, blocks, product)
    count = sum(10.0**s for s in sizes if s is not None)
    return _row(
        FACTORS if product else BLOCKS, math.log10(count), f"log(1/eps)^{largest}",
        f"{'product' if product else 'sum'} of {_named(profile, blocks)}, analytic along every axis line",
        "blocks by mixed differences (largest over all pairs sampled), degrees measured",
        f"interactions vanish everywhere, not only at {acting.samples} points a pair",
    )  # fmt: skip


def _named(profile: Profile, blocks: list[list[int]]) -> str:
    return ", ".join("{" + ", ".join(profile.names[i] for i in block) + "}" for block in blocks)


def _grouped_rough(profile: Profile, eps: float, blocks: list[list[int]], product: bool) -> ClassBound | None:
    """The same for functions with kinks: single inputs by breaks that are found, larger blocks on a grid."""
    n = profile.class_order()
    if n < 1 or profile.kind != "algebraic":
        return None
    scale = profile.derivative_scales(n)[n]
    share = eps / len(blocks)
    kinks = profile.order > 0.8
    counts = [
        math.log10(BREAKS) if kinks and len(block) == 1
        else piecewise_interpolation(len(block), n, scale, share).log10 or 0.0
        for block in blocks
    ]  # fmt: skip
    largest = max(map(len, blocks))
    top = max(counts)
    log10 = top + math.log10(sum(10.0 ** (c - top) for c in counts))
    return _row(
        FACTORS if product else BLOCKS, log10, f"eps^(-{largest}/{n})",
        f"{'product' if product else 'sum'} of {_named(profile, blocks)}, {n} derivatives",
        f"single inputs: {BREAKS} samples for pieces between kinks; larger blocks: piecewise grid, "
        f"L_{n} = {scale:.3g} estimated",
        "few isolated kinks", "the estimated derivative bound holds",
    )  # fmt: skip


def _ridge(profile: Profile, eps: float) -> ClassBound | None:
    active = profile.active
    if active is None or not 0 < active.dimension < min(profile.d, 4):
        return None
    if active.residual * profile.spread > eps / 4:
        return None
    if profile.ridge is not None and profile.ridge.spectrum is not None:
        degree, how = profile.ridge.spectrum.degree_for(eps), "degree measured along the direction"
    else:
        # A segment along a direction of the cube is up to sqrt(d) axis lengths long.
        longest = total_degree(profile, eps)
        degree = None if longest is None else math.ceil(longest * math.sqrt(profile.d))
        how = "largest degree over all lines, times sqrt(d)"
    if degree is None:
        return None
    return _row(
        RIDGE, active.dimension * math.log10(degree + 1), f"log(1/eps)^{active.dimension}",
        f"varies along {active.dimension} of {profile.d} directions; change along the others "
        f"{active.residual:.1e} of half the range",
        f"gradients; {how}", "the residual test saw the worst place",
    )  # fmt: skip


def total_degree(profile: Profile, eps: float) -> int | None:
    """The degree that f needs along every line measured: the total degree is at least that."""
    degrees = [line.spectrum.degree_for(eps) for line in profile.known_lines if line.spectrum]
    known = [k for k in degrees if k is not None]
    return max(known) if known and len(known) == len(degrees) else None


def _sparse(profile: Profile, eps: float) -> ClassBound | None:
    degree = total_degree(profile, eps)
    if degree is None or profile.d < 2:
        return None
    terms = log10_total_degree(degree, profile.d)
    return ClassBound(
        SPARSE, CONSTRUCTION, "samples", least_squares_samples(terms), f"log(1/eps)^{profile.d}",
        "analytic along every line measured",
        (f"total degree {degree}, which the lines measured need, is enough", "weighted least squares"),
        f"10^{terms:.2f} terms; samples by Cohen and Migliorati 2017", "heuristic",
    )  # fmt: skip


def _train(profile: Profile, eps: float) -> ClassBound | None:
    degrees = profile.degrees(eps / profile.d)
    known = [k for k in degrees if k is not None]
    if profile.separation is None or profile.d < 3 or len(known) < profile.d:
        return None
    ranks = [1, *profile.separation.ranks(eps / 10), 1]
    if max(ranks) > 30:
        return None
    cores = [ranks[i] * (known[i] + 1) * ranks[i + 1] for i in range(profile.d)]
    return ClassBound(
        TRAIN, CONSTRUCTION, "samples", math.log10(SWEEPS * sum(cores)), "d n r^2",
        f"ranks {ranks[1:-1]} for the inputs in the given order, analytic along every axis line",
        (f"cross approximation samples about {SWEEPS:g} times the entries of the cores",),
        f"ranks on random points (lower estimates), degrees {known} measured", "heuristic",
    )  # fmt: skip


def _piecewise(profile: Profile, eps: float) -> ClassBound | None:
    n = profile.class_order()
    if n < 1 or profile.kind in ("unresolved", "unknown", "noise"):
        return None
    scale = profile.derivative_scales(n)[n]
    count = piecewise_interpolation(profile.d, n, scale, eps)
    return _row(
        PIECEWISE, count.log10 or 0.0, count.rate, count.function_class,
        f"proved count with L_{n} = {scale:.3g}, estimated on lines with factor 1.5",
        "the estimated derivative bound holds",
    )  # fmt: skip
