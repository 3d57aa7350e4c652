"""Interrupt commands at random moments: ``python -m benchmarks.interrupts [CASES] [SEED]`` (500 and 1 by default).

Each case draws a command, a signal and a moment of the command's life, from that on at which its first line has been
carried out (before, Python itself is starting, and nothing of this tool is there to hear a signal). What must be true
afterwards is what the tests look at, see ``tests/interruptions.py``; a command that was through before the signal came
must have ended as if there had been none.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import orjson

from benchmarks.bench import HERE, database, facts, keep, say, server
from loadgen.database.connect import connect
from loadgen.database.embedded import Instance
from loadgen.settings import Settings
from tests.interruptions import Command

USERS: Final = "300"
COMMANDS: Final[Mapping[str, str]] = {
    "seed": "seed --users 2000",
    "run": "run dashboard --users 2 --rate 100 --ramp 0s --warmup 0s --duration 3s",
    "sweep": "sweep dashboard --think --levels 1,2 --repeats 1 --ramp 0s --warmup 0s --duration 1s",
    "demo": f"demo --users {USERS} --duration 1s",
    "plan": "plan --history h.csv",
    "forecast": "forecast h.csv",
    "fidelity": "fidelity --report p.html --export x.csv",
    "profile": "profile --output p.json",
    "calibrate": "calibrate --scenario dashboard",
    "report": "report {sweep}",
}
LONGEST_S: Final = 20.0
"""Of a command's life, what is drawn from: the demo's begins anew with the next scenario then."""
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
TIMEOUT_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Case:
    """What was drawn, and what came of it. ``end_s``: from the signal to the end; ``starts_s``: of Python itself."""

    verb: str
    signal: str
    at_s: float
    starts_s: float
    outcome: str
    end_s: float
    last_line: str
    faults: tuple[str, ...]


def main() -> None:
    """Carry out the cases, print their counts and every failure, keep the raw output."""
    cases, seed = (int(word) for word in (*sys.argv[1:], *("500", "1")[len(sys.argv) - 1 :]))
    rng = random.Random(seed)
    with _Bench() as bench:
        lasts_s = {verb: bench.case(verb, None, 0.0).end_s for verb in COMMANDS if verb != "demo"}
        outcomes: list[Case] = []
        for number in range(cases):
            verb, sent = rng.choice(list(COMMANDS)), rng.choice(SIGNALS)
            outcomes.append(bench.case(verb, sent, rng.uniform(0.0, lasts_s.get(verb, LONGEST_S))))
            if outcomes[-1].faults:
                say(f"{number}: {outcomes[-1]}")
        described = bench.facts()
    _show(outcomes)
    document = {"seed": seed, "lasts_s": lasts_s, "cases": [asdict(case) for case in outcomes]}
    keep(HERE / "interrupts" / "random.json", described | document)


class _Bench:
    """A server, a database with a few users, and two sweeps of it. A context manager."""

    def __enter__(self) -> _Bench:
        self._stack = ExitStack()
        self._server = self._stack.enter_context(server())
        self._filled = self._stack.enter_context(database(self._server))
        self._root = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        self._end(f"seed --users {USERS} --as-of 2026-06-30 --json")
        for scenario in ("dashboard", "montecarlo"):
            swept = self._end(f"sweep {scenario} --levels 1,2,4 --repeats 2 --duration 5s --warmup 1s --json")
            self._sweep = str(orjson.loads(swept)["id"])
        rows = (f"{2023 + month // 12}-{month % 12 + 1:02d}-28,{4000 + 900 * month}" for month in range(24))
        (self._root / "h.csv").write_text("\n".join(("date,value", *rows)))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def facts(self) -> dict[str, object]:
        return facts(self._server)

    def case(self, verb: str, sent: signal.Signals | None, at_s: float) -> Case:
        """One command, interrupted ``at_s`` after it has begun; not at all for no signal."""
        with ExitStack() as stack:
            here = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
            shutil.copytree(self._root, here, dirs_exist_ok=True)
            here.chmod(0o755)  # the server's account has to pass it
            environment = {"LOADGEN_STATE_DIR": str(here)}
            if verb == "demo":  # on a server of its own, whose making is a part of it
                stack.callback(Instance.from_settings(Settings(state_dir=here, instance="demo")).delete)
            else:
                target = stack.enter_context(database(self._server)) if verb == "seed" else self._filled
                environment |= target.environment()
            words = COMMANDS[verb].format(sweep=self._sweep).split()
            command = Command([sys.executable, "-m", "loadgen", *words, "--json"], here, environment)
            return self._interrupted(verb, command, sent, at_s)

    def _interrupted(self, verb: str, command: Command, sent: signal.Signals | None, at_s: float) -> Case:
        process = command.start()
        began = time.monotonic()
        while process.poll() is None and not _hears(process.pid):
            time.sleep(0.001)
        begun = signalled = time.monotonic()
        if sent is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(at_s)
            signalled = time.monotonic()
            with contextlib.suppress(ProcessLookupError):  # a terminal's signals go to all of the group
                (os.kill if sent is signal.SIGTERM else os.killpg)(process.pid, sent)
        stdout, stderr = process.communicate(timeout=TIMEOUT_S)
        end_s = time.monotonic() - signalled
        lines = stderr.splitlines() or [""]
        if process.returncode in (0, 1, 4) and not lines[-1].startswith("interrupted"):
            outcome, faults = "through before", command.leftovers()
        else:
            outcome, faults = "interrupted", command.faults(process.returncode, stdout, stderr)
            if any(line.endswith(": measure") for line in lines) and "the record is in" not in lines[-1]:
                faults.append("what was measured is not kept")
        with connect(self._server, autocommit=True) as conn:
            left = conn.execute("SELECT datname FROM pg_database WHERE datname LIKE '%\\_work'").fetchall()
        faults += [f"left database {name}" for (name,) in left]
        return Case(
            verb, sent.name if sent else "", round(at_s, 3), round(begun - began, 3), outcome, round(end_s, 3),
            lines[-1].replace(str(command.cwd), "…"), tuple(faults),
        )  # fmt: skip

    def _end(self, line: str) -> str:
        environment = os.environ | self._filled.environment()
        command = [sys.executable, "-m", "loadgen", *line.split()]
        ended = subprocess.run(command, cwd=self._root, env=environment, capture_output=True, text=True, check=False)
        return ended.stdout


def _hears(pid: int) -> bool:
    """Whether a process has a handler for SIGTERM: Python has none of its own."""
    try:
        status = Path("/proc", str(pid), "status").read_text()
    except OSError:
        return False
    caught = next((line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")), "0")
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)


def _show(cases: Sequence[Case]) -> None:
    counts = Counter((case.verb, case.outcome) for case in cases)
    for verb in COMMANDS:
        of_verb = [case.end_s for case in cases if case.verb == verb and case.outcome == "interrupted"]
        slowest = f", at the longest {max(of_verb):.1f} s from the signal to the end" if of_verb else ""
        say(f"{verb:<10} {counts[verb, 'interrupted']} interrupted, {counts[verb, 'through before']} through{slowest}")
    starts_ms = 1000 * statistics.median(case.starts_s for case in cases)
    say(f"{sum(bool(case.faults) for case in cases)} of {len(cases)} with faults; Python starts in {starts_ms:.0f} ms")


if __name__ == "__main__":
    main()
