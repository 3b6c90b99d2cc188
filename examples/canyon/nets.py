"""CANYON-B as canyonbpy ships it: its network of pH, and the pH that follows from its networks of alkalinity and carbon.

The three networks predict parts of one chemical equilibrium, so that PyCO2SYS computes the third from the other two. Where
the network of pH is off by more than the networks of the other two can explain, the product contradicts itself.

`pip install --no-deps canyonbpy==0.4.0 PyCO2SYS==1.8.3.4 autograd matplotlib` and what these need.
"""

import numpy as np

YEAR, LONGITUDE = 2015.5, -30.0  # the middle of the Atlantic
# PyCO2SYS's own choices, and the total scale of pH.
CARBONIC, BORATE, BISULFATE, FLUORIDE, GAS, TOTAL = (10, 1, 1, 1, 3, 1)


def predicted(x, *names):
    """Outputs of the networks at points (n, 5): latitude, pressure, temperature, salinity, oxygen."""
    from canyonbpy import canyonb

    n = len(x)
    out = canyonb(
        gtime=np.full(n, YEAR),
        lat=x[:, 0],
        lon=np.full(n, LONGITUDE),
        pres=x[:, 1],
        temp=x[:, 2],
        psal=x[:, 3],
        doxy=x[:, 4],
        param=list(names),
    )
    return [np.asarray(out[name], dtype=float).reshape(n) for name in names]


def ph(x):
    """pH by its own network, shape (n, 5) -> (n,)."""
    return predicted(x, "pH")[0]


def equilibrium(x):
    """pH by the equilibrium of the sea's carbon, from the networks of total alkalinity and total carbon.

    The same as `PyCO2SYS.sys(..)["pH_total"]` with its own choice of constants, but without the derivatives that it
    computes besides, which take 0.1 s a call.
    """
    import PyCO2SYS

    alkalinity, carbon = predicted(x, "AT", "CT")
    none = np.zeros(len(x))
    totals = PyCO2SYS.salts.assemble(x[:, 3], none, none, none, none, CARBONIC, BORATE)
    constants = PyCO2SYS.equilibria.assemble(
        x[:, 2], x[:, 1], totals, TOTAL, CARBONIC, BISULFATE, FLUORIDE, GAS
    )
    solved = PyCO2SYS.solve.get.pHfromTATC(1e-6 * alkalinity, 1e-6 * carbon, totals, constants)
    return np.asarray(solved, dtype=float)
