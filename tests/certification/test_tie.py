"""A certificate is accepted for its own problem, however rounded, and for no other."""

import json
import re
from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

from supnorm.certification import certify, mismatch, tie, values_of_problem
from supnorm.certification.certificate import digest
from supnorm.certification.error_program import error_program
from supnorm.checker import check
from supnorm.problem import Axis, Domain, ErrorMeasure, Function, Problem, with_bound
from supnorm.program import lower_jaxpr

RNG = np.random.default_rng(0)
W, B, V = RNG.normal(size=(2, 16)), RNG.normal(size=16), RNG.normal(size=(16, 1))
DOMAIN = Domain(x=(-1.0, 1.0), y=(0.0, 2.0))


def net(x):
    return np.tanh(x @ W + B) @ V


def wave(x):
    return net(x) + 0.01 * np.sin(3 * x[:, :1]) * x[:, 1:]


def in_float32(seed, shift=0.0):
    """A network as it runs in float32, with its program; where its values are small they are sums of large ones."""
    rng = np.random.default_rng(seed)
    u, c, v = (2.0 * rng.normal(size=s).astype(np.float32) for s in ((2, 32), 32, (32, 1)))
    program = lower_jaxpr(lambda x: jnp.tanh(x @ u.astype(float) + c) @ v.astype(float), 2)

    def value(x):
        y = np.tanh(x.astype(np.float32) @ u + c) @ v
        return y.astype(float) + shift * x[:, :1]

    return Function(value, precision="float32", program=program)


def verdict(path, problem):
    return check(path, values_of_problem(problem, 64))


@pytest.mark.parametrize("side", ["over", "under"])
def test_one_sided_errors_that_vanish_at_points(side, tmp_path):
    problem = Problem(net, wave, DOMAIN, ErrorMeasure(side=side))
    certify(problem, 1.2).certificate.save(tmp_path / "c.json")
    points = values_of_problem(problem, 64)
    assert any(e == 0.0 for _, e, _ in points)
    assert all(0 < a < 1e-8 for _, _, a in points)
    assert verdict(tmp_path / "c.json", problem).accepted


@pytest.mark.sampled(1)
@pytest.mark.parametrize("measure", [ErrorMeasure(), ErrorMeasure("relative", floor=0.5),
                                     ErrorMeasure("scaled", scale=(0.3,)), ErrorMeasure(side="under")],
                         ids=["absolute", "relative", "scaled", "under"])  # fmt: skip
@pytest.mark.parametrize("seed", range(5))
def test_float32_networks_and_how_small_a_change_is_seen(seed, measure, tmp_path):
    """Accepted with their rounding; 1e-3 of the range more at one end of an axis is rejected by values alone."""
    model = in_float32(seed)
    problem = Problem(model, lambda x: 0.3 * jnp.sin(x[:, 0]) * x[:, 1] + 1.0, DOMAIN, measure)
    certify(problem, 1.5, seconds=0.5).certificate.save(tmp_path / "c.json")
    assert mismatch(tmp_path / "c.json", problem) is None
    points = values_of_problem(problem, 64)
    trusted = json.loads((tmp_path / "c.json").read_text())
    assert len(points) == 64
    assert trusted["hashes"] == [p.hash for p in error_program(problem).alternatives]
    assert _agrees(problem, points)
    values = model.value(np.array([x for x, _, _ in points]))
    changed = replace(problem, model=in_float32(seed, 1e-3 * float(np.ptp(values))))
    assert not _agrees(problem, values_of_problem(changed, 64))


def _agrees(problem, points):
    """What the checker compares: errors of the programs, here in float64."""
    error = error_program(problem)
    x = np.array([x for x, _, _ in points])
    found = np.min([error.one_sided(p.value(x)) for p in error.at_points], axis=0).max(1)
    return all(abs(f - e) <= a for f, (_, e, a) in zip(found, points, strict=True))


