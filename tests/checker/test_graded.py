"""Graded leaves: two implementations of one format agree, and neither accepts what is false.

The certifier's numbers are those of the checker, rounded outwards in float64. So a rule that either of them
weakens shows as a certificate that is rejected, or as numbers that differ.
"""

import hashlib
import json
from dataclasses import replace
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb, ctx

from supnorm.certification import certify, graded_certificate, graded_interpolant, graded_model, residual
from supnorm.certification.bracket import Bracket
from supnorm.certification.certificate import Certificate
from supnorm.certification.error_program import error_program
from supnorm.certification.graded_certificate import GradedCertificate
from supnorm.certification.graded_rule import rule
from supnorm.certification.graded_series import real_bounds
from supnorm.certification.result import CertifyResult
from supnorm.checker import check, graded, graded_functions, graded_range, graded_rule, leaves, polynomial
from supnorm.checker.document import read
from supnorm.checker.enclosure import Program
from supnorm.checker.graded_rule import verify_rule
from supnorm.checker.operation import program as _program
from supnorm.problem import Axis, Domain, ErrorMeasure, Problem
from supnorm.results import Contradiction

rng = np.random.default_rng(5)
W, B = 0.8 * rng.normal(size=(3, 6)), rng.normal(size=6)
W2, B2, V = 0.6 * rng.normal(size=(6, 6)), rng.normal(size=6), rng.normal(size=(6, 2))
ACTIVATIONS = {
    "tanh": jnp.tanh, "sin": jnp.sin, "silu": jax.nn.silu, "softplus": jax.nn.softplus,
    "sigmoid": jax.nn.sigmoid, "gelu": lambda z: jax.nn.gelu(z, approximate=False),
    "gelu of tanh": jax.nn.gelu, "erf": jax.scipy.special.erf,
}  # fmt: skip
BOX = Domain(x=(-0.3, 0.4), y=(0.0, 0.5), z=(0.1, 0.5))
STRATEGY = GradedCertificate(degrees=((4, 5, 6),) * 4)


def net(phi, outputs=1, depth=2, first=W):
    def model(x):
        h = phi(x @ first + B)
        for _ in range(depth - 1):
            h = phi(h @ W2 + B2)
        return h @ V[:, :outputs]

    return model


def other(x):
    wave = jnp.exp(-(x[:, :1] ** 2)) / (2 + jnp.cos(x[:, 1:2])) - jnp.log(3 + x[:, :1]) * jnp.sqrt(
        2 + x[:, 2:]
    )
    return wave + (1.5 + x[:, 1:2]) ** 1.7


def small(phi, size=1e-2, **more):
    model = net(phi, **more)
    return Problem(model, lambda x: model(x) + size * other(x), BOX)


def _residual():
    u = net(jnp.tanh, depth=1)

    def equation(v, z):
        slope = jax.grad(v)(z)
        return slope[0] + v(z) * slope[1] - 0.1 * slope[2]

    return Problem(residual(u, equation, 3), lambda x: 0.1 * x[:, :1], BOX)


def _kinks(x):
    return (
        jnp.abs(x[:, :1] - 5)
        + jax.nn.relu(x[:, 1:2] + 9) * jnp.maximum(x[:, 2:], -3.0)
        + jnp.minimum(x[:, :1], 4.0)
    )


PROBLEMS = {
    **{name: small(phi) for name, phi in ACTIVATIONS.items()},
    "unrelated": Problem(net(jnp.tanh), other, BOX),
    "one layer": small(jnp.sin, depth=1),
    "three layers": small(jnp.tanh, depth=3),
    "two outputs, relative": Problem(
        net(jnp.tanh, 2), lambda x: net(jnp.tanh, 2)(x) * (1 + 0.01 * other(x)), BOX, ErrorMeasure("relative", floor=0.3)
    ),
    "two outputs, scaled": Problem(
        net(jnp.tanh, 2), lambda x: jnp.concatenate([0.1 * other(x), x[:, :1]], 1), BOX, ErrorMeasure("scaled", scale=2.5)
    ),
    "one-sided": Problem(net(jnp.tanh), lambda x: 0.5 * other(x), BOX, ErrorMeasure("relative", floor=0.1, side="over")),
    "log axis": Problem(net(jnp.tanh), other, Domain.from_axes(
        {"x": Axis(0.5, 1.0, scale="log"), "y": (0.0, 0.4), "z": (0.1, 0.3)})),
    "residual": _residual(),
    "kinks": Problem(lambda x: _kinks(x) + 0.1 * net(jnp.tanh)(x), lambda x: 0.9 * _kinks(x), BOX),
}  # fmt: skip


