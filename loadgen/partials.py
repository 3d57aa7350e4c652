"""Files and directories that appear whole or not at all: written under a hidden name, then renamed.

Their writer holds the kernel's lock (flock) on them, which ends with the process, however that ends; a process id could
be reused, or belong to another container. A partial file without a lock was left by a killed process, and the next
writer removes it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import glob
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from loadgen import interrupts


@contextlib.contextmanager
def replacing(path: Path, *, directory: bool = False) -> Iterator[Path]:
    """A hidden partial file to write to. It replaces ``path`` when the block succeeds, and is removed if it fails.

    Raises OSError. A ``directory`` can only replace an empty one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for leftover in leftovers(path.parent, f".{glob.escape(path.name)}.*.partial"):
        remove(leftover)
        report(f"removed {leftover}, left incomplete by a process that was killed")
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with held(partial, Path.mkdir if directory else Path.touch, remove):
        yield partial
        partial.replace(path)


@contextlib.contextmanager
def held(partial: Path, make: Callable[[Path], None], discard: Callable[[Path], None]) -> Iterator[None]:
    """Create ``partial`` and hold its lock; discard it if it still exists at the end of the block."""
    with contextlib.ExitStack() as stack:
        with interrupts.deferred():
            stack.callback(os.close, _made_and_locked(partial, make))
            stack.enter_context(interrupts.cleanup(lambda: discard(partial) if partial.exists() else None))
        yield


def leftovers(directory: Path, pattern: str) -> Iterator[Path]:
    """Matching paths that no process holds; each is locked while the caller handles it."""
    for path in sorted(directory.glob(pattern)):
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except OSError:  # removed meanwhile, or owned by another user
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # a process is writing it, or locks do not work here
            continue
        else:
            yield path
        finally:
            os.close(descriptor)


def remove(path: Path) -> None:
    """Remove a file or a directory, if it exists."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def report(line: str) -> None:
    """Print a progress line to stderr."""
    print(line, file=sys.stderr, flush=True)


def _made_and_locked(partial: Path, make: Callable[[Path], None]) -> int:
    while True:
        make(partial)
        try:
            descriptor = os.open(partial, os.O_RDONLY)
        except FileNotFoundError:
            continue  # removed as a leftover before it was locked
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.EOPNOTSUPP, errno.EBADF):
                os.close(descriptor)
                raise
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), partial.stat()):
                return descriptor
        os.close(descriptor)
