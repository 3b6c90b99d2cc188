"""Equations solved against closed forms; residuals against finite differences; the stability constants."""

import signal
from dataclasses import replace
from importlib import import_module

import jax.numpy as jnp
import numpy as np
import pytest

from supnorm import equations, solution_error
from supnorm.networks import double_precision
from supnorm.problem import Axis, Domain
from supnorm.results import BadInput
from supnorm.training import Burgers, General, Heat, Helmholtz, LevenbergMarquardt, Poisson, fit_pde

PI = np.pi
SQUARE = Domain(x=(0.0, 1.0), y=(0.0, 1.0))
SPACE_TIME = Domain(x=(0.0, 1.0), t=(0.0, 0.5))

POISSON = Poisson(SQUARE, lambda x: 5 * PI**2 * jnp.sin(PI * x[0]) * jnp.sin(2 * PI * x[1]), lambda x: 0.0)
HELMHOLTZ = Helmholtz(
    SQUARE,
    4.0,
    lambda x: (16 - 2 * PI**2) * jnp.sin(PI * x[0]) * jnp.cos(PI * x[1]),
    lambda x: jnp.sin(PI * x[0]) * jnp.cos(PI * x[1]),
)
HEAT = Heat(SPACE_TIME, 0.2, lambda x: 0.0, lambda x: jnp.sin(PI * x[0]) * jnp.exp(-0.2 * PI**2 * x[1]))
BURGERS = Burgers(
    Domain(x=(-1.0, 1.0), t=(0.0, 1.0)), 0.1, lambda x: 1 / (1 + jnp.exp((x[0] - 0.5 * x[1]) / 0.2))
)
EXACT = {
    "poisson": lambda x: np.sin(PI * x[:, 0]) * np.sin(2 * PI * x[:, 1]),
    "helmholtz": lambda x: np.sin(PI * x[:, 0]) * np.cos(PI * x[:, 1]),
    "heat": lambda x: np.sin(PI * x[:, 0]) * np.exp(-0.2 * PI**2 * x[:, 1]),
    "burgers": lambda x: 1 / (1 + np.exp((x[:, 0] - 0.5 * x[:, 1]) / 0.2)),
}
EQUATIONS = {"poisson": POISSON, "helmholtz": HELMHOLTZ, "heat": HEAT, "burgers": BURGERS}
JAX_EXACT = {
    "poisson": lambda x: jnp.sin(PI * x[0]) * jnp.sin(2 * PI * x[1]),
    "helmholtz": HELMHOLTZ.boundary,
    "heat": HEAT.boundary,
    "burgers": BURGERS.boundary,
}


@pytest.mark.slow
@pytest.mark.sampled(1)
@pytest.mark.parametrize("name", EQUATIONS)
def test_exact_solutions_have_no_residual(name):
    equation = EQUATIONS[name]
    with double_precision():
        for x in equation.domain.from_unit(np.random.default_rng(0).random((20, 2))):
            assert abs(float(equation.residual(JAX_EXACT[name], jnp.asarray(x)))) < 1e-12


def worst_error(result, name):
    x = EQUATIONS[name].domain.from_unit(np.random.default_rng(1).random((20_000, 2)))
    return np.abs(result.model.value(x)[:, 0] - EXACT[name](x)).max()


@pytest.mark.slow
def test_heat_is_solved_and_its_estimate_holds():
    result = fit_pde(HEAT, width=12, iterations=400, points=300, boundary_points=90, audit_evaluations=1000)
    error = worst_error(result, "heat")
    assert error < 2e-4
    assert error <= result.error_if
    assert result.residual.worst.error > 0


@pytest.mark.slow
@pytest.mark.parametrize(("name", "goal"), [("poisson", 1e-4), ("burgers", 1e-4)])
def test_equations_are_solved(name, goal):
    result = fit_pde(EQUATIONS[name], iterations=700, points=400, audit_evaluations=1000)
    error = worst_error(result, name)
    assert error < goal
    assert error >= 1e-12
    assert (result.error_if is None) == (name == "burgers")
    if result.error_if is not None:
        assert error <= result.error_if


@pytest.mark.slow
def test_levenberg_marquardt_solves_too_and_the_same_seed_repeats():
    options = {"width": 10, "iterations": 40, "points": 150, "boundary_points": 45, "audit_evaluations": 500}
    a, b = (fit_pde(HEAT, optimiser=LevenbergMarquardt(), **options) for _ in range(2))
    assert worst_error(a, "heat") < 1e-3
    np.testing.assert_array_equal(a.network.flat, b.network.flat)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: fit_pde(HEAT, activation="relu"), "no second derivatives"),
        (lambda: Heat(Domain(t=(0.0, 1.0)), 1.0, abs, abs), "one axis of space and one of time"),
        (lambda: Heat(SPACE_TIME, 0.0, abs, abs), "diffusivity must be positive, got 0"),
        (lambda: Burgers(Domain(x=(0.0, 1.0), y=(0.0, 1.0), t=(0.0, 1.0)), 0.1, abs), "has the axes"),
        (
            lambda: fit_pde(Poisson(Domain(x=Axis(1, 2, scale="log")), abs, abs)),
            "continuous linear axes, got x",
        ),
    ],
)
def test_bad_input_is_told(make, message):
    with pytest.raises(BadInput, match=message):
        make()


def test_no_residual_of_a_search_that_was_cut_short_is_that_of_a_solution(monkeypatch):
    """Ctrl-C in the audit gave a result with `error_if` from what the search had seen until then."""
    module = import_module("supnorm.training.fit_pde")
    plain, calls = module.residual_of, []

    def interrupted(network, equation):
        function = plain(network, equation)

        def value(x):
            calls.append(len(x))
            if len(calls) == 10:
                signal.raise_signal(signal.SIGINT)
            return function.value(x)

        return replace(function, value=value)

    monkeypatch.setattr(module, "residual_of", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fit_pde(HEAT, width=4, iterations=2, points=16, boundary_points=9, audit_evaluations=500)
    assert len(calls) >= 10


def test_an_equation_of_the_general_form_needs_its_domain():
    with pytest.raises(BadInput, match="needs the domain"):
        fit_pde(equations.Poisson())


@pytest.mark.slow
def test_the_error_of_a_network_against_the_unknown_solution_is_proved():
    equation = equations.AdvectionDiffusion(
        0.5, velocity=(1.0,), source=lambda x: jnp.exp(x[:, 0]), boundary=lambda x: x[:, 0]
    )
    line = Domain(x=(0.0, 1.0))
    network = fit_pde(General.of(equation, line), width=8, iterations=80, points=60, boundary_points=2).model
    found = solution_error(network, equation, line)
    # u = 2 e^x + a + b e^(2 x) with u(0) = 0, u(1) = 1
    b = (1.0 - 2.0 * (np.e - 1.0)) / (np.e**2 - 1.0)
    x = np.linspace(0.0, 1.0, 1001)[:, None]
    exact = 2.0 * np.exp(x) - 2.0 - b + b * np.exp(2.0 * x)
    worst = float(np.abs(network.value(x) - exact).max())
    assert found.lower <= worst * (1.0 + 1e-6)
    assert worst <= found.upper <= 1.1 * found.lower