QUICK = ("tanh", "gelu", "unrelated", "two outputs, scaled", "log axis", "kinks")


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in QUICK else [pytest.mark.slow]) for n in PROBLEMS]
)
def test_every_graded_certificate_is_accepted(name, tmp_path):
    result = certify(PROBLEMS[name], 1.5, strategy=STRATEGY, boxes=60)
    proof = result.certificate.leaves.proof
    assert (proof.graded >= 0).any()
    result.certificate.save(tmp_path / "c.json")
    verdict = check(tmp_path / "c.json")
    assert verdict.accepted, verdict.reason


@cache
def _programs(name):
    """A problem's error for the certifier and for the checker."""
    program = error_program(PROBLEMS[name]).alternatives[0]
    return program, Program.of(_program(program.to_json()))


def _numbers(name, tight):
    """Exact parts, norms and remainders of one cell by both programs, shape ``(2, outputs, 10 + 13)``."""
    program, theirs = _programs(name)
    centre, half = np.array([[0.05, 0.25, 0.3]]), np.array([[0.11, 0.13, 0.1]])
    g = graded_model.enclose(program, centre, half, rule(3, tight) if tight else None).graded
    mine = [[g.c[0, k], *g.J[0, k], *g.H[:, 0, k], *g.s[2:, 0, k], g.rem[0, k]] for k in range(program.m)]
    old, ctx.prec = ctx.prec, 80
    try:
        representatives = tuple(map(tuple, rule(3, tight).representatives.tolist())) if tight else ()
        verified = verify_rule(3, tight, representatives) if tight else None
        found = graded.enclose(theirs, list(map(arb, centre[0])), list(map(arb, half[0])), verified)
        other = [[float(v) for v in (f.c, *f.J, *f.H, *(f.s[k] for k in range(2, 14)), f.rem)] for f in found]
    finally:
        ctx.prec = old
    return np.array([mine, other])


def _differences(tight):
    """The problems of which both compute other numbers, and these."""
    found = {}
    for name in ("tanh", "gelu", "gelu of tanh", "three layers", "kinks"):
        mine, theirs = _numbers(name, tight)
        rounding = 1e-7 if tight else 1e-9  # of float64 in the remainder
        same = (
            (theirs[:, 10:] <= mine[:, 10:] * (1 + 1e-9) + 1e-13)
            & (mine[:, 10:] <= theirs[:, 10:] * (1 + 1e-6) + rounding)
        ).all() and np.allclose(mine[:, :10], theirs[:, :10], rtol=1e-9, atol=rounding)
        if not same:
            found[name] = mine.tolist(), theirs.tolist()
    return found


@pytest.mark.slow
@pytest.mark.sampled(1)
@pytest.mark.parametrize("tight", [0, 4])
def test_both_compute_the_same_numbers(tight):
    assert not _differences(tight)


OPERATIONS = {
    op: ()
    for op in ("tanh", "sigmoid", "softplus", "silu", "gelu", "erf", "sin", "cos", "exp", "log", "sqrt")
}
OPERATIONS |= {"pow": (1.7,), "reciprocal": ()}


