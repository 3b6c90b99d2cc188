"""Going on with a saved certificate: a file that was tampered with, digest and all, is one line, never a proof."""

import json

import jax.numpy as jnp
import numpy as np
import pytest

from supnorm.certification import certify
from supnorm.certification.certificate import digest
from supnorm.certification.file_leaves import tiles
from supnorm.cli.main import run
from supnorm.problem import Domain, ErrorMeasure, Problem, with_bound
from supnorm.results import BadInput

PROBLEM = Problem(
    lambda x: jnp.sin(3 * x[:, 0]) * x[:, 1],
    lambda x: jnp.sin(3 * x[:, 0]) * x[:, 1] + 0.01 * jnp.tanh(5 * x[:, 1]),
    Domain(x=(-1.0, 1.0), y=(-1.0, 2.0)),
)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "certificate.json"
    result = certify(PROBLEM, ratio=1.01)
    assert len(result.certificate.boxes) > 8
    result.certificate.save(path)
    return path


def forged(saved, folder, change, sign=True):
    data = json.loads(saved.read_text())
    changed = change(data)
    data = data if changed is None else changed
    if sign:
        data["digest"] = digest(data)
    path = folder / "certificate.json"
    path.write_text(json.dumps(data))
    return path


def put(*keys):
    """A change that sets the value at the end of the path ``keys`` to the last of them."""

    def change(data):
        for key in keys[:-2]:
            data = data[key]
        data[keys[-2]] = keys[-1]

    return change


def drop_half(data):
    leaves = data["leaves"]
    count = len(leaves["level"]) // 2
    data["leaves"] = {k: v[:count] for k, v in leaves.items()}
    data["upper"] = max(data["leaves"]["upper"], key=float.fromhex)


def twice(data):
    data["leaves"] = {k: [*v, v[-1]] for k, v in data["leaves"].items()}


def small(data):
    """Every bound a third of what was proved."""
    upper = [(float.fromhex(v) / 3).hex() for v in data["leaves"]["upper"]]
    data["leaves"]["upper"] = upper
    data["upper"] = max(upper, key=float.fromhex)
    data["lower"] = (0.0).hex()


def small_without_witness(data):
    small(data)
    data["witness"] = None


TAMPERED = {
    "half of the domain is missing": (drop_half, "tile"),
    "a cell twice": (twice, "tile"),
    "a cell outside": (put("leaves", "index", 0, [10**6, 0]), "tile"),
    "negative index": (put("leaves", "index", 0, [-1, 0]), "index"),
    "lower above upper": (put("lower", (99.0).hex()), "lower <= upper"),
    "negative lower": (put("lower", (-1.0).hex()), "lower <= upper"),
    "lower not a number": (put("lower", "nan"), "lower <= upper"),
    "upper below its leaves": (put("upper", (0.0).hex()), "largest of the leaves"),
    "upper above its leaves": (put("upper", (99.0).hex()), "largest of the leaves"),
    "bounds below the witness": (small, "bounds are wrong: the error at"),
    "bounds below the error": (small_without_witness, "does not follow from its proof"),
    "bound not a number": (put("leaves", "upper", 0, "nan"), "upper"),
    "negative bound": (put("leaves", "upper", 0, (-1.0).hex()), "upper"),
    "leaves a list": (put("leaves", []), "malformed"),
    "no leaves": (lambda d: put("leaves", {k: [] for k in d["leaves"]})(d), "malformed"),
    "one bound too many": (lambda d: d["leaves"]["upper"].append("0x0p+0"), "malformed"),
    "a level too deep": (put("leaves", "level", 0, [60, 0]), "level"),
    "a level that no integer holds": (put("leaves", "level", 0, [10**30, 0]), "level"),
    "a broken level": (put("leaves", "level", 0, [0.5, 0]), "level"),
    "proof of another cell": (lambda d: put("leaves", "proof_level", [[40, 40]] * len(d["leaves"]["level"]))(d),
                              "proof_level"),
    "degrees of one column more": (lambda d: put("leaves", "degree", [[1, 1]] * len(d["leaves"]["level"]))(d),
                                   "degree"),
    "a degree too high": (put("leaves", "degree", 0, [1000]), "degree"),
    "a graded degree without rule": (
        lambda d: put("leaves", "graded", [[0]] * len(d["leaves"]["level"]))(d) or put("leaves", "degree", 0, [40])(d),
        "degree"),
    "rho a word": (put("leaves", "rho", 0, ["large"]), "malformed"),
    "rho not finite": (put("leaves", "rho", 0, [float("nan")]), "rho"),
    "negative rounding": (put("rounding", (-1.0).hex()), "rounding"),
    "a witness that is a string": (put("witness", "here"), "malformed"),
    "a witness of one coordinate": (put("witness", ["0x1p0"]), "witness"),
    "numbers instead of hex": (put("upper", 1.0), "malformed"),
    "a number that no float holds": (put("upper", "0x1p99999"), "malformed"),
    "declared without a function": (put("declared", [{}]), "another model"),
    "declared a number": (put("declared", 3), "malformed"),
    "no side": (lambda d: d.pop("side") and None, "malformed"),
    "another side": (put("side", "over"), "another model"),
    "a list": (lambda d: [d], "not a whole"),
    "another box": (put("high", 0, (0.5).hex()), "another model"),
}  # fmt: skip


