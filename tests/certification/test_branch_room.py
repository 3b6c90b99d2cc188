"""Branches of the code that a program does not take: the certificate has room for them, on both sides."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from supnorm import Axis, Domain, Problem, certify, certify_norms, certify_properties, with_derivatives
from supnorm.certification import functions_of_problem, mismatch, values_of_problem
from supnorm.certification.branch_room import branch_room
from supnorm.certification.certificate import digest
from supnorm.certification.lower import proved_error
from supnorm.certification.statement_tie import statement_mismatch
from supnorm.checker import check
from supnorm.problem import ErrorMeasure
from supnorm.program import program_of
from supnorm.results import BadInput
from supnorm.sources.torch import from_torch
from supnorm.wording.certify import CERTIFY

rng = np.random.default_rng(5)


class Amplified(torch.nn.Module):
    """What softplus leaves of a line, a million times enlarged."""

    def forward(self, x):
        return 1e5 + 1e6 * (torch.nn.functional.softplus(x) - x)


CASES = [
    (torch.nn.Softplus(), lambda x: np.logaddexp(x, 0.0), 2.06e-9),
    (Amplified(), lambda x: 1e5 + 1e6 * np.log1p(np.exp(-x)), 2.06e-3),
]


@pytest.mark.slow
@pytest.mark.sampled(1)
@pytest.mark.parametrize(("module", "reference", "truth"), CASES)
def test_the_branch_of_torchs_softplus_is_in_the_bound(
    module, reference, truth: float, tmp_path: Path
) -> None:
    problem = Problem(from_torch(module.double()), reference, Domain(x=(20.001, 20.5)))
    result = certify(problem, ratio=1.1, boxes=400)  # the room stays, so more boxes change nothing
    assert truth * 0.999 <= result.upper <= truth * 1.01
    assert result.upper_kind == "exact-arithmetic"
    path = tmp_path / "certificate.json"
    result.certificate.save(path)
    assert mismatch(path, problem) is None
    assert check(path, values_of_problem(problem)).accepted
    below = Problem(from_torch(module.double()), reference, Domain(x=(18.0, 19.99)))
    assert certify(below, tolerance=0.01 * truth).status.code == "within-tolerance"  # it is not taken there


def _network(d: int, m: int, threshold: float) -> torch.nn.Module:
    torch.manual_seed(d)
    net = torch.nn.Sequential(
        torch.nn.Linear(d, 4), torch.nn.Softplus(2.0, threshold), torch.nn.Linear(4, m)
    ).double()
    with torch.no_grad():
        net[0].weight *= 6.0
    return net


@pytest.mark.slow
@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("kind", "side", "swapped"),
    [
        (kind, side, (i + j) % 2 == 1)
        for i, kind in enumerate(("absolute", "relative", "scaled"))
        for j, side in enumerate(("both", "over", "under"))
    ],
)
def test_the_bracket_holds_of_what_runs(kind: str, side: str, swapped: bool, tmp_path: Path) -> None:
    net = _network(1, 2, 5.0)
    W, b, V, c = (p.detach().numpy() for p in net.parameters())

    def smooth(x):
        return np.logaddexp(0.0, 2.0 * (x @ W.T + b)) / 2.0 @ V.T + c + 0.02 * np.sin(3.0 * x)

    pair = (smooth, from_torch(net)) if swapped else (from_torch(net), smooth)
    size = {"relative": {"floor": 0.5}, "scaled": {"scale": (3.0, 1.0)}}.get(kind, {})
    measure = ErrorMeasure(kind=kind, side=side, **size)
    problem = Problem(*pair, Domain(x=Axis(0.5, 3.0, scale="log")), measure)
    result = certify(problem, ratio=1.5, boxes=2000)
    x = np.geomspace(0.5, 3.0, 20001)[:, None]
    errors, _ = problem.error(problem.model.value(x), problem.reference.value(x), x)
    assert result.lower <= errors.max() <= result.upper < 5.0 * errors.max()
    if result.witness is not None:
        at = result.witness.x[None]
        run, _ = problem.error(problem.model.value(at), problem.reference.value(at), at)
        assert run[0] >= result.lower
    path = tmp_path / "certificate.json"
    result.certificate.save(path)
    checked = check(path, values_of_problem(problem, 32), functions=functions_of_problem(problem))
    assert checked.accepted, checked.reason
    assert mismatch(path, problem) is None
    _raised_lower_bounds_are_rejected(path, problem, result)


def _raised_lower_bounds_are_rejected(path: Path, problem: Problem, result) -> None:
    """Both ends of what may run are in the program; only the smaller one is proved. The larger one was accepted."""
    error, x = result.certificate.error, result.witness.x[None]
    larger = min(float(error.one_sided(p.value(x)).max()) for p in error.at_points)
    assert result.lower < larger * (1.0 - 1e-6)
    for share in (0.01, 0.5, 0.99):
        lower = result.lower + share * (larger - result.lower)
        data = json.loads(path.read_text()) | {"lower": lower.hex()}
        forged = path.with_name("forged.json")
        forged.write_text(json.dumps(data | {"digest": digest(data)}))
        verdict = check(forged)
        assert not verdict.accepted
        assert "not proved to be at least" in verdict.reason
        assert "states a worst error of at least" in str(mismatch(forged, problem))


@pytest.mark.slow
def test_the_room_holds_at_points_and_is_zero_where_no_branch_is_taken() -> None:
    net = _network(2, 2, 3.0)
    program = program_of(from_torch(net), 2)
    for low, high in ((-1.0, 1.0), (0.3, 0.4), (-5.0, 5.0)):
        domain = Domain(a=(low, high), b=(low, high))
        x = rng.uniform(low, high, size=(20000, 2))
        apart = np.abs(net(torch.from_numpy(x)).detach().numpy() - program.value(x)).max(axis=0)
        room = branch_room(program, domain)
        assert np.all(apart <= room + 1e-14)
        assert np.all(room < 1.0)
    assert not branch_room(
        program_of(from_torch(_network(2, 2, 200.0)), 2), Domain(a=(0.0, 1.0), b=(0.0, 1.0))
    ).any()


def test_the_agreement_names_the_branch_only_where_it_is_taken() -> None:
    """It said "which rounding in float64 explains" of the branch as well."""
    branch = "explained by rounding in float64 and a branch of the code that the bound has room for"
    for high, named in ((30.0, True), (19.9, False)):
        problem = Problem(from_torch(CASES[0][0].double()), CASES[0][1], Domain(x=(18.0, high)))
        said = CERTIFY.text(certify(problem, tolerance=1.0).agreement.fact)
        assert said.endswith(branch if named else "explained by rounding in float64"), said


def test_a_declared_reference_has_no_room() -> None:
    from supnorm import with_bound

    reference = with_bound(
        lambda x: np.array([float(np.logaddexp(v, 0.0)) for v in x[:, 0]]), 40.0, stretch=1.5
    )
    problem = Problem(from_torch(torch.nn.Softplus().double()), reference, Domain(x=(19.0, 21.0)))
    with pytest.raises(BadInput, match="linear above a threshold"):
        certify(problem, tolerance=1e-3)


def test_the_lower_bound_is_of_what_runs() -> None:
    from supnorm.certification.error_program import error_program

    problem = Problem(
        from_torch(torch.nn.Softplus(1.0, 1.0).double()), lambda x: np.logaddexp(x, 0.0), Domain(x=(0.0, 3.0))
    )
    x = np.linspace(0.0, 3.0, 301)[:, None]
    errors, _ = problem.error(problem.model.value(x), problem.reference.value(x), x)
    assert np.all(proved_error(error_program(problem), x) <= errors)


def test_a_lower_bound_relative_to_the_reference_without_its_room_is_rejected(tmp_path: Path) -> None:
    """The builder writes max(v, 0) as relu(v), which the checker did not know for the room of the divisor."""
    reference = from_torch(torch.nn.Softplus(1.0, 5.0).double())
    problem = Problem(lambda x: x, reference, Domain(x=(3.0, 9.0)), ErrorMeasure(kind="relative", floor=0.0))
    result = certify(problem, ratio=3.0, boxes=500)
    path = tmp_path / "certificate.json"
    result.certificate.save(path)
    assert check(path).accepted
    x = float(result.witness.x[0])
    room = float(branch_room(program_of(reference, 1), problem.domain)[0])
    size = np.logaddexp(x, 0.0)
    error = abs(x - size) - room
    assert room > 1e-3
    assert result.lower <= error / (size + room)
    for divisor in (size, size - room):
        data = json.loads(path.read_text()) | {"lower": float(error / divisor * (1.0 - 1e-9)).hex()}
        path.write_text(json.dumps(data | {"digest": digest(data)}))
        assert "not proved to be at least" in check(path).reason


class Hidden(torch.nn.Module):
    """A softplus with a low threshold, which its argument passes on 3e-7 of the domain alone."""

    def forward(self, x):
        z = x[:, 0] + 5.0 * torch.exp(-(((x[:, 0] - 0.3) / 3e-7) ** 2))
        return torch.nn.functional.softplus(z, threshold=2.0)


def _smooth(x):
    return np.logaddexp(x[:, 0] + 5.0 * np.exp(-(((x[:, 0] - 0.3) / 3e-7) ** 2)), 0.0)


def test_a_branch_is_not_ruled_out_where_rounding_has_no_bound() -> None:
    """On wide boxes the exponential overflows, with and without the branch: the room was zero, the error 0.005."""
    domain = Domain(x=(0.0, 1.0))
    problem = Problem(from_torch(Hidden()), _smooth, domain)
    at = np.array([[0.3]])
    error = float(np.abs(problem.model.value(at)[0, 0] - _smooth(at)[0]))
    assert error > 0.0049
    assert branch_room(program_of(problem.model, 1), domain)[0] >= error
    with pytest.raises(BadInput, match="a branch that its program does not take"):
        certify_norms(problem, ["sup"], seconds=5.0)
    assert not certify(problem, tolerance=1e-4, seconds=1.0).upper < error


@pytest.mark.parametrize("property_", ["monotone:x", "convex:x", "lipschitz:x", "lipschitz"])
def test_derivatives_know_of_the_branches_of_values(property_) -> None:
    """softplus(x) with threshold 1 falls by 0.31 at 1, and was proved to rise everywhere."""
    module = torch.nn.Softplus(threshold=1.0)
    assert module(torch.tensor(1.0001)) < module(torch.tensor(1.0)) - 0.3
    with pytest.raises(BadInput, match="a branch that its program does not take"):
        certify_properties(from_torch(module.double()), Domain(x=(-1.0, 3.0)), [property_])
    found = certify_properties(from_torch(module.double()), Domain(x=(-1.0, 0.9)), [property_])
    assert found.answers[0].status == "proved"


class Touching(torch.nn.Module):
    """A softplus of what is at most zero, and is above a threshold near 0 on 2e-6 of the domain alone."""

    def __init__(self, threshold):
        super().__init__()
        self.threshold = threshold

    def forward(self, x):
        return torch.nn.functional.softplus(-((x[:, 0] - 0.3) ** 2), threshold=self.threshold)


def test_a_proof_of_several_parts_is_not_about_code_with_a_branch(tmp_path: Path) -> None:
    """The file is a true one about the same program without its branch; 64 points do not meet the branch."""
    domain, path = Domain(x=(0.0, 1.0)), tmp_path / "properties.json"
    smooth, stepping = (
        Problem(from_torch(Touching(t)), lambda x: 0.0 * x[:, 0], domain) for t in (1e9, -1e-12)
    )
    certify_properties(smooth.model, domain, ["bounded:0.1:1"]).save(path)
    assert stepping.model.value(np.array([[0.3]])) == 0.0
    assert statement_mismatch(path, smooth) is None
    assert "a branch that its program does not take" in (statement_mismatch(path, stepping) or "")


def _peak(threshold):
    """A softplus of what is largest at 0.3."""
    first, last = torch.nn.Linear(1, 2, dtype=torch.float64), torch.nn.Linear(2, 1, dtype=torch.float64)
    with torch.no_grad():
        first.weight[:], first.bias[:] = 1.0, torch.tensor([0.2, -0.8], dtype=torch.float64)
        last.weight[:], last.bias[:] = torch.tensor([[1.0, -1.0]], dtype=torch.float64), 0.0
    return from_torch(
        torch.nn.Sequential(first, torch.nn.Tanh(), last, torch.nn.Softplus(threshold=threshold))
    )


def test_derivatives_of_code_with_a_branch_are_refused() -> None:
    """The threshold is 1e-12 below the peak: there the value falls by 0.33. It was proved to be within 0.01 everywhere."""
    domain, highest = Domain(x=(0.0, 1.0)), 2.0 * np.tanh(0.5)
    smooth, stepping = (with_derivatives(_peak(t), domain) for t in (1e9, highest - 1e-12))
    at = np.array([[0.3]])
    assert smooth.value(at)[0, 0] - stepping.value(at)[0, 0] > 0.33
    with pytest.raises(BadInput, match="a branch that its program does not take"):
        certify(Problem(stepping, smooth, domain), tolerance=1e-2)
    assert (
        certify(Problem(smooth, with_derivatives(_peak(2.0), domain), domain), tolerance=1e-2).upper <= 1e-2
    )