@pytest.mark.parametrize("op", OPERATIONS)
def test_bounds_of_functions_agree(op):
    """Aliasing of the interpolants and derivatives on an interval, by both."""
    extra = OPERATIONS[op]
    for c, r in ((0.7, 0.3), (2.0, 1.5), (4.0, 0.01)):
        box = np.array([[c]]), np.array([[r]])
        mine = [
            *graded_interpolant.aliasing(op, *box, *extra),
            *real_bounds(op, box[0] - r, box[0] + r, *extra),
        ]
        ball, p = (arb(c), arb(r)), (extra or (None,))[0]
        found = graded._smallest(
            [graded._aliasing(op, *ball, b, e, p) for b, e in graded_functions.ellipses(op, *ball, p)]
        )
        theirs = [*found[:6], *graded_functions.real_bounds(op, arb(c) - r, arb(c) + r, p)]
        for i, (a, b) in enumerate(zip(mine, theirs, strict=True)):
            if (op, i) == ("log", 0):  # the checker's is that of log z - k, with the best k
                assert 0.2 * float(a.max()) < float(b.upper()) < float(a.max())
            else:
                assert float(a.max()) == pytest.approx(float(b.upper()), rel=1e-4)


def test_what_few_bits_gave_is_not_used_with_more():
    """A matrix that was made with 53 bits made the checker reject honest files later in the same process."""
    polynomial._transform.cache_clear()
    old = ctx.prec
    try:
        for ctx.prec, most in ((53, 1e-12), (160, 1e-40)):
            assert graded._interpolants("exp", arb(1), arb(0.25), 1, None)[0][0].rad() < most
    finally:
        ctx.prec = old


def test_the_aliasing_of_a_logarithm_is_a_bound():
    """On an interval far from one, where the values are large and their differences are not."""
    for c, r in ((0.7, 0.3), (5e-50, 1e-50), (3e40, 1e40)):
        ellipses = graded_functions.ellipses("log", arb(c), arb(r), None)
        bound = graded._smallest([graded._aliasing("log", arb(c), arb(r), b, e, None) for b, e in ellipses])[
            0
        ]
        nodes = np.cos(np.pi * (np.arange(18) + 0.5) / 18)
        fit = np.polynomial.chebyshev.Chebyshev.fit(nodes, np.log1p(r / c * nodes), 17, domain=[-1, 1])
        t = np.linspace(-1.0, 1.0, 2001)
        assert np.abs(fit(t) - np.log1p(r / c * t)).max() <= float(bound) + 2e-15
        assert float(bound) < 1e-7


def _scaled(position, factor):
    def weaken(honest):
        def weak(*args):
            found = honest(*args)
            return (
                None if found is None else [v * factor if i == position else v for i, v in enumerate(found)]
            )

        return weak

    return weaken


def _model(kind, **factors):
    """A rule whose result has its norms, or its remainder, multiplied."""

    def weaken(honest):
        def weak(*args):
            g = honest(*args)
            one = arb(1) if kind is graded.Graded else 1.0
            rem = None if g.rem is None else g.rem * factors.get("rem", one)
            return replace(g, s=g.s * factors.get("s", one), rem=rem)

        return weak

    return weaken


