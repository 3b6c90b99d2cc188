"""Position of the International Space Station in km after a time in minutes, by SGP4: dsgp4, and the package sgp4.

The elements are those of dsgp4's README. dsgp4 takes the constants of WGS 84 unless it is told otherwise; elements are made with
those of WGS 72, which the package sgp4 takes.
"""

import dsgp4
import numpy as np
import torch
from sgp4.api import WGS72OLD, Satrec

LINES = (
    "1 25544U 98067A   24060.50000000  .00016717  00000-0  30134-3 0  9990",
    "2 25544  51.6403 124.7938 0005102 220.2782 248.4427 15.50010353440289",
)
STATION = dsgp4.TLE(list(LINES))
dsgp4.initialize_tle(STATION)
SATELLITE, OLD = Satrec.twoline2rv(*LINES), Satrec.twoline2rv(*LINES, WGS72OLD)


def model(x):
    states = dsgp4.propagate(STATION, torch.as_tensor(np.array(x[:, 0])))
    return states.reshape(-1, 2, 3)[:, 0].detach().numpy()


def positions(satellite, x):
    days, rest = np.full(len(x), satellite.jdsatepoch), satellite.jdsatepochF + np.asarray(x[:, 0]) / 1440
    return satellite.sgp4_array(days, rest)[1]


def truth(x):
    return positions(SATELLITE, x)


def older(x):
    return positions(OLD, x)
