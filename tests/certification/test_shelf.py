"""Boxes in a file instead of in memory: the same proof, byte for byte, and memory that does not grow with it."""

import copy
import errno
import os
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from importlib import import_module

import jax.numpy as jnp
import numpy as np
import pytest

from supnorm.certification import ComposedCertificate, LinearBounds, certify
from supnorm.certification.bracket import Bracket, Goal, Work
from supnorm.certification.choice import _Lane
from supnorm.certification.error_program import error_program
from supnorm.certification.file_leaves import tiles
from supnorm.certification.forecast import Tree
from supnorm.certification.leaf import Leaves
from supnorm.certification.lines import read_in_lines, text_in_lines
from supnorm.certification.obstacle import without_bound
from supnorm.certification.resume import go_on, load_bracket
from supnorm.certification.shelf import Shelf, Stored
from supnorm.certification.tightening import tighten_pending
from supnorm.checker import check
from supnorm.evaluation.limit import Limit
from supnorm.interrupts import INTERRUPTS
from supnorm.problem import Domain, Problem
from supnorm.results import BadInput, NotWritten

shelves = import_module("supnorm.certification.shelf")
queue = import_module("supnorm.certification.far")
file_leaves = import_module("supnorm.certification.file_leaves")
narrowing = import_module("supnorm.certification.narrowing")
certificates = import_module("supnorm.certification.certificate")
checkpoints = import_module("supnorm.certification.checkpoint")


def _wave(x):
    return jnp.exp(x[:, 0] * x[:, 1])


def _plane(model, **axes):
    return Problem(model, lambda x: 0.0 * x[:, 0], Domain(**axes))


