"""What stands for an array does not reach compiled code that takes it for one: SciPy's triangulation ended the process."""

from __future__ import annotations

import subprocess
import sys

import pytest

CODE = """
import numpy as np
from scipy.interpolate import (
    BSpline, CloughTocher2DInterpolator, CubicSpline, LinearNDInterpolator, NearestNDInterpolator, RBFInterpolator,
    RegularGridInterpolator, griddata,
)
from scipy.spatial import Delaunay, KDTree
from supnorm.program import Unsupported, program_of

P = np.random.default_rng(0).random((30, 2))
V, T = P.sum(axis=1), np.linspace(0.0, 1.0, 12)
for code in {codes!r}:
    try:
        program_of(eval("lambda x: " + code), 2)
    except Unsupported as error:
        print(len(str(error).splitlines()), error)
"""
MADE = (
    "CloughTocher2DInterpolator(x, x[:, 0])(x)",
    "CloughTocher2DInterpolator(x, x[:, 0])(x, 1)",
    "CloughTocher2DInterpolator(np.ascontiguousarray(x), V)(P)",
    "LinearNDInterpolator(x, x[:, 0])(P)",
    "griddata(x, x[:, 0], P)",
    "griddata(x, x[:, 0], P, method='cubic')",
    "Delaunay(np.array([x[:, 0], x[:, 1]])).points",
)
ASKED = (
    "CloughTocher2DInterpolator(P, V)(x)",
    "CloughTocher2DInterpolator(P, V)(x, 1)",
    "LinearNDInterpolator(P, V)(x)",
    "NearestNDInterpolator(P, V)(x)",
    "NearestNDInterpolator(x, x[:, 0])(P)",
    "RBFInterpolator(P, V)(x)",
    "RBFInterpolator(x, x[:, 0])(P)",
    "RegularGridInterpolator((x[:, 0], x[:, 1]), np.ones((12, 12)))(x)",
    "griddata(P, V, x)",
    "griddata(P, V, x, method='cubic')",
    "griddata(P, V, x, method='nearest')",
    "CubicSpline(x[:, 0], x[:, 1])(T)",
    "BSpline(x[:, 0], x[:, 1], 3)(T)",
    "KDTree(P).query(x)[0]",
    "KDTree(x).query(P)[0]",
    "KDTree(P).query_ball_point(x, 0.1, return_length=True)",
    "Delaunay(P).find_simplex(x)",
)


@pytest.mark.slow
@pytest.mark.parametrize("codes", [pytest.param(MADE, id="made"), pytest.param(ASKED, id="asked")])
def test_compiled_code_of_scipy_is_refused_in_one_line(codes: tuple[str, ...]) -> None:
    run = [sys.executable, "-c", CODE.format(codes=codes)]
    done = subprocess.run(run, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line[:2] for line in lines] == ["1 "] * len(codes), lines
    if codes is MADE:
        assert all("compiled code would get what stands for an array" in line for line in lines), lines
