"""The dependence of emu_pk's matter power spectrum on the amplitude and tilt of the primordial spectrum, at 30 wavenumbers.

In linear theory it is exact: P grows like A_s, and like (k / k_pivot)^n_s with k in 1/Mpc. The reference takes the network's own
spectrum of the middle of the range and multiplies it.
"""

import jax
import jax.numpy as jnp
import numpy as np
from emu_pk import PkEmulator

EMULATOR = PkEmulator()
K = np.logspace(-3, 1, 30)  # h / Mpc
TILT, AMPLITUDE, PIVOT = 0.97, 2.8, 0.05
REST = (0.06, -1.0, 0.0, 0.0, 1 / 3, 1 / 3)  # neutrino mass, w0, wa, curvature, shares of two neutrinos


@jax.jit
@jax.vmap
def spectrum(x):
    """Of a point omega_b, omega_cdm, h, n_s, ln10A_s, z."""
    return EMULATOR.pk(K, x[5], jnp.concatenate([x[:5], jnp.array(REST)]))


def model(x):
    return np.asarray(spectrum(x), dtype=float)


def truth(x):
    x = np.array(x)
    n_s, ln10A_s, h = x[:, 3:4].copy(), x[:, 4:5].copy(), x[:, 2:3]
    x[:, 3], x[:, 4] = TILT, AMPLITUDE
    return model(x) * np.exp(ln10A_s - AMPLITUDE) * (K * h / PIVOT) ** (n_s - TILT)
