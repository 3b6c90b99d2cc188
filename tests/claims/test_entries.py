"""The claims of this repository: each is whole, and those that can run here end as they ended before."""

from __future__ import annotations

import re
import runpy
import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import supnorm as sn
from supnorm.claims import entries
from supnorm.problem.problem_file import read_specification

FOLDER = Path(__file__).resolve().parents[2] / "claims"
FILES = {path.parent.name: path for path in entries(FOLDER)}
# These take more than two seconds of processor time: `make cases` runs them.
SLOW = {
    "acos-fast",
    "coolprop-bicubic-ph",
    "coolprop-bicubic-pt",
    "coolprop-svdsbtl",
    "emu-pk-camb",
    "if97-density",
    "jax-poisson-entropy",
    "scipy-hyp2f1",
    "vapour-pressure-bolton",
}
# `supnorm claim --all` runs them: the density of seawater takes half a minute or more for each box, and the others are
# the formula of `sine-3angle-3` with more terms.
LONG = {
    *(f"teos10-density-{top}" for top in (0, 500, 1250, 2500, 3750, 5000)),
    "sine-3angle-5",
    "sine-3angle-7",
    "sine-3angle-9",
}
LATER = [pytest.mark.slow, pytest.mark.extra]
RUN = [pytest.param(n, marks=LATER) if n in SLOW else n for n in FILES if n not in LONG]


@pytest.mark.whole
@pytest.mark.watched  # a proof that only tests accept is none
@pytest.mark.sampled(6)
@pytest.mark.parametrize("name", RUN)
def test_a_claim_ends_as_it_ended_before(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        claim = sn.Claim.open(FILES[name])
    if claim.problem is None:
        pytest.skip(f"not installed: {claim.installed}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of the code that is judged
        record = claim.test().record
    assert record.known is not None
    assert record.known.holds, (record.status, record.worst)
    if record.status.code == "refuted":
        assert record.worst is not None
        assert record.worst.confirmed


@pytest.mark.parametrize("name", FILES)
def test_a_claim_is_whole(name: str) -> None:
    """It names its verdict, and a refuted one has a second reference and a draft of a message."""
    spec = read_specification(FILES[name])
    words = spec.claim
    assert words is not None
    assert words.known is not None
    assert words.known.worst is not None
    assert spec.title
    if words.known.verdict == "refuted":
        assert spec.recheck is not None
        assert (FILES[name].parent / "notice.md").exists()
    if words.known.verdict == "proved":
        assert words.prove is not None
    for path in FILES[name].parent.glob("*"):
        assert path.suffix in (".toml", ".py", ".md") or path.name == "__pycache__", path


def test_the_list_has_every_claim_and_no_other() -> None:
    text = (FOLDER / "README.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| \[([\w-]+)\]\([\w-]+/claim\.toml\) \| ([a-z ]+) \|", text, re.MULTILINE))
    verdicts = {name: read_specification(path).claim.known.verdict for name, path in FILES.items()}  # type: ignore[union-attr]
    assert {name: verdict.replace(" ", "-") for name, verdict in rows.items()} == verdicts


def test_the_list_is_the_one_that_the_claim_files_give() -> None:
    listed = runpy.run_path(str(FOLDER / "listed.py"))
    assert (FOLDER / "README.md").read_text("utf-8").endswith(listed["rows"]()), (
        "python claims/listed.py writes it"
    )
    relative = {
        "claim": {"published": "2 %", "known": {"worst": [0.038, 0.041]}},
        "error": {"kind": "relative"},
    }
    assert listed["_found"](relative) == "3.8 % to 4.1 %"  # in the unit of the published number
    scaled = {
        "claim": {"published": "-1 to 2 K", "known": {"worst": [1.2, 1.3]}},
        "error": {"kind": "function"},
    }
    assert listed["_found"](scaled) == "1.2 to 1.3 times the limit"
    cold = {
        "claim": {"published": "25 mK", "known": {"worst": [0.1, 0.23]}},
        "error": {"tolerance": 0.0255},
        "model": {"output_units": ["K"]},
    }
    assert listed["_found"](cold) == "100 to 230 mK"
    assert listed["_limit"](cold) == "25.5 mK"


def test_seawater_that_can_be_read_is_that_of_the_package() -> None:
    gsw = pytest.importorskip("gsw")
    water = runpy.run_path(str(FOLDER / "shared/teos10.py"))
    rng = np.random.default_rng(1)
    salinity, t, p = (rng.uniform(low, high, 20_000) for low, high in ((0.0, 42.0), (-3.0, 40.0), (0.0, 1e4)))
    s = np.sqrt(salinity)
    assert np.allclose(water["density"](s, t, p), gsw.rho_t_exact(salinity, t, p), rtol=1e-14, atol=0.0)
    warmth = gsw.CT_from_pt(salinity, t)
    assert np.allclose(water["conservative"](s, t), warmth, rtol=0.0, atol=1e-12)
    assert np.allclose(water["fitted"](s, warmth, p), gsw.rho(salinity, warmth, p), rtol=1e-14, atol=0.0)
    start = water["surface"](np.column_stack([s, t]))
    lapse, growth = water["sinking"](0.0, np.column_stack(start), np.column_stack([s, t]))
    exact = 1e4 * gsw.adiabatic_lapse_rate_from_CT(salinity, warmth, 0.0)  # a dbar is 1e4 Pa
    assert np.allclose(lapse, exact, rtol=1e-11, atol=0.0)
    assert np.allclose(growth, 1e4 * start[1] * gsw.kappa_t_exact(salinity, t, 0.0), rtol=1e-11, atol=0.0)


def test_the_boxes_of_seawater_cover_the_oceanographic_funnel() -> None:
    """The funnel of gsw_infunnel (GSW-Matlab 3.06), in potential temperature."""
    gsw = pytest.importorskip("gsw")
    names = sorted((n for n in FILES if n.startswith("teos10-density-")), key=lambda n: int(n.split("-")[2]))
    domains = [sn.Claim.open(FILES[name]).problem.domain for name in names]  # type: ignore[union-attr]
    boxes = [dict(zip(domain.names, domain.axes, strict=True)) for domain in domains]
    assert [box["p"].low for box in boxes] == [int(name.split("-")[2]) for name in names]
    assert all(above["p"].high == below["p"].low for above, below in pairwise(boxes))
    assert (boxes[0]["p"].low, boxes[-1]["p"].high) == (0.0, 8000.0)
    for box in boxes:
        top = box["p"].low
        least = max(0.0, 5e-3 * top - 2.5)
        assert box["s"].low ** 2 <= least
        assert box["s"].high ** 2 >= 42.0
        salinity = np.linspace(least, 42.0, 2000)
        coldest = gsw.pt_from_CT(salinity, gsw.CT_freezing(salinity, 500.0, 1.0))
        assert box["theta"].low <= coldest.min()
        warmest = 31.66666666666667 - 3.333333333333334e-3 * top if top > 0 else 39.0
        assert box["theta"].high >= gsw.pt_from_CT(salinity, np.full(2000, warmest)).max()
