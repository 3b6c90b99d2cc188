"""The service: each row has its own answer, limits hold, and a flagged row never gets the bare model's value."""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import supnorm as sn
from supnorm.guarding.shadow import ShadowChecks
from supnorm.serving import Limits, Service

pytest.importorskip("fastapi")
from benchmarks.guard.asgi import Reply, ask
from benchmarks.guard.fuzz import fuzz
from benchmarks.guard.models import CENTRE, bump, bump_guard, bump_problem
from benchmarks.guard.serve import bursts, served

from supnorm.serving.app import app_of
from supnorm.serving.reading import Refused, read_points

pytestmark = pytest.mark.xdist_group("line guard")  # with the other tests of the guard of `benchmarks.guard`

NEAR = [float(v) for v in CENTRE]


def asked(
    service: Service, method: str, path: str, body: Any = b"", token: str | None = None, **more: Any
) -> Reply:
    text = body if isinstance(body, bytes | list) else json.dumps(body).encode()
    return asyncio.run(ask(app_of(service, token), method, path, text, **more))


@pytest.fixture
def service() -> Service:
    return Service(bump_guard())


def test_each_row_gets_the_answer_that_it_gets_alone(service: Service) -> None:
    rows = [
        [0.0, 0.5],
        NEAR,
        [7.0, 0.0],
        [0.1, float("nan")],
        [None, 0.0],
        [0.0],
        "row",
        [True, 0.1],
        [10**400, 0.0],
    ]
    reply = asked(service, "POST", "/predict", {"x": rows})
    assert reply.code == 200
    answer = reply.json
    assert answer["flag"] == [0, 1, 1, 2, 2, 2, 2, 2, 2]
    assert answer["y"][0] == bump_problem().model.value(np.array([[0.0, 0.5]]))[0].tolist()
    assert answer["y"][1] == bump(np.array([NEAR])).tolist()
    assert answer["y"][3:] == [[None]] * 6
    assert answer["reason"][1].startswith("glitch:")
    assert answer["reason"][2:] == [
        "outside",
        "not finite: y",
        "not a number: x",
        "not a row of 2 numbers",
        "not a row of 2 numbers",
        "not a number: x",
        "not finite: x",
    ]
    assert answer["estimate"][0] > 0.0
    assert answer["estimate"][1:] == [None] * 8


def test_columns_are_taken_by_the_names_of_the_inputs(service: Service) -> None:
    by_name = asked(service, "POST", "/predict", {"x": {"y": [0.5, -0.2], "x": [0.0, 0.3]}}).json
    assert by_name == asked(service, "POST", "/predict", {"x": [[0.0, 0.5], NEAR]}).json


def test_the_guard_alone_gives_no_values_and_calls_no_reference() -> None:
    def never(x: Any) -> Any:
        raise AssertionError

    service = Service(bump_guard().with_reference(sn.Function(never)))
    answer = asked(service, "POST", "/guard", {"x": [[0.0, 0.5], NEAR]}).json
    assert answer["flag"] == [0, 2]
    assert "y" not in answer


def test_a_reference_that_is_down_gives_null_and_503_and_never_the_model() -> None:
    def down(x: Any) -> Any:
        raise ConnectionError("down")

    service = Service(bump_guard().with_reference(sn.Function(down)))
    mixed = asked(service, "POST", "/predict", {"x": [[0.0, 0.5], NEAR]})
    assert (mixed.code, mixed.json["flag"], mixed.json["y"][1]) == (200, [0, 2], [None])
    alone = asked(service, "POST", "/predict", {"x": [NEAR, [None, 1.0]]})
    assert (alone.code, alone.json["flag"], alone.json["y"]) == (503, [2, 2], [[None], [None]])
    assert asked(service, "POST", "/predict", {"x": [NEAR], "fallback": False}).code == 200
    assert "supnorm_reference_failures_total 2" in service.counters()