def test_plain_jax_code_is_run_as_it_was_read(tmp_path):
    """In 64-bit mode, also where JAX itself would not."""
    problem = Problem(
        lambda x: jnp.sin(30 * x[:, 0]) + x[:, 1] + 1e-3, lambda x: jnp.sin(30 * x[:, 0]) + x[:, 1], DOMAIN
    )
    certify(problem, 1.2).certificate.save(tmp_path / "c.json")
    said = verdict(tmp_path / "c.json", problem)
    assert said.accepted, said.reason


def test_standardised_inputs_of_a_float32_model():
    """T w + b with T w near 3000 and a result of 1: what cancels is rounded in float32."""
    w, b = np.float32(10.0), np.float32(-3000.0)
    program = lower_jaxpr(lambda x: jnp.tanh(x * float(w) + float(b)), 1)

    def value(x):
        return np.tanh(np.float32(np.float32(x * 1.0) * w) + b).astype(float)

    problem = Problem(
        Function(value, precision="float32", program=program), lambda x: 0.1 * x, Domain(T=(299.9, 300.1))
    )
    points = values_of_problem(problem, 64)
    assert _agrees(problem, points)
    moved = [(x, e + 1e-3, a) for x, e, a in points]
    assert not _agrees(problem, moved)


def _root_by_the_formula(x):
    return (-1e5 + np.sqrt(1e10 + 4.0 * x[:, 0])) / 2.0


def _sum_that_cancels(x):
    return x[:, 0] * 1.001 + ((x[:, 0] + 1e7) - 1e7 - x[:, 0])


def _square_that_cancels(x):
    t = 1e6 + x[:, 0]
    return 1.01 * (t**2 - 1e12 - 2e6 * x[:, 0])


@pytest.mark.parametrize(("model", "reference"), [
    (_root_by_the_formula, lambda x: 1.001 * 2.0 * x[:, 0] / (1e5 + np.sqrt(1e10 + 4.0 * x[:, 0]))),
    (_sum_that_cancels, lambda x: x[:, 0]),
    (_square_that_cancels, lambda x: x[:, 0] ** 2),
])  # fmt: skip
def test_code_in_float64_that_cancels(model, reference, tmp_path):
    """Its honest file was rejected: "the programs have error 6.36962e-09 at .., the problem 6.37309e-09"."""
    for sides in ((model, reference), (reference, model)):
        problem = Problem(*sides, Domain(x=(0.0, 1.0)))
        result = certify(problem, 1.5)
        result.certificate.save(tmp_path / "c.json")
        points = values_of_problem(problem, 64)
        verdict = check(tmp_path / "c.json", points)
        assert verdict.accepted, verdict.reason
        moved = [(x, e + 100.0 * result.upper, a) for x, e, a in points]
        assert not check(tmp_path / "c.json", moved).accepted


def _nothing_that_cancels(x):
    return 1e12 * x[:, 0] - 1e12 * x[:, 0]


def _far_sum(x):
    return (x[:, 0] + 1e12) - 1e12 - x[:, 0]


@pytest.mark.parametrize("cancels", [_nothing_that_cancels, _far_sum])
@pytest.mark.parametrize("size", [1e-5, 1e-3])
def test_another_function_is_no_rounding_of_code_that_cancels(cancels, size, tmp_path):
    """The proved bound of the rounding was allowed, 1e-3 here: a file with a bound of 1e-7 was accepted for all of these."""

    def reference(x):
        return x[:, 0] + 1e-7 * x[:, 0] ** 2

    def beside(of):
        return lambda x: of(x) + cancels(x) + size * np.sin(5.0 * x[:, 0])

    line = Domain(x=(0.0, 1.0))
    certify(Problem(lambda x: x[:, 0], reference, line), 1.5).certificate.save(tmp_path / "c.json")
    others = (
        Problem(beside(lambda x: x[:, 0]), reference, line),
        Problem(lambda x: x[:, 0], beside(reference), line),
    )
    for other in others:
        assert not verdict(tmp_path / "c.json", other).accepted
        certify(other, 1.5).certificate.save(tmp_path / "own.json")
        assert verdict(tmp_path / "own.json", other).accepted


