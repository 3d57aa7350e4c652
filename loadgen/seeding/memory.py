"""Settings of the allocator for freed memory."""

from __future__ import annotations

import ctypes
import os
from typing import Final

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_LARGEST_BLOCK: Final = 32 << 20
"""Size in bytes from which glibc maps each block separately; the largest value that it accepts."""
_KEPT: Final = 256 << 20


def keep_freed_memory() -> None:
    """Keep freed memory for the next part, which needs as much, instead of returning it to the system.

    The system fills each new page with zeros, which takes a sixth of a part's time. Does nothing
    where the C library is not glibc, or the user has set its variables.
    """
    if any(name.startswith("MALLOC_") for name in os.environ):
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # TypeError: Windows
        return
    mallopt(_M_MMAP_THRESHOLD, _LARGEST_BLOCK)
    mallopt(_M_TRIM_THRESHOLD, _KEPT)
