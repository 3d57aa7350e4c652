"""Kills by the kernel's out-of-memory killer on this machine."""

from __future__ import annotations

from pathlib import Path


def oom_kills(vmstat: Path = Path("/proc/vmstat")) -> int | None:
    """Count the OOM kills since boot; None if this system does not count them."""
    try:
        lines = vmstat.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), None)


def with_cause(ending: str | None, before: int | None, after: int | None) -> str | None:
    """Add the likely reason to the ending of a killed process; ``before`` and ``after`` the run: :func:`oom_kills`."""
    if ending is None or "SIGKILL" not in ending:
        return ending
    if before is None or after is None:
        return f"{ending} (by a user or the kernel's OOM killer)"
    if after > before:
        return f"{ending} (probably by the kernel's OOM killer; OOM kills during the run: {after - before})"
    return f"{ending} (not by the kernel's OOM killer: no OOM kill during the run)"