def test_a_reference_that_hangs_is_given_up_and_a_model_that_hangs_too() -> None:
    go = threading.Event()

    def slow(x: Any) -> Any:
        go.wait(60)
        return bump(x)[:, None]

    guard = replace(bump_guard().with_reference(sn.Function(slow)), patience=0.1)
    reply = asked(Service(guard), "POST", "/predict", {"x": [[0.0, 0.5], NEAR]})
    assert (reply.code, reply.json["flag"]) == (200, [0, 2])
    hanging = replace(bump_guard(), model=sn.Function(slow))
    reply = asked(Service(hanging, Limits(seconds=0.2)), "POST", "/predict", {"x": [[0.0, 0.5]]})
    assert (reply.code, "within 0.2 s" in reply.json["error"]) == (503, True)
    go.set()


def test_a_model_of_another_shape_is_an_error_and_no_answer() -> None:
    other = replace(bump_guard(), model=sn.Function(lambda x: np.zeros((len(x), 2))))
    reply = asked(Service(other), "POST", "/predict", {"x": [[0.0, 0.5]]})
    assert reply.code == 503
    assert "returned shape (1, 2)" in reply.json["error"]


def test_limits_of_rows_bytes_and_time() -> None:
    service = Service(bump_guard(), Limits(rows=3, body=300, reading=0.1))
    assert asked(service, "POST", "/predict", {"x": [[0.0, 0.0]] * 3}).code == 200
    assert asked(service, "POST", "/predict", {"x": [[0.0, 0.0]] * 4}).code == 413
    assert asked(service, "POST", "/predict", {"x": {"x": [0.0] * 4, "y": [0.0] * 4}}).code == 413
    assert asked(service, "POST", "/predict", [b"[" * 200, b"[" * 200]).code == 413
    assert asked(service, "POST", "/predict", b"{}", headers={"content-length": "301"}).code == 413
    assert asked(service, "POST", "/predict", b'{"x"', ends=False).code == 408


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "no JSON"),
        (b"[1]", "must be an object"),
        (b'{"x": 1}', "x must be a list of rows of 2 numbers"),
        (b'{"x": {"x": [1]}}', "x lacks y; x must be"),
        (b'{"x": {"x": [1], "Y": [1]}}', "x has 'Y', which is no input"),
        (b'{"x": {"x": [1], "y": 1}}', "y in x is no list"),
        (b'{"x": {"x": [1], "y": [1, 2]}}', "the same length, got 1 and 2"),
        (b'{"x": [], "model": "other"}', "the body has 'model'"),
        (b'{"x": [], "fallback": 1}', "fallback must be true or false"),
        (b'{"x": [[0, 0]], "x": [[1, 1]]}', "the body has 'x' twice"),
        (b'{"x": {"y": [0], "x": [0], "x": [1]}}', "the body has 'x' twice"),
        (b"[" * 100_000, "nested too deeply"),
        (b"\xff\xfe{", "no JSON"),
    ],
)
def test_what_is_no_request_is_refused_with_its_reason(service: Service, body: bytes, words: str) -> None:
    reply = asked(service, "POST", "/predict", body)
    assert reply.code == 400
    assert words in reply.json["error"]


def test_a_number_of_thousands_of_digits_spoils_its_own_row_alone(service: Service) -> None:
    reply = asked(service, "POST", "/predict", b'{"x": [[-' + b"9" * 10_000 + b", 1], [0, 0.5]]}")
    assert reply.code == 200
    assert reply.json["flag"] == [2, 0]
    assert reply.json["reason"][0] == "not finite: x"


@pytest.mark.parametrize(("path", "code"), [("/nowhere", 404), ("/predict", 405)])
def test_an_address_that_is_none_is_answered_as_every_fault_is(
    service: Service, path: str, code: int
) -> None:
    reply = asked(service, "GET", path)
    assert reply.code == code
    assert reply.json["error"].endswith(f"GET {path}; /docs lists the requests")


