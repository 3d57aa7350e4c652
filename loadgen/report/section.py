"""Sections of a page: heading, anchor, and HTML rendered from a template."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, wraps

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from capacity import formatting
from loadgen.report import dates
from loadgen.runs.format.latency import Latency

_FILTERS = (
    formatting.count,
    dates.date,
    dates.due,
    formatting.interval,
    formatting.interval_range,
    formatting.milliseconds,
    dates.moment,
    dates.month,
    formatting.number,
    Latency.percentile_text,
    formatting.quantity,
    formatting.seconds,
    formatting.share,
    formatting.size,
    formatting.size_interval,
)


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the page; ``nav`` is its short name in the page's own navigation."""

    anchor: str
    nav: str
    title: str
    html: Markup


def section(anchor: str, nav: str, title: str, template: str, **values: object) -> Section:
    """Render a section from ``templates/<template>.html``."""
    return Section(anchor, nav, title, render(template, **values))


def render(template: str, **values: object) -> Markup:
    """Render a template with ``values``, escaping their text."""
    text = _environment().get_template(f"{template}.html").render(**values)
    return Markup(text)


def _unbroken(function: Callable[..., str]) -> Callable[..., str]:
    """Prevent line breaks between numbers and units."""

    @wraps(function)
    def unbroken(*values: object) -> str:
        return re.sub(r"(?<=[\d)]) (?=(%|ms|s|min|h|B|[kMGTP]B)\b|%)", "\u00a0", function(*values))

    return unbroken


def prose(text: str) -> Markup:
    """Render a record's sentence, with text in backticks as code."""
    parts = str(escape(text)).split("`")
    if len(parts) % 2 == 0:
        return Markup("`".join(parts))
    return Markup("".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts)))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("loadgen.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    functions = {function.__name__: _unbroken(function) for function in _FILTERS}
    environment.filters |= functions | {"prose": prose}
    environment.globals |= functions  # a macro takes a function as an argument
    return environment
