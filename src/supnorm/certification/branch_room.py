"""How far branches of the code take a function from its program: a bound that is proved on the whole domain.

torch's softplus is a straight line above a threshold; its program has the smooth function (`program.discrepancies`). The
step is at most log(1 + exp(-t)) high. Its effect on the rest of the network is bounded like rounding, by the affine
model (``err`` with branches), on boxes that are halved as long as the code may take a branch in them. The room is zero
where it takes none, and in all programs without branches.

The error is then bounded on both sides. If an output E of the error program may be off by D, it is replaced by two
outputs, E + D and E - D, whose larger size is abs(E) + D. So the certificate proves the room together with the rest.
Cost: the affine model of at most `BOXES` boxes, `ROUNDS` times at most.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from supnorm.certification.propagation import propagate
from supnorm.certification.rounding import Array
from supnorm.problem import Domain
from supnorm.program import Node, Program
from supnorm.results import BadInput
from supnorm.results.numbers import num

BOXES, ROUNDS = 512, 24  # the cost that the docstring states; beyond them the room is wider, not wrong


def has_branches(program: Program) -> bool:
    """Whether the code has branches that the program does not take."""
    return any(a.above is not None for node in program.nodes for a in node.discrepancies)


def branch_room(program: Program, domain: Domain) -> Array:
    """Bounds of the distance between function and program on the domain, for each output, shape ``(m,)``, with rounding.

    Infinite where neither boxes show that the code takes no branch nor the distance has a bound.

    >>> from supnorm.program import Builder
    >>> from supnorm.program.discrepancies import linear_above
    >>> build = Builder(1)
    >>> program = build.finish(build.unary("softplus", build.input, discrepancies=(linear_above(20.0),)))
    >>> branch_room(program, Domain(x=(0.0, 15.0))), branch_room(program, Domain(x=(0.0, 30.0))).round(10)
    (array([0.]), array([2.1e-09]))
    """
    if not has_branches(program):
        return np.zeros(program.m)
    m, watched = program.m, with_tests(program)
    low, high = np.array([[a.low, a.high] for a in domain.axes]).T[:, None]
    for rounds in range(ROUNDS + 1):
        centre = 0.5 * low + 0.5 * high
        half = np.maximum(high - centre, centre - low) * (1.0 + 1e-15)
        with_them, bend = propagate(watched, centre, half, np.ones(1), branches=True)
        without, _ = propagate(watched, centre, half, np.ones(1))
        # Where there is no bound of rounding either, nothing shows that no branch is taken.
        taken = ~((with_them.err == without.err) & np.isfinite(without.err))
        # Nor does the same bound of a ``where`` show it whose test has both signs on the box with or without the branch.
        taken[:, m:] &= ~(np.abs(with_them.c) > with_them.reach[:, 0] + with_them.err)[:, m:]
        taken = taken.any(axis=1)
        if not taken.any():
            break
        room = np.asarray(with_them.err[taken, :m].max(axis=0))
        if 2 * taken.sum() > BOXES or rounds == ROUNDS:
            return room
        low, high, bend = low[taken], high[taken], bend[taken]
        split = np.argmax(np.where(np.isfinite(bend), bend, np.inf) + 1e-300 * half[taken], axis=1)
        rows = np.arange(len(low))
        left, right = high.copy(), low.copy()
        left[rows, split] = right[rows, split] = (0.5 * low + 0.5 * high)[rows, split]
        low, high = np.concatenate([low, right]), np.concatenate([left, high])
    return np.zeros(program.m)


def with_tests(program: Program) -> Program:
    """The program whose outputs are followed by the tests of its ``where``."""
    tests = tuple(sorted({node.args[0] for node in program.nodes if node.op == "where"}))
    if not tests:
        return program
    ends = (len(program.nodes) - 1, *tests)
    together = Node("concat", ends, sum(program.nodes[i].width for i in ends))
    return replace(program, nodes=(*program.nodes, together))


def in_words(room: Array) -> str:
    """What the branch is, and how far it takes the function where that is known."""
    far = float(np.max(room))
    return "softplus that is linear above a threshold" + (
        f", by {num(far, 2)} here" if np.isfinite(far) else ""
    )


def demand_none(program: Program, domain: Domain, what: str, but: str) -> None:
    """Check that code takes no branch on the domain that its program does not take.

    Args:
        what: the subject of the message.
        but: why a program without the branch does not do.

    Raises:
        BadInput: saying what branch may be taken, and how far it leads.
    """
    room = branch_room(program, domain)
    if np.any(room):
        raise BadInput(
            f"{what} has a branch that its program does not take ({in_words(room)}), and {but}; choose a larger threshold "
            "or a smaller domain"
        )


def demand_bounded(rooms: dict[str, Array]) -> None:
    """Check that something says how far branches take each function.

    Raises:
        BadInput: naming the function of which nothing says it.
    """
    for what, room in rooms.items():
        if not np.isfinite(room).all():
            raise BadInput(
                f"the {what} may have a branch that its program does not take ({in_words(room)}), and its distance from the "
                "program has no bound on the whole domain; choose a larger threshold or a smaller domain"
            )
