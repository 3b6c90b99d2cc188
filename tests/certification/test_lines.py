"""Certificates in lines: the order of the leaves, writing, and going on from a file."""

import hashlib
import json
import random
from importlib import import_module

import jax.numpy as jnp
import numpy as np
import pytest

from supnorm.certification import LinearBounds, certify, mismatch
from supnorm.certification.bracket import Goal, Work
from supnorm.certification.lines import Cells
from supnorm.certification.resume import go_on, load_bracket, stated_upper
from supnorm.certification.shelf import Shelf
from supnorm.certification.tree_order import tree_order
from supnorm.evaluation.limit import Limit
from supnorm.problem import Domain, Problem
from supnorm.results import BadInput, Contradiction

certificates = import_module("supnorm.certification.certificate")
lines = import_module("supnorm.certification.lines")


def _wave(x):
    return jnp.exp(x[:, 0] * x[:, 1])


PROBLEM = Problem(lambda x: _wave(x) + 1.0 + 0.01 * x[:, 0], _wave, Domain(x=(0.0, 1.0), y=(0.0, 1.0)))
HOW = {"ratio": 1.03, "strategy": LinearBounds()}


@pytest.fixture(scope="module")
def certificate():
    return certify(PROBLEM, **HOW).certificate


@pytest.fixture
def in_lines(certificate, tmp_path, monkeypatch):
    """The certificate as a file in lines, and from now on every certificate is."""
    monkeypatch.setattr(certificates, "MANY", 1)
    monkeypatch.setattr(lines, "MOST_LEAVES", 8)
    path = tmp_path / "lines.json"
    certificate.save(path)
    return path


def _gone_on(path, error, shelf=None):
    go_on(Work(load_bracket(path, error, _all, shelf=shelf)), path, Goal(1.03, None), Limit())


def _all(x):
    return np.ones(len(x), dtype=bool)


def _random_tiling(d, count, rng):
    """Cells by random halvings, in any order; each with the level of one of the cells that it was cut from."""
    cells = [((0,) * d, (0,) * d, [(0,) * d])]
    while len(cells) < count:
        level, index, held = cells.pop(rng.randrange(len(cells)))
        axis = rng.randrange(d)
        deeper = tuple(v + (a == axis) for a, v in enumerate(level))
        better = [deeper] if rng.random() < 0.5 else held
        for side in (0, 1):
            cells.append(
                (deeper, tuple(2 * v + side if a == axis else v for a, v in enumerate(index)), better)
            )
    rng.shuffle(cells)
    return (np.array([cell[k] for cell in cells]).reshape(len(cells), d) for k in (0, 1, 2))


@pytest.mark.parametrize("d", [1, 2, 3])
def test_the_halvings_of_any_tiling_make_its_cells(d):
    rng = random.Random(d)
    for count in (1, 2, 3, 7, 40, 200):
        level, index, proved = _random_tiling(d, count, rng)
        order, cells = tree_order(level, index, proved), Cells(d)
        made = [cells.next(axes) for axes in order.halvings(0, count)]
        assert cells.whole
        assert sorted(order.rows) == list(range(count))
        assert made == [(level[k].tolist(), index[k].tolist()) for k in order.rows]
        assert order.halvings(count // 2, count) == order.halvings(0, count)[count // 2 :]
        again = np.array(rng.sample(range(count), count))
        other = tree_order(level[again], index[again], proved[again])
        assert again[other.rows].tolist() == order.rows.tolist()


@pytest.mark.parametrize("d", [2, 3])
def test_the_leaves_in_the_cell_of_a_proof_stand_together(d):
    rng = random.Random(d)
    for _ in range(20):
        level, index, proved = _random_tiling(d, 60, rng)
        rows = tree_order(level, index, proved).rows
        level, index, proved = level[rows], index[rows], proved[rows]
        for proof, place in zip(proved, index >> (level - proved), strict=True):
            above = np.maximum(level - proof, 0)
            inside = np.flatnonzero(((level >= proof) & (index >> above == place)).all(axis=1))
            assert len(inside) == inside[-1] - inside[0] + 1


def test_what_does_not_tile_the_box_is_not_written():
    level, index = np.array([[1], [1]]), np.array([[0], [0]])
    with pytest.raises(Contradiction, match="gap"):
        tree_order(level, index, level)
    level, index = np.array([[0], [1]]), np.array([[0], [0]])
    with pytest.raises(Contradiction, match="overlap"):
        tree_order(level, index, level)


def test_the_text_does_not_depend_on_the_order_of_the_leaves(certificate, in_lines, tmp_path):
    shuffled = np.random.default_rng(0).permutation(len(certificate.leaves))
    mixed = tmp_path / "mixed.json"
    certificates.Certificate(
        **{
            name: certificate.leaves.take(shuffled) if name == "leaves" else getattr(certificate, name)
            for name in certificate.__dataclass_fields__
        }
    ).save(mixed)
    assert mixed.read_bytes() == in_lines.read_bytes()


def test_few_leaves_and_declared_functions_stay_one_object(certificate, tmp_path, monkeypatch):
    certificate.save(tmp_path / "c.json")
    assert json.loads((tmp_path / "c.json").read_text())["schema"] == "supnorm.certificate/1"


def test_a_line_is_never_longer_than_the_reader_takes(certificate, in_lines, tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "LARGEST_LINE", 300)
    path = tmp_path / "short.json"
    certificate.save(path)
    assert max(map(len, path.read_bytes().splitlines(keepends=True)[1:])) <= 300
    assert len(load_bracket(path, certificate.error, _all).leaves) == len(certificate.leaves)


def test_a_run_goes_on_from_a_file_in_lines(certificate, in_lines, tmp_path):
    again = certify(PROBLEM, **HOW, boxes=0, resume=in_lines)
    assert again.status.code == "proved"
    assert not again.believed
    again.certificate.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == in_lines.read_bytes()
    assert mismatch(in_lines, PROBLEM) is None
    assert stated_upper(in_lines) == certificate.upper


def _sealed(rows):
    text = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)
    return text + f'{{"digest":"{hashlib.sha256(text.encode()).hexdigest()}"}}\n'


