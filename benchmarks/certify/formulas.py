"""Pairs of formulas from science and engineering: one stands in for the other, on the domain where people do that.

No networks: explicit formulas against better ones, in one to four inputs, on linear and logarithmic axes, absolute and
relative. `ROWS` has each with its name and problem; the strategies that are measured are in `METHODS`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax.numpy as jnp
from jax.scipy.special import erf

from supnorm.certification import ChebyshevCertificate, ComposedCertificate, GradedCertificate
from supnorm.problem import Axis, Domain, ErrorMeasure, Problem

LN10 = 2.302585092994046
RELATIVE = ErrorMeasure("relative", floor=0.0)
log_axis = partial(Axis, scale="log")
Columns = Callable[..., Any]


def of(formula: Columns) -> Columns:
    """A formula of named inputs as a function of rows of points."""
    return lambda x: formula(*(x[:, j] for j in range(x.shape[1])))


def log10(z):
    return jnp.log(z) / LN10


# -- pipes: Reynolds number and relative roughness -----------------------------------------------------------


def haaland(re, k):
    return (-1.8 * log10((k / 3.7) ** 1.11 + 6.9 / re)) ** -2.0


def swamee_jain(re, k):
    return 0.25 / log10(k / 3.7 + 5.74 / re**0.9) ** 2


def serghides(re, k):
    k = k / 3.7
    a = -2.0 * log10(k + 12.0 / re)
    b = -2.0 * log10(k + 2.51 * a / re)
    c = -2.0 * log10(k + 2.51 * b / re)
    return (a - (b - a) ** 2 / (c - 2.0 * b + a)) ** -2.0


def colebrook(re, k):
    """Three Newton steps for 1/sqrt f, from Haaland's."""
    k, s = k / 3.7, 2.51 / re
    y = -1.8 * log10(k**1.11 + 6.9 / re)
    for _ in range(3):
        z = k + s * y
        y = y - (y + 2.0 * log10(z)) / (1.0 + 2.0 * s / (LN10 * z))
    return y**-2.0


PIPES = Domain(Re=log_axis(4e3, 1e8), k=log_axis(1e-6, 0.05))
SMOOTH = Domain(Re=log_axis(1e4, 1e8), k=log_axis(1e-6, 1e-3))  # where Serghides' quotient has no 0/0


def dittus_boelter(re, pr):
    return 0.023 * re**0.8 * pr**0.4


def gnielinski(re, pr):
    f = (0.79 * jnp.log(re) - 1.64) ** -2.0 / 8.0
    return f * (re - 1000.0) * pr / (1.0 + 12.7 * jnp.sqrt(f) * (pr ** (2.0 / 3.0) - 1.0))


def rough_gnielinski(friction):
    def nusselt(re, pr, k):
        f = friction(re, k) / 8.0
        return f * (re - 1000.0) * pr / (1.0 + 12.7 * jnp.sqrt(f) * (pr ** (2.0 / 3.0) - 1.0))

    return nusselt


TUBES = {"Re": log_axis(1e4, 1e6), "Pr": log_axis(0.7, 50.0)}

# -- radiation: wavelength in um and temperature in K -------------------------------------------------------


def planck(w, T):
    return 1.191042972e8 / w**5 / (jnp.exp(14387.768775 / (w * T)) - 1.0)


def wien(w, T):
    return 1.191042972e8 / w**5 * jnp.exp(-14387.768775 / (w * T))


def rayleigh_jeans(w, T):
    return 2.0 * 2.99792458e8 * 1.380649e-23 * 1e18 * T / w**4


THERMAL = Domain(wavelength=log_axis(0.5, 20.0), T=log_axis(300.0, 6000.0))
RADIO = Domain(wavelength=log_axis(300.0, 1e5), T=log_axis(10.0, 1000.0))

# -- gases --------------------------------------------------------------------------------------------------


def waals(T, V):
    return 8.314 * T / (V - 4.27e-5) - 0.3640 / V**2


def redlich_kwong(T, V):
    return 8.314 * T / (V - 2.97e-5) - 6.46 / (jnp.sqrt(T) * V * (V + 2.97e-5))


def peng_robinson(T, V):
    root = 1.0 + 0.7057 * (1.0 - jnp.sqrt(T / 304.13))
    return 8.314 * T / (V - 2.67e-5) - 0.396 * root**2 / (V**2 + 2.0 * 2.67e-5 * V - 2.67e-5**2)


def waals_of_four(n, V, T, a):
    return 8.314 * n * T / (V - 0.04 * n) - a * n**2 / V**2


def virial_of_four(n, V, T, a):
    return 8.314 * n * T / V * (1.0 + (0.04 - a / (8.314 * T)) * n / V + (0.04 * n / V) ** 2)


