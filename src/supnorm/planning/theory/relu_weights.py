"""Weights that ReLU networks need for every function of a smoothness class, sup norm.

Class: |D^a f| <= L_|a| on the unit cube, |a| <= n. `smooth_samples` (`holder_samples` for n = 1) gives V
peaks of height above eps with disjoint supports; all their sign patterns are in the class.

* any choice of weights: approximations within eps have the right signs at the V peaks, so networks of the
  architecture, cut at 0, shatter V points. The VC dimension of a program of t operations with W parameters is
  at most 4W(t+2) (Anthony and Bartlett 1999, Theorem 8.4; read as restated in lecture notes: t operations +, -, x,
  /, jumps on comparisons, output 0 or 1); one pass takes t <= 3W+2, hence V <= 12 W^2 + 16 W <= 20 W^2 and ``W >=
  sqrt(V/20)``, eps^(-d/(2n)) (Yarotsky 2017, Theorem 4).
* weights that depend continuously on f (every method that is stable): the span of the bumps is V-dimensional
  and its ball of radius h(N) > eps is in the class. If W < V, by Borsuk-Ulam some f on its sphere gets the
  same weights as -f, so one of them errs by h(N): ``W >= V``, eps^(-d/n) (DeVore, Howard and Micchelli 1989).
* rates only: with L layers VC = O(W L log W) (Bartlett, Harvey, Liaw and Mehrabian 2019), so W L log W is at least
  of the order eps^(-d/n); depth at most C log^q(1/eps) gives eps^(-d/n) up to logarithms (Yarotsky 2017, Theorem
  4b); for *any single* f that is smooth and not affine a fixed number of layers needs eps^(-1/(2(layers-2)))
  (Yarotsky, Theorem 6). Enough is eps^(-d/n) log(1/eps) (Theorem 1; with an explicit constant for n <= 2:
  `relu_interpolation`), in one variable with n = 1 even 1/(eps log(1/eps)) when the network may depend on f
  (Theorem 5). Below d/n down to d/(2n) networks exist but their weights are discontinuous in f: not trainable
  (Yarotsky 2018; Yarotsky and Zhevnerchuk 2020).
* tanh or sigmoid with U units: VC = O((W U)^2) (Karpinski and Macintyre 1997), so the first rate halves again.
* error in value and first derivatives: n becomes n - 1, in both directions (Gühring, Kutyniok and Petersen 2020).
Cost: O(n).
"""

from __future__ import annotations

import math

from supnorm.planning.theory.statement import GUARANTEE, ClassBound, known_rate


def relu_weights(d: int, n: int, packing: ClassBound) -> list[ClassBound]:
    """The statements with numbers: by VC dimension, and for weights continuous in f.

    Args:
        d: inputs.
        n: derivatives.
        packing: the lower bound on samples for the class: it counts peaks above eps with disjoint supports.

    >>> from supnorm.planning.theory.smooth_samples import smooth_samples
    >>> packing = smooth_samples(10, (1.0, 1.0, 1.0), 1e-4)
    >>> [round(b.log10, 1) for b in relu_weights(10, 2, packing)]
    [6.0, 13.2]
    """
    log_v = packing.log10 or 0.0
    log_w = 0.5 * (log_v - math.log10(20.0))
    function_class = packing.class_
    shatter = ClassBound.of(
        name="ReLU weights, any choice of weights, sup norm",
        line=GUARANTEE,
        quantity="weights",
        log10=max(log_w, 0.0),
        rate=f"eps^(-{d}/{2 * n})",
        class_=function_class,
        assumptions=("one architecture for the whole class", "exact arithmetic"),
        source="peaks proved here; VC dimension <= 4W(t+2): Anthony and Bartlett 1999, Theorem 8.4",
        status="cited",
        seen="restated",
        vacuous=packing.vacuous or log_w <= 0.0,
    )
    continuous = ClassBound.of(
        name="weights continuous in f, sup norm",
        line=GUARANTEE,
        quantity="weights",
        log10=log_v,
        rate=f"eps^(-{d}/{n})",
        class_=function_class,
        assumptions=("weights depend continuously on f", "any activation, any method with W parameters"),
        source="proved here by Borsuk-Ulam (DeVore, Howard and Micchelli 1989)",
        status="proved",
        vacuous=packing.vacuous,
    )
    return [shatter, continuous]


def relu_rates(d: int, n: int, layers: int | None = None) -> list[ClassBound]:
    """Statements of which only the rate is known.

    >>> [b.rate for b in relu_rates(3, 2)][0]
    'eps^(-3/2) log(1/eps)'
    """
    smooth = f"|D^a f| <= 1 on the unit cube, |a| <= {n}, d = {d}"
    one = "one architecture for the whole class"
    rows = [
        known_rate(
            "ReLU networks suffice, depth log(1/eps)",
            f"eps^(-{d}/{n}) log(1/eps)",
            smooth,
            "Yarotsky 2017, Theorem 1",
            "the weights exist and are computable; training finds them or not",
            seen="abstract",
        ),
        known_rate(
            "ReLU networks suffice, depth a power of W",
            f"eps^(-{d}/{2 * n})",
            smooth,
            "Yarotsky 2018; Yarotsky and Zhevnerchuk 2020",
            "weights discontinuous in f: exist, not trainable",
            seen="abstract",
        ),
        known_rate(
            "ReLU weights W with L layers: W L log W",
            f"eps^(-{d}/{n})",
            smooth,
            "peaks proved here; VC = O(W L log W): Bartlett, Harvey, Liaw and Mehrabian 2019",
            one,
            line=GUARANTEE,
            seen="abstract",
        ),
        known_rate(
            "ReLU weights, depth at most C log^q(1/eps)",
            f"eps^(-{d}/{n}) / log^(2q+1)(1/eps)",
            smooth,
            "Yarotsky 2017, Theorem 4b",
            "depth grows at most like a power of log(1/eps)",
            line=GUARANTEE,
        ),
        known_rate(
            "tanh or sigmoid weights",
            f"eps^(-{d}/{4 * n})",
            smooth,
            "peaks proved here; VC = O(W^2 U^2) with U units: Karpinski and Macintyre 1997",
            one,
            line=GUARANTEE,
            seen="abstract",
        ),
    ]
    if n >= 2:
        both = (smooth, "Gühring, Kutyniok and Petersen 2020", "error measured in W^(1,inf)")
        name = "error in value and first derivatives"
        rows += [
            known_rate(f"ReLU networks suffice, {name}", f"eps^(-{d}/{n - 1}) log(1/eps)", *both),
            known_rate(f"ReLU weights, {name}", f"eps^(-{d}/{2 * (n - 1)})", *both, line=GUARANTEE),
        ]
    if d == 1 and n == 1:
        rows.append(
            known_rate(
                "ReLU network chosen for f, six layers",
                "1 / (eps log(1/eps))",
                smooth,
                "Yarotsky 2017, Theorem 5",
                "the architecture depends on f",
                seen="abstract",
            )
        )
    if layers is not None and layers > 2:
        rows.append(
            known_rate(
                f"ReLU weights with {layers} layers, any single f",
                f"eps^(-1/{2 * (layers - 2)})",
                "one twice differentiable f that is not affine",
                "Yarotsky 2017, Theorem 6",
                "depth fixed",
                line=GUARANTEE,
            )
        )
    return rows
