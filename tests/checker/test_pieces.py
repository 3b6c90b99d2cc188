"""Linear pieces in the checker: honest certificates pass, forged ones do not, each rule is needed."""

import hashlib
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb

from supnorm.certification import certify
from supnorm.checker import check, enclosure
from supnorm.checker import pieces as rules
from supnorm.problem import Domain, Problem

W = np.random.default_rng(1).normal(size=(2, 6))


def _net(x):
    hidden = jax.nn.leaky_relu(x @ W, 0.1)
    return jnp.maximum(jnp.abs(hidden) @ W.T, jnp.minimum(x, 0.4)) @ np.array([[1.0], [0.7]])


def _problem(d):
    model = _net if d == 2 else lambda x: _net(x @ np.array([[1.0, 0.5]]))
    axes = {f"x{i}": (-1.0, 1.0) for i in range(d)}
    return Problem(
        model,
        lambda x: model(x) + 0.01 * (jnp.sin(3 * x.sum(1, keepdims=True)) - x.sum(1, keepdims=True)),
        Domain.from_axes(axes),
    )


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("c")
    for d in (1, 2):
        certify(_problem(d), 1.05).certificate.save(folder / f"{d}.json")
    return folder


def _forged(path, tmp_path, change):
    data = json.loads(path.read_text())
    change(data)
    text = json.dumps({k: v for k, v in data.items() if k != "digest"}, sort_keys=True, separators=(",", ":"))
    data["digest"] = hashlib.sha256(text.encode()).hexdigest()
    forged = tmp_path / "forged.json"
    forged.write_text(json.dumps(data))
    return check(forged)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("d", [1, 2])
def test_honest_certificates_are_accepted(saved, d):
    degrees = json.loads((saved / f"{d}.json").read_text())["leaves"]["degree"]
    assert [-2] in degrees
    verdict = check(saved / f"{d}.json")
    assert verdict.accepted, verdict


def _smaller(data, factor):
    data["leaves"]["upper"] = [(float.fromhex(u) * factor).hex() for u in data["leaves"]["upper"]]
    data["upper"] = (float.fromhex(data["upper"]) * factor).hex()


TAMPERINGS = {
    "bounds 5 % smaller": lambda d: _smaller(d, 0.95),
    "pieces where the curvature needs smaller cells": lambda d: d["leaves"].update(
        level=[[0] * len(d["names"])], index=[[0] * len(d["names"])], upper=[d["upper"]], degree=[[-2]],
        rho=[[0.0]], grid=[[0]]),
    "chords for what pieces prove": lambda d: d["leaves"].update(
        degree=[[0]] * len(d["leaves"]["degree"])),
    "another special degree": lambda d: d["leaves"].update(degree=[[-3]] * len(d["leaves"]["degree"])),
}  # fmt: skip


@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize("name", TAMPERINGS)
def test_forged_claims_are_rejected(saved, tmp_path, name, d):
    assert not _forged(saved / f"{d}.json", tmp_path, TAMPERINGS[name]).accepted


def test_pieces_are_for_one_or_two_inputs(tmp_path):
    problem = Problem(
        lambda x: jnp.abs(x).sum(1), lambda x: x.sum(1), Domain.from_axes({n: (-1.0, 1.0) for n in "abc"})
    )
    certify(problem).certificate.save(tmp_path / "c.json")
    assert check(tmp_path / "c.json").accepted
    verdict = _forged(
        tmp_path / "c.json", tmp_path,
        lambda d: d["leaves"].update(degree=[[-2]] * len(d["leaves"]["degree"])),
    )  # fmt: skip
    assert "one or two inputs" in verdict.reason


FALSE = {  # a weakened rule, the error on [-1, 1] that it would underestimate, and a false claim
    "a half is lost": (lambda x: jnp.abs(x - 0.3), 0.8),
    "z without remainder": (lambda x: x + 0.2 - jax.nn.relu(x + 0.2), 0.5),
    "zero without remainder": (lambda x: jax.nn.relu(x - 0.2), 0.5),
    "inherited remainder": (lambda x: jax.nn.relu(2 + x * x) - 2, 0.5),
}


