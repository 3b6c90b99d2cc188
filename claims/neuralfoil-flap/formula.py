"""Lift and drag of NACA 0012 with a flap from 0.7 chords on: NeuralFoil by AeroSandbox, and XFOIL with its own flap.

One point a call: deflection and angle of attack in degrees, Reynolds number. Where XFOIL does not converge there is no value.
"""

import runpy
import tempfile
from pathlib import Path

import aerosandbox as asb
import numpy as np

XFOIL = runpy.run_path(str(Path(__file__).resolve().parents[2] / "examples" / "airfoil" / "truth.py"))[
    "_xfoil"
]
SECTION, HINGE = asb.Airfoil("naca0012"), 0.7


def model(deflection, alpha, Re):
    flap = asb.ControlSurface(name="flap", deflection=float(deflection), hinge_point=HINGE)
    found = SECTION.get_aero_from_neuralfoil(
        alpha=float(alpha),
        Re=float(Re),
        control_surfaces=[flap],
        model_size="xlarge",
        include_360_deg_effects=False,
    )
    return np.array([np.ravel(found[name])[0] for name in ("CL", "CD")], dtype=float)


def flapped(deflection, alpha, Re, panels):
    """XFOIL's lift and drag; the angle is reached in steps of two degrees, each started from the last boundary layer."""
    steps = np.linspace(0.0, float(alpha), 1 + int(np.ceil(abs(alpha) / 2.0)))
    with tempfile.TemporaryDirectory() as folder:
        orders = [
            "plop",
            "g",
            "",
            "naca 0012",
            "gdes",
            f"flap {HINGE} 0.0 {float(deflection):.9f}",
            "exec",
            "",
        ]
        orders += ["ppar", f"n {panels}", "", "", "oper", f"visc {float(Re):.10g}", "iter 200"]
        orders += [f"alfa {a:.12g}" for a in steps[:-1]]
        orders += ["pacc", "polar.txt", "", f"alfa {steps[-1]:.12g}", "pacc", "", "quit"]
        XFOIL("\n".join(orders) + "\n", folder)
        polar = Path(folder, "polar.txt")
        lines = polar.read_text().splitlines() if polar.exists() else []
    start = [i for i, line in enumerate(lines) if line.startswith("  ------")]
    rows = lines[start[0] + 1 :] if start else []
    if not rows:
        raise RuntimeError("XFOIL did not converge")
    return np.array([float(value) for value in rows[-1].split()[1:3]])


def truth(deflection, alpha, Re):
    return flapped(deflection, alpha, Re, 200)


def finer(deflection, alpha, Re):
    return flapped(deflection, alpha, Re, 300)
