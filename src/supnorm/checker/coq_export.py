"""An accepted certificate as a file for Coq: `coqc` with coq-interval proves its upper bound once more.

The file defines model and reference as real functions with exact constants, states the bound of every leaf as a lemma that
the tactic `interval` proves from scratch (nothing is taken from the certificate but the leaves and the bound), joins the
leaves along the halvings of the box, and ends with one theorem about all points of the axes. Coq therefore proves the
statement about the program in real arithmetic; rounding of the model as it runs is no part of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from supnorm.checker.coq_terms import NotExported as NotExported
from supnorm.checker.coq_terms import definition, demand_known, number
from supnorm.checker.document import Document, as_document, load, read_in_lines
from supnorm.checker.leaf import Leaf
from supnorm.checker.operation import Operation

MOST_INPUTS = 2  # the tactic bisects boxes of one or two variables in useful time
MOST_LEAVES = 5_000  # a lemma each
MOST_SIZE = 20_000  # operations of the terms after all bindings are put in, which the tactic does
LONGEST = 4 * 3600.0  # seconds of coqc by the forecast
STATEMENT = "supnorm.statement/1"
# Degree of Taylor models of one input; halvings of a leaf. In one input Taylor models are fastest. In two they fail on
# wide leaves that slopes prove: of Debye-Hueckel against Davies, 62 s and no proof against 0.1 s.
TAYLOR, DEPTH = 10, 24
SMALL = 1e-9  # bounds below it need more bits than Coq's float64 numbers have

HEAD = """(* An upper bound of the error of a model, to be proved by Coq with coq-interval:  coqc {name}

   What is proved: the theorem at the end, about the programs of the model and of the reference as they are defined here, in
   the arithmetic of real numbers. All constants are the float64 numbers of the certificate, exactly. Rounding of the model
   as it runs is no part of the proof, nor is the question whether these programs are yours: compare the definitions, or
   the hashes with those of your problem ("supnorm check CERT --problem PROBLEM.toml").
   Coq's functions are total (1 / 0 = 0, sqrt x = 0 and ln x = 0 for x < 0). The certificate itself proves that no argument
   is outside of its function's domain. Where the error is the smallest of several quotients, the theorem says itself that
   the divisor of the one that is below the bound is not 0.

   axes: {axes}
   leaves: {leaves}; the tactic proves each of them from scratch
   programs (SHA-256): {hashes} *)

