"""Certificates in lines: what is true is accepted, each forgery of the form is refused, and each rule is needed."""

import hashlib
import json
import random
import re
from dataclasses import replace
from importlib import import_module

import jax.numpy as jnp
import numpy as np
import pytest

from supnorm.certification import LinearBounds, certify
from supnorm.certification.lines import text_in_lines
from supnorm.checker import TooCostly, check, leaves, lines, sharing
from supnorm.checker.document import read
from supnorm.checker.leaf import Leaf
from supnorm.checker.rejected import Rejected
from supnorm.checker.tiling import verify_tiling
from supnorm.checker.tree import Tree
from supnorm.cli.main import run
from supnorm.problem import Domain, Problem

written = import_module("supnorm.certification.lines")


@pytest.fixture(scope="module")
def certificate():
    """Of 1 + x y/100, written so that many boxes are needed; it is largest at the end of both axes."""

    def wave(x):
        return jnp.exp(x[:, 0] * x[:, 1])

    problem = Problem(
        lambda x: wave(x) + 1.0 + 0.01 * x[:, 0] * x[:, 1], wave, Domain(x=(0.0, 1.0), y=(0.0, 1.0))
    )
    return certify(problem, ratio=1.03, strategy=LinearBounds()).certificate


@pytest.fixture(scope="module")
def honest(certificate):
    """Its head and its lines of leaves, eight in each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(written, "MOST_LEAVES", 8)
        content = certificate._content(lines.SCHEMA, len(certificate.leaves))
        text = b"".join(text_in_lines(content, certificate.leaves))
    head, *blocks, _ = text.splitlines()
    assert 4 < len(blocks) < 16
    return json.loads(head), [json.loads(block) for block in blocks]


def _text(head, blocks):
    rows = [json.dumps(v, separators=(",", ":")) + "\n" for v in (head, *blocks)]
    return _sealed("".join(rows))


def _sealed(text):
    seal = hashlib.sha256(text.encode()).hexdigest()
    return text + f'{{"digest":"{seal}"}}\n'


def _file(tmp_path, text):
    path = tmp_path / "lines.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def _checked(tmp_path, honest, change=lambda head, blocks: None):
    head, blocks = json.loads(json.dumps(honest))
    change(head, blocks)
    return check(_file(tmp_path, _text(head, blocks)))


def test_the_honest_file_is_accepted_and_says_what_the_one_object_says(tmp_path, honest, certificate):
    in_lines = _checked(tmp_path, honest)
    certificate.save(tmp_path / "one.json")
    one = check(tmp_path / "one.json")
    assert in_lines.accepted
    assert replace(in_lines, seconds=0.0, cost=None) == replace(one, seconds=0.0, cost=None)
    assert in_lines.cost.operations == pytest.approx(one.cost.operations, rel=0.01)
    assert check(tmp_path / "lines.json", arbitrary=True).accepted


def test_the_observer_hears_of_all_leaves(tmp_path, honest):
    head, blocks = honest
    seen = []
    assert check(_file(tmp_path, _text(head, blocks)), observer=lambda *n: seen.append(n)).accepted
    assert seen[-1] == (head["leaves"], head["leaves"])


def _every(name, value):
    def change(head, blocks):
        for block in blocks:
            block[name] = [value] * len(block["upper"])

    return change


def _leaf(name, value, block=1, row=3):
    def change(head, blocks):
        blocks[block][name][row] = value

    return change


def _head(**values):
    return lambda head, blocks: head.update(values)


def _without(block, row, count=-1):
    def change(head, blocks):
        for column in blocks[block].values():
            del column[row]
        head["leaves"] += count

    return change


def _doubled(block, row, count=1, axes=None):
    def change(head, blocks):
        for name, column in blocks[block].items():
            column.insert(row, axes if name == "halvings" and axes is not None else column[row])
        head["leaves"] += count

    return change


def _moved(head, blocks):
    blocks[1]["upper"][0], blocks[-1]["upper"][-1] = blocks[-1]["upper"][-1], blocks[1]["upper"][0]


def _smaller(head, blocks):
    most = 0.5 * float.fromhex(head["lower"])
    head.update(upper=most.hex(), lower=(0.0).hex(), witness=None)
    for block in blocks:
        block["upper"] = [min(most, float.fromhex(v)).hex() for v in block["upper"]]


def _empty(head, blocks):
    blocks.insert(1, {name: [] for name in blocks[0]})


def _joined(head, blocks):
    while len(blocks) > 1:
        for name, column in blocks.pop(1).items():
            blocks[0][name] += column


def _wide(head, blocks):
    """So many axes that the cells of a line would fill the memory, although no line is long."""
    d = 2**14
    for key in ("low", "high", "axis_low", "axis_high"):
        head[key] = [head[key][0]] * d
    head.update(names=[f"x{i}" for i in range(d)], log=[False] * d, units=[""] * d)
    for key in ("programs", "point_programs"):
        for program in head[key]:
            program["nodes"][0]["width"] = d
    head["hashes"] = [
        hashlib.sha256(json.dumps(p, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
        for p in head["programs"]
    ]
    blocks[:] = [{name: (column * 3)[:17] for name, column in blocks[0].items()}]
    head["leaves"] = 17


FORGERIES = {
    "the last leaf is missing": (_without(-1, -1), "gap"),
    "the first leaf is missing": (_without(0, 0), "overlap"),
    "a leaf is missing": (_without(2, 5), "gap|proved"),
    "a leaf is missing and the count is not changed": (_without(2, 5, 0), "columns of a line"),
    "a line is missing": (lambda h, b: (b.pop(2), _head(leaves=h["leaves"] - 8)(h, b)), "overlap"),
    "a leaf twice": (_doubled(-1, -1), "overlap"),
    "a leaf twice, cut no further": (_doubled(1, 1, axes=[]), "overlap|proved"),
    "a leaf twice and the count is not changed": (_doubled(1, 1, 0), "too many"),
    "a line twice": (lambda h, b: (b.append(b[-1]), _head(leaves=h["leaves"] + len(b[-1]["upper"]))(h, b)), "overlap"),
    "lines in another order": (lambda h, b: b.reverse(), "overlap|gap|proved"),
    "claims in another order": (_moved, "proved"),
    "all leaves in one line of a smaller count": (lambda h, b: (_joined(h, b), _head(leaves=8)(h, b)), "too many"),
    "a smaller bound": (_smaller, "proved"),
    "one leaf that covers the box": (
        lambda h, b: (_smaller(h, b), b.__setitem__(slice(None), [{k: [v[0]] for k, v in b[0].items()}]),
                      _leaf("halvings", [], 0, 0)(h, b), _head(leaves=1)(h, b)), "proved"),
    "one halving less": (_leaf("halvings", [], 0, 0), "overlap"),
    "one halving more": (lambda h, b: b[0]["halvings"][0].append(0), "gap|proved"),
    "an axis too high": (_leaf("halvings", [2]), "axis that does not exist"),
    "an axis below zero": (_leaf("halvings", [-1]), "axis that does not exist"),
    "an axis that is a truth value": (_leaf("halvings", [True]), "axis that does not exist"),
    "an axis that is no whole number": (_leaf("halvings", [0.0]), "axis that does not exist"),
    "halvings that are a text": (_leaf("halvings", "01"), "malformed leaf"),
    "halvings that are one number": (_leaf("halvings", 0), "malformed leaf"),
    "a leaf that is too deep": (_leaf("halvings", [0] * 1001), "deeper"),
    "halvings of no list": (lambda h, b: b[1].update(halvings={}), "too many"),
    "a line without leaves": (_empty, "without leaves"),
    "levels beside the halvings": (_every("level", [0, 0]), "columns"),
    "places beside the halvings": (_every("index", [0, 0]), "columns"),
    "a column that does not exist": (_every("claim", 0), "columns"),
    "a column too short": (lambda h, b: b[1]["rho"].pop(), "malformed"),
    "no column of grids": (lambda h, b: b[1].pop("grid"), "columns"),
    "a line that is a list": (lambda h, b: b.__setitem__(1, []), "columns"),
    "a leaf above the bound": (_leaf("upper", (9.0).hex()), "below that of a leaf"),
    "a bound that is no number": (_leaf("upper", "nan"), "below that of a leaf"),
    "a bound below zero": (_leaf("upper", (-1.0).hex()), "proved"),
    "a bound in another spelling": (_leaf("upper", "0x1p+0"), "normal form"),
    "a proof on a smaller cell": (_every("proof_level", [900, 900]), "does not contain"),
    "a proof on a larger cell": (lambda h, b: (_smaller(h, b), _every("proof_level", [0, 0])(h, b)), "proved"),
    "too many bits": (_every("bits", [513]), "bits"),
    "a count of zero": (_head(leaves=0), "no leaves"),
    "a count below zero": (_head(leaves=-5), "no leaves"),
    "a count that is true": (_head(leaves=True), "whole number"),
    "a count that is a text": (_head(leaves="50"), "whole number"),
    "a count that is no whole number": (_head(leaves=50.0), "whole number"),
    "a count too small": (lambda h, b: _head(leaves=h["leaves"] - 1)(h, b), "too many"),
    "a count too large": (lambda h, b: _head(leaves=h["leaves"] + 1)(h, b), "columns of a line"),
    "no count": (lambda h, b: h.pop("leaves"), "malformed"),
    "a bound of the head that is smaller": (lambda h, b: _head(upper=h["lower"])(h, b), "below that of a leaf"),
    "a digest in the head": (_head(digest="0" * 64), "keys"),
    "declared functions": (_head(declared=[]), "keys"),
    "a key that does not exist": (_head(claim=1), "keys"),
    "so many axes that a line fills the memory": (_wide, "too many"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "reason"), FORGERIES.values(), ids=FORGERIES)
def test_a_forgery_is_rejected(tmp_path, honest, change, reason):
    verdict = _checked(tmp_path, honest, change)
    assert not verdict.accepted
    assert re.search(reason, verdict.reason), verdict.reason


def _twice(text):
    return text.replace('"grid":', '"grid":[],"grid":', 1)


TEXTS = {
    "without a digest": (lambda text: text[: text.rindex('{"digest"')], "ends before"),
    "without the last line break": (lambda text: text[:-1], "ends before"),
    "a half": (lambda text: text[: len(text) // 2], "ends before"),
    "the head alone": (lambda text: text[: text.index("\n") + 1], "ends before"),
    "a half of the head": (lambda text: text[: text.index("\n") // 2], "ends before"),
    "more after the digest": (lambda text: text + "{}\n", "after the digest"),
    "a line break after the digest": (lambda text: text + "\n", "after the digest"),
    "two digests": (lambda text: text + text[text.rindex('{"digest"') :], "after the digest"),
    "a digest in capitals": (lambda text: text[:-67] + text[-67:-3].upper() + text[-3:], "digest"),
    "a space in the last line": (lambda text: text.replace('{"digest":', '{"digest": '), "digest"),
    "changed and not sealed": (lambda text: text.replace('"notes":[]', '"notes":[""]', 1), "digest"),
    "a leaf changed and not sealed": (lambda text: text.replace('"grid":[[0]', '"grid":[[2]', 1), "digest"),
    "no JSON": (lambda text: _sealed(text.replace('"grid":', "grid:", 1)), "not JSON"),
    "a key twice": (lambda text: _sealed(_twice(text[: text.rindex('{"digest"')])), "not JSON"),
    "other line breaks": (lambda text: text.replace("\n", "\r\n"), "digest"),
    "a long line": (lambda text: text.replace('"grid":', '"grid":' + " " * 2**22, 1), "more than"),
    "deep lists": (lambda text: text.replace('"grid":', '"grid":' + "[" * 10**5, 1), "not JSON"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "reason"), TEXTS.values(), ids=TEXTS)
def test_a_text_that_is_not_whole_is_rejected(tmp_path, honest, change, reason):
    verdict = check(_file(tmp_path, change(_text(*honest))))
    assert not verdict.accepted
    assert re.search(reason, verdict.reason), verdict.reason


def test_every_beginning_of_a_file_is_rejected(tmp_path, honest):
    text = _text(*honest).encode()
    for size in random.Random(0).sample(range(len(text)), 40):
        assert not check(_file(tmp_path, text[:size])).accepted, size


def test_a_count_that_would_take_days_to_read_is_refused_before_it_is_read(tmp_path, honest, monkeypatch):
    head, blocks = honest
    path = _file(tmp_path, _text(head | {"leaves": 10**12}, blocks))
    monkeypatch.setattr(lines.Lines, "blocks", lambda *given: pytest.fail("read"))
    with pytest.raises(TooCostly, match="refused"):
        check(path)


def test_a_line_beyond_the_memory_is_refused_before_it_is_parsed(tmp_path, honest):
    path = _file(tmp_path, _text(*honest))
    with pytest.raises(TooCostly, match="reading the file would take"):
        check(path, memory=1e4)


def test_a_file_that_changes_between_two_readings_is_rejected(tmp_path, honest):
    head, blocks = honest
    path = _file(tmp_path, _text(head, blocks))
    weaker = json.loads(json.dumps(blocks))
    weaker[0]["upper"][0] = head["upper"]  # true as well
    changed = check(path, announce=lambda cost: _file(tmp_path, _text(head, weaker)))
    assert not changed.accepted
    assert "changed while" in changed.reason


# Each rule is needed: without it, a false claim or a broken file would be accepted.


def _worst_left_out(head, blocks):
    """The last leaf, which alone reaches x = 1 and y = 1, is missing, and the bound is that of the others."""
    _without(-1, -1)(head, blocks)
    most = max(float.fromhex(v) for block in blocks for v in block["upper"])
    head.update(upper=most.hex(), lower=(0.0).hex(), witness=None)


def test_without_the_rule_against_gaps_a_box_without_a_proof_is_accepted(tmp_path, honest, monkeypatch):
    assert not _checked(tmp_path, honest, _worst_left_out).accepted
    monkeypatch.setattr(Tree, "demand_whole", lambda self: None)
    assert _checked(tmp_path, honest, _worst_left_out).accepted


def test_without_the_rule_of_the_largest_leaf_a_false_bound_is_accepted(tmp_path, honest, monkeypatch):
    false = _head(upper=(0.5).hex(), lower=(0.0).hex(), witness=None)
    assert not _checked(tmp_path, honest, false).accepted
    monkeypatch.setattr(lines, "demand_bounded", lambda leaves, upper: None)
    assert _checked(tmp_path, honest, false).accepted


def test_without_the_second_halves_a_false_bound_is_accepted(tmp_path, honest, monkeypatch):
    """All leaves near the origin, where the error is small, while the other halves are forgotten."""

    def near(head, blocks):
        _joined(head, blocks)
        blocks[0] = {name: column[:1] for name, column in blocks[0].items()}
        blocks[0]["upper"] = [(1.005).hex()]
        blocks[0]["halvings"] = [[0] * 9 + [1] * 9]
        head.update(leaves=1, upper=(1.005).hex(), lower=(0.0).hex(), witness=None)

    assert "gap" in _checked(tmp_path, honest, near).reason
    monkeypatch.setattr(Tree, "_go_on", lambda self: setattr(self, "whole", True))
    assert _checked(tmp_path, honest, near).accepted


def test_without_the_seal_a_changed_text_is_accepted(tmp_path, honest, monkeypatch):
    text = _text(*honest).replace('"notes":[]', '"notes":["one more"]', 1)
    assert not check(_file(tmp_path, text)).accepted
    monkeypatch.setattr(lines.Lines, "_demand_sealed", lambda *given: None)
    assert check(_file(tmp_path, text)).accepted


def test_a_leaf_whose_proof_was_not_made_is_missed(tmp_path, honest, monkeypatch):
    monkeypatch.setattr(sharing, "claims", lambda given: dict(list(leaves.claims(given).items())[1:]))
    monkeypatch.setattr(sharing, "_alone", lambda shared, todo, meter: ([] for _ in todo))
    assert "not every leaf" in _checked(tmp_path, honest).reason


# The cells.


def _some_leaf(level, index):
    return Leaf(tuple(level), tuple(index), 0.0, (0,), (0.0,), (0,), tuple(level), (-1,), (0,))


@pytest.mark.parametrize("d", [1, 2, 3])
def test_any_halvings_tile_the_box_or_are_refused(d):
    """Against the other proof of a tiling, which takes the cells in any order."""
    rng, whole = random.Random(d), 0
    for _ in range(300):
        tree, cells = Tree(d), []
        try:
            for position in range(rng.randint(1, 9)):
                axes = [rng.randrange(d) for _ in range(rng.choice([0, 0, 0, 1, 1, 2]))]
                cells.append(_some_leaf(*tree.next(axes, position)))
        except Rejected:
            verify_tiling(cells)  # what came before the leaf that is one too many
            continue
        if tree.whole:
            tree.demand_whole()
            verify_tiling(cells)
            whole += 1
        else:
            for refuse in (tree.demand_whole, lambda cells=cells: verify_tiling(cells)):
                with pytest.raises(Rejected, match="gap"):
                    refuse()
    assert whole > 20


def test_a_leaf_is_as_deep_as_the_format_allows_and_no_deeper():
    level, index = Tree(1).next([0] * 1000, 0)
    assert (level, index) == ([1000], [0])
    with pytest.raises(Rejected, match="deeper than level 1000"):
        Tree(1).next([0] * 1001, 0)


def test_a_line_has_as_many_leaves_as_the_format_allows(tmp_path, honest):
    for d, count, most in ((1, 5000, 1024), (2, 5000, 1024), (1024, 5000, 256), (2**19, 5000, 1), (1, 7, 7)):
        assert lines.Lines(tmp_path, 0, None, d, 1, count, 1.0, 1e9).block == most
    document = read(_file(tmp_path, _text(*honest)))
    heard = []
    assert len(list(document.blocks(lambda: heard.append(1)))) == len(heard) == len(honest[1])


def test_a_line_is_as_long_as_the_format_allows(tmp_path, honest, monkeypatch):
    text = _text(*honest)
    longest = max(map(len, text.splitlines(keepends=True)[1:]))
    monkeypatch.setattr(lines, "LARGEST_LINE", longest)
    assert check(_file(tmp_path, text)).accepted
    monkeypatch.setattr(lines, "LARGEST_LINE", longest - 1)
    assert f"more than {longest - 1} bytes" in check(_file(tmp_path, text)).reason


def test_a_head_of_another_schema_is_none(tmp_path):
    for head in ('{"schema":"supnorm.certificate/3"}', "[]", "{}"):
        with pytest.raises(Rejected, match="not a certificate"):
            lines.read_head(_file(tmp_path, head + "\n"), 1e9)


def test_lines_with_every_column_are_accepted_and_their_bits_are_named(tmp_path, honest):
    def full(head, blocks):
        tree = Tree(2)
        for block in blocks:
            block["proof_level"] = [tree.next(axes, 0)[0] for axes in block["halvings"]]
        _every("graded", [-1])(head, blocks)
        blocks[2]["bits"] = [[100]] * 8

    verdict = _checked(tmp_path, honest, full)
    assert verdict.accepted
    assert "80-bit to 100-bit" in verdict.reason


def test_a_file_of_one_leaf(tmp_path):
    problem = Problem(lambda x: x[:, 0] + 1.0, lambda x: x[:, 0], Domain(x=(0.0, 1.0)))
    certificate = certify(problem, ratio=1.5).certificate
    content = certificate._content(lines.SCHEMA, 1)
    text = b"".join(text_in_lines(content, certificate.leaves))
    assert check(_file(tmp_path, text)).accepted


# Other doors.


def test_the_command_accepts_the_file_and_says_why_it_is_not_exported(tmp_path, honest, capsys):
    path = _file(tmp_path, _text(*honest))
    coq = tmp_path / "proof.v"
    assert run(["check", str(path), "--export-coq", str(coq)]) == 2
    said = capsys.readouterr()
    assert "ACCEPTED" in said.out
    assert "not exported" in said.out + said.err
    assert not coq.exists()


def test_a_part_of_a_statement_cannot_be_in_lines(honest):
    document = import_module("supnorm.checker.document")
    with pytest.raises(Rejected, match="not a certificate"):
        document.as_document(honest[0])


def test_reading_alone_is_the_head(tmp_path, honest):
    document = read(_file(tmp_path, _text(*honest)))
    assert document.leaves == ()
    assert document.count == honest[0]["leaves"] == sum(len(b) for _, b in document.blocks())
    assert np.isfinite(document.upper)