OWN, THEIR = graded_model.Graded, graded.Graded
DIFFERENT = {
    "certifier: sixth derivative": (graded_model, "real_bounds", _scaled(5, 0.5)),
    "certifier: norms of a function": (graded_model, "smooth", _model(OWN, s=0.99)),
    "certifier: remainder of a function": (graded_model, "smooth", _model(OWN, rem=0.9)),
    "certifier: norms of a layer": (graded_model, "affine", _model(OWN, s=0.99)),
    "certifier: remainder of a layer": (graded_model, "affine", _model(OWN, rem=0.9)),
    "checker: sixth derivative": (graded, "real_bounds", _scaled(5, 0.5)),
    "checker: norms of a function": (graded, "smooth", _model(THEIR, s=arb("0.99"))),
    "checker: remainder of a function": (graded, "smooth", _model(THEIR, rem=arb("0.9"))),
    "checker: norms of a product": (graded, "multiply", _model(THEIR, s=arb("0.99"))),
    "checker: remainder of a product": (graded, "multiply", _model(THEIR, rem=arb("0.9"))),
    "checker: norms of a sum": (graded, "plus", _model(THEIR, s=arb("0.99"))),
    "checker: remainder of a sum": (graded, "plus", _model(THEIR, rem=arb("0.9"))),
    "checker: kinks": (graded, "relu", lambda honest: lambda x: graded.times(x, arb(0))),
    "certifier: quadratic forms": (graded_model, "quadratic", lambda f: lambda a, b: (f(a, b)[0], 0.99 * f(a, b)[1])),
    "certifier: their constants": (graded_model, "quadratic", lambda f: lambda a, b: (0.99 * f(a, b)[0], f(a, b)[1])),
    "certifier: their bound": (graded_model.Graded, "curve", lambda f: property(lambda g: 0.99 * f.func(g))),
    "checker: quadratic forms": (
        graded, "_form", lambda f: lambda a, b: (f(a, b)[0], graded._scaled(arb("0.99"), f(a, b)[1])),
    ),
    "checker: their constants": (graded, "_form", lambda f: lambda a, b: (arb("0.99") * f(a, b)[0], f(a, b)[1])),
    "checker: their bound": (graded.Graded, "curve", lambda f: property(lambda g: (arb("0.99") * f.func(g)).upper())),
    "checker: parts above the top": (graded, "_above", lambda honest: lambda parts: arb(0)),
}  # fmt: skip


@pytest.mark.sampled(6)
@pytest.mark.parametrize("name", DIFFERENT)
def test_a_weakened_rule_of_models_shows(name, monkeypatch):
    module, what, weaken = DIFFERENT[name]
    monkeypatch.setattr(module, what, weaken(getattr(module, what)))
    assert _differences(0)


def test_a_weakened_tightening_shows(monkeypatch):
    honest = graded.tightened
    monkeypatch.setattr(
        graded, "tightened", lambda x, row, r: _model(THEIR, s=arb("0.99"))(honest)(x, row, r)
    )
    assert _differences(4)


@pytest.mark.parametrize(("d", "D"), [(2, 5), (3, 4), (3, 6), (6, 3)])
def test_lebesgue_constants_agree(d, D):
    r = rule(d, D)
    old, ctx.prec = ctx.prec, 80
    try:
        found = float(verify_rule(d, D, tuple(map(tuple, r.representatives.tolist()))).lebesgue)
    finally:
        ctx.prec = old
    assert r.lebesgue * (1 - 1e-7) <= found <= r.lebesgue


WEAK = {
    "Lebesgue factor": (graded_certificate.Rule, "lebesgue", lambda honest: 0.0),
    "range of the polynomial": (
        graded_certificate, "polynomial_range",
        lambda honest: lambda *a: tuple(0.9 * end for end in honest(*a)),
    ),
    "tail": (graded_model.Graded, "tail", lambda honest: lambda self, D: 0.9 * honest(self, D)),
}  # fmt: skip