def test_without_exact_values_the_proved_bound_of_the_rounding_counts(monkeypatch):
    x = np.random.default_rng(0).random((64, 1))
    far = Function(lambda x: _far_sum(x)[:, None])
    seen = tie.rounding_of(far, far.value(x), x)
    monkeypatch.setattr("supnorm.certification.balls.available", lambda: False)
    bound = tie.rounding_of(far, far.value(x), x)
    assert (seen <= bound).all()
    assert seen.max() > 1e-5
    assert np.median(seen) < 0.5 * bound.min()


def test_inputs_of_float32_models_are_float32_numbers_within_the_domain():
    """Their cast changes nothing then, which counts where a function is steep."""
    narrow = Domain(x=(1.0, 1.0 + 1e-7), y=Axis(0.1, 0.3, values=(0.1, 0.3)))
    problem = Problem(in_float32(0), lambda x: x[:, 0], narrow)
    x = np.array([x for x, _, _ in values_of_problem(problem, 32)])
    assert narrow.contains(x).all()
    wide = Problem(in_float32(0), lambda x: x[:, 0], DOMAIN)
    x = np.array([x for x, _, _ in values_of_problem(wide, 32)])
    assert (x == x.astype(np.float32)).all()


def test_a_relative_error_of_a_reference_near_zero():
    """The rounding of the reference counts as well; where it is all there is of it, a point says nothing."""
    tiny = Problem(
        lambda x: x + 1.0, lambda x: np.where(x > 0, x, 1e-12), Domain(x=(-1.0, 1.0)),
        ErrorMeasure("relative", floor=0.0),
    )  # fmt: skip
    points = values_of_problem(tiny, 64)
    assert 10 < len(points) < 54
    for x, e, a in points:
        assert e == pytest.approx(1.0 / x[0])
        assert a == pytest.approx(1e-10 * 2.98 / x[0] + 1e-10 * e / x[0], rel=0.05)


PROBLEM = Problem(net, wave, DOMAIN)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "c.json"
    certify(PROBLEM, 1.2).certificate.save(path)
    return path


