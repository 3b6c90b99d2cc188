"""`solution_error` on equations whose solution is known: the bracket holds, and the checker proves it again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from supnorm.certification import part as part_of_a_proof
from supnorm.certification.part import prove
from supnorm.certification.solution.programs import face_program, growth_program, pose, residual_program
from supnorm.certification.solution.solution_error import solution_error
from supnorm.checker import check
from supnorm.problem import Axis, Domain, Function
from supnorm.problem.equations import (
    AdvectionDiffusion,
    Burgers,
    Equation,
    Heat,
    Helmholtz,
    Neumann,
    Poisson,
    Robin,
)
from supnorm.program import lower_numpy, program_of
from supnorm.results import BadInput

PI = np.pi
SQUARE = Domain(x=(0.0, 1.0), y=(0.0, 1.0))
STRIP = Domain(x=(0.0, 1.0), t=(0.0, 0.5))


def bump(x):
    return jnp.sin(PI * x[:, 0]) * jnp.sin(PI * x[:, 1])


def decay(x):
    return jnp.sin(PI * x[:, 0]) * jnp.exp(-0.1 * PI**2 * x[:, 1])


def front(x):
    return 0.5 - 0.5 * jnp.tanh((x[:, 0] - 0.5 - 0.5 * x[:, 1]) / (4.0 * 0.1))


def drift(x):
    return jnp.exp(x[:, 0] - 0.5 * x[:, 1])


CASES = {
    "Poisson": (Poisson(source=lambda x: 2.0 * PI**2 * bump(x)), SQUARE, bump),
    "Poisson in one input": (
        Poisson(source=lambda x: jnp.exp(x[:, 0]), boundary=lambda x: 2.0 - jnp.exp(x[:, 0])),
        Domain(x=(-1.0, 0.5)),
        lambda x: 2.0 - jnp.exp(x[:, 0]),
    ),
    "Helmholtz": (Helmholtz(3.5, source=lambda x: (2.0 * PI**2 - 12.25) * bump(x)), SQUARE, bump),
    "heat": (Heat(0.1, initial=lambda x: jnp.sin(PI * x[:, 0])), STRIP, decay),
    "Burgers": (Burgers(0.1, boundary=front), STRIP, front),
    "advection": (
        AdvectionDiffusion(
            0.2,
            velocity=(1.5, lambda x: x[:, 0]),
            reaction=lambda x: 1.0 + x[:, 1],
            source=lambda x: (-0.25 + 1.5 - 0.5 * x[:, 0] + 1.0 + x[:, 1]) * drift(x),
            boundary=drift,
        ),
        SQUARE,
        drift,
    ),
    "advection in time": (
        AdvectionDiffusion(
            0.2,
            velocity=(lambda x: jnp.sin(x[:, 0]),),
            reaction=-0.4,
            source=lambda x: (-0.5 - 0.2 + jnp.sin(x[:, 0]) - 0.4) * drift(x),
            boundary=drift,
            time="t",
        ),
        STRIP,
        drift,
    ),
}


def wrong(exact, size=0.02):
    """A model whose largest error is ``size`` up to rounding, inside the domain."""
    return lambda x: exact(x) + size * jnp.cos(3.0 * (x[:, 0] - 0.37))


QUICK = ("Poisson", "Poisson in one input", "Helmholtz")


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    "name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in CASES]
)
def test_the_bracket_holds_the_known_error_and_the_checker_accepts_it(name, tmp_path):
    equation, domain, exact = CASES[name]
    ratio = 1.1 if name in QUICK else 2.5
    found = solution_error(wrong(exact), equation, domain, ratio=ratio, seed=3)
    assert found.lower <= 0.02 <= found.upper <= ratio * found.lower * (1.0 + 1e-12)
    assert found.status.code == "proved"
    assert found.record.reference == "collocation"
    x = domain.from_unit(np.random.default_rng(0).random((2000, domain.d)))
    apart = np.abs(found.reference.value(x)[:, 0] - np.asarray(exact(x))).max()
    assert apart <= found.reference_error
    found.save(tmp_path / "proof.json")
    verdict = check(tmp_path / "proof.json")
    assert verdict.accepted, verdict.reason
    assert (verdict.lower, verdict.upper) == (found.lower, found.upper)
    assert len(verdict.conditional) == 1
    assert "solution u" in verdict.conditional[0]


@pytest.mark.sampled(1)
@pytest.mark.parametrize("name", ["Poisson", "heat", "Burgers", "advection"])
def test_the_network_itself_can_carry_the_residual(name, tmp_path):
    equation, domain, exact = CASES[name]
    found = solution_error(wrong(exact), equation, domain, reference="model", ratio=1.5)
    assert found.lower <= 0.02 <= found.upper
    assert found.record.reference == "model"
    assert found.reference_error == found.upper
    found.save(tmp_path / "proof.json")
    assert check(tmp_path / "proof.json").accepted


@pytest.mark.slow
def test_the_network_itself_or_a_computed_function_gives_a_bracket():
    equation, domain, exact = CASES["Poisson"]
    model = lambda x: exact(x) + 0.02  # noqa: E731
    alone = solution_error(model, equation, domain, reference="model")
    assert alone.upper == pytest.approx(0.02)  # its residual is zero: the misfit on the faces is the error
    assert alone.lower == pytest.approx(0.02)  # seen on a face
    found = solution_error(model, equation, domain)
    assert found.record.reference == "collocation"
    assert found.lower <= 0.02 <= found.upper <= 1.1 * found.lower


@pytest.mark.slow
def test_a_network_with_kinks_is_no_obstacle():
    equation, domain, exact = CASES["Poisson"]
    found = solution_error(lambda x: exact(x) + 0.05 * jnp.abs(x[:, 0] - 0.3), equation, domain)
    assert found.lower <= 0.035 <= found.upper <= 1.1 * found.lower


@pytest.mark.slow
def test_a_given_reference_is_taken():
    equation, domain, exact = CASES["heat"]
    found = solution_error(wrong(exact), equation, domain, reference=exact)
    assert found.record.reference == "given"
    assert found.reference_error < 1e-3


@pytest.mark.slow
def test_verdicts_of_a_tolerance():
    equation, domain, exact = CASES["Poisson"]
    model = wrong(exact)
    assert solution_error(model, equation, domain, tolerance=0.03).status.exit == 0
    above = solution_error(model, equation, domain, tolerance=0.01)
    assert (above.status.code, above.status.exit) == ("tolerance-exceeded", 1)
    late = solution_error(model, equation, domain, tolerance=0.03, boxes=1)
    assert (late.status.code, late.status.exit) in (("undecided", 4), ("no-bound", 4))
    assert late.lower <= 0.02 <= late.upper


@pytest.mark.slow
def test_the_words_name_the_point_the_equation_and_the_constants():
    equation, domain, exact = CASES["Helmholtz"]
    record = solution_error(wrong(exact), equation, domain).record
    assert record.equation == "Helmholtz: - laplace u - 12.25 u = source; x in [0, 1], y in [0, 1]"
    assert set(record.witness) == {"x", "y"}
    assert "first eigenvalue" in record.barrier.words or "Gilbarg" in record.barrier.words
    assert record.barrier.growth == 12.25
    assert record.sup.upper_kind == "conditional"
    assert [p.name for p in record.parts][-1] == "difference"
    assert "continuous on the closed box" in record.assumptions[0]


@pytest.mark.parametrize("name", CASES)
def test_the_programs_are_residual_misfit_and_growth(name):
    equation, domain, exact = CASES[name]
    posed = pose(equation, domain)
    program = program_of(exact, domain.d)
    x = domain.from_unit(np.random.default_rng(1).random((50, domain.d)))
    assert np.abs(residual_program(posed, program).value(x)).max() < 1e-10
    for axis, at, start in posed.faces():
        face = face_program(posed, program, axis, at, posed.initial if start else posed.boundary)
        assert np.abs(face.value(x[:, : max(domain.d - 1, 1)])).max() < 1e-10
    growth = growth_program(posed, program)
    if name == "Burgers":
        step = 1e-6 * np.array([1.0, 0.0])
        slope = (program.value(x + step) - program.value(x - step)) / 2e-6
        assert growth.value(x) == pytest.approx(-slope, abs=1e-6)
    elif name == "advection":
        assert growth.value(x)[:, 0] == pytest.approx(-1.0 - x[:, 1])
    else:
        assert growth is None


REFUSED = {
    "a logarithmic axis": (Poisson(), Domain(x=Axis(1.0, 2.0, scale="log")), "logarithmic"),
    "no time": (Heat(1.0), SQUARE, "no time axis 't'"),
    "only time": (Heat(1.0), Domain(t=(0.0, 1.0)), "no axis of space"),
    "velocities": (AdvectionDiffusion(1.0, velocity=(1.0,)), SQUARE, "1 velocities"),
    "above the eigenvalue": (Helmholtz(5.0, source=1.0), SQUARE, "first eigenvalue"),
    "a source without program": (Poisson(source=lambda x: np.floor(x[:, 0])), SQUARE, "source"),
    "two outputs": (Poisson(source=lambda x: x), SQUARE, "2 outputs"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_theorem_is_refused_by_name(name):
    equation, domain, words = REFUSED[name]
    with pytest.raises(BadInput, match=words):
        solution_error(lambda x: 0.0 * x[:, 0], equation, domain)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Heat(0.0), "positive"),
        (lambda: Helmholtz(np.inf), "finite"),
        (lambda: Poisson(source="u"), "number or a formula"),
        (lambda: Poisson(source=np.inf), "finite"),
        (lambda: Poisson(boundary=None), "NoneType"),
        (lambda: AdvectionDiffusion(1.0, velocity=("u",)), "time axis"),
        (lambda: Equation(kind="Poisson", initial=0.0), "time axis"),
    ],
)
def test_an_equation_that_cannot_be_is_refused(make, words):
    with pytest.raises(BadInput, match=words):
        make()


@pytest.mark.watched
def test_a_model_that_runs_differently_from_what_was_read_is_refused():
    def code(x):
        return np.sin(x[:, 0]) + (1e-3 if type(x) is np.ndarray else 0.0)

    with pytest.raises(BadInput, match="runs on arrays and was not executed"):
        solution_error(code, Poisson(), SQUARE)
    model = Function(code, program=lower_numpy(lambda x: np.sin(x[:, 0]), 2))
    with pytest.raises(BadInput, match="its program"):
        solution_error(model, Poisson(), SQUARE)


@pytest.mark.parametrize("velocity", [1.5, lambda x: x[:, 0], "u"])
def test_a_velocity_that_is_no_list_is_refused_in_one_line(velocity):
    with pytest.raises(BadInput, match="velocity must be a list"):
        AdvectionDiffusion(0.1, velocity=velocity)


@pytest.mark.slow
def test_a_tolerance_below_what_float32_does_is_not_decided():
    def rough(x):
        z = jnp.asarray(x[:, 0], jnp.float32)
        return ((z + jnp.float32(500.0)) - jnp.float32(500.0)) - z + jnp.float32(1.0)  # 1 in exact arithmetic

    box, equation = Domain(x=(0.0, 1.0), y=(0.0, 1.0)), Poisson(boundary=1.0)
    model = Function(rough, precision="float32")
    x = np.random.default_rng(0).random((1000, 2))
    assert np.abs(np.asarray(model.value(x)) - 1.0).max() > 1e-5
    result = solution_error(model, equation, box, tolerance=1e-6)
    assert result.upper < 1e-6
    assert result.status.code == "undecided"
    assert "as it runs" in result.status.advice
    assert "seen to differ" in result.assumptions[-1]
    assert solution_error(model, equation, box, tolerance=1e-3).status.code == "within-tolerance"


@pytest.mark.parametrize("role", ["model", "given"])
def test_a_reference_with_a_kink_is_refused_in_one_line(role: str) -> None:
    def kinked(x):
        return jnp.abs(x[:, 0] - 0.5)

    reference = "model" if role == "model" else kinked
    with pytest.raises(BadInput, match="abs in a derivative is not supported"):
        solution_error(kinked, Poisson(boundary=0.5), Domain(x=(0.0, 1.0)), reference=reference)


def _rod() -> tuple[Any, Equation, Domain]:
    heat = Heat(0.1, initial=lambda x: jnp.sin(jnp.pi * x[:, 0]), boundary=0.0)
    return pinn_of_rod, heat, Domain(x=(0.0, 1.0), t=(0.0, 0.5))


def pinn_of_rod(x: Any) -> Any:
    return 0.99 * jnp.sin(jnp.pi * x[:, 0]) * jnp.exp(-0.98 * x[:, 1])


def _stopped_at(name: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let Ctrl-C come when the part is begun; returns the parts that were begun before."""
    seen: list[str] = []
    begun: list[str] = []

    def unless_begun(call: Any) -> Any:
        def stopped(*given: Any, **named: Any) -> Any:
            if name in begun:
                raise KeyboardInterrupt
            return call(*given, **named)

        return stopped

    def stopping(part: Any, *given: Any, **named: Any) -> Any:
        (begun if part.name == name else seen).append(part.name)
        return prove(part, *given, **named)

    # Before the work begins: what is replaced while it goes on ends it.
    for work in ("search", "go_on"):
        monkeypatch.setattr(part_of_a_proof, work, unless_begun(getattr(part_of_a_proof, work)))
    monkeypatch.setattr("supnorm.certification.solution.proof.prove", stopping)
    return seen


