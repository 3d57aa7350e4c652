"""Whether the kernel ended processes of this machine for lack of memory."""

from __future__ import annotations

from pathlib import Path


def oom_kills(vmstat: Path = Path("/proc/vmstat")) -> int | None:
    """How many processes it has ended so far. None: this system does not say."""
    try:
        lines = vmstat.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), None)


def with_cause(ending: str | None, before: int | None, after: int | None) -> str | None:
    """How a process ended, with the likely reason where it was killed; ``before`` and ``after`` it: oom_kills()."""
    if ending is None or "SIGKILL" not in ending:
        return ending
    if before is None or after is None:
        return f"{ending} (by a user or the kernel's OOM killer)"
    if after > before:
        return f"{ending} (probably by the kernel's OOM killer; OOM kills during the run: {after - before})"
    return f"{ending} (not by the kernel's OOM killer: no OOM kill during the run)"
