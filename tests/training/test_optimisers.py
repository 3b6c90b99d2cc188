"""Optimisers against SciPy and closed forms, on functions that have nothing to do with networks."""

import numpy as np
import pytest
from scipy import optimize

from supnorm.results import BadInput
from supnorm.training import LBFGS, SOAP, Adam, FunctionLoss, LevenbergMarquardt, Limit, QuasiNewton
from supnorm.training import memory as memory_module

SECOND_ORDER = [
    QuasiNewton("bfgs"),
    QuasiNewton("ssbfgs"),
    QuasiNewton("ssbroyden"),
    LBFGS(),
    LBFGS(memory=5),
]


def rosenbrock(theta):
    return float(optimize.rosen(theta)), optimize.rosen_der(theta)


@pytest.mark.parametrize("method", SECOND_ORDER)
def test_rosenbrock_in_ten_dimensions(method):
    found = method.minimise(
        FunctionLoss(rosenbrock), np.full(10, -0.5), Limit(evaluations=2000), target=1e-22
    )
    assert found.reason.startswith("tolerance reached")
    np.testing.assert_allclose(found.theta, 1.0, atol=1e-9)
    assert found.loss == rosenbrock(found.theta)[0]


@pytest.mark.parametrize("method", SECOND_ORDER)
def test_ill_conditioned_quadratic_against_the_exact_solution(method):
    rng = np.random.default_rng(0)
    q, _ = np.linalg.qr(rng.standard_normal((30, 30)))
    a = q @ np.diag(np.logspace(-4, 1, 30)) @ q.T
    target = rng.standard_normal(30)

    def quadratic(theta):
        slope = a @ (theta - target)
        return 0.5 * float((theta - target) @ slope), slope

    found = method.minimise(FunctionLoss(quadratic), np.zeros(30), Limit(evaluations=3000), target=1e-22)
    np.testing.assert_allclose(found.theta, target, atol=1e-8)


def test_the_rank_two_update_is_the_textbook_formula():
    """BFGS steps equal those of a plain dense implementation with the same line search."""
    from supnorm.training.line_search import weak_wolfe

    theta = np.array([-1.2, 1.0, 0.3, 0.7])
    h, (loss, g) = np.eye(4), rosenbrock(theta)
    first = 1.0 / np.linalg.norm(g)
    for k in range(15):
        step = weak_wolfe(rosenbrock, theta, loss, g, -h @ g, first=first)
        s, y = step.theta - theta, step.gradient - g
        if k == 0:
            h = np.eye(4) * (y @ s) / (y @ y)
        left = np.eye(4) - np.outer(s, y) / (y @ s)
        h = left @ h @ left.T + np.outer(s, s) / (y @ s)
        theta, loss, g = step.theta, step.loss, step.gradient
        first = min(1.0, 1.3 * step.length)
    found = QuasiNewton("bfgs").minimise(
        FunctionLoss(rosenbrock), np.array([-1.2, 1.0, 0.3, 0.7]), Limit(evaluations=15)
    )
    np.testing.assert_allclose(found.theta, theta, rtol=1e-7)


def test_self_scaled_broyden_keeps_the_secant_equation():
    from supnorm.training.line_search import Step
    from supnorm.training.quasi_newton import _InverseHessian

    rng = np.random.default_rng(1)
    a = rng.standard_normal((6, 6))
    a = a @ a.T + np.eye(6)
    inverse, theta = _InverseHessian(6), rng.standard_normal(6)
    for _ in range(12):
        g = a @ theta
        t = rng.uniform(0.2, 1.5)
        new = theta - t * inverse.times(g)
        inverse.learn(Step(t, new, 0.0, a @ new, 1, True), theta, g, "ssbroyden")
        np.testing.assert_allclose(inverse.times(a @ (new - theta)), new - theta, rtol=1e-9, atol=1e-12)
        full = inverse.factor * (np.tril(inverse.matrix) + np.tril(inverse.matrix, -1).T)
        assert np.linalg.eigvalsh(full).min() > 0
        theta = new


@pytest.mark.parametrize("geodesic", [True, False])
def test_levenberg_marquardt_agrees_with_scipy_on_a_curve_fit(geodesic):
    t = np.linspace(0.0, 4.0, 60)
    y = 2.5 * np.exp(-1.3 * t) + 0.4 + 0.01 * np.sin(40 * t)

    def residual_jacobian(theta):
        decay = np.exp(-theta[1] * t)
        r = theta[0] * decay + theta[2] - y
        return r, np.stack([decay, -theta[0] * t * decay, np.ones_like(t)], axis=1)

    method = LevenbergMarquardt(geodesic=geodesic)
    found = method.minimise(
        FunctionLoss.of_residuals(residual_jacobian), np.array([1.0, 0.5, 0.0]), Limit(evaluations=100)
    )
    best = optimize.least_squares(
        lambda p: residual_jacobian(p)[0], [1.0, 0.5, 0.0], xtol=1e-15, ftol=1e-15, gtol=1e-15
    )
    np.testing.assert_allclose(found.theta, best.x, rtol=1e-6)


