"""The density of seawater (TEOS-10) by code that can be read: the Gibbs function, and the polynomial in its place.

A point is a pressure p (dbar), the root s of the salinity (g/kg) and the potential temperature theta (degrees C).
Conservative Temperature, from which the polynomial computes, is a formula of s and theta. The temperature in the water,
from which the Gibbs function computes, is not: it is the solution of dt/dp = adiabatic lapse rate that begins at theta
at the surface. `sinking` has this equation, and beside it that of the density, so that the exact density is the second
component of the flow.

The Gibbs function is that of IAPWS R13-08 (`SALT`, Feistel 2008) and SR7-09 (`WATER`, Feistel 2003), in J/kg, its
inputs divided by 40 g/kg * 35.16504/35, 40 K and 1e4 dbar, the salinity under a root. Its terms with a logarithm of the
salinity are left out: they are in no derivative by pressure and cancel in the enthalpy at the surface. The polynomial
is the one with 75 terms of Roquet et al. (2015, doi:10.1016/j.ocemod.2015.04.002), in m3/kg. The numbers are those of
the papers; `tests/claims` compares all of it with the package gsw.
"""

from math import perm

import gsw
import numpy as np

UNIT, SHIFT = 0.0248826675584615, 5.971840214030754e-1  # 1 / (40 g/kg * 35.16504/35), and 24 times that
HEAT = 3991.86795711963  # J/(kg K), of the definition of Conservative Temperature