def test_a_token_is_demanded_of_everything_but_health(service: Service) -> None:
    for path in ("/metrics", "/guard", "/docs", "/", "/openapi.json", "/nowhere"):
        assert asked(service, "GET", path, token="secret-token").code == 401
    assert asked(service, "GET", "/health", token="secret-token").json == {"status": "ok", "fallback": True}
    wrong = asked(
        service, "POST", "/predict", {"x": []}, token="secret-token", headers={"authorization": "Bearer x"}
    )
    assert wrong.code == 401
    assert wrong.headers["www-authenticate"] == "Bearer"
    for scheme, code in (("Bearer", 200), ("bearer", 200), ("BEARER ", 200), ("Basic", 401), ("", 401)):
        given = {"authorization": f"{scheme} secret-token", "host": "example.org"}
        assert asked(service, "POST", "/predict", {"x": []}, token="secret-token", headers=given).code == code


def test_a_body_that_is_declared_as_compressed_is_refused(service: Service) -> None:
    for coding, code in (("gzip", 415), ("identity, br", 415), ("identity", 200), ("Identity", 200)):
        reply = asked(service, "POST", "/predict", {"x": []}, headers={"content-encoding": coding})
        assert reply.code == code


def test_a_page_of_a_browser_cannot_use_a_service_of_this_machine(service: Service) -> None:
    """By a name that its owner points to this machine, or by a form, which cannot say that it sends JSON."""
    assert asked(service, "POST", "/predict", {"x": []}, headers={"host": "evil.example:8000"}).code == 421
    assert asked(service, "POST", "/predict", {"x": []}, headers={"content-type": "text/plain"}).code == 415


def test_metrics_are_those_of_the_requests(service: Service) -> None:
    asked(service, "POST", "/predict", {"x": [[0.0, 0.5], NEAR, [0.1, None]]})
    asked(service, "GET", "/nowhere")
    text = asked(service, "GET", "/metrics").body.decode()
    for line in (
        'supnorm_requests_total{path="/predict",code="200"} 1',
        'supnorm_requests_total{path="other",code="404"} 1',
        "supnorm_rows_total 3",
        "supnorm_rows_accepted_total 1",
        "supnorm_rows_fallback_total 1",
        "supnorm_rows_refused_total 1",
        'supnorm_rows_flagged_total{reason="glitch"} 1',
        'supnorm_rows_flagged_total{reason="not a number"} 1',
        "supnorm_reference_failures_total 0",
        'supnorm_request_seconds_bucket{le="+Inf"} 2',
        "supnorm_request_seconds_count 2",
    ):
        assert line in text.splitlines(), line
    for line in text.splitlines():  # the format of Prometheus
        assert re.fullmatch(
            r'# (HELP|TYPE) supnorm_\w+ .+|supnorm_\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? [0-9.e+-]+', line
        ), line


def test_the_page_and_the_document_need_no_other_machine(service: Service) -> None:
    page = asked(service, "GET", "/docs")
    assert page.code == 200
    assert page.headers["content-type"].startswith("text/html")
    text = page.body.decode()
    assert re.findall(r'(?:src|href)="([^"#]+)"', text) == ["openapi.json"]
    addresses = re.findall(r"\w+://[^\s'\"<]+", text)
    assert {a for a in addresses if not a.startswith("http://www.w3.org/")} == {"http://ADDRESS/predict"}
    document = asked(service, "GET", "/openapi.json").json
    assert set(document["paths"]) == {"/predict", "/guard", "/health", "/metrics"}
    for path in document["paths"]:
        assert path in text
    assert "POST /predict" in text


def test_what_is_known_of_the_guard_is_told(service: Service) -> None:
    told = asked(service, "GET", "/guard").json
    assert told["record"] == json.loads(service.guard.record.to_json())
    assert "confidence" in told["promise"]


