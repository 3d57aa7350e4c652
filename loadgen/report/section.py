"""What a page is made of: a section is a heading, an anchor and HTML rendered from a template."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from loadgen.report import numbers

_FILTERS = (
    numbers.at_least,
    numbers.count,
    numbers.date,
    numbers.due,
    numbers.interval,
    numbers.interval_range,
    numbers.milliseconds,
    numbers.milliseconds_interval,
    numbers.moment,
    numbers.month,
    numbers.number,
    numbers.quantity,
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


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("loadgen.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    functions = {function.__name__: function for function in _FILTERS}
    made.filters |= functions
    made.globals |= functions  # a macro takes one as an argument
    return made