From Coq Require Import Reals Lra.
From Interval Require Import Tactic.
Local Open Scope R_scope.
"""


@dataclass(frozen=True)
class Cost:
    """What a file for Coq takes: operations in the terms, leaves, and a forecast of seconds for `coqc`."""

    operations: int
    leaves: int
    inputs: int

    @property
    def seconds(self) -> float:
        """Seconds of one core."""
        return 2.0 + self.leaves * (0.3 + 2e-3 * self.operations)


def export(path: Path | str, name: str = "proof.v") -> tuple[str, Cost]:
    """The text for Coq of the certificate in a file, which `check` has accepted, and what `coqc` takes for it.

    Raises:
        NotExported: as `exported`, and for files of several parts.
        Rejected: for a file that is no certificate.
    """
    if (document := read_in_lines(path)) is not None:
        raise NotExported(
            f"not exported: the file is in lines, of {document.count:,} leaves; at most {MOST_LEAVES:,} in one object are "
            "exported"
        )
    data = load(path)
    if isinstance(data, dict) and data.get("schema") == STATEMENT:
        raise NotExported("not exported: a statement of several parts has no single bound")
    return exported(as_document(data, f"{path}: "), name)


def exported(document: Document, name: str = "proof.v", most: int = MOST_LEAVES) -> tuple[str, Cost]:
    """The text for Coq of a certificate whose leaves are proved, and what `coqc` takes for it.

    Args:
        name: of the file, for its head.
        most: leaves; more are refused.

    Raises:
        NotExported: names what Coq or coq-interval does not know, or the numbers that are too large.
    """
    _demand(document, most)
    d = len(document.names)
    inputs = [f"x{j + 1}" for j in range(d)]
    functions = _functions(document, inputs)
    cost = Cost(functions.size, len(document.leaves), d)
    if functions.size > MOST_SIZE or cost.seconds > LONGEST:
        raise NotExported(
            f"not exported: coqc would take about {cost.seconds / 3600:,.1f} h for {cost.leaves:,} leaves with "
            f"{cost.operations:,} operations each, common parts repeated; more than {LONGEST / 3600:.0f} h or {MOST_SIZE:,} "
            "operations is refused"
        )
    bound = _Bound(document, functions, inputs)
    head = HEAD.format(
        name=printable(name),
        axes=", ".join(
            f"{x} is {printable(n)}{' (logarithmic)' * log}"
            for x, n, log in zip(inputs, document.names, document.log, strict=True)
        ),
        leaves=len(document.leaves),
        hashes=", ".join(map(printable, document.hashes)),
    )
    parts = [head, *functions.definitions, bound.statement()]
    parts += [bound.leaf(k, leaf) for k, leaf in enumerate(document.leaves)]
    parts += [bound.tree(), bound.theorem()]
    return "\n\n".join(parts) + "\n", cost


def _demand(document: Document, most: int) -> None:
    """Check everything that needs no term."""
    d, count = len(document.names), len(document.leaves)
    if d > MOST_INPUTS:
        raise NotExported(f"not exported: {d} inputs; there is an export for {MOST_INPUTS} at most")
    if document.declared:
        raise NotExported("not exported: a function that is declared and not read has no program")
    if document.upper == float("inf"):
        raise NotExported("not exported: the certificate claims no upper bound")
    if count > most:
        raise NotExported(
            f"not exported: {count:,} leaves, more than {most:,}; certify with a larger ratio makes fewer"
        )
    for program in document.point_programs:
        demand_known(program)


def printable(text: str) -> str:
    """A text of the file that cannot end a comment of Coq or begin a string in it.

    >>> printable('T *) Axiom false : False. (*')
    'T ?? Axiom false : False. ??'
    """
    return re.sub(r"[^A-Za-z0-9_ .,:/-]", "?", text)[:200]


@dataclass(frozen=True)
class _Functions:
    """The definitions, and the errors (outputs by alternatives) as terms of the inputs, with divisors that may be 0."""

    definitions: list[str]
    names: list[str]
    errors: list[list[str]]
    divisors: list[list[list[str]]]
    size: int


def _functions(document: Document, inputs: list[str]) -> _Functions:
    made: dict[str, str] = {}
    names: list[str] = []
    errors: list[list[str]] = []
    divisors: list[list[list[str]]] = []
    size = 0
    call = " ".join(inputs)
    for k in range(document.point_programs[0][-1].width):
        row: list[str] = []
        below: list[list[str]] = []
        for a, program in enumerate(document.point_programs):
            parts = _parts(program)
            used = []
            quotient = _divisor(program) if len(document.point_programs) > 1 else None
            if quotient is not None:
                parts.setdefault("size", quotient)
            for part, node in parts.items():
                text, count = definition("NAME", program, node, k, inputs)
                size += count
                if text not in made:
                    made[text] = f"{part}_{k + 1}" + (
                        f"_{a + 1}" if part not in ("model", "reference") else ""
                    )
                    if made[text] in names:  # two alternatives may have a model each
                        made[text] += f"_{a + 1}"
                    names.append(made[text])
                used.append(f"{made[text]} {call}")
            row.append(used[0] if "error" in parts else _joined(used))
            below.append([] if quotient is None else used[-1:])
        errors.append(row)
        divisors.append(below)
    definitions = [text.replace("NAME", name, 1) for text, name in made.items()]
    return _Functions(definitions, names, errors, divisors, size)


def _parts(program: Sequence[Operation]) -> dict[str, int]:
    """The nodes of model and reference, and of a divisor, if the program ends with their difference; else the error."""
    last = program[-1]
    if last.op == "sub":
        return dict(zip(("model", "reference"), last.args, strict=True))
    if last.op == "div" and program[last.args[0]].op == "sub":
        model, reference = program[last.args[0]].args
        return {"model": model, "reference": reference, "size": last.args[1]}
    return {"error": len(program) - 1}


def _divisor(program: Sequence[Operation]) -> int | None:
    """The node by which the error is divided at last, if that is no constant."""
    last = program[-1]
    return last.args[1] if last.op == "div" and program[last.args[1]].op != "constant" else None


def _joined(used: list[str]) -> str:
    """The error by the names of its parts."""
    if len(used) == 1:
        return used[0]
    gap = f"{used[0]} - {used[1]}"
    return gap if len(used) == 2 else f"({gap}) / {used[2]}"


@dataclass(frozen=True)
class _Bound:
    """The lemmas about parts of the box."""

    document: Document
    functions: _Functions
    inputs: list[str]

    def statement(self) -> str:
        """The definition of what holds at a point."""
        text = self._claim()
        return f"Definition holds ({' '.join(self.inputs)} : R) : Prop :=\n  {text}."

    def _claim(self) -> str:
        upper = number(self.document.upper)
        rows = []
        for terms, divisors in zip(self.functions.errors, self.functions.divisors, strict=True):
            row = [f"{self._sided(term)} <= {upper}" for term in terms]
            if len(row) > 1:  # one of several: a quotient by 0, which Coq calls 0, does not count
                row = [f"({_not_zero(by)}{one})" for by, one in zip(divisors, row, strict=True)]
            text = " \\/ ".join(row)
            rows.append(f"({text})" if len(row) > 1 and len(self.functions.errors) > 1 else text)
        return " /\\\n  ".join(rows)

    def _sided(self, term: str) -> str:
        return {"both": f"Rabs ({term})", "over": term, "under": f"- ({term})"}[self.document.side]

    def _ends(self, level: Sequence[int], index: Sequence[int]) -> Iterator[tuple[Fraction, Fraction]]:
        for low, high, p, i in zip(self.document.low, self.document.high, level, index, strict=True):
            a, width = Fraction(low), (Fraction(high) - Fraction(low)) / 2**p
            yield a + width * i, a + width * (i + 1)

    def _about(self, level: Sequence[int], index: Sequence[int]) -> str:
        """That the bound holds on a cell; logarithmic axes have t = ln x."""
        ts = [f"t{j + 1}" for j in range(len(level))]
        inside = [
            f"{number(a)} <= {t} <= {number(b)} ->"
            for t, (a, b) in zip(ts, self._ends(level, index), strict=True)
        ]
        at = [f"(exp {t})" if log else t for t, log in zip(ts, self.document.log, strict=True)]
        return f"forall {' '.join(ts)} : R, {' '.join(inside)} holds {' '.join(at)}"

    def leaf(self, k: int, leaf: Leaf) -> str:
        """The lemma of a leaf."""
        ts = [f"t{j + 1}" for j in range(len(leaf.level))]
        hs = [f"H{j + 1}" for j in range(len(leaf.level))]
        several = "repeat split; " if len(self.functions.errors) > 1 else ""
        return (
            f"Lemma leaf_{k} : {self._about(leaf.level, leaf.index)}.\n"
            f"Proof.\n  intros {' '.join(ts + hs)}. unfold {', '.join(['holds', *self.functions.names])}. {several}"
            f"{self._tactic(leaf, ts)}.\nQed."
        )

    def _tactic(self, leaf: Leaf, ts: list[str]) -> str:
        """The tactic that proves a leaf.

        It tries slopes, plain intervals and Taylor models, and with each the alternatives that the certificate uses there.
        """
        common = [f"i_bisect {t}" for t in ts] + [f"i_depth {DEPTH}"]
        if bits := self._bits(leaf):
            common.append(f"i_prec {bits}")
        taylor, slope = [f"i_taylor {ts[0]}", f"i_degree {TAYLOR}"], [f"i_autodiff {ts[0]}"]
        options = [
            f"({', '.join(common + more)})"
            for more in ((taylor, slope, []) if len(ts) == 1 else (slope, [], taylor))
        ]
        rows = self.functions.divisors
        count = len(rows[0])
        if count == 1:
            return f"first [ {' | '.join(f'interval with {how}' for how in options)} ]"
        used = [a for a in range(count) if leaf.degree[a] != -1]
        tactics = [_chosen(a, count, any(row[a] for row in rows), how) for how in options for a in used]
        return f"first [ {' | '.join(tactics)} ]"

    def _bits(self, leaf: Leaf) -> int:
        """Bits that the tactic works with; 0 for float64 numbers."""
        upper = self.document.upper
        if upper >= SMALL and not any(leaf.bits):
            return 0
        return max(80, *leaf.bits, 60 - Fraction(upper).limit_denominator(10**400).numerator.bit_length())

    def tree(self) -> str:
        """The lemmas that join leaves to the whole box, which is the last one, `box`."""
        d = len(self.document.names)
        positions = {(leaf.level, leaf.index): k for k, leaf in enumerate(self.document.leaves)}
        texts: list[str] = []
        root = self._node((0,) * d, (0,) * d, list(range(len(self.document.leaves))), positions, texts)
        texts.append(f"Definition box : {self._about((0,) * d, (0,) * d)} := {root}.")
        return "\n\n".join(texts)

    def _node(
        self,
        level: tuple[int, ...],
        index: tuple[int, ...],
        members: list[int],
        positions: dict[tuple[tuple[int, ...], tuple[int, ...]], int],
        texts: list[str],
    ) -> str:
        """The name of the lemma about a cell, whose leaves are those of ``members``."""
        if (level, index) in positions:
            return f"leaf_{positions[level, index]}"
        leaves = self.document.leaves
        axis = next(j for j in range(len(level)) if all(leaves[k].level[j] > level[j] for k in members))
        names = []
        for side in (0, 1):
            half = 2 * index[axis] + side
            down = tuple(v + (a == axis) for a, v in enumerate(level))
            at = tuple(half if a == axis else v for a, v in enumerate(index))
            inside = [
                k for k in members if leaves[k].index[axis] >> (leaves[k].level[axis] - down[axis]) == half
            ]
            names.append(self._node(down, at, inside, positions, texts))
        middle = list(self._ends(level, index))[axis]
        name = f"join_{len(texts)}"
        ts = [f"t{j + 1}" for j in range(len(level))]
        hs = [f"H{j + 1}" for j in range(len(level))]
        cut = number((middle[0] + middle[1]) / 2)
        texts.append(
            f"Lemma {name} : {self._about(level, index)}.\n"
            f"Proof.\n  intros {' '.join(ts + hs)}. destruct (Rle_lt_dec {ts[axis]} {cut}).\n"
            f"  - apply {names[0]}; lra.\n  - apply {names[1]}; lra.\nQed."
        )
        return name

    def theorem(self) -> str:
        """The theorem about the axes in their own units."""
        document = self.document
        axes = list(zip(self.inputs, document.axis_low, document.axis_high, document.log, strict=True))
        inside = [f"{number(a)} <= {x} <= {number(b)} ->" for x, a, b, _ in axes]
        hs = [f"H{j + 1}" for j in range(len(axes))]
        lines = [f"intros {' '.join(self.inputs + hs)}."]
        at = [f"(ln {x})" if log else x for x, _, _, log in axes]
        lines += [
            f"assert (L{j + 1} : {number(low)} <= ln {x} <= {number(high)}) by (split; interval with (i_prec 120))."
            for j, ((x, _, _, log), low, high) in enumerate(
                zip(axes, document.low, document.high, strict=True)
            )
            if log
        ]
        lines.append(f"assert (B : {self._at(at, axes)}) by (apply box; lra).")
        lines += [f"rewrite (exp_ln {x}) in B by lra." for x, _, _, log in axes if log]
        lines.append("exact B.")
        body = "\n  ".join(lines)
        return (
            f"Theorem upper_bound : forall {' '.join(self.inputs)} : R,\n  {' '.join(inside)}\n  {self._claim()}.\n"
            f"Proof.\n  {body}\nQed.\n\nPrint Assumptions upper_bound."
        )

    def _at(self, at: list[str], axes: list[tuple[str, float, float, bool]]) -> str:
        return "holds " + " ".join(f"(exp {t})" if axis[3] else t for t, axis in zip(at, axes, strict=True))


def _not_zero(divisors: Sequence[str]) -> str:
    """That divisors are not 0, before what else is said."""
    return "".join(f"{v} <> 0 /\\ " for v in divisors)


def _chosen(a: int, count: int, divided: bool, how: str) -> str:
    """The tactic that proves alternative a of several: that it is below the bound, and its divisor not 0."""
    side = ["left"] if a == 0 else ["right"] * a + ["left"] * (a < count - 1)
    split = ["split"] if divided else []
    return "; ".join([*side, *split, f"interval with {how}"])
