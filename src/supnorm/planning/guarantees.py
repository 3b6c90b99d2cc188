"""The guarantee line of a profiled function: lower bounds for its class, with estimated class constants.

The bounds are about the class (d, n, bounds on derivatives), never about the function. Fewer samples may do for the
function, but nobody who knows only its class can promise that. The status is conditional, because the bounds on the
derivatives are estimates.
"""

from __future__ import annotations

import math

from supnorm.planning.profile.measured import Profile
from supnorm.planning.smooth_class import SmoothClass
from supnorm.planning.theory import NetworkClass, theory
from supnorm.planning.theory.jump_samples import jump_samples
from supnorm.planning.theory.statement import GUARANTEE, ClassBound
from supnorm.results.numbers import num
from supnorm.results.status import BadInput
from supnorm.wording.budget_record import ESTIMATED


def derivative_bounds(profile: Profile, p: float) -> tuple[float, ...]:
    """The estimated bounds L_0, L_1, ... of the class that the guarantee line speaks about."""
    n = max(profile.class_order(), 1)
    scales = profile.derivative_scales(n)
    if n == 1 and profile.active is not None and math.isinf(p):
        scales = (scales[0], max(profile.active.gradient_sum * 1.5, 1e-12 * profile.half_range))
    return scales


def guarantees(
    profile: Profile, eps: float, p: float, network: NetworkClass | None = None
) -> list[ClassBound]:
    """Lower bounds for the class of the function according to its profile."""
    if profile.hazards.hopeless:
        return [_unbounded(profile)]
    if profile.jump is not None and math.isinf(p) and 2 * eps < profile.jump.jump:
        return [jump_samples(profile.jump.jump, eps)]
    n = profile.class_order()
    if n == 0:
        order = min(max(profile.order, 0.1), 1.0) if math.isfinite(profile.order) else 1.0
        rough = SmoothClass(inputs=profile.d, smoothness=order, scales=2.0 * profile.half_range)
        rows = theory(rough, eps, p, network) if math.isinf(p) else []
        return [
            _conditional(row, "Hölder order and constant estimated") for row in rows if row.line == GUARANTEE
        ]
    scales = derivative_bounds(profile, p)
    if not all(map(math.isfinite, scales)):
        raise BadInput(
            f"values of the reference up to {num(profile.hazards.largest)} are too large: their sums and derivatives "
            "overflow float64; give the output in a larger unit, or its logarithm"
        )
    smooth = SmoothClass(inputs=profile.d, smoothness=n, scales=scales, noise=_noise(profile))
    rows = theory(smooth, eps, p, network)
    return [_conditional(row, ESTIMATED) for row in rows if row.line == GUARANTEE]


def _noise(profile: Profile) -> float:
    return profile.noise if profile.noise > 1e-6 * profile.half_range else 0.0


def _conditional(row: ClassBound, estimated: str) -> ClassBound:
    if row.log10 is not None and "networks of this shape" not in row.name:
        return row.changed(status="conditional", assumptions=(*row.assumptions, estimated))
    return row


def _unbounded(profile: Profile) -> ClassBound:
    return ClassBound.of(
        name="no bound, sup norm",
        line=GUARANTEE,
        quantity="samples",
        log10=math.inf,
        rate="does not fall with the samples",
        class_="functions that grow without bound inside the domain",
        assumptions=("the growth seen goes on",),
        source=f"the largest value grew {num(profile.hazards.growth)} times as the search box shrank",
        status="conditional",
    )
