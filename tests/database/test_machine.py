"""Memory settings follow from the machine, and the machine from its control groups."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadgen.database.machine import (
    GIB,
    MAX_CONNECTIONS,
    MIB,
    Machine,
    cgroup_memory_limit_bytes,
    server_settings,
    this_machine,
)

pytestmark = pytest.mark.user

MEMORY = ("shared_buffers", "effective_cache_size", "work_mem", "maintenance_work_mem")


def megabytes(settings: dict[str, str]) -> dict[str, int]:
    return {name: int(settings[name].removesuffix("MB")) for name in MEMORY}


@given(st.integers(128 * MIB, 512 * GIB), st.integers(1, 256))
def test_settings_fit_the_machine(ram_bytes: int, cores: int) -> None:
    settings = server_settings(Machine(ram_bytes, cores))
    memory = megabytes(settings)
    assert memory["shared_buffers"] * MIB <= ram_bytes / 4
    assert (
        memory["shared_buffers"] + memory["work_mem"] * MAX_CONNECTIONS
        <= max(ram_bytes / 2, ram_bytes / 4 + 800 * MIB) / MIB
    )
    assert int(settings["max_parallel_workers"]) == cores <= int(settings["max_worker_processes"])


@given(st.integers(128 * MIB, 64 * GIB), st.integers(0, 64 * GIB))
def test_more_memory_never_lowers_a_setting(ram_bytes: int, more: int) -> None:
    small, large = (megabytes(server_settings(Machine(ram, 2))) for ram in (ram_bytes, ram_bytes + more))
    assert all(small[name] <= large[name] for name in MEMORY)


def test_durability_is_on() -> None:
    settings = server_settings(Machine(8 * GIB, 4))
    assert {settings[name] for name in ("fsync", "full_page_writes", "synchronous_commit")} == {"on"}


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("groups", "files", "limit"),
    [
        ("0::/a/b", {"a/memory.max": "1000\n", "a/b/memory.max": "2000\n"}, 1000),
        ("0::/a", {"a/memory.max": "max\n"}, None),
        ("0::/", {}, None),
        ("4:cpu,memory:/box\n0::/", {"memory/box/memory.limit_in_bytes": "5000"}, 5000),
        ("4:memory:/box/in", {"memory/box/memory.limit_in_bytes": "7000"}, 7000),
        ("4:cpu:/box", {"cpu/box/memory.limit_in_bytes": "5000"}, None),
    ],
)
def test_the_tightest_control_group_counts(
    tmp_path: Path, groups: str, files: dict[str, str], limit: int | None
) -> None:
    for name, text in files.items():
        write(tmp_path / name, text)
    assert cgroup_memory_limit_bytes(groups, tmp_path) == limit


def test_this_machine_has_memory_and_a_core() -> None:
    machine = this_machine()
    assert machine.ram_bytes > 64 * MIB
    assert machine.cores >= 1
