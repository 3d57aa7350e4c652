"""Terms of the glossary that a page uses, so that it explains itself to whom it is handed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

_ROW: Final = re.compile(r'\| <a id="[\w-]+"></a>(?P<name>[^|]+) \| (?P<definition>[^|]+) \|')
_LINK: Final = re.compile(r"\[([^\]]+)\]\([^)]+\)")
_MARKUP: Final = re.compile(r"<code>.*?</code>|<[^>]+>")


@dataclass(frozen=True, slots=True)
class Term:
    """A term and its definition, whose code is in backticks."""

    name: str
    definition: str

    def occurs_in(self, text: str) -> bool:
        """True if ``text`` has the term, singular or plural."""
        return re.search(rf"\b{re.escape(self.name)}s?\b", text, re.IGNORECASE) is not None


@cache
def glossary() -> tuple[Term, ...]:
    """Terms of ``docs/glossary.md``, in its order, without their links."""
    text = (files("loadgen.report") / "glossary.md").read_text("utf-8")
    return tuple(Term(row["name"], _LINK.sub(r"\1", row["definition"]).strip()) for row in _ROW.finditer(text))


def used(html: str) -> tuple[Term, ...]:
    """Terms that the text of ``html`` uses; names in code are not text."""
    text = _MARKUP.sub(" ", html)
    return tuple(term for term in glossary() if term.occurs_in(text))
