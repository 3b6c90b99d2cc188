"""What the parts of a proof about a flow say about the error: the kind "flow" of `statement_kinds`.

y(t, p) solves y' = f(t, y, p), y(start) = y0(p). The time from ``start`` to the end of the domain is cut into slices
[t_i, t_i+1]. The proof has a path P_i(t, p) of all components on each slice, meant to be near y, numbers w_j > 0, and
for each slice numbers b_ij > 0 and m_i. Nothing is assumed about them. With the norm |z| = sqrt(sum (w_j z_j)^2), the
parts bound

* ``jump i``: w_j (P_i - P_i-1) at t_i, with y0 in the place of P_-1; its bound times sqrt k is above |P_i - P_i-1|;
* ``defect i``: w_j (dP_i/dt - f(t, P_i, p)) on the slice; its bound times sqrt k is d_i, above the defect's norm;
* ``growth i``: S_jj + sum over l != j of |S_jl|, minus m_i, for all y with |y_j - P_i,j| <= b_ij, where 2 S_jl = w_j
  J_jl/w_l + w_l J_lj/w_j and J is the derivative of f by y. Its bound plus m_i is mu_i;
* ``inverse i``, only for relative errors without floor: 1/P_i of the outputs; ``correction i``: (N - P_i)/D, by the side.

Theorem. Let e_0 be the bound of ``jump 0``; r_i = min_j w_j b_ij, h = t_i+1 - t_i, psi(s) = e^(mu s) e_i + d_i (e^(mu s)
- 1)/mu. If s_i = max(e_i, psi(h)) < r_i, then y exists on the slice and |y - P_i| <= s_i there. The next slice begins
with e_i+1 = psi(h) plus the bound of its jump. So each component differs from P_i by at most s_i/w_j.

Proof. S is the symmetric part of W J W^-1, W the diagonal matrix of the w_j, and its largest eigenvalue is at most the
largest of these sums (Gershgorin). So mu_i bounds the logarithmic norm of J (Dahlquist 1958) wherever |y - P_i| <= r_i,
a convex set that the box of the b_ij contains. As long as y is in it, |y - P_i| has a right derivative of at most mu |y
- P_i| + d_i (Hairer, Norsett, Wanner, Solving Ordinary Differential Equations I, theorem I.10.6), hence |y - P_i| <=
psi(t - t_i). psi' has one sign, so psi <= s_i < r_i: y cannot leave the set, and a solution that stays in a compact set
where f is continuously differentiable by y can be continued. Q.E.D.

The outputs' error against P_i gives that against y: with D = ``unit`` the two differ by at most s_i/(w_j unit). For relative
errors delta = s_i/w_j times the smaller one of 1/floor and the bound of ``inverse i`` is above the change of D as a
share of D, so sup lies between (c - delta)/(1 + delta) and (C + delta)/(1 - delta), as for roots (`root_claims`).

That f is defined and differentiable by y in the tube follows from ``growth``, that the P_i are differentiable by t from
``defect``: an operation that is undefined somewhere stands undefined in the derivative, too, or in the defect; kinks
have no derivative.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import pairwise
from typing import Any

from supnorm.certification.exactly import Bracket, Proved, down, fraction, root_up, up
from supnorm.certification.solved.exponentials import exponentials_up


def tubes(data: Mapping[str, Any], proved: Mapping[str, Proved]) -> list[Fraction]:
    """s_i of the slices, in order, until the first one where the condition is not proved."""
    scale, times = _numbers(data["scale"]), _numbers(data["times"])
    root = fraction(root_up(Fraction(len(scale))))
    assert root is not None
    distances: list[Fraction] = []
    start = Fraction(0)
    for i, (a, b) in enumerate(pairwise(times)):
        jump, defect, growth = (proved[f"{name} {i}"].upper for name in ("jump", "defect", "growth"))
        if jump is None or defect is None or growth is None:
            break
        mu, h = Fraction(float.fromhex(data["growth"][i])) + growth, b - a
        powers = exponentials_up(mu * h)
        if powers is None:
            break
        start += root * jump
        end = powers[0] * start + powers[1] * h * root * defect
        most = max(start, end)
        reach = _numbers(data["reach"][i])
        if not most < min(w * r for w, r in zip(scale, reach, strict=True)):
            break
        distances.append(most)
        start = end
    return distances


def off(data: Mapping[str, Any], proved: Mapping[str, Proved]) -> list[Fraction | None]:
    """For each slice how far the flow is from its path, in the unit of the error; None where that is not proved."""
    scale = _numbers(data["scale"])
    least, known = min(scale[k] for k in data["outputs"]), tubes(data, proved)
    result: list[Fraction | None] = []
    for i in range(len(data["times"]) - 1):
        factor = _factor(data, proved, i)
        result.append(None if i >= len(known) or factor is None else known[i] / least * factor)
    return result


def _factor(data: Mapping[str, Any], proved: Mapping[str, Proved], i: int) -> Fraction | None:
    """What turns a distance of outputs into one of the unit of the error."""
    if not data["relative"]:
        return 1 / Fraction(float.fromhex(data["unit"]))
    floor = Fraction(float.fromhex(data["floor"]))
    if floor:
        return 1 / floor
    part = proved.get(f"inverse {i}")  # there is none before the domain begins
    return None if part is None else part.upper


def claims(data: Mapping[str, Any], proved: Mapping[str, Proved]) -> dict[str, Bracket]:
    """The bracket of the worst error."""
    low, high, relative = Fraction(0), Fraction(0), data["relative"]
    complete = True
    for i, delta in enumerate(off(data, proved)):
        if (part := proved.get(f"correction {i}")) is None:  # before the domain begins
            continue
        if delta is None or (relative and delta >= 1) or part.upper is None:
            complete = False
        if delta is None or (relative and delta >= 1):
            continue
        low = max(low, (part.lower - delta) / (1 + delta if relative else 1))
        if part.upper is not None:
            high = max(high, (part.upper + delta) / (1 - delta if relative else 1))
    return {"error": (max(down(low), 0.0), up(high if complete else None))}


def _numbers(texts: Any) -> list[Fraction]:
    return [Fraction(float.fromhex(v)) for v in texts]
