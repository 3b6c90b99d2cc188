"""Constructions for one profiled function: named methods with the counts that its measured structure implies.

Each row is conditional: it assumes degrees that were measured along lines, and blocks and directions that were tested at
finitely many points. Every block gets an equal share of the tolerance; a product of blocks divides it by the sizes of the
other factors too (here all at most the size of the function, so by the number of factors).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from supnorm.planning.names import BLOCKS, FACTORS, PIECEWISE, RIDGE, SPARSE, TENSOR, TRAIN
from supnorm.planning.profile.measured import Profile
from supnorm.planning.profile.spectrum import Spectrum
from supnorm.planning.theory.piecewise import piecewise_interpolation
from supnorm.planning.theory.polynomials import least_squares_samples, log10_total_degree
from supnorm.planning.theory.statement import CONSTRUCTION, ClassBound
from supnorm.planning.theory.structure import composition_rate, manifold_rates
from supnorm.results.numbers import from_log10, num
from supnorm.wording.budget_record import functions_of

# `test_kinks_of_single_inputs_are_cheap` guards both of these.
KINK = 0.8  # lowest order of a kink that bisection locates; a lower order is a cusp or worse
BREAKS = 150  # samples for one input with a few kinks: 50 for a bisected break, the others for the pieces between them
SWEEPS = 10.0  # ranks grow sweep by sweep, and every sweep takes samples; a judgement


def constructions(profile: Profile, eps: float) -> list[ClassBound]:
    """All constructions that the profile supports, for the absolute tolerance ``eps``; cheapest first.

    A function without a bound has none. A function with a jump has only fits of single inputs: bisection locates their
    breaks, and the error is stated off the last interval of the bisection.
    """
    if profile.hazards.hopeless:
        return []
    if profile.jump is not None:
        return [row for row in _with_jump(profile, eps) if row is not None]
    rows = [
        _tensor(profile, eps),
        _grouped(profile, eps, product=False),
        _grouped(profile, eps, product=True),
        _ridge(profile, eps),
        _sparse(profile, eps),
        _train(profile, eps),
        _piecewise(profile, eps),
        *_rates(profile),
    ]
    supported = [row for row in rows if row is not None]
    return sorted(supported, key=lambda row: math.inf if row.log10 is None else row.log10)


def _row(
    name: str,
    log10: float,
    rate: str,
    structure: str,
    source: str,
    *assumptions: str,
    status: str = "conditional",
) -> ClassBound:
    free = ("samples where the method wants them",) if status == "conditional" else ()
    return ClassBound.of(
        name=name,
        line=CONSTRUCTION,
        quantity="samples",
        log10=log10,
        rate=rate,
        class_=structure,
        assumptions=(*assumptions, *free),
        source=source,
        status=status,
    )


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
        TENSOR,
        size,
        f"log(1/eps)^{profile.d}",
        "analytic along every axis line measured",
        f"degrees {profile.degrees(eps / profile.d)} from measured coefficients",
        "the lines measured show where f is hardest",
    )


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
        FACTORS if product else BLOCKS,
        math.log10(count),
        f"log(1/eps)^{largest}",
        f"{_named(profile, blocks, product)}, analytic along every axis line",
        "blocks by mixed differences (largest over all pairs sampled), degrees measured",
        f"interactions vanish everywhere, not only at {acting.samples} points a pair",
    )


def _named(profile: Profile, blocks: list[list[int]], product: bool) -> str:
    return functions_of([[profile.names[i] for i in block] for block in blocks], product)


def _grouped_rough(profile: Profile, eps: float, blocks: list[list[int]], product: bool) -> ClassBound | None:
    """The same for functions with kinks: single inputs in pieces between breaks, larger blocks on a grid."""
    n = profile.class_order()
    single = all(len(block) == 1 and _single_pieces(profile, block[0]) for block in blocks)
    if not single and (n < 1 or profile.kind != "algebraic"):
        return None
    n = max(n, 1)
    scale = profile.derivative_scales(n)[n]
    share = eps / len(blocks)
    counts = [
        math.log10(BREAKS)
        if len(block) == 1 and _single_pieces(profile, block[0])
        else piecewise_interpolation(len(block), n, scale, share).log10 or 0.0
        for block in blocks
    ]
    largest = max(map(len, blocks))
    top = max(counts)
    log10 = top + math.log10(sum(10.0 ** (c - top) for c in counts))
    return _row(
        FACTORS if product else BLOCKS,
        log10,
        f"eps^(-{largest}/{n})",
        f"{_named(profile, blocks, product)}, {n} derivatives",
        f"single inputs: {BREAKS} samples for pieces between kinks; larger blocks: piecewise grid, "
        f"L_{n} = {num(scale)} estimated",
        "few isolated kinks",
        "the estimated derivative bound holds",
    )


def _rates(profile: Profile) -> list[ClassBound]:
    """Rates of networks, without counts, whose exponents depend on the measured structure."""
    n, rates = max(profile.class_order(), 1), list[ClassBound]()
    if profile.interactions is not None and len(profile.interactions.blocks()) > 1:
        rates.append(composition_rate([max(map(len, profile.interactions.blocks()))], [n]))
    elif profile.inner:
        inside = max(map(len, profile.inner))
        rates.append(composition_rate([inside, profile.d - inside + 1], [n, n]))
    law = profile.dimension
    if law is not None and law.single and law.upper <= profile.d / 2:
        rates += manifold_rates(law.upper, n)
    return rates


def _with_jump(profile: Profile, eps: float) -> list[ClassBound | None]:
    """Constructions when f jumps: one input, one direction, or a sum or product in which jumping inputs are alone."""
    if profile.d == 1:
        return [_pieces(PIECEWISE, "one input with a jump")]
    jumping = {line.axis for line in profile.lines if line.jump > 0 and line.axis is not None}
    rows = [_ridge(profile, eps)]
    for product in (False, True):
        acting = profile.interactions
        blocks = [] if acting is None else acting.factors() if product else acting.blocks()
        if jumping and len(blocks) > 1 and jumping <= {b[0] for b in blocks if len(b) == 1}:
            rows.append(_grouped_rough(profile, eps, blocks, product))
    return rows


def _pieces(name: str, structure: str) -> ClassBound:
    return _row(
        name,
        math.log10(BREAKS),
        "constant while the breaks are few",
        structure,
        f"{BREAKS} samples: breaks by bisection at about 50 each, the rest for the pieces between them",
        "few isolated kinks or jumps",
    )


def _single_pieces(profile: Profile, axis: int) -> bool:
    """Whether pieces between a few breaks are enough for this input: every line along it is smooth, kinked or jumps."""
    along = [line for line in profile.known_lines if line.axis == axis and line.spectrum]
    return bool(along) and all(
        line.jump > 0 or line.spectrum.kind == "geometric" or _kinked(line.spectrum)
        for line in along
        if line.spectrum is not None
    )


def _ridge(profile: Profile, eps: float) -> ClassBound | None:
    active = profile.active
    if active is None or not 0 < active.dimension < min(profile.d, 4):
        return None
    if active.residual * profile.half_range > eps / 4:
        return None
    line = profile.ridge
    if line is not None and line.spectrum is not None and (line.jump > 0 or _kinked(line.spectrum)):
        return _pieces(RIDGE, f"varies along 1 of {profile.d} directions, with kinks or jumps there")
    if profile.jump is not None:
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
        RIDGE,
        active.dimension * math.log10(degree + 1),
        f"log(1/eps)^{active.dimension}",
        f"varies along {active.dimension} of {profile.d} directions; change along the others "
        f"{num(active.residual, 2)} of half the range",
        f"gradients; {how}",
        "the residual test met the largest change",
    )


def _kinked(spectrum: Spectrum) -> bool:
    return spectrum.kind == "algebraic" and spectrum.order > KINK


def total_degree(profile: Profile, eps: float) -> int | None:
    """The largest degree that f needs along the measured lines; the total degree is at least that."""
    degrees = [line.spectrum.degree_for(eps) for line in profile.known_lines if line.spectrum]
    known = [k for k in degrees if k is not None]
    return max(known) if known and len(known) == len(degrees) else None


def _sparse(profile: Profile, eps: float) -> ClassBound | None:
    degree = total_degree(profile, eps)
    if degree is None or profile.d < 2:
        return None
    terms = log10_total_degree(degree, profile.d)
    return _row(
        SPARSE,
        least_squares_samples(terms),
        f"log(1/eps)^{profile.d}",
        "analytic along every line measured",
        f"{from_log10(terms)} terms; samples by Cohen and Migliorati 2017",
        f"total degree {degree}, which the lines measured need, is enough",
        "weighted least squares",
        status="heuristic",
    )


def _train(profile: Profile, eps: float) -> ClassBound | None:
    degrees = profile.degrees(eps / profile.d)
    known = [k for k in degrees if k is not None]
    if profile.separation is None or profile.d < 3 or len(known) < profile.d:
        return None
    # A split whose whole is below the tolerance has rank 0: the train still holds one number for it.
    ranks = [1, *(max(rank, 1) for rank in profile.separation.ranks(eps / 10)), 1]
    if max(ranks) > 30:
        return None
    cores = [ranks[i] * (known[i] + 1) * ranks[i + 1] for i in range(profile.d)]
    return _row(
        TRAIN,
        math.log10(SWEEPS * sum(cores)),
        "d n r^2",
        f"ranks {ranks[1:-1]} for the inputs in the given order, analytic along every axis line",
        f"ranks on random points (lower estimates), degrees {known} measured",
        f"cross approximation samples about {num(SWEEPS, 6)} times the entries of the cores",
        status="heuristic",
    )


def _piecewise(profile: Profile, eps: float) -> ClassBound | None:
    n = profile.class_order()
    if n < 1 or profile.kind in ("unresolved", "unknown", "noise"):
        return None
    scale = profile.derivative_scales(n)[n]
    count = piecewise_interpolation(profile.d, n, scale, eps)
    return _row(
        PIECEWISE,
        count.log10 or 0.0,
        count.rate,
        count.class_,
        f"proved count with L_{n} = {num(scale)}, estimated on lines with factor 1.5",
        "the estimated derivative bound holds",
    )