ONE = Problem(lambda x: _wave(x) + 1.0, _wave, Domain(x=(0.0, 1.0), y=(0.0, 1.0)))
UNIT, MIRRORED = ({"x": (low, 1.0), "y": (low, 1.0)} for low in (0.0, -1.0))
# What happens to boxes: equal bounds (of mirrored boxes), a target that rises as witnesses are found, boxes without any
# bound, an end before the goal, and a tolerance that closes boxes early.
PROOFS = {
    "all wait to the end": (ONE, {"ratio": 1.002}),
    "equal bounds": (_plane(lambda x: jnp.cos(3 * x[:, 0]) * jnp.cos(3 * x[:, 1]), **MIRRORED), {"ratio": 1.004}),
    "a peak": (_plane(lambda x: 1 / (0.02 + (x[:, 0] - 0.3) ** 2 + (x[:, 1] - 0.6) ** 2), **UNIT), {"ratio": 1.00001}),
    "no bound at first": (_plane(lambda x: 1 / (0.01 + (x[:, 0] - x[:, 1]) ** 2), **UNIT), {"ratio": 1.2}),
    "a pole": (_plane(lambda x: 1 / (x[:, 0] - 0.3), **UNIT), {"ratio": 1.02, "boxes": 4000}),
    "cut short": (ONE, {"ratio": 1.001, "boxes": 600}),
    "cut short without any bound": (_plane(lambda x: 1 / (1e-4 + (x[:, 0] - x[:, 1]) ** 2), **UNIT), {"boxes": 400}),
    "a tolerance": (_plane(lambda x: jnp.sin(9 * x[:, 0] * x[:, 1]), **UNIT), {"tolerance": 1.01}),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    """Small steps, blocks and runs, so that a proof of some thousand boxes meets all of the rules."""
    monkeypatch.setattr(certificates, "MANY", 1)
    monkeypatch.setattr(narrowing, "BATCH", 8)
    monkeypatch.setattr(narrowing, "SHARE", 16)
    for name in ("shelf", "far", "tightening", "tree_file"):
        monkeypatch.setattr(import_module(f"supnorm.certification.{name}"), "BLOCK", 64)
    monkeypatch.setattr(queue, "MOST_RUNS", 4)
    monkeypatch.setattr(queue, "LEAST", 2)


def _proof(monkeypatch, held, problem, **how):
    monkeypatch.setattr(shelves, "HELD", held)
    how = {"strategy": LinearBounds(), **how}
    result = certify(problem, **how)
    expected = Leaves if held > len(result.certificate.leaves) else Stored
    assert isinstance(result.certificate.leaves, expected)
    return result


def _same(one, other, folder):
    """The two results are the same: files, and all that the record says but for the time."""
    paths = [folder / name for name in ("one.json", "other.json")]
    for result, path in zip((one, other), paths, strict=True):
        result.certificate.save(path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert one.record.changed(seconds=0.0) == other.record.changed(seconds=0.0)
    return paths[0]


@pytest.mark.parametrize("held", [10, 80])
@pytest.mark.parametrize("name", PROOFS)
def test_a_proof_in_a_file_is_the_proof_in_memory(name, held, monkeypatch, tmp_path):
    problem, how = PROOFS[name]
    whole = _proof(monkeypatch, 10**9, problem, **how)
    assert len(whole.certificate.leaves) > 160
    _same(whole, _proof(monkeypatch, held, problem, **how), tmp_path)


def test_two_strategies_in_turn_make_the_same_proof(monkeypatch, tmp_path):
    problem = Problem(
        lambda x: x[:, 0] * x[:, 1] / (0.1 + x[:, 2]) + 0.3 * jnp.sin(3 * x[:, 0]),
        lambda x: 0.0 * x[:, 0],
        Domain(x=(0.0, 1.0), y=(0.0, 1.0), z=(0.0, 1.0)),
    )
    results = [
        _proof(monkeypatch, held, problem, ratio=1.00001, boxes=9000, strategy=strategy)
        for strategy in (None, ComposedCertificate())
        for held in (10**9, 100)
    ]
    _same(*results[:2], tmp_path)
    _same(*results[2:], tmp_path)


@pytest.mark.parametrize("held", [20, 100])
@pytest.mark.parametrize("name", ["all wait to the end", "cut short", "a pole"])
def test_going_on_from_a_file_is_the_same_in_memory_and_not(name, held, monkeypatch, tmp_path):
    problem, how = PROOFS[name]
    begun = tmp_path / "begun.json"
    _proof(monkeypatch, held, problem, **{**how, "boxes": 600}).certificate.save(begun)
    how = {**how, "boxes": 1200, "resume": begun}
    _same(_proof(monkeypatch, 10**9, problem, **how), _proof(monkeypatch, held, problem, **how), tmp_path)
    how["boxes"], told = 0, {10**9: [], held: []}
    _same(*(_proof(monkeypatch, most, problem, **how, observer=told[most].append) for most in told), tmp_path)
    assert told[held][-1] == told[10**9][-1]  # how many bounds were proved again


def test_a_file_of_one_object_is_gone_on_with_too(monkeypatch, tmp_path):
    path = tmp_path / "object.json"
    monkeypatch.setattr(certificates, "MANY", 10**9)
    _proof(monkeypatch, 10**9, ONE, ratio=1.01).certificate.save(path)
    monkeypatch.setattr(certificates, "MANY", 1)
    how = {"ratio": 1.002, "resume": path}
    _same(_proof(monkeypatch, 10**9, ONE, **how), _proof(monkeypatch, 40, ONE, **how), tmp_path)


def test_an_interrupted_proof_goes_on_from_its_checkpoint(monkeypatch, tmp_path):
    monkeypatch.setattr(checkpoints, "EVERY", 0.0)
    monkeypatch.setattr(checkpoints, "SHARE", 0.0)
    kept, copies = tmp_path / "checkpoint.json", []

    def stop(event):
        if kept.exists():
            copies.append(shutil.copy(kept, tmp_path / f"{len(copies)}.json"))
        if event.boxes > 1500:
            raise KeyboardInterrupt

    cut = _proof(monkeypatch, 100, ONE, ratio=1.002, observer=stop, checkpoint=kept)
    assert cut.status.code == "interrupted"
    assert check(_saved(cut, tmp_path / "cut.json")).accepted
    assert len(copies) > 10
    for kept in (copies[3], copies[-1]):
        monkeypatch.setattr(shelves, "HELD", 100)
        result = certify(ONE, ratio=1.002, strategy=LinearBounds(), resume=kept)
        assert result.status.code == "proved"
        assert check(_saved(result, tmp_path / "end.json")).accepted


def _saved(result, path):
    result.certificate.save(path)
    return path


@pytest.mark.slow
def test_a_proof_that_was_killed_goes_on_from_its_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "checkpoint.json"
    code = f"""
from importlib import import_module
import jax.numpy as jnp
from supnorm.certification import LinearBounds, certify
from supnorm.problem import Domain, Problem
import_module("supnorm.certification.shelf").HELD = 2000
import_module("supnorm.certification.certificate").MANY = 1
checkpoint = import_module("supnorm.certification.checkpoint")
checkpoint.EVERY = checkpoint.SHARE = 0.0
wave = lambda x: jnp.exp(x[:, 0] * x[:, 1])
problem = Problem(lambda x: wave(x) + 1.0, wave, Domain(x=(0.0, 1.0), y=(0.0, 1.0)))
certify(problem, ratio=1.0001, boxes=10**8, strategy=LinearBounds(), checkpoint={str(path)!r})
"""
    work = subprocess.Popen([sys.executable, "-c", code])
    until = time.monotonic() + 60.0
    while not path.exists() or path.stat().st_size < 300_000:  # about 8,000 boxes
        assert work.poll() is None
        assert time.monotonic() < until
        time.sleep(0.005)
    work.send_signal(signal.SIGKILL)
    work.wait()
    left = {p.name for p in tmp_path.iterdir()} - {path.name}
    assert all(name.startswith(f".{path.name}.") for name in left), "the boxes are in no file with a name"
    result = _proof(monkeypatch, 2000, ONE, ratio=1.0003, resume=path)
    assert result.status.code == "proved"


def test_tightening_in_a_file_bounds_what_is_left_and_keeps_it_waiting(monkeypatch):
    monkeypatch.setattr(shelves, "HELD", 50)
    error = error_program(ONE)
    goal, strategy = Goal(1.0005, None), LinearBounds()
    uppers = []
    for shelf in (None, Shelf(2, len(error.alternatives))):
        work = Work(Bracket(error, Leaves.root(2, len(error.alternatives)), lower=1.0, shelf=shelf))
        limit = Limit(evaluations=1000)
        assert narrowing.narrow(work, strategy, goal, lambda t: None, limit, None, lambda e: None) == "boxes"
        before, waiting = work.bracket.upper, work.bracket.waiting
        assert waiting > 200
        tighten_pending(work, strategy, Goal(1.0005 / 2, None), Limit())
        assert work.bracket.upper < before
        leaves = work.bracket.leaves
        assert isinstance(leaves, Leaves) == (shelf is None)
        assert tiles(leaves.boxes.level, leaves.boxes.index)
        uppers.append(sorted(leaves.boxes.upper.tolist()))
        limit = Limit(evaluations=100_000)
        assert narrowing.narrow(work, strategy, goal, lambda t: None, limit, None, lambda e: None) == "proved"
        assert work.bracket.upper <= 1.0005
    assert uppers[0] == uppers[1]


def test_a_witness_that_ends_the_work_closes_what_is_in_the_file(monkeypatch):
    """The target rises above the bounds of all that is pending."""
    monkeypatch.setattr(shelves, "HELD", 20)
    error, seen = error_program(ONE), []
    shelf = Shelf(2, len(error.alternatives))
    work = Work(Bracket(error, Leaves.root(2, len(error.alternatives)), lower=0.9, shelf=shelf))

    def found(points):
        if work.bracket.tried > 600:
            seen.append(len(work.bracket.far))
            work.bracket = replace(work.bracket, lower=1.0)

    goal, limit = Goal(1.05, None), Limit(evaluations=10_000)
    assert narrowing.narrow(work, LinearBounds(), goal, found, limit, None, lambda e: None) == "proved"
    assert seen[0] > 100
    bracket = work.bracket
    assert not bracket.waiting
    boxes = bracket.leaves.boxes
    assert tiles(boxes.level, boxes.index)
    for target in (1.0, 1.02, bracket.upper, 2.0):
        assert bracket.proved_volume(target) == boxes.volume()[boxes.upper <= target].sum()


def test_bounds_that_are_not_proved_again_are_counted_in_a_file(monkeypatch, tmp_path):
    path = tmp_path / "c.json"
    _proof(monkeypatch, 10**9, ONE, ratio=1.01).certificate.save(path)
    monkeypatch.setattr(shelves, "HELD", 50)
    error = error_program(ONE)
    shelf = Shelf(2, len(error.alternatives))
    bracket = load_bracket(path, error, lambda x: np.ones(len(x), dtype=bool), shelf=shelf)
    total = len(bracket.leaves)
    assert bracket.believed == total == bracket.waiting
    work = Work(bracket)
    go_on(work, path, Goal(1.01, None), Limit.of(0.0))
    assert work.bracket.believed == total
    assert work.bracket.proved_volume(1.01) == 0.0
    go_on(Work(bracket), path, Goal(1.01, None), Limit())
    assert not bracket.believed
    assert bracket.proved_volume(1.01) == 1.0


def test_few_boxes_have_no_file(monkeypatch):
    made = []
    monkeypatch.setattr(shelves.tempfile, "TemporaryFile", lambda **how: made.append(how))
    certify(ONE, ratio=1.05, strategy=LinearBounds())
    assert not made


@pytest.mark.parametrize("room", [0, 300, 2500, 7001, 20_000])
def test_a_full_disk_ends_the_work_with_what_is_proved(room, monkeypatch, tmp_path):
    """So many bytes fit, which may end within a record. The proof so far holds, and a run goes on from it."""
    left, real = [room], os.pwrite

    def pwrite(file, data, at):
        count = min(left[0], len(data))
        left[0] -= count
        if count == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(file, data[:count], at)

    whole = _proof(monkeypatch, 10**9, ONE, ratio=1.002)
    monkeypatch.setattr(os, "pwrite", pwrite)
    monkeypatch.setattr(shelves, "HELD", 40)
    how = {"ratio": 1.002, "strategy": LinearBounds()}
    part = certify(ONE, **how, checkpoint=tmp_path / "checkpoint.json")
    assert part.status.code == "interrupted"
    assert f"Stopped: {tmp_path} cannot be written: No space left on device; save" in part.status.advice
    assert "\n" not in part.status.advice
    assert 0 < part.tried < whole.tried
    assert whole.lower <= part.upper < np.inf
    if isinstance(part.certificate.leaves, Stored):
        with pytest.raises(NotWritten, match="No space left"):
            part.certificate.save(tmp_path / "part.json")
    left[0] = 10**9
    part.certificate.save(tmp_path / "part.json")
    assert check(tmp_path / "part.json").accepted
    again = certify(ONE, **how, resume=tmp_path / "part.json")
    assert again.status.code == "proved"
    assert again.upper == whole.upper


def test_a_work_that_has_a_proof_as_a_part_hears_of_the_full_disk(monkeypatch, tmp_path):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shelves, "HELD", 40)
    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(NotWritten, match="No space left"), INTERRUPTS.handed_on():
        certify(ONE, ratio=1.002, strategy=LinearBounds(), checkpoint=tmp_path / "checkpoint.json")


def test_the_order_in_the_file_is_that_of_memory(tmp_path):
    """Boxes with few different bounds and depths, so that most are equal, come and go at random."""
    rng = np.random.default_rng(3)
    error = error_program(ONE)
    shelf = Shelf(2, len(error.alternatives))
    shelf.most = 20
    root = Leaves.root(2, len(error.alternatives))
    for _ in range(20):
        held, number, bracket = [], 0, Bracket(error, root.take(np.arange(0)), shelf=shelf)
        for _ in range(25):
            count = int(rng.integers(1, 30))
            level = rng.integers(0, 3, (count, 2))
            upper = rng.choice([1.0, 2.0, np.inf], count)
            new = root.take(np.zeros(count, dtype=int))
            boxes = type(new.boxes)(level, number + np.arange(2 * count).reshape(count, 2), upper)
            number += 2 * count
            new = Leaves(boxes, new.proof, level)
            held += [
                (-u, -sum(k) if np.isinf(u) else 0, i[0])
                for u, k, i in zip(upper.tolist(), level.tolist(), boxes.index.tolist(), strict=True)
            ]
            held.sort()
            bracket = bracket.with_halves(bracket.pending, new).shelved()
            assert len(bracket.pending) <= shelf.most
            assert bracket.waiting == len(held) == sum(bracket.far.depths.values()) + len(bracket.pending)
            most = int(rng.integers(1, 40))
            bracket = bracket.fetched(most)
            near = bracket.pending
            order = queue.worst_first(near.boxes.upper, near.boxes.level)
            expected, held = held[:most], held[most:]
            assert near.boxes.index[order[:most], 0].tolist() == [key[2] for key in expected]
            bracket = bracket.with_halves(near.take(order[most:]), near.take(order[:0]))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the unit of the largest memory is another one")
def test_memory_does_not_grow_with_the_boxes(tmp_path):
    """Of 130,000 boxes 4,096 may stay in memory. All of them take 57 MB."""
    code = f"""
import resource
from importlib import import_module
import jax.numpy as jnp
from supnorm.certification import LinearBounds, certify
from supnorm.problem import Domain, Problem
import_module("supnorm.certification.shelf").HELD = 4096
narrowing = import_module("supnorm.certification.narrowing")
narrowing.MOST = narrowing.LEAST = 8  # batches of a step
wave = lambda x: jnp.exp(x[:, 0] * x[:, 1])
problem = Problem(lambda x: wave(x) + 1.0, wave, Domain(x=(0.0, 1.0), y=(0.0, 1.0)))
path, how = {str(tmp_path / "c.json")!r}, dict(strategy=LinearBounds(), boxes=10**7)
memory = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
certify(problem, ratio=1.001, **how).certificate.save(path)
before = memory()
certificate = certify(problem, ratio=1.0 + 1.2e-5, **how).certificate
certificate.save(path)
print(len(certificate.leaves), (memory() - before) / 1024)
del certificate
again = certify(problem, ratio=1.0 + 1.2e-5, resume=path, **how)
assert again.status.code == "proved" and not again.believed
print(len(again.certificate.leaves), (memory() - before) / 1024)
"""
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    for line in told.splitlines():
        count, megabytes = line.split()
        assert int(count) > 130_000
        assert float(megabytes) < 25.0, told


def _stored():
    """A tiling of 1,024 boxes in a file."""
    leaves = Leaves.root(2, 1)
    for depth in range(10):
        leaves = leaves.split(np.full(len(leaves), depth % 2))
    shelf = Shelf(2, 1)
    shelf.most = 20
    return Stored(shelf, (shelf.put(shelf.records(leaves, np.arange(len(leaves)))),))


def _text(leaves):
    return b"".join(text_in_lines({"names": ["x", "y"]}, leaves))


def test_threads_read_a_proof_in_a_file_at_the_same_time():
    """A place in the file that all readers share would be moved by one while another reads."""
    leaves = _stored()
    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(_text, [leaves] * 8)) == {_text(leaves.whole)}


