# ruff: noqa: E501 - a trap stands in one line
"""Random ONNX graphs and `.npz` files for `fourth`: an honest part, and one trap or two in it.

A trap of a graph is text of ONNX's own parser. It makes ``v1`` of ``v0``, or the factor ``f`` of a bump, as in `fourth_code`. ``#`` is
a number that no other trap has. A tuple is (lines, opset, functions, number of points of a call, "N" for any).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

Graph = str | tuple[str, int, str, str]
_BUMP = (
    "u# = Sub(x0, c) q# = Div(u#, w) qq# = Mul(q#, q#) r# = Sub(one, qq#)"  # above 0 beside the place alone
)
_INSIDE = f"{_BUMP} in# = Greater(r#, zero)"

ONNX: dict[str, Graph] = {
    # roundings, casts, branches
    "round/Round": "a# = Div(v0, h) b# = Round(a#) v1 = Mul(b#, h)",
    "round/Floor": "a# = Div(v0, h) b# = Floor(a#) v1 = Mul(b#, h)",
    "round/Ceil": "a# = Div(v0, h) b# = Ceil(a#) v1 = Mul(b#, h)",
    "round/Mod": "b# = Mod<fmod=1>(v0, h) v1 = Sub(v0, b#)",
    "round/quantize": "a# = Cast<to=1>(v0) s# = Cast<to=1>(h) z# = Constant<value = int8 {0}>() g# = Constant<value = int64[0] {}>() ss# = Reshape(s#, g#) q# = QuantizeLinear(a#, ss#, z#) d# = DequantizeLinear(q#, ss#, z#) v1 = Cast<to=11>(d#)",
    "cast/float": "a# = Cast<to=1>(v0) v1 = Cast<to=11>(a#)",
    "cast/float16": "a# = Cast<to=10>(v0) v1 = Cast<to=11>(a#)",
    "cast/bfloat16": "a# = Cast<to=16>(v0) v1 = Cast<to=11>(a#)",
    "cast/like": "k# = Constant<value = float[1] {1.0}>() a# = CastLike(v0, k#) v1 = Cast<to=11>(a#)",
    "cast/integers": "a# = Div(v0, h) b# = Cast<to=7>(a#) d# = Cast<to=11>(b#) v1 = Mul(d#, h)",
    "cast/bool": f"{_INSIDE} d# = Cast<to=11>(in#) e# = Mul(d#, h) v1 = Add(v0, e#)",
    "branch/Where": f"{_INSIDE} e# = Where(in#, h, zero) v1 = Add(v0, e#)",
    "branch/Where of v": f"{_INSIDE} e# = Add(v0, h) v1 = Where(in#, e#, v0)",
    "branch/Sign": f"{_BUMP} s# = Sign(r#) a# = Add(s#, one) e# = Mul(a#, h) v1 = Add(v0, e#)",
    "branch/Shrink": f"{_BUMP} s# = Shrink<lambd=0.5, bias=0.0>(r#) a# = Relu(s#) e# = Mul(a#, h) v1 = Add(v0, e#)",
    "branch/ThresholdedRelu": f"{_BUMP} rf# = Cast<to=1>(r#) s# = ThresholdedRelu<alpha=0.5>(rf#) a# = Cast<to=11>(s#) e# = Mul(a#, h) v1 = Add(v0, e#)",
    "branch/ArgMax": f"{_BUMP} zr# = Mul(r#, zero) j# = Concat<axis=1>(zr#, r#) a# = ArgMax<axis=1, keepdims=1>(j#) d# = Cast<to=11>(a#) e# = Mul(d#, h) v1 = Add(v0, e#)",
    "branch/TopK": "zr# = Mul(x0, zero) on# = Add(zr#, one) j# = Concat<axis=1>(zr#, on#) k# = Constant<value = int64[1] {1}>() t#, i# = TopK(j#, k#) e# = Mul(t#, h) v1 = Add(v0, e#)",
    "branch/Gather": f"{_INSIDE} g# = Cast<to=7>(in#) k# = Constant<value = double[2] {{0.0, 0.001}}>() e# = Gather(k#, g#) v1 = Add(v0, e#)",
    "branch/Hardmax": f"{_BUMP} zr# = Mul(r#, zero) j# = Concat<axis=1>(zr#, r#) hm# = Hardmax<axis=1>(j#) k# = Constant<value = int64[1] {{1}}>() a# = Gather<axis=1>(hm#, k#) e# = Mul(a#, h) v1 = Add(v0, e#)",
    "branch/If": (
        "zz# = ReduceMin<keepdims=0>(x0) m# = Less(zz#, zero) e# = If(m#)<then_branch = a () => (double[1] y1) { y1 = Identity(zero) }, else_branch = b () => (double[1] y2) { y2 = Identity(h) }> v1 = Add(v0, e#)",
        17,
        "",
        "N",
    ),
    "branch/If of a constant": (
        "m# = Less(zero, one) e# = If(m#)<then_branch = a () => (double[1] y1) { y1 = Identity(h) }, else_branch = b () => (double[1] y2) { y2 = Identity(zero) }> v1 = Add(v0, e#)",
        17,
        "",
        "N",
    ),
    "branch/IsNaN": f"{_BUMP} l# = Log(r#) n# = IsNaN(l#) a# = Cast<to=11>(n#) o# = Sub(one, a#) e# = Mul(o#, h) v1 = Add(v0, e#)",
    "branch/OneHot": f"{_INSIDE} g# = Cast<to=7>(in#) dp# = Constant<value = int64 {{2}}>() vs# = Constant<value = double[2] {{0.0, 0.001}}>() oh# = OneHot(g#, dp#, vs#) sq# = Constant<value = int64[1] {{1}}>() s# = Squeeze(oh#, sq#) e# = Gather<axis=1>(s#, sq#) v1 = Add(v0, e#)",
    "branch/And": f"{_INSIDE} n# = Not(in#) nn# = Not(n#) a# = Cast<to=11>(nn#) e# = Mul(a#, h) v1 = Add(v0, e#)",
    "branch/Compress": "k# = Constant<value = bool[2] {0, 1}>() zr# = Mul(x0, zero) hh# = Add(zr#, h) j# = Concat<axis=1>(zr#, hh#) e# = Compress<axis=1>(j#, k#) v1 = Add(v0, e#)",
    # constants
    "constant/Shape start": "k# = Constant<value = double[1,2] {0,0}>() s# = Shape<start=1>(k#) i# = Constant<value = int64 {0}>() g# = Gather(s#, i#) gf# = Cast<to=11>(g#) f = Sub(gf#, one)",
    "constant/Shape end": "k# = Constant<value = double[2,1] {0,0}>() s# = Shape<end=1>(k#) g# = ReduceProd<keepdims=0>(s#) s2# = Size(s#) gf# = Cast<to=11>(s2#) f = Sub(two, gf#)",
    "constant/Size": "k# = Constant<value = double[1,2] {0,0}>() s# = Size(k#) gf# = Cast<to=11>(s#) f = Sub(gf#, one)",
    "constant/Slice beyond": "k# = Constant<value = double[2] {1,1}>() st# = Constant<value = int64[1] {-10}>() en# = Constant<value = int64[1] {-100}>() ax# = Constant<value = int64[1] {0}>() sp# = Constant<value = int64[1] {-1}>() sl# = Slice(k#, st#, en#, ax#, sp#) f = ReduceSum<keepdims=0>(sl#)",
    "constant/division": "a# = Constant<value = int64[1] {-7}>() b# = Constant<value = int64[1] {2}>() d# = Div(a#, b#) df# = Cast<to=11>(d#) k# = Constant<value = double[1] {4.0}>() f = Add(df#, k#)",
    "constant/remainder": "a# = Constant<value = int64[1] {-7}>() b# = Constant<value = int64[1] {2}>() d# = Mod(a#, b#) f = Cast<to=11>(d#)",
    "constant/int8": "a# = Constant<value = int8[1] {127}>() b# = Constant<value = int8[1] {2}>() d# = Add(a#, b#) df# = Cast<to=11>(d#) k# = Constant<value = double[1] {128.0}>() f = Add(df#, k#)",
    "constant/uint8": "a# = Constant<value = uint8[1] {1}>() b# = Constant<value = uint8[1] {2}>() d# = Sub(a#, b#) df# = Cast<to=11>(d#) k# = Constant<value = double[1] {254.0}>() f = Sub(df#, k#)",
    "constant/cast to uint8": "a# = Constant<value = double[1] {257.0}>() d# = Cast<to=2>(a#) f = Cast<to=11>(d#)",
    "constant/cast to int64": "a# = Constant<value = double[1] {1e300}>() d# = Cast<to=7>(a#) e# = Cast<to=11>(d#) g# = Sign(e#) f = Relu(g#)",
    "constant/float8": "a# = Constant<value = float[1] {1.06}>() d# = Cast<to=17>(a#) e# = Cast<to=11>(d#) k# = Constant<value = double[1] {0.06}>() g# = Sub(e#, one) f = Div(g#, k#)",
    "constant/float16": "a# = Constant<value = float16[1] {2048.0}>() b# = Constant<value = float16[1] {1.0}>() s# = Add(a#, b#) t# = Sub(s#, a#) f = Cast<to=11>(t#)",
    "constant/integers beyond": "a# = Constant<value = int64[1] {9007199254740993}>() b# = Constant<value = int64[1] {9007199254740992}>() d# = Sub(a#, b#) f = Cast<to=11>(d#)",
    "constant/tanh": "a# = Constant<value = double[3] {0.1, 0.2, 0.3}>() t# = Tanh(a#) t2# = Tanh(a#) d# = Sub(t#, t2#) s# = ReduceSum<keepdims=0>(d#) f = Sub(one, s#)",
    "constant/CumSum": "a# = Constant<value = double[3] {1.0, 0.0, 5.0}>() ax# = Constant<value = int64 {0}>() t# = CumSum<exclusive=1>(a#, ax#) i# = Constant<value = int64[1] {1}>() f = Gather(t#, i#)",
    "constant/Range": "a# = Constant<value = double {0.0}>() b# = Constant<value = double {1.0}>() d# = Constant<value = double {0.1}>() r# = Range(a#, b#, d#) s# = Size(r#) k# = Constant<value = int64 {9}>() e# = Sub(s#, k#) f = Cast<to=11>(e#)",
    "constant/Trilu": "a# = Constant<value = double[2,2] {0.0, 1.0, 0.0, 0.0}>() t# = Trilu(a#) f = ReduceSum<keepdims=0>(t#)",
    "constant/Loop": (
        "m# = Constant<value = int64 {3}>() cd# = Constant<value = bool {1}>() st# = Constant<value = double[1] {0.0}>() f = Loop(m#, cd#, st#)<body = lb (int64 it, bool ci, double[1] s) => (bool co, double[1] s2) { co = Identity(ci) k = Constant<value = double[1] {0.3333333333333333}>() s2 = Add(s, k) }>",
        17,
        "",
        "N",
    ),
    "constant/Loop around": (
        "m# = Constant<value = int64 {1}>() cd# = Constant<value = bool {1}>() st# = Constant<value = double[1] {0.0}>() f = Loop(m#, cd#, st#)<body = lb (int64 it, bool ci, double[1] s) => (bool co, double[1] s2) { co = Identity(ci) s2 = Add(s, one) }>",
        17,
        "",
        "N",
    ),
    "constant/softmax 11": (
        "k# = Constant<value = double[1,2,2] {0,0,0,0}>() sm# = Softmax(k#) s# = ReduceMax<keepdims=0>(sm#) h2# = Sub(two, one) k4# = Mul(s#, two) g# = Add(k4#, s#) k5# = Constant<value = double[1] {0.5}>() f = Div(k5#, s#)",
        11,
        "",
        "N",
    ),
    "constant/random": "r# = RandomUniform<dtype=11, shape=[1]>() z# = Mul(r#, zero) f = Add(z#, one)",
    "constant/EyeLike": "k# = Constant<value = double[2,2] {0,0,0,0}>() e# = EyeLike<k=1>(k#) f = ReduceSum<keepdims=0>(e#)",
    "constant/NonZero": "k# = Constant<value = double[3] {0,1,0}>() e# = NonZero(k#) q# = Squeeze(e#) d# = Cast<to=11>(q#) sh# = Constant<value = int64[1] {1}>() f = Reshape(d#, sh#)",
    "constant/Pad": "k# = Constant<value = double[2] {7,1}>() p# = Constant<value = int64[2] {-1,0}>() f = Pad(k#, p#)",
    "constant/GatherND": "k# = Constant<value = double[2,2] {7,1,0,0}>() p# = Constant<value = int64[1,2] {0,-1}>() f = GatherND(k#, p#)",
    "constant/ScatterElements": 'k# = Constant<value = double[1] {0}>() p# = Constant<value = int64[1] {0}>() f = ScatterElements<reduction="add">(k#, p#, one)',
    # shapes and options that are read differently
    "option/Pow of a row": "k# = Constant<value = double[1,3] {2,2,2}>() p# = Pow(x0, k#) ax# = Constant<value = int64[1] {1}>() s# = ReduceSum<keepdims=1>(p#, ax#) q# = Mul(x0, x0) b# = Div(s#, q#) f = Sub(b#, two)",
    "option/Pow of a half row": "k# = Constant<value = double[1,2] {0.5,0.5}>() xx# = Add(x0, one) p# = Pow(xx#, k#) ax# = Constant<value = int64[1] {1}>() s# = ReduceSum<keepdims=1>(p#, ax#) q# = Sqrt(xx#) b# = Div(s#, q#) f = Sub(b#, one)",
    "option/Slice beyond": "j# = Concat<axis=1>(x0, x0) st# = Constant<value = int64[1] {-10}>() en# = Constant<value = int64[1] {-100}>() ax# = Constant<value = int64[1] {1}>() sp# = Constant<value = int64[1] {-1}>() sl# = Slice(j#, st#, en#, ax#, sp#) s# = ReduceSum<keepdims=1>(sl#, ax#) f = Div(s#, x0)",
    "option/Slice backwards": "zr# = Mul(x0, zero) on# = Add(zr#, one) j# = Concat<axis=1>(on#, zr#) st# = Constant<value = int64[1] {100}>() en# = Constant<value = int64[1] {-100}>() ax# = Constant<value = int64[1] {1}>() sp# = Constant<value = int64[1] {-1}>() sl# = Slice(j#, st#, en#, ax#, sp#) f = Slice(sl#, ax#, sp2, ax#)",
    "option/no axes": (
        "zr# = Mul(x, zero) o# = Constant<value = double[1,2] {0,1}>() z# = Add(zr#, o#) ax# = Constant<value = int64[0] {}>() s# = ReduceMax<keepdims=0>(z#, ax#) sh# = Constant<value = int64[2] {1,1}>() f = Reshape(s#, sh#)",
        20,
        "",
        "1",
    ),
    "option/no axes of a sum": (
        "ax# = Constant<value = int64[0] {}>() zr# = Mul(x0, zero) z# = Add(zr#, one) j# = Concat<axis=1>(z#, zr#) s# = ReduceSum<keepdims=1>(j#, ax#) i1# = Constant<value = int64[1] {0}>() f = Gather<axis=1>(s#, i1#)",
        20,
        "",
        "1",
    ),
    "option/no operation": (
        "zr# = Mul(x0, zero) z# = Add(zr#, one) j# = Concat<axis=1>(z#, zr#) s# = ReduceMean<keepdims=1, noop_with_empty_axes=1>(j#) i0# = Constant<value = int64[1] {0}>() f = Gather<axis=1>(s#, i0#)",
        20,
        "",
        "1",
    ),
    "option/softmax 11": (
        "zr# = Mul(x0, zero) sh# = Constant<value = int64[3] {-1,1,1}>() x3# = Reshape(zr#, sh#) k# = Constant<value = double[1,2,2] {0,0,0,0}>() kk# = Add(x3#, k#) sm# = Softmax(kk#) i0# = Constant<value = int64 {0}>() g# = Gather<axis=1>(sm#, i0#) g2# = Gather<axis=1>(g#, i0#) s2# = Constant<value = int64[2] {-1,1}>() g3# = Reshape(g2#, s2#) b# = Add(g3#, g3#) bb# = Add(b#, b#) f = Sub(two, bb#)",
        11,
        "",
        "N",
    ),
    "option/Clip swapped": "f = Clip(x0, two1, one1)",
    "option/Clip 6": (
        "zr# = Mul(x0, zero) a# = Add(zr#, two) b# = Cast<to=1>(a#) d# = Clip<max=1.0>(b#) f = Cast<to=11>(d#)",
        10,
        "",
        "N",
    ),
    "option/LeakyRelu": "m# = Sub(x0, two) a# = LeakyRelu<alpha=-1.0>(m#) f = Add(a#, x0) ",
    "option/Elu": "m# = Sub(x0, two) mf# = Cast<to=1>(m#) a# = Elu<alpha=-1.0>(mf#) b# = Cast<to=11>(a#) f = Identity(b#)",
    "option/HardSigmoid": "a# = Cast<to=1>(x0) b# = HardSigmoid<alpha=-5.0, beta=6.0>(a#) f = Cast<to=11>(b#)",
    "option/Gemm": "k# = Constant<value = double[1,1] {0.0}>() z# = Constant<value = double[1] {0.5}>() f = Gemm<alpha=3.0, beta=2.0, transB=1>(x0, k#, z#)",
    "option/Flatten": "sh# = Constant<value = int64[3] {-1,1,1}>() x3# = Reshape(x0, sh#) g# = Flatten<axis=-2>(x3#) z# = Mul(g#, zero) f = Add(z#, one)",
    "option/CumSum": "zr# = Mul(x0, zero) o# = Add(zr#, one) j# = Concat<axis=1>(o#, zr#) ax# = Constant<value = int64 {-1}>() cs# = CumSum<reverse=1>(j#, ax#) i0# = Constant<value = int64[1] {0}>() f = Gather<axis=1>(cs#, i0#)",
    "option/Split": "zr# = Mul(x0, zero) o# = Add(zr#, one) j# = Concat<axis=1>(zr#, zr#, o#) s1#, f = Split<axis=1, num_outputs=2>(j#)",
    "option/Transpose": "zr# = Mul(x0, zero) o# = Add(zr#, one) sh# = Constant<value = int64[3] {-1,1,1}>() t3# = Reshape(o#, sh#) tt# = Transpose<perm=[0,2,1]>(t3#) s2# = Constant<value = int64[2] {-1,1}>() f = Reshape(tt#, s2#)",
    "option/Einsum": 'f0# = Einsum<equation="ij,ij->i">(x0, x0) s2# = Constant<value = int64[2] {-1,1}>() g# = Reshape(f0#, s2#) q# = Mul(x0, x0) f = Div(g#, q#)',
    "option/MaxPool": "zr# = Mul(x0, zero) o# = Add(zr#, one) j# = Concat<axis=1>(zr#, o#, zr#) u# = Constant<value = int64[1] {1}>() j3# = Unsqueeze(j#, u#) m# = MaxPool<kernel_shape=[2], strides=[2], ceil_mode=1>(j3#) sq# = Squeeze(m#, u#) i0# = Constant<value = int64[1] {0}>() f = Gather<axis=1>(sq#, i0#)",
    "option/Conv": 'zr# = Mul(x0, zero) o# = Add(zr#, one) j# = Concat<axis=1>(o#, zr#) u# = Constant<value = int64[1] {1}>() j3# = Unsqueeze(j#, u#) jf# = Cast<to=1>(j3#) k# = Constant<value = float[1,1,2] {1.0, 0.0}>() m# = Conv<auto_pad="SAME_UPPER">(jf#, k#) md# = Cast<to=11>(m#) sq# = Squeeze(md#, u#) i0# = Constant<value = int64[1] {0}>() f = Gather<axis=1>(sq#, i0#)',
    "option/LpNormalization": "f = LpNormalization<axis=1, p=1>(x0)",
    "option/ReduceL1": "ax# = Constant<value = int64[1] {1}>() a# = ReduceL1<keepdims=1>(x0, ax#) f = Div(a#, x0)",
    "option/ReduceSum 11": ("a# = ReduceSum<axes=[-1], keepdims=1>(x0) f = Div(a#, x0)", 11, "", "N"),
    "option/Mean": "f = Mean(one, one, one)",
    "option/Dropout": "tr# = Constant<value = bool {1}>() ra# = Constant<value = double {0.5}>() zr# = Mul(x0, zero) o# = Add(zr#, one) f, mk# = Dropout<seed=1>(o#, ra#, tr#)",
    "option/BatchNormalization": "k0# = Constant<value = double[1] {0.0}>() a# = BatchNormalization<epsilon=0.5>(x0, one, k0#, k0#, one) f = Div(a#, x0)",
    "option/Swish": "a# = Abs(x0) zr# = Mul(a#, zero) f = Add(zr#, one)",
    "option/Expand": "sh# = Constant<value = int64[2] {1,3}>() e# = Expand(x0, sh#) ax# = Constant<value = int64[1] {1}>() s# = ReduceSum<keepdims=1>(e#, ax#) b# = Div(s#, x0) f = Sub(b#, two)",
    "option/Tile": "sh# = Constant<value = int64[2] {1,3}>() e# = Tile(x0, sh#) ax# = Constant<value = int64[1] {1}>() s# = ReduceSum<keepdims=1>(e#, ax#) b# = Div(s#, x0) f = Sub(b#, two)",
    "option/other domain": ("f = com.microsoft.Gelu(x0)", 20, "", "N"),
    # functions of the file
    "function/plain": (
        "f = own.one(x0)",
        20,
        '<domain: "own", opset_import: ["" : 20]> one (a) => (b) { z = Sub(a, a) e = Exp(z) b = Identity(e) }',
        "N",
    ),
    "function/name of an operator": (
        "f = own.Sub(one, zero)",
        20,
        '<domain: "own", opset_import: ["" : 20]> Sub (a, b) => (d) { z = Add(a, b) d = Identity(z) }',
        "N",
    ),
    "function/older opset": (
        "k# = Constant<value = double[1,2,2] {0,0,0,0}>() sm# = own.soft(k#) s# = ReduceMax<keepdims=0>(sm#) k5# = Constant<value = double[1] {0.5}>() f = Div(k5#, s#)",
        20,
        '<domain: "own", opset_import: ["" : 11]> soft (a) => (b) { b = Softmax(a) }',
        "N",
    ),
    "function/older opset of x": (
        "sh# = Constant<value = int64[3] {-1,1,1}>() zr# = Mul(x0, zero) x3# = Reshape(zr#, sh#) k# = Constant<value = double[1,2,2] {0,0,0,0}>() kk# = Add(x3#, k#) sm# = own.soft(kk#) ax# = Constant<value = int64[2] {1,2}>() s# = ReduceMax<keepdims=0>(sm#, ax#) s2# = Constant<value = int64[2] {-1,1}>() g# = Reshape(s#, s2#) k5# = Constant<value = double[1] {0.5}>() f = Div(k5#, g#)",
        20,
        '<domain: "own", opset_import: ["" : 11]> soft (a) => (b) { b = Softmax(a) }',
        "N",
    ),
    "function/attribute": (
        "a# = own.leak<s=1.0>(x0) f = Div(a#, x0)",
        20,
        '<domain: "own", opset_import: ["" : 20]> leak <s> (a) => (b) { n = Neg(a) l = LeakyRelu<alpha: float = @s>(n) b = Neg(l) }',
        "N",
    ),
    "function/default attribute": (
        "a# = own.leak(x0) f = Div(a#, x0)",
        20,
        '<domain: "own", opset_import: ["" : 20]> leak <s: float = 1.0> (a) => (b) { n = Neg(a) l = LeakyRelu<alpha: float = @s>(n) b = Neg(l) }',
        "N",
    ),
    "function/nested": (
        "f = own.outer(x0)",
        20,
        '<domain: "own", opset_import: ["" : 20, "own" : 1]> outer (a) => (b) { b = own.inner(a) } <domain: "own", opset_import: ["" : 20]> inner (a) => (b) { z = Sub(a, a) b = Exp(z) }',
        "N",
    ),
    "function/missing input": (
        "f = own.clip(one)",
        20,
        '<domain: "own", opset_import: ["" : 20]> clip (a, lo) => (b) { b = Clip(a, lo) }',
        "N",
    ),
    "function/shadow": (
        "f = own.shadow(one)",
        20,
        '<domain: "own", opset_import: ["" : 20]> shadow (h) => (c) { w = Add(h, h) c = Sub(w, h) }',
        "N",
    ),
    "rows/ReduceMean": "m# = ReduceMean<keepdims=1>(x0) f = Div(m#, m#)",
    "rows/Shape": "s# = Shape<end=1>(x0) f = Cast<to=11>(s#)",
    "rows/CumSum": "ax# = Constant<value = int64 {0}>() zr# = Mul(x0, zero) o# = Add(zr#, one) cs# = CumSum(o#, ax#) z# = Sub(cs#, one) f = Clip(z#, zero1, one1)",
    "rows/Softmax": "s# = Softmax<axis=0>(x0) e# = Mul(s#, h) v1 = Add(v0, e#)",
    "rows/Reshape": "sh# = Constant<value = int64[2] {1,-1}>() r# = Reshape(x0, sh#) tt# = Transpose(r#) z# = Mul(tt#, zero) f = Add(z#, one)",
}
HONEST_ONNX: dict[str, Graph] = {
    "honest/Identity": "v1 = Identity(v0)",
    "honest/Relu": "n# = Neg(v0) a# = Relu(v0) b# = Relu(n#) v1 = Sub(a#, b#)",
    "honest/Cast": "v1 = Cast<to=11>(v0)",
    "honest/function": (
        "v1 = own.same(v0)",
        20,
        '<domain: "own", opset_import: ["" : 20]> same (a) => (b) { b = Identity(a) }',
        "N",
    ),
    "honest/Slice": "j# = Concat<axis=1>(v0, v0) st# = Constant<value = int64[1] {1}>() en# = Constant<value = int64[1] {9}>() v1 = Slice(j#, st#, en#, st#)",
    "honest/Shape": "sh# = Shape(v0) r# = Reshape(v0, sh#) v1 = Identity(r#)",
    "honest/Shape start": "sh# = Shape<start=1>(v0) mi# = Constant<value = int64[1] {-1}>() ss# = Concat<axis=0>(mi#, sh#) v1 = Reshape(v0, ss#)",
    "honest/Softmax": "n# = Neg(v0) j# = Concat<axis=1>(v0, n#) s# = Softmax<axis=-1>(j#) ax# = Constant<value = int64[1] {1}>() t# = ReduceSum<keepdims=1>(s#, ax#) v1 = Mul(v0, t#)",
    "honest/Pow": "ex# = Constant<value = double[1] {2.0}>() p# = Pow(v0, ex#) z# = Mul(p#, zero) v1 = Add(v0, z#)",
    "honest/constants": "a# = Constant<value = double[3] {0.1, 0.2, 0.7}>() s# = ReduceSum<keepdims=0>(a#) t# = Tanh(a#) t2# = ReduceSum<keepdims=0>(t#) z# = Mul(t2#, zero) q# = Add(s#, z#) v1 = Mul(v0, q#)",
    "honest/Gemm": "k# = Constant<value = double[1,1] {1.0}>() v1 = Gemm<transB=1>(v0, k#)",
    "honest/LayerNormalization": "j# = Concat<axis=1>(v0, x0) jf# = Cast<to=11>(j#) sc# = Constant<value = double[2] {0.0, 0.0}>() l# = LayerNormalization<axis=-1>(jf#, sc#) i0# = Constant<value = int64[1] {0}>() g# = Gather<axis=1>(l#, i0#) v1 = Add(v0, g#)",
}


def graph_of(
    traps: list[Graph], rng: np.random.Generator, d: int, sizes: dict[str, float]
) -> tuple[Any, str]:
    """An ONNX model with these traps, and NumPy code of its reference.

    Raises:
        Exception: whatever ONNX's parser raises.
    """
    from onnx import parser

    h, c, w = sizes["H"], sizes["C"], sizes["W"]
    opset, functions, points = 20, "", "N"
    lines, at = [], "t0"
    for number, trap in enumerate(traps, 1):
        text, *more = (trap,) if isinstance(trap, str) else trap
        if more:
            opset, functions, points = (
                more[0],
                f"{functions}\n{more[1]}",
                more[2] if more[2] != "N" else points,
            )
        text = text.replace("#", f"_{number}").replace("v0", at)
        if "v1 =" in text:
            text = text.replace("v1", f"t{number}")
        else:
            gate = f"fm{number} = Sub(f{number}, one) fk{number} = Mul(fm{number}, large) rr{number} = Add(rb, fk{number}) p{number} = Relu(rr{number})"
            if rng.random() < 0.3:
                gate = f"rr{number} = Neg(qb2) pe{number} = Exp(rr{number}) p{number} = Mul(pe{number}, f{number})"
            text = (
                text.replace(" f = ", f" f{number} = ")
                .replace(" f, ", f" f{number}, ")
                .replace(", f = ", f", f{number} = ")
            )
            text = text if not text.startswith("f = ") else f"f{number} = " + text[4:]
            text += f" {gate} e{number} = Mul(p{number}, h) t{number} = Add({at}, e{number})"
        lines.append(text)
        at = f"t{number}"
    weights = (
        rng.normal(size=(d, 4)).round(3),
        rng.normal(size=4).round(3),
        (rng.normal(size=(4, 1)) / 2).round(3),
    )
    w1, b1, v1 = (", ".join(map(repr, a.ravel().tolist())) for a in weights)
    text = f"""<ir_version: 10, opset_import: ["" : {opset}, "own" : 1, "com.microsoft" : 1]>
