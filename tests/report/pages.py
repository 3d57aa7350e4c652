"""What the tests of pages share."""

from __future__ import annotations

import re


def text_of(html: str) -> str:
    """The words of a page, tags and styles taken out, blanks joined."""
    body = re.sub(r"(?s)<style>.*?</style>|<[^>]+>", " ", html)
    return " ".join(body.split())
