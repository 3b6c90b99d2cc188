"""CANYON-B as canyonbpy ships it: its network of pH, and the pH that follows from its networks of alkalinity and carbon.

The three networks predict parts of one chemical equilibrium, so that PyCO2SYS computes the third from the other two. Where
the network of pH is off by more than the networks of the other two can explain, the product contradicts itself.

`pip install --no-deps canyonbpy==0.4.0 PyCO2SYS==1.8.3.4 autograd matplotlib` and what these need.
"""

import numpy as np

YEAR, LONGITUDE = 2015.5, -30.0  # the middle of the Atlantic


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
    """pH by the equilibrium of the sea's carbon, from the networks of total alkalinity and total carbon."""
    import PyCO2SYS

    alkalinity, carbon = predicted(x, "AT", "CT")
    solved = PyCO2SYS.sys(
        par1=alkalinity,
        par1_type=1,
        par2=carbon,
        par2_type=2,
        salinity=x[:, 3],
        temperature=x[:, 2],
        pressure=x[:, 1],
    )
    return np.asarray(solved["pH_total"], dtype=float)