# fmt: off
# Powers of temperature and pressure.
WATER = {
    (0, 0): 101.342743139674, (0, 1): 100015.695367145, (0, 2): -2544.5765420363, (0, 3): 284.517778446287,
    (0, 4): -33.3146754253611, (0, 5): 4.20263108803084, (0, 6): -0.546428511471039,
    (1, 0): 5.90578347909402, (1, 1): -270.983805184062, (1, 2): 776.153611613101, (1, 3): -196.51255088122,
    (1, 4): 28.9796526294175, (1, 5): -2.13290083518327, (2, 0): -12357.785933039, (2, 1): 1455.0364540468,
    (2, 2): -756.558385769359, (2, 3): 273.479662323528, (2, 4): -55.5604063817218,
    (2, 5): 4.34420671917197, (3, 0): 736.741204151612, (3, 1): -672.50778314507, (3, 2): 499.360390819152,
    (3, 3): -239.545330654412, (3, 4): 48.8012518593872, (3, 5): -1.66307106208905,
    (4, 0): -148.185936433658, (4, 1): 397.968445406972, (4, 2): -301.815380621876,
    (4, 3): 152.196371733841, (4, 4): -26.3748377232802, (5, 0): 58.0259125842571,
    (5, 1): -194.618310617595, (5, 2): 120.520654902025, (5, 3): -55.2723052340152,
    (5, 4): 6.48190668077221, (6, 0): -18.9843846514172, (6, 1): 63.5113936641785,
    (6, 2): -22.2897317140459, (6, 3): 8.17060541818112, (7, 0): 3.05081646487967,
    (7, 1): -9.63108119393062,
}
# Powers of the root of salinity, of temperature and of pressure.
SALT = {
    (2, 0, 0): 1416.27648484197, (2, 0, 1): -3310.49154044839, (2, 0, 2): 384.794152978599,
    (2, 0, 3): -96.5324320107458, (2, 0, 4): 15.8408172766824, (2, 0, 5): -2.62480156590992,
    (2, 1, 0): 168.072408311545, (2, 1, 1): 729.116529735046, (2, 1, 2): -343.956902961561,
    (2, 1, 3): 124.687671116248, (2, 1, 4): -31.656964386073, (2, 1, 5): 7.04658803315449,
    (2, 2, 0): 880.031352997204, (2, 2, 1): -860.764303783977, (2, 2, 2): 337.409530269367,
    (2, 2, 3): -178.314556207638, (2, 2, 4): 44.2040358308, (2, 2, 5): -7.92001547211682,
    (2, 3, 0): -225.267649263401, (2, 3, 1): 694.244814133268, (2, 3, 2): -204.889641964903,
    (2, 3, 3): 113.561697840594, (2, 3, 4): -11.1282734326413, (2, 4, 0): 91.4260447751259,
    (2, 4, 1): -297.728741987187, (2, 4, 2): 74.726141138756, (2, 4, 3): -36.4872919001588,
    (2, 5, 0): -21.6603240875311, (2, 6, 0): 2.13016970847183, (3, 0, 0): -2432.14662381794,
    (3, 0, 1): 199.459603073901, (3, 0, 2): -52.2940909281335, (3, 0, 3): 68.0444942726459,
    (3, 0, 4): -3.41251932441282, (3, 1, 0): -493.407510141682, (3, 1, 1): -175.292041186547,
    (3, 1, 2): 83.1923927801819, (3, 1, 3): -29.483064349429, (3, 2, 0): -43.0664675978042,
    (3, 2, 1): 383.058066002476, (3, 2, 2): -54.1917262517112, (3, 2, 3): 25.6398487389914,
    (3, 3, 0): -10.0227370861875, (3, 3, 1): -460.319931801257, (3, 4, 0): 0.875600661808945,
    (3, 4, 1): 234.565187611355, (4, 0, 0): 2025.80115603697, (4, 0, 1): -54.7919133532887,
    (4, 0, 2): -4.08193978912261, (4, 0, 3): -30.1755111971161, (4, 1, 0): 543.835333000098,
    (4, 1, 1): -22.6683558512829, (4, 2, 0): -68.5572509204491, (4, 3, 0): 49.3667694856254,
    (4, 4, 0): -17.1397577419788, (4, 5, 0): 2.49697009569508, (5, 0, 0): -1091.66841042967,
    (5, 0, 1): 36.0284195611086, (5, 1, 0): -196.028306689776, (6, 0, 0): 374.60123787784,
    (6, 1, 0): 36.7571622995805, (7, 0, 0): -48.5891069025409,
}
# Powers of temperature, of the root of salinity, and of pressure.
VOLUME = {
    (0, 0, 0): 0.0010769995862, (0, 0, 1): -6.0799143809e-05, (0, 0, 2): 9.9856169219e-06,
    (0, 0, 3): -1.1309361437e-06, (0, 0, 4): 1.053115308e-07, (0, 0, 5): -1.2647261286e-08,
    (0, 0, 6): 1.961350393e-09, (0, 1, 0): -0.00031038981976, (0, 1, 1): 2.4262468747e-05,
    (0, 1, 2): -5.8484432984e-07, (0, 1, 3): 3.6310188515e-07, (0, 1, 4): -1.1147125423e-07,
    (0, 2, 0): 0.00066928067038, (0, 2, 1): -3.4792460974e-05, (0, 2, 2): -4.8122251597e-06,
    (0, 2, 3): 1.674630378e-08, (0, 3, 0): -0.00085047933937, (0, 3, 1): 3.7470777305e-05,
    (0, 3, 2): 4.9263106998e-06, (0, 4, 0): 0.00058086069943, (0, 4, 1): -1.7322218612e-05,
    (0, 4, 2): -1.7811974727e-06, (0, 5, 0): -0.00021092370507, (0, 5, 1): 3.0927427253e-06,
    (0, 6, 0): 3.1932457305e-05, (1, 0, 0): -1.5649734675e-05, (1, 0, 1): 1.8505765429e-05,
    (1, 0, 2): -1.1736386731e-06, (1, 0, 3): -3.6527006553e-07, (1, 0, 4): 3.1454099902e-07,
    (1, 1, 0): 3.5009599764e-05, (1, 1, 1): -9.5677088156e-06, (1, 1, 2): -5.5699154557e-06,
    (1, 1, 3): -2.7295696237e-07, (1, 2, 0): -4.3592678561e-05, (1, 2, 1): 1.1100834765e-05,
    (1, 2, 2): 5.4620748834e-06, (1, 3, 0): 3.4532461828e-05, (1, 3, 1): -9.8447117844e-06,
    (1, 3, 2): -1.3544185627e-06, (1, 4, 0): -1.1959409788e-05, (1, 4, 1): 2.590922526e-06,
    (1, 5, 0): 1.3864594581e-06, (2, 0, 0): 2.7762106484e-05, (2, 0, 1): -1.1716606853e-05,
    (2, 0, 2): 2.130502874e-06, (2, 0, 3): 2.8695905159e-07, (2, 1, 0): -3.7435842344e-05,
    (2, 1, 1): -2.3678308361e-07, (2, 1, 2): 3.913738708e-07, (2, 2, 0): 3.590782276e-05,
    (2, 2, 1): 2.9283346295e-06, (2, 2, 2): -6.5731104067e-07, (2, 3, 0): -1.8698584187e-05,
    (2, 3, 1): -4.88261392e-07, (2, 4, 0): 3.8595339244e-06, (3, 0, 0): -1.6521159259e-05,
    (3, 0, 1): 7.9279656173e-06, (3, 0, 2): -4.6132540037e-07, (3, 1, 0): 2.4141479483e-05,
    (3, 1, 1): -3.4558773655e-06, (3, 1, 2): 7.7618888092e-09, (3, 2, 0): -1.4353633048e-05,
    (3, 2, 1): 3.1655306078e-07, (3, 3, 0): 2.2863324556e-06, (4, 0, 0): 6.9111322702e-06,
    (4, 0, 1): -3.4102187482e-06, (4, 0, 2): -6.3352916514e-08, (4, 1, 0): -8.7595873154e-06,
    (4, 1, 1): 1.2956717783e-06, (4, 2, 0): 4.3703680598e-06, (5, 0, 0): -8.053961554e-07,
    (5, 0, 1): 5.0736766814e-07, (5, 1, 0): -3.30527589e-07, (6, 0, 0): 2.0543094268e-07,
}

