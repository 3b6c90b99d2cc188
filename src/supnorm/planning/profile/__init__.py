"""Measurements of a function before planning: hazards, noise, smoothness, structure, dimension."""

from supnorm.planning.profile.dimension import IntrinsicDimension, intrinsic_dimension
from supnorm.planning.profile.measured import Profile
from supnorm.planning.profile.profile import profile
from supnorm.planning.profile.spectrum import Spectrum, chebyshev_points, spectrum
from supnorm.planning.profile.target import Target

__all__ = [
    "IntrinsicDimension",
    "Profile",
    "Spectrum",
    "Target",
    "chebyshev_points",
    "intrinsic_dimension",
    "profile",
    "spectrum",
]