DENSE = Domain(T=(280.0, 500.0), V=log_axis(2e-4, 5e-3))
FOUR = Domain(n=(0.5, 2.0), V=log_axis(0.5, 5.0), T=(250.0, 400.0), a=(0.1, 0.4))


def isentropic(M, g):
    return (1.0 + 0.5 * (g - 1.0) * M**2) ** 3.5


def total_pressure(M, g):
    return jnp.exp(g / (g - 1.0) * jnp.log(1.0 + 0.5 * (g - 1.0) * M**2))


def bernoulli(M, g):
    return 1.0 + 0.5 * g * M**2 * (1.0 + 0.25 * M**2)


# -- water and air ------------------------------------------------------------------------------------------


def magnus(T):
    return 610.94 * jnp.exp(17.625 * (T - 273.15) / (T - 273.15 + 243.04))


def goff_gratch(T):
    s = 373.16 / T
    exponent = -7.90298 * (s - 1.0) + 5.02808 * log10(s)
    exponent = exponent - 1.3816e-7 * (jnp.exp(LN10 * 11.344 * (1.0 - 1.0 / s)) - 1.0)
    exponent = exponent + 8.1328e-3 * (jnp.exp(-LN10 * 3.49149 * (s - 1.0)) - 1.0)
    return 101324.6 * jnp.exp(LN10 * exponent)


def edlen(w):
    s = 1.0 / w**2
    return 8342.13 + 2406030.0 / (130.0 - s) + 15997.0 / (38.9 - s)


def ciddor(w):
    s = 1.0 / w**2
    return 5792105.0 / (238.0185 - s) + 167917.0 / (57.362 - s)


def sellmeier(w):
    s = w**2
    terms = 1.03961212 * s / (s - 0.00600069867) + 0.231792344 * s / (s - 0.0200179144)
    return jnp.sqrt(1.0 + terms + 1.01046945 * s / (s - 103.560653))


def cauchy(w):
    return 1.5046 + 0.0042 / w**2


def schiller_naumann(re):
    return 24.0 / re * (1.0 + 0.15 * re**0.687)


def clift_gauvin(re):
    return 24.0 / re * (1.0 + 0.15 * re**0.687) + 0.42 / (1.0 + 42500.0 * re**-1.16)


def stirling(n):
    return n * jnp.log(n) - n + 0.5 * jnp.log(6.283185307179586 * n)


def ramanujan(n):
    return (
        n * jnp.log(n)
        - n
        + jnp.log(n * (1.0 + 4.0 * n * (1.0 + 2.0 * n)) + 1.0 / 30.0) / 6.0
        + 0.5723649429247001
    )


def bhaskara(t):
    return 16.0 * t * (3.141592653589793 - t) / (49.34802200544679 - 4.0 * t * (3.141592653589793 - t))


def barometric(h):
    return jnp.exp(-h / 8434.5)


def standard_atmosphere(h):
    return (1.0 - h * 0.0065 / 288.15) ** 5.25588


# -- chemistry and biology ----------------------------------------------------------------------------------


def davies(i, z):
    return jnp.exp(-LN10 * 0.509 * z**2 * (jnp.sqrt(i) / (1.0 + jnp.sqrt(i)) - 0.3 * i))


def debye_hueckel(i, z):
    return jnp.exp(-LN10 * 0.509 * z**2 * jnp.sqrt(i) / (1.0 + 1.5 * jnp.sqrt(i)))


def michaelis(s, e, k):
    return e * s / (k + s)


def morrison(s, e, k):
    b = s + e + k
    return 0.5 * (b - jnp.sqrt(b**2 - 4.0 * e * s))


# -- options: moneyness, time, volatility -------------------------------------------------------------------


def phi(z):
    return 0.5 * (1.0 + erf(z / 1.4142135623730951))


def phi_tanh(z):
    return 0.5 * (1.0 + jnp.tanh(0.7978845608028654 * (z + 0.044715 * z**3)))


def call(distribution):
    def price(s, t, v):
        root = v * jnp.sqrt(t)
        d = (jnp.log(s) + (0.02 + 0.5 * v**2) * t) / root
        return s * distribution(d) - jnp.exp(-0.02 * t) * distribution(d - root)

    return price


MARKET = Domain(moneyness=(0.7, 1.4), time=(0.1, 2.0), volatility=(0.1, 0.6))

# -- gravity and optics of three and four lengths -----------------------------------------------------------


def thin_lens(n, r, s, d):
    return (n - 1.0) * (1.0 / r - 1.0 / s) + 0.0 * d


def thick_lens(n, r, s, d):
    return (n - 1.0) * (1.0 / r - 1.0 / s + (n - 1.0) * d / (n * r * s))


