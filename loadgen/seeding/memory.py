"""What the allocator does with memory that was freed."""

from __future__ import annotations

import ctypes
import os
from typing import Final

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_LARGEST_BLOCK: Final = 32 << 20
"""From which on glibc maps each block by itself; it takes no larger number."""
_KEPT: Final = 256 << 20


def keep_freed_memory() -> None:
    """Keep what is freed for the next part, as large as this one, instead of giving it back and getting it again.

    Each page that comes from the system is filled with zeros first: a sixth of the time that a part takes. Does nothing
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
