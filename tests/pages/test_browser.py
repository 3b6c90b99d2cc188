"""The page in a real browser: nothing is fetched or overflows, all is labelled and works by keyboard.

Skipped where there is no Chromium.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.pages.cases import CASES, record
from tests.pages.test_terminal import COMPARED

from supnorm.pages import write_comparison, write_page

CHROMIUM = next(
    (p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None
)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
    pytest.mark.slow,
]
NAMES = ["d1", "d2", "d3", "d8", "d20"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pages")
    for name in CASES:
        write_page(record(name), path / f"{name}.html")
    write_comparison(COMPARED, path / "compare.html")
    return path


class Tab:
    """One open page and everything it complained about or asked for."""

    def __init__(self, browser: Any, file: Path, width: int = 1280, scheme: str = "light") -> None:
        self.context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(file.as_uri())

    def __enter__(self) -> Any:
        return self.page

    def __exit__(self, *_: object) -> None:
        fetched = [u for u in self.requests[1:] if not u.startswith("data:")]
        self.context.close()
        assert self.complaints == []
        assert fetched == []


MARKS = """() => [...document.querySelectorAll('svg[role=img]')].filter(svg => svg.getClientRects().length)
  .filter(svg => !svg.querySelector('path[d^=M],rect[width]:not(.frame,.nodata),image,circle'))
  .map(svg => svg.getAttribute('aria-label'))"""
UNLABELLED = """() => [...document.querySelectorAll('svg')]
  .filter(svg => svg.getAttribute('aria-hidden') !== 'true' && !svg.getAttribute('aria-label')).length"""
DOUBLE = """() => { const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
  return ids.filter((id, i) => ids.indexOf(id) !== i) }"""
DEAD = """() => [...document.querySelectorAll('a[href^="#"]')].map(a => a.getAttribute('href').slice(1))
  .filter(id => !document.getElementById(id))"""
SMALL = """() => [...document.querySelectorAll('svg text')].filter(t => t.getClientRects().length)
  .filter(t => {
    const svg = t.ownerSVGElement, zoom = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
    return parseFloat(getComputedStyle(t).fontSize) * zoom < 10.5 })
  .map(t => t.ownerSVGElement.getAttribute('aria-label'))"""


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", [*NAMES, "compare"])
def test_sound(browser: Any, folder: Path, name: str, width: int) -> None:
    with Tab(browser, folder / f"{name}.html", width) as page:
        assert page.evaluate("document.querySelectorAll('svg[role=img]').length") > 0
        assert page.evaluate(MARKS) == []
        assert page.evaluate(UNLABELLED) == 0
        assert page.evaluate(DOUBLE) == []
        assert page.evaluate(DEAD) == []
        assert page.evaluate(SMALL) == []
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


VISIBLE = "kind => [...document.querySelectorAll('.' + kind)].filter(e => e.getClientRects().length).length"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_theme_shows_its_own_pictures(browser: Any, folder: Path, scheme: str) -> None:
    other = {"light": "dark", "dark": "light"}[scheme]
    with Tab(browser, folder / "d2.html", scheme=scheme) as page:
        assert page.evaluate(VISIBLE, f"only-{scheme}") > 0
        assert page.evaluate(VISIBLE, f"only-{other}") == 0
        page.click("#theme")
        assert page.evaluate(VISIBLE, f"only-{scheme}") == 0
        assert page.evaluate(VISIBLE, f"only-{other}") > 0


def test_contrast_of_text(browser: Any, folder: Path) -> None:
    luminance = """() => { const of = c => { const [r, g, b] = c.match(/[\\d.]+/g).map(v => v / 255)
      .map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126*r + .7152*g + .0722*b };
      const back = of(getComputedStyle(document.body).backgroundColor);
      return ['p', 'h1 b', '.dim', '.kick', 'nav a', 'dd'].map(s => {
        const e = document.querySelector('main ' + s) || document.querySelector(s);
        const ink = of(getComputedStyle(e).color);
        return (Math.max(ink, back) + .05) / (Math.min(ink, back) + .05) }) }"""
    for scheme in ("light", "dark"):
        with Tab(browser, folder / "d2.html", scheme=scheme) as page:
            assert min(page.evaluate(luminance)) >= 4.5


def test_close_up_switch(browser: Any, folder: Path) -> None:
    for name in ("d1", "d8"):
        with Tab(browser, folder / f"{name}.html") as page:
            assert page.is_visible(".full svg >> nth=0")
            assert not page.is_visible(".close svg >> nth=0")
            page.check("input[value=close]", force=True)
            assert page.is_visible(".close svg >> nth=0")
            assert not page.is_visible(".full svg >> nth=0")


def test_read_out_by_keys_and_pointer(browser: Any, folder: Path) -> None:
    with Tab(browser, folder / "d2.html") as page:
        chart = page.locator("#where .full svg[data-hover]").first
        chart.focus()
        page.keyboard.press("ArrowRight")
        first = page.inner_text("#tip")
        assert "model" in first
        assert "T" in first.split()
        page.keyboard.press("PageDown")
        assert page.inner_text("#tip") != first
        assert page.inner_text("#say").startswith("T ")
        assert "error" in page.inner_text("#say")
        page.keyboard.press("Escape")
        assert not page.is_visible("#tip")
        chart.hover(position={"x": 200, "y": 60})
        assert page.is_visible("#tip")


def test_terms_explain_themselves(browser: Any, folder: Path) -> None:
    with Tab(browser, folder / "d2.html") as page:
        page.hover(".lead .term[data-term=rms]")
        assert "Root-mean-square" in page.inner_text("#tip")


def test_numbers_of_a_chart_open(browser: Any, folder: Path) -> None:
    with Tab(browser, folder / "d3.html") as page:
        table = page.locator("#spread details.numbers").first
        table.locator("summary").click()
        assert table.locator("tbody tr").count() > 3
        assert page.is_visible("#spread details.numbers table >> nth=0")


def test_reads_without_scripts(browser: Any, folder: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((folder / "d2.html").as_uri())
    assert page.is_visible("h1")
    assert page.is_visible("#where svg >> nth=0")
    assert page.is_visible("#words dl")
    context.close()


def test_prints_in_few_pages(browser: Any, folder: Path) -> None:
    with Tab(browser, folder / "d8.html") as page:
        pdf = page.pdf(format="Letter")
    assert 3 <= pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") + pdf.count(b"/Type/Page/") <= 12


def test_not_blank(browser: Any, folder: Path) -> None:
    import io

    import numpy as np
    from PIL import Image

    for scheme in ("light", "dark"):
        with Tab(browser, folder / "d2.html", scheme=scheme) as page:
            shot = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("L")
        pixels = np.asarray(shot)
        ground = np.bincount(pixels.ravel()).argmax()
        assert (int(ground) > 200) == (scheme == "light")
        assert 0.03 < (np.abs(pixels.astype(int) - int(ground)) > 60).mean() < 0.6


ERRORS = "[...document.querySelectorAll('table.points tbody td:first-child')].map(td => +td.dataset.v)"


def test_the_table_of_points_is_sorted_by_a_click_and_by_keyboard(browser: Any, folder: Path) -> None:
    with Tab(browser, folder / "d3.html") as page:
        first = page.evaluate(ERRORS)
        assert first == sorted(first, reverse=True)
        page.click("table.points th:nth-child(2) button")
        assert sorted(page.evaluate(ERRORS)) == sorted(first)
        x = page.evaluate(
            "[...document.querySelectorAll('table.points td:nth-child(2)')].map(td => +td.dataset.v)"
        )
        assert x == sorted(x, reverse=True)
        page.focus("table.points th:first-child button")
        page.keyboard.press("Enter")
        assert page.evaluate(ERRORS) == first
        page.keyboard.press("Enter")
        assert page.evaluate(ERRORS) == first[::-1]
        assert page.get_attribute("table.points th:first-child", "aria-sort") == "ascending"


@pytest.mark.parametrize("width", [1280, 390])
def test_the_theme_switch_is_in_sight(browser: Any, folder: Path, width: int) -> None:
    with Tab(browser, folder / "d8.html", width) as page:
        box = page.locator("#theme").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
