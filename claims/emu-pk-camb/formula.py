"""The linear matter power spectrum today at 24 wavenumbers: the network of emu_pk, and CAMB as it made the training data.

A point is omega_b, omega_cdm, h, the sum of the neutrino masses, w0, wa, the curvature, the share of the lightest
neutrino in the masses, and where the second share lies between its smallest value and its largest one. Amplitude and
tilt are those of Planck: both sides depend on them by the same factor. The wavenumbers are nodes of the network's own
grid, so nothing is interpolated.

CAMB evolves only the modes that are asked for, with the settings of the training (emu_pk.cosmo.camb_params). A mode of a
curved space with the wavenumber k is CAMB's mode q with q^2 = k^2 + K, where K = -Omega_k (H0 / c)^2.
"""

import camb
import jax
import jax.numpy as jnp
import numpy as np
from emu_pk import PkEmulator, box, cosmo, grid, validate

EMULATOR = PkEmulator()
NODES = grid.k_grid()
K = np.concatenate([NODES[70:160:30], NODES[160:240:4], NODES[249:250]])  # h / Mpc
TILT, AMPLITUDE = 0.9649, 3.044
LIGHT = 2997.92458  # c / (100 km/s/Mpc), in Mpc


def whole(x):
    """The eleven parameters of emu_pk for the nine of a point."""
    omega_b, omega_cdm, h, mass, w0, wa, curvature, first, between = x
    second = first + between * ((1 - first) / 2 - first)
    return [omega_b, omega_cdm, h, TILT, AMPLITUDE, mass, w0, wa, curvature, first, second]


@jax.jit
@jax.vmap
def spectrum(x):
    return EMULATOR.pk(K, 0.0, jnp.array(whole(x)))


def model(x):
    return np.asarray(spectrum(x), dtype=float)


def exists(x):
    """Dark energy that grows without bound in the past is left out, as by emu_pk."""
    return x[:, 4] + x[:, 5] < 0


def truth(*x):
    return modes(x, cosmo.CAMB_PRECISION)


def finer(*x):
    return modes(x, validate.REFERENCE_PRECISION)


def modes(x, precision):
    given = dict(zip(box.PARAMS, map(float, whole(x)), strict=True))
    settings = cosmo.camb_params(**given, precision=precision, k_max_h=K[-1])
    h, k = given["h"], K * given["h"]  # 1 / Mpc
    q = np.sqrt(k**2 - given["Omega_k"] * (h / LIGHT) ** 2)
    evolved = camb.get_background(settings).get_redshift_evolution(
        q, [0.0], ["delta_tot"], lAccuracyBoost=precision["lAccuracyBoost"]
    )
    primordial = 1e-10 * np.exp(AMPLITUDE) * (k / cosmo.K_PIVOT) ** (TILT - 1)
    return 2 * np.pi**2 / k**3 * primordial * np.asarray(evolved)[:, 0, 0] ** 2 * h**3
