"""More pairs of formulas, written after the rules were fixed and run once: what a user's own formulas can expect.

They are as in `formulas`, of other fields; none was left out or changed after it ran. The first ten showed that rounding was
bounded too roughly for values that span many decades (3-D rate, 4-D beam), which was mended (`composed_relative`); the
rows of `SECOND` were written after that.
"""

from __future__ import annotations

import jax.numpy as jnp
from jax.scipy.special import erfinv

from benchmarks.certify.formulas import RELATIVE, Columns, log_axis, of
from supnorm.problem import Domain, ErrorMeasure, Problem


def power_viscosity(T):
    return 1.716e-5 * (T / 273.15) ** 0.67


def sutherland(T):
    return 1.716e-5 * (T / 273.15) ** 1.5 * (273.15 + 110.4) / (T + 110.4)


def varshni(T):
    return 1.519 - 5.405e-4 * T**2 / (T + 204.0)


def odonnell_chen(T):
    return 1.521 - 3.0 * 0.0267 * (1.0 / jnp.tanh(0.0267 / (2.0 * 8.617e-5 * T)) - 1.0)


def langevin_pade(x):
    return x * (15.0 + x**2) / (45.0 + 18.0 * x**2)


def langevin(x):
    return 1.0 / jnp.tanh(x) - 1.0 / x


def hastings_quantile(p):
    """Abramowitz and Stegun 26.2.23."""
    t = jnp.sqrt(-2.0 * jnp.log(p))
    above = 2.515517 + 0.802853 * t + 0.010328 * t**2
    return t - above / (1.0 + 1.432788 * t + 0.189269 * t**2 + 0.001308 * t**3)


def normal_quantile(p):
    return jnp.sqrt(2.0) * erfinv(1.0 - 2.0 * p)


def centre_series(m, e):
    return m + e * jnp.sin(m) + 0.5 * e**2 * jnp.sin(2.0 * m)


def eccentric_anomaly(m, e):
    """Four Newton steps for Kepler's equation."""
    x = m + e * jnp.sin(m)
    for _ in range(4):
        x = x - (x - e * jnp.sin(x) - m) / (1.0 - e * jnp.cos(x))
    return x


def flat_distance(a, b):
    """Radians, from latitude 45 degrees, with steps a and b in latitude and longitude."""
    return jnp.sqrt(a**2 + (b * jnp.cos(0.7853981633974483 + 0.5 * a)) ** 2)


def haversine(a, b):
    s = (
        jnp.sin(0.5 * a) ** 2
        + jnp.cos(0.7853981633974483) * jnp.cos(0.7853981633974483 + a) * jnp.sin(0.5 * b) ** 2
    )
    return 2.0 * jnp.arcsin(jnp.sqrt(s))


def eckart(t, h):
    return 1.5613 * t**2 * jnp.sqrt(jnp.tanh(4.0243 * h / t**2))


def fenton_mckee(t, h):
    return 1.5613 * t**2 * jnp.tanh((4.0243 * h / t**2) ** 0.75) ** (2.0 / 3.0)


def chord_potential(k, na, p):
    """Membrane potential in mV from outer concentrations and a ratio of permeabilities, by conductances."""
    return (26.7 * jnp.log(k / 140.0) + p * 26.7 * jnp.log(na / 10.0)) / (1.0 + p)


def goldman(k, na, p):
    return 26.7 * jnp.log((k + p * na) / (140.0 + p * 10.0))


def arrhenius(T, h, s):
    return jnp.exp(29.5 + s - h / (8.314e-3 * T))


def eyring(T, h, s):
    return 2.0837e10 * T * jnp.exp(s - h / (8.314e-3 * T))


def euler_beam(length, height, e, force):
    return 4.0 * force * length**3 / (e * 0.1 * height**3)


def timoshenko_beam(length, height, e, force):
    shear = 1.2 * force * length * 2.6 / (e * 0.1 * height)
    return 4.0 * force * length**3 / (e * 0.1 * height**3) + shear


def einstein_series(x):
    return 1.0 - x**2 / 12.0 + x**4 / 240.0


def einstein_heat(x):
    """Heat capacity of a solid by Einstein, in units of its classical value; x is the temperature's inverse."""
    return x**2 * jnp.exp(x) / (jnp.exp(x) - 1.0) ** 2


def strong_enough(k, c):
    return jnp.sqrt(k * c)


def weak_acid(k, c):
    """Concentration of hydrogen ions of a weak acid, without the water's."""
    return 0.5 * (jnp.sqrt(k**2 + 4.0 * k * c) - k)


def schlick(n, a):
    least = ((n - 1.0) / (n + 1.0)) ** 2
    return least + (1.0 - least) * (1.0 - jnp.cos(a)) ** 5


def fresnel(n, a):
    """Reflected share of light without polarisation."""
    inside = jnp.sqrt(n**2 - jnp.sin(a) ** 2)
    across = (jnp.cos(a) - inside) / (jnp.cos(a) + inside)
    along = (n**2 * jnp.cos(a) - inside) / (n**2 * jnp.cos(a) + inside)
    return 0.5 * (across**2 + along**2)


def manning(r, s, k):
    """Velocity in an open channel from hydraulic radius, slope and roughness, by Strickler's coefficient."""
    return 26.0 / k ** (1.0 / 6.0) * r ** (2.0 / 3.0) * jnp.sqrt(s)


