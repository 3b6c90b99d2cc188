"""Certificates beside their peers, and the soundness campaign.

    python -m benchmarks.certify targets              the targets of the design
    python -m benchmarks.certify fitted               networks fitted to functions in 4 to 6 inputs
    python -m benchmarks.certify peers                other enclosures in the same loop (CROWN: `crown`)
    python -m benchmarks.certify kinks                exact pieces beside chords alone, ReLU in two inputs
    python -m benchmarks.certify formulas             pairs of formulas by each strategy
    python -m benchmarks.certify unseen               ten more pairs, written after the rules were fixed
    python -m benchmarks.certify dynamics --save      networks for dynamical systems beside dReal and Marabou
    python -m benchmarks.certify small                best polynomials of elementary functions beside Sollya
    python -m benchmarks.certify burgers --network F  the residual of a published network for Burgers' equation
    python -m benchmarks.certify solutions            networks of fit_pde against the solution of their equation
    python -m benchmarks.certify solved               surrogates of flows and integrals; --check
    python -m benchmarks.certify roots                friction formulas against Colebrook's equation; --check
    python -m benchmarks.certify campaign             random problems: upper >= all sampled errors; checks
    python -m benchmarks.certify nodes                the node rules of the library, moved for --seconds each

Seconds are processor time of one thread. Rows are saved in benchmarks/results/certify.json as they come; the
campaign goes on where it stopped.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from benchmarks.certify import records, table
from benchmarks.claims.stored import stamp

# Files and claims of their own.
APART = {
    "solved": "certify_solved",
    "solutions": "certify_solutions",
    "small": "certify_small",
    "burgers": "certify_small",
    "unseen": "certify_unseen",
    "dynamics": "dynamics",
}
# What the tables of docs/evidence/proofs.md were given.
SECONDS = {
    "targets": 400.0,
    "fitted": 360.0,
    "peers": 20.0,
    "kinks": 20.0,
    "formulas": 4.0,
    "unseen": 4.0,
    "dynamics": 120.0,
    "burgers": 600.0,
    "campaign": 3600.0,
}


def targets(seconds: float, only: str) -> None:
    """The targets of the design, one row each; those whose name contains ``only``."""
    from benchmarks.certify.targets import TARGETS, measured, shifted

    measured(shifted(1, 8, 1, "tanh", 1e-2), 1.1, 10.0)  # imports
    for name, problem, ratio, wanted in TARGETS:
        if only not in name:
            continue
        row = measured(problem(), ratio, seconds) | {"target_seconds": wanted}
        records.put("targets", f"{name}, ratio {ratio}", row)
        print(f"{name:30s} {table.words(row)}  target {wanted} s", flush=True)


def fitted(seconds: float, only: str) -> None:
    """Networks fitted to functions, on seeds that nothing was tuned on."""
    from benchmarks.certify.fitted import rows
    from benchmarks.certify.targets import measured, shifted

    measured(shifted(1, 8, 1, "tanh", 1e-2), 1.1, 10.0)  # imports
    for name, problem, ratio, wanted in rows():
        if only in name:
            row = measured(problem(), ratio, seconds) | {"target_seconds": wanted}
            records.put("fitted", name, row)
            print(f"{name:60s} {table.words(row)}  target {wanted} s", flush=True)


def peers(seconds: float, only: str) -> None:
    """The same problems by other enclosures in the same loop; the rows whose name contains ``only``."""
    from benchmarks.certify.peers import methods
    from benchmarks.certify.targets import COMPARED, measured, shifted

    measured(shifted(1, 8, 1, "tanh", 1e-2), 1.1, 10.0)  # imports
    for name, d, width, depth, activation, size, ratio in COMPARED:
        problem = shifted(d, width, depth, activation, size)
        for method, strategy in methods(activation).items():
            if only not in f"{name} | {method}":
                continue
            row = measured(problem, ratio, seconds, strategy)
            records.put("peers", f"{name} | {method}", row)
            print(f"{name:24s} {method:36s} {table.words(row)}", flush=True)


def kinks(seconds: float, only: str) -> None:
    """Exact pieces and chords alone, at 1 %; the problems whose name contains ``only``."""
    from benchmarks.certify.kinks import METHODS, PROBLEMS
    from benchmarks.certify.targets import measured, shifted

    measured(shifted(2, 8, 1, "relu", 1e-2), 1.1, 10.0)  # imports
    for name, make in PROBLEMS.items():
        if only not in name:
            continue
        problem = make()
        for method, strategy in METHODS.items():
            row = measured(problem, 1.01, seconds, strategy)
            records.put("kinks", f"{name} | {method}", row)
            print(f"{name:24s} {method:20s} {table.words(row)}", flush=True)


def formulas(seconds: float, only: str, unseen: bool = False) -> None:
    """Pairs of formulas at 10 % by the default and by each strategy; the pairs whose name contains ``only``."""
    from benchmarks.certify import formulas as known
    from benchmarks.certify import formulas_unseen
    from benchmarks.certify.targets import measured, shifted

    pairs = formulas_unseen if unseen else known

    measured(shifted(1, 8, 1, "tanh", 1e-2), 1.1, 10.0)  # imports
    for name in pairs.ROWS:
        if only not in name:
            continue
        for method, strategy in known.METHODS.items():
            most = 60.0 if method in ("default", "composed") else seconds
            row = measured(pairs.problem(name), 1.1, most, strategy())
            records.put("formulas", f"{name} | {method}", row)
            print(f"{name:50s} {method:10s} {table.words(row)}", flush=True)


def dynamics(seconds: float, only: str, keep: bool) -> None:
    """Networks for dynamical systems: time to the same proved tolerance by each method, in a process of its own."""
    from benchmarks.certify.dynamics import METHODS, NETWORKS, SYSTEMS, one, words, worst_seen

    for name, system in SYSTEMS.items():
        if only not in name:
            continue
        if not (NETWORKS / f"{name.replace(' ', '_')}.npz").exists():
            print(f"{name:18s} has no network yet: python -m benchmarks.certify.dynamics_train '{name}'")
            continue
        row = {
            "tolerance": system.tolerance,
            "seen": worst_seen(name),
            "hidden": system.hidden,
            "inputs": len(system.box),
            "seconds": seconds,
        }
        for method in METHODS:
            row[method] = one(method, name, seconds)
            print(f"{name:18s} {method:8s} {words(row[method])}", flush=True)
        if keep:
            records.put("dynamics", name, row)


def solutions(only: str) -> None:
    """Networks of `fit_pde`: the proved error against the solution beside the one that points show."""
    from benchmarks.certify.solutions import ROWS, row

    print(table.SOLUTIONS)
    for name in ROWS:
        if only in name:
            found = row(name)
            records.put("solutions", name, found)
            print(table.solution_line(name, found), flush=True)


def roots(only: str, checked: bool) -> None:
    """Explicit formulas against the roots of equations, at 5 %; those whose name contains ``only``."""
    from benchmarks.certify.friction import ROWS, measured

    for name, problem in ROWS.items():
        if only in name:
            row = measured(problem(), 36_000.0 if checked else 0.0)
            held = records.load().get("roots", {}).get(name, {})
            if not checked and (held.get("lower"), held.get("upper")) == (row["lower"], row["upper"]):
                row |= {key: held[key] for key in ("checked", "check_seconds") if key in held}
            records.put("roots", name, row)
            print(f"{name:32s} {table.root_words(row)}", flush=True)


def solved(only: str, checked: bool) -> None:
    """Surrogates of flows and integrals, at 10 %; those whose name contains ``only``."""
    from benchmarks.certify.friction import measured
    from benchmarks.certify.solved import ROWS, seen

    for name, problem in ROWS.items():
        if only in name:
            one = problem()
            row = measured(one, 36_000.0 if checked else 0.0, 1.1) | {"seen": seen(one)}
            records.put("solved", name, row)
            print(f"{name:40s} {table.root_words(row)}", flush=True)


def campaign(points: int, only: str | None, seconds: float) -> None:
    """Random problems; goes on where it stopped, and ends with an error when a bound does not hold."""
    import time

    from benchmarks.certify import campaign

    end = time.process_time() + seconds

    wanted = None if only is None else set(only.split(","))
    done = records.load().get("campaign", {})
    campaign.run(
        done,
        lambda d, activation: wanted is None or str(d) in wanted or activation in wanted,
        points,
        partial(records.put, "campaign"),
        lambda: time.process_time() > end,
    )
    rows = list(records.load()["campaign"].values())
    records.put("soundness", "summary", campaign.summary(rows))
    print(campaign.summary(rows))
    if not all(r["sound"] and r["accepted"] for r in rows):
        raise SystemExit("a bound does not hold, or a certificate was not accepted")


def main() -> None:
    """Run what is asked."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.certify",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "what",
        choices=(
            "targets",
            "fitted",
            "peers",
            "kinks",
            "formulas",
            "unseen",
            "dynamics",
            "small",
            "burgers",
            "solutions",
            "roots",
            "solved",
            "campaign",
            "nodes",
        ),
    )
    parser.add_argument(
        "--seconds", type=float, help=f"processor seconds a row may take; of the whole campaign; {SECONDS}"
    )
    parser.add_argument("--points", type=int, default=1_000_000, help="sampled points of a campaign's case")
    parser.add_argument("--only", help="rows with this in their name; campaign: dimensions or activations")
    parser.add_argument("--check", action="store_true", help="roots, solved: give each proof to the checker")
    parser.add_argument("--results", type=Path, default=records.RESULTS, help="the file of the rows")
    parser.add_argument("--network", help="burgers: the ONNX file of the network")
    parser.add_argument("--save", action="store_true", help="dynamics: keep the rows")
    options = parser.parse_args()
    claim = APART.get(options.what, "certify")
    ours = options.results == records.RESULTS
    records.RESULTS = records.RESULTS.with_name(f"{claim}.json") if ours else options.results
    options.seconds = options.seconds or SECONDS.get(options.what, 60.0)
    if options.what == "targets":
        targets(options.seconds, options.only or "")
    elif options.what == "fitted":
        fitted(options.seconds, options.only or "")
    elif options.what == "peers":
        peers(options.seconds, options.only or "")
    elif options.what == "kinks":
        kinks(options.seconds, options.only or "")
    elif options.what in ("formulas", "unseen"):
        formulas(options.seconds, options.only or "", options.what == "unseen")
    elif options.what == "dynamics":
        dynamics(options.seconds, options.only or "", options.save)
    elif options.what == "small":
        from benchmarks.certify import small

        small.run(options.seconds, options.only or "")
    elif options.what == "burgers":
        from benchmarks.certify import burgers

        if options.network is None:
            parser.error("burgers needs --network FILE")
        burgers.run(options.seconds, options.network)
    elif options.what == "solutions":
        solutions(options.only or "")
    elif options.what == "roots":
        roots(options.only or "", options.check)
    elif options.what == "solved":
        solved(options.only or "", options.check)
    elif options.what == "campaign":
        campaign(options.points, options.only, options.seconds)
    else:
        from benchmarks.certify import nodes

        nodes.main(options.seconds, options.only or "")
    if ours and options.what != "nodes" and (options.what != "dynamics" or options.save):
        stamp(claim, add=True)


if __name__ == "__main__":
    main()
