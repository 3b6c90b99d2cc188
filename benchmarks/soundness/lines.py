"""Certificates in lines that were edited and sealed again, and what `supnorm check --problem` says of them.

Honest files are those of `forgeries`, written in lines; often their leaves are cut further, so that several share a proof.
The content is edited as in `forgeries`, mostly to a claim that is false; then the form: leaves and lines are dropped,
doubled, swapped, halvings changed, counts and bytes. A file must be refused if what it claims is false, if its leaves do
not tile the box (which `tiles` of the certifier decides from the cells), or if its text is not the sealed one.
To extend: write a function of (rows, rng) that changes the head and the lines, and put it into `FORMS`.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.soundness import forgeries
from benchmarks.soundness.forgeries import EDITS, Data, Forgery, is_false, said_of, sealed
from benchmarks.soundness.honest import Honest, honest_files
from supnorm.certification.file_leaves import tiles
from supnorm.certification.lines import SCHEMA, Cells
from supnorm.certification.tree_order import tree_order
from supnorm.results import Contradiction

Rows = list[Data]
Form = Callable[[Rows, np.random.Generator], None]
CONTENT = ("smaller", "by_another_proof", "precision", "one_leaf", "neighbour", "constants", "nodes", "domain", "witness",
           "conditions", "rules", "looser")  # fmt: skip


def _any(rows: Rows, rng: np.random.Generator) -> tuple[Data, int]:
    """A line and a row of it."""
    line = rows[int(rng.integers(1, len(rows)))]
    return line, int(rng.integers(len(line["upper"])))


def honest(rows: Rows, rng: np.random.Generator) -> None:
    """Nothing changed."""


def drop_leaf(rows: Rows, rng: np.random.Generator) -> None:
    """A leaf less; the count follows or not."""
    line, row = _any(rows, rng)
    for column in line.values():
        del column[row]
    rows[0]["leaves"] -= int(rng.random() < 0.8)


def double_leaf(rows: Rows, rng: np.random.Generator) -> None:
    """A leaf twice, sometimes without its halvings."""
    line, row = _any(rows, rng)
    for name, column in line.items():
        column.insert(row, [] if name == "halvings" and rng.random() < 0.5 else column[row])
    rows[0]["leaves"] += int(rng.random() < 0.8)


def swap_leaves(rows: Rows, rng: np.random.Generator) -> None:
    """Some columns of two leaves change places."""
    one, other = _any(rows, rng), _any(rows, rng)
    for name in one[0].keys() & other[0].keys():
        if rng.random() < 0.6:
            a, b = one[0][name], other[0][name]
            a[one[1]], b[other[1]] = b[other[1]], a[one[1]]


def move_lines(rows: Rows, rng: np.random.Generator) -> None:
    """Lines in another order, one dropped, one doubled; the count follows or not."""
    kind, place = rng.integers(3), int(rng.integers(1, len(rows)))
    if kind == 0:
        rows[1:] = [rows[1 + int(k)] for k in rng.permutation(len(rows) - 1)]
    elif kind == 1:
        rows[0]["leaves"] -= len(rows.pop(place)["upper"]) * int(rng.random() < 0.8)
    else:
        rows.insert(place, json.loads(json.dumps(rows[place])))
        rows[0]["leaves"] += len(rows[place]["upper"]) * int(rng.random() < 0.8)


def halvings(rows: Rows, rng: np.random.Generator) -> None:
    """One more, one less, another axis, one that moves to another leaf, or something that is no axis."""
    line, row = _any(rows, rng)
    axes, d = line["halvings"][row], len(rows[0]["names"])
    kind = rng.integers(5)
    if kind == 0:
        axes.insert(int(rng.integers(len(axes) + 1)), int(rng.integers(d)))
    elif kind == 1 and axes:
        del axes[int(rng.integers(len(axes)))]
    elif kind == 2 and axes:
        axes[int(rng.integers(len(axes)))] = int(rng.integers(d))
    elif kind == 3 and axes:
        other, place = _any(rows, rng)
        other["halvings"][place].append(axes.pop())
    else:
        odd = [-1, d, True, 0.0, "0", None, 10**30, [0]][int(rng.integers(8))]
        axes.insert(int(rng.integers(len(axes) + 1)), odd)


def one_for_all(rows: Rows, rng: np.random.Generator) -> None:
    """One leaf, or the leaves of one half, for the whole box."""
    line, row = _any(rows, rng)
    leaf = {name: [column[row]] for name, column in line.items() if name != "proof_level"}
    leaf["halvings"] = [[] if rng.random() < 0.5 else [0] * int(rng.integers(1, 60))]
    rows[1:] = [leaf]
    rows[0]["leaves"] = 1


def shared_proof(rows: Rows, rng: np.random.Generator) -> None:
    """The proof of each leaf is about a larger or smaller cell."""
    d = len(rows[0]["names"])
    for line in rows[1:]:
        line["proof_level"] = rng.integers(0, rng.choice([1, 3, 9]), (len(line["upper"]), d)).tolist()


def counts(rows: Rows, rng: np.random.Generator) -> None:
    """A count that is wrong, or no number."""
    held = rows[0]["leaves"]
    rows[0]["leaves"] = [held + 1, held - 1, 0, -held, float(held), str(held), True, None, 10**18][
        int(rng.integers(9))
    ]


def columns(rows: Rows, rng: np.random.Generator) -> None:
    """A column dropped, cut, doubled, or one more: levels, places, digests."""
    line, kind = rows[int(rng.integers(1, len(rows)))], rng.integers(4)
    name = str(rng.choice(sorted(line)))
    if kind == 0:
        del line[name]
    elif kind == 1:
        line[name].pop()
    elif kind == 2:
        line[name] = [*line[name], *line[name]]
    else:
        line[str(rng.choice(["level", "index", "digest", "leaves"]))] = [[0] * len(rows[0]["names"])] * len(
            line["upper"]
        )


def head_keys(rows: Rows, rng: np.random.Generator) -> None:
    """Keys of other files in the head, or one less."""
    kind = rng.integers(4)
    if kind == 0:
        rows[0]["digest"] = "0" * 64
    elif kind == 1:
        rows[0]["declared"] = []
    elif kind == 2:
        rows[0]["schema"] = "supnorm.certificate/1"
    else:
        del rows[0][str(rng.choice(sorted(set(rows[0]) - {"schema"})))]


def other_lines(rows: Rows, rng: np.random.Generator) -> None:
    """The same leaves in lines of other lengths: as true as before."""
    joined: Data = {name: [v for line in rows[1:] for v in line[name]] for name in rows[1]}
    size = int(rng.integers(1, 9))
    rows[1:] = [
        {name: column[k : k + size] for name, column in joined.items()}
        for k in range(0, len(joined["upper"]), size)
    ]


FORMS: dict[str, Form] = {
    f.__name__: f
    for f in (honest, drop_leaf, double_leaf, swap_leaves, move_lines, halvings, one_for_all, shared_proof, counts, columns,
              head_keys, other_lines)
}  # fmt: skip


def cut_further(data: Data, rng: np.random.Generator) -> None:
    """Some leaves halved again and again; their parts keep bound and proof."""
    leaves, d = data["leaves"], len(data["names"])
    leaves.setdefault("proof_level", [list(v) for v in leaves["level"]])
    for _ in range(int(rng.integers(1, 25))):
        row, axis = int(rng.integers(len(leaves["upper"]))), int(rng.integers(d))
        for column in leaves.values():
            column.append(json.loads(json.dumps(column[row])))
        for place, side in ((row, 0), (-1, 1)):
            leaves["level"][place][axis] += 1
            leaves["index"][place][axis] = 2 * leaves["index"][place][axis] + side


def in_rows(data: Data, size: int) -> Rows | None:
    """A certificate that is one object as head and lines; None where its leaves do not tile the box."""
    leaves = data["leaves"]
    level, index, proved = (
        np.array(leaves.get(k, leaves["level"])) for k in ("level", "index", "proof_level")
    )
    try:
        order = tree_order(level, index, proved)
    except Contradiction:
        return None
    kept = [name for name in leaves if name not in ("level", "index")]
    head = {k: len(level) if k == "leaves" else v for k, v in data.items() if k != "digest"} | {
        "schema": SCHEMA
    }
    rows = [head]
    for start in range(0, len(level), size):
        part = order.rows[start : start + size].tolist()
        block: Data = {"halvings": order.halvings(start, start + len(part))}
        rows.append(block | {name: [leaves[name][k] for k in part] for name in kept})
    return rows


def text_of(rows: Rows) -> bytes:
    """The sealed text."""
    text = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)
    return (text + f'{{"digest":"{hashlib.sha256(text.encode()).hexdigest()}"}}\n').encode()


def covers(rows: Rows) -> bool:
    """Whether the leaves tile the box, by the certifier's own reading of the halvings and its own test of cells."""
    cells = Cells(len(rows[0]["names"]))
    try:
        made = [cells.next(axes) for line in rows[1:] for axes in line["halvings"]]
        level, index = (np.array([cell[k] for cell in made], dtype=np.int64) for k in (0, 1))
        return tiles(level, index)
    except (ValueError, TypeError, LookupError, OverflowError):
        return False


