"""A command that was interrupted, and what must be true of it; for the tests and for ``benchmarks.interrupts``."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

TOKEN = "LOADGEN_TEST_TOKEN"
_ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("LOADGEN_", "PG", "PYTEST_"))}
"""Taken once: threads that start commands would meet whoever changes it."""
GONE_S = 2.0
"""From the end of a command to that of what ends with it: multiprocessing's tracker reads the end of a pipe."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command in a directory of its own; its processes, and theirs, carry a token in their environment."""

    words: Sequence[str]
    cwd: Path
    environment: dict[str, str]
    token: str = field(default_factory=lambda: uuid4().hex)

    @property
    def all_environment(self) -> dict[str, str]:
        """The whole environment that it runs in."""
        return _ENVIRONMENT | self.environment | {TOKEN: self.token}

    def start(self) -> subprocess.Popen[str]:
        """Run it, in a process group of its own."""
        return subprocess.Popen(
            [sys.executable, *self.words] if self.words[0].endswith(".py") else self.words,
            env=self.all_environment,
            cwd=self.cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def processes(self) -> list[str]:
        """Command lines of those that carry the token, but for a server's, which is started to stay."""
        mark = f"{TOKEN}={self.token}".encode()
        lines = [_line(pid) for pid in _pids() if mark in _read(pid, "environ")]
        return [line for line in lines if not line.startswith("postgres")]

    def faults(self, code: int, stdout: str, stderr: str) -> list[str]:
        """What is not as it must be after an interruption."""
        faults = [] if code == 130 else [f"exit code {code}"]
        lines = stderr.splitlines()
        if sum(line.startswith("interrupted") for line in lines) != 1 or not lines[-1].startswith("interrupted"):
            faults.append("not one line for the end")
        faults += [f"{word} on stderr" for word in ("Traceback", "Exception ignored", "Error:") if word in stderr]
        if "--json" in self.words:
            try:
                if not re.fullmatch(r"loadgen\.\w+/\d+", json.loads(stdout)["format"]):
                    faults.append("a document of no format")
            except (ValueError, KeyError, TypeError):
                faults.append(f"not one document: {stdout[:80]!r}")
        return faults + self.leftovers()

    def leftovers(self) -> list[str]:
        """What is left half-written or still runs."""
        deadline = time.monotonic() + GONE_S
        while (processes := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.02)
        files = [f"left {path.relative_to(self.cwd)}" for path in self.cwd.rglob("*.partial")]
        return files + [f"still runs: {line}" for line in processes]


def _pids() -> list[str]:
    return [path.name for path in Path("/proc").iterdir() if path.name.isdigit() and int(path.name) != os.getpid()]


def _read(pid: str, name: str) -> bytes:
    try:
        return Path("/proc", pid, name).read_bytes()
    except OSError:
        return b""


def _line(pid: str) -> str:
    return _read(pid, "cmdline").replace(b"\0", b" ").decode(errors="replace").rsplit("/bin/", 1)[-1]
