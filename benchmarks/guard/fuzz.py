"""``python -m benchmarks.guard fuzz``: random requests to the service, most of them wrong; none may end in a 500.

Every answer is looked at: it is JSON without NaN; a good row that stands among bad ones has the value and flag that it has
alone; a refused row has no value; nothing is answered by the bare model where the guard rejects.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from collections import Counter
from typing import Any

import numpy as np

from benchmarks.guard.asgi import Reply, ask
from benchmarks.guard.models import bump_guard
from supnorm.guarding import Guard
from supnorm.serving import Limits, Service
from supnorm.serving.app import app_of

WORDS = ["x", "fallback", "y", "T", "", "\x00", "\ud800", "ä", "x" * 300, "__proto__"]
NUMBERS = [
    0,
    1,
    -1,
    0.5,
    1e308,
    1e-320,
    -0.0,
    10**400,
    float("nan"),
    float("inf"),
    -float("inf"),
    7.0,
    0.3,
    -0.2,
]
ODD = [None, True, False, "0.5", "", [], {}, [[]], [0.1], {"x": 1}]


def main(arguments: list[str]) -> None:
    """Print how the requests ended."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.guard fuzz")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(arguments)
    begin = time.perf_counter()
    codes, rows = asyncio.run(fuzz(bump_guard(), args.count, args.seed))
    took = time.perf_counter() - begin
    print(f"{sum(codes.values())} requests with {rows} rows in {took:.0f} s: {dict(sorted(codes.items()))}")


async def fuzz(guard: Guard, count: int, seed: int) -> tuple[Counter[int], int]:
    """Send so many requests; the codes that came back and the number of rows that were answered.

    Raises:
        AssertionError: with the request, for an answer that is wrong.
    """
    service = Service(guard, Limits(rows=50, body=5000, reading=0.05))
    app, rng, codes, rows = app_of(service), random.Random(seed), Counter[int](), 0
    for number in range(count):
        method, path, body, headers, ends = request(rng, guard.domain.names)
        reply = await ask(app, method, path, body, headers, ends)
        codes[reply.code] += 1
        try:
            rows += demand_good(reply, guard, method, path, body)
        except Exception as error:
            raise AssertionError(
                f"request {number}: {method} {path} {headers} {body!r}: {reply}: {error!r}"
            ) from error
    return codes, rows


def request(rng: random.Random, names: tuple[str, ...]) -> tuple[str, str, list[bytes], dict[str, str], bool]:
    """A random request: method, path, parts of the body, headers, whether the body ends."""
    method = rng.choices(["POST", "GET", "PUT", "DELETE", "OPTIONS", "HEAD"], [20, 3, 1, 1, 1, 1])[0]
    path = rng.choices(
        [
            "/predict",
            "/guard",
            "/health",
            "/metrics",
            "/docs",
            "/openapi.json",
            "/",
            "/nowhere",
            "/predict/",
            "/%00",
            "/../etc",
        ],
        [20, 8, 1, 1, 0.2, 0.2, 0.2, 1, 1, 1, 1],
    )[0]
    text = body(rng, names)
    cuts = sorted(rng.randrange(len(text) + 1) for _ in range(rng.choice([0, 0, 0, 1, 3])))
    parts = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    headers = {}
    if rng.random() < 0.05:
        headers["content-type"] = rng.choice(
            ["text/plain", "", "application/json; charset=utf-8", "Application/JSON", "\xff"]
        )
    if rng.random() < 0.05:
        headers["content-length"] = rng.choice(["-1", "1e9", "99999999999", "0", "x"])
    if rng.random() < 0.03:
        headers["host"] = rng.choice(
            ["evil.example", "localhost", "", "127.0.0.1.evil.example:80", "[::1]:9"]
        )
    return method, path, parts, headers, rng.random() > 0.004