def _put(line, name, row, value):
    def change(rows):
        rows[line][name][row] = value

    return change


def _shorter(rows):
    for column in rows[-1].values():
        column.pop()
    rows[0]["leaves"] -= 1


BROKEN = {
    "a smaller bound": (_put(1, "upper", 3, (0.5).hex()), "does not follow from its proof"),
    "a bound that is none": (_put(1, "upper", 3, "nan"), "malformed"),
    "an axis below zero": (_put(1, "halvings", 0, [-1]), "not a whole"),
    "an axis too high": (_put(1, "halvings", 0, [2]), "not a whole"),
    "too deep": (_put(1, "halvings", 0, [0] * 60), "not a whole"),
    "a gap": (_shorter, "not a whole"),
    "no halvings": (lambda rows: rows[1].pop("halvings"), "not a whole"),
    "a line without leaves": (lambda rows: rows.insert(1, {k: [] for k in rows[1]}), "not a whole"),
    "a count too large": (lambda rows: rows[0].update(leaves=10**9), "not a whole"),
    "a count that is none": (lambda rows: rows[0].update(leaves="x"), "not a whole"),
    "a claim below its leaves": (
        lambda rows: rows[0].update(upper=(1.0).hex(), lower=(0.5).hex()),
        "not the largest",
    ),
    "another side": (lambda rows: rows[0].update(side="over"), "another model"),
}


@pytest.mark.parametrize("held", [10**9, 4], ids=["in memory", "in a file"])
@pytest.mark.parametrize("how", BROKEN)
def test_what_is_wrong_in_a_file_in_lines_is_said_in_one_line(how, held, certificate, in_lines):
    change, words = BROKEN[how]
    rows = [json.loads(row) for row in in_lines.read_text().splitlines()[:-1]]
    change(rows)
    in_lines.write_text(_sealed(rows))
    shelf = Shelf(2, len(certificate.error.alternatives))
    shelf.most = held
    with pytest.raises(BadInput, match=words) as caught:
        _gone_on(in_lines, certificate.error, shelf)
    assert str(in_lines) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("held", [10**9, 4], ids=["in memory", "in a file"])
def test_a_file_in_lines_that_was_cut_or_changed_is_refused(held, certificate, in_lines, monkeypatch):
    monkeypatch.setattr(import_module("supnorm.certification.shelf"), "HELD", held)
    whole = in_lines.read_text()
    for text in (
        whole[:-2],
        whole[: len(whole) // 2],
        whole.replace("[0]", "[1]", 1),
        whole + "\n",
        whole[:60],
    ):
        in_lines.write_text(text)
        with pytest.raises(BadInput, match="not a whole"):
            certify(PROBLEM, **HOW, boxes=0, resume=in_lines)
