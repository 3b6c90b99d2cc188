"""Write labels.csv, the test set that calibration-nn ships: `python examples/heston/prepare.py [FILE]`."""

import sys
from pathlib import Path

import numpy as np
from network import test_inputs, test_labels

COLUMNS = "rho,kappa,gamma,theta,v0,m,tau,r,volatility"


def main():
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("labels.csv")
    table = np.column_stack([test_inputs(), test_labels()])
    # Nine digits give each float32 back.
    np.savetxt(path, table, fmt="%.9g", delimiter=",", header=COLUMNS, comments="")
    print(f"{path}: {len(table)} rows")


if __name__ == "__main__":
    main()