def body(rng: random.Random, names: tuple[str, ...]) -> bytes:
    """The text of a request: valid rows, rows with faults, other objects, or bytes that are no JSON."""
    kind = rng.random()
    if kind < 0.06:
        return rng.randbytes(rng.randrange(200))
    if kind < 0.09:
        return b"[" * rng.choice([10, 3000]) + b"1"
    if kind < 0.11:
        return b'{"x": [[' + b"9" * 4900 + b"]]}"
    given: Any
    if kind < 0.2:
        given = value(rng, 3)
    else:
        rows: Any = [row(rng, len(names)) for _ in range(rng.choice([0, 1, 2, 5, 20, 60]))]
        if rng.random() < 0.2:
            rows = {
                name: [r[i] if isinstance(r, list) and i < len(r) else None for r in rows]
                for i, name in enumerate(names)
            }
        given = {"x": rows}
        if rng.random() < 0.3:
            given["fallback"] = rng.choice([True, False, False, None, 0, "yes"])
        if rng.random() < 0.05:
            given[rng.choice(WORDS)] = value(rng, 2)
    text = json.dumps(given).encode()
    if rng.random() < 0.04 and text:
        text = text[: rng.randrange(len(text))]
    return text


def row(rng: random.Random, d: int) -> Any:
    """A point of the domain, or something that is none."""
    if rng.random() < 0.7:
        return [rng.uniform(-1.0, 1.0) for _ in range(d)]
    if rng.random() < 0.7:
        return [
            rng.choice([*NUMBERS, *ODD]) if rng.random() < 0.5 else rng.uniform(-1.2, 1.2) for _ in range(d)
        ]
    return rng.choice([*ODD, [0.1] * (d + 1), 0.5])


def value(rng: random.Random, depth: int) -> Any:
    """Any JSON value."""
    kind = rng.random()
    if depth == 0 or kind < 0.4:
        return rng.choice([*NUMBERS, *ODD, *WORDS])
    if kind < 0.7:
        return [value(rng, depth - 1) for _ in range(rng.randrange(4))]
    return {rng.choice(WORDS): value(rng, depth - 1) for _ in range(rng.randrange(4))}


def demand_good(reply: Reply, guard: Guard, method: str, path: str, parts: list[bytes]) -> int:
    """Check an answer; the number of its rows."""
    assert reply.code != 500
    if path in ("/docs", "/", "/metrics", "/nowhere") or method == "HEAD":
        return 0
    answer = reply.json
    if reply.code not in (200, 503) or "flag" not in answer:
        return 0
    rows = given_rows(b"".join(parts), guard.domain.names)
    assert len(answer["flag"]) == len(answer["reason"]) == len(answer["estimate"]) == len(rows)
    good = [k for k, r in enumerate(rows) if r is not None]
    alone = guard(np.array([rows[k] for k in good]).reshape(-1, guard.domain.d), fallback=False)
    for k, r in enumerate(rows):
        if r is None:
            assert answer["flag"][k] == 2
            assert answer["reason"][k]
    for i, k in enumerate(good):
        accepted = alone.flag[i] == 0
        assert (answer["flag"][k] == 0) == accepted
        if path == "/predict" and accepted:
            assert abs(answer["y"][k][0] - alone.y[i, 0]) <= 1e-12
        if path == "/predict" and answer["flag"][k] == 1 and guard.reference is not None:
            assert answer["y"][k][0] == guard.reference.value(np.array([rows[k]]))[0, 0]
    if path == "/predict":
        assert all(y == [None] for y, flag in zip(answer["y"], answer["flag"], strict=True) if flag == 2)
    return len(rows)


def given_rows(text: bytes, names: tuple[str, ...]) -> list[list[float] | None]:
    """The rows of a request; None for those that are no points of finite numbers. Written again for this test."""
    x = json.loads(text, parse_int=float)["x"]
    rows = list(zip(*(x[name] for name in names), strict=True)) if isinstance(x, dict) else x
    found: list[list[float] | None] = []
    for one in rows:
        good = isinstance(one, list | tuple) and len(one) == len(names)
        good = good and all(isinstance(v, int | float) and not isinstance(v, bool) for v in one)
        good = good and all(abs(v) <= 1.7e308 for v in one)  # also false for NaN
        found.append([float(v) for v in one] if good else None)
    return found