def test_accepted_rows_are_checked_by_the_reference(tmp_path: Path) -> None:
    problem, guard = bump_problem(), bump_guard()
    checks = ShadowChecks(guard, lambda y, f, x: problem.error(y, f, x)[0], tmp_path / "guard.shadow", 1.0, 0)
    service = Service(guard, shadow=checks)
    asked(service, "POST", "/predict", {"x": [[0.0, 0.5], NEAR, [0.5, 0.5], [9.0, 9.0]]})
    checks.close()
    text = service.counters()
    assert "supnorm_shadow_checks_total 2" in text
    assert 'supnorm_shadow_status{word="WARN"} 1' in text
    assert len((tmp_path / "guard.shadow").read_text().splitlines()) == 3


@pytest.mark.slow
def test_fuzzed_requests_never_end_in_500() -> None:
    """``python -m benchmarks.guard fuzz`` sends 10,000."""
    codes, rows = asyncio.run(fuzz(bump_guard(), 400, 1))
    assert sum(codes.values()) == 400
    assert set(codes) >= {200, 400, 404, 405, 413, 415}
    assert rows > 500


@pytest.mark.slow
def test_under_load_every_accepted_row_is_checked_and_no_answer_waits_for_that(tmp_path: Path) -> None:
    """A live service with shadow checks of all accepted rows: 400 requests of 100 rows from 20 threads."""
    with served(tmp_path, shadow=1.0) as (process, port):
        found = bursts(process, port, clients=20, requests=20, size=100)
    assert found["answers"] == 400
    assert found["wrong"] == 0
    assert found["accepted"] > 20_000
    assert found["checked"] == found["accepted"]
    assert found["megabytes"] < 150
    written = (tmp_path / "guard.shadow").read_text().splitlines()
    assert len(written) == 1 + found["checked"] - found["left_out"]


def test_answers_go_before_shadow_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reference that takes one call at a time has some thousand rows to check: an answer waits for 64 of them at most."""
    # A busy machine may let an answer wait for seconds.
    monkeypatch.setattr("supnorm.guarding.patient.LATER", 60.0)
    calls: list[int] = []
    begun, go = threading.Event(), threading.Event()

    def reference(x: Any) -> Any:
        calls.append(len(x))
        begun.set()
        go.wait(60)
        return bump(x)[:, None]

    guard = bump_guard().with_reference(sn.Function(reference))
    checks = threading.Thread(target=guard.reference_values, args=(np.zeros((6400, 2)), True))
    checks.start()
    assert begun.wait(60)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(guard.reference_values, np.full((500, 2), 0.5))
        assert guard._patient is not None
        while not guard._patient._asking:
            time.sleep(0.001)
        go.set()
        assert np.isfinite(answer.result(60)).all()
    checks.join()
    assert calls == [64, 500] + [64] * 99


def test_what_waits_for_shadow_checks_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a reference that hangs, rows beyond the limit are left out and counted."""
    monkeypatch.setattr("supnorm.guarding.shadow.WAITING", 10)
    go = threading.Event()

    def hanging(x: Any) -> Any:
        go.wait(60)
        return bump(x)[:, None]

    guard = bump_guard().with_reference(sn.Function(hanging))
    checks = ShadowChecks(guard, lambda y, f, x: np.abs(y - f)[:, 0], tmp_path / "guard.shadow", 1.0, 0)
    x = np.full((4, 2), 0.5)
    y, flag = bump(x)[:, None], np.zeros(4, dtype=np.int64)
    for _ in range(5):
        checks.offer(x, y, flag)
    assert checks.standing().left_out == 12
    go.set()
    checks.close(60)
    assert checks.standing().checks == 8


def test_points_are_read_like_numpy_reads_them() -> None:
    rows = np.random.default_rng(0).normal(size=(50, 3))
    points = read_points(json.dumps({"x": rows.tolist()}).encode(), ("a", "b", "c"), 50)
    assert np.array_equal(points.x, rows)
    assert points.faults == {}
    with pytest.raises(Refused, match="at most 49"):
        read_points(json.dumps({"x": rows.tolist()}).encode(), ("a", "b", "c"), 49)
