"""A page seen by a real Chromium: its console, its charts' boxes, and pictures of it.

``python tests/browser.py PAGE.html`` prints what it saw and exits 1 when the console complained, something was
fetched, a chart is missing or empty, or the page is wider than the window. ``--screenshots DIR`` keeps pictures.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import itertools
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import websocket

FLAGS: Final = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--enable-logging=stderr",
    "--remote-debugging-port=0",
    "--remote-allow-origins=*",
)
PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")
START_S: Final = 60.0
ANSWER_S: Final = 60.0

# What the page looks like once laid out; an element that is not displayed has no box and is left out.
_MEASURE: Final = """
(() => {
  const boxes = [...document.querySelectorAll('figure.chart svg:not(.mark)')]
    .map(e => [e.getAttribute('aria-label') || '', e.getBoundingClientRect(),
      e.querySelectorAll('path, line, text').length])
    .filter(([, box]) => box.width || box.height)
    .map(([label, box, marks]) => ({label, width: box.width, height: box.height, marks}));
  const figures = [...document.querySelectorAll('figure.chart')].length;
  return JSON.stringify({
    title: document.title, figures, charts: boxes, headings: [...document.querySelectorAll('h2')].map(e => e.innerText),
    width: document.documentElement.scrollWidth, window: window.innerWidth,
    text: document.body.innerText, html: document.documentElement.outerHTML
  });
})()
"""


def chromium() -> str | None:
    """The browser's program, or None where this machine has none."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


@dataclass(frozen=True)
class Chart:
    """A chart that is displayed, in CSS pixels."""

    label: str
    width: float
    height: float
    marks: int


@dataclass(frozen=True)
class Seen:
    """What a browser saw of a page."""

    title: str
    headings: tuple[str, ...]
    figures: int
    charts: tuple[Chart, ...]
    console: tuple[str, ...]
    requests: tuple[str, ...]
    """Every address asked for but the page itself and ``data:``."""
    page_width: float
    window_width: float
    text: str
    html: str

    def faults(self) -> tuple[str, ...]:
        """Everything that a reader would count as broken."""
        found = [f"console: {line}" for line in self.console]
        found += [f"fetched: {address}" for address in self.requests]
        found += [
            f"chart {chart.label!r} is {chart.width:.0f} × {chart.height:.0f} with {chart.marks} marks"
            for chart in self.charts
            if chart.width < 100 or chart.height < 40 or not chart.marks
        ]
        if not self.figures or len(self.charts) != self.figures:
            found.append(f"{len(self.charts)} of {self.figures} charts are displayed")
        if self.page_width > self.window_width:
            found.append(f"the page is {self.page_width:.0f} wide in a window of {self.window_width:.0f}")
        return tuple(found)


