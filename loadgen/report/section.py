"""What a page is made of: a section is a heading, an anchor and HTML rendered from a template."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, wraps

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from loadgen.report import numbers

_FILTERS = (
    numbers.count,
    numbers.date,
    numbers.due,
    numbers.interval,
    numbers.interval_range,
    numbers.milliseconds,
    numbers.moment,
    numbers.month,
    numbers.number,
    numbers.percentile,
    numbers.quantity,
    numbers.seconds,
    numbers.share,
    numbers.size,
    numbers.size_interval,
)


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the page; ``nav`` is its short name in the page's own navigation."""

    anchor: str
    nav: str
    title: str
    html: Markup


def section(anchor: str, nav: str, title: str, template: str, **values: object) -> Section:
    """A section from ``templates/<template>.html``."""
    return Section(anchor, nav, title, render(template, **values))


def render(template: str, **values: object) -> Markup:
    """A template filled with ``values``; whatever they hold as text is escaped."""
    text = _environment().get_template(f"{template}.html").render(**values)
    return Markup(text)


def _unbroken(function: Callable[..., str]) -> Callable[..., str]:
    """The same text, with no line break between a number and its unit."""

    @wraps(function)
    def unbroken(*values: object) -> str:
        return re.sub(r"(?<=[\d)]) (?=(%|ms|s|B|[KMGTP]iB)\b|%)", "\u00a0", function(*values))

    return unbroken


def prose(text: str) -> Markup:
    """A record's sentence, with what stands between backticks as code."""
    parts = str(escape(text)).split("`")
    if len(parts) % 2 == 0:
        return Markup("`".join(parts))
    return Markup("".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts)))


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("loadgen.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    functions = {function.__name__: _unbroken(function) for function in _FILTERS}
    made.filters |= functions | {"prose": prose}
    made.globals |= functions  # a macro takes one as an argument
    return made