def test_a_forked_process_reads_a_proof_in_a_file(tmp_path):
    leaves = _stored()
    text = _text(leaves)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # JAX has threads
        child = os.fork()
    if child == 0:
        with suppress(BaseException):
            os._exit(0 if {_text(leaves) for _ in range(5)} == {text} else 1)
        os._exit(1)
    assert {_text(leaves) for _ in range(5)} == {text}
    assert os.waitpid(child, 0)[1] == 0


def test_a_forked_process_does_not_write_into_the_file_of_another(monkeypatch):
    leaves = _stored()
    monkeypatch.setattr(os, "getpid", lambda: 0)
    with pytest.raises(NotWritten, match="another process"):
        leaves.shelf.put(next(leaves.blocks()))


def test_a_copy_of_a_proof_in_a_file_is_in_memory():
    leaves = _stored()
    for other in (pickle.loads(pickle.dumps(leaves)), copy.deepcopy(leaves)):
        assert isinstance(other, Leaves)
        assert np.array_equal(other.boxes.index, leaves.boxes.index)


def test_without_any_folder_of_temporary_files_work_ends_with_what_is_proved(monkeypatch):
    def none():
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "_get_default_tempdir", none)
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(shelves, "HELD", 20)
    part = certify(ONE, ratio=1.005, strategy=LinearBounds())
    assert part.status.code == "interrupted"
    assert (
        "Stopped: a temporary file of boxes cannot be written: No usable temporary directory"
        in part.status.advice
    )