def pendulum_series(L, g, a):
    return 6.283185307179586 * jnp.sqrt(L / g) * (1.0 + a**2 / 16.0)


def pendulum(L, g, a):
    """Two steps of the arithmetic-geometric mean."""
    x, y = 1.0 + 0.0 * a, jnp.cos(0.5 * a)
    for _ in range(3):
        x, y = 0.5 * (x + y), jnp.sqrt(x * y)
    return 6.283185307179586 * jnp.sqrt(L / g) / x


ROWS: dict[str, tuple[Columns, Columns, Domain, ErrorMeasure]] = {
    "1-D sine: Bhaskara": (bhaskara, jnp.sin, Domain(t=(0.1, 3.0)), RELATIVE),
    "1-D log n!: Stirling, Ramanujan": (stirling, ramanujan, Domain(n=log_axis(1.0, 1e3)), ErrorMeasure()),
    "1-D air: Edlen, Ciddor": (edlen, ciddor, Domain(w=(0.3, 1.7)), RELATIVE),
    "1-D glass: Cauchy, Sellmeier": (cauchy, sellmeier, Domain(w=(0.4, 0.8)), ErrorMeasure()),
    "1-D vapour: Magnus, Goff-Gratch": (magnus, goff_gratch, Domain(T=(233.0, 333.0)), RELATIVE),
    "1-D drag: Schiller, Clift": (schiller_naumann, clift_gauvin, Domain(Re=log_axis(0.1, 1e5)), RELATIVE),
    "1-D pressure: exponential, standard": (
        barometric, standard_atmosphere, Domain(h=(0.0, 11e3)), ErrorMeasure()),
    "2-D pipe: Haaland, Colebrook": (haaland, colebrook, PIPES, RELATIVE),
    "2-D pipe: Swamee-Jain, Colebrook": (swamee_jain, colebrook, PIPES, RELATIVE),
    "2-D pipe: Haaland, Swamee-Jain": (haaland, swamee_jain, PIPES, RELATIVE),
    "2-D pipe: Serghides, Colebrook": (serghides, colebrook, SMOOTH, RELATIVE),
    "2-D tube: Dittus-Boelter, Gnielinski": (dittus_boelter, gnielinski, Domain(**TUBES), RELATIVE),
    "2-D radiation: Wien, Planck": (wien, planck, THERMAL, RELATIVE),
    "2-D radiance: Wien, Planck": (wien, planck, THERMAL, ErrorMeasure()),
    "2-D radiation: Rayleigh-Jeans, Planck": (rayleigh_jeans, planck, RADIO, RELATIVE),
    "2-D carbon dioxide: van der Waals, Peng-Robinson": (waals, peng_robinson, DENSE, RELATIVE),
    "2-D carbon dioxide: Redlich-Kwong, Peng-Robinson": (redlich_kwong, peng_robinson, DENSE, ErrorMeasure()),
    "2-D flow: Bernoulli, isentropic": (
        bernoulli, total_pressure, Domain(M=(0.05, 0.8), g=(1.1, 1.67)), RELATIVE),
    "2-D activity: Debye-Hueckel, Davies": (
        debye_hueckel, davies, Domain(i=log_axis(1e-4, 0.5), z=(1.0, 3.0)), RELATIVE),
    "3-D enzyme: Michaelis, Morrison": (
        michaelis, morrison, Domain(s=log_axis(0.1, 10.0), e=log_axis(1e-3, 1.0), k=log_axis(0.1, 10.0)),
        RELATIVE),
    "3-D option: normal law by tanh": (call(phi_tanh), call(phi), MARKET, ErrorMeasure()),
    "3-D pendulum: series, mean": (
        pendulum_series, pendulum, Domain(L=log_axis(0.1, 10.0), g=(1.6, 25.0), a=(0.0, 1.5)), RELATIVE),
    "3-D rough tube: Haaland, Swamee-Jain": (
        rough_gnielinski(haaland), rough_gnielinski(swamee_jain), Domain(**TUBES, k=log_axis(1e-5, 1e-2)),
        RELATIVE),
    "4-D lens: thin, thick": (
        thin_lens, thick_lens, Domain(n=(1.4, 1.9), r=log_axis(0.05, 1.0), s=(-2.0, -0.1), d=(0.0, 0.02)),
        RELATIVE),
    "4-D gas: virial, van der Waals": (virial_of_four, waals_of_four, FOUR, RELATIVE),
}  # fmt: skip


def problem(name: str) -> Problem:
    """The problem of a row."""
    model, reference, domain, measure = ROWS[name]
    return Problem(of(model), of(reference), domain, measure)


METHODS: dict[str, Callable[[], Any]] = {
    "default": lambda: None,
    "composed": ComposedCertificate,
    "Chebyshev": ChebyshevCertificate,
    "graded": GradedCertificate,
}