@pytest.mark.sampled(4)
@pytest.mark.parametrize("how", TAMPERED)
def test_what_is_wrong_in_a_file_is_said_in_one_line(how, saved, tmp_path):
    change, words = TAMPERED[how]
    path = forged(saved, tmp_path, change, sign=how != "a list")
    with pytest.raises(BadInput, match=words) as caught:
        certify(PROBLEM, ratio=1.01, resume=path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["garbage", "[" * 100_000, "\ud800", "3", "null", '{"schema": []}'])
def test_a_file_that_is_no_certificate_is_one_line(text, tmp_path):
    path = tmp_path / "c.json"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(BadInput, match="not a whole"):
        certify(PROBLEM, resume=path)


def test_the_lower_bound_is_proved_again(saved, tmp_path):
    """Not taken from the file, nor a witness outside the domain; the search finds another one."""
    honest = certify(PROBLEM, ratio=1.01, resume=saved)
    claimed = forged(saved, tmp_path, lambda d: put("lower", d["upper"])(d))
    again = certify(PROBLEM, ratio=1.01, resume=claimed)
    assert 0.0099 < again.lower == honest.lower < again.upper == honest.upper
    outside = forged(saved, tmp_path, put("witness", [(0.0).hex(), (30.0).hex()]))
    found = certify(PROBLEM, ratio=1.01, resume=outside)
    assert found.lower <= found.upper
    assert -1.0 <= found.witness.x[1] <= 2.0


@pytest.mark.slow
def test_tampered_values_of_a_declared_function(tmp_path):
    calls = [0]

    def counted(x):
        calls[0] += 1
        return np.sin(np.array(x.tolist()))

    problem = Problem(
        lambda x: jnp.sin(x) + 0.01 * x, with_bound(counted, 4.0, stretch=1.5), Domain(x=(-1.0, 1.0))
    )
    saved = tmp_path / "saved.json"
    certify(problem, 1.1).certificate.save(saved)
    assert certify(problem, 1.1, resume=saved).upper < 0.012

    def values(change):
        def apply(data):
            held = data["declared"][0]["values"]
            change(held, next(iter(held)))

        return apply

    for change in (
        values(lambda held, name: held.update({name: {"shape": [1], "data": "AAAA"}})),
        values(lambda held, name: held.update({name: {"shape": [1, 1], "data": "AAAAAAAA+H8="}})),
        values(lambda held, name: held.update(nonsense=held[name])),
        values(lambda held, name: held.update({"0/0/9": held[name], "0/0/8": held[name]})),
        put("declared", 0, "values", 3),
        put("declared", 0, "weight", None),
    ):
        with pytest.raises(BadInput, match=r"malformed|another model"):
            certify(problem, 1.1, resume=forged(saved, tmp_path, change))
    with pytest.raises(BadInput, match="another model"):
        certify(problem, 1.1, resume=forged(saved, tmp_path, put("declared", 0, "bound", [(2.0).hex()])))


def _brute(level, index):
    """Whether every cell of the finest grid is covered once."""
    fine = level.max(0)
    counts = np.zeros(2**fine, dtype=int)
    for lev, ind in zip(level, index, strict=True):
        step = 2 ** (fine - lev)
        counts[tuple(slice(i * s, (i + 1) * s) for i, s in zip(ind, step, strict=True))] += 1
    return bool((counts == 1).all())