def test_the_choice_of_a_strategy_counts_boxes_in_the_file(monkeypatch):
    """All boxes of a file that is gone on with wait on the shelf."""
    error = error_program(ONE)
    root = Leaves.root(2, len(error.alternatives))
    boxes = root.take(np.zeros(100, dtype=int))
    tree = Tree().with_batch(np.zeros(8, dtype=int), np.arange(8) < 4)
    whole = Bracket(error, boxes, tree=tree)
    shelf = Shelf(2, len(error.alternatives))
    shelf.most = 20
    part = replace(whole, shelf=shelf).shelved()
    assert len(part.pending) < 20
    left = [_Lane(LinearBounds(), b, 1.0, lambda event: None).left for b in (whole, part)]
    assert left[0] == left[1] > 100


def test_the_leaves_that_are_ordered_are_once_in_a_file(monkeypatch):
    """Leaves around a corner: each halving of a group takes a few of them off. The file once had 14 records a leaf."""
    made, another = [], Shelf.another
    monkeypatch.setattr(Shelf, "another", lambda self, folder: made.append(another(self, folder)) or made[-1])
    leaves = Leaves.root(2, 1)
    for depth in range(40):
        at_corner = np.arange(len(leaves)) == 0
        leaves = leaves.take(at_corner).split(np.array([depth % 2])).join(leaves.take(~at_corner))
    rows = np.random.default_rng(1).permutation(len(leaves))
    shelf = Shelf(2, 1)
    shelf.most = 5
    stored = Stored(shelf, (shelf.put(shelf.records(leaves.take(rows), rows)),))
    assert _text(stored) == _text(leaves)
    assert made[-1].length == len(leaves)


