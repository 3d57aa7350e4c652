"""The page explains the terms that it uses, from the one glossary."""

from __future__ import annotations

from pathlib import Path

import samples

from loadgen.report.page import page
from loadgen.report.terms import glossary, used

ROWS = [line for line in (Path(__file__).parents[2] / "docs" / "glossary.md").read_text("utf-8").splitlines()
        if line.startswith("| <a ")]  # fmt: skip


def test_the_whole_glossary_is_read_without_its_markup() -> None:
    assert 20 < len(glossary()) == len(ROWS) <= 40
    assert not any(mark in term.definition for term in glossary() for mark in ("](", "<a", "| "))


def test_a_term_is_found_in_text_and_not_in_tags() -> None:
    assert [term.name for term in used("<p title='Knee'>Two read replicas and their working sets.</p>")] == [
        "Read replica",
        "Working set",
    ]
    assert not used("<p>Nothing of the trade but a statement, <code>profile</code>.</p>")


def test_a_page_has_its_terms() -> None:
    html = page(samples.sweep())
    assert "<dt>Throughput</dt>" in html
    assert "<dt>Back-test</dt>" not in html