def _weaken(weak, monkeypatch):
    honest, half = rules.one_sign, rules._half
    if weak == "a half is lost":
        monkeypatch.setattr(rules, "_half", lambda p, at: half(p, at if at[-1] > 0 else [-v for v in at]))
    elif weak == "inherited remainder":
        monkeypatch.setattr(rules, "one_sign", lambda low, high, eps: honest(low, high, arb(0)))
    else:
        monkeypatch.setattr(rules, "EXACT", arb(10))  # nothing is cut
        side = weak.startswith("z w")
        monkeypatch.setattr(
            rules,
            "one_sign",
            lambda low, high, eps: (side, eps) if (high > -low) == side else honest(low, high, eps),
        )


@pytest.mark.parametrize("weakened", [False, True])
@pytest.mark.parametrize("weak", FALSE)
def test_each_rule_is_needed(weak, weakened, tmp_path, monkeypatch):
    error, claim = FALSE[weak]
    certify(Problem(error, lambda x: 0 * x, Domain(x=(-1.0, 1.0)))).certificate.save(tmp_path / "c.json")
    leaves = {"level": [[0]], "index": [[0]], "degree": [[-2]], "rho": [[0.0]], "grid": [[0]]}

    def change(data):
        data.update(
            leaves=leaves | {"upper": [claim.hex()]}, upper=claim.hex(), lower=(0.0).hex(), witness=None
        )

    if weakened:
        _weaken(weak, monkeypatch)
    assert _forged(tmp_path / "c.json", tmp_path, change).accepted == weakened


def test_new_vertices_are_where_the_drift_says():
    """In exact arithmetic, at a low precision: a vertex is within its drift of the exact place, and not always on it."""
    from fractions import Fraction

    from flint import ctx

    def exact(v):
        q = v.mid().fmpq()
        return Fraction(int(q.p), int(q.q))

    rng, used = np.random.default_rng(0), []
    old, ctx.prec = ctx.prec, 24
    try:
        for _ in range(100):
            corners = [
                [arb(float(v)) for v in row] for row in rng.uniform(-1, 1, size=(3, 2)).astype(np.float32)
            ]
            at = [arb(float(v)) for v in rng.normal(size=3).astype(np.float32)]
            kept, drift = rules._half(rules._Polygon(corners, arb(0), [], []), at)
            for i in range(3):
                j = (i + 1) % 3
                if (at[i] >= 0) == (at[j] >= 0):
                    continue
                t = exact((at[i] / (at[i] - at[j])).mid())
                place = [
                    exact(a) + t * (exact(b) - exact(a)) for a, b in zip(corners[i], corners[j], strict=True)
                ]
                off = min(max(abs(exact(v) - e) for v, e in zip(row, place, strict=True)) for row in kept)
                used.append(float(off) / max(float(drift), 1e-300))
    finally:
        ctx.prec = old
    assert 0.02 < max(used) <= 1.0


def test_what_a_sign_and_a_cut_leave_open():
    """max(z, 0) taken as z or as 0 is off by how far z goes to the other side, and by its own remainder."""
    half = arb("0.5")
    assert rules.one_sign(arb(-1), arb(2), half) == (True, arb("1.5"))
    assert rules.one_sign(arb(-2), arb(1), half) == (False, arb("1.5"))
    assert rules.one_sign(arb(1), arb(2), half) == (True, half)
    assert rules.one_sign(arb(-2), arb(-1), half) == (False, arb(0))
    assert rules.one_sign(arb(-2), arb("-0.25"), half) == (False, arb("0.25"))
    polygon = rules._Polygon([[arb(-1)], [arb(1)]], half, [], [])
    low, high = rules._ends(enclosure.Feature(arb(0), (arb(2),), arb(0)), polygon)
    assert (low, high) == (-3, 3)
    vertices, drift = rules._half(polygon, [arb(-1), arb(3)])
    assert {float(v[0]) for v in vertices} == {-0.5, 1.0}
    assert drift >= half


def test_a_cell_with_a_piece_without_bound_has_none():
    one = arb(1), arb(2)
    assert rules._hull(None, one) is None
    assert rules._hull(one, None) is None
    assert [float(v) for v in rules._hull(one, (arb(-3), arb(0)))] == [-3.0, 2.0]