OTHERS = {
    "another side": (replace(PROBLEM, error=ErrorMeasure(side="over")), "side 'both', the problem those of side 'over'"),
    "a narrow glitch": (
        replace(PROBLEM, model=lambda x: net(x) - 5 * np.exp(-(((x[:, :1] - 0.7123) / 1e-4) ** 2))),
        r"programs are not those .* \(file: supnorm .*; here: supnorm .*\); certify again",
    ),
    "another scale": (replace(PROBLEM, error=ErrorMeasure("scaled", scale=(2.0,))), "programs are not those"),
    "a wider domain": (replace(PROBLEM, domain=Domain(x=(-1.0, 1.0), y=(0.0, 3.0))), "its domain"),
    "other names": (replace(PROBLEM, domain=Domain(y=(-1.0, 1.0), x=(0.0, 2.0))), "its domain"),
    "one output more": (
        replace(PROBLEM, model=lambda x: np.concatenate([net(x), net(x)], 1),
                reference=lambda x: np.concatenate([wave(x), wave(x)], 1)),
        "programs are not those",
    ),
    "a mask without the witness": (
        replace(PROBLEM, error=ErrorMeasure(mask=lambda x: x[:, 1] < 0.5)), "its witness is not a point that counts"
    ),
    "a constraint without the witness": (
        replace(PROBLEM, domain=Domain([lambda x: x[:, 1] < 0.5], x=(-1.0, 1.0), y=(0.0, 2.0))),
        "its witness is not a point that counts",
    ),
    "a declared reference": (
        replace(PROBLEM, reference=with_bound(lambda x: wave(np.array(x.tolist())), 30.0)),
        "assumes declared bounds of: nothing",
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", OTHERS)
def test_another_problem_is_named(how, saved):
    problem, words = OTHERS[how]
    reason = mismatch(saved, problem)
    assert reason is not None
    assert "\n" not in reason
    assert re.search(words, reason), reason


def test_its_own_problem(saved):
    assert mismatch(saved, PROBLEM) is None
    same = Problem(lambda x: net(x), lambda x: wave(x), DOMAIN, title="again")
    assert mismatch(saved, same) is None


def test_notes_are_compared_as_programs_are(saved):
    """A mask that every witness passes leaves the bound true, but the file lacks the note that it is left out."""
    masked = replace(PROBLEM, error=ErrorMeasure(mask=lambda x: x[:, 1] > 0.0))
    assert "its notes lack" in str(mismatch(saved, masked))


def _edited(saved, tmp_path, **changed):
    """The file with other texts, sealed again."""
    data = {k: v for k, v in json.loads(saved.read_text()).items() if changed.get(k, v) is not None} | {
        k: v for k, v in changed.items() if v is not None
    }
    data["digest"] = digest(data)
    path = tmp_path / "edited.json"
    path.write_text(json.dumps(data))
    return path


@pytest.mark.slow
def test_a_stripped_or_altered_condition_is_a_mismatch(saved, tmp_path):
    held = json.loads(saved.read_text())
    assert held["assumptions"]
    for change in (
        {"assumptions": []},
        {"assumptions": [*held["assumptions"][:-1], "nothing"]},
        {"assumptions": [*held["assumptions"], "the model is never used"]},
        {"assumptions": None},
        {"notes": None},
        {"notes": ["softplus is taken without its branch"]},
        {"units": ["m", ""]},
        {"error": "relative, floor 1.0"},
        {"error_unit": "K"},
    ):
        path = _edited(saved, tmp_path, **change)
        assert check(path).reason
        assert mismatch(path, PROBLEM) is not None, change
    assert mismatch(_edited(saved, tmp_path), PROBLEM) is None
    noted = replace(PROBLEM, domain=Domain(x=Axis(-1.0, 1.0, values=(-1.0, 0.5, 1.0)), y=(0.0, 2.0)))
    certify(noted, 1.2).certificate.save(tmp_path / "noted.json")
    assert mismatch(tmp_path / "noted.json", noted) is None
    path = _edited(tmp_path / "noted.json", tmp_path, notes=[])
    assert "its notes lack what the bound assumes" in str(mismatch(path, noted))


def test_keys_that_the_format_does_not_have_are_refused(saved, tmp_path):
    assert check(_edited(saved, tmp_path)).accepted
    for change in ({"declarations": []}, {"note": []}, {"Upper": "0x1p-10"}):
        verdict = check(_edited(saved, tmp_path, **change))
        assert "keys that the format does not have" in verdict.reason
    leaves = json.loads(saved.read_text())["leaves"]
    assert "columns" in check(_edited(saved, tmp_path, leaves={**leaves, "bound": []})).reason


def test_a_log_axis_is_part_of_the_domain(tmp_path):
    def problem(scale):
        return Problem(
            lambda x: jnp.log(x), lambda x: 0.9 * jnp.log(x), Domain(p=Axis(1.0, 2.0, scale=scale))
        )

    certify(problem("log"), 1.2).certificate.save(tmp_path / "c.json")
    assert mismatch(tmp_path / "c.json", problem("log")) is None
    assert mismatch(tmp_path / "c.json", problem("linear")) == "its domain is not the problem's domain"


@pytest.mark.parametrize(
    "text",
    ["garbage", "[]", "{}", '{"names": 3}', '{"names": ["x", "y"], "log": [false, false]}', "[" * 100_000],
)
def test_a_malformed_file_speaks_of_nothing(text, tmp_path):
    (tmp_path / "c.json").write_text(text)
    assert mismatch(tmp_path / "c.json", PROBLEM) is not None


def _opaque(x):
    return np.array(np.array(x).tolist()) ** 2


def declared(**said):
    said = {"bound": 4.0, "stretch": 1.5, "accuracy": 1e-12} | said
    return Problem(lambda x: x**2 + 0.01 * x, with_bound(_opaque, **said), Domain(x=(-1.0, 1.0)))


def test_declarations_must_be_those_of_the_problem(tmp_path):
    path = tmp_path / "c.json"
    certify(declared(), 1.1).certificate.save(path)
    assert mismatch(path, declared()) is None
    for said, words in (
        ({"bound": 5.0}, "bound"),
        ({"stretch": 1.6}, "stretch"),
        ({"accuracy": 0.0}, "accuracy"),
        ({"order": 6, "derivatives": (1e-9,)}, "order, derivatives"),
    ):
        reason = mismatch(path, declared(**said))
        assert reason == f"what it declares of the reference is not what the problem declares: {words}"
    other = declared()
    other = replace(other, model=other.reference, reference=other.model)
    assert (
        mismatch(path, other)
        == "it assumes declared bounds of: reference; the problem declares bounds of: model"
    )


def test_one_sided_conditional_errors_that_vanish_at_points(tmp_path):
    problem = replace(declared(), error=ErrorMeasure(side="under"))
    certify(problem, 1.1).certificate.save(tmp_path / "c.json")
    functions = {"reference": lambda p: _opaque(p).tolist()}
    assert check(tmp_path / "c.json", values_of_problem(problem, 64), functions=functions).accepted


@pytest.mark.parametrize(("accuracy", "batch"), [(1e-3, 0.0), (1e-6, 1e-7)])
def test_the_witness_of_inaccurate_values_is_proved_again(accuracy, batch, tmp_path):
    """The checker's balls round radii to 30 bits, and the file holds the value at the witness taken alone."""

    def rounded(x):
        y = _opaque(x)
        return y * (1 - batch * (len(y) > 1))

    reference = with_bound(rounded, 4.0, stretch=1.5, accuracy=accuracy)
    problem = Problem(lambda x: x**2 + 0.5 * (1 + x), reference, Domain(x=(-1.0, 1.0)))
    certify(problem, 1.1).certificate.save(tmp_path / "c.json")
    said = check(tmp_path / "c.json")
    assert said.accepted, said.reason


def test_hashes_of_the_points_programs_count(saved, tmp_path):
    data = json.loads(saved.read_text())
    data["point_programs"][0]["nodes"][-1]["op"] = "min"
    data["digest"] = digest(data)
    (tmp_path / "c.json").write_text(json.dumps(data))
    assert "programs are not those" in mismatch(tmp_path / "c.json", PROBLEM)


def test_a_declared_function_may_differ_from_itself_by_its_accuracy(tmp_path):
    """In a batch it is too large, alone too small, both within what is declared: an honest file was rejected."""

    def loose(x):
        return _opaque(x) + (9e-4 if len(x) > 1 else -9e-4)

    problem = replace(declared(), reference=with_bound(loose, bound=4.0, stretch=1.5, accuracy=1e-3))
    certify(problem, 1.5).certificate.save(tmp_path / "c.json")
    verdict = check(
        tmp_path / "c.json", values_of_problem(problem), functions={"reference": lambda p: loose(p).tolist()}
    )
    assert verdict.accepted, verdict.reason


@pytest.mark.slow
@pytest.mark.slow
def test_branches_that_the_program_does_not_take_widen_what_is_allowed():
    torch = pytest.importorskip("torch")
    from supnorm.sources import from_torch

    layers = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Softplus(), torch.nn.Linear(3, 1)).double()
    with torch.no_grad():
        layers[0].weight.mul_(100.0)  # the branch begins where the argument is 20
    problem = Problem(from_torch(layers.eval()), wave, DOMAIN)
    x = problem.domain.from_unit(np.random.default_rng(1).random((50, 2)))
    y, f = problem.model.value(x), problem.reference.value(x)
    room = np.max(tie._branches(problem.model, problem.domain))
    rounding = tie.rounding_of(problem.model, y, x) + tie.rounding_of(problem.reference, f, x)
    assert room > 0
    assert tie._allowance(problem, y, f, x) == pytest.approx(float(np.max(rounding)) + room)
