"""Lift of an airfoil: NeuralFoil, a network, against XFOIL, a panel method with a boundary layer.

One point a call: camber and its place (chords), thickness (chords), angle of attack alpha (degrees), Reynolds number Re. The NACA
four-digit section of these numbers is fitted by NeuralFoil's own family of shapes (Kulfan, eight weights a side), so that both codes see
one geometry. A call takes 0.3-2 s; where XFOIL does not converge there is no value, which is a result and not an accident.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from aerosandbox import Airfoil
from aerosandbox.geometry.airfoil.airfoil_families import get_NACA_coordinates
from neuralfoil import get_aero_from_kulfan_parameters

ITERATIONS = 100
# Debian's xfoil traps floating-point exceptions that its own iterations raise and recover from; a function of this
# name that does nothing, loaded first, leaves them untrapped as upstream builds do.
QUIET_FPE = "void _gfortran_set_fpe(int options) { (void) options; }\n"


def section(camber, place, thickness):
    """The Kulfan airfoil nearest to a NACA four-digit section with a closed trailing edge."""
    points = get_NACA_coordinates(
        max_camber=camber, camber_loc=place, thickness=thickness, n_points_per_side=100
    )
    return Airfoil("section", points).to_kulfan_airfoil(n_weights_per_side=8)


def network(camber, place, thickness, alpha, Re):
    """Lift coefficient by NeuralFoil's default network."""
    shape = section(camber, place, thickness).kulfan_parameters
    return get_aero_from_kulfan_parameters(shape, alpha=alpha, Re=Re, model_size="xlarge")["CL"][0]


def lift_160(camber, place, thickness, alpha, Re):
    """Lift coefficient with 160 panels, XFOIL's default."""
    return lift(section(camber, place, thickness), alpha, Re, panels=160)


def lift_300(camber, place, thickness, alpha, Re):
    """Lift coefficient with 300 panels: the refined reference."""
    return lift(section(camber, place, thickness), alpha, Re, panels=300)


def lift(airfoil, alpha, Re, panels):
    """XFOIL's viscous lift coefficient; raises RuntimeError where it does not converge.

    The angle is reached in steps from zero, each started from the last boundary layer, as XFOIL's manual advises.
    """
    steps = np.linspace(0.0, alpha, 1 + int(np.ceil(abs(alpha) / 2.0)))
    with tempfile.TemporaryDirectory() as folder:
        rows = np.char.mod("%.9f", airfoil.to_airfoil(n_coordinates_per_side=150).coordinates)
        Path(folder, "section.dat").write_text("section\n" + "\n".join(" ".join(row) for row in rows) + "\n")
        orders = [
            "plop",
            "g",
            "",
            "load section.dat",
            "ppar",
            f"n {panels}",
            "",
            "",
            "oper",
            f"visc {Re:.10g}",
        ]
        orders += [f"iter {ITERATIONS}", *(f"alfa {a:.12g}" for a in steps[:-1])]
        orders += ["pacc", "polar.txt", "", f"alfa {alpha:.12g}", "pacc", "", "quit"]
        _xfoil("\n".join(orders) + "\n", folder)
        return _last_lift(Path(folder, "polar.txt"))


def _xfoil(orders, folder):
    program = shutil.which("xfoil")
    if program is None:
        raise RuntimeError("there is no program xfoil: apt-get install xfoil")
    subprocess.run(
        [program], input=orders, cwd=folder, text=True, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, env={**os.environ, "LD_PRELOAD": str(_preload())}, check=False,
    )  # fmt: skip


def _preload():
    """The compiled function, made beside this file at first use; two workers may both make it, whole each time."""
    made = Path(__file__).with_name("fpe.so")
    if not made.exists():
        with tempfile.TemporaryDirectory(dir=made.parent) as folder:
            Path(folder, "fpe.c").write_text(QUIET_FPE)
            subprocess.run(["cc", "-shared", "-fPIC", "-o", "fpe.so", "fpe.c"], cwd=folder, check=True)
            Path(folder, "fpe.so").replace(made)
    return made


def _last_lift(polar):
    lines = polar.read_text().splitlines() if polar.exists() else []
    rows = lines[lines.index(next(s for s in lines if s.startswith("  ------"))) + 1 :] if lines else []
    if not rows:
        raise RuntimeError("XFOIL did not converge")
    return float(rows[-1].split()[1])
