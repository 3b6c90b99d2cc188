"""Bounds of a saved certificate are proved again: what its leaves state counts for nothing until then."""

import json
import math
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import jax.numpy as jnp
import numpy as np
import pytest
from tests.certification.cases import largest_sampled, random_case

from supnorm.auditing import audit
from supnorm.certification import (
    ChebyshevCertificate,
    GradedCertificate,
    LinearBounds,
    certify,
    into_report,
    recorded,
    resume,
)
from supnorm.certification.certificate import digest
from supnorm.certification.composed_certificate import ComposedCertificate
from supnorm.certification.proved_again import CannotProve, prove_again
from supnorm.problem import Domain, ErrorMeasure, Problem, with_bound
from supnorm.results import BadInput

PROBLEM = Problem(
    lambda x: np.sin(3 * x[:, 0]) * x[:, 1],
    lambda x: np.sin(3 * x[:, 0]) * x[:, 1] + 0.01 * np.tanh(5 * x[:, 1]),
    Domain(x=(-1.0, 1.0), y=(-1.0, 2.0)),
)
STRATEGIES = {
    "chebyshev": ChebyshevCertificate(),
    "graded": GradedCertificate(),
    "tightened": GradedCertificate(tighten=4),
    "linear": LinearBounds(),
    "composed": ComposedCertificate(),
}


def bounded(leaves):
    return leaves.take(np.isfinite(leaves.boxes.upper))


@pytest.mark.sampled(2)
@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_kind_of_leaf_gives_its_own_bound_and_rounding_again(strategy, seed):
    problem, label = random_case(
        900 + seed, dimensions=(1, 2, 3) if strategy in ("chebyshev", "linear", "composed") else (3,)
    )
    result = certify(problem, ratio=1.3, boxes=600, strategy=STRATEGIES[strategy])
    leaves = bounded(result.certificate.leaves)
    again = prove_again(result.certificate.error, leaves)
    np.testing.assert_allclose(again.boxes.upper, leaves.boxes.upper, rtol=1e-10, err_msg=label)
    # The smallest one of all models that were tried, of which a leaf names one.
    rtol = 0.5 if strategy == "composed" else 1e-6
    np.testing.assert_allclose(again.proof.rounding, leaves.proof.rounding, rtol=rtol, err_msg=label)
    assert (again.proof.rounding >= (1 - 1e-6) * leaves.proof.rounding).all()
    assert again.proof.proved.all()


@pytest.mark.sampled(2)
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_leaf_may_state_less_than_its_proof_gives(strategy, seed):
    problem, label = random_case(
        900 + seed, dimensions=(1, 2, 3) if strategy in ("chebyshev", "linear", "composed") else (3,)
    )
    result = certify(problem, ratio=1.3, boxes=200, strategy=STRATEGIES[strategy])
    leaves = bounded(result.certificate.leaves)
    rng, accepted = np.random.default_rng(seed), 0
    for row in rng.permutation(len(leaves))[:4]:
        stated = leaves.boxes.upper.copy()
        stated[row] *= rng.choice([0.0, 0.5, 0.999])
        claim = stated[row]
        forged = type(leaves)(
            type(leaves.boxes)(leaves.boxes.level, leaves.boxes.index, stated), leaves.proof, leaves.level
        )
        with suppress(CannotProve):  # within what rounding explains the larger bound counts
            assert prove_again(result.certificate.error, forged).boxes.upper[row] > claim, label
            accepted += 1
    assert accepted <= 1, label  # an error that is all rounding