# fmt: on

# Every term of the Gibbs function by its powers of root of salinity, temperature, pressure.
TERMS = {(0, j, k): c for (j, k), c in WATER.items()} | SALT


def nested(table, values):
    """The polynomial of a table of powers, by Horner's rule for each variable in turn."""
    if not values:
        return table[()]
    rows = {}
    for (power, *rest), c in table.items():
        rows.setdefault(power, {})[tuple(rest)] = c
    total = 0.0
    for power in range(max(rows), -1, -1):
        total = total * values[0]
        if power in rows:
            total = total + nested(rows[power], values[1:])
    return total


def gibbs(s, t, p, by_t=0, by_p=0):
    """A derivative of the Gibbs function by temperature and pressure."""
    table = {}
    for (i, j, k), c in TERMS.items():
        if j >= by_t and k >= by_p:
            table[i, j - by_t, k - by_p] = c * perm(j, by_t) * perm(k, by_p) / 40**by_t / 1e4**by_p
    return nested(table, (s * UNIT**0.5, t / 40, p / 1e4))


def density(s, t, p):
    """From the Gibbs function, in kg/m3, with the temperature in the water; one dbar is 1e4 Pa."""
    return 1e4 / gibbs(s, t, p, by_p=1)


def conservative(s, theta):
    """Conservative Temperature of water with a potential temperature: its enthalpy at the surface, divided by a constant."""
    return (gibbs(s, theta, 0.0) - (273.15 + theta) * gibbs(s, theta, 0.0, by_t=1)) / HEAT


def fitted(s, warmth, p):
    """The density by the polynomial, from Conservative Temperature, in kg/m3."""
    return 1 / nested(VOLUME, (warmth / 40, np.sqrt(s * s * UNIT + SHIFT), p / 1e4))


def model(x):
    p, s, theta = x[:, 0], x[:, 1], x[:, 2]
    return fitted(s, conservative(s, theta), p)


def sinking(p, y, q):
    """How temperature and density of water change with pressure, without heat from outside."""
    s, t, rho = q[:, 0], y[:, 0], y[:, 1]
    by_both = gibbs(s, t, p, by_t=1, by_p=1)
    lapse = -by_both / gibbs(s, t, p, by_t=2)
    return [lapse, -rho * rho * (gibbs(s, t, p, by_p=2) + lapse * by_both) / 1e4]


def surface(q):
    s, theta = q[:, 0], q[:, 1]
    return [theta, density(s, theta, 0.0)]


def package(p, s, theta):
    """The same by the package gsw, which inverts Conservative Temperature and entropy by Newton's method."""
    salinity = s * s
    t = gsw.t_from_CT(salinity, gsw.CT_from_pt(salinity, theta), p)
    return float(gsw.rho_t_exact(salinity, t, p))