@pytest.mark.sampled(1)
@pytest.mark.parametrize("name", WEAK)
def test_a_weakened_certificate_is_rejected(name, monkeypatch, tmp_path):
    where, what, weaken = WEAK[name]
    if name == "Lebesgue factor":
        honest = graded_certificate.rule
        monkeypatch.setattr(graded_certificate, "rule", lambda d, D: replace(honest(d, D), lebesgue=0.0))
    else:
        monkeypatch.setattr(where, what, weaken(getattr(where, what)))
    # What certify itself would notice, by its own witness, is for the checker here.
    noticed = []
    for guard, check_of in ((Bracket, "demand_consistent"), (Certificate, "_demand_consistent")):
        honestly = getattr(guard, check_of)

        def asked(self, honestly=honestly):
            try:
                honestly(self)
            except Contradiction as why:
                noticed.append(why)

        monkeypatch.setattr(guard, check_of, asked)
    monkeypatch.setattr(CertifyResult, "__post_init__", lambda self: None)
    result = certify(PROBLEMS["tanh"], 1.1, strategy=STRATEGY, boxes=40)
    replace(result.certificate, lower=0.0, witness=None).save(tmp_path / "c.json")  # it claims no lower bound
    found = check(tmp_path / "c.json")
    assert not found.accepted
    assert found.leaf is not None  # the leaf whose bound is too small, not only lower against upper
    assert bool(noticed) == (name == "range of the polynomial")


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Leaves of several degrees and grids, tightened."""
    path, model = tmp_path_factory.mktemp("graded") / "c.json", net(jnp.tanh)
    near = net(jnp.tanh, first=W * (1 + 1e-9))  # weights of its own: a change of the model's does not cancel

    def reference(x):
        return near(x) + 0.1 * jnp.sin(3 * (x[:, :1] + x[:, 1:2] - x[:, 2:])) * other(x)

    strategy = GradedCertificate(degrees=((5,),) * 4, tighten=4, share=0.5, far=0.5, grids=(6, 12, 16))
    result = certify(Problem(model, reference, BOX), 1.1, strategy=strategy)
    result.certificate.save(path)
    return path


def _sha(value):
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _forge(saved, tmp_path, change):
    """The file after a change, with hashes and digest made to fit."""
    data = json.loads(saved.read_text())
    change(data)
    if isinstance(data.get("programs"), list):
        data["hashes"] = [_sha(p) for p in data["programs"]]
    data["digest"] = _sha({k: v for k, v in data.items() if k != "digest"})
    path = tmp_path / "forged.json"
    path.write_text(json.dumps(data))
    return path


def _smaller(text, factor):
    return (float.fromhex(text) * factor).hex()


def _claims(factor, leaves=slice(None)):
    def change(data):
        column = data["leaves"]["upper"]
        column[leaves] = [_smaller(u, factor) for u in column[leaves]]

    return change


@pytest.mark.slow
def test_the_file_has_every_kind_of_leaf(saved):
    columns = json.loads(saved.read_text())["leaves"]
    assert {row[0] for row in columns["degree"]} == {4, 5}  # 4: from the tightening's own values
    assert {row[0] for row in columns["graded"]} == {4}
    assert {row[0] for row in columns["grid"]} == {0, 602, 1203, 1603}
    assert check(saved).accepted


@pytest.mark.slow
def test_a_rule_that_cannot_be_proved_is_rejected_by_processes_too(saved, tmp_path):
    def change(data):
        for entry in data["graded_rules"]:
            entry["representatives"] = entry["representatives"][:1]

    path = _forge(saved, tmp_path, change)
    alone, shared = check(path), check(path, workers=2)
    assert not alone.accepted
    assert (shared.accepted, shared.reason) == (False, alone.reason)


def test_a_leaf_that_claims_a_millionth_less_is_named(saved, tmp_path):
    verdict = check(_forge(saved, tmp_path, _claims(1 - 1e-6, slice(4, 5))))
    assert not verdict.accepted
    assert verdict.leaf == 4


def _sharp(saved):
    """Whether every leaf is proved, and none could have claimed a millionth less."""
    document = read(saved)
    old, ctx.prec = ctx.prec, 80
    try:
        programs = tuple(map(Program.of, document.programs))
        rules = {D: verify_rule(3, D, points) for D, points in document.rules.items()}
        for k, leaf in enumerate(document.leaves):
            key = (leaf.level, leaf.index, leaf.degree, leaf.rho, leaf.grid, leaf.graded)
            bound = leaves._largest_of(leaves._bounds(document, programs, key, k, rules))
            if not (bound <= leaf.upper and bound >= leaf.upper * (1 - 1e-6)):
                return False
    finally:
        ctx.prec = old
    return True


def _narrow(honest):
    return lambda *a: tuple(end * arb("0.99") for end in honest(*a))


LOOSE = {
    "tail": (graded.Graded, "tail", lambda honest: lambda self, D: honest(self, D) * arb("0.9")),
    "range of the polynomial": (graded, "polynomial_range", _narrow),
    "margin of the grid": (
        graded_range, "widened",
        lambda honest: lambda low, high, D, count: (low.lower(), high.upper()),
    ),
    "Lebesgue constant": (graded_rule, "_lebesgue", lambda honest: lambda *a: honest(*a) * arb("0.5")),
    "norms of a function": (graded, "smooth", _model(THEIR, s=arb("0.9"))),
}  # fmt: skip


@pytest.mark.parametrize("name", LOOSE)
def test_a_weakened_checker_shows(name, saved, monkeypatch):
    where, what, weaken = LOOSE[name]
    monkeypatch.setattr(where, what, weaken(getattr(where, what)))
    assert not _sharp(saved)


def test_the_honest_checker_is_sharp(saved):
    assert _sharp(saved)


def _rules(change):
    return lambda data: [change(entry["representatives"]) for entry in data["graded_rules"]]


def _every(column, change):
    def tamper(data):
        data["leaves"][column] = [[change(v) for v in row] for row in data["leaves"][column]]

    return tamper


def _weights(data, change):
    import struct
    from base64 import b64decode, b64encode

    for key in ("programs", "point_programs"):
        entry = next(n for n in data[key][0]["nodes"] if n["op"] == "affine")["weight"]
        raw = b64decode(entry["data"])
        values = list(struct.unpack(f"<{len(raw) // 8}d", raw))
        change(values)
        entry["data"] = b64encode(struct.pack(f"<{len(values)}d", *values)).decode()


def _drop(data, k):
    for column in data["leaves"].values():
        del column[k]


def _ends(data, value):
    for key in ("high", "axis_high"):
        data[key][0] = value.hex()


TAMPERINGS = {
    "weight": lambda d: _weights(d, lambda v: v.__setitem__(0, v[0] + 0.1)),
    "activation": lambda d: [
        next(n for n in d[key][0]["nodes"] if n["op"] == "tanh").update(op="sin") for key in ("programs", "point_programs")
    ],
    "reference": lambda d: [
        [n.update(op="sin") for n in d[key][0]["nodes"] if n["op"] == "cos"] for key in ("programs", "point_programs")
    ],
    "gap in the tiling": lambda d: _drop(d, 3),
    "leaf twice": lambda d: [c.append(c[0]) for c in d["leaves"].values()],
    "bounds of all leaves": _claims(0.95),
    "bound of the whole": lambda d: d.update(upper=_smaller(d["upper"], 0.95)),
    "domain": lambda d: _ends(d, 0.5),
    "lower bound": lambda d: d.update(lower=_smaller(d["lower"], 1.001)),
    "degree lowered": _every("degree", lambda v: 4),
    "degree without a rule": _every("degree", lambda v: 9),
    "degree zero": _every("degree", lambda v: 0),
    "degree of the model itself": _every("degree", lambda v: 1),
    "tightening by a rule that is not there": _every("graded", lambda v: 7),
    "tensor leaves instead": _every("graded", lambda v: -1),
    "part above the degree": _every("grid", lambda v: 2406),
    "grid coarser than its part": _every("grid", lambda v: 504),
    "part of degree one": _every("grid", lambda v: 601),
    "negative grid": _every("grid", lambda v: -600),
    "huge grid": _every("grid", lambda v: 10**9 + 2),
    "no rules": lambda d: d.pop("graded_rules"),
    "node outside": _rules(lambda r: r[0].__setitem__(0, (1.1).hex())),
    "negative representative": _rules(lambda r: r[0].__setitem__(0, (-0.5).hex())),
    "node twice": _rules(lambda r: r.append(r[0])),
    "few nodes": _rules(lambda r: r.__delitem__(slice(1, None))),
    "node not a number": _rules(lambda r: r[0].__setitem__(0, "nan")),
    "node of another dimension": _rules(lambda r: r[0].pop()),
    "rule of a high degree": lambda d: d["graded_rules"][0].update(degree=40),
    "rules exchanged": lambda d: [
        e.update(degree=D) for e, D in zip(d["graded_rules"], [e["degree"] for e in d["graded_rules"]][::-1], strict=True)
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", TAMPERINGS)
def test_tampered_graded_certificates_are_rejected(name, saved, tmp_path):
    verdict = check(_forge(saved, tmp_path, TAMPERINGS[name]))
    assert not verdict.accepted, name
    assert verdict.reason