@pytest.mark.parametrize("error", ["relative", "scaled", "under"])
def test_alternatives_and_one_sided_errors_give_their_bounds_again(error):
    measures = {
        "relative": ErrorMeasure("relative", floor=0.05),
        "scaled": ErrorMeasure("scaled", scale=2.0),
        "under": ErrorMeasure("absolute", side="under"),
    }
    problem = Problem(
        lambda x: jnp.stack([jnp.sin(3 * x[:, 0]), x[:, 1] ** 2], 1),
        lambda x: jnp.stack(
            [jnp.sin(3 * x[:, 0]) + 0.01 * x[:, 1], x[:, 1] ** 2 + 0.01 * jnp.cos(4 * x[:, 0])], 1
        ),
        Domain(x=(0.1, 1.0), y=(0.2, 2.0)),
        measures[error],
    )
    result = certify(problem, ratio=1.05, boxes=2000)
    leaves = bounded(result.certificate.leaves)
    again = prove_again(result.certificate.error, leaves)
    np.testing.assert_allclose(again.boxes.upper, leaves.boxes.upper, rtol=1e-10)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "certificate.json"
    certify(PROBLEM, ratio=1.01).certificate.save(path)
    return path


def reseal(saved, folder, change):
    data = json.loads(saved.read_text())
    change(data)
    data["digest"] = digest(data)
    path = folder / "certificate.json"
    path.write_text(json.dumps(data))
    return path


def tightened(data):
    """The largest bounds become tighter and stay above the witness; everything else of the file agrees with them."""
    lower, upper = float.fromhex(data["lower"]), float.fromhex(data["upper"])
    claim = 0.9 * lower + 0.1 * upper
    data["leaves"]["upper"] = [min(float.fromhex(v), claim).hex() for v in data["leaves"]["upper"]]
    data["upper"] = claim.hex()


def one_leaf(data):
    """A leaf that no proof bounds to zero states zero."""
    data["leaves"]["upper"][0] = (0.0).hex()
    data["upper"] = max(data["leaves"]["upper"], key=float.fromhex)


def other_proof(data):
    """The bounds stay, the proofs are ones that give no such bound."""
    count = len(data["leaves"]["level"])
    data["leaves"]["degree"], data["leaves"]["grid"] = [[0]] * count, [[0]] * count


def no_proof(data):
    data["leaves"]["degree"] = [[-1]] * len(data["leaves"]["level"])


FORGERIES = [tightened, one_leaf, other_proof, no_proof]


@pytest.mark.parametrize("change", FORGERIES)
@pytest.mark.parametrize("boxes", [0, 1_000_000])
def test_a_tighter_bound_that_was_sealed_again_is_refused(change, boxes, saved, tmp_path):
    path = reseal(saved, tmp_path, change)
    with pytest.raises(BadInput, match=r"does not follow from its proof|bounds are wrong") as why:
        certify(PROBLEM, ratio=1.01, resume=path, boxes=boxes)
    assert str(path) in str(why.value)


def test_a_rounding_that_was_made_smaller_is_computed_again(saved, tmp_path):
    path = reseal(saved, tmp_path, lambda d: d.update(rounding=(0.0).hex()))
    honest, again = (certify(PROBLEM, ratio=1.01, resume=p, boxes=0) for p in (saved, path))
    assert again.rounding == honest.rounding > 0.0


@pytest.mark.parametrize(
    ("column", "value"),
    [("degree", 250), ("grid", 10**6), ("rho", 1.0), ("rho", 1e300), ("grid", 1), ("graded", 3)],
)
def test_a_proof_that_would_fill_the_machine_is_refused_at_once(column, value, saved, tmp_path):
    def change(data):
        leaves, count = data["leaves"], len(data["leaves"]["level"])
        leaves["degree"], leaves["rho"] = [[6]] * count, [[2.0]] * count
        leaves[column] = [[value]] * count

    path = reseal(saved, tmp_path, change)
    with pytest.raises(
        BadInput, match=r"beyond the limits|does not follow|bounds are wrong|degree of a graded"
    ):
        certify(PROBLEM, ratio=1.01, resume=path, boxes=0)


def test_all_bounds_are_proved_again_and_none_is_believed(saved):
    told = []
    result = certify(PROBLEM, ratio=1.01, resume=saved, boxes=0, observer=told.append)
    assert result.believed == 0
    assert result.upper_kind == "exact-arithmetic"
    assert result.status.code == "proved"
    assert (told[-1].done, told[-1].total) == (result.boxes, result.boxes)
    assert not any("file" in a for a in result.assumptions)


