"""Templates, style sheet and script of the package, and the menu common to all pages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from supnorm.results.printable import printable

# A number and its unit in bold, as in the headline.
_UNIT = re.compile(r"(<b>[^<]*[0-9⁰-⁹]) ([^<\s]{1,12}</b>)")


@cache
def environment() -> Environment:
    """The templates: everything is escaped, a missing name is an error."""
    loader = PackageLoader("supnorm.pages")
    return Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def render(template: str, values: Mapping[str, Any]) -> str:
    """A whole page from a template and its values; a line never breaks inside a number.

    Bidirectional and control characters of names and messages are shown as escapes: what is read is what is there.
    """
    package = files("supnorm.pages")
    own = {name: Markup((package / f"page.{name}").read_text("utf-8")) for name in ("css", "js")}
    html = environment().get_template(template).render(**own, **values)
    html = html.replace(" × 10", "\u00a0×\u00a010")
    html = re.sub(
        r"<h1.*?</h1>", lambda title: _UNIT.sub("\\1\u00a0\\2", title[0]), html, count=1, flags=re.DOTALL
    )
    return printable(re.sub(r"(?<=[0-9⁰-⁹]) %", "\u00a0%", html))