def test_levenberg_marquardt_survives_a_singular_jacobian():
    def residual_jacobian(theta):
        return np.array([theta[0] + theta[1] - 1.0] * 3), np.ones((3, 2))

    method = LevenbergMarquardt(damping=1e-18)
    found = method.minimise(
        FunctionLoss.of_residuals(residual_jacobian), np.zeros(2), Limit(evaluations=50), target=1e-24
    )
    assert found.reason.startswith("tolerance reached")


def test_the_orthogonal_solver_solves_the_same_equations():
    from supnorm.training.levenberg_marquardt import _orthogonal_solver, _solver

    rng = np.random.default_rng(0)
    j, r = rng.standard_normal((20, 5)), rng.standard_normal(20)
    shift = 0.1 * np.trace(j.T @ j) / 5
    np.testing.assert_allclose(_orthogonal_solver(j, shift)(r), _solver(j, j.T @ j, 0.1)(r), rtol=1e-10)


def test_adam_reaches_a_quadratic_minimum_and_hands_back_the_best_point():
    found = Adam(rate=0.05).minimise(
        FunctionLoss(lambda t: (float(t @ t), 2 * t)), np.ones(4), Limit(evaluations=600)
    )
    assert found.loss == pytest.approx(float(found.theta @ found.theta))
    assert found.loss < 1e-10
    assert found.reason.startswith("budget used: all iterations")


@pytest.mark.parametrize("method", [*SECOND_ORDER, Adam(), SOAP()])
def test_reasons_are_told(method):
    assert method.minimise(FunctionLoss(rosenbrock), np.zeros(3), Limit(evaluations=3)).reason.startswith(
        "budget used: all"
    )
    assert method.minimise(FunctionLoss(rosenbrock), np.zeros(3), Limit.of(0.0)).reason.startswith(
        "budget used: the time"
    )
    lost = method.minimise(FunctionLoss(lambda t: (np.nan, t)), np.ones(2), Limit(evaluations=5))
    assert lost.reason.startswith("diverged")


@pytest.mark.parametrize("method", SECOND_ORDER)
def test_a_wrong_gradient_ends_as_a_failed_line_search(method):
    found = method.minimise(FunctionLoss(lambda t: (float(t @ t), -2 * t)), np.ones(3), Limit(evaluations=50))
    assert found.reason.startswith("line search failed")
    np.testing.assert_array_equal(found.theta, 1.0)


def test_dense_matrices_are_refused_before_they_are_made(monkeypatch):
    monkeypatch.setattr(memory_module, "available_bytes", lambda: 10**6)
    with pytest.raises(BadInput, match=r"inverse Hessian of 5000 weights needs .* use LBFGS\(\)"):
        QuasiNewton().minimise(FunctionLoss(rosenbrock), np.zeros(5000))
    with pytest.raises(BadInput, match="normal matrix"):
        LevenbergMarquardt().minimise(FunctionLoss.of_residuals(lambda t: (t, np.eye(5000))), np.zeros(5000))


def test_unknown_update_is_told():
    with pytest.raises(BadInput, match="update must be one of bfgs, ssbfgs, ssbroyden, got 'dfp'"):
        QuasiNewton("dfp")


def test_soap_turns_with_the_eigenvectors_of_its_factors():
    """A matrix quadratic whose axes are rotated on both sides: as fast as on its own axes, where Adam is slow."""
    rng = np.random.default_rng(0)
    u, v = (np.linalg.qr(rng.standard_normal((n, n)))[0] for n in (6, 4))
    stiff = np.logspace(-3, 0, 24).reshape(6, 4)
    start = u @ rng.standard_normal((6, 4)) @ v.T

    def quadratic(theta):
        turned = u.T @ theta.reshape(6, 4) @ v
        return 0.5 * float(np.sum(stiff * turned**2)), (u @ (stiff * turned) @ v.T).ravel()

    stop = Limit(evaluations=400)
    ours = SOAP(0.05).minimise(FunctionLoss(quadratic, shapes=((6, 4),)), start.ravel(), stop)
    adam = Adam(0.05).minimise(FunctionLoss(quadratic), start.ravel(), stop)
    assert ours.loss < 0.1 * adam.loss
    assert ours.loss == quadratic(ours.theta)[0]


def test_soap_without_matrices_is_adam():
    one = SOAP(0.02, b1=0.9, b2=0.999).minimise(FunctionLoss(rosenbrock), np.zeros(5), Limit(evaluations=50))
    other = Adam(0.02).minimise(FunctionLoss(rosenbrock), np.zeros(5), Limit(evaluations=50))
    assert abs(one.loss - other.loss) < 0.1 * other.loss  # the decay starts one step later


def test_soap_tells_shapes_that_do_not_fit():
    with pytest.raises(BadInput, match=r"shapes \(\(2, 2\),\) have 4 parameters, got 5"):
        SOAP().minimise(FunctionLoss(rosenbrock, shapes=((2, 2),)), np.zeros(5))