class Browser:
    """One tab of a headless Chromium, spoken to by the DevTools protocol."""

    def __init__(self, address: str) -> None:
        self._socket = websocket.create_connection(address, timeout=ANSWER_S)
        self._ids = itertools.count(1)
        self._session: str | None = None
        self._events: list[dict[str, Any]] = []
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{domain}.enable")

    def close(self) -> None:
        self._socket.close()

    def look(
        self, page: Path, *, width: int = 1280, height: int = 900, dark: bool = False, print_: bool = False
    ) -> Seen:
        """Open a file in a window of that size and measure it once it is laid out."""
        self._call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", media="print" if print_ else "", features=[scheme])
        self._events.clear()
        address = page.resolve().as_uri()
        self._call("Page.navigate", url=address)
        self._await("Page.loadEventFired")
        answer = self._call("Runtime.evaluate", expression=_MEASURE, awaitPromise=True)
        seen = json.loads(answer["result"]["value"])
        return Seen(
            title=seen["title"],
            headings=tuple(seen["headings"]),
            figures=seen["figures"],
            charts=tuple(Chart(**chart) for chart in seen["charts"]),
            console=tuple(self._console()),
            requests=tuple(self._requests(address)),
            page_width=seen["width"],
            window_width=seen["window"],
            text=seen["text"],
            html=seen["html"],
        )

    def screenshot(self, path: Path) -> None:
        """The whole page as last looked at, as a PNG."""
        size = self._call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        data = self._call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)["data"]
        path.write_bytes(base64.b64decode(data))

    def pdf(self, path: Path) -> None:
        """The page on paper."""
        data = self._call("Page.printToPDF", printBackground=False, preferCSSPageSize=True)["data"]
        path.write_bytes(base64.b64decode(data))

    def _call(self, method: str, **parameters: object) -> dict[str, Any]:
        number = next(self._ids)
        message: dict[str, object] = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._socket.send(json.dumps(message))
        while True:
            answer = self._receive()
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                result: dict[str, Any] = answer["result"]
                return result

    def _await(self, event: str) -> None:
        deadline = time.monotonic() + ANSWER_S
        while not any(seen["method"] == event for seen in self._events):
            if time.monotonic() > deadline:
                raise TimeoutError(f"no {event} within {ANSWER_S:g} s")
            self._receive()

    def _receive(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self._socket.recv())
        if "method" in message:
            self._events.append(message)
        return message

    def _console(self) -> Iterator[str]:
        """Errors and warnings, whoever raised them."""
        for event in self._events:
            found = event["params"]
            if event["method"] == "Runtime.consoleAPICalled" and found["type"] in {"error", "warning", "assert"}:
                yield " ".join(str(value.get("value", value.get("description"))) for value in found["args"])
            elif event["method"] == "Runtime.exceptionThrown":
                yield str(found["exceptionDetails"]["text"])
            elif event["method"] == "Log.entryAdded" and found["entry"]["level"] in {"error", "warning"}:
                yield str(found["entry"]["text"])

    def _requests(self, page: str) -> Iterator[str]:
        for event in self._events:
            if event["method"] == "Network.requestWillBeSent":
                address = str(event["params"]["request"]["url"])
                if address != page and not address.startswith("data:"):
                    yield address


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """A Chromium of its own, with a new profile, ended and removed afterwards."""
    program = chromium()
    if program is None:
        raise FileNotFoundError("no Chromium on this machine; install the package chromium")
    # Its helpers may still write into the profile while they end.
    with tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True) as profile:
        log = Path(profile) / "stderr"
        with log.open("wb") as stderr:
            process = subprocess.Popen(
                [program, *FLAGS, f"--user-data-dir={profile}/profile", "about:blank"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
            )
        try:
            tab = Browser(_address(process, log))
            try:
                yield tab
            finally:
                tab.close()
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    """Where the browser listens, read from what it says at its start."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        said = log.read_text(errors="replace")
        if found := re.search(r"DevTools listening on (ws://\S+)", said):
            return found[1]
        if process.poll() is not None:
            raise RuntimeError(f"Chromium ended with {process.returncode}: {said[-800:]}")
        time.sleep(0.05)
    raise TimeoutError(f"Chromium did not listen within {START_S:g} s")


LOOKS: Final = (
    ("desktop-light", 1280, False),
    ("desktop-dark", 1280, True),
    ("phone-light", 390, False),
    ("phone-dark", 390, True),
)


def main() -> int:
    """Look at a page in every way a reader may, and say what was seen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path)
    parser.add_argument("--screenshots", type=Path, metavar="DIR")
    arguments = parser.parse_args()
    if not arguments.page.is_file():
        parser.error(f"{arguments.page} is not a file")
    faults = 0
    with browser() as tab:
        for name, width, dark in LOOKS:
            seen = tab.look(arguments.page, width=width, dark=dark)
            print(f"{name}: {seen.title!r}, {len(seen.headings)} sections, {len(seen.charts)} charts")
            for chart in seen.charts:
                print(f"  {chart.width:4.0f} × {chart.height:3.0f}  {chart.label}")
            for fault in seen.faults():
                faults += 1
                print(f"  FAULT {fault}")
            if arguments.screenshots:
                arguments.screenshots.mkdir(parents=True, exist_ok=True)
                tab.screenshot(arguments.screenshots / f"{name}.png")
    print("no faults" if not faults else f"{faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
