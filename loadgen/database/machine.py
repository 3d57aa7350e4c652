"""The machine that a server runs on, and the memory settings derived from it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

MIB = 1024**2
GIB = 1024**3

MAX_CONNECTIONS = 200
"""Room for a sweep past any knee of a laptop, without the cost of thousands of slots in snapshots."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Memory and cores that this process may use, within its control group and CPU affinity."""

    ram_bytes: int
    cores: int


def this_machine() -> Machine:
    """The machine as this process sees it; the tightest control-group limit counts."""
    import psutil

    groups = Path("/proc/self/cgroup")
    limit = cgroup_memory_limit_bytes(groups.read_text()) if groups.exists() else None
    ram_bytes = psutil.virtual_memory().total
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Machine(ram_bytes=min(ram_bytes, limit or ram_bytes), cores=affinity)


def cgroup_memory_limit_bytes(proc_self_cgroup: str, root: Path = Path("/sys/fs/cgroup")) -> int | None:
    """The tightest memory limit of this process in bytes, of either cgroup version; None without one.

    ``proc_self_cgroup`` is the text of ``/proc/self/cgroup``: lines of ``hierarchy:controllers:path``.
    """
    limits: list[int] = []
    for line in proc_self_cgroup.splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            base, name = root, "memory.max"
        elif "memory" in controllers.split(","):
            base, name = root / "memory", "memory.limit_in_bytes"
        else:
            continue
        group = base / path.lstrip("/")
        for directory in (group, *group.parents):
            if not directory.is_relative_to(base):
                break
            try:
                limits.append(int((directory / name).read_text()))
            except (OSError, ValueError):  # no such file in this group, or "max"
                continue
    return min(limits, default=None)


def server_settings(machine: Machine) -> dict[str, str]:
    """PostgreSQL's settings for a machine that the server shares with the load generator.

    ``shared_buffers`` is a quarter of memory, as the manual advises for a dedicated server, up to 8 GiB: beyond that
    the operating system's cache serves a laptop better. ``effective_cache_size`` is the half that is then likely to be
    cached. ``work_mem`` lets every connection sort once in a further quarter. Durability stays at its defaults, on:
    a load against a server that may lose data says nothing about one that may not.
    """
    ram_mib = machine.ram_bytes // MIB
    workers = max(8, machine.cores)
    return {
        "max_connections": str(MAX_CONNECTIONS),
        "shared_buffers": f"{_clamp(ram_mib // 4, 32, 8 * 1024)}MB",
        "effective_cache_size": f"{max(64, ram_mib // 2)}MB",
        "work_mem": f"{_clamp(ram_mib // 4 // MAX_CONNECTIONS, 4, 64)}MB",
        "maintenance_work_mem": f"{_clamp(ram_mib // 16, 32, 1024)}MB",
        "max_worker_processes": str(workers),
        "max_parallel_workers": str(machine.cores),
        "max_parallel_workers_per_gather": str(min(2, machine.cores)),
        "shared_preload_libraries": "pg_stat_statements",
        "track_io_timing": "on",
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
    }


def _clamp(value: int, low: int, high: int) -> int:
    return max(low, min(value, high))
