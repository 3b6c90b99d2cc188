# ruff: noqa: E501 - a trap stands in one line
"""Random ONNX graphs for `fifth`: what is hidden, in a branch, a loop or a function of the file, in model and reference.

Text of `HIDDEN` makes ``{o}`` of ``{i}``; of `PLACES` too, around such a text ``{body}``. ``#`` is the number of the trap, ``c#`` its
place in x0. Names that begin with "honest" do no harm.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

_HAT = "u# = Sub(x0, c#) q# = Div(u#, w) a# = Abs(q#) r# = Sub(one, a#)"  # above 0 beside the place alone
_ADD = "e# = Mul(f#, h) {o} = Add({i}, e#)"


def _gate(text: str) -> str:
    return f"{_HAT} {text} {_ADD}"


HIDDEN: dict[str, str] = {
    "honest same": "{o} = Identity({i})",
    "honest relu": _gate("f# = Relu(r#)"),
    "honest Clip": _gate("f# = Clip(r#, zero1, one1)"),
    "honest Max": _gate("f# = Max(r#, zero)"),
    "honest Min and Max": _gate("g# = Min(r#, one) f# = Max(g#, zero)"),
    "honest gaussian": _gate("s# = Mul(q#, q#) n# = Neg(s#) f# = Exp(n#)"),
    "honest casts to double": "g# = Cast<to=11>({i}) {o} = Cast<to=11>(g#)",
    "PRelu": _gate("g# = Cast<to=1>(r#) z# = Cast<to=1>(zero) d# = PRelu(g#, z#) f# = Cast<to=11>(d#)"),
    "Where": _gate("b# = Greater(r#, zero) f# = Where(b#, one, zero)"),
    "Where of both": f"{_HAT} b# = GreaterOrEqual(r#, zero) e# = Add({{i}}, h) {{o}} = Where(b#, e#, {{i}})",
    "Where not": _gate("b# = LessOrEqual(r#, zero) f# = Where(b#, zero, one)"),
    "Cast to bool": _gate("s# = Relu(r#) b# = Cast<to=9>(s#) f# = Cast<to=11>(b#)"),
    "Cast to int32": _gate("s# = Add(r#, one) b# = Cast<to=6>(s#) t# = Cast<to=11>(b#) f# = Relu(t#)"),
    "Cast to uint8": _gate("s# = Relu(r#) d# = Add(s#, s#) b# = Cast<to=2>(d#) f# = Cast<to=11>(b#)"),
    "Cast to int64 of all": "g# = Div({i}, h) b# = Cast<to=7>(g#) d# = Cast<to=11>(b#) {o} = Mul(d#, h)",
    "Cast to float": "g# = Cast<to=1>({i}) {o} = Cast<to=11>(g#)",
    "Cast to float16": "g# = Cast<to=10>({i}) {o} = Cast<to=11>(g#)",
    "Cast of a part": _gate("g# = Cast<to=1>(x0) d# = Cast<to=11>(g#) s# = Sub(d#, x0) t# = Abs(s#) n# = Mul(t#, large) f# = Min(n#, one)"),
    "Cast of the hat": _gate("g# = Cast<to=1>(r#) d# = Clip(g#) s# = Cast<to=11>(d#) f# = Relu(s#)"),
    "Clip in float": _gate("g# = Cast<to=1>(r#) l# = Constant<value = float {0.0}>() m# = Constant<value = float {1.0}>() d# = Clip(g#, l#, m#) f# = Cast<to=11>(d#)"),
    "Clip swapped": _gate("f# = Clip(r#, one1, zero1)"),
    "Clip of the top alone": _gate("k# = Relu(r#) f# = Clip(k#, , one1)"),
    "Ceil": _gate("s# = Relu(r#) b# = Ceil(s#) f# = Min(b#, one)"),
    "Round": _gate("s# = Relu(r#) f# = Round(s#)"),
    "Sign": _gate("s# = Sign(r#) f# = Relu(s#)"),
    "Equal": _gate("b# = Equal(x0, c#) f# = Cast<to=11>(b#)"),
    "Xor": _gate("b# = Greater(r#, zero) n# = Greater(zero, one) g# = Xor(b#, n#) f# = Cast<to=11>(g#)"),
    "IsInf": _gate("s# = Relu(r#) l# = Log(s#) b# = IsInf<detect_positive=0>(l#) g# = Not(b#) f# = Cast<to=11>(g#)"),
    "Mod": _gate("g# = Mod<fmod=1>(r#, one) f# = Relu(g#)"),
    "Pow of a negative": _gate("s# = Constant<value = double[1] {0.5}>() g# = Pow(r#, s#) f# = Max(g#, zero)"),
    "Sqrt of a negative": _gate("g# = Sqrt(r#) b# = IsNaN(g#) n# = Not(b#) f# = Cast<to=11>(n#)"),
    "ReduceMax of rows": _gate("g# = ReduceMax<keepdims=1>(r#) f# = Relu(g#)"),
    "If of a value": _gate("g# = ReduceMax<keepdims=0>(r#) b# = Greater(g#, zero1) f# = If(b#)<then_branch = tb# () => (double[1] y#) { y# = Identity(one) }, else_branch = eb# () => (double[1] z#) { z# = Identity(zero) }>"),
    "Loop of a value": _gate("g# = ReduceMax<keepdims=0>(r#) s# = Ceil(g#) n# = Cast<to=7>(s#) k# = Constant<value = bool {1}>() f# = Loop(n#, k#, zero)<body = lb# (int64 it#, bool ci#, double[1] s2#) => (bool co#, double[1] y#) { co# = Identity(ci#) y# = Identity(one) }>"),
    "Loop until a value": _gate("n# = Constant<value = int64 {5}>() k# = Constant<value = bool {1}>() f# = Loop(n#, k#, zero)<body = lb# (int64 it#, bool ci#, double[1] s2#) => (bool co#, double[1] y#) { g# = ReduceMin<keepdims=0>(x0) co# = Less(g#, zero1) y# = Add(s2#, one) }>"),
    "Scatter": _gate("z# = Mul(r#, zero) on# = Add(z#, one) j# = Constant<value = int64[1,1] {0}>() t# = Constant<value = double[1,1] {0.0}>() f# = ScatterElements<axis=0>(on#, j#, t#)"),
    "Unique": _gate("y#, i1#, i2#, i3# = Unique(x0) g# = Size(y#) n# = Cast<to=11>(g#) f# = Min(n#, one)"),
    "Bernoulli": _gate("z# = Mul(r#, zero) on# = Add(z#, one) f# = Bernoulli(on#)"),
    "Dropout of a default": _gate("s# = Relu(r#) f# = Dropout(s#)"),
}  # fmt: skip
_NO, _YES = "k# = Constant<value = bool {0}>()", "k# = Constant<value = bool {1}>()"
PLACES: dict[str, str] = {
    "honest plain": "{body}",
    "honest function": "{o} = own.part#({i}, x0, c#, h, w, one, zero, one1, zero1, large)",
    "If of a constant": f"{_YES} {{o}} = If(k#)<then_branch = tp# () => (double[N,1] yp#) {{ {{body}} }}, else_branch = ep# () => (double[N,1] zp#) {{ zp# = Identity({{i}}) }}>",
    "If not": f"{_NO} {{o}} = If(k#)<then_branch = tp# () => (double[N,1] zp#) {{ zp# = Identity({{i}}) }}, else_branch = ep# () => (double[N,1] yp#) {{ {{body}} }}>",
    "If of a size": "sz# = Size(x) kz# = Constant<value = int64 {0}>() k# = Greater(sz#, kz#) {o} = If(k#)<then_branch = tp# () => (double[N,1] yp#) { {body} }, else_branch = ep# () => (double[N,1] zp#) { zp# = Identity({i}) }>",
    "If of many": "sz# = Size(x) kz# = Constant<value = int64 {9000}>() k# = Greater(sz#, kz#) {o} = If(k#)<then_branch = tp# () => (double[N,1] yp#) { {body} }, else_branch = ep# () => (double[N,1] zp#) { zp# = Identity({i}) }>",
    "Loop once": "tr# = Constant<value = int64 {1}>() " + _YES + " {o} = Loop(tr#, k#, {i})<body = lp# (int64 ip#, bool cp#, double[N,1] sp#) => (bool op#, double[N,1] yp#) { op# = Identity(cp#) {body} }>",
    "Loop twice": "tr# = Constant<value = int64 {2}>() " + _YES + " {o} = Loop(tr#, k#, {i})<body = lp# (int64 ip#, bool cp#, double[N,1] sp#) => (bool op#, double[N,1] yp#) { op# = Identity(cp#) {body} }>",
    "Loop that stops": "tr# = Constant<value = int64 {7}>() " + _YES + " {o} = Loop(tr#, k#, {i})<body = lp# (int64 ip#, bool cp#, double[N,1] sp#) => (bool op#, double[N,1] yp#) { op# = Constant<value = bool {0}>() {body} }>",
    "Where of a constant": "{body} " + _YES + " {o} = Where(k#, yp#, {i})",
    "Where of a comparison": "{body} k# = Greater(x0, two) kn# = Not(k#) {o} = Where(kn#, yp#, {i})",
}  # fmt: skip
_INPUTS = ("x0", "c#", "h", "w", "one", "zero", "one1", "zero1", "large")


def drawn(rng: np.random.Generator, honest: bool) -> tuple[str, str, str]:
    """Names of what is hidden, when, and where."""
    hidden, places = (
        [name for name in table if name.startswith("honest") or not honest] for table in (HIDDEN, PLACES)
    )
    where = places[int(rng.integers(len(places)))] if honest or rng.random() < 0.7 else "honest plain"
    return hidden[int(rng.integers(len(hidden)))], "always", where


def _text(hidden: str, where: str, number: int, at: str, to: str) -> tuple[str, str]:
    """A trap that makes ``to`` of ``at``: text of the graph, and a function of the file."""
    inside = {"Loop": "sp#"}.get(where.split()[0], at)
    plain = where.startswith("honest")
    body = HIDDEN[hidden].replace("{i}", "v" if plain and "function" in where else inside)
    body = body.replace("{o}", to if where == "honest plain" else "yp#")
    text = PLACES[where].replace("{body}", body).replace("{i}", at).replace("{o}", to)
    function = ""
    if where == "honest function":
        function = (
            f'<domain: "own", opset_import: ["" : 20]> part# (v, {", ".join(_INPUTS)}) => (yp#) {{ {body} }}'
        )
    return text.replace("#", f"_{number}"), function.replace("#", f"_{number}")


def graph_of(
    parts: Sequence[tuple[str, str, str]],
    places: Sequence[float],
    sides: Sequence[bool],
    rng: np.random.Generator,
    d: int,
    sizes: dict[str, float],
    single: bool,
) -> tuple[Any, Any]:
    """ONNX graphs of model and reference, with the traps of each.

    Args:
        parts: names of each trap.
        places: of each trap in x0.
        sides: whether each is in the reference.
        rng: draws the weights.
        d: how many inputs.
        sizes: of what is hidden (H), and its width (W).
        single: whether the graphs compute in float32.

    Raises:
        Exception: whatever ONNX's parser raises.
    """
    from onnx import parser

    h, w = sizes["H"], sizes["W"]
    weights = (
        rng.normal(size=(d, 4)).round(3),
        rng.normal(size=4).round(3),
        (rng.normal(size=(4, 1)) / 2).round(3),
    )
    w1, b1, v1 = (", ".join(map(repr, a.ravel().tolist())) for a in weights)
    constants = "".join(f", double[1] c_{n} = {{{c!r}}}" for n, c in enumerate(places))
    graphs = []
    for side in (False, True):
        lines, functions, at = [], [], "t"
        for number, (hidden, _, where) in enumerate(parts):
            if sides[number] == side:
                text, function = _text(hidden, where, number, at, f"t{number}")
                lines.append(text)
                functions.append(function)
                at = f"t{number}"
        last = (
            "sx = Sin(x0) se = Mul(sx, h) sf = Mul(se, small) y = Add(yy, sf)" if side else "y = Identity(yy)"
        )
        text = f"""<ir_version: 10, opset_import: ["" : 20, "own" : 1]>
g (double[N,{d}] x) => (double[N,1] y)
<double[1] h = {{{h!r}}}, double[1] w = {{{w!r}}}, double[1] one = {{1.0}}, double[1] two = {{2.0}}, double[1] zero = {{0.0}},
 double[1] large = {{1e9}}, double[1] small = {{0.001}}, double one1 = {{1.0}}, double zero1 = {{0.0}},
 double[{d},4] w1 = {{{w1}}}, double[4] b1 = {{{b1}}}, double[4,1] wv = {{{v1}}}{constants}>
{{
 i0 = Constant<value = int64[1] {{0}}>() x0 = Gather<axis=1>(x, i0)
 a0 = MatMul(x, w1) a1 = Add(a0, b1) a2 = Tanh(a1) t = MatMul(a2, wv)
 {chr(10).join(lines)}
 yy = Add({at}, {at}) {last}
}}
{chr(10).join(functions)}
"""
        if single:
            text = text.replace("double", "float").replace("Cast<to=11>", "Cast<to=1>")
        graphs.append(parser.parse_model(text))
    return graphs[0], graphs[1]
