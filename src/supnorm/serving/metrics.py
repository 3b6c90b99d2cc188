"""Counters of a service in the text format of Prometheus (exposition format 0.0.4)."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter

from supnorm.guarding.shadow import Standing

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds
WORDS = ("OK", "WARN", "REJECT")


class Metrics:
    """What a service has done since it began; several threads may count."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, int]] = Counter()
        self._rows: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._failures = 0
        self._seconds = 0.0
        self._times = [0] * (len(BUCKETS) + 1)

    def request(self, path: str, code: int, seconds: float) -> None:
        """Count one answered request."""
        with self._lock:
            self._requests[path, code] += 1
            self._seconds += seconds
            self._times[bisect_left(BUCKETS, seconds)] += 1

    def rows(self, accepted: int, fallback: int, refused: int, failures: int, reasons: list[str]) -> None:
        """Count the rows of an answer; ``reasons`` are those of the rows that were not accepted."""
        with self._lock:
            self._rows += Counter(accepted=accepted, fallback=fallback, refused=refused)
            self._failures += failures
            self._reasons += Counter(reason.partition(":")[0] for reason in reasons)

    def text(self, shadow: Standing | None) -> str:
        """All counters."""
        with self._lock:
            lines = _family("requests_total", "counter", "requests by path and status code")
            for (path, code), n in sorted(self._requests.items()):
                lines.append(f'supnorm_requests_total{{path="{path}",code="{code}"}} {n}')
            lines += _single("rows_total", "counter", "rows of points", sum(self._rows.values()))
            for name, what in (
                ("accepted", "rows answered by the model"),
                ("fallback", "rows answered by the reference"),
                ("refused", "rows without a value"),
            ):
                lines += _single(f"rows_{name}_total", "counter", what, self._rows[name])
            lines += _family("rows_flagged_total", "counter", "rows that the guard did not accept, by reason")
            for reason, n in sorted(self._reasons.items()):
                lines.append(f'supnorm_rows_flagged_total{{reason="{reason}"}} {n}')
            what = "rows for which the reference was asked and gave no value"
            lines += _single("reference_failures_total", "counter", what, self._failures)
            lines += self._histogram()
        return "\n".join([*lines, *([] if shadow is None else _shadow(shadow))]) + "\n"

    def _histogram(self) -> list[str]:
        name, lines, total = "request_seconds", [], 0
        lines += _family(name, "histogram", "time from the request to its answer")
        for end, n in zip((*map(str, BUCKETS), "+Inf"), self._times, strict=True):
            total += n
            lines.append(f'supnorm_{name}_bucket{{le="{end}"}} {total}')
        return [*lines, f"supnorm_{name}_sum {self._seconds!r}", f"supnorm_{name}_count {total}"]


def _shadow(now: Standing) -> list[str]:
    lines = [
        *_single(
            "shadow_checks_total", "counter", "accepted rows that the reference has checked", now.checks
        ),
        *_single("shadow_above_total", "counter", "of these, rows with an error above the level", now.above),
        *_single(
            "shadow_unanswered_total",
            "counter",
            "drawn rows without a value of the reference",
            now.unanswered,
        ),
        *_single(
            "shadow_left_out_total", "counter", "drawn rows left out because too many waited", now.left_out
        ),
        *_single(
            "shadow_rate_lower",
            "gauge",
            "95 % lower limit of the rate above the level, valid at all times",
            now.low,
        ),
        *_single(
            "shadow_rate_upper",
            "gauge",
            "95 % upper limit of the rate above the level, valid at all times",
            now.high,
        ),
        *_single("shadow_rate_promised", "gauge", "the rate that the guard promises", now.risk),
        *_family(
            "shadow_status",
            "gauge",
            "1 for the word that holds: the promised rate is kept, undecided, exceeded",
        ),
    ]
    return lines + [f'supnorm_shadow_status{{word="{word}"}} {int(word == now.word)}' for word in WORDS]


def _family(name: str, kind: str, what: str) -> list[str]:
    return [f"# HELP supnorm_{name} {what}", f"# TYPE supnorm_{name} {kind}"]


def _single(name: str, kind: str, what: str, value: float) -> list[str]:
    return [*_family(name, kind, what), f"supnorm_{name} {value!r}"]