@pytest.mark.slow
@pytest.mark.sampled(1)
@pytest.mark.parametrize("stopped", ["face 0 low", "interior", "difference"])
def test_an_interrupted_proof_keeps_its_parts_and_goes_on(
    stopped: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = _rod()
    whole = solution_error(*problem, ratio=1.5)
    with monkeypatch.context() as patch:
        done = _stopped_at(stopped, patch)
        begun = solution_error(*problem, ratio=1.5)
    assert begun.status.code == "interrupted"
    assert begun.upper >= 0.01  # what is claimed is true
    begun.save(tmp_path / "begun.json")
    assert check(tmp_path / "begun.json").accepted
    before = {p.name: p.upper for p in begun.record.parts}
    assert all(before[name] < np.inf for name in done)
    again = solution_error(*problem, ratio=1.5, resume=tmp_path / "begun.json")
    assert again.status.code == "proved"
    assert (again.lower, again.upper) == (whole.lower, whole.upper)
    assert {p.name: p.upper for p in again.record.parts}.items() >= {n: before[n] for n in done}.items()


@pytest.mark.slow
def test_parts_that_only_a_file_states_count_for_nothing_and_stay_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = _rod()
    whole = solution_error(*problem, ratio=1.5)
    whole.save(tmp_path / "whole.json")
    with monkeypatch.context() as patch:
        _stopped_at("face 0 low", patch)
        begun = solution_error(*problem, ratio=1.5, resume=tmp_path / "whole.json")
    assert begun.status.code == "interrupted"
    assert begun.upper == np.inf
    assert begun.record.sup.upper_kind == "none"
    begun.save(tmp_path / "begun.json")
    again = solution_error(*problem, ratio=1.5, resume=tmp_path / "begun.json")
    assert (again.lower, again.upper) == (whole.lower, whole.upper)
    (tmp_path / "none.json").write_text("{}")
    with pytest.raises(BadInput, match="not a whole"):
        solution_error(*problem, resume=tmp_path / "none.json")
    other = (problem[0], Heat(0.11, initial=problem[1].initial), problem[2])
    with pytest.raises(BadInput, match="another"):
        solution_error(*other, resume=tmp_path / "whole.json")


def wave(x):
    return jnp.cos(x[:, 0]) * jnp.exp(-0.3 * x[:, 1])


def _outward(sign, alpha=0.0):
    return lambda x: -sign * jnp.sin(x[:, 0]) * jnp.exp(-0.3 * x[:, 1]) + alpha * wave(x)


FLUXES = {
    "Neumann and Robin": (Neumann(_outward(-1.0)), Robin(2.0, _outward(1.0, 2.0))),
    "a number and a value": (Neumann(0.0), None),
    "twice Neumann": (Neumann(0.0), Neumann(_outward(1.0))),
    "twice Robin": (Robin(1.0, _outward(-1.0, 1.0)), Robin(0.5, _outward(1.0, 0.5))),
}


@pytest.mark.slow
@pytest.mark.sampled(1)
@pytest.mark.parametrize("name", FLUXES)
def test_a_bracket_with_neumann_and_robin_faces_holds_and_is_accepted(name, tmp_path):
    heat = Heat(0.1, source=lambda x: -0.2 * wave(x), boundary=wave, initial=wave, sides={"x": FLUXES[name]})
    found = solution_error(lambda x: 1.01 * wave(x), heat, STRIP, ratio=1.6)
    assert found.lower <= 0.01 <= found.upper <= 1.6 * found.lower
    assert "du/dn" in found.record.equation
    assert "its first derivatives are continuous" in found.assumptions[0]
    found.save(tmp_path / "c.json")
    assert check(tmp_path / "c.json").accepted


def test_a_wrong_flux_is_seen_by_the_bound(tmp_path):
    """The model solves the equation with another flux: its own residual and values are zero, its error is not."""
    line = Domain(x=(0.0, 1.0))
    found = solution_error(
        lambda x: 0.0 * x[:, 0], Poisson(sides={"x": (None, Neumann(0.25))}), line, reference="model"
    )
    assert found.upper >= 0.25  # u = 0.25 x
    assert found.upper <= 1.1


def test_what_is_no_condition_of_a_face_is_refused():
    for sides, fault in (
        ({"x": "open"}, "'open' boundaries have no proved constant"),
        ({"x": (Neumann(),)}, "a pair"),
        ({"x": (1.0, None)}, "is not None, Neumann"),
        ({"t": (Neumann(), None)}, "start of time"),
        (3, "must map names"),
    ):
        with pytest.raises(BadInput, match=fault):
            Heat(0.1, sides=sides)
    with pytest.raises(BadInput, match="at least 0"):
        Robin(-1.0)
    with pytest.raises(BadInput, match="no such axis"):
        solution_error(wave, Heat(0.1, sides={"z": (Neumann(), None)}), STRIP)
    with pytest.raises(BadInput, match="Neumann face needs a velocity"):
        solution_error(wave, Burgers(0.1, sides={"x": (Neumann(), None)}), STRIP)
    from supnorm.training import General

    with pytest.raises(BadInput, match="given values on all faces"):
        General.of(Heat(0.1, sides={"x": (Neumann(), None)}), STRIP)
