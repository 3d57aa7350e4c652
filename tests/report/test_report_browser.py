"""The page in a real Chromium: charts have a size, the console is silent, nothing is fetched, nothing overflows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import samples
from browser import LOOKS, Browser, browser
from conftest import requires

from loadgen.report.page import RunPage, Subject, page

pytestmark = [pytest.mark.browser, pytest.mark.user]

PAGES: dict[str, tuple[Subject, int]] = {
    "plan": (samples.plan(), 11),
    "sweep": (samples.sweep(), 4),
    "run": (RunPage(samples.run(), samples.timeline()), 2),
    "fidelity": (samples.fidelity(), 10),
}
"""And how many charts each shows."""


@pytest.fixture(scope="module")
def tab() -> Iterator[Browser]:
    requires("chromium")
    with browser() as opened:
        yield opened


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=pytest.mark.ci if name == "fidelity" else ()) for name in PAGES]
)
def shown(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    subject, charts = PAGES[request.param]
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(page(subject), "utf-8")
    return path, charts


@pytest.mark.parametrize(("width", "dark"), [look[1:] for look in LOOKS], ids=[look[0] for look in LOOKS])
def test_page_is_whole(tab: Browser, shown: tuple[Path, int], width: int, dark: bool) -> None:
    path, charts = shown
    seen = tab.look(path, width=width, dark=dark)
    assert seen.faults() == ()
    assert len(seen.charts) == charts
    assert all(chart.label for chart in seen.charts)


def test_page_on_paper_keeps_its_charts(tab: Browser, shown: tuple[Path, int]) -> None:
    path, charts = shown
    assert len(tab.look(path, width=720, print_=True).charts) == charts


CHART = "<figure class=chart><svg width=300 height=200><path d='M0 0'/></svg></figure>"
BROKEN = {
    "console": f"{CHART}<script>nothing()</script>",
    "fetched": f"{CHART}<img src='missing.png'>",
    "chart ''": "<figure class=chart><svg width=300 height=0><path d='M0 0'/></svg></figure>",
    "0 of 0 charts": "<p>nothing drawn</p>",
    "wide in a window": "<figure class=chart><svg width=3000 height=200><path d='M0 0'/></svg></figure>",
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_page_is_caught(tab: Browser, tmp_path: Path, fault: str) -> None:
    """The check can fail: each kind of fault is reported."""
    path = tmp_path / "broken.html"
    path.write_text(f"<!doctype html><link rel=icon href='data:,'><body>{BROKEN[fault]}</body>", "utf-8")
    assert any(fault in line for line in tab.look(path).faults())