def damaged(text: bytes, rng: np.random.Generator) -> bytes:
    """A text cut, lengthened, or with some bytes changed, and not sealed again."""
    kind = rng.integers(4)
    if kind == 0:
        return text[: int(rng.integers(len(text)))]
    if kind == 1:
        return text + [b"\n", b"{}\n", text[-76:]][int(rng.integers(3))]
    changed = bytearray(text)
    for place in rng.integers(0, len(text), int(rng.integers(1, 4))):
        changed[place] ^= 1 << int(rng.integers(7))
    return bytes(changed)


def campaign(seed: int, count: int, keep: str | None = None) -> list[Forgery]:
    """Forge ``count`` files and check each with its problem."""
    rng, found = np.random.default_rng(seed), []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = [one for one in honest_files(folder) if "declared" not in one.data]
        for number in range(count):
            one = files[number % len(files)]
            path = folder / "forged.json"
            edits, false = _forged(one, path, rng)
            verdict = said_of(one, path, edits, false)
            if verdict.verdict in ("FALSE ACCEPTED", "CRASHED") and keep is not None:
                Path(keep).mkdir(parents=True, exist_ok=True)
                (Path(keep) / f"{seed}-{number}.json").write_bytes(path.read_bytes())
            found.append(verdict)
    return found