def test_workers_prove_the_same_bounds_again(saved):
    with ThreadPoolExecutor(2) as pool:
        shared = certify(PROBLEM, ratio=1.01, resume=saved, boxes=0, executor=pool)
    alone = certify(PROBLEM, ratio=1.01, resume=saved, boxes=0)
    assert shared.upper == pytest.approx(alone.upper, rel=1e-12)
    assert shared.believed == 0


def test_what_there_was_no_time_to_prove_again_is_no_verdict(saved, monkeypatch):
    monkeypatch.setattr(resume, "BATCH", 2)
    limits = iter([False, True])

    class Soon:
        @property
        def over(self):
            return next(limits, True)

    honest = resume._prove_leaves
    monkeypatch.setattr(resume, "_prove_leaves", lambda work, limit, *rest: honest(work, Soon(), *rest))
    result = certify(PROBLEM, ratio=1.01, resume=saved, boxes=0)
    assert result.believed == result.boxes - 2 > 0
    assert result.proved_volume < 1.0
    assert (result.status.code, int(result.status.exit)) == ("undecided", 4)
    assert result.upper_kind == "conditional"
    assert (
        f"{result.believed:,} of {result.boxes:,} bounds are as the file states them" in result.status.advice
    )
    assert any("no time to prove them again" in a for a in result.assumptions)
    tolerant = Problem(PROBLEM.model, PROBLEM.reference, PROBLEM.domain, tolerance=1.0)
    report = audit(tolerant, evaluations=2000, power=False)
    assert report.status.code == "nothing-found"
    limits = iter([False, True])
    joined = into_report(report, certify(tolerant, ratio=1.01, resume=saved, boxes=0))
    assert joined.status.code == "nothing-found"  # with all of them proved it is within-tolerance
    assert joined.record.sup.upper_kind == "conditional"
    monkeypatch.undo()
    whole = into_report(report, certify(tolerant, ratio=1.01, resume=saved, boxes=0))
    assert whole.status.code == "within-tolerance"


def test_the_order_of_proving_again_cannot_be_foreseen(saved, monkeypatch):
    monkeypatch.setattr(resume, "BATCH", 1)
    orders = []
    honest = resume.prove_again

    def seen(error, leaves, run):
        orders[-1].append(tuple(leaves.boxes.index[0].tolist() + leaves.boxes.level[0].tolist()))
        return honest(error, leaves, run)

    monkeypatch.setattr(resume, "prove_again", seen)
    for _ in range(3):
        orders.append([])
        certify(PROBLEM, ratio=1.01, resume=saved, boxes=0)
    assert len({tuple(o) for o in orders}) > 1
    assert len({o[0] for o in orders}) == 1  # the worst leaf is always among the first
    assert len({frozenset(o) for o in orders}) == 1


def declared_problem(off=0.0):
    def compiled(x):
        return np.sin(np.array(x.tolist())) + off

    return Problem(
        lambda x: jnp.sin(x) + 0.01 * x, with_bound(compiled, 4.0, stretch=1.5), Domain(x=(-1.0, 1.0))
    )


def test_recorded_values_are_compared_with_the_function(tmp_path, monkeypatch):
    path = tmp_path / "c.json"
    certify(declared_problem(), 1.1).certificate.save(path)
    assert certify(declared_problem(), 1.1, resume=path).believed == 0
    with pytest.raises(BadInput, match="is not its value there"):
        certify(declared_problem(1e-6), 1.1, resume=path)
    monkeypatch.setattr(recorded, "LEAST", 2)
    monkeypatch.setattr(recorded, "SECONDS", -1.0)
    some = certify(declared_problem(), 1.1, resume=path)
    assert any("2 of them, drawn at random, were compared" in a for a in some.assumptions)
    assert math.isfinite(some.upper)


