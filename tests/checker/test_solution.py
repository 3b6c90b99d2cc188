"""Statements about the solution of an equation: every edit that would prove too much is refused."""

from __future__ import annotations

import copy
import json

import jax.numpy as jnp
import pytest

from supnorm.certification.certificate import digest
from supnorm.certification.solution.solution_error import solution_error
from supnorm.certification.statement_tie import statement_mismatch
from supnorm.checker import check
from supnorm.problem import Domain, Problem
from supnorm.problem.equations import AdvectionDiffusion, Heat, Helmholtz, Neumann, Poisson, Robin

LINE = Domain(x=(0.0, 1.0))
STRIP = Domain(x=(0.0, 1.0), t=(0.0, 0.3))


def parabola(x):
    return x[:, 0] * (1.0 - x[:, 0]) / 2.0


def saved(found, path):
    found.save(path)
    return json.loads(path.read_text())


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Honest files: one for each barrier but `pair`, in one input of space."""
    folder = tmp_path_factory.mktemp("solution")
    rough = lambda x: parabola(x) + 1e-3 * jnp.sin(x[:, 0])  # noqa: E731
    given = {"ratio": 3.0, "reference": parabola}
    moved = {"velocity": (lambda x: 0.5 + x[:, 0],)}
    found = {
        "axis": solution_error(rough, Poisson(source=1.0), LINE, **given),
        "cosines": solution_error(
            rough, Helmholtz(2.0, source=lambda x: 1.0 - 4.0 * parabola(x)), LINE, **given
        ),
        "model": solution_error(rough, Poisson(source=1.0), LINE, ratio=3.0, reference="model"),
        "transport": solution_error(
            rough,
            AdvectionDiffusion(0.05, velocity=(2.0,), source=lambda x: 0.05 + 1.0 - 2.0 * x[:, 0]),
            LINE,
            **given,
        ),
        "reaction": solution_error(
            rough,
            AdvectionDiffusion(
                0.5, velocity=(0.0,), reaction=90.0, source=lambda x: 0.5 + 90.0 * parabola(x)
            ),
            LINE,
            **given,
        ),
        "speed": solution_error(
            rough,
            AdvectionDiffusion(1.0, **moved, source=lambda x: 1.0 + (0.5 + x[:, 0]) * (0.5 - x[:, 0])),
            LINE,
            **given,
        ),
        "time": solution_error(
            rough,
            AdvectionDiffusion(
                0.5,
                velocity=(0.0,),
                reaction=lambda x: -1.0 - x[:, 0],
                source=lambda x: 0.5 - (1.0 + x[:, 0]) * parabola(x),
                initial=parabola,
                time="t",
            ),
            STRIP,
            **given,
        ),
        "heat": solution_error(rough, Heat(0.01, source=0.01, initial=parabola), STRIP, **given),
    }
    return {name: saved(one, folder / f"{name}.json") for name, one in found.items()}


KINDS = {
    "axis": "axis",
    "cosines": "cosines",
    "model": "axis",
    "transport": "transport",
    "reaction": "reaction",
    "speed": "axis",
    "time": "time",
    "heat": "time",
}


def verdict(content, tmp_path):
    content["digest"] = digest(content)
    path = tmp_path / "forged.json"
    path.write_text(json.dumps(content))
    return check(path)


def scaled(content, key, factor):
    held = content["data"]["barrier"]
    held[key] = (float.fromhex(held[key]) * factor).hex()


def claim_less(content, factor):
    """The claims as they would follow from smaller constants."""
    for name in content["claims"]:
        upper = float.fromhex(content["claims"][name]["upper"])
        low = float.fromhex(content["claims"][name]["lower"])
        content["claims"][name]["upper"] = max(upper * factor, low).hex()


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", KINDS)
def test_honest_files_are_accepted(name, files, tmp_path):
    content = copy.deepcopy(files[name])
    assert content["data"]["barrier"]["kind"] == KINDS[name]
    found = verdict(content, tmp_path)
    assert found.accepted, found.reason
    assert found.statements[0].startswith("equation: ")


@pytest.mark.sampled(16)
@pytest.mark.parametrize("factor", [0.5, 0.999999])
@pytest.mark.parametrize("key", ["on_faces", "inside"])
@pytest.mark.parametrize("name", KINDS)
def test_a_smaller_constant_is_refused(name, key, factor, files, tmp_path):
    content = copy.deepcopy(files[name])
    scaled(content, key, factor)
    found = verdict(content, tmp_path)
    assert not found.accepted
    assert f"constant {key}" in found.reason


@pytest.mark.parametrize("name", KINDS)
def test_a_larger_constant_does_no_harm_and_smaller_claims_do_not_follow(name, files, tmp_path):
    content = copy.deepcopy(files[name])
    scaled(content, "inside", 2.0)
    assert verdict(content, tmp_path).accepted
    claim_less(content, 0.99)
    found = verdict(content, tmp_path)
    assert not found.accepted
    assert "does not follow" in found.reason


def edit(path, value):
    def change(content):
        *outer, last = path
        place = content
        for key in outer:
            place = place[key]
        place[last] = value

    return change


EQUATION, BARRIER = ("data", "equation"), ("data", "barrier")
FORGERIES = {
    "another diffusivity": ("axis", edit((*EQUATION, "diffusivity"), (2.0).hex())),
    "another reaction": ("cosines", edit((*EQUATION, "reaction"), (-1.0).hex())),
    "another velocity": ("transport", edit((*EQUATION, "velocity"), [(4.0).hex()])),
    "another source": ("axis", edit((*EQUATION, "source"), (0.0).hex())),
    "a source that is a program": ("axis", edit((*EQUATION, "source"), "program")),
    "a source that is the solution": ("axis", edit((*EQUATION, "source"), "u")),
    "an infinite source": ("axis", edit((*EQUATION, "source"), "inf")),
    "time where there is none": ("axis", edit((*EQUATION, "time"), 0)),
    "no time where there is one": ("heat", edit((*EQUATION, "time"), None)),
    "another axis of time": ("heat", edit((*EQUATION, "time"), 0)),
    "no barrier": ("axis", edit((*BARRIER, "kind"), "none")),
    "the barrier in time of a steady equation": ("axis", edit((*BARRIER, "kind"), "time")),
    "a reaction that is none": ("axis", edit((*BARRIER, "kind"), "reaction")),
    "transport that is none": ("axis", edit((*BARRIER, "kind"), "transport")),
    "cosines without growth": ("axis", edit((*BARRIER, "kind"), "cosines")),
    "an axis against a velocity that is not bounded": ("time", edit((*BARRIER, "kind"), "axis")),
    "an axis that does not exist": ("axis", edit((*BARRIER, "axes"), [1])),
    "a pair of one axis": (
        "axis",
        lambda c: c["data"]["barrier"].update(kind="pair", axes=[0, 0], numbers=[(0.5).hex(), (0.1).hex()]),
    ),
    "frequencies below the growth": ("cosines", edit((*BARRIER, "numbers"), [(1.9).hex()])),
    "frequencies above the box": ("cosines", edit((*BARRIER, "numbers"), [(3.2).hex()])),
    "frequencies below zero": ("cosines", edit((*BARRIER, "numbers"), [(-2.5).hex()])),
    "too few frequencies": ("cosines", edit((*BARRIER, "numbers"), [])),
    "no residual": ("axis", lambda c: c["parts"].pop("interior")),
    "no face": ("axis", lambda c: c["parts"].pop("face 0 high")),
    "no start": ("heat", lambda c: c["parts"].pop("face 1 low")),
    "no growth": ("time", lambda c: c["parts"].pop("growth")),
    "no speed": ("speed", lambda c: c["parts"].pop("speed 0")),
    "no difference": ("axis", lambda c: c["parts"].pop("difference")),
    "a face for another": ("axis", lambda c: c["parts"].update({"face 0 low": c["parts"]["face 0 high"]})),
    "a face for the residual": ("axis", lambda c: c["parts"].update(interior=c["parts"]["face 0 low"])),
    "another boundary": ("axis", lambda c: c["programs"].update(boundary=c["programs"]["model"])),
    "another start": ("heat", lambda c: c["programs"].update(initial=c["programs"]["model"])),
    "the model for the reference": ("axis", lambda c: c["programs"].update(reference=c["programs"]["model"])),
    "no reference": ("axis", lambda c: c["programs"].pop("reference")),
    "a foreign program": ("axis", lambda c: c["programs"].update(other=c["programs"]["model"])),
    "a start without time": ("axis", lambda c: c["programs"].update(initial=c["programs"]["model"])),
    "a claim more": ("model", lambda c: c["claims"].update(reference=c["claims"]["error"])),
    "a claim less": ("axis", lambda c: c["claims"].pop("reference")),
    "another box": ("axis", edit(("axis_high",), [(0.5).hex()])),
    "a logarithmic axis": ("axis", edit(("log",), [True])),
    "a key more": ("axis", lambda c: c["data"].update(more=1)),
    "a lower bound above the proof": (
        "axis",
        lambda c: c["claims"]["error"].update(lower=c["claims"]["error"]["upper"]),
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_forgeries_are_refused(name, files, tmp_path):
    which, change = FORGERIES[name]
    content = copy.deepcopy(files[which])
    change(content)
    found = verdict(content, tmp_path)
    assert not found.accepted, name
    assert found.reason


def test_the_numbers_of_a_pair_have_to_satisfy_the_conditions(tmp_path):
    square = Domain(x=(0.0, 1.0), y=(0.0, 1.0))
    flat = lambda x: parabola(x) + 0.0 * x[:, 1]  # noqa: E731
    found = solution_error(
        lambda x: flat(x) + 1e-3, Poisson(source=1.0, boundary=flat), square, ratio=3.0, reference=flat
    )
    content = saved(found, tmp_path / "pair.json")
    held = content["data"]["barrier"]
    assert held["kind"] == "pair"
    for numbers in ([0.5, 0.25], [1.1, 0.0], [-0.1, 0.0], [0.5, -0.1], [0.5]):
        forged = copy.deepcopy(content)
        forged["data"]["barrier"]["numbers"] = [float(v).hex() for v in numbers]
        assert not verdict(forged, tmp_path).accepted, numbers
    assert verdict(content, tmp_path).accepted


@pytest.fixture(scope="module")
def fluxes(tmp_path_factory):
    """Honest files with Neumann and Robin faces: in time, along an axis, against a velocity, by transport, with growth."""
    folder = tmp_path_factory.mktemp("fluxes")
    rough = lambda x: parabola(x) + 1e-3 * jnp.sin(x[:, 0])  # noqa: E731
    slope = lambda x: 0.5 - x[:, 0]  # noqa: E731
    low, high = Neumann(lambda x: -slope(x)), Robin(2.0, lambda x: slope(x) + 2.0 * parabola(x))
    given = {"ratio": 3.0, "reference": parabola}
    found = {
        "time": solution_error(
            rough, Heat(0.01, source=0.01, initial=parabola, sides={"x": (low, high)}), STRIP, **given
        ),
        "half": solution_error(rough, Poisson(source=1.0, sides={"x": (None, Neumann(-0.5))}), LINE, **given),
        "axis": solution_error(rough, Poisson(source=1.0, sides={"x": (low, high)}), LINE, **given),
        "cosines": solution_error(
            rough,
            Helmholtz(0.5, source=lambda x: 1.0 - 0.25 * parabola(x), sides={"x": (None, high)}),
            LINE,
            **given,
        ),
        "transport": solution_error(
            rough,
            AdvectionDiffusion(
                0.02,
                velocity=(2.0,),
                source=lambda x: 0.02 + 2.0 * slope(x),
                sides={"x": (Robin(3.0, lambda x: 3.0 * parabola(x) - slope(x)), Neumann(-0.5))},
            ),
            LINE,
            **given,
        ),
        "speed": solution_error(
            rough,
            AdvectionDiffusion(
                1.0,
                velocity=(lambda x: 0.5 + x[:, 0],),
                source=lambda x: 1.0 + (0.5 + x[:, 0]) * slope(x),
                initial=parabola,
                time="t",
                sides={"x": (low, None)},
            ),
            STRIP,
            **given,
        ),
    }
    return {name: saved(one, folder / f"{name}.json") for name, one in found.items()}


WITH_FLUXES = {
    "time": "time",
    "half": "axis",
    "axis": "axis",
    "cosines": "cosines",
    "transport": "transport",
    "speed": "time",
}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", WITH_FLUXES)
def test_honest_files_with_fluxes_are_accepted_and_smaller_factors_are_not(name, fluxes, tmp_path):
    content = copy.deepcopy(fluxes[name])
    assert content["data"]["barrier"]["kind"] == WITH_FLUXES[name]
    found = verdict(content, tmp_path)
    assert found.accepted, found.reason
    assert "du/dn" in found.statements[0]
    for factor in (0.5, 0.999999):
        forged = copy.deepcopy(content)
        held = forged["data"]["barrier"]["fluxes"][0]
        held["factor"] = (float.fromhex(held["factor"]) * factor).hex()
        refused = verdict(forged, tmp_path)
        assert not refused.accepted
        assert "factor of a flux" in refused.reason
        for key in ("on_faces", "inside"):
            forged = copy.deepcopy(content)
            scaled(forged, key, factor)
            assert f"constant {key}" in verdict(forged, tmp_path).reason
    claim_less(content, 0.99)
    assert "does not follow" in verdict(content, tmp_path).reason


def side(k, **new):
    return lambda c: c["data"]["equation"]["sides"][k].update(new)


def flux(**new):
    return lambda c: c["data"]["barrier"]["fluxes"][0].update(new)


FLUX_FORGERIES = {
    "a larger coefficient": ("time", side(0, coefficient=(9.0).hex())),
    "a coefficient below zero": ("time", side(0, coefficient=(-1.0).hex())),
    "an infinite coefficient": ("time", side(0, coefficient="inf")),
    "a coefficient where there is none": ("half", side(0, coefficient=(1.0).hex())),
    "another value": ("half", side(0, value=(0.5).hex())),
    "a value that is the solution": ("half", side(0, value="u")),
    "the other end": ("half", side(0, end="low")),
    "an end that does not exist": ("half", side(0, end="top")),
    "an axis that does not exist": ("half", side(0, axis=1)),
    "the axis of time": ("time", side(0, axis=1)),
    "a side twice": (
        "time",
        lambda c: c["data"]["equation"]["sides"].append(c["data"]["equation"]["sides"][0]),
    ),
    "no side": ("half", lambda c: c["data"]["equation"].pop("sides")),
    "one side less": ("time", lambda c: c["data"]["equation"]["sides"].pop()),
    "a key more": ("half", side(0, more=1)),
    "no factor": ("time", lambda c: c["data"]["barrier"].pop("fluxes")),
    "a factor of another axis": ("time", flux(axis=1)),
    "a factor twice": (
        "time",
        lambda c: c["data"]["barrier"]["fluxes"].append(c["data"]["barrier"]["fluxes"][0]),
    ),
    "by a coefficient that is zero": ("half", flux(kind="robin")),
    "by a coefficient that is zero at one end": ("time", flux(kind="robin")),
    "by nothing": ("time", flux(kind="none")),
    "a flux for a value": ("half", lambda c: c["parts"].update({"face 0 low": c["parts"]["face 0 high"]})),
    "no speed": ("speed", lambda c: c["parts"].pop("speed 0")),
    "no face with a flux": ("time", lambda c: c["parts"].pop("face 0 high")),
    "transport from the other side": ("transport", edit((*EQUATION, "velocity"), [(-2.0).hex()])),
    "a pair with a flux": (
        "half",
        lambda c: c["data"]["barrier"].update(kind="pair", axes=[0, 0], numbers=[(0.5).hex(), (0.0).hex()]),
    ),
    "frequencies of the whole box": ("cosines", edit((*BARRIER, "numbers"), [(3.1).hex()])),
}


@pytest.mark.parametrize("name", FLUX_FORGERIES)
def test_forgeries_of_fluxes_are_refused(name, fluxes, tmp_path):
    which, change = FLUX_FORGERIES[name]
    content = copy.deepcopy(fluxes[which])
    change(content)
    found = verdict(content, tmp_path)
    assert not found.accepted, name
    assert found.reason


def test_a_problem_without_an_equation_is_another_problem(files, tmp_path):
    path = tmp_path / "solution.json"
    path.write_text(json.dumps(files["axis"]))
    problem = Problem(parabola, parabola, LINE)
    assert "the problem has no [equation]" in statement_mismatch(path, problem)


@pytest.fixture(scope="module")
def periodic(tmp_path_factory):
    """An honest file of a periodic axis, whose reference has ends that differ."""
    wave = lambda x: jnp.sin(2.0 * jnp.pi * x[:, 0])  # noqa: E731
    bent = lambda x: wave(x) + 1e-3 * jnp.exp(2.0 * x[:, 0])  # noqa: E731
    equation = AdvectionDiffusion(
        0.5,
        velocity=(0.0,),
        reaction=2.0,
        source=lambda x: (2.0 * jnp.pi**2 + 2.0) * wave(x),
        sides={"x": "periodic"},
    )
    found = solution_error(wave, equation, LINE, ratio=3.0, reference=bent)
    assert found.upper >= found.reference_error >= 1e-4
    return saved(found, tmp_path_factory.mktemp("periodic") / "c.json")


def plain_reference(content):
    """The parts of the reference as it is, not made periodic: its residual is that of the program alone."""
    content["parts"]["difference"]["programs"] = [content["programs"]["reference"]]


PERIODIC_FORGERIES = {
    "not periodic": lambda c: c["data"]["equation"].pop("periodic"),
    "no axis": edit((*EQUATION, "periodic"), []),
    "an axis that does not exist": edit((*EQUATION, "periodic"), [1]),
    "an axis below zero": edit((*EQUATION, "periodic"), [-1]),
    "an axis twice": edit((*EQUATION, "periodic"), [0, 0]),
    "an axis that is no number": edit((*EQUATION, "periodic"), ["x"]),
    "axes that are no list": edit((*EQUATION, "periodic"), 0),
    "a flux on it": edit(
        (*EQUATION, "sides"), [{"axis": 0, "end": "low", "coefficient": (0.0).hex(), "value": (0.0).hex()}]
    ),
    "the model as its own reference": lambda c: (
        c["programs"].pop("reference"),
        c["claims"].pop("reference"),
    ),
    "a barrier along it": lambda c: c["data"]["barrier"].update(kind="axis", axes=[0]),
    "transport along it": lambda c: c["data"]["barrier"].update(kind="transport", axes=[0]),
    "cosines along it": lambda c: c["data"]["barrier"].update(kind="cosines", numbers=[(1.0).hex()]),
    "faces": lambda c: c["parts"].update({"face 0 low": c["parts"]["interior"]}),
    "the reference as it is": plain_reference,
    "another width": edit(("axis_high",), [(0.5).hex()]),
    "a smaller constant": lambda c: scaled(c, "inside", 0.999),
    "a smaller claim": lambda c: claim_less(c, 0.9),
}


@pytest.mark.slow
def test_an_honest_file_of_a_periodic_axis_is_accepted(periodic, tmp_path):
    found = verdict(copy.deepcopy(periodic), tmp_path)
    assert found.accepted, found.reason
    assert "u periodic in x" in found.statements[0]


@pytest.mark.parametrize("name", PERIODIC_FORGERIES)
def test_forgeries_of_a_periodic_axis_are_refused(name, periodic, tmp_path):
    content = copy.deepcopy(periodic)
    PERIODIC_FORGERIES[name](content)
    found = verdict(content, tmp_path)
    assert not found.accepted, name
    assert "\n" not in found.reason