def test_a_proof_in_a_file_is_saved_where_there_is_room(tmp_path):
    """The folder of the run is full or gone, and the proof is written elsewhere."""
    (tmp_path / "gone").write_text("")
    leaves = _stored()
    leaves.shelf._folder = tmp_path / "gone" / "run"
    error = error_program(ONE)
    certificate = certificates.Certificate(error, ONE.domain, leaves, 0.0, None, (), {})
    certificate.save(tmp_path / "elsewhere" / "c.json")
    assert read_in_lines(tmp_path / "elsewhere" / "c.json")["upper"] == "inf"


def test_a_full_disk_ends_tightening_and_keeps_what_is_proved(monkeypatch):
    error = error_program(ONE)
    shelf = Shelf(2, len(error.alternatives))
    shelf.most = 50
    work = Work(Bracket(error, Leaves.root(2, len(error.alternatives)), lower=1.0, shelf=shelf))
    goal, limit = Goal(1.0005, None), Limit(evaluations=600)
    narrowing.narrow(work, LinearBounds(), goal, lambda t: None, limit, None, lambda e: None)
    before = work.bracket
    assert before.far

    def full(records):
        raise NotWritten("full")

    monkeypatch.setattr(shelf, "put", full)
    tighten_pending(work, LinearBounds(), goal, Limit())
    assert work.bracket is before


