"""The record of a profile."""

from __future__ import annotations

import math

from supnorm.planning.guarantees import derivative_bounds
from supnorm.planning.profile.measured import Profile
from supnorm.results.budget import (
    ActiveRecord,
    DimensionRecord,
    ProfileRecord,
    SensitivityRecord,
    SmoothnessRecord,
)
from supnorm.wording.budget import BUDGET


def profile_record(p: Profile, eps: float, norm: float) -> ProfileRecord:
    """The record of a profile; degrees and ranks are those for the tolerance ``eps`` in the norm L^``norm``."""
    active, indices, law = p.active, p.sensitivity, p.dimension
    return ProfileRecord(
        calls=p.calls,
        half_range=p.half_range,
        noise=p.noise,
        kind=p.kind,
        order=p.order,
        smoothness=_smoothness(p, eps),
        class_order=p.class_order(),
        derivative_scales=derivative_bounds(p, norm),
        not_finite=p.hazards.not_finite,
        scanned=p.hazards.scanned,
        blow_up=p.hazards.hopeless,
        jump=p.jump.jump if p.jump else 0.0,
        inner=tuple(tuple(p.names[i] for i in s) for s in p.inner),
        left_out=tuple(map(BUDGET.say, p.left_out)),
        active=None
        if active is None
        else ActiveRecord(
            dimension=active.dimension,
            residual=active.residual,
            eigenvalues=tuple(active.eigenvalues.tolist()),
            directions=tuple(map(tuple, active.directions.tolist())),
        ),
        sensitivity=None
        if indices is None
        else SensitivityRecord(
            first=tuple(indices.first.tolist()),
            total=tuple(indices.total.tolist()),
            note="mean-square indices: they say nothing about the maximum",
        ),
        separation_ranks=None if p.separation is None else tuple(p.separation.ranks(eps / 10)),
        dimension=None
        if law is None
        else DimensionRecord(
            lower=law.lower,
            upper=law.upper,
            linear=law.linear,
            single=law.single,
            two_nn=law.two_nn,
            mle=law.mle,
            scales=law.scales,
        ),
    )


def _smoothness(profile: Profile, eps: float) -> tuple[SmoothnessRecord, ...]:
    """Kind, lowest order, smallest rho and degree for the tolerance, of each axis and of the oblique lines."""
    degrees = profile.degrees(eps)
    rows = []
    for axis in [*range(profile.d), None]:
        spectra = profile.spectra(axis)
        if not spectra:
            continue
        kinds = sorted({s.kind for s in spectra})
        orders = [s.order for s in spectra if not math.isnan(s.order)]
        rows.append(
            SmoothnessRecord(
                axis=profile.names[axis] if axis is not None else "oblique lines",
                lines=len(spectra),
                kind=kinds[0] if len(kinds) == 1 else "mixed: " + ", ".join(kinds),
                order=min(orders) if orders else None,
                rho=min(s.rho for s in spectra),
                degree=degrees[axis] if axis is not None else None,
            )
        )
    return tuple(rows)
