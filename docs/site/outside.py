"""Pages of the site that stand outside of docs/ in the repository, and the links between all of them.

README.md is the home page. A link in a page is one of the repository; it becomes one of the site, and a file that is no
page (a claim.toml) is copied to where the link points.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
PAGES = {  # in the repository: in the site
    "README.md": "index.md",
    **{
        name: name
        for name in (
            "CHANGELOG.md", "CONTRIBUTING.md", "examples/README.md", "examples/notebooks/README.md", "claims/README.md",
            "benchmarks/README.md", "benchmarks/budget/README.md",
        )
    },
}  # fmt: skip
SITE = {site: repository for repository, site in PAGES.items()}
FENCE = re.compile(r"(^```.*?^```[^\n]*$|`[^`\n]+`)", re.M | re.S)
LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)#\s]*)(?=[)#])")
MARK = re.compile(r"<!--.*?-->", re.S)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages outside of docs/, and what they link to."""
    for repository, site in PAGES.items():
        text = (ROOT / repository).read_text(encoding="utf-8")
        files.append(File.generated(config, site, content=text))
        for target in targets(text, repository):
            if target not in PAGES and not target.startswith("docs/") and target not in files.src_uris:
                files.append(File.generated(config, target, abs_src_path=str(ROOT / target)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Take the marks of stored results out, which begin lines of tables, and point the links into the site."""
    here = page.file.src_uri
    repository = SITE.get(here, f"docs/{here}")

    def moved(link: re.Match[str]) -> str:
        target = resolved(link[1], repository)
        site = PAGES.get(target, target.removeprefix("docs/"))
        return posixpath.relpath(site, posixpath.dirname(here) or ".")

    parts = FENCE.split(markdown)
    parts[::2] = [LINK.sub(moved, MARK.sub("", part)) for part in parts[::2]]
    return "".join(parts)


def targets(text: str, repository: str) -> set[str]:
    """The files of the repository that a page links to.

    Raises:
        PluginError: for a link to a file that does not exist.
    """
    found = {resolved(link, repository) for part in FENCE.split(text)[::2] for link in LINK.findall(part)}
    if missing := sorted(target for target in found if not (ROOT / target).is_file()):
        raise PluginError(f"{repository} links to files that do not exist: {', '.join(missing)}")
    return found


def resolved(link: str, repository: str) -> str:
    """The place of a link in the repository."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(repository), link))
