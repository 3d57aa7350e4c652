"""Part of benchmarks/engine.py: the memory of a master and of a worker, second by second."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from statistics import median
from typing import Final

import orjson
import psutil

from benchmarks.engine_sides import Load, Run, of_record, run_command
from loadgen.database.target import Target

_SPARE_S: Final = 120.0


@dataclass
class Memory:
    """Proportional set size of a process with its children, 10^6 bytes, while the load lasts and while it is summed up.

    Samples of the load begin when a fifth of them is over: until then caches fill.
    """

    load_mb: list[float] = field(default_factory=list)
    after_mb: list[float] = field(default_factory=list)

    def growth(self) -> dict[str, float]:
        """The last tenth of the load over the first, and the most that came after it."""
        inside = self.load_mb[len(self.load_mb) // 5 :]
        tenth = max(len(inside) // 10, 1)
        early, late = median(inside[:tenth]), median(inside[-tenth:])
        return {
            "early_mb": round(early, 1), "late_mb": round(late, 1), "ratio": round(late / early, 3),
            "summing_up_mb": round(max(self.after_mb, default=late), 1),
        }  # fmt: skip


def watched(target: Target, load: Load, every_s: float) -> tuple[Run, dict[str, Memory]]:
    """Run ``load`` from a worker of a master, both here; what they had. Raises RuntimeError if it fails or hangs."""
    port = 5557 + os.getpid() % 1000
    environment = os.environ | target.environment()
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        master = subprocess.Popen(
            [*run_command(load), "--master", "--bind-host", "127.0.0.1", "--bind-port", str(port), "--json",
             "--results-dir", directory],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        worker = subprocess.Popen(
            [*run_command(load)[:5], "--worker", "--master-host", "127.0.0.1", "--master-port", str(port)],
            env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        said = _Said(master)
        printed = _Printed(master)
        memory = {"master": Memory(), "worker": Memory()}
        try:
            deadline = time.monotonic() + load.warmup_s + load.measure_s + _SPARE_S
            while master.poll() is None:
                if time.monotonic() > deadline:
                    raise RuntimeError("the run did not end")
                for name, process in (("master", master), ("worker", worker)):
                    found = _pss_mb(process)
                    if found is not None:
                        (memory[name].after_mb if said.drained.is_set() else memory[name].load_mb).append(found)
                time.sleep(every_s)
            worker.wait(timeout=60)
        finally:
            for process in (master, worker):
                if process.poll() is None:
                    process.terminate()
        said.join(10.0)
        printed.join(10.0)
    if not printed.text:
        raise RuntimeError(f"the master failed: {' '.join(said.lines[-5:])}")
    return of_record(orjson.loads(printed.text)), memory


def _pss_mb(process: subprocess.Popen[str]) -> float | None:
    """None: it ended meanwhile."""
    try:
        parent = psutil.Process(process.pid)
        return float(sum(p.memory_full_info().pss for p in (parent, *parent.children(recursive=True))) / 1e6)
    except psutil.Error:
        return None


class _Said(threading.Thread):
    """Hears what a master says of its run's phases."""

    def __init__(self, master: subprocess.Popen[str]) -> None:
        super().__init__(daemon=True)
        self._master = master
        self.lines: list[str] = []
        self.drained = threading.Event()
        self.start()

    def run(self) -> None:
        assert self._master.stderr is not None
        for line in self._master.stderr:
            self.lines.append(line.strip())
            if line.rstrip().endswith(": drain"):
                self.drained.set()


class _Printed(threading.Thread):
    """Reads what a master prints: its record is longer than a pipe."""

    def __init__(self, master: subprocess.Popen[str]) -> None:
        super().__init__(daemon=True)
        self._master = master
        self.text = ""
        self.start()

    def run(self) -> None:
        assert self._master.stdout is not None
        self.text = self._master.stdout.read()
