"""Whether operators of an ONNX graph may take rows of a batch by their positions.

A slice from the fourth row on has none of three, for which the graph is read.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

# With the position of the axis among inputs, where it is an input, and what it is by default: all axes, or the first one.
BY_INPUT = {"Slice": 3, "Pad": 3}
BY_ATTRIBUTE = {
    **dict.fromkeys(("Gather", "GatherElements", "Split", "ScatterElements", "Scatter"), 0),
    "Compress": None,
    "TopK": None,
}
ANY = frozenset(
    {"GatherND", "ScatterND", "Trilu", "SequenceAt", "SplitToSequence", "ReverseSequence", "EyeLike"}
)
MOVED = frozenset({"Transpose", "Einsum"})  # after these the points need not be along the first axis


def takes_rows(model: Any, nodes: Iterable[Any]) -> bool:
    """Whether one of these nodes may take rows by their positions: unless it is certain that another axis is meant.

    Args:
        model: an ``onnx.ModelProto``.
        nodes: its nodes, those of functions among them.
    """
    from onnx import helper, numpy_helper

    every = list(nodes)
    constants = {one.name: one for one in model.graph.initializer}
    for node in every:
        if node.op_type == "Constant":
            constants |= dict([(node.output[0], a.t) for a in node.attribute if a.name == "value"])
    moved = any(node.op_type in MOVED for node in every)

    def axes(node: Any) -> list[int] | None:
        given = {a.name: helper.get_attribute_value(a) for a in node.attribute if not a.ref_attr_name}
        if node.op_type in BY_INPUT:
            at = BY_INPUT[node.op_type]
            name = node.input[at] if len(node.input) > at else ""
            if name in constants:
                return [int(v) for v in numpy_helper.to_array(constants[name]).ravel()]
            return [int(v) for v in given["axes"]] if "axes" in given else None  # of old versions
        default = BY_ATTRIBUTE[node.op_type]
        axis = given.get("axis", default)
        return None if axis is None else [int(axis)]

    for node in every:
        if node.op_type in ANY:
            return True
        if node.op_type in BY_INPUT or node.op_type in BY_ATTRIBUTE:
            known = axes(node)
            if moved or known is None or min(known, default=0) <= 0:
                return True
    return False