def _forged(one: Honest, path: Path, rng: np.random.Generator) -> tuple[tuple[str, ...], bool]:
    """Write a file; the names of its edits, and whether it must be refused."""
    rows: Rows | None = None
    while rows is None:
        data: Any = one.copy()
        if rng.random() < 0.6:
            cut_further(data, rng)
        content = str(rng.choice(CONTENT)) if rng.random() < 0.5 else "smaller"
        if rng.random() < 0.2:
            content = "honest"
        try:
            if content != "honest":
                EDITS[content](one, data, rng)
            rows = in_rows(sealed(data), int(rng.integers(1, 12)))
        except (KeyError, IndexError, TypeError, ValueError, AttributeError):
            rows = None
    form = str(rng.choice(list(FORMS)))
    try:
        FORMS[form](rows, rng)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        form = "honest"  # an edit of what another one has broken
    text, whole = text_of(rows), True
    if rng.random() < 0.1:
        form, before = "damaged", text
        text = damaged(text, rng)
        whole = text == before
    path.write_bytes(text)
    unsaid = {
        k: one.data[k] for k in ("units", "error", "error_unit") if k in one.data
    }  # a file may be without them
    return (content, form), not whole or not covers(rows) or is_false(one, unsaid | rows[0])


def table(found: list[Forgery]) -> str:
    """Counts by edit, and what went wrong line by line."""
    return forgeries.table(found, (*CONTENT, *FORMS, "damaged"))
