"""The site of the documents: it builds without a warning, no link is dead, and nothing is loaded from elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[2]
LOADED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}


class Page(HTMLParser):
    """Anchors, links, what is loaded, and paragraphs of one page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.paragraph: str | None = None
        self.lost: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {key: value or "" for key, value in attrs}
        self.anchors |= {values[key] for key in ("id", "name") if key in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag in LOADED and LOADED[tag] in values and values.get("rel") != "canonical":
            self.loaded.append(values[LOADED[tag]])
        if tag == "p":
            self.paragraph = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "p" and self.paragraph is not None:
            lines = self.paragraph.splitlines()
            self.lost += [
                line for line in lines if line.lstrip().startswith(("* ", "- ", "| ", ">>>", "```"))
            ]
            self.paragraph = None

    def handle_data(self, data: str) -> None:
        if self.paragraph is not None:
            self.paragraph += data


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Page]:
    """The pages of the site by their files."""
    pytest.importorskip("mkdocs")
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src"), "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return {path: Page(path.read_text(encoding="utf-8")) for path in folder.rglob("*.html")}


@pytest.mark.slow
@pytest.mark.xdist_group("site")
def test_no_link_of_the_site_is_dead(site: dict[Path, Page]) -> None:
    dead = []
    for path, page in site.items():
        if path.name == "404.html":  # is shown at any address: its links begin at the root
            continue
        for link in page.links + page.loaded:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            if not target.is_file():
                dead.append(f"{path.name}: {link}")
            elif parts.fragment and target in site and unquote(parts.fragment) not in site[target].anchors:
                dead.append(f"{path.name}: {link}: no such place")
    assert not dead, "\n".join(dead)
    assert len(site) > 40


@pytest.mark.slow
@pytest.mark.xdist_group("site")
def test_the_site_loads_nothing_from_other_addresses(site: dict[Path, Page]) -> None:
    elsewhere = {link for page in site.values() for link in page.loaded if urlsplit(link).netloc}
    assert not elsewhere


@pytest.mark.slow
@pytest.mark.xdist_group("site")
def test_no_list_table_or_code_was_taken_for_a_paragraph(site: dict[Path, Page]) -> None:
    lost = [f"{path.name}: {line[:80]}" for path, page in site.items() for line in page.lost]
    assert not lost, "\n".join(lost)


@pytest.mark.slow
@pytest.mark.xdist_group("site")
def test_every_public_name_and_every_verb_has_its_place(site: dict[Path, Page]) -> None:
    from typer.main import get_command

    import supnorm
    from supnorm.cli.main import app

    def anchors(name: str) -> set[str]:
        return {a for path, page in site.items() if name in path.as_posix() for a in page.anchors}

    described = {anchor.rsplit(".", 1)[-1] for anchor in anchors("/reference/python/")}
    assert {name for name in supnorm.__all__ if not name.startswith("_")} <= described
    assert set(get_command(app).commands) <= anchors("/reference/command-line")


def test_every_document_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    pages = [path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")]
    missing = [page for page in pages if f"- {page}\n" not in navigation]
    assert not missing, f"add to nav of mkdocs.yml: {', '.join(missing)}"


def test_what_is_lost_would_be_seen() -> None:
    assert Page("<p>Three kinds:\n* one</p>").lost == ["* one"]
    assert Page('<a id="b" href="a.html#c">x</a><img src="http://x/y.png">').loaded == ["http://x/y.png"]