def test_a_large_file_about_another_problem_is_not_held_in_memory(monkeypatch, tmp_path):
    path = tmp_path / "c.json"
    _proof(monkeypatch, 10**9, ONE, ratio=1.01).certificate.save(path)
    monkeypatch.setattr(file_leaves, "read_in_lines", None)
    other = error_program(_plane(lambda x: x[:, 0], x=(0.0, 1.0)))
    shelf = Shelf(1, len(other.alternatives))
    shelf.most = 50
    with pytest.raises(BadInput, match="start without resume"):
        load_bracket(path, other, lambda x: np.ones(len(x), dtype=bool), shelf=shelf)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(BadInput, match="not a whole"):
        load_bracket(path, other, lambda x: np.ones(len(x), dtype=bool), shelf=shelf)


def test_many_short_lines_are_collected_without_counting_them_again():
    """A legal file may have one leaf in a line: to count all of them for each took time that grew with their square."""
    asked = []

    class One(list):
        def __len__(self):
            asked.append(1)
            return super().__len__()

    gathered = queue._Gathered(10**6)
    for _ in range(1000):
        assert not list(gathered.with_more(One([1])))
    assert len(asked) <= 3000
    assert len(next(gathered.rest())) == 1000
    assert not list(gathered.rest())


def test_which_boxes_are_looked_at_does_not_depend_on_where_they_are():
    """Equal ones: their points are compared with the functions as they run, and a message names the smallest one."""
    stored = _stored()
    leaves, rng = stored.whole, np.random.default_rng(2)
    boxes = replace(leaves.boxes, upper=rng.choice([1.0, 2.0, np.inf], len(leaves)))
    leaves = replace(leaves, boxes=boxes)
    some = leaves.take(rng.permutation(len(leaves)))
    shelf = stored.shelf
    parts = np.array_split(np.arange(len(some)), 5)
    pieces = [some.take(part) for part in parts]
    stretches = (
        shelf.put(shelf.records(piece, part)) for piece, part in zip(pieces[1:], parts[1:], strict=True)
    )
    mixed = Stored(shelf, (pieces[0], *stretches))
    for count in (1, 7, 400, 2000):
        expected, found = (
            shelves.largest_by(v, lambda p: p.boxes.upper, count).boxes for v in (leaves, mixed)
        )
        assert np.array_equal(expected.index, found.index)
        assert expected.upper.tolist() == sorted(boxes.upper.tolist(), reverse=True)[:count]
    assert without_bound(ONE, error_program(ONE), leaves) == without_bound(ONE, error_program(ONE), mixed)
