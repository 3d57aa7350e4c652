"""Machines that are network namespaces of this one, each joined to the first by a cable that can be cut."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from conftest import requires_that

_NUMBERS = itertools.count()


@dataclass(frozen=True)
class Machines:
    """``names[0]`` is the hub; the n-th other reaches it at 10.99.n.1."""

    names: tuple[str, ...]

    def command(self, machine: int, *arguments: str) -> list[str]:
        """A command line that runs on one of them."""
        return ["ip", "netns", "exec", self.names[machine], *arguments]

    def hub_address(self, machine: int) -> str:
        return f"10.99.{machine}.1"

    def cut(self, machine: int) -> None:
        """Take the cable of one out; nobody is told."""
        _ip("-n", self.names[0], "link", "set", f"to{machine}", "down")

    def join(self, machine: int) -> None:
        """Put the cable back."""
        _ip("-n", self.names[0], "link", "set", f"to{machine}", "up")


@contextmanager
def machines(others: int) -> Iterator[Machines]:
    """A hub and so many others; removed at the end. The test is skipped where they cannot be made."""
    requires_that("namespaces", os.geteuid() == 0 and shutil.which("ip") is not None, "root and iproute2 make them")
    mark = f"lg{os.getpid()}x{next(_NUMBERS)}"
    made = Machines(tuple(f"{mark}m{n}" for n in range(others + 1)))
    try:
        for name in made.names:
            _ip("netns", "add", name)
            _ip("-n", name, "link", "set", "lo", "up")
        for n, name in enumerate(made.names[1:], 1):
            _ip("-n", made.names[0], "link", "add", f"to{n}", "type", "veth", "peer", "name", "hub", "netns", name)
            for where, device, address in ((made.names[0], f"to{n}", 1), (name, "hub", 2)):
                _ip("-n", where, "address", "add", f"10.99.{n}.{address}/24", "dev", device)
                _ip("-n", where, "link", "set", device, "up")
        yield made
    finally:
        for name in made.names:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, timeout=20)
