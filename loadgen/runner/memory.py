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
        return f"{ending} (by somebody, or by the kernel for lack of memory)"
    if after > before:
        return f"{ending} (likely for lack of memory: the kernel ended {after - before} processes for it meanwhile)"
    return f"{ending} (by somebody: the kernel ended no process for lack of memory meanwhile)"