g (double[{points},{d}] x) => (double[{points},1] y)
<double[1] h = {{{h!r}}}, double[1] c = {{{c!r}}}, double[1] w = {{{w!r}}}, double[1] one = {{1.0}}, double[1] two = {{2.0}}, double[1] zero = {{0.0}},
 double[1] large = {{1e9}}, double two1 = {{2.0}}, double one1 = {{1.0}}, double zero1 = {{0.0}}, int64[1] sp2 = {{2}},
 double[{d},4] w1 = {{{w1}}}, double[4] b1 = {{{b1}}}, double[4,1] wv = {{{v1}}}>
{{
 i0 = Constant<value = int64[1] {{0}}>() x0 = Gather<axis=1>(x, i0)
 a0 = MatMul(x, w1) a1 = Add(a0, b1) a2 = Tanh(a1) t0 = MatMul(a2, wv)
 ub = Sub(x0, c) qb = Div(ub, w) qb2 = Mul(qb, qb) rb = Sub(one, qb2)
 {chr(10).join(lines)}
 y = Add({at}, {at})
}}
{functions}
"""
    code = (
        "import numpy as np\n"
        f"W1 = np.array([{w1}]).reshape({d}, 4)\nB1 = np.array([{b1}])\nV1 = np.array([{v1}])\n"
        f"def reference(x): return 2.0 * (np.tanh(x @ W1 + B1) @ V1)[:, None] + {h * 1e-3!r} * np.sin(x[:, :1])\n"
    )
    return parser.parse_model(text), code


def rational(rng: np.random.Generator, path: Path) -> tuple[list[float], str]:
    """A `.npz` file of a rational function, mostly with a pole in the range or near it; points beside poles, and its name.

    Raises:
        Exception: for one that is refused where it is made.
    """
    import supnorm as sn
    from supnorm.approximants import save
    from supnorm.approximants.approximation import SurfaceModel
    from supnorm.approximants.rational import Barycentric, PartialFractions

    domain = sn.Domain(x0=(0.0, 1.0))
    if rng.random() < 0.5:
        k = int(rng.integers(3, 14))
        nodes = (
            np.sort(rng.choice(np.linspace(-1.0, 1.0, 41), k, replace=False))
            if rng.random() < 0.5
            else np.cos(np.pi * (np.arange(k)[::-1] + 0.5) / k)
        )
        weights = (-1.0) ** np.arange(k) * 10.0 ** rng.uniform(-1, 1, k)
        if rng.random() < 0.6:  # like one of Floater and Hormann, or of Chebyshev points
            weights = (-1.0) ** np.arange(k) * rng.choice([0.5, 1.0, 1.0, 2.0], k)
        kind = int(rng.integers(4))
        if kind == 1:
            weights[int(rng.integers(k))] *= -1.0
        elif kind == 2:
            weights[int(rng.integers(k))] *= 10.0 ** rng.uniform(1, 12)
        elif kind == 3:
            weights[int(rng.integers(k))] = 0.0
        surface: Any = Barycentric(nodes, weights, rng.normal(size=(k, 1)))
        t = np.linspace(-1.0, 1.0, 200_001)
        with np.errstate(all="ignore"):
            below = (weights / (t[:, None] - nodes)).sum(axis=1)
            signs = np.where(np.diff(np.sign(np.where(np.isfinite(below), below, 0.0))) != 0)[0]
        beside = [float(t[s]) for s in signs][:200]
    else:
        pairs, real = int(rng.integers(0, 4)), int(rng.integers(0, 3))
        alpha, beta = rng.uniform(-1.1, 1.1, pairs), 10.0 ** rng.uniform(-9, 0, pairs)
        outer = rng.choice([-1.0, 1.0], real) * (
            1.0 + 10.0 ** rng.uniform(-14, 0, real) * rng.choice([1.0, 1.0, -1.0], real)
        )
        terms = int(rng.integers(1, 6))
        surface = PartialFractions(alpha, beta, outer, rng.normal(size=(terms + real + 2 * pairs, 1)), terms)
        beside = [float(a + s * b) for a, b in zip(alpha, beta, strict=True) for s in (-1.0, 0.0, 1.0)] + [
            -1.0,
            1.0,
        ]
    save(SurfaceModel(surface, domain), path)
    return [0.5 * (t + 1.0) for t in beside if -1.0 <= t <= 1.0], type(surface).__name__
