"""Attempts to have a false statement accepted.

    python -m benchmarks.soundness forgeries --seed 0 --count 500     certificates edited and sealed again
    python -m benchmarks.soundness lines --seed 0 --count 500         the same of certificates in lines
    python -m benchmarks.soundness second_lines --seed 0 --count 300  other forgeries of these, with a judge of their own
    python -m benchmarks.soundness hidden --seed 0 --count 500        code that hides something from a reader
    python -m benchmarks.soundness second --seed 0 --count 300        other code, by one who wrote nothing of the first
    python -m benchmarks.soundness third --seed 0 --count 300         random formulas with traps at a random depth
    python -m benchmarks.soundness fourth --seed 0 --count 200       random traps in every kind of model that is read
    python -m benchmarks.soundness fifth --seed 0 --count 200        mixtures of traps, in model and reference
    python -m benchmarks.soundness extreme --seed 0 --count 150       extreme magnitudes against arbitrary precision
    python -m benchmarks.soundness composed --seed 0 --count 200      random formulas by Chebyshev models, and the checker
    python -m benchmarks.soundness composed --hostile --count 200     at poles, kinks, cancellations, on strange domains
    python -m benchmarks.soundness composed --wide --count 200        whose values span many decades
    python -m benchmarks.soundness single --seed 0 --count 300        float32 arithmetic at its worst against its bounds
    python -m benchmarks.soundness roots --seed 0 --count 200         equations with known roots, and the checker
    python -m benchmarks.soundness zeros --seed 0 --count 200         square and cube roots that reach zero, and the checker
    python -m benchmarks.soundness thresholds --seed 0 --count 200    code that chooses between formulas, and the checker
    python -m benchmarks.soundness flows --seed 0 --count 200         flows and integrals against exact ones, and the checker
    python -m benchmarks.soundness tiny --seed 0 --count 200          errors that float64 cannot show, and deep networks
    python -m benchmarks.soundness properties --seed 0 --count 200    properties and norms of random models, and the checker
    python -m benchmarks.soundness doors --seed 0 --count 1000        broken and hostile input at every door
    python -m benchmarks.soundness solutions --seed 0 --count 200     random equations whose solutions are known
    python -m benchmarks.soundness audits --seed 0 --count 300        random audits with faults, against their own calls

Exit code 1 when a false file was accepted, something false was said, the checker failed otherwise than by refusing, or a
door was passed by what should be refused.
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

from benchmarks.soundness import (
    audits,
    composed,
    doors,
    extreme,
    fifth,
    flows,
    forgeries,
    fourth,
    hidden,
    judging,
    lines,
    properties,
    roots,
    second_lines,
    single,
    solutions,
    special,
    third,
    thresholds,
    tiny,
    traps,
    zeros,
)
from benchmarks.soundness.million import POINTS
from benchmarks.soundness.records import save

PROVED = {
    "special": special.campaign,
    "properties": properties.campaign,
    "roots": roots.campaign,
    "flows": flows.campaign,
    "solutions": solutions.campaign,
    "zeros": zeros.campaign,
    "thresholds": thresholds.campaign,
}
TRAPS = {"third": third.campaign, "fourth": fourth.campaign, "fifth": fifth.campaign}


def main() -> int:
    """Run a campaign."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soundness", description=__doc__)
    campaigns = parser.add_subparsers(dest="campaign", required=True)
    forged, cut = campaigns.add_parser("forgeries"), campaigns.add_parser("lines")
    again = campaigns.add_parser("second_lines")
    for one in (forged, cut, again):
        one.add_argument("--seed", type=int, default=0)
        one.add_argument("--count", type=int, default=500)
        one.add_argument("--keep", help="folder in which false files that were accepted are kept")
    behind = campaigns.add_parser("hidden")
    other = campaigns.add_parser("second")
    asking, formulas = campaigns.add_parser("asking"), campaigns.add_parser("third")
    every, mixed = campaigns.add_parser("fourth"), campaigns.add_parser("fifth")
    for one in (behind, other, asking, formulas, every, mixed):
        one.add_argument("--seed", type=int, default=0)
        one.add_argument("--count", type=int, default=500)
        one.add_argument("--first", type=int, default=0, help="number of the first problem of the seed")
        one.add_argument("--keep", help="folder for the code of what was false")
    large = campaigns.add_parser("extreme")
    large.add_argument("--seed", type=int, default=0)
    large.add_argument("--count", type=int, default=150)
    models = campaigns.add_parser("composed")
    models.add_argument("--seed", type=int, default=0)
    models.add_argument("--count", type=int, default=200)
    models.add_argument("--hostile", action="store_true", help="trees at the edges of what can be proved")
    models.add_argument("--wide", action="store_true", help="formulas whose values span many decades")
    functions = campaigns.add_parser("special")
    functions.add_argument("--seed", type=int, default=0)
    functions.add_argument("--count", type=int, default=300)
    narrow = campaigns.add_parser("single")
    narrow.add_argument("--seed", type=int, default=0)
    narrow.add_argument("--count", type=int, default=300)
    solved = campaigns.add_parser("roots")
    solved.add_argument("--seed", type=int, default=0)
    solved.add_argument("--count", type=int, default=200)
    moving = campaigns.add_parser("flows")
    moving.add_argument("--seed", type=int, default=0)
    moving.add_argument("--count", type=int, default=200)
    random = campaigns.add_parser("solutions")
    random.add_argument("--seed", type=int, default=0)
    random.add_argument("--count", type=int, default=200)
    held = campaigns.add_parser("properties")
    held.add_argument("--seed", type=int, default=0)
    held.add_argument("--count", type=int, default=200)
    reaching = campaigns.add_parser("zeros")
    reaching.add_argument("--seed", type=int, default=0)
    reaching.add_argument("--count", type=int, default=200)
    choosing = campaigns.add_parser("thresholds")
    choosing.add_argument("--seed", type=int, default=0)
    choosing.add_argument("--count", type=int, default=200)
    for one in (
        again,
        forged,
        cut,
        behind,
        other,
        asking,
        formulas,
        every,
        mixed,
        large,
        models,
        functions,
        narrow,
        solved,
        moving,
        random,
        held,
        reaching,
        choosing,
    ):
        one.add_argument("--save", action="store_true", help="the counts into results/soundness.json")
    tiny.options(campaigns.add_parser("tiny"))
    doors.options(campaigns.add_parser("doors"))
    drawn = campaigns.add_parser("audits")
    drawn.add_argument("--seed", type=int, default=0)
    drawn.add_argument("--count", type=int, default=300)
    drawn.add_argument("--keep", help="folder in which problems that did not hold are kept")
    drawn.add_argument("--save", action="store_true", help="the counts into results/audits.json")
    given = parser.parse_args()
    if given.campaign == "audits":
        outcomes = audits.campaign(given.seed, given.count, given.keep)
        print(audits.table(outcomes))
        if given.save:
            wrong = [o for o in outcomes if o.verdict not in ("held", "refused")]
            found = [o.verdict if o not in wrong else "wrong" for o in outcomes]
            kept = [{"number": o.number, "verdict": o.verdict} for o in wrong]
            save("audits", given.seed, found, "audits", kept)
        return int(any(o.verdict not in ("held", "refused") for o in outcomes))
    if given.campaign in PROVED or given.campaign == "composed":
        name = given.campaign
        if name == "composed":
            name = "hostile" if given.hostile else "wide" if given.wide else "composed"
            proved = composed.campaign(given.seed, given.count, name)
        else:
            proved = PROVED[name](given.seed, given.count)
        print(judging.table(proved))
        if given.save:
            save(name, given.seed, [one.verdict for one in proved], name, points=POINTS)
        return int(any(one.verdict in judging.WRONG for one in proved))
    if given.campaign == "single":
        programs = single.campaign(given.seed, given.count)
        print(single.table(programs))
        if given.save:
            save("single", given.seed, [one.verdict for one in programs], "single", **single.kept(programs))
        return int(any(one.verdict not in ("true", "no bound") for one in programs))
    if given.campaign == "tiny":
        return tiny.attack(given)
    if given.campaign == "doors":
        return doors.attack(given)
    if given.campaign in (*hidden.SETS, *TRAPS):
        room: Any = TRAPS.get(given.campaign) or partial(hidden.campaign, which=given.campaign)
        told = room(given.seed, given.count, given.keep, given.first)
        print(traps.table(told, given.campaign in TRAPS))
        if given.save:
            assumed = {"assumed": named} if (named := traps.assumed(told)) else {}
            save(given.campaign, given.seed, [f.verdict for f in told], **assumed)
        return int(any(f.verdict in traps.WRONG for f in told))
    if given.campaign == "extreme":
        sizes = extreme.campaign(given.seed, given.count)
        print(extreme.table(sizes))
        if given.save:
            save("extreme", given.seed, [f.verdict for f in sizes])
        return int(any(f.verdict in ("FALSE", "CRASHED") for f in sizes))
    if given.campaign == "second_lines":
        checks = second_lines.campaign(given.seed, given.count, given.keep)
        print(second_lines.table(checks))
        if given.save:
            save(given.campaign, given.seed, [f.verdict for f in checks])
        return int(any(f.verdict in ("FALSE ACCEPTED", "CRASHED") for f in checks))
    kind = lines if given.campaign == "lines" else forgeries
    found = kind.campaign(given.seed, given.count, given.keep)
    print(kind.table(found))
    if given.save:
        save(given.campaign, given.seed, [f.verdict for f in found])
    return int(any(f.verdict in ("FALSE ACCEPTED", "CRASHED") for f in found))


if __name__ == "__main__":
    raise SystemExit(main())