def forge(rng, data, d):
    """One random change of a certificate that a forger might try; its claims then agree with each other again."""
    leaves, count = data["leaves"], len(data["leaves"]["level"])
    upper = [float.fromhex(v) for v in leaves["upper"]]
    lower, claim = float.fromhex(data["lower"]), float.fromhex(data["upper"])
    how = rng.choice(
        ["factor", "cap", "one leaf", "one cell", "degree", "rho", "grid", "graded", "cell", "exchange"]
    )
    if how == "factor":
        upper = [v * rng.choice([0.1, 0.9, 0.9999]) for v in upper]
    elif how == "cap":
        upper = [min(v, lower + (claim - lower) * rng.random()) for v in upper]
    elif how == "one leaf":
        upper[rng.integers(count)] *= rng.choice([0.0, 0.5, 0.999])
    elif how == "one cell":
        leaves.update({k: v[:1] for k, v in leaves.items()})
        leaves["level"], leaves["index"], upper = [[0] * d], [[0] * d], [0.9 * claim]
        leaves["proof_level"] = [[0] * d]
    elif how == "cell":
        leaves["proof_level"] = [[int(rng.integers(v + 1)) for v in row] for row in leaves["level"]]
    elif how == "exchange":
        upper = rng.permutation(upper).tolist()
    else:
        choices = {
            "degree": [-2, -1, 0, 1, 3, 9],
            "rho": [1.0000001, 2.0, 9e5],
            "grid": [0, 3, 302, 1203],
            "graded": [0, 4],
        }
        leaves[how] = [[rng.choice(choices[how]).item() for _ in row] for row in leaves["degree"]]
    leaves["upper"] = [float(v).hex() for v in upper]
    data["upper"] = max(leaves["upper"], key=float.fromhex)
    if rng.random() < 0.5 or lower > float.fromhex(data["upper"]):
        data["witness"], data["lower"] = None, (0.0).hex()
    data["digest"] = digest(data)


@pytest.mark.slow
@pytest.mark.sampled(1)
@pytest.mark.parametrize("seed", range(12))
def test_no_forgery_gives_a_bound_below_the_error(seed, tmp_path):
    rng = np.random.default_rng(seed)
    problem, label = random_case(700 + seed)
    honest = certify(problem, ratio=1.3, boxes=100, strategy=None if seed % 3 else LinearBounds())
    true, path = largest_sampled(honest, 2000, seed), tmp_path / "certificate.json"
    refused = 0
    for _ in range(12):
        data = honest.certificate.to_json()
        forge(rng, data, problem.domain.d)
        path.write_text(json.dumps(data))
        try:
            result = certify(problem, ratio=1.3, resume=path, boxes=0)
        except BadInput:
            refused += 1
        else:
            assert result.upper >= true * (1 - 1e-12), label
            assert result.believed == 0
    assert refused >= 3


def test_a_false_bound_at_the_witness_is_the_files_fault_without_time_too(saved, tmp_path, monkeypatch):
    """No leaf is proved again: the bound of the witness's own leaf contradicts the witness, the largest bound does not."""
    data = json.loads(saved.read_text())
    x, low, high = (np.array([float.fromhex(v) for v in data[k]]) for k in ("witness", "low", "high"))
    level, index = np.array(data["leaves"]["level"]), np.array(data["leaves"]["index"])
    part = (x - low) / (high - low) * 2.0**level
    holds = ((index <= part) & (part <= index + 1)).all(axis=1)
    assert 0 < holds.sum() < len(holds)
    upper = data["leaves"]["upper"]
    data["leaves"]["upper"] = [(0.0).hex() if h else v for h, v in zip(holds, upper, strict=True)]
    data["leaves"]["upper"][int(np.flatnonzero(~holds)[0])] = data["upper"]
    data["digest"] = digest(data)
    path = tmp_path / "certificate.json"
    path.write_text(json.dumps(data))
    monkeypatch.setattr(resume, "_prove_leaves", lambda *arguments: None)
    with pytest.raises(BadInput, match="its bounds are wrong"):
        certify(PROBLEM, ratio=1.01, resume=path, boxes=0)
