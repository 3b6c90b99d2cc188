"""Bounds that values of a quantity cannot cross, by its CF standard name or a usual name of its variable."""

from __future__ import annotations

import math
import re

Bounds = tuple[float, float]
FREE: Bounds = (-math.inf, math.inf)
# CF standard names (cfconventions.org) and the names of WeatherBench 2, ECMWF and CMIP for the same. A density, a content
# or a speed is not negative; a fraction is at most 1; no air on Earth is colder than 150 K or hotter than 350 K.
NOT_NEGATIVE = (
    "specific_humidity", "relative_humidity", "mass_fraction_of_water_in_air", "humidity_mixing_ratio",
    "precipitation_amount", "precipitation_flux", "convective_precipitation_flux",
    "lwe_thickness_of_precipitation_amount", "wind_speed", "mass_fraction_of_cloud_liquid_water_in_air",
    "mass_fraction_of_cloud_ice_in_air", "atmosphere_mass_content_of_water_vapor", "mole_fraction_of_ozone_in_air",
    "mass_fraction_of_ozone_in_air", "surface_snow_thickness", "air_density", "total_precipitation",
    "total_precipitation_6hr", "total_precipitation_24hr", "total_column_water_vapour", "10m_wind_speed",
    "specific_cloud_liquid_water_content", "specific_cloud_ice_water_content", "tp", "tcwv", "q", "r", "clwc", "ciwc",
    "hus", "hur", "pr", "prw",
)  # fmt: skip
FRACTION = (
    "cloud_area_fraction",
    "land_area_fraction",
    "sea_ice_area_fraction",
    "total_cloud_cover",
    "tcc",
    "siconc",
)
TEMPERATURE = (
    "air_temperature",
    "surface_temperature",
    "2m_temperature",
    "temperature",
    "t2m",
    "t",
    "ta",
    "tas",
    "skin_temperature",
)
PERCENT = ("%", "percent")


def usual_bounds(standard_name: str, name: str, units: str) -> Bounds:
    """The bounds of a quantity; infinite where none is known.

    >>> usual_bounds("specific_humidity", "q", "kg kg-1"), usual_bounds("", "t2m", "K"), usual_bounds("", "t2m", "degC")
    ((0.0, inf), (150.0, 350.0), (-inf, inf))
    """
    names = {standard_name.lower(), name.lower()} - {""}
    if names & {*NOT_NEGATIVE}:
        return (0.0, math.inf)
    if names & {*FRACTION}:
        return (0.0, 100.0 if units.strip() in PERCENT else 1.0)
    if names & {*TEMPERATURE} and re.fullmatch(r"K|kelvin", units.strip(), re.IGNORECASE):
        return (150.0, 350.0)
    return FREE