@pytest.mark.parametrize("d", [1, 2, 3])
def test_tilings_agree_with_a_count_of_fine_cells(d):
    rng = np.random.default_rng(d)
    seen = {True: 0, False: 0}
    for trial in range(200):
        level, index = np.zeros((1, d), dtype=np.int64), np.zeros((1, d), dtype=np.int64)
        for _ in range(rng.integers(0, 12)):
            row, axis = rng.integers(len(level)), rng.integers(d)
            if level[row, axis] >= 4:
                continue
            level[row, axis] += 1
            index[row, axis] *= 2
            other = index[row].copy()
            other[axis] += 1
            level, index = np.vstack([level, level[row]]), np.vstack([index, other])
        order = rng.permutation(len(level))
        level, index = level[order], index[order]
        if trial % 2:
            row = rng.integers(len(level))
            how = rng.integers(3)
            if how == 0 and len(level) > 1:
                level, index = np.delete(level, row, 0), np.delete(index, row, 0)
            elif how == 1:
                index[row, rng.integers(d)] ^= 1
                index = np.minimum(index, 2**level - 1)
            else:
                copied = rng.integers(len(level))
                level, index = level.copy(), index.copy()
                level[row], index[row] = level[copied], index[copied]
        answer = tiles(level, index)
        assert answer == _brute(level, index)
        seen[answer] += 1
    assert min(seen.values()) > 40


def test_cells_outside_do_not_tile():
    assert not tiles(np.array([[1], [1]]), np.array([[0], [2]]))
    assert not tiles(np.array([[1], [1]]), np.array([[0], [-1]]))
    assert not tiles(np.zeros((0, 2), dtype=np.int64), np.zeros((0, 2), dtype=np.int64))
    pinwheel = [(1, 0, 2, 1), (0, 1, 1, 2)]  # cells that no halving parts, as far as they go
    level = np.array([[a, b] for a, b, _, _ in pinwheel])
    assert not tiles(level, np.zeros_like(level))


@pytest.mark.slow
def test_the_verb_answers_with_exit_code_2(saved, tmp_path, capsys):
    (tmp_path / "m.py").write_text(
        "import jax.numpy as jnp\ndef f(x): return jnp.sin(x[:, 0])\ndef g(x): return f(x) + 0.01 * x[:, 0]\n"
    )
    problem = tmp_path / "problem.toml"
    problem.write_text(
        '[model]\npython = "m.py:g"\n[reference]\npython = "m.py:f"\n[domain]\nx = { low = 0.0, high = 1.0 }\n'
    )
    assert run(["certify", str(problem), "--out", str(tmp_path / "run"), "--quiet"]) == 0
    forged(tmp_path / "run" / "certificate.json", tmp_path / "run", put("leaves", []))
    capsys.readouterr()
    assert run(["certify", str(problem), "--out", str(tmp_path / "run"), "--resume"]) == 2
    said = capsys.readouterr().err
    assert "malformed certificate" in said
    assert said.count("\n") == 1


def test_a_careless_change_is_found_by_the_digest(saved, tmp_path):
    path = forged(saved, tmp_path, small_without_witness, sign=False)
    with pytest.raises(BadInput, match="not a whole"):
        certify(PROBLEM, ratio=1.01, resume=path)


def test_a_witness_that_does_not_count_is_no_lower_bound(tmp_path):
    """The file's witness is where the error is largest, and the mask of the problem leaves it out."""
    arguments = (lambda x: x[:, 0] ** 2, lambda x: 0.0 * x[:, 0], Domain(x=(0.0, 1.0)))
    certify(Problem(*arguments), ratio=1.01).certificate.save(tmp_path / "c.json")
    masked = Problem(*arguments, ErrorMeasure(mask=lambda x: x[:, 0] < 0.5))
    assert json.loads((tmp_path / "c.json").read_text())["witness"] == [(1.0).hex()]
    assert certify(masked, tolerance=2.0, resume=tmp_path / "c.json").lower <= 0.25


def test_a_proof_goes_on_with_the_seed_that_began_it_only(tmp_path):
    problem = Problem(
        lambda x: np.sin(3 * x[:, 0]), lambda x: np.sin(3 * x[:, 0]) + 1e-3, Domain(x=(0.0, 1.0))
    )
    path = tmp_path / "certificate.json"
    certify(problem, seed=3).certificate.save(path)
    assert json.loads(path.read_text())["seed"] == 3
    with pytest.raises(BadInput, match="begun with seed 3, but you ask for seed 4"):
        certify(problem, resume=path, seed=4)
    assert certify(problem, resume=path, seed=3).certificate.seed == 3
    # What it is worth is asked without a seed.
    assert certify(problem, resume=path, boxes=0).certificate.seed == 3