def open_channel(r, s, k):
    """The same by Colebrook's law."""
    shear = jnp.sqrt(8.0 * 9.81 * r * s)
    return -2.0 * shear * jnp.log10(k / (14.8 * r) + 2.51e-6 / (4.0 * r * shear))


def light_planet(a, big, small):
    return 6.283185307179586 * jnp.sqrt(a**3 / (6.6743e-11 * big)) + 0.0 * small


def two_bodies(a, big, small):
    return 6.283185307179586 * jnp.sqrt(a**3 / (6.6743e-11 * (big + small)))


def mean_difference(hot, cold, u, area):
    return u * area * 0.5 * (hot + cold)


def logarithmic_difference(hot, cold, u, area):
    return u * area * (hot - cold) / jnp.log(hot / cold)


def linear_albedo(light, distance, albedo, emissivity):
    first = (light / (16.0 * 3.141592653589793 * 5.670374e-8 * distance**2 * emissivity)) ** 0.25
    return first * (1.0 - 0.25 * albedo)


def equilibrium_temperature(light, distance, albedo, emissivity):
    shone = light * (1.0 - albedo)
    return (shone / (16.0 * 3.141592653589793 * 5.670374e-8 * distance**2 * emissivity)) ** 0.25


ROWS: dict[str, tuple[Columns, Columns, Domain, ErrorMeasure]] = {
    "1-D viscosity of air: power, Sutherland": (
        power_viscosity, sutherland, Domain(T=(200.0, 1500.0)), RELATIVE),
    "1-D band gap: Varshni, O'Donnell-Chen": (varshni, odonnell_chen, Domain(T=(5.0, 600.0)), ErrorMeasure()),
    "1-D magnet: Pade, Langevin": (langevin_pade, langevin, Domain(x=log_axis(0.01, 20.0)), RELATIVE),
    "1-D quantile: Hastings, inverse erf": (
        hastings_quantile, normal_quantile, Domain(p=log_axis(1e-6, 0.4)), ErrorMeasure()),
    "2-D orbit: series, Kepler": (
        centre_series, eccentric_anomaly, Domain(M=(0.0, 6.283), e=(0.0, 0.3)), ErrorMeasure()),
    "2-D distance: flat, haversine": (
        flat_distance, haversine, Domain(a=log_axis(1e-3, 0.2), b=log_axis(1e-3, 0.2)), RELATIVE),
    "2-D waves: Eckart, Fenton-McKee": (
        eckart, fenton_mckee, Domain(T=log_axis(2.0, 20.0), h=log_axis(0.5, 200.0)), RELATIVE),
    "3-D membrane: chords, Goldman": (
        chord_potential, goldman, Domain(K=log_axis(1.0, 100.0), Na=log_axis(10.0, 300.0), p=log_axis(0.01, 30.0)),
        ErrorMeasure()),
    "3-D rate: Arrhenius, Eyring": (
        arrhenius, eyring, Domain(T=(250.0, 600.0), H=(40.0, 120.0), S=(-5.0, 5.0)), RELATIVE),
    "4-D beam: Euler, Timoshenko": (
        euler_beam, timoshenko_beam,
        Domain(L=log_axis(0.2, 5.0), h=log_axis(0.02, 0.2), E=log_axis(1e9, 3e11), F=log_axis(1.0, 1e4)), RELATIVE),
}  # fmt: skip
SECOND: dict[str, tuple[Columns, Columns, Domain, ErrorMeasure]] = {
    "1-D heat of a solid: series, Einstein": (
        einstein_series, einstein_heat, Domain(x=log_axis(0.05, 2.0)), RELATIVE),
    "2-D acid: strong, weak": (
        strong_enough, weak_acid, Domain(K=log_axis(1e-8, 1e-3), c=log_axis(1e-4, 1.0)), RELATIVE),
    "2-D reflection: Schlick, Fresnel": (
        schlick, fresnel, Domain(n=(1.3, 2.5), a=(0.0, 1.5)), ErrorMeasure()),
    "3-D channel: Manning, Colebrook": (
        manning, open_channel,
        Domain(R=log_axis(0.1, 10.0), S=log_axis(1e-5, 1e-2), k=log_axis(1e-4, 0.05)), RELATIVE),
    "3-D period: light planet, two bodies": (
        light_planet, two_bodies,
        Domain(a=log_axis(1e8, 1e13), M=log_axis(1e28, 1e31), m=log_axis(1e22, 1e27)), RELATIVE),
    "4-D exchanger: mean, logarithmic": (
        mean_difference, logarithmic_difference,
        Domain(hot=(50.0, 100.0), cold=(5.0, 40.0), U=log_axis(10.0, 1000.0), A=log_axis(0.1, 100.0)), RELATIVE),
    "4-D planet: linear in albedo, exact": (
        linear_albedo, equilibrium_temperature,
        Domain(L=log_axis(1e24, 1e28), d=log_axis(1e10, 1e13), A=(0.0, 0.6), e=(0.5, 1.0)), RELATIVE),
}  # fmt: skip
ROWS |= SECOND


def problem(name: str) -> Problem:
    """The problem of a row."""
    model, reference, domain, measure = ROWS[name]
    return Problem(of(model), of(reference), domain, measure)
