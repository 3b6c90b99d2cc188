"""The linear matter power spectrum at 84 wavenumbers: the network of cosmopower-jax, CLASS, and CAMB.

A point is omega_b, omega_cdm, h, n_s, ln(10^10 A_s) and the redshift. CLASS has the settings of the script with which the
authors made their training data (github.com/alessiospuriomancini/cosmopower, 2_create_spectra.py): massless neutrinos, and
defaults elsewhere. CAMB solves the same cosmology with its own.
"""

import warnings
from contextlib import redirect_stdout
from io import StringIO

import camb
import numpy as np
from classy import Class
from cosmopower_jax.cosmopower_jax import CosmoPowerJAX
from scipy.interpolate import CubicSpline

with warnings.catch_warnings(), redirect_stdout(StringIO()):
    warnings.simplefilter("ignore")
    EMULATOR = CosmoPowerJAX(probe="mpk_lin", verbose=False)
EVERY = 5
MODES = np.asarray(EMULATOR.modes, dtype=float)[::EVERY]  # 1 / Mpc


def model(x):
    return np.asarray(EMULATOR.predict(np.asarray(x)))[..., ::EVERY].reshape(len(x), -1)


def truth(omega_b, omega_cdm, h, n_s, ln10A_s, z):
    solver = Class()
    solver.set(
        {
            "output": "mPk",
            "z_max_pk": 5.0,
            "P_k_max_1/Mpc": 10.1,
            "N_ncdm": 0,
            "N_ur": 3.046,
            "omega_b": omega_b,
            "omega_cdm": omega_cdm,
            "h": h,
            "n_s": n_s,
            "ln10^{10}A_s": ln10A_s,
        }
    )
    try:
        solver.compute()
        return np.array([solver.pk_lin(k, z) for k in MODES])
    finally:
        solver.struct_cleanup()
        solver.empty()


def other(omega_b, omega_cdm, h, n_s, ln10A_s, z):
    settings = camb.set_params(
        ombh2=omega_b,
        omch2=omega_cdm,
        H0=100 * h,
        ns=n_s,
        As=1e-10 * np.exp(ln10A_s),
        mnu=0.0,
        num_massive_neutrinos=0,
        nnu=3.046,
        WantCls=False,
    )
    settings.set_matter_power(redshifts=[float(z)], kmax=12.0 / h, silent=True)
    k, _, power = camb.get_results(settings).get_linear_matter_power_spectrum(
        hubble_units=False, k_hunit=False
    )
    return np.exp(CubicSpline(np.log(k), np.log(power[0]))(np.log(MODES)))
