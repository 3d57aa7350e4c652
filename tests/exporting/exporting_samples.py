"""Scenarios to export, and what pgbench says of their scripts."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

HEAD = """
\"\"\"A scenario of the tests.\"\"\"
from loadgen.engine.scenario import PostgresUser, Transaction, draw

"""


def debugged(done: subprocess.CompletedProcess[str]) -> list[int]:
    """What a script's ``debug()`` printed."""
    assert done.returncode == 0, done.stderr
    return [int(number) for number in re.findall(r"debug\(.*\): int (-?\d+)", done.stderr)]


def processed(output: str) -> dict[str, int]:
    """Transactions by script's file name, from pgbench's summary."""
    found = re.findall(r"SQL script \d+: (\S+)\n(?:.*\n)*?.*actually processed: (\d+)", output)
    return {Path(name).stem: int(count) for name, count in found}


def scenario(directory: Path, python: str, sql: str) -> Path:
    """A scenario ``mine`` with its statements."""
    (directory / "mine.py").write_text(HEAD + python)
    (directory / "mine.sql").write_text(sql)
    return directory / "mine.py"
